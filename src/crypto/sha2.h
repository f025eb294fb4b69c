/* SHA-256 and SHA-512 states as plain memory, private to crypto/: for agreement.c, cbc_mac.c,
 * digest.c, hmac.c and mac.c alone.
 *
 * OpenSSL 3 deprecates these functions in favour of EVP, whose state is an opaque heap object. We keep them, here and
 * nowhere else, because a state that is a plain struct can stand on the stack, be copied by assignment, be kept in
 * guarded pages and be wiped. Measured on the design's machine, 32 bytes: SHA256_Init/Update/Final 52 ns, EVP with a
 * fetched EVP_MD and a kept context 102 ns, EVP_Digest 115 ns, libsodium 204 ns (no SHA-NI), one-shot SHA256() 396 ns
 * (it fetches). HMAC of 100 bytes with kept states: this 148 ns, EVP contexts copied 219 ns, EVP_MAC reused 294 ns,
 * EVP_MAC duplicated per call 610 ns.
 *
 * Limit: these functions bypass OpenSSL's providers, so a FIPS provider configured on the machine does not see them.
 * Should a later OpenSSL drop them, this file is where EVP takes over.
 */
#ifndef CRYPTO_SHA2_H
#define CRYPTO_SHA2_H

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

typedef SHA256_CTX sha256_state;
typedef SHA512_CTX sha512_state; /* of SHA-384 too */

#endif
