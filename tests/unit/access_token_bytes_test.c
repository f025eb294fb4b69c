/* Access tokens, attacks on signature bytes and encoding: group C of the attack list, each case a test named after its
 * id, each with its siblings. */
#include "token_forge.h"

/* The good token with another last segment. */
static struct view with_signature(struct view bytes)
{
    const char *good = good_token();
    char *text = scratch();

    snprintf(text, TOKEN_MAX, "%.*s.%s", (int)(strrchr(good, '.') - good), good, encode(bytes));
    return view_text(text);
}

static void good_signature(uint8_t out[64], const char *token)
{
    assert_ok(base64url_decode_exact(view_text(strrchr(token, '.') + 1), out, 64));
}

static void c01_scalars_of_zero_and_order(void **state)
{
    static const char *const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    uint8_t values[4][32] = {{0}, {0}, {0}, {0}}, sig[64];

    (void)state;
    values[1][31] = 1;
    assert_ok(hex_decode_exact(view_text(order), values[2], 32));
    memset(values[3], 0xff, 32);
    for (size_t r = 0; r < 4; r++)
        for (size_t s = 0; s < 4; s++) {
            memcpy(sig, values[r], 32);
            memcpy(sig + 32, values[s], 32);
            assert_refused(with_signature(view_of(sig, 64)));
        }
    for (size_t v = 0; v < 4; v++) {
        good_signature(sig, good_token());
        memcpy(sig, values[v], 32);
        assert_refused(with_signature(view_of(sig, 64)));
        good_signature(sig, good_token());
        memcpy(sig + 32, values[v], 32);
        assert_refused(with_signature(view_of(sig, 64)));
    }
}

static void c02_der_and_other_forms(void **state)
{
    const char *token = good_token();
    uint8_t raw[64], der[80] = {0x30, 68, 0x02, 32};
    char hex[129];
    struct buf b = buf_fixed(hex, 128);

    (void)state;
    good_signature(raw, token);
    memcpy(der + 4, raw, 32);
    der[36] = 0x02;
    der[37] = 32;
    memcpy(der + 38, raw + 32, 32);
    assert_refused(with_signature(view_of(der, 70)));
    assert_refused(with_signature(view_of("\x30\x06\x02\x01\x00\x02\x01\x00", 8)));
    assert_refused(with_signature(view_of("\x30\x81\x06\x02\x01\x01\x02\x01\x01", 9)));
    uint8_t padded[66] = {0};
    memcpy(padded + 1, raw, 32);
    memcpy(padded + 34, raw + 32, 32);
    assert_refused(with_signature(view_of(padded, 66)));
    buf_hex(&b, raw, 64);
    assert_refused(with_signature(view_of(hex, 128)));
    assert_refused(with_signature(view_of(raw, 32)));
}

static void c06_length_and_bits(void **state)
{
    char token[TOKEN_MAX], text[TOKEN_MAX];
    uint8_t raw[4096] = {0}, ones[64];

    (void)state;
    strcpy(token, good_token()); /* many scratch texts are made below */
    good_signature(raw, token);
    assert_refused(with_signature(view_of(raw, 63)));
    assert_refused(with_signature(view_of(raw, 65)));
    assert_refused(with_signature(view_of(raw, 4096)));
    memcpy(raw + 64, raw, 64);
    assert_refused(with_signature(view_of(raw, 128)));
    memset(ones, 0xff, sizeof ones);
    assert_refused(with_signature(view_of(ones, 64)));
    memset(ones, 0, sizeof ones);
    assert_refused(with_signature(view_of(ones, 64)));
    /* Every bit of the signature, and a bit of every character before it. */
    size_t before = (size_t)(strrchr(token, '.') - token);
    for (size_t bit = 0; bit < 512; bit += 5) {
        good_signature(raw, token);
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        snprintf(text, sizeof text, "%.*s.%s", (int)before, token, encode(view_of(raw, 64)));
        assert_refused(view_text(text));
    }
    for (size_t i = 0; i < before; i++)
        if (token[i] != '.') {
            strcpy(text, token);
            text[i] = text[i] == 'A' ? 'B' : 'A';
            assert_refused(view_text(text));
        }
}

/* One code for all that is wrong: the tests above compare it; here it is compared with what it must not be. */
static void c08_one_generic_refusal(void **state)
{
    uint8_t raw[64] = {1};

    (void)state;
    assert_int_equal(verify(with_signature(view_of(raw, 64))).code, verify(VIEW("x")).code);
    assert_int_equal(verify(with_signature(view_of(raw, 63))).code, verify(unsigned_with("\"none\"")).code);
}

/* Put `what` at each end and in the middle of each segment. */
static void assert_refused_inside(const char *what, size_t what_len)
{
    const char *good = good_token();
    size_t len = strlen(good);
    char text[TOKEN_MAX];

    for (size_t at = 0; at <= len; at++) {
        bool edge = at == 0 || at == len || good[at] == '.' || good[at - 1] == '.' || at % 37 == 0;
        if (!edge)
            continue;
        memcpy(text, good, at);
        memcpy(text + at, what, what_len);
        memcpy(text + at + what_len, good + at, len - at);
        assert_refused(view_of(text, len + what_len)); /* inserted */
        if (at < len && good[at] != '.') {
            memcpy(text, good, len);
            text[at] = what[0];
            assert_refused(view_of(text, len)); /* replaced */
        }
    }
}

static void c09_padding(void **state)
{
    (void)state;
    assert_refused_inside("=", 1);
    assert_refused_inside("==", 2);
    assert_refused_inside("%3d", 3);
}

static void c10_trailing_bits(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *good = good_token();
    char *text = scratch();
    size_t len = strlen(good);

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        memcpy(text, good, len + 1);
        text[len - 1] = alphabet[i];
        if (text[len - 1] != good[len - 1])
            assert_refused(view_text(text));
    }
}

static void c11_other_alphabets(void **state)
{
    static const char *const odd[] = {"+", "/", " ", "\t", "\n", "\r\n", "!", "\xc3\xa4", "\x7f", "%41", "\\"};

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_refused_inside(odd[i], strlen(odd[i]));
    assert_refused_inside("\0", 1);
}

static void c12_segments(void **state)
{
    static char dots[1000000];
    const char *good = good_token();
    char *text = scratch();
    static const char *const forms[] = {"",    ".",       "..",        "...",  "....", "a",
                                        "a.b", "a.b.c.d", "a.b.c.d.e", ".b.c", "a..c", "a.b."};

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_refused(view_text(forms[i]));
    static const char *const around[][2] = {{".", ""}, {"", "."}, {"", ".e30"}, {"e30.", ""}, {"", ".."}, {"", ".x.y"}};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        snprintf(text, TOKEN_MAX, "%s%s%s", around[i][0], good, around[i][1]);
        assert_refused(view_text(text));
    }
    memset(dots, '.', sizeof dots);
    assert_refused(view_of(dots, 8000));
    assert_refused(view_of(dots, sizeof dots));
    assert_refused(VIEW_EMPTY);
}

static void c14_size(void **state)
{
    static char big[1 << 20];
    const char *good = good_token();
    size_t sizes[] = {ACCESS_TOKEN_TEXT_MAX + 1, 8192, 65536, 1 << 20};

    (void)state;
    memset(big, 'A', sizeof big);
    memcpy(big, good, strlen(good));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_refused(view_of(big, sizes[i]));
    /* Genuine, and one character past the limit; and with the limit's own length. */
    struct parts p = good_parts();
    static char rest[TOKEN_MAX];
    size_t pad = 0;
    struct view token = VIEW_EMPTY;
    while (token.len < ACCESS_TOKEN_TEXT_MAX) {
        int at = snprintf(rest, TOKEN_MAX, "\"ep\":3,\"client_id\":\"mobile\",\"x\":\"");
        memset(rest + at, 'x', pad);
        memcpy(rest + at + pad, "\"", 2);
        p.rest = rest;
        token = with_payload(claims(p));
        if (token.len <= ACCESS_TOKEN_TEXT_MAX)
            assert_ok(verify(token));
        pad += token.len < ACCESS_TOKEN_TEXT_MAX - 20 ? 10 : 1;
    }
    while (token.len <= ACCESS_TOKEN_TEXT_MAX) {
        memcpy(strrchr(rest, '"'), "x\"", 3);
        token = with_payload(claims(p));
    }
    assert_refused(token);
    memset(big, 'A', sizeof big); /* a header segment of 200 KB */
    memcpy(big + 200000, ".e30.AAAA", 9);
    assert_refused(view_of(big, 200009));
    memcpy(big + 1000, ".e30.AAAA", 9);
    assert_refused(view_of(big, 1009));
}

/* A header as long as the limit, and one past it. */
static void long_headers(void **state)
{
    char *text = scratch();
    int len = snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);

    (void)state;
    memset(text + len, ' ', 256 - (size_t)len);
    assert_ok(verify(signed_by(keys, view_of(text, 256), claims(good_parts()))));
    text[256] = ' ';
    assert_refused(signed_by(keys, view_of(text, 257), claims(good_parts())));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c01_scalars_of_zero_and_order),
        cmocka_unit_test(c02_der_and_other_forms),
        cmocka_unit_test(c06_length_and_bits),
        cmocka_unit_test(c08_one_generic_refusal),
        cmocka_unit_test(c09_padding),
        cmocka_unit_test(c10_trailing_bits),
        cmocka_unit_test(c11_other_alphabets),
        cmocka_unit_test(c12_segments),
        cmocka_unit_test(c14_size),
        cmocka_unit_test(long_headers),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
