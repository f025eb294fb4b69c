/* Who has heard of a change, who can no longer act by what was before it, and who is still awaited: judged by what the
 * registry showed and by our own clock. The registry here is a list that the test writes. */
#include "check.h"

#include "core/receipt.h"

#include <stdlib.h>

enum { LEASE_MS = 2000, BOUND_MS = LEASE_MS + LEASE_MS / LEASE_DRIFT_PARTS + 1, POSITION = 100 };

static struct fixture {
    struct registry_view view;
    struct receipt_wait wait;
    struct receipt receipt;
    struct verifier_record records[8];
    uint32_t count;
    int64_t now_ms;
} * f;

static const uint8_t own_id[16] = {50};

static int set_up(void **state)
{
    (void)state;
    f = calloc(1, sizeof *f);
    if (f == NULL)
        return 1;
    f->now_ms = 1000000;
    registry_view_init(&f->view, own_id, true, LEASE_MS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(f);
    return 0;
}

/* A verifier appears, in the order of ids. */
static struct verifier_record *appear(uint8_t id, uint64_t n)
{
    uint32_t at = 0;
    while (at < f->count && f->records[at].id[0] < id)
        at++;
    memmove(&f->records[at + 1], &f->records[at], (f->count - at) * sizeof f->records[0]);
    f->count++;
    f->records[at] =
        (struct verifier_record){.id = {id}, .kind = VERIFIER_NODE, .n = n, .renewals = 1, .lease_ms = LEASE_MS};
    return &f->records[at];
}

static struct verifier_record *of(uint8_t id)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (f->records[i].id[0] == id)
            return &f->records[i];
    fail_msg("no verifier %u", id);
    return NULL;
}

static void renew(uint8_t id, uint64_t n)
{
    of(id)->n = n;
    of(id)->renewals++;
}

static void leave(uint8_t id)
{
    struct verifier_record *r = of(id);
    memmove(r, r + 1, (size_t)(&f->records[f->count] - (r + 1)) * sizeof *r);
    f->count--;
}

static void commit(void)
{
    f->wait = (struct receipt_wait){.position = POSITION, .committed_ms = f->now_ms};
}

/* The registry is read, some time later. */
static bool look(int64_t later_ms)
{
    f->now_ms += later_ms;
    memcpy(f->view.records, f->records, sizeof f->records);
    f->view.record_count = f->count;
    registry_view_read(&f->view, f->now_ms);
    return receipt_judge(&f->view, &f->wait, true, f->now_ms, &f->receipt);
}

/* It can not be read. */
static bool look_in_vain(int64_t later_ms)
{
    f->now_ms += later_ms;
    return receipt_judge(&f->view, &f->wait, false, f->now_ms, &f->receipt);
}

static void counts(uint32_t acknowledged, uint32_t expired, uint32_t pending)
{
    assert_int_equal(f->receipt.position, POSITION);
    assert_int_equal(f->receipt.acknowledged, acknowledged);
    assert_int_equal(f->receipt.expired, expired);
    assert_int_equal(f->receipt.pending, pending);
    assert_int_equal(f->receipt.ms, f->now_ms - f->wait.committed_ms);
}

static void alone_it_is_answered_at_once(void **state)
{
    (void)state;
    commit();
    assert_true(look(0));
    counts(1, 0, 0);
    assert_true(f->receipt.complete);
    assert_true(f->receipt.registry_readable);
}

static void its_own_record_is_not_waited_for(void **state)
{
    (void)state;
    appear(own_id[0], 3);
    commit();
    assert_true(look(0));
    counts(1, 0, 0);
}

static void a_command_is_no_verifier(void **state)
{
    (void)state;
    registry_view_init(&f->view, NULL, false, LEASE_MS);
    appear(1, POSITION);
    commit();
    assert_true(look(0));
    counts(1, 0, 0);
    leave(1);
    commit();
    assert_true(look(0));
    counts(0, 0, 0);
}

static void who_has_applied_it_has_acknowledged(void **state)
{
    (void)state;
    appear(1, POSITION - 1);
    appear(2, POSITION + 5);
    commit();
    assert_false(look(1));
    counts(2, 0, 1);
    assert_false(f->receipt.complete);
    renew(1, POSITION - 1); /* a renewal that had been under way */
    assert_false(look(1));
    counts(2, 0, 1);
    renew(1, POSITION);
    assert_true(look(1));
    counts(3, 0, 0);
    assert_true(f->receipt.complete);
}

static void a_silent_one_is_waited_for_until_its_lease_is_over(void **state)
{
    (void)state;
    appear(1, POSITION - 1);
    commit();
    assert_false(look(5)); /* first seen here: L counts from here */
    assert_false(look(BOUND_MS - 1));
    counts(1, 0, 1);
    assert_true(look(1));
    counts(1, 1, 0);
}

/* It may have asked just before the change: what it then writes late begins its time anew. */
static void a_renewal_without_the_change_begins_the_time_anew(void **state)
{
    (void)state;
    appear(1, POSITION - 1);
    commit();
    assert_false(look(0));
    renew(1, POSITION - 1);
    assert_false(look(BOUND_MS - 1));
    assert_false(look(BOUND_MS - 1));
    counts(1, 0, 1);
    assert_true(look(1));
    counts(1, 1, 0);
}

/* That it was silent long before says nothing of what it may have asked for just before the change. */
static void silence_before_the_change_does_not_count(void **state)
{
    (void)state;
    appear(1, POSITION - 1);
    commit();
    assert_false(look(0));
    assert_true(look(BOUND_MS * 10));
    commit();
    assert_false(look(0));
    assert_false(look(BOUND_MS - 1));
    assert_true(look(1));
    counts(1, 1, 0);
}

static void each_has_its_own_lease(void **state)
{
    (void)state;
    appear(1, POSITION - 1)->lease_ms = 10000;
    appear(2, POSITION - 1)->lease_ms = 1000;
    commit();
    assert_false(look(0));
    assert_false(look(1011));
    counts(1, 1, 1);
    assert_false(look(10101 - 1011 - 1));
    assert_true(look(1));
    counts(1, 2, 0);
}

static void one_that_appears_later_is_not_waited_for(void **state)
{
    (void)state;
    appear(5, POSITION - 1);
    commit();
    assert_false(look(0));
    appear(1, 0);
    appear(9, POSITION + 1);
    assert_false(look(1));
    counts(1, 0, 1);
    renew(5, POSITION);
    assert_true(look(1));
    counts(2, 0, 0);
    /* The next change waits for them all. */
    commit();
    assert_false(look(1));
    counts(3, 0, 1);
}

/* It reads a node's memory, and that may be behind. */
static void a_remote_one_that_appears_later_is_waited_for(void **state)
{
    (void)state;
    appear(5, POSITION - 1);
    commit();
    assert_false(look(0));
    appear(1, 0)->kind = VERIFIER_REMOTE;
    renew(5, POSITION);
    assert_false(look(1));
    counts(2, 0, 1);
    renew(1, POSITION);
    assert_true(look(1));
    counts(3, 0, 0);
    appear(2, 0)->kind = VERIFIER_REMOTE;
    commit();
    assert_false(look(0));
    leave(2);
    assert_true(look(0));
    counts(3, 1, 0);
}

static void one_that_has_left_counts_as_expired(void **state)
{
    (void)state;
    appear(1, POSITION - 1);
    appear(2, POSITION - 1);
    commit();
    assert_false(look(0));
    leave(1);
    assert_false(look(1));
    counts(1, 1, 1);
    leave(2);
    assert_true(look(1));
    counts(1, 2, 0);
}

static void a_restart_under_a_new_id_is_two(void **state)
{
    (void)state;
    appear(3, POSITION - 1);
    commit();
    assert_false(look(0));
    appear(2, POSITION); /* started anew, and its record of before stands there until somebody takes it away */
    assert_false(look(1));
    counts(1, 0, 1);
    assert_true(look(BOUND_MS));
    counts(1, 1, 0);
}

static void an_id_that_comes_back_is_seen_anew(void **state)
{
    (void)state;
    appear(3, POSITION - 1);
    commit();
    assert_false(look(0));
    leave(3);
    assert_true(look(1));
    appear(3, POSITION - 1);
    commit();
    assert_false(look(1));
    counts(1, 0, 1);
}

static void where_nothing_can_be_read_the_time_alone_counts(void **state)
{
    (void)state;
    commit();
    assert_false(look_in_vain(10));
    counts(1, 0, 0);
    assert_false(f->receipt.registry_readable);
    assert_false(look_in_vain(BOUND_MS - 11));
    assert_false(f->receipt.complete);
    assert_true(look_in_vain(1));
    counts(1, 0, 0);
    assert_true(f->receipt.complete);
    assert_false(f->receipt.registry_readable);
}

static void the_longest_lease_known_is_waited_for(void **state)
{
    (void)state;
    appear(1, POSITION - 1)->lease_ms = 20000;
    commit();
    assert_false(look(0));
    leave(1);
    assert_true(look(0));
    commit();
    assert_false(look_in_vain(20200));
    assert_true(look_in_vain(1));
}

static void a_registry_that_goes_away_meanwhile(void **state)
{
    (void)state;
    appear(1, POSITION - 1);
    appear(2, POSITION);
    commit();
    assert_false(look(1));
    assert_false(look_in_vain(BOUND_MS - 2));
    counts(2, 0, 1);
    assert_true(look_in_vain(1));
    counts(2, 1, 0);
    assert_true(f->receipt.registry_readable);
}

static void a_registry_that_comes_back_is_asked(void **state)
{
    (void)state;
    appear(1, POSITION - 1);
    commit();
    assert_false(look_in_vain(1));
    assert_false(look(BOUND_MS - 2));
    counts(1, 0, 1);
    renew(1, POSITION);
    assert_true(look(1));
    counts(2, 0, 0);
    assert_true(f->receipt.registry_readable);
}

static void what_everybody_has_heard(void **state)
{
    (void)state;
    assert_true(registry_view_heard(&f->view, f->now_ms) == UINT64_MAX);
    appear(own_id[0], 1);
    appear(1, 70);
    appear(2, 60);
    commit();
    (void)look(0);
    assert_int_equal(registry_view_heard(&f->view, f->now_ms), 60);
    renew(1, 70);
    (void)look(BOUND_MS - 1);
    assert_int_equal(registry_view_heard(&f->view, f->now_ms), 60);
    (void)look(1); /* 2 has been silent for too long */
    assert_int_equal(registry_view_heard(&f->view, f->now_ms), 70);
    renew(2, 65);
    (void)look(1);
    assert_int_equal(registry_view_heard(&f->view, f->now_ms), 65);
}

static void the_dead(void **state)
{
    (void)state;
    struct verifier_record dead = {.renewals = 77};
    appear(1, 7)->lease_ms = 60000;
    appear(2, 8);
    appear(own_id[0], 1);
    commit();
    (void)look(0);
    (void)look(9999);
    assert_false(registry_view_dead(&f->view, f->now_ms, 10000, &dead));
    renew(2, 8);
    (void)look(1);
    assert_false(registry_view_dead(&f->view, f->now_ms, 10000, &dead)); /* a lease of 60 s */
    assert_int_equal(dead.renewals, 77);
    (void)look(10000);
    assert_true(registry_view_dead(&f->view, f->now_ms, 10000, &dead));
    assert_int_equal(dead.id[0], 2);
    assert_int_equal(dead.renewals, 2);
    leave(2);
    (void)look(40000);
    assert_false(registry_view_dead(&f->view, f->now_ms, 10000, &dead));
    (void)look(601);
    assert_true(registry_view_dead(&f->view, f->now_ms, 10000, &dead));
    assert_int_equal(dead.id[0], 1);
}

static void the_text(void **state)
{
    (void)state;
    char text[RECEIPT_JSON_MAX];
    struct buf b = buf_fixed(text, sizeof text - 1);
    struct json_writer w = json_writer(&b);
    const struct receipt r = {.position = UINT64_C(9007199254740991),
                              .acknowledged = 2,
                              .expired = 1,
                              .pending = 3,
                              .ms = 17,
                              .stateless = true};
    receipt_write(&w, &r);
    buf_terminate(&b);
    assert_true(buf_ok(&b));
    assert_string_equal(text,
                        "{\"position\":9007199254740991,\"complete\":false,\"acknowledged\":2,\"expired\":1,"
                        "\"pending\":3,\"registry\":\"unreadable\",\"unleased\":[\"jwks\",\"stateless\"],\"ms\":17}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(alone_it_is_answered_at_once),
        TEST(its_own_record_is_not_waited_for),
        TEST(a_command_is_no_verifier),
        TEST(who_has_applied_it_has_acknowledged),
        TEST(a_silent_one_is_waited_for_until_its_lease_is_over),
        TEST(a_renewal_without_the_change_begins_the_time_anew),
        TEST(silence_before_the_change_does_not_count),
        TEST(each_has_its_own_lease),
        TEST(one_that_appears_later_is_not_waited_for),
        TEST(a_remote_one_that_appears_later_is_waited_for),
        TEST(one_that_has_left_counts_as_expired),
        TEST(a_restart_under_a_new_id_is_two),
        TEST(an_id_that_comes_back_is_seen_anew),
        TEST(where_nothing_can_be_read_the_time_alone_counts),
        TEST(the_longest_lease_known_is_waited_for),
        TEST(a_registry_that_goes_away_meanwhile),
        TEST(a_registry_that_comes_back_is_asked),
        TEST(what_everybody_has_heard),
        TEST(the_dead),
        TEST(the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
