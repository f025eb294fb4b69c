/* Sealing: what is kept encrypted at rest, under the master key.
 *
 * Decides: XChaCha20-Poly1305 with a random nonce, laid out as nonce 24 | ciphertext | tag 16. The nonce is long enough
 * to be drawn at random for every seal that will ever be made. Refuses to decide: where the master key comes from.
 *
 * Security: whoever reads the store learns a sealed thing's length and nothing else. The context (associated data, not
 * stored) says what the thing is for, "use|kid": a sealed value moved to another row or another use does not open.
 * Limits: an older value of the same row put back does open (no protection against roll-back), and who holds the
 * master key holds everything.
 *
 * The master key lives in guarded memory: pages of its own, locked where the limits allow, left out of core dumps,
 * read-only after init, wiped on free. Threading: immutable; any number of threads.
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "base/entropy.h"
#include "base/view.h"
#include "cardea/status.h"

enum { SEAL_OVERHEAD = 24 + 16 };

struct master_key;

/* Copy into guarded memory; the caller wipes its own copy. NULL without memory. */
struct master_key *master_key_new(const uint8_t bytes[32]);
/* Wipe and free; NULL is safe. */
void master_key_free(struct master_key *k);
/* A key for another purpose, the same wherever the master key is the same (HKDF-SHA-256, the purpose as its info).
 * fails: E_USAGE: no or too many bytes; E_BUSY without memory */
struct cardea_status master_key_derive(const struct master_key *k, struct view purpose, uint8_t *out,
                                       size_t len) CARDEA_CHECKED;
/* Seal plain for context.
 * out:   plain.len + SEAL_OVERHEAD bytes, counted in *ret_len
 * fails: E_TOO_LARGE when cap is less than that. */
struct cardea_status seal_close(const struct master_key *k, struct view plain, struct view context,
                                const struct entropy *e, uint8_t *out, size_t cap, size_t *ret_len) CARDEA_CHECKED;
/* Open what seal_close made. The caller wipes out.
 * out:   *ret_len untouched on failure; out may have been overwritten with zeros
 * fails: E_CORRUPT when it was not sealed by this key for this context; E_TOO_LARGE when it does not fit in cap. */
struct cardea_status seal_open(const struct master_key *k, struct view sealed, struct view context, uint8_t *out,
                               size_t cap, size_t *ret_len) CARDEA_CHECKED;

#endif
