/* What the engines of SQL databases share: the records as rows, and the statements that read and write them.
 *
 * Decides: which statement an operation of store.h is, and how a record stands in columns. Refuses to decide: how a
 * statement is run, what a transaction is, how the schema is made; those are the engine's (sqlite/, postgres/), which
 * gives the functions under "the engine's" below. Each engine compiles these files into itself.
 *
 * The SQL is what both databases understand: parameters are ? or ?1, numbers are 64-bit integers, ids and digests are
 * binary, and "user" is quoted, since it is a word of PostgreSQL's.
 */
#ifndef STORE_SQL_SQL_H
#define STORE_SQL_SQL_H

#include "store/journal.h"
#include "store/sessions.h"

/* Every prepared statement. */
#define QUERY_TABLE(X)                                                                                                 \
    X(BEGIN_READ)                                                                                                      \
    X(BEGIN_WRITE)                                                                                                     \
    X(SNAPSHOT)                                                                                                        \
    X(MARK)                                                                                                            \
    X(KEEP)                                                                                                            \
    X(UNDO)                                                                                                            \
    X(COMMIT)                                                                                                          \
    X(ROLLBACK)                                                                                                        \
    X(USER_GET)                                                                                                        \
    X(USER_FIND)                                                                                                       \
    X(USER_FIND_EMAIL)                                                                                                 \
    X(USER_PUT)                                                                                                        \
    X(USER_TAKEN)                                                                                                      \
    X(USER_DELETE)                                                                                                     \
    X(USER_DELETE_SESSIONS)                                                                                            \
    X(USER_DELETE_API_KEYS)                                                                                            \
    X(USER_LIST)                                                                                                       \
    X(API_KEY_GET)                                                                                                     \
    X(API_KEY_PUT)                                                                                                     \
    X(API_KEY_DELETE)                                                                                                  \
    X(API_KEY_LIST_ALL)                                                                                                \
    X(API_KEY_LIST_USER)                                                                                               \
    X(KEY_PUT)                                                                                                         \
    X(KEY_DELETE)                                                                                                      \
    X(KEY_LIST)                                                                                                        \
    X(JOURNAL_HEAD)                                                                                                    \
    X(JOURNAL_APPEND)                                                                                                  \
    X(JOURNAL_LIST_UP)                                                                                                 \
    X(JOURNAL_LIST_DOWN)                                                                                               \
    X(REVOCATION_ADD)                                                                                                  \
    X(REVOCATION_FIND)                                                                                                 \
    X(REVOCATION_LIST)                                                                                                 \
    X(VALUE_GET)                                                                                                       \
    X(VALUE_PUT)                                                                                                       \
    X(VALUE_RAISE)                                                                                                     \
    X(VERIFIER_PUT)                                                                                                    \
    X(VERIFIER_DELETE)                                                                                                 \
    X(VERIFIER_LIST)                                                                                                   \
    X(VALUE_LIST)                                                                                                      \
    X(ERASE_USER)                                                                                                      \
    X(ERASE_API_KEY)                                                                                                   \
    X(ERASE_KEYRING)                                                                                                   \
    X(ERASE_JOURNAL)                                                                                                   \
    X(ERASE_REVOCATION)                                                                                                \
    X(ERASE_CODE)                                                                                                      \
    X(ERASE_VALUE)                                                                                                     \
    X(ERASE_VERIFIER)                                                                                                  \
    X(EXPECT_SESSIONS)                                                                                                 \
    X(EXPECT_USERS)                                                                                                    \
    X(EXPECT_REVOKED)                                                                                                  \
    X(TOUCH_MANY)                                                                                                      \
    X(ROTATE_MANY)                                                                                                     \
    X(SESSION_GET)                                                                                                     \
    X(SESSION_CREATE)                                                                                                  \
    X(SESSION_CREATE_MANY)                                                                                             \
    X(SESSION_ERASE)                                                                                                   \
    X(SESSION_ROTATE)                                                                                                  \
    X(SESSION_EXISTS)                                                                                                  \
    X(SESSION_DELETE)                                                                                                  \
    X(SESSION_DELETE_BELOW)                                                                                            \
    X(SESSION_TOUCH)                                                                                                   \
    X(SESSION_LIST_ALL)                                                                                                \
    X(SESSION_LIST_USER)                                                                                               \
    X(SESSION_SCAN)                                                                                                    \
    X(COUNTER_RISE)                                                                                                    \
    X(COUNTER_FALL)                                                                                                    \
    X(CODE_PUT)                                                                                                        \
    X(CODE_TAKE)                                                                                                       \
    X(SWEEP_COUNTERS)                                                                                                  \
    X(SWEEP_CODES)                                                                                                     \
    X(SWEEP_SESSION_DUE)                                                                                               \
    X(SWEEP_SESSION_REARM)                                                                                             \
    X(SWEEP_API_KEYS)                                                                                                  \
    X(SWEEP_REVOCATIONS)

enum query_id {
#define QUERY_ENUM(name) QUERY_##name,
    QUERY_TABLE(QUERY_ENUM)
#undef QUERY_ENUM
        QUERY_COUNT
};

/* The part of a transaction that these files know of; the first member of the engine's struct store_tx. */
struct sql_tx {
    store_digest_fn *digest;
    enum store_mode mode; /* UNSET between transactions */
    int64_t deadline_ms;
    bool marked;                 /* a change is open */
    unsigned push;               /* enum store_push: what the commit tells the others, where the engine can */
    struct cardea_status broken; /* CARDEA_OK while the transaction can still commit */
    /* The journal's head as this transaction sees it; read when first needed, put back by undo. */
    bool head_known, head_known_at_mark;
    struct journal_head head, head_at_mark;
};
static inline struct sql_tx *sql_of(struct store_tx *tx)
{
    return (struct sql_tx *)(void *)tx;
}

/* One run of one prepared statement.
 *
 * Failures stick: bind, step and take do nothing (or answer zeros) after the first, and query_end tells it. So a
 * function binds and takes without asking, and asks once.
 *
 *     struct query q = query_start(tx, QUERY_VALUE_GET, "SELECT value FROM value WHERE name = ?");
 *     bind_text(&q, name, NAME_MAX);
 *     if (query_row(&q))
 *         value = take_int(&q);
 *     return query_end_one(&q);
 */
struct query {
    struct store_tx *tx;
    void *st;         /* the engine's; NULL after a failure */
    int bound, taken; /* parameters and columns so far */
    uint32_t rows;
    bool malformed; /* a column no engine wrote */
    struct cardea_status status;
};

/* The engine's. */
struct query query_start(struct store_tx *tx, enum query_id id, const char *sql);       /* reading */
struct query query_start_write(struct store_tx *tx, enum query_id id, const char *sql); /* fails in a READ */
void bind_int(struct query *q, int64_t n);
void bind_blob(struct query *q, const void *bytes, size_t len); /* borrowed until query_end */
void bind_view(struct query *q, struct view v);                 /* as text; borrowed */
void bind_raw(struct query *q, struct view v);                  /* a text of any bytes; borrowed */
bool query_row(struct query *q);                                /* true: a row to take from */
int64_t take_int(struct query *q);
enum column { COLUMN_UNSET = 0, COLUMN_BLOB, COLUMN_TEXT, COLUMN_RAW };
struct view take_bytes(struct query *q, enum column kind); /* valid until the next row */
uint32_t query_changes(struct query *q);                   /* rows that the last statement changed */
struct cardea_status query_end(struct query *q) CARDEA_CHECKED;

/* For everybody (query.c). */
void bind_text(struct query *q, const char *text, size_t cap);     /* up to a NUL; borrowed */
void bind_raw_text(struct query *q, const char *text, size_t cap); /* the same, of any bytes */
void bind_address(struct query *q, const struct address *a);       /* borrowed */
/* A row for a page of which `count` rows have been taken. A query asks for one row more than the page may have: that
 * one is not taken, but sets *ret_more. */
bool query_page_row(struct query *q, const struct page *page, uint32_t count, bool *ret_more);
int64_t take_int_in(struct query *q, int64_t least, int64_t most); /* malformed outside */
void take_blob(struct query *q, void *out, size_t len);            /* exactly len */
void take_blob_or_zeros(struct query *q, void *out, size_t len);   /* len, or empty for zeros */
size_t take_blob_upto(struct query *q, void *out, size_t cap);
void take_text(struct query *q, char *out, size_t cap); /* cap counts the NUL */
void take_raw_text(struct query *q, char *out, size_t cap);
void take_address(struct query *q, struct address *out);
/* End the run. query_end: how it went. end_one: E_NOT_FOUND without a row. end_changed: runs what is left, then
 * E_NOT_FOUND when no row was changed. */
struct cardea_status query_end_one(struct query *q) CARDEA_CHECKED;
struct cardea_status query_run(struct query *q, uint32_t *ret_changed /* NULL: not wanted */) CARDEA_CHECKED;
struct cardea_status query_end_changed(struct query *q) CARDEA_CHECKED;

/* The columns of a record, and how it is taken from a row of them. */
#define SQL_SESSION                                                                                                    \
    "sid, user_id, epoch, kind, remember, created_at_ms, authenticated_at_ms, last_seen_at_ms, expires_at_ms, "        \
    "idle_ms,"                                                                                                         \
    " secret_digest, generation, refresh_digest, previous_digest, refresh_nonce, rotated_at_ms, app, ip, user_agent"
void sql_take_session(struct query *q, struct session_record *out);
#define SQL_USER                                                                                                       \
    "id, epoch, status, email_verified, created_at_ms, updated_at_ms, last_login_at_ms, username, email, name, roles," \
    " password_hash, metadata"
void sql_take_user(struct query *q, struct user_record *out);

/* The operations, a file a noun. */
struct cardea_status sql_user_get(struct store_tx *tx, struct user_id id, struct user_record *out);
struct cardea_status sql_user_find(struct store_tx *tx, struct view username, struct user_record *out);
struct cardea_status sql_user_find_email(struct store_tx *tx, struct view email, struct user_record *out);
struct cardea_status sql_user_put(struct store_tx *tx, const struct user_record *u);
struct cardea_status sql_user_delete(struct store_tx *tx, struct user_id id);
struct cardea_status sql_user_list(struct store_tx *tx, const struct user_filter *filter, const struct page *page,
                                   struct user_record *out, uint32_t *ret_count, struct cursor *ret_next);
struct cardea_status sql_api_key_get(struct store_tx *tx, struct api_key_id id, struct api_key_record *out);
struct cardea_status sql_api_key_put(struct store_tx *tx, const struct api_key_record *k);
struct cardea_status sql_api_key_delete(struct store_tx *tx, struct api_key_id id);
struct cardea_status sql_api_key_list(struct store_tx *tx, const struct user_id *user, const struct page *page,
                                      struct api_key_record *out, uint32_t *ret_count, struct cursor *ret_next);
struct cardea_status sql_key_put(struct store_tx *tx, const struct key_record *k);
struct cardea_status sql_key_delete(struct store_tx *tx, struct key_id id);
struct cardea_status sql_key_list(struct store_tx *tx, struct key_record *out, uint32_t cap, uint32_t *ret_count);
struct cardea_status sql_event_append(struct store_tx *tx, struct event *e);
struct cardea_status sql_event_list(struct store_tx *tx, uint64_t after, bool newest_first, struct event *out,
                                    uint32_t cap, uint32_t *ret_count);
struct cardea_status sql_revocation_list(struct store_tx *tx, uint64_t after, int64_t now_ms, struct event *out,
                                         uint32_t cap, uint32_t *ret_count);
struct cardea_status sql_revocation_find(struct store_tx *tx, enum revocation_kind kind, const uint8_t id[32]);
struct cardea_status sql_value_get(struct store_tx *tx, const char *name, int64_t *out);
struct cardea_status sql_value_put(struct store_tx *tx, const char *name, int64_t value);
struct cardea_status sql_value_raise(struct store_tx *tx, const char *name, int64_t value);
struct cardea_status sql_verifier_put(struct store_tx *tx, const struct verifier_record *v);
struct cardea_status sql_verifier_delete(struct store_tx *tx, const uint8_t id[16]);
struct cardea_status sql_verifier_list(struct store_tx *tx, struct verifier_record *out, uint32_t cap,
                                       uint32_t *ret_count);
struct cardea_status sql_event_put(struct store_tx *tx, const struct event *e, bool in_force);
struct cardea_status sql_value_list(struct store_tx *tx, struct named_value *out, uint32_t cap, uint32_t *ret_count);
struct cardea_status sql_account_erase(struct store_tx *tx);
struct cardea_status sql_session_get(struct store_tx *tx, struct session_id sid, struct session_record *out);
struct cardea_status sql_session_create(struct store_tx *tx, const struct session_record *r);
struct cardea_status sql_session_create_many(struct store_tx *tx, const struct session_record *records, uint32_t count);
struct cardea_status sql_session_erase(struct store_tx *tx);
struct cardea_status sql_session_rotate(struct store_tx *tx, const struct session_record *r,
                                        uint64_t expected_generation);
struct cardea_status sql_session_delete(struct store_tx *tx, struct session_id sid);
struct cardea_status sql_session_delete_below(struct store_tx *tx, struct user_id user, int64_t epoch, uint32_t limit,
                                              uint32_t *ret_count);
struct cardea_status sql_session_touch(struct store_tx *tx, const struct session_id *sids, const int64_t *seen_ms,
                                       uint32_t count);
struct cardea_status sql_session_list(struct store_tx *tx, const struct user_id *user, int64_t epoch,
                                      const struct page *page, struct session_record *out, uint32_t *ret_count,
                                      struct cursor *ret_next);
struct cardea_status sql_session_scan(struct store_tx *tx, struct session_id after, struct session_record *out,
                                      uint32_t cap, uint32_t *ret_count);
struct cardea_status sql_count(struct store_tx *tx, int64_t now_ms, const struct counter_step *steps, uint32_t count,
                               int64_t *ret_values);
struct cardea_status sql_code_put(struct store_tx *tx, int64_t now_ms, struct code_id id,
                                  const struct code_value *value, int64_t ttl_ms);
struct cardea_status sql_code_take(struct store_tx *tx, int64_t now_ms, struct code_id id, struct code_value *out);
struct cardea_status sql_sweep(struct store_tx *tx, int64_t now_ms, uint32_t limit, uint32_t *ret_count);

#endif
