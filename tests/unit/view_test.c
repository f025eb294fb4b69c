#include "check.h"

static void equality_is_by_bytes(void **state)
{
    (void)state;
    assert_true(view_equal(VIEW("a\0b"), VIEW("a\0b")));
    assert_false(view_equal(VIEW("a\0b"), VIEW("a\0c")));
    assert_false(view_equal(VIEW("a"), VIEW("ab")));
    assert_true(view_equal(VIEW_EMPTY, VIEW("")));
    assert_true(view_is(VIEW("abc"), "abc"));
    assert_false(view_is(VIEW("abc\0"), "abc"));
    assert_true(view_is(view_text(NULL), ""));
}

static void prefixes(void **state)
{
    (void)state;
    assert_true(view_starts(VIEW("Bearer x"), VIEW("Bearer ")));
    assert_true(view_starts(VIEW("x"), VIEW_EMPTY));
    assert_true(view_starts(VIEW_EMPTY, VIEW_EMPTY));
    assert_false(view_starts(VIEW("Bear"), VIEW("Bearer ")));
    assert_text(view_skip(VIEW("abc"), 1), "bc");
    assert_text(view_skip(VIEW("abc"), 3), "");
    assert_text(view_skip(VIEW("abc"), 4), "");
}

static void ascii_case_and_nothing_more(void **state)
{
    (void)state;
    assert_true(view_equal_ascii_case(VIEW("Content-TYPE"), VIEW("content-type")));
    assert_false(view_equal_ascii_case(VIEW("content-type"), VIEW("content_type")));
    assert_false(view_equal_ascii_case(VIEW("a"), VIEW("ab")));
    /* '@' and '[' stand beside the letters, '`' and '{' 32 further: they must not be folded. */
    assert_false(view_equal_ascii_case(VIEW("@["), VIEW("`{")));
    assert_false(view_equal_ascii_case(VIEW("\xC4"), VIEW("\xE4")));
}

static void trim_takes_spaces_and_tabs(void **state)
{
    (void)state;
    assert_text(view_trim(VIEW(" \t a b\t ")), "a b");
    assert_text(view_trim(VIEW("\na\r")), "\na\r");
    assert_text(view_trim(VIEW(" \t ")), "");
    assert_text(view_trim(VIEW_EMPTY), "");
}

static void cut_at_the_first_separator(void **state)
{
    (void)state;
    struct view head, rest;
    assert_true(view_cut(VIEW("a=b=c"), '=', &head, &rest));
    assert_text(head, "a");
    assert_text(rest, "b=c");
    assert_true(view_cut(VIEW("a="), '=', &head, &rest));
    assert_text(head, "a");
    assert_text(rest, "");
    assert_true(view_cut(VIEW("="), '=', &head, &rest));
    assert_text(head, "");
    assert_text(rest, "");
    assert_false(view_cut(VIEW("ab"), '=', &head, &rest));
    assert_text(head, "ab");
    assert_text(rest, "");
    assert_false(view_cut(VIEW_EMPTY, '=', &head, &rest));
}

static void a_copy_is_whole_or_nothing(void **state)
{
    (void)state;
    char field[4] = "xyz";
    assert_true(view_copy(VIEW("ab"), field, sizeof field));
    assert_memory_equal(field, "ab\0\0", 4);
    assert_true(view_copy(VIEW("abc"), field, sizeof field));
    assert_string_equal(field, "abc");
    assert_false(view_copy(VIEW("abcd"), field, sizeof field));
    assert_memory_equal(field, "\0\0\0\0", 4);
    field[0] = 'x';
    assert_true(view_copy(VIEW_EMPTY, field, sizeof field));
    assert_string_equal(field, "");
}

static void has_looks_at_every_byte_and_no_further(void **state)
{
    (void)state;
    assert_true(view_has(VIEW("ab\0c"), 'c'));
    assert_true(view_has(VIEW("ab\0"), '\0'));
    assert_false(view_has(VIEW("ab"), '\0'));
    assert_false(view_has(VIEW_EMPTY, '\0'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_is_by_bytes),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(ascii_case_and_nothing_more),
        cmocka_unit_test(trim_takes_spaces_and_tabs),
        cmocka_unit_test(cut_at_the_first_separator),
        cmocka_unit_test(a_copy_is_whole_or_nothing),
        cmocka_unit_test(has_looks_at_every_byte_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
