#include "store/sqlite/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPEN_WAIT_MS = 5000 }; /* for another process that opens, migrates or recovers the same file */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_prepare(void)
{
    /* Counting memory costs a lock a malloc. Refused when somebody initialised SQLite before us: then it only costs. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_initialize();
}

static int on_busy(void *context, int tries)
{
    struct store_tx *tx = context;
    (void)tries;
    if (tx->store->boot_ms() >= tx->sql.deadline_ms)
        return 0;
    (void)usleep(BUSY_STEP_US);
    return 1;
}

static int on_progress(void *context)
{
    struct store_tx *tx = context;
    return tx->store->boot_ms() >= tx->sql.deadline_ms;
}

static struct cardea_status fail(sqlite3 *db, int rc, char *message, size_t cap)
{
    (void)snprintf(message, cap, "%s", db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db));
    return sqlite_status(rc);
}

/* SQLite would make the file readable by everybody under a usual umask; its log and index take over our mode. Only a
 * file that was not there is touched: closing a descriptor of one that is in use would drop its locks (POSIX). SQLite
 * itself syncs the folder when it makes the log in it, before the first commit is acknowledged. */
static struct cardea_status make_file(const char *path, char *message, size_t cap)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)close(fd);
        return CARDEA_SUCCESS;
    }
    if (errno == EEXIST)
        return CARDEA_SUCCESS;
    (void)snprintf(message, cap, "cannot create the database: %s", strerror(errno));
    return CARDEA_FAIL(E_IO);
}

static int enter_wal(sqlite3 *db)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(st);
    bool wal = rc == SQLITE_ROW && sqlite3_stricmp((const char *)sqlite3_column_text(st, 0), "wal") == 0;
    int end = sqlite3_finalize(st);
    return wal ? SQLITE_OK : end != SQLITE_OK ? end : SQLITE_CANTOPEN;
}

static int configure(sqlite3 *db, enum store_mode mode)
{
    char sql[512];
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    int rc = mode == STORE_WRITE ? enter_wal(db) : SQLITE_OK;
    if (rc != SQLITE_OK)
        return rc;
    /* temp_store: the copies that undo needs stay in memory. cell_size_check: notice damage when a page is read.
     * secure_delete FAST: zero what is deleted where that costs no extra write. */
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA synchronous=FULL; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;"
                   "PRAGMA secure_delete=FAST; PRAGMA cache_size=-%d; PRAGMA wal_autocheckpoint=%d;"
                   "PRAGMA journal_size_limit=%d; PRAGMA query_only=%d",
                   mode == STORE_WRITE ? WRITER_CACHE_KIB : READER_CACHE_KIB, CHECKPOINT_PAGES,
                   2 * CHECKPOINT_PAGES * 4096, mode != STORE_WRITE);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

struct cardea_status connection_open(struct sqlite_store *store, enum store_mode mode, int64_t deadline_ms,
                                     struct store_tx **out, char *message, size_t message_cap)
{
    struct store_tx *tx = calloc(1, sizeof *tx);
    if (tx == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    tx->store = store;
    tx->sql.digest = store->digest;
    tx->sql.deadline_ms = deadline_ms;
    struct cardea_status s;
    int rc = sqlite3_open_v2(
        store->path, &tx->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK) {
        s = fail(tx->db, rc, message, message_cap);
        goto out;
    }
    if (sqlite3_db_readonly(tx->db, "main") == 1) {
        (void)snprintf(message, message_cap, "the database file is read-only");
        s = CARDEA_FAIL(E_IO);
        goto out;
    }
    (void)sqlite3_busy_handler(tx->db, on_busy, tx);
    sqlite3_progress_handler(tx->db, PROGRESS_STEPS, on_progress, tx);
    rc = configure(tx->db, mode);
    if (rc != SQLITE_OK) {
        s = fail(tx->db, rc, message, message_cap);
        goto out;
    }
    *out = tx;
    return CARDEA_SUCCESS;
out:
    connection_close(tx);
    return s;
}

void connection_close(struct store_tx *tx)
{
    if (tx == NULL)
        return;
    for (unsigned i = 0; i < QUERY_COUNT; i++)
        (void)sqlite3_finalize(tx->statements[i]);
    (void)sqlite3_close(tx->db);
    free(tx);
}

static void store_close(struct store *s)
{
    if (s == NULL)
        return;
    struct sqlite_store *store = (struct sqlite_store *)s;
    while (store->idle_readers != NULL) {
        struct store_tx *tx = store->idle_readers;
        store->idle_readers = tx->next_free;
        connection_close(tx);
    }
    connection_close(store->writer); /* the last one: SQLite moves the log into the file and removes it */
    (void)pthread_cond_destroy(&store->freed);
    (void)pthread_mutex_destroy(&store->lock);
    free(store->path);
    free(store);
}

static const struct store_ops sqlite_ops = {
    .name = "sqlite",
    .close = store_close,
    .begin = sqlite_begin,
    .mark = sqlite_mark,
    .keep = sqlite_keep,
    .undo = sqlite_undo,
    .commit = sqlite_commit,
    .abort = sqlite_abort,
    .user_get = sql_user_get,
    .user_find = sql_user_find,
    .user_find_email = sql_user_find_email,
    .user_put = sql_user_put,
    .user_delete = sql_user_delete,
    .user_list = sql_user_list,
    .api_key_get = sql_api_key_get,
    .api_key_put = sql_api_key_put,
    .api_key_delete = sql_api_key_delete,
    .api_key_list = sql_api_key_list,
    .key_put = sql_key_put,
    .key_delete = sql_key_delete,
    .key_list = sql_key_list,
    .event_append = sql_event_append,
    .event_list = sql_event_list,
    .revocation_list = sql_revocation_list,
    .revocation_find = sql_revocation_find,
    .value_get = sql_value_get,
    .value_put = sql_value_put,
    .value_raise = sql_value_raise,
    .verifier_put = sql_verifier_put,
    .verifier_delete = sql_verifier_delete,
    .verifier_list = sql_verifier_list,
    .event_put = sql_event_put,
    .value_list = sql_value_list,
    .account_erase = sql_account_erase,
    .session_get = sql_session_get,
    .session_create = sql_session_create,
    .session_create_many = sql_session_create_many,
    .session_erase = sql_session_erase,
    .session_rotate = sql_session_rotate,
    .session_delete = sql_session_delete,
    .session_delete_below = sql_session_delete_below,
    .session_touch = sql_session_touch,
    .session_list = sql_session_list,
    .session_scan = sql_session_scan,
    .count = sql_count,
    .code_put = sql_code_put,
    .code_take = sql_code_take,
    .sweep = sql_sweep,
};

static struct sqlite_store *store_new(const char *path, int64_t (*boot_ms)(void), store_digest_fn *digest)
{
    struct sqlite_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return NULL;
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&store->freed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&store->lock, NULL);
    store->base.ops = &sqlite_ops;
    store->boot_ms = boot_ms;
    store->digest = digest;
    store->path = strdup(path);
    if (store->path == NULL) {
        store_close(&store->base);
        return NULL;
    }
    return store;
}

/* The writer's connection, on a database of our schema. SQLite answers "busy" in places where it asks no busy handler
 * (entering WAL, the last close elsewhere), so what is not our own deadline is tried again as a whole. */
static struct cardea_status open_writer(struct sqlite_store *store, bool attach, char *reason, size_t cap)
{
    int64_t deadline_ms = store->boot_ms() + OPEN_WAIT_MS;
    for (;;) {
        struct cardea_status s = connection_open(store, STORE_WRITE, deadline_ms, &store->writer, reason, cap);
        if (cardea_ok(s))
            s = attach ? schema_check(store->writer->db, schema_step_count, reason, cap)
                       : schema_migrate(store->writer->db, schema_steps, schema_step_count, reason, cap);
        if (s.code != CARDEA_E_UNAVAILABLE || store->boot_ms() >= deadline_ms)
            return s;
        connection_close(store->writer);
        store->writer = NULL;
        (void)usleep(BUSY_STEP_US);
    }
}

static struct cardea_status find_file(const char *path, char *message, size_t cap)
{
    if (access(path, F_OK) == 0)
        return CARDEA_SUCCESS;
    (void)snprintf(message, cap, "%s", strerror(errno));
    return errno == ENOENT ? CARDEA_FAIL(E_NOT_FOUND) : CARDEA_FAIL(E_IO);
}

static struct cardea_status open_store(const char *path, bool attach, int64_t (*boot_ms)(void), store_digest_fn *digest,
                                       struct store **out, char *message, size_t message_cap)
{
    char reason[256] = "out of memory";
    (void)pthread_once(&library_once, library_prepare);
    struct sqlite_store *store = store_new(path, boot_ms, digest);
    struct cardea_status s = store == NULL ? CARDEA_FAIL(E_UNAVAILABLE)
                             : attach      ? find_file(path, reason, sizeof reason)
                                           : make_file(path, reason, sizeof reason);
    if (cardea_ok(s))
        s = open_writer(store, attach, reason, sizeof reason);
    if (!cardea_ok(s)) {
        (void)snprintf(message, message_cap, "%s: %s", path, reason);
        store_close(store == NULL ? NULL : &store->base);
        return s;
    }
    *out = &store->base;
    return CARDEA_SUCCESS;
}

struct cardea_status store_sqlite_open(const char *path, int64_t (*boot_ms)(void), store_digest_fn *digest,
                                       struct store **out, char *message, size_t message_cap)
{
    return open_store(path, false, boot_ms, digest, out, message, message_cap);
}

struct cardea_status store_sqlite_attach(const char *path, int64_t (*boot_ms)(void), store_digest_fn *digest,
                                         struct store **out, char *message, size_t message_cap)
{
    return open_store(path, true, boot_ms, digest, out, message, message_cap);
}
