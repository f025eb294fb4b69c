#include "store/sql/sql.h"

#define COLUMNS "id, usage, state, algorithm, created_at_ms, activate_at_ms, drop_at_ms, public_jwk, sealed"

struct cardea_status sql_key_put(struct store_tx *tx, const struct key_record *k)
{
    if (k->use < KEY_USE_ACCESS || k->use > KEY_USE_SEALED || k->state < KEY_NEXT || k->state > KEY_RETIRING ||
        k->sealed_len > sizeof k->sealed)
        return CARDEA_FAIL(E_INTERNAL);
    struct query q = query_start_write(tx, QUERY_KEY_PUT,
                                       "INSERT INTO keyring (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                                       " ON CONFLICT (id) DO UPDATE SET usage = ?2, state = ?3, algorithm = ?4,"
                                       " created_at_ms = ?5, activate_at_ms = ?6, drop_at_ms = ?7, public_jwk = ?8,"
                                       " sealed = ?9");
    bind_blob(&q, k->id.bytes, sizeof k->id.bytes);
    bind_int(&q, k->use);
    bind_int(&q, k->state);
    bind_text(&q, k->algorithm, sizeof k->algorithm);
    bind_int(&q, k->created_at_ms);
    bind_int(&q, k->activate_at_ms);
    bind_int(&q, k->drop_at_ms);
    bind_text(&q, k->public_jwk, sizeof k->public_jwk);
    bind_blob(&q, k->sealed, k->sealed_len);
    return query_run(&q, NULL);
}

struct cardea_status sql_key_delete(struct store_tx *tx, struct key_id id)
{
    struct query q = query_start_write(tx, QUERY_KEY_DELETE, "DELETE FROM keyring WHERE id = ?");
    bind_blob(&q, id.bytes, sizeof id.bytes);
    return query_end_changed(&q);
}

static void take_key(struct query *q, struct key_record *out)
{
    take_blob(q, out->id.bytes, sizeof out->id.bytes);
    out->use = (enum key_use)take_int_in(q, KEY_USE_ACCESS, KEY_USE_SEALED);
    out->state = (enum key_state)take_int_in(q, KEY_NEXT, KEY_RETIRING);
    take_text(q, out->algorithm, sizeof out->algorithm);
    out->created_at_ms = take_int(q);
    out->activate_at_ms = take_int(q);
    out->drop_at_ms = take_int(q);
    take_text(q, out->public_jwk, sizeof out->public_jwk);
    out->sealed_len = (uint16_t)take_blob_upto(q, out->sealed, sizeof out->sealed);
}

struct cardea_status sql_key_list(struct store_tx *tx, struct key_record *out, uint32_t cap, uint32_t *ret_count)
{
    struct query q =
        query_start(tx, QUERY_KEY_LIST, "SELECT " COLUMNS " FROM keyring ORDER BY created_at_ms, id LIMIT ?");
    bind_int(&q, (int64_t)cap + 1);
    uint32_t count = 0;
    bool over = false;
    while (!over && query_row(&q)) {
        over = count == cap;
        if (!over)
            take_key(&q, &out[count++]);
    }
    struct cardea_status s = query_end(&q);
    if (cardea_ok(s) && over)
        s = CARDEA_FAIL(E_LIMIT);
    if (cardea_ok(s))
        *ret_count = count;
    return s;
}
