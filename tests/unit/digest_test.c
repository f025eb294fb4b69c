#include "check.h"

#include "base/buf.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/mac.h"
#include "crypto/random.h"

static void assert_hex(const void *bytes, size_t len, const char *want)
{
    char text[129];
    struct buf b = buf_fixed(text, sizeof text - 1);

    buf_hex(&b, bytes, len);
    text[b.len] = '\0';
    assert_string_equal(text, want);
}

/* FIPS 180-4's own examples, as NIST publishes them. */
static void sha256_known_answers(void **state)
{
    uint8_t out[32];

    (void)state;
    digest_sha256("abc", 3, out);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256(NULL, 0, out);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out);
    assert_hex(out, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 2202-style checks with 32-byte keys: the key of zeros and an RFC 4231 key padded with zeros (which HMAC does
 * itself, so the answers are RFC 4231's). */
static void hmac_known_answers(void **state)
{
    uint8_t key[32] = {0}, out[32];

    (void)state;
    memset(key, 0x0b, 20);
    struct mac_key *k = mac_key_new(key);
    assert_non_null(k);
    mac_sha256(k, (struct view[]){VIEW("Hi There")}, 1, out);
    assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    mac_key_free(k);

    memset(key, 0, sizeof key);
    memcpy(key, "Jefe", 4);
    k = mac_key_new(key);
    assert_non_null(k);
    mac_sha256(k, (struct view[]){VIEW("what do ya "), VIEW_EMPTY, VIEW("want for nothing?")}, 3, out);
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    /* The key's states are untouched by use. */
    mac_sha256(k, (struct view[]){VIEW("what do ya want for nothing?")}, 1, out);
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    mac_key_free(k);
    mac_key_free(NULL);
}

/* The first and last line of the SipHash paper's test vectors: key 00…0f, message 00 01 02 …. */
static void siphash_known_answers(void **state)
{
    struct tag_key key;
    uint8_t message[63], out[8];

    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        key.bytes[i] = i;
    for (uint8_t i = 0; i < 63; i++)
        message[i] = i;
    tag_siphash(&key, message, 0, out);
    assert_hex(out, 8, "310e0edd47db6f72");
    tag_siphash(&key, message, 15, out);
    assert_hex(out, 8, "e545be4961ca29a1");
}

static void entropy_fills_and_differs(void **state)
{
    uint8_t a[32] = {0}, b[32] = {0}, zero[32] = {0};

    (void)state;
    entropy_fill(entropy_system(), a, sizeof a);
    entropy_fill(entropy_system(), b, sizeof b);
    assert_memory_not_equal(a, zero, sizeof a);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_known_answers),
        cmocka_unit_test(hmac_known_answers),
        cmocka_unit_test(siphash_known_answers),
        cmocka_unit_test(entropy_fills_and_differs),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
