#include "store/sqlite/internal.h"

#include <time.h>

/* Sleep until a connection may have come back. False: the deadline has passed. The store's lock is held. */
static bool wait_freed(struct sqlite_store *store, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - store->boot_ms();
    if (left_ms <= 0)
        return false;
    if (left_ms > 1000)
        left_ms = 1000; /* the caller's clock decides; this one only wakes us to look at it */
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += left_ms / 1000;
    until.tv_nsec += left_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&store->freed, &store->lock, &until);
    return true;
}

static struct cardea_status lend_writer(struct sqlite_store *store, int64_t deadline_ms, struct store_tx **out)
{
    struct cardea_status s = CARDEA_SUCCESS;
    (void)pthread_mutex_lock(&store->lock);
    while (store->writer_lent && cardea_ok(s))
        if (!wait_freed(store, deadline_ms))
            s = CARDEA_FAIL(E_UNAVAILABLE);
    if (cardea_ok(s)) {
        store->writer_lent = true;
        *out = store->writer;
    }
    (void)pthread_mutex_unlock(&store->lock);
    return s;
}

static void forget_reader(struct sqlite_store *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->readers--;
    (void)pthread_cond_broadcast(&store->freed);
    (void)pthread_mutex_unlock(&store->lock);
}

static struct cardea_status lend_reader(struct sqlite_store *store, int64_t deadline_ms, struct store_tx **out)
{
    struct cardea_status s = CARDEA_SUCCESS;
    struct store_tx *tx = NULL;
    (void)pthread_mutex_lock(&store->lock);
    while (store->idle_readers == NULL && store->readers == READERS_MAX && cardea_ok(s))
        if (!wait_freed(store, deadline_ms))
            s = CARDEA_FAIL(E_UNAVAILABLE);
    if (cardea_ok(s) && store->idle_readers != NULL) {
        tx = store->idle_readers;
        store->idle_readers = tx->next_free;
    } else if (cardea_ok(s)) {
        store->readers++; /* a place for the one we open below, without the lock */
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (cardea_ok(s) && tx == NULL) {
        char reason[128];
        s = connection_open(store, STORE_READ, deadline_ms, &tx, reason, sizeof reason);
        if (!cardea_ok(s))
            forget_reader(store);
    }
    if (cardea_ok(s))
        *out = tx;
    return s;
}

/* Give the connection back. A reader that met a failure is not trusted again. */
static void give_back(struct store_tx *tx)
{
    struct sqlite_store *store = tx->store;
    bool writer = tx == store->writer, sound = cardea_ok(tx->sql.broken);
    tx->sql.mode = STORE_MODE_UNSET;
    if (!writer && !sound) {
        connection_close(tx);
        forget_reader(store);
        return;
    }
    (void)pthread_mutex_lock(&store->lock);
    if (writer) {
        store->writer_lent = false;
    } else {
        tx->next_free = store->idle_readers;
        store->idle_readers = tx;
    }
    (void)pthread_cond_broadcast(&store->freed);
    (void)pthread_mutex_unlock(&store->lock);
}

static void roll_back(struct store_tx *tx)
{
    if (sqlite3_get_autocommit(tx->db) == 0)
        (void)statement_run(tx, QUERY_ROLLBACK, "ROLLBACK");
}

struct cardea_status sqlite_begin(struct store *s, enum store_mode mode, int64_t deadline_ms, struct store_tx **out)
{
    struct sqlite_store *store = (struct sqlite_store *)s;
    struct store_tx *tx = NULL;
    if (mode != STORE_READ && mode != STORE_WRITE)
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status lent =
        mode == STORE_WRITE ? lend_writer(store, deadline_ms, &tx) : lend_reader(store, deadline_ms, &tx);
    if (!cardea_ok(lent))
        return lent;
    tx->sql.mode = mode;
    tx->sql.deadline_ms = deadline_ms;
    tx->sql.marked = tx->sql.head_known = false;
    tx->sql.push = 0;
    tx->sql.broken = CARDEA_SUCCESS;
    int rc;
    if (mode == STORE_WRITE) {
        rc = statement_run(tx, QUERY_BEGIN_WRITE, "BEGIN IMMEDIATE");
    } else {
        rc = statement_run(tx, QUERY_BEGIN_READ, "BEGIN");
        if (rc == SQLITE_OK) /* SQLite takes its snapshot at the first read: make that now */
            rc = statement_run(tx, QUERY_SNAPSHOT, "SELECT 1 FROM value LIMIT 1");
    }
    if (rc != SQLITE_OK) {
        tx->sql.broken = sqlite_status(rc);
        lent = tx->sql.broken;
        sqlite_abort(tx);
        return lent;
    }
    *out = tx;
    return CARDEA_SUCCESS;
}

/* One of the statements around a change, unless the transaction is broken or was never asked for that. */
static struct cardea_status change(struct store_tx *tx, bool allowed, enum query_id id, const char *sql)
{
    if (!cardea_ok(tx->sql.broken))
        return tx->sql.broken;
    if (tx->sql.mode != STORE_WRITE || !allowed)
        return CARDEA_FAIL(E_INTERNAL);
    int rc = statement_run(tx, id, sql);
    if (rc != SQLITE_OK)
        tx->sql.broken = sqlite_status(rc);
    return tx->sql.broken;
}

struct cardea_status sqlite_mark(struct store_tx *tx)
{
    struct cardea_status s = change(tx, !tx->sql.marked, QUERY_MARK, "SAVEPOINT change");
    if (cardea_ok(s)) {
        tx->sql.marked = true;
        tx->sql.head_at_mark = tx->sql.head;
        tx->sql.head_known_at_mark = tx->sql.head_known;
    }
    return s;
}

struct cardea_status sqlite_keep(struct store_tx *tx)
{
    struct cardea_status s = change(tx, tx->sql.marked, QUERY_KEEP, "RELEASE change");
    tx->sql.marked = false;
    return s;
}

struct cardea_status sqlite_undo(struct store_tx *tx)
{
    struct cardea_status s = change(tx, tx->sql.marked, QUERY_UNDO, "ROLLBACK TO change");
    if (!cardea_ok(s))
        return s;
    /* Where the head was not known at the mark, it is read again. */
    tx->sql.head = tx->sql.head_at_mark;
    tx->sql.head_known = tx->sql.head_known && tx->sql.head_known_at_mark;
    return sqlite_keep(tx);
}

/* A commit that SQLite refused: is anything of it in the log? A full disk or a read-only file stop it before the frame
 * that says "committed" is whole. After a failed sync or write nobody can tell what a restart would find. */
static struct cardea_status commit_status(int rc)
{
    int kind = rc & 0xff;
    if (kind == SQLITE_IOERR)
        return CARDEA_FAIL(E_UNAVAILABLE);
    return sqlite_status(rc);
}

struct cardea_status sqlite_commit(struct store_tx *tx)
{
    struct cardea_status s = tx->sql.broken;
    if (cardea_ok(s) && tx->sql.marked)
        s = CARDEA_FAIL(E_INTERNAL);
    if (cardea_ok(s)) {
        tx->sql.deadline_ms = INT64_MAX; /* from here on it is one way or the other, not late */
        int rc = statement_run(tx, QUERY_COMMIT, "COMMIT");
        if (rc != SQLITE_OK)
            s = tx->sql.broken = tx->sql.mode == STORE_WRITE ? commit_status(rc) : sqlite_status(rc);
    }
    sqlite_abort(tx); /* rolls back whatever is still open */
    return s;
}

void sqlite_abort(struct store_tx *tx)
{
    if (tx == NULL)
        return;
    tx->sql.deadline_ms = INT64_MAX;
    roll_back(tx);
    give_back(tx);
}
