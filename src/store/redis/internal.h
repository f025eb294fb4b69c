/* What the parts of the engine share. Private to it. */
#ifndef STORE_REDIS_INTERNAL_H
#define STORE_REDIS_INTERNAL_H

#include "store/redis/pool.h"

struct redis {
    struct sessions base;
    struct pool pool;
    char prefix[REDIS_PREFIX_MAX + 1];
    pthread_mutex_t sweep_lock; /* guards sweep_after */
    struct session_id sweep_after;
};

/* Counters and one-time codes (counter.c), as sessions.h has them. */
struct cardea_status redis_count(struct sessions *e, int64_t deadline_ms, int64_t now_ms,
                                 const struct counter_step *steps, uint32_t count, int64_t *ret_values);
struct cardea_status redis_code_put(struct sessions *e, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                    const struct code_value *value, int64_t ttl_ms);
struct cardea_status redis_code_take(struct sessions *e, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                     struct code_value *out);

#endif
