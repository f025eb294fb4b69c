/* Which credential of a request counts: cookies by their exact name, one credential, never one in the query. */
#include "http_driver.h"

#include <stdio.h>

static struct reply r;

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(cookies),
        SITE_TEST(floods_of_cookies),
        SITE_TEST(one_credential),
        SITE_TEST(credentials_in_the_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
