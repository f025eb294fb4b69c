#include "store/sql/sql.h"

/* A session's sweep_at_ms is a promise to look, not an end: rotations and touches move last_seen without it. So a row
 * that is due is either over, or gets a new time to look: its end by what is known now. */
struct due {
    struct session_id sid;
    int64_t end_ms;
};

enum { SWEEP_STEP = 64 };

static struct cardea_status due_sessions(struct store_tx *tx, int64_t now_ms, uint32_t cap, struct due *out,
                                         uint32_t *ret_count)
{
    struct query q = query_start_write(tx, QUERY_SWEEP_SESSION_DUE,
                                       "SELECT sid, last_seen_at_ms, idle_ms, expires_at_ms FROM session"
                                       " WHERE sweep_at_ms <= ? ORDER BY sweep_at_ms LIMIT ?");
    bind_int(&q, now_ms);
    bind_int(&q, cap);
    uint32_t count = 0;
    while (count < cap && query_row(&q)) {
        take_blob(&q, out[count].sid.bytes, sizeof out[count].sid.bytes);
        int64_t last_seen_at_ms = take_int(&q), idle_ms = take_int(&q);
        out[count++].end_ms = session_over_ms(last_seen_at_ms, idle_ms, take_int(&q));
    }
    struct cardea_status s = query_end(&q);
    if (cardea_ok(s))
        *ret_count = count;
    return s;
}

static struct cardea_status look_again(struct store_tx *tx, const struct due *d)
{
    struct query q =
        query_start_write(tx, QUERY_SWEEP_SESSION_REARM, "UPDATE session SET sweep_at_ms = ? WHERE sid = ?");
    bind_int(&q, d->end_ms);
    bind_blob(&q, d->sid.bytes, sizeof d->sid.bytes);
    return query_run(&q, NULL);
}

static struct cardea_status sweep_sessions(struct store_tx *tx, int64_t now_ms, uint32_t limit, uint32_t *ret_count)
{
    struct cardea_status s;
    uint32_t done = 0, found = 0;
    do {
        struct due due[SWEEP_STEP];
        uint32_t want = limit - done < SWEEP_STEP ? limit - done : SWEEP_STEP;
        found = 0;
        s = due_sessions(tx, now_ms, want, due, &found);
        for (uint32_t i = 0; cardea_ok(s) && i < found; i++)
            s = due[i].end_ms <= now_ms ? sql_session_delete(tx, due[i].sid) : look_again(tx, &due[i]);
        done += found;
    } while (cardea_ok(s) && found == SWEEP_STEP && done < limit);
    *ret_count = done;
    return s;
}

static struct cardea_status sweep_rows(struct store_tx *tx, enum query_id id, const char *sql, int64_t now_ms,
                                       uint32_t limit, uint32_t *ret_count)
{
    struct query q = query_start_write(tx, id, sql);
    bind_int(&q, now_ms);
    bind_int(&q, limit);
    return query_run(&q, ret_count);
}

struct cardea_status sql_sweep(struct store_tx *tx, int64_t now_ms, uint32_t limit, uint32_t *ret_count)
{
    uint32_t sessions = 0, api_keys = 0, revocations = 0, counters = 0, codes = 0;
    struct cardea_status s = sweep_sessions(tx, now_ms, limit, &sessions);
    limit -= sessions;
    if (cardea_ok(s) && limit > 0)
        s = sweep_rows(tx, QUERY_SWEEP_API_KEYS,
                       "DELETE FROM api_key WHERE id IN (SELECT id FROM api_key"
                       " WHERE expires_at_ms > 0 AND expires_at_ms <= ? LIMIT ?)",
                       now_ms, limit, &api_keys);
    limit -= api_keys;
    if (cardea_ok(s) && limit > 0)
        s = sweep_rows(tx, QUERY_SWEEP_REVOCATIONS,
                       "DELETE FROM revocation WHERE n IN (SELECT n FROM revocation WHERE until_ms <= ? LIMIT ?)",
                       now_ms, limit, &revocations);
    limit -= revocations;
    if (cardea_ok(s) && limit > 0)
        s = sweep_rows(tx, QUERY_SWEEP_COUNTERS,
                       "DELETE FROM counter WHERE id IN (SELECT id FROM counter WHERE ends_at_ms <= ? LIMIT ?)", now_ms,
                       limit, &counters);
    limit -= counters;
    if (cardea_ok(s) && limit > 0)
        s = sweep_rows(tx, QUERY_SWEEP_CODES,
                       "DELETE FROM code WHERE id IN (SELECT id FROM code WHERE ends_at_ms <= ? LIMIT ?)", now_ms,
                       limit, &codes);
    if (cardea_ok(s))
        *ret_count = sessions + api_keys + revocations + counters + codes;
    return s;
}
