#include "store/memory/memory.h"

#include "store/cursor.h"
#include "store/memory/short.h"

#include <pthread.h>
#include <stdlib.h>

enum { LEVEL_FIRST = 10, LEVEL_LAST = 26 };

struct entry {
    struct entry *next; /* of a higher sid */
    struct session_record record;
};

struct memory {
    struct sessions base;
    pthread_mutex_t lock;
    struct entry **buckets; /* 2^level */
    unsigned level;
    uint32_t count;
    struct short_lived short_lived;
};

static int sid_compare(const struct session_id *a, const struct session_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static uint32_t bucket_of(unsigned level, const struct session_id *sid)
{
    uint32_t head =
        (uint32_t)sid->bytes[0] << 24 | (uint32_t)sid->bytes[1] << 16 | (uint32_t)sid->bytes[2] << 8 | sid->bytes[3];
    return head >> (32 - level);
}

/* The link to a session, or to where it would stand. */
static struct entry **find(struct memory *m, const struct session_id *sid)
{
    struct entry **at = &m->buckets[bucket_of(m->level, sid)];
    while (*at != NULL && sid_compare(&(*at)->record.sid, sid) < 0)
        at = &(*at)->next;
    return at;
}

static struct session_record *lookup(struct memory *m, const struct session_id *sid)
{
    struct entry *e = *find(m, sid);
    return e != NULL && sid_compare(&e->record.sid, sid) == 0 ? &e->record : NULL;
}

static void unlink_at(struct memory *m, struct entry **at)
{
    struct entry *e = *at;
    *at = e->next;
    free(e);
    m->count--;
}

/* The session after one, in order; NULL: the first. */
static struct entry *following(struct memory *m, const struct session_id *sid)
{
    uint32_t bucket = 0;
    if (sid != NULL) {
        struct entry *e = *find(m, sid);
        if (e != NULL && sid_compare(&e->record.sid, sid) == 0)
            e = e->next;
        if (e != NULL)
            return e;
        bucket = bucket_of(m->level, sid) + 1;
    }
    while (bucket < (uint32_t)1 << m->level && m->buckets[bucket] == NULL)
        bucket++;
    return bucket < (uint32_t)1 << m->level ? m->buckets[bucket] : NULL;
}

/* Twice the buckets: each chain falls into two, still in order. Without memory it stays as it is, and slower. */
static void grow(struct memory *m)
{
    if (m->count < (uint32_t)1 << m->level || m->level == LEVEL_LAST)
        return;
    struct entry **wider = calloc((size_t)2 << m->level, sizeof(struct entry *));
    if (wider == NULL)
        return;
    for (uint32_t i = 0; i < (uint32_t)1 << m->level; i++) {
        struct entry **tail[2] = {&wider[2 * i], &wider[2 * i + 1]};
        for (struct entry *e = m->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            struct entry ***end = &tail[bucket_of(m->level + 1, &e->record.sid) & 1];
            e->next = NULL;
            **end = e;
            *end = &e->next;
        }
    }
    free(m->buckets);
    m->buckets = wider;
    m->level++;
}

static struct memory *enter(struct sessions *s)
{
    struct memory *m = (struct memory *)s;
    pthread_mutex_lock(&m->lock);
    return m;
}

static struct cardea_status leave(struct memory *m, struct cardea_status s)
{
    pthread_mutex_unlock(&m->lock);
    return s;
}

static void memory_close(struct sessions *s)
{
    struct memory *m = (struct memory *)s;
    if (m == NULL)
        return;
    for (struct entry *e; (e = following(m, NULL)) != NULL;)
        unlink_at(m, find(m, &e->record.sid));
    free(m->buckets);
    short_clear(&m->short_lived);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static struct cardea_status memory_get(struct sessions *s, int64_t deadline_ms, struct session_id sid,
                                       struct session_record *out)
{
    (void)deadline_ms;
    struct memory *m = enter(s);
    const struct session_record *r = lookup(m, &sid);
    if (r != NULL)
        *out = *r;
    return leave(m, r != NULL ? CARDEA_SUCCESS : CARDEA_FAIL(E_NOT_FOUND));
}

static struct cardea_status memory_create(struct sessions *s, int64_t deadline_ms, const struct session_record *r)
{
    (void)deadline_ms;
    if (!session_storable(r))
        return CARDEA_FAIL(E_INTERNAL);
    struct entry *fresh = malloc(sizeof *fresh);
    if (fresh == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    fresh->record = *r;
    struct memory *m = enter(s);
    struct entry **at = find(m, &r->sid);
    if (*at != NULL && sid_compare(&(*at)->record.sid, &r->sid) == 0) {
        free(fresh);
        return leave(m, CARDEA_FAIL(E_CONFLICT));
    }
    fresh->next = *at;
    *at = fresh;
    m->count++;
    grow(m);
    return leave(m, CARDEA_SUCCESS);
}

static struct cardea_status memory_rotate(struct sessions *s, int64_t deadline_ms, const struct session_record *r,
                                          uint64_t expected_generation)
{
    (void)deadline_ms;
    struct memory *m = enter(s);
    struct session_record *kept = lookup(m, &r->sid);
    if (kept == NULL)
        return leave(m, CARDEA_FAIL(E_NOT_FOUND));
    if (kept->generation != expected_generation)
        return leave(m, CARDEA_FAIL(E_CONFLICT));
    kept->generation = r->generation;
    memcpy(kept->refresh_digest, r->refresh_digest, sizeof kept->refresh_digest);
    memcpy(kept->previous_digest, r->previous_digest, sizeof kept->previous_digest);
    memcpy(kept->refresh_nonce, r->refresh_nonce, sizeof kept->refresh_nonce);
    kept->rotated_at_ms = r->rotated_at_ms;
    if (kept->last_seen_at_ms < r->last_seen_at_ms)
        kept->last_seen_at_ms = r->last_seen_at_ms;
    return leave(m, CARDEA_SUCCESS);
}

static struct cardea_status memory_remove(struct sessions *s, int64_t deadline_ms, const struct session_id *sids,
                                          uint32_t count)
{
    (void)deadline_ms;
    struct memory *m = enter(s);
    for (uint32_t i = 0; i < count; i++)
        if (lookup(m, &sids[i]) != NULL)
            unlink_at(m, find(m, &sids[i]));
    return leave(m, CARDEA_SUCCESS);
}

static struct cardea_status memory_touch(struct sessions *s, int64_t deadline_ms, const struct session_id *sids,
                                         const int64_t *seen_ms, uint32_t count)
{
    (void)deadline_ms;
    struct memory *m = enter(s);
    for (uint32_t i = 0; i < count; i++) {
        struct session_record *r = lookup(m, &sids[i]);
        if (r != NULL && r->last_seen_at_ms < seen_ms[i])
            r->last_seen_at_ms = seen_ms[i];
    }
    return leave(m, CARDEA_SUCCESS);
}

static struct cardea_status memory_find_below(struct sessions *s, int64_t deadline_ms, struct user_id user,
                                              int64_t epoch, struct session_id after, struct session_id *out,
                                              uint32_t cap, uint32_t *ret_count)
{
    (void)deadline_ms;
    uint32_t count = 0;
    struct memory *m = enter(s);
    for (struct entry *e = following(m, &after); e != NULL && count < cap; e = following(m, &e->record.sid))
        if (e->record.epoch < epoch && memcmp(&e->record.user, &user, sizeof user) == 0)
            out[count++] = e->record.sid;
    *ret_count = count;
    return leave(m, CARDEA_SUCCESS);
}

/* Newest first, by (created, sid). */
static bool newer(const struct session_record *a, int64_t at_ms, const uint8_t id[16])
{
    return a->created_at_ms != at_ms ? a->created_at_ms > at_ms : memcmp(a->sid.bytes, id, 16) > 0;
}

struct listing {
    const struct session_record **best; /* the newest found, in order */
    uint32_t cap, count;
};

static void listing_add(struct listing *l, const struct session_record *r)
{
    uint32_t at = l->count;
    while (at > 0 && newer(r, l->best[at - 1]->created_at_ms, l->best[at - 1]->sid.bytes))
        at--;
    if (at == l->cap)
        return;
    uint32_t moved = (l->count < l->cap ? l->count : l->cap - 1) - at;
    memmove(&l->best[at + 1], &l->best[at], moved * sizeof(const struct session_record *));
    l->best[at] = r;
    l->count += l->count < l->cap;
}

static struct cardea_status memory_list(struct sessions *s, int64_t deadline_ms, const struct user_id *user,
                                        int64_t epoch, const struct page *page, struct session_record *out,
                                        uint32_t *ret_count, struct cursor *ret_next)
{
    (void)deadline_ms;
    struct cursor_place before;
    struct cardea_status status = cursor_start(page, &before);
    if (!cardea_ok(status))
        return status;
    const struct session_record *best[PAGE_MAX + 1];
    struct listing l = {best, page->limit + 1, 0};
    struct memory *m = enter(s);
    for (struct entry *e = following(m, NULL); e != NULL; e = following(m, &e->record.sid)) {
        const struct session_record *r = &e->record;
        bool past = before.at_ms != r->created_at_ms ? r->created_at_ms < before.at_ms
                                                     : memcmp(r->sid.bytes, before.id, sizeof before.id) < 0;
        if (past && r->epoch >= epoch && (user == NULL || memcmp(&r->user, user, sizeof *user) == 0))
            listing_add(&l, r);
    }
    uint32_t count = l.count < page->limit ? l.count : page->limit;
    for (uint32_t i = 0; i < count; i++)
        out[i] = *best[i];
    *ret_count = count;
    *ret_next =
        l.count > page->limit ? cursor_make(out[count - 1].created_at_ms, out[count - 1].sid.bytes) : cursor_none();
    return leave(m, CARDEA_SUCCESS);
}

static struct cardea_status memory_scan(struct sessions *s, int64_t deadline_ms, struct session_id after,
                                        struct session_record *out, uint32_t cap, uint32_t *ret_count)
{
    (void)deadline_ms;
    uint32_t count = 0;
    struct memory *m = enter(s);
    for (struct entry *e = following(m, &after); e != NULL && count < cap; e = following(m, &e->record.sid))
        out[count++] = e->record;
    *ret_count = count;
    return leave(m, CARDEA_SUCCESS);
}

static struct cardea_status memory_sweep(struct sessions *s, int64_t deadline_ms, int64_t now_ms, uint32_t limit,
                                         uint32_t *ret_count)
{
    (void)deadline_ms;
    uint32_t count = 0;
    struct memory *m = enter(s);
    for (uint32_t i = 0; i < (uint32_t)1 << m->level && count < limit; i++)
        for (struct entry **at = &m->buckets[i]; *at != NULL && count < limit;) {
            const struct session_record *r = &(*at)->record;
            if (session_over_ms(r->last_seen_at_ms, r->idle_ms, r->expires_at_ms) > now_ms) {
                at = &(*at)->next;
                continue;
            }
            unlink_at(m, at);
            count++;
        }
    *ret_count = count + short_sweep(&m->short_lived, now_ms, limit - count);
    return leave(m, CARDEA_SUCCESS);
}

static struct cardea_status memory_count(struct sessions *s, int64_t deadline_ms, int64_t now_ms,
                                         const struct counter_step *steps, uint32_t count, int64_t *ret_values)
{
    (void)deadline_ms;
    struct memory *m = enter(s);
    return leave(m, short_count(&m->short_lived, now_ms, steps, count, ret_values));
}

static struct cardea_status memory_code_put(struct sessions *s, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                            const struct code_value *value, int64_t ttl_ms)
{
    (void)deadline_ms;
    struct memory *m = enter(s);
    return leave(m, short_code_put(&m->short_lived, now_ms, id, value, ttl_ms));
}

static struct cardea_status memory_code_take(struct sessions *s, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                             struct code_value *out)
{
    (void)deadline_ms;
    struct memory *m = enter(s);
    return leave(m, short_code_take(&m->short_lived, now_ms, id, out));
}

static const struct sessions_ops memory_ops = {
    .name = "memory",
    .close = memory_close,
    .get = memory_get,
    .create = memory_create,
    .rotate = memory_rotate,
    .remove = memory_remove,
    .touch = memory_touch,
    .find_below = memory_find_below,
    .list = memory_list,
    .scan = memory_scan,
    .sweep = memory_sweep,
    .count = memory_count,
    .code_put = memory_code_put,
    .code_take = memory_code_take,
};

struct cardea_status sessions_memory_open(struct sessions **out)
{
    struct memory *m = malloc(sizeof *m);
    if (m == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    *m = (struct memory){.base = {&memory_ops}, .level = LEVEL_FIRST};
    m->buckets = calloc((size_t)1 << m->level, sizeof(struct entry *));
    if (m->buckets == NULL) {
        free(m);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    pthread_mutex_init(&m->lock, NULL);
    *out = &m->base;
    return CARDEA_SUCCESS;
}
