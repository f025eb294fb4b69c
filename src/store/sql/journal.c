#include "store/sql/sql.h"

#define COLUMNS                                                                                                        \
    "n, at_ms, type, actor, subject, sid, ip, request_id, detail, revocation_kind, revocation_id, revocation_epoch,"   \
    " revocation_until_ms, previous_hash, hash"

/* The head is read once a transaction, not kept between them: another process may have written meanwhile. */
static struct cardea_status need_head(struct store_tx *tx)
{
    struct sql_tx *t = sql_of(tx);
    if (t->head_known)
        return CARDEA_SUCCESS;
    struct journal_head head = {0};
    struct query q = query_start_write(tx, QUERY_JOURNAL_HEAD, "SELECT n, hash FROM journal ORDER BY n DESC LIMIT 1");
    if (query_row(&q)) {
        head.n = (uint64_t)take_int_in(&q, 1, INT64_MAX - 1);
        take_blob(&q, head.hash, sizeof head.hash);
    }
    struct cardea_status s = query_end(&q);
    if (cardea_ok(s)) {
        t->head = head;
        t->head_known = true;
    }
    return s;
}

static bool all_zeros(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void bind_blob_unless_zeros(struct query *q, const uint8_t *bytes, size_t len)
{
    bind_blob(q, bytes, all_zeros(bytes, len) ? 0 : len);
}

static struct cardea_status insert(struct store_tx *tx, const struct event *e)
{
    struct query q =
        query_start_write(tx, QUERY_JOURNAL_APPEND,
                          "INSERT INTO journal (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    bind_int(&q, (int64_t)e->n);
    bind_int(&q, e->at_ms);
    bind_text(&q, e->type, sizeof e->type);
    bind_text(&q, e->actor, sizeof e->actor);
    bind_blob_unless_zeros(&q, e->subject.bytes, sizeof e->subject.bytes);
    bind_blob_unless_zeros(&q, e->sid.bytes, sizeof e->sid.bytes);
    bind_address(&q, &e->ip);
    bind_text(&q, e->request_id, sizeof e->request_id);
    bind_text(&q, e->detail, sizeof e->detail);
    bind_int(&q, e->revocation.kind);
    bind_blob_unless_zeros(&q, e->revocation.id, sizeof e->revocation.id);
    bind_int(&q, e->revocation.epoch);
    bind_int(&q, e->revocation.until_ms);
    bind_blob(&q, e->previous_hash, sizeof e->previous_hash);
    bind_blob(&q, e->hash, sizeof e->hash);
    return query_run(&q, NULL);
}

static struct cardea_status insert_revocation(struct store_tx *tx, const struct event *e)
{
    struct query q = query_start_write(tx, QUERY_REVOCATION_ADD,
                                       "INSERT INTO revocation (n, until_ms, kind, id) VALUES (?, ?, ?, ?)");
    bind_int(&q, (int64_t)e->n);
    bind_int(&q, e->revocation.until_ms);
    bind_int(&q, e->revocation.kind);
    bind_blob(&q, e->revocation.id, sizeof e->revocation.id);
    return query_run(&q, NULL);
}

struct cardea_status sql_event_append(struct store_tx *tx, struct event *e)
{
    if (e->revocation.kind < REVOCATION_NONE || e->revocation.kind > REVOCATION_KEY ||
        (e->ip.version != 0 && e->ip.version != 4 && e->ip.version != 6))
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status s = need_head(tx);
    if (!cardea_ok(s))
        return s;
    struct journal_head head = sql_of(tx)->head;
    struct event linked = *e;
    journal_link(&head, &linked, sql_of(tx)->digest);
    s = insert(tx, &linked);
    if (cardea_ok(s) && linked.revocation.kind != REVOCATION_NONE)
        s = insert_revocation(tx, &linked);
    if (!cardea_ok(s)) {
        /* Half of an event must not be committed, whatever the caller makes of the answer. */
        sql_of(tx)->broken = s;
        return s;
    }
    if (journal_concerns_others(&linked))
        sql_of(tx)->push |= STORE_PUSH_ROWS; /* stays after an undo: one push too many harms nobody */
    sql_of(tx)->head = head;
    *e = linked;
    return s;
}

struct cardea_status sql_event_put(struct store_tx *tx, const struct event *e, bool in_force)
{
    struct cardea_status s = need_head(tx);
    if (!cardea_ok(s))
        return s;
    struct journal_head head = sql_of(tx)->head;
    s = journal_check(&head, e, sql_of(tx)->digest);
    if (!cardea_ok(s))
        return s;
    s = insert(tx, e);
    if (cardea_ok(s) && in_force && e->revocation.kind != REVOCATION_NONE)
        s = insert_revocation(tx, e);
    if (cardea_ok(s))
        sql_of(tx)->head = head;
    else
        sql_of(tx)->broken = s;
    return s;
}

static void take_event(struct query *q, struct event *out)
{
    out->n = (uint64_t)take_int_in(q, 1, INT64_MAX);
    out->at_ms = take_int(q);
    take_text(q, out->type, sizeof out->type);
    take_text(q, out->actor, sizeof out->actor);
    take_blob_or_zeros(q, out->subject.bytes, sizeof out->subject.bytes);
    take_blob_or_zeros(q, out->sid.bytes, sizeof out->sid.bytes);
    take_address(q, &out->ip);
    take_text(q, out->request_id, sizeof out->request_id);
    take_text(q, out->detail, sizeof out->detail);
    out->revocation.kind = (enum revocation_kind)take_int_in(q, REVOCATION_NONE, REVOCATION_KEY);
    take_blob_or_zeros(q, out->revocation.id, sizeof out->revocation.id);
    out->revocation.epoch = take_int(q);
    out->revocation.until_ms = take_int(q);
    take_blob(q, out->previous_hash, sizeof out->previous_hash);
    take_blob(q, out->hash, sizeof out->hash);
}

static struct cardea_status take_events(struct query *q, struct event *out, uint32_t cap, uint32_t *ret_count)
{
    uint32_t count = 0;
    while (count < cap && query_row(q))
        take_event(q, &out[count++]);
    struct cardea_status s = query_end(q);
    if (cardea_ok(s))
        *ret_count = count;
    return s;
}

/* A position past what a row can have is past the end, not before the start. */
static int64_t position(uint64_t n)
{
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

struct cardea_status sql_event_list(struct store_tx *tx, uint64_t after, bool newest_first, struct event *out,
                                    uint32_t cap, uint32_t *ret_count)
{
    struct query q = newest_first ? query_start(tx, QUERY_JOURNAL_LIST_DOWN,
                                                "SELECT " COLUMNS " FROM journal WHERE n < ? ORDER BY n DESC LIMIT ?")
                                  : query_start(tx, QUERY_JOURNAL_LIST_UP,
                                                "SELECT " COLUMNS " FROM journal WHERE n > ? ORDER BY n LIMIT ?");
    bind_int(&q, newest_first && after == 0 ? INT64_MAX : position(after));
    bind_int(&q, cap);
    return take_events(&q, out, cap, ret_count);
}

struct cardea_status sql_revocation_list(struct store_tx *tx, uint64_t after, int64_t now_ms, struct event *out,
                                         uint32_t cap, uint32_t *ret_count)
{
    /* The short table drives. */
    struct query q = query_start(tx, QUERY_REVOCATION_LIST,
                                 "SELECT " COLUMNS " FROM journal WHERE n IN (SELECT n FROM revocation"
                                 " WHERE n > ? AND until_ms > ? ORDER BY n LIMIT ?) ORDER BY n");
    bind_int(&q, position(after));
    bind_int(&q, now_ms);
    bind_int(&q, cap);
    return take_events(&q, out, cap, ret_count);
}

struct cardea_status sql_revocation_find(struct store_tx *tx, enum revocation_kind kind, const uint8_t id[32])
{
    struct query q =
        query_start(tx, QUERY_REVOCATION_FIND, "SELECT 1 FROM revocation WHERE id = ? AND kind = ? LIMIT 1");
    bind_blob(&q, id, 32);
    bind_int(&q, kind);
    (void)query_row(&q);
    return query_end_one(&q);
}
