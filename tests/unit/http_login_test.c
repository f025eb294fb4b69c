/* Logging in: what each carrier answers, what failures tell, which sessions end, what browsers may do. */
#include "http_driver.h"

#include <stdio.h>
#include <stdlib.h>

static struct reply r, other;

static void session_login_sets_one_cookie(void **state)
{
    (void)state;
    struct client c = {0};
    drive(&c, &r, METHOD_POST, "/v1/login", LOGIN_OK);
    assert_status(&r, 200);
    assert_text(reply_text(&r, "user.username"), "alice");
    assert_text(reply_text(&r, "user.status"), "active");
    assert_text(reply_text(&r, "session.app"), "web");
    assert_text(reply_text(&r, "session.ip_address"), "192.0.2.1");
    assert_text(reply_text(&r, "session.user_agent"), "driver/1");
    assert_int_equal(json_type(&r.json, reply_token(&r, "session.current")), JSON_TRUE);
    assert_int_equal(reply_text(&r, "csrf_token").len, CSRF_TOKEN_TEXT);
    assert_int_equal(reply_token(&r, "access_token"), 0);
    assert_int_equal(reply_token(&r, "user.password_hash"), 0);
    const char *line = reply_header(&r, "Set-Cookie", 0);
    assert_non_null(line);
    assert_int_equal(strncmp(line, "__Host-cardea=", 14), 0);
    assert_non_null(strstr(line, "; Path=/; Max-Age=604800; Secure; HttpOnly; SameSite=Strict"));
    assert_null(strstr(line, "Domain"));
    assert_int_equal(strncmp(reply_header(&r, "Set-Cookie", 1), "__Host-cardea-device=", 21), 0);
    assert_null(reply_header(&r, "Set-Cookie", 2));
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    assert_text(reply_text(&r, "user.email"), "alice@example.org");
    assert_int_equal(driver_events("login", NULL), 1);
}

static void remember_false_ends_with_the_browser(void **state)
{
    (void)state;
    struct client c = {0};
    drive(&c, &r, METHOD_POST, "/v1/login",
          "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\",\"remember\":false}");
    assert_status(&r, 200);
    assert_null(strstr(reply_header(&r, "Set-Cookie", 0), "Max-Age"));
    assert_null(reply_header(&r, "Set-Cookie", 1)); /* nor is the device remembered */
}

static void spa_login_sets_two_cookies(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "spa");
    assert_int_equal(strncmp(reply_header(&r, "Set-Cookie", 0), "__Host-cardea-access=", 21), 0);
    assert_int_equal(strncmp(reply_header(&r, "Set-Cookie", 1), "__Host-cardea-refresh=", 22), 0);
    assert_int_equal(reply_int(&r, "expires_in"), 900);
    assert_true(reply_text(&r, "csrf_token").len > 0);
    assert_int_equal(reply_token(&r, "access_token"), 0);
    assert_int_equal(reply_token(&r, "refresh_token"), 0);
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
}

static void token_login_answers_in_the_body(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "mobile");
    assert_null(reply_header(&r, "Set-Cookie", 0));
    assert_text(reply_text(&r, "token_type"), "Bearer");
    assert_int_equal(reply_int(&r, "expires_in"), 900);
    assert_int_equal(reply_int(&r, "refresh_expires_in"), 30 * 86400);
    assert_int_equal(reply_text(&r, "refresh_token").len, REFRESH_TOKEN_TEXT);
    assert_int_equal(reply_token(&r, "csrf_token"), 0);
    drive(&c, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
    struct client s = {0};
    log_in(&s, &r, "alice", "service");
    assert_int_equal(reply_int(&r, "expires_in"), 300);
    assert_int_equal(reply_int(&r, "refresh_expires_in"), 86400);
}

static void apps(void **state)
{
    (void)state;
    struct client c = {0};
    drive(&c, &r, METHOD_POST, "/v1/login",
          "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\",\"app\":\"nothing\"}");
    assert_problem(&r, 400, "invalid_field");
    assert_text(reply_text(&r, "field"), "app");
    drive(&c, &r, METHOD_POST, "/v1/login",
          "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\",\"app\":\"api\"}");
    assert_problem(&r, 403, "app_not_for_login");
    log_in(&c, &r, "alice", "strict");
    assert_non_null(strstr(reply_header(&r, "Set-Cookie", 0), "Max-Age=43200;"));
}

/* H01: nothing tells an unknown user, a wrong password and a suspended user apart. */
static void failures_look_alike(void **state)
{
    (void)state;
    struct user_record u = driver_add_user("carol", "", "", false);
    u.status = USER_SUSPENDED;
    driver_put_user(&u);
    static const char *const bodies[] = {
        "{\"username\":\"nobody\",\"password\":\"" ALICE_PASSWORD "\"}",
        "{\"username\":\"alice\",\"password\":\"wrong horse battery 7\"}",
        "{\"username\":\"carol\",\"password\":\"" ALICE_PASSWORD "\"}",
        "{\"username\":\"carol\",\"password\":\"wrong horse battery 7\"}",
        "{\"username\":\"no such name, ever!\",\"password\":\"" ALICE_PASSWORD "\"}",
        "{\"username\":\"alice\\u0000\",\"password\":\"" ALICE_PASSWORD "\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct client c = {0};
        drive(&c, &r, METHOD_POST, "/v1/login", bodies[i]);
        assert_problem(&r, 401, "invalid_credentials");
        if (i == 0) {
            memcpy(&other, &r, sizeof r);
            continue;
        }
        assert_string_equal(r.body, other.body);
        assert_int_equal(r.head_count, other.head_count);
        assert_memory_equal(r.heads, other.heads, r.head_count * sizeof r.heads[0]);
    }
}

/* H05, H06 */
static void passwords_that_can_not_be(void **state)
{
    (void)state;
    struct client c = {0};
    static char big[20000], body[20100];
    memset(big, 'a', sizeof big - 1);
    (void)snprintf(body, sizeof body, "{\"username\":\"alice\",\"password\":\"%s\"}", big);
    drive(&c, &r, METHOD_POST, "/v1/login", body);
    assert_problem(&r, 413, "too_large");
    big[1025] = '\0';
    (void)snprintf(body, sizeof body, "{\"username\":\"alice\",\"password\":\"%s\"}", big);
    drive(&c, &r, METHOD_POST, "/v1/login", body);
    assert_problem(&r, 400, "invalid_field");
    assert_text(reply_text(&r, "field"), "password");
    drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\\u0000x\"}");
    assert_problem(&r, 400, "invalid_field");
    drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD " \"}");
    assert_problem(&r, 401, "invalid_credentials"); /* nothing is trimmed */
    drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"ALICE\",\"password\":\"" ALICE_PASSWORD "\"}");
    assert_status(&r, 200); /* one canonical form of names */
}

static void bad_input(void **state)
{
    (void)state;
    static const struct {
        const char *body, *code, *field;
        int status;
    } cases[] = {
        {"{\"username\":\"alice\"}", "missing_field", "password", 400},
        {"{\"password\":\"x\"}", "missing_field", "username", 400},
        {"{\"username\":\"a\",\"password\":\"x\",\"role\":\"admin\"}", "unknown_field", "role", 400},
        {"{\"username\":7,\"password\":\"x\"}", "invalid_field", "username", 400},
        {"{\"username\":\"a\",\"password\":\"x\",\"remember\":\"yes\"}", "invalid_field", "remember", 400},
        {"{\"username\":null,\"password\":\"x\"}", "invalid_field", "username", 400},
        {"{\"username\":\"a\",\"username\":\"a\",\"password\":\"x\"}", "bad_json", NULL, 400},
        {"{\"username\":\"a\",", "bad_json", NULL, 400},
        {"[]", "bad_json", NULL, 400},
        {"{\"username\":\"a\\ud800\",\"password\":\"x\"}", "bad_json", NULL, 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client c = {0};
        drive(&c, &r, METHOD_POST, "/v1/login", cases[i].body);
        assert_problem(&r, cases[i].status, cases[i].code);
        if (cases[i].field != NULL)
            assert_text(reply_text(&r, "field"), cases[i].field);
        else
            assert_non_null(strstr(r.body, "line 1, column"));
    }
    struct client c = {0};
    drive(&c, &r, METHOD_POST, "/v1/login", "");
    assert_problem(&r, 400, "missing_field");
}

/* Promise 5, E01: what a browser carried before a login never lives on after it. */
static void login_ends_what_was_carried(void **state)
{
    (void)state;
    struct client planted = {0}, victim;
    log_in(&planted, &r, "root", "web");
    victim = planted;
    log_in(&victim, &r, "alice", "web");
    assert_string_not_equal(victim.jar[COOKIE_SESSION], planted.jar[COOKIE_SESSION]);
    drive(&planted, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_session");
    drive(&victim, &r, METHOD_GET, "/v1/me", NULL);
    assert_text(reply_text(&r, "user.username"), "alice");
    /* From one carrier to the other: the cookies of the first are cleared and its session is gone. */
    struct client before = victim;
    log_in(&victim, &r, "alice", "spa");
    assert_string_equal(victim.jar[COOKIE_SESSION], "");
    drive(&before, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_session");
    before = victim;
    log_in(&victim, &r, "alice", "web");
    assert_string_equal(victim.jar[COOKIE_ACCESS], "");
    assert_string_equal(victim.jar[COOKIE_REFRESH], "");
    drive(&before, &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_token");
}

static void a_forged_cookie_ends_nothing(void **state)
{
    (void)state;
    struct client owner = {0}, thief = {0};
    log_in(&owner, &r, "alice", "web");
    memcpy(thief.jar[COOKIE_SESSION], owner.jar[COOKIE_SESSION], sizeof thief.jar[0]);
    thief.jar[COOKIE_SESSION][60] ^= 1; /* right id and tag, wrong secret */
    log_in(&thief, &r, "root", "web");
    drive(&owner, &r, METHOD_GET, "/v1/me", NULL);
    assert_status(&r, 200);
}

static void oldest_session_ends_past_the_limit(void **state)
{
    (void)state;
    driver.settings.sessions_per_user_max = 3;
    struct client c[4] = {0};
    for (int i = 0; i < 4; i++) {
        driver.now_ms += 1000;
        log_in(&c[i], &r, "alice", i % 2 == 0 ? "web" : "mobile");
    }
    drive(&c[0], &r, METHOD_GET, "/v1/me", NULL);
    assert_problem(&r, 401, "invalid_session");
    for (int i = 1; i < 4; i++) {
        drive(&c[i], &r, METHOD_GET, "/v1/me", NULL);
        assert_status(&r, 200);
    }
    assert_int_equal(driver_events("session_revoked", NULL), 1);
}

static void hash_is_renewed_when_the_cost_rises(void **state)
{
    (void)state;
    struct user_record before = driver_user("alice");
    driver.settings.argon2.memory_kib = 128;
    struct client c = {0};
    log_in(&c, &r, "alice", "web");
    struct user_record after = driver_user("alice");
    assert_string_not_equal(before.password_hash, after.password_hash);
    assert_non_null(strstr(after.password_hash, "m=128,"));
    assert_int_equal(after.last_login_at_ms, driver.now_ms);
    log_in(&c, &r, "alice", "web");
    assert_string_equal(driver_user("alice").password_hash, after.password_hash);
}

static void guesses_are_slowed(void **state)
{
    (void)state;
    struct client c = {0}, owner = {0};
    log_in(&owner, &r, "alice", "web");
    int refused = 0;
    for (int i = 0; i < 10 && refused == 0; i++) {
        drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"alice\",\"password\":\"wrong horse battery\"}");
        refused = r.status == 429;
    }
    assert_problem(&r, 429, "rate_limited");
    assert_true(strtol(reply_header(&r, "Retry-After", 0), NULL, 10) >= 1);
    /* An unknown name is slowed the same way. */
    struct client stranger = {.address = "192.0.2.99"};
    for (int i = 0; i < 6; i++)
        drive(&stranger, &r, METHOD_POST, "/v1/login", "{\"username\":\"nobody\",\"password\":\"wrong horse\"}");
    assert_problem(&r, 429, "rate_limited");
    /* The owner's browser logged in before: it is not locked out. */
    drive(&owner, &r, METHOD_POST, "/v1/login", LOGIN_OK);
    assert_status(&r, 200);
}

/* A wall clock that was put back stands still until it has caught up; nobody stays locked out for that. */
static void guessing_goes_by_a_clock_that_never_stands_still(void **state)
{
    (void)state;
    struct client stranger = {0}, owner = {0};
    int i;
    for (i = 0; i < 50; i++) {
        drive(&stranger, &r, METHOD_POST, "/v1/login", "{\"username\":\"alice\",\"password\":\"wrong password\"}");
        if (r.status != 401)
            break;
    }
    assert_problem(&r, 429, "rate_limited");
    driver.boot_ahead_ms += 10 * 60000;
    drive(&owner, &r, METHOD_POST, "/v1/login", LOGIN_OK);
    assert_status(&r, 200);
}

static void user_changed_while_hashing(void **state)
{
    (void)state;
    struct client c = {0};
    struct driving d;
    drive_begin(&c, &d, METHOD_POST, "/v1/login", LOGIN_OK);
    assert_int_equal(d.stage, STAGE_COMMIT);
    struct user_record u = driver_user("alice");
    u.status = USER_SUSPENDED;
    driver_put_user(&u);
    drive_end(&c, &d, &r);
    assert_problem(&r, 401, "invalid_credentials");
    assert_null(reply_header(&r, "Set-Cookie", 0));
}

/* Two tabs log in at once on the day the cost was raised: the first renews the hash, the second was right too. */
static void a_renewed_hash_refuses_no_login_under_way(void **state)
{
    (void)state;
    struct client first = {0}, second = {0};
    struct driving a, b;
    driver.settings.argon2.memory_kib = 128;
    drive_begin(&first, &a, METHOD_POST, "/v1/login", LOGIN_OK);
    drive_begin(&second, &b, METHOD_POST, "/v1/login", LOGIN_OK);
    drive_end(&first, &a, &r);
    assert_status(&r, 200);
    struct user_record renewed = driver_user("alice");
    assert_non_null(strstr(renewed.password_hash, "m=128,"));
    drive_end(&second, &b, &r);
    assert_status(&r, 200);
}

/* A new password meanwhile is another matter, also when the old one's hash was about to be renewed. */
static void a_new_password_refuses_a_login_under_way(void **state)
{
    (void)state;
    struct client owner = {0}, other_tab = {0};
    struct driving d;
    log_in(&owner, &r, "alice", "web");
    driver.settings.argon2.memory_kib = 128;
    drive_begin(&other_tab, &d, METHOD_POST, "/v1/login", LOGIN_OK);
    drive(&owner, &r, METHOD_POST, "/v1/password",
          "{\"current_password\":\"" ALICE_PASSWORD "\",\"new_password\":\"another long horse 9\"}");
    assert_status(&r, 200);
    struct user_record changed = driver_user("alice");
    drive_end(&other_tab, &d, &r);
    assert_problem(&r, 401, "invalid_credentials");
    assert_string_equal(driver_user("alice").password_hash, changed.password_hash);
}

/* H08: names may hold an @. Somebody who took another's address for a name must not stand before its owner. */
static void an_address_is_its_owners_before_it_is_a_name(void **state)
{
    (void)state;
    struct client c = {0};
    driver.settings.login_by_email = true;
    struct user_record squatter = driver_add_user("alice@example.org", "", "", false);
    squatter.password_hash[0] = '\0';
    driver_put_user(&squatter);
    drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"Alice@Example.org\",\"password\":\"" ALICE_PASSWORD "\"}");
    assert_status(&r, 200);
    assert_text(reply_text(&r, "user.username"), "alice");
}

/* H01: a slowed login by e-mail takes the same way whether or not somebody has the address: refused on arrival, or
 * only where the store was asked, but not one here and the other there. */
static void a_slowed_address_tells_nothing(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{\"username\":\"alice@example.org\",\"password\":\"wrong horse battery\"}",
                                         "{\"username\":\"nobody@example.org\",\"password\":\"wrong horse battery\"}"};
    bool on_arrival[2];
    driver.settings.login_by_email = true;
    for (int i = 0; i < 2; i++) {
        struct client c = {.address = i == 0 ? "192.0.2.51" : "192.0.2.52"};
        struct driving d;
        for (int n = 0; n < 10 && (n == 0 || r.status == 401); n++)
            drive(&c, &r, METHOD_POST, "/v1/login", bodies[i]);
        assert_problem(&r, 429, "rate_limited");
        drive_begin(&c, &d, METHOD_POST, "/v1/login", bodies[i]);
        on_arrival[i] = !d.worked;
        drive_end(&c, &d, &r);
        assert_problem(&r, 429, "rate_limited");
    }
    assert_int_equal(on_arrival[0], on_arrival[1]);
}

static void login_by_verified_email_alone(void **state)
{
    (void)state;
    struct client c = {0};
    (void)driver_add_user("mallory", "", "alice@example.org", false); /* claims what is alice's */
    drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"Alice@Example.org\",\"password\":\"" ALICE_PASSWORD "\"}");
    assert_problem(&r, 401, "invalid_credentials");
    driver.settings.login_by_email = true;
    drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"Alice@Example.org\",\"password\":\"" ALICE_PASSWORD "\"}");
    assert_status(&r, 200);
    assert_text(reply_text(&r, "user.username"), "alice");
}

static void cookie_names_by_settings(void **state)
{
    (void)state;
    struct client c = {0};
    driver.settings.cookie_insecure_names = true;
    log_in(&c, &r, "alice", "web");
    assert_int_equal(strncmp(reply_header(&r, "Set-Cookie", 0), "cardea=", 7), 0);
    assert_null(strstr(reply_header(&r, "Set-Cookie", 0), "Secure"));
    driver.settings.cookie_insecure_names = false;
    memcpy(driver.settings.cookie_domain, "example.com", 12);
    log_in(&c, &r, "alice", "web");
    assert_int_equal(strncmp(reply_header(&r, "Set-Cookie", 0), "__Secure-cardea=", 16), 0);
    assert_non_null(strstr(reply_header(&r, "Set-Cookie", 0), "; Domain=example.com; "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(session_login_sets_one_cookie),
        SITE_TEST(remember_false_ends_with_the_browser),
        SITE_TEST(spa_login_sets_two_cookies),
        SITE_TEST(token_login_answers_in_the_body),
        SITE_TEST(apps),
        SITE_TEST(failures_look_alike),
        SITE_TEST(passwords_that_can_not_be),
        SITE_TEST(bad_input),
        SITE_TEST(login_ends_what_was_carried),
        SITE_TEST(a_forged_cookie_ends_nothing),
        SITE_TEST(oldest_session_ends_past_the_limit),
        SITE_TEST(hash_is_renewed_when_the_cost_rises),
        SITE_TEST(guesses_are_slowed),
        SITE_TEST(guessing_goes_by_a_clock_that_never_stands_still),
        SITE_TEST(user_changed_while_hashing),
        SITE_TEST(a_renewed_hash_refuses_no_login_under_way),
        SITE_TEST(a_new_password_refuses_a_login_under_way),
        SITE_TEST(an_address_is_its_owners_before_it_is_a_name),
        SITE_TEST(a_slowed_address_tells_nothing),
        SITE_TEST(login_by_verified_email_alone),
        SITE_TEST(cookie_names_by_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
