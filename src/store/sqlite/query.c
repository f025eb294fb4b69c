#include "store/sqlite/internal.h"

#include <limits.h>

struct cardea_status sqlite_status(int rc)
{
    switch (rc) {
    case SQLITE_IOERR_CORRUPTFS:
    case SQLITE_IOERR_DATA:
        return CARDEA_FAIL(E_CORRUPT);
    default:
        break;
    }
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return CARDEA_SUCCESS;
    case SQLITE_CONSTRAINT:
        return CARDEA_FAIL(E_CONFLICT);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return CARDEA_FAIL(E_CORRUPT);
    case SQLITE_BUSY:
    case SQLITE_INTERRUPT:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
        return CARDEA_FAIL(E_UNAVAILABLE);
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOLFS:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_TOOBIG:
        return CARDEA_FAIL(E_IO);
    default:
        return CARDEA_FAIL(E_INTERNAL);
    }
}

static int prepare(struct store_tx *tx, enum query_id id, const char *sql, sqlite3_stmt **out)
{
    if (tx->statements[id] == NULL) {
        int rc = sqlite3_prepare_v3(tx->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &tx->statements[id], NULL);
        if (rc != SQLITE_OK)
            return rc;
    }
    *out = tx->statements[id];
    return SQLITE_OK;
}

/* A failure of the engine breaks the transaction: SQLite may have rolled it back by itself already (full disk,
 * interrupt), and half of a change must not be committed as a whole one. */
static void fail(struct query *q, int rc)
{
    q->status = sqlite_status(rc);
    if (q->status.code != CARDEA_E_CONFLICT)
        q->tx->sql.broken = q->status;
    if (q->st != NULL)
        (void)sqlite3_reset(q->st);
    q->st = NULL;
}

static struct query start(struct store_tx *tx, enum query_id id, const char *sql)
{
    struct query q = {.tx = tx, .status = tx->sql.broken};
    if (!cardea_ok(q.status))
        return q;
    if (tx->store->boot_ms() >= tx->sql.deadline_ms) {
        q.status = tx->sql.broken = CARDEA_FAIL(E_UNAVAILABLE);
        return q;
    }
    sqlite3_stmt *st = NULL;
    int rc = prepare(tx, id, sql, &st);
    q.st = st;
    if (rc != SQLITE_OK)
        fail(&q, rc);
    return q;
}

struct query query_start(struct store_tx *tx, enum query_id id, const char *sql)
{
    return start(tx, id, sql);
}

struct query query_start_write(struct store_tx *tx, enum query_id id, const char *sql)
{
    if (tx->sql.mode != STORE_WRITE)
        return (struct query){.tx = tx, .status = CARDEA_FAIL(E_INTERNAL)};
    return start(tx, id, sql);
}

void bind_int(struct query *q, int64_t n)
{
    if (q->st == NULL)
        return;
    int rc = sqlite3_bind_int64(q->st, ++q->bound, n);
    if (rc != SQLITE_OK)
        fail(q, rc);
}

void bind_blob(struct query *q, const void *bytes, size_t len)
{
    if (q->st == NULL)
        return;
    /* An empty blob has to be said: a null pointer would bind NULL. */
    int rc = len == 0 ? sqlite3_bind_zeroblob(q->st, ++q->bound, 0)
                      : sqlite3_bind_blob64(q->st, ++q->bound, bytes, len, SQLITE_STATIC);
    if (rc != SQLITE_OK)
        fail(q, rc);
}

void bind_view(struct query *q, struct view v)
{
    if (q->st == NULL)
        return;
    int rc = sqlite3_bind_text64(q->st, ++q->bound, v.len == 0 ? "" : v.ptr, v.len, SQLITE_STATIC, SQLITE_UTF8);
    if (rc != SQLITE_OK)
        fail(q, rc);
}

void bind_raw(struct query *q, struct view v)
{
    bind_view(q, v);
}

bool query_row(struct query *q)
{
    if (q->st == NULL)
        return false;
    int rc = sqlite3_step(q->st);
    if (rc == SQLITE_ROW) {
        q->taken = 0;
        q->rows++;
        return true;
    }
    if (rc != SQLITE_DONE)
        fail(q, rc);
    return false;
}

int64_t take_int(struct query *q)
{
    if (q->st == NULL)
        return 0;
    int column = q->taken++;
    if (sqlite3_column_type(q->st, column) != SQLITE_INTEGER)
        q->malformed = true;
    return sqlite3_column_int64(q->st, column);
}

/* Of the type that a STRICT column of ours must have. */
struct view take_bytes(struct query *q, enum column kind)
{
    int type = kind == COLUMN_BLOB ? SQLITE_BLOB : SQLITE_TEXT; /* TEXT takes any bytes */
    if (q->st == NULL)
        return VIEW_EMPTY;
    int column = q->taken++;
    if (sqlite3_column_type(q->st, column) != type) {
        q->malformed = true;
        return VIEW_EMPTY;
    }
    /* For a TEXT value in a UTF-8 database column_blob is the text as it lies there, without a terminator. */
    const void *bytes = sqlite3_column_blob(q->st, column);
    int len = sqlite3_column_bytes(q->st, column);
    if (bytes == NULL && len > 0) { /* no memory */
        q->malformed = true;
        return VIEW_EMPTY;
    }
    return view_of(bytes, len < 0 ? 0 : (size_t)len);
}

uint32_t query_changes(struct query *q)
{
    sqlite3_int64 changed = q->st == NULL ? 0 : sqlite3_changes64(q->tx->db);
    return changed > UINT32_MAX ? UINT32_MAX : (uint32_t)changed;
}

struct cardea_status query_end(struct query *q)
{
    if (q->st != NULL)
        (void)sqlite3_reset(q->st); /* what it could say, step has said */
    q->st = NULL;
    if (cardea_ok(q->status) && q->malformed)
        q->status = CARDEA_FAIL(E_CORRUPT);
    return q->status;
}

int statement_run(struct store_tx *tx, enum query_id id, const char *sql)
{
    sqlite3_stmt *st;
    int rc = prepare(tx, id, sql, &st);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(st);
    (void)sqlite3_reset(st);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}
