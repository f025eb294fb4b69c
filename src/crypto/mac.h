/* Message authentication with keys kept ready.
 *
 * Two kinds of key, two strengths, two types that can not be swapped:
 *
 *   mac_key  HMAC-SHA256 (RFC 2104). Proves that we made something. The states after the inner and the outer padded key
 *            are computed once, so a MAC costs the compressions of its message and one more, and no allocation.
 *   tag_key  SipHash-2-4 with 8 bytes, for one job alone: to recognise ids that we never issued before they cost a
 *            look-up. 64 bits keep a flood of invented ids away from the store; they authenticate nobody, and nothing
 *            may be granted because a tag was right.
 *
 * Representation: a mac_key lives in guarded memory (pages of its own, locked where the limits allow, left out of core
 * dumps, read-only after init); the key itself is not kept, only the two states, which are as secret. A tag_key is
 * plain bytes in its owner's struct.
 *
 * Security: computing takes time that depends on lengths alone; the caller compares with secret_equal. The message is
 * the concatenation of the parts: a caller that MACs several variable things must make the boundaries unambiguous
 * (fixed lengths, a label that ends in NUL). Truncating a MAC to 16 bytes leaves 128 bits against forgery.
 *
 * Threading: immutable after init; shared by any number of threads.
 *
 *     struct mac_key *k = mac_key_new(bytes);
 *     mac_sha256(k, (struct view[]){VIEW("label\0"), view_of(id, 16)}, 2, out);
 */
#ifndef CRYPTO_MAC_H
#define CRYPTO_MAC_H

#include "base/view.h"

struct mac_key;

/* Make a key ready; the caller wipes its own copy. NULL without memory. */
struct mac_key *mac_key_new(const uint8_t key[32]);
/* Wipe and free; NULL is safe. */
void mac_key_free(struct mac_key *k);
/* MAC over the concatenation of parts.
 * cost: no allocation; about 150 ns for 100 bytes. */
void mac_sha256(const struct mac_key *k, const struct view *parts, size_t count, uint8_t out[32]);

struct tag_key {
    uint8_t bytes[16];
};

/* Tag len bytes. */
void tag_siphash(const struct tag_key *k, const void *bytes, size_t len, uint8_t out[8]);
/* SipHash-2-4 with 16 bytes: to find again, under a key that nobody else knows, what was seen before. */
void tag_siphash128(const struct tag_key *k, const void *bytes, size_t len, uint8_t out[16]);

#endif
