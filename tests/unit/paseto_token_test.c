/* Access tokens as PASETO: what we make verifies and says no more than it must; forged claims and footers under a right
 * signature or tag, as group B of the list of attacks does it to JWTs; D08 and D09 at this level. Every case goes
 * through both purposes. */
#include "alloc_count.h"
#include "check.h"

#include "base/text.h"
#include "core/paseto_token.h"
#include "crypto/random.h"

#include <stdio.h>

static const int64_t now_s = 1800000000, now_ms = INT64_C(1800000000) * 1000; /* 2027-01-15T08:00:00Z */
static const char issuer[] = "https://id.example.com", audience[] = "https://api.example.com";

enum { KEYS = 3, MINE = 1 }; /* the ring holds others' keys around ours */
static struct paseto_secret_key pairs[KEYS], foreign_pair;
static struct paseto_local_key locals[KEYS], foreign_local;
static struct paseto_public_key publics[KEYS];

static int set_up(void **state)
{
    uint8_t seed[32];

    (void)state;
    for (size_t i = 0; i <= KEYS; i++) {
        entropy_fill(entropy_system(), seed, sizeof seed);
        if (!cardea_ok(paseto_secret_key_init(i < KEYS ? &pairs[i] : &foreign_pair, seed)) ||
            !cardea_ok(paseto_local_key_init(i < KEYS ? &locals[i] : &foreign_local, seed)))
            return 1;
        if (i < KEYS)
            publics[i] = pairs[i].public;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        paseto_secret_key_clear(&pairs[i]);
        paseto_local_key_clear(&locals[i]);
    }
    paseto_secret_key_clear(&foreign_pair);
    paseto_local_key_clear(&foreign_local);
    return 0;
}

static struct access_expectation expectation(void)
{
    static struct view accepted[2];

    accepted[0] = VIEW("https://other-api.example.com");
    accepted[1] = view_text(audience);
    return (struct access_expectation){view_text(issuer), accepted, 2};
}

static struct cardea_status verify_at(enum paseto_purpose p, struct view text, int64_t at_ms, struct paseto_token *out)
{
    struct access_expectation want = expectation();

    return p == PASETO_PUBLIC ? paseto_token_verify(publics, KEYS, text, &want, at_ms, out)
                              : paseto_token_decrypt(locals, KEYS, text, &want, at_ms, out);
}

static const char *good_footer(enum paseto_purpose p)
{
    static char texts[4][80];
    static unsigned next;
    char *text = texts[next++ % 4];
    struct buf b = buf_fixed(text, 79);

    buf_text(&b, "{\"kid\":\"");
    buf_paserk_id(&b, p == PASETO_PUBLIC ? &pairs[MINE].public.id : &locals[MINE].id);
    buf_text(&b, "\"}");
    text[b.len] = '\0';
    return text;
}

/* Any message and footer under a right signature or tag. */
static struct view forged(enum paseto_purpose p, struct view message, struct view footer)
{
    static char text[PASETO_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    if (p == PASETO_PUBLIC)
        assert_ok(paseto_public_sign(&pairs[MINE], message, footer, VIEW_EMPTY, &b));
    else
        assert_ok(paseto_local_encrypt(&locals[MINE], message, footer, VIEW_EMPTY, entropy_system(), &b));
    return buf_view(&b);
}

#define BOTH(p) for (enum paseto_purpose p = PASETO_PUBLIC; p <= PASETO_LOCAL; p++)

/* Claims made of parts; each may be replaced. NULL leaves one out. */
struct parts {
    const char *iss, *sub, *aud, *times, *ids, *rest;
};

#define TIMES "\"exp\":\"2027-01-15T08:15:00Z\",\"iat\":\"2027-01-15T08:00:00Z\""
#define IDS "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sid\":\"BBBBBBBBBBBBBBBBBBBBBA\""

static struct parts good_parts(void)
{
    return (struct parts){"\"iss\":\"https://id.example.com\"",
                          "\"sub\":\"01940000-0000-7000-8000-000000000001\"",
                          "\"aud\":\"https://api.example.com\"",
                          TIMES,
                          IDS,
                          "\"ep\":3,\"client_id\":\"mobile\""};
}

static struct view claims(struct parts parts)
{
    static char text[4096];
    const char *list[] = {parts.iss, parts.sub, parts.aud, parts.times, parts.ids, parts.rest};
    struct buf b = buf_fixed(text, sizeof text);

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i] != NULL) {
            buf_char(&b, b.len == 0 ? '{' : ',');
            buf_text(&b, list[i]);
        }
    buf_char(&b, '}');
    assert_true(buf_ok(&b));
    return buf_view(&b);
}

static struct cardea_status of_message(enum paseto_purpose p, struct view message)
{
    struct paseto_token out;

    return verify_at(p, forged(p, message, view_text(good_footer(p))), now_ms, &out);
}

static struct cardea_status of_parts(enum paseto_purpose p, struct parts parts)
{
    return of_message(p, claims(parts));
}

static struct cardea_status of_times(enum paseto_purpose p, const char *times)
{
    struct parts parts = good_parts();

    parts.times = times;
    return of_parts(p, parts);
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Each of list in place of one part is refused, for both purposes; the good parts are accepted. */
#define REFUSE_EACH(member, list)                                                                                      \
    BOTH(p)                                                                                                            \
    for (size_t i = 0; i < COUNT(list); i++) {                                                                         \
        struct parts parts = good_parts();                                                                             \
        assert_ok(of_parts(p, parts));                                                                                 \
        parts.member = (list)[i];                                                                                      \
        assert_code(of_parts(p, parts), E_INVALID_TOKEN);                                                              \
    }

static struct access_claims some_claims(void)
{
    struct access_claims c = {.epoch = 3, .iat_s = now_s, .exp_s = now_s + 900, .client_id = "mobile"};

    memset(&c.sub, 1, sizeof c.sub);
    memset(&c.jti, 2, sizeof c.jti);
    memset(&c.sid, 3, sizeof c.sid);
    memcpy(c.audience, audience, sizeof audience);
    return c;
}

static struct cardea_status make(enum paseto_purpose p, const struct access_claims *c, struct view iss, struct buf *b)
{
    return p == PASETO_PUBLIC ? paseto_token_sign(&pairs[MINE], iss, c, b)
                              : paseto_token_encrypt(&locals[MINE], iss, c, entropy_system(), b);
}

static void what_is_made_verifies(void **state)
{
    struct access_claims in = some_claims();
    struct paseto_token out;
    char text[PASETO_TOKEN_TEXT_MAX];

    (void)state;
    memcpy(in.roles, "admin,editor", 13);
    for (int with_nbf = 0; with_nbf < 2; with_nbf++)
        BOTH(p)
        {
            struct buf b = buf_fixed(text, sizeof text);
            in.nbf_s = with_nbf ? now_s - 5 : 0;
            memset(&out, 0x5a, sizeof out);
            assert_ok(make(p, &in, view_text(issuer), &b));
            assert_ok(verify_at(p, buf_view(&b), now_ms, &out));
            assert_true(ID_SAME(in.sub, out.claims.sub) && ID_SAME(in.jti, out.claims.jti));
            assert_true(ID_SAME(in.sid, out.claims.sid));
            assert_int_equal(out.claims.epoch, 3);
            assert_int_equal(out.claims.iat_s, now_s);
            assert_int_equal(out.claims.exp_s, now_s + 900);
            assert_int_equal(out.claims.nbf_s, in.nbf_s);
            assert_string_equal(out.claims.client_id, "mobile");
            assert_string_equal(out.claims.roles, "admin,editor");
            assert_string_equal(out.claims.audience, audience);
            assert_true(paserk_id_same(&out.key, p == PASETO_PUBLIC ? &publics[MINE].id : &locals[MINE].id));
        }
}

/* Promise 8: by default nothing but these claims. */
static void a_token_says_no_more_than_promised(void **state)
{
    struct access_claims in = some_claims();
    char text[PASETO_TOKEN_TEXT_MAX];
    struct paseto_space space;
    struct paseto_opened opened;
    const struct paseto_expectation plain = {.implicit = VIEW_EMPTY};

    (void)state;
    memset(&in.sub, 0, sizeof in.sub);
    memset(&in.jti, 0, sizeof in.jti);
    memset(&in.sid, 0, sizeof in.sid);
    BOTH(p)
    {
        struct buf b = buf_fixed(text, sizeof text);
        assert_ok(make(p, &in, view_text(issuer), &b));
        if (p == PASETO_PUBLIC)
            assert_ok(paseto_public_verify(&publics[MINE], buf_view(&b), &plain, &space, &opened));
        else
            assert_ok(paseto_local_decrypt(&locals[MINE], buf_view(&b), &plain, &space, &opened));
        assert_text(opened.message,
                    "{\"iss\":\"https://id.example.com\",\"sub\":\"00000000-0000-0000-0000-000000000000\","
                    "\"aud\":\"https://api.example.com\",\"exp\":\"2027-01-15T08:15:00Z\","
                    "\"iat\":\"2027-01-15T08:00:00Z\",\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\","
                    "\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"ep\":3,\"client_id\":\"mobile\"}");
        assert_text(opened.footer, good_footer(p));
    }
}

static void making_refuses_what_verification_would(void **state)
{
    char text[PASETO_TOKEN_TEXT_MAX], long_issuer[ISSUER_MAX + 1];

    (void)state;
    memset(long_issuer, 'i', sizeof long_issuer);
    BOTH(p)
    for (int fault = 0; fault < 9; fault++) {
        struct access_claims c = some_claims();
        struct buf b = buf_fixed(text, sizeof text);
        struct view iss = view_text(issuer);
        c.exp_s = fault == 0 ? c.iat_s : fault == 1 ? c.iat_s + LIFETIME_MAX_S + 1 : c.exp_s;
        c.epoch = fault == 2 ? 0 : c.epoch;
        c.client_id[0] = fault == 3 ? '\0' : c.client_id[0];
        c.audience[0] = fault == 4 ? '\0' : c.audience[0];
        c.iat_s = fault == 5 ? -1 : c.iat_s;
        c.nbf_s = fault == 6 ? -1 : 0;
        iss = fault == 7 ? VIEW_EMPTY : fault == 8 ? view_of(long_issuer, sizeof long_issuer) : iss;
        assert_code(make(p, &c, iss, &b), E_USAGE);
        assert_int_equal(b.len, 0);
    }
    BOTH(p)
    {
        struct access_claims c = some_claims();
        struct buf small = buf_fixed(text, 100);
        assert_code(make(p, &c, view_text(issuer), &small), E_TOO_LARGE);
        assert_int_equal(small.len, 0);
        /* Longer than what verification reads. */
        memset(c.roles, '"', ROLES_MAX_BYTES);
        memset(c.audience, '"', AUDIENCE_MAX);
        memset(long_issuer, '"', ISSUER_MAX);
        struct buf b = buf_fixed(text, sizeof text);
        assert_code(make(p, &c, view_of(long_issuer, ISSUER_MAX), &b), E_TOO_LARGE);
        assert_int_equal(b.len, 0);
    }
}

/* D08: v4.local where v4.public is read and the reverse; no key; another's key, with its own footer or with ours. */
static void d08_purposes_and_keys(void **state)
{
    struct access_expectation want = expectation();
    struct access_claims c = some_claims();
    struct paseto_token out, untouched;
    char text[PASETO_TEXT_MAX];

    (void)state;
    memset(&out, 0x5a, sizeof out);
    untouched = out;
    BOTH(p)
    {
        enum paseto_purpose q = p == PASETO_PUBLIC ? PASETO_LOCAL : PASETO_PUBLIC;
        struct buf b = buf_fixed(text, sizeof text);
        assert_ok(make(p, &c, view_text(issuer), &b));
        assert_code(verify_at(q, buf_view(&b), now_ms, &out), E_INVALID_TOKEN);
        assert_code(paseto_token_verify(NULL, 0, buf_view(&b), &want, now_ms, &out), E_INVALID_TOKEN);
        assert_code(paseto_token_decrypt(NULL, 0, buf_view(&b), &want, now_ms, &out), E_INVALID_TOKEN);
        assert_code(paseto_token_verify(publics, MINE, buf_view(&b), &want, now_ms, &out), E_INVALID_TOKEN);
        assert_code(paseto_token_decrypt(locals, MINE, buf_view(&b), &want, now_ms, &out), E_INVALID_TOKEN);
        for (int with_our_footer = 0; with_our_footer < 2; with_our_footer++) {
            buf_reset(&b);
            struct view message = claims(good_parts()), f = view_text(good_footer(p));
            if (!with_our_footer)
                assert_ok(p == PASETO_PUBLIC
                              ? paseto_token_sign(&foreign_pair, view_text(issuer), &c, &b)
                              : paseto_token_encrypt(&foreign_local, view_text(issuer), &c, entropy_system(), &b));
            else
                assert_ok(p == PASETO_PUBLIC
                              ? paseto_public_sign(&foreign_pair, message, f, VIEW_EMPTY, &b)
                              : paseto_local_encrypt(&foreign_local, message, f, VIEW_EMPTY, entropy_system(), &b));
            assert_code(verify_at(p, buf_view(&b), now_ms, &out), E_INVALID_TOKEN);
        }
        /* A right token with a label of another version. */
        buf_reset(&b);
        assert_ok(make(p, &c, view_text(issuer), &b));
        for (char v = '0'; v <= '9'; v++) {
            text[1] = v;
            assert_int_equal(cardea_ok(verify_at(p, buf_view(&b), now_ms, &out)), v == '4');
        }
        out = untouched;
        text[1] = '3';
        assert_code(verify_at(p, buf_view(&b), now_ms, &out), E_INVALID_TOKEN);
        assert_memory_equal(&out, &untouched, sizeof out);
    }
}

/* D09: the footer names a key of ours in one way alone; under a right signature or tag, whatever else it says. */
static void d09_footers(void **state)
{
    struct paseto_token out;

    (void)state;
    BOTH(p)
    {
        static char odd[20][2100];
        const char *good = good_footer(p), *kid = good + 8; /* k4.pid.…"} */
        size_t n = 0;
        snprintf(odd[n++], sizeof *odd, "%s", "");
        snprintf(odd[n++], sizeof *odd, "{\"kid\":\"../../../../dev/null\"}");
        snprintf(odd[n++], sizeof *odd, "{\"kid\":\"https://evil.example/keys\"}");
        snprintf(odd[n++], sizeof *odd, "{\"kid\": \"%s", kid);
        snprintf(odd[n++], sizeof *odd, "%s ", good);
        snprintf(odd[n++], sizeof *odd, " %s", good);
        snprintf(odd[n++], sizeof *odd, "{\"wpk\":\"x\",\"kid\":\"%s", kid);
        snprintf(odd[n++], sizeof *odd, "{\"kid\":\"x\",\"kid\":\"%s", kid);
        snprintf(odd[n++], sizeof *odd, "{\"k\\u0069d\":\"%s", kid);
        snprintf(odd[n++], sizeof *odd, "{\"KID\":\"%s", kid);
        snprintf(odd[n++], sizeof *odd, "{\"kid\":\"k3.%s", kid + 3);
        snprintf(odd[n++], sizeof *odd, "{\"kid\":\"k4.sid.%s", kid + 7);
        snprintf(odd[n++], sizeof *odd, "{\"kid\":\"k4.%s.%s", p == PASETO_PUBLIC ? "lid" : "pid", kid + 7);
        snprintf(odd[n++], sizeof *odd, "%.51s", kid);
        snprintf(odd[n++], sizeof *odd, "[\"%s]", kid);
        snprintf(odd[n++], sizeof *odd, "{\"kid\":\"%.51s\"]", kid);
        snprintf(odd[n++], sizeof *odd, "{\"kid\":\"%.51s\\u0022}", kid);
        snprintf(odd[n++], sizeof *odd, "{'kid':'%.51s'}", kid);
        memset(odd[n], 'k', PASETO_FOOTER_MAX);
        odd[n++][PASETO_FOOTER_MAX] = '\0';
        assert_ok(verify_at(p, forged(p, claims(good_parts()), view_text(good)), now_ms, &out));
        for (size_t i = 0; i < n; i++)
            assert_code(verify_at(p, forged(p, claims(good_parts()), view_text(odd[i])), now_ms, &out),
                        E_INVALID_TOKEN);
    }
}

/* B05 */
static void b05_message_is_no_object(void **state)
{
    static const char *const bad[] = {"",  "[]", "\"x\"", "1",    "null", "true",
                                      "{", "{}", " ",     "{}{}", "[{}]", "{\"a\":1,\"a\":2}"};
    char text[2048];

    (void)state;
    BOTH(p)
    {
        for (size_t i = 0; i < COUNT(bad); i++)
            assert_code(of_message(p, view_text(bad[i])), E_INVALID_TOKEN);
        struct view good = claims(good_parts());
        memcpy(text, good.ptr, good.len);
        assert_ok(of_message(p, view_of(text, good.len)));
        for (const char *c = "x,}\xff"; *c != '\0'; c++) {
            text[good.len] = *c;
            assert_code(of_message(p, view_of(text, good.len + 1)), E_INVALID_TOKEN);
        }
        text[good.len] = '\0';
        assert_code(of_message(p, view_of(text, good.len + 1)), E_INVALID_TOKEN);
    }
}

/* B07, B08: exp of another type, a number as in a JWT, every odd spelling of a time. */
static void b07_b08_times_are_rfc3339(void **state)
{
    static const char *const bad[] = {"null",
                                      "1800000900",
                                      "\"1800000900\"",
                                      "[\"2027-01-15T08:15:00Z\"]",
                                      "true",
                                      "{}",
                                      "\"\"",
                                      "\"2027-01-15\"",
                                      "\"2027-01-15T08:15:00\"",
                                      "\"2027-01-15 08:15:00Z\"",
                                      "\"2027-01-15T08:15:00z\"",
                                      "\"2027-01-15t08:15:00Z\"",
                                      "\"2027-01-15T08:15Z\"",
                                      "\"2027-01-15T08:15:00.5Z\"",
                                      "\"2027-01-15T08:15:00.000Z\"",
                                      "\"2027-01-15T08:15:60Z\"",
                                      "\"2027-01-15T24:00:00Z\"",
                                      "\"2027-02-30T08:15:00Z\"",
                                      "\"2027-13-15T08:15:00Z\"",
                                      "\"27-01-15T08:15:00Z\"",
                                      "\"+2027-01-15T08:15:00Z\"",
                                      "\"12027-01-15T08:15:00Z\"",
                                      "\"9999-12-31T23:59:59Z\"",
                                      "\"0001-01-01T00:00:00Z\"",
                                      "\"1969-12-31T23:59:59Z\"",
                                      "\"2027-01-15T08:15:00Z \"",
                                      "\"2027-01-15T08:15:00Z\\u0000\"",
                                      "\"2027-01-15T08:15:00\\u005a\"",
                                      "\"2027-01-15T08:15:00+24:00\"",
                                      "\"2027-01-15T08:15:00+0000\"",
                                      "\"2027-W02-5T08:15:00Z\""};
    char times[256];

    (void)state;
    BOTH(p)
    {
        assert_code(of_times(p, "\"iat\":\"2027-01-15T08:00:00Z\""), E_INVALID_TOKEN);
        assert_code(of_times(p, "\"exp\":\"2027-01-15T08:15:00Z\""), E_INVALID_TOKEN);
        assert_code(of_times(p, NULL), E_INVALID_TOKEN);
        for (size_t i = 0; i < COUNT(bad); i++) {
            snprintf(times, sizeof times, "\"exp\":%s,\"iat\":\"2027-01-15T08:00:00Z\"", bad[i]);
            assert_code(of_times(p, times), E_INVALID_TOKEN);
            snprintf(times, sizeof times, "\"exp\":\"2027-01-15T08:15:00Z\",\"iat\":%s", bad[i]);
            assert_code(of_times(p, times), E_INVALID_TOKEN);
            snprintf(times, sizeof times, TIMES ",\"nbf\":%s", bad[i]);
            assert_code(of_times(p, times), E_INVALID_TOKEN);
        }
        /* The same instants with an offset. */
        assert_ok(of_times(p, "\"exp\":\"2027-01-15T08:15:00+00:00\",\"iat\":\"2027-01-15T09:00:00+01:00\""));
    }
}

/* Promise 4, to the second: whoever signed, no token of more than an hour, and none without an end. */
static void lifetimes_are_bounded(void **state)
{
    (void)state;
    BOTH(p)
    {
        assert_ok(of_times(p, "\"exp\":\"2027-01-15T09:00:00Z\",\"iat\":\"2027-01-15T08:00:00Z\""));
        assert_code(of_times(p, "\"exp\":\"2027-01-15T09:00:01Z\",\"iat\":\"2027-01-15T08:00:00Z\""), E_INVALID_TOKEN);
        assert_code(of_times(p, "\"exp\":\"2027-01-15T08:00:00Z\",\"iat\":\"2027-01-15T08:00:00Z\""), E_INVALID_TOKEN);
        assert_code(of_times(p, "\"exp\":\"2027-01-15T07:59:59Z\",\"iat\":\"2027-01-15T08:00:00Z\""), E_INVALID_TOKEN);
    }
}

static void expiry_is_exact_and_told_last(void **state)
{
    struct access_claims c = some_claims();
    struct paseto_token out;
    char text[PASETO_TOKEN_TEXT_MAX];

    (void)state;
    BOTH(p)
    {
        struct buf b = buf_fixed(text, sizeof text);
        assert_ok(make(p, &c, view_text(issuer), &b));
        assert_ok(verify_at(p, buf_view(&b), (now_s + 899) * 1000 + 999, &out));
        assert_code(verify_at(p, buf_view(&b), (now_s + 900) * 1000, &out), E_EXPIRED);
        assert_ok(verify_at(p, buf_view(&b), (now_s - LEEWAY_S) * 1000, &out));
        assert_code(verify_at(p, buf_view(&b), (now_s - LEEWAY_S - 1) * 1000, &out), E_INVALID_TOKEN);
        buf_reset(&b);
        assert_ok(make(p, &c, VIEW("https://other.example.com"), &b));
        assert_code(verify_at(p, buf_view(&b), (now_s + 900) * 1000, &out), E_INVALID_TOKEN);
    }
}

static void b10_nbf_and_iat(void **state)
{
    (void)state;
    BOTH(p)
    {
        assert_ok(of_times(p, TIMES ",\"nbf\":\"2027-01-15T08:00:30Z\""));
        assert_code(of_times(p, TIMES ",\"nbf\":\"2027-01-15T08:00:31Z\""), E_INVALID_TOKEN);
        assert_code(of_times(p, TIMES ",\"nbf\":1800000000"), E_INVALID_TOKEN);
        assert_code(of_times(p, TIMES ",\"nbf\":null"), E_INVALID_TOKEN);
        assert_ok(of_times(p, "\"exp\":\"2027-01-15T08:15:00Z\",\"iat\":\"2027-01-15T08:00:30Z\""));
        assert_code(of_times(p, "\"exp\":\"2027-01-15T08:15:00Z\",\"iat\":\"2027-01-15T08:00:31Z\""), E_INVALID_TOKEN);
        assert_code(of_times(p, "\"exp\":\"2027-01-16T08:15:00Z\",\"iat\":\"2027-01-16T08:00:00Z\""), E_INVALID_TOKEN);
    }
}

static void b11_audience(void **state)
{
    static const char *const bad[] = {NULL,
                                      "\"aud\":\"https://evil.example\"",
                                      "\"aud\":\"\"",
                                      "\"aud\":[]",
                                      "\"aud\":7",
                                      "\"aud\":null",
                                      "\"aud\":[\"https://api.example.com\"]", /* PASETO registers one string */
                                      "\"aud\":{\"https://api.example.com\":1}",
                                      "\"aud\":\"https://api.example.com/\"",
                                      "\"aud\":\"HTTPS://api.example.com\"",
                                      "\"aud\":\"https://api.example.com\\u0000\""};

    (void)state;
    REFUSE_EACH(aud, bad)
    BOTH(p)
    {
        struct parts parts = good_parts();
        struct access_expectation nobody = {view_text(issuer), NULL, 0};
        struct paseto_token out;
        parts.aud = "\"aud\":\"https://other-api.example.com\"";
        assert_ok(of_parts(p, parts));
        struct view token = forged(p, claims(good_parts()), view_text(good_footer(p)));
        assert_code(p == PASETO_PUBLIC ? paseto_token_verify(publics, KEYS, token, &nobody, now_ms, &out)
                                       : paseto_token_decrypt(locals, KEYS, token, &nobody, now_ms, &out),
                    E_INVALID_TOKEN);
    }
}

static void b13_b17_issuer(void **state)
{
    static const char *const bad[] = {NULL,
                                      "\"iss\":\"\"",
                                      "\"iss\":\"https://id.example.com/\"",
                                      "\"iss\":\"https://id.example.com/tenant-b\"",
                                      "\"iss\":[\"https://id.example.com\"]",
                                      "\"iss\":null",
                                      "\"iss\":\"https://ID.example.com\"",
                                      "\"iss\":\"https:\\/\\/id.example.com\""};

    (void)state;
    REFUSE_EACH(iss, bad)
}

static void the_other_claims_are_required_and_typed(void **state)
{
    static const char *const subs[] = {NULL, "\"sub\":\"\"", "\"sub\":7", "\"sub\":\"alice\"", "\"sub\":null"};
    static const char *const ids[] = {NULL,
                                      "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAB\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":1,\"sid\":2"};
    static const char *const rests[] = {NULL,
                                        "\"ep\":3",
                                        "\"client_id\":\"mobile\"",
                                        "\"ep\":0,\"client_id\":\"mobile\"",
                                        "\"ep\":\"3\",\"client_id\":\"mobile\"",
                                        "\"ep\":3.0,\"client_id\":\"mobile\"",
                                        "\"ep\":3,\"client_id\":\"\"",
                                        "\"ep\":3,\"client_id\":[\"mobile\"]",
                                        "\"ep\":3,\"client_id\":\"123456789012345678901234567890123\"",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":\"admin\"",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[\"a,admin\"]",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":null",
                                        "\"ep\":3,\"client_id\":\"m\",\"cnf\":{\"jkt\":\"x\"}", /* B16 */
                                        "\"ep\":3,\"client_id\":\"m\",\"cnf\":null",
                                        "\"ep\":3,\"client_id\":\"m\",\"ep\":4"};

    (void)state;
    REFUSE_EACH(sub, subs)
    REFUSE_EACH(ids, ids)
    REFUSE_EACH(rest, rests)
}

/* C14: genuine, and longer than an access token may be. */
static void c14_long_tokens(void **state)
{
    (void)state;
    BOTH(p)
    for (int over = 0; over < 2; over++) {
        char rest[2100];
        struct parts parts = good_parts();
        int used = snprintf(rest, sizeof rest, "\"ep\":3,\"client_id\":\"mobile\",\"x\":\"");
        memset(rest + used, 'x', 1200);
        snprintf(rest + used + (over ? 1200 : 1000), 2, "\"");
        parts.rest = rest;
        struct view text = forged(p, claims(parts), view_text(good_footer(p)));
        struct paseto_token out;
        assert_int_equal(text.len > PASETO_TOKEN_TEXT_MAX, over);
        if (over)
            assert_code(verify_at(p, text, now_ms, &out), E_INVALID_TOKEN);
        else
            assert_ok(verify_at(p, text, now_ms, &out));
    }
}

static void verification_allocates_nothing(void **state)
{
    struct access_claims c = some_claims();
    struct paseto_token out;
    char text[PASETO_TOKEN_TEXT_MAX];

    (void)state;
    BOTH(p)
    {
        struct buf b = buf_fixed(text, sizeof text);
        assert_ok(make(p, &c, view_text(issuer), &b));
        size_t before = alloc_count;
        struct cardea_status s = verify_at(p, buf_view(&b), now_ms, &out);
        size_t after = alloc_count;
        assert_ok(s);
        assert_int_equal(before, after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_verifies),
        cmocka_unit_test(a_token_says_no_more_than_promised),
        cmocka_unit_test(making_refuses_what_verification_would),
        cmocka_unit_test(d08_purposes_and_keys),
        cmocka_unit_test(d09_footers),
        cmocka_unit_test(b05_message_is_no_object),
        cmocka_unit_test(b07_b08_times_are_rfc3339),
        cmocka_unit_test(lifetimes_are_bounded),
        cmocka_unit_test(expiry_is_exact_and_told_last),
        cmocka_unit_test(b10_nbf_and_iat),
        cmocka_unit_test(b11_audience),
        cmocka_unit_test(b13_b17_issuer),
        cmocka_unit_test(the_other_claims_are_required_and_typed),
        cmocka_unit_test(c14_long_tokens),
        cmocka_unit_test(verification_allocates_nothing),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
