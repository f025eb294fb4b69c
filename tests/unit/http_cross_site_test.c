/* The cross-site rules: origins, CSRF tokens, CORS. */
#include "http_driver.h"

#include <stdio.h>

static struct reply r, other;

/* E14 */
static void csrf_tokens(void **state)
{
    (void)state;
    static const char patch[] = "{\"name\":\"x\"}";
    struct client c = {0}, elsewhere = {0};
    log_in(&elsewhere, &r, "alice", "web");
    log_in(&c, &r, "alice", "web");
    char good[64];
    memcpy(good, c.csrf, sizeof good);
    c.csrf[0] = '\0';
    drive(&c, &r, METHOD_PATCH, "/v1/me", patch);
    assert_problem(&r, 403, "csrf_failed");
    memcpy(c.csrf, elsewhere.csrf, sizeof c.csrf); /* of another session */
    drive(&c, &r, METHOD_PATCH, "/v1/me", patch);
    assert_problem(&r, 403, "csrf_failed");
    c.csrf[0] = '\0';
    c.extra[0] = "X-CSRF-Token";
    c.extra[1] = "";
    drive(&c, &r, METHOD_PATCH, "/v1/me", patch);
    assert_problem(&r, 403, "csrf_failed");
    c.extra[1] = good;
    c.extra[2] = "X-CSRF-Token";
    c.extra[3] = good;
    drive(&c, &r, METHOD_PATCH, "/v1/me", patch);
    assert_problem(&r, 403, "csrf_failed");
    c.extra[0] = NULL;
    char target[128];
    (void)snprintf(target, sizeof target, "/v1/me?csrf_token=%s", good);
    drive(&c, &r, METHOD_PATCH, target, patch);
    assert_problem(&r, 403, "csrf_failed");
    drive(&c, &r, METHOD_GET, "/v1/csrf", NULL);
    assert_status(&r, 200);
    assert_string_not_equal(c.csrf, good); /* masked anew each time */
    drive(&c, &r, METHOD_PATCH, "/v1/me", patch);
    assert_status(&r, 200);
    memcpy(c.csrf, good, sizeof good);
    drive(&c, &r, METHOD_PATCH, "/v1/me", patch);
    assert_status(&r, 200);
    /* From before a login. */
    struct client again = c;
    log_in(&again, &r, "alice", "web");
    memcpy(again.csrf, good, sizeof good);
    drive(&again, &r, METHOD_PATCH, "/v1/me", patch);
    assert_problem(&r, 403, "csrf_failed");
}

/* Every call of a cookie that changes something, but logout. */
static void csrf_everywhere(void **state)
{
    (void)state;
    static const struct {
        enum method method;
        const char *path, *body;
    } calls[] = {
        {METHOD_PATCH, "/v1/me", "{\"name\":\"x\"}"},
        {METHOD_POST, "/v1/password", "{}"},
        {METHOD_POST, "/v1/reauthenticate", "{}"},
        {METHOD_POST, "/v1/api-keys", "{}"},
        {METHOD_DELETE, "/v1/api-keys/AAAAAAAAAAAAAAAAAAAAAA", NULL},
        {METHOD_DELETE, "/v1/sessions/AAAAAAAAAAAAAAAAAAAAAA", NULL},
        {METHOD_POST, "/v1/logout/all", NULL},
    };
    struct client web = {0}, spa = {0};
    log_in(&web, &r, "alice", "web");
    log_in(&spa, &r, "alice", "spa");
    spa.csrf[0] = web.csrf[0] = '\0';
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        drive(&spa, &r, calls[i].method, calls[i].path, calls[i].body);
        assert_problem(&r, 403, "csrf_failed");
        drive(&web, &r, calls[i].method, calls[i].path, calls[i].body);
        assert_problem(&r, 403, "csrf_failed");
    }
    drive(&web, &r, METHOD_POST, "/v1/logout", NULL);
    assert_status(&r, 204);
}

/* The exemption follows the credential that authenticated, not the presence of a header. */
static void csrf_exemption(void **state)
{
    (void)state;
    struct client mobile = {.origin = "https://elsewhere.example"}, web = {0};
    mobile.origin = NULL;
    log_in(&mobile, &r, "alice", "mobile");
    mobile.origin = "https://elsewhere.example";
    drive(&mobile, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"x\"}");
    assert_status(&r, 200);
    log_in(&web, &r, "alice", "web");
    web.csrf[0] = '\0';
    static const char *const headers[][2] = {
        {"Authorization", "Basic YTpi"},
        {"Authorization", "Digest x"},
        {"X-Requested-With", "XMLHttpRequest"},
    };
    for (size_t i = 0; i < 3; i++) {
        web.extra[0] = headers[i][0];
        web.extra[1] = headers[i][1];
        drive(&web, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"x\"}");
        assert_problem(&r, 403, "csrf_failed");
    }
}

/* E15, E17 */
static void origins(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "web");
    static const struct {
        const char *origin, *site;
        bool good;
    } cases[] = {
        {OUR_ORIGIN, NULL, true},
        {NULL, NULL, true},
        {NULL, "same-origin", true},
        {NULL, "none", true},
        {NULL, "same-site", false},
        {NULL, "cross-site", false},
        {NULL, "Same-Origin", false},
        {NULL, "", false},
        {"null", NULL, false},
        {"", NULL, false},
        {"http://127.0.0.1:8420/", NULL, false},
        {"http://127.0.0.1:842", NULL, false},
        {"http://127.0.0.1:84200", NULL, false},
        {"https://127.0.0.1:8420", NULL, false},
        {"http://127.0.0.1", NULL, false},
        {"http://127.0.0.1:8420.evil.example", NULL, false},
        {"HTTP://127.0.0.1:8420", NULL, false},
        {"http://evil.example", "same-origin", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        c.origin = cases[i].origin;
        c.fetch_site = cases[i].site;
        c.forget = true;
        drive(&c, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"x\"}");
        assert_int_equal(r.status, cases[i].good ? 200 : 403);
        if (!cases[i].good)
            assert_problem(&r, 403, "origin_refused");
        /* Login and logout carry or set cookies too. */
        struct client fresh = {.origin = cases[i].origin, .fetch_site = cases[i].site};
        drive(&fresh, &other, METHOD_POST, "/v1/login", LOGIN_OK);
        assert_int_equal(other.status, r.status);
        if (!cases[i].good) {
            assert_null(reply_header(&other, "Set-Cookie", 0));
            drive(&c, &other, METHOD_POST, "/v1/logout", NULL);
            assert_problem(&other, 403, "origin_refused");
        }
        drive(&c, &other, METHOD_GET, "/v1/me", NULL);
        assert_status(&other, 200); /* reading is not stopped */
    }
    struct client twice = c;
    twice.origin = OUR_ORIGIN;
    twice.fetch_site = NULL;
    twice.extra[0] = "Origin";
    twice.extra[1] = OUR_ORIGIN;
    drive(&twice, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"x\"}");
    assert_problem(&r, 403, "origin_refused");
}

static void add_origin(const char *app, const char *origin)
{
    uint16_t index;
    assert_non_null(settings_app(&driver.settings, view_text(app), &index));
    struct app *a = &driver.settings.apps[index];
    (void)snprintf(a->origins[a->origin_count++], sizeof a->origins[0], "%s", origin);
}

static void listed_origins(void **state)
{
    (void)state;
    add_origin("spa", "https://app.example");
    add_origin("mobile", "null"); /* refused by the configuration, and here again */
    struct client spa = {.origin = "https://app.example"}, web = {.origin = "https://app.example"};
    log_in(&spa, &r, "alice", "spa");
    assert_string_equal(reply_header(&r, "Access-Control-Allow-Origin", 0), "https://app.example");
    assert_string_equal(reply_header(&r, "Access-Control-Allow-Credentials", 0), "true");
    assert_string_equal(reply_header(&r, "Vary", 0), "Origin");
    drive(&spa, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"x\"}");
    assert_status(&r, 200);
    /* Listed by one app is not listed by all. */
    drive(&web, &r, METHOD_POST, "/v1/login", LOGIN_OK);
    assert_problem(&r, 403, "origin_refused");
    assert_null(reply_header(&r, "Access-Control-Allow-Origin", 0));
    web.origin = NULL;
    log_in(&web, &r, "alice", "web");
    assert_null(reply_header(&r, "Access-Control-Allow-Origin", 0));
    web.origin = "https://app.example";
    drive(&web, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"x\"}");
    assert_problem(&r, 403, "origin_refused");
    drive(&web, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    assert_null(reply_header(&r, "Access-Control-Allow-Origin", 0)); /* so no page of it may read the answer */
    struct client null = {.origin = "null"};
    drive(&null, &r, METHOD_POST, "/v1/login",
          "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\",\"app\":\"mobile\"}");
    assert_problem(&r, 403, "origin_refused");
    assert_null(reply_header(&r, "Access-Control-Allow-Origin", 0));
}

static void body_tokens_and_browsers(void **state)
{
    (void)state;
    static const char login[] = "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\",\"app\":\"mobile\"}";
    struct client c = {.origin = OUR_ORIGIN};
    drive(&c, &r, METHOD_POST, "/v1/login", login);
    assert_problem(&r, 403, "origin_refused");
    struct client d = {.fetch_site = "same-origin"};
    drive(&d, &r, METHOD_POST, "/v1/login", login);
    assert_problem(&r, 403, "origin_refused");
    add_origin("mobile", OUR_ORIGIN);
    drive(&c, &r, METHOD_POST, "/v1/login", login);
    assert_status(&r, 200);
}

static void preflights(void **state)
{
    (void)state;
    add_origin("spa", "https://app.example");
    struct client c = {.origin = "https://app.example",
                       .extra = {"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "x-y"}};
    drive(&c, &r, METHOD_OPTIONS, "/v1/me", NULL);
    assert_status(&r, 204);
    assert_string_equal(reply_header(&r, "Access-Control-Allow-Origin", 0), "https://app.example");
    assert_string_equal(reply_header(&r, "Access-Control-Allow-Methods", 0), "GET, HEAD, PATCH, OPTIONS");
    assert_non_null(strstr(reply_header(&r, "Access-Control-Allow-Headers", 0), "X-CSRF-Token"));
    assert_non_null(strstr(reply_header(&r, "Vary", 0), "Origin"));
    c.origin = "https://evil.example";
    drive(&c, &r, METHOD_OPTIONS, "/v1/me", NULL);
    assert_status(&r, 204);
    assert_null(reply_header(&r, "Access-Control-Allow-Origin", 0));
    assert_null(reply_header(&r, "Access-Control-Allow-Methods", 0));
    c.origin = "null";
    drive(&c, &r, METHOD_OPTIONS, "/v1/me", NULL);
    assert_null(reply_header(&r, "Access-Control-Allow-Origin", 0));
    c.origin = "https://app.example";
    drive(&c, &r, METHOD_OPTIONS, "/healthz", NULL);
    assert_status(&r, 204);
    assert_null(reply_header(&r, "Access-Control-Allow-Origin", 0));
    drive(&c, &r, METHOD_OPTIONS, "/v1/nothing", NULL);
    assert_problem(&r, 404, "not_found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(csrf_tokens),    SITE_TEST(csrf_everywhere),          SITE_TEST(csrf_exemption), SITE_TEST(origins),
        SITE_TEST(listed_origins), SITE_TEST(body_tokens_and_browsers), SITE_TEST(preflights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
