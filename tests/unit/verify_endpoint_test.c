#include "check.h"

#include "house.h"
#include "http/endpoint.h"
#include "http/lookup.h"

static struct house h;
static struct user_record alice;
static char cookie_text[SESSION_COOKIE_TEXT + 64], token_text[ACCESS_TOKEN_TEXT_MAX], key_text[API_KEY_TEXT_MAX];
static struct exchange x;
static struct site site;

/* --- a store of one session, user and key --- */

static struct session_record stored_session;
static struct user_record stored_user;
static struct revocation stored_revocation;
static int reads, offers;
static struct lookup_gate gate;
static bool decides, away;

static struct cardea_status store_begin(struct store *s, enum store_mode mode, int64_t deadline_ms,
                                        struct store_tx **out)
{
    (void)s;
    assert_int_equal(mode, STORE_READ);
    assert_true(deadline_ms > h.boot_ms);
    reads++;
    if (away)
        return CARDEA_FAIL(E_UNAVAILABLE);
    *out = (struct store_tx *)&reads;
    return CARDEA_SUCCESS;
}
static void store_abort(struct store_tx *tx)
{
    (void)tx;
}
static struct cardea_status store_session(struct store_tx *tx, struct session_id sid, struct session_record *out)
{
    (void)tx;
    if (!ID_SAME(sid, stored_session.sid))
        return CARDEA_FAIL(E_NOT_FOUND);
    *out = stored_session;
    return CARDEA_SUCCESS;
}
static struct cardea_status store_user(struct store_tx *tx, struct user_id id, struct user_record *out)
{
    (void)tx;
    if (!ID_SAME(id, stored_user.id))
        return CARDEA_FAIL(E_NOT_FOUND);
    *out = stored_user;
    return CARDEA_SUCCESS;
}
static struct cardea_status store_key(struct store_tx *tx, struct api_key_id id, struct api_key_record *out)
{
    (void)tx;
    (void)id;
    (void)out;
    return CARDEA_FAIL(E_NOT_FOUND);
}
static struct cardea_status store_revocation(struct store_tx *tx, enum revocation_kind kind, const uint8_t id[32])
{
    (void)tx;
    const struct revocation *r = &stored_revocation;
    return r->kind == kind && memcmp(r->id, id, sizeof r->id) == 0 ? CARDEA_SUCCESS : CARDEA_FAIL(E_NOT_FOUND);
}
static const struct store_ops ops = {.begin = store_begin,
                                     .abort = store_abort,
                                     .session_get = store_session,
                                     .user_get = store_user,
                                     .api_key_get = store_key,
                                     .revocation_find = store_revocation};
static struct store store = {&ops};

/* --- one request after the other --- */

static int64_t wall_ms(void)
{
    return h.now_ms;
}
static int64_t boot_ms(void)
{
    return h.boot_ms;
}

static bool store_decides(void *context)
{
    (void)context;
    return decides;
}
static uint64_t fill_mark(void *context)
{
    (void)context;
    return 100 + (uint64_t)reads;
}
static void take(void *context, uint64_t mark, const struct user_record *user, const struct session_record *session,
                 const struct api_key_record *key)
{
    (void)context;
    assert_int_equal(mark, 100 + reads - 1); /* from before the store was asked */
    assert_true(ID_SAME(user->id, stored_user.id) && ID_SAME(session->sid, stored_session.sid));
    assert_null(key);
    offers++;
}

static void fresh(void)
{
    exchange_clear(&x);
    exchange_init(&x, &site, h.cache);
    x.request.method = METHOD_GET;
    x.request.entrance = ENTRANCE_MAIN;
    x.request.path = VIEW("/verify");
}

static int setup(void **state)
{
    (void)state;
    house_open(&h, 1000);
    alice = house_user(&h, "alice", "admin,staff");
    site = (struct site){.settings = h.settings,
                         .keys = h.keys,
                         .table = h.table,
                         .store = &store,
                         .entropy = entropy_system(),
                         .wall_ms = wall_ms,
                         .boot_ms = boot_ms,
                         .gate = &gate,
                         .store_decides = store_decides,
                         .fill_mark = fill_mark,
                         .fill = take};
    stored_revocation = (struct revocation){0};
    gate.closed_until_ms = 0;
    decides = away = false;
    offers = 0;
    stored_session = (struct session_record){0};
    stored_user = (struct user_record){0};
    reads = 0;
    memset(&x, 0, sizeof x);
    fresh();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    exchange_clear(&x);
    house_close(&h);
    return 0;
}

static void header(const char *name, struct view value)
{
    x.request.headers[x.request.header_count++] = (struct header){view_text(name), value};
}

static struct view answered(const char *name)
{
    for (uint32_t i = 0; i < x.response.header_count; i++)
        if (view_equal_ascii_case(x.response.headers[i].name, view_text(name)))
            return x.response.headers[i].value;
    return VIEW_EMPTY;
}

/* Run what was asked; the status. Afterwards a new request can be made with fresh(). */
static int go(void)
{
    enum stage stage = exchange_begin(&x);
    if (stage == STAGE_WORK) {
        assert_int_equal(x.lane, LANE_READ);
        stage = exchange_work(&x);
        assert_null(x.cache); /* the event loop's own: not for the pool's thread */
    }
    assert_int_equal(stage, STAGE_DONE);
    assert_int_equal(x.changes.count, 0);
    return x.response.status;
}

static struct view session_cookie(const char *app)
{
    char text[SESSION_COOKIE_TEXT];
    (void)house_session(&h, &alice, app, text);
    int n = snprintf(cookie_text, sizeof cookie_text, "__Host-cardea=%.*s", SESSION_COOKIE_TEXT, text);
    return view_of(cookie_text, (size_t)n);
}

static struct view bearer(const char *app)
{
    static char text[ACCESS_TOKEN_TEXT_MAX + 8];
    struct session_record s = house_session(&h, &alice, app, NULL);
    struct access_claims c = house_claims(&h, &s);
    struct view token = house_sign(&h, &c, token_text);
    int n = snprintf(text, sizeof text, "Bearer %.*s", (int)token.len, token.ptr);
    return view_of(text, (size_t)n);
}

static struct policy *add_policy(const char *name)
{
    struct policy *p = &h.settings->policies[h.settings->policy_count++];
    snprintf(p->name, sizeof p->name, "%s", name);
    return p;
}

/* --- who is told --- */

static void a_session_is_told_in_headers(void **state)
{
    (void)state;
    char id[USER_ID_TEXT];
    struct buf b = buf_fixed(id, sizeof id);
    buf_user_id(&b, alice.id);
    header("Cookie", session_cookie("web"));
    assert_int_equal(go(), 204);
    assert_view(answered("X-Auth-User"), buf_view(&b));
    assert_text(answered("X-Auth-Username"), "alice");
    assert_text(answered("X-Auth-Email"), "alice@example.com");
    assert_text(answered("X-Auth-Roles"), "admin,staff");
    assert_int_equal(answered("X-Auth-Session").len, ID16_TEXT);
    assert_text(answered("X-Auth-Method"), "session");
    assert_text(answered("Cache-Control"), "no-store");
    assert_int_equal(x.response.body.len, 0);
    assert_int_equal(x.response.header_count, 7);
    /* Not one byte of ours was allocated. */
    assert_null(x.arena.head);
    assert_int_equal(reads, 0);
}

static void a_token_and_a_key_too(void **state)
{
    (void)state;
    struct view key;
    header("Authorization", bearer("mobile"));
    assert_int_equal(go(), 204);
    assert_text(answered("X-Auth-Method"), "token");
    assert_int_equal(answered("X-Auth-Session").len, ID16_TEXT);
    assert_null(x.arena.head);

    (void)house_key(&h, &alice, "", key_text, &key);
    fresh();
    header("X-API-Key", key);
    assert_int_equal(go(), 204);
    assert_text(answered("X-Auth-Method"), "key");
    assert_int_equal(answered("X-Auth-Session").len, 0);
    fresh();
    char text[API_KEY_TEXT_MAX + 8];
    int n = snprintf(text, sizeof text, "bearer %.*s", (int)key.len, key.ptr);
    header("authorization", view_of(text, (size_t)n));
    assert_int_equal(go(), 204);
    assert_text(answered("X-Auth-Method"), "key");
}

static void an_access_cookie_is_a_token(void **state)
{
    (void)state;
    static char text[ACCESS_TOKEN_TEXT_MAX + 64];
    struct view token = view_skip(bearer("spa"), 7);
    int n = snprintf(text, sizeof text, "a=b; __Host-cardea-access=%.*s;c", (int)token.len, token.ptr);
    header("Cookie", view_of(text, (size_t)n));
    assert_int_equal(go(), 204);
    assert_text(answered("X-Auth-Method"), "token");
}

static void remote_headers_by_setting(void **state)
{
    (void)state;
    h.settings->identity_headers = IDENTITY_REMOTE;
    header("Cookie", session_cookie("web"));
    assert_int_equal(go(), 204);
    assert_text(answered("Remote-User"), "alice");
    assert_text(answered("Remote-Groups"), "admin,staff");
    assert_text(answered("Remote-Name"), "The alice");
    assert_text(answered("Remote-Email"), "alice@example.com");
    assert_int_equal(answered("X-Auth-User").len, 0);
}

static void values_are_percent_encoded_and_may_be_long(void **state)
{
    (void)state;
    snprintf(alice.username, sizeof alice.username, "\xc3\xa9%%\r\nX: y,z");
    for (size_t i = 0; i + 1 < sizeof alice.roles; i++)
        alice.roles[i] = i % 50 == 49 ? ',' : 'r';
    house_put_user(&h, &alice);
    header("Cookie", session_cookie("web"));
    assert_int_equal(go(), 204);
    assert_text(answered("X-Auth-Username"), "%C3%A9%25%0D%0AX: y%2Cz");
    assert_int_equal(answered("X-Auth-Roles").len, sizeof alice.roles - 1);
}

static void any_method_and_query_and_body(void **state)
{
    (void)state;
    static const enum method methods[] = {METHOD_GET,   METHOD_HEAD,   METHOD_POST,    METHOD_PUT,
                                          METHOD_PATCH, METHOD_DELETE, METHOD_OPTIONS, METHOD_OTHER};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        fresh();
        x.request.method = methods[i];
        x.request.query = VIEW("access_token=x&policy=y%00");
        x.request.body = VIEW("not json");
        assert_int_equal(go(), 401);
        fresh();
        x.request.method = methods[i];
        x.request.query = VIEW("a=1&a=1");
        header("Cookie", session_cookie("web"));
        assert_int_equal(go(), 204);
    }
}

/* --- who is refused --- */

static void nobody_is_401(void **state)
{
    (void)state;
    assert_int_equal(go(), 401);
    assert_true(view_starts(answered("WWW-Authenticate"), VIEW("Bearer")));
    assert_text(answered("Cache-Control"), "no-store");
    assert_int_equal(answered("X-Auth-User").len, 0);
    fresh();
    header("Authorization", VIEW("Basic YTpi"));
    assert_int_equal(go(), 401);
    /* Cookies that are not quite ours. */
    char text[SESSION_COOKIE_TEXT + 64];
    static const char *const names[] = {
        "__host-cardea",  "__Host-cardea ", "..Host-cardea", "__%48ost-cardea", "=__Host-cardea", "cardea", "",
        "__Secure-cardea"};
    (void)session_cookie("web");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fresh();
        int n = snprintf(text, sizeof text, "%s=%s", names[i], cookie_text + sizeof "__Host-cardea");
        header("Cookie", view_of(text, (size_t)n));
        assert_int_equal(go(), 401);
    }
}

static void a_refusal_never_tells_what_was_wrong(void **state)
{
    (void)state;
    struct view cookie = session_cookie("web");
    char body[512];
    cookie_text[cookie.len - 1] ^= 1;
    header("Cookie", cookie);
    assert_int_equal(go(), 401);
    int n = snprintf(body, sizeof body, "%.*s", (int)x.response.body.len, x.response.body.ptr);
    fresh();
    (void)session_cookie("web");
    h.now_ms += 7 * (int64_t)HOUSE_DAY_MS;
    header("Cookie", cookie);
    assert_int_equal(go(), 401);
    assert_view(x.response.body, view_of(body, (size_t)n));
    h.now_ms = HOUSE_NOW;

    fresh();
    struct view token = bearer("mobile");
    h.now_ms += HOUSE_DAY_MS;
    header("Authorization", token);
    assert_int_equal(go(), 401);
    assert_text(answered("WWW-Authenticate"), "Bearer error=\"invalid_token\"");
    n = snprintf(body, sizeof body, "%.*s", (int)x.response.body.len, x.response.body.ptr);
    fresh();
    header("Authorization", VIEW("Bearer nonsense"));
    assert_int_equal(go(), 401);
    assert_view(x.response.body, view_of(body, (size_t)n));
}

static void several_credentials_are_none(void **state)
{
    (void)state;
    struct view cookie = session_cookie("web"), key;
    (void)house_key(&h, &alice, "", key_text, &key);
    static char twice[2 * sizeof cookie_text];
    header("Cookie", cookie);
    header("Authorization", bearer("mobile"));
    assert_int_equal(go(), 401);
    fresh();
    header("Authorization", bearer("mobile"));
    header("X-API-Key", key);
    assert_int_equal(go(), 401);
    fresh();
    header("Authorization", bearer("mobile"));
    header("Authorization", bearer("mobile"));
    assert_int_equal(go(), 401);
    fresh();
    header("Cookie", cookie);
    header("Cookie", cookie);
    assert_int_equal(go(), 401);
    fresh();
    int n = snprintf(twice, sizeof twice, "%s; __Host-cardea=x", cookie_text);
    header("Cookie", view_of(twice, (size_t)n));
    assert_int_equal(go(), 401);
    fresh();
    n = snprintf(twice, sizeof twice, "__Host-cardea=x; %s", cookie_text);
    header("Cookie", view_of(twice, (size_t)n));
    assert_int_equal(go(), 401);
    /* An invalid one never falls back to a good one. */
    fresh();
    header("Cookie", cookie);
    header("Authorization", VIEW("Bearer x"));
    assert_int_equal(go(), 401);
    /* What a policy does not accept has no influence. */
    add_policy("cookies")->kinds = KIND_SESSION;
    fresh();
    x.request.path = VIEW("/verify/cookies");
    header("Cookie", cookie);
    header("Authorization", VIEW("Bearer x"));
    assert_int_equal(go(), 204);
    fresh();
    x.request.path = VIEW("/verify/cookies");
    header("X-API-Key", key);
    assert_int_equal(go(), 401);
}

static void policies_decide(void **state)
{
    (void)state;
    struct policy *p = add_policy("admins");
    p->role_count = 1;
    strcpy(p->roles[0], "admin");
    struct view cookie = session_cookie("web");
    x.request.path = VIEW("/verify/admins");
    header("Cookie", cookie);
    assert_int_equal(go(), 204);
    strcpy(alice.roles, "staff");
    house_put_user(&h, &alice);
    fresh();
    x.request.path = VIEW("/verify/admins");
    header("Cookie", cookie);
    assert_int_equal(go(), 403);
    assert_int_equal(answered("X-Auth-User").len, 0);
    fresh();
    x.request.path = VIEW("/verify/admins");
    assert_int_equal(go(), 401);
    static const char *const unknown[] = {"/verify/other", "/verify/Admins", "/verify/admin%73", "/verify/admins%00"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        fresh();
        x.request.path = view_text(unknown[i]);
        header("Cookie", cookie);
        assert_int_equal(go(), 403);
    }
    static const char *const nowhere[] = {"/verify/", "/verify/a/b", "/verify//admins", "/Verify", "/verify%2fadmins"};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        fresh();
        x.request.path = view_text(nowhere[i]);
        header("Cookie", cookie);
        assert_int_equal(go(), 404);
    }
}

/* --- the origin rule --- */

struct original {
    bool proxied;
    const char *method, *upgrade, *origin, *site, *plain_origin, *plain_site;
    int status;
};

static void ask(const struct original *o)
{
    if (o->method != NULL)
        header("X-Original-Method", view_text(o->method));
    if (o->upgrade != NULL)
        header("X-Original-Upgrade", view_text(o->upgrade));
    if (o->origin != NULL)
        header("X-Original-Origin", view_text(o->origin));
    if (o->site != NULL)
        header("X-Original-Sec-Fetch-Site", view_text(o->site));
    if (o->plain_origin != NULL)
        header("Origin", view_text(o->plain_origin));
    if (o->plain_site != NULL)
        header("Sec-Fetch-Site", view_text(o->plain_site));
    x.request.proxied = o->proxied;
}

static const char *const evil = "https://evil.example", *const ours = "http://127.0.0.1:8420";

static void a_cookie_passes_the_origin_rule(void **state)
{
    (void)state;
    const struct original cases[] = {
        /* Safe, by a trusted proxy's word. */
        {true, "GET", "-", evil, "cross-site", evil, "cross-site", 204},
        {true, "HEAD", "-", evil, NULL, NULL, NULL, 204},
        {true, "OPTIONS", "-", evil, NULL, NULL, NULL, 204},
        /* Not safe. */
        {true, "POST", "-", evil, NULL, NULL, NULL, 403},
        {true, "POST", "-", ours, NULL, NULL, NULL, 204},
        {true, "POST", "-", ours, "cross-site", NULL, NULL, 204},
        {true, "POST", "-", "null", NULL, NULL, NULL, 403},
        {true, "POST", "-", "", NULL, NULL, NULL, 403},
        {true, "POST", "-", "http://127.0.0.1:8420.evil.example", NULL, NULL, NULL, 403},
        {true, "POST", "-", NULL, "cross-site", NULL, NULL, 403},
        {true, "POST", "-", NULL, "same-site", NULL, NULL, 403},
        {true, "POST", "-", NULL, "same-origin", NULL, NULL, 204},
        {true, "POST", "-", NULL, "none", NULL, NULL, 204},
        {true, "POST", "-", NULL, NULL, NULL, NULL, 204}, /* not a browser */
        {true, "get", "-", evil, NULL, NULL, NULL, 403},
        {true, "TRACE", "-", evil, NULL, NULL, NULL, 403},
        /* A handshake that opens a socket. */
        {true, "GET", "websocket", evil, NULL, NULL, NULL, 403},
        {true, "GET", "websocket", ours, NULL, NULL, NULL, 204},
        {true, "GET", "", evil, NULL, NULL, NULL, 403},
        /* Missing means unsafe. */
        {true, NULL, "-", evil, NULL, NULL, NULL, 403},
        {true, "GET", NULL, evil, NULL, NULL, NULL, 403},
        {true, NULL, NULL, NULL, NULL, evil, NULL, 403},
        {true, NULL, NULL, NULL, NULL, NULL, "cross-site", 403},
        {true, NULL, NULL, NULL, NULL, ours, NULL, 204},
        /* The proxy's word before what it passed on. */
        {true, "POST", "-", ours, NULL, evil, NULL, 204},
        {true, "POST", "-", evil, NULL, ours, NULL, 403},
        /* From anybody else these headers are nothing. */
        {false, "GET", "-", ours, "same-origin", evil, NULL, 403},
        {false, "GET", "-", evil, "cross-site", NULL, NULL, 204},
        {false, NULL, NULL, NULL, NULL, NULL, "cross-site", 403},
        {false, NULL, NULL, NULL, NULL, ours, "cross-site", 204},
    };
    struct view cookie = session_cookie("web");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fresh();
        header("Cookie", cookie);
        ask(&cases[i]);
        if (go() != cases[i].status)
            fail_msg("case %zu answered %d", i, x.response.status);
    }
}

static void repeated_words_count_for_nothing(void **state)
{
    (void)state;
    struct view cookie = session_cookie("web");
    static const char *const names[] = {"X-Original-Method", "X-Original-Upgrade", "X-Original-Origin",
                                        "X-Original-Sec-Fetch-Site", "Origin"};
    static const char *const values[] = {"GET", "-", "http://127.0.0.1:8420", "same-origin", "http://127.0.0.1:8420"};
    for (size_t i = 0; i < 5; i++) {
        fresh();
        x.request.proxied = true;
        header("Cookie", cookie);
        if (i != 0)
            header("X-Original-Method", i < 2 ? VIEW("GET") : VIEW("POST"));
        if (i != 1)
            header("X-Original-Upgrade", VIEW("-"));
        header(names[i], view_text(values[i]));
        header(names[i], view_text(values[i]));
        if (i < 2)
            header("Origin", view_text(evil));
        assert_int_equal(go(), 403);
    }
}

static void an_app_lists_more_origins_and_only_for_itself(void **state)
{
    (void)state;
    struct app *web = &h.settings->apps[0];
    strcpy(web->origins[web->origin_count++], "https://shop.example");
    const struct original o = {true, "POST", "-", "https://shop.example", NULL, NULL, NULL, 0};
    struct view cookie = session_cookie("web");
    header("Cookie", cookie);
    ask(&o);
    assert_int_equal(go(), 204);
    fresh();
    header("Cookie", session_cookie("strict"));
    ask(&o);
    assert_int_equal(go(), 403);
}

static void other_credentials_need_no_origin(void **state)
{
    (void)state;
    const struct original o = {true, "POST", "-", "https://evil.example", "cross-site", "https://evil.example",
                               NULL, 0};
    header("Authorization", bearer("mobile"));
    ask(&o);
    assert_int_equal(go(), 204);
}

/* --- what only the store can tell --- */

static void a_session_the_table_does_not_hold_is_read(void **state)
{
    (void)state;
    char text[SESSION_COOKIE_TEXT];
    struct user_record bob = alice;
    house_bytes(&bob.id, sizeof bob.id);
    strcpy(bob.username, "bob");
    stored_session = house_session(&h, &bob, "web", text); /* in the table, but its user is not */
    stored_user = bob;
    int n = snprintf(cookie_text, sizeof cookie_text, "__Host-cardea=%.*s", SESSION_COOKIE_TEXT, text);
    struct view cookie = view_of(cookie_text, (size_t)n);
    header("Cookie", cookie);
    assert_int_equal(go(), 204);
    assert_int_equal(reads, 1);
    assert_text(answered("X-Auth-Username"), "bob");

    const struct original foreign = {true, "POST", "-", "https://evil.example", NULL, NULL, NULL, 0};
    fresh();
    header("Cookie", cookie);
    ask(&foreign);
    assert_int_equal(go(), 403);

    stored_user.status = USER_SUSPENDED;
    fresh();
    header("Cookie", cookie);
    assert_int_equal(go(), 401);
    stored_user.status = USER_ACTIVE;
    stored_session.expires_at_ms = h.now_ms;
    fresh();
    header("Cookie", cookie);
    assert_int_equal(go(), 401);
    stored_session.sid.bytes[0] ^= 1;
    fresh();
    header("Cookie", cookie);
    assert_int_equal(go(), 401);
}

static void an_idle_session_is_idle_if_the_store_says_so(void **state)
{
    (void)state;
    char text[SESSION_COOKIE_TEXT];
    stored_session = house_session(&h, &alice, "web", text);
    stored_user = alice;
    int n = snprintf(cookie_text, sizeof cookie_text, "__Host-cardea=%.*s", SESSION_COOKIE_TEXT, text);
    h.now_ms += stored_session.idle_ms;
    header("Cookie", view_of(cookie_text, (size_t)n));
    assert_int_equal(go(), 401);
    assert_int_equal(reads, 1);
    fresh();
    stored_session.last_seen_at_ms = h.now_ms - 1000; /* another node saw it */
    header("Cookie", view_of(cookie_text, (size_t)n));
    assert_int_equal(go(), 204);
}

static void the_age_of_a_login_is_looked_up(void **state)
{
    (void)state;
    struct policy *p = add_policy("young");
    p->login_age_max_ms = 2 * 3600 * 1000;
    stored_session = house_session(&h, &alice, "mobile", NULL);
    struct access_claims c = house_claims(&h, &stored_session);
    stored_user = alice;
    house_bytes(&c.sid, sizeof c.sid); /* not in the table */
    stored_session.sid = c.sid;
    char text[ACCESS_TOKEN_TEXT_MAX + 8];
    struct view token = house_sign(&h, &c, token_text);
    int n = snprintf(text, sizeof text, "Bearer %.*s", (int)token.len, token.ptr);
    x.request.path = VIEW("/verify/young");
    header("Authorization", view_of(text, (size_t)n));
    assert_int_equal(go(), 204);
    assert_int_equal(reads, 1);
    stored_session.authenticated_at_ms = h.now_ms - p->login_age_max_ms - 1;
    fresh();
    x.request.path = VIEW("/verify/young");
    header("Authorization", view_of(text, (size_t)n));
    assert_int_equal(go(), 403);
    assert_int_equal(reads, 2);
}

static void past_the_lease_it_is_503(void **state)
{
    (void)state;
    header("Cookie", session_cookie("web"));
    table_set_valid_until(h.writer, h.boot_ms);
    assert_int_equal(go(), 503);
    assert_int_equal(answered("Retry-After").len, 1);
    assert_int_equal(reads, 0);
}

/* A token whose session, user and key are in store, table and keyring. */
static struct view stored_bearer(struct access_claims *ret)
{
    static char text[ACCESS_TOKEN_TEXT_MAX + 8];
    stored_session = house_session(&h, &alice, "mobile", NULL);
    stored_user = alice;
    *ret = house_claims(&h, &stored_session);
    struct view token = house_sign(&h, ret, token_text);
    int n = snprintf(text, sizeof text, "Bearer %.*s", (int)token.len, token.ptr);
    return view_of(text, (size_t)n);
}

static struct view stored_cookie(void)
{
    char text[SESSION_COOKIE_TEXT];
    stored_session = house_session(&h, &alice, "web", text);
    stored_user = alice;
    int n = snprintf(cookie_text, sizeof cookie_text, "__Host-cardea=%.*s", SESSION_COOKIE_TEXT, text);
    return view_of(cookie_text, (size_t)n);
}

static int go_with(const char *name, struct view value)
{
    fresh();
    if (name != NULL)
        header(name, value);
    return go();
}

static void past_the_lease_the_store_decides_where_it_may(void **state)
{
    (void)state;
    struct view cookie = stored_cookie();
    table_set_valid_until(h.writer, h.boot_ms);
    decides = true;
    assert_int_equal(go_with("Cookie", cookie), 204);
    assert_int_equal(reads, 1);
    assert_int_equal(offers, 1);
    /* The table's record is an older one; what the store says now counts. */
    strcpy(stored_user.roles, "guest");
    assert_int_equal(go_with("Cookie", cookie), 204);
    assert_text(answered("X-Auth-Roles"), "guest");
    stored_user.epoch++;
    assert_int_equal(go_with("Cookie", cookie), 401);
    stored_user = alice;
    stored_session.sid.bytes[0] ^= 1; /* gone */
    assert_int_equal(go_with("Cookie", cookie), 401);
    stored_session.sid.bytes[0] ^= 1;
    /* What is known to be dead stays dead, even if the store were to have it still. */
    struct change end = {.kind = CHANGE_SESSION_END,
                         .revocation = {.kind = REVOCATION_SESSION, .until_ms = stored_session.expires_at_ms}};
    memcpy(end.revocation.id, stored_session.sid.bytes, 16);
    assert_ok(table_apply(h.writer, &end, 0, h.now_ms));
    assert_int_equal(go_with("Cookie", cookie), 401);
    assert_int_equal(offers, 2);
}

static void past_the_lease_a_token_is_asked_for_and_its_key_too(void **state)
{
    (void)state;
    struct access_claims c;
    struct view token = stored_bearer(&c);
    assert_int_equal(go_with("Authorization", token), 204);
    assert_int_equal(reads, 0);
    table_set_valid_until(h.writer, h.boot_ms);
    decides = true;
    assert_int_equal(go_with("Authorization", token), 204);
    assert_int_equal(reads, 1);
    stored_revocation.kind = REVOCATION_TOKEN;
    memcpy(stored_revocation.id, c.jti.bytes, sizeof c.jti.bytes);
    assert_int_equal(go_with("Authorization", token), 401);
    stored_revocation.kind = REVOCATION_KEY;
    memcpy(stored_revocation.id, h.keys->access[0].id.bytes, 32);
    assert_int_equal(go_with("Authorization", token), 401);
    stored_revocation.id[5] ^= 1;
    assert_int_equal(go_with("Authorization", token), 204);
    /* Of a key that is not here it can not be told: perhaps it was made after the lease. */
    int asked = reads;
    struct keyring *old = h.keys, *other = house_keyring();
    other->generation = old->generation + 1;
    site.keys = other;
    assert_int_equal(go_with("Authorization", token), 503);
    table_set_valid_until(h.writer, INT64_MAX);
    assert_int_equal(go_with("Authorization", token), 401);
    assert_int_equal(reads, asked);
    site.keys = old;
    keyring_unref(other);
}

static void a_store_that_does_not_answer_is_asked_by_one_at_a_time(void **state)
{
    (void)state;
    struct view cookie = stored_cookie();
    table_set_valid_until(h.writer, h.boot_ms);
    decides = away = true;
    h.boot_ms++; /* so that the test's clock is not at the lease's very end */
    assert_int_equal(go_with("Cookie", cookie), 503);
    assert_int_equal(reads, 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(go_with("Cookie", cookie), 503);
    assert_int_equal(reads, 1); /* at once */
    assert_true(answered("Retry-After").len > 0);
    h.boot_ms += LOOKUP_PAUSE_MS;
    assert_int_equal(go_with("Cookie", cookie), 503);
    assert_int_equal(reads, 2);
    /* While one is finding out, others do not wait behind it. */
    h.boot_ms += LOOKUP_PAUSE_MS;
    fresh();
    header("Cookie", cookie);
    struct lookup first;
    away = false;
    assert_ok(lookup_begin(&x, &first));
    assert_int_equal(reads, 3);
    struct exchange second;
    exchange_init(&second, &site, NULL);
    assert_code(lookup_allowed(&second, CARDEA_FAIL(E_NOT_FOUND)), E_UNAVAILABLE);
    struct lookup l;
    assert_code(lookup_begin(&second, &l), E_UNAVAILABLE);
    lookup_end(&second, &l, CARDEA_FAIL(E_UNAVAILABLE));
    lookup_end(&x, &first, CARDEA_SUCCESS);
    exchange_clear(&second);
    assert_int_equal(go_with("Cookie", cookie), 204);
    assert_int_equal(go_with("Cookie", cookie), 204);
    assert_int_equal(reads, 5);
    /* A refusal is an answer. */
    stored_user.status = USER_SUSPENDED;
    assert_int_equal(go_with("Cookie", cookie), 401);
    stored_user.status = USER_ACTIVE;
    assert_int_equal(go_with("Cookie", cookie), 204);
}

static void nobody_is_looked_up_without_a_credential(void **state)
{
    (void)state;
    static const int64_t untils[] = {INT64_MAX, 0};
    for (size_t i = 0; i < 4; i++) {
        table_set_valid_until(h.writer, untils[i % 2]);
        decides = i >= 2;
        assert_int_equal(go_with(NULL, VIEW_EMPTY), 401);
        assert_int_equal(go_with("Cookie", VIEW("__Host-cardea=nonsense")), 401);
        assert_int_equal(go_with("X-API-Key", VIEW("nonsense")), 401);
    }
    assert_int_equal(reads, 0);
}

/* --- tokens by themselves --- */

static void without_revocation_a_token_is_what_it_says(void **state)
{
    (void)state;
    struct access_claims c;
    struct policy *p = add_policy("alone");
    struct view token = stored_bearer(&c);
    p->revocation = REVOCATION_UNCHECKED;
    table_set_valid_until(h.writer, 0);
    away = true;
    fresh();
    x.request.path = VIEW("/verify/alone");
    header("Authorization", token);
    assert_int_equal(go(), 204);
    assert_int_equal(answered("X-Auth-User").len, USER_ID_TEXT);
    assert_int_equal(answered("X-Auth-Session").len, ID16_TEXT);
    assert_text(answered("X-Auth-Method"), "token");
    assert_int_equal(answered("X-Auth-Roles").len + answered("X-Auth-Username").len + answered("X-Auth-Email").len, 0);
    /* A suspension is not felt. */
    table_set_valid_until(h.writer, INT64_MAX);
    alice.status = USER_SUSPENDED;
    alice.epoch++;
    house_put_user(&h, &alice);
    assert_int_equal(go_with("Authorization", token), 401);
    fresh();
    x.request.path = VIEW("/verify/alone");
    header("Authorization", token);
    assert_int_equal(go(), 204);
    /* Its time is. */
    h.now_ms += 7200 * 1000;
    fresh();
    x.request.path = VIEW("/verify/alone");
    header("Authorization", token);
    assert_int_equal(go(), 401);
    assert_int_equal(reads, 0);
}

static void without_revocation_nothing_but_tokens_counts(void **state)
{
    (void)state;
    struct view key;
    add_policy("alone")->revocation = REVOCATION_UNCHECKED;
    (void)house_key(&h, &alice, "", key_text, &key);
    fresh();
    x.request.path = VIEW("/verify/alone");
    header("X-API-Key", key);
    assert_int_equal(go(), 401);
    struct view cookie = session_cookie("web");
    fresh();
    x.request.path = VIEW("/verify/alone");
    header("Cookie", cookie);
    assert_int_equal(go(), 401);
    /* An app that wants its tokens checked live is taken at its word. */
    struct view token = bearer("mobile");
    for (uint32_t i = 0; i < h.settings->app_count; i++)
        h.settings->apps[i].live = true;
    fresh();
    x.request.path = VIEW("/verify/alone");
    header("Authorization", token);
    assert_int_equal(go(), 403);
    assert_int_equal(reads, 0);
}

static void a_full_queue_is_503(void **state)
{
    (void)state;
    struct session_cookie c;
    char text[SESSION_COOKIE_TEXT];
    house_bytes(&c, sizeof c);
    session_cookie_format(h.keys, &c, text);
    int n = snprintf(cookie_text, sizeof cookie_text, "__Host-cardea=%.*s", SESSION_COOKIE_TEXT, text);
    header("Cookie", view_of(cookie_text, (size_t)n));
    assert_int_equal(exchange_begin(&x), STAGE_WORK);
    exchange_refuse(&x, CARDEA_FAIL(E_BUSY));
    assert_int_equal(x.response.status, 503);
    assert_true(answered("Retry-After").len > 0);
}

/* --- public keys --- */

static void the_jwks_has_the_public_keys_alone(void **state)
{
    (void)state;
    x.request.path = VIEW("/.well-known/jwks.json");
    assert_int_equal(go(), 200);
    assert_text(answered("Cache-Control"), "public, max-age=300");
    assert_text(answered("Content-Type"), "application/json");
    char text[4096];
    int n = snprintf(text, sizeof text, "%.*s", (int)x.response.body.len, x.response.body.ptr);
    assert_in_range(n, 100, sizeof text - 1);
    for (uint32_t i = 0; i < h.keys->access_count; i++) {
        char kid[KEY_ID_TEXT + 1] = {0};
        struct buf b = buf_fixed(kid, KEY_ID_TEXT);
        buf_key_id(&b, h.keys->access[i].id);
        assert_non_null(strstr(text, kid));
    }
    assert_null(strstr(text, "\"d\""));

    char tag[64];
    n = snprintf(tag, sizeof tag, "\"x\", W/%.*s", (int)answered("ETag").len, answered("ETag").ptr);
    fresh();
    x.request.path = VIEW("/.well-known/jwks.json");
    header("If-None-Match", view_of(tag, (size_t)n));
    assert_int_equal(go(), 304);
    assert_int_equal(x.response.body.len, 0);
    assert_text(answered("Cache-Control"), "public, max-age=300");
    fresh();
    x.request.path = VIEW("/.well-known/jwks.json");
    header("If-None-Match", VIEW("\"other\""));
    assert_int_equal(go(), 200);
    fresh();
    x.request.path = VIEW("/.well-known/jwks.json");
    x.request.method = METHOD_POST;
    assert_int_equal(go(), 405);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(a_session_is_told_in_headers),
        TEST(a_token_and_a_key_too),
        TEST(an_access_cookie_is_a_token),
        TEST(remote_headers_by_setting),
        TEST(values_are_percent_encoded_and_may_be_long),
        TEST(any_method_and_query_and_body),
        TEST(nobody_is_401),
        TEST(a_refusal_never_tells_what_was_wrong),
        TEST(several_credentials_are_none),
        TEST(policies_decide),
        TEST(a_cookie_passes_the_origin_rule),
        TEST(repeated_words_count_for_nothing),
        TEST(an_app_lists_more_origins_and_only_for_itself),
        TEST(other_credentials_need_no_origin),
        TEST(a_session_the_table_does_not_hold_is_read),
        TEST(an_idle_session_is_idle_if_the_store_says_so),
        TEST(the_age_of_a_login_is_looked_up),
        TEST(past_the_lease_it_is_503),
        TEST(past_the_lease_the_store_decides_where_it_may),
        TEST(past_the_lease_a_token_is_asked_for_and_its_key_too),
        TEST(a_store_that_does_not_answer_is_asked_by_one_at_a_time),
        TEST(nobody_is_looked_up_without_a_credential),
        TEST(without_revocation_a_token_is_what_it_says),
        TEST(without_revocation_nothing_but_tokens_counts),
        TEST(a_full_queue_is_503),
        TEST(the_jwks_has_the_public_keys_alone),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
