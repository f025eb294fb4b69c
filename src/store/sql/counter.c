#include "store/sql/sql.h"

/* Only a rise makes a counter, and one whose window is over begins anew. */
static struct query rise(struct store_tx *tx, int64_t now_ms, const struct counter_step *c)
{
    struct query q = query_start_write(
        tx, QUERY_COUNTER_RISE,
        "INSERT INTO counter (id, value, ends_at_ms) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET"
        " value = ?2 + CASE WHEN counter.ends_at_ms > ?4 THEN counter.value ELSE 0 END,"
        " ends_at_ms = CASE WHEN counter.ends_at_ms > ?4 THEN counter.ends_at_ms ELSE ?3 END RETURNING value");
    bind_blob(&q, c->id.bytes, sizeof c->id.bytes);
    bind_int(&q, c->add);
    bind_int(&q, now_ms + c->window_ms);
    bind_int(&q, now_ms);
    return q;
}

static struct query fall(struct store_tx *tx, int64_t now_ms, const struct counter_step *c)
{
    struct query q = query_start_write(tx, QUERY_COUNTER_FALL,
                                       "UPDATE counter SET value = CASE WHEN value > ?1 THEN value - ?1 ELSE 0 END"
                                       " WHERE id = ?2 AND ends_at_ms > ?3 RETURNING value");
    bind_int(&q, -(int64_t)c->add);
    bind_blob(&q, c->id.bytes, sizeof c->id.bytes);
    bind_int(&q, now_ms);
    return q;
}

struct cardea_status sql_count(struct store_tx *tx, int64_t now_ms, const struct counter_step *steps, uint32_t count,
                               int64_t *ret_values)
{
    int64_t values[COUNTER_STEPS_MAX];
    if (!counter_steps_good(steps, count))
        return CARDEA_FAIL(E_INTERNAL);
    bool stopped = false;
    for (uint32_t i = 0; i < count; i++) {
        values[i] = -1;
        if (stopped)
            continue;
        values[i] = 0;
        struct query q = steps[i].add > 0 ? rise(tx, now_ms, &steps[i]) : fall(tx, now_ms, &steps[i]);
        while (query_row(&q))
            values[i] = take_int_in(&q, 0, INT64_MAX);
        struct cardea_status s = query_end(&q);
        if (!cardea_ok(s))
            return s;
        stopped = values[i] > steps[i].stop_above;
    }
    if (count > 0)
        memcpy(ret_values, values, count * sizeof *values);
    return CARDEA_SUCCESS;
}
