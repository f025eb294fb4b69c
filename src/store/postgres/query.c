#include "store/postgres/internal.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25, OID_BYTEAS = 1001, OID_INT8S = 1016 };

/* --- what PostgreSQL needs beside the statement --- */

/* Records that a WRITE reads by their key, to change them or to act on them. */
static bool locks_row(enum query_id id)
{
    return id == QUERY_USER_GET || id == QUERY_USER_FIND || id == QUERY_USER_FIND_EMAIL || id == QUERY_API_KEY_GET ||
           id == QUERY_SESSION_GET || id == QUERY_EXPECT_SESSIONS || id == QUERY_EXPECT_USERS;
}

static bool locking(const struct store_tx *tx)
{
    return tx->sql.mode == STORE_WRITE && locks_row(tx->id);
}

/* Advisory locks of a transaction: two nodes must not number a row, or turn a key, at the same time. In the database,
 * whose others' locks they must not meet: a name of our own. */
static const char *lock_before(struct store_tx *tx)
{
    if (tx->sql.mode != STORE_WRITE)
        return NULL;
    if (tx->id == QUERY_JOURNAL_HEAD)
        return "SELECT pg_advisory_xact_lock(hashtext('cardea journal ' || current_schema()))";
    if (tx->id == QUERY_VERIFIER_LIST)
        return "SELECT pg_advisory_xact_lock(hashtext('cardea verifiers ' || current_schema()))";
    if (tx->id == QUERY_KEY_LIST && !tx->keys_locked) {
        tx->keys_locked = true;
        return "SELECT pg_advisory_xact_lock(hashtext('cardea keys ' || current_schema()))";
    }
    return NULL;
}

/* A refused row must not break the transaction. */
static bool may_conflict(enum query_id id)
{
    return id == QUERY_USER_PUT;
}

/* ? and ?N as $N. */
static bool translate(const struct store_tx *tx, char out[SQL_MAX])
{
    size_t len = 0;
    int next = 0;
    const char *end = locking(tx) ? " FOR UPDATE" : "";
    for (const char *p = tx->text; *p != '\0'; p++) {
        if (len + 8 > SQL_MAX)
            return false;
        if (*p != '?') {
            out[len++] = *p;
            continue;
        }
        out[len++] = '$';
        if (p[1] < '0' || p[1] > '9')
            len += (size_t)snprintf(out + len, 4, "%d", ++next);
    }
    if (len + strlen(end) + 1 > SQL_MAX)
        return false;
    memcpy(out + len, end, strlen(end) + 1);
    return true;
}

/* --- running --- */

/* After a failure the connection is of no more use, but for what the server itself refused. */
static void fail(struct query *q, struct cardea_status s)
{
    q->status = s;
    if (s.code != CARDEA_E_CONFLICT || !may_conflict(q->tx->id))
        q->tx->sql.broken = s.code == CARDEA_E_CONFLICT ? CARDEA_FAIL(E_UNAVAILABLE) : s;
    q->st = NULL;
}

void query_release(struct store_tx *tx)
{
    for (int i = 0; i < PARAMETERS_MAX; i++) {
        free(tx->arrays[i]);
        tx->arrays[i] = NULL;
    }
}

static struct query start(struct store_tx *tx, enum query_id id, const char *sql, bool writes)
{
    struct query q = {.tx = tx, .status = tx->sql.broken};
    if (cardea_ok(q.status))
        q.status = expect_settle(tx, writes);
    if (!cardea_ok(q.status))
        return q;
    tx->id = id;
    if (tx->store->boot_ms() >= tx->sql.deadline_ms) {
        fail(&q, CARDEA_FAIL(E_UNAVAILABLE));
        return q;
    }
    query_release(tx);
    tx->text = sql;
    tx->row = -1;
    PQclear(tx->result);
    tx->result = NULL;
    q.st = tx;
    return q;
}

struct query query_start(struct store_tx *tx, enum query_id id, const char *sql)
{
    return start(tx, id, sql, false);
}

struct query query_start_write(struct store_tx *tx, enum query_id id, const char *sql)
{
    if (tx->sql.mode != STORE_WRITE)
        return (struct query){.tx = tx, .status = CARDEA_FAIL(E_INTERNAL)};
    return start(tx, id, sql, true);
}

static void bind(struct query *q, const void *bytes, size_t len, Oid type)
{
    if (q->st == NULL)
        return;
    if (q->bound < 0 || q->bound >= PARAMETERS_MAX || len > INT32_MAX) {
        fail(q, CARDEA_FAIL(E_INTERNAL));
        return;
    }
    int i = q->bound++;
    q->tx->values[i] = len == 0 ? "" : bytes; /* a null pointer would be NULL */
    q->tx->lengths[i] = (int)len;
    q->tx->formats[i] = 1;
    q->tx->types[i] = type;
}

void bind_int(struct query *q, int64_t n)
{
    if (q->bound >= PARAMETERS_MAX) {
        bind(q, NULL, 0, OID_INT8); /* which refuses it */
        return;
    }
    uint8_t *bytes = q->tx->numbers[q->bound];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
    bind(q, bytes, 8, OID_INT8);
}

/* An array as PostgreSQL sends it: one dimension, no nulls, elements with their lengths. */
static uint8_t *put_word(uint8_t *at, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(n >> (24 - 8 * i));
    return at + 4;
}

static void bind_array(struct query *q, const struct view *items, uint32_t count, Oid element, Oid type)
{
    size_t len = 20;
    for (uint32_t i = 0; i < count; i++)
        len += 4 + items[i].len;
    uint8_t *bytes = q->st == NULL || q->bound == PARAMETERS_MAX ? NULL : malloc(len), *at = bytes;
    if (q->st != NULL && bytes == NULL)
        fail(q, CARDEA_FAIL(E_UNAVAILABLE));
    if (bytes == NULL)
        return;
    q->tx->arrays[q->bound] = bytes;
    at = put_word(at, count == 0 ? 0 : 1);
    at = put_word(at, 0);
    at = put_word(at, element);
    at = put_word(at, count);
    at = put_word(at, 1);
    for (uint32_t i = 0; i < count; i++) {
        at = put_word(at, (uint32_t)items[i].len);
        if (items[i].len > 0)
            memcpy(at, items[i].ptr, items[i].len);
        at += items[i].len;
    }
    bind(q, bytes, count == 0 ? 12 : len, type);
}

void bind_blobs(struct query *q, const struct view *items, uint32_t count)
{
    bind_array(q, items, count, OID_BYTEA, OID_BYTEAS);
}

void bind_ints(struct query *q, const int64_t *items, uint32_t count)
{
    struct view *views = calloc((size_t)count + 1, sizeof *views);
    uint8_t(*bytes)[8] = calloc((size_t)count + 1, sizeof *bytes);
    if (views == NULL || bytes == NULL) {
        fail(q, CARDEA_FAIL(E_UNAVAILABLE));
    } else {
        for (uint32_t i = 0; i < count; i++) {
            (void)put_word(put_word(bytes[i], (uint32_t)((uint64_t)items[i] >> 32)), (uint32_t)items[i]);
            views[i] = view_of(bytes[i], sizeof bytes[i]);
        }
        bind_array(q, views, count, OID_INT8, OID_INT8S);
    }
    free(views);
    free(bytes);
}

void bind_blob(struct query *q, const void *bytes, size_t len)
{
    bind(q, bytes, len, OID_BYTEA);
}

void bind_view(struct query *q, struct view v)
{
    /* A text with a NUL, or that is no UTF-8, can not stand in a column, so nothing is found by it. */
    if (q->st != NULL && (view_has(v, '\0') || !utf8_valid(v))) {
        q->st = NULL;
        if (strncmp(q->tx->text, "SELECT", 6) != 0)
            q->status = CARDEA_FAIL(E_INTERNAL);
        return;
    }
    bind(q, v.ptr, v.len, OID_TEXT);
}

void bind_raw(struct query *q, struct view v)
{
    bind(q, v.ptr, v.len, OID_BYTEA); /* a text here must be UTF-8 */
}

static struct cardea_status prepare(struct query *q, const char *name)
{
    struct store_tx *tx = q->tx;
    bool *done = &tx->prepared[tx->id][locking(tx)];
    if (*done)
        return CARDEA_SUCCESS;
    char sql[SQL_MAX];
    if (!translate(tx, sql))
        return CARDEA_FAIL(E_INTERNAL);
    if (PQsendPrepare(tx->conn, name, sql, q->bound, tx->types) == 0)
        return CARDEA_FAIL(E_UNAVAILABLE);
    PGresult *r = connection_finish(tx, tx->sql.deadline_ms);
    if (r == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = result_status(r);
    PQclear(r);
    *done = cardea_ok(s);
    return s;
}

static struct cardea_status execute(struct query *q)
{
    struct store_tx *tx = q->tx;
    char name[16];
    (void)snprintf(name, sizeof name, "q%d%s", (int)tx->id, locking(tx) ? "u" : "");
    struct cardea_status s = prepare(q, name);
    if (!cardea_ok(s))
        return s;
    if (PQsendQueryPrepared(tx->conn, name, q->bound, tx->values, tx->lengths, tx->formats, 1) == 0)
        return CARDEA_FAIL(E_UNAVAILABLE);
    tx->result = connection_finish(tx, tx->sql.deadline_ms);
    return tx->result == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : result_status(tx->result);
}

static void run(struct query *q)
{
    struct store_tx *tx = q->tx;
    const char *before = lock_before(tx);
    struct cardea_status s = before == NULL ? CARDEA_SUCCESS : connection_run(tx, before, tx->sql.deadline_ms);
    bool guarded = may_conflict(tx->id);
    if (cardea_ok(s) && guarded)
        s = connection_run(tx, "SAVEPOINT attempt", tx->sql.deadline_ms);
    if (cardea_ok(s))
        s = execute(q);
    if (guarded && s.code == CARDEA_E_CONFLICT) {
        struct cardea_status back = connection_run(tx, "ROLLBACK TO attempt; RELEASE attempt", tx->sql.deadline_ms);
        if (!cardea_ok(back))
            s = back;
    } else if (guarded && cardea_ok(s)) {
        s = connection_run(tx, "RELEASE attempt", tx->sql.deadline_ms);
    }
    if (!cardea_ok(s))
        fail(q, s);
}

bool query_row(struct query *q)
{
    if (q->st == NULL)
        return false;
    if (q->tx->result == NULL)
        run(q);
    if (q->st == NULL)
        return false;
    if (q->tx->row + 1 >= PQntuples(q->tx->result))
        return false;
    q->tx->row++;
    q->taken = 0;
    q->rows++;
    return true;
}

static struct view take(struct query *q, Oid type)
{
    if (q->st == NULL)
        return VIEW_EMPTY;
    int column = q->taken++;
    const PGresult *r = q->tx->result;
    if (column >= PQnfields(r) || PQftype(r, column) != type || PQgetisnull(r, q->tx->row, column) == 1) {
        q->malformed = true;
        return VIEW_EMPTY;
    }
    return view_of(PQgetvalue(r, q->tx->row, column), (size_t)PQgetlength(r, q->tx->row, column));
}

int64_t take_int(struct query *q)
{
    struct view v = take(q, OID_INT8);
    uint64_t n = 0;
    if (v.len != 8) {
        q->malformed = q->malformed || q->st != NULL;
        return 0;
    }
    for (size_t i = 0; i < 8; i++)
        n = n << 8 | (uint8_t)v.ptr[i];
    return (int64_t)n;
}

struct view take_bytes(struct query *q, enum column kind)
{
    return take(q, kind == COLUMN_TEXT ? OID_TEXT : OID_BYTEA);
}

uint32_t query_changes(struct query *q)
{
    uint64_t n = 0;
    if (q->st == NULL || q->tx->result == NULL)
        return 0;
    for (const char *p = PQcmdTuples(q->tx->result); *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

struct cardea_status query_end(struct query *q)
{
    q->st = NULL;
    if (cardea_ok(q->status) && q->malformed)
        q->status = CARDEA_FAIL(E_CORRUPT);
    return q->status;
}
