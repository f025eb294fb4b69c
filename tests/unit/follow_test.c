/* Does a node's memory keep up with a store that others write to, and is it believed exactly as long as it may be? Turn
 * by turn on a real SQLite store that plays the shared one, with a clock of the test's own, and with a store that can
 * be made to answer late, to lose rows, to have others, or not to answer.
 *
 * Each rule whose omission a mutant of model/lease.pml names has a test here that fails without it. */
#include "scratch_store.h"

#include "core/audit.h"
#include "crypto/random.h"
#include "daemon/follow.h"
#include "daemon/installation.h"
#include "daemon/log.h"

#include <unistd.h>

enum { LEASE_MS = 2000 };

static struct master_key *master;
static struct publisher publisher;
static struct table_map map;
static struct keeper keeper;
static struct follow follow;
static struct user_record alice;
static struct session_record session;
static int64_t boot;

/* The shared store as the follower sees it. */
static struct {
    struct store store;
    struct store_ops ops;
    bool reads_away, writes_away;
    bool lagging;           /* rows past `shown` are seen by renewals, and not yet by those who read */
    void (*crossing)(void); /* what happens between the follower's reading of a user and its table */
    uint64_t shown;         /* rows up to here; 0: all */
    uint64_t hidden;        /* one that is left out; 0: none */
    uint64_t forked;        /* one whose hash is another; 0: none */
    int64_t answer_ms;      /* what a renewal takes */
    uint32_t reads;         /* READ transactions begun */
} shared;

static int64_t boot_now(void)
{
    return boot;
}

static struct cardea_status shared_begin(struct store *s, enum store_mode mode, int64_t deadline_ms,
                                         struct store_tx **out)
{
    (void)s;
    shared.reads += mode == STORE_READ;
    if (mode == STORE_READ ? shared.reads_away : shared.writes_away)
        return CARDEA_FAIL(E_UNAVAILABLE);
    return scratch.real->ops->begin(scratch.real, mode, deadline_ms, out);
}

static struct cardea_status shared_verifier_put(struct store_tx *tx, const struct verifier_record *v)
{
    boot += shared.answer_ms;
    return scratch.real->ops->verifier_put(tx, v);
}

static struct cardea_status shared_event_list(struct store_tx *tx, uint64_t after, bool newest_first, struct event *out,
                                              uint32_t cap, uint32_t *ret_count)
{
    uint32_t count = 0, kept = 0;
    if (newest_first && shared.lagging)
        return scratch.real->ops->event_list(tx, after, newest_first, out, cap, ret_count);
    if (newest_first && shared.shown != 0)
        after = shared.shown + 1;
    struct cardea_status s = scratch.real->ops->event_list(tx, after, newest_first, out, cap, &count);
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
        if ((shared.shown != 0 && out[i].n > shared.shown) || (shared.hidden != 0 && out[i].n == shared.hidden))
            continue;
        if (out[i].n == shared.forked)
            out[i].hash[0] ^= 1;
        out[kept++] = out[i];
    }
    if (cardea_ok(s))
        *ret_count = kept;
    return s;
}

static struct cardea_status shared_user_get(struct store_tx *tx, struct user_id id, struct user_record *out)
{
    struct cardea_status s = scratch.real->ops->user_get(tx, id, out);
    if (shared.crossing != NULL)
        shared.crossing();
    return s;
}

static struct user_record user_of(const char *name)
{
    struct user_record u = {.epoch = 1, .status = USER_ACTIVE, .metadata = "{}"};
    u.id = user_id_new(entropy_system(), installation_wall_ms());
    snprintf(u.username, sizeof u.username, "%s", name);
    return u;
}

static struct session_record session_of(const struct user_record *u)
{
    struct session_record s = {.user = u->id, .epoch = u->epoch, .kind = SESSION_COOKIE, .app = "web"};
    entropy_fill(entropy_system(), s.sid.bytes, sizeof s.sid.bytes);
    s.created_at_ms = s.authenticated_at_ms = s.last_seen_at_ms = installation_wall_ms();
    s.expires_at_ms = s.created_at_ms + 3600000;
    return s;
}

/* --- what another node commits --- */

static struct event row_of(const char *type, enum revocation_kind kind, const uint8_t *id)
{
    struct event e = {.at_ms = installation_wall_ms(), .actor = "system", .detail = "{}"};
    snprintf(e.type, sizeof e.type, "%s", type);
    e.revocation.kind = kind;
    if (kind != REVOCATION_NONE) {
        e.revocation.until_ms = installation_wall_ms() + 3600000;
        memcpy(e.revocation.id, id, kind == REVOCATION_KEY ? 32 : 16);
    }
    return e;
}

/* A change of a user (NULL: none) and its row. Returns the row's number. */
static uint64_t elsewhere(const struct user_record *u, struct event row)
{
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    if (u != NULL)
        assert_ok(scratch.real->ops->user_put(tx, u));
    assert_ok(scratch.real->ops->event_append(tx, &row));
    assert_ok(scratch.real->ops->commit(tx));
    return row.n;
}

static uint64_t ends_elsewhere(enum revocation_kind kind, const uint8_t *id)
{
    return elsewhere(NULL, row_of(AUDIT_session_revoked, kind, id));
}

static uint64_t roles_elsewhere(const char *roles)
{
    struct user_record u = alice;
    snprintf(u.roles, sizeof u.roles, "%s", roles);
    struct event e = row_of(AUDIT_roles_changed, REVOCATION_USER, u.id.bytes);
    e.subject = u.id;
    return elsewhere(&u, e);
}

static void set_incarnation(int64_t value)
{
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    assert_ok(scratch.real->ops->value_put(tx, "incarnation", value));
    assert_ok(scratch.real->ops->commit(tx));
}

/* --- what this node says --- */

static enum table_answer find_session(struct session_id sid)
{
    struct table_session s;
    return table_find_session(table_of(map.writer), sid, &s);
}

static enum table_answer find_token(const uint8_t id[16])
{
    struct token_id jti;
    memcpy(jti.bytes, id, sizeof jti.bytes);
    return table_find_token(table_of(map.writer), jti);
}

static const char *roles_here(void)
{
    static char roles[ROLES_MAX_BYTES + 1];
    struct table_user u;
    enum table_answer a = table_find_user(table_of(map.writer), alice.id, 0, &u);
    if (a != TABLE_HIT)
        return a == TABLE_MISS ? "miss" : a == TABLE_REVOKED ? "ended" : "unknown";
    snprintf(roles, sizeof roles, "%.*s", (int)table_user_roles(&u).len, table_user_roles(&u).ptr);
    return roles;
}

static bool valid(void)
{
    return table_valid(table_of(map.writer), boot);
}

static int64_t valid_until(void)
{
    return table_valid_until(table_of(map.writer));
}

static struct verifier_record registered(void)
{
    static struct verifier_record all[4];
    uint32_t count = 0;
    struct store_tx *tx = scratch_begin(STORE_READ);
    assert_ok(scratch.real->ops->verifier_list(tx, all, 4, &count));
    scratch.real->ops->abort(tx);
    assert_int_equal(count, 1);
    return all[0];
}

/* Until the next renewal, and then it. */
static void renew(void)
{
    if (boot < follow.renew_at_ms)
        boot = follow.renew_at_ms;
    (void)follow_step(&follow, 0);
}

static int set_up(void **state)
{
    (void)state;
    static const uint8_t key[32] = {1};
    struct fill_counts counts;
    assert_ok(crypto_start());
    log_start(STDERR_FILENO, LOG_JSON, LOG_ERROR);
    boot = 100000;
    scratch_open(boot_now);
    memset(&shared, 0, sizeof shared);
    shared.ops = *scratch.real->ops;
    shared.ops.begin = shared_begin;
    shared.ops.verifier_put = shared_verifier_put;
    shared.ops.event_list = shared_event_list;
    shared.ops.user_get = shared_user_get;
    shared.store.ops = &shared.ops;
    master = master_key_new(key);
    alice = user_of("alice");
    session = session_of(&alice);
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    const struct key_work w = {.tx = tx,
                               .ops = scratch.real->ops,
                               .master = master,
                               .entropy = entropy_system(),
                               .now_ms = installation_wall_ms()};
    assert_ok(keyring_create(&w, token_format_bit(TOKEN_ES256)));
    assert_ok(scratch.real->ops->user_put(tx, &alice));
    assert_ok(scratch.real->ops->session_create(tx, &session));
    const struct verifier_record joined = {
        .id = {9}, .kind = VERIFIER_NODE, .name = "here", .lease_ms = LEASE_MS}; /* daemon/nodes.h does */
    assert_ok(scratch.real->ops->verifier_put(tx, &joined));
    assert_ok(scratch.real->ops->commit(tx));
    (void)elsewhere(NULL, row_of(AUDIT_started, REVOCATION_NONE, NULL));

    struct table_geometry g = {.sessions_max = 10000, .others_max_mib = 4};
    struct listening listening = {0};
    struct site site = {.wall_ms = installation_wall_ms, .boot_ms = boot_now};
    struct settings *settings = calloc(1, sizeof *settings);
    struct keyring *ring = NULL;
    assert_non_null(settings);
    settings_defaults(settings);
    struct settings *copy = settings_copy(settings);
    free(settings);
    tx = scratch_begin(STORE_READ);
    assert_ok(keyring_load(tx, scratch.real->ops, master, 1, &ring));
    scratch.real->ops->abort(tx);
    publisher_init(&publisher);
    publisher_put(&publisher, snapshot_new(&site, &listening, copy, ring, NULL));
    assert_ok(table_map_open(&g, entropy_system(), &map));
    keeper = (struct keeper){.writer = map.writer,
                             .publisher = &publisher,
                             .store = &scratch.store,
                             .master = master,
                             .wall_ms = installation_wall_ms,
                             .boot_ms = boot_now,
                             .keys_generation = 1};
    assert_ok(keeper_open(&keeper));
    follow = (struct follow){.keeper = &keeper, .store = &shared.store, .boot_ms = boot_now, .self = joined};
    assert_ok(follow_open(&follow));
    assert_ok(keeper_load_keys(&keeper));
    assert_ok(keeper_fill(&keeper, &counts));
    assert_false(valid()); /* filled, and not leased */
    (void)follow_step(&follow, 0);
    assert_true(valid());
    shared.reads = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    follow_clear(&follow);
    keeper_close(&keeper);
    publisher_clear(&publisher);
    table_map_close(&map);
    master_key_free(master);
    scratch_close();
    return 0;
}

/* --- rows --- */

static void an_end_elsewhere_is_one_here(void **state)
{
    (void)state;
    struct table_api_key found;
    struct api_key_record k = {.user = alice.id, .id = {{5}}, .expires_at_ms = installation_wall_ms() + 3600000};
    const uint8_t jti[16] = {7};
    keeper_offer(&keeper, keeper_mark(&keeper), NULL, NULL, &k);
    assert_int_equal(find_session(session.sid), TABLE_HIT);
    ends_elsewhere(REVOCATION_SESSION, session.sid.bytes);
    ends_elsewhere(REVOCATION_TOKEN, jti);
    uint64_t last = ends_elsewhere(REVOCATION_API_KEY, k.id.bytes);
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_int_equal(find_session(session.sid), TABLE_REVOKED);
    assert_int_equal(find_token(jti), TABLE_REVOKED);
    assert_int_equal(table_find_api_key(table_of(map.writer), k.id, &found), TABLE_REVOKED);
    assert_int_equal(follow.at.n, last);
}

static void a_changed_user_is_read_and_a_deleted_one_has_ended(void **state)
{
    (void)state;
    roles_elsewhere("editor");
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_string_equal(roles_here(), "editor");
    /* A row that names no revocation, and several of one user: the record is as it is now. */
    struct user_record u = alice;
    u.epoch = 4;
    snprintf(u.roles, sizeof u.roles, "last");
    struct event e = row_of(AUDIT_user_updated, REVOCATION_NONE, NULL);
    e.subject = u.id;
    roles_elsewhere("between");
    elsewhere(&u, e);
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_string_equal(roles_here(), "last");
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    e = row_of(AUDIT_user_deleted, REVOCATION_USER, alice.id.bytes);
    assert_ok(scratch.real->ops->user_delete(tx, alice.id));
    assert_ok(scratch.real->ops->event_append(tx, &e));
    assert_ok(scratch.real->ops->commit(tx));
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_string_equal(roles_here(), "ended");
}

static void rows_about_keys_make_the_keyring_anew_before_they_count(void **state)
{
    (void)state;
    const uint8_t kid[32] = {3};
    uint64_t generation = keeper.keys_generation, at = follow.at.n;
    elsewhere(NULL, row_of(AUDIT_key_promoted, REVOCATION_NONE, NULL));
    scratch.away = true; /* where the keyring is read */
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_int_equal(follow.at.n, at);
    scratch.away = false;
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_int_equal(keeper.keys_generation, generation + 1);
    elsewhere(NULL, row_of(AUDIT_key_dropped, REVOCATION_KEY, kid));
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_int_equal(keeper.keys_generation, generation + 2);
    assert_int_equal(follow.at.n, at + 2);
}

static void bookkeeping_changes_nothing(void **state)
{
    (void)state;
    struct event e = row_of(AUDIT_login, REVOCATION_NONE, NULL);
    struct user_record u = alice;
    e.subject = u.id;
    snprintf(u.roles, sizeof u.roles, "unsaid");
    uint64_t n = elsewhere(&u, e);
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_string_equal(roles_here(), "");
    assert_int_equal(follow.at.n, n);
}

static void many_rows_are_all_followed(void **state)
{
    (void)state;
    uint64_t n = 0;
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    for (int i = 0; i < 5 * FOLLOW_ROWS + 3; i++) {
        uint8_t jti[16] = {1, (uint8_t)i, (uint8_t)(i >> 8)};
        struct event e = row_of(AUDIT_token_revoked, REVOCATION_TOKEN, jti);
        assert_ok(scratch.real->ops->event_append(tx, &e));
        n = e.n;
    }
    assert_ok(scratch.real->ops->commit(tx));
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    for (int i = 0; i < 5 * FOLLOW_ROWS + 3; i++)
        assert_int_equal(find_token((const uint8_t[16]){1, (uint8_t)i, (uint8_t)(i >> 8)}), TABLE_REVOKED);
    assert_int_equal(follow.at.n, n);
    assert_int_equal(follow.counts.refills, 0);
}

static void rows_of_this_node_come_along_and_change_nothing(void **state)
{
    (void)state;
    struct user_record mine = alice;
    snprintf(mine.roles, sizeof mine.roles, "mine");
    struct event e = row_of(AUDIT_roles_changed, REVOCATION_USER, alice.id.bytes);
    struct change_list list = {.count = 1, .items = {{.kind = CHANGE_USER_PUT, .user = &mine}}};
    keeper_begin(&keeper);
    elsewhere(&mine, e);
    keeper_apply(&keeper, &list);
    for (int i = 0; i < 2; i++) {
        (void)follow_step(&follow, STORE_PUSH_ROWS);
        assert_string_equal(roles_here(), "mine");
    }
    ends_elsewhere(REVOCATION_SESSION, session.sid.bytes);
    struct journal_head before = follow.at;
    for (int i = 0; i < 2; i++) {
        (void)follow_step(&follow, STORE_PUSH_ROWS);
        assert_int_equal(find_session(session.sid), TABLE_REVOKED);
        follow.at = before; /* once more */
    }
}

/* Mutant FILL_RACE, between two who write: what this node commits is crossed by another's row. */
static void a_row_between_our_commit_and_its_table_wins_or_nobody_does(void **state)
{
    (void)state;
    struct user_record mine = alice;
    snprintf(mine.roles, sizeof mine.roles, "mine");
    struct change_list list = {.count = 1, .items = {{.kind = CHANGE_USER_PUT, .user = &mine}}};
    keeper_begin(&keeper);
    elsewhere(&mine, row_of(AUDIT_roles_changed, REVOCATION_USER, alice.id.bytes)); /* ours; and then */
    roles_elsewhere("theirs");
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_string_equal(roles_here(), "theirs");
    keeper_apply(&keeper, &list);
    assert_string_equal(roles_here(), "miss");
}

static struct user_record crossing_user;

static void commit_here(void)
{
    struct change_list list = {.count = 1, .items = {{.kind = CHANGE_USER_PUT, .user = &crossing_user}}};
    shared.crossing = NULL;
    keeper_begin(&keeper);
    elsewhere(&crossing_user, row_of(AUDIT_roles_changed, REVOCATION_USER, alice.id.bytes));
    keeper_apply(&keeper, &list); /* and it is answered */
}

/* The same the other way round: the record that a row led to is older than what this node has committed and answered.
 */
static void a_commit_between_a_row_and_its_table_is_not_undone(void **state)
{
    (void)state;
    crossing_user = alice;
    snprintf(crossing_user.roles, sizeof crossing_user.roles, "mine");
    roles_elsewhere("older");
    shared.crossing = commit_here;
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_string_equal(roles_here(), "miss");
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_string_equal(roles_here(), "mine");
}

/* --- the lease --- */

static void a_renewal_counts_from_before_it_was_asked_for(void **state)
{
    (void)state;
    shared.answer_ms = 700;
    boot = follow.renew_at_ms;
    int64_t asked = boot;
    (void)follow_step(&follow, 0);
    assert_int_equal(boot, asked + 700);
    assert_int_equal(valid_until(), asked + LEASE_MS);
    /* An answer that takes longer than the lease renews nothing. */
    shared.answer_ms = LEASE_MS + 1;
    renew();
    assert_false(valid() || keeper_store_decides(&keeper));
    shared.answer_ms = 0;
    renew();
    assert_true(valid());
}

/* Whoever looked while it was away did not wait for us: what we asked for then may be from before their change. */
static void a_record_that_was_taken_away_is_registered_before_it_is_renewed(void **state)
{
    (void)state;
    int64_t until = valid_until();
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    assert_ok(scratch.real->ops->verifier_delete(tx, follow.self.id));
    assert_ok(scratch.real->ops->commit(tx));
    boot = follow.renew_at_ms;
    assert_int_equal(follow_step(&follow, 0), boot); /* again at once */
    assert_int_equal(registered().id[0], 9);
    assert_int_equal(valid_until(), until);
    boot += 3;
    (void)follow_step(&follow, 0);
    assert_int_equal(valid_until(), boot + LEASE_MS);
}

static void put_other(const struct verifier_record *v)
{
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    (void)cardea_ok(scratch.real->ops->verifier_delete(tx, follow.self.id));
    assert_ok(scratch.real->ops->verifier_put(tx, v));
    assert_ok(scratch.real->ops->commit(tx));
}

/* We were stopped for so long that another was let in, which keeps its sessions for itself. */
static void one_that_was_replaced_comes_back_when_the_other_has_gone(void **state)
{
    (void)state;
    struct verifier_record other = {.id = {77}, .kind = VERIFIER_NODE, .lease_ms = LEASE_MS, .sessions = "own memory"};
    int64_t until = valid_until();
    put_other(&other);
    for (int i = 0; i < 20; i++) { /* it lives */
        other.renewals++;
        put_other(&other);
        boot += LEASE_MS / 4;
        (void)follow_step(&follow, 0);
        assert_int_equal(registered().id[0], 77);
    }
    assert_int_equal(valid_until(), until); /* and nothing is believed here meanwhile */
    assert_false(valid());
    /* It has died: its lease is waited for. */
    int64_t died = boot;
    while (registered().id[0] == 77) {
        boot += LEASE_MS / 4;
        (void)follow_step(&follow, 0);
        assert_true(boot < died + 3 * LEASE_MS);
    }
    assert_true(boot > died + LEASE_MS);
    assert_int_equal(registered().id[0], 9);
    renew();
    renew();
    assert_true(valid());
}

/* Mutant LEASE_FIRST. */
static void a_renewal_counts_when_everything_before_it_is_applied(void **state)
{
    (void)state;
    int64_t until = valid_until();
    ends_elsewhere(REVOCATION_SESSION, session.sid.bytes);
    shared.reads_away = true;
    boot = follow.renew_at_ms;
    int64_t asked = boot;
    (void)follow_step(&follow, 0);
    assert_int_equal(valid_until(), until);
    assert_int_equal(find_session(session.sid), TABLE_HIT);
    boot += 100;
    (void)follow_step(&follow, 0);
    assert_int_equal(valid_until(), until);
    shared.reads_away = false;
    (void)follow_step(&follow, 0);
    assert_int_equal(find_session(session.sid), TABLE_REVOKED);
    assert_int_equal(valid_until(), asked + LEASE_MS); /* not from when it was applied */
}

/* Rows may be read from a server that is a little behind the one that renews. */
static void rows_that_are_not_there_yet_are_waited_for(void **state)
{
    (void)state;
    int64_t until = valid_until();
    shared.shown = follow.at.n;
    shared.lagging = true;
    ends_elsewhere(REVOCATION_SESSION, session.sid.bytes);
    boot = follow.renew_at_ms;
    int64_t asked = boot, next = follow_step(&follow, 0);
    assert_int_equal(valid_until(), until);
    assert_in_range(next - boot, 1, 100); /* soon again */
    shared.shown = 0;
    boot = next;
    (void)follow_step(&follow, 0);
    assert_int_equal(find_session(session.sid), TABLE_REVOKED);
    assert_int_equal(valid_until(), asked + LEASE_MS);
}

/* Mutant REPLICA: the question is answered by who takes writes, or it is none. */
static void without_a_write_there_is_no_lease(void **state)
{
    (void)state;
    int64_t until = valid_until();
    uint64_t renewals = registered().renewals;
    shared.writes_away = true;
    boot = until - 1;
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_true(valid());
    boot = until;
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_false(valid() || keeper_store_decides(&keeper));
    assert_true(keeper_store_lost(&keeper));
    assert_int_equal(registered().renewals, renewals);
    shared.writes_away = false;
    renew();
    assert_true(valid());
    assert_false(keeper_store_lost(&keeper));
    assert_int_equal(registered().renewals, renewals + 1);
}

static void rows_between_renewals_need_no_push(void **state)
{
    (void)state;
    ends_elsewhere(REVOCATION_SESSION, session.sid.bytes);
    int64_t next = follow_step(&follow, 0); /* not due, nothing pushed */
    assert_int_equal(find_session(session.sid), TABLE_HIT);
    assert_in_range(next - boot, 1, LEASE_MS / LEASE_RENEWALS);
    boot = next;
    (void)follow_step(&follow, 0);
    assert_int_equal(find_session(session.sid), TABLE_REVOKED);
    assert_int_equal(valid_until(), next + LEASE_MS);
}

static void where_nothing_happens_a_renewal_reads_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        renew();
        assert_int_equal(valid_until(), boot + LEASE_MS);
    }
    assert_int_equal(shared.reads, 0);
}

/* Somebody waits for an acknowledgement. */
static void a_nudge_is_answered_with_what_is_applied(void **state)
{
    (void)state;
    uint64_t renewals = registered().renewals, n = ends_elsewhere(REVOCATION_SESSION, session.sid.bytes);
    (void)follow_step(&follow, STORE_PUSH_ROWS | STORE_PUSH_RENEW);
    assert_int_equal(find_session(session.sid), TABLE_REVOKED);
    assert_int_equal(registered().n, n);
    assert_int_equal(registered().renewals, renewals + 1);
}

/* Never more than is applied, whatever else goes on. */
static void what_is_acknowledged_is_applied(void **state)
{
    (void)state;
    uint64_t before = follow.at.n;
    ends_elsewhere(REVOCATION_SESSION, session.sid.bytes);
    shared.reads_away = true;
    renew();
    renew();
    assert_int_equal(find_session(session.sid), TABLE_HIT);
    assert_int_equal(registered().n, before);
}

/* --- another store --- */

static void filled_anew(int refills)
{
    assert_int_equal(follow.counts.refills, refills);
    assert_int_equal(find_session(session.sid), TABLE_HIT);
    renew();
    assert_true(valid());
}

/* Something that the store knows nothing of, or not any more. */
static struct session_record only_here(void)
{
    struct session_record s = session_of(&alice);
    keeper_offer(&keeper, keeper_mark(&keeper), NULL, &s, NULL);
    assert_int_equal(find_session(s.sid), TABLE_HIT);
    return s;
}

static void after_a_restore_memory_is_made_anew(void **state)
{
    (void)state;
    struct session_record s = only_here();
    set_incarnation(1800000000);
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_false(valid()); /* until a renewal says so */
    assert_int_equal(find_session(s.sid), TABLE_MISS);
    filled_anew(1);
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_int_equal(follow.counts.refills, 1);
}

/* Nothing is pushed: the renewal itself must notice, before it counts. */
static void a_renewal_of_another_incarnation_is_none(void **state)
{
    (void)state;
    struct session_record s = only_here();
    int64_t until = valid_until();
    set_incarnation(3);
    boot = follow.renew_at_ms;
    (void)follow_step(&follow, 0);
    assert_true(valid_until() <= until);
    assert_int_equal(find_session(s.sid), TABLE_MISS);
    filled_anew(1);
}

static void a_head_behind_us_is_of_another_store(void **state)
{
    (void)state;
    struct session_record s = only_here();
    uint64_t n = ends_elsewhere(REVOCATION_TOKEN, (const uint8_t[16]){1});
    renew();
    assert_int_equal(follow.at.n, n);
    shared.shown = n - 1;
    renew();
    assert_int_equal(find_session(s.sid), TABLE_MISS);
    assert_int_equal(follow.at.n, n - 1);
    filled_anew(1);
}

static void a_row_with_another_hash_is_of_another_store(void **state)
{
    (void)state;
    struct session_record s = only_here();
    shared.forked = follow.at.n;
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_int_equal(find_session(s.sid), TABLE_MISS);
    assert_int_equal(follow.counts.refills, 1);
    shared.forked = 0; /* and back: yet another one */
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    filled_anew(2);
}

/* The same number, seen by the renewal alone. */
static void a_head_with_another_hash_is_of_another_store(void **state)
{
    (void)state;
    struct session_record s = only_here();
    shared.forked = follow.at.n;
    renew();
    assert_int_equal(find_session(s.sid), TABLE_MISS);
    filled_anew(1);
}

/* Mutant GAP: nothing behind a row that is missing is believed. */
static void a_gap_is_never_passed(void **state)
{
    (void)state;
    struct session_record s = only_here();
    shared.hidden = ends_elsewhere(REVOCATION_SESSION, session.sid.bytes);
    ends_elsewhere(REVOCATION_TOKEN, (const uint8_t[16]){1});
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_int_equal(follow.counts.refills, 1);
    assert_int_equal(find_session(s.sid), TABLE_MISS);
    /* From the store itself: the end is in force there. */
    assert_int_equal(find_session(session.sid), TABLE_REVOKED);
}

static void an_emptied_memory_stays_empty_until_it_can_be_filled(void **state)
{
    (void)state;
    set_incarnation(4);
    scratch.away = true; /* where everything is read */
    for (int i = 0; i < 3; i++) {
        renew();
        assert_false(valid());
        assert_int_equal(find_session(session.sid), TABLE_MISS);
        /* Meanwhile the store may be asked: it takes our writes. */
        assert_true(keeper_store_decides(&keeper));
        if (i > 0) /* the first one noticed */
            assert_int_equal(registered().n, 0);
    }
    scratch.away = false;
    renew();
    filled_anew(1);
}

static struct cardea_status slow_scan(struct store_tx *tx, struct session_id after, struct session_record *out,
                                      uint32_t cap, uint32_t *ret_count)
{
    boot += 3 * LEASE_MS / LEASE_RENEWALS; /* a million sessions, say */
    return scratch.real->ops->session_scan(tx, after, out, cap, ret_count);
}

/* A reading that takes several leases: whoever counts the living still counts us, and the store may be asked. */
static void a_long_reading_holds_up_no_renewal(void **state)
{
    (void)state;
    enum { PORTIONS = 4 };
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    for (int i = 0; i < PORTIONS * FILL_ROWS; i++) {
        struct session_record s = session_of(&alice);
        assert_ok(scratch.real->ops->session_create(tx, &s));
    }
    assert_ok(scratch.real->ops->commit(tx));
    set_incarnation(6);
    scratch.ops.session_scan = slow_scan;
    uint64_t renewals = registered().renewals;
    int64_t begun = boot;
    (void)follow_step(&follow, STORE_PUSH_ROWS);
    assert_true(boot - begun > 2 * LEASE_MS);
    assert_true(registered().renewals >= renewals + PORTIONS);
    assert_int_equal(registered().n, 0);
    assert_true(keeper_store_decides(&keeper) && !valid());
    scratch.ops.session_scan = scratch.real->ops->session_scan;
    filled_anew(1);
}

static void at_the_end_nothing_is_believed(void **state)
{
    (void)state;
    follow_end(&follow);
    assert_false(valid() || keeper_store_decides(&keeper));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_end_elsewhere_is_one_here),
        TEST(a_changed_user_is_read_and_a_deleted_one_has_ended),
        TEST(rows_about_keys_make_the_keyring_anew_before_they_count),
        TEST(bookkeeping_changes_nothing),
        TEST(many_rows_are_all_followed),
        TEST(rows_of_this_node_come_along_and_change_nothing),
        TEST(a_row_between_our_commit_and_its_table_wins_or_nobody_does),
        TEST(a_commit_between_a_row_and_its_table_is_not_undone),
        TEST(a_renewal_counts_from_before_it_was_asked_for),
        TEST(a_renewal_counts_when_everything_before_it_is_applied),
        TEST(rows_that_are_not_there_yet_are_waited_for),
        TEST(without_a_write_there_is_no_lease),
        TEST(one_that_was_replaced_comes_back_when_the_other_has_gone),
        TEST(a_record_that_was_taken_away_is_registered_before_it_is_renewed),
        TEST(rows_between_renewals_need_no_push),
        TEST(where_nothing_happens_a_renewal_reads_nothing),
        TEST(a_nudge_is_answered_with_what_is_applied),
        TEST(what_is_acknowledged_is_applied),
        TEST(after_a_restore_memory_is_made_anew),
        TEST(a_renewal_of_another_incarnation_is_none),
        TEST(a_head_behind_us_is_of_another_store),
        TEST(a_row_with_another_hash_is_of_another_store),
        TEST(a_head_with_another_hash_is_of_another_store),
        TEST(a_gap_is_never_passed),
        TEST(an_emptied_memory_stays_empty_until_it_can_be_filled),
        TEST(a_long_reading_holds_up_no_renewal),
        TEST(at_the_end_nothing_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
