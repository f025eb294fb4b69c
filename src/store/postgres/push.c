#include "store/postgres/internal.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { RETRY_FIRST_MS = 50, RETRY_MAX_MS = 1000 };

/* --- telling --- */

struct cardea_status postgres_push(struct store_tx *tx, enum store_push what)
{
    if (!cardea_ok(tx->sql.broken))
        return tx->sql.broken;
    if (tx->sql.mode != STORE_WRITE)
        return CARDEA_FAIL(E_INTERNAL);
    tx->sql.push |= what & (STORE_PUSH_ROWS | STORE_PUSH_RENEW);
    return CARDEA_SUCCESS;
}

/* With the COMMIT, so that it costs no round trip of its own. */
void push_commit_sql(const struct store_tx *tx, char *out, size_t cap)
{
    if (tx->sql.push == 0)
        (void)snprintf(out, cap, "COMMIT");
    else
        (void)snprintf(out, cap, "SELECT pg_notify('%s', '%s%s'); COMMIT", tx->store->schema,
                       (tx->sql.push & STORE_PUSH_ROWS) != 0 ? "rows " : "",
                       (tx->sql.push & STORE_PUSH_RENEW) != 0 ? "renew" : "");
}

/* --- hearing --- */

static bool take_wake(struct postgres *store)
{
    uint64_t times;
    return read(store->wake_fd, &times, sizeof times) == sizeof times;
}

static void lose(struct postgres *store)
{
    connection_close(store->listener);
    store->listener = NULL;
}

static bool listen_anew(struct postgres *store, int64_t deadline_ms)
{
    char message[160], sql[96];
    struct store_tx *tx = NULL;
    if (!cardea_ok(connection_open(store, store->wake_fd, deadline_ms, &tx, message, sizeof message)))
        return false;
    (void)snprintf(sql, sizeof sql, "LISTEN \"%s\"", store->schema);
    if (!cardea_ok(connection_run(tx, sql, deadline_ms))) {
        connection_close(tx);
        return false;
    }
    store->listener = tx;
    return true;
}

/* Before the next try to reach the server; a wake ends it. */
static void pause_ms(struct postgres *store, int64_t ms, int64_t deadline_ms)
{
    struct pollfd p = {.fd = store->wake_fd, .events = POLLIN};
    int64_t left_ms = deadline_ms - store->boot_ms();
    if (ms > left_ms)
        ms = left_ms;
    if (ms > 0)
        (void)poll(&p, 1, (int)ms);
}

/* What has come so far. False: the connection is gone. */
static bool heard(struct postgres *store, unsigned *what)
{
    PGconn *conn = store->listener->conn;
    if (PQconsumeInput(conn) == 0)
        return false;
    for (PGnotify *n = PQnotifies(conn); n != NULL; n = PQnotifies(conn)) {
        bool renew = strstr(n->extra, "renew") != NULL;
        *what |= renew ? STORE_PUSH_RENEW : 0U;
        *what |= !renew || strstr(n->extra, "rows") != NULL ? STORE_PUSH_ROWS : 0U;
        PQfreemem(n);
    }
    return PQstatus(conn) == CONNECTION_OK;
}

struct cardea_status postgres_push_wait(struct store *s, int64_t deadline_ms, unsigned *ret_what)
{
    struct postgres *store = (struct postgres *)s;
    int64_t retry_ms = RETRY_FIRST_MS;
    unsigned what = 0;
    for (;;) {
        if (take_wake(store))
            what |= STORE_PUSH_WAKE;
        if (store->listener != NULL && !heard(store, &what))
            lose(store);
        bool late = store->boot_ms() >= deadline_ms;
        if (what != 0 || (late && store->listener != NULL)) {
            *ret_what = what;
            return CARDEA_SUCCESS;
        }
        if (late)
            return CARDEA_FAIL(E_UNAVAILABLE);
        if (store->listener != NULL) {
            (void)connection_wait(store->listener, POLLIN, deadline_ms);
        } else if (listen_anew(store, deadline_ms)) {
            what |= STORE_PUSH_ROWS; /* whatever was pushed meanwhile */
        } else {
            pause_ms(store, retry_ms, deadline_ms);
            retry_ms = retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : retry_ms * 2;
        }
    }
}

void postgres_push_wake(struct store *s)
{
    const uint64_t once = 1;
    (void)!write(((struct postgres *)s)->wake_fd, &once, sizeof once);
}
