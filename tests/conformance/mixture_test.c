/* The conformance suite on mixtures: accounts in SQLite, and sessions in memory or in another database. And what a
 * mixture adds: a session that the accounts hold a revocation against is not there, whatever the sessions' engine says.
 */
#include "sessions_conformance.h"

#include "store/memory/memory.h"
#include "store/mixture.h"
#include "store/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[sizeof "/tmp/cardea-mixture-XXXXXX"];

static void path_of(const char *name, const char *suffix, char out[128])
{
    (void)snprintf(out, 128, "%s/%s.db%s", folder, name, suffix);
}

static struct store *open_sqlite(const char *name)
{
    char path[128], message[256] = "";
    struct store *s = NULL;
    path_of(name, "", path);
    if (!cardea_ok(store_sqlite_open(path, conformance_boot_ms, conformance_digest, &s, message, sizeof message)))
        fail_msg("%s", message);
    return s;
}

static struct store *mix(struct sessions *sessions)
{
    struct store *s = NULL;
    assert_ok(store_mixture_new(open_sqlite("accounts"), sessions, &s));
    return s;
}

static struct store *open_with_memory(void)
{
    struct sessions *sessions = NULL;
    assert_ok(sessions_memory_open(&sessions));
    return mix(sessions);
}

static struct store *open_with_database(void)
{
    struct sessions *sessions = NULL;
    assert_ok(store_as_sessions(open_sqlite("sessions"), &sessions));
    return mix(sessions);
}

static void wipe(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char path[128];
        path_of("accounts", suffixes[i], path);
        (void)unlink(path);
        path_of("sessions", suffixes[i], path);
        (void)unlink(path);
    }
}

static const struct engine_under_test mixtures[] = {
    {.name = "sqlite and memory", .accounts = true, .sessions = true, .open = open_with_memory, .wipe = wipe},
    {.name = "sqlite and sqlite",
     .accounts = true,
     .sessions = true,
     .durable = true,
     .open = open_with_database,
     .wipe = wipe},
};

static struct sessions *memory_alone(void)
{
    struct sessions *sessions = NULL;
    assert_ok(sessions_memory_open(&sessions));
    return sessions;
}

static struct sessions *database_alone(void)
{
    struct sessions *sessions = NULL;
    assert_ok(store_as_sessions(open_sqlite("sessions"), &sessions));
    return sessions;
}

static const struct sessions_under_test alone[] = {
    {.name = "memory", .alone = true, .open = memory_alone},
    {.name = "sqlite", .open = database_alone, .wipe = wipe},
};

/* A mixture, and the sessions' engine behind it. */
static struct store *s;
static struct sessions *behind;

static int setup(void **state)
{
    (void)state;
    wipe();
    assert_ok(sessions_memory_open(&behind));
    s = mix(behind);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    wipe();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    s->ops->close(s);
    wipe();
    return 0;
}

static enum cardea_code look(struct session_id sid)
{
    struct session_record got;
    struct store_tx *tx = open_read(s);
    struct cardea_status status = s->ops->session_get(tx, sid, &got);
    s->ops->abort(tx);
    return status.code;
}

static enum cardea_code look_behind(struct session_id sid)
{
    struct session_record got;
    return behind->ops->get(behind, conformance_boot_ms() + 1000, sid, &got).code;
}

static struct session_record create(unsigned number)
{
    struct session_record r = sample_session(number, sample_user(1).id);
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->session_create(tx, &r));
    commit(s, tx);
    return r;
}

static void end_in_accounts(struct store_tx *tx, struct session_id sid)
{
    struct event e = sample_event(1);
    e.revocation = (struct revocation){.kind = REVOCATION_SESSION, .until_ms = INT64_MAX};
    memcpy(e.revocation.id, sid.bytes, sizeof sid.bytes);
    assert_ok(s->ops->event_append(tx, &e));
}

static void an_engine_that_falls_back_resurrects_nothing(void **state)
{
    (void)state;
    struct session_record r = create(1), other = create(2), list[4];
    struct store_tx *tx = open_write(s);
    end_in_accounts(tx, r.sid);
    assert_ok(s->ops->session_delete(tx, r.sid));
    commit(s, tx);
    assert_int_equal(look_behind(r.sid), CARDEA_E_NOT_FOUND);
    assert_ok(behind->ops->create(behind, conformance_boot_ms() + 1000, &r)); /* it is there again */
    assert_int_equal(look(r.sid), CARDEA_E_NOT_FOUND);
    assert_int_equal(look(other.sid), CARDEA_OK);
    tx = open_write(s);
    struct session_record next = r;
    next.generation++;
    assert_code(s->ops->session_rotate(tx, &next, r.generation), E_NOT_FOUND);
    struct page page = {.limit = 4};
    struct cursor after;
    uint32_t count = 0;
    assert_ok(s->ops->session_list(tx, NULL, 0, &page, list, &count, &after));
    assert_int_equal(count, 1);
    assert_memory_equal(&list[0].sid, &other.sid, sizeof other.sid);
    s->ops->abort(tx);
}

static void a_deletion_waits_for_the_commit(void **state)
{
    (void)state;
    struct session_record r = create(1);
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->session_delete(tx, r.sid));
    assert_int_equal(look_behind(r.sid), CARDEA_OK);
    s->ops->abort(tx);
    assert_int_equal(look(r.sid), CARDEA_OK); /* taken back, so nobody is logged out */
    tx = open_write(s);
    assert_ok(s->ops->mark(tx));
    assert_ok(s->ops->session_delete(tx, r.sid));
    assert_ok(s->ops->undo(tx));
    commit(s, tx);
    assert_int_equal(look(r.sid), CARDEA_OK);
    tx = open_write(s);
    assert_ok(s->ops->session_delete(tx, r.sid));
    commit(s, tx);
    assert_int_equal(look_behind(r.sid), CARDEA_E_NOT_FOUND);
}

static void what_was_taken_back_leaves_no_orphan(void **state)
{
    (void)state;
    struct session_record a = sample_session(1, sample_user(1).id), b = sample_session(2, sample_user(1).id),
                          c = sample_session(3, sample_user(1).id);
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->mark(tx));
    assert_ok(s->ops->session_create(tx, &a));
    assert_ok(s->ops->keep(tx));
    assert_ok(s->ops->mark(tx));
    assert_ok(s->ops->session_create(tx, &b));
    assert_code(s->ops->session_create(tx, &a), E_CONFLICT); /* and a stays */
    assert_ok(s->ops->undo(tx));
    assert_int_equal(look_behind(b.sid), CARDEA_E_NOT_FOUND);
    commit(s, tx);
    assert_int_equal(look(a.sid), CARDEA_OK);
    tx = open_write(s);
    assert_ok(s->ops->session_create(tx, &c));
    s->ops->abort(tx);
    assert_int_equal(look_behind(c.sid), CARDEA_E_NOT_FOUND);
}

static void a_deleted_users_sessions_go(void **state)
{
    (void)state;
    struct user_record u = sample_user(1);
    struct session_record mine = create(1), others = sample_session(7, sample_user(2).id);
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->user_put(tx, &u));
    assert_ok(s->ops->session_create(tx, &others));
    commit(s, tx);
    tx = open_write(s);
    assert_ok(s->ops->user_delete(tx, u.id));
    commit(s, tx);
    assert_int_equal(look_behind(mine.sid), CARDEA_E_NOT_FOUND);
    assert_int_equal(look_behind(others.sid), CARDEA_OK);
}

/* The engine behind, which answers nothing while `away` is set. */
static bool away;
static const struct sessions_ops *real;

static struct cardea_status get_or_away(struct sessions *e, int64_t deadline_ms, struct session_id sid,
                                        struct session_record *out)
{
    return away ? CARDEA_FAIL(E_UNAVAILABLE) : real->get(e, deadline_ms, sid, out);
}

static struct cardea_status remove_or_away(struct sessions *e, int64_t deadline_ms, const struct session_id *sids,
                                           uint32_t count)
{
    return away ? CARDEA_FAIL(E_UNAVAILABLE) : real->remove(e, deadline_ms, sids, count);
}

static struct cardea_status find_or_away(struct sessions *e, int64_t deadline_ms, struct user_id user, int64_t epoch,
                                         struct session_id after, struct session_id *out, uint32_t cap,
                                         uint32_t *ret_count)
{
    return away ? CARDEA_FAIL(E_UNAVAILABLE)
                : real->find_below(e, deadline_ms, user, epoch, after, out, cap, ret_count);
}

/* Two rotations wait for the commit; another node was first with one of them. */
static void a_rival_is_found_out_by_the_commit(void **state)
{
    (void)state;
    struct store *two = open_with_database(), *rival = open_sqlite("sessions");
    struct session_record r[2], next[2], got;
    struct session_id sids[2];
    struct store_tx *tx = open_write(two);
    for (unsigned i = 0; i < 2; i++) {
        r[i] = sample_session(i, sample_user(1).id);
        r[i].kind = SESSION_TOKEN;
        r[i].generation = 1;
        assert_ok(two->ops->session_create(tx, &r[i]));
        next[i] = r[i];
        next[i].generation = 2;
        next[i].refresh_digest[0] ^= 1;
        sids[i] = r[i].sid;
    }
    commit(two, tx);
    struct expectation what = {.sids = sids, .sid_count = 2, .records = true, .accounts = true};
    tx = open_write(two);
    assert_ok(two->ops->expect(tx, &what));
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(two->ops->mark(tx));
        assert_ok(two->ops->session_rotate(tx, &next[i], 1));
        assert_ok(two->ops->keep(tx));
    }
    struct session_record first = next[1];
    first.refresh_digest[0] ^= 2;
    struct store_tx *other = open_write(rival);
    assert_ok(rival->ops->session_rotate(other, &first, 1));
    commit(rival, other);
    assert_code(two->ops->commit(tx), E_CONFLICT);
    tx = open_write(two);
    assert_ok(two->ops->session_get(tx, sids[1], &got));
    assert_memory_equal(got.refresh_digest, first.refresh_digest, sizeof got.refresh_digest);
    assert_code(two->ops->session_rotate(tx, &next[1], 1), E_CONFLICT);
    /* The other one was written, or can still be. */
    struct cardea_status again = two->ops->session_rotate(tx, &next[0], 1);
    assert_true(cardea_ok(again) || again.code == CARDEA_E_CONFLICT);
    assert_ok(two->ops->session_get(tx, sids[0], &got));
    assert_memory_equal(got.refresh_digest, next[0].refresh_digest, sizeof got.refresh_digest);
    commit(two, tx);
    rival->ops->close(rival);
    two->ops->close(two);
}

/* The accounts look for ends once the users are locked, so only of sessions whose user is known. */
static uint32_t sids_told, users_told;
static struct session_id first_told;

static struct cardea_status note_expectation(struct store_tx *tx, const struct expectation *what)
{
    (void)tx;
    sids_told = what->sid_count;
    users_told = what->user_count;
    first_told = what->sids[0];
    return CARDEA_SUCCESS;
}

/* Of two sessions the first one's server does not answer. */
static struct cardea_status get_the_second(struct sessions *e, int64_t deadline_ms, const struct session_id *sids,
                                           uint32_t count, struct session_record *out,
                                           struct cardea_status *ret_answers)
{
    for (uint32_t i = 1; i < count; i++)
        ret_answers[i] = e->ops->get(e, deadline_ms, sids[i], &out[i]);
    ret_answers[0] = CARDEA_FAIL(E_UNAVAILABLE);
    return CARDEA_SUCCESS;
}

static void no_end_is_looked_for_before_its_user_is_locked(void **state)
{
    (void)state;
    struct sessions *sessions = memory_alone();
    struct store *accounts = open_sqlite("accounts"), *m = NULL;
    const struct sessions_ops *real_sessions = sessions->ops;
    const struct store_ops *real_accounts = accounts->ops;
    struct sessions_ops many = *real_sessions;
    struct store_ops told = *real_accounts;
    many.get_many = get_the_second;
    told.expect = note_expectation;
    sessions->ops = &many;
    accounts->ops = &told;
    assert_ok(store_mixture_new(accounts, sessions, &m));
    struct session_id sids[2];
    struct store_tx *tx = open_write(m);
    for (unsigned i = 0; i < 2; i++) {
        struct session_record r = sample_session(i, sample_user(1).id);
        sids[i] = r.sid;
        assert_ok(m->ops->session_create(tx, &r));
    }
    commit(m, tx);
    struct expectation what = {.sids = sids, .sid_count = 2, .records = true, .accounts = true};
    tx = open_write(m);
    assert_ok(m->ops->expect(tx, &what));
    assert_int_equal(users_told, 1);
    assert_int_equal(sids_told, 1);
    bool rising = memcmp(&sids[0], &sids[1], sizeof sids[0]) < 0;
    assert_memory_equal(&first_told, &sids[rising ? 1 : 0], sizeof first_told);
    m->ops->abort(tx);
    m->ops->close(m);
}

static void what_narrows_needs_no_sessions_engine(void **state)
{
    (void)state;
    struct user_record u = sample_user(1);
    struct session_record r = create(1), other = create(2);
    struct sessions_ops shim = *behind->ops;
    real = behind->ops;
    shim.get = get_or_away;
    shim.remove = remove_or_away;
    shim.find_below = find_or_away;
    behind->ops = &shim;
    away = true;
    uint32_t count = 7;
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->user_put(tx, &u));
    assert_ok(s->ops->session_delete(tx, r.sid));
    end_in_accounts(tx, r.sid);
    assert_ok(s->ops->session_delete_below(tx, u.id, INT64_MAX, 100, &count));
    assert_int_equal(count, 0);
    assert_ok(s->ops->user_delete(tx, u.id));
    commit(s, tx);
    away = false;
    assert_int_equal(look_behind(r.sid), CARDEA_OK);   /* the engine has heard nothing, */
    assert_int_equal(look(r.sid), CARDEA_E_NOT_FOUND); /* and it does not matter */
    assert_int_equal(look(other.sid), CARDEA_OK);
    behind->ops = real;
}

int main(void)
{
    int failed = 0;
    memcpy(folder, "/tmp/cardea-mixture-XXXXXX", sizeof folder);
    if (mkdtemp(folder) == NULL)
        return 1;
    for (size_t i = 0; i < sizeof mixtures / sizeof mixtures[0]; i++) {
        print_message("%s\n", mixtures[i].name);
        failed += store_conformance_run(&mixtures[i]);
    }
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        failed += sessions_conformance_run(&alone[i]);
    static const struct CMUnitTest own[] = {
        cmocka_unit_test_setup_teardown(an_engine_that_falls_back_resurrects_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_deletion_waits_for_the_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_taken_back_leaves_no_orphan, setup, teardown),
        cmocka_unit_test_setup_teardown(a_deleted_users_sessions_go, setup, teardown),
        cmocka_unit_test_setup_teardown(what_narrows_needs_no_sessions_engine, setup, teardown),
        cmocka_unit_test_setup(a_rival_is_found_out_by_the_commit, fresh),
        cmocka_unit_test_setup(no_end_is_looked_for_before_its_user_is_locked, fresh),
    };
    failed += cmocka_run_group_tests_name("mixture", own, NULL, NULL);
    (void)rmdir(folder);
    return failed;
}
