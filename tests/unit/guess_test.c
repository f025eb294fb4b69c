#include "check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/guess.h"

/* One guesser's world: default settings, a clock in ms. */
static struct settings *settings;
static struct guess *g;
static int64_t now_ms;
enum { START_MS = 1000000, CAP_MS = 60 * 1000 };

static int setup(void **state)
{
    (void)state;
    static const uint8_t key[16] = {1, 2, 3};
    settings = calloc(1, sizeof *settings);
    settings_defaults(settings);
    g = guess_new(1 << 16, key);
    now_ms = START_MS;
    return settings == NULL || g == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    guess_free(g);
    free(settings);
    return 0;
}

static struct guess_subject subject(const char *name, const char *address)
{
    struct guess_subject who = {.username = view_text(name)};
    if (address != NULL)
        assert_ok(address_parse(view_text(address), &who.address));
    return who;
}

/* The wait before an attempt may be made; 0: it was begun. */
static int64_t begin(struct guess_subject *who)
{
    int64_t wait = -1, look = -1;
    struct cardea_status checked = guess_check(g, settings, who, now_ms, &look);
    struct cardea_status s = guess_begin(g, settings, who, now_ms, &wait);
    assert_int_equal(checked.code, s.code);
    if (cardea_ok(s)) {
        assert_int_equal(wait, -1);
        return 0;
    }
    assert_code(s, E_RATE_LIMITED);
    assert_int_equal(wait, look);
    assert_true(wait >= 1 && wait <= CAP_MS);
    return wait;
}

/* One wrong guess, if it is let through. */
static int64_t wrong(const char *name, const char *address)
{
    struct guess_subject who = subject(name, address);
    int64_t wait = begin(&who);
    if (wait == 0)
        guess_failed(g, settings, &who, now_ms);
    return wait;
}

static void an_account_waits_after_its_free_failures_and_never_longer_than_the_cap(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(wrong("alice", "192.0.2.1"), 0);
    static const int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 32000};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        assert_int_equal(wrong("alice", "192.0.2.1"), waits[i]);
        now_ms += waits[i] - 1;
        assert_int_equal(wrong("alice", "192.0.2.1"), 1);
        now_ms += 1;
        assert_int_equal(wrong("alice", "192.0.2.1"), 0);
    }
    assert_in_range(wrong("alice", "192.0.2.1"), CAP_MS / 2, CAP_MS);
    /* Nobody else is touched. */
    assert_int_equal(wrong("bob", "192.0.2.1"), 0);
}

static void time_forgives(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(wrong("alice", "192.0.2.1"), 0);
    now_ms += 5 * CAP_MS;
    for (int i = 0; i < 5; i++)
        assert_int_equal(wrong("alice", "192.0.2.1"), 0);
    assert_true(wrong("alice", "192.0.2.1") > 0);
}

static void success_forgets_the_account_but_not_the_address(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(wrong("alice", "192.0.2.1"), 0);
    struct guess_subject who = subject("alice", "192.0.2.1");
    assert_int_equal(begin(&who), 0);
    guess_succeeded(g, &who, now_ms);
    for (int i = 0; i < 5; i++)
        assert_int_equal(wrong("alice", "192.0.2.1"), 0);
    assert_true(wrong("alice", "192.0.2.1") > 0);
    for (int i = 0; i < 21; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%d", i);
        assert_int_equal(wrong(name, "192.0.2.1"), 0);
    }
    assert_true(wrong("somebody", "192.0.2.1") > 0);
}

static void one_attacker_does_not_lock_out_the_owner(void **state)
{
    (void)state;
    /* Ten hours of an attempt every 250 ms from one address; the owner tries at any time, on a new device. */
    uint32_t guesses = 0, refused = 0;
    for (int i = 0; i < 36000 * 4; i++) {
        now_ms += 250;
        guesses += wrong("alice", "198.51.100.7") == 0;
        if (i % 5000 == 4999) {
            struct guess_subject owner = subject("alice", "192.0.2.55");
            if (begin(&owner) != 0)
                refused++;
            else
                guess_abandoned(g, &owner, now_ms);
        }
    }
    assert_int_equal(refused, 0);
    /* A guess a minute, and what the two lanes give at once. */
    assert_true(guesses <= 36000 / 60 * 2 + 2 * (GUESS_PARALLEL + 12));
}

static void many_addresses_are_held_by_the_account(void **state)
{
    (void)state;
    uint32_t guesses = 0;
    for (int i = 0; i < 10000; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.%d.%d.1", i / 250, i % 250);
        now_ms += 360; /* an hour in all */
        guesses += wrong("alice", address) == 0;
    }
    assert_true(guesses >= 5);
    assert_true(guesses <= GUESS_PARALLEL + 12 + 60);
}

static void a_known_device_is_unaffected_by_others(void **state)
{
    (void)state;
    const struct user_id alice = {{1}}, bob = {{2}};
    for (int i = 0; i < 200; i++)
        (void)wrong("alice", "192.0.2.1");
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%d", i);
        (void)wrong(name, "192.0.2.1");
    }
    struct guess_subject who = subject("alice", "192.0.2.1");
    assert_true(begin(&who) > 0);
    who.device = &alice;
    assert_int_equal(begin(&who), 0);
    guess_succeeded(g, &who, now_ms);
    /* It has a counter of its own. */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(begin(&who), 0);
        guess_failed(g, settings, &who, now_ms);
    }
    assert_true(begin(&who) > 0);
    who.device = &bob;
    assert_int_equal(begin(&who), 0);
}

static void a_spray_is_held_by_its_address(void **state)
{
    (void)state;
    uint32_t guesses = 0;
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%d", i);
        now_ms += 60; /* a minute in all */
        guesses += wrong(name, "192.0.2.1") == 0;
    }
    assert_in_range(guesses, 30, 61);
    /* Others still get in, the address itself a little later. */
    assert_int_equal(wrong("alice", "192.0.2.2"), 0);
    int64_t wait = wrong("alice", "192.0.2.1");
    assert_true(wait > 0);
    now_ms += wait;
    assert_int_equal(wrong("alice", "192.0.2.1"), 0);
}

static void ipv6_is_counted_by_its_64(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        char name[16], address[40];
        snprintf(name, sizeof name, "user%d", i);
        snprintf(address, sizeof address, "2001:db8:1:2::%x", i + 1);
        assert_int_equal(wrong(name, address), 0);
    }
    assert_true(wrong("alice", "2001:db8:1:2:ffff::1") > 0);
    assert_int_equal(wrong("alice", "2001:db8:1:3::1"), 0);
}

static void the_operators_socket_has_no_address(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%d", i);
        assert_int_equal(wrong(name, NULL), 0);
    }
}

static void parallel_guesses_are_not_free(void **state)
{
    (void)state;
    struct guess_subject who[GUESS_PARALLEL + 20];
    int begun = 0;
    for (int i = 0; i < GUESS_PARALLEL + 20; i++) {
        who[begun] = subject("alice", "192.0.2.1");
        begun += begin(&who[begun]) == 0;
    }
    assert_int_equal(begun, GUESS_PARALLEL);
    /* What was begun is paid for: one at a time now, and the lane is closed for as long as it gets. */
    for (int i = 0; i < begun; i++)
        guess_failed(g, settings, &who[i], now_ms);
    assert_true(wrong("alice", "192.0.2.1") > 0);
    assert_int_equal(wrong("alice", "192.0.2.2"), CAP_MS);
    now_ms += CAP_MS;
    struct guess_subject one = subject("alice", "192.0.2.1"), two = one;
    assert_int_equal(begin(&one), 0);
    assert_true(begin(&two) > 0);
    guess_failed(g, settings, &one, now_ms);

    /* With failures on the score, as many as there are free ones left. */
    for (int i = 0; i < 3; i++)
        assert_int_equal(wrong("bob", "192.0.2.9"), 0);
    struct guess_subject bob[3] = {subject("bob", "192.0.2.9"), subject("bob", "192.0.2.9"),
                                   subject("bob", "192.0.2.9")};
    assert_int_equal(begin(&bob[0]), 0);
    assert_int_equal(begin(&bob[1]), 0);
    assert_true(begin(&bob[2]) > 0);
    /* One that never reached the password makes room again. */
    guess_abandoned(g, &bob[0], now_ms);
    assert_int_equal(begin(&bob[2]), 0);
}

static void an_attempt_whose_end_is_lost_is_forgotten(void **state)
{
    (void)state;
    for (int i = 0; i < GUESS_PARALLEL; i++) {
        struct guess_subject who = subject("alice", "192.0.2.1");
        assert_int_equal(begin(&who), 0);
    }
    assert_true(wrong("alice", "192.0.2.1") > 0);
    now_ms += GUESS_ATTEMPT_MAX_MS + 1;
    assert_int_equal(wrong("alice", "192.0.2.1"), 0);
}

/* Whatever an attacker does, an account's lane gives no more than the header says. */
static void any_strategy_stays_within_the_bound(void **state)
{
    (void)state;
    enum { ADDRESSES = 400 };
    for (unsigned seed = 1; seed <= 20; seed++) {
        teardown(NULL);
        setup(NULL);
        srand(seed);
        uint32_t guesses = 0;
        struct guess_subject open[64];
        int open_count = 0;
        int64_t greed = 1 + rand() % 30000;
        for (int i = 0; i < 20000; i++) {
            now_ms += rand() % greed;
            if (open_count < 64 && rand() % 3 > 0) {
                char address[32];
                snprintf(address, sizeof address, "10.0.%d.1", rand() % (1 + rand() % ADDRESSES) % 250);
                open[open_count] = subject("alice", address);
                open_count += begin(&open[open_count]) == 0;
            } else if (open_count > 0) {
                guess_failed(g, settings, &open[--open_count], now_ms);
                guesses++;
            }
        }
        int64_t minutes = (now_ms - START_MS) / CAP_MS;
        int64_t bound = 2 * (GUESS_PARALLEL + 5 + 7 + minutes) + 2;
        if (guesses > bound)
            print_error("seed %u: %u guesses in %d minutes\n", seed, guesses, (int)minutes);
        assert_true(guesses <= bound);
    }
}

static void a_flood_of_names_does_not_reset_a_victim(void **state)
{
    (void)state;
    static const uint8_t key[16] = {9};
    guess_free(g);
    g = guess_new(1, key); /* the smallest: 1,024 counters */
    for (int i = 0; i < 12; i++) {
        int64_t wait = wrong("alice", "192.0.2.1");
        if (wait > 0) {
            now_ms += wait;
            assert_int_equal(wrong("alice", "192.0.2.1"), 0);
        }
    }
    assert_int_equal(wrong("alice", "192.0.2.1"), CAP_MS);
    for (int i = 0; i < 20000; i++) {
        char name[16], address[32];
        snprintf(name, sizeof name, "user%d", i);
        snprintf(address, sizeof address, "10.%d.%d.1", i / 250, i % 250);
        (void)wrong(name, address);
    }
    assert_int_equal(wrong("alice", "192.0.2.1"), CAP_MS);
}

static void the_clock_may_stand_still_or_step_back(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(wrong("alice", "192.0.2.1"), 0);
    now_ms -= 3600 * 1000;
    assert_true(wrong("alice", "192.0.2.1") <= CAP_MS);
}

static void failures_are_drained_once_and_one_row_an_account(void **state)
{
    (void)state;
    struct guess_report rows[GUESS_REPORTS_MAX];
    assert_int_equal(guess_drain(g, rows, GUESS_REPORTS_MAX), 0);
    (void)wrong("alice", "192.0.2.1");
    (void)wrong("alice", "192.0.2.2");
    (void)wrong("bob", "192.0.2.3");
    assert_int_equal(guess_drain(g, rows, 1), 1);
    assert_string_equal(rows[0].username, "alice");
    assert_int_equal(rows[0].failures, 2);
    assert_int_equal(rows[0].address.bytes[3], 2);
    assert_int_equal(guess_drain(g, rows, GUESS_REPORTS_MAX), 1);
    assert_string_equal(rows[0].username, "bob");
    assert_int_equal(guess_drain(g, rows, GUESS_REPORTS_MAX), 0);

    uint32_t sum = 0;
    for (int i = 0; i < 1000; i++) {
        char name[80], address[32];
        snprintf(name, sizeof name, "user-with-a-name-that-is-longer-than-any-name-can-be-and-will-be-cut-%d", i);
        snprintf(address, sizeof address, "10.%d.%d.1", i / 250, i % 250);
        struct guess_subject who = subject(i % 2 ? name : name + 60, address);
        assert_int_equal(begin(&who), 0);
        guess_failed(g, settings, &who, now_ms);
    }
    assert_int_equal(guess_drain(g, rows, GUESS_REPORTS_MAX), GUESS_REPORTS_MAX);
    for (int i = 0; i < GUESS_REPORTS_MAX; i++)
        sum += rows[i].failures;
    assert_int_equal(sum, 1000);
    assert_string_equal(rows[GUESS_REPORTS_MAX - 1].username, "");
}

enum { THREADS = 4, ROUNDS = 4000 };

static void *guess_on(void *argument)
{
    unsigned seed = *(unsigned *)argument;
    for (int i = 0; i < ROUNDS; i++) {
        char name[16], address[32];
        int64_t wait;
        snprintf(name, sizeof name, "user%d", rand_r(&seed) % 50);
        snprintf(address, sizeof address, "10.0.%d.1", rand_r(&seed) % 200);
        struct guess_subject who = {.username = view_text(name)};
        if (!cardea_ok(address_parse(view_text(address), &who.address)) ||
            !cardea_ok(guess_begin(g, settings, &who, START_MS + i * 100, &wait)))
            continue;
        if (i % 3 == 0)
            guess_failed(g, settings, &who, START_MS + i * 100);
        else if (i % 3 == 1)
            guess_succeeded(g, &who, START_MS + i * 100);
        else
            guess_abandoned(g, &who, START_MS + i * 100);
    }
    return NULL;
}

static void many_threads_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    struct guess_report rows[GUESS_REPORTS_MAX];
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i + 1;
        assert_int_equal(pthread_create(&threads[i], NULL, guess_on, &seeds[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_in_range(guess_drain(g, rows, GUESS_REPORTS_MAX), 1, 50);
    /* Nobody is left under way: after the longest wait every lane takes an attempt again. */
    now_ms = START_MS + ROUNDS * 100 + CAP_MS;
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%d", i);
        struct guess_subject who = subject(name, "192.0.2.1");
        assert_int_equal(begin(&who), 0);
        guess_abandoned(g, &who, now_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(an_account_waits_after_its_free_failures_and_never_longer_than_the_cap),
        TEST(time_forgives),
        TEST(success_forgets_the_account_but_not_the_address),
        TEST(one_attacker_does_not_lock_out_the_owner),
        TEST(many_addresses_are_held_by_the_account),
        TEST(a_known_device_is_unaffected_by_others),
        TEST(a_spray_is_held_by_its_address),
        TEST(ipv6_is_counted_by_its_64),
        TEST(the_operators_socket_has_no_address),
        TEST(parallel_guesses_are_not_free),
        TEST(an_attempt_whose_end_is_lost_is_forgotten),
        TEST(any_strategy_stays_within_the_bound),
        TEST(a_flood_of_names_does_not_reset_a_victim),
        TEST(the_clock_may_stand_still_or_step_back),
        TEST(failures_are_drained_once_and_one_row_an_account),
        TEST(many_threads_at_once),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
