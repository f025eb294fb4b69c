/* Which ids are taken over, and is every other one new? */
#include "check.h"

#include "daemon/request_id.h"

static void fixed(void *context, void *out, size_t len)
{
    memset(out, *(int *)context, len);
}

static void harmless_ids_are_taken_over(void **state)
{
    (void)state;
    int byte = 7;
    struct entropy e = {fixed, &byte};
    struct request_ids ids;
    char out[65], longest[65];
    memset(longest, 'x', 64);
    longest[64] = '\0';
    request_ids_init(&ids, &e);
    const char *const fine[] = {"a", "0189-AZ_az.9", longest};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        request_id_choose(&ids, view_text(fine[i]), out);
        assert_string_equal(out, fine[i]);
    }
}

static void others_are_replaced_and_never_repeat(void **state)
{
    (void)state;
    int byte = 7;
    struct entropy e = {fixed, &byte};
    struct request_ids ids;
    char first[65], out[65], too_long[66];
    memset(too_long, 'x', 65);
    too_long[65] = '\0';
    request_ids_init(&ids, &e);
    request_id_choose(&ids, VIEW_EMPTY, first);
    assert_int_equal(strlen(first), 32);
    const char *const bad[] = {"", "a b", "a\n", "a\"", "a/b", "\xc3\xa4", "%n", "a:b", too_long};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        request_id_choose(&ids, view_text(bad[i]), out);
        assert_int_equal(strlen(out), 32);
        assert_int_equal(strspn(out, "0123456789abcdef"), 32);
        assert_string_not_equal(out, first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harmless_ids_are_taken_over),
        cmocka_unit_test(others_are_replaced_and_never_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
