#include "internal.h"

struct store *store;
const struct engine_under_test *engine;

static int each_setup(void **state)
{
    (void)state;
    engine->wipe();
    store = engine->open();
    return store == NULL ? -1 : 0;
}

static int each_teardown(void **state)
{
    (void)state;
    OPS->close(store);
    engine->wipe();
    store = NULL;
    return 0;
}

struct store *reopen(void)
{
    OPS->close(store);
    store = engine->open();
    assert_non_null(store);
    return store;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, each_setup, each_teardown),

/* The cases of transactions use users as their example, so they belong to the role of accounts. */
static const struct CMUnitTest account_cases[] = {TX_CASES(CASE) ACCOUNT_CASES(CASE)};
static const struct CMUnitTest session_cases[] = {SESSION_CASES(CASE)};
static const struct CMUnitTest expect_cases[] = {EXPECT_CASES(CASE)};
static const struct CMUnitTest sweep_cases[] = {SWEEP_CASES(CASE)};

int store_conformance_run(const struct engine_under_test *under_test)
{
    int failed = 0;
    engine = under_test;
    if (engine->accounts)
        failed += cmocka_run_group_tests_name("accounts", account_cases, NULL, NULL);
    if (engine->sessions)
        failed += cmocka_run_group_tests_name("sessions", session_cases, NULL, NULL);
    if (engine->sessions && engine->accounts)
        failed += cmocka_run_group_tests_name("expectations", expect_cases, NULL, NULL);
    if (engine->sessions && !engine->expires)
        failed += cmocka_run_group_tests_name("sweep", sweep_cases, NULL, NULL);
    return failed;
}

#define SAME(member) assert_memory_equal(&a->member, &b->member, sizeof a->member)
#define SAME_INT(member) assert_int_equal(a->member, b->member)
#define SAME_TEXT(member) assert_string_equal(a->member, b->member)

void same_user(const struct user_record *a, const struct user_record *b)
{
    SAME(id);
    SAME_INT(epoch);
    SAME_INT(status);
    SAME_INT(email_verified);
    SAME_INT(created_at_ms);
    SAME_INT(updated_at_ms);
    SAME_INT(last_login_at_ms);
    SAME_TEXT(username);
    SAME_TEXT(email);
    SAME_TEXT(name);
    SAME_TEXT(roles);
    SAME_TEXT(password_hash);
    SAME_TEXT(metadata);
}

void same_session(const struct session_record *a, const struct session_record *b)
{
    SAME(sid);
    SAME(user);
    SAME_INT(epoch);
    SAME_INT(kind);
    SAME_INT(remember);
    SAME_INT(created_at_ms);
    SAME_INT(authenticated_at_ms);
    SAME_INT(last_seen_at_ms);
    SAME_INT(expires_at_ms);
    SAME_INT(idle_ms);
    SAME(secret_digest);
    SAME_INT(generation);
    SAME(refresh_digest);
    SAME(previous_digest);
    SAME(refresh_nonce);
    SAME_INT(rotated_at_ms);
    SAME_TEXT(app);
    SAME_INT(ip.version);
    SAME(ip.bytes);
    SAME_TEXT(user_agent);
}

void same_event(const struct event *a, const struct event *b)
{
    SAME_INT(n);
    SAME_INT(at_ms);
    SAME_TEXT(type);
    SAME_TEXT(actor);
    SAME(subject);
    SAME(sid);
    SAME_INT(ip.version);
    SAME(ip.bytes);
    SAME_TEXT(request_id);
    SAME_TEXT(detail);
    SAME_INT(revocation.kind);
    SAME(revocation.id);
    SAME_INT(revocation.epoch);
    SAME_INT(revocation.until_ms);
    SAME(previous_hash);
    SAME(hash);
}

void put_user(const struct user_record *u)
{
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->user_put(tx, u));
    commit(store, tx);
}

void put_session(const struct session_record *r)
{
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->session_create(tx, r));
    commit(store, tx);
}

enum cardea_code read_user(struct user_id id, struct user_record *out)
{
    struct store_tx *tx = open_read(store);
    struct cardea_status s = OPS->user_get(tx, id, out);
    OPS->abort(tx);
    return s.code;
}

enum cardea_code read_session(struct session_id sid, struct session_record *out)
{
    struct store_tx *tx = open_read(store);
    struct cardea_status s = OPS->session_get(tx, sid, out);
    OPS->abort(tx);
    return s.code;
}
