#include "sessions_conformance.h"

#include "internal.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>

static const struct sessions_under_test *under_test;
/* Two handles on one engine; where that is not possible, one twice. */
static struct sessions *one, *two;
static int64_t now = 1700000000000;

static int64_t soon(void)
{
    return conformance_boot_ms() + 5000;
}

static int each_setup(void **state)
{
    (void)state;
    if (under_test->wipe != NULL)
        under_test->wipe();
    one = under_test->open();
    two = under_test->alone ? one : under_test->open();
    return one == NULL || two == NULL ? -1 : 0;
}

static int each_teardown(void **state)
{
    (void)state;
    if (two != one)
        two->ops->close(two);
    one->ops->close(one);
    if (under_test->wipe != NULL)
        under_test->wipe();
    return 0;
}

static struct session_record session(unsigned number)
{
    return sample_session(number, sample_user(1).id);
}

/* --- sessions --- */

static void a_record_is_what_was_written(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct session_record r = session(i), other = session(i + 100), got;
        memset(&got, 0x77, sizeof got);
        assert_code(one->ops->get(one, soon(), r.sid, &got), E_NOT_FOUND);
        assert_int_equal(got.epoch, 0x7777777777777777);
        assert_ok(one->ops->create(one, soon(), &r));
        other.sid = r.sid;
        assert_code(two->ops->create(two, soon(), &other), E_CONFLICT);
        assert_ok(two->ops->get(two, soon(), r.sid, &got));
        same_session(&got, &r);
    }
    struct session_record none = session(50);
    none.kind = SESSION_KIND_UNSET;
    assert_code(one->ops->create(one, soon(), &none), E_INTERNAL);
}

static void a_rotation_replaces_the_refresh_state_alone(void **state)
{
    (void)state;
    struct session_record r = session(1), next, got;
    assert_ok(one->ops->create(one, soon(), &r));
    next = r;
    next.generation = r.generation + 1;
    memset(next.refresh_digest, 0x31, sizeof next.refresh_digest);
    memset(next.refresh_nonce, 0x32, sizeof next.refresh_nonce);
    next.rotated_at_ms += 10;
    next.last_seen_at_ms += 10;
    struct session_record asked = next;
    asked.epoch = 99;
    asked.expires_at_ms = INT64_MAX;
    assert_code(one->ops->rotate(one, soon(), &asked, r.generation + 1), E_CONFLICT);
    assert_ok(one->ops->rotate(one, soon(), &asked, r.generation));
    assert_ok(two->ops->get(two, soon(), r.sid, &got));
    same_session(&got, &next);
    asked.sid.bytes[0] ^= 0xff;
    assert_code(two->ops->rotate(two, soon(), &asked, r.generation), E_NOT_FOUND);
    asked.generation = UINT64_MAX;
    assert_false(cardea_ok(two->ops->rotate(two, soon(), &asked, r.generation)));
}

/* As one by one would answer; an engine may leave both out. */
static void many_are_read_and_rotated_together(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static struct session_record records[MANY], got[MANY];
    static struct session_id sids[MANY];
    static struct cardea_status answers[MANY];
    static struct session_rotation rotations[MANY];
    assert_int_equal(one->ops->get_many == NULL, one->ops->rotate_many == NULL);
    if (one->ops->get_many == NULL)
        return;
    for (unsigned i = 0; i < MANY; i++) {
        records[i] = session(i);
        sids[i] = records[i].sid;
        if (i % 3 != 0)
            assert_ok(one->ops->create(one, soon(), &records[i]));
        rotations[i] = (struct session_rotation){.record = &records[i],
                                                 .expected_generation = records[i].generation + (i % 3 == 2)};
    }
    assert_ok(two->ops->get_many(two, soon(), sids, MANY, got, answers));
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(answers[i].code, i % 3 == 0 ? CARDEA_E_NOT_FOUND : CARDEA_OK);
        if (i % 3 != 0)
            same_session(&got[i], &records[i]);
        records[i].generation++;
    }
    assert_ok(two->ops->rotate_many(two, soon(), rotations, MANY));
    assert_ok(one->ops->get_many(one, soon(), sids, MANY, got, answers));
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(rotations[i].answer.code, i % 3 == 0   ? CARDEA_E_NOT_FOUND
                                                   : i % 3 == 1 ? CARDEA_OK
                                                                : CARDEA_E_CONFLICT);
        if (i % 3 != 0)
            assert_int_equal(got[i].generation, records[i].generation - (i % 3 == 2));
    }
}

static void what_is_removed_is_gone_and_stays_so(void **state)
{
    (void)state;
    struct session_record a = session(1), b = session(2), got;
    assert_ok(one->ops->create(one, soon(), &a));
    assert_ok(one->ops->create(one, soon(), &b));
    struct session_id sids[] = {session(9).sid, a.sid};
    assert_ok(two->ops->remove(two, soon(), sids, 2));
    assert_ok(two->ops->remove(two, soon(), sids, 0));
    assert_code(one->ops->get(one, soon(), a.sid, &got), E_NOT_FOUND);
    struct session_record next = a;
    next.generation++;
    int64_t seen = a.last_seen_at_ms + 1000;
    assert_code(one->ops->rotate(one, soon(), &next, a.generation), E_NOT_FOUND);
    assert_ok(one->ops->touch(one, soon(), &a.sid, &seen, 1));
    assert_code(one->ops->get(one, soon(), a.sid, &got), E_NOT_FOUND);
    assert_ok(one->ops->get(one, soon(), b.sid, &got));
}

static void last_seen_moves_forward_only(void **state)
{
    (void)state;
    struct session_record r = session(1), got;
    assert_ok(one->ops->create(one, soon(), &r));
    struct session_id sids[] = {session(9).sid, r.sid, r.sid};
    int64_t seen[] = {r.last_seen_at_ms + 1, r.last_seen_at_ms + 700, r.last_seen_at_ms + 300};
    assert_ok(two->ops->touch(two, soon(), sids, seen, 3));
    assert_ok(one->ops->get(one, soon(), r.sid, &got));
    r.last_seen_at_ms += 700;
    same_session(&got, &r);
}

static void those_below_an_epoch_are_found_in_order(void **state)
{
    (void)state;
    struct user_id user = sample_user(1).id;
    struct session_id found[4], after = {{0}};
    uint32_t count = 4, seen = 0;
    for (unsigned i = 0; i < 15; i++) { /* epochs 1 … 5, three of each */
        struct session_record r = session(i);
        assert_ok(one->ops->create(one, soon(), &r));
    }
    struct session_record other = sample_session(40, sample_user(2).id);
    assert_ok(one->ops->create(one, soon(), &other));
    while (count == 4) {
        assert_ok(two->ops->find_below(two, soon(), user, 4, after, found, 4, &count));
        for (uint32_t i = 0; i < count; i++) {
            assert_true(memcmp(&after, &found[i], sizeof after) < 0);
            after = found[i];
        }
        seen += count;
    }
    assert_int_equal(seen, 9);
    assert_ok(two->ops->find_below(two, soon(), user, 1, (struct session_id){{0}}, found, 4, &count));
    assert_int_equal(count, 0);
}

static void a_users_sessions_are_listed_newest_first(void **state)
{
    (void)state;
    struct user_id user = sample_user(1).id;
    struct session_record out[4], last = {.created_at_ms = INT64_MAX};
    struct page page = {.limit = 4};
    struct cursor next;
    uint32_t count = 0, seen = 0;
    for (unsigned i = 0; i < 15; i++) {
        struct session_record r = session(i);
        r.created_at_ms = now + i / 3;
        assert_ok(one->ops->create(one, soon(), &r));
    }
    do {
        assert_ok(two->ops->list(two, soon(), &user, 2, &page, out, &count, &next));
        for (uint32_t i = 0; i < count; i++) {
            assert_true(out[i].epoch >= 2);
            assert_true(
                out[i].created_at_ms < last.created_at_ms ||
                (out[i].created_at_ms == last.created_at_ms && memcmp(&out[i].sid, &last.sid, sizeof last.sid) < 0));
            last = out[i];
        }
        seen += count;
        page.after = next;
    } while (next.text[0] != '\0');
    assert_int_equal(seen, 12);
    memcpy(page.after.text, "nonsense", 9);
    assert_code(two->ops->list(two, soon(), &user, 2, &page, out, &count, &next), E_INVALID_FIELD);
}

static void all_are_seen_or_the_engine_says_that_it_can_not(void **state)
{
    (void)state;
    struct session_record out[4];
    struct session_id after = {{0}};
    uint32_t count = 4, seen = 0;
    for (unsigned i = 0; i < 10; i++) {
        struct session_record r = session(i);
        assert_ok(one->ops->create(one, soon(), &r));
    }
    if (under_test->blind) {
        struct page page = {.limit = 4};
        struct cursor next;
        assert_code(one->ops->scan(one, soon(), after, out, 4, &count), E_LIMIT);
        assert_code(one->ops->list(one, soon(), NULL, 0, &page, out, &count, &next), E_LIMIT);
        assert_code(sessions_erase(one, soon()), E_LIMIT);
        return;
    }
    while (count == 4) {
        assert_ok(two->ops->scan(two, soon(), after, out, 4, &count));
        for (uint32_t i = 0; i < count; i++) {
            assert_true(memcmp(&after, &out[i].sid, sizeof after) < 0);
            after = out[i].sid;
        }
        seen += count;
    }
    assert_int_equal(seen, 10);
    assert_ok(sessions_erase(two, soon()));
    assert_ok(one->ops->scan(one, soon(), (struct session_id){{0}}, out, 4, &count));
    assert_int_equal(count, 0);
}

/* --- rivals --- */

enum { RIVALS = 4, ROUNDS = 40 };

struct rival {
    struct sessions *sessions;
    unsigned number;
    uint32_t won;
    bool failed; /* neither yes nor no */
    int64_t highest;
};

static void race(void *(*run)(void *), struct rival rivals[RIVALS])
{
    pthread_t threads[RIVALS];
    for (unsigned i = 0; i < RIVALS; i++) {
        rivals[i] = (struct rival){.sessions = i % 2 == 0 ? one : two, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &rivals[i]), 0);
    }
    for (unsigned i = 0; i < RIVALS; i++)
        (void)pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < RIVALS; i++)
        assert_false(rivals[i].failed);
}

static void *rotate_all(void *context)
{
    struct rival *r = context;
    for (uint64_t g = 1; g <= ROUNDS; g++) {
        struct session_record next = session(1);
        next.generation = g + 1;
        memset(next.refresh_nonce, (int)r->number + 1, sizeof next.refresh_nonce);
        struct cardea_status s = r->sessions->ops->rotate(r->sessions, soon(), &next, g);
        r->won += cardea_ok(s);
        r->failed = r->failed || (!cardea_ok(s) && s.code != CARDEA_E_CONFLICT);
    }
    return NULL;
}

static void of_rivals_one_rotates(void **state)
{
    (void)state;
    struct rival rivals[RIVALS];
    struct session_record r = session(1), got;
    uint32_t won = 0;
    r.generation = 1;
    assert_ok(one->ops->create(one, soon(), &r));
    race(rotate_all, rivals);
    for (unsigned i = 0; i < RIVALS; i++)
        won += rivals[i].won;
    assert_ok(two->ops->get(two, soon(), r.sid, &got));
    assert_int_equal(won, got.generation - 1);
    assert_true(won > 0);
}

/* --- counters --- */

static struct counter_step step(unsigned id, int32_t add)
{
    struct counter_step s = {.add = add, .window_ms = 60000, .stop_above = INT64_MAX};
    memset(s.id.bytes, (int)id, sizeof s.id.bytes);
    return s;
}

static int64_t count_one(struct sessions *s, unsigned id, int32_t add)
{
    struct counter_step step_one = step(id, add);
    int64_t value = -7;
    assert_ok(s->ops->count(s, soon(), now, &step_one, 1, &value));
    return value;
}

static void counters_rise_and_fall(void **state)
{
    (void)state;
    assert_int_equal(count_one(one, 1, 0), 0);
    assert_int_equal(count_one(one, 1, -3), 0); /* which makes none */
    assert_int_equal(count_one(one, 1, 1), 1);
    assert_int_equal(count_one(two, 1, 1), 2);
    assert_int_equal(count_one(one, 1, 40), 42);
    assert_int_equal(count_one(two, 1, 0), 42);
    assert_int_equal(count_one(two, 2, 5), 5);
    assert_int_equal(count_one(one, 1, -33), 9); /* from two digits to one */
    assert_int_equal(count_one(one, 1, 0), 9);
    assert_int_equal(count_one(one, 1, -100), 0);
    assert_int_equal(count_one(one, 1, 3), 3);
    struct counter_step bad[COUNTER_STEPS_MAX + 1] = {step(1, 1)};
    int64_t values[COUNTER_STEPS_MAX + 1];
    for (int i = 0; i <= COUNTER_STEPS_MAX; i++)
        bad[i] = step(1, 0);
    assert_code(one->ops->count(one, soon(), now, bad, COUNTER_STEPS_MAX + 1, values), E_INTERNAL);
    assert_ok(one->ops->count(one, soon(), now, bad, COUNTER_STEPS_MAX, values));
    assert_ok(one->ops->count(one, soon(), now, bad, 0, values));
    bad[0].window_ms = 0;
    assert_code(one->ops->count(one, soon(), now, bad, 1, values), E_INTERNAL);
    bad[0] = step(1, COUNTER_ADD_MAX + 1);
    assert_code(one->ops->count(one, soon(), now, bad, 1, values), E_INTERNAL);
}

static void steps_stop_where_they_are_told(void **state)
{
    (void)state;
    struct counter_step steps[] = {step(1, 1), step(2, 1), step(3, 1)};
    int64_t values[3];
    steps[1].stop_above = 2;
    for (int i = 1; i <= 4; i++) {
        assert_ok(one->ops->count(i % 2 == 0 ? two : one, soon(), now, steps, 3, values));
        assert_int_equal(values[0], i);
        assert_int_equal(values[1], i);
        assert_int_equal(values[2], i <= 2 ? i : -1);
    }
    assert_int_equal(count_one(two, 3, 0), 2);
    steps[0].stop_above = -1;
    assert_ok(one->ops->count(one, soon(), now, steps, 3, values));
    assert_int_equal(values[1], -1);
}

/* Wait for the engine's own clock, or move ours. */
static bool until(int64_t later_ms, int *tries)
{
    if (!under_test->expires) {
        now += later_ms;
        return (*tries)++ == 0;
    }
    (void)poll(NULL, 0, 10);
    return (*tries)++ < 1000;
}

static void a_counter_forgets_after_its_window(void **state)
{
    (void)state;
    struct counter_step brief = step(1, 1);
    int64_t value = 0;
    int tries = 0;
    brief.window_ms = 50;
    assert_ok(one->ops->count(one, soon(), now, &brief, 1, &value));
    assert_int_equal(value, 1);
    (void)count_one(one, 2, 1);
    do {
        if (!until(50, &tries))
            break;
        value = count_one(two, 1, 0);
    } while (value != 0);
    assert_int_equal(value, 0);
    assert_int_equal(count_one(one, 1, 1), 1);
    assert_int_equal(count_one(one, 2, 0), 1);
}

static void *count_often(void *context)
{
    struct rival *r = context;
    struct counter_step steps[] = {step(1, 1), step(2, 1)};
    int64_t values[2], last = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct cardea_status s = r->sessions->ops->count(r->sessions, soon(), now, steps, 2, values);
        r->failed = r->failed || !cardea_ok(s) || values[0] <= last;
        last = values[0];
        r->won += values[1] == 1;
    }
    r->highest = last;
    return NULL;
}

static void no_count_is_lost(void **state)
{
    (void)state;
    struct rival rivals[RIVALS];
    uint32_t first = 0;
    int64_t highest = 0;
    race(count_often, rivals);
    for (unsigned i = 0; i < RIVALS; i++) {
        first += rivals[i].won;
        highest = rivals[i].highest > highest ? rivals[i].highest : highest;
    }
    assert_int_equal(first, 1); /* one of them made it */
    assert_int_equal(highest, RIVALS * ROUNDS);
    assert_int_equal(count_one(one, 1, 0), RIVALS * ROUNDS);
}

/* --- codes --- */

static struct code_id code(unsigned number)
{
    struct code_id id;
    memset(id.bytes, 0x40 + (int)number, sizeof id.bytes);
    return id;
}

static struct code_value value_of(const char *text)
{
    struct code_value v = {.len = (uint16_t)strlen(text)};
    memcpy(v.bytes, text, v.len);
    return v;
}

static void a_code_is_given_once(void **state)
{
    (void)state;
    struct code_value v = value_of("what it stands for"), other = value_of("another"), got = {.len = 7};
    assert_code(one->ops->code_take(one, soon(), now, code(1), &got), E_NOT_FOUND);
    assert_ok(one->ops->code_put(one, soon(), now, code(1), &v, 60000));
    assert_code(two->ops->code_put(two, soon(), now, code(1), &other, 60000), E_CONFLICT);
    assert_ok(two->ops->code_put(two, soon(), now, code(2), &other, 60000));
    assert_ok(two->ops->code_take(two, soon(), now, code(1), &got));
    assert_int_equal(got.len, v.len);
    assert_memory_equal(got.bytes, v.bytes, v.len);
    got.len = 7;
    assert_code(one->ops->code_take(one, soon(), now, code(1), &got), E_NOT_FOUND);
    assert_int_equal(got.len, 7);
    assert_ok(one->ops->code_take(one, soon(), now, code(2), &got));
    assert_int_equal(got.len, other.len);
}

static void codes_at_their_limits(void **state)
{
    (void)state;
    struct code_value full = {.len = CODE_VALUE_MAX}, empty = {.len = 0}, got = {.len = 7};
    for (unsigned i = 0; i < CODE_VALUE_MAX; i++)
        full.bytes[i] = (uint8_t)(i * 7);
    assert_ok(one->ops->code_put(one, soon(), now, code(1), &full, CODE_TTL_MAX_MS));
    assert_ok(one->ops->code_put(one, soon(), now, code(2), &empty, 60000));
    assert_ok(two->ops->code_take(two, soon(), now, code(2), &got));
    assert_int_equal(got.len, 0);
    assert_ok(two->ops->code_take(two, soon(), now, code(1), &got));
    assert_int_equal(got.len, CODE_VALUE_MAX);
    assert_memory_equal(got.bytes, full.bytes, CODE_VALUE_MAX);
    assert_code(one->ops->code_put(one, soon(), now, code(3), &empty, 0), E_INTERNAL);
    assert_code(one->ops->code_put(one, soon(), now, code(3), &empty, (int64_t)CODE_TTL_MAX_MS + 1), E_INTERNAL);
    full.len++;
    assert_code(one->ops->code_put(one, soon(), now, code(3), &full, 1000), E_INTERNAL);
}

static void a_code_is_over_after_its_time(void **state)
{
    (void)state;
    struct code_value v = value_of("v"), other = value_of("other"), got;
    struct cardea_status s = CARDEA_FAIL(E_CONFLICT);
    int tries = 0;
    assert_ok(one->ops->code_put(one, soon(), now, code(1), &v, 50));
    assert_ok(one->ops->code_put(one, soon(), now, code(2), &v, 600000));
    do { /* by what takes nothing: whether the id is free again for another value */
        if (!until(50, &tries))
            break;
        s = under_test->expires ? two->ops->code_put(two, soon(), now, code(1), &other, 60000)
                                : two->ops->code_take(two, soon(), now, code(1), &got);
    } while (s.code == CARDEA_E_CONFLICT);
    if (under_test->expires) {
        assert_ok(s);
        assert_ok(one->ops->code_take(one, soon(), now, code(1), &got));
        assert_int_equal(got.len, other.len);
    } else {
        assert_int_equal(s.code, CARDEA_E_NOT_FOUND);
    }
    assert_ok(two->ops->code_take(two, soon(), now, code(2), &got));
}

static void *take_all(void *context)
{
    struct rival *r = context;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct code_value got;
        struct cardea_status s = r->sessions->ops->code_take(r->sessions, soon(), now, code(i), &got);
        r->won += cardea_ok(s);
        r->failed = r->failed || (!cardea_ok(s) && s.code != CARDEA_E_NOT_FOUND);
    }
    return NULL;
}

static void of_many_takers_one_gets_it(void **state)
{
    (void)state;
    struct rival rivals[RIVALS];
    struct code_value v = value_of("once");
    uint32_t won = 0;
    for (unsigned i = 0; i < ROUNDS; i++)
        assert_ok(one->ops->code_put(one, soon(), now, code(i), &v, 60000));
    race(take_all, rivals);
    for (unsigned i = 0; i < RIVALS; i++)
        won += rivals[i].won;
    assert_int_equal(won, ROUNDS);
}

static void the_sweep_takes_what_is_over(void **state)
{
    (void)state;
    struct code_value v = value_of("v"), got;
    uint32_t count = 9, swept = 0;
    if (!under_test->expires) {
        (void)count_one(one, 1, 1);
        assert_ok(one->ops->code_put(one, soon(), now, code(1), &v, 60000));
        assert_ok(one->ops->code_put(one, soon(), now, code(2), &v, 600000));
        assert_ok(one->ops->sweep(one, soon(), now + 59999, 10, &count));
        assert_int_equal(count, 0);
        do {
            assert_ok(one->ops->sweep(one, soon(), now + 60000, 1, &count));
            swept += count;
        } while (count > 0);
        assert_int_equal(swept, 2);
        assert_ok(one->ops->code_take(one, soon(), now, code(2), &got));
    }
    assert_ok(one->ops->sweep(one, soon(), now, 0, &count));
    assert_int_equal(count, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, each_setup, each_teardown)

int sessions_conformance_run(const struct sessions_under_test *engine_under)
{
    static const struct CMUnitTest cases[] = {
        CASE(a_record_is_what_was_written),
        CASE(a_rotation_replaces_the_refresh_state_alone),
        CASE(many_are_read_and_rotated_together),
        CASE(what_is_removed_is_gone_and_stays_so),
        CASE(last_seen_moves_forward_only),
        CASE(those_below_an_epoch_are_found_in_order),
        CASE(a_users_sessions_are_listed_newest_first),
        CASE(all_are_seen_or_the_engine_says_that_it_can_not),
        CASE(of_rivals_one_rotates),
        CASE(counters_rise_and_fall),
        CASE(steps_stop_where_they_are_told),
        CASE(a_counter_forgets_after_its_window),
        CASE(no_count_is_lost),
        CASE(a_code_is_given_once),
        CASE(codes_at_their_limits),
        CASE(a_code_is_over_after_its_time),
        CASE(of_many_takers_one_gets_it),
        CASE(the_sweep_takes_what_is_over),
    };
    under_test = engine_under;
    print_message("%s\n", under_test->name);
    return cmocka_run_group_tests_name("the sessions' role", cases, NULL, NULL);
}
