/* Does the table say what the store says: after a fill, after changes, and never a stale yes when the store can not be
 * known? On a real SQLite store whose begin can be made to fail. */
#include "scratch_store.h"

#include "base/text.h"
#include "core/key_record.h"
#include "crypto/random.h"
#include "daemon/installation.h"
#include "daemon/keeper.h"
#include "daemon/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { USERS = 450, SESSIONS = 1300 }; /* more than one page of each */

static struct master_key *master;
static struct publisher publisher;
static struct table_map map;
static struct keeper keeper;
static struct user_record user;
static struct session_record session;

static struct user_record user_of(int number)
{
    struct user_record u = {.epoch = 1, .status = USER_ACTIVE, .metadata = "{}"};
    u.id = user_id_new(entropy_system(), 1000 + number);
    snprintf(u.username, sizeof u.username, "user%d", number);
    return u;
}

static struct session_record session_of(const struct user_record *u, int number)
{
    struct session_record s = {.user = u->id, .epoch = u->epoch, .kind = SESSION_COOKIE, .app = "web"};
    entropy_fill(entropy_system(), s.sid.bytes, sizeof s.sid.bytes);
    s.created_at_ms = s.authenticated_at_ms = s.last_seen_at_ms = installation_wall_ms();
    s.expires_at_ms = s.created_at_ms + (number % 10 == 9 ? -1 : 3600000);
    return s;
}

static void seed(void)
{
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    const struct key_work w = {.tx = tx,
                               .ops = scratch.real->ops,
                               .master = master,
                               .entropy = entropy_system(),
                               .now_ms = installation_wall_ms()};
    assert_ok(keyring_create(&w, token_format_bit(TOKEN_ES256)));
    for (int i = 0; i < USERS; i++) {
        struct user_record u = user_of(i);
        assert_ok(scratch.real->ops->user_put(tx, &u));
        user = u;
    }
    for (int i = 0; i < SESSIONS; i++) {
        struct session_record s = session_of(&user, i);
        assert_ok(scratch.real->ops->session_create(tx, &s));
        if (s.expires_at_ms > s.created_at_ms)
            session = s;
    }
    assert_ok(scratch.real->ops->commit(tx));
}

static int set_up(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1};
    assert_ok(crypto_start());
    log_start(STDERR_FILENO, LOG_JSON, LOG_ERROR);
    scratch_open(installation_boot_ms);
    master = master_key_new(key);
    seed();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    master_key_free(master);
    scratch_close();
    return 0;
}

static int open_keeper(void **state)
{
    (void)state;
    struct table_geometry g = {.sessions_max = 10000, .others_max_mib = 4};
    struct listening listening = {0};
    struct site site = {.wall_ms = installation_wall_ms, .boot_ms = installation_boot_ms};
    struct settings *settings = calloc(1, sizeof *settings);
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    struct keyring *ring = NULL;
    assert_non_null(settings);
    settings_defaults(settings);
    struct settings *shared = settings_copy(settings);
    free(settings);
    assert_ok(keyring_load(tx, scratch.real->ops, master, 1, &ring));
    scratch.real->ops->abort(tx);
    publisher_init(&publisher);
    publisher_put(&publisher, snapshot_new(&site, &listening, shared, ring, NULL));
    assert_ok(table_map_open(&g, entropy_system(), &map));
    keeper = (struct keeper){.writer = map.writer,
                             .publisher = &publisher,
                             .store = &scratch.store,
                             .master = master,
                             .wall_ms = installation_wall_ms,
                             .boot_ms = installation_boot_ms,
                             .keys_generation = 1};
    scratch.away = false;
    return 0;
}

static int close_keeper(void **state)
{
    (void)state;
    snapshot_release(keeper.hold);
    publisher_clear(&publisher);
    table_map_close(&map);
    return 0;
}

static enum table_answer find_session(struct session_id sid)
{
    struct table_session s;
    return table_find_session(table_of(map.writer), sid, &s);
}

static bool valid(void)
{
    return table_valid(table_of(map.writer), installation_boot_ms());
}

static void fill(void)
{
    struct fill_counts counts;
    assert_ok(keeper_load_keys(&keeper));
    assert_ok(keeper_fill(&keeper, &counts));
    assert_int_equal(counts.users, USERS);
    assert_int_equal(counts.sessions, SESSIONS - SESSIONS / 10);
}

static void a_fill_reads_everything_and_opens_the_table(void **state)
{
    (void)state;
    struct table_user u;
    assert_false(valid());
    fill();
    assert_true(valid());
    assert_int_equal(find_session(session.sid), TABLE_HIT);
    assert_int_equal(table_find_user(table_of(map.writer), user.id, 0, &u), TABLE_HIT);
    assert_view(table_user_username(&u), view_text(user.username));
    struct table_stats stats = table_stats(table_of(map.writer));
    assert_int_equal(stats.users, USERS);
    assert_true(stats.keys >= 2);
}

static struct cardea_status scan_can_not(struct store_tx *tx, struct session_id after, struct session_record *out,
                                         uint32_t cap, uint32_t *ret_count)
{
    (void)tx, (void)after, (void)out, (void)cap, (void)ret_count;
    return CARDEA_FAIL(E_LIMIT);
}

/* Sessions in Memcached: nobody can say which there are, and the rest is there all the same. */
static void sessions_that_can_not_be_scanned_are_not_in_it_yet(void **state)
{
    (void)state;
    struct fill_counts counts;
    struct table_user u;
    scratch.ops.session_scan = scan_can_not;
    assert_ok(keeper_load_keys(&keeper));
    assert_ok(keeper_fill(&keeper, &counts));
    scratch.ops.session_scan = scratch.real->ops->session_scan;
    assert_int_equal(counts.users, USERS);
    assert_int_equal(counts.sessions, 0);
    assert_true(valid());
    assert_int_equal(find_session(session.sid), TABLE_MISS);
    assert_int_equal(table_find_user(table_of(map.writer), user.id, 0, &u), TABLE_HIT);
}

/* Keys of every kind of format in the store. */
static void put_keys(void)
{
    static struct key_stock stock;
    static const struct keyring_times times = {300000, 3630000};
    assert_ok(keyring_stock(&stock, TOKEN_PS384, master, entropy_system()));
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    const struct key_work w = {.tx = tx,
                               .ops = scratch.real->ops,
                               .master = master,
                               .entropy = entropy_system(),
                               .now_ms = installation_wall_ms(),
                               .stock = &stock};
    token_formats lacking = 0;
    bool changed = false;
    assert_ok(keyring_tick(&w,
                           token_format_bit(TOKEN_ES256) | token_format_bit(TOKEN_HS512) |
                               token_format_bit(TOKEN_PS384) | token_format_bit(TOKEN_ED448) |
                               token_format_bit(TOKEN_V4_PUBLIC) | token_format_bit(TOKEN_V4_LOCAL),
                           &times, &changed, &lacking));
    assert_true(changed);
    assert_ok(scratch.real->ops->commit(tx));
}

/* Not under its id, and not a byte of it anywhere in what other processes map. */
static void assert_not_in_table(const struct key_record *r)
{
    char plain[KEY_SEALED_MAX];
    uint8_t secret[64];
    struct table_key found;
    size_t len = 0;
    assert_int_equal(table_find_key(table_of(map.writer), r->id, &found), TABLE_MISS);
    assert_ok(key_record_open(r, master, (uint8_t *)plain, sizeof plain, &len));
    const char *k = memmem(plain, len, "\"k\":\"", 5);
    assert_non_null(k);
    size_t chars = strcspn(k + 5, "\"");
    assert_ok(base64url_decode(view_of(k + 5, chars), secret, sizeof secret, &len));
    assert_true(len >= 32);
    assert_null(memmem(map.block, map.block_size, secret, 32));
    assert_null(memmem(map.block, map.block_size, k + 5, chars));
}

static void public_keys_are_in_the_table_and_no_others(void **state)
{
    (void)state;
    struct key_record records[KEYRING_MAX];
    uint32_t count = 0, public = 0, symmetric = 0;
    put_keys();
    fill();
    struct store_tx *tx = scratch_begin(STORE_READ);
    assert_ok(scratch.real->ops->key_list(tx, records, KEYRING_MAX, &count));
    scratch.real->ops->abort(tx);
    for (uint32_t i = 0; i < count; i++) {
        const struct key_record *r = &records[i];
        struct table_key found;
        if (r->use != KEY_USE_ACCESS) {
            assert_int_equal(table_find_key(table_of(map.writer), r->id, &found), TABLE_MISS);
            continue;
        }
        enum token_format f = key_record_format(r);
        if (token_format_symmetric(f)) {
            assert_not_in_table(r);
            symmetric++;
            continue;
        }
        struct access_key k;
        assert_ok(access_record_open(r, master, &k));
        assert_int_equal(table_find_key(table_of(map.writer), r->id, &found), TABLE_HIT);
        assert_int_equal(found.algorithm, f);
        assert_int_equal(found.state, r->state);
        assert_int_equal(found.public_len, k.public_len);
        assert_memory_equal(found.public_bytes, k.public_bytes, k.public_len);
        access_key_clear(&k);
        public++;
    }
    assert_int_equal(symmetric, 4);
    assert_int_equal(public, 7); /* of PS384 one alone was drawn */
    assert_int_equal(table_stats(table_of(map.writer)).keys, public);
}

static void committed_changes_show_at_once(void **state)
{
    (void)state;
    fill();
    struct session_record fresh = session_of(&user, 0);
    struct change_list list = {0};
    assert_ok(change_add(&list, (struct change){.kind = CHANGE_SESSION_PUT, .session = &fresh}));
    assert_int_equal(find_session(fresh.sid), TABLE_MISS);
    keeper_apply(&keeper, &list);
    assert_int_equal(find_session(fresh.sid), TABLE_HIT);
    struct change end = {.kind = CHANGE_SESSION_END,
                         .revocation = {.kind = REVOCATION_SESSION, .until_ms = fresh.expires_at_ms}};
    memcpy(end.revocation.id, fresh.sid.bytes, sizeof fresh.sid.bytes);
    list = (struct change_list){.count = 1, .items = {end}};
    keeper_apply(&keeper, &list);
    assert_int_equal(find_session(fresh.sid), TABLE_REVOKED);
    assert_true(valid() && keeper_sound(&keeper));
}

static void an_app_that_is_not_there_gets_no_session_in(void **state)
{
    (void)state;
    fill();
    struct session_record fresh = session_of(&user, 0);
    snprintf(fresh.app, sizeof fresh.app, "nosuch");
    struct change_list list = {.count = 1, .items = {{.kind = CHANGE_SESSION_PUT, .session = &fresh}}};
    keeper_apply(&keeper, &list);
    assert_int_equal(find_session(fresh.sid), TABLE_MISS);
}

/* Promise 1: never a stale yes. */
static void in_doubt_ends_count_and_nothing_else_is_known(void **state)
{
    (void)state;
    fill();
    struct session_record fresh = session_of(&user, 0);
    struct change end = {.kind = CHANGE_SESSION_END,
                         .revocation = {.kind = REVOCATION_SESSION, .until_ms = session.expires_at_ms}};
    memcpy(end.revocation.id, session.sid.bytes, sizeof session.sid.bytes);
    struct change_list list = {.count = 2, .items = {{.kind = CHANGE_SESSION_PUT, .session = &fresh}, end}};
    keeper_doubt(&keeper, &list);
    assert_false(valid());
    assert_int_equal(find_session(session.sid), TABLE_REVOKED);
    assert_int_equal(find_session(fresh.sid), TABLE_MISS);
    /* As long as the store is away, so are answers. */
    scratch.away = true;
    keeper_mend(&keeper);
    assert_false(valid() || keeper_sound(&keeper));
    scratch.away = false;
    keeper_mend(&keeper);
    assert_true(valid() && keeper_sound(&keeper));
    /* The end stands, although the store still has the session: the client was told to try again. */
    assert_int_equal(find_session(session.sid), TABLE_REVOKED);
}

static void in_doubt_a_user_is_what_the_store_says(void **state)
{
    (void)state;
    fill();
    struct user_record promoted = user;
    snprintf(promoted.roles, sizeof promoted.roles, "admin");
    struct change_list list = {.count = 1, .items = {{.kind = CHANGE_USER_PUT, .user = &promoted}}};
    keeper_doubt(&keeper, &list);
    assert_false(valid());
    keeper_mend(&keeper);
    assert_true(valid());
    struct table_user u;
    assert_int_equal(table_find_user(table_of(map.writer), user.id, 0, &u), TABLE_HIT);
    assert_int_equal(table_user_roles(&u).len, 0);
}

static void changed_keys_that_can_not_be_read_stop_the_answers(void **state)
{
    (void)state;
    fill();
    struct change_list list = {.count = 1, .items = {{.kind = CHANGE_KEYS}}};
    uint64_t generation = keeper.keys_generation;
    scratch.away = true;
    keeper_apply(&keeper, &list);
    assert_false(valid());
    keeper_mend(&keeper);
    assert_false(valid());
    scratch.away = false;
    keeper_mend(&keeper);
    assert_true(valid());
    assert_true(keeper.keys_generation > generation);
    struct snapshot *now = publisher_take(&publisher);
    assert_int_equal(now->keys->generation, keeper.keys_generation);
    snapshot_unref(now);
}

static void changed_keys_are_published(void **state)
{
    (void)state;
    fill();
    struct change_list list = {.count = 1, .items = {{.kind = CHANGE_KEYS}}};
    struct snapshot *before = publisher_take(&publisher);
    keeper_apply(&keeper, &list);
    struct snapshot *after = publisher_take(&publisher);
    assert_ptr_not_equal(before, after);
    assert_ptr_equal(before->settings, after->settings);
    assert_true(after->keys->generation > before->keys->generation);
    snapshot_unref(before);
    snapshot_unref(after);
    assert_true(valid());
}

enum { KEY_CHANGES = 400 };

struct key_changes { /* what the committer's thread does, and how often it found it undone */
    int lost;
    bool _Atomic done;
};

static void *change_keys(void *argument)
{
    struct key_changes *c = argument;
    struct change_list list = {.count = 1, .items = {{.kind = CHANGE_KEYS}}};
    for (int i = 0; i < KEY_CHANGES; i++) {
        keeper_apply(&keeper, &list);
        struct snapshot *now = publisher_take(&publisher);
        c->lost += now->keys->generation != keeper.keys_generation;
        snapshot_unref(now);
    }
    atomic_store(&c->done, true);
    return NULL;
}

static void a_reload_and_a_change_of_keys_lose_neither(void **state)
{
    (void)state;
    int lost = 0;
    pthread_t thread;
    struct key_changes keys = {0};
    struct listening listening = {.request_deadline_ms = 1};
    fill();
    struct snapshot *first = publisher_take(&publisher);
    struct settings *two[] = {settings_copy(first->settings), settings_copy(first->settings)};
    snapshot_unref(first);
    assert_int_equal(pthread_create(&thread, NULL, change_keys, &keys), 0);
    for (int i = 0; !atomic_load(&keys.done); i++) {
        assert_ok(publisher_amend(&publisher, &listening, settings_ref(two[i % 2]), NULL, NULL));
        struct snapshot *now = publisher_take(&publisher);
        lost += now->settings != two[i % 2];
        snapshot_unref(now);
    }
    pthread_join(thread, NULL);
    assert_int_equal(keys.lost, 0);
    assert_int_equal(lost, 0);
    settings_unref(two[0]);
    settings_unref(two[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fill_reads_everything_and_opens_the_table, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(sessions_that_can_not_be_scanned_are_not_in_it_yet, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(public_keys_are_in_the_table_and_no_others, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(committed_changes_show_at_once, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(an_app_that_is_not_there_gets_no_session_in, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(in_doubt_ends_count_and_nothing_else_is_known, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(in_doubt_a_user_is_what_the_store_says, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(changed_keys_that_can_not_be_read_stop_the_answers, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(changed_keys_are_published, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(a_reload_and_a_change_of_keys_lose_neither, open_keeper, close_keeper),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
