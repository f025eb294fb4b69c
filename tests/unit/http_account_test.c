/* What users do with their own accounts: signup, profile, devices, password, step-up, API keys. */
#include "http_driver.h"

#include <stdio.h>

static struct reply r, other;

static void sign_up(void **state)
{
    (void)state;
    struct client c = {0};
    static const char body[] =
        "{\"username\":\"Bob\",\"password\":\"" ALICE_PASSWORD "\",\"email\":\"Bob@Example.org\"}";
    drive(&c, &r, METHOD_POST, "/v1/signup", body);
    assert_problem(&r, 403, "disabled"); /* off by default */
    driver.settings.signup = true;
    drive(&c, &r, METHOD_POST, "/v1/signup", body);
    assert_status(&r, 201);
    assert_text(reply_text(&r, "user.username"), "bob");
    assert_text(reply_text(&r, "user.email"), "bob@example.org");
    assert_int_equal(json_type(&r.json, reply_token(&r, "user.email_verified")), JSON_FALSE);
    assert_null(reply_header(&r, "Set-Cookie", 0));
    drive(&c, &r, METHOD_POST, "/v1/signup", body);
    assert_problem(&r, 409, "username_taken");
    log_in(&c, &r, "bob", "web");
    struct client d = {0};
    drive(&d, &r, METHOD_POST, "/v1/signup", "{\"username\":\"carol\",\"password\":\"password1\"}");
    assert_problem(&r, 400, "weak_password");
    assert_text(reply_text(&r, "field"), "password");
    drive(&d, &r, METHOD_POST, "/v1/signup", "{\"username\":\"carol!\",\"password\":\"" ALICE_PASSWORD "\"}");
    assert_problem(&r, 400, "invalid_field");
    assert_text(reply_text(&r, "field"), "username");
    /* H21: nothing is assigned by mass. */
    static const char *const fields[] = {"roles", "role", "is_admin", "email_verified", "status", "id", "metadata"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "{\"username\":\"carol\",\"password\":\"" ALICE_PASSWORD "\",\"%s\":true}",
                       fields[i]);
        drive(&d, &r, METHOD_POST, "/v1/signup", text);
        assert_problem(&r, 400, "unknown_field");
        assert_text(reply_text(&r, "field"), fields[i]);
    }
    d.origin = "https://evil.example";
    drive(&d, &r, METHOD_POST, "/v1/signup", body);
    assert_problem(&r, 403, "origin_refused");
}

/* Whether an address has an account can not be found out by giving it. */
static void emails_are_not_revealed(void **state)
{
    (void)state;
    struct client taken = {0}, free_one = {0};
    driver.settings.signup = true;
    drive(&taken, &r, METHOD_POST, "/v1/signup",
          "{\"username\":\"bob\",\"password\":\"" ALICE_PASSWORD "\",\"email\":\"alice@example.org\"}");
    assert_status(&r, 201);
    assert_text(reply_text(&r, "user.email"), "alice@example.org");
    drive(&free_one, &other, METHOD_POST, "/v1/signup",
          "{\"username\":\"bab\",\"password\":\"" ALICE_PASSWORD "\",\"email\":\"nobody@example.org\"}");
    assert_status(&other, 201);
    log_in(&taken, &r, "bob", "web");
    drive(&taken, &r, METHOD_PATCH, "/v1/me", "{\"email\":\"nobody@example.org\"}");
    assert_status(&r, 200);
    drive(&taken, &r, METHOD_PATCH, "/v1/me", "{\"email\":\"alice@example.org\"}");
    assert_status(&r, 200);
    assert_int_equal(json_type(&r.json, reply_token(&r, "user.email_verified")), JSON_FALSE);
    assert_true(driver_user("alice").email_verified);
}

static void me_and_its_changes(void **state)
{
    (void)state;
    struct client c = {0}, none = {0};
    drive(&none, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "unauthenticated");
    log_in(&c, &r, "alice", "web");
    driver.now_ms += 60000;
    drive(&c, &r, METHOD_PATCH, "/v1/me",
          "{\"name\":\"Alice \\u00c4\",\"metadata\":{\"theme\":{\"dark\":true}},\"email\":\"New@Example.org\"}");
    assert_status(&r, 200);
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_text(reply_text(&r, "user.name"), "Alice Ä");
    assert_text(reply_text(&r, "user.email"), "new@example.org");
    assert_int_equal(json_type(&r.json, reply_token(&r, "user.metadata.theme.dark")), JSON_TRUE);
    assert_int_equal(json_type(&r.json, reply_token(&r, "session.current")), JSON_TRUE);
    drive(&c, &r, METHOD_PATCH, "/v1/me", "{\"name\":null,\"email\":null}");
    assert_int_equal(json_type(&r.json, reply_token(&r, "user.name")), JSON_NULL);
    assert_int_equal(json_type(&r.json, reply_token(&r, "user.email")), JSON_NULL);
    static const struct {
        const char *body, *code, *field;
    } bad[] = {
        {"{\"roles\":[\"admin\"]}", "unknown_field", "roles"},
        {"{\"role\":\"admin\"}", "unknown_field", "role"},
        {"{\"password_hash\":\"x\"}", "unknown_field", "password_hash"},
        {"{\"email_verified\":true}", "unknown_field", "email_verified"},
        {"{\"epoch\":1}", "unknown_field", "epoch"},
        {"{\"metadata\":[]}", "invalid_field", "metadata"},
        {"{\"metadata\":null}", "invalid_field", "metadata"},
        {"{\"email\":\"nothing\"}", "invalid_field", "email"},
        {"{\"name\":\"a\\u0000b\"}", "invalid_field", "name"},
        {"{\"name\":\"a\\nb\"}", "invalid_field", "name"},
        {"{\"name\":[\"a\"]}", "invalid_field", "name"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        drive(&c, &r, METHOD_PATCH, "/v1/me", bad[i].body);
        assert_problem(&r, 400, bad[i].code);
        assert_text(reply_text(&r, "field"), bad[i].field);
    }
    static char big[5000], text[5100];
    memset(big, 'm', METADATA_MAX);
    (void)snprintf(text, sizeof text, "{\"metadata\":{\"x\":\"%s\"}}", big);
    drive(&c, &r, METHOD_PATCH, "/v1/me", text);
    assert_problem(&r, 400, "invalid_field");
    assert_text(reply_text(&r, "field"), "metadata");
}

/* H20 */
static void devices(void **state)
{
    (void)state;
    struct client web = {0}, phone = {0}, root = {0};
    log_in(&web, &r, "alice", "web");
    driver.now_ms += 1000;
    log_in(&phone, &r, "alice", "mobile");
    log_in(&root, &r, "root", "web");
    drive(&web, &r, METHOD_GET, "/v1/sessions", NULL);
    assert_status(&r, 200);
    assert_text(reply_text(&r, "items.0.app"), "mobile");
    assert_text(reply_text(&r, "items.1.app"), "web");
    assert_int_equal(json_type(&r.json, reply_token(&r, "items.0.current")), JSON_FALSE);
    assert_int_equal(json_type(&r.json, reply_token(&r, "items.1.current")), JSON_TRUE);
    assert_int_equal(reply_token(&r, "items.2"), 0);
    assert_int_equal(json_type(&r.json, reply_token(&r, "next_cursor")), JSON_NULL);
    char path[128];
    struct view sid = reply_text(&r, "items.0.sid");
    (void)snprintf(path, sizeof path, "/v1/sessions/%.*s", (int)sid.len, sid.ptr);
    drive(&web, &r, METHOD_GET, "/v1/sessions?limit=1", NULL);
    assert_int_equal(reply_token(&r, "items.1"), 0);
    char next[128];
    struct view cursor = reply_text(&r, "next_cursor");
    (void)snprintf(next, sizeof next, "/v1/sessions?limit=1&cursor=%.*s", (int)cursor.len, cursor.ptr);
    drive(&web, &r, METHOD_GET, next, NULL);
    assert_text(reply_text(&r, "items.0.app"), "web");
    drive(&root, &r, METHOD_DELETE, path, NULL);
    assert_problem(&r, 404, "not_found"); /* somebody else's */
    drive(&web, &r, METHOD_DELETE, path, NULL);
    assert_status(&r, 204);
    assert_true(web.jar[COOKIE_SESSION][0] != '\0');
    drive(&web, &r, METHOD_DELETE, path, NULL);
    assert_problem(&r, 404, "not_found");
    drive(&phone, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");
    static const char *const none[] = {"/v1/sessions/x", "/v1/sessions/AAAAAAAAAAAAAAAAAAAAAA", "/v1/sessions/..",
                                       "/v1/sessions/%41AAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        drive(&web, &r, METHOD_DELETE, none[i], NULL);
        assert_problem(&r, 404, "not_found");
    }
}

static void queries(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "web");
    static const struct {
        const char *target, *code;
    } bad[] = {
        {"/v1/sessions?limit=0", "invalid_field"},
        {"/v1/sessions?limit=201", "invalid_field"},
        {"/v1/sessions?limit=+5", "invalid_field"},
        {"/v1/sessions?limit=", "invalid_field"},
        {"/v1/sessions?cursor=x", "invalid_field"},
        {"/v1/sessions?cursor=", "invalid_field"},
        {"/v1/sessions?limit=1&limit=1", "bad_request"},
        {"/v1/sessions?sid=1", "unknown_field"},
        {"/v1/sessions?limit=%zz", "invalid_field"},
        {"/v1/sessions?&", "unknown_field"},
        {"/v1/me?x=1", "bad_request"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        drive(&c, &r, METHOD_GET, bad[i].target, NULL);
        assert_problem(&r, 400, bad[i].code);
    }
    drive(&c, &r, METHOD_GET, "/v1/sessions?limit=200", NULL);
    assert_status(&r, 200);
}

static void a_session_of_ones_own(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "web");
    struct view sid = reply_text(&r, "session.sid");
    char path[128];
    (void)snprintf(path, sizeof path, "/v1/sessions/%.*s", (int)sid.len, sid.ptr);
    drive(&c, &r, METHOD_DELETE, path, NULL);
    assert_status(&r, 204);
    assert_string_equal(c.jar[COOKIE_SESSION], "");
}

static void password_change_ends_the_others(void **state)
{
    (void)state;
    struct client c = {0}, phone = {0}, before;
    static const char change[] =
        "{\"current_password\":\"" ALICE_PASSWORD "\",\"new_password\":\"another zebra lamp 42\"}";
    log_in(&phone, &r, "alice", "mobile");
    log_in(&c, &r, "alice", "web");
    before = c;
    before.forget = true;
    drive(&c, &r, METHOD_POST, "/v1/password",
          "{\"current_password\":\"wrong horse battery\",\"new_password\":\"another zebra lamp 42\"}");
    assert_problem(&r, 401, "invalid_credentials");
    drive(&c, &r, METHOD_POST, "/v1/password",
          "{\"current_password\":\"" ALICE_PASSWORD "\",\"new_password\":\"alice123\"}");
    assert_problem(&r, 400, "weak_password");
    assert_text(reply_text(&r, "field"), "new_password");
    driver.now_ms += 60000;
    drive(&c, &r, METHOD_POST, "/v1/password", change);
    assert_status(&r, 200);
    assert_text(reply_text(&r, "user.username"), "alice");
    assert_true(reply_text(&r, "csrf_token").len > 0);
    assert_string_not_equal(c.jar[COOKIE_SESSION], before.jar[COOKIE_SESSION]);
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    drive(&before, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_session");
    drive(&phone, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");
    drive(&c, &r, METHOD_GET, "/v1/sessions", NULL);
    assert_int_equal(reply_token(&r, "items.1"), 0);
    struct event e;
    assert_int_equal(driver_events("password_changed", &e), 1);
    assert_int_equal(e.revocation.kind, REVOCATION_USER);
    struct client late = {0};
    drive(&late, &r, METHOD_POST, "/v1/login", "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\"}");
    assert_problem(&r, 401, "invalid_credentials");
}

static void token_profiles_change_passwords_too(void **state)
{
    (void)state;
    struct client c = {0}, before;
    log_in(&c, &r, "alice", "mobile");
    before = c;
    drive(&c, &r, METHOD_POST, "/v1/password",
          "{\"current_password\":\"" ALICE_PASSWORD "\",\"new_password\":\"another zebra lamp 42\"}");
    assert_status(&r, 200);
    assert_int_equal(reply_text(&r, "refresh_token").len, REFRESH_TOKEN_TEXT);
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    drive(&before, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");
}

static void two_password_changes_race(void **state)
{
    (void)state;
    struct client c = {0};
    struct driving d;
    log_in(&c, &r, "alice", "web");
    struct client second = c;
    drive_begin(&second, &d, METHOD_POST, "/v1/password",
                "{\"current_password\":\"" ALICE_PASSWORD "\",\"new_password\":\"second zebra lamp 42\"}");
    drive(&c, &r, METHOD_POST, "/v1/password",
          "{\"current_password\":\"" ALICE_PASSWORD "\",\"new_password\":\"another zebra lamp 42\"}");
    assert_status(&r, 200);
    drive_end(&second, &d, &r);
    assert_problem(&r, 401, "invalid_session");
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
}

static void step_up(void **state)
{
    (void)state;
    struct client c = {0}, before, phone = {0};
    log_in(&phone, &r, "alice", "mobile");
    log_in(&c, &r, "alice", "web");
    before = c;
    driver.now_ms += 3600000;
    drive(&c, &r, METHOD_POST, "/v1/reauthenticate", "{\"password\":\"wrong horse battery\"}");
    assert_problem(&r, 401, "invalid_credentials");
    drive(&c, &r, METHOD_POST, "/v1/reauthenticate", "{\"password\":\"" ALICE_PASSWORD "\"}");
    assert_status(&r, 200);
    assert_string_not_equal(c.jar[COOKIE_SESSION], before.jar[COOKIE_SESSION]);
    drive(&before, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_session");
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    driver.now_ms -= 3000000;
    drive(&phone, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200); /* the others stay */
    assert_int_equal(driver_events("reauthenticated", NULL), 1);
    /* Guessing here is slowed too. */
    for (int i = 0; i < 8; i++)
        drive(&c, &r, METHOD_POST, "/v1/reauthenticate", "{\"password\":\"wrong horse battery\"}");
    assert_problem(&r, 429, "rate_limited");
}

static void api_keys(void **state)
{
    (void)state;
    struct client c = {0}, root = {0}, key = {0};
    log_in(&c, &r, "alice", "web");
    log_in(&root, &r, "root", "web");
    drive(&c, &r, METHOD_POST, "/v1/api-keys",
          "{\"name\":\"build\",\"scopes\":[\"read\",\"write:x\",\"read\"],\"expires_in\":3600}");
    assert_status(&r, 201);
    struct view text = reply_text(&r, "key"), prefix = reply_text(&r, "prefix"), id = reply_text(&r, "id");
    assert_int_equal(text.len, API_KEY_TEXT);
    assert_true(view_starts(text, prefix));
    assert_int_equal(id.len, ID16_TEXT);
    assert_text(reply_text(&r, "scopes.1"), "write:x");
    assert_int_equal(reply_token(&r, "scopes.2"), 0);
    (void)snprintf(key.bearer, sizeof key.bearer, "%.*s", (int)text.len, text.ptr);
    char path[128];
    (void)snprintf(path, sizeof path, "/v1/api-keys/%.*s", (int)id.len, id.ptr);
    drive(&key, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    assert_int_equal(json_type(&r.json, reply_token(&r, "session")), JSON_NULL);
    /* As X-API-Key; not twice; a key manages no account. */
    struct client header = {.extra = {"X-API-Key", key.bearer}};
    drive(&header, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    header.extra[2] = "X-API-Key";
    header.extra[3] = key.bearer;
    drive(&header, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 400, "several_credentials");
    drive(&key, &r, METHOD_GET, "/v1/sessions", NULL);
    assert_problem(&r, 401, "unauthenticated");
    drive(&key, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"x\"}");
    assert_problem(&r, 401, "unauthenticated");
    drive(&c, &r, METHOD_GET, "/v1/api-keys", NULL);
    assert_text(reply_text(&r, "items.0.name"), "build");
    assert_int_equal(reply_token(&r, "items.0.key"), 0); /* shown once */
    drive(&root, &r, METHOD_GET, "/v1/api-keys", NULL);
    assert_int_equal(reply_token(&r, "items.0"), 0);
    drive(&root, &r, METHOD_DELETE, path, NULL);
    assert_problem(&r, 404, "not_found");
    drive(&c, &r, METHOD_DELETE, path, NULL);
    assert_status(&r, 204);
    drive(&key, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_key");
    assert_string_equal(reply_header(&r, "WWW-Authenticate", 0), "Bearer error=\"invalid_token\"");
    struct event e;
    assert_int_equal(driver_events("api_key_revoked", &e), 1);
    assert_int_equal(e.revocation.kind, REVOCATION_API_KEY);
}

static void api_key_limits(void **state)
{
    (void)state;
    struct client c = {0}, root = {0};
#define FIVE "\"a\",\"b\",\"c\",\"d\",\"e\""
    static const char *const bad[] = {
        "{\"name\":\"\"}",
        "{\"name\":\"x\",\"expires_in\":0}",
        "{\"name\":\"x\",\"expires_in\":1.5}",
        "{\"name\":\"x\",\"expires_in\":99999999999}",
        "{\"name\":\"x\",\"scopes\":\"read\"}",
        "{\"name\":\"x\",\"scopes\":[\"a b\"]}",
        "{\"name\":\"x\",\"scopes\":[7]}",
        "{\"name\":\"x\",\"scopes\":[" FIVE "," FIVE "," FIVE ",\"f\",\"g\"]}", /* one past SCOPES_MAX */
    };
#undef FIVE
    log_in(&c, &r, "alice", "web");
    log_in(&root, &r, "root", "web");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        drive(&c, &r, METHOD_POST, "/v1/api-keys", bad[i]);
        assert_problem(&r, 400, "invalid_field");
    }
    static const char reserved[] = "{\"name\":\"x\",\"scopes\":[\"introspect\"]}";
    drive(&c, &r, METHOD_POST, "/v1/api-keys", reserved);
    assert_problem(&r, 403, "forbidden");
    drive(&root, &r, METHOD_POST, "/v1/api-keys", reserved);
    assert_status(&r, 201);
    driver.settings.api_keys_per_user_max = 2;
    for (int i = 0; i < 2; i++) {
        drive(&c, &r, METHOD_POST, "/v1/api-keys", "{\"name\":\"x\",\"expires_in\":60}");
        assert_status(&r, 201);
    }
    drive(&c, &r, METHOD_POST, "/v1/api-keys", "{\"name\":\"x\"}");
    assert_problem(&r, 409, "limit_reached");
    driver.now_ms += 61000; /* expired ones do not count */
    drive(&c, &r, METHOD_POST, "/v1/api-keys", "{\"name\":\"x\"}");
    assert_status(&r, 201);
}

/* A write that waited behind the logout that forbids it. */
static void queued_writes_check_again(void **state)
{
    (void)state;
    struct client c = {0}, spa = {0};
    struct driving d[3];
    log_in(&c, &r, "alice", "web");
    log_in(&spa, &r, "alice", "spa");
    drive_begin(&c, &d[0], METHOD_PATCH, "/v1/me", "{\"name\":\"late\"}");
    drive_begin(&c, &d[1], METHOD_POST, "/v1/api-keys", "{\"name\":\"late\"}");
    drive_begin(&spa, &d[2], METHOD_POST, "/v1/api-keys", "{\"name\":\"late\"}");
    struct client other_tab = c;
    drive(&other_tab, &r, METHOD_POST, "/v1/logout/all", NULL);
    assert_status(&r, 204);
    for (int i = 0; i < 3; i++) {
        drive_end(i < 2 ? &c : &spa, &d[i], &r);
        assert_problem(&r, 401, i < 2 ? "invalid_session" : "invalid_token");
    }
    assert_string_equal(driver_user("alice").name, "");
    assert_int_equal(driver_events("api_key_created", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(sign_up),
        SITE_TEST(emails_are_not_revealed),
        SITE_TEST(me_and_its_changes),
        SITE_TEST(devices),
        SITE_TEST(queries),
        SITE_TEST(a_session_of_ones_own),
        SITE_TEST(password_change_ends_the_others),
        SITE_TEST(token_profiles_change_passwords_too),
        SITE_TEST(two_password_changes_race),
        SITE_TEST(step_up),
        SITE_TEST(api_keys),
        SITE_TEST(api_key_limits),
        SITE_TEST(queued_writes_check_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
