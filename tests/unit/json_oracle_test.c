/* Our reader against jansson's on made-up texts: well-formed ones of every kind, and the same with a few bytes changed.
 * The seed is fixed; an abort names the disagreement (tests/fuzz/json_oracle.c). */
#include "check.h"

#include "json_oracle.h"

enum { DOCUMENTS = 20000, DAMAGES = 4, TEXT_MAX = 1 << 14 };

static uint64_t seed = 0x9E3779B97F4A7C15u;

static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 32) % n);
}

static void put_any(struct buf *b, const char *const *choices, unsigned n)
{
    buf_text(b, choices[below(n)]);
}
#define PUT_ANY(b, choices) put_any(b, choices, sizeof choices / sizeof choices[0])

static void make_space(struct buf *b)
{
    static const char *const spaces[] = {"", "", "", "", "", " ", "\n", "\t", "\r\n", "  "};
    PUT_ANY(b, spaces);
}

static void make_string(struct buf *b)
{
    static const char *const pieces[] = {
        "a",    "exp",  "aud", "0123456789abcdef", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\\n",
        "\\\"", "\\\\", "\\/", "\\u0061",          "\\u00E4",  "\\u20ac",      "\\ud83d\\ude00",   "\x7F",
        " ",    "{",    "]",   "\\u0000",
    };
    buf_char(b, '"');
    for (unsigned n = below(5); n > 0; n--)
        PUT_ANY(b, pieces);
    buf_char(b, '"');
}

static void make_number(struct buf *b)
{
    static const char *const odd[] = {
        "0",
        "-0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "1.5",
        "-0.0",
        "1e5",
        "1E-5",
        "2e+2",
        "1e999",
        "123456789012345678901234567890",
        "0.1e1",
    };
    if (below(2) == 0)
        buf_uint(b, below(2000000000));
    else
        PUT_ANY(b, odd);
}

static void make_value(struct buf *b, unsigned depth)
{
    static const char *const literals[] = {"true", "false", "null"};
    unsigned kind = below(depth > 4 ? 4 : 6);
    unsigned n = below(30) == 0 ? 40 : below(6);
    make_space(b);
    if (kind < 2) {
        make_string(b);
    } else if (kind == 2) {
        make_number(b);
    } else if (kind == 3) {
        PUT_ANY(b, literals);
    } else {
        bool object = kind == 4;
        buf_char(b, object ? '{' : '[');
        make_space(b);
        for (unsigned i = 0; i < n; i++) {
            if (i > 0)
                buf_char(b, ',');
            if (object) {
                make_space(b);
                /* Numbered names are unique; the others clash now and then, as they should. */
                if (below(8) == 0) {
                    make_string(b);
                } else {
                    buf_text(b, "\"n");
                    buf_uint(b, i);
                    buf_char(b, '"');
                }
                make_space(b);
                buf_char(b, ':');
            }
            make_value(b, depth + 1);
        }
        buf_char(b, object ? '}' : ']');
    }
    make_space(b);
}

static void damage(struct buf *b)
{
    static const char bytes[] = "{}[]\",:\\u0-+.eEtfn \n\t\x01\x1f\x80\xC3\xE2\xED\xF0\xFF";
    for (unsigned n = 1 + below(2); n > 0 && b->len > 0; n--) {
        size_t at = below((unsigned)b->len);
        switch (below(3)) {
        case 0:
            b->ptr[at] = bytes[below(sizeof bytes)];
            break;
        case 1: /* drop one */
            memmove(b->ptr + at, b->ptr + at + 1, b->len - at - 1);
            b->len--;
            break;
        default: /* cut the end off */
            b->len = at;
            break;
        }
    }
}

static void agrees_with_jansson(void **state)
{
    (void)state;
    static char text[TEXT_MAX], damaged[TEXT_MAX];
    unsigned accepted = 0, accepted_damaged = 0;
    for (int i = 0; i < DOCUMENTS; i++) {
        struct buf b = buf_fixed(text, sizeof text);
        make_value(&b, 0);
        accepted += json_oracle_check(buf_view(&b)); /* one that did not fit is merely cut off */
        for (int k = 0; k < DAMAGES; k++) {
            struct buf d = buf_fixed(damaged, sizeof damaged);
            buf_put(&d, buf_view(&b));
            damage(&d);
            accepted_damaged += json_oracle_check(buf_view(&d));
        }
    }
    /* The generator must make enough of both kinds to be worth running. */
    print_message("%u of %d accepted, %u of %d damaged ones\n", accepted, DOCUMENTS, accepted_damaged,
                  DOCUMENTS * DAMAGES);
    assert_true(accepted > DOCUMENTS / 2);
    assert_true(accepted < DOCUMENTS);
    assert_true(accepted_damaged > DOCUMENTS / 10);
    assert_true(accepted_damaged < DOCUMENTS * DAMAGES / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_jansson)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
