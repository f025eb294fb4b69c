#include "store/sql/sql.h"

#define COLUMNS "id, kind, name, n, renewals, lease_ms, sessions"

struct cardea_status sql_verifier_put(struct store_tx *tx, const struct verifier_record *v)
{
    if (v->kind < VERIFIER_NODE || v->kind > VERIFIER_REMOTE || v->n > INT64_MAX || v->renewals > INT64_MAX)
        return CARDEA_FAIL(E_INTERNAL);
    struct query q = query_start_write(tx, QUERY_VERIFIER_PUT,
                                       "INSERT INTO verifier (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                                       " ON CONFLICT (id) DO UPDATE SET kind = ?2, name = ?3, n = ?4, renewals = ?5,"
                                       " lease_ms = ?6, sessions = ?7");
    bind_blob(&q, v->id, sizeof v->id);
    bind_int(&q, v->kind);
    bind_text(&q, v->name, sizeof v->name);
    bind_int(&q, (int64_t)v->n);
    bind_int(&q, (int64_t)v->renewals);
    bind_int(&q, v->lease_ms);
    bind_text(&q, v->sessions, sizeof v->sessions);
    return query_run(&q, NULL);
}

struct cardea_status sql_verifier_delete(struct store_tx *tx, const uint8_t id[16])
{
    struct query q = query_start_write(tx, QUERY_VERIFIER_DELETE, "DELETE FROM verifier WHERE id = ?");
    bind_blob(&q, id, 16);
    return query_end_changed(&q);
}

static void take_verifier(struct query *q, struct verifier_record *out)
{
    take_blob(q, out->id, sizeof out->id);
    out->kind = (enum verifier_kind)take_int_in(q, VERIFIER_NODE, VERIFIER_REMOTE);
    take_text(q, out->name, sizeof out->name);
    out->n = (uint64_t)take_int_in(q, 0, INT64_MAX);
    out->renewals = (uint64_t)take_int_in(q, 0, INT64_MAX);
    out->lease_ms = take_int(q);
    take_text(q, out->sessions, sizeof out->sessions);
}

struct cardea_status sql_verifier_list(struct store_tx *tx, struct verifier_record *out, uint32_t cap,
                                       uint32_t *ret_count)
{
    struct query q = query_start(tx, QUERY_VERIFIER_LIST, "SELECT " COLUMNS " FROM verifier ORDER BY id LIMIT ?");
    bind_int(&q, (int64_t)cap + 1);
    uint32_t count = 0;
    bool over = false;
    while (!over && query_row(&q)) {
        over = count == cap;
        if (!over)
            take_verifier(&q, &out[count++]);
    }
    struct cardea_status s = query_end(&q);
    if (cardea_ok(s) && over)
        s = CARDEA_FAIL(E_LIMIT);
    if (cardea_ok(s))
        *ret_count = count;
    return s;
}
