#include "store/postgres/internal.h"

#include <time.h>

/* --- lending --- */

static bool wait_freed(struct postgres *store, int64_t deadline_ms)
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

static bool is_free(const struct postgres *store, enum store_mode mode)
{
    return mode == STORE_WRITE ? !store->writing : store->readers < READERS_MAX;
}

static void count(struct postgres *store, enum store_mode mode, int by)
{
    if (mode == STORE_WRITE)
        store->writing = by > 0;
    else
        store->readers += (uint32_t)by;
}

/* A place of this mode, and with it an idle connection if there is one. */
static bool take_place(struct postgres *store, enum store_mode mode, int64_t deadline_ms, struct store_tx **out)
{
    bool ok = true;
    pthread_mutex_lock(&store->lock);
    while (ok && !is_free(store, mode))
        ok = wait_freed(store, deadline_ms);
    if (ok) {
        count(store, mode, 1);
        *out = store->idle;
        if (store->idle != NULL)
            store->idle = store->idle->next_free;
    }
    pthread_mutex_unlock(&store->lock);
    return ok;
}

/* Give the place back, and the connection if it is sound. */
static void give_back(struct postgres *store, enum store_mode mode, struct store_tx *tx)
{
    pthread_mutex_lock(&store->lock);
    count(store, mode, -1);
    if (tx != NULL) {
        tx->next_free = store->idle;
        store->idle = tx;
    }
    pthread_cond_broadcast(&store->freed);
    pthread_mutex_unlock(&store->lock);
}

/* --- a server that is away --- */

/* May it be asked? While it is away one of us tries, now and then, and the others hear at once that it is. */
static bool admitted(struct postgres *store)
{
    pthread_mutex_lock(&store->lock);
    bool may = !store->away || (!store->trying && store->boot_ms() >= store->away_until_ms);
    store->trying = store->trying || (may && store->away);
    pthread_mutex_unlock(&store->lock);
    return may;
}

static void note_server(struct postgres *store, bool there)
{
    pthread_mutex_lock(&store->lock);
    store->away = !there;
    store->trying = false;
    store->away_until_ms = store->boot_ms() + POSTGRES_AWAY_MS;
    pthread_mutex_unlock(&store->lock);
}

/* --- transactions --- */

static struct cardea_status begin_on(struct store_tx *tx, enum store_mode mode, int64_t deadline_ms)
{
    struct sql_tx *t = &tx->sql;
    t->mode = mode;
    t->deadline_ms = deadline_ms;
    t->marked = t->head_known = tx->keys_locked = tx->savepoint = false;
    t->push = 0;
    t->broken = CARDEA_SUCCESS;
    /* The snapshot is taken at the first statement: make that now. */
    return connection_run(tx,
                          mode == STORE_WRITE ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
                                                " SET LOCAL idle_in_transaction_session_timeout = '5s'"
                                              : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1",
                          deadline_ms);
}

struct cardea_status postgres_begin(struct store *s, enum store_mode mode, int64_t deadline_ms, struct store_tx **out)
{
    struct postgres *store = (struct postgres *)s;
    struct store_tx *tx = NULL;
    char message[160];
    if (mode != STORE_READ && mode != STORE_WRITE)
        return CARDEA_FAIL(E_INTERNAL);
    if (store->boot_ms() >= deadline_ms || !take_place(store, mode, deadline_ms, &tx))
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status status = CARDEA_FAIL(E_UNAVAILABLE);
    if (!admitted(store)) {
        give_back(store, mode, tx);
        return status;
    }
    int64_t soon = store->boot_ms() + BEGIN_MS;
    if (soon > deadline_ms)
        soon = deadline_ms;
    if (tx != NULL && connection_alive(tx))
        status = begin_on(tx, mode, soon);
    if (!cardea_ok(status)) { /* nothing was asked of it yet: a fresh one will do */
        connection_close(tx);
        tx = NULL;
        status = connection_open(store, -1, soon, &tx, message, sizeof message);
        if (cardea_ok(status))
            status = begin_on(tx, mode, soon);
    }
    note_server(store, cardea_ok(status));
    if (!cardea_ok(status)) {
        connection_close(tx);
        give_back(store, mode, NULL);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    tx->sql.deadline_ms = deadline_ms;
    *out = tx;
    return status;
}

/* One of the statements around a change, unless the transaction is broken or was never asked for that. */
static struct cardea_status change(struct store_tx *tx, bool allowed, const char *sql)
{
    struct sql_tx *t = &tx->sql;
    if (!cardea_ok(t->broken))
        return t->broken;
    if (t->mode != STORE_WRITE || !allowed)
        return CARDEA_FAIL(E_INTERNAL);
    if (sql != NULL)
        t->broken = connection_run(tx, sql, t->deadline_ms);
    return t->broken;
}

struct cardea_status postgres_mark(struct store_tx *tx)
{
    struct sql_tx *t = &tx->sql;
    struct cardea_status s = change(tx, !t->marked, NULL); /* its savepoint is made before it first writes */
    if (cardea_ok(s)) {
        expected_mark(&tx->expected);
        t->marked = true;
        t->head_at_mark = t->head;
        t->head_known_at_mark = t->head_known;
    }
    return s;
}

struct cardea_status postgres_keep(struct store_tx *tx)
{
    struct cardea_status s = change(tx, tx->sql.marked, tx->savepoint ? "RELEASE change" : NULL);
    tx->sql.marked = tx->savepoint = false;
    return s;
}

struct cardea_status postgres_undo(struct store_tx *tx)
{
    struct sql_tx *t = &tx->sql;
    struct cardea_status s = change(tx, t->marked, tx->savepoint ? "ROLLBACK TO change; RELEASE change" : NULL);
    t->marked = t->marked && !cardea_ok(s);
    if (!cardea_ok(s))
        return s;
    tx->savepoint = false;
    expected_undo(&tx->expected);
    /* Locks that were taken since are gone with it: where the head was not known at the mark, it is locked again. */
    t->head = t->head_at_mark;
    t->head_known = t->head_known && t->head_known_at_mark;
    tx->keys_locked = false;
    return s;
}

/* COMMIT of a transaction that the server has given up answers ROLLBACK. */
static struct cardea_status commit_status(struct store_tx *tx)
{
    char sql[160];
    push_commit_sql(tx, sql, sizeof sql);
    if (PQsendQuery(tx->conn, sql) == 0)
        return CARDEA_FAIL(E_UNAVAILABLE);
    PGresult *r = connection_finish(tx, tx->sql.deadline_ms);
    if (r == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = result_status(r);
    bool committed = cardea_ok(s) && strcmp(PQcmdStatus(r), "COMMIT") == 0;
    bool told = PQresultErrorField(r, PG_DIAG_SQLSTATE) != NULL; /* the server lives, and has refused */
    bool gone = told && strncmp(PQresultErrorField(r, PG_DIAG_SQLSTATE), "57", 2) == 0;
    PQclear(r);
    if (committed)
        return CARDEA_SUCCESS;
    return cardea_ok(s) || (told && !gone) ? CARDEA_FAIL(E_IO) : CARDEA_FAIL(E_UNAVAILABLE);
}

static void end(struct store_tx *tx, bool sound)
{
    struct postgres *store = tx->store;
    enum store_mode mode = tx->sql.mode;
    tx->sql.mode = STORE_MODE_UNSET;
    PQclear(tx->result);
    tx->result = NULL;
    query_release(tx);
    expect_clear(tx);
    if (!sound) {
        connection_close(tx);
        tx = NULL;
    }
    give_back(store, mode, tx);
}

struct cardea_status postgres_commit(struct store_tx *tx)
{
    struct cardea_status s = tx->sql.broken;
    if (cardea_ok(s) && tx->sql.marked)
        s = CARDEA_FAIL(E_INTERNAL);
    if (!cardea_ok(s)) {
        postgres_abort(tx);
        return s;
    }
    if (tx->store->boot_ms() >= tx->sql.deadline_ms) { /* not sent: it is not there */
        tx->sql.broken = CARDEA_FAIL(E_IO);
        postgres_abort(tx);
        return CARDEA_FAIL(E_IO);
    }
    s = expect_settle(tx, false);
    if (!cardea_ok(s)) { /* not asked to commit: it is not there */
        postgres_abort(tx);
        return CARDEA_FAIL(E_IO);
    }
    s = commit_status(tx);
    end(tx, cardea_ok(s));
    return s;
}

void postgres_abort(struct store_tx *tx)
{
    if (tx == NULL)
        return;
    /* A connection that failed takes its transaction along; another one rolls it back, if it has the time. */
    bool sound = cardea_ok(tx->sql.broken) && PQtransactionStatus(tx->conn) != PQTRANS_ACTIVE &&
                 cardea_ok(connection_run(tx, "ROLLBACK", tx->sql.deadline_ms));
    end(tx, sound);
}
