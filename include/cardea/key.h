/* Keys that sign and verify tokens (RFC 7515, RFC 7517, RFC 7518, RFC 8037): from JWK, JWKS, PEM or a shared secret.
 *
 * Decides: which texts are keys, and that each key has exactly one algorithm from the moment it is made. Refuses to
 * decide: where keys come from, and whose they are. Keys that encrypt have types of their own (jwe.h, paseto.h).
 *
 * Algorithms, by the names of RFC 7518: HS256 HS384 HS512, RS256 RS384 RS512, PS256 PS384 PS512, ES256 ES384 ES512,
 * EdDSA (Ed25519 and Ed448; the key's curve says which). "none" does not exist. Where a function takes `algorithm`,
 * NULL leaves it to the key: a JWK's "alg", or the one that its curve implies (P-256 ES256, …). RSA keys and shared
 * secrets imply none. A key that says otherwise than the caller is refused.
 *
 * Refused: HMAC secrets shorter than the hash, RSA under 2048 or over 4096 bits, exponents under 65537 or even, points
 * off their curve or of small order, halves that do not belong together, a JWK whose "use" or "key_ops" does not allow
 * signing or verifying, encrypted PEM, members that appear twice.
 *
 * Representation: opaque. A private or shared key is kept ready to use and can not be read back out: write it down when
 * it is made (cardea_key_generate). Security: HMAC keys and Ed25519's live in guarded memory (not swapped where the
 * limits allow, not dumped, wiped on free); OpenSSL's on its heap, wiped on free. The text that a key was read from is
 * the caller's to wipe.
 *
 * Threading: immutable.
 *
 *     struct cardea_key *key;
 *     struct cardea_status s = cardea_key_read_pem(cardea_text(pem), "RS256", NULL, &key);
 */
#ifndef CARDEA_KEY_H
#define CARDEA_KEY_H

#include "cardea/bytes.h"
#include "cardea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CARDEA_KEY_TEXT_MAX = 16384,      /* a JWK */
    CARDEA_PEM_TEXT_MAX = 65536,      /* with certificates' text around it */
    CARDEA_KEY_SET_TEXT_MAX = 262144, /* a JWKS */
    CARDEA_KEY_SET_MAX = 64,          /* usable keys in it */
    CARDEA_KEY_ID_MAX = 255,
    CARDEA_THUMBPRINT_SIZE = 44, /* with its NUL */
};

struct cardea_key;  /* one key */
struct cardea_keys; /* a set of them */

/* Read a JWK (RFC 7517 §4), private or public.
 * fails: CARDEA_E_INVALID_FIELD: no such key, or not one for this algorithm; CARDEA_E_TOO_LARGE; CARDEA_E_USAGE: no
 *        algorithm of that name; CARDEA_E_BUSY: no memory
 * cost:  allocates; a private RSA key is checked for tenths of a second */
struct cardea_status cardea_key_read_jwk(struct cardea_bytes text, const char *algorithm,
                                         struct cardea_key **ret) CARDEA_CHECKED;
/* Read a PEM (RFC 7468): PKCS#8, SPKI, PKCS#1, SEC 1, or the public key of a certificate, of which nothing else is
 * looked at: neither its chain nor its times.
 * in:    id: what tokens name it by (kid): 1 … CARDEA_KEY_ID_MAX bytes of UTF-8, without control characters, '"' and
 *        '\', so that a header carries it as it stands; NULL: none of its own, then its thumbprint stands for it
 * fails: as cardea_key_read_jwk */
struct cardea_status cardea_key_read_pem(struct cardea_bytes text, const char *algorithm, const char *id,
                                         struct cardea_key **ret) CARDEA_CHECKED;
/* Make an HMAC key of bytes that signer and verifier share. Whoever can verify with it can sign with it.
 * in:    id: as cardea_key_read_pem, but for NULL: none. secret: at least 32, 48, 64 bytes for HS256, HS384, HS512, at
 * most 512; random ones, not a password fails: as cardea_key_read_jwk */
struct cardea_status cardea_key_from_secret(struct cardea_bytes secret, const char *algorithm, const char *id,
                                            struct cardea_key **ret) CARDEA_CHECKED;
void cardea_key_free(struct cardea_key *k);

/* Draw a new private key (RSA of 2048 bits) and write it as a JWK, to be kept secret and read by cardea_key_read_jwk.
 * in:    algorithm: also "Ed25519" and "Ed448"; "EdDSA" is Ed25519. id: NULL: its thumbprint; for HS, none
 * out:   see bytes.h; 4096 bytes are enough; the caller wipes them
 * fails: CARDEA_E_USAGE; CARDEA_E_TOO_LARGE; CARDEA_E_INTERNAL
 * cost:  an RSA key takes tenths of a second to seconds */
struct cardea_status cardea_key_generate(const char *algorithm, const char *id, char *out, size_t cap,
                                         size_t *ret_len) CARDEA_CHECKED;

/* "ES256"; NULL for NULL. Lives forever. */
const char *cardea_key_algorithm(const struct cardea_key *k);
/* Its own id, else its thumbprint; "" for a shared secret without an id (the thumbprint of a secret is for nobody's
 * eyes, RFC 7638 §7). Lives as long as the key; NULL for NULL. */
const char *cardea_key_id(const struct cardea_key *k);
bool cardea_key_signs(const struct cardea_key *k);
bool cardea_key_verifies(const struct cardea_key *k);
/* RFC 7638 with SHA-256, base64url. fails: CARDEA_E_USAGE: a shared secret. */
struct cardea_status cardea_key_thumbprint(const struct cardea_key *k, char out[CARDEA_THUMBPRINT_SIZE]) CARDEA_CHECKED;
/* Write the public half, as a JWK with alg, kid and use, or as PEM (SPKI). out: see bytes.h; 2048 bytes are enough.
 * fails: CARDEA_E_USAGE: a shared secret has no public half; CARDEA_E_TOO_LARGE. */
struct cardea_status cardea_key_write_jwk(const struct cardea_key *k, char *out, size_t cap,
                                          size_t *ret_len) CARDEA_CHECKED;
struct cardea_status cardea_key_write_pem(const struct cardea_key *k, char *out, size_t cap,
                                          size_t *ret_len) CARDEA_CHECKED;

/* Read a JWKS (RFC 7517 §5). Entries that are not for signatures, of an unknown kind, weak or malformed are skipped, as
 * the RFC asks, and counted.
 * in:    algorithm: for keys that name none and imply none; NULL: such are skipped
 * fails: CARDEA_E_INVALID_FIELD: no set, two entries of one kid, secret and public keys mixed; CARDEA_E_TOO_LARGE;
 *        CARDEA_E_LIMIT: more than CARDEA_KEY_SET_MAX, or 256 with what is skipped; CARDEA_E_USAGE; CARDEA_E_BUSY */
struct cardea_status cardea_keys_read(struct cardea_bytes text, const char *algorithm,
                                      struct cardea_keys **ret) CARDEA_CHECKED;
void cardea_keys_free(struct cardea_keys *s);
size_t cardea_keys_count(const struct cardea_keys *s);
size_t cardea_keys_skipped(const struct cardea_keys *s);
/* Does it have a key of this id, its own or its thumbprint? A shared secret is found by its own alone. */
bool cardea_keys_has(const struct cardea_keys *s, const char *id);
/* Write the public halves of count keys as a JWKS. fails: CARDEA_E_USAGE: one is a shared secret; CARDEA_E_TOO_LARGE.
 */
struct cardea_status cardea_keys_write(const struct cardea_key *const *keys, size_t count, char *out, size_t cap,
                                       size_t *ret_len) CARDEA_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
