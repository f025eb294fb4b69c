/* The admin API: who may, what each call changes in store, table and journal, and what it refuses. */
#include "http_driver.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

static struct reply r, other;
static const struct client operator_client = {.entrance = ENTRANCE_SOCKET};

/* The operator asks. */
static void ask(enum method method, const char *target, const char *body)
{
    struct client c = operator_client;
    drive(&c, &r, method, target, body);
}

static const char *target_of(const char *username, const char *rest)
{
    static char text[160];
    char id[USER_ID_TEXT + 1] = "";
    struct buf b = buf_fixed(id, USER_ID_TEXT);
    buf_user_id(&b, driver_user(username).id);
    (void)snprintf(text, sizeof text, "/v1/admin/users/%s%s", id, rest);
    return text;
}

static void newest(const char *type, const char *username, struct event *out)
{
    assert_true(driver_events(type, out) > 0);
    if (username != NULL)
        assert_true(ID_SAME(out->subject, driver_user(username).id));
}

/* --- who may --- */

static const struct {
    enum method method;
    const char *path, *body;
} calls[] = {
    {METHOD_GET, "/v1/admin/users", NULL},
    {METHOD_POST, "/v1/admin/users", "{\"username\":\"new\"}"},
    {METHOD_GET, "/v1/admin/users/00000000-0000-7000-8000-000000000000", NULL},
    {METHOD_PATCH, "/v1/admin/users/00000000-0000-7000-8000-000000000000", "{}"},
    {METHOD_DELETE, "/v1/admin/users/00000000-0000-7000-8000-000000000000", NULL},
    {METHOD_POST, "/v1/admin/users/00000000-0000-7000-8000-000000000000/logout", NULL},
    {METHOD_GET, "/v1/admin/users/00000000-0000-7000-8000-000000000000/sessions", NULL},
    {METHOD_POST, "/v1/admin/users/00000000-0000-7000-8000-000000000000/api-keys", "{\"name\":\"k\"}"},
    {METHOD_DELETE, "/v1/admin/sessions/AAAAAAAAAAAAAAAAAAAAAA", NULL},
    {METHOD_POST, "/v1/admin/tokens/revoke", "{\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\"}"},
    {METHOD_GET, "/v1/admin/api-keys", NULL},
    {METHOD_DELETE, "/v1/admin/api-keys/AAAAAAAAAAAAAAAAAAAAAA", NULL},
    {METHOD_GET, "/v1/admin/signing-keys", NULL},
    {METHOD_POST, "/v1/admin/signing-keys/rotate", NULL},
    {METHOD_GET, "/v1/admin/audit", NULL},
    {METHOD_GET, "/v1/admin/audit/verify", NULL},
};
enum { CALLS = sizeof calls / sizeof calls[0] };

static void only_administrators(void **state)
{
    (void)state;
    struct client nobody = {0}, alice = {0}, root = {0};
    log_in(&alice, &r, "alice", "web");
    log_in(&root, &r, "root", "web");
    drive(&root, &r, METHOD_POST, "/v1/api-keys", "{\"name\":\"k\",\"scopes\":[\"cardea:admin\"]}");
    assert_status(&r, 201);
    char key[128];
    (void)snprintf(key, sizeof key, "%.*s", (int)reply_text(&r, "key").len, reply_text(&r, "key").ptr);
    struct client with_key = {.extra = {"X-API-Key", key}};
    for (size_t i = 0; i < CALLS; i++) {
        drive(&nobody, &r, calls[i].method, calls[i].path, calls[i].body);
        assert_problem(&r, 401, "unauthenticated");
        drive(&alice, &r, calls[i].method, calls[i].path, calls[i].body);
        assert_problem(&r, 403, "forbidden");
        drive(&with_key, &r, calls[i].method, calls[i].path, calls[i].body);
        assert_int_equal(r.status, 401);
    }
    assert_int_equal(driver_events("user_created", NULL), 2); /* alice and root */
    assert_int_equal(driver_events("key_rotated", NULL), 0);
}

static void a_recent_login_is_needed(void **state)
{
    (void)state;
    struct client root = {0};
    driver.settings.admin_login_age_ms = 60 * 1000;
    log_in(&root, &r, "root", "web");
    driver.now_ms += 60 * 1000;
    drive(&root, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_status(&r, 200);
    driver.now_ms += 1;
    for (size_t i = 0; i < CALLS; i++) {
        drive(&root, &r, calls[i].method, calls[i].path, calls[i].body);
        assert_problem(&r, 403, "reauthentication_required");
    }
    drive(&root, &r, METHOD_POST, "/v1/reauthenticate", "{\"password\":\"" ALICE_PASSWORD "\"}");
    assert_status(&r, 200);
    drive(&root, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_status(&r, 200);
}

static void doors(void **state)
{
    (void)state;
    struct client main = {0}, admin = {.entrance = ENTRANCE_ADMIN}, metrics = {.entrance = ENTRANCE_METRICS};
    log_in(&main, &r, "root", "web");
    memcpy(admin.jar, main.jar, sizeof admin.jar);
    memcpy(metrics.jar, main.jar, sizeof metrics.jar);
    drive(&admin, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_status(&r, 200);
    drive(&metrics, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_int_equal(r.status, 404);
    driver.settings.admin_on_main = false;
    for (size_t i = 0; i < CALLS; i++) {
        drive(&main, &r, calls[i].method, calls[i].path, calls[i].body);
        assert_problem(&r, 404, "not_found");
    }
    drive(&admin, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_status(&r, 200);
    ask(METHOD_GET, "/v1/admin/users", NULL);
    assert_status(&r, 200);
    ask(METHOD_GET, "/v1/me", NULL); /* the operator is nobody's user */
    assert_int_equal(r.status, 404);
}

static void cookies_need_a_csrf_token(void **state)
{
    (void)state;
    struct client root = {0};
    log_in(&root, &r, "root", "web");
    root.forget = true;
    root.csrf[0] = '\0';
    for (size_t i = 0; i < CALLS; i++) {
        if (calls[i].method == METHOD_GET)
            continue;
        drive(&root, &r, calls[i].method, calls[i].path, calls[i].body);
        assert_problem(&r, 403, "csrf_failed");
    }
    root.origin = "https://evil.example";
    drive(&root, &r, METHOD_POST, "/v1/admin/users", "{\"username\":\"new\"}");
    assert_problem(&r, 403, "origin_refused");
}

/* --- users --- */

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

/* --- sessions, tokens, keys --- */

static void sessions_of_others(void **state)
{
    (void)state;
    struct client web = {0}, mobile = {0};
    struct event e;
    char target[96];
    log_in(&web, &r, "alice", "web");
    driver.now_ms += 1000;
    log_in(&mobile, &r, "alice", "mobile");
    web.forget = mobile.forget = true;
    ask(METHOD_GET, target_of("alice", "/sessions"), NULL);
    assert_status(&r, 200);
    assert_text(reply_text(&r, "items.0.app"), "mobile");
    assert_text(reply_text(&r, "items.1.app"), "web");
    assert_int_equal(json_type(&r.json, reply_token(&r, "items.0.current")), JSON_FALSE);
    struct view sid = reply_text(&r, "items.0.sid");
    (void)snprintf(target, sizeof target, "/v1/admin/sessions/%.*s", (int)sid.len, sid.ptr);
    ask(METHOD_DELETE, target, NULL);
    assert_status(&r, 204);
    newest("session_revoked", "alice", &e);
    assert_string_equal(e.actor, "operator:0");
    assert_int_equal(e.revocation.kind, REVOCATION_SESSION);
    drive(&mobile, &r, METHOD_GET, "/verify", NULL); /* its access token has minutes left */
    assert_int_equal(r.status, 401);
    drive(&web, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 204);
    ask(METHOD_DELETE, target, NULL);
    assert_problem(&r, 404, "not_found");
    ask(METHOD_POST, target_of("alice", "/logout"), NULL);
    assert_status(&r, 204);
    newest("logout_all", "alice", &e);
    drive(&web, &r, METHOD_GET, "/verify", NULL);
    assert_int_equal(r.status, 401);
    ask(METHOD_GET, target_of("alice", "/sessions"), NULL);
    assert_int_equal(reply_token(&r, "items.0"), 0);
    ask(METHOD_GET, "/v1/admin/users/00000000-0000-7000-8000-000000000000/sessions", NULL);
    assert_problem(&r, 404, "not_found");
    ask(METHOD_DELETE, "/v1/admin/sessions/short", NULL);
    assert_problem(&r, 404, "not_found");
}

/* The jti from a token's claims. */
static void jti_of(const char *token, char out[ID16_TEXT + 1])
{
    static char claims[2048];
    struct json_token tokens[64];
    struct json doc;
    struct view head, body, rest;
    size_t len;
    view_cut(view_text(token), '.', &head, &rest);
    view_cut(rest, '.', &body, &rest);
    assert_ok(base64url_decode(body, claims, sizeof claims, &len));
    assert_ok(json_read(view_of(claims, len), tokens, 64, &doc, NULL));
    struct buf b = buf_fixed(out, ID16_TEXT);
    assert_ok(json_text(&doc, json_get(&doc, 0, VIEW("jti")), &b));
    out[b.len] = '\0';
}

static void one_token_on_the_blocklist(void **state)
{
    (void)state;
    struct client first = {0}, second = {0};
    struct event e;
    char jti[ID16_TEXT + 1], body[64];
    log_in(&first, &r, "alice", "mobile");
    log_in(&second, &r, "alice", "mobile");
    jti_of(first.bearer, jti);
    (void)snprintf(body, sizeof body, "{\"jti\":\"%s\"}", jti);
    ask(METHOD_POST, "/v1/admin/tokens/revoke", body);
    assert_status(&r, 204);
    newest("token_revoked", NULL, &e);
    assert_int_equal(e.revocation.kind, REVOCATION_TOKEN);
    assert_true(e.revocation.until_ms >= driver.now_ms + 3600 * 1000);
    drive(&first, &r, METHOD_GET, "/verify", NULL);
    assert_int_equal(r.status, 401);
    drive(&second, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 204);
    ask(METHOD_POST, "/v1/admin/tokens/revoke", "{\"jti\":\"not a jti\"}");
    assert_problem(&r, 400, "invalid_field");
    ask(METHOD_POST, "/v1/admin/tokens/revoke", "{}");
    assert_problem(&r, 400, "missing_field");
}

static void keys_rotate_and_drop(void **state)
{
    (void)state;
    struct event e;
    struct client mobile = {.forget = false};
    char active[KEY_ID_TEXT + 1] = "", body[128];
    log_in(&mobile, &r, "alice", "mobile");
    ask(METHOD_GET, "/v1/admin/signing-keys", NULL);
    assert_status(&r, 200);
    assert_null(strstr(r.body, "sealed"));
    assert_null(strstr(r.body, "HMAC"));
    for (int i = 0; i < 2; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "items.%d.state", i);
        if (!view_is(reply_text(&r, path), "active"))
            continue;
        (void)snprintf(path, sizeof path, "items.%d.kid", i);
        memcpy(active, reply_text(&r, path).ptr, KEY_ID_TEXT);
    }
    assert_int_equal(strlen(active), KEY_ID_TEXT);
    ask(METHOD_POST, "/v1/admin/signing-keys/rotate", NULL);
    assert_status(&r, 200);
    assert_int_equal(json_type(&r.json, reply_token(&r, "effective_at")), JSON_STRING);
    assert_int_equal(driver_events("key_rotated", NULL), 1);
    ask(METHOD_POST, "/v1/admin/signing-keys/rotate", "{\"kid\":\"x\"}");
    assert_problem(&r, 400, "invalid_field");
    drive(&mobile, &r, METHOD_GET, "/verify", NULL); /* graceful: nobody noticed */
    assert_status(&r, 204);
    (void)snprintf(body, sizeof body, "{\"compromised\":true,\"kid\":\"%s\"}", active);
    ask(METHOD_POST, "/v1/admin/signing-keys/rotate", body);
    assert_status(&r, 200);
    assert_null(strstr(r.body, active));
    newest("key_dropped", NULL, &e);
    assert_int_equal(e.revocation.kind, REVOCATION_KEY);
    assert_non_null(strstr(e.detail, active));
    drive(&mobile, &r, METHOD_GET, "/verify", NULL);
    assert_int_equal(r.status, 401);
    log_in(&mobile, &r, "alice", "mobile"); /* the next key signs at once */
    drive(&mobile, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 204);
    ask(METHOD_POST, "/v1/admin/signing-keys/rotate", body);
    assert_problem(&r, 404, "not_found");
    ask(METHOD_POST, "/v1/admin/signing-keys/rotate", "{\"compromised\":true}");
    assert_status(&r, 200);
    assert_int_equal(driver_events("key_dropped", NULL), 2);
}

static void api_keys_of_others(void **state)
{
    (void)state;
    char id[96];
    static char secret[128];
    ask(METHOD_POST, target_of("alice", "/api-keys"),
        "{\"name\":\"ci\",\"scopes\":[\"introspect\"],\"expires_in\":3600}");
    assert_status(&r, 201);
    (void)snprintf(secret, sizeof secret, "%.*s", (int)reply_text(&r, "key").len, reply_text(&r, "key").ptr);
    (void)snprintf(id, sizeof id, "/v1/admin/api-keys/%.*s", (int)reply_text(&r, "id").len, reply_text(&r, "id").ptr);
    struct client c = {.extra = {"X-API-Key", secret}};
    drive(&c, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 204);
    ask(METHOD_GET, "/v1/admin/api-keys", NULL);
    assert_text(reply_text(&r, "items.0.name"), "ci");
    assert_int_equal(reply_text(&r, "items.0.user").len, USER_ID_TEXT);
    assert_null(strstr(r.body, secret));
    ask(METHOD_DELETE, id, NULL);
    assert_status(&r, 204);
    drive(&c, &r, METHOD_GET, "/verify", NULL);
    assert_int_equal(r.status, 401);
    ask(METHOD_DELETE, id, NULL);
    assert_problem(&r, 404, "not_found");
    ask(METHOD_POST, "/v1/admin/users/00000000-0000-7000-8000-000000000000/api-keys", "{\"name\":\"k\"}");
    assert_problem(&r, 404, "not_found");
    ask(METHOD_GET, "/v1/admin/api-keys?user=alice", NULL);
    assert_problem(&r, 400, "invalid_field");
}

/* --- the journal --- */

static void journal_pages_and_filters(void **state)
{
    (void)state;
    char target[256];
    for (int i = 0; i < 7; i++) {
        ask(METHOD_PATCH, target_of("alice", ""), i % 2 == 0 ? "{\"roles\":[\"a\"]}" : "{\"roles\":[]}");
        assert_status(&r, 200);
    }
    ask(METHOD_POST, target_of("root", "/logout"), NULL);
    (void)snprintf(target, sizeof target, "/v1/admin/audit?limit=3&type=roles_changed&user=%.36s",
                   target_of("alice", "") + strlen("/v1/admin/users/"));
    unsigned seen = 0;
    int64_t last = INT64_MAX;
    for (unsigned page = 0; page < 5; page++) {
        char path[16];
        ask(METHOD_GET, target, NULL);
        assert_status(&r, 200);
        for (unsigned i = 0; i < 3; i++) {
            (void)snprintf(path, sizeof path, "items.%u.n", i);
            if (reply_token(&r, path) == 0)
                break;
            assert_true(reply_int(&r, path) < last);
            last = reply_int(&r, path);
            seen++;
        }
        if (json_type(&r.json, reply_token(&r, "next_cursor")) == JSON_NULL)
            break;
        struct view cursor = reply_text(&r, "next_cursor");
        (void)snprintf(target + strlen(target), 40, "%s%.*s", page == 0 ? "&cursor=" : "",
                       page == 0 ? (int)cursor.len : 0, cursor.ptr);
        if (page > 0)
            (void)snprintf(strstr(target, "&cursor="), 40, "&cursor=%.*s", (int)cursor.len, cursor.ptr);
    }
    assert_int_equal(seen, 7);
    ask(METHOD_GET, "/v1/admin/audit?cursor=x", NULL);
    assert_problem(&r, 400, "invalid_field");
    ask(METHOD_GET, "/v1/admin/audit?user=alice", NULL);
    assert_problem(&r, 400, "invalid_field");
    ask(METHOD_GET, "/v1/admin/audit?colour=red", NULL);
    assert_problem(&r, 400, "unknown_field");
}

static void the_chain_is_checked(void **state)
{
    (void)state;
    char target[160], head[96];
    ask(METHOD_PATCH, target_of("alice", ""), "{\"roles\":[\"a\"]}");
    ask(METHOD_GET, "/v1/admin/audit/verify", NULL);
    assert_status(&r, 200);
    assert_int_equal(json_type(&r.json, reply_token(&r, "ok")), JSON_TRUE);
    assert_int_equal(json_type(&r.json, reply_token(&r, "complete")), JSON_TRUE);
    (void)snprintf(head, sizeof head, "%.*s", (int)reply_text(&r, "head").len, reply_text(&r, "head").ptr);
    ask(METHOD_PATCH, target_of("alice", ""), "{\"roles\":[\"b\"]}");
    (void)snprintf(target, sizeof target, "/v1/admin/audit/verify?after=%s", head);
    ask(METHOD_GET, target, NULL);
    assert_int_equal(json_type(&r.json, reply_token(&r, "ok")), JSON_TRUE);
    target[strlen(target) - 1] = target[strlen(target) - 1] == '0' ? '1' : '0'; /* another history */
    ask(METHOD_GET, target, NULL);
    assert_status(&r, 200);
    assert_int_equal(json_type(&r.json, reply_token(&r, "ok")), JSON_FALSE);
    ask(METHOD_GET, "/v1/admin/audit/verify?after=1", NULL);
    assert_problem(&r, 400, "invalid_field");
}

int main(void)
{
#define ADMIN_TEST(name) cmocka_unit_test_setup_teardown(name, driver_open, driver_close)
    const struct CMUnitTest tests[] = {
        ADMIN_TEST(only_administrators),
        ADMIN_TEST(a_recent_login_is_needed),
        ADMIN_TEST(doors),
        ADMIN_TEST(cookies_need_a_csrf_token),
        ADMIN_TEST(create_show_list),
        ADMIN_TEST(pages),
        ADMIN_TEST(an_account_without_password),
        ADMIN_TEST(bad_new_users),
        ADMIN_TEST(bad_changes),
        ADMIN_TEST(nothing_changed_nothing_written),
        ADMIN_TEST(roles_are_felt_at_the_next_request),
        ADMIN_TEST(a_suspension_ends_everything),
        ADMIN_TEST(a_set_password_ends_everything),
        ADMIN_TEST(plain_fields),
        ADMIN_TEST(a_deleted_user_is_gone),
        ADMIN_TEST(administrators_can_not_remove_themselves),
        ADMIN_TEST(a_queued_change_looks_again),
        ADMIN_TEST(sessions_of_others),
        ADMIN_TEST(one_token_on_the_blocklist),
        ADMIN_TEST(keys_rotate_and_drop),
        ADMIN_TEST(api_keys_of_others),
        ADMIN_TEST(journal_pages_and_filters),
        ADMIN_TEST(the_chain_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
