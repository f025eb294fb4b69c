#include "store/sql/sql.h"

enum { VALUE_NAME_MAX = 64 };

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
