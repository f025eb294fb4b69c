/* Every algorithm: signs, verifies, refuses what another signed, and refuses keys that are weak or malformed. */
#include "check.h"

#include "base/text.h"
#include "crypto/random.h"
#include "crypto/signature.h"

static struct raw_key raws[SIGNATURE_COUNT]; /* private keys, one an algorithm; RSA's shared: six would take a second */

static const struct {
    enum raw_key_type type;
    enum raw_key_curve curve;
    uint32_t bits;
} shapes[SIGNATURE_COUNT] = {
    [SIGNATURE_ES256] = {RAW_KEY_EC, RAW_CURVE_P256, 0},
    [SIGNATURE_ES384] = {RAW_KEY_EC, RAW_CURVE_P384, 0},
    [SIGNATURE_ES512] = {RAW_KEY_EC, RAW_CURVE_P521, 0},
    [SIGNATURE_RS256] = {RAW_KEY_RSA, 0, 2048},
    [SIGNATURE_HS256] = {RAW_KEY_OCT, 0, 256},
    [SIGNATURE_HS384] = {RAW_KEY_OCT, 0, 384},
    [SIGNATURE_HS512] = {RAW_KEY_OCT, 0, 512},
    [SIGNATURE_ED25519] = {RAW_KEY_OKP, RAW_CURVE_ED25519, 0},
    [SIGNATURE_ED448] = {RAW_KEY_OKP, RAW_CURVE_ED448, 0},
};

static int make_keys(void **state)
{
    (void)state;
    for (int a = 1; a < SIGNATURE_COUNT; a++) {
        if (shapes[a].type == RAW_KEY_UNSET)
            raws[a] = raws[SIGNATURE_RS256];
        else
            assert_ok(raw_key_generate(shapes[a].type, shapes[a].curve, shapes[a].bits, &raws[a]));
    }
    return 0;
}

static struct signing_key *signer(enum signature_algorithm a)
{
    struct signing_key *k = NULL;

    assert_ok(signing_key_load(a, &raws[a], &k));
    return k;
}

static struct verify_key *checker(enum signature_algorithm a)
{
    struct verify_key *k = NULL;
    struct raw_key open;

    if (raws[a].type == RAW_KEY_OCT) {
        assert_ok(verify_key_load(a, &raws[a], &k));
        return k;
    }
    raw_key_public(&raws[a], &open);
    assert_false(raw_key_is_secret(&open));
    assert_ok(verify_key_load(a, &open, &k));
    return k;
}

static void each_signs_and_verifies(void **state)
{
    struct view m = VIEW("a message");

    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        struct signing_key *s = signer(a);
        struct verify_key *v = checker(a);
        uint8_t sig[SIGNATURE_MAX + 1];
        size_t len = 0;
        assert_int_equal(signing_key_algorithm(s), a);
        assert_int_equal(verify_key_algorithm(v), a);
        for (int i = 0; i < 20; i++) {
            struct view n = view_of(&i, sizeof i);
            assert_ok(signing_key_sign(s, n, sig, &len));
            assert_ok(verify_key_check(v, n, view_of(sig, len)));
        }
        assert_ok(signing_key_sign(s, m, sig, &len));
        assert_int_equal(len, signing_key_length(s));
        assert_ok(verify_key_check(v, m, view_of(sig, len)));
        assert_ok(signing_key_sign(s, VIEW_EMPTY, sig, &len));
        assert_ok(verify_key_check(v, VIEW_EMPTY, view_of(sig, len)));
        assert_code(verify_key_check(v, m, view_of(sig, len)), E_INVALID_TOKEN);
        signing_key_free(s);
        verify_key_free(v);
    }
}

static void other_lengths_and_flipped_bits_are_refused(void **state)
{
    struct view m = VIEW("a message");

    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        struct signing_key *s = signer(a);
        struct verify_key *v = checker(a);
        uint8_t sig[SIGNATURE_MAX + 64] = {0};
        size_t len = 0;
        assert_ok(signing_key_sign(s, m, sig, &len));
        for (size_t n = 0; n < sizeof sig; n++)
            if (n != len)
                assert_code(verify_key_check(v, m, view_of(sig, n)), E_INVALID_TOKEN);
        for (size_t bit = 0; bit < len * 8; bit += 13) {
            sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_code(verify_key_check(v, m, view_of(sig, len)), E_INVALID_TOKEN);
            sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_ok(verify_key_check(v, m, view_of(sig, len)));
        memset(sig, 0, sizeof sig);
        assert_code(verify_key_check(v, m, view_of(sig, len)), E_INVALID_TOKEN);
        memset(sig, 0xff, sizeof sig);
        assert_code(verify_key_check(v, m, view_of(sig, len)), E_INVALID_TOKEN);
        signing_key_free(s);
        verify_key_free(v);
    }
}

/* RS256 and PS256, and the hashes, on one RSA key: what one signs no other takes. */
static void no_algorithm_takes_anothers_signature(void **state)
{
    struct view m = VIEW("a message");

    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        struct signing_key *s = signer(a);
        uint8_t sig[SIGNATURE_MAX];
        size_t len = 0;
        assert_ok(signing_key_sign(s, m, sig, &len));
        for (enum signature_algorithm b = 1; b < SIGNATURE_COUNT; b++) {
            struct verify_key *v = checker(b);
            struct cardea_status status = verify_key_check(v, m, view_of(sig, len));
            assert_int_equal(status.code, a == b ? CARDEA_OK : CARDEA_E_INVALID_TOKEN);
            verify_key_free(v);
        }
        signing_key_free(s);
    }
}

static void a_key_of_another_type_or_curve_is_refused(void **state)
{
    struct signing_key *s = NULL;
    struct verify_key *v = NULL;

    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++)
        for (enum signature_algorithm b = 1; b < SIGNATURE_COUNT; b++) {
            bool alike = raws[a].type == raws[b].type && raws[a].curve == raws[b].curve;
            if (alike)
                continue;
            assert_code(signing_key_load(a, &raws[b], &s), E_INVALID_FIELD);
            assert_code(verify_key_load(a, &raws[b], &v), E_INVALID_FIELD);
        }
    assert_code(signing_key_load(SIGNATURE_UNSET, &raws[SIGNATURE_ES256], &s), E_USAGE);
    assert_code(verify_key_load(SIGNATURE_COUNT, &raws[SIGNATURE_ES256], &v), E_USAGE);
    assert_null(s);
    assert_null(v);
}

/* A06, A07: what an HS key would have to be made of is not in a public key. */
static void d10_mac_keys_shorter_than_the_hash(void **state)
{
    static const uint8_t zeros[RAW_KEY_PART_MAX];

    (void)state;
    for (enum signature_algorithm a = SIGNATURE_HS256; a <= SIGNATURE_HS512; a++)
        for (size_t len = 1; len <= 200; len++) {
            struct raw_key raw;
            struct verify_key *v = NULL;
            struct signing_key *s = NULL;
            size_t least = 32 + 16 * (size_t)(a - SIGNATURE_HS256);
            raw_key_init(&raw, RAW_KEY_OCT, RAW_CURVE_UNSET);
            assert_true(raw_key_put(&raw, RAW_KEY_K, view_of(zeros, len)));
            assert_int_equal(verify_key_load(a, &raw, &v).code, len < least ? CARDEA_E_INVALID_FIELD : CARDEA_OK);
            assert_int_equal(signing_key_load(a, &raw, &s).code, len < least ? CARDEA_E_INVALID_FIELD : CARDEA_OK);
            verify_key_free(v);
            signing_key_free(s);
        }
}

/* A copy with one part set anew, or left out where bytes are empty. */
static struct raw_key with_part(const struct raw_key *k, enum raw_key_part part, struct view bytes)
{
    struct raw_key out;

    raw_key_init(&out, k->type, k->curve);
    for (enum raw_key_part p = 0; p < RAW_KEY_PARTS; p++) {
        struct view v = p == part ? bytes : raw_key_part(k, p);
        if (v.len > 0)
            assert_true(raw_key_put(&out, p, v));
    }
    return out;
}

static void assert_rsa_refused(enum raw_key_part part, struct view bytes)
{
    struct raw_key bad = with_part(&raws[SIGNATURE_RS256], part, bytes);

    for (enum signature_algorithm a = SIGNATURE_RS256; a <= SIGNATURE_PS512; a++) {
        struct verify_key *v = NULL;
        struct signing_key *s = NULL;
        assert_code(signing_key_load(a, &bad, &s), E_INVALID_FIELD);
        if (part == RAW_KEY_N || part == RAW_KEY_E)
            assert_code(verify_key_load(a, &bad, &v), E_INVALID_FIELD);
    }
}

static void d10_rsa_moduli_and_exponents(void **state)
{
    uint8_t n[RAW_KEY_PART_MAX];
    struct view good = raw_key_part(&raws[SIGNATURE_RS256], RAW_KEY_N);

    (void)state;
    static const char *const exponents[] = {"",   "01",   "02",     "03",       "05",
                                            "11", "ffff", "010000", "00010001", "010001000000000001"};
    for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++) {
        uint8_t e[16];
        size_t len = strlen(exponents[i]) / 2;
        assert_ok(hex_decode_exact(view_text(exponents[i]), e, len));
        assert_rsa_refused(RAW_KEY_E, view_of(e, len));
    }
    assert_rsa_refused(RAW_KEY_N, VIEW_EMPTY);
    assert_rsa_refused(RAW_KEY_N, view_of(good.ptr, good.len - 1)); /* 2040 bits */
    assert_rsa_refused(RAW_KEY_N, view_of(good.ptr, 128));
    assert_rsa_refused(RAW_KEY_N, view_of(good.ptr, 64));
    memcpy(n, good.ptr, good.len);
    n[0] = 0x7f; /* 2047 bits */
    assert_rsa_refused(RAW_KEY_N, view_of(n, good.len));
    memcpy(n, good.ptr, good.len);
    n[good.len - 1] &= 0xfe;
    assert_rsa_refused(RAW_KEY_N, view_of(n, good.len));
    n[0] = 0;
    memcpy(n + 1, good.ptr, good.len); /* a leading zero */
    assert_rsa_refused(RAW_KEY_N, view_of(n, good.len + 1));
}

static void private_rsa_parts_belong_together(void **state)
{
    (void)state;
    for (enum raw_key_part p = RAW_KEY_D; p <= RAW_KEY_QI; p++) {
        uint8_t bytes[RAW_KEY_PART_MAX];
        struct view good = raw_key_part(&raws[SIGNATURE_RS256], p);
        assert_rsa_refused(p, VIEW_EMPTY);
        memcpy(bytes, good.ptr, good.len);
        bytes[good.len - 1] ^= 2;
        assert_rsa_refused(p, view_of(bytes, good.len));
    }
}

/* C05: the number and the modulus together are no second text for a signature. */
static void c05_rsa_signature_plus_modulus(void **state)
{
    struct view n = raw_key_part(&raws[SIGNATURE_RS256], RAW_KEY_N), m = VIEW("m");

    (void)state;
    for (enum signature_algorithm a = SIGNATURE_RS256; a <= SIGNATURE_PS512; a++) {
        struct signing_key *s = signer(a);
        struct verify_key *v = checker(a);
        uint8_t sig[SIGNATURE_MAX];
        size_t len = 0;
        assert_code(verify_key_check(v, m, n), E_INVALID_TOKEN);
        memcpy(sig, n.ptr, n.len);
        sig[n.len - 1]--; /* n - 1 */
        assert_code(verify_key_check(v, m, view_of(sig, n.len)), E_INVALID_TOKEN);
        memset(sig, 0, n.len);
        sig[n.len - 1] = 1;
        assert_code(verify_key_check(v, m, view_of(sig, n.len)), E_INVALID_TOKEN);
        assert_ok(signing_key_sign(s, m, sig, &len));
        unsigned carry = 0;
        for (size_t i = len; i-- > 0;) {
            carry += (unsigned)sig[i] + (uint8_t)n.ptr[i];
            sig[i] = (uint8_t)carry;
            carry >>= 8;
        }
        assert_code(verify_key_check(v, m, view_of(sig, len)), E_INVALID_TOKEN);
        signing_key_free(s);
        verify_key_free(v);
    }
}

static void assert_point_refused(enum signature_algorithm a, enum raw_key_part part, const uint8_t *bytes, size_t len)
{
    struct raw_key bad = with_part(&raws[a], part, view_of(bytes, len));
    struct signing_key *s = NULL;
    struct verify_key *v = NULL;

    assert_code(signing_key_load(a, &bad, &s), E_INVALID_FIELD);
    if (part != RAW_KEY_D)
        assert_code(verify_key_load(a, &bad, &v), E_INVALID_FIELD);
}

static void d10_curve_points_and_lengths(void **state)
{
    static const enum signature_algorithm all[] = {SIGNATURE_ES256, SIGNATURE_ES384, SIGNATURE_ES512, SIGNATURE_ED25519,
                                                   SIGNATURE_ED448};
    uint8_t bytes[80];

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct raw_key *k = &raws[all[i]];
        for (enum raw_key_part p = 0; p < RAW_KEY_PARTS; p++) {
            struct view good = raw_key_part(k, p);
            if (good.len == 0)
                continue;
            memset(bytes, 0, sizeof bytes);
            memcpy(bytes + 1, good.ptr, good.len);
            assert_point_refused(all[i], p, bytes + 1, good.len - 1);
            assert_point_refused(all[i], p, bytes + 1, good.len + 1);
            assert_point_refused(all[i], p, bytes, good.len + 1); /* a leading zero */
            assert_point_refused(all[i], p, bytes, 0);
            memset(bytes, 0, sizeof bytes);
            assert_point_refused(all[i], p, bytes, good.len);
            memset(bytes, 0xff, sizeof bytes); /* past the field, the order */
            assert_point_refused(all[i], p, bytes, good.len);
            memcpy(bytes, good.ptr, good.len);
            bytes[good.len / 2] ^= 1; /* off the curve half of the time for EdDSA: the pair breaks always */
            struct raw_key bad = with_part(k, p, view_of(bytes, good.len));
            struct signing_key *s = NULL;
            struct verify_key *v = NULL;
            assert_code(signing_key_load(all[i], &bad, &s), E_INVALID_FIELD);
            if (k->type == RAW_KEY_EC && p != RAW_KEY_D)
                assert_code(verify_key_load(all[i], &bad, &v), E_INVALID_FIELD);
        }
    }
}

/* Every y from 0 to 40 that is on the curve is (0 … 40 without small order); p, p + 1 are not canonical. */
static void ed448_points_of_small_order(void **state)
{
    uint8_t x[57] = {0};
    int accepted = 0;

    (void)state;
    for (uint8_t y = 0; y < 40; y++) {
        x[0] = y;
        struct raw_key raw;
        struct verify_key *v = NULL;
        raw_key_init(&raw, RAW_KEY_OKP, RAW_CURVE_ED448);
        assert_true(raw_key_put(&raw, RAW_KEY_X, view_of(x, 57)));
        struct cardea_status s = verify_key_load(SIGNATURE_ED448, &raw, &v);
        assert_false(y < 2 && cardea_ok(s));
        accepted += cardea_ok(s);
        verify_key_free(v);
    }
    assert_true(accepted > 8 && accepted < 32);
    memset(x, 0xff, 56); /* p - 1, p, p + 1 */
    x[28] = 0xfe;
    for (int d = -1; d <= 1; d++) {
        x[0] = d > 0 ? 0 : (uint8_t)(0xff + d);
        if (d > 0) { /* p + 1 = 2^448 - 2^224 */
            memset(x, 0, 28);
            x[28] = 0xff;
        }
        struct raw_key raw;
        struct verify_key *v = NULL;
        raw_key_init(&raw, RAW_KEY_OKP, RAW_CURVE_ED448);
        assert_true(raw_key_put(&raw, RAW_KEY_X, view_of(x, 57)));
        assert_code(verify_key_load(SIGNATURE_ED448, &raw, &v), E_INVALID_FIELD);
    }
}

static void generating_needs_a_shape(void **state)
{
    struct raw_key k;
    struct signing_key *s = NULL;

    (void)state;
    assert_code(raw_key_generate(RAW_KEY_UNSET, RAW_CURVE_UNSET, 256, &k), E_USAGE);
    assert_code(raw_key_generate(RAW_KEY_EC, RAW_CURVE_ED25519, 0, &k), E_USAGE);
    assert_code(raw_key_generate(RAW_KEY_OKP, RAW_CURVE_P256, 0, &k), E_USAGE);
    assert_code(raw_key_generate(RAW_KEY_RSA, RAW_CURVE_UNSET, 1024, &k), E_USAGE);
    assert_code(raw_key_generate(RAW_KEY_RSA, RAW_CURVE_UNSET, 8192, &k), E_USAGE);
    assert_code(raw_key_generate(RAW_KEY_OCT, RAW_CURVE_UNSET, 0, &k), E_USAGE);
    assert_code(raw_key_generate(RAW_KEY_OCT, RAW_CURVE_UNSET, 257, &k), E_USAGE);
    assert_ok(raw_key_generate(RAW_KEY_OKP, RAW_CURVE_X25519, 0, &k));
    assert_true(raw_key_is_secret(&k));
    for (enum signature_algorithm a = SIGNATURE_HS256; a < SIGNATURE_COUNT; a++) {
        assert_ok(signing_key_generate(a, &s));
        signing_key_free(s);
    }
    raw_key_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signs_and_verifies),
        cmocka_unit_test(other_lengths_and_flipped_bits_are_refused),
        cmocka_unit_test(no_algorithm_takes_anothers_signature),
        cmocka_unit_test(a_key_of_another_type_or_curve_is_refused),
        cmocka_unit_test(d10_mac_keys_shorter_than_the_hash),
        cmocka_unit_test(d10_rsa_moduli_and_exponents),
        cmocka_unit_test(private_rsa_parts_belong_together),
        cmocka_unit_test(c05_rsa_signature_plus_modulus),
        cmocka_unit_test(d10_curve_points_and_lengths),
        cmocka_unit_test(ed448_points_of_small_order),
        cmocka_unit_test(generating_needs_a_shape),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
