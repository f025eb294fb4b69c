/* All of libcardea.
 *
 *   bytes.h           how inputs and outputs travel
 *   status.h          how functions answer
 *   key.h             keys that sign and verify: JWK, JWKS, PEM
 *   verifier.h        token + keys + policy -> verified claims
 *   signer.h          claims -> signed token
 *   jwe.h             encrypted tokens
 *   paseto.h          PASETO v4
 *   session_cookie.h  the session cookie of a Cardea service, out of a Cookie header
 *   checker.h         credential + a Cardea service's verification table -> who is calling
 *   replica.h         the same table on another host, filled from the service's feed
 *   csrf.h            CSRF tokens bound to a session
 *   version.h         which version
 *
 * The library keeps no state of its own: no configuration, no clock (times are arguments), no thread, no signal
 * handler, no file, no environment, no output, and no socket but the one by which a checker maps the table of a service
 * on the same host (cardea_checker_connect). Randomness comes from the kernel. Objects are made by
 * cardea_…_new or _read and freed by cardea_…_free, for which NULL is safe. Every function takes NULL for any pointer
 * without harm: CARDEA_E_USAGE, or what its comment says.
 *
 * Objects that a comment calls immutable may be used by any number of threads at once; free when none uses them. All
 * others belong to one thread at a time.
 *
 * It depends on libcrypto (OpenSSL 3) and libsodium. libsodium is initialised when the first key is made, OpenSSL
 * initialises itself; a program that uses either for itself is not disturbed.
 */
#ifndef CARDEA_CARDEA_H
#define CARDEA_CARDEA_H

#include "cardea/bytes.h"
#include "cardea/checker.h"
#include "cardea/csrf.h"
#include "cardea/jwe.h"
#include "cardea/key.h"
#include "cardea/paseto.h"
#include "cardea/replica.h"
#include "cardea/session_cookie.h"
#include "cardea/signer.h"
#include "cardea/status.h"
#include "cardea/verifier.h"
#include "cardea/version.h"

#endif
