/* Message authentication with keys kept ready.
 *
 * mac_key: HMAC-SHA256 (RFC 2104) whose inner and outer states are computed once; each MAC then costs two compressions
 * and no allocation. tag_key: SipHash-2-4 with 8 bytes, for one job alone: to recognise ids that we never issued before
 * they cost a look-up. A tag keeps guesses away from the store; it authenticates nobody. Both are immutable after init
 * and shared by any number of threads.
 */
#ifndef CRYPTO_MAC_H
#define CRYPTO_MAC_H

#include "base/view.h"

struct mac_key;
struct mac_key *mac_key_new(const uint8_t key[32]); /* copies into guarded memory; NULL without memory */
void mac_key_free(struct mac_key *k);               /* wipes; NULL is safe */
/* MAC over the concatenation of parts. */
void mac_sha256(const struct mac_key *k, const struct view *parts, size_t count, uint8_t out[32]);

struct tag_key {
    uint8_t bytes[16];
};
void tag_siphash(const struct tag_key *k, const void *bytes, size_t len, uint8_t out[8]);

#endif
