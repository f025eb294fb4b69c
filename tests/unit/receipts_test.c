/* Who waits for a receipt, and when each is answered. The registry is a list of the test's own behind a store that can
 * be away, hang and count; the clock is the test's, so nothing here depends on how fast anything is. */
#include "check.h"

#include "daemon/receipts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { LEASE_MS = 2000, POSITION = 100, FAR_MS = 1000000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static struct verifier_record records[4];
static uint32_t record_count, done_count;
static uint64_t readings;
static bool away, held;
static int64_t _Atomic now_ms;
static bool _Atomic everybody_gone;

struct store_tx {
    int unused;
};
static struct store_tx transaction;

static struct cardea_status fake_begin(struct store *s, enum store_mode mode, int64_t deadline_ms,
                                       struct store_tx **out)
{
    (void)s;
    assert_int_equal(mode, STORE_READ);
    assert_true(deadline_ms > 0);
    pthread_mutex_lock(&lock);
    bool refused = away;
    readings++;
    pthread_cond_broadcast(&moved);
    while (held)
        pthread_cond_wait(&moved, &lock);
    pthread_mutex_unlock(&lock);
    *out = &transaction;
    return refused ? CARDEA_FAIL(E_UNAVAILABLE) : CARDEA_SUCCESS;
}

static struct cardea_status fake_list(struct store_tx *tx, struct verifier_record *out, uint32_t cap,
                                      uint32_t *ret_count)
{
    assert_ptr_equal(tx, &transaction);
    pthread_mutex_lock(&lock);
    assert_true(record_count <= cap);
    memcpy(out, records, record_count * sizeof *out);
    *ret_count = record_count;
    pthread_mutex_unlock(&lock);
    return CARDEA_SUCCESS;
}

static void fake_abort(struct store_tx *tx)
{
    (void)tx;
}

static const struct store_ops ops = {
    .name = "fake", .begin = fake_begin, .abort = fake_abort, .verifier_list = fake_list};
static struct store store = {&ops};

static int64_t boot_ms(void)
{
    return now_ms;
}

static void done(void *context, struct receipt_waiter *w)
{
    (void)context;
    (void)w;
    pthread_mutex_lock(&lock);
    done_count++;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
}

static bool gone(void *context, const struct receipt_waiter *w)
{
    (void)context;
    (void)w;
    return everybody_gone;
}

static struct receipts *room;

static int set_up(void **state)
{
    const struct receipts_host host = {
        .store = &store, .boot_ms = boot_ms, .lease_ms = LEASE_MS, .done = done, .gone = gone};
    (void)state;
    memset(records, 0, sizeof records);
    record_count = done_count = 0;
    readings = 0;
    away = held = false;
    now_ms = 1000000;
    everybody_gone = false;
    return cardea_ok(receipts_open(&host, &room)) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    receipts_close(room);
    room = NULL;
    return 0;
}

static void silent_verifier(void)
{
    records[0] = (struct verifier_record){.id = {1}, .kind = VERIFIER_NODE, .renewals = 1, .lease_ms = LEASE_MS};
    record_count = 1;
}

static void acknowledge(void)
{
    pthread_mutex_lock(&lock);
    records[0].n = POSITION;
    records[0].renewals++;
    pthread_mutex_unlock(&lock);
}

static void await_done(uint32_t count)
{
    pthread_mutex_lock(&lock);
    while (done_count < count)
        pthread_cond_wait(&moved, &lock);
    pthread_mutex_unlock(&lock);
}

/* Some more whole readings have been made. */
static void await_readings(uint64_t more)
{
    pthread_mutex_lock(&lock);
    uint64_t until = readings + more;
    while (readings < until)
        pthread_cond_wait(&moved, &lock);
    pthread_mutex_unlock(&lock);
}

static uint32_t done_now(void)
{
    pthread_mutex_lock(&lock);
    uint32_t count = done_count;
    pthread_mutex_unlock(&lock);
    return count;
}

static uint64_t readings_now(void)
{
    pthread_mutex_lock(&lock);
    uint64_t count = readings;
    pthread_mutex_unlock(&lock);
    return count;
}

static void push(struct receipt_waiter *w)
{
    *w = (struct receipt_waiter){.wait.position = POSITION, .deadline_ms = now_ms + FAR_MS};
    receipts_push(room, w);
}

static void alone_it_is_done_by_one_reading(void **state)
{
    (void)state;
    struct receipt_waiter w;
    push(&w);
    await_done(1);
    assert_true(w.receipt.complete);
    assert_int_equal(w.receipt.position, POSITION);
    assert_int_equal(w.receipt.acknowledged, 1);
    assert_int_equal(readings_now(), 2); /* one at the start */
}

static void nobody_waits_and_nothing_is_read(void **state)
{
    (void)state;
    struct receipt_waiter w;
    static const struct timespec some = {.tv_nsec = 60 * 1000000};
    push(&w);
    await_done(1);
    nanosleep(&some, NULL); /* too short a sleep can only miss a fault */
    assert_int_equal(readings_now(), 2);
}

static void it_waits_for_the_acknowledgement(void **state)
{
    (void)state;
    struct receipt_waiter w;
    silent_verifier();
    push(&w);
    await_readings(3);
    assert_int_equal(done_now(), 0);
    assert_int_equal(receipts_waiting(room), 1);
    acknowledge();
    await_done(1);
    assert_true(w.receipt.complete);
    assert_int_equal(w.receipt.acknowledged, 2);
    assert_int_equal(receipts_waiting(room), 0);
}

static void a_lease_runs_out_by_our_clock(void **state)
{
    (void)state;
    struct receipt_waiter w;
    silent_verifier();
    push(&w);
    await_readings(2); /* the first of them is over */
    now_ms += lease_bound_ms(LEASE_MS) - 1;
    await_readings(2);
    assert_int_equal(done_now(), 0);
    now_ms += 1;
    await_done(1);
    assert_true(w.receipt.complete);
    assert_int_equal(w.receipt.expired, 1);
}

static void an_unreadable_registry_costs_a_lease(void **state)
{
    (void)state;
    struct receipt_waiter w;
    silent_verifier();
    away = true;
    push(&w);
    await_readings(2);
    now_ms += lease_bound_ms(LEASE_MS) - 1;
    await_readings(2);
    assert_int_equal(done_now(), 0);
    now_ms += 1;
    await_done(1);
    assert_true(w.receipt.complete);
    assert_false(w.receipt.registry_readable);
}

/* What was read while the commit was under way may not show who registered just before it. */
static void a_reading_that_began_before_does_not_count(void **state)
{
    (void)state;
    struct receipt_waiter first, second;
    silent_verifier();
    records[0].n = POSITION;
    pthread_mutex_lock(&lock);
    held = true;
    pthread_mutex_unlock(&lock);
    push(&first);
    pthread_mutex_lock(&lock);
    while (readings < 2)
        pthread_cond_wait(&moved, &lock);
    pthread_mutex_unlock(&lock);
    push(&second);
    pthread_mutex_lock(&lock);
    held = false;
    uint64_t before = readings;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    await_done(2);
    assert_true(readings_now() > before);
    assert_true(second.receipt.complete);
}

static void at_its_deadline_it_says_what_is_known(void **state)
{
    (void)state;
    struct receipt_waiter w;
    silent_verifier();
    w = (struct receipt_waiter){.wait.position = POSITION, .deadline_ms = now_ms + LEASE_MS / 2};
    receipts_push(room, &w);
    await_readings(2);
    now_ms += LEASE_MS / 2 - 1;
    await_readings(2);
    assert_int_equal(done_now(), 0);
    now_ms += 1;
    await_done(1);
    assert_false(w.receipt.complete);
    assert_int_equal(w.receipt.acknowledged, 1);
    assert_int_equal(w.receipt.pending, 1);
}

static void who_has_gone_frees_the_place(void **state)
{
    (void)state;
    struct receipt_waiter w;
    silent_verifier();
    push(&w);
    await_readings(2);
    assert_int_equal(done_now(), 0);
    everybody_gone = true;
    await_done(1);
    assert_false(w.receipt.complete);
    assert_int_equal(receipts_waiting(room), 0);
}

static void past_the_places_one_is_answered_with_what_is_known(void **state)
{
    (void)state;
    struct receipt_waiter *w = calloc(RECEIPTS_WAITING + 1, sizeof *w);
    assert_non_null(w);
    silent_verifier();
    for (uint32_t i = 0; i < RECEIPTS_WAITING; i++)
        push(&w[i]);
    await_readings(2);
    assert_int_equal(done_now(), 0);
    push(&w[RECEIPTS_WAITING]);
    await_done(1);
    assert_true(w[RECEIPTS_WAITING].hurried);
    assert_false(w[RECEIPTS_WAITING].receipt.complete);
    assert_int_equal(w[RECEIPTS_WAITING].receipt.pending, 1);
    assert_int_equal(receipts_waiting(room), RECEIPTS_WAITING);
    acknowledge();
    await_done(RECEIPTS_WAITING + 1);
    for (uint32_t i = 0; i < RECEIPTS_WAITING; i++)
        assert_true(w[i].receipt.complete);
    free(w);
}

static void a_stop_answers_everybody(void **state)
{
    (void)state;
    struct receipt_waiter w, late;
    silent_verifier();
    push(&w);
    await_readings(2);
    receipts_stop(room);
    assert_int_equal(done_now(), 1);
    assert_false(w.receipt.complete);
    assert_int_equal(w.receipt.pending, 1);
    push(&late);
    assert_int_equal(done_now(), 2);
    assert_false(late.receipt.complete);
    assert_int_equal(late.receipt.position, POSITION);
}

static void *acknowledge_later(void *nothing)
{
    (void)nothing;
    await_readings(2);
    acknowledge();
    return NULL;
}

static void a_command_waits_in_its_own_thread(void **state)
{
    (void)state;
    pthread_t other;
    struct receipt_waiter w = {.wait.position = POSITION, .deadline_ms = now_ms + FAR_MS};
    silent_verifier();
    assert_int_equal(pthread_create(&other, NULL, acknowledge_later, NULL), 0);
    receipts_wait_here(&store, boot_ms, LEASE_MS, &w);
    pthread_join(other, NULL);
    assert_true(w.receipt.complete);
    assert_int_equal(w.receipt.acknowledged, 1); /* the verifier: the command is none */
    records[0].n = 0;
    w.deadline_ms = now_ms;
    receipts_wait_here(&store, boot_ms, LEASE_MS, &w);
    assert_false(w.receipt.complete);
    assert_int_equal(w.receipt.pending, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(alone_it_is_done_by_one_reading),
        TEST(nobody_waits_and_nothing_is_read),
        TEST(it_waits_for_the_acknowledgement),
        TEST(a_lease_runs_out_by_our_clock),
        TEST(an_unreadable_registry_costs_a_lease),
        TEST(a_reading_that_began_before_does_not_count),
        TEST(at_its_deadline_it_says_what_is_known),
        TEST(who_has_gone_frees_the_place),
        TEST(past_the_places_one_is_answered_with_what_is_known),
        TEST(a_stop_answers_everybody),
        TEST(a_command_waits_in_its_own_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
