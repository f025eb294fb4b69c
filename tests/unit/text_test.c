#include "check.h"

#include "base/text.h"

static void hexadecimal(void **state)
{
    (void)state;
    char storage[8];
    unsigned char out[3] = {9, 9, 9};
    struct buf b = buf_fixed(storage, sizeof storage);
    buf_hex(&b, "\x00\xab\x7f", 3);
    assert_buf(&b, "00ab7f");
    buf_hex(&b, "\x01\x02", 2);
    assert_false(buf_ok(&b));
    assert_ok(hex_decode_exact(VIEW("00aB7F"), out, 3));
    assert_memory_equal(out, "\x00\xab\x7f", 3);
    assert_code(hex_decode_exact(VIEW("00ab7"), out, 3), E_BAD_REQUEST);
    assert_code(hex_decode_exact(VIEW("00ab7f0"), out, 3), E_BAD_REQUEST);
    assert_code(hex_decode_exact(VIEW("11ab7g"), out, 3), E_BAD_REQUEST);
    assert_code(hex_decode_exact(VIEW("11ab7@"), out, 3), E_BAD_REQUEST);
    assert_memory_equal(out, "\x00\xab\x7f", 3); /* untouched */
    assert_ok(hex_decode_exact(VIEW_EMPTY, out, 0));
}

static void headers_are_printable_ascii(void **state)
{
    (void)state;
    char storage[64];
    struct buf b = buf_fixed(storage, sizeof storage);
    buf_percent_header(&b, VIEW("Zo\xC3\xAB van Dam, 100%~"));
    assert_buf(&b, "Zo%C3%AB van Dam%2C 100%25~");
    buf_reset(&b);
    buf_percent_header(&b, VIEW("\r\nX-Auth-User: root\0\x7F"));
    assert_buf(&b, "%0D%0AX-Auth-User: root%00%7F");
    buf_reset(&b);
    buf_percent_header(&b, VIEW(" a b "));
    assert_buf(&b, "%20a b%20");
    buf_reset(&b);
    buf_percent_header(&b, VIEW_EMPTY);
    assert_buf(&b, "");
}

static void queries_are_decoded(void **state)
{
    (void)state;
    char storage[16];
    struct buf b = buf_fixed(storage, sizeof storage);
    assert_ok(percent_decode(VIEW("a+b%20%c3%AB%2b"), &b));
    assert_buf(&b, "a b \xC3\xAB+");
    static const char *const bad[] = {"%", "%2", "%2g", "%g2", "a%00b", "%%41", "% 1", "%-1", "%0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        buf_reset(&b);
        assert_code(percent_decode(view_text(bad[i]), &b), E_BAD_REQUEST);
        assert_buf(&b, ""); /* a bad escape leaves what was there, and does not fail the buffer */
    }
    assert_code(percent_decode(VIEW("a\0b"), &b), E_BAD_REQUEST);
    assert_ok(percent_decode(VIEW_EMPTY, &b));
    assert_code(percent_decode(VIEW("12345678901234567"), &b), E_TOO_LARGE);
    buf_reset(&b);
    assert_ok(percent_decode(VIEW("%31234567890123456"), &b));
    assert_buf(&b, "1234567890123456");
}

static void utf8_is_rfc_3629(void **state)
{
    (void)state;
    const struct view good[] = {
        VIEW(""),
        VIEW("plain text of more than eight bytes"),
        VIEW("\x7F\0x"),
        VIEW("\xC2\x80\xDF\xBF"),
        VIEW("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"),
        VIEW("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"),
        VIEW("1234567\xC3\xA4"),
        VIEW("12345678\xC3\xA4"),
    };
    const struct view bad[] = {
        VIEW("\x80"),
        VIEW("\xBF"),
        VIEW("\xC0\x80"),
        VIEW("\xC1\xBF"),
        VIEW("\xC2"),
        VIEW("\xC2\x41"),
        VIEW("\xC2\xC2"),
        VIEW("\xE0\x9F\xBF"),
        VIEW("\xE1\x80"),
        VIEW("\xE1\x80\x41"),
        VIEW("\xED\xA0\x80"),
        VIEW("\xED\xBF\xBF"),
        VIEW("\xF0\x8F\xBF\xBF"),
        VIEW("\xF1\x80\x80"),
        VIEW("\xF1\x80\x80\x41"),
        VIEW("\xF4\x90\x80\x80"),
        VIEW("\xF5\x80\x80\x80"),
        VIEW("\xF8\x88\x80\x80\x80"),
        VIEW("\xFE"),
        VIEW("\xFF"),
        VIEW("12345678\xFF"),
        VIEW("1234567\xC3"),
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(utf8_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (utf8_valid(bad[i]))
            fail_msg("case %zu passes", i);
    }
    assert_true(utf8_valid(VIEW_EMPTY));
}

static void whole_numbers(void **state)
{
    (void)state;
    uint64_t n = 5;
    assert_ok(parse_u64(VIEW("0"), &n));
    assert_int_equal(n, 0);
    assert_ok(parse_u64(VIEW("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    static const char *const bad[] = {
        "", "00", "01", "-1", "+1", " 1", "1 ", "1a", "18446744073709551616", "99999999999999999999", "0x1", "1.0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_code(parse_u64(view_text(bad[i]), &n), E_BAD_REQUEST);
    assert_code(parse_u64(VIEW("1\0"), &n), E_BAD_REQUEST);
    assert_true(n == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal),         cmocka_unit_test(headers_are_printable_ascii),
        cmocka_unit_test(queries_are_decoded), cmocka_unit_test(utf8_is_rfc_3629),
        cmocka_unit_test(whole_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
