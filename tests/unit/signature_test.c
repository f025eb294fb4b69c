#include "check.h"

#include "base/text.h"
#include "crypto/random.h"
#include "crypto/signature.h"

#include <pthread.h>

static struct signing_key *pair(void)
{
    struct signing_key *k = NULL;

    assert_ok(signing_key_generate(SIGNATURE_ES256, &k));
    return k;
}

static struct verify_key *public_half(const struct signing_key *k)
{
    uint8_t point[SIGNATURE_POINT];
    struct verify_key *v = NULL;

    signing_key_point(k, point);
    assert_ok(verify_key_new(SIGNATURE_ES256, point, &v));
    return v;
}

static void names_are_exact(void **state)
{
    (void)state;
    assert_string_equal(signature_algorithm_name(SIGNATURE_ES256), "ES256");
    assert_string_equal(signature_algorithm_name(SIGNATURE_UNSET), "");
    assert_int_equal(signature_algorithm_parse(VIEW("ES256")), SIGNATURE_ES256);
    const char *others[] = {"",      "none",  "None", "es256", "ES256 ", "ES25",   "ES256K",
                            "eddsa", "EDDSA", "RS1",  "HS1",   "RSA1_5", "A128KW", "dir"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(signature_algorithm_parse(view_text(others[i])), SIGNATURE_UNSET);
}

static void an_algorithm_belongs_to_a_type_and_curve(void **state)
{
    (void)state;
    for (enum signature_algorithm a = SIGNATURE_UNSET + 1; a < SIGNATURE_COUNT; a++) {
        struct view name = view_text(signature_algorithm_name(a));
        assert_true(name.len == 5);
        assert_true(signature_algorithm_parse(name) == a || a == SIGNATURE_ED448);
        unsigned fits = 0;
        for (enum raw_key_type t = RAW_KEY_UNSET; t <= RAW_KEY_OCT; t++)
            for (enum raw_key_curve c = RAW_CURVE_UNSET; c <= RAW_CURVE_X25519; c++)
                fits += signature_algorithm_of(name, t, c) == a;
        assert_int_equal(fits, 1);
    }
    assert_int_equal(signature_algorithm_of(VIEW("EdDSA"), RAW_KEY_OKP, RAW_CURVE_ED448), SIGNATURE_ED448);
    assert_int_equal(signature_algorithm_of(VIEW("EdDSA"), RAW_KEY_OKP, RAW_CURVE_X25519), SIGNATURE_UNSET);
    assert_int_equal(signature_algorithm_of(VIEW("ES256"), RAW_KEY_EC, RAW_CURVE_P384), SIGNATURE_UNSET);
    assert_int_equal(signature_algorithm_of(VIEW("HS256"), RAW_KEY_RSA, RAW_CURVE_UNSET), SIGNATURE_UNSET);
    assert_int_equal(signature_algorithm_of(VIEW_EMPTY, RAW_KEY_EC, RAW_CURVE_P521), SIGNATURE_ES512);
    assert_int_equal(signature_algorithm_of(VIEW_EMPTY, RAW_KEY_RSA, RAW_CURVE_UNSET), SIGNATURE_UNSET);
    assert_int_equal(signature_algorithm_of(VIEW_EMPTY, RAW_KEY_OCT, RAW_CURVE_UNSET), SIGNATURE_UNSET);
}

static void signs_and_verifies(void **state)
{
    struct signing_key *k = pair(), *stranger = pair();
    struct verify_key *v = public_half(k), *other = public_half(stranger);
    uint8_t sig[SIGNATURE_MAX];
    size_t len = 0;

    (void)state;
    /* Often enough that r and s of fewer than 32 bytes and with a high first bit come up. */
    for (int i = 0; i < 600; i++) {
        assert_ok(signing_key_sign(k, view_of(&i, sizeof i), sig, &len));
        assert_int_equal(len, 64);
        assert_ok(verify_key_check(v, view_of(&i, sizeof i), view_of(sig, 64)));
    }
    assert_code(verify_key_check(v, VIEW("another message"), view_of(sig, 64)), E_INVALID_TOKEN);
    int last = 599;
    assert_code(verify_key_check(other, view_of(&last, sizeof last), view_of(sig, 64)), E_INVALID_TOKEN);
    signing_key_free(k);
    signing_key_free(stranger);
    verify_key_free(v);
    verify_key_free(other);
}

static void refuses_other_lengths_and_forms(void **state)
{
    struct signing_key *k = pair();
    struct verify_key *v = public_half(k);
    uint8_t sig[SIGNATURE_MAX] = {0};
    size_t len;
    struct view m = VIEW("message");

    (void)state;
    assert_ok(signing_key_sign(k, m, sig, &len));
    for (size_t n = 0; n < sizeof sig; n++)
        if (n != 64)
            assert_code(verify_key_check(v, m, view_of(sig, n)), E_INVALID_TOKEN);
    assert_code(verify_key_check(v, m, VIEW_EMPTY), E_INVALID_TOKEN);
    for (size_t bit = 0; bit < 64 * 8; bit += 7) {
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_code(verify_key_check(v, m, view_of(sig, 64)), E_INVALID_TOKEN);
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_ok(verify_key_check(v, m, view_of(sig, 64)));
    signing_key_free(k);
    verify_key_free(v);
}

static void refuses_scalars_out_of_range(void **state)
{
    static const char *const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    struct signing_key *k = pair();
    struct verify_key *v = public_half(k);
    uint8_t n[32], one[32] = {0}, zero[32] = {0}, ones[32], sig[64], good[SIGNATURE_MAX];
    const uint8_t *bad[] = {zero, n, ones};
    size_t len;
    struct view m = VIEW("message");

    (void)state;
    one[31] = 1;
    memset(ones, 0xff, sizeof ones);
    assert_ok(hex_decode_exact(view_text(order), n, sizeof n));
    assert_ok(signing_key_sign(k, m, good, &len));
    for (size_t i = 0; i < 3; i++)
        for (int half = 0; half < 3; half++) { /* r, s, both */
            memcpy(sig, good, 64);
            if (half != 1)
                memcpy(sig, bad[i], 32);
            if (half != 0)
                memcpy(sig + 32, bad[i], 32);
            assert_code(verify_key_check(v, m, view_of(sig, 64)), E_INVALID_TOKEN);
        }
    memcpy(sig, one, 32);
    memcpy(sig + 32, one, 32);
    assert_code(verify_key_check(v, m, view_of(sig, 64)), E_INVALID_TOKEN);
    /* r + n, where it fits, would be another spelling of the same signature. */
    signing_key_free(k);
    verify_key_free(v);
}

static void private_keys_travel_as_pkcs8(void **state)
{
    struct signing_key *k = pair(), *stranger = pair(), *back = NULL;
    uint8_t der[SIGNATURE_PRIVATE_MAX + 1], a[SIGNATURE_POINT], b[SIGNATURE_POINT];
    size_t len = 0;

    (void)state;
    assert_code(signing_key_export(k, der, 16, &len), E_TOO_LARGE);
    assert_ok(signing_key_export(k, der, SIGNATURE_PRIVATE_MAX, &len));
    assert_ok(signing_key_import(SIGNATURE_ES256, view_of(der, len), &back));
    signing_key_point(k, a);
    signing_key_point(back, b);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(signing_key_algorithm(back), SIGNATURE_ES256);
    signing_key_free(back);
    for (size_t cut = 0; cut < len; cut++)
        assert_code(signing_key_import(SIGNATURE_ES256, view_of(der, cut), &back), E_CORRUPT);
    der[len] = 0;
    assert_code(signing_key_import(SIGNATURE_ES256, view_of(der, len + 1), &back), E_CORRUPT);
    der[len - 1] ^= 1; /* the public half, which PKCS#8 of EC keys repeats */
    assert_code(signing_key_import(SIGNATURE_ES256, view_of(der, len), &back), E_CORRUPT);
    signing_key_point(stranger, der + len - SIGNATURE_POINT); /* a good point, of somebody else's key */
    assert_code(signing_key_import(SIGNATURE_ES256, view_of(der, len), &back), E_CORRUPT);
    assert_code(signing_key_import(SIGNATURE_UNSET, view_of(der, len), &back), E_USAGE);
    assert_code(signing_key_generate(SIGNATURE_UNSET, &back), E_USAGE);
    signing_key_free(k);
    signing_key_free(stranger);
    signing_key_free(NULL);
    verify_key_free(NULL);
}

static void jwk_round_trip_and_refusals(void **state)
{
    struct signing_key *k = pair();
    uint8_t point[SIGNATURE_POINT], back[SIGNATURE_POINT];
    char text[512];
    struct buf b = buf_fixed(text, sizeof text);

    (void)state;
    signing_key_point(k, point);
    signature_point_jwk(point, &b);
    assert_true(buf_ok(&b));
    assert_ok(signature_jwk_point(buf_view(&b), back));
    assert_memory_equal(point, back, sizeof point);
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\"}",
        /* RFC 7515 A.3's point: right, then with another curve, type, length, padding, a private member, off the curve.
         */
        "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
        "{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVE\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"d\":\"AA\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_code(signature_jwk_point(view_text(bad[i]), back), E_INVALID_FIELD);
    assert_memory_equal(point, back, sizeof point);
    signing_key_free(k);
}

static void refuses_points_off_the_curve(void **state)
{
    struct signing_key *k = pair();
    uint8_t point[SIGNATURE_POINT];
    struct verify_key *v = NULL;

    (void)state;
    signing_key_point(k, point);
    point[64] ^= 1;
    assert_code(verify_key_new(SIGNATURE_ES256, point, &v), E_INVALID_FIELD);
    point[64] ^= 1;
    for (int form = 0; form < 256; form++)
        if (form != 4) {
            point[0] = (uint8_t)form; /* infinity, compressed, hybrid, nonsense */
            assert_code(verify_key_new(SIGNATURE_ES256, point, &v), E_INVALID_FIELD);
        }
    point[0] = 4;
    assert_code(verify_key_new(SIGNATURE_UNSET, point, &v), E_USAGE);
    memset(point + 1, 0xff, 64); /* coordinates past the field */
    assert_code(verify_key_new(SIGNATURE_ES256, point, &v), E_INVALID_FIELD);
    assert_null(v);
    signing_key_free(k);
}

enum { THREADS = 12, ROUNDS = 60 }; /* more threads than kept contexts */

struct shared {
    struct signing_key *sign;
    struct verify_key *verify;
    bool wrong[THREADS];
    size_t index;
};
struct job {
    struct shared *shared;
    size_t index;
};

static void *sign_and_verify(void *argument)
{
    struct job *job = argument;
    struct shared *s = job->shared;

    for (int i = 0; i < ROUNDS; i++) {
        uint8_t sig[SIGNATURE_MAX], message[2] = {(uint8_t)job->index, (uint8_t)i};
        size_t len = 0;
        struct view m = view_of(message, sizeof message);
        if (!cardea_ok(signing_key_sign(s->sign, m, sig, &len)) ||
            !cardea_ok(verify_key_check(s->verify, m, view_of(sig, len))))
            s->wrong[job->index] = true;
        message[0] ^= 0x80;
        if (cardea_ok(verify_key_check(s->verify, m, view_of(sig, len))))
            s->wrong[job->index] = true;
    }
    return NULL;
}

static void one_key_serves_many_threads(void **state)
{
    struct shared s = {.sign = pair()};
    struct job jobs[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    s.verify = public_half(s.sign);
    for (size_t i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){&s, i};
        assert_int_equal(pthread_create(&threads[i], NULL, sign_and_verify, &jobs[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(s.wrong[i]);
    }
    signing_key_free(s.sign);
    verify_key_free(s.verify);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_exact),
        cmocka_unit_test(an_algorithm_belongs_to_a_type_and_curve),
        cmocka_unit_test(signs_and_verifies),
        cmocka_unit_test(refuses_other_lengths_and_forms),
        cmocka_unit_test(refuses_scalars_out_of_range),
        cmocka_unit_test(private_keys_travel_as_pkcs8),
        cmocka_unit_test(jwk_round_trip_and_refusals),
        cmocka_unit_test(refuses_points_off_the_curve),
        cmocka_unit_test(one_key_serves_many_threads),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
