/* What the parts of the engine share. Private to it. */
#ifndef STORE_MEMCACHED_INTERNAL_H
#define STORE_MEMCACHED_INTERNAL_H

#include "store/memcached/pool.h"

struct cache {
    struct sessions base;
    struct cache_pool pool;
    char prefix[CACHE_PREFIX_MAX + 1];
    int64_t (*wall_ms)(void);
};

struct cache_key cache_key_of(const struct cache *c, const char *kind, const void *id, size_t len); /* id: base64url */
/* A time to live as Memcached takes it: up to 30 days in seconds, beyond that a date. Rounded up: never too early. */
time_t cache_ttl(const struct cache *c, int64_t until_ms);
/* What an operation answers: what only the engine tells apart becomes E_UNAVAILABLE. */
struct cardea_status cache_answer(struct cardea_status s) CARDEA_CHECKED;

/* Many sessions at once, from all servers. */
enum cache_presence { CACHE_UNKNOWN = 0 /* its server is away */, CACHE_GONE, CACHE_THERE, CACHE_BROKEN };
enum { CACHE_FETCH_MAX = 128 };
/* in: count: at most CACHE_FETCH_MAX. out: a record where it is THERE, with the version to swap it by. */
void cache_fetch(struct cache *c, int64_t deadline_ms, const struct session_id *sids, uint32_t count,
                 struct session_record *out, enum cache_presence *ret_presence);

/* The users' indexes (index.c). */
struct cache_entry {
    struct session_id sid;
    int64_t epoch, created_at_ms, expires_at_ms;
};
struct cache_index {
    uint32_t count;
    struct cache_entry entries[CACHE_INDEX_MAX];
};
/* Nothing where there is none. fails: E_UNAVAILABLE */
struct cardea_status cache_index_read(struct cache *c, int64_t deadline_ms, const struct user_id *user,
                                      struct cache_index *out) CARDEA_CHECKED;
/* Best effort. */
void cache_index_add(struct cache *c, int64_t deadline_ms, const struct session_record *r);
void cache_index_forget(struct cache *c, int64_t deadline_ms, const struct user_id *user, const struct session_id *sids,
                        uint32_t count);

/* Counters and one-time codes (counter.c), as sessions.h has them. */
struct cardea_status cache_count(struct sessions *e, int64_t deadline_ms, int64_t now_ms,
                                 const struct counter_step *steps, uint32_t count, int64_t *ret_values);
struct cardea_status cache_code_put(struct sessions *e, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                    const struct code_value *value, int64_t ttl_ms);
struct cardea_status cache_code_take(struct sessions *e, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                     struct code_value *out);

#endif
