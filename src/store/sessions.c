#include "store/sessions.h"

int64_t session_over_ms(int64_t last_seen_at_ms, int64_t idle_ms, int64_t expires_at_ms)
{
    int64_t end_ms;
    if (idle_ms == 0 || __builtin_add_overflow(last_seen_at_ms, idle_ms, &end_ms) ||
        __builtin_add_overflow(end_ms, SWEEP_IDLE_SLACK_MS, &end_ms))
        return expires_at_ms;
    return end_ms < expires_at_ms ? end_ms : expires_at_ms;
}

bool session_storable(const struct session_record *r)
{
    return r->kind >= SESSION_COOKIE && r->kind <= SESSION_SEALED && r->epoch >= 1 && r->idle_ms >= 0 &&
           r->generation <= INT64_MAX;
}
