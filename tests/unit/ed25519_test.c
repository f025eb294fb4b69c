/* Ed25519: RFC 8032's values, and C04 of the list of attacks: second texts for one signature, points of small order,
 * encodings that are not canonical. libsodium's group arithmetic makes the forgeries. */
#include "check.h"

#include "base/text.h"
#include "crypto/ed25519.h"
#include "crypto/random.h"

#include <sodium.h>

/* Every encoding of a point of order 1, 2, 4 or 8: y below the prime, then past it; and with the sign bit. */
static const char *const small_order[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};
enum { SMALL_ORDER = sizeof small_order / sizeof *small_order };

/* L, little-endian. */
static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                  0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                  0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

static struct ed25519_secret *some_key(void)
{
    uint8_t seed[ED25519_SEED];

    entropy_fill(entropy_system(), seed, sizeof seed);
    struct ed25519_secret *k = ed25519_secret_new(seed);
    assert_non_null(k);
    return k;
}

static void hex32(const char *text, uint8_t out[32])
{
    assert_ok(hex_decode_exact(view_text(text), out, 32));
}

/* RFC 8032 §7.1, tests 1 to 3. */
static void published_values(void **state)
{
    static const char *const values[][4] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bb"
         "e"
         "24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302"
         "a"
         "eeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed"
         "2"
         "8dc027beceea1ec40a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint8_t seed[32], public[32], message[2], wanted[64], signature[64], back[32];
        struct view m = view_of(message, strlen(values[i][2]) / 2);
        hex32(values[i][0], seed);
        hex32(values[i][1], public);
        assert_ok(hex_decode_exact(view_text(values[i][2]), message, m.len));
        assert_ok(hex_decode_exact(view_text(values[i][3]), wanted, 64));
        struct ed25519_secret *k = ed25519_secret_new(seed);
        assert_non_null(k);
        struct ed25519_public half = ed25519_secret_public(k), loaded;
        assert_memory_equal(half.bytes, public, 32);
        ed25519_secret_seed(k, back);
        assert_memory_equal(back, seed, 32);
        ed25519_sign(k, m, signature);
        assert_memory_equal(signature, wanted, 64);
        assert_ok(ed25519_public_load(view_of(public, 32), &loaded));
        assert_ok(ed25519_verify(&loaded, m, view_of(signature, 64)));
        ed25519_secret_free(k);
    }
    ed25519_secret_free(NULL);
}

static void refuses_what_was_changed(void **state)
{
    struct ed25519_secret *k = some_key(), *stranger = some_key();
    struct ed25519_public p = ed25519_secret_public(k), other = ed25519_secret_public(stranger);
    uint8_t sig[130] = {0};
    struct view m = VIEW("message");

    (void)state;
    ed25519_sign(k, m, sig);
    memcpy(sig + 64, sig, 64);
    assert_ok(ed25519_verify(&p, m, view_of(sig, 64)));
    for (size_t n = 0; n < sizeof sig; n++)
        if (n != 64)
            assert_code(ed25519_verify(&p, m, view_of(sig, n)), E_INVALID_TOKEN);
    assert_code(ed25519_verify(&p, m, VIEW_EMPTY), E_INVALID_TOKEN);
    for (size_t bit = 0; bit < 64 * 8; bit++) {
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_code(ed25519_verify(&p, m, view_of(sig, 64)), E_INVALID_TOKEN);
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_code(ed25519_verify(&p, VIEW("massage"), view_of(sig, 64)), E_INVALID_TOKEN);
    assert_code(ed25519_verify(&p, VIEW_EMPTY, view_of(sig, 64)), E_INVALID_TOKEN);
    assert_code(ed25519_verify(&other, m, view_of(sig, 64)), E_INVALID_TOKEN);
    ed25519_secret_free(k);
    ed25519_secret_free(stranger);
}

/* S + L, S + 2L, … as far as 32 bytes hold. */
static void c04_scalar_past_the_order(void **state)
{
    struct ed25519_secret *k = some_key();
    struct ed25519_public p = ed25519_secret_public(k);
    uint8_t sig[64];
    int made = 0;

    (void)state;
    ed25519_sign(k, VIEW("message"), sig);
    assert_ok(ed25519_verify(&p, VIEW("message"), view_of(sig, 64)));
    for (;; made++) {
        unsigned carry = 0;
        for (size_t i = 0; i < 32; i++) {
            carry += (unsigned)sig[32 + i] + order[i];
            sig[32 + i] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry != 0)
            break;
        assert_code(ed25519_verify(&p, VIEW("message"), view_of(sig, 64)), E_INVALID_TOKEN);
    }
    assert_true(made >= 14);
    memcpy(sig + 32, order, 32); /* S = L, which is 0 */
    assert_code(ed25519_verify(&p, VIEW("message"), view_of(sig, 64)), E_INVALID_TOKEN);
    ed25519_secret_free(k);
}

static void c04_swapped_halves_and_constants(void **state)
{
    struct ed25519_secret *k = some_key();
    struct ed25519_public p = ed25519_secret_public(k);
    uint8_t sig[64], swapped[64];

    (void)state;
    ed25519_sign(k, VIEW("message"), sig);
    memcpy(swapped, sig + 32, 32);
    memcpy(swapped + 32, sig, 32);
    assert_code(ed25519_verify(&p, VIEW("message"), view_of(swapped, 64)), E_INVALID_TOKEN);
    for (int fill = 0; fill < 256; fill += 255) {
        memset(swapped, fill, 64);
        assert_code(ed25519_verify(&p, VIEW("message"), view_of(swapped, 64)), E_INVALID_TOKEN);
    }
    for (size_t from = 0; from < 64; from += 32) { /* one half zero */
        memcpy(swapped, sig, 64);
        memset(swapped + from, 0, 32);
        assert_code(ed25519_verify(&p, VIEW("message"), view_of(swapped, 64)), E_INVALID_TOKEN);
    }
    ed25519_secret_free(k);
}

/* S = H(R, A, M) a, so that S B = R + H(R, A, M) A holds for R = 0 exactly: only the rule about R refuses it. */
static void solve_for_zero_r(const uint8_t seed[32], const struct ed25519_public *p, struct view m, uint8_t sig[64])
{
    uint8_t expanded[64], wide[64], h[32], a[32], zero[32] = {0};
    crypto_hash_sha512_state hash;

    crypto_hash_sha512(expanded, seed, 32);
    expanded[0] &= 248;
    expanded[31] = (uint8_t)((expanded[31] & 127) | 64);
    memset(wide, 0, sizeof wide);
    memcpy(wide, expanded, 32);
    crypto_core_ed25519_scalar_reduce(a, wide);
    crypto_hash_sha512_init(&hash);
    crypto_hash_sha512_update(&hash, sig, 32);
    crypto_hash_sha512_update(&hash, p->bytes, 32);
    crypto_hash_sha512_update(&hash, (const uint8_t *)m.ptr, m.len);
    crypto_hash_sha512_final(&hash, wide);
    crypto_core_ed25519_scalar_reduce(h, wide);
    crypto_core_ed25519_scalar_mul(sig + 32, h, a);
    assert_int_not_equal(memcmp(sig + 32, zero, 32), 0);
}

static void c04_small_order_r(void **state)
{
    uint8_t seed[32], sig[64];
    struct view m = VIEW("message");

    (void)state;
    entropy_fill(entropy_system(), seed, sizeof seed);
    struct ed25519_secret *k = ed25519_secret_new(seed);
    assert_non_null(k);
    struct ed25519_public p = ed25519_secret_public(k);
    for (size_t i = 0; i < SMALL_ORDER; i++) { /* those with y = 1 solve the equation */
        hex32(small_order[i], sig);
        solve_for_zero_r(seed, &p, m, sig);
        assert_code(ed25519_verify(&p, m, view_of(sig, 64)), E_INVALID_TOKEN);
    }
    ed25519_secret_free(k);
}

/* With A of small order, R = A's multiple and S = 0 would verify any message for one in eight, or every one. */
static void c04_small_order_key(void **state)
{
    struct ed25519_public p, untouched;

    (void)state;
    memset(&untouched, 0x5a, sizeof untouched);
    for (size_t i = 0; i < SMALL_ORDER; i++) {
        struct ed25519_public by_hand;
        hex32(small_order[i], by_hand.bytes);
        p = untouched;
        assert_code(ed25519_public_load(view_of(by_hand.bytes, 32), &p), E_INVALID_FIELD);
        assert_memory_equal(&p, &untouched, sizeof p);
        for (size_t r = 0; r < SMALL_ORDER; r++) {
            uint8_t sig[64] = {0};
            hex32(small_order[r], sig);
            for (unsigned m = 0; m < 16; m++)
                assert_code(ed25519_verify(&by_hand, view_of(&m, sizeof m), view_of(sig, 64)), E_INVALID_TOKEN);
        }
    }
}

static void c04_key_not_canonical(void **state)
{
    struct ed25519_public p;

    (void)state;
    for (unsigned past = 0; past < 19; past++) /* y = p + past is y = past */
        for (unsigned sign = 0; sign < 2; sign++) {
            uint8_t bytes[32];
            memset(bytes, 0xff, sizeof bytes);
            bytes[0] = (uint8_t)(0xed + past);
            bytes[31] = (uint8_t)(sign == 1 ? 0xff : 0x7f);
            assert_code(ed25519_public_load(view_of(bytes, 32), &p), E_INVALID_FIELD);
        }
}

static void c04_key_with_a_part_of_small_order(void **state)
{
    struct ed25519_secret *k = some_key();
    struct ed25519_public good = ed25519_secret_public(k), p;

    (void)state;
    for (size_t i = 1; i < 8; i++) {
        uint8_t torsion[32], mixed[32];
        hex32(small_order[i], torsion);
        assert_int_equal(crypto_core_ed25519_add(mixed, good.bytes, torsion), 0);
        assert_code(ed25519_public_load(view_of(mixed, 32), &p), E_INVALID_FIELD);
    }
    assert_ok(ed25519_public_load(view_of(good.bytes, 32), &p));
    ed25519_secret_free(k);
}

static void keys_that_are_none(void **state)
{
    struct ed25519_secret *k = some_key();
    struct ed25519_public good = ed25519_secret_public(k), p;
    uint8_t bytes[65] = {0};
    unsigned refused = 0;

    (void)state;
    memcpy(bytes, good.bytes, 32);
    for (size_t n = 0; n < sizeof bytes; n++)
        if (n != 32)
            assert_code(ed25519_public_load(view_of(bytes, n), &p), E_INVALID_FIELD);
    for (unsigned y = 2; y < 200; y++) { /* about half are no y of any point, of the others seven in eight are mixed */
        memset(bytes, 0, sizeof bytes);
        bytes[0] = (uint8_t)y;
        refused += !cardea_ok(ed25519_public_load(view_of(bytes, 32), &p));
    }
    assert_true(refused > 140 && refused < 198);
    ed25519_secret_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),          cmocka_unit_test(refuses_what_was_changed),
        cmocka_unit_test(c04_scalar_past_the_order), cmocka_unit_test(c04_swapped_halves_and_constants),
        cmocka_unit_test(c04_small_order_r),         cmocka_unit_test(c04_small_order_key),
        cmocka_unit_test(c04_key_not_canonical),     cmocka_unit_test(c04_key_with_a_part_of_small_order),
        cmocka_unit_test(keys_that_are_none),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
