/* What we sign verifies, says no more than it must, and is refused by a key whose time is over. */
#include "token_forge.h"

static struct access_claims some_claims(void)
{
    struct access_claims c = {.epoch = 3, .iat_s = now_s, .exp_s = now_s + 900, .client_id = "mobile"};

    entropy_fill(entropy_system(), &c.sub, sizeof c.sub);
    entropy_fill(entropy_system(), &c.jti, sizeof c.jti);
    entropy_fill(entropy_system(), &c.sid, sizeof c.sid);
    memcpy(c.audience, audience, sizeof audience);
    return c;
}

static void what_is_signed_verifies(void **state)
{
    struct access_claims in = some_claims();
    struct access_expectation want = expectation();
    struct access_token out;
    struct buf b = buf_heap(ACCESS_TOKEN_TEXT_MAX);

    (void)state;
    memcpy(in.roles, "admin,editor", 13);
    assert_ok(access_token_sign(keys, TOKEN_ES256, entropy_system(), view_text(issuer), &in, &b));
    assert_ok(access_token_verify(keys, buf_view(&b), &want, now_ms, &out));
    assert_true(ID_SAME(in.sub, out.claims.sub));
    assert_true(ID_SAME(in.jti, out.claims.jti));
    assert_true(ID_SAME(in.sid, out.claims.sid));
    assert_int_equal(out.claims.epoch, 3);
    assert_int_equal(out.claims.iat_s, now_s);
    assert_int_equal(out.claims.exp_s, now_s + 900);
    assert_int_equal(out.claims.nbf_s, 0);
    assert_string_equal(out.claims.client_id, "mobile");
    assert_string_equal(out.claims.roles, "admin,editor");
    assert_string_equal(out.claims.audience, audience);
    assert_ptr_equal(out.key, keys->active[TOKEN_ES256]);
    buf_clear(&b);
}

/* Promise 8: by default nothing but these claims. */
static void a_token_says_no_more_than_promised(void **state)
{
    struct access_claims in = some_claims();
    char text[ACCESS_TOKEN_TEXT_MAX], plain[ACCESS_TOKEN_TEXT_MAX] = "";
    struct buf b = buf_fixed(text, sizeof text);
    struct view header, payload, rest;
    size_t len;

    (void)state;
    memset(&in.sub, 0, sizeof in.sub);
    memset(&in.jti, 0, sizeof in.jti);
    memset(&in.sid, 0, sizeof in.sid);
    assert_ok(access_token_sign(keys, TOKEN_ES256, entropy_system(), view_text(issuer), &in, &b));
    assert_true(view_cut(buf_view(&b), '.', &header, &rest));
    assert_true(view_cut(rest, '.', &payload, &rest));
    assert_ok(base64url_decode(payload, plain, sizeof plain - 1, &len));
    assert_text(view_of(plain, len),
                "{\"iss\":\"https://id.example.com\",\"sub\":\"00000000-0000-0000-0000-000000000000\","
                "\"aud\":\"https://api.example.com\",\"exp\":1800000900,\"iat\":1800000000,"
                "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"ep\":3,"
                "\"client_id\":\"mobile\"}");
    assert_ok(base64url_decode(header, plain, sizeof plain - 1, &len));
    assert_view(view_of(plain, len), good_header());
}

static void signing_refuses_claims_that_would_not_verify(void **state)
{
    char text[ACCESS_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text), tiny = buf_fixed(text, 100);
    struct access_claims c = some_claims();
    struct view iss = view_text(issuer);

    (void)state;
    c.exp_s = c.iat_s;
    assert_code(access_token_sign(keys, TOKEN_ES256, entropy_system(), iss, &c, &b), E_USAGE);
    c.exp_s = c.iat_s + LIFETIME_MAX_S + 1; /* promise 4 */
    assert_code(access_token_sign(keys, TOKEN_ES256, entropy_system(), iss, &c, &b), E_USAGE);
    c.iat_s = INT64_C(253402300799); /* the last second of 9999 */
    c.exp_s = c.iat_s + 1;
    assert_code(access_token_sign(keys, TOKEN_ES256, entropy_system(), iss, &c, &b), E_USAGE);
    c.iat_s = now_s;
    c.exp_s = c.iat_s + LIFETIME_MAX_S;
    assert_ok(access_token_sign(keys, TOKEN_ES256, entropy_system(), iss, &c, &b));
    buf_reset(&b);
    c.epoch = 0;
    assert_code(access_token_sign(keys, TOKEN_ES256, entropy_system(), iss, &c, &b), E_USAGE);
    c = some_claims();
    c.client_id[0] = '\0';
    assert_code(access_token_sign(keys, TOKEN_ES256, entropy_system(), iss, &c, &b), E_USAGE);
    c = some_claims();
    c.audience[0] = '\0';
    assert_code(access_token_sign(keys, TOKEN_ES256, entropy_system(), iss, &c, &b), E_USAGE);
    c = some_claims();
    assert_code(access_token_sign(keys, TOKEN_ES256, entropy_system(), VIEW_EMPTY, &c, &b), E_USAGE);
    assert_code(access_token_sign(keys, TOKEN_ES256, entropy_system(), iss, &c, &tiny), E_TOO_LARGE);
    assert_int_equal(b.len, 0);
    struct keyring mute = {.active = {NULL}};
    assert_code(access_token_sign(&mute, TOKEN_ES256, entropy_system(), iss, &c, &b), E_UNAVAILABLE);
}

static void the_hand_made_token_is_good(void **state)
{
    (void)state;
    assert_ok(verify(view_text(good_token())));
    assert_ok(verify(with_members("\"typ\":\"at+jwt\"")));
}

static void a_retired_key_verifies_until_its_end(void **state)
{
    struct master_key *m = key_double_master();
    struct keyring_times times = {0, 1000 * 1000, 1000 * 1000, UINT64_MAX};
    struct access_expectation want = expectation();
    struct access_token out;
    const char *token = good_token();
    struct key_double rotated = store;
    int64_t at_ms;

    (void)state;
    const struct key_work w = key_double_work(&rotated, m, entropy_system(), now_ms - 500 * 1000);
    assert_ok(keyring_rotate(&w, TOKEN_ES256, &times, &at_ms));
    master_key_free(m);
    struct keyring *k = key_double_load(&rotated);
    assert_ok(access_token_verify(k, view_text(token), &want, now_ms, &out));
    assert_int_equal(out.key->state, KEY_RETIRING);
    assert_ok(access_token_verify(k, view_text(token), &want, now_ms + 499 * 1000, &out));
    assert_code(access_token_verify(k, view_text(token), &want, now_ms + 500 * 1000, &out), E_INVALID_TOKEN);
    keyring_unref(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_verifies),
        cmocka_unit_test(a_token_says_no_more_than_promised),
        cmocka_unit_test(signing_refuses_claims_that_would_not_verify),
        cmocka_unit_test(the_hand_made_token_is_good),
        cmocka_unit_test(a_retired_key_verifies_until_its_end),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
