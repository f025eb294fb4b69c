#include "alloc_count.h"
#include "check.h"

#include "house.h"

static struct house h;
static struct user_record alice;
static char cookie_text[SESSION_COOKIE_TEXT], token_text[ACCESS_TOKEN_TEXT_MAX], key_text[API_KEY_TEXT_MAX];

static int setup(void **state)
{
    (void)state;
    house_open(&h, 1000);
    alice = house_user(&h, "alice", "admin,staff");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    house_close(&h);
    return 0;
}

static struct view cookie(void)
{
    return view_of(cookie_text, sizeof cookie_text);
}

static struct identity who;

/* "yes", "unknown: NAME" or the refusal's name. */
static const char *answered(enum verify_answer answer, struct cardea_status why)
{
    static char text[64];
    if (answer == VERIFY_YES)
        return "yes";
    snprintf(text, sizeof text, "%s%s", answer == VERIFY_UNKNOWN ? "unknown: " : "", cardea_status_name(why));
    return text;
}

static const char *check(enum credential_kind kind, struct view text)
{
    struct verifier v = house_verifier(&h);
    struct cardea_status why = CARDEA_FAIL(E_UNSET);
    memset(&who, 0xee, sizeof who);
    enum verify_answer answer = verify_credential(&v, kind, text, &who, &why);
    return answered(answer, why);
}

#define SESSION_IS(answer) assert_string_equal(check(KIND_SESSION, cookie()), answer)
#define TOKEN_IS(text, answer) assert_string_equal(check(KIND_TOKEN, text), answer)
#define KEY_IS(text, answer) assert_string_equal(check(KIND_KEY, text), answer)

/* --- sessions --- */

static void a_session_is_who_logged_in(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "web", cookie_text);
    SESSION_IS("yes");
    assert_int_equal(who.kind, KIND_SESSION);
    assert_true(ID_SAME(who.sid, s.sid) && ID_SAME(who.user.id, alice.id));
    assert_text(table_user_username(&who.user), "alice");
    assert_text(table_user_roles(&who.user), "admin,staff");
    assert_string_equal(who.app->name, "web");
    assert_int_equal(who.authenticated_at_ms, s.authenticated_at_ms);
    assert_int_equal(who.expires_at_ms, s.expires_at_ms);
    assert_int_equal(who.scopes_len, 0);
    assert_int_equal(who.audience.len, 0);
}

static void a_session_that_was_checked_was_seen(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "web", cookie_text);
    struct table_session t;
    h.now_ms += s.idle_ms - 61 * 1000;
    SESSION_IS("yes");
    assert_int_equal(table_find_session(h.table, s.sid, &t), TABLE_HIT);
    assert_in_range(t.last_seen_at_ms, h.now_ms - 1000, h.now_ms);
    /* So it lives another idle time from here. */
    h.now_ms += s.idle_ms - 2000;
    SESSION_IS("yes");
}

static void any_changed_bit_of_a_cookie_is_refused(void **state)
{
    (void)state;
    (void)house_session(&h, &alice, "web", cookie_text);
    char good[SESSION_COOKIE_TEXT];
    memcpy(good, cookie_text, sizeof good);
    for (size_t i = 0; i < sizeof good; i++) {
        cookie_text[i] = good[i] == 'A' ? 'B' : 'A';
        SESSION_IS("E_INVALID_SESSION");
        cookie_text[i] = good[i];
    }
    SESSION_IS("yes");
    assert_string_equal(check(KIND_SESSION, view_of(good, sizeof good - 1)), "E_INVALID_SESSION");
    assert_string_equal(check(KIND_SESSION, VIEW_EMPTY), "E_INVALID_SESSION");
}

static void an_unknown_session_is_the_stores_to_tell(void **state)
{
    (void)state;
    struct session_cookie c;
    house_bytes(&c, sizeof c);
    session_cookie_format(h.keys, &c, cookie_text);
    SESSION_IS("unknown: E_NOT_FOUND");
}

static void a_session_ends(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "web", cookie_text);
    house_end(&h, CHANGE_SESSION_END, s.sid.bytes);
    SESSION_IS("E_INVALID_SESSION");
}

static void absolute_and_idle_ends(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "web", cookie_text);
    h.now_ms = s.last_seen_at_ms + s.idle_ms - 1;
    SESSION_IS("yes");
    s = house_session(&h, &alice, "web", cookie_text);
    h.now_ms = s.last_seen_at_ms + s.idle_ms;
    /* Another node may have seen it: not a no. */
    SESSION_IS("unknown: E_NOT_FOUND");
    h.now_ms = s.expires_at_ms;
    SESSION_IS("E_EXPIRED");
    h.now_ms = s.expires_at_ms - 1;
    s.idle_ms = 0;
    house_put_session(&h, &s);
    SESSION_IS("yes");
}

static void the_users_epoch_and_status_decide(void **state)
{
    (void)state;
    (void)house_session(&h, &alice, "web", cookie_text);
    alice.status = USER_SUSPENDED;
    house_put_user(&h, &alice);
    SESSION_IS(
        "unknown: E_NOT_FOUND"); /* of the suspended user's epoch: made after a resumption that is not here yet */
    alice.epoch++;
    house_put_user(&h, &alice);
    SESSION_IS("E_INVALID_SESSION"); /* what a suspension does */
    alice.status = USER_ACTIVE;
    house_put_user(&h, &alice);
    SESSION_IS("E_INVALID_SESSION"); /* nor does it come back */
    (void)house_session(&h, &alice, "web", cookie_text);
    SESSION_IS("yes");
    snprintf(alice.roles, sizeof alice.roles, "none");
    house_put_user(&h, &alice);
    SESSION_IS("yes");
    assert_text(table_user_roles(&who.user), "none");
    alice.epoch++;
    house_put_user(&h, &alice);
    SESSION_IS("E_INVALID_SESSION");
    house_end(&h, CHANGE_USER_END, alice.id.bytes);
    SESSION_IS("E_INVALID_SESSION");
}

static void a_session_ahead_of_its_user_is_the_stores_to_tell(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "web", cookie_text);
    s.epoch = alice.epoch + 1;
    house_put_session(&h, &s);
    SESSION_IS("unknown: E_NOT_FOUND");
    struct user_record stranger = alice;
    house_bytes(&stranger.id, sizeof stranger.id);
    (void)house_session(&h, &stranger, "web", cookie_text);
    SESSION_IS("unknown: E_NOT_FOUND");
}

static void a_tokens_session_has_no_cookie(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "web", cookie_text);
    s.kind = SESSION_TOKEN;
    house_put_session(&h, &s);
    SESSION_IS("E_INVALID_SESSION");
}

static void a_disabled_app_lets_nobody_in(void **state)
{
    (void)state;
    (void)house_session(&h, &alice, "web", cookie_text);
    struct session_record s = house_session(&h, &alice, "mobile", NULL);
    struct access_claims c = house_claims(&h, &s);
    struct view token = house_sign(&h, &c, token_text);
    TOKEN_IS(token, "yes");
    for (uint32_t i = 0; i < h.settings->app_count; i++)
        h.settings->apps[i].profile = PROFILE_UNSET;
    h.settings->generation++;
    SESSION_IS("E_INVALID_SESSION");
    TOKEN_IS(token, "E_INVALID_TOKEN");
}

/* --- the lease --- */

static void past_the_lease_nothing_is_known(void **state)
{
    (void)state;
    struct view key;
    struct session_record s = house_session(&h, &alice, "web", cookie_text);
    struct access_claims c = house_claims(&h, &s);
    struct view token = house_sign(&h, &c, token_text);
    (void)house_key(&h, &alice, "", key_text, &key);
    table_set_valid_until(h.writer, h.boot_ms + 1);
    SESSION_IS("yes");
    table_set_valid_until(h.writer, h.boot_ms);
    SESSION_IS("unknown: E_UNAVAILABLE");
    TOKEN_IS(token, "unknown: E_UNAVAILABLE");
    KEY_IS(key, "unknown: E_UNAVAILABLE");
    table_set_valid_until(h.writer, INT64_MAX);
    SESSION_IS("yes");
    table_close(h.writer);
    SESSION_IS("unknown: E_UNAVAILABLE");
    /* What is no credential at all needs no table. */
    cookie_text[0] ^= 1;
    SESSION_IS("E_INVALID_SESSION");
}

static void without_a_table_the_store_is_asked(void **state)
{
    (void)state;
    struct verifier v = house_verifier(&h);
    struct cardea_status why;
    (void)house_session(&h, &alice, "web", cookie_text);
    v.table = NULL;
    assert_string_equal(answered(verify_session(&v, cookie(), &who, &why), why), "unknown: E_NOT_FOUND");
}

/* --- tokens --- */

static void a_token_is_who_logged_in(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "mobile", NULL);
    struct access_claims c = house_claims(&h, &s);
    struct view token = house_sign(&h, &c, token_text);
    for (int i = 0; i < 3; i++) { /* first seen, then from the cache */
        TOKEN_IS(token, "yes");
        assert_int_equal(who.kind, KIND_TOKEN);
        assert_true(ID_SAME(who.sid, s.sid) && ID_SAME(who.user.id, alice.id) && ID_SAME(who.jti, c.jti));
        assert_string_equal(who.app->name, "mobile");
        assert_text(who.audience, h.settings->public_url);
        assert_int_equal(who.authenticated_at_ms, s.authenticated_at_ms);
        assert_int_equal(who.expires_at_ms, c.exp_s * 1000);
        assert_text(table_user_roles(&who.user), "admin,staff");
    }
}

/* The same refusals whether the signature was checked now or before. */
static void warm(struct view token, bool cached)
{
    if (cached)
        TOKEN_IS(token, "yes");
}

static void a_token_dies_with_its_session_its_user_and_itself(void **state)
{
    (void)state;
    for (int cached = 0; cached < 2; cached++) {
        struct session_record s = house_session(&h, &alice, "mobile", NULL);
        struct access_claims c = house_claims(&h, &s);
        struct view token = house_sign(&h, &c, token_text);
        warm(token, cached);
        house_end(&h, CHANGE_TOKEN_END, c.jti.bytes);
        TOKEN_IS(token, "E_INVALID_TOKEN");

        c = house_claims(&h, &s);
        token = house_sign(&h, &c, token_text);
        warm(token, cached);
        house_end(&h, CHANGE_SESSION_END, s.sid.bytes);
        TOKEN_IS(token, "E_INVALID_TOKEN");

        s = house_session(&h, &alice, "mobile", NULL);
        c = house_claims(&h, &s);
        token = house_sign(&h, &c, token_text);
        warm(token, cached);
        alice.epoch++;
        house_put_user(&h, &alice);
        TOKEN_IS(token, "E_INVALID_TOKEN");
        c.epoch = alice.epoch + 1;
        TOKEN_IS(house_sign(&h, &c, token_text), "unknown: E_NOT_FOUND");

        c.epoch = alice.epoch;
        token = house_sign(&h, &c, token_text);
        warm(token, cached);
        alice.status = USER_SUSPENDED;
        house_put_user(&h, &alice);
        TOKEN_IS(token, "unknown: E_NOT_FOUND");
        alice.epoch++;
        house_put_user(&h, &alice);
        TOKEN_IS(token, "E_INVALID_TOKEN");
        alice.status = USER_ACTIVE;
        house_put_user(&h, &alice);
    }
}

static void a_token_needs_no_session_in_the_table(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "mobile", NULL);
    struct access_claims c = house_claims(&h, &s);
    house_bytes(&c.sid, sizeof c.sid);
    TOKEN_IS(house_sign(&h, &c, token_text), "yes");
    assert_int_equal(who.authenticated_at_ms, 0);
    assert_true(ID_SAME(who.sid, c.sid));
    house_bytes(&c.sub, sizeof c.sub);
    TOKEN_IS(house_sign(&h, &c, token_text), "unknown: E_NOT_FOUND");
}

static void a_token_ends_on_time_cached_or_not(void **state)
{
    (void)state;
    for (int cached = 0; cached < 2; cached++) {
        struct session_record s = house_session(&h, &alice, "mobile", NULL);
        struct access_claims c = house_claims(&h, &s);
        struct view token = house_sign(&h, &c, token_text);
        warm(token, cached);
        h.now_ms = c.exp_s * 1000 - 1;
        warm(token, cached);
        h.now_ms = c.exp_s * 1000;
        TOKEN_IS(token, "E_EXPIRED");
        /* With a clock that is put back it is good again: nothing was decided for good. */
        h.now_ms = c.exp_s * 1000 - 1;
        TOKEN_IS(token, "yes");
        h.now_ms = (c.iat_s - LEEWAY_S - 1) * 1000;
        TOKEN_IS(token, "E_INVALID_TOKEN");
        h.now_ms = HOUSE_NOW;
    }
}

static void a_token_does_not_outlive_its_sessions_end(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "mobile", NULL);
    s.expires_at_ms = h.now_ms + 60 * 1000;
    house_put_session(&h, &s);
    struct access_claims c = house_claims(&h, &s);
    struct view token = house_sign(&h, &c, token_text);
    TOKEN_IS(token, "yes");
    h.now_ms = s.expires_at_ms;
    TOKEN_IS(token, "E_EXPIRED");
}

static void a_token_dies_with_its_key(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "mobile", NULL);
    struct access_claims c = house_claims(&h, &s);
    struct view token = house_sign(&h, &c, token_text);
    TOKEN_IS(token, "yes");
    /* The same snapshot: only its time has come. */
    h.keys->access[0].state = KEY_RETIRING;
    h.keys->access[0].drop_at_ms = h.now_ms + 1;
    TOKEN_IS(token, "yes");
    h.now_ms++;
    TOKEN_IS(token, "E_INVALID_TOKEN");
    h.keys->access[0].state = KEY_ACTIVE;
    TOKEN_IS(token, "yes");
    /* The next snapshot, without it: another key stands in its place. */
    struct keyring *old = h.keys;
    h.keys = house_keyring();
    h.keys->generation = old->generation + 1;
    TOKEN_IS(token, "E_INVALID_TOKEN");
    keyring_unref(old);
}

static void any_changed_character_of_a_token_is_refused(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "mobile", NULL);
    struct access_claims c = house_claims(&h, &s);
    struct view token = house_sign(&h, &c, token_text);
    TOKEN_IS(token, "yes");
    for (size_t i = 0; i < token.len; i++) {
        char good = token_text[i];
        token_text[i] = good == 'A' ? 'B' : 'A';
        TOKEN_IS(token, "E_INVALID_TOKEN");
        token_text[i] = good;
    }
    TOKEN_IS(view_of(token.ptr, token.len - 1), "E_INVALID_TOKEN");
    TOKEN_IS(VIEW_EMPTY, "E_INVALID_TOKEN");
    static char huge[3 * ACCESS_TOKEN_TEXT_MAX];
    memset(huge, '.', sizeof huge);
    TOKEN_IS(view_of(huge, sizeof huge), "E_INVALID_TOKEN");
    TOKEN_IS(token, "yes");
}

static void a_token_is_for_its_apps_own_audience_or_a_policys(void **state)
{
    (void)state;
    struct session_record s = house_session(&h, &alice, "mobile", NULL);
    struct app *service = &h.settings->apps[3];
    assert_string_equal(service->name, "service");
    snprintf(service->audience, sizeof service->audience, "https://api.example");
    struct access_claims c = house_claims(&h, &s);
    /* Another app's audience in mobile's token. */
    snprintf(c.audience, sizeof c.audience, "https://api.example");
    struct view token = house_sign(&h, &c, token_text);
    TOKEN_IS(token, "E_INVALID_TOKEN");

    struct policy *p = &h.settings->policies[h.settings->policy_count++];
    snprintf(p->name, sizeof p->name, "api");
    snprintf(p->audience, sizeof p->audience, "https://api.example");
    h.settings->generation++;
    for (int i = 0; i < 2; i++) {
        TOKEN_IS(token, "yes");
        assert_text(who.audience, "https://api.example");
        assert_ok(policy_check(p, h.settings, &who, h.now_ms));
        /* Only where that policy asks for it. */
        assert_code(policy_check(NULL, h.settings, &who, h.now_ms), E_FORBIDDEN);
    }
    c = house_claims(&h, &s);
    TOKEN_IS(house_sign(&h, &c, token_text), "yes");
    assert_ok(policy_check(NULL, h.settings, &who, h.now_ms));
    assert_code(policy_check(p, h.settings, &who, h.now_ms), E_FORBIDDEN);
    /* Settings that no longer know the policy: the cached result is no longer believed. */
    snprintf(c.audience, sizeof c.audience, "https://api.example");
    token = house_sign(&h, &c, token_text);
    TOKEN_IS(token, "yes");
    h.settings->policy_count = 0;
    h.settings->generation++;
    TOKEN_IS(token, "E_INVALID_TOKEN");
}

static void many_tokens_through_a_small_cache(void **state)
{
    (void)state;
    enum { TOKENS = 300 };
    static char texts[TOKENS][ACCESS_TOKEN_TEXT_MAX];
    static struct view tokens[TOKENS];
    static struct access_claims claims[TOKENS];
    static const uint8_t key[16] = {7};
    verify_cache_free(h.cache);
    h.cache = verify_cache_new(1, key); /* 64 entries */
    struct session_record s = house_session(&h, &alice, "mobile", NULL);
    for (int i = 0; i < TOKENS; i++) {
        claims[i] = house_claims(&h, &s);
        tokens[i] = house_sign(&h, &claims[i], texts[i]);
    }
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < TOKENS; i++) {
            TOKEN_IS(tokens[i], "yes");
            assert_true(ID_SAME(who.jti, claims[i].jti));
        }
    house_end(&h, CHANGE_TOKEN_END, claims[TOKENS - 1].jti.bytes);
    TOKEN_IS(tokens[TOKENS - 1], "E_INVALID_TOKEN");
    TOKEN_IS(tokens[TOKENS - 2], "yes");
    verify_cache_free(h.cache);
    h.cache = NULL;
    TOKEN_IS(tokens[0], "yes");
}

/* --- sealed sessions --- */

static char sealed_chars[SEALED_TEXT_MAX];
#define SEALED_IS(text, answer) assert_string_equal(check(KIND_SEALED, text), answer)

static void a_sealed_session_is_who_logged_in(void **state)
{
    (void)state;
    struct view text;
    struct session_record s = house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    struct table_session t;
    for (int i = 0; i < 2; i++) {
        SEALED_IS(text, "yes");
        assert_int_equal(who.kind, KIND_SEALED);
        assert_true(ID_SAME(who.sid, s.sid) && ID_SAME(who.user.id, alice.id));
        assert_string_equal(who.app->name, "sealed");
        assert_int_equal(who.authenticated_at_ms, s.authenticated_at_ms);
        assert_int_equal(who.expires_at_ms, h.now_ms + 900 * 1000);
        assert_int_equal(who.scopes_len, 0);
        assert_text(table_user_roles(&who.user), "admin,staff");
    }
    assert_int_equal(table_find_session(h.table, s.sid, &t), TABLE_HIT);
    assert_in_range(t.last_seen_at_ms, h.now_ms - 1000, h.now_ms); /* that counts as a use */
    struct policy p = {.kinds = KIND_SEALED};
    assert_ok(policy_check(&p, h.settings, &who, h.now_ms));
    p.kinds = KIND_SESSION | KIND_TOKEN | KIND_KEY;
    assert_code(policy_check(&p, h.settings, &who, h.now_ms), E_FORBIDDEN);
}

static void a_sealed_session_dies_with_its_record_and_its_user(void **state)
{
    (void)state;
    struct view text;
    struct session_record s = house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    house_end(&h, CHANGE_SESSION_END, s.sid.bytes);
    SEALED_IS(text, "E_INVALID_SESSION");

    (void)house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    alice.status = USER_SUSPENDED;
    house_put_user(&h, &alice);
    SEALED_IS(text, "unknown: E_NOT_FOUND");
    alice.epoch++;
    house_put_user(&h, &alice);
    SEALED_IS(text, "E_INVALID_SESSION");
    alice.status = USER_ACTIVE;
    house_put_user(&h, &alice);
    (void)house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    SEALED_IS(text, "yes");
    alice.epoch++;
    house_put_user(&h, &alice);
    SEALED_IS(text, "E_INVALID_SESSION");
    /* An epoch that the table has not heard of. */
    alice.epoch += 7;
    (void)house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    SEALED_IS(text, "unknown: E_NOT_FOUND");
    house_end(&h, CHANGE_USER_END, alice.id.bytes);
    SEALED_IS(text, "E_INVALID_SESSION");
}

static void a_sealed_session_needs_no_record_in_the_table(void **state)
{
    (void)state;
    char other[SEALED_TEXT_MAX];
    struct view text;
    struct session_record s = house_sealed(&h, &alice, "sealed", other, &text);
    struct buf b = buf_fixed(sealed_chars, sizeof sealed_chars);
    int64_t expires_in_s;
    house_bytes(&s.sid, sizeof s.sid);
    assert_ok(grant_sealed(h.keys, entropy_system(), settings_app(h.settings, VIEW("sealed"), NULL), &s, h.now_ms, &b,
                           &expires_in_s));
    assert_int_equal(expires_in_s, 900);
    SEALED_IS(buf_view(&b), "yes");
    assert_int_equal(who.authenticated_at_ms, 0);
}

static void a_sealed_session_ends_on_time(void **state)
{
    (void)state;
    struct view text;
    struct session_record s = house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    h.now_ms += 900 * 1000 - 1;
    SEALED_IS(text, "yes");
    h.now_ms++;
    SEALED_IS(text, "E_EXPIRED");
    h.now_ms = HOUSE_NOW;
    s.expires_at_ms = h.now_ms + 1000;
    house_put_session(&h, &s);
    SEALED_IS(text, "yes");
    h.now_ms += 1000; /* as its record says, whatever the text says */
    SEALED_IS(text, "E_EXPIRED");
}

static void only_an_app_that_seals_has_sealed_sessions(void **state)
{
    (void)state;
    struct view text;
    struct app *app = &h.settings->apps[5];
    (void)house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    assert_string_equal(app->name, "sealed");
    app->carrier = CARRIER_SESSION_COOKIE;
    SEALED_IS(text, "E_INVALID_SESSION");
    app->carrier = CARRIER_SEALED_COOKIE;
    SEALED_IS(text, "yes");
    app->profile = PROFILE_UNSET;
    SEALED_IS(text, "E_INVALID_SESSION");
}

static void a_sealed_text_is_no_other_credential(void **state)
{
    (void)state;
    struct view text, token;
    struct session_record s = house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    SESSION_IS("E_INVALID_SESSION");
    assert_string_equal(check(KIND_SESSION, text), "E_INVALID_SESSION");
    TOKEN_IS(text, "E_INVALID_TOKEN");
    KEY_IS(text, "E_INVALID_KEY");
    /* Nor the other way round; and a sealed session's sid makes no session cookie. */
    struct access_claims c = house_claims(&h, &s);
    token = house_sign(&h, &c, token_text);
    SEALED_IS(token, "E_INVALID_SESSION");
    struct session_cookie forged = {.sid = s.sid};
    session_cookie_format(h.keys, &forged, cookie_text);
    SESSION_IS("E_INVALID_SESSION");
    SEALED_IS(cookie(), "E_INVALID_SESSION");
}

static void any_changed_character_of_a_sealed_text_is_refused(void **state)
{
    (void)state;
    struct view text;
    (void)house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    for (size_t i = 0; i < text.len; i++) {
        char good = sealed_chars[i];
        sealed_chars[i] = good == 'A' ? 'B' : 'A';
        SEALED_IS(text, "E_INVALID_SESSION");
        sealed_chars[i] = good;
    }
    SEALED_IS(view_of(text.ptr, text.len - 1), "E_INVALID_SESSION");
    SEALED_IS(VIEW_EMPTY, "E_INVALID_SESSION");
    SEALED_IS(VIEW("...."), "E_INVALID_SESSION");
    /* Another ring's. */
    struct keyring *old = h.keys;
    h.keys = house_keyring();
    SEALED_IS(text, "E_INVALID_SESSION");
    keyring_unref(h.keys);
    h.keys = old;
    SEALED_IS(text, "yes");
}

static void past_the_lease_no_sealed_session_is_believed(void **state)
{
    (void)state;
    struct view text;
    (void)house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    table_set_valid_until(h.writer, h.boot_ms);
    SEALED_IS(text, "unknown: E_UNAVAILABLE");
    SEALED_IS(VIEW("a.b.c.d.e"), "unknown: E_BUSY"); /* perhaps of a key that was not heard of */
}

static void checking_a_sealed_session_allocates_nothing(void **state)
{
    (void)state;
    struct view text;
    (void)house_sealed(&h, &alice, "sealed", sealed_chars, &text);
    struct verifier v = house_verifier(&h);
    struct cardea_status why;
    for (int i = 0; i < 3; i++) {
        size_t before = alloc_count;
        enum verify_answer answer = verify_sealed(&v, text, &who, &why);
        size_t after = alloc_count;
        assert_int_equal(answer, VERIFY_YES);
        assert_int_equal(after, before);
    }
}

/* --- tokens checked against their live record --- */

static void a_live_token_needs_its_record(void **state)
{
    (void)state;
    app_take_tokens(&h.settings->apps[4]);
    h.settings->generation++;
    assert_string_equal(h.settings->apps[4].name, "strict");
    struct session_record s = house_session(&h, &alice, "strict", NULL);
    struct access_claims c = house_claims(&h, &s);
    struct view token = house_sign(&h, &c, token_text);
    for (int i = 0; i < 2; i++) {
        TOKEN_IS(token, "yes");
        assert_int_equal(who.authenticated_at_ms, s.authenticated_at_ms);
    }
    /* Not known here: the store's to tell, cached signature or not. */
    house_bytes(&c.sid, sizeof c.sid);
    for (int i = 0; i < 2; i++)
        TOKEN_IS(house_sign(&h, &c, token_text), "unknown: E_NOT_FOUND");
    house_end(&h, CHANGE_SESSION_END, s.sid.bytes);
    c.sid = s.sid;
    TOKEN_IS(house_sign(&h, &c, token_text), "E_INVALID_TOKEN");
}

static void a_live_tokens_idle_end_counts(void **state)
{
    (void)state;
    app_take_tokens(&h.settings->apps[4]);
    struct session_record s = house_session(&h, &alice, "strict", NULL);
    s.idle_ms = 120 * 1000;
    house_put_session(&h, &s);
    struct access_claims c = house_claims(&h, &s);
    struct view token = house_sign(&h, &c, token_text);
    TOKEN_IS(token, "yes"); /* and seen */
    h.now_ms += 120 * 1000 - 1001;
    TOKEN_IS(token, "yes");
    h.now_ms += 120 * 1000;
    TOKEN_IS(token, "unknown: E_NOT_FOUND");
}

static void a_live_token_is_of_its_record(void **state)
{
    (void)state;
    app_take_tokens(&h.settings->apps[4]);
    struct session_record s = house_session(&h, &alice, "strict", NULL);
    struct access_claims c = house_claims(&h, &s);
    struct view token = house_sign(&h, &c, token_text);
    TOKEN_IS(token, "yes");
    s.kind = SESSION_COOKIE;
    house_put_session(&h, &s);
    TOKEN_IS(token, "E_INVALID_TOKEN");
    s.kind = SESSION_TOKEN;
    house_bytes(&s.user, sizeof s.user);
    house_put_session(&h, &s);
    TOKEN_IS(token, "E_INVALID_TOKEN");
    s.user = alice.id;
    house_put_session(&h, &s);
    TOKEN_IS(token, "yes");
}

/* --- keys --- */

static void a_key_is_its_owner(void **state)
{
    (void)state;
    struct view key;
    struct api_key_record r = house_key(&h, &alice, "read write", key_text, &key);
    KEY_IS(key, "yes");
    assert_int_equal(who.kind, KIND_KEY);
    assert_true(ID_SAME(who.key, r.id) && ID_SAME(who.user.id, alice.id));
    assert_null(who.app);
    assert_text(view_of(who.scopes, who.scopes_len), "read write");
    assert_int_equal(who.expires_at_ms, r.expires_at_ms);

    /* Log out everywhere is for logins. */
    alice.epoch++;
    house_put_user(&h, &alice);
    KEY_IS(key, "yes");
    alice.status = USER_SUSPENDED;
    house_put_user(&h, &alice);
    KEY_IS(key, "E_INVALID_KEY");
    alice.status = USER_ACTIVE;
    house_put_user(&h, &alice);
    h.now_ms = r.expires_at_ms;
    KEY_IS(key, "E_EXPIRED");
    h.now_ms = HOUSE_NOW;
    house_end(&h, CHANGE_API_KEY_END, r.id.bytes);
    KEY_IS(key, "E_INVALID_KEY");
}

static void a_key_with_another_secret_is_refused(void **state)
{
    (void)state;
    struct view key;
    struct api_key_record r = house_key(&h, &alice, "", key_text, &key);
    struct api_key forged = {.id = r.id};
    struct buf b = buf_fixed(key_text, sizeof key_text);
    api_key_format(h.keys, &forged, &b);
    KEY_IS(buf_view(&b), "E_INVALID_KEY");
    house_bytes(&forged, sizeof forged);
    buf_reset(&b);
    api_key_format(h.keys, &forged, &b);
    KEY_IS(buf_view(&b), "unknown: E_NOT_FOUND");
    KEY_IS(VIEW("cdk_"), "E_INVALID_KEY");
    assert_string_equal(check(KIND_SEALED, buf_view(&b)), "E_INVALID_SESSION");
    assert_string_equal(check(KIND_UNSET, buf_view(&b)), "E_UNAUTHENTICATED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(a_session_is_who_logged_in),
        TEST(a_session_that_was_checked_was_seen),
        TEST(any_changed_bit_of_a_cookie_is_refused),
        TEST(an_unknown_session_is_the_stores_to_tell),
        TEST(a_session_ends),
        TEST(absolute_and_idle_ends),
        TEST(the_users_epoch_and_status_decide),
        TEST(a_session_ahead_of_its_user_is_the_stores_to_tell),
        TEST(a_tokens_session_has_no_cookie),
        TEST(a_disabled_app_lets_nobody_in),
        TEST(past_the_lease_nothing_is_known),
        TEST(without_a_table_the_store_is_asked),
        TEST(a_token_is_who_logged_in),
        TEST(a_token_dies_with_its_session_its_user_and_itself),
        TEST(a_token_needs_no_session_in_the_table),
        TEST(a_token_ends_on_time_cached_or_not),
        TEST(a_token_does_not_outlive_its_sessions_end),
        TEST(a_token_dies_with_its_key),
        TEST(any_changed_character_of_a_token_is_refused),
        TEST(a_token_is_for_its_apps_own_audience_or_a_policys),
        TEST(many_tokens_through_a_small_cache),
        TEST(a_sealed_session_is_who_logged_in),
        TEST(a_sealed_session_dies_with_its_record_and_its_user),
        TEST(a_sealed_session_needs_no_record_in_the_table),
        TEST(a_sealed_session_ends_on_time),
        TEST(only_an_app_that_seals_has_sealed_sessions),
        TEST(a_sealed_text_is_no_other_credential),
        TEST(any_changed_character_of_a_sealed_text_is_refused),
        TEST(past_the_lease_no_sealed_session_is_believed),
        TEST(checking_a_sealed_session_allocates_nothing),
        TEST(a_live_token_needs_its_record),
        TEST(a_live_tokens_idle_end_counts),
        TEST(a_live_token_is_of_its_record),
        TEST(a_key_is_its_owner),
        TEST(a_key_with_another_secret_is_refused),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
