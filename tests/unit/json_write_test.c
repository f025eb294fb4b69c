#include "check.h"

#include "base/json.h"

static char storage[512];

static void values_are_separated_by_the_writer(void **state)
{
    (void)state;
    struct buf b = buf_fixed(storage, sizeof storage);
    struct json_writer w = json_writer(&b);
    json_open_object(&w);
    json_member_text(&w, "a", VIEW("b"));
    json_member_int(&w, "n", -5);
    json_name(&w, "list");
    json_open_array(&w);
    json_open_object(&w);
    json_close_object(&w);
    json_put_bool(&w, true);
    json_put_null(&w);
    json_open_array(&w);
    json_close_array(&w);
    json_put_raw(&w, VIEW("{\"raw\":1}"));
    json_put_int(&w, INT64_MIN);
    json_close_array(&w);
    json_member_bool(&w, "no", false);
    json_member_time(&w, "at", 1795222923456);
    json_member_time(&w, "never", 0);
    json_close_object(&w);
    assert_buf(&b, "{\"a\":\"b\",\"n\":-5,\"list\":[{},true,null,[],{\"raw\":1},-9223372036854775808],\"no\":false,"
                   "\"at\":\"2026-11-21T01:02:03Z\",\"never\":null}");
}

static void assert_written(struct view v, const char *wanted)
{
    struct buf b = buf_fixed(storage, sizeof storage);
    struct json_writer w = json_writer(&b);
    json_put_text(&w, v);
    assert_buf(&b, wanted);
}

static void text_is_escaped(void **state)
{
    (void)state;
    assert_written(VIEW(""), "\"\"");
    assert_written(VIEW_EMPTY, "\"\"");
    assert_written(VIEW("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    assert_written(VIEW("\b\t\n\v\f\r"), "\"\\b\\t\\n\\u000b\\f\\r\"");
    assert_written(VIEW("\0\x01\x07\x0e\x1f\x7f"), "\"\\u0000\\u0001\\u0007\\u000e\\u001f\x7f\"");
    assert_written(VIEW("\xC3\xA4\xF0\x9F\x98\x80"), "\"\xC3\xA4\xF0\x9F\x98\x80\"");
}

#define FFFD "\xEF\xBF\xBD"

/* One replacement for each longest start of a character (Unicode 3.9, "maximal subparts"). */
static void broken_text_is_replaced(void **state)
{
    (void)state;
    assert_written(VIEW("a\xFFz"), "\"a" FFFD "z\"");
    assert_written(VIEW("\x80\x80"), "\"" FFFD FFFD "\"");
    assert_written(VIEW("\xC3"), "\"" FFFD "\"");
    assert_written(VIEW("\xC3\"\xC3\xA4"), "\"" FFFD "\\\"\xC3\xA4\"");
    assert_written(VIEW("\xE2\x82!"), "\"" FFFD "!\"");
    assert_written(VIEW("\xF0\x9F\x98!"), "\"" FFFD "!\"");
    assert_written(VIEW("\xF0\x9F\x98"), "\"" FFFD "\"");
    assert_written(VIEW("\xE0\x80\x80"), "\"" FFFD FFFD FFFD "\"");
    assert_written(VIEW("\xED\xA0\x80"), "\"" FFFD FFFD FFFD "\"");
    assert_written(VIEW("\xF4\x90\x80\x80"), "\"" FFFD FFFD FFFD FFFD "\"");
}

static void a_full_buffer_fails(void **state)
{
    (void)state;
    char small[8];
    struct buf b = buf_fixed(small, sizeof small);
    struct json_writer w = json_writer(&b);
    json_open_array(&w);
    json_put_text(&w, VIEW("123456"));
    json_close_array(&w);
    assert_false(buf_ok(&b));
}

/* Every text, good or broken, must come back through the reader. */
static void what_is_written_can_be_read(void **state)
{
    (void)state;
    struct json_token token;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            char text[3] = {(char)first, (char)second, 'x'};
            struct buf b = buf_fixed(storage, sizeof storage);
            struct json_writer w = json_writer(&b);
            struct json doc;
            json_put_text(&w, view_of(text, sizeof text));
            assert_true(buf_ok(&b));
            assert_ok(json_read(buf_view(&b), &token, 1, &doc, NULL));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_separated_by_the_writer),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(broken_text_is_replaced),
        cmocka_unit_test(a_full_buffer_fails),
        cmocka_unit_test(what_is_written_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
