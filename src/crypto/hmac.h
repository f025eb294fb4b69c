/* HMAC with SHA-256, SHA-384 or SHA-512 under keys of any length, kept ready: the HS algorithms of JWS (RFC 7518 §3.2).
 * What Cardea makes for itself alone uses crypto/mac.h.
 *
 * Representation: the states after the inner and the outer padded key, in guarded memory, read-only; the key itself is
 * not kept. Security: computing takes time that depends on lengths alone; compare with secret_equal. How long a key
 * must be is its owner's question (crypto/signature.h). Threading: immutable; any thread.
 */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include "base/view.h"

enum { HMAC_MAX = 64 };

struct hmac_key;

/* hash_len: 32, 48 or 64, the hash by its length. The caller wipes its own copy. NULL without memory. */
struct hmac_key *hmac_key_new(size_t hash_len, struct view key);
void hmac_key_free(struct hmac_key *k); /* wipes; NULL is safe */
/* Write hash_len bytes. cost: no allocation. */
void hmac_compute(const struct hmac_key *k, struct view message, uint8_t out[HMAC_MAX]);

#endif
