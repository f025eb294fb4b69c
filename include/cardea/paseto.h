/* PASETO v4: signed tokens (v4.public, Ed25519) and encrypted ones (v4.local, XChaCha20 and BLAKE2b), and their keys as
 * PASERK texts.
 *
 * Decides: whether a token is genuine. Refuses to decide: what its message says and until when it counts. For a
 * token of claims (iss, aud, exp, …) give its key to a verifier (verifier.h), which judges them.
 *
 * Each purpose has a key type of its own, so that a key can serve no other. A token chooses nothing: the purpose is the
 * function's. v1, v2, v3 and the other purpose are refused before anything is decoded. Texts are canonical: one token,
 * one text.
 *
 * The footer is authenticated, never encrypted. The implicit assertion is what both sides know and no token carries
 * (a tenant, a device): a token verifies only with the one it was made with.
 *
 * Keys: k4.public.…, k4.secret.…, k4.local.…, and ids k4.pid.…, k4.sid.…, k4.lid.…, which may be published. Wrapped and
 * password-protected PASERKs are refused. Secret and local keys live in guarded memory; their texts are the caller's to
 * wipe.
 *
 * Threading: keys are immutable. One struct cardea_paseto_message a thread, used again and again. cost: no allocation
 * in signing, verifying, encrypting and decrypting.
 *
 *     struct cardea_paseto_public_key *k;
 *     struct cardea_paseto_message *m;
 *     struct cardea_status s = cardea_paseto_public_key_read(cardea_text("k4.public.…"), &k);
 *     if (cardea_ok(s))
 *         s = cardea_paseto_message_new(&m);
 *     if (cardea_ok(s))
 *         s = cardea_paseto_verify(k, cardea_text(token), cardea_bytes(NULL, 0), m);
 *     if (cardea_ok(s))
 *         … cardea_paseto_message_text(m) …
 */
#ifndef CARDEA_PASETO_H
#define CARDEA_PASETO_H

#include "cardea/bytes.h"
#include "cardea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CARDEA_PASETO_TEXT_MAX = 8192,     /* a token */
    CARDEA_PASETO_FOOTER_MAX = 1024,   /* bytes */
    CARDEA_PASETO_IMPLICIT_MAX = 1024, /* bytes */
    CARDEA_PASERK_SIZE = 128,          /* room for any of these keys' texts and ids */
};

struct cardea_paseto_public_key;
struct cardea_paseto_secret_key;
struct cardea_paseto_local_key;
struct cardea_paseto_message;

/* From a PASERK of exactly this type. fails: CARDEA_E_INVALID_FIELD; CARDEA_E_USAGE; CARDEA_E_BUSY. */
struct cardea_status cardea_paseto_public_key_read(struct cardea_bytes text,
                                                   struct cardea_paseto_public_key **ret) CARDEA_CHECKED;
struct cardea_status cardea_paseto_secret_key_read(struct cardea_bytes text,
                                                   struct cardea_paseto_secret_key **ret) CARDEA_CHECKED;
struct cardea_status cardea_paseto_local_key_read(struct cardea_bytes text,
                                                  struct cardea_paseto_local_key **ret) CARDEA_CHECKED;
void cardea_paseto_public_key_free(struct cardea_paseto_public_key *k);
void cardea_paseto_secret_key_free(struct cardea_paseto_secret_key *k);
void cardea_paseto_local_key_free(struct cardea_paseto_local_key *k);

/* Draw a new key and write its PASERK, to be kept secret. out: CARDEA_PASERK_SIZE bytes are enough; the caller wipes
 * them. fails: CARDEA_E_TOO_LARGE; CARDEA_E_USAGE; CARDEA_E_BUSY. */
struct cardea_status cardea_paseto_secret_key_generate(char *out, size_t cap, size_t *ret_len) CARDEA_CHECKED;
struct cardea_status cardea_paseto_local_key_generate(char *out, size_t cap, size_t *ret_len) CARDEA_CHECKED;
/* The public half of a secret key, as a PASERK. */
struct cardea_status cardea_paseto_secret_key_write_public(const struct cardea_paseto_secret_key *k, char *out,
                                                           size_t cap, size_t *ret_len) CARDEA_CHECKED;

/* Ids: "k4.pid.…", "k4.sid.…", "k4.lid.…". They live as long as the key; NULL for NULL. */
const char *cardea_paseto_public_key_id(const struct cardea_paseto_public_key *k);
const char *cardea_paseto_secret_key_id(const struct cardea_paseto_secret_key *k);
const char *cardea_paseto_local_key_id(const struct cardea_paseto_local_key *k);

/* Sign; encrypt under a fresh random nonce. footer and implicit may be empty. out: the token; see bytes.h.
 * fails: CARDEA_E_TOO_LARGE: a part or the token past its limit, or no room; CARDEA_E_USAGE. */
struct cardea_status cardea_paseto_sign(const struct cardea_paseto_secret_key *k, struct cardea_bytes message,
                                        struct cardea_bytes footer, struct cardea_bytes implicit, char *out, size_t cap,
                                        size_t *ret_len) CARDEA_CHECKED;
struct cardea_status cardea_paseto_encrypt(const struct cardea_paseto_local_key *k, struct cardea_bytes message,
                                           struct cardea_bytes footer, struct cardea_bytes implicit, char *out,
                                           size_t cap, size_t *ret_len) CARDEA_CHECKED;

/* Room for what one token holds; about 8 KB. fails: CARDEA_E_BUSY. */
struct cardea_status cardea_paseto_message_new(struct cardea_paseto_message **ret) CARDEA_CHECKED;
void cardea_paseto_message_free(struct cardea_paseto_message *m); /* wipes */

/* Verify; decrypt. out: *m; on failure, empty. fails: CARDEA_E_INVALID_TOKEN, whatever is wrong; CARDEA_E_USAGE. */
struct cardea_status cardea_paseto_verify(const struct cardea_paseto_public_key *k, struct cardea_bytes token,
                                          struct cardea_bytes implicit, struct cardea_paseto_message *m) CARDEA_CHECKED;
struct cardea_status cardea_paseto_decrypt(const struct cardea_paseto_local_key *k, struct cardea_bytes token,
                                           struct cardea_bytes implicit,
                                           struct cardea_paseto_message *m) CARDEA_CHECKED;

/* What was verified or decrypted last, and its footer; they live until the next time. Not ended by a NUL. Empty where
 * nothing was. */
struct cardea_bytes cardea_paseto_message_text(const struct cardea_paseto_message *m);
struct cardea_bytes cardea_paseto_message_footer(const struct cardea_paseto_message *m);
/* The footer of a token that nobody has verified: to find the key by the id in it, and for nothing else. out: see
 * bytes.h; may hold any byte. fails: CARDEA_E_INVALID_TOKEN: no v4 token in form; CARDEA_E_TOO_LARGE. */
struct cardea_status cardea_paseto_peek_footer(struct cardea_bytes token, char *out, size_t cap,
                                               size_t *ret_len) CARDEA_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
