/* A commit whose outcome is unknown: is what it would have ended dead, and does it stay dead: at once, when the disk is
 * well again, and after a restart? Every change that narrows access, on a real SQLite store whose disk fails in the
 * middle of the commit (the VFS shim), and on one whose commit happened although nobody was told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vfs_shim.h"

#include "core/api_key.h"
#include "core/logout.h"
#include "crypto/random.h"
#include "daemon/installation.h"
#include "daemon/keeper.h"
#include "daemon/log.h"
#include "store/journal.h"
#include "store/sqlite/sqlite.h"

#include "crypto/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void must(struct cardea_status s, int line)
{
    if (cardea_ok(s))
        return;
    print_error("%s\n", cardea_status_name(s));
    _fail(__FILE__, line);
}
#define assert_ok(s) must((s), __LINE__)

/* --- a service without its listeners --- */

static char folder[64], path[96];
static struct store *real, *opened; /* opened: what the keeper sees */
static struct store lying;
static struct store_ops lying_ops;
static bool lie; /* commit, and say that it is not known */
static struct master_key *master;
static struct publisher publisher;
static struct table_map map;
static struct keeper keeper;
static struct settings *settings;
static struct user_record user;
static struct session_record session;
static struct api_key_record api_key;
static struct token_id token = {{7, 7}};
static struct key_id signing_key;

static struct cardea_status begin_real(struct store *s, enum store_mode mode, int64_t deadline_ms,
                                       struct store_tx **out)
{
    (void)s;
    return real->ops->begin(real, mode, deadline_ms, out);
}

static struct cardea_status commit_perhaps(struct store_tx *tx)
{
    struct cardea_status s = real->ops->commit(tx);
    return cardea_ok(s) && lie ? CARDEA_FAIL(E_UNAVAILABLE) : s;
}

static struct store_tx *begin(enum store_mode mode)
{
    struct store_tx *tx = NULL;
    assert_ok(real->ops->begin(real, mode, installation_boot_ms() + 5000, &tx));
    return tx;
}

static void open_store(void)
{
    char message[256] = "";
    if (!cardea_ok(store_sqlite_open(path, installation_boot_ms, digest_sha256, &real, message, sizeof message)))
        fail_msg("%s", message);
    lying_ops = *real->ops;
    lying_ops.begin = begin_real;
    lying_ops.commit = commit_perhaps;
    lying.ops = &lying_ops;
    opened = &lying;
}

static void open_keeper(void)
{
    struct table_geometry g = {.sessions_max = 1000, .others_max_mib = 4};
    struct listening listening = {0};
    struct site site = {.wall_ms = installation_wall_ms, .boot_ms = installation_boot_ms};
    struct keyring *ring = NULL;
    struct fill_counts counts;
    struct store_tx *tx = begin(STORE_READ);
    assert_ok(keyring_load(tx, real->ops, master, 1, &ring));
    real->ops->abort(tx);
    publisher_init(&publisher);
    publisher_put(&publisher, snapshot_new(&site, &listening, settings_copy(settings), ring, NULL));
    assert_ok(table_map_open(&g, entropy_system(), &map));
    keeper = (struct keeper){.writer = map.writer,
                             .publisher = &publisher,
                             .store = opened,
                             .master = master,
                             .wall_ms = installation_wall_ms,
                             .boot_ms = installation_boot_ms,
                             .keys_generation = 1};
    assert_ok(keeper_open(&keeper));
    assert_ok(keeper_load_keys(&keeper));
    assert_ok(keeper_fill(&keeper, &counts));
}

static void close_keeper(void)
{
    keeper_close(&keeper);
    publisher_clear(&publisher);
    table_map_close(&map);
}

static void restart(void)
{
    close_keeper();
    real->ops->close(real);
    open_store();
    open_keeper();
}

static void make_records(void)
{
    int64_t now = installation_wall_ms();
    user = (struct user_record){.id = user_id_new(entropy_system(), now),
                                .epoch = 3,
                                .status = USER_ACTIVE,
                                .created_at_ms = now,
                                .updated_at_ms = now - 1000,
                                .username = "alice",
                                .roles = "a,b,c",
                                .password_hash = "old",
                                .metadata = "{}"};
    session = (struct session_record){.user = user.id,
                                      .epoch = user.epoch,
                                      .kind = SESSION_COOKIE,
                                      .created_at_ms = now,
                                      .authenticated_at_ms = now,
                                      .last_seen_at_ms = now,
                                      .expires_at_ms = now + 3600000,
                                      .app = "web"};
    entropy_fill(entropy_system(), session.sid.bytes, sizeof session.sid.bytes);
    api_key =
        (struct api_key_record){.user = user.id, .created_at_ms = now, .expires_at_ms = now + 3600000, .name = "k"};
    entropy_fill(entropy_system(), api_key.id.bytes, sizeof api_key.id.bytes);
}

static int set_up(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1};
    (void)snprintf(folder, sizeof folder, "/tmp/cardea-doubt-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/cardea.db", folder);
    lie = false;
    settings = calloc(1, sizeof *settings);
    if (settings == NULL)
        return -1;
    settings_defaults(settings);
    master = master_key_new(key);
    open_store();
    make_records();
    struct store_tx *tx = begin(STORE_WRITE);
    const struct key_work w = {
        .tx = tx, .ops = real->ops, .master = master, .entropy = entropy_system(), .now_ms = installation_wall_ms()};
    assert_ok(keyring_create(&w, token_format_bit(TOKEN_ES256)));
    assert_ok(real->ops->user_put(tx, &user));
    assert_ok(real->ops->session_create(tx, &session));
    assert_ok(real->ops->api_key_put(tx, &api_key));
    struct key_record keys[KEYRING_MAX];
    uint32_t count;
    assert_ok(real->ops->key_list(tx, keys, KEYRING_MAX, &count));
    for (uint32_t i = 0; i < count; i++)
        if (keys[i].use == KEY_USE_ACCESS && keys[i].state == KEY_ACTIVE)
            signing_key = keys[i].id;
    assert_ok(real->ops->commit(tx));
    open_keeper();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[128];
    vfs_shim_calm();
    close_keeper();
    real->ops->close(real);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
        (void)unlink(name);
    }
    (void)rmdir(folder);
    master_key_free(master);
    free(settings);
    return 0;
}

/* --- what narrows --- */

static struct cardea_status end_session(const struct flow *f)
{
    return flow_session_end(f, &session, AUDIT_session_revoked, VIEW("{\"why\":\"test\"}"));
}

static struct cardea_status end_token(const struct flow *f)
{
    struct revocation r = {.kind = REVOCATION_TOKEN, .until_ms = f->now_ms + 600000};
    memcpy(r.id, token.bytes, sizeof token.bytes);
    struct cardea_status s = flow_event(f, AUDIT_token_revoked, &user.id, NULL, VIEW_EMPTY, &r);
    return cardea_ok(s) ? change_add(f->changes, (struct change){.kind = CHANGE_TOKEN_END, .revocation = r}) : s;
}

static struct cardea_status end_api_key(const struct flow *f)
{
    return api_key_revoke(f, NULL, api_key.id);
}

static struct cardea_status end_everything(const struct flow *f)
{
    return logout_all(f, user.id, NULL);
}

static struct cardea_status suspend(const struct flow *f)
{
    struct user_record u = user;
    u.status = USER_SUSPENDED;
    u.updated_at_ms = f->now_ms;
    return flow_epoch_advance(f, &u, AUDIT_user_suspended, NULL, VIEW_EMPTY);
}

static struct cardea_status change_password(const struct flow *f)
{
    struct user_record u = user;
    memcpy(u.password_hash, "new", 4);
    u.updated_at_ms = f->now_ms;
    return flow_epoch_advance(f, &u, AUDIT_password_set, NULL, VIEW_EMPTY);
}

static struct cardea_status take_role(const struct flow *f)
{
    struct user_record u = user;
    memcpy(u.roles, "a,c", 4);
    u.updated_at_ms = f->now_ms;
    struct revocation r = flow_user_revocation(f, &u);
    struct cardea_status s = flow_user_put(f, &u);
    return cardea_ok(s) ? flow_event(f, AUDIT_roles_changed, &u.id, NULL, VIEW_EMPTY, &r) : s;
}

static struct cardea_status delete_user(const struct flow *f)
{
    struct user_record u = user;
    u.epoch++;
    struct revocation r = flow_user_revocation(f, &u);
    struct cardea_status s = f->ops->user_delete(f->tx, u.id);
    if (cardea_ok(s))
        s = flow_event(f, AUDIT_user_deleted, &u.id, NULL, VIEW_EMPTY, &r);
    return cardea_ok(s) ? change_add(f->changes, (struct change){.kind = CHANGE_USER_END, .revocation = r}) : s;
}

static struct cardea_status drop_key(const struct flow *f)
{
    struct revocation r = {.kind = REVOCATION_KEY, .until_ms = f->now_ms + 600000};
    memcpy(r.id, signing_key.bytes, sizeof signing_key.bytes);
    const struct key_work w = {
        .tx = f->tx, .ops = f->ops, .master = master, .entropy = f->entropy, .now_ms = f->now_ms};
    struct cardea_status s = keyring_drop(&w, &signing_key);
    if (cardea_ok(s))
        s = flow_event(f, AUDIT_key_dropped, NULL, NULL, VIEW_EMPTY, &r);
    return cardea_ok(s) ? change_add(f->changes, (struct change){.kind = CHANGE_KEYS}) : s;
}

static struct user_record stored_user(bool *ret_there)
{
    struct user_record u = {0};
    struct store_tx *tx = begin(STORE_READ);
    *ret_there = cardea_ok(real->ops->user_get(tx, user.id, &u));
    real->ops->abort(tx);
    return u;
}

static bool session_dead(void)
{
    struct table_session t;
    return table_find_session(table_of(map.writer), session.sid, &t) == TABLE_REVOKED;
}

static bool token_dead(void)
{
    return table_find_token(table_of(map.writer), token) == TABLE_REVOKED;
}

static bool api_key_dead(void)
{
    struct table_api_key t;
    return table_find_api_key(table_of(map.writer), api_key.id, &t) == TABLE_REVOKED;
}

/* The table's word, and the store's. */
static bool user_is(int64_t epoch, enum user_status status, const char *roles, const char *hash)
{
    bool there;
    struct table_user t;
    struct user_record u = stored_user(&there);
    return there && u.epoch == epoch && u.status == status && strcmp(u.roles, roles) == 0 &&
           strcmp(u.password_hash, hash) == 0 && table_find_user(table_of(map.writer), user.id, 0, &t) == TABLE_HIT &&
           t.epoch == epoch && t.status == status && view_is(table_user_roles(&t), roles);
}

static bool all_dead(void)
{
    return user_is(4, USER_ACTIVE, "a,b,c", "old");
}

static bool suspended(void)
{
    return user_is(4, USER_SUSPENDED, "a,b,c", "old");
}

static bool password_changed(void)
{
    return user_is(4, USER_ACTIVE, "a,b,c", "new");
}

static bool role_taken(void)
{
    return user_is(3, USER_ACTIVE, "a,c", "old");
}

static bool deleted(void)
{
    bool there;
    struct table_user t;
    (void)stored_user(&there);
    return !there && table_find_user(table_of(map.writer), user.id, 0, &t) != TABLE_HIT;
}

static bool key_dropped(void)
{
    struct snapshot *now = publisher_take(&publisher);
    bool gone = keyring_find(now->keys, &signing_key) == NULL && now->keys->active[TOKEN_ES256] != NULL;
    snapshot_unref(now);
    return gone;
}

static const struct act {
    const char *name, *event;
    struct cardea_status (*change)(const struct flow *f);
    bool (*ended)(void);
} acts[] = {
    {"a session ends", AUDIT_session_revoked, end_session, session_dead},
    {"a token ends", AUDIT_token_revoked, end_token, token_dead},
    {"an API key ends", AUDIT_api_key_revoked, end_api_key, api_key_dead},
    {"log out everywhere", AUDIT_logout_all, end_everything, all_dead},
    {"a suspension", AUDIT_user_suspended, suspend, suspended},
    {"a password is set", AUDIT_password_set, change_password, password_changed},
    {"a role is taken", AUDIT_roles_changed, take_role, role_taken},
    {"a user is deleted", AUDIT_user_deleted, delete_user, deleted},
    {"a signing key is dropped", AUDIT_key_dropped, drop_key, key_dropped},
};
enum { ACTS = sizeof acts / sizeof acts[0] };

/* --- as the committer does it --- */

struct attempt {
    struct arena arena;
    struct change_list changes;
};

/* One change in one transaction, and its commit's answer. */
static struct cardea_status attempt(const struct act *a, struct attempt *out)
{
    *out = (struct attempt){0};
    arena_init(&out->arena, 1 << 20);
    struct store_tx *tx = NULL;
    assert_ok(opened->ops->begin(opened, STORE_WRITE, installation_boot_ms() + 5000, &tx));
    struct snapshot *now = publisher_take(&publisher);
    struct flow f = {.settings = settings,
                     .keys = now->keys,
                     .ops = opened->ops,
                     .tx = tx,
                     .table = table_of(map.writer),
                     .entropy = entropy_system(),
                     .arena = &out->arena,
                     .changes = &out->changes,
                     .now_ms = installation_wall_ms(),
                     .request_id = VIEW("r1"),
                     .actor = VIEW("operator:1")};
    assert_ok(a->change(&f));
    assert_true(out->changes.event_count == 1);
    snapshot_unref(now);
    return opened->ops->commit(tx);
}

static void in_doubt(struct attempt *a)
{
    keeper_doubt(&keeper, &a->changes);
    arena_clear(&a->arena); /* what the answer was made from is gone */
    memset(&a->changes, 0xA5, sizeof a->changes);
}

static uint32_t rows_of(const char *type)
{
    struct event *rows = calloc(64, sizeof *rows);
    uint32_t count = 0, found = 0;
    assert_non_null(rows);
    struct store_tx *tx = begin(STORE_READ);
    assert_ok(real->ops->event_list(tx, 0, true, rows, 64, &count));
    struct audit_head head = {0};
    bool end = false;
    assert_ok(audit_verify(real->ops, tx, 1000, &head, &end));
    assert_true(end);
    real->ops->abort(tx);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(rows[i].type, type) == 0) {
            assert_string_equal(rows[i].actor, "operator:1");
            assert_string_equal(rows[i].request_id, "r1");
            assert_int_not_equal(rows[i].revocation.kind, REVOCATION_NONE);
            found++;
        }
    free(rows);
    return found;
}

static bool valid(void)
{
    return table_valid(table_of(map.writer), installation_boot_ms());
}

static void expect_settled(const struct act *a)
{
    keeper_mend(&keeper);
    if (!valid() || !keeper_sound(&keeper) || !a->ended() || rows_of(a->event) != 1)
        fail_msg("%s: valid %d, ended %d, %u rows", a->name, valid(), a->ended(), rows_of(a->event));
    assert_int_equal(keeper.doubts.count, 0);
    restart();
    if (!valid() || !a->ended() || rows_of(a->event) != 1)
        fail_msg("%s, after a restart: valid %d, ended %d, %u rows", a->name, valid(), a->ended(), rows_of(a->event));
}

/* --- the tests --- */

static void each(void (*test)(const struct act *a))
{
    for (size_t i = 0; i < ACTS; i++) {
        assert_int_equal(set_up(NULL), 0);
        test(&acts[i]);
        (void)tear_down(NULL);
    }
}

static void disk_fails(const struct act *a)
{
    struct attempt one;
    assert_false(a->ended());
    shim.fail_sync = true;
    struct cardea_status s = attempt(a, &one);
    assert_int_equal(s.code, CARDEA_E_UNAVAILABLE);
    in_doubt(&one);
    assert_false(valid());
    /* As long as the disk does not work nothing is answered from the table. */
    keeper_mend(&keeper);
    assert_false(valid() || keeper_sound(&keeper));
    keeper_mend(&keeper);
    assert_false(valid());
    vfs_shim_calm();
    expect_settled(a);
}

static void a_commit_that_the_disk_lost_is_made_again(void **state)
{
    (void)state;
    each(disk_fails);
}

static void it_had_happened(const struct act *a)
{
    struct attempt one;
    lie = true;
    struct cardea_status s = attempt(a, &one);
    assert_int_equal(s.code, CARDEA_E_UNAVAILABLE);
    in_doubt(&one);
    lie = false;
    expect_settled(a);
}

static void a_commit_that_had_happened_is_made_once(void **state)
{
    (void)state;
    each(it_had_happened);
}

/* The second attempt's outcome is unknown too, and it did happen. */
static void unknown_twice(const struct act *a)
{
    struct attempt one;
    shim.fail_sync = true;
    assert_int_equal(attempt(a, &one).code, CARDEA_E_UNAVAILABLE);
    in_doubt(&one);
    vfs_shim_calm();
    lie = true;
    keeper_mend(&keeper);
    assert_false(valid());
    assert_int_equal(keeper.doubts.count, 1);
    lie = false;
    expect_settled(a);
}

static void an_unknown_second_attempt_is_made_once(void **state)
{
    (void)state;
    each(unknown_twice);
}

/* Between the doubt and its end somebody has changed the record: only what was to be taken goes. */
static void what_came_between_stays(void **state)
{
    (void)state;
    bool there;
    for (int i = 0; i < 2; i++) {
        struct attempt one;
        assert_int_equal(set_up(NULL), 0);
        shim.fail_sync = true;
        assert_int_equal(attempt(i == 0 ? &acts[4] : &acts[6], &one).code, CARDEA_E_UNAVAILABLE);
        in_doubt(&one);
        vfs_shim_calm();
        struct user_record u = stored_user(&there);
        assert_true(there && u.epoch == 3);
        memcpy(u.name, "Alice B.", 9);
        memcpy(u.roles, "b,c,d", 6);
        u.updated_at_ms = installation_wall_ms() + 1000;
        struct store_tx *tx = begin(STORE_WRITE);
        assert_ok(real->ops->user_put(tx, &u));
        assert_ok(real->ops->commit(tx));
        keeper_mend(&keeper);
        assert_true(valid());
        u = stored_user(&there);
        assert_string_equal(u.name, "Alice B.");
        assert_string_equal(u.roles, i == 0 ? "b,c" : "c"); /* not d: who gave it did not know */
        assert_int_equal(u.status, i == 0 ? USER_SUSPENDED : USER_ACTIVE);
        assert_int_equal(u.epoch, i == 0 ? 4 : 3);
        (void)tear_down(NULL);
    }
}

/* What had gone by itself meanwhile is no obstacle. */
static void what_has_gone_is_still_revoked(void **state)
{
    (void)state;
    struct attempt one;
    assert_int_equal(set_up(NULL), 0);
    shim.fail_sync = true;
    assert_int_equal(attempt(&acts[0], &one).code, CARDEA_E_UNAVAILABLE);
    in_doubt(&one);
    vfs_shim_calm();
    struct store_tx *tx = begin(STORE_WRITE);
    assert_ok(real->ops->session_delete(tx, session.sid));
    assert_ok(real->ops->commit(tx));
    expect_settled(&acts[0]);
    (void)tear_down(NULL);
}

static struct cardea_status take_another_role(const struct flow *f)
{
    struct user_record u = user;
    memcpy(u.roles, "a,b", 4);
    u.updated_at_ms = f->now_ms;
    struct revocation r = flow_user_revocation(f, &u);
    struct cardea_status s = flow_user_put(f, &u);
    return cardea_ok(s) ? flow_event(f, AUDIT_roles_changed, &u.id, NULL, VIEW("{\"n\":2}"), &r) : s;
}

static struct cardea_status resume(const struct flow *f)
{
    struct user_record u = user;
    u.updated_at_ms = f->now_ms;
    struct revocation r = flow_user_revocation(f, &u);
    struct cardea_status s = flow_user_put(f, &u);
    return cardea_ok(s) ? flow_event(f, AUDIT_user_resumed, &u.id, NULL, VIEW_EMPTY, &r) : s;
}

/* Each was made from a record that knew nothing of the others: none gives back what another takes. */
static void several_in_doubt_add_up(void **state)
{
    (void)state;
    static const struct act another = {"another role is taken", AUDIT_roles_changed, take_another_role, NULL},
                            back = {"a user may come back", AUDIT_user_resumed, resume, NULL};
    const struct act *const orders[][6] = {
        {&acts[4], &acts[6], &another, &acts[3], &acts[5], &back},
        {&back, &acts[3], &another, &acts[5], &acts[6], &acts[4]},
    };
    bool there;
    for (size_t o = 0; o < 2; o++) {
        struct attempt one;
        assert_int_equal(set_up(NULL), 0);
        shim.fail_sync = true;
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(attempt(orders[o][i], &one).code, CARDEA_E_UNAVAILABLE);
            in_doubt(&one);
        }
        vfs_shim_calm();
        keeper_mend(&keeper);
        assert_true(valid());
        struct user_record u = stored_user(&there);
        assert_true(there && u.epoch == 4 && u.status == USER_SUSPENDED);
        assert_string_equal(u.roles, "a");
        assert_string_equal(u.password_hash, "new");
        assert_int_equal(rows_of(AUDIT_user_resumed), 0);
        assert_int_equal(rows_of(AUDIT_roles_changed), 2);
        (void)tear_down(NULL);
    }
}

static struct cardea_status refuse_user(struct store_tx *tx, const struct user_record *u)
{
    (void)tx;
    (void)u;
    return CARDEA_FAIL(E_USERNAME_TAKEN);
}

/* One that can never be written keeps neither the others nor the table. */
static void what_can_not_be_written_holds_up_nothing(void **state)
{
    (void)state;
    struct attempt one;
    assert_int_equal(set_up(NULL), 0);
    shim.fail_sync = true;
    for (int i = 4; i >= 3; i--) {
        assert_int_equal(attempt(&acts[i], &one).code, CARDEA_E_UNAVAILABLE);
        in_doubt(&one);
    }
    assert_int_equal(attempt(&acts[0], &one).code, CARDEA_E_UNAVAILABLE);
    in_doubt(&one);
    vfs_shim_calm();
    lying_ops.user_put = refuse_user;
    keeper_mend(&keeper);
    lying_ops.user_put = real->ops->user_put;
    assert_true(valid() && keeper_sound(&keeper));
    assert_true(acts[0].ended());
    assert_int_equal(rows_of(acts[0].event), 1);
    assert_int_equal(rows_of(acts[3].event) + rows_of(acts[4].event), 0); /* taken back whole */
    (void)tear_down(NULL);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    struct event e = {.type = "x", .revocation = {.kind = REVOCATION_TOKEN}};
    struct change_list list = {.event_count = 1, .events = {&e}};
    struct doubts d = {0};
    for (uint32_t i = 0; i < DOUBTS_MAX; i++)
        assert_true(doubts_add(&d, &list));
    assert_false(doubts_add(&d, &list));
    assert_int_equal(d.count, DOUBTS_MAX);
    doubts_clear(&d);
    assert_int_equal(d.count, 0);
    assert_true(doubts_add(&d, &list));
    doubts_clear(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_that_the_disk_lost_is_made_again),
        cmocka_unit_test(a_commit_that_had_happened_is_made_once),
        cmocka_unit_test(an_unknown_second_attempt_is_made_once),
        cmocka_unit_test(what_came_between_stays),
        cmocka_unit_test(what_has_gone_is_still_revoked),
        cmocka_unit_test(several_in_doubt_add_up),
        cmocka_unit_test(what_can_not_be_written_holds_up_nothing),
        cmocka_unit_test(there_is_a_limit),
    };
    if (!cardea_ok(crypto_start()))
        return 1;
    log_start(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_JSON, LOG_ERROR);
    vfs_shim_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
