#include "store/memory/short.h"

#include <stdlib.h>

enum kind { KIND_UNSET = 0, KIND_COUNTER, KIND_CODE };

struct short_entry {
    struct short_entry *next;
    enum kind kind;
    uint8_t id[16];
    int64_t ends_at_ms, value;
    uint16_t len;
    uint8_t bytes[]; /* of a code */
};

static struct short_entry **find(struct short_lived *t, enum kind kind, const uint8_t id[16])
{
    struct short_entry **at = &t->buckets[((uint32_t)id[0] << 8 | id[1]) % SHORT_BUCKETS];
    while (*at != NULL && ((*at)->kind != kind || memcmp((*at)->id, id, 16) != 0))
        at = &(*at)->next;
    return at;
}

static void drop(struct short_lived *t, struct short_entry **at)
{
    struct short_entry *e = *at;
    *at = e->next;
    free(e);
    t->count--;
}

/* The one that is there and not over; one that is over is dropped on the way. */
static struct short_entry **find_now(struct short_lived *t, enum kind kind, const uint8_t id[16], int64_t now_ms)
{
    struct short_entry **at = find(t, kind, id);
    if (*at == NULL || (*at)->ends_at_ms > now_ms)
        return at;
    drop(t, at);
    return find(t, kind, id);
}

static struct short_entry *add(struct short_lived *t, enum kind kind, const uint8_t id[16], int64_t ends_at_ms,
                               uint16_t len)
{
    struct short_entry *e = t->count >= SHORT_MAX ? NULL : malloc(sizeof *e + len);
    if (e == NULL)
        return NULL;
    struct short_entry **bucket = find(t, KIND_UNSET, id); /* the chain's end */
    *e = (struct short_entry){.kind = kind, .ends_at_ms = ends_at_ms, .len = len};
    memcpy(e->id, id, sizeof e->id);
    *bucket = e;
    t->count++;
    return e;
}

void short_clear(struct short_lived *t)
{
    for (uint32_t i = 0; i < SHORT_BUCKETS; i++)
        while (t->buckets[i] != NULL)
            drop(t, &t->buckets[i]);
}

struct cardea_status short_count(struct short_lived *t, int64_t now_ms, const struct counter_step *steps,
                                 uint32_t count, int64_t *ret_values)
{
    int64_t values[COUNTER_STEPS_MAX];
    if (!counter_steps_good(steps, count))
        return CARDEA_FAIL(E_INTERNAL);
    bool stopped = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct counter_step *c = &steps[i];
        values[i] = -1;
        if (stopped)
            continue;
        struct short_entry *e = *find_now(t, KIND_COUNTER, c->id.bytes, now_ms);
        if (e == NULL && c->add > 0) {
            e = add(t, KIND_COUNTER, c->id.bytes, now_ms + c->window_ms, 0);
            if (e == NULL)
                return CARDEA_FAIL(E_UNAVAILABLE);
        }
        if (e != NULL)
            e->value = e->value + c->add > 0 ? e->value + c->add : 0;
        values[i] = e == NULL ? 0 : e->value;
        stopped = values[i] > c->stop_above;
    }
    if (count > 0)
        memcpy(ret_values, values, count * sizeof *values);
    return CARDEA_SUCCESS;
}

struct cardea_status short_code_put(struct short_lived *t, int64_t now_ms, struct code_id id,
                                    const struct code_value *value, int64_t ttl_ms)
{
    if (!code_good(value, ttl_ms))
        return CARDEA_FAIL(E_INTERNAL);
    if (*find_now(t, KIND_CODE, id.bytes, now_ms) != NULL)
        return CARDEA_FAIL(E_CONFLICT);
    struct short_entry *e = add(t, KIND_CODE, id.bytes, now_ms + ttl_ms, value->len);
    if (e == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    memcpy(e->bytes, value->bytes, value->len);
    return CARDEA_SUCCESS;
}

struct cardea_status short_code_take(struct short_lived *t, int64_t now_ms, struct code_id id, struct code_value *out)
{
    struct short_entry **at = find_now(t, KIND_CODE, id.bytes, now_ms);
    if (*at == NULL)
        return CARDEA_FAIL(E_NOT_FOUND);
    out->len = (*at)->len;
    memcpy(out->bytes, (*at)->bytes, (*at)->len);
    drop(t, at);
    return CARDEA_SUCCESS;
}

uint32_t short_sweep(struct short_lived *t, int64_t now_ms, uint32_t limit)
{
    uint32_t dropped = 0;
    for (uint32_t i = 0; i < SHORT_BUCKETS && dropped < limit; i++)
        for (struct short_entry **at = &t->buckets[i]; *at != NULL && dropped < limit;) {
            if ((*at)->ends_at_ms > now_ms) {
                at = &(*at)->next;
                continue;
            }
            drop(t, at);
            dropped++;
        }
    return dropped;
}
