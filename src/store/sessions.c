#include "store/sessions.h"

#include <stdlib.h>

enum { ERASE_STEP = 256 };

struct cardea_status sessions_create_many(struct sessions *s, int64_t deadline_ms, const struct session_record *records,
                                          uint32_t count)
{
    if (s->ops->create_many != NULL)
        return s->ops->create_many(s, deadline_ms, records, count);
    struct cardea_status status = CARDEA_SUCCESS;
    for (uint32_t i = 0; cardea_ok(status) && i < count; i++)
        status = s->ops->create(s, deadline_ms, &records[i]);
    return status;
}

struct cardea_status sessions_erase(struct sessions *s, int64_t deadline_ms)
{
    struct session_record *records = malloc(ERASE_STEP * sizeof *records);
    struct cardea_status status = records == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : CARDEA_SUCCESS;
    struct session_id after = {{0}}, sids[ERASE_STEP];
    uint32_t count = ERASE_STEP;
    while (cardea_ok(status) && count == ERASE_STEP) {
        status = s->ops->scan(s, deadline_ms, after, records, ERASE_STEP, &count);
        for (uint32_t i = 0; cardea_ok(status) && i < count; i++)
            after = sids[i] = records[i].sid;
        if (cardea_ok(status) && count > 0)
            status = s->ops->remove(s, deadline_ms, sids, count);
    }
    free(records);
    return status;
}

int64_t session_over_ms(int64_t last_seen_at_ms, int64_t idle_ms, int64_t expires_at_ms)
{
    int64_t end_ms;
    if (idle_ms == 0 || __builtin_add_overflow(last_seen_at_ms, idle_ms, &end_ms) ||
        __builtin_add_overflow(end_ms, SWEEP_IDLE_SLACK_MS, &end_ms))
        return expires_at_ms;
    return end_ms < expires_at_ms ? end_ms : expires_at_ms;
}

bool counter_steps_good(const struct counter_step *steps, uint32_t count)
{
    bool good = count <= COUNTER_STEPS_MAX;
    for (uint32_t i = 0; good && i < count; i++)
        good = steps[i].add >= -COUNTER_ADD_MAX && steps[i].add <= COUNTER_ADD_MAX && steps[i].window_ms >= 1 &&
               steps[i].window_ms <= COUNTER_WINDOW_MAX_MS;
    return good;
}

bool code_good(const struct code_value *value, int64_t ttl_ms)
{
    return value->len <= CODE_VALUE_MAX && ttl_ms >= 1 && ttl_ms <= CODE_TTL_MAX_MS;
}

bool session_storable(const struct session_record *r)
{
    return r->kind >= SESSION_COOKIE && r->kind <= SESSION_SEALED && r->epoch >= 1 && r->idle_ms >= 0 &&
           r->generation <= INT64_MAX;
}
