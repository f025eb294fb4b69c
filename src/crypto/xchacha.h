/* XChaCha20 and BLAKE2b, as encrypt-then-MAC under one key needs them (PASETO v4.local, core/paseto.h).
 *
 * Decides: nothing but the primitives. Refuses to decide: what is derived from what, and what a MAC covers; that is the
 * construction's, above. What Cardea keeps encrypted itself goes through crypto/seal.h.
 *
 * Representation: a split_key is never used itself: from it, a label and a nonce, keyed BLAKE2b derives the keys that
 * encrypt and that authenticate, apart from each other. It lives in guarded memory (pages of its own, locked where the
 * limits allow, left out of core dumps, read-only after it is made, wiped on free). Derived keys are plain bytes on
 * their user's stack, who wipes them.
 *
 * Security: the stream alone authenticates nothing, and two messages under one key and nonce give away their
 * difference: derive with a fresh random nonce of 32 bytes each time, check the MAC before decrypting, compare it with
 * secret_equal. A MAC is over the concatenation of its parts: the caller makes the boundaries unambiguous. Time depends
 * on lengths alone.
 *
 * Threading: immutable after making; any number of threads. No allocation but for the key.
 *
 *     uint8_t key[32];
 *     split_key_derive(k, VIEW("my-label"), nonce, key, sizeof key);
 *     blake2b_mac(key, parts, 3, tag);
 *     secret_wipe(key, sizeof key);
 */
#ifndef CRYPTO_XCHACHA_H
#define CRYPTO_XCHACHA_H

#include "base/view.h"

enum { XCHACHA_KEY = 32, XCHACHA_NONCE = 24, BLAKE2B_MAX = 64 };

struct split_key;

/* Copy into guarded memory; the caller wipes its own copy. NULL without memory. */
struct split_key *split_key_new(const uint8_t bytes[32]);
/* Wipe and free; NULL is safe. */
void split_key_free(struct split_key *k);
/* The key itself, to be stored sealed or written as text; the caller wipes out. */
void split_key_bytes(const struct split_key *k, uint8_t out[32]);
/* Keyed BLAKE2b of label and nonce, to len bytes (16 … BLAKE2B_MAX). */
void split_key_derive(const struct split_key *k, struct view label, struct view nonce, uint8_t *out, size_t len);

/* Keyed BLAKE2b of the concatenated parts. */
void blake2b_mac(const uint8_t key[32], const struct view *parts, size_t count, uint8_t out[32]);
/* BLAKE2b without a key, to len bytes (16 … BLAKE2B_MAX). */
void blake2b_digest(const struct view *parts, size_t count, uint8_t *out, size_t len);
/* Encrypt or decrypt in place. */
void xchacha20_xor(const uint8_t key[XCHACHA_KEY], const uint8_t nonce[XCHACHA_NONCE], uint8_t *bytes, size_t len);

#endif
