/* Does background work get done: each task in its turn, whatever another has to do, and nothing lost that a store which
 * was away did not take? On a real SQLite store, with a clock of the test's own. */
#include "scratch_store.h"

#include "core/audit.h"
#include "crypto/random.h"
#include "daemon/background.h"
#include "daemon/installation.h"
#include "daemon/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SESSIONS = SEEN_AT_ONCE + 100, STEPS = 4 * TASKS };

static struct master_key *master;
static struct publisher publisher;
static struct table_map map;
static struct keeper keeper;
static struct background background;
static struct guess *guess;
static struct session_id sids[SESSIONS];
static int64_t wall = 1800000000000, boot = 1000;

static int64_t wall_now(void)
{
    return wall;
}
static int64_t boot_now(void)
{
    return boot;
}

static void seed(struct keyring **ring)
{
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    struct user_record u = {.epoch = 1, .status = USER_ACTIVE, .username = "alice", .metadata = "{}"};
    u.id = user_id_new(entropy_system(), wall);
    const struct key_work w = {
        .tx = tx, .ops = scratch.real->ops, .master = master, .entropy = entropy_system(), .now_ms = wall};
    assert_ok(keyring_create(&w, token_format_bit(TOKEN_ES256)));
    assert_ok(keyring_load(tx, scratch.real->ops, master, 1, ring));
    assert_ok(scratch.real->ops->user_put(tx, &u));
    for (int i = 0; i < SESSIONS; i++) {
        struct session_record s = {.user = u.id, .epoch = 1, .kind = SESSION_COOKIE, .app = "web"};
        entropy_fill(entropy_system(), s.sid.bytes, sizeof s.sid.bytes);
        s.created_at_ms = s.authenticated_at_ms = s.last_seen_at_ms = wall;
        s.expires_at_ms = wall + 86400000;
        sids[i] = s.sid;
        assert_ok(scratch.real->ops->session_create(tx, &s));
    }
    assert_ok(scratch.real->ops->commit(tx));
}

static int set_up(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1};
    struct table_geometry g = {.sessions_max = 10000, .others_max_mib = 4};
    struct listening listening = {0};
    struct site site = {.wall_ms = wall_now, .boot_ms = boot_now};
    struct keyring *ring = NULL;
    struct fill_counts counts;
    assert_ok(crypto_start());
    log_start(STDERR_FILENO, LOG_JSON, LOG_ERROR);
    scratch_open(boot_now);
    master = master_key_new(key);
    seed(&ring);
    struct settings *settings = calloc(1, sizeof *settings);
    assert_non_null(settings);
    settings_defaults(settings);
    publisher_init(&publisher);
    publisher_put(&publisher, snapshot_new(&site, &listening, settings_copy(settings), ring, NULL));
    free(settings);
    assert_ok(table_map_open(&g, entropy_system(), &map));
    guess = guess_new(1024, key);
    keeper = (struct keeper){.writer = map.writer,
                             .publisher = &publisher,
                             .store = &scratch.store,
                             .master = master,
                             .wall_ms = wall_now,
                             .boot_ms = boot_now,
                             .keys_generation = 1};
    assert_ok(keeper_open(&keeper));
    assert_ok(keeper_fill(&keeper, &counts));
    assert_int_equal(counts.sessions, SESSIONS);
    background_init(&background, &keeper, guess, entropy_system());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    background_close(&background);
    keeper_close(&keeper);
    publisher_clear(&publisher);
    table_map_close(&map);
    guess_free(guess);
    master_key_free(master);
    scratch_close();
    return 0;
}

/* Every session is used, a second later than before. */
static void use_all(void)
{
    wall += 1000;
    for (int i = 0; i < SESSIONS; i++) {
        struct table_session s;
        assert_int_equal(table_find_session(table_of(map.writer), sids[i], &s), TABLE_HIT);
        table_session_seen(table_of(map.writer), &s, wall);
    }
}

static void steps(int count)
{
    boot += 60000; /* everything is due */
    for (int i = 0; i < count; i++)
        (void)background_step(&background);
}

static void a_task_with_always_more_to_do_holds_up_none(void **state)
{
    (void)state;
    int64_t saved = 0;
    boot += 60000;
    for (int i = 0; i < STEPS; i++) {
        use_all();
        (void)background_step(&background);
    }
    struct store_tx *tx = scratch_begin(STORE_READ);
    assert_ok(scratch.real->ops->value_get(tx, "clock_high_water_ms", &saved));
    scratch.real->ops->abort(tx);
    assert_true(saved > 0);
}

static uint64_t failures_journalled(void)
{
    struct event *events = calloc(PAGE_MAX, sizeof *events);
    struct store_tx *tx = scratch_begin(STORE_READ);
    uint32_t count = 0;
    uint64_t n = 0;
    assert_non_null(events);
    assert_ok(scratch.real->ops->event_list(tx, 0, false, events, PAGE_MAX, &count));
    scratch.real->ops->abort(tx);
    for (uint32_t i = 0; i < count; i++)
        n += strcmp(events[i].type, AUDIT_login_failed) == 0;
    free(events);
    return n;
}

static void what_the_store_did_not_take_is_written_later(void **state)
{
    (void)state;
    struct snapshot *now = publisher_take(&publisher);
    struct guess_subject who = {.username = VIEW("bob")};
    int64_t wait_ms;
    assert_ok(guess_begin(guess, now->settings, &who, wall, &wait_ms));
    guess_failed(guess, now->settings, &who, wall);
    snapshot_unref(now);
    use_all();
    int64_t seen = wall;
    scratch.away = true;
    steps(STEPS);
    scratch.away = false;
    steps(STEPS);
    struct store_tx *tx = scratch_begin(STORE_READ);
    for (int i = 0; i < SESSIONS; i++) {
        struct session_record r;
        assert_ok(scratch.real->ops->session_get(tx, sids[i], &r));
        assert_int_equal(r.last_seen_at_ms, seen);
    }
    scratch.real->ops->abort(tx);
    assert_int_equal(failures_journalled(), 1);
}

static bool store_ok(void)
{
    return atomic_load(&background.store_ok);
}

/* A full disk lets transactions begin, and some find nothing to write. */
static void a_store_that_takes_nothing_is_not_ready(void **state)
{
    (void)state;
    assert_true(store_ok());
    scratch.full = true;
    steps(STEPS);
    assert_false(store_ok());
    boot += STORE_SWEEP_EVERY_MS; /* the sweeper begins, finds nothing, and takes it back */
    for (int i = 0; i < STEPS; i++)
        (void)background_step(&background);
    assert_false(store_ok());
    scratch.full = false;
    steps(STEPS);
    assert_true(store_ok());
}

/* A configuration with shorter tokens may have come since the last long one was issued. */
static void a_retiring_key_outlives_the_longest_token(void **state)
{
    (void)state;
    struct keyring_times times = {.publish_ms = 3600000, .retire_ms = 1, .heard_n = UINT64_MAX};
    int64_t at_ms = 0;
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    const struct key_work w = {
        .tx = tx, .ops = scratch.real->ops, .master = master, .entropy = entropy_system(), .now_ms = wall};
    assert_ok(keyring_rotate(&w, TOKEN_ES256, &times, &at_ms));
    assert_ok(scratch.real->ops->commit(tx));
    assert_true(at_ms > wall);
    wall = at_ms;
    steps(STEPS);
    struct snapshot *now = publisher_take(&publisher);
    int retiring = 0;
    for (uint32_t i = 0; i < now->keys->access_count; i++)
        if (now->keys->access[i].state == KEY_RETIRING) {
            retiring++;
            assert_true(now->keys->access[i].drop_at_ms >= wall + 3600000);
        }
    snapshot_unref(now);
    assert_int_equal(retiring, 1);
}

/* An RSA key is drawn aside: no step of the committer's waits for it, and a later one takes it. */
static void slow_keys_are_drawn_aside(void **state)
{
    const token_formats wanted = token_format_bit(TOKEN_RS256);
    token_formats signing = 0;
    uint32_t keys = 0;

    (void)state;
    background_expect(&background, wanted);
    steps(STEPS);
    assert_non_null(background.maker);
    for (int i = 0; i < 3000 && keys < 4; i++) {
        static const struct timespec pause = {.tv_nsec = 20 * 1000000L};
        struct snapshot *now = publisher_take(&publisher);
        signing = keyring_signing(now->keys);
        keys = now->keys->access_count;
        snapshot_unref(now);
        if (atomic_load(&background.keys_due))
            steps(STEPS);
        else
            nanosleep(&pause, NULL);
    }
    assert_int_equal(signing, wanted | token_format_bit(TOKEN_ES256));
    assert_int_equal(keys, 4);
    /* The reload is over, and its settings do not ask for it. */
    background_expect(&background, 0);
    steps(STEPS);
    struct snapshot *now = publisher_take(&publisher);
    assert_int_equal(keyring_signing(now->keys), token_format_bit(TOKEN_ES256));
    snapshot_unref(now);
}

static void put_verifier(uint8_t id, uint64_t renewals)
{
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    const struct verifier_record v = {
        .id = {id}, .kind = VERIFIER_NODE, .name = "node", .renewals = renewals, .lease_ms = 2000};
    assert_ok(scratch.real->ops->verifier_put(tx, &v));
    assert_ok(scratch.real->ops->commit(tx));
}

/* A node that was killed takes nothing back; one that lives is left alone, and so is our own record. */
static void the_record_of_a_dead_verifier_goes(void **state)
{
    static const uint8_t own[16] = {3};
    struct verifier_record left[4];
    uint32_t count = 0;
    (void)state;
    keeper.own_verifier = own;
    put_verifier(1, 1);
    put_verifier(2, 1);
    put_verifier(3, 1);
    for (uint64_t i = 2; i < 2 + VERIFIER_SILENT_MS / 60000; i++) {
        steps(STEPS);
        put_verifier(2, i);
    }
    struct store_tx *tx = scratch_begin(STORE_READ);
    assert_ok(scratch.real->ops->verifier_list(tx, left, 4, &count));
    scratch.real->ops->abort(tx);
    assert_int_equal(count, 3);
    steps(STEPS);
    steps(STEPS);
    tx = scratch_begin(STORE_READ);
    assert_ok(scratch.real->ops->verifier_list(tx, left, 4, &count));
    scratch.real->ops->abort(tx);
    assert_int_equal(count, 2);
    assert_int_equal(left[0].id[0], 2);
    assert_int_equal(left[1].id[0], 3);
}

#define BACKGROUND_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BACKGROUND_TEST(a_task_with_always_more_to_do_holds_up_none),
        BACKGROUND_TEST(what_the_store_did_not_take_is_written_later),
        BACKGROUND_TEST(a_store_that_takes_nothing_is_not_ready),
        BACKGROUND_TEST(a_retiring_key_outlives_the_longest_token),
        BACKGROUND_TEST(the_record_of_a_dead_verifier_goes),
        BACKGROUND_TEST(slow_keys_are_drawn_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
