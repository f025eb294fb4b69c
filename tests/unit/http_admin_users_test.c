/* What administrators do to users: each change in store, table and journal, felt at the next request, and what is
 * refused. */
#include "http_admin.h"

static struct reply other;

static void create_show_list(void **state)
{
    (void)state;
    struct event e;
    ask(METHOD_POST, "/v1/admin/users",
        "{\"username\":\"Bob\",\"password\":\"" ALICE_PASSWORD "\",\"email\":\"Bob@Example.org\",\"name\":\"Bob B\","
        "\"roles\":[\"writer\",\"editor\",\"writer\"],\"metadata\":{\"team\":7}}");
    assert_status(&r, 201);
    assert_text(reply_text(&r, "user.username"), "bob");
    assert_text(reply_text(&r, "user.email"), "bob@example.org");
    assert_text(reply_text(&r, "user.roles.0"), "editor");
    assert_text(reply_text(&r, "user.roles.1"), "writer");
    assert_int_equal(reply_int(&r, "user.metadata.team"), 7);
    assert_int_equal(reply_token(&r, "user.password_hash"), 0);
    newest("user_created", "bob", &e);
    assert_string_equal(e.actor, "operator:0");
    struct client bob = {0};
    log_in(&bob, &r, "bob", "web");
    ask(METHOD_GET, target_of("bob", ""), NULL);
    assert_text(reply_text(&r, "user.name"), "Bob B");
    ask(METHOD_GET, "/v1/admin/users?username=BOB", NULL);
    assert_text(reply_text(&r, "items.0.username"), "bob");
    assert_int_equal(reply_token(&r, "items.1"), 0);
    ask(METHOD_GET, "/v1/admin/users?username=no%20name", NULL);
    assert_status(&r, 200);
    assert_int_equal(reply_token(&r, "items.0"), 0);
    ask(METHOD_GET, "/v1/admin/users?role=editor&status=active&q=BO", NULL);
    assert_text(reply_text(&r, "items.0.username"), "bob");
    ask(METHOD_GET, "/v1/admin/users?status=suspended", NULL);
    assert_int_equal(reply_token(&r, "items.0"), 0);
}

static void pages(void **state)
{
    (void)state;
    char target[200] = "/v1/admin/users?limit=2";
    unsigned seen = 0, pages_seen = 0;
    for (int i = 0; i < 5; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "user%d", i);
        driver_add_user(name, "", "", false);
    }
    for (;;) {
        ask(METHOD_GET, target, NULL);
        assert_status(&r, 200);
        pages_seen++;
        seen += (reply_token(&r, "items.0") != 0 ? 1u : 0u) + (reply_token(&r, "items.1") != 0 ? 1u : 0u);
        assert_int_equal(reply_token(&r, "items.2"), 0);
        if (json_type(&r.json, reply_token(&r, "next_cursor")) == JSON_NULL)
            break;
        struct view cursor = reply_text(&r, "next_cursor");
        (void)snprintf(target, sizeof target, "/v1/admin/users?limit=2&cursor=%.*s", (int)cursor.len, cursor.ptr);
        assert_true(pages_seen < 10);
    }
    assert_int_equal(seen, 7);
}

static void an_account_without_password(void **state)
{
    (void)state;
    ask(METHOD_POST, "/v1/admin/users", "{\"username\":\"robot\"}");
    assert_status(&r, 201);
    struct client c = {0};
    drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"robot\",\"password\":\"\"}");
    assert_int_not_equal(r.status, 200);
    drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"robot\",\"password\":\"" ALICE_PASSWORD "\"}");
    assert_problem(&r, 401, "invalid_credentials");
}

struct refused {
    const char *body;
    int status;
    const char *code, *field;
};

static void check_refusals(enum method method, const char *target, const struct refused *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ask(method, target, list[i].body);
        if (r.status != list[i].status)
            print_error("%s\n", list[i].body);
        assert_problem(&r, list[i].status, list[i].code);
        if (list[i].field != NULL)
            assert_text(reply_text(&r, "field"), list[i].field);
    }
}

static void bad_new_users(void **state)
{
    (void)state;
    static const struct refused list[] = {
        {"{}", 400, "missing_field", "username"},
        {"{\"username\":\"\"}", 400, "invalid_field", "username"},
        {"{\"username\":\"a b\"}", 400, "invalid_field", "username"},
        {"{\"username\":\"-a\"}", 400, "invalid_field", "username"},
        {"{\"username\":7}", 400, "invalid_field", "username"},
        {"{\"username\":null}", 400, "invalid_field", "username"},
        {"{\"username\":\"ALICE\"}", 409, "username_taken", "username"},
        {"{\"username\":\"x\",\"email\":\"no address\"}", 400, "invalid_field", "email"},
        {"{\"username\":\"x\",\"email\":null}", 400, "invalid_field", "email"},
        {"{\"username\":\"x\",\"password\":\"short\"}", 400, "weak_password", "password"},
        {"{\"username\":\"x\",\"password\":\"password1\"}", 400, "weak_password", "password"},
        {"{\"username\":\"xavier.example\",\"password\":\"xavier.example\"}", 400, "weak_password", "password"},
        {"{\"username\":\"x\",\"password\":\"correct horse\\u0000battery\"}", 400, "invalid_field", "password"},
        {"{\"username\":\"x\",\"roles\":\"admin\"}", 400, "invalid_field", "roles"},
        {"{\"username\":\"x\",\"roles\":[\"Admin\"]}", 400, "invalid_field", "roles"},
        {"{\"username\":\"x\",\"roles\":[\"a,admin\"]}", 400, "invalid_field", "roles"},
        {"{\"username\":\"x\",\"roles\":[\"\"]}", 400, "invalid_field", "roles"},
        {"{\"username\":\"x\",\"name\":\"a\\nb\"}", 400, "invalid_field", "name"},
        {"{\"username\":\"x\",\"metadata\":[]}", 400, "invalid_field", "metadata"},
        {"{\"username\":\"x\",\"metadata\":{\"a\":1,\"a\":2}}", 400, "bad_json", NULL},
        {"{\"username\":\"x\",\"status\":\"active\"}", 400, "unknown_field", "status"},
        {"{\"username\":\"x\",\"epoch\":1}", 400, "unknown_field", "epoch"},
        {"{\"username\":\"x\",\"id\":\"00000000-0000-7000-8000-000000000000\"}", 400, "unknown_field", "id"},
        {"{\"username\":\"x\",\"email_verified\":true}", 400, "unknown_field", "email_verified"},
        {"{\"username\":\"x\",\"password_hash\":\"x\"}", 400, "unknown_field", "password_hash"},
        {"[]", 400, "bad_json", NULL},
        {"{\"username\":\"x\"", 400, "bad_json", NULL},
    };
    check_refusals(METHOD_POST, "/v1/admin/users", list, sizeof list / sizeof list[0]);
    assert_int_equal(driver_events("user_created", NULL), 2);
}

static void bad_changes(void **state)
{
    (void)state;
    static const struct refused list[] = {
        {"{\"username\":\"x\"}", 400, "unknown_field", "username"},
        {"{\"status\":\"deleted\"}", 400, "invalid_field", "status"},
        {"{\"status\":null}", 400, "invalid_field", "status"},
        {"{\"roles\":null}", 400, "invalid_field", "roles"},
        {"{\"password\":null}", 400, "invalid_field", "password"},
        {"{\"password\":\"alice\"}", 400, "weak_password", "password"},
        {"{\"password\":\"alice@example.org\"}", 400, "weak_password", "password"},
        {"{\"email\":\"\"}", 400, "invalid_field", "email"},
        {"{\"epoch\":1}", 400, "unknown_field", "epoch"},
        {"{\"email_verified\":true}", 400, "unknown_field", "email_verified"},
    };
    struct user_record before = driver_user("alice");
    check_refusals(METHOD_PATCH, target_of("alice", ""), list, sizeof list / sizeof list[0]);
    assert_int_equal(driver_user("alice").epoch, before.epoch);
    assert_int_equal(driver_user("alice").updated_at_ms, before.updated_at_ms);
    assert_int_equal(driver_events("user_updated", NULL) + driver_events("user_suspended", NULL), 0);
    ask(METHOD_PATCH, "/v1/admin/users/00000000-0000-7000-8000-000000000000", "{\"status\":\"active\"}");
    assert_problem(&r, 404, "not_found");
    ask(METHOD_PATCH, "/v1/admin/users/alice", "{}");
    assert_problem(&r, 404, "not_found");
}

static void nothing_changed_nothing_written(void **state)
{
    (void)state;
    struct user_record before = driver_user("alice");
    driver.now_ms += 5000;
    ask(METHOD_PATCH, target_of("alice", ""), "{}");
    assert_status(&r, 200);
    ask(METHOD_PATCH, target_of("alice", ""), "{\"status\":\"active\",\"roles\":[],\"email\":\"ALICE@example.org\"}");
    assert_status(&r, 200);
    struct user_record after = driver_user("alice");
    assert_int_equal(after.updated_at_ms, before.updated_at_ms);
    assert_int_equal(driver_events("user_updated", NULL) + driver_events("roles_changed", NULL), 0);
}

static void roles_are_felt_at_the_next_request(void **state)
{
    (void)state;
    struct client alice = {0};
    struct event e;
    log_in(&alice, &r, "alice", "web");
    drive(&alice, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_problem(&r, 403, "forbidden");
    ask(METHOD_PATCH, target_of("alice", ""), "{\"roles\":[\"admin\"]}");
    assert_status(&r, 200);
    newest("roles_changed", "alice", &e);
    assert_string_equal(e.detail, "{\"from\":\"\",\"to\":\"admin\"}");
    assert_int_equal(e.revocation.kind, REVOCATION_USER);
    drive(&alice, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_status(&r, 200); /* the same session, without a new login */
    ask(METHOD_PATCH, target_of("alice", ""), "{\"roles\":[]}");
    drive(&alice, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_problem(&r, 403, "forbidden");
    assert_int_equal(driver_user("alice").epoch, 1);
}

static void a_suspension_ends_everything(void **state)
{
    (void)state;
    struct client web = {0}, spa = {0}, mobile = {0}, key = {0};
    static char secret[128];
    log_in(&web, &r, "alice", "web");
    drive(&web, &r, METHOD_POST, "/v1/api-keys", "{\"name\":\"k\"}");
    (void)snprintf(secret, sizeof secret, "%.*s", (int)reply_text(&r, "key").len, reply_text(&r, "key").ptr);
    key.extra[0] = "X-API-Key";
    key.extra[1] = secret;
    log_in(&spa, &r, "alice", "spa");
    log_in(&mobile, &r, "alice", "mobile");
    struct client *all[] = {&web, &spa, &mobile, &key};
    for (size_t i = 0; i < 4; i++) {
        all[i]->forget = true;
        drive(all[i], &r, METHOD_GET, "/verify", NULL);
        assert_status(&r, 204);
    }
    ask(METHOD_PATCH, target_of("alice", ""), "{\"status\":\"suspended\"}");
    assert_status(&r, 200);
    assert_text(reply_text(&r, "user.status"), "suspended");
    for (size_t i = 0; i < 4; i++) {
        drive(all[i], &r, METHOD_GET, "/verify", NULL);
        assert_int_equal(r.status, 401);
    }
    struct client again = {0};
    drive(&again, &r, METHOD_POST, "/v1/login", "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\"}");
    assert_problem(&r, 401, "invalid_credentials");
    ask(METHOD_PATCH, target_of("alice", ""), "{\"status\":\"active\"}");
    assert_int_equal(driver_events("user_resumed", NULL), 1);
    log_in(&again, &r, "alice", "web");
    for (size_t i = 0; i < 3; i++) {
        drive(all[i], &r, METHOD_GET, "/verify", NULL);
        assert_int_equal(r.status, 401); /* what was ended stays ended */
    }
}

static void a_set_password_ends_everything(void **state)
{
    (void)state;
    struct client web = {0}, again = {0};
    struct event e;
    log_in(&web, &r, "alice", "web");
    web.forget = true;
    ask(METHOD_PATCH, target_of("alice", ""), "{\"password\":\"another quite good one 9\",\"roles\":[\"x\"]}");
    assert_status(&r, 200);
    newest("password_set", "alice", &e);
    assert_null(strstr(e.detail, "another"));
    assert_int_equal(e.revocation.kind, REVOCATION_USER);
    assert_int_equal(e.revocation.epoch, driver_user("alice").epoch);
    drive(&web, &r, METHOD_GET, "/verify", NULL);
    assert_int_equal(r.status, 401);
    drive(&again, &r, METHOD_POST, "/v1/login", "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\"}");
    assert_problem(&r, 401, "invalid_credentials");
    drive(&again, &r, METHOD_POST, "/v1/login", "{\"username\":\"alice\",\"password\":\"another quite good one 9\"}");
    assert_status(&r, 200);
    assert_text(reply_text(&r, "user.roles.0"), "x");
}

static void plain_fields(void **state)
{
    (void)state;
    struct event e;
    struct user_record u = driver_user("alice");
    u.email_verified = true;
    driver_put_user(&u);
    ask(METHOD_PATCH, target_of("alice", ""), "{\"name\":\"A\",\"metadata\":{\"k\":[1]}}");
    assert_status(&r, 200);
    assert_true(driver_user("alice").email_verified);
    ask(METHOD_PATCH, target_of("alice", ""), "{\"email\":\"new@example.org\"}");
    assert_status(&r, 200);
    assert_true(driver_user("alice").email_verified); /* an administrator vouches for it */
    newest("user_updated", "alice", &e);
    assert_string_equal(e.detail, "{\"fields\":[\"email\"]}");
    ask(METHOD_PATCH, target_of("alice", ""), "{\"email\":null,\"name\":null}");
    assert_status(&r, 200);
    assert_string_equal(driver_user("alice").email, "");
    assert_string_equal(driver_user("alice").name, "");
    assert_false(driver_user("alice").email_verified); /* none is not a verified one */
    /* Nobody can vouch for the same address twice. */
    driver_add_user("bob", "", "bob@example.org", true);
    ask(METHOD_PATCH, target_of("alice", ""), "{\"email\":\"BOB@example.org\"}");
    assert_problem(&r, 409, "conflict");
    assert_string_equal(driver_user("alice").email, "");
}

static void a_deleted_user_is_gone(void **state)
{
    (void)state;
    struct client web = {0}, mobile = {0};
    struct event e;
    char target[160];
    log_in(&web, &r, "alice", "web");
    log_in(&mobile, &r, "alice", "mobile");
    web.forget = mobile.forget = true;
    (void)snprintf(target, sizeof target, "%s", target_of("alice", ""));
    ask(METHOD_DELETE, target, NULL);
    assert_status(&r, 204);
    newest("user_deleted", NULL, &e);
    assert_string_equal(e.detail, "{\"username\":\"alice\"}");
    drive(&web, &r, METHOD_GET, "/verify", NULL);
    assert_int_equal(r.status, 401);
    drive(&mobile, &r, METHOD_GET, "/verify", NULL);
    assert_int_equal(r.status, 401);
    ask(METHOD_GET, target, NULL);
    assert_problem(&r, 404, "not_found");
    ask(METHOD_DELETE, target, NULL);
    assert_problem(&r, 404, "not_found");
    ask(METHOD_POST, "/v1/admin/users", "{\"username\":\"alice\"}"); /* the name is free, the id another */
    assert_status(&r, 201);
    drive(&web, &r, METHOD_GET, "/verify", NULL);
    assert_int_equal(r.status, 401);
}

/* No sequence of calls leaves an installation without an administrator. */
static void administrators_can_not_remove_themselves(void **state)
{
    (void)state;
    struct client root = {0};
    log_in(&root, &r, "root", "web");
    drive(&root, &r, METHOD_PATCH, target_of("root", ""), "{\"roles\":[\"x\"]}");
    assert_problem(&r, 409, "conflict");
    drive(&root, &r, METHOD_PATCH, target_of("root", ""), "{\"status\":\"suspended\"}");
    assert_problem(&r, 409, "conflict");
    drive(&root, &r, METHOD_PATCH, target_of("root", ""), "{\"password\":\"another quite good one 9\"}");
    assert_problem(&r, 409, "conflict");
    drive(&root, &r, METHOD_DELETE, target_of("root", ""), NULL);
    assert_problem(&r, 409, "conflict");
    drive(&root, &r, METHOD_PATCH, target_of("root", ""), "{\"roles\":[\"admin\",\"x\"],\"name\":\"R\"}");
    assert_status(&r, 200);
    drive(&root, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_status(&r, 200);
    ask(METHOD_PATCH, target_of("root", ""), "{\"roles\":[]}"); /* the operator may */
    assert_status(&r, 200);
}

/* Two who demote each other at once: the queued one looks again. */
static void a_queued_change_looks_again(void **state)
{
    (void)state;
    struct client first = {0}, second = {0};
    struct driving d;
    driver_add_user("carol", "admin", "", false);
    log_in(&first, &r, "root", "web");
    log_in(&second, &r, "carol", "web");
    drive_begin(&first, &d, METHOD_PATCH, target_of("carol", ""), "{\"roles\":[]}");
    drive(&second, &r, METHOD_PATCH, target_of("root", ""), "{\"roles\":[]}");
    assert_status(&r, 200);
    drive_end(&first, &d, &other);
    assert_problem(&other, 403, "forbidden");
    assert_string_equal(driver_user("carol").roles, "admin");
}

/* Sessions in an engine of their own that does not answer. */
static struct store_ops without_sessions;

static struct cardea_status no_session(struct store_tx *tx, struct session_id sid, struct session_record *out)
{
    (void)tx, (void)sid, (void)out;
    return CARDEA_FAIL(E_UNAVAILABLE);
}

static void an_administrator_needs_no_sessions_engine_to_suspend(void **state)
{
    (void)state;
    struct client root = {0}, other_root = {0}, alice = {0};
    struct event e = {.at_ms = driver.now_ms, .type = "logout", .actor = "system", .detail = "{}"};
    struct session_id sid;
    struct store *store = driver.site.store;
    const struct store_ops *real = store->ops;
    log_in(&alice, &r, "alice", "mobile");
    log_in(&root, &r, "root", "mobile");
    log_in(&other_root, &r, "root", "mobile");
    assert_ok(session_id_parse(reply_text(&r, "session.sid"), &sid));
    without_sessions = *real;
    without_sessions.session_get = no_session;
    store->ops = &without_sessions;
    drive(&root, &r, METHOD_PATCH, target_of("alice", ""), "{\"status\":\"suspended\"}");
    assert_status(&r, 200);
    drive(&alice, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");
    /* What the accounts say against a session or its user counts, though it has not come to this table yet. */
    struct user_record u = driver_user("root");
    struct store_tx *tx = NULL;
    e.revocation = (struct revocation){.kind = REVOCATION_SESSION, .until_ms = driver.now_ms + 86400000};
    memcpy(e.revocation.id, sid.bytes, sizeof sid.bytes);
    assert_ok(real->begin(store, STORE_WRITE, driver.site.boot_ms() + 5000, &tx));
    assert_ok(real->event_append(tx, &e));
    assert_ok(real->commit(tx));
    drive(&other_root, &r, METHOD_PATCH, target_of("alice", ""), "{\"status\":\"active\"}");
    assert_problem(&r, 401, "invalid_token");
    u.epoch++;
    assert_ok(real->begin(store, STORE_WRITE, driver.site.boot_ms() + 5000, &tx));
    assert_ok(real->user_put(tx, &u));
    assert_ok(real->commit(tx));
    drive(&root, &r, METHOD_PATCH, target_of("alice", ""), "{\"status\":\"active\"}");
    assert_problem(&r, 401, "invalid_token");
    store->ops = real;
    assert_int_equal(driver_user("alice").status, USER_SUSPENDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(create_show_list),
        SITE_TEST(pages),
        SITE_TEST(an_account_without_password),
        SITE_TEST(bad_new_users),
        SITE_TEST(bad_changes),
        SITE_TEST(nothing_changed_nothing_written),
        SITE_TEST(roles_are_felt_at_the_next_request),
        SITE_TEST(a_suspension_ends_everything),
        SITE_TEST(a_set_password_ends_everything),
        SITE_TEST(plain_fields),
        SITE_TEST(a_deleted_user_is_gone),
        SITE_TEST(administrators_can_not_remove_themselves),
        SITE_TEST(a_queued_change_looks_again),
        SITE_TEST(an_administrator_needs_no_sessions_engine_to_suspend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
