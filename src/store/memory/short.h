/* What is kept for a while: counters and one-time codes of the memory engine. Private to it.
 *
 * Representation: one hash table of chains by the leading bits of the id, which is random or keyed; counters and codes
 * side by side. What is over is as good as gone, and freed by the sweep.
 *
 * Limits: SHORT_MAX of both; past it a new one is refused until others are over.
 * Threading: the caller's lock.
 */
#ifndef STORE_MEMORY_SHORT_H
#define STORE_MEMORY_SHORT_H

#include "store/sessions.h"

enum { SHORT_BUCKETS = 1024, SHORT_MAX = 65536 };

struct short_lived {
    struct short_entry *buckets[SHORT_BUCKETS];
    uint32_t count;
};

void short_clear(struct short_lived *t);
/* As sessions.h has them; E_UNAVAILABLE when it is full. */
struct cardea_status short_count(struct short_lived *t, int64_t now_ms, const struct counter_step *steps,
                                 uint32_t count, int64_t *ret_values) CARDEA_CHECKED;
struct cardea_status short_code_put(struct short_lived *t, int64_t now_ms, struct code_id id,
                                    const struct code_value *value, int64_t ttl_ms) CARDEA_CHECKED;
struct cardea_status short_code_take(struct short_lived *t, int64_t now_ms, struct code_id id,
                                     struct code_value *out) CARDEA_CHECKED;
/* Frees up to `limit` that are over; how many. */
uint32_t short_sweep(struct short_lived *t, int64_t now_ms, uint32_t limit);

#endif
