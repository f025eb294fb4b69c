/* What stands before every endpoint: paths, methods, media types, sizes, doors; and what is answered when the service
 * can not know. */
#include "http_driver.h"

#include <stdio.h>

static struct reply r;

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
        "/v1/introspect/",
        "/v1/revoked",
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(routes),
        SITE_TEST(methods),
        SITE_TEST(media_types),
        SITE_TEST(heads),
        SITE_TEST(bodies_longer_than_said),
        SITE_TEST(slow_path),
        SITE_TEST(past_the_lease),
        SITE_TEST(readiness_asks_the_store),
        SITE_TEST(queues_that_are_full),
        SITE_TEST(other_doors),
        SITE_TEST(client_text_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
