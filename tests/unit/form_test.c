/* Forms: what is one, what is refused, what a value decodes to. */
#include "check.h"

#include "http/form.h"

#include <stdio.h>

enum { A, B, FIELDS };
static const struct form_field fields[FIELDS] = {[A] = {"a", true, 8}, [B] = {"long_name", false, 64}};
static struct arena arena;
static struct view values[FIELDS];
static struct form_fault why;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, 64 * 1024);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct cardea_status read_form(struct view body)
{
    memset(values, 0xA5, sizeof values);
    return form_parse(body, &arena, fields, FIELDS, values, &why);
}

static void values_decode(void **state)
{
    (void)state;
    static const struct {
        const char *body, *a, *b;
    } good[] = {
        {"a=1", "1", NULL},
        {"a=1&long_name=2", "1", "2"},
        {"long_name=2&a=1", "1", "2"},
        {"a=1&long_name=", "1", NULL}, /* without a value: not sent */
        {"a=1&unknown=x&other=", "1", NULL},
        {"%61=%31", "1", NULL},
        {"a=%c3%A9", "\xc3\xa9", NULL},
        {"a=+x%20+%2B%26%3d", " x  +&=", NULL},
        {"a=b=c=", "b=c=", NULL}, /* the first '=' cuts, as in every reader */
        {"a=12345678", "12345678", NULL},
        {"a=%31%32%33%34%35%36%37%38", "12345678", NULL},
        {"a=~!'()*-._", NULL, NULL}, /* too long for the field: just below */
        {"A=2&a=1", "1", NULL},      /* names are exact */
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct cardea_status s = read_form(view_text(good[i].body));
        if (good[i].a == NULL) {
            assert_code(s, E_INVALID_FIELD);
            continue;
        }
        assert_ok(s);
        assert_null(why.why);
        assert_text(values[A], good[i].a);
        assert_int_equal(values[A].ptr[values[A].len], '\0');
        if (good[i].b == NULL)
            assert_null(values[B].ptr);
        else
            assert_text(values[B], good[i].b);
    }
}

static void what_is_no_form(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "a",          "a&long_name=1", "=1",        "a=1&",        "&a=1",        "a=1&&long_name=2",
        "a=1&a=2",    "a=1&a=1",       "a=1&%61=2", "a=1&a=",      "a=1&x=1&x=1", "a=1&x=1&%78=",
        "a=%",        "a=%4",          "a=%4g",     "a=%g4",       "a=%%31",      "a=%00",
        "a=1&x=%00",  "a=%ff",         "a=%c3",     "a=%c3&x=%a9", "a=%ed%a0%80", "a=1&%ff=2",
        "a=\xc3\xa9", "a=b c",         "a=b\tc",    "a=b\r\n",     "a=\x7f",      "a=1; long_name=2 ",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct cardea_status s = read_form(view_text(bad[i]));
        if (s.code != CARDEA_E_BAD_REQUEST)
            print_error("not refused: %s\n", bad[i]);
        assert_code(s, E_BAD_REQUEST);
        assert_non_null(why.why);
    }
    assert_code(read_form(VIEW("a=1\0&long_name=2")), E_BAD_REQUEST);
    assert_ok(read_form(VIEW("a=1;long=2"))); /* ';' cuts nothing */
    assert_text(values[A], "1;long=2");
}

static void what_is_missing_or_too_long(void **state)
{
    (void)state;
    static const char *const missing[] = {"", "a=", "A=1", "long_name=1", "aa=1"};
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        assert_code(read_form(view_text(missing[i])), E_MISSING_FIELD);
        assert_string_equal(why.field, "a");
    }
    assert_code(read_form(VIEW("a=123456789")), E_INVALID_FIELD);
    assert_string_equal(why.field, "a");
}

static void limits(void **state)
{
    (void)state;
    char text[4096] = "a=1";
    for (int i = 1; i < FORM_PARAMETERS_MAX; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "&p%d=", i);
    }
    assert_ok(read_form(view_text(text)));
    strcat(text, "&q=1");
    assert_code(read_form(view_text(text)), E_BAD_REQUEST);
    (void)snprintf(text, sizeof text, "a=1&%0*d=1", FORM_NAME_MAX, 7);
    assert_ok(read_form(view_text(text)));
    (void)snprintf(text, sizeof text, "a=1&%0*d=1", FORM_NAME_MAX + 1, 7);
    assert_code(read_form(view_text(text)), E_BAD_REQUEST);
}

static void no_room(void **state)
{
    (void)state;
    arena_clear(&arena);
    arena_init(&arena, 8);
    assert_code(read_form(VIEW("a=1&long_name=12345678901234567890")), E_TOO_LARGE);
    assert_null(why.why);
}

#define FORM_TEST(f) cmocka_unit_test_setup_teardown(f, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FORM_TEST(values_decode), FORM_TEST(what_is_no_form), FORM_TEST(what_is_missing_or_too_long),
        FORM_TEST(limits),        FORM_TEST(no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
