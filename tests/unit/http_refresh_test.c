/* Refreshing and logging out: promise 6, the two carriers, what a racing or stolen token does. */
#include "http_driver.h"

#include <stdio.h>

static struct reply r, other;

static char token[REFRESH_TOKEN_TEXT_MAX], body[ACCESS_TOKEN_TEXT_MAX + 256];

static void take_token(void)
{
    struct view v = reply_text(&r, "refresh_token");
    assert_int_equal(v.len, REFRESH_TOKEN_TEXT);
    (void)snprintf(token, sizeof token, "%.*s", (int)v.len, v.ptr);
}

static void refresh(struct client *c, struct reply *out, const char *text)
{
    (void)snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", text);
    drive(c, out, METHOD_POST, "/v1/refresh", body);
}

static void body_token_rotates(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "mobile");
    take_token();
    char first[REFRESH_TOKEN_TEXT_MAX];
    memcpy(first, token, sizeof first);
    int64_t absolute_left = 90 * 86400;
    for (int i = 0; i < 5; i++) {
        driver.now_ms += 20 * 86400000LL; /* within idle, and every time nearer to the end */
        absolute_left -= 20 * 86400;
        if (absolute_left <= 0)
            break;
        struct client app = {0};
        refresh(&app, &r, token);
        assert_status(&r, 200);
        assert_int_equal(reply_int(&r, "refresh_expires_in"), absolute_left < 30 * 86400 ? absolute_left : 30 * 86400);
        assert_null(reply_header(&r, "Set-Cookie", 0));
        assert_int_equal(reply_token(&r, "csrf_token"), 0);
        take_token();
        drive(&app, &other, METHOD_GET, "/v1/me", NULL);
        assert_status(&other, 200);
    }
    struct client app = {0};
    refresh(&app, &r, token);
    assert_problem(&r, 401, "invalid_token"); /* rotation never extended the absolute end */
    assert_string_equal(reply_header(&r, "WWW-Authenticate", 0), "Bearer error=\"invalid_token\"");
}

static void repeat_within_the_grace(void **state)
{
    (void)state;
    struct client c = {0}, app = {0};
    char first[REFRESH_TOKEN_TEXT_MAX], second[REFRESH_TOKEN_TEXT_MAX];
    log_in(&c, &r, "alice", "mobile");
    take_token();
    memcpy(first, token, sizeof first);
    refresh(&app, &r, first);
    take_token();
    memcpy(second, token, sizeof second);
    driver.now_ms += 9000;
    memset(&app, 0, sizeof app);
    refresh(&app, &r, first);
    assert_status(&r, 200);
    take_token();
    assert_string_equal(token, second); /* the same successor */
    memset(&app, 0, sizeof app);
    refresh(&app, &r, second);
    assert_status(&r, 200);
    assert_int_equal(driver_events("refresh_reuse", NULL), 0);
    /* Its successor was used: now it is a reuse, grace or not. */
    take_token();
    memset(&app, 0, sizeof app);
    refresh(&app, &r, first);
    assert_problem(&r, 401, "invalid_token");
    assert_int_equal(driver_events("refresh_reuse", NULL), 1);
    memset(&app, 0, sizeof app);
    refresh(&app, &r, token);
    assert_problem(&r, 401, "invalid_token"); /* the whole session is gone, */
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token"); /* and its access tokens */
}

static void reuse_after_the_grace(void **state)
{
    (void)state;
    struct client c = {0}, app = {0};
    struct event e;
    log_in(&c, &r, "alice", "mobile");
    take_token();
    refresh(&app, &r, token);
    driver.now_ms += REFRESH_GRACE_MS + 1;
    memset(&app, 0, sizeof app);
    refresh(&app, &r, token);
    assert_problem(&r, 401, "invalid_token");
    assert_int_equal(driver_events("refresh_reuse", &e), 1);
    assert_int_equal(e.revocation.kind, REVOCATION_SESSION);
    assert_true(e.revocation.until_ms > driver.now_ms);
}

static void a_guess_does_nothing(void **state)
{
    (void)state;
    struct client c = {0}, app = {0};
    log_in(&c, &r, "alice", "mobile");
    take_token();
    char wrong[REFRESH_TOKEN_TEXT_MAX];
    memcpy(wrong, token, sizeof wrong);
    wrong[60] = wrong[60] == 'A' ? 'B' : 'A';
    refresh(&app, &r, wrong);
    assert_problem(&r, 401, "invalid_token");
    refresh(&app, &r, "x");
    assert_problem(&r, 401, "invalid_token");
    refresh(&app, &r, token);
    assert_status(&r, 200);
}

static void racing_refreshes_get_one_successor(void **state)
{
    (void)state;
    enum { RACERS = 8 };
    struct client c = {0}, app[RACERS] = {0};
    struct driving d[RACERS];
    log_in(&c, &r, "alice", "mobile");
    take_token();
    char successor[REFRESH_TOKEN_TEXT_MAX] = "";
    (void)snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", token);
    for (int i = 0; i < RACERS; i++)
        drive_begin(&app[i], &d[i], METHOD_POST, "/v1/refresh", body);
    for (int i = 0; i < RACERS; i++) {
        drive_end(&app[i], &d[i], &r);
        assert_status(&r, 200);
        take_token();
        if (i == 0)
            memcpy(successor, token, sizeof successor);
        assert_string_equal(token, successor);
    }
}

/* Sessions in an engine without locks: between our look at the record and our rotation another node rotates it. */
static struct {
    const struct store_ops *real;
    struct store_ops ops;
    int first; /* so many times another one is first */
    uint8_t nonce[sizeof((struct session_record *)0)->refresh_nonce];
} rival;

static struct cardea_status rotate_second(struct store_tx *tx, const struct session_record *next,
                                          uint64_t expected_generation)
{
    if (rival.first == 0)
        return rival.real->session_rotate(tx, next, expected_generation);
    rival.first--;
    struct session_record theirs = *next;
    struct refresh_token presented, successor;
    assert_ok(refresh_token_parse(driver.site.keys, view_text(token), &presented));
    memset(theirs.refresh_nonce, 0x3c, sizeof theirs.refresh_nonce);
    memcpy(rival.nonce, theirs.refresh_nonce, sizeof rival.nonce);
    refresh_token_successor(driver.site.keys, &presented, theirs.refresh_nonce, &successor);
    secret_digest(&successor.secret, theirs.refresh_digest);
    assert_ok(rival.real->session_rotate(tx, &theirs, expected_generation));
    return CARDEA_FAIL(E_CONFLICT);
}

static void refreshes_at_two_nodes_get_one_successor(void **state)
{
    (void)state;
    struct client c = {0}, app = {0};
    struct store *store = driver.site.store;
    log_in(&c, &r, "alice", "mobile");
    take_token();
    char presented[REFRESH_TOKEN_TEXT_MAX];
    memcpy(presented, token, sizeof presented);
    rival.real = store->ops;
    rival.ops = *store->ops;
    rival.ops.session_rotate = rotate_second;
    rival.first = 1;
    store->ops = &rival.ops;
    refresh(&app, &r, presented);
    assert_status(&r, 200); /* not the conflict: what the other node gave */
    take_token();
    struct refresh_token t, wanted, got;
    assert_ok(refresh_token_parse(driver.site.keys, view_text(presented), &t));
    assert_ok(refresh_token_parse(driver.site.keys, view_text(token), &got));
    refresh_token_successor(driver.site.keys, &t, rival.nonce, &wanted);
    assert_memory_equal(&wanted.secret, &got.secret, sizeof wanted.secret);
    store->ops = rival.real;
    memset(&app, 0, sizeof app);
    refresh(&app, &r, token);
    assert_status(&r, 200);
}

static void refresh_races_logout(void **state)
{
    (void)state;
    struct client c = {0}, app = {0};
    struct driving d;
    log_in(&c, &r, "alice", "mobile");
    take_token();
    (void)snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", token);
    drive_begin(&app, &d, METHOD_POST, "/v1/refresh", body);
    drive(&c, &r, METHOD_POST, "/v1/logout", NULL);
    assert_status(&r, 204);
    drive_end(&app, &d, &r);
    assert_problem(&r, 401, "invalid_token");
}

static void spa_refreshes_by_cookie(void **state)
{
    (void)state;
    struct client c = {.origin = OUR_ORIGIN};
    log_in(&c, &r, "alice", "spa");
    struct client before = c;
    before.forget = true;
    driver.now_ms += 1000000; /* the access token is over */
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");
    c.csrf[0] = '\0'; /* refresh needs none */
    drive(&c, &r, METHOD_POST, "/v1/refresh", NULL);
    assert_status(&r, 200);
    assert_int_equal(reply_int(&r, "expires_in"), 900);
    assert_true(reply_text(&r, "csrf_token").len > 0);
    assert_int_equal(reply_token(&r, "refresh_token"), 0);
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    drive(&c, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"Alice\"}"); /* the new CSRF token works */
    assert_status(&r, 200);
    /* Another tab, at the same time: the same successor, and the cookie again. */
    drive(&before, &r, METHOD_POST, "/v1/refresh", NULL);
    assert_status(&r, 200);
    char line[JAR_VALUE_MAX + 64];
    (void)snprintf(line, sizeof line, "__Host-cardea-refresh=%s;", c.jar[COOKIE_REFRESH]);
    assert_int_equal(strncmp(reply_header(&r, "Set-Cookie", 1), line, strlen(line)), 0);
}

static void refresh_needs_one_credential(void **state)
{
    (void)state;
    struct client c = {0}, none = {0}, twice = {0};
    drive(&none, &r, METHOD_POST, "/v1/refresh", NULL);
    assert_problem(&r, 401, "unauthenticated");
    drive(&none, &r, METHOD_POST, "/v1/refresh", "{\"refresh_token\":7}");
    assert_problem(&r, 400, "invalid_field");
    drive(&none, &r, METHOD_POST, "/v1/refresh", "{\"token\":\"x\"}");
    assert_problem(&r, 400, "unknown_field");
    log_in(&c, &r, "alice", "spa");
    refresh(&c, &r, c.jar[COOKIE_REFRESH]);
    assert_problem(&r, 400, "several_credentials");
    /* A cookie's token is none for the body: what scripts may not see, they may not send. */
    refresh(&none, &r, c.jar[COOKIE_REFRESH]);
    assert_problem(&r, 401, "invalid_token");
    char line[2 * JAR_VALUE_MAX + 64];
    (void)snprintf(line, sizeof line, "__Host-cardea-refresh=%s; __Host-cardea-refresh=%s", c.jar[COOKIE_REFRESH],
                   c.jar[COOKIE_REFRESH]);
    twice.extra[0] = "Cookie";
    twice.extra[1] = line;
    drive(&twice, &r, METHOD_POST, "/v1/refresh", NULL);
    assert_problem(&r, 401, "invalid_token");
    drive(&c, &r, METHOD_POST, "/v1/refresh", NULL);
    assert_status(&r, 200); /* and none of that ended the session */
}

static void refresh_from_other_origins(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "spa");
    static const struct {
        const char *origin, *site;
        int status;
    } cases[] = {
        {OUR_ORIGIN, NULL, 200},
        {"https://evil.example", NULL, 403},
        {"null", NULL, 403},
        {NULL, "cross-site", 403},
        {NULL, "same-site", 403},
        {NULL, "same-origin", 200},
        {OUR_ORIGIN, "cross-site", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        c.origin = cases[i].origin;
        c.fetch_site = cases[i].site;
        drive(&c, &r, METHOD_POST, "/v1/refresh", NULL);
        assert_status(&r, cases[i].status);
    }
    /* Tokens in the body are not for browsers, but those from a listed origin. */
    struct client m = {0};
    log_in(&m, &r, "alice", "mobile");
    take_token();
    struct client browser = {.origin = OUR_ORIGIN};
    refresh(&browser, &r, token);
    assert_problem(&r, 403, "origin_refused");
}

static void refresh_ends_with_its_user(void **state)
{
    (void)state;
    struct client c = {0}, app = {0};
    log_in(&c, &r, "alice", "mobile");
    take_token();
    struct user_record u = driver_user("alice");
    u.status = USER_SUSPENDED;
    driver_put_user(&u);
    refresh(&app, &r, token);
    assert_problem(&r, 401, "invalid_token");
    u.status = USER_ACTIVE;
    u.epoch++;
    driver_put_user(&u);
    refresh(&app, &r, token);
    assert_problem(&r, 401, "invalid_token");
}

/* --- logging out --- */

static void logout_ends_the_session(void **state)
{
    (void)state;
    struct client c = {0}, before;
    log_in(&c, &r, "alice", "web");
    before = c;
    drive(&c, &r, METHOD_POST, "/v1/logout", NULL);
    assert_status(&r, 204);
    assert_string_equal(c.jar[COOKIE_SESSION], "");
    assert_non_null(strstr(reply_header(&r, "Set-Cookie", 0), "__Host-cardea=; Path=/; Max-Age=0; Secure; HttpOnly"));
    before.forget = true;
    drive(&before, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_session");
    drive(&before, &r, METHOD_POST, "/v1/logout", NULL);
    assert_problem(&r, 401, "invalid_session");
    assert_non_null(strstr(reply_header(&r, "Set-Cookie", 0), "Max-Age=0"));
    assert_int_equal(driver_events("logout", NULL), 1);
    struct client none = {0};
    drive(&none, &r, METHOD_POST, "/v1/logout", NULL);
    assert_problem(&r, 401, "unauthenticated");
}

/* The store hears of last-seen times with a delay: a session that is in use must end all the same. */
static void a_session_in_use_logs_out_past_its_stored_idle_end(void **state)
{
    (void)state;
    static const char *const calls[] = {"/v1/logout", "/v1/logout/all"};
    for (size_t i = 0; i < 2; i++) {
        struct client c = {0}, before;
        log_in(&c, &r, "alice", "web"); /* idle 8 h */
        driver.now_ms += 7 * 3600000LL;
        drive(&c, &r, METHOD_GET, "/v1/csrf", NULL);
        assert_status(&r, 200);
        driver.now_ms += 2 * 3600000LL;
        drive(&c, &r, METHOD_GET, "/v1/csrf", NULL);
        assert_status(&r, 200);
        before = c;
        drive(&c, &r, METHOD_POST, calls[i], NULL);
        assert_status(&r, 204);
        drive(&before, &r, METHOD_GET, "/v1/csrf", NULL);
        assert_problem(&r, 401, "invalid_session");
    }
}

static void spa_logs_out_with_what_it_has(void **state)
{
    (void)state;
    struct client c = {0}, half;
    log_in(&c, &r, "alice", "spa");
    half = c; /* the refresh cookie alone */
    half.jar[COOKIE_ACCESS][0] = '\0';
    drive(&half, &r, METHOD_POST, "/v1/logout", NULL);
    assert_status(&r, 204);
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");

    memset(&c, 0, sizeof c);
    log_in(&c, &r, "alice", "spa");
    half = c; /* an access cookie whose only fault is its age */
    half.jar[COOKIE_REFRESH][0] = '\0';
    driver.now_ms += 3600000;
    struct client forged = half;
    forged.jar[COOKIE_ACCESS][strlen(forged.jar[COOKIE_ACCESS]) - 5] ^= 1;
    drive(&forged, &r, METHOD_POST, "/v1/logout", NULL);
    assert_problem(&r, 401, "invalid_token");
    drive(&half, &r, METHOD_POST, "/v1/logout", NULL);
    assert_status(&r, 204);
    drive(&c, &r, METHOD_POST, "/v1/refresh", NULL);
    assert_problem(&r, 401, "invalid_token");
    assert_string_equal(c.jar[COOKIE_REFRESH], ""); /* of no more use: cleared */
}

static void bearer_logs_out_while_it_is_good(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "mobile");
    driver.now_ms += 3600000;
    drive(&c, &r, METHOD_POST, "/v1/logout", NULL);
    assert_problem(&r, 401, "invalid_token");
    memset(&c, 0, sizeof c);
    log_in(&c, &r, "alice", "mobile");
    c.origin = "https://elsewhere.example"; /* no cookie: no cross-site rule */
    drive(&c, &r, METHOD_POST, "/v1/logout", "{}");
    assert_status(&r, 204);
    assert_null(reply_header(&r, "Set-Cookie", 0));
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");
}

/* What a store that keeps sessions in memory leaves after a restart: tokens that are good, and no record of them. */
static void a_token_without_its_record_can_be_ended(void **state)
{
    (void)state;
    static const char *const apps[] = {"mobile", "spa", "sealed"};
    for (size_t i = 0; i < sizeof apps / sizeof apps[0]; i++)
        for (int all = 0; all < 2; all++) {
            struct client c = {0}, twin = {0};
            struct session_id sid;
            log_in(&c, &r, "alice", apps[i]);
            assert_ok(session_id_parse(reply_text(&r, "session.sid"), &sid));
            struct store_tx *tx = NULL;
            assert_ok(driver.site.store->ops->begin(driver.site.store, STORE_WRITE, INT64_MAX, &tx));
            assert_ok(driver.site.store->ops->session_delete(tx, sid));
            assert_ok(driver.site.store->ops->commit(tx));
            driver_forget_sessions();
            c.forget = true;
            twin = c;
            drive(&twin, &r, METHOD_GET, "/verify", NULL);
            assert_status(&r, 204);
            drive(&c, &r, METHOD_POST, all != 0 ? "/v1/logout/all" : "/v1/logout", NULL);
            assert_status(&r, apps[i][0] == 's' && apps[i][1] == 'p' ? 401 : 204);
            if (r.status == 401) {
                /* By its refresh cookie, which is nothing without the record. The access cookie alone ends it. */
                c.jar[COOKIE_REFRESH][0] = '\0';
                drive(&c, &r, METHOD_POST, all != 0 ? "/v1/logout/all" : "/v1/logout", NULL);
                assert_status(&r, 204);
            }
            drive(&twin, &r, METHOD_GET, "/verify", NULL);
            assert_int_equal(r.status, 401);
            drive(&c, &r, METHOD_POST, "/v1/logout", NULL);
            assert_int_equal(r.status, 401);
        }
}

static void logout_all_ends_everything(void **state)
{
    (void)state;
    struct client web = {0}, spa = {0}, mobile = {0}, root = {0};
    log_in(&web, &r, "alice", "web");
    log_in(&spa, &r, "alice", "spa");
    log_in(&mobile, &r, "alice", "mobile");
    take_token();
    log_in(&root, &r, "root", "web");
    int64_t epoch = driver_user("alice").epoch;
    drive(&web, &r, METHOD_POST, "/v1/logout/all", NULL);
    assert_status(&r, 204);
    assert_string_equal(web.jar[COOKIE_SESSION], "");
    assert_int_equal(driver_user("alice").epoch, epoch + 1);
    drive(&spa, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");
    drive(&spa, &r, METHOD_POST, "/v1/refresh", NULL);
    assert_problem(&r, 401, "invalid_token");
    drive(&mobile, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");
    struct client app = {0};
    refresh(&app, &r, token);
    assert_problem(&r, 401, "invalid_token");
    drive(&root, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    struct event e;
    assert_int_equal(driver_events("logout_all", &e), 1);
    assert_int_equal(e.revocation.kind, REVOCATION_USER);
    assert_int_equal(e.revocation.epoch, epoch + 1);
    log_in(&web, &r, "alice", "web");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(body_token_rotates),
        SITE_TEST(repeat_within_the_grace),
        SITE_TEST(reuse_after_the_grace),
        SITE_TEST(a_guess_does_nothing),
        SITE_TEST(racing_refreshes_get_one_successor),
        SITE_TEST(refreshes_at_two_nodes_get_one_successor),
        SITE_TEST(refresh_races_logout),
        SITE_TEST(spa_refreshes_by_cookie),
        SITE_TEST(refresh_needs_one_credential),
        SITE_TEST(refresh_from_other_origins),
        SITE_TEST(refresh_ends_with_its_user),
        SITE_TEST(logout_ends_the_session),
        SITE_TEST(a_token_without_its_record_can_be_ended),
        SITE_TEST(a_session_in_use_logs_out_past_its_stored_idle_end),
        SITE_TEST(spa_logs_out_with_what_it_has),
        SITE_TEST(bearer_logs_out_while_it_is_good),
        SITE_TEST(logout_all_ends_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
