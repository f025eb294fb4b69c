#include "store/memcached/internal.h"

#include "base/text.h"
#include "store/cursor.h"
#include "store/session_bytes.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    OPEN_MS = 5000,
    RELATIVE_MAX_S = 60 * 60 * 24 * 30, /* Memcached takes more than this for a date */
    DATE_MAX_S = INT32_MAX,
    ITEM_LEAST = 32768, /* bytes; the index of a user with many sessions */
    SWAP_TRIES = 64,
};

/* --- keys, times, answers --- */

struct cache_key cache_key_of(const struct cache *c, const char *kind, const void *id, size_t len)
{
    struct cache_key k;
    struct buf b = buf_fixed(k.text, sizeof k.text);
    buf_text(&b, c->prefix);
    buf_text(&b, kind);
    buf_base64url(&b, id, len);
    k.len = b.len;
    return k;
}

static struct cache_key session_key(const struct cache *c, const struct session_id *sid)
{
    return cache_key_of(c, ":s:", sid->bytes, sizeof sid->bytes);
}

time_t cache_ttl(const struct cache *c, int64_t until_ms)
{
    int64_t now_ms = c->wall_ms(), left_s = until_ms <= now_ms ? 0 : (until_ms - now_ms) / 1000;
    if (left_s + 2 <= RELATIVE_MAX_S)
        return (time_t)(left_s + 2); /* 1 for what was cut off, 1 for Memcached's clock, which ticks once a second */
    int64_t date_s = until_ms / 1000 + 1;
    if (now_ms / 1000 + RELATIVE_MAX_S >= DATE_MAX_S)
        return RELATIVE_MAX_S;
    return (time_t)(date_s < DATE_MAX_S ? date_s : DATE_MAX_S);
}

struct cardea_status cache_answer(struct cardea_status s)
{
    return s.code == CARDEA_E_LIMIT ? CARDEA_FAIL(E_UNAVAILABLE) : s;
}

static int64_t over_ms(const struct session_record *r)
{
    return session_over_ms(r->last_seen_at_ms, r->idle_ms, r->expires_at_ms);
}

/* --- one session --- */

struct one {
    struct cache *cache;
    struct cache_key key;
    const struct session_id *sid;
    const struct session_record *record;
    uint64_t expected;
    int64_t seen_ms;
    struct session_record kept;
    uint64_t cas;
};

static struct cardea_status run(struct one *o, const struct session_id *sid, int64_t deadline_ms, cache_work *work)
{
    struct cache_pool *p = &o->cache->pool;
    o->sid = sid;
    o->key = session_key(o->cache, sid);
    return cache_answer(cache_run(p, cache_server_of(p, &o->key), deadline_ms, work, o));
}

static struct cardea_status do_get(struct cache_call *call, void *context)
{
    struct one *o = context;
    uint8_t bytes[SESSION_BYTES_MAX];
    size_t len = 0;
    struct cardea_status s = cache_call_get(call, &o->key, bytes, sizeof bytes, &len, &o->cas);
    if (cardea_ok(s))
        s = session_unpack(view_of(bytes, len), &o->kept);
    if (cardea_ok(s) && !ID_SAME(o->kept.sid, *o->sid))
        return CARDEA_FAIL(E_CORRUPT);
    return s;
}

static struct cardea_status cache_get(struct sessions *e, int64_t deadline_ms, struct session_id sid,
                                      struct session_record *out)
{
    struct one o = {.cache = (struct cache *)e};
    struct cardea_status s = run(&o, &sid, deadline_ms, do_get);
    if (cardea_ok(s))
        *out = o.kept;
    return s;
}

/* A sid that is taken by this very record: this call, or the one that broke before it, has made it. */
static struct cardea_status do_create(struct cache_call *call, void *context)
{
    struct one *o = context;
    uint8_t bytes[SESSION_BYTES_MAX], there[SESSION_BYTES_MAX];
    size_t len = session_pack(o->record, bytes), there_len = 0;
    struct cardea_status s = cache_call_add(call, &o->key, bytes, len, cache_ttl(o->cache, over_ms(o->record)));
    if (s.code != CARDEA_E_CONFLICT)
        return s;
    struct cardea_status other = cache_call_get(call, &o->key, there, sizeof there, &there_len, &o->cas);
    if (other.code == CARDEA_E_UNAVAILABLE)
        return other;
    return cardea_ok(other) && there_len == len && memcmp(there, bytes, len) == 0 ? CARDEA_SUCCESS : s;
}

static struct cardea_status cache_create(struct sessions *e, int64_t deadline_ms, const struct session_record *r)
{
    struct one o = {.cache = (struct cache *)e, .record = r};
    if (!session_storable(r) || r->last_seen_at_ms < 0)
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status s = run(&o, &r->sid, deadline_ms, do_create);
    if (cardea_ok(s))
        cache_index_add(o.cache, deadline_ms, r);
    return s;
}

/* Write what was read and changed; E_CONFLICT: read it again. */
static struct cardea_status swap(struct cache_call *call, struct one *o)
{
    uint8_t bytes[SESSION_BYTES_MAX];
    size_t len = session_pack(&o->kept, bytes);
    return cache_call_swap(call, &o->key, bytes, len, cache_ttl(o->cache, over_ms(&o->kept)), o->cas);
}

static bool same_refresh(const struct session_record *a, const struct session_record *b)
{
    uint8_t left[REFRESH_BYTES], right[REFRESH_BYTES];
    refresh_pack(a, left);
    refresh_pack(b, right);
    return a->generation == b->generation && memcmp(left, right, sizeof left) == 0;
}

static struct cardea_status do_rotate(struct cache_call *call, void *context)
{
    struct one *o = context;
    const struct session_record *r = o->record;
    for (int i = 0; i < SWAP_TRIES; i++) {
        struct cardea_status s = do_get(call, o);
        if (!cardea_ok(s))
            return s;
        if (o->kept.generation != o->expected)
            return same_refresh(&o->kept, r) ? CARDEA_SUCCESS : CARDEA_FAIL(E_CONFLICT);
        o->kept.generation = r->generation;
        memcpy(o->kept.refresh_digest, r->refresh_digest, sizeof r->refresh_digest);
        memcpy(o->kept.previous_digest, r->previous_digest, sizeof r->previous_digest);
        memcpy(o->kept.refresh_nonce, r->refresh_nonce, sizeof r->refresh_nonce);
        o->kept.rotated_at_ms = r->rotated_at_ms;
        if (o->kept.last_seen_at_ms < r->last_seen_at_ms)
            o->kept.last_seen_at_ms = r->last_seen_at_ms;
        s = swap(call, o);
        if (s.code != CARDEA_E_CONFLICT)
            return s;
    }
    return CARDEA_FAIL(E_LIMIT);
}

static struct cardea_status cache_rotate(struct sessions *e, int64_t deadline_ms, const struct session_record *r,
                                         uint64_t expected_generation)
{
    if (r->generation > INT64_MAX || expected_generation > INT64_MAX)
        return CARDEA_FAIL(E_INTERNAL);
    struct one o = {.cache = (struct cache *)e, .record = r, .expected = expected_generation};
    return run(&o, &r->sid, deadline_ms, do_rotate);
}

/* --- several sessions --- */

static struct cardea_status do_remove(struct cache_call *call, void *context)
{
    struct one *o = context;
    struct cardea_status s = cache_call_delete(call, &o->key);
    return s.code == CARDEA_E_NOT_FOUND ? CARDEA_SUCCESS : s;
}

/* All that can be removed, also while one of several servers is away. The users' indexes learn of it when they are
 * next read. */
static struct cardea_status cache_remove(struct sessions *e, int64_t deadline_ms, const struct session_id *sids,
                                         uint32_t count)
{
    struct one o = {.cache = (struct cache *)e};
    struct cardea_status all = CARDEA_SUCCESS;
    for (uint32_t i = 0; i < count; i++) {
        struct cardea_status s = run(&o, &sids[i], deadline_ms, do_remove);
        if (!cardea_ok(s))
            all = s;
    }
    return all;
}

static struct cardea_status do_touch(struct cache_call *call, void *context)
{
    struct one *o = context;
    for (int i = 0; i < SWAP_TRIES; i++) {
        struct cardea_status s = do_get(call, o);
        if (!cardea_ok(s) || o->kept.last_seen_at_ms >= o->seen_ms)
            return s;
        o->kept.last_seen_at_ms = o->seen_ms;
        s = swap(call, o);
        if (s.code != CARDEA_E_CONFLICT)
            return s;
    }
    return CARDEA_FAIL(E_LIMIT);
}

static struct cardea_status cache_touch(struct sessions *e, int64_t deadline_ms, const struct session_id *sids,
                                        const int64_t *seen_ms, uint32_t count)
{
    struct one o = {.cache = (struct cache *)e};
    struct cardea_status all = CARDEA_SUCCESS;
    for (uint32_t i = 0; i < count; i++) {
        o.seen_ms = seen_ms[i];
        struct cardea_status s = run(&o, &sids[i], deadline_ms, do_touch);
        if (s.code == CARDEA_E_UNAVAILABLE)
            all = s;
    }
    return all;
}

struct group {
    struct cache_key keys[CACHE_FETCH_MAX];
    uint32_t count;
    struct cardea_status status;
};

struct fetch {
    struct group *group;
    const struct session_id *sids;
    const struct cache_key *keys; /* theirs */
    uint32_t count;
    struct session_record *out;
    enum cache_presence *presence;
};

static void fetch_found(void *context, struct view key, struct view value)
{
    struct fetch *f = context;
    struct session_record r;
    bool whole = cardea_ok(session_unpack(value, &r));
    for (uint32_t i = 0; i < f->count; i++) {
        if (!view_equal(key, view_of(f->keys[i].text, f->keys[i].len)))
            continue;
        bool ours = whole && ID_SAME(r.sid, f->sids[i]);
        f->presence[i] = ours ? CACHE_THERE : CACHE_BROKEN;
        if (ours)
            f->out[i] = r;
    }
}

static struct cardea_status do_fetch(struct cache_call *call, void *context)
{
    struct fetch *f = context;
    return cache_call_get_many(call, f->group->keys, f->group->count, fetch_found, f);
}

void cache_fetch(struct cache *c, int64_t deadline_ms, const struct session_id *sids, uint32_t count,
                 struct session_record *out, enum cache_presence *ret_presence)
{
    uint8_t server_of[CACHE_FETCH_MAX];
    struct cache_key keys[CACHE_FETCH_MAX];
    struct group *g = malloc(sizeof *g);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = session_key(c, &sids[i]);
        server_of[i] = (uint8_t)cache_server_of(&c->pool, &keys[i]);
        ret_presence[i] = CACHE_UNKNOWN;
    }
    for (uint32_t server = 0; g != NULL && server < c->pool.count; server++) {
        struct fetch f = {g, sids, keys, count, out, ret_presence};
        g->count = 0;
        for (uint32_t i = 0; i < count; i++)
            if (server_of[i] == server)
                g->keys[g->count++] = keys[i];
        if (g->count == 0 || !cardea_ok(cache_run(&c->pool, server, deadline_ms, do_fetch, &f)))
            continue;
        for (uint32_t i = 0; i < count; i++)
            if (server_of[i] == server && ret_presence[i] == CACHE_UNKNOWN)
                ret_presence[i] = CACHE_GONE;
    }
    free(g);
}

/* --- many, for a group of changes --- */

static struct cardea_status answer_of(enum cache_presence p)
{
    return p == CACHE_THERE    ? CARDEA_SUCCESS
           : p == CACHE_GONE   ? CARDEA_FAIL(E_NOT_FOUND)
           : p == CACHE_BROKEN ? CARDEA_FAIL(E_CORRUPT)
                               : CARDEA_FAIL(E_UNAVAILABLE);
}

/* A server that is away is the answer for its own sessions alone. */
static struct cardea_status cache_get_many(struct sessions *e, int64_t deadline_ms, const struct session_id *sids,
                                           uint32_t count, struct session_record *out,
                                           struct cardea_status *ret_answers)
{
    enum cache_presence presence[CACHE_FETCH_MAX] = {CACHE_UNKNOWN};
    for (uint32_t from = 0, step; from < count; from += step) {
        step = count - from < CACHE_FETCH_MAX ? count - from : CACHE_FETCH_MAX;
        cache_fetch((struct cache *)e, deadline_ms, sids + from, step, out + from, presence);
        for (uint32_t i = 0; i < step; i++)
            ret_answers[from + i] = answer_of(presence[i]);
    }
    return CARDEA_SUCCESS;
}

/* One after the other, as Memcached has no exchange for many swaps; what counts is that the accounts are asked
 * together. */
static struct cardea_status cache_rotate_many(struct sessions *e, int64_t deadline_ms,
                                              struct session_rotation *rotations, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        rotations[i].answer = cache_rotate(e, deadline_ms, rotations[i].record, rotations[i].expected_generation);
    return CARDEA_SUCCESS;
}

/* --- listings --- */

static int by_sid(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct session_id));
}

static struct cardea_status cache_find_below(struct sessions *e, int64_t deadline_ms, struct user_id user,
                                             int64_t epoch, struct session_id after, struct session_id *out,
                                             uint32_t cap, uint32_t *ret_count)
{
    struct session_id sids[CACHE_INDEX_MAX] = {{{0}}};
    uint32_t found = 0, count = 0;
    struct cache_index *x = malloc(sizeof *x);
    struct cardea_status s =
        x == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : cache_index_read((struct cache *)e, deadline_ms, &user, x);
    for (uint32_t i = 0; cardea_ok(s) && i < x->count; i++)
        if (x->entries[i].epoch < epoch && by_sid(&x->entries[i].sid, &after) > 0)
            sids[found++] = x->entries[i].sid;
    free(x);
    if (!cardea_ok(s))
        return s;
    qsort(sids, found, sizeof *sids, by_sid);
    while (count < cap && count < found) {
        out[count] = sids[count];
        count++;
    }
    *ret_count = count;
    return s;
}

static int newest_first(const void *left, const void *right)
{
    const struct cache_entry *a = left, *b = right;
    if (a->created_at_ms != b->created_at_ms)
        return a->created_at_ms > b->created_at_ms ? -1 : 1;
    return memcmp(b->sid.bytes, a->sid.bytes, sizeof a->sid.bytes);
}

/* What may stand on the page: at or above the epoch, past the cursor, newest first. */
static void select_entries(struct cache_index *x, int64_t epoch, const struct cursor_place *before)
{
    struct cache_entry place = {.created_at_ms = before->at_ms};
    memcpy(place.sid.bytes, before->id, sizeof before->id);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < x->count; i++)
        if (x->entries[i].epoch >= epoch && newest_first(&x->entries[i], &place) > 0)
            x->entries[kept++] = x->entries[i];
    x->count = kept;
    qsort(x->entries, kept, sizeof *x->entries, newest_first);
}

struct listing {
    struct cache *cache;
    const struct user_id *user;
    struct session_record *out;
    uint32_t limit, count;
    bool more;
};

/* The next records of the page; what the index names in vain is struck off. */
static void list_step(struct listing *g, int64_t deadline_ms, const struct cache_entry *entries, uint32_t count,
                      struct session_record *records)
{
    struct session_id sids[CACHE_FETCH_MAX] = {{{0}}};
    enum cache_presence presence[CACHE_FETCH_MAX] = {CACHE_UNKNOWN};
    uint32_t gone = 0;
    for (uint32_t i = 0; i < count; i++)
        sids[i] = entries[i].sid;
    cache_fetch(g->cache, deadline_ms, sids, count, records, presence);
    for (uint32_t i = 0; i < count; i++) {
        bool ours = presence[i] == CACHE_THERE && ID_SAME(records[i].user, *g->user);
        if (presence[i] == CACHE_GONE)
            sids[gone++] = sids[i];
        else if (ours && g->count == g->limit)
            g->more = true;
        else if (ours)
            g->out[g->count++] = records[i];
    }
    if (gone > 0)
        cache_index_forget(g->cache, deadline_ms, g->user, sids, gone);
}

static struct cardea_status list_user(struct listing *g, int64_t deadline_ms, int64_t epoch,
                                      const struct cursor_place *before)
{
    struct cache_index *x = malloc(sizeof *x);
    struct session_record *records = malloc(CACHE_FETCH_MAX * sizeof *records);
    struct cardea_status s = CARDEA_FAIL(E_UNAVAILABLE);
    if (x != NULL && records != NULL)
        s = cache_index_read(g->cache, deadline_ms, g->user, x);
    if (cardea_ok(s)) {
        select_entries(x, epoch, before);
        for (uint32_t from = 0, step; from < x->count && !g->more; from += step) {
            step = x->count - from < CACHE_FETCH_MAX ? x->count - from : CACHE_FETCH_MAX;
            list_step(g, deadline_ms, x->entries + from, step, records);
        }
    }
    free(records);
    free(x);
    return s;
}

static struct cardea_status cache_list(struct sessions *e, int64_t deadline_ms, const struct user_id *user,
                                       int64_t epoch, const struct page *page, struct session_record *out,
                                       uint32_t *ret_count, struct cursor *ret_next)
{
    struct cursor_place before;
    struct listing g = {.cache = (struct cache *)e, .user = user, .out = out, .limit = page->limit};
    struct cardea_status s = cursor_start(page, &before);
    if (!cardea_ok(s))
        return s;
    if (user == NULL)
        return CARDEA_FAIL(E_LIMIT);
    s = list_user(&g, deadline_ms, epoch, &before);
    if (!cardea_ok(s))
        return s;
    *ret_count = g.count;
    *ret_next = g.more ? cursor_make(out[g.count - 1].created_at_ms, out[g.count - 1].sid.bytes) : cursor_none();
    return s;
}

static struct cardea_status cache_scan(struct sessions *e, int64_t deadline_ms, struct session_id after,
                                       struct session_record *out, uint32_t cap, uint32_t *ret_count)
{
    (void)e, (void)deadline_ms, (void)after, (void)out, (void)cap, (void)ret_count;
    return CARDEA_FAIL(E_LIMIT);
}

/* Records expire by themselves. */
static struct cardea_status cache_sweep(struct sessions *e, int64_t deadline_ms, int64_t now_ms, uint32_t limit,
                                        uint32_t *ret_count)
{
    (void)e, (void)deadline_ms, (void)now_ms, (void)limit;
    *ret_count = 0;
    return CARDEA_SUCCESS;
}

/* --- opening --- */

static void cache_close(struct sessions *e)
{
    struct cache *c = (struct cache *)e;
    if (c == NULL)
        return;
    cache_pool_clear(&c->pool);
    free(c);
}

static const struct sessions_ops cache_ops = {
    .name = "memcached",
    .close = cache_close,
    .get = cache_get,
    .create = cache_create,
    .rotate = cache_rotate,
    .get_many = cache_get_many,
    .rotate_many = cache_rotate_many,
    .remove = cache_remove,
    .touch = cache_touch,
    .find_below = cache_find_below,
    .list = cache_list,
    .scan = cache_scan,
    .sweep = cache_sweep,
    .count = cache_count,
    .code_put = cache_code_put,
    .code_take = cache_code_take,
};

static struct cardea_status do_settings(struct cache_call *call, void *context)
{
    return cache_call_settings(call, context);
}

/* Why a server that answered can not be used; NULL: it can. */
static const char *unfit(struct cardea_status s, const struct cache_settings *found)
{
    if (s.code == CARDEA_E_USAGE)
        return "it wants a password, which could only be sent in the clear: start it without";
    if (cardea_ok(s) && !found->swaps)
        return "it has no compare-and-swap, so a refresh token could be used twice: start it without -C";
    if (cardea_ok(s) && found->item_max != 0 && found->item_max < ITEM_LEAST)
        return "its items are too small: start it with -I 32k or more";
    return NULL;
}

struct survey {
    uint32_t reached;
    bool evicts;
    uint64_t memory;
};

static struct cardea_status ask_all(struct cache *c, struct survey *v, char *message, size_t cap)
{
    int64_t deadline_ms = c->pool.boot_ms() + OPEN_MS;
    for (uint32_t i = 0; i < c->pool.count; i++) {
        struct cache_settings found = {0};
        struct cardea_status s = cache_run(&c->pool, i, deadline_ms, do_settings, &found);
        const char *why = unfit(s, &found);
        if (why == NULL && !cardea_ok(s))
            why = "it does not answer";
        if (why != NULL)
            (void)snprintf(message, cap, "Memcached at %s: %s", c->pool.servers[i].host.name, why);
        if (why != NULL && s.code != CARDEA_E_UNAVAILABLE)
            return CARDEA_FAIL(E_USAGE);
        if (!cardea_ok(s))
            continue;
        v->reached++;
        v->evicts = v->evicts || found.evicts;
        v->memory += found.memory;
    }
    return v->reached > 0 ? CARDEA_SUCCESS : CARDEA_FAIL(E_UNAVAILABLE);
}

/* What an operator should know of what was found. */
static void caution(const struct cache *c, const struct survey *v, char *message, size_t cap)
{
    (void)snprintf(message, cap,
                   "sessions are kept in Memcached (%u of %u servers reached, %llu MB): a restart of a server logs out "
                   "everybody whose session it held, %s; listings of devices are best effort; nothing is encrypted on "
                   "the way",
                   v->reached, c->pool.count, (unsigned long long)(v->memory >> 20),
                   v->evicts ? "a full one somebody at random" : "a full one refuses logins");
}

struct cardea_status sessions_memcached_open(const struct cache_options *o, struct sessions **out, char *message,
                                             size_t message_cap)
{
    struct survey v = {0};
    struct cache *c = calloc(1, sizeof *c);
    (void)snprintf(message, message_cap, "out of memory");
    if (c == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    c->base.ops = &cache_ops;
    c->wall_ms = o->wall_ms;
    (void)snprintf(c->prefix, sizeof c->prefix, "%s", o->prefix[0] == '\0' ? "cardea" : o->prefix);
    struct cardea_status s = cache_pool_init(&c->pool, o);
    if (cardea_ok(s))
        s = ask_all(c, &v, message, message_cap);
    if (!cardea_ok(s)) {
        cache_close(&c->base);
        return s;
    }
    caution(c, &v, message, message_cap);
    *out = &c->base;
    return s;
}
