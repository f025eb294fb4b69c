/* Counters are Memcached's own numbers: incr is atomic, and add makes one. A code is taken by deleting it: of all who
 * read it, one is told that it was there to delete. */
#include "store/memcached/internal.h"

struct counting {
    struct cache *cache;
    struct cache_key key;
    const struct counter_step *step;
    uint64_t value;
};

static struct cardea_status do_step(struct cache_call *call, void *context)
{
    struct counting *c = context;
    int32_t add = c->step->add;
    struct cardea_status s = cache_call_move(call, &c->key, add, &c->value);
    if (s.code != CARDEA_E_NOT_FOUND)
        return s;
    c->value = 0;
    if (add <= 0)
        return CARDEA_SUCCESS;
    char text[16];
    struct buf b = buf_fixed(text, sizeof text);
    buf_int(&b, add);
    c->value = (uint64_t)add;
    s = cache_call_add(call, &c->key, text, b.len, cache_ttl(c->cache, c->cache->wall_ms() + c->step->window_ms));
    if (s.code != CARDEA_E_CONFLICT)
        return s;
    s = cache_call_move(call, &c->key, add, &c->value); /* another one has made it meanwhile */
    return s.code == CARDEA_E_NOT_FOUND ? CARDEA_FAIL(E_LIMIT) : s;
}

struct cardea_status cache_count(struct sessions *e, int64_t deadline_ms, int64_t now_ms,
                                 const struct counter_step *steps, uint32_t count, int64_t *ret_values)
{
    (void)now_ms;
    struct cache *c = (struct cache *)e;
    int64_t values[COUNTER_STEPS_MAX];
    if (!counter_steps_good(steps, count))
        return CARDEA_FAIL(E_INTERNAL);
    bool stopped = false;
    for (uint32_t i = 0; i < count; i++) {
        values[i] = -1;
        if (stopped)
            continue;
        struct counting g = {.cache = c, .step = &steps[i]};
        g.key = cache_key_of(c, ":c:", steps[i].id.bytes, sizeof steps[i].id.bytes);
        struct cardea_status s =
            cache_answer(cache_run(&c->pool, cache_server_of(&c->pool, &g.key), deadline_ms, do_step, &g));
        if (!cardea_ok(s))
            return s;
        values[i] = g.value > INT64_MAX ? INT64_MAX : (int64_t)g.value;
        stopped = values[i] > steps[i].stop_above;
    }
    if (count > 0)
        memcpy(ret_values, values, count * sizeof *values);
    return CARDEA_SUCCESS;
}

/* --- codes --- */

struct code {
    struct cache_key key;
    const struct code_value *value;
    time_t ttl;
    struct code_value found;
    bool asked;
};

static struct cardea_status do_look(struct cache_call *call, struct code *c)
{
    size_t len = 0;
    uint64_t cas;
    struct cardea_status s = cache_call_get(call, &c->key, c->found.bytes, sizeof c->found.bytes, &len, &cas);
    c->found.len = (uint16_t)len;
    return s;
}

/* An id that is taken by this very value: this call, or the one that broke before it, has put it. */
static struct cardea_status do_put(struct cache_call *call, void *context)
{
    struct code *c = context;
    struct cardea_status s = cache_call_add(call, &c->key, c->value->bytes, c->value->len, c->ttl);
    if (s.code != CARDEA_E_CONFLICT)
        return s;
    struct cardea_status look = do_look(call, c);
    if (look.code == CARDEA_E_UNAVAILABLE)
        return look;
    bool same =
        cardea_ok(look) && c->found.len == c->value->len && memcmp(c->found.bytes, c->value->bytes, c->found.len) == 0;
    return same ? CARDEA_SUCCESS : s;
}

struct cardea_status cache_code_put(struct sessions *e, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                    const struct code_value *value, int64_t ttl_ms)
{
    (void)now_ms;
    struct cache *c = (struct cache *)e;
    if (!code_good(value, ttl_ms))
        return CARDEA_FAIL(E_INTERNAL);
    struct code k = {.key = cache_key_of(c, ":k:", id.bytes, sizeof id.bytes), .value = value};
    k.ttl = cache_ttl(c, c->wall_ms() + ttl_ms);
    return cache_answer(cache_run(&c->pool, cache_server_of(&c->pool, &k.key), deadline_ms, do_put, &k));
}

/* Deleted once: what broke on the way back may have been the only time that it is given. */
static struct cardea_status do_take(struct cache_call *call, void *context)
{
    struct code *c = context;
    if (c->asked)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = do_look(call, c);
    if (!cardea_ok(s))
        return s;
    c->asked = true;
    return cache_call_delete(call, &c->key);
}

struct cardea_status cache_code_take(struct sessions *e, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                     struct code_value *out)
{
    (void)now_ms;
    struct cache *c = (struct cache *)e;
    struct code k = {.key = cache_key_of(c, ":k:", id.bytes, sizeof id.bytes)};
    struct cardea_status s = cache_run(&c->pool, cache_server_of(&c->pool, &k.key), deadline_ms, do_take, &k);
    if (cardea_ok(s))
        *out = k.found;
    return cache_answer(s);
}
