/* The admin API: who may; sessions, tokens and keys of others; the journal. (Users: http_admin_users_test.c.) */
#include "http_admin.h"

#include "base/text.h"

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

/* The operator needs no credential: all that is left of a look is its row. */
static void what_the_operator_looks_at_is_journalled(void **state)
{
    (void)state;
    struct event e;
    uint32_t rows = 0;
    static const char *const looks[] = {"/v1/admin/users",    "/v1/admin/users?username=alice",
                                        "/v1/admin/api-keys", "/v1/admin/signing-keys",
                                        "/v1/admin/audit",    "/v1/admin/audit/verify"};
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        ask(METHOD_GET, looks[i], NULL);
        assert_status(&r, 200);
        assert_true(r.body_len > 2);
        assert_int_equal(driver_events("operator_read", &e), ++rows);
        assert_string_equal(e.actor, "operator:0");
        char wanted[128];
        (void)snprintf(wanted, sizeof wanted, "{\"path\":\"%.*s\"}", (int)strcspn(looks[i], "?"), looks[i]);
        assert_string_equal(e.detail, wanted);
    }
    ask(METHOD_GET, target_of("alice", ""), NULL);
    assert_status(&r, 200);
    assert_text(reply_text(&r, "user.username"), "alice");
    assert_int_equal(driver_events("operator_read", NULL), ++rows);
    ask(METHOD_GET, target_of("alice", "/sessions"), NULL);
    assert_status(&r, 200);
    assert_int_equal(driver_events("operator_read", NULL), ++rows);
    /* An administrator's reading is in the log of requests, a change has a row of its own. */
    struct client root = {0};
    log_in(&root, &r, "root", "web");
    drive(&root, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_status(&r, 200);
    ask(METHOD_POST, target_of("alice", "/logout"), NULL);
    assert_status(&r, 204);
    assert_int_equal(driver_events("operator_read", NULL), rows);
}

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
    assert_null(strstr(r.body, "\"sealed\":"));
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
    const struct CMUnitTest tests[] = {
        SITE_TEST(only_administrators),
        SITE_TEST(a_recent_login_is_needed),
        SITE_TEST(doors),
        SITE_TEST(cookies_need_a_csrf_token),
        SITE_TEST(what_the_operator_looks_at_is_journalled),
        SITE_TEST(sessions_of_others),
        SITE_TEST(one_token_on_the_blocklist),
        SITE_TEST(keys_rotate_and_drop),
        SITE_TEST(api_keys_of_others),
        SITE_TEST(journal_pages_and_filters),
        SITE_TEST(the_chain_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
