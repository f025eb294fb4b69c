/* The session cookie of Auth.js (@auth/core, NextAuth.js 5): its key, so that a service beside such an application can
 * read the sessions it makes, and make ones it reads.
 *
 * The cookie is a JWE in compact form, alg dir, enc A256CBC-HS512 (A256GCM is read too), whose plain text is a JSON
 * object of claims with iat, exp and jti. The key is derived from the application's secret (AUTH_SECRET):
 *
 *   HKDF-SHA256(secret, salt: the cookie's name, info: "Auth.js Generated Encryption Key (NAME)"), 64 or 32 bytes
 *   kid: thumbprint of the derived key as an oct JWK (RFC 7638), with SHA-512 for 64 bytes, SHA-256 for 32
 *
 * Decides: the key. Refuses to decide: what the claims mean, and when they end: whoever opens the text checks exp.
 * Found out from the source of @auth/core 0.41 (jwt.js); tests/integration reads and writes its cookies.
 *
 * Security limits: those of core/jwe.h. The secret is a text of somebody's choice; one of less than 32 random bytes is
 * a weak key, and nothing here can tell. Whoever has the secret can make any session. The kid is published with every
 * cookie, and is a digest of the key: a guessable secret can be guessed from it, as from the cookie itself. Nothing
 * revokes such a cookie before its exp. Threading: as core/jwe.h.
 *
 *     struct jwe_key *k;
 *     struct cardea_status s = authjs_key(secret, VIEW("__Secure-authjs.session-token"), AEAD_A256CBC_HS512, &k);
 *     if (cardea_ok(s))
 *         s = jwe_open(cookie, k, entropy, room, sizeof room, &opened);
 */
#ifndef CORE_AUTHJS_H
#define CORE_AUTHJS_H

#include "core/jwe.h"

enum { AUTHJS_NAME_MAX = 255, AUTHJS_SECRET_MAX = 4096 };

/* Make the key for the cookies of this name. owns: jwe_key_free. The caller wipes its secret.
 * fails: E_USAGE: an enc that Auth.js has not, an empty secret or name, or a longer one; E_BUSY. */
struct cardea_status authjs_key(struct view secret, struct view cookie_name, enum aead enc,
                                struct jwe_key **out) CARDEA_CHECKED;

#endif
