#include "store/postgres/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

bool connection_wait(struct store_tx *tx, short events, int64_t deadline_ms)
{
    struct pollfd p[2] = {{.fd = PQsocket(tx->conn), .events = events}, {.fd = tx->wake_fd, .events = POLLIN}};
    for (;;) {
        int64_t left = deadline_ms - tx->store->boot_ms();
        if (p[0].fd < 0 || left <= 0)
            return false;
        int n = poll(p, 2, left > 60000 ? 60000 : (int)left); /* poll passes over a negative descriptor */
        if (n > 0)
            return p[1].revents == 0;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

/* --- results --- */

static bool class_is(const char *state, const char *class)
{
    return strncmp(state, class, strlen(class)) == 0;
}

struct cardea_status result_status(const PGresult *r)
{
    switch (PQresultStatus(r)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        return CARDEA_SUCCESS;
    default:
        break;
    }
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (state == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    if (strcmp(state, "23505") == 0) /* unique */
        return CARDEA_FAIL(E_CONFLICT);
    if (class_is(state, "53") || class_is(state, "25006") || class_is(state, "58")) /* disk, read-only, files */
        return CARDEA_FAIL(E_IO);
    if (class_is(state, "XX"))
        return CARDEA_FAIL(E_CORRUPT);
    /* Connection, deadlock, lock and statement timeouts, shutdown. */
    if (class_is(state, "08") || class_is(state, "40") || class_is(state, "55P") || class_is(state, "57"))
        return CARDEA_FAIL(E_UNAVAILABLE);
    return CARDEA_FAIL(E_INTERNAL);
}

PGresult *connection_finish(struct store_tx *tx, int64_t deadline_ms)
{
    PGresult *last = NULL;
    int unsent;
    while ((unsent = PQflush(tx->conn)) == 1)
        if (!connection_wait(tx, POLLIN | POLLOUT, deadline_ms) || PQconsumeInput(tx->conn) == 0)
            return NULL;
    for (;;) {
        while (unsent == 0 && PQisBusy(tx->conn) == 1)
            if (!connection_wait(tx, POLLIN, deadline_ms) || PQconsumeInput(tx->conn) == 0) {
                PQclear(last);
                return NULL;
            }
        PGresult *r = unsent == 0 ? PQgetResult(tx->conn) : NULL;
        if (r == NULL)
            return last;
        /* Of several statements the first error counts. */
        if (last != NULL && !cardea_ok(result_status(last))) {
            PQclear(r);
            continue;
        }
        PQclear(last);
        last = r;
    }
}

struct cardea_status connection_run(struct store_tx *tx, const char *sql, int64_t deadline_ms)
{
    if (PQsendQuery(tx->conn, sql) == 0)
        return CARDEA_FAIL(E_UNAVAILABLE);
    PGresult *r = connection_finish(tx, deadline_ms);
    if (r == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = result_status(r);
    PQclear(r);
    return s;
}

/* --- opening --- */

static bool reach(struct store_tx *tx, int64_t deadline_ms)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (PQstatus(tx->conn) != CONNECTION_BAD) {
        if (next == PGRES_POLLING_OK)
            return true;
        if (next == PGRES_POLLING_FAILED ||
            !connection_wait(tx, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms))
            return false;
        next = PQconnectPoll(tx->conn);
    }
    return false;
}

/* The first line of what libpq says. */
static void say(const PGconn *conn, const char *otherwise, char *message, size_t cap)
{
    const char *text = PQerrorMessage(conn);
    if (text[0] == '\0')
        text = otherwise;
    (void)snprintf(message, cap, "%.*s", (int)strcspn(text, "\n"), text);
}

/* What every connection needs. The limits let go of the locks of a node that died or was stopped. */
static struct cardea_status settle(struct store_tx *tx, int64_t deadline_ms)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "SET search_path = \"%s\"; SET synchronous_commit = on; SET lock_timeout = '4s';"
                   " SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '15s';"
                   " SET client_min_messages = warning; SET jit = off;"
                   /* Every question is one by an index; a plan made for a small table must not outlive it. */
                   " SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET "
                   "default_transaction_read_only = off",
                   tx->store->schema);
    return connection_run(tx, sql, deadline_ms);
}

static void ignore_notice(void *context, const PGresult *r)
{
    (void)context;
    (void)r;
}

struct cardea_status connection_open(struct postgres *store, int wake_fd, int64_t deadline_ms, struct store_tx **out,
                                     char *message, size_t message_cap)
{
    struct store_tx *tx = calloc(1, sizeof *tx);
    (void)snprintf(message, message_cap, "out of memory");
    if (tx == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    tx->store = store;
    tx->wake_fd = wake_fd;
    tx->sql.digest = store->digest;
    tx->conn = PQconnectStart(store->conninfo);
    struct cardea_status s = CARDEA_FAIL(E_UNAVAILABLE);
    if (tx->conn != NULL && reach(tx, deadline_ms) && PQsetnonblocking(tx->conn, 1) == 0) {
        (void)PQsetNoticeReceiver(tx->conn, ignore_notice, NULL);
        s = settle(tx, deadline_ms);
    }
    if (!cardea_ok(s)) {
        say(tx->conn, "it does not answer in time", message, message_cap);
        connection_close(tx);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    *out = tx;
    return s;
}

void connection_close(struct store_tx *tx)
{
    if (tx == NULL)
        return;
    PQclear(tx->result);
    query_release(tx);
    expect_clear(tx);
    PQfinish(tx->conn);
    free(tx);
}

bool connection_alive(struct store_tx *tx)
{
    struct pollfd p = {.fd = PQsocket(tx->conn), .events = POLLIN};
    if (poll(&p, 1, 0) == 0)
        return true;
    /* Something came unasked: a parameter's change, or the end. */
    return PQconsumeInput(tx->conn) == 1 && PQstatus(tx->conn) == CONNECTION_OK && poll(&p, 1, 0) == 0;
}
