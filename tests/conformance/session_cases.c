/* Sessions: records, rotation, listings, sweeping. */
#include "internal.h"

#include <stdlib.h>

static struct user_id somebody(unsigned number)
{
    return sample_user(number).id;
}

void session_round_trip(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct session_record r = sample_session(i, somebody(1)), got;
        memset(&got, 0x77, sizeof got);
        assert_int_equal(read_session(r.sid, &got), CARDEA_E_NOT_FOUND);
        assert_int_equal(got.epoch, 0x7777777777777777);
        put_session(&r);
        assert_int_equal(read_session(r.sid, &got), CARDEA_OK);
        same_session(&got, &r);
    }
}

void session_at_its_limits(void **state)
{
    (void)state;
    struct session_record r = sample_session(1, somebody(1)), got;
    r.epoch = INT64_MAX;
    r.generation = INT64_MAX;
    r.created_at_ms = r.authenticated_at_ms = r.last_seen_at_ms = r.expires_at_ms = r.idle_ms = INT64_MAX;
    memset(r.app, 'a', sizeof r.app - 1);
    memset(r.user_agent, '\xfe', sizeof r.user_agent - 1);
    memset(r.ip.bytes, 0xff, sizeof r.ip.bytes);
    r.ip.version = 6;
    put_session(&r);
    assert_int_equal(read_session(r.sid, &got), CARDEA_OK);
    same_session(&got, &r);
    struct session_record none = sample_session(2, somebody(1));
    none.ip = (struct address){.version = 0};
    none.user_agent[0] = none.app[0] = '\0';
    put_session(&none);
    assert_int_equal(read_session(none.sid, &got), CARDEA_OK);
    same_session(&got, &none);
    struct store_tx *tx = open_write(store);
    struct session_record bad = sample_session(3, somebody(1));
    bad.kind = SESSION_KIND_UNSET;
    assert_code(OPS->session_create(tx, &bad), E_INTERNAL);
    OPS->abort(tx);
}

void session_ids_are_unique(void **state)
{
    (void)state;
    struct session_record r = sample_session(1, somebody(1)), other = sample_session(2, somebody(2)), got;
    put_session(&r);
    other.sid = r.sid;
    struct store_tx *tx = open_write(store);
    assert_code(OPS->session_create(tx, &other), E_CONFLICT);
    assert_ok(OPS->session_get(tx, r.sid, &got));
    same_session(&got, &r);
    assert_ok(OPS->session_delete(tx, r.sid));
    assert_code(OPS->session_delete(tx, r.sid), E_NOT_FOUND);
    assert_code(OPS->session_get(tx, r.sid, &got), E_NOT_FOUND);
    commit(store, tx);
}

void rotation_is_compare_and_set(void **state)
{
    (void)state;
    struct session_record r = sample_session(1, somebody(1)), next, got;
    put_session(&r);
    next = r;
    next.generation = 2;
    memset(next.refresh_digest, 0x22, sizeof next.refresh_digest);
    memcpy(next.previous_digest, r.refresh_digest, sizeof next.previous_digest);
    memset(next.refresh_nonce, 0x23, sizeof next.refresh_nonce);
    next.rotated_at_ms += 1000;
    next.last_seen_at_ms += 1000;
    struct session_record asked = next; /* whatever else a caller changes is not taken */
    asked.epoch = 77;
    asked.expires_at_ms = INT64_MAX;
    memset(&asked.user, 0, sizeof asked.user);
    struct store_tx *tx = open_write(store);
    assert_code(OPS->session_rotate(tx, &asked, 2), E_CONFLICT);
    assert_code(OPS->session_rotate(tx, &asked, 0), E_CONFLICT);
    assert_ok(OPS->session_get(tx, r.sid, &got));
    same_session(&got, &r);
    assert_ok(OPS->session_rotate(tx, &asked, 1));
    struct session_record rival = asked; /* another draw from the same generation: once is enough */
    memset(rival.refresh_nonce, 0x24, sizeof rival.refresh_nonce);
    assert_code(OPS->session_rotate(tx, &rival, 1), E_CONFLICT);
    asked.generation = 3;
    asked.last_seen_at_ms = 1; /* last seen never moves back */
    assert_ok(OPS->session_rotate(tx, &asked, 2));
    commit(store, tx);
    next.generation = 3;
    assert_int_equal(read_session(r.sid, &got), CARDEA_OK);
    same_session(&got, &next);
    tx = open_write(store);
    struct session_record gone = sample_session(5, somebody(1));
    assert_code(OPS->session_rotate(tx, &gone, gone.generation), E_NOT_FOUND);
    commit(store, tx);
}

void touch_moves_forward_only(void **state)
{
    (void)state;
    struct session_record a = sample_session(1, somebody(1)), b = sample_session(2, somebody(1)), got;
    put_session(&a);
    put_session(&b);
    struct session_id sids[3] = {a.sid, sample_session(9, somebody(1)).sid, b.sid};
    int64_t seen_ms[3] = {a.last_seen_at_ms + 5000, 1, b.last_seen_at_ms - 5000};
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->session_touch(tx, sids, seen_ms, 3));
    assert_ok(OPS->session_touch(tx, sids, seen_ms, 0));
    commit(store, tx);
    a.last_seen_at_ms += 5000;
    assert_int_equal(read_session(a.sid, &got), CARDEA_OK);
    same_session(&got, &a);
    assert_int_equal(read_session(b.sid, &got), CARDEA_OK);
    same_session(&got, &b);
    assert_int_equal(read_session(sids[1], &got), CARDEA_E_NOT_FOUND);
}

void sessions_below_an_epoch_end(void **state)
{
    (void)state;
    struct session_record got;
    struct store_tx *tx = open_write(store);
    for (unsigned i = 0; i < 20; i++) { /* epochs 1 … 5, four of each */
        struct session_record r = sample_session(i, somebody(1));
        assert_ok(OPS->session_create(tx, &r));
    }
    struct session_record other = sample_session(50, somebody(2));
    other.epoch = 1;
    assert_ok(OPS->session_create(tx, &other));
    uint32_t count = 0;
    assert_ok(OPS->session_delete_below(tx, somebody(1), 1, 100, &count));
    assert_int_equal(count, 0);
    assert_ok(OPS->session_delete_below(tx, somebody(1), 4, 5, &count));
    assert_int_equal(count, 5);
    assert_ok(OPS->session_delete_below(tx, somebody(1), 4, 100, &count));
    assert_int_equal(count, 7);
    commit(store, tx);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(read_session(sample_session(i, somebody(1)).sid, &got),
                         1 + i % 5 < 4 ? CARDEA_E_NOT_FOUND : CARDEA_OK);
    assert_int_equal(read_session(other.sid, &got), CARDEA_OK);
}

static uint32_t walk(const struct user_id *user, int64_t epoch, uint32_t limit)
{
    struct session_record out[10], last = {.created_at_ms = INT64_MAX};
    struct page page = {.limit = limit};
    struct cursor next;
    uint32_t seen = 0, count = 0;
    do {
        struct store_tx *tx = open_read(store);
        assert_ok(OPS->session_list(tx, user, epoch, &page, out, &count, &next));
        OPS->abort(tx);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(
                out[i].created_at_ms < last.created_at_ms ||
                (out[i].created_at_ms == last.created_at_ms && memcmp(&out[i].sid, &last.sid, sizeof last.sid) < 0));
            assert_true(out[i].epoch >= epoch);
            if (user != NULL)
                assert_memory_equal(&out[i].user, user, sizeof *user);
            last = out[i];
        }
        seen += count;
        page.after = next;
    } while (next.text[0] != '\0');
    return seen;
}

void sessions_in_pages(void **state)
{
    (void)state;
    struct user_id a = somebody(1), b = somebody(2);
    struct store_tx *tx = open_write(store);
    for (unsigned i = 0; i < 30; i++) {
        struct session_record r = sample_session(i, i % 3 == 0 ? a : b);
        r.created_at_ms = 1700000000000 + i / 4; /* several in one millisecond */
        assert_ok(OPS->session_create(tx, &r));
    }
    commit(store, tx);
    if (!engine->blind) {
        assert_int_equal(walk(NULL, 0, 7), 30);
        assert_int_equal(walk(NULL, 0, 10), 30);
        assert_int_equal(walk(NULL, 5, 1), 6);
    }
    assert_int_equal(walk(&a, 0, 3), 10);
    assert_int_equal(walk(&b, 3, 4), 12);
    struct user_id nobody = somebody(3);
    assert_int_equal(walk(&nobody, 0, 4), 0);
}

/* An engine that can not say what it holds says so, and not that it holds nothing. */
static void blind_engines_say_so(void)
{
    struct session_record r = sample_session(1, somebody(1)), out[4];
    struct page page = {.limit = 4};
    struct cursor next;
    uint32_t count = 7;
    put_session(&r);
    struct store_tx *tx = open_read(store);
    assert_code(OPS->session_scan(tx, (struct session_id){{0}}, out, 4, &count), E_LIMIT);
    assert_code(OPS->session_list(tx, NULL, 0, &page, out, &count, &next), E_LIMIT);
    assert_int_equal(count, 7);
    OPS->abort(tx);
}

void scan_sees_every_session_once(void **state)
{
    (void)state;
    enum { SESSIONS = 50 };
    if (engine->blind) {
        blind_engines_say_so();
        return;
    }
    unsigned seen[SESSIONS] = {0};
    struct store_tx *tx = open_write(store);
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session_record r = sample_session(i, somebody(i));
        assert_ok(OPS->session_create(tx, &r));
    }
    commit(store, tx);
    struct session_id after = {{0}};
    struct session_record out[7];
    uint32_t count = 0;
    do {
        tx = open_read(store);
        assert_ok(OPS->session_scan(tx, after, out, 7, &count));
        OPS->abort(tx);
        for (uint32_t i = 0; i < count; i++) {
            unsigned number = (unsigned)(out[i].created_at_ms - 1700000000000);
            assert_in_range(number, 0, SESSIONS - 1);
            struct session_record wanted = sample_session(number, somebody(number));
            same_session(&out[i], &wanted);
            seen[number]++;
        }
        if (count > 0) {
            /* The one it stands on may end meanwhile. */
            after = out[count - 1].sid;
            tx = open_write(store);
            assert_ok(OPS->session_delete(tx, after));
            commit(store, tx);
        }
    } while (count == 7);
    for (unsigned i = 0; i < SESSIONS; i++)
        assert_int_equal(seen[i], 1);
}

void sweep_ends_what_is_over(void **state)
{
    (void)state;
    struct session_record absolute = sample_session(0, somebody(1)), idle = sample_session(1, somebody(1)), got;
    absolute.expires_at_ms = 2000000000000;
    absolute.idle_ms = 0;
    idle.last_seen_at_ms = 1700000000000;
    idle.idle_ms = 3600000;
    idle.expires_at_ms = 2000000000000;
    put_session(&absolute);
    put_session(&idle);
    int64_t idle_end = idle.last_seen_at_ms + idle.idle_ms + SWEEP_IDLE_SLACK_MS;
    uint32_t count = 9;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->sweep(tx, idle_end - 1, 10, &count));
    assert_ok(OPS->session_get(tx, idle.sid, &got));
    do
        assert_ok(OPS->sweep(tx, idle_end, 10, &count));
    while (count > 0);
    assert_code(OPS->session_get(tx, idle.sid, &got), E_NOT_FOUND);
    do
        assert_ok(OPS->sweep(tx, absolute.expires_at_ms - 1, 10, &count));
    while (count > 0);
    assert_ok(OPS->session_get(tx, absolute.sid, &got));
    do
        assert_ok(OPS->sweep(tx, absolute.expires_at_ms, 10, &count));
    while (count > 0);
    assert_code(OPS->session_get(tx, absolute.sid, &got), E_NOT_FOUND);
    commit(store, tx);
}

void sweep_spares_who_was_seen(void **state)
{
    (void)state;
    struct session_record touched = sample_session(1, somebody(1)), rotated = sample_session(3, somebody(1)), got;
    touched.last_seen_at_ms = rotated.last_seen_at_ms = 1000000;
    touched.idle_ms = rotated.idle_ms = 3600000;
    put_session(&touched);
    put_session(&rotated);
    int64_t end = 1000000 + 3600000 + SWEEP_IDLE_SLACK_MS, seen = end - 5000;
    struct session_record next = rotated;
    next.generation++;
    next.last_seen_at_ms = seen;
    uint32_t count = 9;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->session_touch(tx, &touched.sid, &seen, 1));
    assert_ok(OPS->session_rotate(tx, &next, rotated.generation));
    do
        assert_ok(OPS->sweep(tx, seen + 3600000 + SWEEP_IDLE_SLACK_MS - 1, 10, &count));
    while (count > 0); /* ends: a row that was looked at is not due again */
    assert_ok(OPS->session_get(tx, touched.sid, &got));
    assert_ok(OPS->session_get(tx, rotated.sid, &got));
    do
        assert_ok(OPS->sweep(tx, seen + 3600000 + SWEEP_IDLE_SLACK_MS, 10, &count));
    while (count > 0);
    assert_code(OPS->session_get(tx, touched.sid, &got), E_NOT_FOUND);
    assert_code(OPS->session_get(tx, rotated.sid, &got), E_NOT_FOUND);
    commit(store, tx);
}

void sweep_goes_in_small_steps(void **state)
{
    (void)state;
    enum { SESSIONS = 300 };
    struct store_tx *tx = open_write(store);
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session_record r = sample_session(i, somebody(1));
        assert_ok(OPS->session_create(tx, &r));
    }
    uint32_t count = 0, done = 0;
    assert_ok(OPS->sweep(tx, INT64_MAX, 0, &count));
    assert_int_equal(count, 0);
    do {
        assert_ok(OPS->sweep(tx, INT64_MAX, 130, &count));
        assert_in_range(count, 0, 130);
        done += count;
    } while (count > 0);
    assert_int_equal(done, SESSIONS);
    commit(store, tx);
    assert_int_equal(walk(NULL, 0, 10), 0);
}

/* More than an engine does in one step. */
enum { MANY = 700 };

static struct session_record *make_many(void)
{
    struct session_record *records = calloc(MANY, sizeof *records);
    assert_non_null(records);
    for (unsigned i = 0; i < MANY; i++)
        records[i] = sample_session(i, somebody(i % 7));
    return records;
}

static uint32_t count_sessions(void)
{
    if (engine->blind) { /* user by user */
        uint32_t sum = 0;
        for (unsigned i = 0; i < 7; i++) {
            struct user_id user = somebody(i);
            sum += walk(&user, 0, 10);
        }
        return sum;
    }
    struct session_record *records = calloc(MANY + 1, sizeof *records);
    uint32_t count = 0;
    assert_non_null(records);
    struct store_tx *tx = open_read(store);
    assert_ok(OPS->session_scan(tx, (struct session_id){{0}}, records, MANY + 1, &count));
    OPS->abort(tx);
    for (uint32_t i = 1; i < count; i++) /* in the order of the sids */
        assert_true(memcmp(&records[i - 1].sid, &records[i].sid, sizeof records[i].sid) < 0);
    free(records);
    return count;
}

void many_sessions_at_once(void **state)
{
    (void)state;
    struct session_record *records = make_many(), got;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->session_create_many(tx, records, 0));
    assert_ok(OPS->session_create_many(tx, records, MANY));
    commit(store, tx);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(read_session(records[i].sid, &got), CARDEA_OK);
        same_session(&got, &records[i]);
    }
    assert_int_equal(count_sessions(), MANY);
    /* Each is a session as any other: it is its user's, and rotates. */
    uint32_t count = 0;
    tx = open_write(store);
    assert_ok(OPS->session_delete_below(tx, somebody(3), INT64_MAX, MANY, &count));
    assert_int_equal(count, MANY / 7);
    commit(store, tx);
    assert_int_equal(count_sessions(), MANY - MANY / 7);
    free(records);
}

void a_taken_sid_among_many(void **state)
{
    (void)state;
    struct session_record *records = make_many(), other = sample_session(5000, somebody(1)), got;
    other.sid = records[MANY / 2].sid;
    put_session(&other);
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->mark(tx));
    assert_code(OPS->session_create_many(tx, records, MANY), E_CONFLICT);
    assert_ok(OPS->undo(tx));
    commit(store, tx);
    assert_int_equal(count_sessions(), 1);
    assert_int_equal(read_session(other.sid, &got), CARDEA_OK);
    same_session(&got, &other);
    free(records);
    tx = open_read(store);
    assert_code(OPS->session_create_many(tx, &other, 1), E_INTERNAL);
    OPS->abort(tx);
}

void sessions_are_erased(void **state)
{
    (void)state;
    struct session_record *records = make_many();
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->session_create_many(tx, records, MANY));
    commit(store, tx);
    tx = open_write(store);
    if (engine->blind) {
        assert_code(OPS->session_erase(tx), E_LIMIT);
        OPS->abort(tx);
        free(records);
        return;
    }
    assert_ok(OPS->session_erase(tx));
    commit(store, tx);
    assert_int_equal(count_sessions(), 0);
    put_session(&records[0]);
    assert_int_equal(count_sessions(), 1);
    free(records);
    tx = open_read(store);
    assert_code(OPS->session_erase(tx), E_INTERNAL);
    OPS->abort(tx);
}

/* In transactions; what they promise beside that has its cases in sessions_conformance.c. */
void counters_and_codes(void **state)
{
    (void)state;
    struct counter_step steps[] = {{.id = {{1}}, .add = 2, .window_ms = 60000, .stop_above = INT64_MAX},
                                   {.id = {{2}}, .add = 1, .window_ms = 60000, .stop_above = 0},
                                   {.id = {{3}}, .add = 1, .window_ms = 60000, .stop_above = 0}};
    struct code_value code = {.len = 3, .bytes = "abc"}, got = {.len = 9};
    int64_t values[3] = {7, 7, 7}, now = 1700000000000;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->count(tx, now, steps, 3, values));
    assert_int_equal(values[0], 2);
    assert_int_equal(values[1], 1);
    assert_int_equal(values[2], -1);
    assert_ok(OPS->code_put(tx, now, (struct code_id){{5}}, &code, 60000));
    assert_ok(OPS->keep(tx));
    commit(store, tx);
    tx = open_write(store);
    assert_ok(OPS->count(tx, now, steps, 1, values));
    assert_int_equal(values[0], 4);
    assert_code(OPS->code_put(tx, now, (struct code_id){{5}}, &(struct code_value){.len = 1}, 60000), E_CONFLICT);
    assert_ok(OPS->code_take(tx, now, (struct code_id){{5}}, &got));
    assert_int_equal(got.len, 3);
    assert_memory_equal(got.bytes, code.bytes, 3);
    commit(store, tx);
    tx = open_read(store);
    assert_code(OPS->code_take(tx, now, (struct code_id){{5}}, &got), E_INTERNAL);
    assert_code(OPS->code_put(tx, now, (struct code_id){{6}}, &code, 60000), E_INTERNAL);
    assert_code(OPS->count(tx, now, steps, 1, values), E_INTERNAL);
    OPS->abort(tx);
    tx = open_write(store);
    assert_code(OPS->code_take(tx, now, (struct code_id){{5}}, &got), E_NOT_FOUND);
    commit(store, tx);
}
