#include "store/cursor.h"
#include "store/sql/sql.h"

#define COLUMNS "id, user_id, digest, created_at_ms, expires_at_ms, name, scopes"

static void take_api_key(struct query *q, struct api_key_record *out)
{
    take_blob(q, out->id.bytes, sizeof out->id.bytes);
    take_blob(q, out->user.bytes, sizeof out->user.bytes);
    take_blob(q, out->digest, sizeof out->digest);
    out->created_at_ms = take_int(q);
    out->expires_at_ms = take_int_in(q, 0, INT64_MAX);
    take_raw_text(q, out->name, sizeof out->name);
    take_text(q, out->scopes, sizeof out->scopes);
}

struct cardea_status sql_api_key_get(struct store_tx *tx, struct api_key_id id, struct api_key_record *out)
{
    struct api_key_record k;
    struct query q = query_start(tx, QUERY_API_KEY_GET, "SELECT " COLUMNS " FROM api_key WHERE id = ?");
    bind_blob(&q, id.bytes, sizeof id.bytes);
    if (query_row(&q))
        take_api_key(&q, &k);
    struct cardea_status s = query_end_one(&q);
    if (cardea_ok(s))
        *out = k;
    return s;
}

struct cardea_status sql_api_key_put(struct store_tx *tx, const struct api_key_record *k)
{
    struct query q = query_start_write(tx, QUERY_API_KEY_PUT,
                                       "INSERT INTO api_key (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                                       " ON CONFLICT (id) DO UPDATE SET user_id = ?2, digest = ?3, created_at_ms = ?4,"
                                       " expires_at_ms = ?5, name = ?6, scopes = ?7");
    bind_blob(&q, k->id.bytes, sizeof k->id.bytes);
    bind_blob(&q, k->user.bytes, sizeof k->user.bytes);
    bind_blob(&q, k->digest, sizeof k->digest);
    bind_int(&q, k->created_at_ms);
    bind_int(&q, k->expires_at_ms);
    bind_raw_text(&q, k->name, sizeof k->name);
    bind_text(&q, k->scopes, sizeof k->scopes);
    return query_run(&q, NULL);
}

struct cardea_status sql_api_key_delete(struct store_tx *tx, struct api_key_id id)
{
    struct query q = query_start_write(tx, QUERY_API_KEY_DELETE, "DELETE FROM api_key WHERE id = ?");
    bind_blob(&q, id.bytes, sizeof id.bytes);
    return query_end_changed(&q);
}

/* Newest first from the place of the cursor on. Everybody's are sorted on each call: an administrator's question, and
 * no index that every new key would have to keep. */
#define BEFORE "(created_at_ms, id) < (?, ?) ORDER BY created_at_ms DESC, id DESC LIMIT ?"

struct cardea_status sql_api_key_list(struct store_tx *tx, const struct user_id *user, const struct page *page,
                                      struct api_key_record *out, uint32_t *ret_count, struct cursor *ret_next)
{
    struct cursor_place before;
    struct cardea_status s = cursor_start(page, &before);
    if (!cardea_ok(s))
        return s;
    struct query q =
        user == NULL
            ? query_start(tx, QUERY_API_KEY_LIST_ALL, "SELECT " COLUMNS " FROM api_key WHERE " BEFORE)
            : query_start(tx, QUERY_API_KEY_LIST_USER, "SELECT " COLUMNS " FROM api_key WHERE user_id = ? AND " BEFORE);
    if (user != NULL)
        bind_blob(&q, user->bytes, sizeof user->bytes);
    bind_int(&q, before.at_ms);
    bind_blob(&q, before.id, sizeof before.id);
    bind_int(&q, (int64_t)page->limit + 1);
    uint32_t count = 0;
    bool more = false;
    while (query_page_row(&q, page, count, &more))
        take_api_key(&q, &out[count++]);
    s = query_end(&q);
    if (!cardea_ok(s))
        return s;
    *ret_count = count;
    *ret_next = cursor_none();
    if (more)
        *ret_next = cursor_make(out[count - 1].created_at_ms, out[count - 1].id.bytes);
    return s;
}
