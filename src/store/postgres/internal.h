/* Inside the PostgreSQL engine: connections, and one run of one statement on them.
 *
 * Representation: a connection and the transaction on it are one struct, store_tx. A statement of store/sql/ is
 * prepared on a connection when it first runs there, in up to two forms: as it is, and with FOR UPDATE where a WRITE
 * reads a record by its key. Parameters and results are binary.
 *
 * Threading: a connection has one thread at a time; struct postgres' lock guards who holds which.
 */
#ifndef STORE_POSTGRES_INTERNAL_H
#define STORE_POSTGRES_INTERNAL_H

#include "store/expected.h"
#include "store/postgres/postgres.h"
#include "store/sql/sql.h"

#include <libpq-fe.h>
#include <pthread.h>

enum {
    READERS_MAX = 8,
    PARAMETERS_MAX = 24,
    OPEN_MS = 5000,
    BEGIN_MS = 2000, /* of waiting for a server to begin anything, whatever the deadline */
    SQL_MAX = 1024,
};

struct postgres;

struct expected_end {
    uint8_t id[32]; /* as the table of revocations has it */
    bool revoked;
};

struct store_tx {
    struct sql_tx sql; /* first: sql.h */
    struct postgres *store;
    PGconn *conn;
    int wake_fd; /* readable: give up waiting; negative: nobody does that */
    struct store_tx *next_free;
    bool prepared[QUERY_COUNT][2]; /* plain, and locking */
    bool keys_locked;
    bool savepoint; /* the open mark has one; it gets it before it first writes */

    /* What was told to be expected, and is known; expect.c. */
    struct expected expected;
    struct user_record *users;
    struct expected_end *ends;
    uint32_t users_known, ends_known;
    bool settling;

    /* The statement that is being bound or run. */
    enum query_id id;
    const char *text;
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX], formats[PARAMETERS_MAX];
    Oid types[PARAMETERS_MAX];
    uint8_t numbers[PARAMETERS_MAX][8];
    uint8_t *arrays[PARAMETERS_MAX]; /* heap */
    PGresult *result;
    int row;
};

struct postgres {
    struct store base;
    char *conninfo; /* what libpq gets */
    char schema[64];
    int64_t (*boot_ms)(void);
    store_digest_fn *digest;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t freed;
    struct store_tx *idle; /* either kind: a connection is a connection */
    uint32_t readers;      /* lent for reading */
    bool writing;          /* one is lent for writing */
    bool away, trying;     /* nothing could be begun; one of us is trying whether it can again */
    int64_t away_until_ms;

    /* Of the one thread that waits for pushes. */
    struct store_tx *listener; /* a connection of its own; NULL: lost, or not made yet */
    int wake_fd;               /* an eventfd; any thread writes */
};

/* connection.c. Messages are sentences for an operator. */
struct cardea_status connection_open(struct postgres *store, int wake_fd, int64_t deadline_ms, struct store_tx **out,
                                     char *message, size_t message_cap) CARDEA_CHECKED;
void connection_close(struct store_tx *tx); /* NULL is safe */
bool connection_alive(struct store_tx *tx);
/* Until the server's socket is ready. False: the deadline passed, or wake_fd became readable. */
bool connection_wait(struct store_tx *tx, short events, int64_t deadline_ms);
/* Send what libpq holds, and wait for the last result; NULL: the connection failed, or the deadline passed. */
PGresult *connection_finish(struct store_tx *tx, int64_t deadline_ms);
/* Statements without parameters. */
struct cardea_status connection_run(struct store_tx *tx, const char *sql, int64_t deadline_ms) CARDEA_CHECKED;
/* What a result means in our words. */
struct cardea_status result_status(const PGresult *r);

/* tx.c */
struct cardea_status postgres_begin(struct store *s, enum store_mode mode, int64_t deadline_ms,
                                    struct store_tx **out) CARDEA_CHECKED;
struct cardea_status postgres_mark(struct store_tx *tx) CARDEA_CHECKED;
struct cardea_status postgres_keep(struct store_tx *tx) CARDEA_CHECKED;
struct cardea_status postgres_undo(struct store_tx *tx) CARDEA_CHECKED;
struct cardea_status postgres_commit(struct store_tx *tx) CARDEA_CHECKED;
void postgres_abort(struct store_tx *tx);

/* query.c: a parameter that is an array; copied. */
void bind_blobs(struct query *q, const struct view *items, uint32_t count);
void bind_ints(struct query *q, const int64_t *items, uint32_t count);
void query_release(struct store_tx *tx); /* what parameters hold */

/* expect.c */
struct cardea_status postgres_expect(struct store_tx *tx, const struct expectation *what) CARDEA_CHECKED;
/* Before a statement: what waits is written, inside a savepoint where a mark is open; and if the statement writes
 * anything, nothing is known any more. A failure breaks the transaction. */
struct cardea_status expect_settle(struct store_tx *tx, bool writes) CARDEA_CHECKED;
void expect_forget(struct store_tx *tx);
void expect_clear(struct store_tx *tx);
struct cardea_status postgres_session_get(struct store_tx *tx, struct session_id sid,
                                          struct session_record *out) CARDEA_CHECKED;
struct cardea_status postgres_session_rotate(struct store_tx *tx, const struct session_record *r,
                                             uint64_t expected_generation) CARDEA_CHECKED;
struct cardea_status postgres_session_touch(struct store_tx *tx, const struct session_id *sids, const int64_t *seen_ms,
                                            uint32_t count) CARDEA_CHECKED;
struct cardea_status postgres_user_get(struct store_tx *tx, struct user_id id, struct user_record *out) CARDEA_CHECKED;
struct cardea_status postgres_revocation_find(struct store_tx *tx, enum revocation_kind kind,
                                              const uint8_t id[32]) CARDEA_CHECKED;

/* push.c: LISTEN and NOTIFY; the channel is named like the schema. */
struct cardea_status postgres_push(struct store_tx *tx, enum store_push what) CARDEA_CHECKED;
struct cardea_status postgres_push_wait(struct store *s, int64_t deadline_ms, unsigned *ret_what) CARDEA_CHECKED;
void postgres_push_wake(struct store *s);
/* The statement that commits a transaction, and pushes what it has to. */
void push_commit_sql(const struct store_tx *tx, char *out, size_t cap);

/* many.c */
struct cardea_status postgres_session_create_many(struct store_tx *tx, const struct session_record *records,
                                                  uint32_t count) CARDEA_CHECKED;

/* schema.c: make or bring up to date, under a lock that other nodes wait for. */
struct cardea_status schema_migrate(struct store_tx *tx, int64_t deadline_ms, char *message,
                                    size_t message_cap) CARDEA_CHECKED;

#endif
