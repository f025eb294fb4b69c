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

#include "store/sql/sql.h"
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

struct sqlite_store;

/* A connection, and the transaction on it while one is open. */
struct store_tx {
    struct sql_tx sql; /* first: sql.h */
    struct sqlite_store *store;
    sqlite3 *db;
    sqlite3_stmt *statements[QUERY_COUNT];
    struct store_tx *next_free; /* idle readers */
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
/* Has it version `count`? fails: E_CORRUPT: another */
struct cardea_status schema_check(sqlite3 *db, uint32_t count, char *message, size_t message_cap) CARDEA_CHECKED;

/* query.c */

/* What an SQLite result means in our words. */
struct cardea_status sqlite_status(int rc);
/* A statement without parameters and rows (BEGIN, SAVEPOINT …), past all checks: SQLite's own result. */
int statement_run(struct store_tx *tx, enum query_id id, const char *sql);

#endif
