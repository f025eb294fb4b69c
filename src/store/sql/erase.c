#include "store/sql/sql.h"

static struct cardea_status empty(struct store_tx *tx, enum query_id id, const char *sql)
{
    struct query q = query_start_write(tx, id, sql);
    return query_run(&q, NULL);
}

struct cardea_status sql_session_erase(struct store_tx *tx)
{
    return empty(tx, QUERY_SESSION_ERASE, "DELETE FROM session");
}

struct cardea_status sql_account_erase(struct store_tx *tx)
{
    struct cardea_status s = empty(tx, QUERY_ERASE_USER, "DELETE FROM \"user\"");
    if (cardea_ok(s))
        s = empty(tx, QUERY_ERASE_API_KEY, "DELETE FROM api_key");
    if (cardea_ok(s))
        s = empty(tx, QUERY_ERASE_KEYRING, "DELETE FROM keyring");
    if (cardea_ok(s))
        s = empty(tx, QUERY_ERASE_JOURNAL, "DELETE FROM journal");
    if (cardea_ok(s))
        s = empty(tx, QUERY_ERASE_REVOCATION, "DELETE FROM revocation");
    if (cardea_ok(s))
        s = empty(tx, QUERY_ERASE_VALUE, "DELETE FROM value");
    if (cardea_ok(s))
        s = empty(tx, QUERY_ERASE_VERIFIER, "DELETE FROM verifier");
    if (cardea_ok(s)) /* what they were given out for is gone */
        s = empty(tx, QUERY_ERASE_CODE, "DELETE FROM code");
    sql_of(tx)->head_known = false; /* the journal begins anew */
    return s;
}
