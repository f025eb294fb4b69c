/* Ed25519 (RFC 8032 §5.1): the one signature that EdDSA in JOSE (RFC 8037) and v4.public in PASETO share.
 *
 * Decides: which public keys and which signatures are well formed. Refuses to decide: what a signature means, and which
 * algorithm a token's key is for (crypto/signature.h, core/paseto.h).
 *
 * Representation: a public key is a plain value of 32 bytes, filled by ed25519_public_load or ed25519_secret_public
 * alone. A secret key lives in guarded memory (pages of its own, locked where the limits allow, left out of core dumps,
 * read-only after it is made, wiped on free); it travels as its seed of 32 bytes.
 *
 * Security: signing is deterministic and constant-time. Verification is the equation without the cofactor, and refuses
 *   - a signature of another length than 64 bytes;
 *   - S of the group's order L or more (S + L would be a second text for one signature);
 *   - R of small order, in each of its encodings, and R in any other encoding than its one canonical: the bytes are
 *     compared with those that the equation yields;
 *   - a public key that is no point, not canonical (y of the field's prime or more, or x = 0 with a sign), of small
 *     order, or with a part of small order. Loading refuses all of them; verification all but the last again, so a
 *     struct that was filled by hand gains nothing.
 * So one key and one message have as many valid signatures as the signer made, and no key verifies everything.
 * Limits: verification takes time that depends on what is verified, all of it public.
 *
 * Threading: immutable after making; any number of threads. No allocation in signing and verifying.
 *
 *     struct ed25519_public k;
 *     struct cardea_status s = ed25519_public_load(view_of(x, 32), &k);
 *     if (cardea_ok(s))
 *         s = ed25519_verify(&k, message, signature);
 */
#ifndef CRYPTO_ED25519_H
#define CRYPTO_ED25519_H

#include "base/view.h"
#include "cardea/status.h"

enum { ED25519_SEED = 32, ED25519_PUBLIC = 32, ED25519_SIGNATURE = 64 };

struct ed25519_public {
    uint8_t bytes[ED25519_PUBLIC];
};

struct ed25519_secret;

/* fails: E_INVALID_FIELD: not 32 bytes, or no point that is accepted (above). */
struct cardea_status ed25519_public_load(struct view bytes, struct ed25519_public *out) CARDEA_CHECKED;
/* fails: E_INVALID_TOKEN, whatever is wrong with signature or key. */
struct cardea_status ed25519_verify(const struct ed25519_public *k, struct view message,
                                    struct view signature) CARDEA_CHECKED;

/* Make the pair that a seed stands for; the caller wipes the seed. NULL without memory. */
struct ed25519_secret *ed25519_secret_new(const uint8_t seed[ED25519_SEED]);
/* Wipe and free; NULL is safe. */
void ed25519_secret_free(struct ed25519_secret *k);
/* The public half. */
struct ed25519_public ed25519_secret_public(const struct ed25519_secret *k);
/* The seed, to be stored sealed (crypto/seal.h); the caller wipes out. */
void ed25519_secret_seed(const struct ed25519_secret *k, uint8_t out[ED25519_SEED]);
/* Sign message as it stands (no prehash); never fails. */
void ed25519_sign(const struct ed25519_secret *k, struct view message, uint8_t out[ED25519_SIGNATURE]);

#endif
