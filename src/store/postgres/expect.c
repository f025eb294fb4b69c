/* What the changes of a transaction will ask for, fetched in a few statements; rotations and last-seen times, each
 * written in one.
 *
 * In a WRITE the rows are locked as the single operations lock them, sessions before users and each in the order of
 * the ids, so that what is known here stays true until the end of the transaction, and two nodes that expect the same
 * rows wait for each other instead of against each other. A statement that writes anything else makes all of it
 * unknown: then every operation asks again.
 */
#include "store/postgres/internal.h"

#include <stdlib.h>

static int by_user(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct user_id));
}

/* --- what is known --- */

static struct user_record *known_user(struct store_tx *tx, struct user_id id)
{
    for (uint32_t i = 0; i < tx->users_known; i++)
        if (memcmp(&tx->users[i].id, &id, sizeof id) == 0)
            return &tx->users[i];
    return NULL;
}

void expect_forget(struct store_tx *tx)
{
    expected_forget(&tx->expected);
    tx->users_known = tx->ends_known = 0;
}

void expect_clear(struct store_tx *tx)
{
    expected_clear(&tx->expected);
    free(tx->users);
    free(tx->ends);
    tx->users = NULL;
    tx->ends = NULL;
    tx->users_known = tx->ends_known = 0;
}

/* --- fetching --- */

static struct cardea_status fetch_sessions(struct store_tx *tx, const struct view *ids)
{
    struct query q =
        query_start(tx, QUERY_EXPECT_SESSIONS, "SELECT " SQL_SESSION " FROM session WHERE sid = ANY(?) ORDER BY sid");
    bind_blobs(&q, ids, tx->expected.count);
    while (query_row(&q)) {
        struct session_record r = {0};
        sql_take_session(&q, &r);
        struct expected_session *x = q.malformed ? NULL : expected_find(&tx->expected, r.sid);
        if (x != NULL) {
            x->there = true;
            x->record = r;
        }
    }
    struct cardea_status s = query_end(&q);
    for (uint32_t i = 0; cardea_ok(s) && i < tx->expected.count; i++)
        tx->expected.items[i].known = true;
    return s;
}

static struct expected_end *known_end(struct store_tx *tx, const uint8_t id[32])
{
    for (uint32_t i = 0; i < tx->ends_known; i++)
        if (memcmp(tx->ends[i].id, id, sizeof tx->ends[i].id) == 0)
            return &tx->ends[i];
    return NULL;
}

/* tx->ends holds the ids that are asked for. */
static struct cardea_status fetch_ends(struct store_tx *tx, const struct view *ids, uint32_t count)
{
    struct query q =
        query_start(tx, QUERY_EXPECT_REVOKED, "SELECT DISTINCT id FROM revocation WHERE kind = ? AND id = ANY(?)");
    bind_int(&q, REVOCATION_SESSION);
    bind_blobs(&q, ids, count);
    tx->ends_known = count;
    while (query_row(&q)) {
        uint8_t id[32] = {0};
        take_blob(&q, id, sizeof id);
        struct expected_end *end = known_end(tx, id);
        if (end != NULL)
            end->revoked = true;
    }
    struct cardea_status s = query_end(&q);
    if (!cardea_ok(s))
        tx->ends_known = 0;
    return s;
}

static struct cardea_status fetch_users(struct store_tx *tx, const struct view *ids, uint32_t count)
{
    struct query q =
        query_start(tx, QUERY_EXPECT_USERS, "SELECT " SQL_USER " FROM \"user\" WHERE id = ANY(?) ORDER BY id");
    uint32_t known = 0;
    tx->users = calloc(count + 1, sizeof *tx->users);
    bind_blobs(&q, ids, count);
    while (tx->users != NULL && known < count && query_row(&q))
        sql_take_user(&q, &tx->users[known++]);
    struct cardea_status s = query_end(&q);
    tx->users_known = cardea_ok(s) ? known : 0;
    return s;
}

/* The users of the sessions that are there, and those that were named; *ids: the caller frees. */
static struct cardea_status list_users(const struct store_tx *tx, const struct expectation *what, struct user_id **ids,
                                       uint32_t *ret_count)
{
    uint32_t count = 0, kept = 0;
    struct user_id *all = calloc((size_t)what->user_count + tx->expected.count + 1, sizeof *all);
    if (all == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    for (uint32_t i = 0; i < what->user_count; i++)
        all[count++] = what->users[i];
    for (uint32_t i = 0; tx->expected.items != NULL && i < tx->expected.count; i++)
        if (tx->expected.items[i].there)
            all[count++] = tx->expected.items[i].record.user;
    qsort(all, count, sizeof *all, by_user);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || by_user(&all[kept - 1], &all[i]) != 0)
            all[kept++] = all[i];
    *ids = all;
    *ret_count = kept;
    return CARDEA_SUCCESS;
}

static struct cardea_status expect_users(struct store_tx *tx, const struct expectation *what)
{
    struct user_id *users = NULL;
    uint32_t count = 0;
    struct cardea_status s = list_users(tx, what, &users, &count);
    if (!cardea_ok(s))
        return s;
    struct view *ids = calloc((size_t)count + 1, sizeof *ids);
    for (uint32_t i = 0; ids != NULL && i < count; i++)
        ids[i] = view_of(users[i].bytes, sizeof users[i].bytes);
    s = ids == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : count == 0 ? CARDEA_SUCCESS : fetch_users(tx, ids, count);
    free(ids);
    free(users);
    return s;
}

static struct cardea_status expect_sessions(struct store_tx *tx, const struct expectation *what)
{
    struct cardea_status s = expected_init(&tx->expected, what->sids, what->sid_count);
    struct view *ids = cardea_ok(s) ? calloc((size_t)tx->expected.count + 1, sizeof *ids) : NULL;
    if (ids == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    for (uint32_t i = 0; i < tx->expected.count; i++)
        ids[i] = view_of(tx->expected.items[i].sid.bytes, sizeof tx->expected.items[i].sid.bytes);
    s = fetch_sessions(tx, ids);
    free(ids);
    return s;
}

/* After the users' rows are locked: who ends a session locks its user first. */
static struct cardea_status expect_ends(struct store_tx *tx, const struct expectation *what)
{
    struct view *ids = calloc((size_t)what->sid_count + 1, sizeof *ids);
    tx->ends = calloc((size_t)what->sid_count + 1, sizeof *tx->ends);
    struct cardea_status s = CARDEA_FAIL(E_UNAVAILABLE);
    if (tx->ends != NULL && ids != NULL) {
        for (uint32_t i = 0; i < what->sid_count; i++) {
            memcpy(tx->ends[i].id, what->sids[i].bytes, sizeof what->sids[i].bytes);
            ids[i] = view_of(tx->ends[i].id, sizeof tx->ends[i].id);
        }
        s = fetch_ends(tx, ids, what->sid_count);
    }
    free(ids);
    return s;
}

struct cardea_status postgres_expect(struct store_tx *tx, const struct expectation *what)
{
    if (!cardea_ok(tx->sql.broken))
        return tx->sql.broken;
    if (tx->sql.marked || tx->expected.items != NULL || tx->users != NULL)
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status s = CARDEA_SUCCESS;
    if (what->records)
        s = expect_sessions(tx, what);
    if (cardea_ok(s) && what->accounts)
        s = expect_users(tx, what);
    /* Where the records are here, nothing asks for what was revoked of them. */
    return cardea_ok(s) && what->accounts && !what->records ? expect_ends(tx, what) : s;
}

/* --- writing --- */

/* The columns of many rotations, an array each. */
static void bind_rotations(struct query *q, const struct session_rotation *rotations, uint32_t count,
                           struct view *views, int64_t *numbers)
{
#define BLOBS(member)                                                                                                  \
    for (uint32_t i = 0; i < count; i++)                                                                               \
        views[i] = view_of(rotations[i].record->member, sizeof rotations[i].record->member);                           \
    bind_blobs(q, views, count)
#define NUMBERS(value)                                                                                                 \
    for (uint32_t i = 0; i < count; i++)                                                                               \
        numbers[i] = (int64_t)rotations[i].value;                                                                      \
    bind_ints(q, numbers, count)
    BLOBS(sid.bytes);
    NUMBERS(expected_generation);
    NUMBERS(record->generation);
    BLOBS(refresh_digest);
    BLOBS(previous_digest);
    BLOBS(refresh_nonce);
    NUMBERS(record->rotated_at_ms);
    NUMBERS(record->last_seen_at_ms);
#undef BLOBS
#undef NUMBERS
}

static struct cardea_status write_rotations(struct store_tx *tx, const struct session_rotation *rotations,
                                            uint32_t count)
{
    struct view *views = calloc(count, sizeof *views);
    int64_t *numbers = calloc(count, sizeof *numbers);
    uint32_t changed = 0;
    struct cardea_status s = CARDEA_FAIL(E_UNAVAILABLE);
    if (views != NULL && numbers != NULL) {
        struct query q = query_start_write(
            tx, QUERY_ROTATE_MANY,
            "UPDATE session SET generation = v.new_generation, refresh_digest = v.digest, previous_digest = v.previous,"
            " refresh_nonce = v.nonce, rotated_at_ms = v.at_ms,"
            " last_seen_at_ms = greatest(session.last_seen_at_ms, v.seen_ms)"
            " FROM unnest(?, ?, ?, ?, ?, ?, ?, ?)"
            " AS v(sid, old_generation, new_generation, digest, previous, nonce, at_ms, seen_ms)"
            " WHERE session.sid = v.sid AND session.generation = v.old_generation");
        bind_rotations(&q, rotations, count, views, numbers);
        s = query_run(&q, &changed);
    }
    free(views);
    free(numbers);
    /* The rows were locked: fewer means that the server is not what we take it for. */
    return cardea_ok(s) && changed != count ? CARDEA_FAIL(E_UNAVAILABLE) : s;
}

static struct cardea_status write_waiting(struct store_tx *tx, bool in_mark)
{
    uint32_t count = 0;
    if (tx->expected.waiting == 0)
        return CARDEA_SUCCESS;
    struct session_rotation *rotations = malloc(tx->expected.waiting * sizeof *rotations);
    if (rotations == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    expected_take(&tx->expected, in_mark, rotations, &count);
    struct cardea_status s = count == 0 ? CARDEA_SUCCESS : write_rotations(tx, rotations, count);
    free(rotations);
    return s;
}

struct cardea_status expect_settle(struct store_tx *tx, bool writes)
{
    bool waiting = tx->expected.waiting > 0;
    struct cardea_status s = CARDEA_SUCCESS;
    if ((!waiting && !writes) || tx->settling)
        return s;
    tx->settling = true;
    if (tx->sql.marked && !tx->savepoint) {
        s = write_waiting(tx, false);
        if (cardea_ok(s))
            s = connection_run(tx, "SAVEPOINT change", tx->sql.deadline_ms);
        tx->savepoint = cardea_ok(s);
    }
    for (int in_mark = 0; cardea_ok(s) && in_mark < 2; in_mark++)
        s = write_waiting(tx, in_mark == 1);
    if (writes)
        expect_forget(tx);
    tx->settling = false;
    if (!cardea_ok(s) && cardea_ok(tx->sql.broken))
        tx->sql.broken = s;
    return s;
}

/* In one statement, in the order of the sids: others lock in that order too. */
struct cardea_status postgres_session_touch(struct store_tx *tx, const struct session_id *sids, const int64_t *seen_ms,
                                            uint32_t count)
{
    if (count == 0)
        return CARDEA_SUCCESS;
    struct view *ids = calloc(count, sizeof *ids);
    if (ids == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    for (uint32_t i = 0; i < count; i++)
        ids[i] = view_of(sids[i].bytes, sizeof sids[i].bytes);
    struct query q = query_start_write(
        tx, QUERY_TOUCH_MANY,
        "UPDATE session SET last_seen_at_ms = v.seen_ms FROM"
        " (SELECT sid, max(seen_ms) AS seen_ms FROM unnest(?, ?) AS u(sid, seen_ms) GROUP BY sid ORDER BY sid) AS v"
        " WHERE session.sid = v.sid AND session.last_seen_at_ms < v.seen_ms");
    bind_blobs(&q, ids, count);
    bind_ints(&q, seen_ms, count);
    struct cardea_status s = query_run(&q, NULL);
    free(ids);
    return s;
}

/* --- the operations that know --- */

struct cardea_status postgres_session_get(struct store_tx *tx, struct session_id sid, struct session_record *out)
{
    const struct expected_session *x = expected_find(&tx->expected, sid);
    if (!cardea_ok(tx->sql.broken) || x == NULL || !x->known)
        return sql_session_get(tx, sid, out);
    return expected_get(x, out);
}

struct cardea_status postgres_session_rotate(struct store_tx *tx, const struct session_record *r,
                                             uint64_t expected_generation)
{
    struct expected_session *x = expected_find(&tx->expected, r->sid);
    if (!cardea_ok(tx->sql.broken) || tx->sql.mode != STORE_WRITE || x == NULL || !x->known || x->waiting ||
        r->generation > INT64_MAX || expected_generation > INT64_MAX)
        return sql_session_rotate(tx, r, expected_generation);
    return expected_rotate(&tx->expected, x, r, expected_generation);
}

struct cardea_status postgres_user_get(struct store_tx *tx, struct user_id id, struct user_record *out)
{
    const struct user_record *known = cardea_ok(tx->sql.broken) ? known_user(tx, id) : NULL;
    if (known == NULL)
        return sql_user_get(tx, id, out);
    *out = *known;
    return CARDEA_SUCCESS;
}

struct cardea_status postgres_revocation_find(struct store_tx *tx, enum revocation_kind kind, const uint8_t id[32])
{
    const struct expected_end *end = kind == REVOCATION_SESSION && cardea_ok(tx->sql.broken) ? known_end(tx, id) : NULL;
    if (end == NULL)
        return sql_revocation_find(tx, kind, id);
    return end->revoked ? CARDEA_SUCCESS : CARDEA_FAIL(E_NOT_FOUND);
}
