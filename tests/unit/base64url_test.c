#include "check.h"

#include "base/text.h"

/* RFC 4648 §10, in the URL-safe alphabet and without padding. */
static const struct {
    const char *bytes, *text;
} pairs[] = {
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"},
};

static void known_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char out[16], storage[16];
        size_t len = 99;
        struct buf b = buf_fixed(storage, sizeof storage);
        buf_base64url(&b, pairs[i].bytes, strlen(pairs[i].bytes));
        assert_buf(&b, pairs[i].text);
        buf_reset(&b);
        buf_base64url_secret(&b, pairs[i].bytes, strlen(pairs[i].bytes));
        assert_buf(&b, pairs[i].text);
        assert_ok(base64url_decode(view_text(pairs[i].text), out, sizeof out, &len));
        assert_text(view_of(out, len), pairs[i].bytes);
        assert_ok(base64url_decode_exact(view_text(pairs[i].text), out, len));
        assert_code(base64url_decode_exact(view_text(pairs[i].text), out, len + 1), E_BAD_REQUEST);
        if (len > 0) {
            assert_code(base64url_decode_exact(view_text(pairs[i].text), out, len - 1), E_BAD_REQUEST);
            assert_code(base64url_decode(view_text(pairs[i].text), out, len - 1, &len), E_BAD_REQUEST);
        }
    }
}

static void every_length_survives_the_round_trip(void **state)
{
    (void)state;
    unsigned char bytes[131], back[131];
    char text[BASE64URL_LEN(sizeof bytes) + 1];
    for (size_t len = 0; len <= sizeof bytes; len++) {
        size_t got;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)(i * 167 + len * 13);
        text[BASE64URL_LEN(len)] = '#';
        base64url_encode(bytes, len, text);
        assert_int_equal(text[BASE64URL_LEN(len)], '#');
        assert_ok(base64url_decode(view_of(text, BASE64URL_LEN(len)), back, sizeof back, &got));
        assert_view(view_of(back, got), view_of(bytes, len));
        struct buf b = buf_fixed(back, BASE64URL_LEN(len) < sizeof back ? BASE64URL_LEN(len) : sizeof back);
        buf_base64url_secret(&b, bytes, len);
        if (buf_ok(&b))
            assert_view(buf_view(&b), view_of(text, BASE64URL_LEN(len)));
        else
            assert_int_equal(b.len, 0);
    }
}

/* Each of the 256 bytes in each of the positions: in blocks, in the groups behind them, and in the tail. */
static void no_character_outside_the_alphabet(void **state)
{
    (void)state;
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char text[63], out[48];
    for (size_t at = 0; at < sizeof text; at++) {
        for (int c = 0; c < 256; c++) {
            size_t len;
            memset(text, 'A', sizeof text);
            text[at] = (char)c;
            const char *found = c == 0 ? NULL : strchr(alphabet, c);
            bool good = found != NULL && (at + 1 < sizeof text || (found - alphabet) % 4 == 0);
            assert_int_equal(cardea_ok(base64url_decode(view_of(text, sizeof text), out, sizeof out, &len)), good);
        }
    }
}

static void one_text_per_value(void **state)
{
    (void)state;
    static const char *const others[] = {"Zh",  "Zm9",   "Zg==",   "Zm8=", "Z",    "Zm9vY", " Zg",
                                         "Zg ", "Zm\n8", "Zm9v\n", "Zm+v", "Zm/v", "=",     "===="};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char out[8];
        size_t len = 99;
        assert_code(base64url_decode(view_text(others[i]), out, sizeof out, &len), E_BAD_REQUEST);
        assert_int_equal(len, 99);
    }
}

static void a_full_buffer_fails(void **state)
{
    (void)state;
    char storage[5];
    struct buf b = buf_fixed(storage, sizeof storage);
    buf_base64url(&b, "foob", 4);
    assert_false(buf_ok(&b));
    b = buf_heap(SIZE_MAX);
    buf_base64url(&b, "", SIZE_MAX);
    assert_false(buf_ok(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_pairs),
        cmocka_unit_test(every_length_survives_the_round_trip),
        cmocka_unit_test(no_character_outside_the_alphabet),
        cmocka_unit_test(one_text_per_value),
        cmocka_unit_test(a_full_buffer_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
