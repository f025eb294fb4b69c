#include "check.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { TOKENS = 4096 };

static struct json_token tokens[TOKENS];

static struct json doc_of(struct view text)
{
    struct json doc;
    struct json_error error = {0};
    if (!cardea_ok(json_read(text, tokens, TOKENS, &doc, &error)))
        fail_msg("%.*s: %s at %zu", (int)text.len, text.ptr, error.reason, error.offset);
    return doc;
}

static void assert_refused(struct view text, const char *reason, size_t offset, size_t line, size_t column)
{
    struct json doc = {.count = 77};
    struct json_error error = {0};
    assert_code(json_read(text, tokens, TOKENS, &doc, &error), E_BAD_JSON);
    if (strcmp(error.reason, reason) != 0 || error.offset != offset || error.line != line || error.column != column)
        fail_msg("%.*s: %s at %zu, line %zu, column %zu", (int)text.len, text.ptr, error.reason, error.offset,
                 error.line, error.column);
    assert_int_equal(doc.count, 77);
    assert_code(json_read(text, tokens, TOKENS, &doc, NULL), E_BAD_JSON);
}

static void members_are_found(void **state)
{
    (void)state;
    struct json doc = doc_of(VIEW(" {\"iss\":\"https://a\", \"exp\":17, \"ok\":true, \"no\":false, \"nil\":null,"
                                  "\"aud\":[\"x\",{\"y\":[]},3], \"\":\"\"} "));
    struct view v;
    int64_t n;
    bool b;
    assert_int_equal(json_type(&doc, 0), JSON_OBJECT);
    assert_ok(json_plain(&doc, json_get(&doc, 0, VIEW("iss")), &v));
    assert_text(v, "https://a");
    assert_ok(json_int(&doc, json_get(&doc, 0, VIEW("exp")), &n));
    assert_int_equal(n, 17);
    assert_ok(json_bool(&doc, json_get(&doc, 0, VIEW("ok")), &b));
    assert_true(b);
    assert_ok(json_bool(&doc, json_get(&doc, 0, VIEW("no")), &b));
    assert_false(b);
    assert_int_equal(json_type(&doc, json_get(&doc, 0, VIEW("nil"))), JSON_NULL);
    assert_ok(json_plain(&doc, json_get(&doc, 0, VIEW("")), &v));
    assert_text(v, "");
    uint32_t aud = json_get(&doc, 0, VIEW("aud"));
    assert_text(json_source(&doc, aud), "[\"x\",{\"y\":[]},3]");
    assert_int_equal(json_get(&doc, 0, VIEW("y")), 0); /* not its own */
    assert_int_equal(json_get(&doc, 0, VIEW("ex")), 0);
    assert_int_equal(json_get(&doc, 0, VIEW("x")), 0); /* a value is no name */
    assert_int_equal(json_get(&doc, aud, VIEW("x")), 0);
    assert_int_equal(json_get(&doc, 9999, VIEW("x")), 0);
}

static void children_are_walked(void **state)
{
    (void)state;
    struct json doc = doc_of(VIEW("[1,[2,[3],{}],{\"a\":[4],\"b\":5},6]"));
    char storage[64];
    struct buf b = buf_fixed(storage, sizeof storage);
    for (uint32_t c = json_first(&doc, 0); c != 0; c = json_after(&doc, 0, c)) {
        buf_put(&b, json_source(&doc, c));
        buf_char(&b, ';');
    }
    assert_buf(&b, "1;[2,[3],{}];{\"a\":[4],\"b\":5};6;");
    assert_int_equal(doc.tokens[0].count, 4);
    buf_reset(&b);
    uint32_t object = json_after(&doc, 0, json_after(&doc, 0, json_first(&doc, 0)));
    for (uint32_t c = json_first(&doc, object); c != 0; c = json_after(&doc, object, c)) {
        buf_put(&b, json_source(&doc, c));
        buf_put(&b, json_source(&doc, c + 1));
    }
    assert_buf(&b, "\"a\"[4]\"b\"5");
    doc = doc_of(VIEW("[ ]"));
    assert_int_equal(json_first(&doc, 0), 0);
    doc = doc_of(VIEW("{\n}"));
    assert_int_equal(json_first(&doc, 0), 0);
    doc = doc_of(VIEW("\"scalar\""));
    assert_int_equal(json_first(&doc, 0), 0);
    assert_int_equal(json_first(&doc, 1), 0);
}

static void absence_is_harmless(void **state)
{
    (void)state;
    struct json doc = doc_of(VIEW("{}")), empty = {0};
    struct view v = VIEW("kept");
    int64_t n = 5;
    bool b = true;
    char storage[4];
    struct buf out = buf_fixed(storage, sizeof storage);
    uint32_t absent[] = {json_get(&doc, 0, VIEW("x")), 1, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        assert_code(json_plain(&doc, absent[i], &v), E_INVALID_FIELD);
        assert_code(json_int(&doc, absent[i], &n), E_INVALID_FIELD);
        assert_code(json_bool(&doc, absent[i], &b), E_INVALID_FIELD);
        assert_code(json_text(&doc, absent[i], &out), E_INVALID_FIELD);
    }
    assert_text(v, "kept");
    assert_int_equal(n, 5);
    assert_true(b);
    assert_buf(&out, "");
    assert_int_equal(json_type(&empty, 0), JSON_ABSENT);
    assert_int_equal(json_type(&doc, 1), JSON_ABSENT);
    assert_text(json_source(&empty, 0), "");
}

static void strings_are_unescaped(void **state)
{
    (void)state;
    struct json doc =
        doc_of(VIEW("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e4\\u20AC\\ud83d\\uDE00\",\"a\\u0000b\",\"\"]"));
    char storage[16];
    struct buf b = buf_fixed(storage, sizeof storage);
    struct view v;
    assert_ok(json_text(&doc, 1, &b));
    assert_buf(&b, "\"\\/\b\f\n\r\t");
    assert_code(json_plain(&doc, 1, &v), E_INVALID_FIELD);
    buf_reset(&b);
    assert_ok(json_text(&doc, 2, &b));
    assert_buf(&b, "A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
    buf_reset(&b);
    assert_ok(json_text(&doc, 3, &b));
    assert_view(buf_view(&b), VIEW("a\0b"));
    assert_ok(json_text(&doc, 4, &b));
    assert_view(buf_view(&b), VIEW("a\0b"));
    assert_text(json_source(&doc, 3), "\"a\\u0000b\"");
    char small[9];
    b = buf_fixed(small, sizeof small);
    assert_code(json_text(&doc, 2, &b), E_TOO_LARGE);
    assert_text(buf_view(&b), ""); /* all or nothing */
}

static void names_are_compared_unescaped(void **state)
{
    (void)state;
    struct json doc = doc_of(VIEW("{\"\\u0065xp\":1,\"a\\/b\":2}"));
    assert_int_equal(json_get(&doc, 0, VIEW("exp")), 2);
    assert_int_equal(json_get(&doc, 0, VIEW("a/b")), 4);
    assert_int_equal(json_get(&doc, 0, VIEW("ex")), 0);
    assert_int_equal(json_get(&doc, 0, VIEW("expo")), 0);
    assert_int_equal(json_get(&doc, 0, VIEW("\\u0065xp")), 0);
}

static void integers_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0}, {"1", 1}, {"-7", -7}, {"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {
        "-0",
        "1.0",
        "1e3",
        "1E0",
        "0.0",
        "0e0",
        "9223372036854775808",
        "-9223372036854775809",
        "1e400",
        "true",
        "null",
        "\"1\"",
        "[1]",
        "99999999999999999999999999999999999999999999",
    };
    int64_t n = 5;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json doc = doc_of(view_text(bad[i]));
        assert_code(json_int(&doc, 0, &n), E_INVALID_FIELD);
        assert_int_equal(n, 5);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct json doc = doc_of(view_text(good[i].text));
        assert_ok(json_int(&doc, 0, &n));
        assert_true(n == good[i].value);
    }
}

static void errors_have_a_place_and_a_reason(void **state)
{
    (void)state;
    assert_refused(VIEW(""), "expected a value", 0, 1, 1);
    assert_refused(VIEW_EMPTY, "expected a value", 0, 1, 1);
    assert_refused(VIEW(" \n "), "expected a value", 3, 2, 2);
    assert_refused(VIEW("\xEF\xBB\xBF{}"), "expected a value", 0, 1, 1);
    assert_refused(VIEW("{\"a\":1,\n \"b\":tru}"), "expected a value", 13, 2, 6);
    assert_refused(VIEW("{} x"), "bytes after the value", 3, 1, 4);
    assert_refused(VIEW("{}\0"), "bytes after the value", 2, 1, 3);
    assert_refused(VIEW("[1,]"), "expected a value", 3, 1, 4);
    assert_refused(VIEW("[,]"), "expected a value", 1, 1, 2);
    assert_refused(VIEW("[1 2]"), "expected ',' or ']'", 3, 1, 4);
    assert_refused(VIEW("[1"), "expected ',' or ']'", 2, 1, 3);
    assert_refused(VIEW("[1}"), "expected ',' or ']'", 2, 1, 3);
    assert_refused(VIEW("{\"a\":1]"), "expected ',' or '}'", 6, 1, 7);
    assert_refused(VIEW("{\"a\":1,}"), "expected a name", 7, 1, 8);
    assert_refused(VIEW("{a:1}"), "expected a name", 1, 1, 2);
    assert_refused(VIEW("{"), "expected a name", 1, 1, 2);
    assert_refused(VIEW("{\"a\" 1}"), "expected ':'", 5, 1, 6);
    assert_refused(VIEW("{\"a\"}"), "expected ':'", 4, 1, 5);
    assert_refused(VIEW("{\"a\":}"), "expected a value", 5, 1, 6);
    assert_refused(VIEW("01"), "bytes after the value", 1, 1, 2);
    assert_refused(VIEW("-"), "expected a digit", 1, 1, 2);
    assert_refused(VIEW("1."), "expected a digit", 2, 1, 3);
    assert_refused(VIEW("1e+"), "expected a digit", 3, 1, 4);
    assert_refused(VIEW("\"abc"), "unterminated string", 4, 1, 5);
    assert_refused(VIEW("\"abc\\"), "unterminated string", 5, 1, 6);
    assert_refused(VIEW("\"a\nb\""), "control character in a string", 2, 1, 3);
    assert_refused(VIEW("\"a\0b\""), "control character in a string", 2, 1, 3);
    assert_refused(VIEW("\"a\\x\""), "unknown escape", 2, 1, 3);
    assert_refused(VIEW("\"\\u12g4\""), "bad \\u escape", 1, 1, 2);
    assert_refused(VIEW("\"\\u123"), "bad \\u escape", 1, 1, 2);
    assert_refused(VIEW("\"\\ud800\""), "lone surrogate", 1, 1, 2);
    assert_refused(VIEW("\"\\udc00\\ud800\""), "lone surrogate", 1, 1, 2);
    assert_refused(VIEW("\"\\ud800\\u0041\""), "lone surrogate", 1, 1, 2);
    assert_refused(VIEW("\"0123456\xC3\""), "invalid UTF-8", 8, 1, 9);
    assert_refused(VIEW("\"\xED\xA0\x80\""), "invalid UTF-8", 1, 1, 2);
    assert_refused(VIEW("\xC3\xA4"), "expected a value", 0, 1, 1);
}

/* Each byte that must not stand in a string, at each place of the eight that are looked at together. */
static void every_place_in_a_string_is_looked_at(void **state)
{
    (void)state;
    for (size_t at = 1; at <= 20; at++) {
        for (int c = 0; c < 256; c++) {
            char text[22];
            struct json doc;
            memset(text, 'a', sizeof text);
            text[0] = text[21] = '"';
            text[at] = (char)c;
            bool good = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
            struct cardea_status s = json_read(view_of(text, sizeof text), tokens, TOKENS, &doc, NULL);
            assert_int_equal(cardea_ok(s), good);
        }
    }
}

static void duplicates_are_refused(void **state)
{
    (void)state;
    assert_refused(VIEW("{\"a\":1,\"a\":1}"), "duplicate name", 7, 1, 8);
    assert_refused(VIEW("{\"a\":1,\"b\":{},\"\\u0061\":2}"), "duplicate name", 14, 1, 15);
    assert_refused(VIEW("{\"\\u0061lg\":1,\"al\\u0067\":2}"), "duplicate name", 14, 1, 15);
    assert_refused(VIEW("{\"\":1,\"\":2}"), "duplicate name", 6, 1, 7);
    assert_refused(VIEW("[{\"x\":{\"longer-name\":[],\"longer-name\":[]}}]"), "duplicate name", 24, 1, 25);
    assert_refused(VIEW("{\"\xF0\x9F\x98\x80\":1,\"\\ud83d\\ude00\":2}"), "duplicate name", 10, 1, 11);
    /* The same name in different objects is no duplicate, nor is one in another case or one that is longer. */
    doc_of(VIEW("{\"a\":{\"a\":{\"a\":1}},\"A\":1,\"aa\":1,\"b\":[{\"a\":1},{\"a\":2}]}"));
    /* Alike in their first four bytes, last four and length. */
    struct json doc = doc_of(VIEW("{\"abcd1efgh\":1,\"abcd2efgh\":2,\"abcd\\u0033efgh\":3}"));
    assert_int_equal(json_get(&doc, 0, VIEW("abcd3efgh")), 6);
}

static struct view many_names(struct buf *b, unsigned names, const char *prefix, const char *suffix, unsigned again)
{
    buf_reset(b);
    buf_char(b, '{');
    for (unsigned i = 0; i < names; i++) {
        buf_text(b, i > 0 ? ",\"" : "\"");
        buf_text(b, prefix);
        buf_uint(b, 1000 + (i + 1 == names && again < names ? again : i));
        buf_text(b, suffix);
        buf_text(b, i % 3 == 0 ? "\":{\"x\":[1]}" : "\":1");
    }
    buf_char(b, '}');
    assert_true(buf_ok(b));
    return buf_view(b);
}

/* Past the number of names up to which pairs are compared, sorted lists take over: the answers must not change. */
static void large_objects_are_judged_alike(void **state)
{
    (void)state;
    struct buf b = buf_heap(1 << 20);
    static const char *const suffixes[] = {"", "-with-a-tail"};
    for (size_t s = 0; s < 2; s++) {
        for (unsigned names = 14; names < 70; names++) {
            struct json doc = doc_of(many_names(&b, names, "prefix", suffixes[s], UINT32_MAX));
            assert_int_equal(doc.tokens[0].count, names);
            unsigned walked = 0;
            for (uint32_t c = json_first(&doc, 0); c != 0; c = json_after(&doc, 0, c), walked++) {
                assert_int_equal(doc.tokens[c].next, c + 1);
                assert_int_equal(doc.tokens[c].count, 0);
            }
            assert_int_equal(walked, names);
            for (unsigned again = 0; again + 1 < names; again++) {
                struct json_error error;
                struct view text = many_names(&b, names, "prefix", suffixes[s], again);
                assert_code(json_read(text, tokens, TOKENS, &doc, &error), E_BAD_JSON);
                assert_string_equal(error.reason, "duplicate name");
                assert_true(view_starts(view_skip(text, error.offset), VIEW("\"prefix")));
                assert_true(text.len - error.offset < 40); /* the second of the two, which is the last name */
            }
        }
    }
    buf_clear(&b);
}

/* Members of plain text and numbers are read by a shortcut where enough text follows: whatever stands between them,
 * before or behind, the tokens must be those of the same members read one by one, and a name twice is found wherever.
 */
static const char *const various[] = {
    "\"a\":\"text\"",
    "\"bb\":1234567890",
    "\"ccc\":\"\"",
    "\"dddd\":true",
    "\"e\\u0065\":\"x\"",
    "\"\":-1",
    "\"f\":1.5",
    "\"g\": \"space\"",
    "\"h\" :1",
    "\"i\":[\"x\",2]",
    "\"j\":{\"a\":1}",
    "\"a name of more than sixteen\":\"\\n\"",
    "\"l\":0",
    "\"an\u00e9\":\"caf\u00e9\"",
};
enum { VARIOUS = sizeof various / sizeof various[0] };

/* The tokens of a member whose name is `name` are those of the member alone. */
static void assert_same_member(const struct json *doc, uint32_t name, const char *member)
{
    struct json_token alone[16];
    struct json one;
    char text[64];

    (void)snprintf(text, sizeof text, "{%s}", member);
    assert_ok(json_read(view_text(text), alone, 16, &one, NULL));
    for (uint32_t t = 1; t < one.count; t++) {
        const struct json_token *found = &doc->tokens[name + t - 1];
        assert_view(json_source(doc, name + t - 1), json_source(&one, t));
        assert_int_equal(found->type, alone[t].type);
        assert_int_equal(found->count, alone[t].count);
        assert_int_equal(found->next - name, alone[t].next - 1);
        assert_int_equal(found->escaped, alone[t].escaped);
    }
}

/* The text of an object of all of them, beginning with the one asked for; without its closing brace. */
static size_t write_various(char text[512], size_t first, const char *comma)
{
    size_t len = (size_t)snprintf(text, 512, "{");

    for (size_t i = 0; i < VARIOUS; i++)
        len += (size_t)snprintf(text + len, 512 - len, "%s%s", i == 0 ? "" : comma, various[(first + i) % VARIOUS]);
    return len;
}

static void members_are_read_alike_in_any_company(void **state)
{
    (void)state;
    static const char *const commas[] = {",", " ,", ", ", "\n,\t"};
    for (size_t n = 0; n < 4 * VARIOUS; n++) {
        char text[512];
        size_t first = n / 4, len = write_various(text, first, commas[n % 4]);
        text[len] = '}';
        struct json doc = doc_of(view_of(text, len + 1)), cut;
        uint32_t name = json_first(&doc, 0), all = doc.count;
        for (size_t i = 0; i < VARIOUS; i++, name = json_after(&doc, 0, name))
            assert_same_member(&doc, name, various[(first + i) % VARIOUS]);
        assert_int_equal(name, 0);
        for (size_t cap = 0; cap < all; cap++)
            assert_code(json_read(view_of(text, len + 1), tokens, cap, &cut, NULL), E_TOO_LARGE);
        for (size_t less = 0; less <= len; less++)
            assert_code(json_read(view_of(text, less), tokens, TOKENS, &cut, NULL), E_BAD_JSON);
    }
}

static void duplicates_are_found_in_any_company(void **state)
{
    (void)state;
    for (size_t n = 0; n < VARIOUS * VARIOUS; n++) {
        char text[512 + 64];
        struct json doc;
        struct json_error error;
        size_t len = write_various(text, n / VARIOUS, ",");
        size_t all = len + (size_t)snprintf(text + len, 64, ",%s}", various[n % VARIOUS]);
        assert_code(json_read(view_of(text, all), tokens, TOKENS, &doc, &error), E_BAD_JSON);
        assert_string_equal(error.reason, "duplicate name");
        assert_int_equal(error.offset, len + 1);
    }
}

static void the_first_of_several_duplicates_is_told(void **state)
{
    (void)state;
    assert_refused(VIEW("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
                        "\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1,\"z\":1,\"b\":1,\"a\":1,\"a\":1}"),
                   "duplicate name", 103, 1, 104);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * JSON_DEPTH_MAX + 2];
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    struct json doc = doc_of(view_of(text, 2 * JSON_DEPTH_MAX));
    assert_int_equal(doc.count, JSON_DEPTH_MAX);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_refused(view_of(text, sizeof text), "nested too deeply", JSON_DEPTH_MAX, 1, JSON_DEPTH_MAX + 1);
    /* Depth is what is open at once, not how many there were. */
    doc_of(VIEW(
        "[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]"));
}

static void tokens_run_out(void **state)
{
    (void)state;
    struct json_token few[4];
    struct json doc = {.count = 77};
    struct json_error error;
    assert_ok(json_read(VIEW("[1,2,3]"), few, 4, &doc, &error));
    assert_code(json_read(VIEW("[1,2,3,4]"), few, 4, &doc, &error), E_TOO_LARGE);
    assert_string_equal(error.reason, "too many values");
    assert_int_equal(error.offset, 7);
    assert_code(json_read(VIEW("{\"a\":1,\"b\":2}"), few, 4, &doc, &error), E_TOO_LARGE);
    assert_code(json_read(VIEW("1"), few, 0, &doc, &error), E_TOO_LARGE);
    assert_code(json_read(VIEW("[1,2,3,tru]"), few, 4, &doc, &error), E_BAD_JSON);
}

static void picks_as_get_does(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[\"a\"]",
        "\"a\"",
        "{\"a\":1,\"b\":2,\"cc\":3,\"\":4}",
        "{\"cc\":[1,{\"a\":2}],\"x\":{\"b\":1},\"a\":1}",
        "{\"\":1,\"ca\":1,\"\\u0061\":7,\"y\":2}",
        "{\"x\":1,\"y\":2,\"z\":3}",
    };
    static const struct view names[] = {{"a", 1}, {"b", 1}, {"cc", 2}, {NULL, 0}, {"none", 4}};
    struct json_token room[32];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json doc;
        uint32_t out[5] = {9, 9, 9, 9, 9};
        assert_ok(json_read(view_text(texts[i]), room, 32, &doc, NULL));
        json_pick(&doc, 0, names, 5, out);
        for (size_t n = 0; n < 5; n++)
            assert_int_equal(out[n], json_get(&doc, 0, names[n]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_as_get_does),
        cmocka_unit_test(members_are_found),
        cmocka_unit_test(children_are_walked),
        cmocka_unit_test(absence_is_harmless),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(names_are_compared_unescaped),
        cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(errors_have_a_place_and_a_reason),
        cmocka_unit_test(every_place_in_a_string_is_looked_at),
        cmocka_unit_test(duplicates_are_refused),
        cmocka_unit_test(large_objects_are_judged_alike),
        cmocka_unit_test(members_are_read_alike_in_any_company),
        cmocka_unit_test(duplicates_are_found_in_any_company),
        cmocka_unit_test(the_first_of_several_duplicates_is_told),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(tokens_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
