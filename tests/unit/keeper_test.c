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
    assert_ok(keeper_open(&keeper));
    scratch.away = false;
    return 0;
}

static int close_keeper(void **state)
{
    (void)state;
    keeper_close(&keeper);
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

static void fill_nothing_but_the_table(struct fill_counts *counts)
{
    assert_ok(keeper_load_keys(&keeper));
    assert_ok(keeper_fill(&keeper, counts));
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
    static const struct keyring_times times = {300000, 3630000, 3630000, UINT64_MAX};
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

/* --- who comes when --- */

/* A record that was read from the store some time ago reaches the table after a change of it, or before. Each case is
 * one order of events, and stands for every schedule of the threads with that order. */

static struct user_record with_roles(const struct user_record *u, const char *roles)
{
    struct user_record r = *u;
    snprintf(r.roles, sizeof r.roles, "%s", roles);
    return r;
}

static const char *roles_in_table(struct user_id id)
{
    static char roles[ROLES_MAX_BYTES + 1];
    struct table_user u;
    enum table_answer a = table_find_user(table_of(map.writer), id, 0, &u);
    if (a != TABLE_HIT)
        return a == TABLE_MISS ? "miss" : a == TABLE_REVOKED ? "ended" : "unknown";
    snprintf(roles, sizeof roles, "%.*s", (int)table_user_roles(&u).len, table_user_roles(&u).ptr);
    return roles;
}

static struct change end_of(enum change_kind kind, enum revocation_kind what, const uint8_t id[16])
{
    struct change c = {.kind = kind, .revocation = {.kind = what, .until_ms = installation_wall_ms() + 3600000}};
    memcpy(c.revocation.id, id, 16);
    return c;
}

static void commit_user(const struct user_record *u)
{
    struct change_list list = {.count = 1, .items = {{.kind = CHANGE_USER_PUT, .user = u}}};
    keeper_apply(&keeper, &list);
}

static void follow_user(uint64_t mark, const struct user_record *u)
{
    struct change c = {.kind = CHANGE_USER_PUT, .user = u};
    keeper_follow(&keeper, mark, &c, 1);
}

/* What is in no table yet: as after a login elsewhere. */
static void newcomers(struct user_record *u, struct session_record *s, struct api_key_record *k)
{
    *u = user_of(USERS + 1);
    *s = session_of(u, 0);
    *k = (struct api_key_record){.user = u->id, .expires_at_ms = installation_wall_ms() + 3600000};
    entropy_fill(entropy_system(), k->id.bytes, sizeof k->id.bytes);
}

static enum table_answer find_key(struct api_key_id id)
{
    struct table_api_key k;
    return table_find_api_key(table_of(map.writer), id, &k);
}

static void what_was_looked_up_is_there_the_next_time(void **state)
{
    (void)state;
    struct user_record u;
    struct session_record s;
    struct api_key_record k;
    struct table_session found;
    fill();
    newcomers(&u, &s, &k);
    keeper_offer(&keeper, keeper_mark(&keeper), &u, &s, NULL);
    assert_string_equal(roles_in_table(u.id), "");
    assert_int_equal(table_find_session(table_of(map.writer), s.sid, &found), TABLE_HIT);
    assert_true(found.user_hint != 0); /* the user came first */
    keeper_offer(&keeper, keeper_mark(&keeper), &u, NULL, &k);
    assert_int_equal(find_key(k.id), TABLE_HIT);
    assert_int_equal(keeper.fills, 2);
}

static void a_fill_overtaken_by_an_end_is_dropped(void **state)
{
    (void)state;
    struct user_record u;
    struct session_record s;
    struct api_key_record k;
    fill();
    newcomers(&u, &s, &k);
    uint64_t mark = keeper_mark(&keeper); /* read … */
    struct change ends[] = {end_of(CHANGE_SESSION_END, REVOCATION_SESSION, s.sid.bytes),
                            end_of(CHANGE_API_KEY_END, REVOCATION_API_KEY, k.id.bytes),
                            end_of(CHANGE_USER_END, REVOCATION_USER, u.id.bytes)};
    keeper_follow(&keeper, mark, ends, 3);
    /* An end may leave nothing behind: no room, or already swept. Then nothing but the mark tells. */
    struct table_writer *w = map.writer;
    (void)table_sweep(w, INT64_MAX, 100000);
    assert_string_equal(roles_in_table(u.id), "miss");
    assert_int_equal(find_session(s.sid), TABLE_MISS);
    keeper_offer(&keeper, mark, &u, &s, NULL); /* … and brought */
    keeper_offer(&keeper, mark, &u, NULL, &k);
    assert_string_equal(roles_in_table(u.id), "miss");
    assert_int_equal(find_session(s.sid), TABLE_MISS);
    assert_int_equal(find_key(k.id), TABLE_MISS);
    assert_int_equal(keeper.fills_dropped, 2);
}

static void a_fill_overtaken_by_a_change_of_its_user_is_dropped(void **state)
{
    (void)state;
    fill();
    for (int by_follower = 0; by_follower < 2; by_follower++) {
        struct user_record old = user_of(USERS + 2), now = with_roles(&old, "guest");
        snprintf(old.roles, sizeof old.roles, "admin");
        uint64_t mark = keeper_mark(&keeper);
        if (by_follower)
            follow_user(mark, &now);
        else
            commit_user(&now);
        assert_string_equal(roles_in_table(old.id), "guest");
        table_forget(map.writer, CHANGE_USER_PUT, old.id.bytes); /* as if there had been no room */
        keeper_offer(&keeper, mark, &old, NULL, NULL);
        assert_string_equal(roles_in_table(old.id), "miss");
        keeper_offer(&keeper, keeper_mark(&keeper), &now, NULL, NULL); /* read again: good */
        assert_string_equal(roles_in_table(old.id), "guest");
    }
}

static void a_fill_replaces_nothing(void **state)
{
    (void)state;
    fill();
    struct user_record promoted = with_roles(&user, "admin");
    keeper_offer(&keeper, keeper_mark(&keeper), &promoted, NULL, NULL);
    assert_string_equal(roles_in_table(user.id), "");
}

/* One that looked idle here because another node has seen it: it is not looked up again and again. */
static void a_session_that_was_looked_up_was_seen(void **state)
{
    (void)state;
    struct table_session found;
    fill();
    struct session_record old = session_of(&user, 0);
    old.last_seen_at_ms -= 60000;
    keeper_offer(&keeper, keeper_mark(&keeper), &user, &old, NULL);
    assert_int_equal(table_find_session(table_of(map.writer), old.sid, &found), TABLE_HIT);
    assert_in_range(found.last_seen_at_ms, old.last_seen_at_ms + 58000, installation_wall_ms());
}

static void nothing_is_filled_while_the_store_is_in_doubt(void **state)
{
    (void)state;
    fill();
    struct user_record u = user_of(USERS + 3);
    struct change_list none = {0};
    keeper_doubt(&keeper, &none);
    keeper_offer(&keeper, keeper_mark(&keeper), &u, NULL, NULL);
    assert_string_equal(roles_in_table(u.id), "miss");
}

/* The committer's transaction began before another node's change was applied here; nobody knows which came first. */
static void a_commit_crossed_by_a_foreign_change_is_left_to_the_store(void **state)
{
    (void)state;
    fill();
    struct user_record mine = with_roles(&user, "mine"), other = with_roles(&user, "other");
    keeper_begin(&keeper);
    follow_user(keeper_mark(&keeper), &other);
    commit_user(&mine);
    assert_string_equal(roles_in_table(user.id), "miss");
    /* The next one begins after it. */
    keeper_begin(&keeper);
    commit_user(&mine);
    assert_string_equal(roles_in_table(user.id), "mine");
    assert_true(valid());
}

static void several_commits_of_one_group_are_in_order(void **state)
{
    (void)state;
    fill();
    struct user_record one = with_roles(&user, "one"), two = with_roles(&user, "two");
    keeper_begin(&keeper);
    commit_user(&one);
    commit_user(&two);
    assert_string_equal(roles_in_table(user.id), "two");
}

/* The follower read a user, then a change of this very node was committed and answered, then the follower comes. */
static void a_foreign_change_crossed_by_a_commit_is_left_to_the_store(void **state)
{
    (void)state;
    fill();
    struct user_record mine = with_roles(&user, "mine"), old = with_roles(&user, "old");
    uint64_t mark = keeper_mark(&keeper);
    keeper_begin(&keeper);
    commit_user(&mine);
    follow_user(mark, &old);
    assert_string_equal(roles_in_table(user.id), "miss");
    follow_user(keeper_mark(&keeper), &mine);
    assert_string_equal(roles_in_table(user.id), "mine");
}

static void a_foreign_end_counts_whenever_it_comes(void **state)
{
    (void)state;
    fill();
    struct session_record fresh = session_of(&user, 0);
    struct change end = end_of(CHANGE_SESSION_END, REVOCATION_SESSION, fresh.sid.bytes);
    struct change_list put = {.count = 1, .items = {{.kind = CHANGE_SESSION_PUT, .session = &fresh}}};
    uint64_t mark = keeper_mark(&keeper);
    keeper_begin(&keeper);
    keeper_apply(&keeper, &put);
    keeper_follow(&keeper, mark, &end, 1);
    assert_int_equal(find_session(fresh.sid), TABLE_REVOKED);
    keeper_follow(&keeper, mark, &end, 1);
    assert_int_equal(find_session(fresh.sid), TABLE_REVOKED);
    /* A refresh that was under way. */
    keeper_apply(&keeper, &put);
    assert_int_equal(find_session(fresh.sid), TABLE_REVOKED);
}

static void whatever_was_read_before_the_table_was_emptied_is_old(void **state)
{
    (void)state;
    fill();
    struct user_record read = with_roles(&user, "old"), mine = with_roles(&user, "mine");
    uint64_t mark = keeper_mark(&keeper);
    keeper_begin(&keeper);
    keeper_empty(&keeper);
    assert_false(valid());
    struct table_stats stats = table_stats(table_of(map.writer));
    assert_int_equal(stats.sessions + stats.users + stats.api_keys, 0);
    keeper_offer(&keeper, mark, &read, NULL, NULL);
    follow_user(mark, &read);
    commit_user(&mine);
    assert_string_equal(roles_in_table(user.id), "miss");
    keeper_offer(&keeper, keeper_mark(&keeper), &mine, NULL, NULL);
    assert_string_equal(roles_in_table(user.id), "mine");
}

static void the_table_is_valid_for_its_lease_and_while_the_store_is_known(void **state)
{
    (void)state;
    struct fill_counts counts;
    int64_t now = installation_boot_ms();
    keeper_lease(&keeper, 0);
    fill_nothing_but_the_table(&counts);
    assert_false(valid() || keeper_store_decides(&keeper));
    keeper_store_lease(&keeper, now + 60000);
    assert_true(keeper_store_decides(&keeper) && !valid());
    keeper_lease(&keeper, now + 60000);
    assert_true(valid());
    struct change_list none = {0};
    keeper_doubt(&keeper, &none);
    /* What is in doubt is in doubt in the store too, and a renewed lease changes nothing about that. */
    keeper_lease(&keeper, now + 70000);
    assert_false(valid() || keeper_store_decides(&keeper));
    keeper_mend(&keeper);
    assert_true(valid() && keeper_store_decides(&keeper));
    assert_int_equal(table_valid_until(table_of(map.writer)), now + 70000);
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
        cmocka_unit_test_setup_teardown(what_was_looked_up_is_there_the_next_time, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(a_fill_overtaken_by_an_end_is_dropped, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(a_fill_overtaken_by_a_change_of_its_user_is_dropped, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(a_fill_replaces_nothing, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(a_session_that_was_looked_up_was_seen, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(nothing_is_filled_while_the_store_is_in_doubt, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(a_commit_crossed_by_a_foreign_change_is_left_to_the_store, open_keeper,
                                        close_keeper),
        cmocka_unit_test_setup_teardown(several_commits_of_one_group_are_in_order, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(a_foreign_change_crossed_by_a_commit_is_left_to_the_store, open_keeper,
                                        close_keeper),
        cmocka_unit_test_setup_teardown(a_foreign_end_counts_whenever_it_comes, open_keeper, close_keeper),
        cmocka_unit_test_setup_teardown(whatever_was_read_before_the_table_was_emptied_is_old, open_keeper,
                                        close_keeper),
        cmocka_unit_test_setup_teardown(the_table_is_valid_for_its_lease_and_while_the_store_is_known, open_keeper,
                                        close_keeper),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
