#include "check.h"

#include "base/text.h"
#include "crypto/pem.h"
#include "crypto/random.h"
#include "crypto/signature.h"

#include <pthread.h>

static struct raw_key drawn; /* by the last pair() */

static struct signing_key *pair(void)
{
    struct signing_key *k = NULL;

    assert_ok(signature_key_draw(SIGNATURE_ES256, 0, &drawn));
    assert_ok(signing_key_load(SIGNATURE_ES256, &drawn, &k));
    return k;
}

/* Of the last pair. */
static struct verify_key *public_half(void)
{
    struct verify_key *v = NULL;

    assert_ok(verify_key_load(SIGNATURE_ES256, &drawn, &v));
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
    struct signing_key *k = pair();
    struct verify_key *v = public_half();
    struct signing_key *stranger = pair();
    struct verify_key *other = public_half();
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
    struct verify_key *v = public_half();
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
    struct verify_key *v = public_half();
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

/* The bytes of a PKCS#8 that older versions wrote: RFC 7515 A.3's key. */
static const char pkcs8_hex[] =
    "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b02010104208e9b109e719098bf980487df1f5d"
    "77e9cb29606ebed2263b5f57c213df84f4b2a144034200047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf"
    "6e3c7bd15445c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad";

static void private_keys_are_read_from_pkcs8(void **state)
{
    enum { LEN = (sizeof pkcs8_hex - 1) / 2, POINT = 65 };
    uint8_t der[LEN + 1] = {0}, packed[RAW_KEY_PUBLIC_MAX];
    struct signing_key *k = NULL;
    struct raw_key raw;

    (void)state;
    assert_ok(hex_decode_exact(view_text(pkcs8_hex), der, LEN));
    assert_ok(pkcs8_read(view_of(der, LEN), &raw));
    assert_ok(signing_key_load(SIGNATURE_ES256, &raw, &k));
    assert_int_equal(raw_key_pack(&raw, packed), POINT);
    assert_memory_equal(packed, der + LEN - POINT, POINT);
    signing_key_free(k);
    for (size_t cut = 0; cut < LEN; cut++)
        assert_code(pkcs8_read(view_of(der, cut), &raw), E_INVALID_FIELD);
    assert_code(pkcs8_read(view_of(der, LEN + 1), &raw), E_INVALID_FIELD);
    assert_code(pkcs8_read(view_of(der, PKCS8_MAX + 1), &raw), E_TOO_LARGE);
    der[LEN - 1] ^= 1; /* the public half, which PKCS#8 of EC keys repeats */
    assert_true(!cardea_ok(pkcs8_read(view_of(der, LEN), &raw)) ||
                !cardea_ok(signing_key_load(SIGNATURE_ES256, &raw, &k)));
    signing_key_free(pair());
    assert_int_equal(raw_key_pack(&drawn, packed), POINT); /* a good point, of somebody else's key */
    memcpy(der + LEN - POINT, packed, POINT);
    assert_true(!cardea_ok(pkcs8_read(view_of(der, LEN), &raw)) ||
                !cardea_ok(signing_key_load(SIGNATURE_ES256, &raw, &k)));
    assert_code(signing_key_generate(SIGNATURE_UNSET, &k), E_USAGE);
    signing_key_free(NULL);
    verify_key_free(NULL);
}

static void refuses_points_off_the_curve(void **state)
{
    uint8_t point[RAW_KEY_PUBLIC_MAX];
    struct verify_key *v = NULL;
    struct raw_key raw;

    (void)state;
    signing_key_free(pair());
    assert_int_equal(raw_key_pack(&drawn, point), 65);
    point[64] ^= 1;
    assert_true(raw_key_unpack(view_of(point, 65), RAW_KEY_EC, RAW_CURVE_P256, &raw));
    assert_code(verify_key_load(SIGNATURE_ES256, &raw, &v), E_INVALID_FIELD);
    assert_code(verify_key_load_own(SIGNATURE_ES256, &raw, &v), E_INVALID_FIELD);
    point[64] ^= 1;
    for (int form = 0; form < 256; form++)
        if (form != 4) {
            point[0] = (uint8_t)form; /* infinity, compressed, hybrid, nonsense */
            assert_false(raw_key_unpack(view_of(point, 65), RAW_KEY_EC, RAW_CURVE_P256, &raw));
        }
    point[0] = 4;
    assert_code(verify_key_load(SIGNATURE_UNSET, &drawn, &v), E_USAGE);
    memset(point + 1, 0xff, 64); /* coordinates past the field */
    assert_true(raw_key_unpack(view_of(point, 65), RAW_KEY_EC, RAW_CURVE_P256, &raw));
    assert_code(verify_key_load(SIGNATURE_ES256, &raw, &v), E_INVALID_FIELD);
    assert_null(v);
}

/* A key of every algorithm comes back from its packed public half, and from no other bytes. */
static void public_halves_pack(void **state)
{
    (void)state;
    for (enum signature_algorithm a = SIGNATURE_UNSET + 1; a < SIGNATURE_COUNT; a++) {
        uint8_t packed[RAW_KEY_PUBLIC_MAX + 1] = {0}, again[RAW_KEY_PUBLIC_MAX];
        struct verify_key *v = NULL;
        struct raw_key raw, back;
        assert_ok(signature_key_draw(a, RSA_BITS_MIN, &raw));
        size_t len = raw_key_pack(&raw, packed);
        assert_true(signature_is_mac(a) ? len == 0 : len > 0);
        if (signature_is_mac(a)) {
            assert_false(raw_key_unpack(view_of(packed, 32), raw.type, raw.curve, &back));
            continue;
        }
        assert_true(raw_key_unpack(view_of(packed, len), raw.type, raw.curve, &back));
        assert_false(raw_key_is_secret(&back));
        assert_int_equal(raw_key_pack(&back, again), len);
        assert_memory_equal(packed, again, len);
        assert_ok(verify_key_load_own(a, &back, &v));
        verify_key_free(v);
        assert_false(raw_key_unpack(VIEW_EMPTY, raw.type, raw.curve, &back));
        if (raw.type != RAW_KEY_RSA) { /* whose length is not fixed */
            assert_false(raw_key_unpack(view_of(packed, len - 1), raw.type, raw.curve, &back));
            assert_false(raw_key_unpack(view_of(packed, len + 1), raw.type, raw.curve, &back));
        } else {
            packed[0] = 9;
            assert_false(raw_key_unpack(view_of(packed, len), raw.type, raw.curve, &back));
            packed[0] = 0;
            assert_false(raw_key_unpack(view_of(packed, len), raw.type, raw.curve, &back));
        }
    }
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
    s.verify = public_half();
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
        cmocka_unit_test(private_keys_are_read_from_pkcs8),
        cmocka_unit_test(public_halves_pack),
        cmocka_unit_test(refuses_points_off_the_curve),
        cmocka_unit_test(one_key_serves_many_threads),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
