/* Which sessions a user has: one value a user, of entries with no gaps, each
 *
 *     sid 16 | epoch 8 | created 8 | expires 8      integers big-endian
 *
 * behind one byte that names the format. It is changed by compare-and-swap, and given up after some tries: it is never
 * what decides. Entries of sessions that ended stay until somebody lists them or room is needed. */
#include "store/memcached/internal.h"

#include <stdlib.h>

enum { FORMAT = 1, ENTRY_BYTES = 40, INDEX_BYTES = 1 + CACHE_INDEX_MAX * ENTRY_BYTES, TRIES = 16 };

struct held {
    struct cache_key key;
    struct cache_index index;
    uint64_t cas; /* 0: there is none yet */
    uint8_t bytes[INDEX_BYTES];
    size_t len;
    time_t ttl;
};

static void put_int(uint8_t *p, int64_t value)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
}

static int64_t take_int(const uint8_t *p)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | p[i];
    return (int64_t)value;
}

static void pack(const struct cache *c, struct held *h)
{
    int64_t last_ms = 0;
    uint8_t *p = h->bytes;
    *p++ = FORMAT;
    for (uint32_t i = 0; i < h->index.count; i++, p += ENTRY_BYTES) {
        const struct cache_entry *e = &h->index.entries[i];
        memcpy(p, e->sid.bytes, sizeof e->sid.bytes);
        put_int(p + 16, e->epoch);
        put_int(p + 24, e->created_at_ms);
        put_int(p + 32, e->expires_at_ms);
        last_ms = e->expires_at_ms > last_ms ? e->expires_at_ms : last_ms;
    }
    h->len = (size_t)(p - h->bytes);
    h->ttl = cache_ttl(c, last_ms);
}

/* What is no index is none: the next change writes a new one over it. */
static void unpack(struct held *h)
{
    h->index.count = 0;
    if (h->len == 0 || h->bytes[0] != FORMAT || (h->len - 1) % ENTRY_BYTES != 0)
        return;
    for (const uint8_t *p = h->bytes + 1; p < h->bytes + h->len; p += ENTRY_BYTES) {
        struct cache_entry *e = &h->index.entries[h->index.count++];
        memcpy(e->sid.bytes, p, sizeof e->sid.bytes);
        e->epoch = take_int(p + 16);
        e->created_at_ms = take_int(p + 24);
        e->expires_at_ms = take_int(p + 32);
    }
}

static struct cardea_status do_read(struct cache_call *call, void *context)
{
    struct held *h = context;
    h->len = 0;
    struct cardea_status s = cache_call_get(call, &h->key, h->bytes, sizeof h->bytes, &h->len, &h->cas);
    if (s.code == CARDEA_E_NOT_FOUND)
        h->cas = 0;
    else if (!cardea_ok(s) && s.code != CARDEA_E_CORRUPT) /* no index of ours is too long: it is none */
        return s;
    unpack(h);
    return CARDEA_SUCCESS;
}

static struct cardea_status do_write(struct cache_call *call, void *context)
{
    struct held *h = context;
    return h->cas == 0 ? cache_call_add(call, &h->key, h->bytes, h->len, h->ttl)
                       : cache_call_swap(call, &h->key, h->bytes, h->len, h->ttl, h->cas);
}

struct cardea_status cache_index_read(struct cache *c, int64_t deadline_ms, const struct user_id *user,
                                      struct cache_index *out)
{
    struct held *h = malloc(sizeof *h);
    if (h == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    h->key = cache_key_of(c, ":u:", user->bytes, sizeof user->bytes);
    struct cardea_status s =
        cache_answer(cache_run(&c->pool, cache_server_of(&c->pool, &h->key), deadline_ms, do_read, h));
    if (cardea_ok(s))
        *out = h->index;
    free(h);
    return s;
}

/* --- changing --- */

struct change {
    const struct cache_entry *add; /* NULL: none */
    const struct session_id *drop;
    uint32_t drop_count;
    int64_t now_ms;
};

static bool dropped(const struct change *g, const struct cache_entry *e)
{
    bool drop = e->expires_at_ms <= g->now_ms || (g->add != NULL && ID_SAME(e->sid, g->add->sid));
    for (uint32_t i = 0; !drop && i < g->drop_count; i++)
        drop = ID_SAME(e->sid, g->drop[i]);
    return drop;
}

static void apply(struct cache_index *x, const struct change *g)
{
    uint32_t kept = 0, oldest = 0;
    for (uint32_t i = 0; i < x->count; i++)
        if (!dropped(g, &x->entries[i]))
            x->entries[kept++] = x->entries[i];
    x->count = kept;
    if (g->add == NULL)
        return;
    if (x->count == CACHE_INDEX_MAX) {
        for (uint32_t i = 1; i < x->count; i++)
            if (x->entries[i].created_at_ms < x->entries[oldest].created_at_ms)
                oldest = i;
        x->entries[oldest] = x->entries[--x->count];
    }
    x->entries[x->count++] = *g->add;
}

static void change(struct cache *c, int64_t deadline_ms, const struct user_id *user, const struct change *g)
{
    struct held *h = malloc(sizeof *h);
    if (h == NULL)
        return;
    h->key = cache_key_of(c, ":u:", user->bytes, sizeof user->bytes);
    uint32_t server = cache_server_of(&c->pool, &h->key);
    for (int i = 0; i < TRIES; i++) {
        if (!cardea_ok(cache_run(&c->pool, server, deadline_ms, do_read, h)))
            break;
        apply(&h->index, g);
        pack(c, h);
        struct cardea_status s = cache_run(&c->pool, server, deadline_ms, do_write, h);
        if (s.code != CARDEA_E_CONFLICT && s.code != CARDEA_E_NOT_FOUND)
            break;
    }
    free(h);
}

/* Of a full index: those that are not there any more. */
static void make_room(struct cache *c, int64_t deadline_ms, const struct user_id *user, const struct cache_index *x)
{
    struct session_id sids[CACHE_FETCH_MAX] = {{{0}}};
    enum cache_presence presence[CACHE_FETCH_MAX] = {CACHE_UNKNOWN};
    struct session_record *records = malloc(CACHE_FETCH_MAX * sizeof *records);
    for (uint32_t from = 0, step; records != NULL && from < x->count; from += step) {
        uint32_t gone = 0;
        step = x->count - from < CACHE_FETCH_MAX ? x->count - from : CACHE_FETCH_MAX;
        for (uint32_t i = 0; i < step; i++)
            sids[i] = x->entries[from + i].sid;
        cache_fetch(c, deadline_ms, sids, step, records, presence);
        for (uint32_t i = 0; i < step; i++)
            if (presence[i] == CACHE_GONE)
                sids[gone++] = sids[i];
        if (gone > 0)
            cache_index_forget(c, deadline_ms, user, sids, gone);
    }
    free(records);
}

void cache_index_add(struct cache *c, int64_t deadline_ms, const struct session_record *r)
{
    struct cache_entry e = {r->sid, r->epoch, r->created_at_ms, r->expires_at_ms};
    struct cache_index *x = malloc(sizeof *x);
    if (x == NULL)
        return;
    if (cardea_ok(cache_index_read(c, deadline_ms, &r->user, x))) {
        if (x->count == CACHE_INDEX_MAX)
            make_room(c, deadline_ms, &r->user, x);
        struct change g = {.add = &e, .now_ms = c->wall_ms()};
        change(c, deadline_ms, &r->user, &g);
    }
    free(x);
}

void cache_index_forget(struct cache *c, int64_t deadline_ms, const struct user_id *user, const struct session_id *sids,
                        uint32_t count)
{
    struct change g = {.drop = sids, .drop_count = count, .now_ms = c->wall_ms()};
    change(c, deadline_ms, user, &g);
}
