#include "store/sql/sql.h"

struct cardea_status sql_value_get(struct store_tx *tx, const char *name, int64_t *out)
{
    int64_t value = 0;
    struct query q = query_start(tx, QUERY_VALUE_GET, "SELECT value FROM value WHERE name = ?");
    bind_text(&q, name, VALUE_NAME_MAX);
    if (query_row(&q))
        value = take_int(&q);
    struct cardea_status s = query_end_one(&q);
    if (cardea_ok(s))
        *out = value;
    return s;
}

struct cardea_status sql_value_put(struct store_tx *tx, const char *name, int64_t value)
{
    struct query q = query_start_write(tx, QUERY_VALUE_PUT,
                                       "INSERT INTO value (name, value) VALUES (?1, ?2)"
                                       " ON CONFLICT (name) DO UPDATE SET value = ?2");
    bind_text(&q, name, VALUE_NAME_MAX);
    bind_int(&q, value);
    return query_run(&q, NULL);
}

struct cardea_status sql_value_raise(struct store_tx *tx, const char *name, int64_t value)
{
    struct query q = query_start_write(tx, QUERY_VALUE_RAISE,
                                       "INSERT INTO value (name, value) VALUES (?1, ?2)"
                                       " ON CONFLICT (name) DO UPDATE SET value = ?2 WHERE value.value < ?2");
    bind_text(&q, name, VALUE_NAME_MAX);
    bind_int(&q, value);
    return query_run(&q, NULL);
}

struct cardea_status sql_value_list(struct store_tx *tx, struct named_value *out, uint32_t cap, uint32_t *ret_count)
{
    uint32_t count = 0;
    bool more = false;
    struct query q = query_start(tx, QUERY_VALUE_LIST, "SELECT name, value FROM value ORDER BY name LIMIT ?");
    bind_int(&q, (int64_t)cap + 1);
    while (query_row(&q)) {
        more = count == cap;
        if (more)
            break;
        take_text(&q, out[count].name, sizeof out[count].name);
        out[count++].value = take_int(&q);
    }
    struct cardea_status s = query_end(&q);
    if (!cardea_ok(s))
        return s;
    if (more)
        return CARDEA_FAIL(E_LIMIT);
    *ret_count = count;
    return s;
}
