#include "store/sql/sql.h"

struct cardea_status sql_code_put(struct store_tx *tx, int64_t now_ms, struct code_id id,
                                  const struct code_value *value, int64_t ttl_ms)
{
    if (!code_good(value, ttl_ms))
        return CARDEA_FAIL(E_INTERNAL);
    struct query q = query_start_write(tx, QUERY_CODE_PUT,
                                       "INSERT INTO code (id, value, ends_at_ms) VALUES (?, ?, ?)"
                                       " ON CONFLICT (id) DO NOTHING");
    bind_blob(&q, id.bytes, sizeof id.bytes);
    bind_blob(&q, value->bytes, value->len);
    bind_int(&q, now_ms + ttl_ms);
    struct cardea_status s = query_end_changed(&q);
    return s.code == CARDEA_E_NOT_FOUND ? CARDEA_FAIL(E_CONFLICT) : s;
}

struct cardea_status sql_code_take(struct store_tx *tx, int64_t now_ms, struct code_id id, struct code_value *out)
{
    struct code_value value = {0};
    struct query q =
        query_start_write(tx, QUERY_CODE_TAKE, "DELETE FROM code WHERE id = ? AND ends_at_ms > ? RETURNING value");
    bind_blob(&q, id.bytes, sizeof id.bytes);
    bind_int(&q, now_ms);
    while (query_row(&q))
        value.len = (uint16_t)take_blob_upto(&q, value.bytes, sizeof value.bytes);
    struct cardea_status s = query_end_one(&q);
    if (cardea_ok(s))
        *out = value;
    return s;
}
