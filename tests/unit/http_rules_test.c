/* What stands before every endpoint: routes, media types, one credential, cookies by exact name, the cross-site rules,
 * CORS, the slow path, the lease. */
#include "http_driver.h"

#include <stdio.h>

static struct reply r, other;

#define LOGIN_OK "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\"}"

/* G07: a path that is not byte for byte ours does not exist. */
static void routes(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "web");
    static const char *const none[] = {
        "/",
        "/v1",
        "/v1/",
        "/v1/me/",
        "//v1/me",
        "/v1//me",
        "/v1/./me",
        "/v1/../v1/me",
        "/V1/me",
        "/v1/ME",
        "/v1/%6de",
        "/v1/me%00",
        "/v1/me;x",
        "/v1%2fme",
        "/v2/me",
        "/v1/sessions/",
        "/v1/sessions/a/b",
        "/healthz/",
        "/metrics",
        "/debug",
        "v1/me",
        "",
        "http://127.0.0.1:8420/v1/me",
        "*",
        "/v1/introspect",
        "/v1/revoke",
        "/v1/session/data",
        "/v1/logout/",
        "/v1/logout/ALL",
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        drive(&c, &r, METHOD_GET, none[i], NULL);
        assert_problem(&r, 404, "not_found");
        drive(&c, &r, METHOD_POST, none[i], "{}");
        assert_problem(&r, 404, "not_found");
    }
    memcpy(driver.settings.base_path, "/auth", 6);
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 404, "not_found");
    drive(&c, &r, METHOD_GET, "/auth/v1/me", NULL);
    assert_status(&r, 200);
    drive(&c, &r, METHOD_GET, "/authv1/me", NULL);
    assert_problem(&r, 404, "not_found");
}

/* E18 */
static void methods(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "web");
    static const struct {
        const char *path, *allow;
        enum method wrong;
    } cases[] = {
        {"/v1/login", "POST, OPTIONS", METHOD_GET},
        {"/v1/login", "POST, OPTIONS", METHOD_HEAD},
        {"/v1/logout", "POST, OPTIONS", METHOD_GET},
        {"/v1/logout/all", "POST, OPTIONS", METHOD_DELETE},
        {"/v1/refresh", "POST, OPTIONS", METHOD_GET},
        {"/v1/password", "POST, OPTIONS", METHOD_PUT},
        {"/v1/me", "GET, HEAD, PATCH, OPTIONS", METHOD_POST},
        {"/v1/me", "GET, HEAD, PATCH, OPTIONS", METHOD_OTHER},
        {"/v1/sessions", "GET, HEAD, OPTIONS", METHOD_DELETE},
        {"/v1/sessions/AAAAAAAAAAAAAAAAAAAAAA", "DELETE, OPTIONS", METHOD_GET},
        {"/v1/api-keys", "GET, HEAD, POST, OPTIONS", METHOD_PATCH},
        {"/healthz", "GET, HEAD, OPTIONS", METHOD_POST},
    };
    c.extra[0] = "X-HTTP-Method-Override";
    c.extra[1] = "POST";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        drive(&c, &r, cases[i].wrong, cases[i].path, NULL);
        assert_problem(&r, 405, "method_not_allowed");
        assert_string_equal(reply_header(&r, "Allow", 0), cases[i].allow);
    }
    drive(&c, &r, METHOD_GET, "/v1/logout?_method=POST", NULL);
    assert_problem(&r, 405, "method_not_allowed");
    drive(&c, &r, METHOD_HEAD, "/v1/me", NULL);
    assert_status(&r, 200);
}

/* E13 */
static void media_types(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "text/json",
        "application/vnd.api+json",
        "text/plain; x=application/json",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct client c = {.content_type = bad[i]};
        drive(&c, &r, METHOD_POST, "/v1/login", LOGIN_OK);
        assert_problem(&r, 415, "unsupported_media_type");
        assert_null(reply_header(&r, "Set-Cookie", 0));
    }
    struct client c = {.content_type = "Application/JSON; charset=utf-8"};
    drive(&c, &r, METHOD_POST, "/v1/login", LOGIN_OK);
    assert_status(&r, 200);
    struct client twice = {.extra = {"Content-Type", "text/plain"}};
    drive(&twice, &r, METHOD_POST, "/v1/login", LOGIN_OK);
    assert_problem(&r, 415, "unsupported_media_type");
    /* Calls without input. */
    c.content_type = NULL;
    drive(&c, &r, METHOD_GET, "/v1/me", "{}");
    assert_problem(&r, 400, "bad_request");
    drive(&c, &r, METHOD_POST, "/v1/logout/all", "{\"x\":1}");
    assert_problem(&r, 400, "unknown_field");
    drive(&c, &r, METHOD_POST, "/v1/logout/all", "{}");
    assert_status(&r, 204);
}

/* Refused on the head alone, before a body is read. */
static void heads(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum method method;
        int64_t length;
        int status;
    } cases[] = {
        {"/v1/login", METHOD_POST, 10 * 1024 * 1024, 413},
        {"/v1/login", METHOD_POST, ENDPOINT_BODY_SMALL, 0},
        {"/v1/login", METHOD_POST, ENDPOINT_BODY_SMALL + 1, 413},
        {"/v1/login", METHOD_POST, -1, 0},
        {"/v1/nothing", METHOD_POST, 5, 404},
        {"/v1/login", METHOD_GET, 5, 405},
        {"/v1/me", METHOD_GET, 5, 400},
        {"/v1/me", METHOD_GET, -1, 400},
        {"/v1/me", METHOD_GET, 0, 0},
        {"/verify", METHOD_POST, 5, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct exchange x;
        exchange_init(&x, &driver.site, NULL);
        x.request.method = cases[i].method;
        x.request.entrance = ENTRANCE_MAIN;
        x.request.path = view_text(cases[i].path);
        x.request.headers[0] = (struct header){VIEW("Content-Type"), VIEW("application/json")};
        x.request.header_count = 1;
        enum stage stage = exchange_head(&x, cases[i].length);
        assert_int_equal(stage, cases[i].status == 0 ? STAGE_UNSET : STAGE_DONE);
        assert_int_equal(x.response.status, cases[i].status);
        exchange_clear(&x);
    }
}

/* A chunked body that turns out too long. */
static void bodies_longer_than_said(void **state)
{
    (void)state;
    static char big[ENDPOINT_BODY_SMALL + 2];
    struct exchange x;
    memset(big, ' ', sizeof big - 1);
    exchange_init(&x, &driver.site, NULL);
    x.request.method = METHOD_POST;
    x.request.entrance = ENTRANCE_MAIN;
    x.request.path = VIEW("/v1/login");
    x.request.headers[0] = (struct header){VIEW("Content-Type"), VIEW("application/json")};
    x.request.header_count = 1;
    assert_int_equal(exchange_head(&x, -1), STAGE_UNSET);
    x.request.body = view_text(big);
    assert_int_equal(exchange_begin(&x), STAGE_DONE);
    assert_int_equal(x.response.status, 413);
    exchange_clear(&x);
}

/* E14 */
static void csrf_tokens(void **state)
{
    (void)state;
    static const char patch[] = "{\"name\":\"x\"}";
    struct client c = {0}, elsewhere = {0}, spa = {0};
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
    /* Every call of a cookie that changes something, but logout. */
    log_in(&spa, &r, "alice", "spa");
    static const struct {
        enum method method;
        const char *path, *body;
    } calls[] = {
        {METHOD_PATCH, "/v1/me", patch},
        {METHOD_POST, "/v1/password", "{}"},
        {METHOD_POST, "/v1/reauthenticate", "{}"},
        {METHOD_POST, "/v1/api-keys", "{}"},
        {METHOD_DELETE, "/v1/api-keys/AAAAAAAAAAAAAAAAAAAAAA", NULL},
        {METHOD_DELETE, "/v1/sessions/AAAAAAAAAAAAAAAAAAAAAA", NULL},
        {METHOD_POST, "/v1/logout/all", NULL},
    };
    spa.csrf[0] = again.csrf[0] = '\0';
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        drive(&spa, &r, calls[i].method, calls[i].path, calls[i].body);
        assert_problem(&r, 403, "csrf_failed");
        drive(&again, &r, calls[i].method, calls[i].path, calls[i].body);
        assert_problem(&r, 403, "csrf_failed");
    }
    drive(&again, &r, METHOD_POST, "/v1/logout", NULL);
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

/* E08, E09: only the exact name, once. */
static void cookies(void **state)
{
    (void)state;
    struct client owner = {0}, evil = {0};
    log_in(&owner, &r, "alice", "web");
    log_in(&evil, &r, "root", "web");
    const char *a = owner.jar[COOKIE_SESSION], *b = evil.jar[COOKIE_SESSION];
    char line[2][2 * JAR_VALUE_MAX + 64];
    static const struct {
        const char *format;
        int status;
        const char *code;
    } cases[] = {
        {"__Host-cardea=%s; __Host-cardea=%s", 401, "invalid_session"},
        {"x=1; __Host-cardea=%s;y=2", 200, NULL},
        {"__Host-cardea=%s;", 200, NULL},
        {"__%%48ost-cardea=%s", 401, "unauthenticated"},
        {"..Host-cardea=%s", 401, "unauthenticated"},
        {"_[Host-cardea=%s", 401, "unauthenticated"},
        {"=__Host-cardea=%s", 401, "unauthenticated"},
        {"__host-cardea=%s", 401, "unauthenticated"},
        {"__Host-cardea =%s", 401, "unauthenticated"},
        {"cardea=%s", 401, "unauthenticated"},
        {"__Secure-cardea=%s", 401, "unauthenticated"},
        {"__Host-cardea=\"%s\"", 401, "invalid_session"},
        {"__Host-cardea=%s=", 401, "invalid_session"},
        {"__Host-cardea=", 401, "invalid_session"},
        {"__Host-cardea", 401, "unauthenticated"},
        {"", 401, "unauthenticated"},
        {";;;=;=;", 401, "unauthenticated"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client c = {.extra = {"Cookie", line[0]}, .forget = true};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(line[0], sizeof line[0], cases[i].format, a, b);
#pragma GCC diagnostic pop
        drive(&c, &r, METHOD_GET, "/v1/me", NULL);
        if (cases[i].status == 200)
            assert_text(reply_text(&r, "user.username"), "alice");
        else
            assert_problem(&r, cases[i].status, cases[i].code);
    }
    /* Two lines, both orders. */
    for (int i = 0; i < 2; i++) {
        (void)snprintf(line[0], sizeof line[0], "__Host-cardea=%s", i == 0 ? a : b);
        (void)snprintf(line[1], sizeof line[1], "__Host-cardea=%s", i == 0 ? b : a);
        struct client c = {.extra = {"Cookie", line[0], "cookie", line[1]}};
        drive(&c, &r, METHOD_GET, "/v1/me", NULL);
        assert_problem(&r, 401, "invalid_session");
    }
    (void)snprintf(line[0], sizeof line[0], "a=b");
    (void)snprintf(line[1], sizeof line[1], "__Host-cardea=%s", a);
    struct client c = {.extra = {"Cookie", line[0], "Cookie", line[1]}};
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
}

/* E11: many cookies from a sibling host do not stop a login. */
static void floods_of_cookies(void **state)
{
    (void)state;
    static char line[16 * 1024];
    size_t len = 0;
    for (int i = 0; i < 500; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "junk%d=%d; ", i, i);
    (void)snprintf(line + len, sizeof line - len, "__Host-cardea=x; __Host-cardea=y; __Host-cardea-device=z");
    struct client c = {.extra = {"Cookie", line}};
    drive(&c, &r, METHOD_POST, "/v1/login", LOGIN_OK);
    assert_status(&r, 200);
}

/* G11, section 2: one credential a request; an invalid one never falls back to another. */
static void one_credential(void **state)
{
    (void)state;
    struct client web = {0}, mobile = {0}, spa = {0}, both;
    log_in(&web, &r, "alice", "web");
    log_in(&mobile, &r, "alice", "mobile");
    log_in(&spa, &r, "alice", "spa");
    both = web;
    memcpy(both.bearer, mobile.bearer, sizeof both.bearer);
    drive(&both, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 400, "several_credentials");
    (void)snprintf(both.bearer, sizeof both.bearer, "%s", "rubbish");
    drive(&both, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 400, "several_credentials");
    both = spa;
    memcpy(both.jar[COOKIE_SESSION], web.jar[COOKIE_SESSION], sizeof both.jar[0]);
    drive(&both, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 400, "several_credentials");
    both = mobile;
    both.extra[0] = "Authorization";
    both.extra[1] = "Bearer x";
    drive(&both, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 400, "several_credentials");
    both.extra[0] = "X-API-Key";
    drive(&both, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 400, "several_credentials");
    /* The device cookie and the refresh cookie are no credentials here. */
    both = mobile;
    memcpy(both.jar[COOKIE_DEVICE], web.jar[COOKIE_DEVICE], sizeof both.jar[0]);
    drive(&both, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    struct client refresh_alone = {0};
    memcpy(refresh_alone.jar[COOKIE_REFRESH], spa.jar[COOKIE_REFRESH], sizeof spa.jar[0]);
    drive(&refresh_alone, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "unauthenticated");
    assert_string_equal(reply_header(&r, "WWW-Authenticate", 0), "Bearer realm=\"cardea\"");
    static const char *const bad[] = {"Bearer rubbish", "bearer rubbish", "Bearer a.b.c", "Bearer cdk_x",
                                      "Bearer  ",       "Bearer",         "BEARER x y"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct client c = {.extra = {"Authorization", bad[i]}};
        drive(&c, &r, METHOD_GET, "/v1/me", NULL);
        assert_status(&r, 401);
        assert_string_equal(reply_header(&r, "WWW-Authenticate", 0), "Bearer error=\"invalid_token\"");
    }
    char line[JAR_VALUE_MAX + 16];
    (void)snprintf(line, sizeof line, "bEaReR %s", mobile.bearer);
    struct client c = {.extra = {"Authorization", line}};
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    (void)snprintf(line, sizeof line, "Basic %s", mobile.bearer);
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "unauthenticated");
}

/* E02: a session's id in the query is nobody's credential. */
static void credentials_in_the_query(void **state)
{
    (void)state;
    struct client web = {0}, none = {0};
    log_in(&web, &r, "alice", "web");
    char target[JAR_VALUE_MAX + 64];
    (void)snprintf(target, sizeof target, "/v1/me?access_token=%s", web.jar[COOKIE_SESSION]);
    drive(&none, &r, METHOD_GET, target, NULL);
    assert_problem(&r, 401, "unauthenticated");
}

/* What the table does not know, the store does. */
static void slow_path(void **state)
{
    (void)state;
    struct client web = {0}, mobile = {0};
    log_in(&web, &r, "alice", "web");
    log_in(&mobile, &r, "alice", "mobile");
    struct table *table = driver.site.table;
    driver.site.table = NULL;
    drive(&web, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    drive(&web, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"slow\"}");
    assert_status(&r, 200);
    web.csrf[0] = '\0';
    drive(&web, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"slow\"}");
    assert_problem(&r, 403, "csrf_failed");
    struct client wrong = web;
    wrong.jar[COOKIE_SESSION][60] ^= 1;
    drive(&wrong, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_session");
    driver.site.table = table;
}

/* Promise 1: a verifier that can not know answers 503, never 401 and never yes. */
static void past_the_lease(void **state)
{
    (void)state;
    struct client web = {0};
    log_in(&web, &r, "alice", "web");
    drive(&web, &r, METHOD_GET, "/readyz", NULL);
    assert_status(&r, 200);
    table_set_valid_until(driver.writer, 500); /* boot clock says 1000 */
    drive(&web, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 503, "unavailable");
    drive(&web, &r, METHOD_GET, "/readyz", NULL);
    assert_problem(&r, 503, "unavailable");
    drive(&web, &r, METHOD_GET, "/healthz", NULL);
    assert_status(&r, 200);
    assert_text(reply_text(&r, "status"), "ok");
}

static bool never_ready(void *context)
{
    (void)context;
    return false;
}

static void readiness_asks_the_store(void **state)
{
    (void)state;
    struct client c = {0};
    driver.site.store_ready = never_ready;
    drive(&c, &r, METHOD_GET, "/readyz", NULL);
    assert_problem(&r, 503, "unavailable");
}

static void queues_that_are_full(void **state)
{
    (void)state;
    struct client c = {0};
    struct driving d;
    log_in(&c, &r, "alice", "web");
    drive_begin(&c, &d, METHOD_PATCH, "/v1/me", "{\"name\":\"x\"}");
    d.x->retry_after_s = 7;
    exchange_refuse(d.x, CARDEA_FAIL(E_BUSY));
    d.stage = STAGE_DONE;
    drive_end(&c, &d, &r);
    assert_problem(&r, 503, "busy");
    assert_string_equal(reply_header(&r, "Retry-After", 0), "7");
}

static void other_doors(void **state)
{
    (void)state;
    struct client c = {.entrance = ENTRANCE_METRICS};
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 404, "not_found");
    c.entrance = ENTRANCE_SOCKET;
    drive(&c, &r, METHOD_POST, "/v1/login", LOGIN_OK);
    assert_problem(&r, 404, "not_found");
    c.entrance = ENTRANCE_ADMIN;
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 404, "not_found");
    drive(&c, &r, METHOD_GET, "/healthz", NULL);
    assert_status(&r, 200);
}

/* Text of a client in an answer can not become anything but text. */
static void client_text_is_escaped(void **state)
{
    (void)state;
    struct client c = {0};
    drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"a\",\"password\":\"b\",\"<\\\"\\u0001\\n\":1}");
    assert_status(&r, 400);
    assert_text(reply_text(&r, "code"), "unknown_field");
    c.extra[0] = "User-Agent";
    c.extra[1] = "\x01\xff\"evil";
    log_in(&c, &r, "alice", "web"); /* the first line counts; the driver's own */
    assert_text(reply_text(&r, "session.user_agent"), "driver/1");
}

#define SITE_TEST(f) cmocka_unit_test_setup_teardown(f, driver_open, driver_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(routes),
        SITE_TEST(methods),
        SITE_TEST(media_types),
        SITE_TEST(heads),
        SITE_TEST(bodies_longer_than_said),
        SITE_TEST(csrf_tokens),
        SITE_TEST(csrf_exemption),
        SITE_TEST(origins),
        SITE_TEST(listed_origins),
        SITE_TEST(body_tokens_and_browsers),
        SITE_TEST(preflights),
        SITE_TEST(cookies),
        SITE_TEST(floods_of_cookies),
        SITE_TEST(one_credential),
        SITE_TEST(credentials_in_the_query),
        SITE_TEST(slow_path),
        SITE_TEST(past_the_lease),
        SITE_TEST(readiness_asks_the_store),
        SITE_TEST(queues_that_are_full),
        SITE_TEST(other_doors),
        SITE_TEST(client_text_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
