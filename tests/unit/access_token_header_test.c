/* Access tokens, attacks on header, algorithm and choice of key: group A of the attack list, each case a test named
 * after its id (those for features that do not exist are left out), each with its siblings. Every refusal is the one
 * generic code. */
#include "token_forge.h"

static void a01_alg_none(void **state)
{
    (void)state;
    assert_refused(unsigned_with("\"none\""));
    assert_refused(with_alg("\"none\""));
}

static void a02_alg_none_in_other_cases(void **state)
{
    static const char *const forms[] = {"\"None\"",  "\"NONE\"",       "\"nOnE\"",        "\"none \"",
                                        "\" none\"", "\"n\\u006fne\"", "\"none\\u0000\"", "\"\""};

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_refused(unsigned_with(forms[i]));
        assert_refused(with_alg(forms[i]));
    }
}

static void a04_alg_of_another_type(void **state)
{
    static const char *const forms[] = {"null",        "0",          "1",
                                        "true",        "false",      "[\"none\"]",
                                        "[\"ES256\"]", "{\"a\":1}",  "\"\"",
                                        "[]",          "{}",         "\"ES256\\u0000\"",
                                        "\"es256\"",   "\"ES256 \"", "\"E\\u0053256\""};

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_refused(with_alg(forms[i]));
    char *text = scratch();
    snprintf(text, TOKEN_MAX, "{\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);
    assert_refused(with_header(text)); /* missing */
    snprintf(text, TOKEN_MAX, "{\"ALG\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);
    assert_refused(with_header(text));
}

static void a05_signature_left_out(void **state)
{
    const char *good = good_token();
    size_t two = (size_t)(strrchr(good, '.') - good);

    (void)state;
    assert_refused(view_of(good, two));     /* header.payload */
    assert_refused(view_of(good, two + 1)); /* header.payload. */
    assert_refused(with_alg("\"none\""));   /* none with a genuine signature */
    char *text = scratch();
    snprintf(text, TOKEN_MAX, "%.*s.%s", (int)two, good, encode(VIEW("\0")));
    assert_refused(view_text(text));
}

/* A MAC over the input by a key that everybody knows; 32 and 64 bytes of it. */
static void assert_mac_refused(const char *alg, const uint8_t key[32])
{
    struct mac_key *k = mac_key_new(key);
    char *header = scratch();
    uint8_t mac[64];

    snprintf(header, TOKEN_MAX, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", alg, kid);
    const char *input = join(encode(view_text(header)), encode(claims(good_parts())));
    mac_sha256(k, (struct view[]){view_text(input)}, 1, mac);
    memcpy(mac + 32, mac, 32);
    mac_key_free(k);
    assert_refused(view_text(join(input, encode(view_of(mac, 32)))));
    assert_refused(view_text(join(input, encode(view_of(mac, 64)))));
}

static void a06_a07_public_key_as_mac_key(void **state)
{
    static const char *const algs[] = {"HS256", "HS384", "HS512", "ES256"};
    uint8_t key[32];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        memcpy(key, keys->active[TOKEN_ES256]->public_bytes + 1,
               32); /* x, y, and the digest that HMAC makes of a longer PEM */
        assert_mac_refused(algs[i], key);
        memcpy(key, keys->active[TOKEN_ES256]->public_bytes + 33, 32);
        assert_mac_refused(algs[i], key);
        memcpy(key, keys->active[TOKEN_ES256]->id.bytes, 32);
        assert_mac_refused(algs[i], key);
    }
    /* The parts of a public key are never taken for octets. */
    assert_int_equal(signature_algorithm_of(VIEW("HS256"), RAW_KEY_EC, RAW_CURVE_P256), SIGNATURE_UNSET);
}

static void a10_known_mac_keys(void **state)
{
    static const char *const known[] = {"", "secret", "https://id.example.com", "password", "changeme"};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t key[32] = {0};
        memcpy(key, known[i], strlen(known[i]));
        assert_mac_refused("HS256", key);
        assert_mac_refused("ES256", key);
    }
}

static void a12_alg_relabelled(void **state)
{
    static const char *const algs[] = {"\"EdDSA\"", "\"ES384\"", "\"ES512\"", "\"ES256K\"", "\"RS256\"",
                                       "\"PS256\"", "\"HS256\"", "\"dir\"",   "\"ECDH-ES\""};

    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++)
        assert_refused(with_alg(algs[i]));
}

/* A token signed by a key of the attacker, who sends the key along. */
static void a13_jwk_in_the_header(void **state)
{
    char jwk[512], *header = scratch();
    struct buf b = buf_fixed(jwk, sizeof jwk - 1);
    static const char *const others_jwk[] = {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", "{}", "null", "\"\"", "[]"};

    (void)state;
    buf_access_jwk(&b, others->active[TOKEN_ES256]);
    jwk[b.len] = '\0';
    snprintf(header, TOKEN_MAX, "{\"alg\":\"ES256\",\"jwk\":%s,\"typ\":\"at+jwt\"}", jwk);
    assert_refused(signed_by(others, view_text(header), claims(good_parts())));
    snprintf(header, TOKEN_MAX, "{\"alg\":\"ES256\",\"jwk\":%s,\"kid\":\"%s\",\"typ\":\"at+jwt\"}", jwk, kid);
    assert_refused(signed_by(others, view_text(header), claims(good_parts())));
    assert_refused(with_header(header)); /* even when the genuine key signed it */
    for (size_t i = 0; i < sizeof others_jwk / sizeof *others_jwk; i++) {
        char *member = scratch();
        snprintf(member, TOKEN_MAX, "\"typ\":\"at+jwt\",\"jwk\":%s", others_jwk[i]);
        assert_refused(with_members(member));
    }
}

static void a15_url_to_a_key(void **state)
{
    static const char *const names[] = {"jku", "x5u"};
    static const char *const urls[] = {"https://evil.example/k",
                                       "https://id.example.com@evil.example/",
                                       "https://evil.example/#https://id.example.com",
                                       "file:///dev/null",
                                       "gopher://127.0.0.1/",
                                       "https://id.example.com/.well-known/jwks.json"};

    (void)state;
    for (size_t n = 0; n < 2; n++)
        for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
            char *member = scratch();
            snprintf(member, TOKEN_MAX, "\"typ\":\"at+jwt\",\"%s\":\"%s\"", names[n], urls[i]);
            assert_refused(with_members(member));
        }
}

static void a16_certificates_in_the_header(void **state)
{
    (void)state;
    assert_refused(with_members("\"typ\":\"at+jwt\",\"x5c\":[\"MIIB\"]"));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"x5c\":[]"));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"x5c\":\"MIIB\""));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"x5t\":\"AAAA\""));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"x5t#S256\":\"AAAA\""));
    assert_refused(with_members("\"x5c\":[\"MIIB\"]")); /* in the place of typ */
}

static struct view with_kid(const char *kid_json)
{
    char *text = scratch();

    assert_true(snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":%s,\"typ\":\"at+jwt\"}", kid_json) < TOKEN_MAX);
    return with_header(text);
}

static void a18_kid_as_path(void **state)
{
    static const char *const kids[] = {"\"../../../../dev/null\"", "\"/proc/sys/kernel/randomize_va_space\"",
                                       "\"..%2f..%2fdev%2fnull\"", "\"file:///dev/null\"", "\"\""};

    (void)state;
    for (size_t i = 0; i < sizeof kids / sizeof *kids; i++)
        assert_refused(with_kid(kids[i]));
}

static void a19_kid_as_code(void **state)
{
    static const char *const kids[] = {
        "\"x' UNION SELECT 'k'-- -\"", "\"|id|\"", "\"*)(uid=*\"", "\"%n%n%s\"", "\"a\\r\\nb\"",
        "\"${jndi:ldap://x}\""};

    (void)state;
    for (size_t i = 0; i < sizeof kids / sizeof *kids; i++)
        assert_refused(with_kid(kids[i]));
}

static void a20_kid_of_odd_shape(void **state)
{
    static const char *const kids[] = {"[]", "{}", "0", "true", "null", "\"\\u0000\"", "\"https://evil.example/k\""};
    char *text = scratch();
    struct key_id nobody = {{7}};
    struct buf b = buf_fixed(text + 1, KEY_ID_TEXT);

    (void)state;
    for (size_t i = 0; i < sizeof kids / sizeof *kids; i++)
        assert_refused(with_kid(kids[i]));
    text[0] = '"';
    buf_key_id(&b, nobody); /* the right shape, nobody's key */
    memcpy(text + 1 + KEY_ID_TEXT, "\"", 2);
    assert_refused(with_kid(text));
    char longest[2 * KEY_ID_TEXT + 8];
    snprintf(longest, sizeof longest, "\"%.42s\"", kid); /* one short, doubled, padded, with NUL, escaped, array */
    assert_refused(with_kid(longest));
    snprintf(longest, sizeof longest, "\"%s%s\"", kid, kid);
    assert_refused(with_kid(longest));
    snprintf(longest, sizeof longest, "\"%s=\"", kid);
    assert_refused(with_kid(longest));
    snprintf(longest, sizeof longest, "\"%s\\u0000\"", kid);
    assert_refused(with_kid(longest));
    snprintf(longest, sizeof longest, "[\"%s\"]", kid);
    assert_refused(with_kid(longest));
    text = scratch();
    memset(text, 'k', 6144);
    text[0] = text[6143] = '"';
    text[6144] = '\0';
    struct view big = view_of(text, 6144);
    char *header = calloc(1, 16384);
    assert_non_null(header);
    int len = snprintf(header, 16384, "{\"alg\":\"ES256\",\"kid\":%s,\"typ\":\"at+jwt\"}", text);
    char *encoded = calloc(1, 16384);
    assert_non_null(encoded);
    base64url_encode(header, (size_t)len, encoded);
    strcat(encoded, ".e30.AAAA");
    assert_refused(view_text(encoded));
    assert_true(big.len > ACCESS_TOKEN_TEXT_MAX);
    free(header);
    free(encoded);
}

/* Two installations: the other's token, and the other's token under our kid. */
static void a21_key_of_another_installation(void **state)
{
    char *text = scratch(), theirs[KEY_ID_TEXT + 1] = "";
    struct buf b = buf_fixed(theirs, KEY_ID_TEXT);

    (void)state;
    buf_key_id(&b, others->active[TOKEN_ES256]->id);
    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", theirs);
    assert_refused(signed_by(others, view_text(text), claims(good_parts())));
    assert_refused(signed_by(others, good_header(), claims(good_parts())));
    assert_refused(signed_by(keys, view_text(text), claims(good_parts())));
}

static void a23_a24_crit(void **state)
{
    static const char *const crits[] = {"[\"exp\"]", "[\"b64\"]",         "[\"x\"]", "[]", "\"exp\"",
                                        "null",      "[\"exp\",\"exp\"]", "[1]",     "{}"};

    (void)state;
    for (size_t i = 0; i < sizeof crits / sizeof *crits; i++) {
        char *member = scratch();
        snprintf(member, TOKEN_MAX, "\"typ\":\"at+jwt\",\"crit\":%s", crits[i]);
        assert_refused(with_members(member));
        snprintf(member, TOKEN_MAX, "\"crit\":%s", crits[i]);
        assert_refused(with_members(member));
    }
    assert_refused(with_members("\"typ\":\"at+jwt\",\"crit\":[\"b64\"],\"b64\":true"));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"crit\":[\"b64\"],\"b64\":false"));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"b64\":false"));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"zip\":\"DEF\""));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"cty\":\"JWT\""));
}

static struct view with_typ(const char *typ_json)
{
    char *text = scratch();

    snprintf(text, TOKEN_MAX, "\"typ\":%s", typ_json);
    return with_members(text);
}

static void a26_a27_other_kinds_of_token(void **state)
{
    static const char *const typs[] = {"\"JWT\"",
                                       "\"id_token\"",
                                       "\"rt+jwt\"",
                                       "\"logout+jwt\"",
                                       "\"dpop+jwt\"",
                                       "\"oauth-authz-req+jwt\"",
                                       "\"token-introspection+jwt\"",
                                       "\"secevent+jwt\"",
                                       "\"client-authentication+jwt\"",
                                       "\"jarm+jwt\""};

    (void)state;
    for (size_t i = 0; i < sizeof typs / sizeof *typs; i++)
        assert_refused(with_typ(typs[i]));
}

static void a28_typ(void **state)
{
    static const char *const bad[] = {"\"\"",
                                      "\"JWT\"",
                                      "[\"at+jwt\"]",
                                      "\"at+jwt;x\"",
                                      "\"at+jwt;x=1\"",
                                      "\"at+jwt\\u0000\"",
                                      "null",
                                      "0",
                                      "\" at+jwt\"",
                                      "\"at+jwt \"",
                                      "\"jwt+at\"",
                                      "\"application/\"",
                                      "\"application/application/at+jwt\"",
                                      "\"text/at+jwt\"",
                                      "\"a\\u0074+jwt\"",
                                      "\"application/at+jwt;x\""};
    static const char *const good[] = {"\"at+jwt\"", "\"AT+JWT\"", "\"at+JWT\"", "\"application/at+jwt\"",
                                       "\"Application/AT+jwt\""};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(with_typ(bad[i]));
    assert_refused(with_members(""));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(verify(with_typ(good[i])));
}

static void a31_c13_json_serialisation(void **state)
{
    const char *good = good_token();
    const char *second = strchr(good, '.') + 1, *third = strchr(second, '.') + 1;
    char *text = scratch();

    (void)state;
    snprintf(text, TOKEN_MAX, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"%s\"}",
             (int)(second - 1 - good), good, (int)(third - 1 - second), second, third);
    assert_refused(view_text(text));
    snprintf(text, TOKEN_MAX, "{\"header\":{\"alg\":\"none\"},\"payload\":\"%.*s\",\"signature\":\"\"}",
             (int)(third - 1 - second), second);
    assert_refused(view_text(text));
    /* A polyglot: JSON around a compact token. */
    snprintf(text, TOKEN_MAX, "{\"a\":\"%s\"}", good);
    assert_refused(view_text(text));
    snprintf(text, TOKEN_MAX, "%.*s%%2e%.*s%%2e%s", (int)(second - 1 - good), good, (int)(third - 1 - second), second,
             third);
    assert_refused(view_text(text));
    snprintf(text, TOKEN_MAX, "%.*s\xef\xbc\x8e%.*s\xef\xbc\x8e%s", (int)(second - 1 - good), good,
             (int)(third - 1 - second), second, third);
    assert_refused(view_text(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a01_alg_none),
        cmocka_unit_test(a02_alg_none_in_other_cases),
        cmocka_unit_test(a04_alg_of_another_type),
        cmocka_unit_test(a05_signature_left_out),
        cmocka_unit_test(a06_a07_public_key_as_mac_key),
        cmocka_unit_test(a10_known_mac_keys),
        cmocka_unit_test(a12_alg_relabelled),
        cmocka_unit_test(a13_jwk_in_the_header),
        cmocka_unit_test(a15_url_to_a_key),
        cmocka_unit_test(a16_certificates_in_the_header),
        cmocka_unit_test(a18_kid_as_path),
        cmocka_unit_test(a19_kid_as_code),
        cmocka_unit_test(a20_kid_of_odd_shape),
        cmocka_unit_test(a21_key_of_another_installation),
        cmocka_unit_test(a23_a24_crit),
        cmocka_unit_test(a26_a27_other_kinds_of_token),
        cmocka_unit_test(a28_typ),
        cmocka_unit_test(a31_c13_json_serialisation),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
