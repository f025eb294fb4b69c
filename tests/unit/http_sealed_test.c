/* The profile sealed over HTTP: login, use, renewal, and what ends it; and strict with a token. */
#include "http_driver.h"

#include <stdio.h>

static struct reply r, other;

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

/* Everything of c's as it is now, whatever answers say. */
static struct client frozen(const struct client *c)
{
    struct client copy = *c;
    copy.forget = true;
    return copy;
}

static void me(struct client *c)
{
    drive(c, &r, METHOD_GET, "/v1/me", NULL);
}

static void renew(struct client *c)
{
    drive(c, &r, METHOD_POST, "/v1/refresh", NULL);
}

/* The renewal is refused, and the cookie of no more use is cleared. */
static void assert_over(struct client *c)
{
    renew(c);
    assert_problem(&r, 401, "invalid_session");
    assert_string_equal(reply_header(&r, "WWW-Authenticate", 0), "Bearer realm=\"cardea\"");
    assert_non_null(strstr(reply_header(&r, "Set-Cookie", 0), "__Host-cardea=; Path=/; Max-Age=0"));
    assert_null(reply_header(&r, "Set-Cookie", 1));
}

static void a_login_answers_like_a_cookie_profile(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "sealed");
    assert_int_equal(reply_int(&r, "expires_in"), 900);
    assert_true(reply_text(&r, "csrf_token").len > 0);
    assert_text(reply_text(&r, "session.app"), "sealed");
    assert_int_equal(reply_token(&r, "access_token"), 0);
    assert_int_equal(reply_token(&r, "refresh_token"), 0);
    const char *line = reply_header(&r, "Set-Cookie", 0);
    assert_int_equal(strncmp(line, "__Host-cardea=eyJ", 17), 0);
    /* As long as the login may last, so that it can be renewed; the text itself ends sooner. */
    assert_non_null(strstr(line, "; Path=/; Max-Age=43200; Secure; HttpOnly; SameSite=Strict"));
    int dots = 0;
    for (const char *p = c.jar[COOKIE_SESSION]; *p != '\0'; p++)
        dots += *p == '.';
    assert_int_equal(dots, 4);
    me(&c);
    assert_status(&r, 200);
    assert_text(reply_text(&r, "user.username"), "alice");
    drive(&c, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 204);
    assert_string_equal(reply_header(&r, "X-Auth-Method", 0), "sealed");
}

static void every_call_of_a_cookie_works(void **state)
{
    (void)state;
    struct client c = {.origin = OUR_ORIGIN};
    log_in(&c, &r, "alice", "sealed");
    drive(&c, &r, METHOD_GET, "/v1/sessions", NULL);
    assert_status(&r, 200);
    drive(&c, &r, METHOD_GET, "/v1/csrf", NULL);
    assert_status(&r, 200);
    drive(&c, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"Alice\"}");
    assert_status(&r, 200);
    drive(&c, &r, METHOD_POST, "/v1/api-keys", "{\"name\":\"k\"}");
    assert_status(&r, 201);
    struct client forged = frozen(&c);
    forged.csrf[0] = '\0';
    drive(&forged, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"Eve\"}");
    assert_problem(&r, 403, "csrf_failed");
    forged = frozen(&c);
    forged.origin = "https://evil.example";
    drive(&forged, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"Eve\"}");
    assert_problem(&r, 403, "origin_refused");
    struct client root = {0};
    log_in(&root, &r, "root", "sealed");
    drive(&root, &r, METHOD_GET, "/v1/admin/users", NULL);
    assert_status(&r, 200);
}

static void an_expired_text_is_renewed_not_used(void **state)
{
    (void)state;
    struct client c = {.origin = OUR_ORIGIN}, before;
    log_in(&c, &r, "alice", "sealed");
    before = frozen(&c);
    driver.now_ms += 15 * MINUTE_MS - 1;
    me(&c);
    assert_status(&r, 200);
    driver.now_ms += 1;
    me(&c);
    assert_problem(&r, 401, "invalid_session");
    drive(&c, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 401);
    c.csrf[0] = '\0'; /* a renewal needs none */
    renew(&c);
    assert_status(&r, 200);
    assert_int_equal(reply_int(&r, "expires_in"), 900);
    assert_true(reply_text(&r, "csrf_token").len > 0);
    assert_non_null(strstr(reply_header(&r, "Set-Cookie", 0), "Max-Age=42300;"));
    assert_string_not_equal(c.jar[COOKIE_SESSION], before.jar[COOKIE_SESSION]);
    drive(&c, &r, METHOD_PATCH, "/v1/me", "{\"name\":\"Alice\"}"); /* by the new CSRF token */
    assert_status(&r, 200);
    me(&before); /* what expired stays so */
    assert_problem(&r, 401, "invalid_session");
}

static void renewals_at_once_all_count(void **state)
{
    (void)state;
    struct client c = {0}, tabs[3];
    struct driving d[3];
    log_in(&c, &r, "alice", "sealed");
    for (int i = 0; i < 3; i++) {
        tabs[i] = c;
        drive_begin(&tabs[i], &d[i], METHOD_POST, "/v1/refresh", NULL);
    }
    for (int i = 0; i < 3; i++) {
        drive_end(&tabs[i], &d[i], &r);
        assert_status(&r, 200);
    }
    for (int i = 0; i < 3; i++) {
        me(&tabs[i]);
        assert_status(&r, 200);
    }
    me(&c); /* the old text until its own end */
    assert_status(&r, 200);
}

static void idle_and_absolute_end_stop_renewal(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "sealed");
    driver.now_ms += 2 * HOUR_MS - 1;
    renew(&c); /* which counts as a use */
    assert_status(&r, 200);
    driver.now_ms += 2 * HOUR_MS;
    assert_over(&c);

    log_in(&c, &r, "alice", "sealed");
    int64_t end_ms = driver.now_ms + 12 * HOUR_MS;
    while (driver.now_ms + HOUR_MS < end_ms) {
        driver.now_ms += HOUR_MS;
        renew(&c);
        assert_status(&r, 200);
    }
    driver.now_ms = end_ms - 5000;
    renew(&c);
    assert_status(&r, 200);
    assert_int_equal(reply_int(&r, "expires_in"), 5); /* never past the end */
    driver.now_ms = end_ms;
    me(&c);
    assert_problem(&r, 401, "invalid_session");
    assert_over(&c);
}

static void a_use_counts_against_idleness(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "sealed");
    driver.now_ms += 14 * MINUTE_MS;
    me(&c);
    assert_status(&r, 200);
    driver.now_ms += 2 * HOUR_MS - MINUTE_MS; /* more than two hours since the login */
    renew(&c);
    assert_status(&r, 200);
}

/* Both the text that was about, and its renewal. */
static void assert_dead(struct client *c)
{
    me(c);
    assert_problem(&r, 401, "invalid_session");
    drive(c, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 401);
    assert_over(c);
}

static void what_ends_a_session_ends_its_texts(void **state)
{
    (void)state;
    struct client c = {0}, before;
    log_in(&c, &r, "alice", "sealed");
    before = frozen(&c);
    drive(&c, &r, METHOD_POST, "/v1/logout", NULL);
    assert_status(&r, 204);
    assert_string_equal(c.jar[COOKIE_SESSION], "");
    assert_dead(&before);

    log_in(&c, &r, "alice", "sealed");
    before = frozen(&c);
    drive(&c, &r, METHOD_POST, "/v1/logout/all", NULL);
    assert_status(&r, 204);
    assert_dead(&before);

    log_in(&c, &r, "alice", "sealed");
    before = frozen(&c);
    struct user_record u = driver_user("alice");
    u.status = USER_SUSPENDED;
    driver_put_user(&u);
    assert_dead(&before);
    u.status = USER_ACTIVE;
    driver_put_user(&u);
    u.epoch++;
    driver_put_user(&u);
    assert_dead(&before);
}

static void a_step_up_makes_a_new_session(void **state)
{
    (void)state;
    static const char *const calls[][2] = {
        {"/v1/reauthenticate", "{\"password\":\"" ALICE_PASSWORD "\"}"},
        {"/v1/password", "{\"current_password\":\"" ALICE_PASSWORD "\",\"new_password\":\"a dozen purple stoves\"}"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct client c = {0}, before;
        log_in(&c, &r, "alice", "sealed");
        char sid[64];
        (void)snprintf(sid, sizeof sid, "%.*s", (int)reply_text(&r, "session.sid").len,
                       reply_text(&r, "session.sid").ptr);
        before = frozen(&c);
        drive(&c, &r, METHOD_POST, calls[i][0], calls[i][1]);
        assert_status(&r, 200);
        assert_int_equal(reply_int(&r, "expires_in"), 900);
        assert_false(view_is(reply_text(&r, "session.sid"), sid));
        assert_dead(&before);
        me(&c);
        assert_status(&r, 200);
    }
}

static void a_login_ends_what_the_browser_carried(void **state)
{
    (void)state;
    static const char *const apps[] = {"sealed", "web", "spa"};
    for (size_t i = 0; i < 3; i++) {
        struct client c = {0}, before;
        log_in(&c, &r, "alice", "sealed");
        before = frozen(&c);
        driver.now_ms += i == 1 ? HOUR_MS : 0; /* one that expired too */
        log_in(&c, &r, "alice", apps[i]);
        assert_over(&before);
        me(&c);
        assert_status(&r, 200);
        struct client web = {0};
        log_in(&web, &r, "alice", apps[i]);
        before = frozen(&web);
        log_in(&web, &r, "alice", "sealed");
        assert_string_equal(web.jar[COOKIE_REFRESH], "");
        assert_string_equal(web.jar[COOKIE_ACCESS], "");
        me(&before);
        assert_int_equal(r.status, 401);
    }
}

static void a_renewal_waits_behind_a_logout(void **state)
{
    (void)state;
    struct client c = {0}, tab;
    struct driving d;
    log_in(&c, &r, "alice", "sealed");
    tab = c;
    drive_begin(&tab, &d, METHOD_POST, "/v1/refresh", NULL);
    drive(&c, &other, METHOD_POST, "/v1/logout", NULL);
    assert_status(&other, 204);
    drive_end(&tab, &d, &r);
    assert_problem(&r, 401, "invalid_session");
    assert_string_equal(tab.jar[COOKIE_SESSION], "");
}

static void an_expired_text_still_logs_out(void **state)
{
    (void)state;
    struct client c = {0}, before;
    log_in(&c, &r, "alice", "sealed");
    driver.now_ms += HOUR_MS;
    before = frozen(&c);
    drive(&c, &r, METHOD_POST, "/v1/logout", NULL);
    assert_status(&r, 204);
    assert_over(&before);
    drive(&before, &r, METHOD_POST, "/v1/logout", NULL); /* it names nothing any more */
    assert_problem(&r, 401, "invalid_session");
    struct client none = {0};
    log_in(&none, &r, "alice", "sealed");
    none.jar[COOKIE_SESSION][strlen(none.jar[COOKIE_SESSION]) - 3] ^= 1;
    drive(&none, &r, METHOD_POST, "/v1/logout", NULL);
    assert_problem(&r, 401, "invalid_session");
}

static void renewal_takes_one_credential_from_our_pages(void **state)
{
    (void)state;
    struct client c = {0}, spa = {0}, web = {0}, twice = {0};
    log_in(&c, &r, "alice", "sealed");
    log_in(&spa, &r, "alice", "spa");
    log_in(&web, &r, "alice", "web");
    struct client both = frozen(&c);
    memcpy(both.jar[COOKIE_REFRESH], spa.jar[COOKIE_REFRESH], sizeof both.jar[COOKIE_REFRESH]);
    renew(&both);
    assert_problem(&r, 400, "several_credentials");
    both = frozen(&c);
    drive(&both, &r, METHOD_POST, "/v1/refresh", "{\"refresh_token\":\"crt_x\"}");
    assert_problem(&r, 400, "several_credentials");
    renew(&web); /* a session cookie needs no renewal */
    assert_problem(&r, 401, "unauthenticated");
    static char line[2 * JAR_VALUE_MAX + 64];
    (void)snprintf(line, sizeof line, "__Host-cardea=%s; __Host-cardea=%s", c.jar[COOKIE_SESSION],
                   c.jar[COOKIE_SESSION]);
    twice.extra[0] = "Cookie";
    twice.extra[1] = line;
    renew(&twice);
    assert_problem(&r, 401, "invalid_session");
    me(&twice);
    assert_problem(&r, 401, "invalid_session");
    drive(&twice, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 401);
    struct client evil = frozen(&c);
    evil.origin = "https://evil.example";
    renew(&evil);
    assert_problem(&r, 403, "origin_refused");
    assert_null(reply_header(&r, "Set-Cookie", 0));
    me(&c);
    assert_status(&r, 200);
}

static void another_listed_origin_renews_its_own_apps_alone(void **state)
{
    (void)state;
    struct client c = {0};
    struct app *web = &driver.settings.apps[0], *sealed = &driver.settings.apps[5];
    assert_string_equal(sealed->name, "sealed");
    log_in(&c, &r, "alice", "sealed");
    c.origin = "https://shop.example";
    (void)snprintf(web->origins[web->origin_count++], sizeof web->origins[0], "%s", c.origin);
    renew(&c);
    assert_problem(&r, 403, "origin_refused");
    (void)snprintf(sealed->origins[sealed->origin_count++], sizeof sealed->origins[0], "%s", c.origin);
    renew(&c);
    assert_status(&r, 200);
}

static void an_app_that_is_gone_renews_nothing(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "sealed");
    driver.settings.apps[5].profile = PROFILE_UNSET;
    assert_dead(&c);
}

/* --- keys --- */

static struct client root;

static void keys(const char *request)
{
    drive(&root, &r, METHOD_POST, "/v1/admin/signing-keys/rotate", request);
}

static void kid_of(const char *state, char out[KEY_ID_TEXT + 1])
{
    char path[32];
    out[0] = '\0';
    for (int i = 0; i < 16; i++) {
        (void)snprintf(path, sizeof path, "items.%d.use", i);
        if (!view_is(reply_text(&r, path), "sealed"))
            continue;
        (void)snprintf(path, sizeof path, "items.%d.state", i);
        if (!view_is(reply_text(&r, path), state))
            continue;
        (void)snprintf(path, sizeof path, "items.%d.kid", i);
        (void)snprintf(out, KEY_ID_TEXT + 1, "%.*s", KEY_ID_TEXT, reply_text(&r, path).ptr);
    }
}

static void a_rotation_of_the_sealing_key_ends_no_login(void **state)
{
    (void)state;
    struct client c = {0}, open = {0};
    char before[KEY_ID_TEXT + 1], after[KEY_ID_TEXT + 1], retiring[KEY_ID_TEXT + 1];
    root = (struct client){0};
    log_in(&root, &r, "root", "web");
    log_in(&c, &r, "alice", "sealed");
    log_in(&open, &r, "alice", "sealed");
    drive(&root, &r, METHOD_GET, "/v1/admin/signing-keys", NULL);
    kid_of("active", before);
    keys("{\"use\":\"sealed\"}");
    assert_status(&r, 200);
    kid_of("active", after);
    kid_of("retiring", retiring);
    assert_string_equal(retiring, before);
    assert_string_not_equal(after, before);
    assert_int_equal(driver_events("key_rotated", NULL), 1);
    me(&c);
    assert_status(&r, 200);
    /* A page that was left open as long as it may be. */
    driver.now_ms += 2 * HOUR_MS - 1;
    renew(&open);
    assert_status(&r, 200);
    me(&open);
    assert_status(&r, 200);
    /* What the new key sealed outlives the old one, whose time ends with the last text that could be renewed. */
    driver.now_ms += 15 * MINUTE_MS + LEEWAY_S * 1000 + 1;
    renew(&open);
    assert_status(&r, 200);
    assert_over(&c);
}

static void a_dropped_sealing_key_ends_its_texts_at_once(void **state)
{
    (void)state;
    struct client c = {0}, web = {0}, mobile = {0};
    struct event e;
    char kid[KEY_ID_TEXT + 1], body[128];
    root = (struct client){0};
    log_in(&root, &r, "root", "web");
    log_in(&c, &r, "alice", "sealed");
    log_in(&web, &r, "alice", "web");
    log_in(&mobile, &r, "alice", "mobile");
    keys("{\"use\":\"sealed\"}");
    kid_of("retiring", kid);
    me(&c);
    assert_status(&r, 200);
    (void)snprintf(body, sizeof body, "{\"compromised\":true,\"kid\":\"%s\",\"use\":\"access\"}", kid);
    keys(body);
    assert_problem(&r, 404, "not_found"); /* not an access key */
    (void)snprintf(body, sizeof body, "{\"compromised\":true,\"kid\":\"%s\"}", kid);
    keys(body);
    assert_status(&r, 200);
    assert_null(strstr(r.body, kid));
    assert_int_equal(driver_events("key_dropped", &e), 1);
    assert_int_equal(e.revocation.kind, REVOCATION_KEY);
    assert_dead(&c);
    log_in(&c, &r, "alice", "sealed");
    keys("{\"compromised\":true,\"use\":\"sealed\"}");
    assert_status(&r, 200);
    assert_dead(&c);
    log_in(&c, &r, "alice", "sealed"); /* the next key seals at once */
    me(&c);
    assert_status(&r, 200);
    me(&web);
    assert_status(&r, 200);
    me(&mobile);
    assert_status(&r, 200);
    keys("{\"use\":\"csrf\"}");
    assert_problem(&r, 400, "invalid_field");
}

/* Another node may have sealed it with a key that was not heard of: nobody is told to throw his cookie away. */
static void past_the_lease_an_unknown_key_is_no_refusal(void **state)
{
    (void)state;
    struct client c = {0};
    root = (struct client){0};
    log_in(&root, &r, "root", "web");
    log_in(&c, &r, "alice", "sealed");
    struct client kept = c, out = c;
    keys("{\"compromised\":true,\"use\":\"sealed\"}");
    assert_status(&r, 200);
    table_set_valid_until(driver.writer, 1);
    renew(&c);
    assert_problem(&r, 503, "busy");
    assert_memory_equal(c.jar, kept.jar, sizeof c.jar);
    drive(&out, &r, METHOD_POST, "/v1/logout", NULL);
    assert_problem(&r, 503, "busy");
    table_set_valid_until(driver.writer, INT64_MAX);
    assert_over(&c);
}

/* --- strict with a token --- */

/* Another node has dropped a key, of which this one has not heard: what it opens may be forged. */
static void past_the_lease_a_compromised_key_renews_nothing(void **state)
{
    (void)state;
    struct client c = {0};
    log_in(&c, &r, "alice", "sealed");
    struct client kept;
    const struct sealed_keys *sealed = &driver.site.keys->sealed;
    struct event e = {.at_ms = driver.now_ms, .type = "key_dropped", .actor = "system", .detail = "{}"};
    e.revocation = (struct revocation){.kind = REVOCATION_KEY, .until_ms = INT64_MAX};
    memcpy(e.revocation.id, sealed->keys[sealed->count - 1].id.bytes, sizeof sealed->keys[0].id.bytes);
    table_set_valid_until(driver.writer, 1);
    renew(&c);
    assert_status(&r, 200); /* all keys stand */
    kept = c;
    const struct store_ops *ops = driver.site.store->ops;
    struct store_tx *tx;
    assert_ok(ops->begin(driver.site.store, STORE_WRITE, driver.site.boot_ms() + 1000, &tx));
    assert_ok(ops->event_append(tx, &e));
    assert_ok(ops->commit(tx));
    renew(&c);
    assert_problem(&r, 503, "busy");
    assert_memory_equal(c.jar, kept.jar, sizeof c.jar);
}

static void strict_with_a_token_answers_like_a_token_profile(void **state)
{
    (void)state;
    struct client c = {0}, browser = {.origin = OUR_ORIGIN};
    app_take_tokens(&driver.settings.apps[4]);
    assert_string_equal(driver.settings.apps[4].name, "strict");
    log_in(&c, &r, "alice", "strict");
    assert_int_equal(reply_int(&r, "expires_in"), 300);
    assert_int_equal(reply_int(&r, "refresh_expires_in"), 900);
    assert_null(reply_header(&r, "Set-Cookie", 0));
    me(&c);
    assert_status(&r, 200);
    drive(&c, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 204);
    assert_string_equal(reply_header(&r, "X-Auth-Method", 0), "token");
    drive(&browser, &r, METHOD_POST, "/v1/login",
          "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\",\"app\":\"strict\"}");
    assert_problem(&r, 403, "origin_refused");
}

static struct session_id sid_of(const struct reply *answer)
{
    struct session_id sid;
    assert_ok(session_id_parse(reply_text(answer, "session.sid"), &sid));
    return sid;
}

/* A record that is in neither store nor table: "not revoked" is not enough. */
static void a_live_token_without_a_record_is_refused(void **state)
{
    (void)state;
    static const char *const apps[] = {"mobile", "strict"};
    static const int answers[] = {204, 401};
    app_take_tokens(&driver.settings.apps[4]);
    for (size_t i = 0; i < 2; i++) {
        struct client c = {0};
        log_in(&c, &r, "alice", apps[i]);
        struct session_id sid = sid_of(&r);
        struct store_tx *tx;
        const struct store_ops *ops = driver.site.store->ops;
        assert_ok(ops->begin(driver.site.store, STORE_WRITE, driver.site.boot_ms() + 1000, &tx));
        assert_ok(ops->session_delete(tx, sid));
        assert_ok(ops->commit(tx));
        driver_forget_sessions();
        drive(&c, &r, METHOD_GET, "/verify", NULL);
        assert_status(&r, answers[i]);
    }
}

/* One that the table lost (a full one, say) is found in the store. */
static void a_live_token_is_looked_up(void **state)
{
    (void)state;
    struct client c = {0};
    app_take_tokens(&driver.settings.apps[4]);
    log_in(&c, &r, "alice", "strict");
    driver_forget_sessions();
    drive(&c, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 204);
    me(&c);
    assert_status(&r, 200);
}

static void a_live_tokens_idle_end_counts(void **state)
{
    (void)state;
    struct client c = {0};
    driver.settings.apps[4].idle_ms = 2 * MINUTE_MS;
    app_take_tokens(&driver.settings.apps[4]);
    log_in(&c, &r, "alice", "strict");
    for (int i = 0; i < 2; i++) {
        driver.now_ms += 2 * MINUTE_MS - 1001;
        drive(&c, &r, METHOD_GET, "/verify", NULL);
        assert_status(&r, 204);
    }
    driver.now_ms += 30 * 1000; /* the token itself has time left */
    drive(&c, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 204);
    log_in(&c, &r, "alice", "strict");
    driver.now_ms += 2 * MINUTE_MS;
    drive(&c, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 401);
    me(&c);
    assert_problem(&r, 401, "invalid_token");
}

static void a_live_token_has_the_roles_of_now(void **state)
{
    (void)state;
    struct client c = {0};
    app_take_tokens(&driver.settings.apps[4]);
    log_in(&c, &r, "alice", "strict");
    struct user_record u = driver_user("alice");
    (void)snprintf(u.roles, sizeof u.roles, "staff");
    driver_put_user(&u);
    drive(&c, &r, METHOD_GET, "/verify", NULL);
    assert_status(&r, 204);
    assert_string_equal(reply_header(&r, "X-Auth-Roles", 0), "staff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(a_login_answers_like_a_cookie_profile),
        SITE_TEST(every_call_of_a_cookie_works),
        SITE_TEST(an_expired_text_is_renewed_not_used),
        SITE_TEST(renewals_at_once_all_count),
        SITE_TEST(idle_and_absolute_end_stop_renewal),
        SITE_TEST(a_use_counts_against_idleness),
        SITE_TEST(what_ends_a_session_ends_its_texts),
        SITE_TEST(a_step_up_makes_a_new_session),
        SITE_TEST(a_login_ends_what_the_browser_carried),
        SITE_TEST(a_renewal_waits_behind_a_logout),
        SITE_TEST(an_expired_text_still_logs_out),
        SITE_TEST(renewal_takes_one_credential_from_our_pages),
        SITE_TEST(another_listed_origin_renews_its_own_apps_alone),
        SITE_TEST(an_app_that_is_gone_renews_nothing),
        SITE_TEST(a_rotation_of_the_sealing_key_ends_no_login),
        SITE_TEST(a_dropped_sealing_key_ends_its_texts_at_once),
        SITE_TEST(past_the_lease_an_unknown_key_is_no_refusal),
        SITE_TEST(past_the_lease_a_compromised_key_renews_nothing),
        SITE_TEST(strict_with_a_token_answers_like_a_token_profile),
        SITE_TEST(a_live_token_without_a_record_is_refused),
        SITE_TEST(a_live_token_is_looked_up),
        SITE_TEST(a_live_tokens_idle_end_counts),
        SITE_TEST(a_live_token_has_the_roles_of_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
