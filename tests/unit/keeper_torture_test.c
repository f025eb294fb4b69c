/* Three that bring records into the table at once, as fast as they can: does it ever show an older state of a record
 * than one that was answered already? What keeper_test.c tries in chosen orders, freely, and under the thread
 * sanitizer. */
#include "check.h"

#include "crypto/random.h"
#include "daemon/installation.h"
#include "daemon/keeper.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { USERS = 4, COMMITS = 100000 };

static struct publisher publisher;
static struct table_map map;
static struct keeper keeper;

/* The store: of each user a version, its roles. Another node commits too. */
static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static struct user_record store[USERS];
static int versions[USERS];
static bool _Atomic done;

static int change_in_store(int i, struct user_record *out)
{
    pthread_mutex_lock(&store_lock);
    int version = ++versions[i];
    snprintf(store[i].roles, sizeof store[i].roles, "v%d", version);
    *out = store[i];
    pthread_mutex_unlock(&store_lock);
    return version;
}

static struct user_record read_store(int i)
{
    pthread_mutex_lock(&store_lock);
    struct user_record u = store[i];
    pthread_mutex_unlock(&store_lock);
    return u;
}

/* -1: not there. */
static int version_in_table(int i)
{
    struct table_user u;
    char text[16];
    if (table_find_user(table_of(map.writer), store[i].id, 0, &u) != TABLE_HIT)
        return -1;
    snprintf(text, sizeof text, "%.*s", (int)table_user_roles(&u).len, table_user_roles(&u).ptr);
    return text[0] == 'v' ? atoi(text + 1) : 0;
}

static void *follow(void *unused)
{
    (void)unused;
    for (int i = 0; !atomic_load(&done); i = (i + 1) % USERS) {
        uint64_t mark = keeper_mark(&keeper);
        struct user_record u = read_store(i);
        sched_yield();
        struct change c = {.kind = CHANGE_USER_PUT, .user = &u};
        keeper_follow(&keeper, mark, &c, 1);
    }
    return NULL;
}

static void *fill(void *unused)
{
    (void)unused;
    for (int i = 0; !atomic_load(&done); i = (i + 3) % USERS) {
        uint64_t mark = keeper_mark(&keeper);
        struct user_record u = read_store(i);
        sched_yield();
        keeper_offer(&keeper, mark, &u, NULL, NULL);
    }
    return NULL;
}

static void *commit_elsewhere(void *unused)
{
    (void)unused;
    struct user_record u;
    for (int i = 0; !atomic_load(&done); i = (i + 1) % USERS) {
        (void)change_in_store(i, &u);
        sched_yield();
    }
    return NULL;
}

static void set_up(void)
{
    struct table_geometry g = {.sessions_max = 1000, .others_max_mib = 4};
    struct listening listening = {0};
    struct site site = {.wall_ms = installation_wall_ms, .boot_ms = installation_boot_ms};
    struct settings *settings = calloc(1, sizeof *settings);
    struct keyring *ring = calloc(1, sizeof *ring);
    assert_true(settings != NULL && ring != NULL);
    settings_defaults(settings);
    ring->refs = 1;
    publisher_init(&publisher);
    publisher_put(&publisher, snapshot_new(&site, &listening, settings_copy(settings), ring, NULL));
    free(settings);
    assert_ok(table_map_open(&g, entropy_system(), &map));
    keeper = (struct keeper){.writer = map.writer,
                             .publisher = &publisher,
                             .wall_ms = installation_wall_ms,
                             .boot_ms = installation_boot_ms};
    assert_ok(keeper_open(&keeper));
    keeper.lost = false; /* there is no store to be read first */
    for (int i = 0; i < USERS; i++) {
        store[i] = (struct user_record){.epoch = 1, .status = USER_ACTIVE, .roles = "v0", .metadata = "{}"};
        store[i].id = user_id_new(entropy_system(), installation_wall_ms());
        snprintf(store[i].username, sizeof store[i].username, "user%d", i);
    }
}

static void nothing_older_than_what_was_answered_is_ever_seen(void **state)
{
    (void)state;
    static void *(*const others[])(void *) = {follow, fill, fill, commit_elsewhere};
    enum { OTHERS = sizeof others / sizeof others[0] };
    pthread_t threads[OTHERS];
    int older = 0, seen = 0;
    set_up();
    for (int i = 0; i < OTHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, others[i], NULL), 0);
    for (int n = 0; n < COMMITS; n++) {
        int i = n % USERS;
        struct user_record u;
        keeper_begin(&keeper);
        int answered = change_in_store(i, &u);
        struct change_list list = {.count = 1, .items = {{.kind = CHANGE_USER_PUT, .user = &u}}};
        keeper_apply(&keeper, &list);
        for (int look = 0; look < 3; look++) {
            int version = version_in_table(i);
            older += version >= 0 && version < answered;
            seen += version >= 0;
        }
    }
    atomic_store(&done, true);
    for (int i = 0; i < OTHERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(older, 0);
    assert_true(seen > 0);
    keeper_close(&keeper);
    publisher_clear(&publisher);
    table_map_close(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_older_than_what_was_answered_is_ever_seen)};
    return crypto_start().code == CARDEA_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
