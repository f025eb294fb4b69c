/* The engine's connections, a small pool for each server: lent, mended, and let go of. Private to the engine.
 *
 * libmemcached is used for what it does well: the protocol, and the ring that says which server holds a key. Each of
 * its handles has one server and one connection here, and after any failure it is freed: so its own bookkeeping of dead
 * servers never decides anything, and a server that hangs takes no connection away from the others.
 *
 * Threading: the pool any number of threads; a call one.
 */
#ifndef STORE_MEMCACHED_POOL_H
#define STORE_MEMCACHED_POOL_H

#include "store/memcached/memcached.h"

#include <libmemcached/memcached.h>
#include <pthread.h>

enum { CACHE_KEY_MAX = CACHE_PREFIX_MAX + 48 };

struct cache_key {
    char text[CACHE_KEY_MAX];
    size_t len;
};

struct cache_server {
    struct cache_host host;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t freed;
    memcached_st *idle[CACHE_CONNECTIONS];
    uint32_t idle_count, open_count;
    int64_t away_until_ms;
    bool away; /* was found so, and not yet found back */
};

struct cache_pool {
    int64_t (*boot_ms)(void);
    memcached_st *ring; /* of all servers; only asked where a key belongs, never connected */
    struct cache_server servers[CACHE_SERVERS];
    uint32_t count;
};

/* fails: E_UNAVAILABLE without memory; clear it then too */
struct cardea_status cache_pool_init(struct cache_pool *p, const struct cache_options *o) CARDEA_CHECKED;
void cache_pool_clear(struct cache_pool *p);
/* Which server holds a key. */
uint32_t cache_server_of(const struct cache_pool *p, const struct cache_key *k);

struct cache_call {
    memcached_st *handle;
    int64_t (*boot_ms)(void);
    int64_t deadline_ms;
};

/* What is to be done with a connection. E_UNAVAILABLE means that the connection is of no more use; E_LIMIT,
 * E_NOT_FOUND, E_CONFLICT and E_CORRUPT are answers. */
typedef struct cardea_status cache_work(struct cache_call *c, void *context);
/* Do it on a connection to that server; where that breaks, once more on a fresh one. The work must be safe to repeat.
 */
struct cardea_status cache_run(struct cache_pool *p, uint32_t server, int64_t deadline_ms, cache_work *work,
                               void *context) CARDEA_CHECKED;

/* One exchange with the server each.
 * get: E_NOT_FOUND; E_CORRUPT: longer than cap; then too *ret_cas is set, to write something better over it. */
struct cardea_status cache_call_get(struct cache_call *c, const struct cache_key *k, void *out, size_t cap,
                                    size_t *ret_len, uint64_t *ret_cas) CARDEA_CHECKED;
/* ttl: as Memcached takes it. add: E_CONFLICT: there is one; E_LIMIT: the server has no room. */
struct cardea_status cache_call_add(struct cache_call *c, const struct cache_key *k, const void *value, size_t len,
                                    time_t ttl) CARDEA_CHECKED;
/* E_CONFLICT: changed since; E_NOT_FOUND: gone since; E_LIMIT. */
struct cardea_status cache_call_swap(struct cache_call *c, const struct cache_key *k, const void *value, size_t len,
                                     time_t ttl, uint64_t cas) CARDEA_CHECKED;
struct cardea_status cache_call_delete(struct cache_call *c,
                                       const struct cache_key *k) CARDEA_CHECKED; /* E_NOT_FOUND */
/* Move a number, not below 0. fails: E_NOT_FOUND; E_CORRUPT: no number */
struct cardea_status cache_call_move(struct cache_call *c, const struct cache_key *k, int32_t by,
                                     uint64_t *ret_value) CARDEA_CHECKED;

/* Many values of one server; each that is there is handed over, in any order. */
typedef void cache_found(void *context, struct view key, struct view value);
struct cardea_status cache_call_get_many(struct cache_call *c, const struct cache_key *keys, uint32_t count,
                                         cache_found *found, void *context) CARDEA_CHECKED;

struct cache_settings {
    bool swaps, evicts, answered;
    uint64_t memory, item_max;
};
/* What the server says of itself. fails: E_UNAVAILABLE; E_USAGE: it wants a password */
struct cardea_status cache_call_settings(struct cache_call *c, struct cache_settings *out) CARDEA_CHECKED;

#endif
