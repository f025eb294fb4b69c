#include "store/redis/check.h"
#include "store/redis/internal.h"

#include "base/text.h"
#include "store/cursor.h"
#include "store/session_bytes.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPEN_MS = 5000, SWEEP_STEP = 128, FETCH_STEP = 128, KEY_MAX = REDIS_PREFIX_MAX + 64, NUMBER_MAX = 24 };

/* --- words --- */

struct key {
    char text[KEY_MAX];
    size_t len;
};

static struct key key_make(const struct redis *r, const char *kind, const struct session_id *sid,
                           const struct user_id *user)
{
    struct key k;
    struct buf b = buf_fixed(k.text, sizeof k.text);
    buf_text(&b, r->prefix);
    buf_text(&b, kind);
    if (sid != NULL)
        buf_session_id(&b, *sid);
    if (user != NULL)
        buf_user_id(&b, *user);
    k.len = b.len;
    return k;
}

static struct key session_key(const struct redis *r, const struct session_id *sid)
{
    return key_make(r, ":s:", sid, NULL);
}
static struct key all_key(const struct redis *r)
{
    return key_make(r, ":sids", NULL, NULL);
}
static struct key created_key(const struct redis *r)
{
    return key_make(r, ":created", NULL, NULL);
}

struct number {
    char text[NUMBER_MAX];
};

static struct number number(const char *before, int64_t value)
{
    struct number n;
    (void)snprintf(n.text, sizeof n.text, "%s%lld", before, (long long)value);
    return n;
}

static void word_key(struct words *w, const struct key *k)
{
    word(w, k->text, k->len);
}

/* --- answers --- */

/* What an error means: is the server of use? */
static struct cardea_status refused(const redisReply *r)
{
    static const char *const unwilling[] = {"OOM ", "MISCONF ", "NOREPLICAS ", "NOPERM "};
    for (size_t i = 0; i < sizeof unwilling / sizeof unwilling[0]; i++)
        if (strncmp(r->str, unwilling[i], strlen(unwilling[i])) == 0)
            return CARDEA_FAIL(E_IO);
    return strncmp(r->str, "WRONGTYPE", 9) == 0 ? CARDEA_FAIL(E_CORRUPT) : CARDEA_FAIL(E_UNAVAILABLE);
}

static struct cardea_status hear(struct link *l, int64_t deadline_ms, int type, redisReply **out)
{
    redisReply *r = NULL;
    struct cardea_status s = link_hear(l, deadline_ms, &r);
    if (!cardea_ok(s))
        return s;
    if (r->type == type) {
        *out = r;
        return CARDEA_SUCCESS;
    }
    s = r->type == REDIS_REPLY_ERROR ? refused(r) : CARDEA_FAIL(E_CORRUPT);
    freeReplyObject(r);
    return s;
}

static struct cardea_status hear_int(struct link *l, int64_t deadline_ms, int64_t *out)
{
    redisReply *r = NULL;
    struct cardea_status s = hear(l, deadline_ms, REDIS_REPLY_INTEGER, &r);
    if (!cardea_ok(s) || r == NULL)
        return s;
    *out = r->integer;
    freeReplyObject(r);
    return s;
}

static bool take_view(const redisReply *r, size_t i, struct view *out)
{
    if (i >= r->elements || r->element[i]->type != REDIS_REPLY_STRING)
        return false;
    *out = view_of(r->element[i]->str, r->element[i]->len);
    return true;
}

static bool take_sid(const redisReply *r, size_t i, struct session_id *out)
{
    struct view v;
    if (!take_view(r, i, &v) || v.len != sizeof out->bytes)
        return false;
    memcpy(out->bytes, v.ptr, sizeof out->bytes);
    return true;
}

/* --- records --- */

static struct cardea_status say_get(const struct redis *r, struct link *l, const struct session_id *sid)
{
    struct key k = session_key(r, sid);
    struct words w = {0};
    word_text(&w, "HMGET");
    word_key(&w, &k);
    word_text(&w, "k");
    word_text(&w, "g");
    word_text(&w, "f");
    word_text(&w, "s");
    return link_say(l, &w);
}

/* E_NOT_FOUND, E_CORRUPT (of the record; the connection is sound): *ret_record. */
static struct cardea_status read_record(const redisReply *r, const struct session_id *sid, struct session_record *out)
{
    struct view kept, generation, refresh, seen;
    struct session_record s;
    uint64_t g, seen_ms;
    if (r->elements == 4 && r->element[0]->type == REDIS_REPLY_NIL)
        return CARDEA_FAIL(E_NOT_FOUND);
    if (!take_view(r, 0, &kept) || !take_view(r, 1, &generation) || !take_view(r, 2, &refresh) ||
        !take_view(r, 3, &seen) || !cardea_ok(session_unpack(kept, &s)) || !cardea_ok(parse_u64(generation, &g)) ||
        !cardea_ok(parse_u64(seen, &seen_ms)) || g > INT64_MAX || seen_ms > INT64_MAX || !refresh_unpack(refresh, &s) ||
        memcmp(&s.sid, sid, sizeof s.sid) != 0)
        return CARDEA_FAIL(E_CORRUPT);
    s.generation = g;
    s.last_seen_at_ms = (int64_t)seen_ms;
    *out = s;
    return CARDEA_SUCCESS;
}

static struct cardea_status hear_record(struct link *l, int64_t deadline_ms, const struct session_id *sid,
                                        struct session_record *out, struct cardea_status *ret_record)
{
    redisReply *r = NULL;
    struct cardea_status s = hear(l, deadline_ms, REDIS_REPLY_ARRAY, &r);
    if (!cardea_ok(s) || r == NULL)
        return s;
    *ret_record = read_record(r, sid, out);
    freeReplyObject(r);
    return s;
}

/* Many records at once: those that are there, in the order of the sids. */
static struct cardea_status fetch(const struct redis *r, struct link *l, int64_t deadline_ms,
                                  const struct session_id *sids, uint32_t count, struct session_record *out,
                                  uint32_t *ret_count)
{
    uint32_t found = 0;
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++)
        s = say_get(r, l, &sids[i]);
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
        struct cardea_status record = CARDEA_FAIL(E_UNAVAILABLE);
        s = hear_record(l, deadline_ms, &sids[i], &out[found], &record);
        if (cardea_ok(s) && cardea_ok(record))
            found++;
    }
    *ret_count = found;
    return s;
}

/* --- one session --- */

struct one {
    struct redis *redis;
    const struct session_id *sid;
    const struct session_record *record;
    struct session_record *out;
    uint64_t expected;
    struct cardea_status answer;
};

static struct cardea_status do_get(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    (void)p;
    struct one *o = context;
    struct cardea_status s = say_get(o->redis, l, o->sid);
    return cardea_ok(s) ? hear_record(l, deadline_ms, o->sid, o->out, &o->answer) : s;
}

static struct cardea_status redis_get(struct sessions *e, int64_t deadline_ms, struct session_id sid,
                                      struct session_record *out)
{
    struct session_record found;
    struct one o = {.redis = (struct redis *)e, .sid = &sid, .out = &found};
    struct cardea_status s = pool_run(&o.redis->pool, deadline_ms, do_get, &o);
    if (cardea_ok(s))
        s = o.answer;
    if (cardea_ok(s))
        *out = found;
    return s;
}

static struct cardea_status say_create(const struct redis *redis, const struct pool *p, struct link *l,
                                       const struct session_record *r)
{
    uint8_t kept[SESSION_BYTES_MAX], refresh[REFRESH_BYTES];
    struct key keys[] = {session_key(redis, &r->sid), key_make(redis, ":u:", NULL, &r->user), all_key(redis),
                         created_key(redis)};
    struct number numbers[] = {
        number("", (int64_t)r->generation), number("", r->last_seen_at_ms),   number("", r->idle_ms),
        number("", r->expires_at_ms),       number("", p->options.wall_ms()), number("", r->epoch),
        number("", r->created_at_ms)};
    char user[USER_ID_TEXT + 1];
    struct buf b = buf_fixed(user, sizeof user);
    buf_user_id(&b, r->user);
    refresh_pack(r, refresh);
    struct words w = {0};
    script_call(p, &w, SCRIPT_CREATE, "4");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        word_key(&w, &keys[i]);
    word(&w, kept, session_pack(r, kept));
    word_text(&w, numbers[0].text);
    word(&w, refresh, sizeof refresh);
    for (size_t i = 1; i < 5; i++)
        word_text(&w, numbers[i].text);
    word(&w, r->sid.bytes, sizeof r->sid.bytes);
    word(&w, user, b.len);
    word_text(&w, numbers[5].text);
    word_text(&w, numbers[6].text);
    return link_say(l, &w);
}

static struct cardea_status do_create(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    struct one *o = context;
    int64_t done = 0;
    struct cardea_status s = say_create(o->redis, p, l, o->record);
    if (cardea_ok(s))
        s = hear_int(l, deadline_ms, &done);
    o->answer = done == 1 ? CARDEA_SUCCESS : CARDEA_FAIL(E_CONFLICT);
    return s;
}

static bool keepable(const struct session_record *r)
{
    return session_storable(r) && r->last_seen_at_ms >= 0;
}

static struct cardea_status redis_create(struct sessions *e, int64_t deadline_ms, const struct session_record *r)
{
    struct one o = {.redis = (struct redis *)e, .record = r};
    if (!keepable(r))
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status s = pool_run(&o.redis->pool, deadline_ms, do_create, &o);
    return cardea_ok(s) ? o.answer : s;
}

static struct cardea_status say_rotate(const struct redis *redis, const struct pool *p, struct link *l,
                                       const struct session_record *r, uint64_t expected_generation)
{
    uint8_t refresh[REFRESH_BYTES];
    struct key k = session_key(redis, &r->sid);
    struct number expected = number("", (int64_t)expected_generation), generation = number("", (int64_t)r->generation),
                  seen = number("", r->last_seen_at_ms), now = number("", p->options.wall_ms());
    refresh_pack(r, refresh);
    struct words w = {0};
    script_call(p, &w, SCRIPT_ROTATE, "1");
    word_key(&w, &k);
    word_text(&w, expected.text);
    word_text(&w, generation.text);
    word(&w, refresh, sizeof refresh);
    word_text(&w, seen.text);
    word_text(&w, now.text);
    return link_say(l, &w);
}

static struct cardea_status hear_rotate(struct link *l, int64_t deadline_ms, struct cardea_status *ret_answer)
{
    int64_t done = 0;
    struct cardea_status s = hear_int(l, deadline_ms, &done);
    *ret_answer = done == 1 ? CARDEA_SUCCESS : done == 0 ? CARDEA_FAIL(E_CONFLICT) : CARDEA_FAIL(E_NOT_FOUND);
    return s;
}

static struct cardea_status do_rotate(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    struct one *o = context;
    struct cardea_status s = say_rotate(o->redis, p, l, o->record, o->expected);
    return cardea_ok(s) ? hear_rotate(l, deadline_ms, &o->answer) : s;
}

static struct cardea_status redis_rotate(struct sessions *e, int64_t deadline_ms, const struct session_record *r,
                                         uint64_t expected_generation)
{
    if (r->generation > INT64_MAX || expected_generation > INT64_MAX)
        return CARDEA_FAIL(E_INTERNAL);
    struct one o = {.redis = (struct redis *)e, .record = r, .expected = expected_generation};
    struct cardea_status s = pool_run(&o.redis->pool, deadline_ms, do_rotate, &o);
    return cardea_ok(s) ? o.answer : s;
}

/* --- several sessions --- */

struct many {
    struct redis *redis;
    const struct session_id *sids;
    struct session_record *out;
    struct cardea_status *answers;
    struct session_rotation *rotations;
    uint32_t count;
};

static struct cardea_status do_get_many(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    (void)p;
    struct many *m = context;
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t from = 0; cardea_ok(s) && from < m->count; from += FETCH_STEP) {
        uint32_t end = m->count - from < FETCH_STEP ? m->count : from + FETCH_STEP;
        for (uint32_t i = from; cardea_ok(s) && i < end; i++)
            s = say_get(m->redis, l, &m->sids[i]);
        for (uint32_t i = from; cardea_ok(s) && i < end; i++)
            s = hear_record(l, deadline_ms, &m->sids[i], &m->out[i], &m->answers[i]);
    }
    return s;
}

static struct cardea_status redis_get_many(struct sessions *e, int64_t deadline_ms, const struct session_id *sids,
                                           uint32_t count, struct session_record *out,
                                           struct cardea_status *ret_answers)
{
    struct many m = {.redis = (struct redis *)e, .sids = sids, .out = out, .answers = ret_answers, .count = count};
    return count == 0 ? CARDEA_SUCCESS : pool_run(&m.redis->pool, deadline_ms, do_get_many, &m);
}

static struct cardea_status do_rotate_many(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    struct many *m = context;
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t from = 0; cardea_ok(s) && from < m->count; from += FETCH_STEP) {
        uint32_t end = m->count - from < FETCH_STEP ? m->count : from + FETCH_STEP;
        for (uint32_t i = from; cardea_ok(s) && i < end; i++)
            s = say_rotate(m->redis, p, l, m->rotations[i].record, m->rotations[i].expected_generation);
        for (uint32_t i = from; cardea_ok(s) && i < end; i++)
            s = hear_rotate(l, deadline_ms, &m->rotations[i].answer);
    }
    return s;
}

static struct cardea_status redis_rotate_many(struct sessions *e, int64_t deadline_ms,
                                              struct session_rotation *rotations, uint32_t count)
{
    struct many m = {.redis = (struct redis *)e, .rotations = rotations, .count = count};
    for (uint32_t i = 0; i < count; i++)
        if (rotations[i].record->generation > INT64_MAX || rotations[i].expected_generation > INT64_MAX)
            return CARDEA_FAIL(E_INTERNAL);
    return count == 0 ? CARDEA_SUCCESS : pool_run(&m.redis->pool, deadline_ms, do_rotate_many, &m);
}

struct several {
    struct redis *redis;
    const struct session_id *sids;
    const int64_t *seen_ms;
    uint32_t count;
};

/* As many answers as commands were said. */
static struct cardea_status hear_ints(struct link *l, int64_t deadline_ms, uint32_t count, int64_t *ret_sum)
{
    struct cardea_status s = CARDEA_SUCCESS;
    int64_t sum = 0;
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
        int64_t n = 0;
        s = hear_int(l, deadline_ms, &n);
        sum += n;
    }
    if (ret_sum != NULL)
        *ret_sum = sum;
    return s;
}

struct moved {
    struct redis *redis;
    const struct session_record *records;
    uint32_t count;
    bool taken;
};

static struct cardea_status do_create_many(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    struct moved *m = context;
    struct cardea_status s = CARDEA_SUCCESS;
    int64_t done = 0;
    for (uint32_t i = 0; cardea_ok(s) && i < m->count; i++)
        s = say_create(m->redis, p, l, &m->records[i]);
    if (cardea_ok(s))
        s = hear_ints(l, deadline_ms, m->count, &done);
    m->taken = done != (int64_t)m->count;
    return s;
}

/* In steps, each an operation of its own: a server that is busy gets the time of one for each. */
static struct cardea_status redis_create_many(struct sessions *e, int64_t deadline_ms,
                                              const struct session_record *records, uint32_t count)
{
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t i = 0; i < count; i++)
        if (!keepable(&records[i]))
            return CARDEA_FAIL(E_INTERNAL);
    for (uint32_t from = 0; cardea_ok(s) && from < count; from += FETCH_STEP) {
        uint32_t step = count - from < FETCH_STEP ? count - from : FETCH_STEP;
        struct moved m = {.redis = (struct redis *)e, .records = records + from, .count = step};
        s = pool_run(&m.redis->pool, deadline_ms, do_create_many, &m);
        if (cardea_ok(s) && m.taken)
            s = CARDEA_FAIL(E_CONFLICT);
    }
    return s;
}

static struct cardea_status do_remove(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    struct several *a = context;
    struct key all = all_key(a->redis), created = created_key(a->redis), users = key_make(a->redis, ":u:", NULL, NULL);
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t from = 0; cardea_ok(s) && from < a->count; from += FETCH_STEP) {
        uint32_t step = a->count - from < FETCH_STEP ? a->count - from : FETCH_STEP;
        for (uint32_t i = from; cardea_ok(s) && i < from + step; i++) {
            struct key k = session_key(a->redis, &a->sids[i]);
            struct words w = {0};
            script_call(p, &w, SCRIPT_REMOVE, "3");
            word_key(&w, &k);
            word_key(&w, &all);
            word_key(&w, &created);
            word(&w, a->sids[i].bytes, sizeof a->sids[i].bytes);
            word_key(&w, &users);
            s = link_say(l, &w);
        }
        if (cardea_ok(s))
            s = hear_ints(l, deadline_ms, step, NULL);
    }
    return s;
}

static struct cardea_status redis_remove(struct sessions *e, int64_t deadline_ms, const struct session_id *sids,
                                         uint32_t count)
{
    struct several a = {.redis = (struct redis *)e, .sids = sids, .count = count};
    return pool_run(&a.redis->pool, deadline_ms, do_remove, &a);
}

static struct cardea_status do_touch(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    struct several *a = context;
    struct number now = number("", p->options.wall_ms());
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t from = 0; cardea_ok(s) && from < a->count; from += FETCH_STEP) {
        uint32_t step = a->count - from < FETCH_STEP ? a->count - from : FETCH_STEP;
        for (uint32_t i = from; cardea_ok(s) && i < from + step; i++) {
            struct key k = session_key(a->redis, &a->sids[i]);
            struct number seen = number("", a->seen_ms[i]);
            struct words w = {0};
            script_call(p, &w, SCRIPT_TOUCH, "1");
            word_key(&w, &k);
            word_text(&w, seen.text);
            word_text(&w, now.text);
            s = link_say(l, &w);
        }
        if (cardea_ok(s))
            s = hear_ints(l, deadline_ms, step, NULL);
    }
    return s;
}

static struct cardea_status redis_touch(struct sessions *e, int64_t deadline_ms, const struct session_id *sids,
                                        const int64_t *seen_ms, uint32_t count)
{
    struct several a = {.redis = (struct redis *)e, .sids = sids, .seen_ms = seen_ms, .count = count};
    return count == 0 ? CARDEA_SUCCESS : pool_run(&a.redis->pool, deadline_ms, do_touch, &a);
}

/* --- listings --- */

static int by_sid(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct session_id));
}

/* The sids of a sorted set's answer, for the caller to free; NULL with count 0 where there are none. */
static struct cardea_status take_sids(struct link *l, int64_t deadline_ms, struct session_id **out, uint32_t *ret_count)
{
    redisReply *r = NULL;
    struct cardea_status s = hear(l, deadline_ms, REDIS_REPLY_ARRAY, &r);
    if (!cardea_ok(s) || r == NULL)
        return s;
    uint32_t count = 0;
    struct session_id *sids = r->elements == 0 ? NULL : malloc(r->elements * sizeof *sids);
    if (r->elements > 0 && sids == NULL) {
        s = CARDEA_FAIL(E_UNAVAILABLE);
    } else {
        for (size_t i = 0; i < r->elements; i++)
            count += take_sid(r, i, &sids[count]);
        *out = sids;
        *ret_count = count;
    }
    freeReplyObject(r);
    return s;
}

/* A user's sids whose epoch lies in a range of scores. */
static struct cardea_status user_sids(const struct redis *r, struct link *l, int64_t deadline_ms,
                                      const struct user_id *user, const char *least, const char *most,
                                      struct session_id **out, uint32_t *ret_count)
{
    struct key k = key_make(r, ":u:", NULL, user);
    struct words w = {0};
    word_text(&w, "ZRANGEBYSCORE");
    word_key(&w, &k);
    word_text(&w, least);
    word_text(&w, most);
    struct cardea_status s = link_say(l, &w);
    return cardea_ok(s) ? take_sids(l, deadline_ms, out, ret_count) : s;
}

struct below {
    struct redis *redis;
    const struct user_id *user;
    int64_t epoch;
    struct session_id after, *out;
    uint32_t cap, count;
};

static struct cardea_status do_find_below(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    (void)p;
    struct below *b = context;
    struct number most = number("(", b->epoch);
    struct session_id *sids = NULL;
    uint32_t count = 0;
    struct cardea_status s = user_sids(b->redis, l, deadline_ms, b->user, "-inf", most.text, &sids, &count);
    if (!cardea_ok(s))
        return s;
    if (count > 0)
        qsort(sids, count, sizeof *sids, by_sid);
    b->count = 0;
    for (uint32_t i = 0; i < count && b->count < b->cap; i++)
        if (by_sid(&sids[i], &b->after) > 0)
            b->out[b->count++] = sids[i];
    free(sids);
    return s;
}

static struct cardea_status redis_find_below(struct sessions *e, int64_t deadline_ms, struct user_id user,
                                             int64_t epoch, struct session_id after, struct session_id *out,
                                             uint32_t cap, uint32_t *ret_count)
{
    struct below b = {
        .redis = (struct redis *)e, .user = &user, .epoch = epoch, .after = after, .out = out, .cap = cap};
    struct cardea_status s = pool_run(&b.redis->pool, deadline_ms, do_find_below, &b);
    if (cardea_ok(s))
        *ret_count = b.count;
    return s;
}

struct listing {
    struct redis *redis;
    const struct user_id *user;
    int64_t epoch;
    struct cursor_place before;
    struct session_record *out; /* limit + 1 */
    uint32_t limit, count;
};

static int newest_first(const struct session_record *a, int64_t at_ms, const uint8_t id[16])
{
    if (a->created_at_ms != at_ms)
        return a->created_at_ms > at_ms ? -1 : 1;
    return -memcmp(a->sid.bytes, id, 16);
}

/* Keep it, if it is on this page: the newest `limit` and one more, in order. */
static void listing_add(struct listing *g, const struct session_record *r)
{
    if (r->epoch < g->epoch || newest_first(r, g->before.at_ms, g->before.id) <= 0)
        return;
    uint32_t at = g->count;
    while (at > 0 && newest_first(r, g->out[at - 1].created_at_ms, g->out[at - 1].sid.bytes) < 0)
        at--;
    if (at > g->limit)
        return;
    uint32_t moved = (g->count <= g->limit ? g->count : g->limit) - at;
    memmove(&g->out[at + 1], &g->out[at], moved * sizeof *g->out);
    g->out[at] = *r;
    g->count += g->count <= g->limit;
}

static struct cardea_status add_all(struct listing *g, struct link *l, int64_t deadline_ms,
                                    const struct session_id *sids, uint32_t count)
{
    struct cardea_status s = CARDEA_SUCCESS;
    struct session_record *found = malloc(FETCH_STEP * sizeof *found);
    if (found == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    for (uint32_t from = 0; cardea_ok(s) && from < count; from += FETCH_STEP) {
        uint32_t step = count - from < FETCH_STEP ? count - from : FETCH_STEP, there = 0;
        s = fetch(g->redis, l, deadline_ms, sids + from, step, found, &there);
        for (uint32_t i = 0; cardea_ok(s) && i < there; i++)
            listing_add(g, &found[i]);
    }
    free(found);
    return s;
}

static struct cardea_status list_user(struct listing *g, struct link *l, int64_t deadline_ms)
{
    struct number least = number("", g->epoch);
    struct session_id *sids = NULL;
    uint32_t count = 0;
    struct cardea_status s = user_sids(g->redis, l, deadline_ms, g->user, least.text, "+inf", &sids, &count);
    if (cardea_ok(s))
        s = add_all(g, l, deadline_ms, sids, count);
    free(sids);
    return s;
}

/* Everybody's: from the place of the cursor on, until the page is full. */
static struct cardea_status list_all(struct listing *g, struct link *l, int64_t deadline_ms)
{
    struct key k = created_key(g->redis);
    struct number most = number("", g->before.at_ms), step = number("", FETCH_STEP);
    struct cardea_status s = CARDEA_SUCCESS;
    uint32_t count = FETCH_STEP;
    for (int64_t offset = 0; cardea_ok(s) && g->count <= g->limit && count == FETCH_STEP; offset += FETCH_STEP) {
        struct number from = number("", offset);
        struct words w = {0};
        word_text(&w, "ZREVRANGEBYSCORE");
        word_key(&w, &k);
        word_text(&w, most.text);
        word_text(&w, "-inf");
        word_text(&w, "LIMIT");
        word_text(&w, from.text);
        word_text(&w, step.text);
        struct session_id *sids = NULL;
        count = 0;
        s = link_say(l, &w);
        if (cardea_ok(s))
            s = take_sids(l, deadline_ms, &sids, &count);
        if (cardea_ok(s))
            s = add_all(g, l, deadline_ms, sids, count);
        free(sids);
    }
    return s;
}

static struct cardea_status do_list(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    (void)p;
    struct listing *g = context;
    g->count = 0;
    return g->user != NULL ? list_user(g, l, deadline_ms) : list_all(g, l, deadline_ms);
}

static struct cardea_status redis_list(struct sessions *e, int64_t deadline_ms, const struct user_id *user,
                                       int64_t epoch, const struct page *page, struct session_record *out,
                                       uint32_t *ret_count, struct cursor *ret_next)
{
    struct listing g = {.redis = (struct redis *)e, .user = user, .epoch = epoch, .limit = page->limit};
    struct cardea_status s = cursor_start(page, &g.before);
    if (!cardea_ok(s))
        return s;
    g.out = malloc(((size_t)page->limit + 1) * sizeof *g.out);
    if (g.out == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    s = pool_run(&g.redis->pool, deadline_ms, do_list, &g);
    if (cardea_ok(s)) {
        *ret_count = g.count <= g.limit ? g.count : g.limit;
        memcpy(out, g.out, *ret_count * sizeof *out);
        *ret_next = g.count <= g.limit ? cursor_none()
                                       : cursor_make(out[g.limit - 1].created_at_ms, out[g.limit - 1].sid.bytes);
    }
    free(g.out);
    return s;
}

/* --- walking --- */

/* Up to cap sids in their order, past one. */
static struct cardea_status next_sids(const struct redis *r, struct link *l, int64_t deadline_ms,
                                      const struct session_id *after, uint32_t cap, struct session_id **out,
                                      uint32_t *ret_count)
{
    struct key k = all_key(r);
    struct number limit = number("", cap);
    char least[1 + sizeof after->bytes] = "(";
    memcpy(least + 1, after->bytes, sizeof after->bytes);
    struct words w = {0};
    word_text(&w, "ZRANGEBYLEX");
    word_key(&w, &k);
    word(&w, least, sizeof least);
    word_text(&w, "+");
    word_text(&w, "LIMIT");
    word_text(&w, "0");
    word_text(&w, limit.text);
    struct cardea_status s = link_say(l, &w);
    return cardea_ok(s) ? take_sids(l, deadline_ms, out, ret_count) : s;
}

struct walk {
    struct redis *redis;
    struct session_id after;
    struct session_record *out;
    uint32_t cap, count;
};

static struct cardea_status do_scan(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    (void)p;
    struct walk *k = context;
    struct session_id after = k->after;
    struct cardea_status s = CARDEA_SUCCESS;
    uint32_t named = 1;
    k->count = 0;
    while (cardea_ok(s) && k->count < k->cap && named > 0) { /* some that are named may have expired */
        struct session_id *sids = NULL;
        uint32_t there = 0;
        uint32_t want = k->cap - k->count < FETCH_STEP ? k->cap - k->count : FETCH_STEP;
        s = next_sids(k->redis, l, deadline_ms, &after, want, &sids, &named);
        if (cardea_ok(s) && named > 0) {
            after = sids[named - 1];
            s = fetch(k->redis, l, deadline_ms, sids, named, k->out + k->count, &there);
            k->count += there;
        }
        free(sids);
    }
    return s;
}

static struct cardea_status redis_scan(struct sessions *e, int64_t deadline_ms, struct session_id after,
                                       struct session_record *out, uint32_t cap, uint32_t *ret_count)
{
    struct walk k = {.redis = (struct redis *)e, .after = after, .out = out, .cap = cap};
    struct cardea_status s = pool_run(&k.redis->pool, deadline_ms, do_scan, &k);
    if (cardea_ok(s))
        *ret_count = k.count;
    return s;
}

/* Sids that the sets name and that have expired, a part of the sets at a time. */
static struct cardea_status do_sweep(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    struct walk *k = context;
    struct session_id *sids = NULL;
    uint32_t named = 0;
    struct cardea_status s = next_sids(k->redis, l, deadline_ms, &k->after, k->cap, &sids, &named);
    for (uint32_t i = 0; cardea_ok(s) && i < named; i++) {
        struct key key = session_key(k->redis, &sids[i]);
        struct words w = {0};
        word_text(&w, "EXISTS");
        word_key(&w, &key);
        s = link_say(l, &w);
    }
    uint32_t gone = 0;
    for (uint32_t i = 0; cardea_ok(s) && i < named; i++) {
        int64_t there = 1;
        s = hear_int(l, deadline_ms, &there);
        if (i + 1 == named)
            k->after = sids[i];
        if (there == 0)
            sids[gone++] = sids[i];
    }
    if (named == 0)
        k->after = (struct session_id){{0}};
    k->count = gone;
    struct several a = {.redis = k->redis, .sids = sids, .count = gone};
    if (cardea_ok(s) && gone > 0)
        s = do_remove(p, l, deadline_ms, &a);
    free(sids);
    return s;
}

static struct cardea_status redis_sweep(struct sessions *e, int64_t deadline_ms, int64_t now_ms, uint32_t limit,
                                        uint32_t *ret_count)
{
    (void)now_ms;
    struct walk k = {.redis = (struct redis *)e, .cap = limit < SWEEP_STEP ? limit : SWEEP_STEP};
    if (limit == 0) {
        *ret_count = 0;
        return CARDEA_SUCCESS;
    }
    pthread_mutex_lock(&k.redis->sweep_lock);
    k.after = k.redis->sweep_after;
    struct cardea_status s = pool_run(&k.redis->pool, deadline_ms, do_sweep, &k);
    if (cardea_ok(s)) {
        k.redis->sweep_after = k.after;
        *ret_count = k.count;
    }
    pthread_mutex_unlock(&k.redis->sweep_lock);
    return s;
}

/* --- opening --- */

static void redis_close(struct sessions *e)
{
    struct redis *r = (struct redis *)e;
    if (r == NULL)
        return;
    pool_clear(&r->pool);
    pthread_mutex_destroy(&r->sweep_lock);
    free(r);
}

static const struct sessions_ops redis_ops = {
    .name = "redis",
    .close = redis_close,
    .get = redis_get,
    .create = redis_create,
    .create_many = redis_create_many,
    .rotate = redis_rotate,
    .get_many = redis_get_many,
    .rotate_many = redis_rotate_many,
    .remove = redis_remove,
    .touch = redis_touch,
    .find_below = redis_find_below,
    .list = redis_list,
    .scan = redis_scan,
    .sweep = redis_sweep,
    .count = redis_count,
    .code_put = redis_code_put,
    .code_take = redis_code_take,
};

struct cardea_status sessions_redis_open(const struct redis_options *o, struct sessions **out, char *message,
                                         size_t message_cap)
{
    char why[200] = "out of memory";
    struct redis *r = calloc(1, sizeof *r);
    struct cardea_status s = r == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : CARDEA_SUCCESS;
    struct link *l = NULL;
    if (r != NULL) {
        r->base.ops = &redis_ops;
        (void)snprintf(r->prefix, sizeof r->prefix, "%s", o->prefix[0] == '\0' ? "cardea" : o->prefix);
        pthread_mutex_init(&r->sweep_lock, NULL);
        pool_init(&r->pool, o);
        int64_t deadline_ms = o->boot_ms() + OPEN_MS;
        uint64_t era;
        s = pool_connect(&r->pool, deadline_ms, &l, &era, why, sizeof why);
        if (cardea_ok(s))
            s = check_server(&r->pool, l, r->prefix, deadline_ms, why, sizeof why);
    }
    link_close(l);
    if (!cardea_ok(s)) {
        (void)snprintf(message, message_cap, "Redis at %s: %s",
                       o->unix_path[0] != '\0' ? o->unix_path : o->hosts[0].name, why);
        redis_close(r == NULL ? NULL : &r->base);
        return s.code == CARDEA_E_USAGE ? s : CARDEA_FAIL(E_UNAVAILABLE);
    }
    *out = &r->base;
    return CARDEA_SUCCESS;
}
