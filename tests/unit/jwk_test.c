/* JWKs, sets of them, and PEM: what is read and written, and what is refused, each for every type of key. */
#include "check.h"

#include "base/text.h"
#include "core/jwk.h"
#include "crypto/pem.h"
#include "crypto/random.h"

#include <stdio.h>

enum { KINDS = 9, TEXT_MAX = 8192 };
static const struct {
    enum raw_key_type type;
    enum raw_key_curve curve;
    uint32_t bits;
    enum signature_algorithm algorithm; /* UNSET: none for signatures */
} kinds[KINDS] = {
    {RAW_KEY_EC, RAW_CURVE_P256, 0, SIGNATURE_ES256},      {RAW_KEY_EC, RAW_CURVE_P384, 0, SIGNATURE_ES384},
    {RAW_KEY_EC, RAW_CURVE_P521, 0, SIGNATURE_ES512},      {RAW_KEY_OKP, RAW_CURVE_ED25519, 0, SIGNATURE_ED25519},
    {RAW_KEY_OKP, RAW_CURVE_ED448, 0, SIGNATURE_ED448},    {RAW_KEY_OKP, RAW_CURVE_X25519, 0, SIGNATURE_UNSET},
    {RAW_KEY_RSA, RAW_CURVE_UNSET, 2048, SIGNATURE_PS384}, {RAW_KEY_RSA, RAW_CURVE_UNSET, 3072, SIGNATURE_RS256},
    {RAW_KEY_OCT, RAW_CURVE_UNSET, 512, SIGNATURE_HS512},
};
static struct raw_key raws[KINDS];

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++)
        assert_ok(raw_key_generate(kinds[i].type, kinds[i].curve, kinds[i].bits, &raws[i]));
    return 0;
}

static void assert_same_key(const struct raw_key *a, const struct raw_key *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->curve, b->curve);
    for (enum raw_key_part p = 0; p < RAW_KEY_PARTS; p++)
        assert_view(raw_key_part(a, p), raw_key_part(b, p));
}

static void jwks_travel_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        char text[TEXT_MAX], again[TEXT_MAX];
        struct buf b = buf_fixed(text, sizeof text), c = buf_fixed(again, sizeof again);
        struct jwk k = {.raw = raws[i], .kid = "a \"b\"", .alg = "x", .use = JWK_USE_ENC, .ops = JWK_MAY_SIGN}, back;
        jwk_write(&k, true, &b);
        assert_true(buf_ok(&b));
        assert_ok(jwk_read(buf_view(&b), &back));
        assert_same_key(&k.raw, &back.raw);
        assert_string_equal(back.kid, k.kid);
        assert_string_equal(back.alg, k.alg);
        assert_int_equal(back.use, k.use);
        assert_int_equal(back.ops, k.ops);
        jwk_write(&back, true, &c);
        assert_view(buf_view(&b), buf_view(&c));
        buf_reset(&b);
        jwk_write(&k, false, &b);
        if (kinds[i].type == RAW_KEY_OCT) {
            assert_int_equal(b.len, 0);
            continue;
        }
        assert_ok(jwk_read(buf_view(&b), &back));
        assert_false(raw_key_is_secret(&back.raw));
        struct raw_key open;
        raw_key_public(&raws[i], &open);
        assert_same_key(&open, &back.raw);
        struct key_id one = jwk_thumbprint(&raws[i]), other = jwk_thumbprint(&open);
        assert_memory_equal(one.bytes, other.bytes, sizeof one.bytes);
    }
}

static void pems_travel_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        char text[TEXT_MAX];
        struct buf b = buf_fixed(text, sizeof text);
        struct raw_key back, open;
        if (kinds[i].type == RAW_KEY_OCT) {
            assert_code(pem_write(&raws[i], true, &b), E_INVALID_FIELD);
            assert_code(pem_write(&raws[i], false, &b), E_INVALID_FIELD);
            continue;
        }
        assert_ok(pem_write(&raws[i], true, &b));
        assert_ok(pem_read(buf_view(&b), &back));
        assert_same_key(&raws[i], &back);
        for (size_t n = 0; n + 2 < b.len; n += 5) /* without its end */
            assert_code(pem_read(view_of(text, n), &back), E_INVALID_FIELD);
        size_t once = b.len;
        buf_put(&b, view_of(text, once)); /* two keys */
        assert_code(pem_read(buf_view(&b), &back), E_INVALID_FIELD);
        buf_reset(&b);
        assert_ok(pem_write(&raws[i], false, &b));
        assert_ok(pem_read(buf_view(&b), &back));
        raw_key_public(&raws[i], &open);
        assert_same_key(&open, &back);
        buf_text(&b, "and a line of text\n");
        assert_ok(pem_read(buf_view(&b), &back));
        struct buf small = buf_fixed(text, 20);
        assert_code(pem_write(&raws[i], false, &small), E_TOO_LARGE);
    }
    struct raw_key back;
    static char big[PEM_TEXT_MAX + 1];
    assert_code(pem_read(VIEW_EMPTY, &back), E_INVALID_FIELD);
    assert_code(pem_read(view_of(big, sizeof big), &back), E_TOO_LARGE);
    assert_code(pem_read(VIEW("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"), &back), E_INVALID_FIELD);
}

static void a_key_gets_one_algorithm(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct jwk k = {.raw = raws[i]};
        struct jwk_key key;
        bool implied = kinds[i].curve != RAW_CURVE_UNSET;
        assert_int_equal(jwk_algorithm(&k, SIGNATURE_UNSET), implied ? kinds[i].algorithm : SIGNATURE_UNSET);
        for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
            bool fits =
                signature_algorithm_of(view_text(signature_algorithm_name(a)), kinds[i].type, kinds[i].curve) == a;
            k.alg[0] = '\0';
            assert_int_equal(jwk_algorithm(&k, a), fits ? a : SIGNATURE_UNSET);
            strcpy(k.alg, signature_algorithm_name(a));
            enum signature_algorithm own = jwk_algorithm(&k, SIGNATURE_UNSET);
            assert_true(own == SIGNATURE_UNSET || strcmp(signature_algorithm_name(own), k.alg) == 0);
            for (enum signature_algorithm b = 1; b < SIGNATURE_COUNT; b++)
                assert_int_equal(jwk_algorithm(&k, b), b == own ? b : SIGNATURE_UNSET);
        }
        strcpy(k.alg, "none");
        assert_code(jwk_load(&k, SIGNATURE_UNSET, &key), E_INVALID_FIELD);
        assert_code(jwk_load(&k, kinds[i].algorithm, &key), E_INVALID_FIELD);
        k.alg[0] = '\0';
        if (kinds[i].algorithm == SIGNATURE_UNSET)
            continue;
        assert_ok(jwk_load(&k, kinds[i].algorithm, &key));
        assert_int_equal(key.algorithm, kinds[i].algorithm);
        assert_int_equal(strlen(key.kid), KEY_ID_TEXT);
        jwk_key_clear(&key);
    }
}

static void use_and_key_ops_are_honoured(void **state)
{
    static const struct {
        const char *members;
        bool sign, verify;
    } cases[] = {
        {"", true, true},
        {",\"use\":\"sig\"", true, true},
        {",\"use\":\"enc\"", false, false},
        {",\"use\":\"SIG\"", false, false},
        {",\"key_ops\":[\"sign\"]", true, false},
        {",\"key_ops\":[\"verify\"]", false, true},
        {",\"key_ops\":[\"verify\",\"sign\"]", true, true},
        {",\"key_ops\":[\"sign, verify\"]", false, false},
        {",\"key_ops\":[\"encrypt\"]", false, false},
        {",\"key_ops\":[\"verify\",\"frobnicate\"]", false, true},
        {",\"use\":\"sig\",\"key_ops\":[\"verify\"]", false, true},
        {",\"use\":\"sig\",\"key_ops\":[\"verify\",\"encrypt\"]", false, false},
        {",\"use\":\"enc\",\"key_ops\":[\"verify\"]", false, false},
        {",\"key_ops\":[]", false, false},
        {",\"key_ops\":\"verify\"", false, false},
        {",\"key_ops\":[\"verify\",\"verify\"]", false, false},
        {",\"key_ops\":[1]", false, false},
        {",\"key_ops\":null", false, false},
        {",\"use\":[\"sig\"]", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TEXT_MAX];
        struct jwk k;
        struct jwk_key key = {.sign = NULL};
        snprintf(text, sizeof text,
                 "{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"%s}",
                 cases[i].members);
        struct cardea_status s = jwk_read(view_text(text), &k);
        if (cardea_ok(s))
            s = jwk_load(&k, SIGNATURE_UNSET, &key);
        assert_int_equal(cardea_ok(s), cases[i].sign || cases[i].verify);
        assert_int_equal(key.sign != NULL, cases[i].sign);
        assert_int_equal(key.verify != NULL, cases[i].verify);
        if (cardea_ok(s))
            jwk_key_clear(&key);
    }
}

#define P256_X "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define P256_Y "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define P256 "\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X "," P256_Y

static void d10_jwks_that_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"kty\":\"EC\"}",
        "{\"kty\":\"ec\"}",
        "{" P256 "}x",
        "{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X "}",
        "{\"kty\":\"EC\",\"crv\":\"Ed25519\"," P256_X "," P256_Y "}",
        "{\"kty\":\"OKP\",\"crv\":\"P-256\"," P256_X "}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\"," P256_X "," P256_Y "}",
        "{\"kty\":\"EC\",\"crv\":\"P-384\"," P256_X "," P256_Y "}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVE\"," P256_Y "}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=\"," P256_Y "}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AH_NzidwO8RdQYPL7m_bS3tYBzM1e-nvE7rPbjx70VRF\"," P256_Y "}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":1," P256_Y "}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X ",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X "," P256_X "," P256_Y "}",
        "{" P256 ",\"d\":\"AA\"}",
        "{" P256 ",\"d\":\"\"}",
        "{" P256 ",\"d\":null}",
        "{" P256 ",\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}",
        "{" P256 ",\"kid\":1}",
        "{" P256 ",\"kid\":\"\"}",
        "{" P256 ",\"kid\":\"a\\u0000\"}",
        "{" P256 ",\"alg\":null}",
        "{" P256 ",\"alg\":\"ES521\"}",
        "{" P256 ",\"alg\":\"none\"}",
        "{" P256 ",\"alg\":\"HS256\"}",
        "{" P256 ",\"alg\":\"ECDH-ES\"}",
        "{" P256 ",\"alg\":\"\"}",
        "{\"kty\":\"oct\",\"alg\":\"HS256\"}",
        "{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"\"}",
        "{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct jwk k;
        struct jwk_key key = {.sign = NULL};
        struct cardea_status s = jwk_read(view_text(bad[i]), &k);
        if (cardea_ok(s))
            s = jwk_load(&k, SIGNATURE_UNSET, &key);
        if (s.code != CARDEA_E_INVALID_FIELD)
            print_error("%s\n", bad[i]);
        assert_code(s, E_INVALID_FIELD);
    }
    struct jwk k;
    struct jwk_key key;
    assert_ok(jwk_read(VIEW("{" P256 ",\"k\":\"AAAA\",\"x5c\":[\"MIIB\"],\"ext\":true}"), &k)); /* unknown members */
    assert_ok(jwk_load(&k, SIGNATURE_ES256, &key));
    assert_null(key.sign);
    jwk_key_clear(&key);
    static char big[JWK_TEXT_MAX + 1];
    assert_code(jwk_read(view_of(big, sizeof big), &k), E_TOO_LARGE);
}

static void rsa_keys_have_two_primes_and_all_parts(void **state)
{
    char text[TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    struct jwk k = {.raw = raws[6]}, back;

    (void)state;
    jwk_write(&k, true, &b);
    assert_ok(jwk_read(buf_view(&b), &back));
    b.len--;
    buf_text(&b, ",\"oth\":[]}");
    assert_code(jwk_read(buf_view(&b), &back), E_INVALID_FIELD);
    for (enum raw_key_part part = RAW_KEY_D; part <= RAW_KEY_QI; part++) {
        struct jwk less = {.raw = {.type = RAW_KEY_RSA}};
        raw_key_init(&less.raw, RAW_KEY_RSA, RAW_CURVE_UNSET);
        for (enum raw_key_part p = 0; p < RAW_KEY_PARTS; p++)
            if (p != part && raw_key_part(&k.raw, p).len > 0)
                assert_true(raw_key_put(&less.raw, p, raw_key_part(&k.raw, p)));
        buf_reset(&b);
        jwk_write(&less, true, &b);
        assert_code(jwk_read(buf_view(&b), &back), E_INVALID_FIELD);
    }
}

static struct cardea_status read_set(const char *keys, struct jwk_set **out)
{
    static char text[TEXT_MAX];

    snprintf(text, sizeof text, "{\"keys\":[%s]}", keys);
    return jwk_set_read(view_text(text), SIGNATURE_UNSET, out);
}

static void sets_skip_and_refuse(void **state)
{
    static const char good[] = "{" P256 ",\"kid\":\"a\"}";
    static const struct {
        const char *keys;
        uint32_t count, skipped;
    } fine[] = {
        {"", 0, 0},
        {"{" P256 "}", 1, 0},
        {"{\"kty\":\"new\"}", 0, 1},
        {"{\"kty\":\"new\"},{" P256 "}", 1, 1},
        {"{" P256 ",\"use\":\"enc\"}", 0, 1},
        {"{" P256 ",\"alg\":\"ES999\"},{" P256 ",\"kid\":\"b\"}", 1, 1},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", 0, 1},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\"," P256_X "," P256_X "}", 0, 0}, /* a duplicate name: no JSON of ours */
    };
    static const char *const refused[] = {
        "{" P256 ",\"kid\":\"a\"},{" P256 ",\"kid\":\"a\"}",
        "{" P256 ",\"kid\":\"a\"},{\"kty\":\"new\",\"kid\":\"a\"}",
        "{" P256 ",\"kid\":\"a\"},{" P256 ",\"kid\":\"\\u0061\"}",
        "{" P256 ",\"kid\":\"a\"},{\"kty\":\"new\",\"kid\":\"\\u0061\"}",
        "{\"kty\":\"new\",\"kid\":\"\\u0061\"},{" P256 ",\"kid\":\"a\"}",
        "{" P256 "},{" P256 "}",
        "{" P256 "},{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "1",
        "null",
        "[]",
        "{" P256 "},1",
    };
    struct jwk_set *set = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        struct cardea_status s = read_set(fine[i].keys, &set);
        if (i == 7) {
            assert_code(s, E_INVALID_FIELD);
            continue;
        }
        assert_ok(s);
        assert_int_equal(set->count, fine[i].count);
        assert_int_equal(set->skipped, fine[i].skipped);
        jwk_set_free(set);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_code(read_set(refused[i], &set), E_INVALID_FIELD);
    static const char *const no_sets[] = {
        "", "[]", "{}", "null", good, "{\"keys\":{}}", "{\"keys\":null}", "{\"keys\":[}"};
    for (size_t i = 0; i < sizeof no_sets / sizeof *no_sets; i++)
        assert_code(jwk_set_read(view_text(no_sets[i]), SIGNATURE_UNSET, &set), E_INVALID_FIELD);
    assert_ok(read_set(good, &set));
    assert_ptr_equal(jwk_set_find(set, VIEW("a")), &set->keys[0]);
    assert_null(jwk_set_find(set, VIEW("A")));
    assert_null(jwk_set_find(set, VIEW_EMPTY));
    jwk_set_free(set);
    jwk_set_free(NULL);
}

static void sets_have_limits(void **state)
{
    static char text[JWK_SET_TEXT_MAX + 1];
    struct jwk_set *set = NULL;

    (void)state;
    for (int usable = 0; usable < 2; usable++)
        for (int over = 0; over < 2; over++) {
            struct buf b = buf_fixed(text, sizeof text);
            int count = (usable == 1 ? JWK_SET_MAX : JWK_SET_ENTRIES) + over;
            buf_text(&b, "{\"keys\":[");
            for (int i = 0; i < count; i++) {
                buf_text(&b, i == 0 ? "{" : ",{");
                buf_text(&b, usable == 1 ? P256 : "\"kty\":\"new\"");
                buf_text(&b, ",\"kid\":\"");
                buf_int(&b, i);
                buf_text(&b, "\"}");
            }
            buf_text(&b, "]}");
            struct cardea_status s = jwk_set_read(buf_view(&b), SIGNATURE_UNSET, &set);
            assert_int_equal(s.code, over == 1 ? CARDEA_E_LIMIT : CARDEA_OK);
            if (cardea_ok(s))
                jwk_set_free(set);
        }
    assert_code(jwk_set_read(view_of(text, sizeof text), SIGNATURE_UNSET, &set), E_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jwks_travel_both_ways),     cmocka_unit_test(pems_travel_both_ways),
        cmocka_unit_test(a_key_gets_one_algorithm),  cmocka_unit_test(use_and_key_ops_are_honoured),
        cmocka_unit_test(d10_jwks_that_are_refused), cmocka_unit_test(rsa_keys_have_two_primes_and_all_parts),
        cmocka_unit_test(sets_skip_and_refuse),      cmocka_unit_test(sets_have_limits),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
