/* Introspection and revocation by text, over the HTTP layer: what each kind of credential answers, when it stops to,
 * and that asking changes nothing. */
#include "http_driver.h"

#include "base/text.h"

#include <stdio.h>

static struct reply r;
static char introspect_key[API_KEY_TEXT + 1], revoke_key[API_KEY_TEXT + 1], key_id[ID16_TEXT + 1];
static char body[REPLY_BODY_MAX];

#define FORM "application/x-www-form-urlencoded"

static void copy(struct view v, char *out, size_t cap)
{
    assert_true(v.len > 0 && v.len < cap);
    (void)snprintf(out, cap, "%.*s", (int)v.len, v.ptr);
}

/* An administrator's key with a scope. */
static void make_key(const char *scopes, char out[API_KEY_TEXT + 1])
{
    struct client root = {0};
    log_in(&root, &r, "root", "web");
    (void)snprintf(body, sizeof body, "{\"name\":\"service\",\"scopes\":[%s]}", scopes);
    drive(&root, &r, METHOD_POST, "/v1/api-keys", body);
    assert_status(&r, 201);
    copy(reply_text(&r, "key"), out, API_KEY_TEXT + 1);
    copy(reply_text(&r, "id"), key_id, sizeof key_id);
}

static void post(const char *path, const char *key, const char *form)
{
    struct client c = {.content_type = FORM, .extra = {"X-API-Key", key}};
    drive(&c, &r, METHOD_POST, path, form);
}

static void introspect_text(const char *token, const char *hint)
{
    if (introspect_key[0] == '\0')
        make_key("\"introspect\"", introspect_key);
    char form[4096];
    (void)snprintf(form, sizeof form, "token_type_hint=%s&token=%s", hint == NULL ? "" : hint, token);
    post("/v1/introspect", introspect_key, form);
    assert_status(&r, 200);
    assert_string_equal(reply_header(&r, "Cache-Control", 0), "no-store");
    assert_string_equal(reply_header(&r, "Content-Type", 0), "application/json");
}

static void expect_active(const char *token, const char *type)
{
    introspect_text(token, NULL);
    if (!view_is(reply_text(&r, "token_type"), type))
        print_error("%s\n", r.body);
    assert_text(reply_text(&r, "token_type"), type);
    assert_non_null(strstr(r.body, "\"active\":true"));
}

static void expect_inactive(const char *token)
{
    introspect_text(token, NULL);
    assert_string_equal(r.body, "{\"active\":false}");
}

static void revoke(const char *token)
{
    char form[4096];
    if (revoke_key[0] == '\0')
        make_key("\"revoke\"", revoke_key);
    (void)snprintf(form, sizeof form, "token=%s", token);
    post("/v1/revoke", revoke_key, form);
    assert_status(&r, 200);
    assert_int_equal(r.body_len, 0);
}

struct login {
    struct client c;
    char access[JAR_VALUE_MAX], refresh[REFRESH_TOKEN_TEXT_MAX], sid[ID16_TEXT + 1];
};

static void log_in_app(struct login *l, const char *user, const char *app)
{
    memset(l, 0, sizeof *l);
    log_in(&l->c, &r, user, app);
    copy(reply_text(&r, "session.sid"), l->sid, sizeof l->sid);
    if (reply_token(&r, "access_token") == 0)
        return;
    copy(reply_text(&r, "access_token"), l->access, sizeof l->access);
    copy(reply_text(&r, "refresh_token"), l->refresh, sizeof l->refresh);
}

static void rotate(struct login *l)
{
    struct client c = {0};
    (void)snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", l->refresh);
    drive(&c, &r, METHOD_POST, "/v1/refresh", body);
    assert_status(&r, 200);
    copy(reply_text(&r, "refresh_token"), l->refresh, sizeof l->refresh);
    copy(reply_text(&r, "access_token"), l->access, sizeof l->access);
}

static int fresh(void **state)
{
    introspect_key[0] = revoke_key[0] = '\0';
    return driver_open(state);
}
#define TOKEN_TEST(f) cmocka_unit_test_setup_teardown(f, fresh, driver_close)

/* --- introspect --- */

static void an_access_token(void **state)
{
    (void)state;
    struct login l;
    char id[64];
    log_in_app(&l, "alice", "mobile");
    copy(reply_text(&r, "user.id"), id, sizeof id);
    expect_active(l.access, "Bearer");
    assert_text(reply_text(&r, "client_id"), "mobile");
    assert_text(reply_text(&r, "username"), "alice");
    assert_text(reply_text(&r, "sub"), id);
    assert_text(reply_text(&r, "sid"), l.sid);
    assert_text(reply_text(&r, "iss"), driver.settings.public_url);
    assert_text(reply_text(&r, "aud"), driver.settings.public_url);
    assert_int_equal(reply_text(&r, "jti").len, ID16_TEXT);
    assert_int_equal(reply_int(&r, "iat"), driver.now_ms / 1000);
    assert_int_equal(reply_int(&r, "exp"), driver.now_ms / 1000 + 15 * 60);
    assert_int_equal(reply_token(&r, "nbf"), 0);
    assert_int_equal(reply_token(&r, "scope"), 0);
    assert_int_equal(reply_token(&r, "ep"), 0);
    for (int i = 0; i < 3; i++) { /* a hint is a hint */
        introspect_text(l.access, (const char *[]){"refresh_token", "access_token", "nonsense"}[i]);
        assert_text(reply_text(&r, "token_type"), "Bearer");
    }
    driver.now_ms += 15 * 60 * 1000;
    expect_inactive(l.access);
}

static void what_ends_an_access_token(void **state)
{
    (void)state;
    struct login l;
    struct client root = {0};
    log_in_app(&l, "alice", "mobile");
    drive(&l.c, &r, METHOD_POST, "/v1/logout", NULL);
    assert_status(&r, 204);
    expect_inactive(l.access);
    expect_inactive(l.refresh);

    log_in_app(&l, "alice", "mobile");
    drive(&l.c, &r, METHOD_POST, "/v1/logout/all", NULL);
    assert_status(&r, 204);
    expect_inactive(l.access);
    expect_inactive(l.refresh);

    log_in_app(&l, "alice", "mobile");
    struct user_record u = driver_user("alice");
    u.status = USER_SUSPENDED;
    driver_put_user(&u);
    expect_inactive(l.access);
    expect_inactive(l.refresh);
    u.status = USER_ACTIVE;
    driver_put_user(&u);
    expect_active(l.access, "Bearer");

    for (uint32_t i = 0; i < driver.settings.app_count; i++)
        if (strcmp(driver.settings.apps[i].name, "mobile") == 0)
            driver.settings.apps[i].profile = PROFILE_UNSET;
    expect_inactive(l.access);
    expect_inactive(l.refresh);
    log_in(&root, &r, "root", "web");
}

/* A refresh token: current and honoured ones are active; looking at one is no use of it. */
static void a_refresh_token(void **state)
{
    (void)state;
    struct login l;
    char first[REFRESH_TOKEN_TEXT_MAX];
    log_in_app(&l, "alice", "mobile");
    memcpy(first, l.refresh, sizeof first);
    for (int i = 0; i < 3; i++) {
        expect_active(first, "refresh_token");
        assert_int_equal(reply_int(&r, "exp"), 1800000000 + 30 * 86400); /* its session was not seen */
        driver.now_ms += 86400000;
    }
    driver.now_ms = 1800000000000;
    assert_text(reply_text(&r, "sid"), l.sid);
    assert_text(reply_text(&r, "username"), "alice");
    assert_int_equal(reply_token(&r, "aud"), 0);
    assert_int_equal(reply_token(&r, "jti"), 0);
    rotate(&l);
    expect_active(l.refresh, "refresh_token");
    expect_active(first, "refresh_token"); /* within the grace it would be honoured */
    assert_int_equal(reply_int(&r, "exp"), (driver.now_ms + REFRESH_GRACE_MS) / 1000);
    driver.now_ms += REFRESH_GRACE_MS + 1;
    expect_inactive(first);
    /* Used, it would end the session; looked at, it does not. */
    assert_int_equal(driver_events("refresh_reuse", NULL), 0);
    expect_active(l.refresh, "refresh_token");
    rotate(&l);
    driver.now_ms += 31LL * 86400000;
    introspect_key[0] = '\0';
    expect_inactive(l.refresh);
}

static void a_session_cookie(void **state)
{
    (void)state;
    struct login l;
    char cookie[JAR_VALUE_MAX];
    log_in_app(&l, "alice", "web");
    memcpy(cookie, l.c.jar[COOKIE_SESSION], sizeof cookie);
    expect_active(cookie, "session");
    assert_text(reply_text(&r, "sid"), l.sid);
    assert_text(reply_text(&r, "client_id"), "web");
    assert_int_equal(reply_token(&r, "aud"), 0);
    cookie[70] = cookie[70] == 'A' ? 'B' : 'A'; /* another secret */
    expect_inactive(cookie);
    drive(&l.c, &r, METHOD_POST, "/v1/logout", NULL);
    assert_status(&r, 204);
    expect_inactive(l.c.jar[COOKIE_SESSION][0] == '\0' ? cookie : l.c.jar[COOKIE_SESSION]);
}

static void a_sealed_session(void **state)
{
    (void)state;
    struct login l;
    char cookie[JAR_VALUE_MAX];
    log_in_app(&l, "alice", "sealed");
    memcpy(cookie, l.c.jar[COOKIE_SESSION], sizeof cookie);
    expect_active(cookie, "sealed");
    assert_text(reply_text(&r, "sid"), l.sid);
    assert_text(reply_text(&r, "client_id"), "sealed");
    assert_int_equal(reply_int(&r, "iat"), driver.now_ms / 1000);
    assert_int_equal(reply_int(&r, "exp"), driver.now_ms / 1000 + 15 * 60);
    driver.now_ms += 15 * 60 * 1000;
    expect_inactive(cookie);
    driver.now_ms -= 15 * 60 * 1000;
    drive(&l.c, &r, METHOD_POST, "/v1/logout", NULL);
    assert_status(&r, 204);
    expect_inactive(cookie);
}

/* One that has expired names its session still, and could be renewed: so it ends it. */
static void revoking_a_sealed_session(void **state)
{
    (void)state;
    struct login l;
    char cookie[JAR_VALUE_MAX];
    for (int aged = 0; aged < 2; aged++) {
        log_in_app(&l, "alice", "sealed");
        memcpy(cookie, l.c.jar[COOKIE_SESSION], sizeof cookie);
        expect_active(cookie, "sealed");
        driver.now_ms += aged * 16 * 60 * 1000;
        revoke(cookie);
        assert_int_equal(driver_events("session_revoked", NULL), 1 + aged);
        expect_inactive(cookie);
        drive(&l.c, &r, METHOD_POST, "/v1/refresh", NULL);
        assert_problem(&r, 401, "invalid_session");
    }
}

/* Only its issuer can end it; to answer that it is over would be untrue. */
static void tokens_of_trusted_issuers_are_not_revoked(void **state)
{
    (void)state;
    /* {"alg":"ES256","kid":"k","typ":"at+jwt"} {"iss":"https://other.example"} */
    static const char foreign[] = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsiLCJ0eXAiOiJhdCtqd3QifQ."
                                  "eyJpc3MiOiJodHRwczovL290aGVyLmV4YW1wbGUifQ.AAAA";
    char form[256];
    revoke(foreign);
    issuer_defaults(&driver.settings.issuers[0], VIEW("other"));
    memcpy(driver.settings.issuers[0].issuer, "https://other.example", 22);
    driver.settings.issuer_count = 1;
    (void)snprintf(form, sizeof form, "token=%s", foreign);
    post("/v1/revoke", revoke_key, form);
    assert_status(&r, 400);
    assert_text(reply_text(&r, "error"), "unsupported_token_type");
    expect_inactive(foreign);
    driver.settings.issuer_count = 0;
}

/* strict with a token: not to be revoked is not enough, its record must live. */
static void a_token_that_is_checked_live(void **state)
{
    (void)state;
    struct login l;
    for (uint32_t i = 0; i < driver.settings.app_count; i++)
        if (strcmp(driver.settings.apps[i].name, "strict") == 0)
            app_take_tokens(&driver.settings.apps[i]);
    log_in_app(&l, "alice", "strict");
    expect_active(l.access, "Bearer");
    expect_active(l.refresh, "refresh_token");
    revoke(l.refresh);
    expect_inactive(l.access);
    expect_inactive(l.refresh);
}

static void an_api_key(void **state)
{
    (void)state;
    char key[API_KEY_TEXT + 1];
    make_key("\"read\",\"write:all\"", key);
    char id[ID16_TEXT + 1];
    memcpy(id, key_id, sizeof id);
    expect_active(key, "api_key");
    assert_text(reply_text(&r, "scope"), "read write:all");
    assert_text(reply_text(&r, "jti"), id);
    assert_text(reply_text(&r, "username"), "root");
    assert_int_equal(reply_token(&r, "sid"), 0);
    assert_int_equal(reply_token(&r, "client_id"), 0);
    key[40] = key[40] == 'A' ? 'B' : 'A';
    expect_inactive(key);
}

static void what_is_nothing_of_ours(void **state)
{
    (void)state;
    struct login l;
    char text[JAR_VALUE_MAX + 1];
    static const char *const none[] = {"x",    "a.b.c",      "..",     "....",  "crt_",
                                       "cdk_", "v4.public.", "%c3%a9", "+++++", "eyJhbGciOiJub25lIn0.e30."};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        expect_inactive(none[i]);
    log_in_app(&l, "alice", "mobile");
    memcpy(text, l.access, sizeof l.access);
    text[strlen(text) - 10] ^= 1;
    expect_inactive(text);
    memcpy(text, l.refresh, sizeof l.refresh);
    text[60] = text[60] == 'A' ? 'B' : 'A';
    expect_inactive(text);
    (void)snprintf(text, sizeof text, "%s+", l.access);
    expect_inactive(text);
}

/* Not knowing is never an inactive token: a service would log people out. */
static void who_can_not_know_says_503(void **state)
{
    (void)state;
    struct login l;
    log_in_app(&l, "alice", "mobile");
    expect_active(l.access, "Bearer");
    table_set_valid_until(driver.writer, 0);
    char form[4096];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(form, sizeof form, "token=%s", i == 0 ? l.access : l.refresh);
        post("/v1/introspect", introspect_key, form);
        assert_status(&r, 503);
        assert_text(reply_text(&r, "error"), "temporarily_unavailable");
        assert_non_null(reply_header(&r, "Retry-After", 0));
    }
}

/* --- the caller --- */

/* base64 (with padding) of "user:password". */
static const char *basic(const char *scheme, const char *user, const char *password)
{
    static char header[512];
    char plain[256], text[256];
    int n = snprintf(plain, sizeof plain, "%s:%s", user, password);
    size_t len = BASE64URL_LEN((size_t)n);
    base64url_encode(plain, (size_t)n, text);
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    (void)snprintf(header, sizeof header, "%s %.*s%s", scheme, (int)len, text,
                   n % 3 == 1   ? "=="
                   : n % 3 == 2 ? "="
                                : "");
    return header;
}

static void ask_as(const char *authorization, const char *key)
{
    struct client c = {.content_type = FORM, .extra = {"Authorization", authorization}};
    if (key != NULL) {
        c.extra[2] = "X-API-Key";
        c.extra[3] = key;
    }
    drive(&c, &r, METHOD_POST, "/v1/introspect", "token=x");
}

static void a_key_by_basic(void **state)
{
    (void)state;
    char id[ID16_TEXT + 1], text[512];
    make_key("\"introspect\"", introspect_key);
    memcpy(id, key_id, sizeof id);
    ask_as(basic("Basic", id, introspect_key), NULL);
    assert_status(&r, 200);
    ask_as(basic("bAsIc", id, introspect_key), NULL);
    assert_status(&r, 200);
    (void)snprintf(text, sizeof text, "%s", basic("Basic", id, introspect_key));
    for (int i = 0; i < 8; i++) {
        char bad[512];
        memcpy(bad, text, sizeof bad);
        size_t len = strlen(bad);
        switch (i) {
        case 0:
            bad[len - 2] = '\0'; /* without padding */
            break;
        case 1:
            memcpy(bad + len - 2, "A=", 2);
            break;
        case 2:
            bad[len - 3] = (char)(bad[len - 3] + 1); /* stray bits */
            break;
        case 3:
            bad[6] = '-'; /* the other alphabet */
            break;
        case 4:
            (void)snprintf(bad, sizeof bad, "%s", basic("Basic", "AAAAAAAAAAAAAAAAAAAAAA", introspect_key));
            break;
        case 5:
            (void)snprintf(bad, sizeof bad, "%s", basic("Basic", "", introspect_key));
            break;
        case 6:
            (void)snprintf(bad, sizeof bad, "%s", basic("Basic", "alice", ALICE_PASSWORD));
            break;
        default:
            (void)snprintf(bad, sizeof bad, "Basic ");
            break;
        }
        ask_as(bad, NULL);
        assert_status(&r, 401);
        assert_text(reply_text(&r, "error"), "invalid_client");
        assert_string_equal(reply_header(&r, "WWW-Authenticate", 0), "Basic realm=\"cardea\"");
    }
    ask_as(text, introspect_key);
    assert_status(&r, 400);
    assert_text(reply_text(&r, "error"), "invalid_request");
    /* Nowhere else. */
    struct client c = {.extra = {"Authorization", text}};
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "unauthenticated");
    drive(&c, &r, METHOD_GET, "/verify", NULL);
    assert_int_equal(r.status, 401);
}

/* --- revoke --- */

static void revoking_an_access_token(void **state)
{
    (void)state;
    struct login l;
    struct event e;
    char jti[64], form[4096];
    log_in_app(&l, "alice", "mobile");
    expect_active(l.access, "Bearer");
    copy(reply_text(&r, "jti"), jti, sizeof jti);
    revoke(l.access);
    drive(&l.c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");
    expect_inactive(l.access);
    expect_active(l.refresh, "refresh_token"); /* this one token only */
    assert_int_equal(driver_events("token_revoked", &e), 1);
    assert_int_equal(e.revocation.kind, REVOCATION_TOKEN);
    assert_true(e.revocation.until_ms > driver.now_ms + 15 * 60 * 1000);
    assert_non_null(strstr(e.detail, jti));
    (void)snprintf(form, sizeof form, "\"api_key\":\"%.22s\"", revoke_key + strlen(API_KEY_PREFIX));
    assert_non_null(strstr(e.detail, form));
    struct user_record root = driver_user("root");
    struct buf b = buf_fixed(form, sizeof form);
    buf_user_id(&b, root.id);
    buf_terminate(&b);
    assert_string_equal(e.actor, form);
    assert_true(ID_SAME(e.subject, driver_user("alice").id));
    revoke(l.access); /* again: nothing more to write */
    assert_int_equal(driver_events("token_revoked", NULL), 1);
}

static void revoking_a_refresh_token_ends_the_session(void **state)
{
    (void)state;
    struct login l, other;
    struct event e;
    char old[REFRESH_TOKEN_TEXT_MAX];
    log_in_app(&l, "alice", "mobile");
    log_in_app(&other, "alice", "mobile");
    memcpy(old, l.refresh, sizeof old);
    rotate(&l);
    driver.now_ms += REFRESH_GRACE_MS + 1;
    revoke(old); /* a used one proves enough to end */
    expect_inactive(l.access);
    expect_inactive(l.refresh);
    expect_active(other.access, "Bearer");
    assert_int_equal(driver_events("session_revoked", &e), 1);
    assert_int_equal(e.revocation.kind, REVOCATION_SESSION);
    assert_non_null(strstr(e.detail, "\"api_key\""));
    revoke(l.refresh);
    assert_int_equal(driver_events("session_revoked", NULL), 1);
}

static void revoking_a_session_cookie(void **state)
{
    (void)state;
    struct login l;
    char wrong[JAR_VALUE_MAX];
    log_in_app(&l, "alice", "web");
    memcpy(wrong, l.c.jar[COOKIE_SESSION], sizeof wrong);
    wrong[70] = wrong[70] == 'A' ? 'B' : 'A';
    revoke(wrong); /* the sid is ours, the secret is not: it proves nothing */
    drive(&l.c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    revoke(l.c.jar[COOKIE_SESSION]);
    drive(&l.c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_session");
}

static void revoking_nothing_writes_nothing(void **state)
{
    (void)state;
    struct login l;
    static const char *const none[] = {"x", "a.b.c", "crt_", "eyJhbGciOiJub25lIn0.e30."};
    log_in_app(&l, "alice", "mobile");
    revoke(none[0]);
    uint32_t tokens = driver_events("token_revoked", NULL), sessions = driver_events("session_revoked", NULL);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        revoke(none[i]);
    driver.now_ms += 16 * 60 * 1000;
    revoke(l.access); /* expired: there is nothing to revoke */
    assert_int_equal(driver_events("token_revoked", NULL), tokens);
    assert_int_equal(driver_events("session_revoked", NULL), sessions);
}

/* Switched off, an app's tokens are refused; switched on again, a revoked one stays revoked. */
static void revoking_while_the_app_is_off(void **state)
{
    (void)state;
    struct login l;
    struct app *mobile = NULL;
    log_in_app(&l, "alice", "mobile");
    for (uint32_t i = 0; i < driver.settings.app_count; i++)
        if (strcmp(driver.settings.apps[i].name, "mobile") == 0)
            mobile = &driver.settings.apps[i];
    mobile->profile = PROFILE_UNSET;
    revoke(l.access);
    mobile->profile = PROFILE_MOBILE;
    expect_inactive(l.access);
    expect_active(l.refresh, "refresh_token");
    mobile->profile = PROFILE_UNSET;
    revoke(l.refresh);
    mobile->profile = PROFILE_MOBILE;
    expect_inactive(l.refresh);
}

static void keys_are_not_revoked_by_text(void **state)
{
    (void)state;
    char key[API_KEY_TEXT + 1], form[256];
    make_key("\"revoke\"", revoke_key);
    make_key("\"read\"", key);
    (void)snprintf(form, sizeof form, "token=%s", key);
    post("/v1/revoke", revoke_key, form);
    assert_status(&r, 400);
    assert_text(reply_text(&r, "error"), "unsupported_token_type");
    expect_active(key, "api_key");
}

/* A revocation that waited behind the end of its caller's key. */
static void a_queued_revocation_asks_again(void **state)
{
    (void)state;
    struct login l;
    struct driving d;
    char form[4096], target[64];
    log_in_app(&l, "alice", "mobile");
    make_key("\"revoke\"", revoke_key);
    (void)snprintf(form, sizeof form, "token=%s", l.refresh);
    struct client service = {.content_type = FORM, .extra = {"X-API-Key", revoke_key}}, root = {0};
    drive_begin(&service, &d, METHOD_POST, "/v1/revoke", form);
    log_in(&root, &r, "root", "web");
    (void)snprintf(target, sizeof target, "/v1/api-keys/%s", key_id);
    drive(&root, &r, METHOD_DELETE, target, NULL);
    assert_status(&r, 204);
    drive_end(&service, &d, &r);
    assert_status(&r, 401);
    expect_active(l.refresh, "refresh_token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(an_access_token),
        TOKEN_TEST(what_ends_an_access_token),
        TOKEN_TEST(a_refresh_token),
        TOKEN_TEST(a_session_cookie),
        TOKEN_TEST(a_sealed_session),
        TOKEN_TEST(revoking_a_sealed_session),
        TOKEN_TEST(tokens_of_trusted_issuers_are_not_revoked),
        TOKEN_TEST(a_token_that_is_checked_live),
        TOKEN_TEST(an_api_key),
        TOKEN_TEST(what_is_nothing_of_ours),
        TOKEN_TEST(who_can_not_know_says_503),
        TOKEN_TEST(a_key_by_basic),
        TOKEN_TEST(revoking_an_access_token),
        TOKEN_TEST(revoking_a_refresh_token_ends_the_session),
        TOKEN_TEST(revoking_a_session_cookie),
        TOKEN_TEST(revoking_nothing_writes_nothing),
        TOKEN_TEST(revoking_while_the_app_is_off),
        TOKEN_TEST(keys_are_not_revoked_by_text),
        TOKEN_TEST(a_queued_revocation_asks_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
