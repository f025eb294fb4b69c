/* Counters are numbers with a time to live, and one script takes all steps of a call. A code is a value with a time to
 * live: SET NX puts it, GETDEL takes it. */
#include "store/redis/internal.h"

#include "base/text.h"

#include <stdio.h>

enum { KEY_MAX = REDIS_PREFIX_MAX + 32, NUMBER_MAX = 24 };

struct key {
    char text[KEY_MAX];
    size_t len;
};

static struct key key_make(const struct redis *r, const char *kind, const uint8_t id[16])
{
    struct key k;
    struct buf b = buf_fixed(k.text, sizeof k.text);
    buf_text(&b, r->prefix);
    buf_text(&b, kind);
    buf_base64url(&b, id, 16);
    k.len = b.len;
    return k;
}

/* --- counters --- */

struct counting {
    const struct redis *redis;
    const struct counter_step *steps;
    uint32_t count;
    int64_t values[COUNTER_STEPS_MAX];
};

static struct cardea_status say_count(const struct pool *p, struct link *l, const struct counting *c)
{
    struct key keys[COUNTER_STEPS_MAX];
    char numbers[COUNTER_STEPS_MAX * 3][NUMBER_MAX], count[NUMBER_MAX];
    struct words w = {0};
    (void)snprintf(count, sizeof count, "%u", c->count);
    script_call(p, &w, SCRIPT_COUNT_STEPS, count);
    for (uint32_t i = 0; i < c->count; i++) {
        keys[i] = key_make(c->redis, ":c:", c->steps[i].id.bytes);
        word(&w, keys[i].text, keys[i].len);
    }
    for (uint32_t i = 0; i < c->count; i++) {
        const struct counter_step *step = &c->steps[i];
        /* Lua counts in doubles: what is past them is past every counter. */
        int64_t stop = step->stop_above > INT32_MAX ? INT32_MAX : step->stop_above < -1 ? -1 : step->stop_above;
        (void)snprintf(numbers[3 * i], NUMBER_MAX, "%d", step->add);
        (void)snprintf(numbers[3 * i + 1], NUMBER_MAX, "%lld", (long long)step->window_ms);
        (void)snprintf(numbers[3 * i + 2], NUMBER_MAX, "%lld", (long long)stop);
        for (uint32_t j = 0; j < 3; j++)
            word_text(&w, numbers[3 * i + j]);
    }
    return link_say(l, &w);
}

static struct cardea_status do_count(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    struct counting *c = context;
    redisReply *r = NULL;
    struct cardea_status s = say_count(p, l, c);
    if (cardea_ok(s))
        s = link_hear(l, deadline_ms, &r);
    if (!cardea_ok(s))
        return s;
    bool good = r->type == REDIS_REPLY_ARRAY && r->elements <= c->count;
    for (uint32_t i = 0; i < c->count; i++) {
        bool taken = good && i < r->elements;
        good = good && (!taken || r->element[i]->type == REDIS_REPLY_INTEGER);
        c->values[i] = taken && good ? r->element[i]->integer : -1;
    }
    freeReplyObject(r);
    return good ? s : CARDEA_FAIL(E_CORRUPT);
}

struct cardea_status redis_count(struct sessions *e, int64_t deadline_ms, int64_t now_ms,
                                 const struct counter_step *steps, uint32_t count, int64_t *ret_values)
{
    (void)now_ms;
    struct redis *r = (struct redis *)e;
    struct counting c = {.redis = r, .steps = steps, .count = count};
    if (!counter_steps_good(steps, count))
        return CARDEA_FAIL(E_INTERNAL);
    if (count == 0)
        return CARDEA_SUCCESS;
    struct cardea_status s = pool_run(&r->pool, deadline_ms, do_count, &c);
    if (cardea_ok(s))
        memcpy(ret_values, c.values, count * sizeof *ret_values);
    return s;
}

/* --- codes --- */

struct code {
    struct key key;
    const struct code_value *value;
    char ttl[NUMBER_MAX];
    struct code_value found;
    bool asked;
    struct cardea_status answer;
};

static struct cardea_status ask(struct link *l, int64_t deadline_ms, const struct words *w, redisReply **out)
{
    struct cardea_status s = link_say(l, w);
    return cardea_ok(s) ? link_hear(l, deadline_ms, out) : s;
}

static bool take_value(const redisReply *r, struct code_value *out)
{
    if (r->type != REDIS_REPLY_STRING || r->len > sizeof out->bytes)
        return false;
    out->len = (uint16_t)r->len;
    memcpy(out->bytes, r->str, r->len);
    return true;
}

/* An id that is taken by this very value: this call, or the one that broke before it, has put it. */
static struct cardea_status do_put(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    (void)p;
    struct code *c = context;
    struct words w = {0}, look = {0};
    redisReply *r = NULL;
    word_text(&w, "SET");
    word(&w, c->key.text, c->key.len);
    word(&w, c->value->bytes, c->value->len);
    word_text(&w, "NX");
    word_text(&w, "PX");
    word_text(&w, c->ttl);
    struct cardea_status s = ask(l, deadline_ms, &w, &r);
    if (!cardea_ok(s))
        return s;
    bool put = r->type == REDIS_REPLY_STATUS, taken = r->type == REDIS_REPLY_NIL;
    freeReplyObject(r);
    c->answer = put ? CARDEA_SUCCESS : CARDEA_FAIL(E_CONFLICT);
    if (put)
        return s;
    if (!taken)
        return CARDEA_FAIL(E_UNAVAILABLE); /* it refuses: full, or read-only */
    word_text(&look, "GET");
    word(&look, c->key.text, c->key.len);
    s = ask(l, deadline_ms, &look, &r);
    if (!cardea_ok(s))
        return s;
    if (take_value(r, &c->found) && c->found.len == c->value->len &&
        memcmp(c->found.bytes, c->value->bytes, c->found.len) == 0)
        c->answer = CARDEA_SUCCESS;
    freeReplyObject(r);
    return s;
}

struct cardea_status redis_code_put(struct sessions *e, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                    const struct code_value *value, int64_t ttl_ms)
{
    (void)now_ms;
    struct redis *r = (struct redis *)e;
    if (!code_good(value, ttl_ms))
        return CARDEA_FAIL(E_INTERNAL);
    struct code c = {.key = key_make(r, ":k:", id.bytes), .value = value};
    (void)snprintf(c.ttl, sizeof c.ttl, "%lld", (long long)ttl_ms);
    struct cardea_status s = pool_run(&r->pool, deadline_ms, do_put, &c);
    return cardea_ok(s) ? c.answer : s;
}

/* Asked once: what broke on the way back may have been the only time that it is given. */
static struct cardea_status do_take(struct pool *p, struct link *l, int64_t deadline_ms, void *context)
{
    (void)p;
    struct code *c = context;
    struct words w = {0};
    redisReply *r = NULL;
    if (c->asked)
        return CARDEA_FAIL(E_UNAVAILABLE);
    c->asked = true;
    word_text(&w, "GETDEL");
    word(&w, c->key.text, c->key.len);
    struct cardea_status s = ask(l, deadline_ms, &w, &r);
    if (!cardea_ok(s))
        return s;
    if (r->type == REDIS_REPLY_NIL)
        c->answer = CARDEA_FAIL(E_NOT_FOUND);
    else if (r->type == REDIS_REPLY_ERROR)
        s = CARDEA_FAIL(E_UNAVAILABLE);
    else
        c->answer = take_value(r, &c->found) ? CARDEA_SUCCESS : CARDEA_FAIL(E_CORRUPT);
    freeReplyObject(r);
    return s;
}

struct cardea_status redis_code_take(struct sessions *e, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                     struct code_value *out)
{
    (void)now_ms;
    struct redis *r = (struct redis *)e;
    struct code c = {.key = key_make(r, ":k:", id.bytes)};
    struct cardea_status s = pool_run(&r->pool, deadline_ms, do_take, &c);
    if (cardea_ok(s))
        s = c.answer;
    if (cardea_ok(s))
        *out = c.found;
    return s;
}
