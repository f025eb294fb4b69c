#include "check.h"

#include "base/text.h"
#include "crypto/hkdf.h"

struct answer {
    const char *secret, *salt, *info, *want;
};

static struct view bytes_of(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;

    assert_ok(hex_decode_exact(view_text(hex), out, len));
    return view_of(out, len);
}

/* RFC 5869 appendix A, those with SHA-256. */
static void rfc_5869(void **state)
{
    static const struct answer answers[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435"
         "363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495"
         "969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5"
         "e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f"
         "09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    uint8_t secret[128], salt[128], info[128], out[128];

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        char text[257];
        struct buf b = buf_fixed(text, sizeof text);
        size_t len = strlen(answers[i].want) / 2;
        assert_ok(hkdf_sha256(bytes_of(answers[i].secret, secret), bytes_of(answers[i].salt, salt),
                              bytes_of(answers[i].info, info), out, len));
        buf_hex(&b, out, len);
        assert_buf(&b, answers[i].want);
    }
}

static void refuses_what_is_no_derivation(void **state)
{
    static uint8_t out[HKDF_LEN_MAX + 1];
    static char info[HKDF_INFO_MAX + 1];

    (void)state;
    assert_code(hkdf_sha256(VIEW_EMPTY, VIEW("s"), VIEW("i"), out, 32), E_USAGE);
    assert_code(hkdf_sha256(VIEW("k"), VIEW("s"), VIEW("i"), out, 0), E_USAGE);
    assert_code(hkdf_sha256(VIEW("k"), VIEW("s"), VIEW("i"), out, HKDF_LEN_MAX + 1), E_USAGE);
    assert_ok(hkdf_sha256(VIEW("k"), VIEW("s"), VIEW("i"), out, HKDF_LEN_MAX));
    assert_code(hkdf_sha256(VIEW("k"), VIEW("s"), view_of(info, HKDF_INFO_MAX + 1), out, 32), E_USAGE);
    assert_ok(hkdf_sha256(VIEW("k"), VIEW("s"), view_of(info, HKDF_INFO_MAX), out, 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rfc_5869), cmocka_unit_test(refuses_what_is_no_derivation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
