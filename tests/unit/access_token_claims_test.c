/* Access tokens, attacks on JSON and claims: group B of the attack list, each case a test named after its id, each with
 * its siblings; lifetimes and clocks to the second. */
#include "token_forge.h"

static void b01_duplicate_names(void **state)
{
    char *text = scratch();
    struct parts p = good_parts();

    (void)state;
    snprintf(text, TOKEN_MAX, "{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);
    assert_refused(with_header(text));
    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"alg\":\"none\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);
    assert_refused(with_header(text));
    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"a\\u006cg\":\"ES256\",\"kid\":\"%s\"}", kid);
    assert_refused(with_header(text));
    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"kid\":\"%s\"}", kid, kid);
    assert_refused(with_header(text));
    p.rest = "\"ep\":3,\"client_id\":\"mobile\",\"exp\":1800003000";
    assert_refused(with_payload(claims(p)));
    p.rest = "\"ep\":3,\"client_id\":\"mobile\",\"\\u0073ub\":\"01940000-0000-7000-8000-000000000002\"";
    assert_refused(with_payload(claims(p)));
    p.rest = "\"ep\":3,\"client_id\":\"mobile\",\"x\":{\"a\":1,\"a\":2}"; /* also where nobody looks */
    assert_refused(with_payload(claims(p)));
}

static void b03_broken_text(void **state)
{
    static const char *const bad[] = {
        "\xff",    "\xc0\xaf",       "\xe0\x80\xaf",     "\xed\xa0\x80", "\xed\xa0\xbd\xed\xb8\x80",
        "\\ud800", "\\udc00\\ud800", "\xf4\x90\x80\x80", "\x01",         "\n",
        "\\x41",   "\\u00"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *rest = scratch();
        struct parts p = good_parts();
        snprintf(rest, TOKEN_MAX, "\"ep\":3,\"client_id\":\"mobile\",\"x\":\"%s\"", bad[i]);
        p.rest = rest;
        assert_refused(with_payload(claims(p)));
    }
    struct view good = claims(good_parts());
    char *text = scratch();
    int len = snprintf(text, TOKEN_MAX, "\xef\xbb\xbf%.*s", (int)good.len, good.ptr);
    assert_refused(with_payload(view_of(text, (size_t)len))); /* BOM */
    for (size_t i = 0; i < good.len; i++) {                   /* UTF-16 */
        text[2 * i] = good.ptr[i];
        text[2 * i + 1] = '\0';
    }
    assert_refused(with_payload(view_of(text, 2 * good.len)));
    memcpy(text, good.ptr, good.len); /* a raw NUL inside a string */
    *(char *)memmem(text, good.len, "mobile", 6) = '\0';
    assert_refused(with_payload(view_of(text, good.len)));
}

static void b04_deep_nesting(void **state)
{
    static char deep[100000];
    char *rest = scratch();
    struct parts p = good_parts();

    (void)state;
    memset(deep, '[', sizeof deep);
    assert_refused(view_of(deep, sizeof deep));
    char header[1200] = "";
    memset(header, '[', 180);
    assert_refused(signed_by(keys, view_of(header, 180), claims(good_parts())));
    memset(header, '[', 1100);
    assert_refused(with_payload(view_of(header, 1100)));
    int len = snprintf(rest, TOKEN_MAX, "\"ep\":3,\"client_id\":\"mobile\",\"x\":");
    memset(rest + len, '[', 200);
    memset(rest + len + 200, ']', 200);
    rest[len + 400] = '\0';
    p.rest = rest;
    assert_refused(with_payload(claims(p)));
}

static void b05_payload_is_no_object(void **state)
{
    static const char *const bad[] = {"", "[]", "\"x\"", "1", "null", "true", "{", "{}", " ", "{}{}", "[{}]"};
    struct view good = claims(good_parts());
    char *text = scratch();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(with_payload(view_text(bad[i])));
    memcpy(text, good.ptr, good.len);
    text[good.len] = 'x';
    assert_refused(with_payload(view_of(text, good.len + 1)));
    text[good.len] = '\0';
    assert_refused(with_payload(view_of(text, good.len + 1)));
    text[good.len] = ',';
    assert_refused(with_payload(view_of(text, good.len + 1)));
}

static void b06_many_members_and_long_numbers(void **state)
{
    char *rest = scratch();
    struct parts p = good_parts();
    int len = snprintf(rest, TOKEN_MAX, "\"ep\":3,\"client_id\":\"mobile\"");

    (void)state;
    for (int i = 0; i < 100; i++)
        len += snprintf(rest + len, (size_t)(TOKEN_MAX - len), ",\"k%d\":0", i);
    p.rest = rest;
    assert_ok(verify(with_payload(claims(p)))); /* unknown claims are nobody's business … */
    for (int i = 100; i < 500; i++)
        len += snprintf(rest + len, (size_t)(TOKEN_MAX - len), ",\"k%d\":0", i);
    assert_refused(view_text(join(encode(good_header()), encode(view_of(rest, (size_t)len))))); /* … up to the limit */
    p = good_parts();
    len = snprintf(rest, TOKEN_MAX, "\"ep\":");
    memset(rest + len, '9', 1000);
    snprintf(rest + len + 1000, 100, ",\"client_id\":\"mobile\"");
    p.rest = rest;
    assert_refused(with_payload(claims(p)));
}

static struct cardea_status verify_times(const char *times)
{
    struct parts p = good_parts();

    p.times = times;
    return verify(with_payload(claims(p)));
}

static void b07_exp_missing_or_of_another_type(void **state)
{
    static const char *const bad[] = {"null", "\"1800000900\"", "[1800000900]", "true", "{}", "\"\"", "-1", "0"};

    (void)state;
    assert_code(verify_times("\"iat\":1800000000"), E_INVALID_TOKEN);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *times = scratch();
        snprintf(times, TOKEN_MAX, "\"exp\":%s,\"iat\":1800000000", bad[i]);
        assert_code(verify_times(times), E_INVALID_TOKEN);
    }
}

static void b08_exp_out_of_range(void **state)
{
    static const char *const bad[] = {"1e400",
                                      "1e308",
                                      "1.8000009e9",
                                      "1800000900.0",
                                      "1800000900.5",
                                      "Infinity",
                                      "NaN",
                                      "-Infinity",
                                      "4294967296",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "18446744073709551616",
                                      "-9223372036854775808",
                                      "1800000900000",
                                      "1800000000000000",
                                      "0x6b49d584",
                                      "+1800000900",
                                      "01800000900",
                                      "253402300800"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *times = scratch();
        snprintf(times, TOKEN_MAX, "\"exp\":%s,\"iat\":1800000000", bad[i]);
        assert_code(verify_times(times), E_INVALID_TOKEN);
        snprintf(times, TOKEN_MAX, "\"exp\":%s,\"iat\":%s", bad[i], bad[i]);
        assert_code(verify_times(times), E_INVALID_TOKEN);
    }
    char *times = scratch();
    int len = snprintf(times, TOKEN_MAX, "\"iat\":1800000000,\"exp\":");
    memset(times + len, '1', 400);
    times[len + 400] = '\0';
    assert_code(verify_times(times), E_INVALID_TOKEN);
}

/* Promise 4: whoever signed, no token of more than an hour. */
static void lifetimes_are_bounded(void **state)
{
    (void)state;
    assert_ok(verify_times("\"exp\":1800003600,\"iat\":1800000000"));
    assert_code(verify_times("\"exp\":1800003601,\"iat\":1800000000"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000001,\"iat\":1799990000"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000000,\"iat\":1800000000"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1799999999,\"iat\":1800000000"), E_INVALID_TOKEN);
}

/* exp has no leeway, to the second; and expiry is only told where nothing else was wrong. */
static void expiry_is_exact(void **state)
{
    struct access_expectation want = expectation(), other = want;
    struct access_token out;
    const char *token = good_token(); /* exp 1800000900 */

    (void)state;
    assert_ok(access_token_verify(keys, view_text(token), &want, (now_s + 899) * 1000 + 999, &out));
    assert_code(access_token_verify(keys, view_text(token), &want, (now_s + 900) * 1000, &out), E_EXPIRED);
    assert_ok(access_token_times(&out.claims, (now_s + 899) * 1000));
    assert_code(access_token_times(&out.claims, (now_s + 900) * 1000), E_EXPIRED);
    other.issuer = VIEW("https://other.example.com");
    assert_code(access_token_verify(keys, view_text(token), &other, (now_s + 900) * 1000, &out), E_INVALID_TOKEN);
}

static void b10_nbf_and_iat(void **state)
{
    (void)state;
    /* A clock that runs ahead by the leeway is forgiven, by a second more is not. */
    assert_ok(verify_times("\"exp\":1800000900,\"iat\":1800000030"));
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000031"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800087300,\"iat\":1800086400"), E_INVALID_TOKEN); /* a day */
    assert_ok(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":1800000030"));
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":1800000031"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":\"1800000000\""), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":null"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":-1"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":9223372036854775807"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":\"1800000000\""), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":-1"), E_INVALID_TOKEN);
}

static void b11_audience(void **state)
{
    static const char *const bad[] = {NULL,
                                      "\"aud\":\"https://evil.example\"",
                                      "\"aud\":\"\"",
                                      "\"aud\":[]",
                                      "\"aud\":[null]",
                                      "\"aud\":7",
                                      "\"aud\":null",
                                      "\"aud\":[[\"https://api.example.com\"]]",
                                      "\"aud\":{\"https://api.example.com\":1}",
                                      "\"aud\":[\"https://api.example.com\",null]",
                                      "\"aud\":[\"https://evil.example\"]",
                                      "\"aud\":true",
                                      "\"aud\":\"https://api.example.com/\"",
                                      "\"aud\":\"https://api.example.co\"",
                                      "\"aud\":\"HTTPS://api.example.com\"",
                                      "\"aud\":\"https://api.example.com\\u0000\"",
                                      "\"aud\":\"https://api.example.com https://evil.example\"",
                                      "\"aud\":[\"\"]"};
    struct parts p = good_parts();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        p.aud = bad[i];
        assert_refused(with_payload(claims(p)));
    }
    p.aud = "\"aud\":[\"https://third.example\",\"https://api.example.com\"]";
    assert_ok(verify(with_payload(claims(p))));
    p.aud = "\"aud\":\"https://other-api.example.com\"";
    assert_ok(verify(with_payload(claims(p))));
    struct access_expectation nobody = {view_text(issuer), NULL, 0};
    struct access_token out;
    assert_code(access_token_verify(keys, view_text(good_token()), &nobody, now_ms, &out), E_INVALID_TOKEN);
}

static void b13_b17_issuer(void **state)
{
    static const char *const bad[] = {NULL,
                                      "\"iss\":\"\"",
                                      "\"iss\":\"https://id.example.com/\"",
                                      "\"iss\":\"https://id.example.com/tenant-b\"",
                                      "\"iss\":[\"https://id.example.com\"]",
                                      "\"iss\":null",
                                      "\"iss\":0",
                                      "\"iss\":\"https://ID.example.com\"",
                                      "\"iss\":\"https:\\/\\/id.example.com\"",
                                      "\"iss\":\"https://id.example.com\\u0000\""};
    struct parts p = good_parts();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        p.iss = bad[i];
        assert_refused(with_payload(claims(p)));
    }
}

static void b16_bound_tokens_need_their_proof(void **state)
{
    static const char *const cnf[] = {"{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}",
                                      "{\"x5t#S256\":\"A\"}", "{}", "null", "\"\""};

    (void)state;
    for (size_t i = 0; i < sizeof cnf / sizeof *cnf; i++) {
        char *rest = scratch();
        struct parts p = good_parts();
        snprintf(rest, TOKEN_MAX, "\"ep\":3,\"client_id\":\"mobile\",\"cnf\":%s", cnf[i]);
        p.rest = rest;
        assert_refused(with_payload(claims(p)));
    }
}

static void the_other_claims_are_required_and_typed(void **state)
{
    static const char *const subs[] = {NULL,
                                       "\"sub\":\"\"",
                                       "\"sub\":7",
                                       "\"sub\":\"alice\"",
                                       "\"sub\":null",
                                       "\"sub\":\"01940000-0000-7000-8000-00000000000\"",
                                       "\"sub\":\"01940000-0000-7000-8000-000000000001x\""};
    static const char *const ids[] = {NULL,
                                      "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":\"\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAB\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":1,\"sid\":2"};
    static const char *const rests[] = {NULL,
                                        "\"ep\":3",
                                        "\"client_id\":\"mobile\"",
                                        "\"ep\":0,\"client_id\":\"mobile\"",
                                        "\"ep\":-1,\"client_id\":\"mobile\"",
                                        "\"ep\":\"3\",\"client_id\":\"mobile\"",
                                        "\"ep\":3.0,\"client_id\":\"mobile\"",
                                        "\"ep\":3,\"client_id\":\"\"",
                                        "\"ep\":3,\"client_id\":7",
                                        "\"ep\":3,\"client_id\":[\"mobile\"]",
                                        "\"ep\":3,\"client_id\":\"123456789012345678901234567890123\"",
                                        "\"ep\":3,\"client_id\":\"a\\u0000b\"",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":\"admin\"",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[7]",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[\"a,admin\"]",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[\"\"]",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[\"a b\"]",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":null",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":{\"admin\":1}",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[[\"admin\"]]"};

    (void)state;
    for (size_t i = 0; i < sizeof subs / sizeof *subs; i++) {
        struct parts p = good_parts();
        p.sub = subs[i];
        assert_refused(with_payload(claims(p)));
    }
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct parts p = good_parts();
        p.ids = ids[i];
        assert_refused(with_payload(claims(p)));
    }
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        struct parts p = good_parts();
        p.rest = rests[i];
        assert_refused(with_payload(claims(p)));
    }
    struct parts p = good_parts();
    p.rest = "\"ep\":3,\"client_id\":\"m\",\"roles\":[]";
    assert_ok(verify(with_payload(claims(p))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b01_duplicate_names),
        cmocka_unit_test(b03_broken_text),
        cmocka_unit_test(b04_deep_nesting),
        cmocka_unit_test(b05_payload_is_no_object),
        cmocka_unit_test(b06_many_members_and_long_numbers),
        cmocka_unit_test(b07_exp_missing_or_of_another_type),
        cmocka_unit_test(b08_exp_out_of_range),
        cmocka_unit_test(lifetimes_are_bounded),
        cmocka_unit_test(expiry_is_exact),
        cmocka_unit_test(b10_nbf_and_iat),
        cmocka_unit_test(b11_audience),
        cmocka_unit_test(b13_b17_issuer),
        cmocka_unit_test(b16_bound_tokens_need_their_proof),
        cmocka_unit_test(the_other_claims_are_required_and_typed),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
