/* Several nodes that count failed logins together: do they let through what one node does, does the owner get in, and
 * what does it cost? Nodes are guess instances over one real sessions engine (memory). */
#include "check.h"

#include "core/guess_shared.h"
#include "store/memory/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { NODES = 4, START_MS = 1000000, MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

static struct settings *settings;
static struct guess *nodes[NODES];
static struct sessions *store;
static int64_t now_ms;
static bool away;
static unsigned calls; /* of the store */

static bool count(void *context, const struct counter_step *steps, uint32_t n, int64_t *ret_values)
{
    (void)context;
    calls++;
    return !away && cardea_ok(store->ops->count(store, INT64_MAX, now_ms, steps, n, ret_values));
}

static int setup(void **state)
{
    (void)state;
    const struct guess_shared shared = {.count = count, .key = {{9}}};
    settings = calloc(1, sizeof *settings);
    assert_non_null(settings);
    settings_defaults(settings);
    assert_ok(sessions_memory_open(&store));
    for (int i = 0; i < NODES; i++) {
        const uint8_t key[16] = {(uint8_t)i, 7};
        nodes[i] = guess_new(1 << 14, key);
        assert_non_null(nodes[i]);
        guess_share(nodes[i], &shared);
    }
    now_ms = START_MS;
    away = false;
    calls = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < NODES; i++)
        guess_free(nodes[i]);
    store->ops->close(store);
    free(settings);
    return 0;
}

static struct guess_subject subject(const char *name, const char *address)
{
    struct guess_subject who = {.username = view_text(name)};
    assert_ok(address_parse(view_text(address), &who.address));
    return who;
}

/* An attempt at a node; true: it was let through. */
static bool attempt(unsigned node, struct guess_subject who, bool right)
{
    int64_t wait = 0;
    struct cardea_status s = guess_check(nodes[node], settings, &who, now_ms, &wait);
    if (cardea_ok(s))
        s = guess_begin(nodes[node], settings, &who, now_ms, &wait);
    if (!cardea_ok(s)) {
        assert_code(s, E_RATE_LIMITED);
        assert_true(wait >= 1 && wait <= MINUTE_MS);
        return false;
    }
    if (right)
        guess_succeeded(nodes[node], &who, now_ms);
    else
        guess_failed(nodes[node], settings, &who, now_ms);
    return true;
}

/* Guess at `count` nodes for an hour, every 250 ms at each; how often it was let through. */
static unsigned attack(unsigned count_of_nodes, const char *const *addresses, unsigned address_count)
{
    unsigned through = 0;
    for (int64_t end = now_ms + HOUR_MS; now_ms < end; now_ms += 250)
        for (unsigned i = 0; i < count_of_nodes; i++)
            through += attempt(i, subject("alice", addresses[(now_ms / 250 + i) % address_count]), false);
    return through;
}

static const char *const one_address[] = {"192.0.2.1"};
static const char *const some_addresses[] = {"192.0.2.1",    "192.0.2.2",    "192.0.2.3",
                                             "198.51.100.1", "198.51.100.2", "198.51.100.3"};

static void many_nodes_let_through_what_one_does(void **state)
{
    (void)state;
    unsigned alone = attack(1, one_address, 1);
    assert_in_range(alone, 60, 80); /* one a minute, and the first burst */
    (void)teardown(NULL);
    (void)setup(NULL);
    unsigned together = attack(NODES, one_address, 1);
    assert_true(together >= 30);
    assert_true(together <= alone + alone / 2 + NODES);
    (void)teardown(NULL);
    (void)setup(NULL);
    away = true; /* as it would be if each counted by itself: the test can tell the difference */
    unsigned apart = attack(NODES, one_address, 1);
    print_message("alone %u, together %u, apart %u\n", alone, together, apart);
    assert_true(apart > 3 * alone);
}

static void several_addresses_do_not_get_more(void **state)
{
    (void)state;
    unsigned alone = attack(1, some_addresses, 6);
    (void)teardown(NULL);
    (void)setup(NULL);
    unsigned together = attack(NODES, some_addresses, 6);
    assert_true(together <= alone + alone / 2 + 3 * NODES);
}

static void the_owner_elsewhere_notices_nothing(void **state)
{
    (void)state;
    for (int64_t end = now_ms + HOUR_MS / 2; now_ms < end; now_ms += 500) {
        for (unsigned i = 0; i < NODES; i++)
            (void)attempt(i, subject("alice", "192.0.2.1"), false);
        if (now_ms % MINUTE_MS == 0)
            assert_true(attempt((unsigned)(now_ms / MINUTE_MS) % NODES, subject("alice", "203.0.113.9"), true));
    }
}

/* An address that goes from node to node is stained by what all have seen of it. */
static void one_address_closes_no_fresh_lane(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++)
        for (unsigned i = 0; i < NODES; i++)
            (void)attempt(i, subject("alice", "192.0.2.1"), false);
    for (unsigned i = 0; i < NODES; i++)
        assert_true(attempt(i, subject("alice", "203.0.113.9"), true));
}

static void a_spray_meets_one_limit(void **state)
{
    (void)state;
    unsigned through = 0;
    char name[16];
    for (unsigned i = 0; i < 400; i++) {
        (void)snprintf(name, sizeof name, "user%u", i);
        through += attempt(i % NODES, subject(name, "192.0.2.1"), false);
    }
    assert_in_range(through, settings->guess_address_per_minute, settings->guess_address_per_minute + NODES);
    /* A minute later there is room again, for as many. */
    now_ms += 70 * 1000;
    through = 0;
    for (unsigned i = 0; i < 400; i++) {
        (void)snprintf(name, sizeof name, "user%u", 1000 + i);
        through += attempt(i % NODES, subject(name, "192.0.2.1"), false);
    }
    assert_in_range(through, 1, settings->guess_address_per_minute + NODES);
}

static void what_it_costs(void **state)
{
    (void)state;
    assert_true(attempt(0, subject("bob", "192.0.2.7"), true));
    assert_int_equal(calls, 0); /* nothing to take back */
    for (unsigned i = 0; i < 200; i++) {
        unsigned before = calls;
        bool through = attempt(0, subject("alice", "192.0.2.1"), false);
        assert_true(calls - before <= 1);
        if (!through && i > 20)
            assert_int_equal(calls, before); /* refused here: the store is not asked */
    }
    for (unsigned i = 0; i < 2000; i++) { /* at another node: asked for a slot, and then no more for a while */
        (void)attempt(1, subject("alice", "192.0.2.1"), false);
        now_ms += 10;
    }
    assert_true(calls < 40);
}

static void own_mistakes_are_forgiven_everywhere(void **state)
{
    (void)state;
    struct guess_subject owner = subject("alice", "203.0.113.9");
    for (unsigned i = 0; i < 3; i++)
        assert_true(attempt(0, owner, false));
    assert_true(attempt(0, owner, true));
    for (unsigned i = 0; i < 4; i++) /* as on a clean account */
        assert_true(attempt(1, owner, false));
    assert_true(attempt(1, owner, true));
    for (unsigned i = 0; i < 3; i++)
        assert_true(attempt(2, owner, false));
    assert_true(attempt(2, owner, true));
}

static void a_device_is_counted_together_too(void **state)
{
    (void)state;
    struct user_id device = {{5}};
    struct guess_subject thief = subject("alice", "192.0.2.1");
    thief.device = &device;
    unsigned through = 0;
    for (int64_t end = now_ms + HOUR_MS; now_ms < end; now_ms += 1000)
        for (unsigned i = 0; i < NODES; i++)
            through += attempt(i, thief, false);
    assert_true(through <= 120 + NODES);
    for (unsigned i = 0; i < NODES; i++)
        assert_true(attempt(i, subject("alice", "203.0.113.9"), true));
}

/* A store that goes away in the middle: what this node has seen decides, and it locks nobody out. */
static void without_the_store_each_judges_by_itself(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++)
        (void)attempt(i % NODES, subject("alice", "192.0.2.1"), false);
    away = true;
    assert_false(attempt(0, subject("alice", "192.0.2.1"), false)); /* what it knew stays */
    assert_true(attempt(0, subject("alice", "203.0.113.9"), true));
    unsigned through = 0;
    for (unsigned i = 0; i < 40; i++)
        through += attempt(0, subject("carol", "198.51.100.7"), false);
    assert_int_equal(through, settings->guess_free);
    now_ms += 2 * MINUTE_MS;
    assert_true(attempt(0, subject("alice", "192.0.2.1"), true)); /* and nothing is closed for good */
    away = false;
    assert_true(attempt(3, subject("alice", "203.0.113.9"), true));
}

/* Counters that a server has evicted: a count begins anew, and nothing else. */
static void forgotten_counters_begin_anew(void **state)
{
    (void)state;
    struct sessions *empty = NULL;
    for (unsigned i = 0; i < 40; i++)
        (void)attempt(i % NODES, subject("alice", "192.0.2.1"), false);
    store->ops->close(store);
    assert_ok(sessions_memory_open(&empty));
    store = empty;
    unsigned through = 0;
    for (unsigned i = 0; i < 40; i++)
        through += attempt(i % NODES, subject("alice", "192.0.2.1"), false);
    assert_true(through <= settings->guess_free + NODES);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(many_nodes_let_through_what_one_does),
        CASE(several_addresses_do_not_get_more),
        CASE(the_owner_elsewhere_notices_nothing),
        CASE(one_address_closes_no_fresh_lane),
        CASE(a_spray_meets_one_limit),
        CASE(what_it_costs),
        CASE(own_mistakes_are_forgiven_everywhere),
        CASE(a_device_is_counted_together_too),
        CASE(without_the_store_each_judges_by_itself),
        CASE(forgotten_counters_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
