/* The attacks on signed tokens that are known by name, against cardea_verify: groups A to C, as docs/attacks.md numbers
 * them. The forger here holds the genuine private keys where an attack is not about the signature, so that what refuses
 * is what the test names. */
#include "library_help.h"

#include "base/text.h"
#include "core/jwk.h"

enum { KEYS = 4, TEXT_MAX = 70000 };
static const char *const kinds[KEYS] = {"ES256", "RS256", "EdDSA", "HS256"};

static struct jwk_key forger[KEYS]; /* the same keys, in core's hands: they sign anything */
static char public_pem[2048];
static struct cardea_verifier *verifier;
static struct cardea_claims *claims;

#define PAYLOAD                                                                                                        \
    "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"sub\":\"alice\",\"exp\":1800000060,\"iat\":1800000000}"

static int set_up(void **state)
{
    (void)state;
    verifier = new_verifier();
    assert_ok(cardea_claims_new(&claims));
    for (size_t i = 0; i < KEYS; i++) {
        static char text[4096];
        struct cardea_key *k = NULL;
        struct jwk jwk;
        size_t len;
        assert_ok(cardea_key_generate(kinds[i], kinds[i], text, sizeof text, &len));
        assert_ok(cardea_key_read_jwk(cardea_bytes(text, len), NULL, &k));
        assert_ok(cardea_verifier_add_key(verifier, k));
        assert_ok(jwk_read(view_of(text, len), &jwk));
        assert_ok(jwk_load(&jwk, SIGNATURE_UNSET, &forger[i]));
        jwk_clear(&jwk);
        if (i == 1)
            assert_ok(cardea_key_write_pem(k, public_pem, sizeof public_pem, &len));
        cardea_key_free(k);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        jwk_key_clear(&forger[i]);
    cardea_claims_free(claims);
    cardea_verifier_free(verifier);
    return 0;
}

static char text_room[TEXT_MAX];

/* header.payload without a signature. */
static struct buf unsigned_text(struct view header, struct view payload)
{
    struct buf b = buf_fixed(text_room, sizeof text_room);

    buf_base64url(&b, header.ptr, header.len);
    buf_char(&b, '.');
    buf_base64url(&b, payload.ptr, payload.len);
    return b;
}

static struct view signed_text(const struct jwk_key *k, struct view header, struct view payload)
{
    struct buf b = unsigned_text(header, payload);
    uint8_t signature[SIGNATURE_MAX];
    size_t len;

    assert_ok(signing_key_sign(k->sign, buf_view(&b), signature, &len));
    buf_char(&b, '.');
    buf_base64url(&b, signature, len);
    assert_true(buf_ok(&b));
    return buf_view(&b);
}

static struct cardea_status judge(struct view token)
{
    return cardea_verify(verifier, cardea_bytes(token.ptr, token.len), now_s, claims);
}

static void refuse(struct view token, const char *what)
{
    struct cardea_status s = judge(token);

    if (s.code != CARDEA_E_INVALID_TOKEN || cardea_claims_subject(claims) != NULL)
        fail_msg("%s: %s", what, cardea_status_name(s));
}

/* This header, rightly signed by the first key. */
static void refuse_header(const char *header)
{
    refuse(signed_text(&forger[0], view_text(header), VIEW(PAYLOAD)), header);
}

static void refuse_payload(struct view payload)
{
    refuse(signed_text(&forger[0], VIEW("{\"alg\":\"ES256\",\"kid\":\"ES256\",\"typ\":\"at+jwt\"}"), payload),
           payload.ptr);
}

static void genuine_tokens_hold(void **state)
{
    char header[128];

    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(header, sizeof header, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kinds[i], kinds[i]);
        assert_ok(judge(signed_text(&forger[i], view_text(header), VIEW(PAYLOAD))));
    }
    assert_ok(judge(signed_text(&forger[0], VIEW("{\"alg\":\"ES256\",\"typ\":\"AT+JWT\"}"), VIEW(PAYLOAD))));
    assert_ok(
        judge(signed_text(&forger[0], VIEW("{\"alg\":\"ES256\",\"typ\":\"application/at+jwt\"}"), VIEW(PAYLOAD))));
}

static void a01_to_a05_alg_none(void **state)
{
    static const char *const algs[] = {"\"none\"", "\"None\"",  "\"NONE\"",      "\"nOnE\"",   "\"\"",
                                       "null",     "0",         "true",          "[\"none\"]", "[\"ES256\"]",
                                       "{}",       "\"none \"", "\"n\\u006fne\""};
    char header[128];

    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        snprintf(header, sizeof header, "{\"alg\":%s,\"kid\":\"ES256\",\"typ\":\"at+jwt\"}", algs[i]);
        struct buf b = unsigned_text(view_text(header), VIEW(PAYLOAD));
        refuse(buf_view(&b), "two segments");
        buf_char(&b, '.');
        refuse(buf_view(&b), "an empty signature");
        buf_text(&b, "AA");
        refuse(buf_view(&b), "a signature of one byte");
        refuse_header(header);
    }
    refuse_header("{\"kid\":\"ES256\",\"typ\":\"at+jwt\"}");
    struct view token = signed_text(&forger[0], VIEW("{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}"), VIEW(PAYLOAD));
    while (token.ptr[token.len - 1] != '.')
        token.len--;
    refuse(token, "the header of a valid token, an empty signature");
}

/* A06, A07, A10: what everybody knows, as a MAC's key. */
static void a06_to_a10_public_texts_as_mac_keys(void **state)
{
    static const char *const algs[] = {"HS256", "HS384", "HS512"}, *const kids[] = {"RS256", "HS256", ""};
    char pem[sizeof public_pem], crlf[sizeof public_pem + 64];
    size_t len = strlen(public_pem), at = 0;

    (void)state;
    memcpy(pem, public_pem, sizeof pem);
    pem[len - 1] = '\0'; /* without its last line end */
    for (size_t i = 0; i < len; i++) {
        if (public_pem[i] == '\n')
            crlf[at++] = '\r';
        crlf[at++] = public_pem[i];
    }
    struct view secrets[] = {view_text(public_pem), view_text(pem), view_of(crlf, at),
                             view_of("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32),
                             VIEW(ISSUER ISSUER ISSUER)};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        for (size_t a = 0; a < 3; a++)
            for (size_t k = 0; k < 3; k++) {
                struct jwk jwk = {.use = JWK_USE_SIG};
                struct jwk_key key;
                char header[128];
                struct view secret = secrets[i];
                if (secret.len > RAW_KEY_PART_MAX)
                    secret.len = RAW_KEY_PART_MAX;
                raw_key_init(&jwk.raw, RAW_KEY_OCT, RAW_CURVE_UNSET);
                assert_true(raw_key_put(&jwk.raw, RAW_KEY_K, secret));
                if (!cardea_ok(jwk_load(&jwk, signature_algorithm_parse(view_text(algs[a])), &key)))
                    continue; /* too short for this hash */
                snprintf(header, sizeof header, "{\"alg\":\"%s\"%s%s%s,\"typ\":\"at+jwt\"}", algs[a],
                         kids[k][0] != '\0' ? ",\"kid\":\"" : "", kids[k], kids[k][0] != '\0' ? "\"" : "");
                refuse(signed_text(&key, view_text(header), VIEW(PAYLOAD)), header);
                jwk_key_clear(&key);
            }
}

static void a12_relabelled(void **state)
{
    static const char *const algs[] = {"ES256", "ES384", "RS256", "RS384", "PS256", "EdDSA", "HS256", "HS512", "es256"};

    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        for (size_t a = 0; a < sizeof algs / sizeof *algs; a++)
            for (size_t named = 0; named < KEYS; named++) {
                char header[128];
                if (strcmp(algs[a], kinds[i]) == 0 && named == i)
                    continue;
                snprintf(header, sizeof header, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", algs[a],
                         kinds[named]);
                refuse(signed_text(&forger[i], view_text(header), VIEW(PAYLOAD)), header);
            }
}

/* A13, A15, A16: a key of the attacker's, in the token or behind a URL in it. */
static void a13_to_a16_keys_in_the_token(void **state)
{
    static char jwk[2048], header[8192];
    struct cardea_key *own = new_key("ES256", "mine");
    struct jwk_key key;
    struct jwk raw = {.use = JWK_USE_SIG};
    size_t len;

    (void)state;
    assert_ok(cardea_key_write_jwk(own, jwk, sizeof jwk, &len));
    cardea_key_free(own);
    assert_ok(raw_key_generate(RAW_KEY_EC, RAW_CURVE_P256, 0, &raw.raw));
    assert_ok(jwk_load(&raw, SIGNATURE_ES256, &key));
    struct buf b = buf_fixed(jwk, sizeof jwk - 1);
    jwk_write(&raw, false, &b);
    jwk[b.len] = '\0';
    static const char *const members[] = {"\"jwk\":%s",
                                          "\"kid\":\"ES256\",\"jwk\":%s",
                                          "\"jku\":\"https://evil.example/jwks.json\"",
                                          "\"jku\":\"" ISSUER "@evil.example/\"",
                                          "\"jku\":\"file:///etc/passwd\"",
                                          "\"x5u\":\"https://evil.example/x.pem\"",
                                          "\"x5c\":[\"MIIB\"]",
                                          "\"kid\":\"ES256\",\"x5c\":\"x\"",
                                          "\"x5c\":[[]]"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *hole = strstr(members[i], "%s");
        snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",%.*s%s}",
                 (int)(hole == NULL ? strlen(members[i]) : (size_t)(hole - members[i])), members[i],
                 hole == NULL ? "" : jwk);
        refuse(signed_text(&key, view_text(header), VIEW(PAYLOAD)), header);
    }
    jwk_key_clear(&key);
}

static void a18_to_a20_kid(void **state)
{
    static const char *const kids[] = {"\"../../../../dev/null\"",
                                       "\"/proc/sys/kernel/randomize_va_space\"",
                                       "\"..%2fES256\"",
                                       "\"x' UNION SELECT 'k'-- -\"",
                                       "\"|cmd|\"",
                                       "\"*)(uid=*\"",
                                       "\"%n%n\"",
                                       "\"ES256\\r\\nX: y\"",
                                       "\"ES256\\u0000\"",
                                       "[\"ES256\"]",
                                       "1",
                                       "{}",
                                       "true",
                                       "null",
                                       "\"\"",
                                       "\"https://evil.example/\"",
                                       "\"es256\"",
                                       "\"ES256 \"",
                                       "\"E\\u0053256\""};
    char header[256];
    static char long_header[7000];

    (void)state;
    for (size_t i = 0; i < sizeof kids / sizeof *kids; i++) {
        snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"kid\":%s,\"typ\":\"at+jwt\"}", kids[i]);
        refuse_header(header);
    }
    memset(long_header, 'k', sizeof long_header - 1);
    memcpy(long_header, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"", 38);
    memcpy(long_header + sizeof long_header - 3, "\"}", 3);
    refuse_header(long_header);
}

static void a23_a24_crit(void **state)
{
    static const char *const crits[] = {"\"crit\":[\"exp\"]",
                                        "\"crit\":[\"exp\"],\"exp\":1800000060",
                                        "\"crit\":[\"x\"],\"x\":1",
                                        "\"crit\":[]",
                                        "\"crit\":\"exp\"",
                                        "\"crit\":null",
                                        "\"crit\":[\"alg\"]",
                                        "\"crit\":[\"x\",\"x\"],\"x\":1",
                                        "\"crit\":[\"b64\"],\"b64\":true",
                                        "\"crit\":[\"b64\"],\"b64\":false",
                                        "\"b64\":false",
                                        "\"cr\\u0069t\":[\"x\"]"};
    char header[256];

    (void)state;
    for (size_t i = 0; i < sizeof crits / sizeof *crits; i++) {
        snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",%s}", crits[i]);
        refuse_header(header);
    }
}

static void a26_to_a28_typ(void **state)
{
    static const char *const types[] = {"\"JWT\"",
                                        "\"logout+jwt\"",
                                        "\"dpop+jwt\"",
                                        "\"secevent+jwt\"",
                                        "\"oauth-authz-req+jwt\"",
                                        "\"token-introspection+jwt\"",
                                        "\"\"",
                                        "[\"at+jwt\"]",
                                        "null",
                                        "\"at+jwt;x\"",
                                        "\"at+jwt\\u0000\"",
                                        "\"at+jwt \"",
                                        "\"application/\"",
                                        "\"application/application/at+jwt\"",
                                        "\"text/at+jwt\"",
                                        "\"at\\u002bjwt\""};
    char header[128];

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"typ\":%s}", types[i]);
        refuse_header(header);
    }
    refuse_header("{\"alg\":\"ES256\"}");
}

static void b01_to_b06_json(void **state)
{
    static char deep[6000];
    static const char *const headers[] = {"{\"alg\":\"none\",\"alg\":\"ES256\",\"typ\":\"at+jwt\"}",
                                          "{\"alg\":\"ES256\",\"alg\":\"none\",\"typ\":\"at+jwt\"}",
                                          "{\"alg\":\"ES256\",\"\\u0061lg\":\"ES256\",\"typ\":\"at+jwt\"}",
                                          "[{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}]",
                                          "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}x",
                                          "\xef\xbb\xbf{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}",
                                          "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",}",
                                          "{'alg':'ES256','typ':'at+jwt'}",
                                          ""};
    static const char *const payloads[] = {
        "[" PAYLOAD "]",
        "\"x\"",
        "1",
        "null",
        "",
        PAYLOAD "x",
        PAYLOAD "{}",
        "\xef\xbb\xbf" PAYLOAD,
        "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"exp\":1800000060,\"sub\":\"\xc0\xaf\"}",
        "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"exp\":1800000060,\"sub\":\"\xed\xa0\x80\"}",
        "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"exp\":1800000060,\"sub\":\"\\ud800\"}",
        "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"exp\":1800000060,\"sub\":\"a\",\"sub\":\"root\"}",
        "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"exp\":1800000060,\"exp\":9999999999}",
        "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"exp\":1800000060,\"x\":\"\\u0000\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        refuse_header(headers[i]);
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++)
        refuse_payload(view_text(payloads[i]));
    refuse_payload(view_of(PAYLOAD, sizeof PAYLOAD)); /* a NUL behind it */
    memset(deep, '[', sizeof deep);
    refuse_payload(view_of(deep, sizeof deep));
    memcpy(deep, "{\"x\":", 5);
    refuse_payload(view_of(deep, sizeof deep));
    refuse(signed_text(&forger[0], view_of(deep, 1500), VIEW(PAYLOAD)), "a deep header");
}

#define WITHOUT_EXP "\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\""

static void b07_to_b16_claims(void **state)
{
    static const char *const times[] = {
        "null",         "\"1800000060\"",      "[1800000060]",         "true", "1e400", "1e308",         "1.8e9",
        "1800000060.0", "9223372036854775808", "18446744073709551616", "-1",   "-0",    "1800000060000", "Infinity",
        "NaN",          "01800000060"};
    static const char *const others[] = {"{" WITHOUT_EXP "}",
                                         "{" WITHOUT_EXP ",\"exp\":1800000060,\"nbf\":1800000100}",
                                         "{" WITHOUT_EXP ",\"exp\":1800000060,\"nbf\":\"x\"}",
                                         "{" WITHOUT_EXP ",\"exp\":1800100000,\"iat\":1800086400}",
                                         "{" WITHOUT_EXP ",\"exp\":1800000060,\"cnf\":{\"jkt\":\"x\"}}",
                                         "{\"aud\":\"" AUDIENCE "\",\"exp\":1800000060}"};
    static const char *const audiences[] = {"\"\"",
                                            "[]",
                                            "[null]",
                                            "1",
                                            "[[\"" AUDIENCE "\"]]",
                                            "{}",
                                            "\"https://api\"",
                                            "\"" AUDIENCE "/\"",
                                            "[\"" AUDIENCE "\",1]",
                                            "null",
                                            "true"};
    static const char *const issuers[] = {
        "\"\"", "[\"" ISSUER "\"]",           "\"" ISSUER "/\"", "\"" ISSUER "/tenant\"", "null",
        "1",    "\"HTTPS://id.example.com\"", "\"" ISSUER " \""};
    char payload[512];

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        snprintf(payload, sizeof payload, "{" WITHOUT_EXP ",\"exp\":%s}", times[i]);
        refuse_payload(view_text(payload));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        refuse_payload(view_text(others[i]));
    for (size_t i = 0; i < sizeof audiences / sizeof *audiences; i++) {
        snprintf(payload, sizeof payload, "{\"iss\":\"" ISSUER "\",\"exp\":1800000060,\"aud\":%s}", audiences[i]);
        refuse_payload(view_text(payload));
    }
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) {
        snprintf(payload, sizeof payload, "{\"aud\":\"" AUDIENCE "\",\"exp\":1800000060,\"iss\":%s}", issuers[i]);
        refuse_payload(view_text(payload));
    }
    refuse_payload(VIEW("{\"iss\":\"" ISSUER "\",\"exp\":1800000060}"));
}

/* C06, C09 to C14: the text itself. */
static void c06_to_c14_text(void **state)
{
    static char room[TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        char header[128];
        snprintf(header, sizeof header, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kinds[i], kinds[i]);
        struct view good = signed_text(&forger[i], view_text(header), VIEW(PAYLOAD));
        static const char *const tails[] = {"A",     "AA", "AAAA", "=", "==",       ".",
                                            ".AAAA", " ",  "\n",   "!", "\xc3\xa9", "%2e"};
        for (size_t t = 0; t < sizeof tails / sizeof *tails; t++) {
            struct buf b = buf_fixed(room, sizeof room);
            buf_put(&b, good);
            buf_text(&b, tails[t]);
            refuse(buf_view(&b), tails[t]);
            buf_reset(&b);
            buf_text(&b, tails[t]);
            buf_put(&b, good);
            refuse(buf_view(&b), tails[t]);
        }
        for (size_t cut = 1; cut < 5; cut++)
            refuse(view_of(good.ptr, good.len - cut), "cut at the end");
        refuse(view_of(good.ptr, good.len + 1), "a NUL behind it"); /* signed_text's room is zeros there */
        /* Other spellings of the last character: the same bytes, did trailing bits not count. */
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        memcpy(room, good.ptr, good.len);
        for (const char *c = alphabet; *c != '\0'; c++) {
            room[good.len - 1] = *c;
            if (*c != good.ptr[good.len - 1])
                refuse(view_of(room, good.len), "another last character");
        }
    }
    static const char *const forms[] = {
        "", ".", "..", "...", "a", "a.b", "a..", "..a", ".a.", "a.b.c.d.e", "{\"payload\":\"e30\",\"signatures\":[]}"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        refuse(view_text(forms[i]), forms[i]);
    memset(room, '.', sizeof room);
    refuse(view_of(room, 8000), "8000 dots");
    refuse(view_of(room, sizeof room), "dots beyond the limit");
    memset(room, 'A', sizeof room);
    refuse(view_of(room, sizeof room), "letters beyond the limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genuine_tokens_hold),
        cmocka_unit_test(a01_to_a05_alg_none),
        cmocka_unit_test(a06_to_a10_public_texts_as_mac_keys),
        cmocka_unit_test(a12_relabelled),
        cmocka_unit_test(a13_to_a16_keys_in_the_token),
        cmocka_unit_test(a18_to_a20_kid),
        cmocka_unit_test(a23_a24_crit),
        cmocka_unit_test(a26_to_a28_typ),
        cmocka_unit_test(b01_to_b06_json),
        cmocka_unit_test(b07_to_b16_claims),
        cmocka_unit_test(c06_to_c14_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
