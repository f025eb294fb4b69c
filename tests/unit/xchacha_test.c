/* BLAKE2b, keyed and not, and XChaCha20: published values, and that derivations under one key stay apart. */
#include "check.h"

#include "base/text.h"
#include "crypto/random.h"
#include "crypto/xchacha.h"

static void hex(const char *text, uint8_t *out, size_t len)
{
    assert_ok(hex_decode_exact(view_text(text), out, len));
}

/* RFC 7693, appendix A; in one part and in three. */
static void blake2b_of_abc(void **state)
{
    uint8_t wanted[64], out[64];

    (void)state;
    hex("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
        "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
        wanted, 64);
    blake2b_digest(&VIEW("abc"), 1, out, 64);
    assert_memory_equal(out, wanted, 64);
    blake2b_digest((struct view[]){VIEW("a"), VIEW_EMPTY, VIEW("bc")}, 3, out, 64);
    assert_memory_equal(out, wanted, 64);
}

/* draft-irtf-cfrg-xchacha-03, A.3.2.1: the first bytes of the text. */
static void xchacha20_of_the_dhole(void **state)
{
    char text[] = "The dhole (pronounced \"dole\") is also known as the Asiatic wild dog";
    const size_t len = sizeof text - 1;
    uint8_t key[32], nonce[24], wanted[32], bytes[sizeof text - 1];

    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(0x80 + i);
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] = (uint8_t)(0x40 + i);
    nonce[23] = 0x58;
    hex("4559abba4e48c16102e8bb2c05e6947f50a786de162f9b0b7e592a9b53d0d4e9", wanted, 32);
    memcpy(bytes, text, len);
    xchacha20_xor(key, nonce, bytes, len);
    assert_memory_equal(bytes, wanted, 32);
    xchacha20_xor(key, nonce, bytes, len);
    assert_memory_equal(bytes, text, len);
    xchacha20_xor(key, nonce, bytes, 0);
    assert_memory_equal(bytes, text, len);
}

static void derivations_stay_apart(void **state)
{
    uint8_t seed[32] = {1}, other_seed[32] = {2}, back[32], out[5][32];
    struct split_key *k = split_key_new(seed), *other = split_key_new(other_seed);

    (void)state;
    assert_non_null(k);
    assert_non_null(other);
    split_key_bytes(k, back);
    assert_memory_equal(back, seed, 32);
    split_key_derive(k, VIEW("label"), VIEW("nonce"), out[0], 32);
    split_key_derive(k, VIEW("babel"), VIEW("nonce"), out[1], 32);
    split_key_derive(k, VIEW("label"), VIEW("once."), out[2], 32);
    split_key_derive(other, VIEW("label"), VIEW("nonce"), out[3], 32);
    blake2b_digest((struct view[]){VIEW("label"), VIEW("nonce")}, 2, out[4], 32);
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(out[i], out[j], 32);
    /* A derivation is the MAC of its parts under the key. */
    blake2b_mac(seed, (struct view[]){VIEW("label"), VIEW("nonce")}, 2, back);
    assert_memory_equal(back, out[0], 32);
    split_key_free(k);
    split_key_free(other);
    split_key_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blake2b_of_abc),
        cmocka_unit_test(xchacha20_of_the_dhole),
        cmocka_unit_test(derivations_stay_apart),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
