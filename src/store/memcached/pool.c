#include "store/memcached/pool.h"

#include "base/text.h"

#include <errno.h>
#include <time.h>

enum { OPERATION_MS = 2000 }; /* of one operation at most, whatever its deadline: a server that hangs is away */

#define AWAY CARDEA_FAIL(E_UNAVAILABLE)

/* --- making and ending --- */

static bool add_host(memcached_st *handle, const struct cache_host *h)
{
    memcached_return_t rc = h->port == 0 ? memcached_server_add_unix_socket(handle, h->name)
                                         : memcached_server_add(handle, h->name, h->port);
    return memcached_success(rc);
}

/* A handle of one server; it connects when it is first used. */
static memcached_st *handle_new(const struct cache_host *h)
{
    static const memcached_behavior_t on[] = {MEMCACHED_BEHAVIOR_NO_BLOCK, MEMCACHED_BEHAVIOR_TCP_NODELAY,
                                              MEMCACHED_BEHAVIOR_SUPPORT_CAS};
    memcached_st *handle = memcached_create(NULL);
    bool ok = handle != NULL;
    for (size_t i = 0; ok && i < sizeof on / sizeof on[0]; i++)
        ok = memcached_success(memcached_behavior_set(handle, on[i], 1));
    if (ok && add_host(handle, h))
        return handle;
    if (handle != NULL)
        memcached_free(handle);
    return NULL;
}

static void handle_free(memcached_st *handle)
{
    if (handle != NULL)
        memcached_free(handle);
}

struct cardea_status cache_pool_init(struct cache_pool *p, const struct cache_options *o)
{
    pthread_condattr_t attributes;
    *p = (struct cache_pool){.boot_ms = o->boot_ms, .count = o->host_count};
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < p->count; i++) {
        p->servers[i].host = o->hosts[i];
        pthread_mutex_init(&p->servers[i].lock, NULL);
        pthread_cond_init(&p->servers[i].freed, &attributes);
    }
    pthread_condattr_destroy(&attributes);
    p->ring = memcached_create(NULL);
    bool ok = p->ring != NULL && memcached_success(memcached_behavior_set(p->ring, MEMCACHED_BEHAVIOR_KETAMA, 1));
    for (uint32_t i = 0; ok && i < p->count; i++)
        ok = add_host(p->ring, &o->hosts[i]);
    return ok ? CARDEA_SUCCESS : AWAY;
}

void cache_pool_clear(struct cache_pool *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        struct cache_server *v = &p->servers[i];
        while (v->idle_count > 0)
            handle_free(v->idle[--v->idle_count]);
        pthread_cond_destroy(&v->freed);
        pthread_mutex_destroy(&v->lock);
    }
    handle_free(p->ring);
}

uint32_t cache_server_of(const struct cache_pool *p, const struct cache_key *k)
{
    return p->count == 1 ? 0 : memcached_generate_hash(p->ring, k->text, k->len);
}

/* --- lending --- */

/* May this server be asked? After it was found away one caller finds out whether it is back, and the others do not wait
 * for that. */
static bool may_ask(struct cache_server *v, int64_t now_ms)
{
    pthread_mutex_lock(&v->lock);
    bool may = !v->away || now_ms >= v->away_until_ms;
    if (v->away && may)
        v->away_until_ms = now_ms + OPERATION_MS;
    pthread_mutex_unlock(&v->lock);
    return may;
}

/* A handle that is idle, or the right to make one (*out NULL). false: none came free in time. */
static bool borrow(struct cache_server *v, int64_t left_ms, memcached_st **out)
{
    bool ok = false;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += left_ms / 1000;
    until.tv_nsec += left_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&v->lock);
    for (;;) {
        *out = NULL;
        ok = v->idle_count > 0 || v->open_count < CACHE_CONNECTIONS;
        if (v->idle_count > 0)
            *out = v->idle[--v->idle_count];
        else
            v->open_count += ok;
        if (ok || pthread_cond_timedwait(&v->freed, &v->lock, &until) == ETIMEDOUT)
            break;
    }
    pthread_mutex_unlock(&v->lock);
    return ok;
}

/* NULL: it broke. Then what else is idle is suspect too: a server that was restarted has closed all of them. */
static void give_back(struct cache_server *v, memcached_st *handle, bool away, int64_t away_until_ms)
{
    memcached_st *broken[CACHE_CONNECTIONS];
    uint32_t count = 0;
    pthread_mutex_lock(&v->lock);
    v->away = away;
    if (handle != NULL) {
        v->idle[v->idle_count++] = handle;
    } else {
        v->open_count--;
        v->away_until_ms = away_until_ms;
        while (v->idle_count > 0) {
            broken[count++] = v->idle[--v->idle_count];
            v->open_count--;
        }
    }
    pthread_cond_broadcast(&v->freed);
    pthread_mutex_unlock(&v->lock);
    while (count > 0)
        handle_free(broken[--count]);
}

struct cardea_status cache_run(struct cache_pool *p, uint32_t server, int64_t deadline_ms, cache_work *work,
                               void *context)
{
    struct cache_server *v = &p->servers[server];
    int64_t now = p->boot_ms();
    if (deadline_ms > now + OPERATION_MS)
        deadline_ms = now + OPERATION_MS;
    struct cache_call c = {.boot_ms = p->boot_ms, .deadline_ms = deadline_ms};
    if (deadline_ms <= now || !may_ask(v, now) || !borrow(v, deadline_ms - now, &c.handle))
        return AWAY;
    struct cardea_status s = AWAY;
    bool fresh = c.handle == NULL;
    if (!fresh)
        s = work(&c, context);
    if (s.code == CARDEA_E_UNAVAILABLE && (fresh || p->boot_ms() < deadline_ms)) {
        handle_free(c.handle);
        c.handle = handle_new(&v->host);
        s = c.handle == NULL ? AWAY : work(&c, context);
    }
    bool away = s.code == CARDEA_E_UNAVAILABLE;
    if (away) {
        handle_free(c.handle);
        c.handle = NULL;
    }
    give_back(v, c.handle, away, p->boot_ms() + CACHE_AWAY_MS);
    return s;
}

/* --- exchanges --- */

/* libmemcached waits this long at each step. false: no time is left. */
static bool in_time(struct cache_call *c)
{
    int64_t left = c->deadline_ms - c->boot_ms();
    if (left <= 0)
        return false;
    uint64_t ms = (uint64_t)left;
    return memcached_success(memcached_behavior_set(c->handle, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, ms)) &&
           memcached_success(memcached_behavior_set(c->handle, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, ms));
}

static struct cardea_status status_of(memcached_return_t rc)
{
    switch (rc) {
    case MEMCACHED_SUCCESS:
    case MEMCACHED_STORED:
    case MEMCACHED_DELETED:
        return CARDEA_SUCCESS;
    case MEMCACHED_NOTFOUND:
        return CARDEA_FAIL(E_NOT_FOUND);
    case MEMCACHED_NOTSTORED:
    case MEMCACHED_DATA_EXISTS:
        return CARDEA_FAIL(E_CONFLICT);
    case MEMCACHED_E2BIG:
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
        return CARDEA_FAIL(E_LIMIT);
    default:
        return AWAY;
    }
}

struct one_value {
    void *out;
    size_t cap, len;
    uint64_t cas;
    bool there, fits;
};

/* Take every value of an answer. */
static struct cardea_status take_values(struct cache_call *c, struct one_value *one, cache_found *found, void *context)
{
    memcached_result_st result;
    memcached_return_t rc;
    if (memcached_result_create(c->handle, &result) == NULL)
        return AWAY;
    struct cardea_status s = CARDEA_SUCCESS;
    for (;;) {
        if (!in_time(c)) {
            s = AWAY;
            break;
        }
        if (memcached_fetch_result(c->handle, &result, &rc) == NULL) {
            if (rc != MEMCACHED_END && rc != MEMCACHED_NOTFOUND)
                s = AWAY;
            break;
        }
        struct view value = view_of(memcached_result_value(&result), memcached_result_length(&result));
        if (one == NULL) {
            found(context, view_of(memcached_result_key_value(&result), memcached_result_key_length(&result)), value);
            continue;
        }
        one->there = true;
        one->fits = value.len <= one->cap;
        one->len = value.len;
        one->cas = memcached_result_cas(&result);
        if (one->fits && value.len > 0)
            memcpy(one->out, value.ptr, value.len);
    }
    memcached_result_free(&result);
    return s;
}

struct cardea_status cache_call_get(struct cache_call *c, const struct cache_key *k, void *out, size_t cap,
                                    size_t *ret_len, uint64_t *ret_cas)
{
    struct one_value one = {.out = out, .cap = cap};
    const char *keys[] = {k->text};
    if (!in_time(c) || !memcached_success(memcached_mget(c->handle, keys, &k->len, 1)))
        return AWAY;
    struct cardea_status s = take_values(c, &one, NULL, NULL);
    if (!cardea_ok(s))
        return s;
    if (!one.there)
        return CARDEA_FAIL(E_NOT_FOUND);
    if (one.cas == 0) /* a server that compares nothing would let two rivals win */
        return CARDEA_FAIL(E_LIMIT);
    *ret_cas = one.cas;
    if (!one.fits)
        return CARDEA_FAIL(E_CORRUPT);
    *ret_len = one.len;
    return s;
}

struct cardea_status cache_call_get_many(struct cache_call *c, const struct cache_key *keys, uint32_t count,
                                         cache_found *found, void *context)
{
    enum { MANY_MAX = 128 };
    const char *texts[MANY_MAX];
    size_t lens[MANY_MAX];
    if (count > MANY_MAX)
        return CARDEA_FAIL(E_INTERNAL);
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = keys[i].text;
        lens[i] = keys[i].len;
    }
    if (!in_time(c) || !memcached_success(memcached_mget(c->handle, texts, lens, count)))
        return AWAY;
    return take_values(c, NULL, found, context);
}

struct cardea_status cache_call_add(struct cache_call *c, const struct cache_key *k, const void *value, size_t len,
                                    time_t ttl)
{
    return in_time(c) ? status_of(memcached_add(c->handle, k->text, k->len, value, len, ttl, 0)) : AWAY;
}

struct cardea_status cache_call_swap(struct cache_call *c, const struct cache_key *k, const void *value, size_t len,
                                     time_t ttl, uint64_t cas)
{
    return in_time(c) ? status_of(memcached_cas(c->handle, k->text, k->len, value, len, ttl, 0, cas)) : AWAY;
}

struct cardea_status cache_call_delete(struct cache_call *c, const struct cache_key *k)
{
    return in_time(c) ? status_of(memcached_delete(c->handle, k->text, k->len, 0)) : AWAY;
}

struct cardea_status cache_call_move(struct cache_call *c, const struct cache_key *k, int32_t by, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (!in_time(c))
        return AWAY;
    memcached_return_t rc = by >= 0 ? memcached_increment(c->handle, k->text, k->len, (uint32_t)by, &value)
                                    : memcached_decrement(c->handle, k->text, k->len, (uint32_t)-by, &value);
    if (rc == MEMCACHED_CLIENT_ERROR)
        return CARDEA_FAIL(E_CORRUPT);
    struct cardea_status s = status_of(rc);
    if (cardea_ok(s))
        *ret_value = value;
    return s;
}

/* --- what a server says of itself --- */

static memcached_return_t take_setting(const memcached_instance_st *server, const char *key, size_t key_len,
                                       const char *value, size_t value_len, void *context)
{
    (void)server;
    struct cache_settings *s = context;
    struct view name = view_of(key, key_len), text = view_of(value, value_len);
    uint64_t n = 0;
    bool number = cardea_ok(parse_u64(text, &n));
    s->answered = true;
    if (view_is(name, "cas_enabled"))
        s->swaps = view_is(text, "yes");
    else if (view_is(name, "evictions"))
        s->evicts = !view_is(text, "off");
    else if (view_is(name, "maxbytes") && number)
        s->memory = n;
    else if (view_is(name, "item_size_max") && number)
        s->item_max = n;
    return MEMCACHED_SUCCESS;
}

struct cardea_status cache_call_settings(struct cache_call *c, struct cache_settings *out)
{
    struct cache_settings s = {.swaps = true, .evicts = true};
    if (!in_time(c))
        return AWAY;
    memcached_return_t rc = memcached_stat_execute(c->handle, "settings", take_setting, &s);
    if (rc == MEMCACHED_CLIENT_ERROR || rc == MEMCACHED_AUTH_PROBLEM || rc == MEMCACHED_AUTH_FAILURE)
        return CARDEA_FAIL(E_USAGE);
    if (!memcached_success(rc) || !s.answered)
        return AWAY;
    *out = s;
    return CARDEA_SUCCESS;
}
