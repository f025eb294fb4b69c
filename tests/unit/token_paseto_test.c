/* The generic verifier over PASETO: the same rules, times as RFC 3339, keys found by the footer. */
#include "check.h"

#include "core/paseto_token.h"
#include "core/token_paseto.h"
#include "crypto/random.h"

static const int64_t now_ms = INT64_C(1800000000) * 1000; /* 2027-01-15T08:00:00Z */
static const struct view issuer = {"https://id.example.com", 22}, audience = {"https://api.example.com", 23};

static struct paseto_secret_key secret;
static struct paseto_local_key local;
static struct token_space space;
static struct paseto_space work;

static int set_up(void **state)
{
    static const uint8_t seed[32] = {1}, bytes[32] = {2};

    (void)state;
    assert_ok(crypto_start());
    assert_ok(paseto_secret_key_init(&secret, seed));
    assert_ok(paseto_local_key_init(&local, bytes));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    paseto_secret_key_clear(&secret);
    paseto_local_key_clear(&local);
    return 0;
}

static struct token_rules plain_rules(void)
{
    return (struct token_rules){.issuers = &issuer, .issuer_count = 1, .audiences = &audience, .audience_count = 1};
}

static struct view make(bool encrypted, const char *message, struct view footer)
{
    static char text[PASETO_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    if (encrypted)
        assert_ok(paseto_local_encrypt(&local, view_text(message), footer, VIEW_EMPTY, entropy_system(), &b));
    else
        assert_ok(paseto_public_sign(&secret, view_text(message), footer, VIEW_EMPTY, &b));
    return buf_view(&b);
}

static struct cardea_status judge(bool encrypted, const struct token_rules *r, struct view text,
                                  struct verified_token *out)
{
    return encrypted ? token_check_local(&local, r, text, VIEW_EMPTY, now_ms, &work, &space, out)
                     : token_check_public(&secret.public, r, text, VIEW_EMPTY, now_ms, &work, &space, out);
}

#define NAMED "\"iss\":\"https://id.example.com\",\"aud\":\"https://api.example.com\""
#define GOOD NAMED ",\"sub\":\"alice\",\"exp\":\"2027-01-15T08:01:00Z\",\"iat\":\"2027-01-15T08:59:00+01:00\""

static void holds(void **state)
{
    struct token_rules r = plain_rules();
    struct verified_token t;
    struct view name;

    (void)state;
    for (int encrypted = 0; encrypted < 2; encrypted++) {
        assert_ok(judge(encrypted, &r, make(encrypted, "{" GOOD ",\"name\":\"Zo\\u00eb\"}", VIEW_EMPTY), &t));
        assert_view(t.issuer, issuer);
        assert_text(t.subject, "alice");
        assert_view(t.audience, audience);
        assert_int_equal(t.exp_s, now_ms / 1000 + 60);
        assert_int_equal(t.iat_s, now_ms / 1000 - 60);
        assert_int_equal(t.nbf_s, 0);
        assert_int_equal(t.algorithm, SIGNATURE_UNSET);
        assert_ok(token_claim_text(&t, VIEW("name"), &name));
        assert_text(name, "Zo\xc3\xab");
    }
}

/* As Date.toISOString writes them: a token made in this very second is not from the future. */
static void fractions_are_cut(void **state)
{
    struct token_rules r = plain_rules();
    struct verified_token t;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_ok(judge(i == 1, &r,
                        make(i == 1,
                             "{" NAMED ",\"exp\":\"2027-01-15T08:01:00.999Z\",\"iat\":\"2027-01-15T08:00:00.758Z\","
                             "\"nbf\":\"2027-01-15T08:00:00.758Z\"}",
                             VIEW_EMPTY),
                        &t));
        assert_int_equal(t.exp_s, 1800000060);
        assert_int_equal(t.iat_s, 1800000000);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *message;
        enum cardea_code code;
    } cases[] = {
        {"{" NAMED ",\"exp\":\"2027-01-15T08:00:00Z\"}", CARDEA_E_EXPIRED},
        {"{" NAMED ",\"exp\":1800000060}", CARDEA_E_INVALID_TOKEN}, /* as a JWT has it */
        {"{" NAMED ",\"exp\":\"1800000060\"}", CARDEA_E_INVALID_TOKEN},
        {"{" NAMED ",\"exp\":\"2027-01-15T08:00:00.9Z\"}", CARDEA_E_EXPIRED}, /* cut, so never late */
        {"{" NAMED ",\"exp\":\"2027-01-15T08:01:00.Z\"}", CARDEA_E_INVALID_TOKEN},
        {"{" NAMED ",\"exp\":\"1969-12-31T23:59:59.5Z\"}", CARDEA_E_INVALID_TOKEN},
        {"{" NAMED ",\"exp\":\"2027-01-15 08:01:00Z\"}", CARDEA_E_INVALID_TOKEN},
        {"{" NAMED ",\"exp\":\"\"}", CARDEA_E_INVALID_TOKEN},
        {"{" NAMED ",\"exp\":null}", CARDEA_E_INVALID_TOKEN},
        {"{" NAMED "}", CARDEA_E_INVALID_TOKEN},
        {"{" GOOD ",\"nbf\":\"2027-01-15T08:00:01Z\"}", CARDEA_E_INVALID_TOKEN},
        {"{" GOOD ",\"nbf\":true}", CARDEA_E_INVALID_TOKEN},
        {"{" GOOD ",\"cnf\":{}}", CARDEA_E_INVALID_TOKEN},
        {"{" GOOD ",\"sub\":\"bob\"}", CARDEA_E_INVALID_TOKEN},
        {"{\"iss\":\"https://id.example.com\",\"exp\":\"2027-01-15T08:01:00Z\"}", CARDEA_E_INVALID_TOKEN},
        {"{\"aud\":\"https://api.example.com\",\"exp\":\"2027-01-15T08:01:00Z\"}", CARDEA_E_INVALID_TOKEN},
        {"[]", CARDEA_E_INVALID_TOKEN},
        {"", CARDEA_E_INVALID_TOKEN},
        {"not JSON", CARDEA_E_INVALID_TOKEN},
    };
    struct token_rules r = plain_rules();
    struct verified_token before, t;

    (void)state;
    memset(&before, 0x5a, sizeof before);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int encrypted = 0; encrypted < 2; encrypted++) {
            memset(&t, 0x5a, sizeof t);
            struct cardea_status s = judge(encrypted, &r, make(encrypted, cases[i].message, VIEW_EMPTY), &t);
            if (s.code != cases[i].code)
                fail_msg("%s: %s", cases[i].message, cardea_status_name(s));
            assert_memory_equal(&t, &before, sizeof t);
        }
    /* The other purpose, and a JWT. */
    assert_code(judge(false, &r, make(true, "{" GOOD "}", VIEW_EMPTY), &t), E_INVALID_TOKEN);
    assert_code(judge(true, &r, make(false, "{" GOOD "}", VIEW_EMPTY), &t), E_INVALID_TOKEN);
    assert_code(judge(false, &r, VIEW("eyJhbGciOiJub25lIn0.e30."), &t), E_INVALID_TOKEN);
    r.issuer_count = 0;
    assert_code(judge(false, &r, make(false, "{" GOOD "}", VIEW_EMPTY), &t), E_USAGE);
    assert_code(judge(true, &r, make(true, "{" GOOD "}", VIEW_EMPTY), &t), E_USAGE);
}

static void nothing_is_left_of_what_was_encrypted(void **state)
{
    struct token_rules r = plain_rules();
    struct verified_token t;

    (void)state;
    memset(&space, 0, sizeof space);
    memset(&work, 0, sizeof work);
    assert_code(judge(true, &r, make(true, "{" NAMED ",\"secret\":\"hush\"}", VIEW_EMPTY), &t), E_INVALID_TOKEN);
    assert_null(memmem(&space, sizeof space, "hush", 4));
    assert_null(memmem(&work, sizeof work, "hush", 4));
}

static void footers(void **state)
{
    static char footer[256];
    struct buf b = buf_fixed(footer, sizeof footer);
    struct paserk_id id;

    (void)state;
    buf_text(&b, "{\"wrapping\":1,\"kid\":\"");
    buf_paserk_id(&b, &secret.public.id);
    buf_text(&b, "\"}");
    assert_ok(token_footer_key(make(false, "{}", buf_view(&b)), &id));
    assert_true(paserk_id_same(&id, &secret.public.id));
    static const char *const bad[] = {"", "x", "{}", "{\"kid\":1}", "{\"kid\":\"k4.pid.x\"}", "{\"kid\":\"../key\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_code(token_footer_key(make(false, "{}", view_text(bad[i])), &id), E_NOT_FOUND);
    assert_code(token_footer_key(VIEW("v3.public.AAAA.e30"), &id), E_NOT_FOUND);
}

/* What the service gives out, a stranger's verifier reads. */
static void tokens_of_our_own(void **state)
{
    struct access_claims c = {.epoch = 1, .iat_s = now_ms / 1000, .exp_s = now_ms / 1000 + 60, .client_id = "web"};
    char text[PASETO_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    struct token_rules r = plain_rules();
    struct verified_token t;
    struct paserk_id id;

    (void)state;
    assert_true(view_copy(audience, c.audience, sizeof c.audience));
    assert_ok(paseto_token_sign(&secret, issuer, &c, &b));
    assert_ok(token_footer_key(buf_view(&b), &id));
    assert_true(paserk_id_same(&id, &secret.public.id));
    assert_ok(judge(false, &r, buf_view(&b), &t));
    assert_int_equal(t.exp_s, c.exp_s);
    buf_reset(&b);
    assert_ok(paseto_token_encrypt(&local, issuer, &c, entropy_system(), &b));
    assert_ok(judge(true, &r, buf_view(&b), &t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds),   cmocka_unit_test(fractions_are_cut),
        cmocka_unit_test(refused), cmocka_unit_test(nothing_is_left_of_what_was_encrypted),
        cmocka_unit_test(footers), cmocka_unit_test(tokens_of_our_own),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
