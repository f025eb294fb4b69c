/* The generic verifier: what rules let in, what they keep out, and what the claims of a verified token say. */
#include "check.h"

#include "base/text.h"
#include "core/token_verifier.h"
#include "crypto/random.h"

#include <stdio.h>

enum { TEXT_MAX = 32768 };

static const int64_t now_s = 1800000000, now_ms = INT64_C(1800000000) * 1000;
static const struct view issuer = {"https://id.example.com/", 23}, audience = {"https://api.example.com", 23};

static struct jwk_key es256, hs256;
static struct token_space space;

static void make_key(enum raw_key_type type, enum raw_key_curve curve, enum signature_algorithm a, struct jwk_key *out)
{
    struct jwk k = {.use = JWK_USE_SIG, .kid = "k1"};

    assert_ok(raw_key_generate(type, curve, 256, &k.raw));
    assert_ok(jwk_load(&k, a, out));
    jwk_clear(&k);
}

static int set_up(void **state)
{
    (void)state;
    assert_ok(crypto_start());
    make_key(RAW_KEY_EC, RAW_CURVE_P256, SIGNATURE_ES256, &es256);
    make_key(RAW_KEY_OCT, RAW_CURVE_UNSET, SIGNATURE_HS256, &hs256);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jwk_key_clear(&es256);
    jwk_key_clear(&hs256);
    return 0;
}

static struct token_rules plain_rules(void)
{
    return (struct token_rules){.issuers = &issuer,
                                .issuer_count = 1,
                                .audiences = &audience,
                                .audience_count = 1,
                                .algorithms = TOKEN_ALGORITHMS_ALL,
                                .types = TOKEN_TYPE_ACCESS};
}

/* Any header and payload, rightly signed. */
static struct view forge(const struct jwk_key *k, const char *header, struct view payload)
{
    static char text[TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    uint8_t signature[SIGNATURE_MAX];
    size_t len;

    buf_base64url(&b, header, strlen(header));
    buf_char(&b, '.');
    buf_base64url(&b, payload.ptr, payload.len);
    assert_ok(signing_key_sign(k->sign, buf_view(&b), signature, &len));
    buf_char(&b, '.');
    buf_base64url(&b, signature, len);
    assert_true(buf_ok(&b));
    return buf_view(&b);
}

static struct cardea_status judge_text(const struct token_rules *rules, struct view text, struct verified_token *out)
{
    struct cardea_status s = token_read(text, &space);

    return cardea_ok(s) ? token_check(&es256, rules, now_ms, &space, out) : s;
}

static struct cardea_status judge(const struct token_rules *rules, const char *header, const char *payload)
{
    struct verified_token t;

    return judge_text(rules, forge(&es256, header, view_text(payload)), &t);
}

#define HEADER "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}"
#define GOOD                                                                                                           \
    "\"iss\":\"https://id.example.com/\",\"sub\":\"alice\",\"aud\":\"https://api.example.com\",\"exp\":1800000060,"    \
    "\"iat\":1799999940,\"jti\":\"j1\""

static void holds(void **state)
{
    struct token_rules rules = plain_rules();
    struct verified_token t;

    (void)state;
    assert_ok(judge_text(&rules, forge(&es256, HEADER, VIEW("{" GOOD ",\"nbf\":1799999999}")), &t));
    assert_int_equal(t.algorithm, SIGNATURE_ES256);
    assert_text(t.kid, "k1");
    assert_text(t.type, "at+jwt");
    assert_view(t.issuer, issuer);
    assert_text(t.subject, "alice");
    assert_view(t.audience, audience);
    assert_text(t.id, "j1");
    assert_int_equal(t.exp_s, now_s + 60);
    assert_int_equal(t.iat_s, now_s - 60);
    assert_int_equal(t.nbf_s, now_s - 1);
    assert_text(token_payload(&t), "{" GOOD ",\"nbf\":1799999999}");
}

static void rules_that_say_too_little(void **state)
{
    struct token_rules r;

    (void)state;
#define LACKS(change)                                                                                                  \
    r = plain_rules();                                                                                                 \
    change;                                                                                                            \
    assert_code(judge(&r, HEADER, "{" GOOD "}"), E_USAGE)
    LACKS(r.issuer_count = 0);
    LACKS(r.audience_count = 0);
    LACKS(r.any_issuer = true); /* and a list: which of the two? */
    LACKS(r.any_audience = true);
    LACKS(r.algorithms = 0);
    LACKS(r.types = 0);
    LACKS(r.leeway_s = TOKEN_LEEWAY_MAX_S + 1);
    LACKS(r.leeway_s = -1);
    LACKS(r.lifetime_max_s = -1);
    LACKS(r.age_max_s = INT64_MAX);
#undef LACKS
}

static void algorithm_is_the_keys_and_the_rules(void **state)
{
    struct token_rules r = plain_rules();
    struct verified_token t;

    (void)state;
    assert_code(judge(&r, "{\"alg\":\"ES384\",\"typ\":\"at+jwt\"}", "{" GOOD "}"), E_INVALID_TOKEN);
    assert_code(judge(&r, "{\"alg\":\"none\",\"typ\":\"at+jwt\"}", "{" GOOD "}"), E_INVALID_TOKEN);
    r.algorithms = TOKEN_ALGORITHMS_MAC;
    assert_code(judge(&r, HEADER, "{" GOOD "}"), E_INVALID_TOKEN);
    r.algorithms = TOKEN_ALGORITHMS_PUBLIC;
    assert_ok(judge(&r, HEADER, "{" GOOD "}"));
    /* A MAC under rules for public keys. */
    struct view text = forge(&hs256, "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", VIEW("{" GOOD "}"));
    assert_ok(token_read(text, &space));
    assert_code(token_check(&hs256, &r, now_ms, &space, &t), E_INVALID_TOKEN);
    r.algorithms = TOKEN_ALGORITHM(SIGNATURE_HS256);
    assert_ok(token_check(&hs256, &r, now_ms, &space, &t));
    /* Another's signature; no key; a key that may not verify. */
    assert_code(token_check(&es256, &r, now_ms, &space, &t), E_INVALID_TOKEN);
    assert_code(token_check(NULL, &r, now_ms, &space, &t), E_INVALID_TOKEN);
    struct jwk_key signs_only = {.algorithm = SIGNATURE_HS256, .sign = hs256.sign};
    assert_code(token_check(&signs_only, &r, now_ms, &space, &t), E_INVALID_TOKEN);
}

static void header_extensions(void **state)
{
    struct token_rules r = plain_rules();

    (void)state;
    assert_code(judge(&r, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"crit\":[\"exp\"],\"exp\":1}", "{" GOOD "}"),
                E_INVALID_TOKEN);
    assert_code(judge(&r, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"b64\":true}", "{" GOOD "}"), E_INVALID_TOKEN);
    assert_code(judge(&r, "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", "{" GOOD "}"), E_INVALID_TOKEN);
    assert_ok(judge(&r, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"jku\":\"https://evil.example/\"}", "{" GOOD "}"));
}

static void types(void **state)
{
    static const struct {
        unsigned types;
        const char *own, *header;
        bool good;
    } cases[] = {
        {TOKEN_TYPE_ACCESS, "", "{\"alg\":\"ES256\",\"typ\":\"application/AT+JWT\"}", true},
        {TOKEN_TYPE_ACCESS, "", "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", false},
        {TOKEN_TYPE_ACCESS, "", "{\"alg\":\"ES256\"}", false},
        {TOKEN_TYPE_JWT, "", "{\"alg\":\"ES256\",\"typ\":\"jwt\"}", true},
        {TOKEN_TYPE_JWT, "", HEADER, false},
        {TOKEN_TYPE_NONE, "", "{\"alg\":\"ES256\"}", true},
        {TOKEN_TYPE_NONE, "", HEADER, false},
        {TOKEN_TYPE_ANY, "", "{\"alg\":\"ES256\"}", true},
        {TOKEN_TYPE_ANY, "", "{\"alg\":\"ES256\",\"typ\":\"x\"}", true},
        {0, "logout+jwt", "{\"alg\":\"ES256\",\"typ\":\"application/logout+jwt\"}", true},
        {0, "logout+jwt", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", false},
        {0, "logout+jwt", "{\"alg\":\"ES256\"}", false},
        {TOKEN_TYPE_ACCESS, "", "{\"alg\":\"ES256\",\"typ\":\"application/\"}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct token_rules r = plain_rules();
        r.types = cases[i].types;
        r.type = view_text(cases[i].own);
        if (cardea_ok(judge(&r, cases[i].header, "{" GOOD "}")) != cases[i].good)
            fail_msg("case %zu: %s", i, cases[i].header);
    }
}

#define TIMED "{\"iss\":\"https://id.example.com/\",\"aud\":\"https://api.example.com\","

static void payloads_that_are_refused(void **state)
{
    static const char *const bad[] = {
        "[]",
        "\"x\"",
        "{" GOOD,
        "{" GOOD ",\"sub\":\"bob\"}",          /* twice */
        "{" GOOD ",\"\\u0073ub\":\"bob\"}",    /* twice, spelt otherwise */
        "{" GOOD ",\"x\":{\"a\":1,\"a\":2}}",  /* twice, further in */
        "{" GOOD ",\"x\":\"\\u0000\"}",        /* would end early */
        "{" GOOD ",\"x\":\"\xff\"}",           /* no UTF-8 */
        "{" GOOD ",\"cnf\":{\"jkt\":\"x\"}}",  /* bound, and nobody asks for the proof */
        TIMED "\"exp\":1800000060,\"sub\":1}", /* types */
        TIMED "\"exp\":1800000060,\"sub\":\"\"}",
        TIMED "\"exp\":1800000060,\"sub\":\"a\\nb\"}",
        TIMED "\"exp\":1800000060,\"sub\":\"a\\u001fb\"}",
        TIMED "\"exp\":1800000060,\"sub\":\"a\x7f\"}",
        TIMED "\"exp\":1800000060,\"sub\":\"\\u007f\"}",
        TIMED "\"exp\":1800000060,\"jti\":null}",
        TIMED "\"sub\":\"alice\"}", /* no exp */
        TIMED "\"exp\":null}",
        TIMED "\"exp\":\"1800000060\"}",
        TIMED "\"exp\":1800000060.0}",
        TIMED "\"exp\":1.8e9}",
        TIMED "\"exp\":-1}",
        TIMED "\"exp\":99999999999999999999}",
        TIMED "\"exp\":253402300800}",
        TIMED "\"exp\":1800000060,\"iat\":\"x\"}",
        TIMED "\"exp\":1800000060,\"nbf\":true}",
        TIMED "\"exp\":1800000060,\"iat\":1800000060}", /* no life at all */
        TIMED "\"exp\":1800000060,\"iat\":1800000001}", /* not yet */
        TIMED "\"exp\":1800000060,\"nbf\":1800000001}",
        "{\"aud\":\"https://api.example.com\",\"exp\":1800000060}", /* no iss */
        "{\"iss\":\"https://id.example.com\",\"aud\":\"https://api.example.com\",\"exp\":1800000060}",
        "{\"iss\":\"https://id.example.com//\",\"aud\":\"https://api.example.com\",\"exp\":1800000060}",
        "{\"iss\":[\"https://id.example.com/\"],\"aud\":\"https://api.example.com\",\"exp\":1800000060}",
        "{\"iss\":\"https://id.example.com/\",\"exp\":1800000060}", /* no aud */
        "{\"iss\":\"https://id.example.com/\",\"aud\":\"https://api.example.com/\",\"exp\":1800000060}",
        "{\"iss\":\"https://id.example.com/\",\"aud\":[],\"exp\":1800000060}",
        "{\"iss\":\"https://id.example.com/\",\"aud\":[\"https://api.example.com\",1],\"exp\":1800000060}",
        "{\"iss\":\"https://id.example.com/\",\"aud\":[[\"https://api.example.com\"]],\"exp\":1800000060}",
        "{\"iss\":\"https://id.example.com/\",\"aud\":{\"https://api.example.com\":1},\"exp\":1800000060}",
        "{\"iss\":\"https://id.example.com/\",\"aud\":\"\",\"exp\":1800000060}",
    };
    struct token_rules r = plain_rules();
    struct verified_token before, t;

    (void)state;
    memset(&before, 0x5a, sizeof before);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&t, 0x5a, sizeof t);
        struct cardea_status s = judge_text(&r, forge(&es256, HEADER, view_text(bad[i])), &t);
        if (s.code != CARDEA_E_INVALID_TOKEN)
            fail_msg("%s: %s", bad[i], cardea_status_name(s));
        assert_memory_equal(&t, &before, sizeof t); /* untouched */
    }
    assert_ok(judge(&r, HEADER,
                    "{\"iss\":\"https:\\/\\/id.example.com\\/\",\"aud\":[\"x\",\"https://api.example.com\"],"
                    "\"exp\":1800000060}"));
}

static void times(void **state)
{
    struct token_rules r = plain_rules();

    (void)state;
    assert_code(judge(&r, HEADER, TIMED "\"exp\":1800000000}"), E_EXPIRED);
    assert_ok(judge(&r, HEADER, TIMED "\"exp\":1800000001}"));
    /* Expired, and something else is wrong: that is what counts. */
    assert_code(judge(&r, HEADER, "{\"iss\":\"https://id.example.com/\",\"aud\":\"x\",\"exp\":1}"), E_INVALID_TOKEN);
    assert_code(judge(&r, HEADER, TIMED "\"exp\":1,\"nbf\":1900000000}"), E_INVALID_TOKEN);
    r.leeway_s = 30;
    assert_ok(judge(&r, HEADER, TIMED "\"exp\":1799999971,\"iat\":1799999970}"));
    assert_code(judge(&r, HEADER, TIMED "\"exp\":1799999970}"), E_EXPIRED);
    assert_ok(judge(&r, HEADER, TIMED "\"exp\":1800000060,\"nbf\":1800000030,\"iat\":1800000030}"));
    assert_code(judge(&r, HEADER, TIMED "\"exp\":1800000060,\"nbf\":1800000031}"), E_INVALID_TOKEN);
    r = plain_rules();
    r.lifetime_max_s = 120;
    assert_ok(judge(&r, HEADER, "{" GOOD "}"));
    assert_code(judge(&r, HEADER, TIMED "\"exp\":1800000060}"), E_INVALID_TOKEN);
    r.lifetime_max_s = 119;
    assert_code(judge(&r, HEADER, "{" GOOD "}"), E_INVALID_TOKEN);
    r = plain_rules();
    r.age_max_s = 60;
    assert_ok(judge(&r, HEADER, "{" GOOD "}"));
    r.age_max_s = 59;
    assert_code(judge(&r, HEADER, "{" GOOD "}"), E_EXPIRED);
    assert_code(judge(&r, HEADER, TIMED "\"exp\":1800000060}"), E_INVALID_TOKEN);
}

static void a_clock_that_is_none(void **state)
{
    struct token_rules r = plain_rules();
    struct verified_token t;

    (void)state;
    assert_ok(token_read(forge(&es256, HEADER, VIEW("{" GOOD "}")), &space));
    assert_code(token_check(&es256, &r, -1, &space, &t), E_INVALID_TOKEN);
    assert_code(token_check(&es256, &r, INT64_MIN, &space, &t), E_INVALID_TOKEN);
    assert_code(token_check(&es256, &r, INT64_MAX, &space, &t), E_INVALID_TOKEN);
    assert_ok(token_check(&es256, &r, now_ms, &space, &t));
}

static void rules_that_open(void **state)
{
    static const struct view scope_and_sub[] = {{"scope", 5}, {"sub", 3}}, client = {"client", 6};
    struct token_rules r = plain_rules();
    struct verified_token t;

    (void)state;
    r.any_issuer = r.any_audience = true;
    r.issuer_count = r.audience_count = 0;
    assert_ok(judge(&r, HEADER, "{\"exp\":1800000060}"));
    assert_code(judge(&r, HEADER, "{\"exp\":1800000060,\"iss\":1}"), E_INVALID_TOKEN);
    assert_code(judge(&r, HEADER, "{\"exp\":1800000060,\"aud\":[1]}"), E_INVALID_TOKEN);
    r.required = scope_and_sub;
    r.required_count = 2;
    assert_code(judge(&r, HEADER, "{\"exp\":1800000060,\"sub\":\"a\"}"), E_INVALID_TOKEN);
    assert_code(judge(&r, HEADER, "{\"exp\":1800000060,\"sub\":\"a\",\"scope\":null}"), E_INVALID_TOKEN);
    assert_ok(judge(&r, HEADER, "{\"exp\":1800000060,\"sub\":\"a\",\"scope\":\"\"}"));
    r = plain_rules();
    r.bound = true;
    assert_ok(judge(&r, HEADER, "{" GOOD ",\"cnf\":{\"jkt\":\"x\"}}"));
    /* Cognito's access tokens have no aud, but a client_id. */
    r.audience_claim = VIEW("client_id");
    r.audiences = &client;
    assert_ok(judge_text(&r, forge(&es256, HEADER, VIEW("{" GOOD ",\"client_id\":\"client\"}")), &t));
    assert_text(t.audience, "client");
    assert_code(judge(&r, HEADER, "{" GOOD "}"), E_INVALID_TOKEN);
}

static void which_issuer(void **state)
{
    struct view issuers[] = {{"https://a.example", 17}, issuer};
    size_t which = 9;

    (void)state;
    assert_ok(token_read(forge(&es256, HEADER, VIEW("{" GOOD "}")), &space));
    assert_ok(token_names_issuer(&space, issuers, 2, &which));
    assert_int_equal(which, 1);
    assert_code(token_names_issuer(&space, issuers, 1, &which), E_NOT_FOUND);
    assert_ok(token_read(forge(&es256, HEADER, VIEW("{\"iss\":1}")), &space));
    assert_code(token_names_issuer(&space, issuers, 2, &which), E_NOT_FOUND);
    assert_ok(token_read(forge(&es256, HEADER, VIEW("{\"iss\":\"a\",\"iss\":\"b\"}")), &space));
    assert_code(token_names_issuer(&space, issuers, 2, &which), E_INVALID_TOKEN);
    assert_int_equal(which, 1);
}

static void by_a_set(void **state)
{
    static const char set[] = "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"alg\":\"HS256\",\"k\":"
                              "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"},"
                              "{\"kty\":\"oct\",\"kid\":\"b\",\"alg\":\"HS512\",\"k\":"
                              "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKiss"
                              "LS4vMDEyMzQ1Njc4OTo7PD0-Pw\"}]}";
    struct token_rules r = plain_rules();
    struct verified_token t;
    struct jwk_set *keys;

    (void)state;
    assert_ok(jwk_set_read(view_text(set), SIGNATURE_UNSET, &keys));
    struct view payload = VIEW("{" GOOD "}");
    assert_ok(token_verify(keys, &r,
                           forge(&keys->keys[0], "{\"alg\":\"HS256\",\"kid\":\"a\",\"typ\":\"at+jwt\"}", payload),
                           now_ms, &space, &t));
    assert_text(t.kid, "a");
    assert_ok(token_verify(keys, &r, forge(&keys->keys[1], "{\"alg\":\"HS512\",\"typ\":\"at+jwt\"}", payload), now_ms,
                           &space, &t)); /* the only one of its algorithm */
    assert_text(t.kid, "b");
    assert_code(token_verify(keys, &r,
                             forge(&keys->keys[0], "{\"alg\":\"HS256\",\"kid\":\"c\",\"typ\":\"at+jwt\"}", payload),
                             now_ms, &space, &t),
                E_INVALID_TOKEN);
    assert_code(token_verify(keys, &r,
                             forge(&keys->keys[0], "{\"alg\":\"HS256\",\"kid\":\"b\",\"typ\":\"at+jwt\"}", payload),
                             now_ms, &space, &t),
                E_INVALID_TOKEN);
    assert_code(token_verify(keys, &r, VIEW_EMPTY, now_ms, &space, &t), E_INVALID_TOKEN);
    assert_code(token_verify(keys, &r, VIEW("a.b.c"), now_ms, &space, &t), E_INVALID_TOKEN);
    jwk_set_free(keys);
}

static void claims(void **state)
{
    struct token_rules r = plain_rules();
    struct verified_token t;
    struct view v, list[3];
    int64_t n;
    bool b;
    size_t count;

    (void)state;
    assert_ok(
        judge_text(&r,
                   forge(&es256, HEADER,
                         VIEW("{" GOOD ",\"name\":\"Zo\\u00eb \\\"Z\\\"\",\"n\":-7,\"yes\":true,\"no\":false,"
                              "\"nil\":null,\"e\":\"\",\"scope\":\"read write\",\"https://x.example/roles\":[\"a\"],"
                              "\"realm_access\":{\"roles\":[\"admin\",\"us\\u0065r\"],\"a/b~c\":1,\"\":2},"
                              "\"mixed\":[\"a\",1],\"m\\u0061il\":\"z@example.com\",\"none\":[]}")),
                   &t));
    assert_ok(token_claim_text(&t, VIEW("name"), &v));
    assert_text(v, "Zo\xc3\xab \"Z\"");
    assert_int_equal(v.ptr[v.len], 0); /* also a C string */
    assert_ok(token_claim_text(&t, VIEW("e"), &v));
    assert_text(v, "");
    assert_ok(token_claim_text(&t, VIEW("mail"), &v));
    assert_text(v, "z@example.com");
    assert_int_equal(v.ptr[v.len], 0);
    assert_code(token_claim_text(&t, VIEW("n"), &v), E_INVALID_FIELD);
    assert_code(token_claim_text(&t, VIEW("alg"), &v), E_NOT_FOUND); /* the header's, and not here */
    assert_ok(token_claim_int(&t, VIEW("n"), &n));
    assert_int_equal(n, -7);
    assert_code(token_claim_int(&t, VIEW("name"), &n), E_INVALID_FIELD);
    assert_code(token_claim_int(&t, VIEW("x"), &n), E_NOT_FOUND);
    assert_ok(token_claim_bool(&t, VIEW("yes"), &b));
    assert_true(b);
    assert_ok(token_claim_bool(&t, VIEW("no"), &b));
    assert_false(b);
    assert_code(token_claim_bool(&t, VIEW("nil"), &b), E_INVALID_FIELD);
    assert_code(token_claim_bool(&t, VIEW("x"), &b), E_NOT_FOUND);
    /* Lists. */
    assert_ok(token_claim_list(&t, VIEW("/realm_access/roles"), list, 3, &count));
    assert_int_equal(count, 2);
    assert_text(list[1], "user");
    assert_code(token_claim_list(&t, VIEW("/realm_access/roles"), list, 1, &count), E_TOO_LARGE);
    assert_ok(token_claim_list(&t, VIEW("name"), list, 3, &count));
    assert_int_equal(count, 1);
    assert_ok(token_claim_list(&t, VIEW("none"), list, 0, &count));
    assert_int_equal(count, 0);
    assert_ok(token_claim_list(&t, VIEW("https://x.example/roles"), list, 3, &count));
    assert_code(token_claim_list(&t, VIEW("mixed"), list, 3, &count), E_INVALID_FIELD);
    assert_code(token_claim_list(&t, VIEW("n"), list, 3, &count), E_INVALID_FIELD);
    assert_code(token_claim_list(&t, VIEW("x"), list, 3, &count), E_NOT_FOUND);
    assert_true(token_claim_has(&t, VIEW("scope"), VIEW("write")));
    assert_false(token_claim_has(&t, VIEW("scope"), VIEW("writ")));
    assert_false(token_claim_has(&t, VIEW("scope"), VIEW("read write")));
    assert_false(token_claim_has(&t, VIEW("e"), VIEW_EMPTY));
    assert_true(token_claim_has(&t, VIEW("/realm_access/roles"), VIEW("user")));
    assert_true(token_claim_has(&t, VIEW("mixed"), VIEW("a")));
    assert_false(token_claim_has(&t, VIEW("n"), VIEW("-7")));
    assert_false(token_claim_has(&t, VIEW("x"), VIEW("a")));
    /* Pointers (RFC 6901). */
    assert_ok(token_claim_text(&t, VIEW("/realm_access/roles/1"), &v));
    assert_text(v, "user");
    assert_ok(token_claim_int(&t, VIEW("/realm_access/a~1b~0c"), &n));
    assert_int_equal(n, 1);
    assert_ok(token_claim_int(&t, VIEW("/realm_access/"), &n)); /* the empty name */
    assert_int_equal(n, 2);
    static const char *const nothing[] = {"",     "/",   "/realm_access/roles/2",   "/realm_access/roles/01",
                                          "/n/x", "/n~", "/realm_access/roles/-",   "/realm_access/roles/-1",
                                          "/n~2", "//n", "/realm_access/roles/0/0", "realm_access/roles"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (token_claim(&t, view_text(nothing[i])) != 0)
            fail_msg("%s names something", nothing[i]);
    static char longest[TOKEN_PATH_MAX + 2];
    memset(longest, '/', sizeof longest - 1);
    assert_int_equal(token_claim(&t, view_text(longest)), 0);
}

static void sizes(void **state)
{
    static char payload[TEXT_MAX];
    struct token_rules r = plain_rules();
    struct verified_token t;
    struct buf b = buf_fixed(payload, sizeof payload);

    (void)state;
    /* As many values as there is room for, and one more. The object, six claims of a name and a value, "x" and its
     * array are 15. */
    for (int extra = 0; extra < 2; extra++) {
        buf_reset(&b);
        buf_text(&b, "{" GOOD ",\"x\":[0");
        for (int i = 1; i < TOKEN_VALUES_MAX - 15 + extra; i++)
            buf_text(&b, ",0");
        buf_text(&b, "]}");
        struct cardea_status s = judge_text(&r, forge(&es256, HEADER, buf_view(&b)), &t);
        assert_int_equal(s.code, extra == 0 ? CARDEA_OK : CARDEA_E_INVALID_TOKEN);
    }
    buf_reset(&b);
    buf_text(&b, "{" GOOD ",\"x\":\"");
    while (b.len < 12000)
        buf_char(&b, 'x');
    buf_text(&b, "\"}");
    assert_ok(judge_text(&r, forge(&es256, HEADER, buf_view(&b)), &t));
    b.len -= 2;
    while (b.len < TOKEN_PAYLOAD_MAX)
        buf_char(&b, 'x');
    buf_text(&b, "\"}");
    assert_code(judge_text(&r, forge(&es256, HEADER, buf_view(&b)), &t), E_INVALID_TOKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds),
        cmocka_unit_test(rules_that_say_too_little),
        cmocka_unit_test(algorithm_is_the_keys_and_the_rules),
        cmocka_unit_test(header_extensions),
        cmocka_unit_test(types),
        cmocka_unit_test(payloads_that_are_refused),
        cmocka_unit_test(times),
        cmocka_unit_test(a_clock_that_is_none),
        cmocka_unit_test(rules_that_open),
        cmocka_unit_test(which_issuer),
        cmocka_unit_test(by_a_set),
        cmocka_unit_test(claims),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
