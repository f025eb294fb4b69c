/* Sealing keys at rest: XChaCha20-Poly1305 under the master key, the context (kid, use) as associated data. */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "base/entropy.h"
#include "base/view.h"
#include "cardea/status.h"

enum { SEAL_OVERHEAD = 24 + 16 };

struct master_key;
/* Guarded memory, no dump. */
struct master_key *master_key_new(const uint8_t bytes[32]);
void master_key_free(struct master_key *k);
struct cardea_status seal_close(const struct master_key *k, struct view plain, struct view context,
                                const struct entropy *e, uint8_t *out, size_t cap, size_t *ret_len) CARDEA_CHECKED;
/* fails: E_CORRUPT when it was not sealed by this key for this context. */
struct cardea_status seal_open(const struct master_key *k, struct view sealed, struct view context, uint8_t *out,
                               size_t cap, size_t *ret_len) CARDEA_CHECKED;

#endif
