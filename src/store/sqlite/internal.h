/* Inside the SQLite engine: connections, statements and the schema.
 *
 * Representation: one connection for writing, opened with the store and lent to one WRITE transaction at a time; up to
 * READERS_MAX for reading, opened when first needed. A connection and the transaction on it are one struct, store_tx:
 * there is never more than one. Every connection keeps its prepared statements; a statement is named by an enum
 * query_id, its SQL stands beside the function that runs it.
 *
 * Threading: SQLite runs in its multi-thread mode (no locks of its own inside a connection), because a connection has
 * one thread at a time by contract. struct sqlite_store's lock guards who holds which connection, and nothing else.
 *
 * Memory: page caches are small (WRITER_CACHE_KIB, READER_CACHE_KIB) since the kernel caches the file anyway; nothing
 * is mapped but SQLite's own index of the write-ahead log.
 */
#ifndef STORE_SQLITE_INTERNAL_H
#define STORE_SQLITE_INTERNAL_H

#include "store/journal.h"
#include "store/sessions.h"
#include "store/sqlite/sqlite.h"

#include <pthread.h>
#include <sqlite3.h>

enum {
    READERS_MAX = 8,
    WRITER_CACHE_KIB = 2048,
    READER_CACHE_KIB = 256,
    CHECKPOINT_PAGES = 4096, /* of the log, 16 MiB: fewer checkpoints write hot pages fewer times */
    PROGRESS_STEPS = 10000,  /* of SQLite's machine between two looks at the deadline, well below a millisecond */
    BUSY_STEP_US = 500,      /* between two tries for a lock that another process holds */
    SQLITE_APPLICATION_ID = 0x43524441, /* "CRDA": `file` and we ourselves know the database by it */
};

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
    X(SESSION_GET)                                                                                                     \
    X(SESSION_CREATE)                                                                                                  \
    X(SESSION_ROTATE)                                                                                                  \
    X(SESSION_EXISTS)                                                                                                  \
    X(SESSION_DELETE)                                                                                                  \
    X(SESSION_DELETE_BELOW)                                                                                            \
    X(SESSION_TOUCH)                                                                                                   \
    X(SESSION_LIST_ALL)                                                                                                \
    X(SESSION_LIST_USER)                                                                                               \
    X(SESSION_SCAN)                                                                                                    \
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

struct sqlite_store;

/* A connection, and the transaction on it while one is open. */
struct store_tx {
    struct sqlite_store *store;
    sqlite3 *db;
    sqlite3_stmt *statements[QUERY_COUNT];
    struct store_tx *next_free; /* idle readers */
    enum store_mode mode;       /* UNSET between transactions */
    int64_t deadline_ms;
    bool marked;                 /* a change is open */
    struct cardea_status broken; /* CARDEA_OK while the transaction can still commit */
    /* The journal's head as this transaction sees it; read when first needed, put back by undo. */
    bool head_known, head_known_at_mark;
    struct journal_head head, head_at_mark;
};

struct sqlite_store {
    struct store base;
    char *path;
    int64_t (*boot_ms)(void);
    store_digest_fn *digest;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t freed; /* a connection came back */
    struct store_tx *writer;
    bool writer_lent;
    struct store_tx *idle_readers;
    uint32_t readers; /* open ones, idle or lent */
};

/* sqlite.c: connections. Messages are sentences for an operator. */
struct cardea_status connection_open(struct sqlite_store *store, enum store_mode mode, int64_t deadline_ms,
                                     struct store_tx **out, char *message, size_t message_cap) CARDEA_CHECKED;
void connection_close(struct store_tx *tx); /* NULL is safe */

/* tx.c */
struct cardea_status sqlite_begin(struct store *s, enum store_mode mode, int64_t deadline_ms,
                                  struct store_tx **out) CARDEA_CHECKED;
struct cardea_status sqlite_mark(struct store_tx *tx) CARDEA_CHECKED;
struct cardea_status sqlite_keep(struct store_tx *tx) CARDEA_CHECKED;
struct cardea_status sqlite_undo(struct store_tx *tx) CARDEA_CHECKED;
struct cardea_status sqlite_commit(struct store_tx *tx) CARDEA_CHECKED;
void sqlite_abort(struct store_tx *tx);

/* schema.c: one step of the schema's history: the SQL that leads from version n-1 to n, at index n-1 of its list. */
struct schema_step {
    const char *sql;
};
extern const struct schema_step schema_steps[];
extern const uint32_t schema_step_count;
/* Bring a database from the version it has to version `count`, each step in a transaction of its own.
 * fails: E_CORRUPT: newer than count, or not Cardea's; E_UNAVAILABLE: another process holds the lock; E_IO. Steps that
 * were committed before a failing one stay, and the next call goes on behind them. */
struct cardea_status schema_migrate(sqlite3 *db, const struct schema_step *steps, uint32_t count, char *message,
                                    size_t message_cap) CARDEA_CHECKED;

/* query.c: one run of one prepared statement.
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
    sqlite3_stmt *st; /* NULL after a failure */
    int bound, taken; /* parameters and columns so far */
    uint32_t rows;
    bool malformed; /* a column no engine wrote */
    struct cardea_status status;
};

struct query query_start(struct store_tx *tx, enum query_id id, const char *sql);       /* reading */
struct query query_start_write(struct store_tx *tx, enum query_id id, const char *sql); /* fails in a READ */
void bind_int(struct query *q, int64_t n);
void bind_blob(struct query *q, const void *bytes, size_t len); /* borrowed until query_end */
void bind_text(struct query *q, const char *text, size_t cap);  /* up to a NUL; borrowed */
void bind_view(struct query *q, struct view v);                 /* as text; borrowed */
void bind_address(struct query *q, const struct address *a);    /* borrowed */
bool query_row(struct query *q);                                /* true: a row to take from */
/* The same for a page of which `count` rows have been taken. A query asks for one row more than the page may have: that
 * one is not taken, but sets *ret_more. */
bool query_page_row(struct query *q, const struct page *page, uint32_t count, bool *ret_more);
int64_t take_int(struct query *q);
int64_t take_int_in(struct query *q, int64_t least, int64_t most); /* malformed outside */
void take_blob(struct query *q, void *out, size_t len);            /* exactly len */
void take_blob_or_zeros(struct query *q, void *out, size_t len);   /* len, or empty for zeros */
size_t take_blob_upto(struct query *q, void *out, size_t cap);
void take_text(struct query *q, char *out, size_t cap); /* cap counts the NUL */
void take_address(struct query *q, struct address *out);
/* End the run. end: how it went. end_one: E_NOT_FOUND without a row. end_changed: runs what is left, then E_NOT_FOUND
 * when no row was changed. */
struct cardea_status query_end(struct query *q) CARDEA_CHECKED;
struct cardea_status query_end_one(struct query *q) CARDEA_CHECKED;
struct cardea_status query_run(struct query *q, uint32_t *ret_changed /* NULL: not wanted */) CARDEA_CHECKED;
struct cardea_status query_end_changed(struct query *q) CARDEA_CHECKED;
/* What an SQLite result means in our words. */
struct cardea_status sqlite_status(int rc);
/* A statement without parameters and rows (BEGIN, SAVEPOINT …), past all checks: SQLite's own result. */
int statement_run(struct store_tx *tx, enum query_id id, const char *sql);

/* The operations, a file a noun. */
struct cardea_status sqlite_user_get(struct store_tx *tx, struct user_id id, struct user_record *out);
struct cardea_status sqlite_user_find(struct store_tx *tx, struct view username, struct user_record *out);
struct cardea_status sqlite_user_find_email(struct store_tx *tx, struct view email, struct user_record *out);
struct cardea_status sqlite_user_put(struct store_tx *tx, const struct user_record *u);
struct cardea_status sqlite_user_delete(struct store_tx *tx, struct user_id id);
struct cardea_status sqlite_user_list(struct store_tx *tx, const struct user_filter *filter, const struct page *page,
                                      struct user_record *out, uint32_t *ret_count, struct cursor *ret_next);
struct cardea_status sqlite_api_key_get(struct store_tx *tx, struct api_key_id id, struct api_key_record *out);
struct cardea_status sqlite_api_key_put(struct store_tx *tx, const struct api_key_record *k);
struct cardea_status sqlite_api_key_delete(struct store_tx *tx, struct api_key_id id);
struct cardea_status sqlite_api_key_list(struct store_tx *tx, const struct user_id *user, const struct page *page,
                                         struct api_key_record *out, uint32_t *ret_count, struct cursor *ret_next);
struct cardea_status sqlite_key_put(struct store_tx *tx, const struct key_record *k);
struct cardea_status sqlite_key_delete(struct store_tx *tx, struct key_id id);
struct cardea_status sqlite_key_list(struct store_tx *tx, struct key_record *out, uint32_t cap, uint32_t *ret_count);
struct cardea_status sqlite_event_append(struct store_tx *tx, struct event *e);
struct cardea_status sqlite_event_list(struct store_tx *tx, uint64_t after, bool newest_first, struct event *out,
                                       uint32_t cap, uint32_t *ret_count);
struct cardea_status sqlite_revocation_list(struct store_tx *tx, uint64_t after, int64_t now_ms, struct event *out,
                                            uint32_t cap, uint32_t *ret_count);
struct cardea_status sqlite_revocation_find(struct store_tx *tx, enum revocation_kind kind, const uint8_t id[32]);
struct cardea_status sqlite_value_get(struct store_tx *tx, const char *name, int64_t *out);
struct cardea_status sqlite_value_put(struct store_tx *tx, const char *name, int64_t value);
struct cardea_status sqlite_session_get(struct store_tx *tx, struct session_id sid, struct session_record *out);
struct cardea_status sqlite_session_create(struct store_tx *tx, const struct session_record *r);
struct cardea_status sqlite_session_rotate(struct store_tx *tx, const struct session_record *r,
                                           uint64_t expected_generation);
struct cardea_status sqlite_session_delete(struct store_tx *tx, struct session_id sid);
struct cardea_status sqlite_session_delete_below(struct store_tx *tx, struct user_id user, int64_t epoch,
                                                 uint32_t limit, uint32_t *ret_count);
struct cardea_status sqlite_session_touch(struct store_tx *tx, const struct session_id *sids, const int64_t *seen_ms,
                                          uint32_t count);
struct cardea_status sqlite_session_list(struct store_tx *tx, const struct user_id *user, int64_t epoch,
                                         const struct page *page, struct session_record *out, uint32_t *ret_count,
                                         struct cursor *ret_next);
struct cardea_status sqlite_session_scan(struct store_tx *tx, struct session_id after, struct session_record *out,
                                         uint32_t cap, uint32_t *ret_count);
struct cardea_status sqlite_sweep(struct store_tx *tx, int64_t now_ms, uint32_t limit, uint32_t *ret_count);

#endif
