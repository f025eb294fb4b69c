#include "store/expected.h"

#include <stdlib.h>

static int by_sid(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct session_id)); /* the first member of an entry */
}

struct cardea_status expected_init(struct expected *e, const struct session_id *sids, uint32_t count)
{
    *e = (struct expected){0};
    e->items = calloc(count == 0 ? 1 : count, sizeof *e->items);
    if (e->items == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    for (uint32_t i = 0; i < count; i++)
        e->items[i].sid = sids[i];
    qsort(e->items, count, sizeof *e->items, by_sid);
    for (uint32_t i = 0; i < count; i++)
        if (e->count == 0 || by_sid(&e->items[e->count - 1], &e->items[i]) != 0)
            e->items[e->count++].sid = e->items[i].sid;
    return CARDEA_SUCCESS;
}

void expected_clear(struct expected *e)
{
    free(e->items);
    *e = (struct expected){0};
}

struct expected_session *expected_find(struct expected *e, struct session_id sid)
{
    return e->count == 0 ? NULL : bsearch(&sid, e->items, e->count, sizeof *e->items, by_sid);
}

struct cardea_status expected_get(const struct expected_session *x, struct session_record *out)
{
    if (!x->there)
        return CARDEA_FAIL(E_NOT_FOUND);
    *out = x->record;
    return CARDEA_SUCCESS;
}

struct cardea_status expected_rotate(struct expected *e, struct expected_session *x, const struct session_record *r,
                                     uint64_t expected_generation)
{
    if (!x->there)
        return CARDEA_FAIL(E_NOT_FOUND);
    if (x->record.generation != expected_generation)
        return CARDEA_FAIL(E_CONFLICT);
    x->before = x->record;
    x->record.generation = r->generation;
    memcpy(x->record.refresh_digest, r->refresh_digest, sizeof r->refresh_digest);
    memcpy(x->record.previous_digest, r->previous_digest, sizeof r->previous_digest);
    memcpy(x->record.refresh_nonce, r->refresh_nonce, sizeof r->refresh_nonce);
    x->record.rotated_at_ms = r->rotated_at_ms;
    if (x->record.last_seen_at_ms < r->last_seen_at_ms)
        x->record.last_seen_at_ms = r->last_seen_at_ms;
    x->generation = expected_generation;
    x->waiting = x->in_mark = true;
    e->waiting++;
    return CARDEA_SUCCESS;
}

void expected_mark(struct expected *e)
{
    for (uint32_t i = 0; i < e->count; i++)
        e->items[i].in_mark = false;
}

void expected_undo(struct expected *e)
{
    for (uint32_t i = 0; i < e->count; i++) {
        struct expected_session *x = &e->items[i];
        if (!x->in_mark)
            continue;
        if (x->waiting) {
            x->record = x->before;
            e->waiting--;
        } else {
            x->known = false;
        }
        x->waiting = x->in_mark = false;
    }
}

void expected_take(struct expected *e, bool in_mark, struct session_rotation *out, uint32_t *ret_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->count; i++) {
        struct expected_session *x = &e->items[i];
        if (!x->waiting || x->in_mark != in_mark)
            continue;
        out[count++] = (struct session_rotation){.record = &x->record, .expected_generation = x->generation};
        x->waiting = false;
        e->waiting--;
    }
    *ret_count = count;
}

void expected_forget(struct expected *e)
{
    for (uint32_t i = 0; i < e->count; i++)
        e->items[i].known = e->items[i].waiting = e->items[i].in_mark = false;
    e->waiting = 0;
}
