#include "store/cursor.h"
#include "store/sql/sql.h"

void sql_take_user(struct query *q, struct user_record *out)
{
    take_blob(q, out->id.bytes, sizeof out->id.bytes);
    out->epoch = take_int_in(q, 1, INT64_MAX);
    out->status = (enum user_status)take_int_in(q, USER_ACTIVE, USER_SUSPENDED);
    out->email_verified = take_int_in(q, 0, 1) == 1;
    out->created_at_ms = take_int(q);
    out->updated_at_ms = take_int(q);
    out->last_login_at_ms = take_int(q);
    take_text(q, out->username, sizeof out->username);
    take_text(q, out->email, sizeof out->email);
    take_raw_text(q, out->name, sizeof out->name);
    take_text(q, out->roles, sizeof out->roles);
    take_text(q, out->password_hash, sizeof out->password_hash);
    take_text(q, out->metadata, sizeof out->metadata);
}

/* The one row of a query, into *out only when all of it is good. */
static struct cardea_status one(struct query *q, struct user_record *out)
{
    struct user_record u;
    bool row = query_row(q);
    if (row)
        sql_take_user(q, &u);
    struct cardea_status s = query_end_one(q);
    if (cardea_ok(s))
        *out = u;
    return s;
}

struct cardea_status sql_user_get(struct store_tx *tx, struct user_id id, struct user_record *out)
{
    struct query q = query_start(tx, QUERY_USER_GET, "SELECT " SQL_USER " FROM \"user\" WHERE id = ?");
    bind_blob(&q, id.bytes, sizeof id.bytes);
    return one(&q, out);
}

struct cardea_status sql_user_find(struct store_tx *tx, struct view username, struct user_record *out)
{
    struct query q = query_start(tx, QUERY_USER_FIND, "SELECT " SQL_USER " FROM \"user\" WHERE username = ?");
    bind_view(&q, username);
    return one(&q, out);
}

struct cardea_status sql_user_find_email(struct store_tx *tx, struct view email, struct user_record *out)
{
    /* The index holds verified addresses only, and '' is nobody's. */
    struct query q = query_start(tx, QUERY_USER_FIND_EMAIL,
                                 "SELECT " SQL_USER
                                 " FROM \"user\" WHERE lower(email) = lower(?) AND email_verified = 1 AND email <> ''");
    bind_view(&q, email);
    return one(&q, out);
}

/* A unique index refused the record: whose is the name? */
static struct cardea_status taken(struct store_tx *tx, const struct user_record *u)
{
    struct query q = query_start(tx, QUERY_USER_TAKEN, "SELECT 1 FROM \"user\" WHERE username = ? AND id <> ?");
    bind_text(&q, u->username, sizeof u->username);
    bind_blob(&q, u->id.bytes, sizeof u->id.bytes);
    bool other = query_row(&q);
    struct cardea_status s = query_end(&q);
    if (!cardea_ok(s))
        return s;
    return other ? CARDEA_FAIL(E_USERNAME_TAKEN) : CARDEA_FAIL(E_CONFLICT);
}

struct cardea_status sql_user_put(struct store_tx *tx, const struct user_record *u)
{
    if ((u->status != USER_ACTIVE && u->status != USER_SUSPENDED) || u->epoch < 1)
        return CARDEA_FAIL(E_INTERNAL);
    struct query q = query_start_write(
        tx, QUERY_USER_PUT,
        "INSERT INTO \"user\" (" SQL_USER ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
        " ON CONFLICT (id) DO UPDATE SET epoch = ?2, status = ?3, email_verified = ?4, created_at_ms = ?5,"
        " updated_at_ms = ?6, last_login_at_ms = ?7, username = ?8, email = ?9, name = ?10, roles = ?11,"
        " password_hash = ?12, metadata = ?13");
    bind_blob(&q, u->id.bytes, sizeof u->id.bytes);
    bind_int(&q, u->epoch);
    bind_int(&q, u->status);
    bind_int(&q, u->email_verified);
    bind_int(&q, u->created_at_ms);
    bind_int(&q, u->updated_at_ms);
    bind_int(&q, u->last_login_at_ms);
    bind_text(&q, u->username, sizeof u->username);
    bind_text(&q, u->email, sizeof u->email);
    bind_raw_text(&q, u->name, sizeof u->name);
    bind_text(&q, u->roles, sizeof u->roles);
    bind_text(&q, u->password_hash, sizeof u->password_hash);
    bind_text(&q, u->metadata, sizeof u->metadata);
    struct cardea_status s = query_run(&q, NULL);
    return s.code == CARDEA_E_CONFLICT ? taken(tx, u) : s;
}

/* Delete what a user has; *ret_changed rows went. */
static struct cardea_status delete_of(struct store_tx *tx, enum query_id id, const char *sql,
                                      const struct user_id *user, uint32_t *ret_changed)
{
    struct query q = query_start_write(tx, id, sql);
    bind_blob(&q, user->bytes, sizeof user->bytes);
    return query_run(&q, ret_changed);
}

struct cardea_status sql_user_delete(struct store_tx *tx, struct user_id id)
{
    uint32_t found = 0, rest = 0;
    struct cardea_status s = delete_of(tx, QUERY_USER_DELETE, "DELETE FROM \"user\" WHERE id = ?", &id, &found);
    if (cardea_ok(s) && found == 0)
        s = CARDEA_FAIL(E_NOT_FOUND);
    if (cardea_ok(s))
        s = delete_of(tx, QUERY_USER_DELETE_SESSIONS, "DELETE FROM session WHERE user_id = ?", &id, &rest);
    if (cardea_ok(s))
        s = delete_of(tx, QUERY_USER_DELETE_API_KEYS, "DELETE FROM api_key WHERE user_id = ?", &id, &rest);
    return s;
}

/* What a listing's query needs beside the filter: the ends of the range of a prefix, a role between commas. */
struct filter_texts {
    char after_q[EMAIL_MAX + 4];
    char role[ROLE_MAX + 2];
    struct view q_end, role_between;
};

/* False: the filter names what nobody can have. */
static bool filter_texts(const struct user_filter *f, struct filter_texts *out)
{
    if (f->q.len > EMAIL_MAX || f->role.len > ROLE_MAX || view_has(f->role, ','))
        return false;
    struct buf end = buf_fixed(out->after_q, sizeof out->after_q), role = buf_fixed(out->role, sizeof out->role);
    buf_put(&end, f->q);
    buf_text(&end, "\xf4\x8f\xbf\xbf"); /* U+10FFFF, which sorts behind every text */
    out->q_end = buf_view(&end);
    if (f->role.len > 0) {
        buf_char(&role, ',');
        buf_put(&role, f->role);
        buf_char(&role, ',');
    }
    out->role_between = buf_view(&role);
    return true;
}

/* By id from the place of the cursor on. A filter is checked row by row: an administrator's search, bounded by its
 * deadline, and no index that every login would have to keep. */
static const char list_sql[] =
    "SELECT " SQL_USER " FROM \"user\" WHERE id > ?1 AND (?2 = 0 OR status = ?2)"
    " AND (?3 = '' OR replace(',' || roles || ',', ?3, '') <> ',' || roles || ',')"
    " AND (?4 = '' OR (username >= ?4 AND username < ?5) OR (lower(email) >= lower(?4) AND lower(email) < lower(?5)))"
    " ORDER BY id LIMIT ?6";

struct cardea_status sql_user_list(struct store_tx *tx, const struct user_filter *filter, const struct page *page,
                                   struct user_record *out, uint32_t *ret_count, struct cursor *ret_next)
{
    struct filter_texts texts;
    struct cursor_place after = {0};
    if (page->limit < 1 || page->limit > PAGE_MAX)
        return CARDEA_FAIL(E_INTERNAL);
    if (page->after.text[0] != '\0') {
        struct cardea_status s = cursor_parse(&page->after, &after);
        if (!cardea_ok(s))
            return s;
    }
    bool possible = filter_texts(filter, &texts), more = false;
    uint32_t count = 0;
    if (possible) {
        struct query q = query_start(tx, QUERY_USER_LIST, list_sql);
        bind_blob(&q, after.id, sizeof after.id);
        bind_int(&q, filter->status);
        bind_view(&q, texts.role_between);
        bind_view(&q, filter->q);
        bind_view(&q, texts.q_end);
        bind_int(&q, (int64_t)page->limit + 1);
        while (query_page_row(&q, page, count, &more))
            sql_take_user(&q, &out[count++]);
        struct cardea_status s = query_end(&q);
        if (!cardea_ok(s))
            return s;
    }
    *ret_count = count;
    *ret_next = more ? cursor_make(0, out[count - 1].id.bytes) : cursor_none();
    return CARDEA_SUCCESS;
}
