/* Encrypted tokens: JWE in compact form (RFC 7516, RFC 7518, RFC 8037 for X25519).
 *
 * Decides: what a well-formed JWE is, whether one was encrypted for this key, and what is inside. Refuses to decide who
 * made it: WHAT WAS OPENED IS NOT VERIFIED. With a public key anybody in the world can encrypt anything; with a shared
 * one, any of its holders. Where a signed token is inside (content type "JWT"), verify it (verifier.h).
 *
 * Keys are managed by: dir, A128KW A192KW A256KW, A128GCMKW A192GCMKW A256GCMKW, ECDH-ES and ECDH-ES+A128KW, +A192KW,
 * +A256KW (P-256, P-384, X25519), RSA-OAEP-256. Contents are encrypted by: A128GCM A192GCM A256GCM, A128CBC-HS256
 * A192CBC-HS384 A256CBC-HS512. There is no RSA1_5, no RSA-OAEP with SHA-1, no PBES2; zip and crit are refused. A key
 * carries its algorithm and the content encryption, or all of them; a token must repeat what the key says.
 *
 * Security: every failure to open is CARDEA_E_INVALID_TOKEN, whatever was wrong, and an encrypted key that does not
 * unwrap is replaced by a random one, so that neither answer nor time tells the two apart (RFC 7516 §11.5). The length
 * of what is inside is not hidden.
 *
 * Threading: keys are immutable. cost: opening with dir allocates nothing, the others a context.
 *
 *     struct cardea_jwe_key *k;
 *     struct cardea_status s = cardea_jwe_key_from_secret(cardea_bytes(secret, 32), "dir", "A256GCM", "2026-1", &k);
 *     if (cardea_ok(s))
 *         s = cardea_jwe_encrypt(k, cardea_text("plain"), NULL, NULL, text, sizeof text, &len);
 *     if (cardea_ok(s))
 *         s = cardea_jwe_decrypt(k, cardea_bytes(text, len), plain, sizeof plain, &len, NULL);
 */
#ifndef CARDEA_JWE_H
#define CARDEA_JWE_H

#include "cardea/bytes.h"
#include "cardea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CARDEA_JWE_TEXT_MAX = 65536,
    CARDEA_JWE_PLAIN_MAX = 40960, /* what cardea_jwe_encrypt takes */
    CARDEA_JWE_NAME_SIZE = 256,   /* of a content type, with its NUL */
};
/* Room that is enough to decrypt a text of that many characters. */
#define CARDEA_JWE_ROOM(text_len) ((text_len) / 4 * 3 + 4)

struct cardea_jwe_key;

/* From a JWK or PEM, private or public; a public one encrypts only.
 * in:    algorithm: NULL: the JWK's own; encryption: NULL: all (then name one when encrypting); dir has exactly one
 *        id: for PEM, NULL: none; as in key.h
 * fails: CARDEA_E_INVALID_FIELD: no such key, not for this algorithm, or a JWK for signatures; CARDEA_E_USAGE: unknown
 *        names; CARDEA_E_TOO_LARGE; CARDEA_E_BUSY */
struct cardea_status cardea_jwe_key_read_jwk(struct cardea_bytes text, const char *algorithm, const char *encryption,
                                             struct cardea_jwe_key **ret) CARDEA_CHECKED;
struct cardea_status cardea_jwe_key_read_pem(struct cardea_bytes text, const char *algorithm, const char *encryption,
                                             const char *id, struct cardea_jwe_key **ret) CARDEA_CHECKED;
/* From bytes that both sides share, exactly as many as the algorithm takes (for dir, the encryption): A128GCM 16,
 * A192GCM 24, A256GCM and A128CBC-HS256 32, A192CBC-HS384 48, A256CBC-HS512 64. The caller wipes its own copy. */
struct cardea_status cardea_jwe_key_from_secret(struct cardea_bytes secret, const char *algorithm,
                                                const char *encryption, const char *id,
                                                struct cardea_jwe_key **ret) CARDEA_CHECKED;
/* The key of the session cookie of Auth.js (@auth/core, NextAuth.js 5), from the application's secret and the cookie's
 * name, "__Secure-authjs.session-token" or "authjs.session-token". What is inside are claims; check their exp.
 * in:    encryption: NULL: A256CBC-HS512, which Auth.js writes; or A256GCM, which it reads too
 * fails: CARDEA_E_USAGE: another encryption, an empty secret or name, more than 4096 and 255 bytes; CARDEA_E_BUSY */
struct cardea_status cardea_jwe_key_authjs(struct cardea_bytes secret, const char *cookie_name, const char *encryption,
                                           struct cardea_jwe_key **ret) CARDEA_CHECKED;
void cardea_jwe_key_free(struct cardea_jwe_key *k);                   /* wipes */
const char *cardea_jwe_key_algorithm(const struct cardea_jwe_key *k); /* NULL for NULL */
bool cardea_jwe_key_decrypts(const struct cardea_jwe_key *k);

/* Encrypt.
 * in:    encryption: NULL: the key's only one; content_type: the header's cty, "JWT" where a signed token is inside;
 *        NULL: none; at most 255 bytes of UTF-8
 * out:   see bytes.h
 * fails: CARDEA_E_USAGE: an encryption that is not the key's, or several to choose from; CARDEA_E_TOO_LARGE: more than
 *        CARDEA_JWE_PLAIN_MAX, or no room; CARDEA_E_BUSY; CARDEA_E_INTERNAL */
struct cardea_status cardea_jwe_encrypt(const struct cardea_jwe_key *k, struct cardea_bytes plain,
                                        const char *encryption, const char *content_type, char *out, size_t cap,
                                        size_t *ret_len) CARDEA_CHECKED;
/* Decrypt. The token must name the key by its id, where it names one and the key has one.
 * in:    cap: CARDEA_JWE_ROOM of the text's length is enough
 * out:   out: what was inside, and a NUL; the caller wipes it where it matters. content_type: NULL, or
 *        CARDEA_JWE_NAME_SIZE bytes: the header's cty, "" for none
 * fails: CARDEA_E_INVALID_TOKEN: whatever is wrong, and out holds nothing of what was inside; CARDEA_E_TOO_LARGE: no
 *        room; CARDEA_E_USAGE: a public key, NULL; CARDEA_E_BUSY */
struct cardea_status cardea_jwe_decrypt(const struct cardea_jwe_key *k, struct cardea_bytes text, char *out, size_t cap,
                                        size_t *ret_len, char *content_type) CARDEA_CHECKED;
/* The kid of a token that nobody has decrypted: to find the key, and for nothing else. out: "" where there is none.
 * fails: CARDEA_E_INVALID_TOKEN; CARDEA_E_TOO_LARGE. */
struct cardea_status cardea_jwe_peek_key_id(struct cardea_bytes text, char *out, size_t cap,
                                            size_t *ret_len) CARDEA_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
