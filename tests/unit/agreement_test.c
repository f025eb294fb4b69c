#include "check.h"

#include "base/text.h"
#include "crypto/agreement.h"
#include "crypto/random.h"

static const enum agreement_curve curves[] = {AGREEMENT_P256, AGREEMENT_P384, AGREEMENT_X25519};

static void both_sides_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        enum agreement_curve c = curves[i];
        struct agreement_key *a = NULL, *b = NULL;
        uint8_t from_a[AGREEMENT_SECRET_MAX], from_b[AGREEMENT_SECRET_MAX];
        assert_ok(agreement_key_generate(c, entropy_system(), &a));
        assert_ok(agreement_key_generate(c, entropy_system(), &b));
        assert_int_equal(agreement_key_public(a).len, agreement_public_len(c));
        assert_ok(agreement_public_check(c, agreement_key_public(a)));
        assert_ok(agreement_secret(a, agreement_key_public(b), from_a));
        assert_ok(agreement_secret(b, agreement_key_public(a), from_b));
        assert_memory_equal(from_a, from_b, agreement_coordinate_len(c));
        assert_ok(agreement_secret(a, agreement_key_public(a), from_a));
        assert_memory_not_equal(from_a, from_b, agreement_coordinate_len(c));
        assert_int_equal(agreement_curve_parse(view_text(agreement_curve_name(c))), c);
        agreement_key_free(a);
        agreement_key_free(b);
    }
    agreement_key_free(NULL);
}

/* RFC 7518 appendix C. */
static void rfc7518_appendix_c(void **state)
{
    uint8_t d[32], theirs[65] = {0x04}, secret[AGREEMENT_SECRET_MAX], key[16];
    struct agreement_key *k = NULL;
    char text[22];

    (void)state;
    assert_ok(base64url_decode_exact(VIEW("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo"), d, 32));
    assert_ok(base64url_decode_exact(VIEW("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ"), theirs + 1, 32));
    assert_ok(base64url_decode_exact(VIEW("e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"), theirs + 33, 32));
    assert_ok(agreement_key_new(AGREEMENT_P256, view_of(d, 32), VIEW_EMPTY, &k));
    assert_ok(agreement_secret(k, view_of(theirs, 65), secret));
    concat_kdf(view_of(secret, 32), VIEW("A128GCM"), VIEW("Alice"), VIEW("Bob"), key, sizeof key);
    base64url_encode(key, sizeof key, text);
    assert_text(view_of(text, sizeof text), "VqqN6vgjbSBcIijNcacQGg");
    agreement_key_free(k);
}

static void refuse(struct agreement_key *k, const uint8_t *point, size_t len)
{
    uint8_t out[AGREEMENT_SECRET_MAX] = {7};

    assert_code(agreement_secret(k, view_of(point, len), out), E_INVALID_TOKEN);
    assert_int_equal(out[0], 7);
    assert_code(agreement_public_check(agreement_key_curve(k), view_of(point, len)), E_INVALID_FIELD);
}

static void bad_points_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct agreement_key *k = NULL;
        uint8_t point[AGREEMENT_PUBLIC_MAX], bad[AGREEMENT_PUBLIC_MAX + 1];
        size_t len = agreement_public_len(curves[i]);
        assert_ok(agreement_key_generate(curves[i], entropy_system(), &k));
        memcpy(point, agreement_key_public(k).ptr, len);
        memcpy(bad, point, len);
        bad[len - 1] ^= 1; /* off the curve */
        refuse(k, bad, len);
        memset(bad + 1, 0, len - 1);
        refuse(k, bad, len);
        memset(bad + 1, 0xff, len - 1); /* not reduced */
        refuse(k, bad, len);
        bad[0] = 0; /* infinity */
        refuse(k, bad, 1);
        memcpy(bad, point, len);
        bad[0] = (uint8_t)(2 + (point[len - 1] & 1)); /* compressed: right, and not our form */
        refuse(k, bad, 1 + agreement_coordinate_len(curves[i]));
        bad[0] = (uint8_t)(6 + (point[len - 1] & 1)); /* hybrid */
        refuse(k, bad, len);
        refuse(k, point, len - 1);
        refuse(k, point, 0);
        agreement_key_free(k);
    }
}

/* Points of order 1, 2, 4, 8 of Curve25519 and of its twist (RFC 7748 §6.1 asks for the check). */
static void low_order_is_refused(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct agreement_key *k = NULL;
    uint8_t point[32];

    (void)state;
    assert_ok(agreement_key_generate(AGREEMENT_X25519, entropy_system(), &k));
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        assert_ok(hex_decode_exact(view_text(points[i]), point, sizeof point));
        refuse(k, point, sizeof point);
    }
    refuse(k, point, 31);
    agreement_key_free(k);
}

static void bad_private_keys_are_refused(void **state)
{
    struct agreement_key *k = NULL, *other = NULL;
    uint8_t zero[48] = {0}, large[48];

    (void)state;
    memset(large, 0xff, sizeof large);
    for (size_t i = 0; i < 2; i++) {
        size_t len = agreement_coordinate_len(curves[i]);
        assert_code(agreement_key_new(curves[i], view_of(zero, len), VIEW_EMPTY, &k), E_INVALID_FIELD);
        assert_code(agreement_key_new(curves[i], view_of(large, len), VIEW_EMPTY, &k), E_INVALID_FIELD);
        assert_code(agreement_key_new(curves[i], view_of(large, len - 1), VIEW_EMPTY, &k), E_INVALID_FIELD);
    }
    assert_code(agreement_key_new(AGREEMENT_UNSET, view_of(large, 32), VIEW_EMPTY, &k), E_USAGE);
    for (size_t i = 0; i < 3; i++) { /* halves of two keys */
        zero[47] = zero[0] = 1;
        zero[agreement_coordinate_len(curves[i]) - 1] = 1;
        assert_ok(agreement_key_generate(curves[i], entropy_system(), &other));
        assert_code(agreement_key_new(curves[i], view_of(zero, agreement_coordinate_len(curves[i])),
                                      agreement_key_public(other), &k),
                    E_INVALID_FIELD);
        agreement_key_free(other);
    }
    assert_null(k);
}

static void ones(void *context, void *out, size_t len)
{
    (void)context;
    memset(out, 0xff, len);
}

static void broken_entropy_ends(void **state)
{
    const struct entropy e = {ones, NULL};
    struct agreement_key *k = NULL;

    (void)state;
    assert_code(agreement_key_generate(AGREEMENT_P256, &e, &k), E_INTERNAL);
    assert_null(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(rfc7518_appendix_c),
        cmocka_unit_test(bad_points_are_refused),
        cmocka_unit_test(low_order_is_refused),
        cmocka_unit_test(bad_private_keys_are_refused),
        cmocka_unit_test(broken_entropy_ends),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
