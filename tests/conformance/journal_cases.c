/* The journal: numbers without gaps, a chain, and the revocations that are still in force. */
#include "internal.h"

#include "store/journal.h"

static void append(struct store_tx *tx, unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to; i++) {
        struct event e = sample_event(i);
        assert_ok(OPS->event_append(tx, &e));
        assert_int_equal(e.n, i);
    }
}

static struct cardea_status verify(struct journal_head *head)
{
    struct store_tx *tx = open_read(store);
    struct cardea_status s = journal_verify(OPS, tx, conformance_digest, head);
    OPS->abort(tx);
    return s;
}

void events_are_chained(void **state)
{
    (void)state;
    struct event rows[8];
    uint32_t count = 9;
    struct journal_head head = {0};
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->event_list(tx, 0, false, rows, 8, &count));
    assert_int_equal(count, 0);
    append(tx, 1, 3);
    commit(store, tx);
    tx = open_write(store);
    append(tx, 4, 5);
    assert_ok(OPS->event_list(tx, 0, false, rows, 8, &count));
    assert_int_equal(count, 5);
    for (unsigned i = 0; i < 5; i++) {
        struct event wanted = sample_event(i + 1);
        wanted.n = i + 1;
        memcpy(wanted.hash, rows[i].hash, 32);
        if (i > 0)
            memcpy(wanted.previous_hash, rows[i - 1].hash, 32);
        same_event(&rows[i], &wanted);
        assert_ok(journal_check(&head, &rows[i], conformance_digest));
    }
    assert_ok(OPS->event_list(tx, 2, false, rows, 2, &count));
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].n, 3);
    assert_ok(OPS->event_list(tx, 0, true, rows, 2, &count));
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].n, 5);
    assert_int_equal(rows[1].n, 4);
    assert_ok(OPS->event_list(tx, 2, true, rows, 8, &count));
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].n, 1);
    assert_ok(OPS->event_list(tx, UINT64_MAX, false, rows, 8, &count));
    assert_int_equal(count, 0);
    commit(store, tx);
    /* More than one step of the check, and from a head kept earlier. */
    tx = open_write(store);
    append(tx, 6, 200);
    commit(store, tx);
    struct journal_head from_start = {0};
    assert_ok(verify(&from_start));
    assert_int_equal(from_start.n, 200);
    assert_ok(verify(&head));
    assert_memory_equal(&head, &from_start, sizeof head);
}

void event_at_its_limits(void **state)
{
    (void)state;
    struct event e = sample_event(1), got, bare = {.revocation = {.kind = REVOCATION_NONE}};
    memset(e.type, 't', sizeof e.type - 1);
    memset(e.actor, 'a', sizeof e.actor - 1);
    memset(e.request_id, 'r', sizeof e.request_id - 1);
    memset(e.detail, 'd', sizeof e.detail - 1);
    memset(e.revocation.id, 0xff, sizeof e.revocation.id);
    e.revocation.kind = REVOCATION_KEY;
    e.revocation.epoch = INT64_MAX;
    e.revocation.until_ms = INT64_MAX;
    e.at_ms = INT64_MAX;
    uint32_t count = 0;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->event_append(tx, &e));
    assert_ok(OPS->event_append(tx, &bare));
    assert_ok(OPS->event_list(tx, 0, false, &got, 1, &count));
    same_event(&got, &e);
    assert_ok(OPS->event_list(tx, 1, false, &got, 1, &count));
    same_event(&got, &bare);
    struct event unset = sample_event(2);
    unset.revocation.kind = REVOCATION_UNSET;
    assert_code(OPS->event_append(tx, &unset), E_INTERNAL);
    assert_int_equal(unset.n, 0);
    commit(store, tx);
    struct journal_head head = {0};
    assert_ok(verify(&head));
}

void undone_events_leave_no_gap(void **state)
{
    (void)state;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->mark(tx)); /* the head is not known yet here */
    append(tx, 1, 2);
    assert_ok(OPS->undo(tx));
    append(tx, 1, 1);
    assert_ok(OPS->mark(tx));
    append(tx, 2, 4);
    assert_ok(OPS->undo(tx));
    assert_ok(OPS->mark(tx));
    append(tx, 2, 3);
    assert_ok(OPS->keep(tx));
    commit(store, tx);
    tx = open_write(store);
    append(tx, 4, 9);
    OPS->abort(tx);
    tx = open_write(store);
    append(tx, 4, 5);
    commit(store, tx);
    struct journal_head head = {0};
    assert_ok(verify(&head));
    assert_int_equal(head.n, 5);
    struct event rows[8];
    uint32_t count = 0;
    tx = open_read(store);
    assert_ok(OPS->revocation_list(tx, 0, 0, rows, 8, &count));
    OPS->abort(tx);
    assert_int_equal(count, 3); /* 1, 3 and 5: an undone revocation is none */
}

void the_chain_shows_a_change(void **state)
{
    (void)state;
    struct event rows[3], changed;
    uint32_t count = 0;
    struct store_tx *tx = open_write(store);
    append(tx, 1, 3);
    assert_ok(OPS->event_list(tx, 0, false, rows, 3, &count));
    commit(store, tx);
    struct journal_head before = {0}, head;
    assert_ok(journal_check(&before, &rows[0], conformance_digest));
#define CHANGED(expression)                                                                                            \
    do {                                                                                                               \
        changed = rows[1];                                                                                             \
        expression;                                                                                                    \
        head = before;                                                                                                 \
        assert_code(journal_check(&head, &changed, conformance_digest), E_CORRUPT);                                    \
        assert_memory_equal(&head, &before, sizeof head);                                                              \
    } while (0)
    CHANGED(changed.n++);
    CHANGED(changed.at_ms++);
    CHANGED(changed.type[0]++);
    CHANGED(changed.type[0] = '\0');
    CHANGED(changed.actor[1]++);
    CHANGED(changed.subject.bytes[15]++);
    CHANGED(changed.sid.bytes[0]++);
    CHANGED(changed.ip.bytes[15]++);
    CHANGED(changed.ip.version = 0);
    CHANGED(changed.request_id[0]++);
    CHANGED(changed.detail[0]++);
    CHANGED(changed.revocation.kind = REVOCATION_USER);
    CHANGED(changed.revocation.id[31]++);
    CHANGED(changed.revocation.epoch++);
    CHANGED(changed.revocation.until_ms++);
    CHANGED(changed.previous_hash[0]++);
    CHANGED(changed.hash[31]++);
    CHANGED(changed = rows[2]); /* a row was removed */
    CHANGED(changed = rows[0]); /* or came twice */
    head = before;
    assert_ok(journal_check(&head, &rows[1], conformance_digest));
    assert_ok(journal_check(&head, &rows[2], conformance_digest));
}

void revocations_in_force(void **state)
{
    (void)state;
    struct event rows[8];
    uint32_t count = 0;
    int64_t first = sample_event(1).revocation.until_ms;
    struct store_tx *tx = open_write(store);
    append(tx, 1, 10); /* five of them revoke, until first, first + 2, … */
    assert_ok(OPS->revocation_list(tx, 0, first - 1, rows, 8, &count));
    assert_int_equal(count, 5);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(rows[i].n, 2 * i + 1);
    struct event whole;
    uint32_t one = 0;
    assert_ok(OPS->event_list(tx, 2, false, &whole, 1, &one));
    same_event(&rows[1], &whole);
    assert_ok(OPS->revocation_list(tx, 3, first - 1, rows, 1, &count));
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].n, 5);
    assert_ok(OPS->revocation_list(tx, 0, first + 2, rows, 8, &count));
    assert_int_equal(count, 3);
    assert_ok(OPS->sweep(tx, first + 2, 1, &count)); /* steps are small */
    assert_int_equal(count, 1);
    assert_ok(OPS->sweep(tx, first + 2, 10, &count));
    assert_int_equal(count, 1);
    assert_ok(OPS->sweep(tx, first + 2, 10, &count));
    assert_int_equal(count, 0);
    assert_ok(OPS->revocation_list(tx, 0, 0, rows, 8, &count));
    assert_int_equal(count, 3);
    commit(store, tx);
    struct journal_head head = {0};
    assert_ok(verify(&head)); /* the events themselves stay */
    assert_int_equal(head.n, 10);
}

void a_revocation_is_found_by_its_id(void **state)
{
    (void)state;
    struct event e = sample_event(1);
    e.revocation = (struct revocation){.kind = REVOCATION_SESSION, .id = {1, 2, 3}, .until_ms = 5000};
    uint8_t other[32] = {1, 2, 4};
    uint32_t count = 1;
    struct store_tx *tx = open_write(store);
    assert_code(OPS->revocation_find(tx, REVOCATION_SESSION, e.revocation.id), E_NOT_FOUND);
    assert_ok(OPS->event_append(tx, &e));
    assert_ok(OPS->revocation_find(tx, REVOCATION_SESSION, e.revocation.id));
    commit(store, tx);
    tx = open_read(store);
    assert_ok(OPS->revocation_find(tx, REVOCATION_SESSION, e.revocation.id));
    assert_code(OPS->revocation_find(tx, REVOCATION_TOKEN, e.revocation.id), E_NOT_FOUND);
    assert_code(OPS->revocation_find(tx, REVOCATION_SESSION, other), E_NOT_FOUND);
    OPS->abort(tx);
    tx = open_write(store);
    while (count > 0)
        assert_ok(OPS->sweep(tx, 5001, 10, &count));
    assert_code(OPS->revocation_find(tx, REVOCATION_SESSION, e.revocation.id), E_NOT_FOUND);
    commit(store, tx);
}

/* Rows that another engine could have written. */
static void write_rows(struct event *rows, unsigned count)
{
    struct journal_head head = {0};
    for (unsigned i = 0; i < count; i++) {
        rows[i] = sample_event(i + 1);
        rows[i].revocation = (struct revocation){.kind = REVOCATION_NONE};
        if (i % 2 == 1) {
            rows[i].revocation = (struct revocation){.kind = REVOCATION_TOKEN, .until_ms = 5000 + (int64_t)i};
            rows[i].revocation.id[0] = (uint8_t)(i + 1);
        }
        journal_link(&head, &rows[i], conformance_digest);
    }
}

void rows_are_taken_over_as_they_are(void **state)
{
    (void)state;
    static struct event rows[8], got[8];
    uint32_t count = 0;
    write_rows(rows, 8);
    struct store_tx *tx = open_write(store);
    for (unsigned i = 0; i < 8; i++)
        assert_ok(OPS->event_put(tx, &rows[i], i != 3));
    commit(store, tx);
    struct journal_head head = {0};
    assert_ok(verify(&head));
    assert_int_equal(head.n, 8);
    assert_memory_equal(head.hash, rows[7].hash, sizeof head.hash);
    tx = open_write(store);
    assert_ok(OPS->event_list(tx, 0, false, got, 8, &count));
    assert_int_equal(count, 8);
    for (unsigned i = 0; i < 8; i++)
        same_event(&got[i], &rows[i]);
    /* In force are those that were said to be. */
    assert_ok(OPS->revocation_list(tx, 0, 0, got, 8, &count));
    assert_int_equal(count, 3);
    assert_int_equal(got[0].n, 2);
    assert_int_equal(got[1].n, 6);
    assert_ok(OPS->revocation_find(tx, REVOCATION_TOKEN, rows[1].revocation.id));
    assert_code(OPS->revocation_find(tx, REVOCATION_TOKEN, rows[3].revocation.id), E_NOT_FOUND);
    /* And the journal goes on behind them. */
    struct event next = sample_event(9);
    assert_ok(OPS->event_append(tx, &next));
    assert_int_equal(next.n, 9);
    assert_memory_equal(next.previous_hash, rows[7].hash, sizeof next.hash);
    commit(store, tx);
}

void rows_that_do_not_follow_are_refused(void **state)
{
    (void)state;
    static struct event rows[4], got[4];
    uint32_t count = 9;
    write_rows(rows, 4);
    struct store_tx *tx = open_write(store);
    assert_code(OPS->event_put(tx, &rows[1], true), E_CORRUPT); /* the first is missing */
    assert_ok(OPS->event_put(tx, &rows[0], true));
    assert_code(OPS->event_put(tx, &rows[0], true), E_CORRUPT);
    struct event changed = rows[1];
    changed.at_ms++;
    assert_code(OPS->event_put(tx, &changed, true), E_CORRUPT);
    changed = rows[1];
    changed.previous_hash[0] ^= 1;
    assert_code(OPS->event_put(tx, &changed, true), E_CORRUPT);
    assert_ok(OPS->event_put(tx, &rows[1], true)); /* a refused row breaks nothing */
    commit(store, tx);
    tx = open_read(store);
    assert_ok(OPS->event_list(tx, 0, false, got, 4, &count));
    assert_int_equal(count, 2);
    assert_code(OPS->event_put(tx, &rows[2], true), E_INTERNAL);
    OPS->abort(tx);
}

void accounts_are_erased(void **state)
{
    (void)state;
    struct user_record u = sample_user(1);
    struct event e = sample_event(1);
    struct api_key_record k = {.id = {{1}}, .user = u.id, .name = "key"};
    struct key_record key = {.id = {{2}}, .use = KEY_USE_CSRF, .state = KEY_ACTIVE, .algorithm = "HMAC-SHA256"};
    struct named_value values[4];
    uint32_t count = 9;
    e.revocation = (struct revocation){.kind = REVOCATION_TOKEN, .id = {7}, .until_ms = INT64_MAX};
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->user_put(tx, &u));
    assert_ok(OPS->event_append(tx, &e));
    assert_ok(OPS->api_key_put(tx, &k));
    assert_ok(OPS->key_put(tx, &key));
    assert_ok(OPS->value_put(tx, "one", 1));
    commit(store, tx);
    tx = open_write(store);
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->account_erase(tx));
    assert_ok(OPS->undo(tx));
    assert_ok(OPS->user_get(tx, u.id, &u));
    assert_ok(OPS->account_erase(tx));
    assert_code(OPS->user_get(tx, u.id, &u), E_NOT_FOUND);
    assert_code(OPS->api_key_get(tx, k.id, &k), E_NOT_FOUND);
    assert_code(OPS->revocation_find(tx, REVOCATION_TOKEN, e.revocation.id), E_NOT_FOUND);
    assert_ok(OPS->key_list(tx, &key, 1, &count));
    assert_int_equal(count, 0);
    assert_ok(OPS->value_list(tx, values, 4, &count));
    assert_int_equal(count, 0);
    struct event first = sample_event(2);
    assert_ok(OPS->event_append(tx, &first));
    assert_int_equal(first.n, 1);
    commit(store, tx);
    struct journal_head head = {0};
    assert_ok(verify(&head));
    assert_int_equal(head.n, 1);
    tx = open_read(store);
    assert_code(OPS->account_erase(tx), E_INTERNAL);
    OPS->abort(tx);
}
