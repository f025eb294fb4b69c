#include "store/cursor.h"
#include "store/sql/sql.h"

/* One row holds all of a session: a rotation writes one page either way, and a scan reads one tree. */
void sql_take_session(struct query *q, struct session_record *out)
{
    take_blob(q, out->sid.bytes, sizeof out->sid.bytes);
    take_blob(q, out->user.bytes, sizeof out->user.bytes);
    out->epoch = take_int_in(q, 1, INT64_MAX);
    out->kind = (enum session_kind)take_int_in(q, SESSION_COOKIE, SESSION_SEALED);
    out->remember = take_int_in(q, 0, 1) == 1;
    out->created_at_ms = take_int(q);
    out->authenticated_at_ms = take_int(q);
    out->last_seen_at_ms = take_int(q);
    out->expires_at_ms = take_int(q);
    out->idle_ms = take_int_in(q, 0, INT64_MAX);
    take_blob_or_zeros(q, out->secret_digest, sizeof out->secret_digest);
    out->generation = (uint64_t)take_int_in(q, 0, INT64_MAX);
    take_blob_or_zeros(q, out->refresh_digest, sizeof out->refresh_digest);
    take_blob_or_zeros(q, out->previous_digest, sizeof out->previous_digest);
    take_blob_or_zeros(q, out->refresh_nonce, sizeof out->refresh_nonce);
    out->rotated_at_ms = take_int(q);
    take_text(q, out->app, sizeof out->app);
    take_address(q, &out->ip);
    take_raw_text(q, out->user_agent, sizeof out->user_agent);
}

struct cardea_status sql_session_get(struct store_tx *tx, struct session_id sid, struct session_record *out)
{
    struct session_record r;
    struct query q = query_start(tx, QUERY_SESSION_GET, "SELECT " SQL_SESSION " FROM session WHERE sid = ?");
    bind_blob(&q, sid.bytes, sizeof sid.bytes);
    if (query_row(&q))
        sql_take_session(&q, &r);
    struct cardea_status s = query_end_one(&q);
    if (cardea_ok(s))
        *out = r;
    return s;
}

struct cardea_status sql_session_create(struct store_tx *tx, const struct session_record *r)
{
    if (!session_storable(r))
        return CARDEA_FAIL(E_INTERNAL);
    bool refreshes = r->generation > 0;
    struct query q = query_start_write(tx, QUERY_SESSION_CREATE,
                                       "INSERT INTO session (" SQL_SESSION ", sweep_at_ms) VALUES"
                                       " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                                       " ON CONFLICT (sid) DO NOTHING");
    bind_blob(&q, r->sid.bytes, sizeof r->sid.bytes);
    bind_blob(&q, r->user.bytes, sizeof r->user.bytes);
    bind_int(&q, r->epoch);
    bind_int(&q, r->kind);
    bind_int(&q, r->remember);
    bind_int(&q, r->created_at_ms);
    bind_int(&q, r->authenticated_at_ms);
    bind_int(&q, r->last_seen_at_ms);
    bind_int(&q, r->expires_at_ms);
    bind_int(&q, r->idle_ms);
    bind_blob(&q, r->secret_digest, r->kind == SESSION_COOKIE ? sizeof r->secret_digest : 0);
    bind_int(&q, (int64_t)r->generation);
    bind_blob(&q, r->refresh_digest, refreshes ? sizeof r->refresh_digest : 0);
    bind_blob(&q, r->previous_digest, refreshes ? sizeof r->previous_digest : 0);
    bind_blob(&q, r->refresh_nonce, refreshes ? sizeof r->refresh_nonce : 0);
    bind_int(&q, r->rotated_at_ms);
    bind_text(&q, r->app, sizeof r->app);
    bind_address(&q, &r->ip);
    bind_raw_text(&q, r->user_agent, sizeof r->user_agent);
    bind_int(&q, session_over_ms(r->last_seen_at_ms, r->idle_ms, r->expires_at_ms));
    struct cardea_status s = query_end_changed(&q);
    return s.code == CARDEA_E_NOT_FOUND ? CARDEA_FAIL(E_CONFLICT) : s;
}

struct cardea_status sql_session_create_many(struct store_tx *tx, const struct session_record *records, uint32_t count)
{
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++)
        s = sql_session_create(tx, &records[i]);
    return s;
}

static struct cardea_status exists(struct store_tx *tx, struct session_id sid)
{
    struct query q = query_start(tx, QUERY_SESSION_EXISTS, "SELECT 1 FROM session WHERE sid = ?");
    bind_blob(&q, sid.bytes, sizeof sid.bytes);
    (void)query_row(&q);
    return query_end_one(&q);
}

struct cardea_status sql_session_rotate(struct store_tx *tx, const struct session_record *r,
                                        uint64_t expected_generation)
{
    if (r->generation > INT64_MAX || expected_generation > INT64_MAX)
        return CARDEA_FAIL(E_INTERNAL);
    struct query q = query_start_write(
        tx, QUERY_SESSION_ROTATE,
        "UPDATE session SET generation = ?1, refresh_digest = ?2, previous_digest = ?3, refresh_nonce = ?4,"
        " rotated_at_ms = ?5, last_seen_at_ms = CASE WHEN last_seen_at_ms < ?6 THEN ?6 ELSE last_seen_at_ms END"
        " WHERE sid = ?7 AND generation = ?8");
    bind_int(&q, (int64_t)r->generation);
    bind_blob(&q, r->refresh_digest, sizeof r->refresh_digest);
    bind_blob(&q, r->previous_digest, sizeof r->previous_digest);
    bind_blob(&q, r->refresh_nonce, sizeof r->refresh_nonce);
    bind_int(&q, r->rotated_at_ms);
    bind_int(&q, r->last_seen_at_ms);
    bind_blob(&q, r->sid.bytes, sizeof r->sid.bytes);
    bind_int(&q, (int64_t)expected_generation);
    struct cardea_status s = query_end_changed(&q);
    if (s.code != CARDEA_E_NOT_FOUND)
        return s;
    s = exists(tx, r->sid);
    return cardea_ok(s) ? CARDEA_FAIL(E_CONFLICT) : s;
}

struct cardea_status sql_session_delete(struct store_tx *tx, struct session_id sid)
{
    struct query q = query_start_write(tx, QUERY_SESSION_DELETE, "DELETE FROM session WHERE sid = ?");
    bind_blob(&q, sid.bytes, sizeof sid.bytes);
    return query_end_changed(&q);
}

struct cardea_status sql_session_delete_below(struct store_tx *tx, struct user_id user, int64_t epoch, uint32_t limit,
                                              uint32_t *ret_count)
{
    struct query q = query_start_write(tx, QUERY_SESSION_DELETE_BELOW,
                                       "DELETE FROM session WHERE sid IN"
                                       " (SELECT sid FROM session WHERE user_id = ? AND epoch < ? LIMIT ?)");
    bind_blob(&q, user.bytes, sizeof user.bytes);
    bind_int(&q, epoch);
    bind_int(&q, limit);
    return query_run(&q, ret_count);
}

struct cardea_status sql_session_touch(struct store_tx *tx, const struct session_id *sids, const int64_t *seen_ms,
                                       uint32_t count)
{
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
        struct query q = query_start_write(
            tx, QUERY_SESSION_TOUCH, "UPDATE session SET last_seen_at_ms = ?2 WHERE sid = ?1 AND last_seen_at_ms < ?2");
        bind_blob(&q, sids[i].bytes, sizeof sids[i].bytes);
        bind_int(&q, seen_ms[i]);
        s = query_run(&q, NULL);
    }
    return s;
}

/* Newest first from the place of the cursor on. */
#define BEFORE "epoch >= ? AND (created_at_ms, sid) < (?, ?) ORDER BY created_at_ms DESC, sid DESC LIMIT ?"

struct cardea_status sql_session_list(struct store_tx *tx, const struct user_id *user, int64_t epoch,
                                      const struct page *page, struct session_record *out, uint32_t *ret_count,
                                      struct cursor *ret_next)
{
    struct cursor_place before;
    struct cardea_status s = cursor_start(page, &before);
    if (!cardea_ok(s))
        return s;
    struct query q = user == NULL
                         ? query_start(tx, QUERY_SESSION_LIST_ALL, "SELECT " SQL_SESSION " FROM session WHERE " BEFORE)
                         : query_start(tx, QUERY_SESSION_LIST_USER,
                                       "SELECT " SQL_SESSION " FROM session WHERE user_id = ? AND " BEFORE);
    if (user != NULL)
        bind_blob(&q, user->bytes, sizeof user->bytes);
    bind_int(&q, epoch);
    bind_int(&q, before.at_ms);
    bind_blob(&q, before.id, sizeof before.id);
    bind_int(&q, (int64_t)page->limit + 1);
    uint32_t count = 0;
    bool more = false;
    while (query_page_row(&q, page, count, &more))
        sql_take_session(&q, &out[count++]);
    s = query_end(&q);
    if (!cardea_ok(s))
        return s;
    *ret_count = count;
    *ret_next = cursor_none();
    if (more)
        *ret_next = cursor_make(out[count - 1].created_at_ms, out[count - 1].sid.bytes);
    return s;
}

struct cardea_status sql_session_scan(struct store_tx *tx, struct session_id after, struct session_record *out,
                                      uint32_t cap, uint32_t *ret_count)
{
    struct query q =
        query_start(tx, QUERY_SESSION_SCAN, "SELECT " SQL_SESSION " FROM session WHERE sid > ? ORDER BY sid LIMIT ?");
    bind_blob(&q, after.bytes, sizeof after.bytes);
    bind_int(&q, cap);
    uint32_t count = 0;
    while (count < cap && query_row(&q))
        sql_take_session(&q, &out[count++]);
    struct cardea_status s = query_end(&q);
    if (cardea_ok(s))
        *ret_count = count;
    return s;
}
