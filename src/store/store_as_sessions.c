#include "store/mixture.h"

#include <stdlib.h>

struct whole {
    struct sessions base;
    struct store *store;
};

static struct store *store_of(struct sessions *s)
{
    return ((struct whole *)s)->store;
}

static void whole_close(struct sessions *s)
{
    if (s == NULL)
        return;
    store_of(s)->ops->close(store_of(s));
    free(s);
}

/* End a transaction of one operation. */
static struct cardea_status end(struct store *store, struct store_tx *tx, struct cardea_status s)
{
    if (cardea_ok(s))
        return store->ops->commit(tx);
    store->ops->abort(tx);
    return s;
}

static struct cardea_status whole_get(struct sessions *s, int64_t deadline_ms, struct session_id sid,
                                      struct session_record *out)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, STORE_READ, deadline_ms, &tx);
    return cardea_ok(status) ? end(store, tx, store->ops->session_get(tx, sid, out)) : status;
}

static struct cardea_status whole_create(struct sessions *s, int64_t deadline_ms, const struct session_record *r)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, STORE_WRITE, deadline_ms, &tx);
    return cardea_ok(status) ? end(store, tx, store->ops->session_create(tx, r)) : status;
}

static struct cardea_status whole_create_many(struct sessions *s, int64_t deadline_ms,
                                              const struct session_record *records, uint32_t count)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, STORE_WRITE, deadline_ms, &tx);
    return cardea_ok(status) ? end(store, tx, store->ops->session_create_many(tx, records, count)) : status;
}

static struct cardea_status whole_rotate(struct sessions *s, int64_t deadline_ms, const struct session_record *r,
                                         uint64_t expected_generation)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, STORE_WRITE, deadline_ms, &tx);
    return cardea_ok(status) ? end(store, tx, store->ops->session_rotate(tx, r, expected_generation)) : status;
}

/* One transaction for all of them: the engine is told what to expect, and each answers for itself. */
static struct cardea_status begin_many(struct store *store, enum store_mode mode, int64_t deadline_ms,
                                       const struct session_id *sids, uint32_t count, struct store_tx **out)
{
    struct expectation what = {.sids = sids, .sid_count = count, .records = true};
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, mode, deadline_ms, &tx);
    if (!cardea_ok(status))
        return status;
    if (store->ops->expect != NULL)
        status = store->ops->expect(tx, &what);
    if (cardea_ok(status))
        *out = tx;
    else
        store->ops->abort(tx);
    return status;
}

/* Of one record, rather than of the engine. */
static bool own(struct cardea_status s)
{
    return cardea_ok(s) || s.code == CARDEA_E_NOT_FOUND || s.code == CARDEA_E_CONFLICT;
}

static struct cardea_status whole_get_many(struct sessions *s, int64_t deadline_ms, const struct session_id *sids,
                                           uint32_t count, struct session_record *out,
                                           struct cardea_status *ret_answers)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = begin_many(store, STORE_READ, deadline_ms, sids, count, &tx);
    if (!cardea_ok(status))
        return status;
    for (uint32_t i = 0; i < count && own(status); i++)
        status = ret_answers[i] = store->ops->session_get(tx, sids[i], &out[i]);
    return end(store, tx, own(status) ? CARDEA_SUCCESS : status);
}

static struct cardea_status whole_rotate_many(struct sessions *s, int64_t deadline_ms,
                                              struct session_rotation *rotations, uint32_t count)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct session_id *sids = calloc((size_t)count + 1, sizeof *sids);
    if (sids == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    for (uint32_t i = 0; i < count; i++)
        sids[i] = rotations[i].record->sid;
    struct cardea_status status = begin_many(store, STORE_WRITE, deadline_ms, sids, count, &tx);
    free(sids);
    if (!cardea_ok(status))
        return status;
    for (uint32_t i = 0; i < count && own(status); i++) {
        struct session_rotation *r = &rotations[i];
        status = r->answer = store->ops->session_rotate(tx, r->record, r->expected_generation);
    }
    return end(store, tx, own(status) ? CARDEA_SUCCESS : status);
}

static struct cardea_status whole_remove(struct sessions *s, int64_t deadline_ms, const struct session_id *sids,
                                         uint32_t count)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, STORE_WRITE, deadline_ms, &tx);
    if (!cardea_ok(status))
        return status;
    for (uint32_t i = 0; cardea_ok(status) && i < count; i++) {
        status = store->ops->session_delete(tx, sids[i]);
        if (status.code == CARDEA_E_NOT_FOUND)
            status = CARDEA_SUCCESS;
    }
    return end(store, tx, status);
}

static struct cardea_status whole_touch(struct sessions *s, int64_t deadline_ms, const struct session_id *sids,
                                        const int64_t *seen_ms, uint32_t count)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, STORE_WRITE, deadline_ms, &tx);
    return cardea_ok(status) ? end(store, tx, store->ops->session_touch(tx, sids, seen_ms, count)) : status;
}

static struct cardea_status whole_list(struct sessions *s, int64_t deadline_ms, const struct user_id *user,
                                       int64_t epoch, const struct page *page, struct session_record *out,
                                       uint32_t *ret_count, struct cursor *ret_next)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, STORE_READ, deadline_ms, &tx);
    if (!cardea_ok(status))
        return status;
    return end(store, tx, store->ops->session_list(tx, user, epoch, page, out, ret_count, ret_next));
}

/* The lowest sids past `after` stay, in order. */
struct lowest {
    struct session_id after, *out;
    uint32_t cap, count;
};

static void lowest_add(struct lowest *l, struct session_id sid)
{
    if (memcmp(&sid, &l->after, sizeof sid) <= 0 || l->cap == 0)
        return;
    uint32_t at = l->count;
    while (at > 0 && memcmp(&sid, &l->out[at - 1], sizeof sid) < 0)
        at--;
    if (at == l->cap)
        return;
    uint32_t moved = (l->count < l->cap ? l->count : l->cap - 1) - at;
    memmove(&l->out[at + 1], &l->out[at], moved * sizeof *l->out);
    l->out[at] = sid;
    l->count += l->count < l->cap;
}

static struct cardea_status whole_find_below(struct sessions *s, int64_t deadline_ms, struct user_id user,
                                             int64_t epoch, struct session_id after, struct session_id *out,
                                             uint32_t cap, uint32_t *ret_count)
{
    struct lowest found = {.after = after, .out = out, .cap = cap};
    struct page page = {.limit = PAGE_MAX};
    struct session_record *records = malloc(PAGE_MAX * sizeof *records);
    struct cardea_status status = records == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : CARDEA_SUCCESS;
    bool more = true;
    while (cardea_ok(status) && more) {
        uint32_t count = 0;
        struct cursor next = {{0}};
        status = whole_list(s, deadline_ms, &user, 0, &page, records, &count, &next);
        for (uint32_t i = 0; cardea_ok(status) && i < count; i++)
            if (records[i].epoch < epoch)
                lowest_add(&found, records[i].sid);
        page.after = next;
        more = next.text[0] != '\0';
    }
    free(records);
    if (cardea_ok(status))
        *ret_count = found.count;
    return status;
}

static struct cardea_status whole_scan(struct sessions *s, int64_t deadline_ms, struct session_id after,
                                       struct session_record *out, uint32_t cap, uint32_t *ret_count)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, STORE_READ, deadline_ms, &tx);
    return cardea_ok(status) ? end(store, tx, store->ops->session_scan(tx, after, out, cap, ret_count)) : status;
}

static struct cardea_status whole_sweep(struct sessions *s, int64_t deadline_ms, int64_t now_ms, uint32_t limit,
                                        uint32_t *ret_count)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, STORE_WRITE, deadline_ms, &tx);
    return cardea_ok(status) ? end(store, tx, store->ops->sweep(tx, now_ms, limit, ret_count)) : status;
}

static struct cardea_status whole_count(struct sessions *s, int64_t deadline_ms, int64_t now_ms,
                                        const struct counter_step *steps, uint32_t count, int64_t *ret_values)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    int64_t values[COUNTER_STEPS_MAX];
    if (!counter_steps_good(steps, count))
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status status = store->ops->begin(store, STORE_WRITE, deadline_ms, &tx);
    if (cardea_ok(status))
        status = end(store, tx, store->ops->count(tx, now_ms, steps, count, values));
    if (cardea_ok(status) && count > 0)
        memcpy(ret_values, values, count * sizeof *values);
    return status;
}

static struct cardea_status whole_code_put(struct sessions *s, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                           const struct code_value *value, int64_t ttl_ms)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct cardea_status status = store->ops->begin(store, STORE_WRITE, deadline_ms, &tx);
    return cardea_ok(status) ? end(store, tx, store->ops->code_put(tx, now_ms, id, value, ttl_ms)) : status;
}

/* Nobody has it before its end is committed. */
static struct cardea_status whole_code_take(struct sessions *s, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                            struct code_value *out)
{
    struct store *store = store_of(s);
    struct store_tx *tx = NULL;
    struct code_value value;
    struct cardea_status status = store->ops->begin(store, STORE_WRITE, deadline_ms, &tx);
    if (cardea_ok(status))
        status = end(store, tx, store->ops->code_take(tx, now_ms, id, &value));
    if (cardea_ok(status))
        *out = value;
    return status;
}

static const struct sessions_ops whole_ops = {
    .name = "store",
    .close = whole_close,
    .get = whole_get,
    .create = whole_create,
    .create_many = whole_create_many,
    .rotate = whole_rotate,
    .get_many = whole_get_many,
    .rotate_many = whole_rotate_many,
    .remove = whole_remove,
    .touch = whole_touch,
    .find_below = whole_find_below,
    .list = whole_list,
    .scan = whole_scan,
    .sweep = whole_sweep,
    .count = whole_count,
    .code_put = whole_code_put,
    .code_take = whole_code_take,
};

struct cardea_status store_as_sessions(struct store *s, struct sessions **out)
{
    struct whole *w = malloc(sizeof *w);
    if (w == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    *w = (struct whole){.base = {&whole_ops}, .store = s};
    *out = &w->base;
    return CARDEA_SUCCESS;
}
