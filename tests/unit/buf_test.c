#include "check.h"

#include <stdlib.h>

static void fixed_storage_holds_what_fits(void **state)
{
    (void)state;
    char storage[5];
    struct buf b = buf_fixed(storage, sizeof storage);
    buf_put(&b, VIEW("abc"));
    buf_char(&b, 'd');
    assert_buf(&b, "abcd");
    buf_put(&b, VIEW("ef"));
    assert_false(buf_ok(&b));
    assert_text(buf_view(&b), "abcd"); /* a write that does not fit writes nothing */
    buf_char(&b, 'e');
    assert_false(buf_ok(&b)); /* and so does everything after it */
    assert_text(buf_view(&b), "abcd");
    buf_reset(&b);
    buf_put(&b, VIEW("12345"));
    assert_buf(&b, "12345");
    assert_ptr_equal(b.ptr, storage);
}

static void nothing_fits_in_nothing(void **state)
{
    (void)state;
    struct buf b = buf_fixed(NULL, 0);
    buf_put(&b, VIEW_EMPTY);
    assert_true(buf_ok(&b));
    buf_char(&b, 'x');
    assert_false(buf_ok(&b));
    b = buf_heap(0);
    buf_text(&b, "");
    assert_true(buf_ok(&b));
    buf_char(&b, 'x');
    assert_false(buf_ok(&b));
    buf_clear(&b);
}

static void heap_storage_grows_to_its_limit(void **state)
{
    (void)state;
    enum { LIMIT = 3000 };
    struct buf b = buf_heap(LIMIT);
    assert_null(b.ptr);
    for (int i = 0; i < LIMIT; i++)
        buf_char(&b, (char)('a' + i % 26));
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, LIMIT);
    for (int i = 0; i < LIMIT; i++)
        assert_int_equal(b.ptr[i], 'a' + i % 26);
    buf_char(&b, 'x');
    assert_false(buf_ok(&b));
    assert_int_equal(b.len, LIMIT);
    buf_clear(&b);
    assert_null(b.ptr);
    buf_clear(&b);
}

static void a_write_past_the_limit_fails_at_once(void **state)
{
    (void)state;
    struct buf b = buf_heap(10);
    assert_null(buf_room(&b, SIZE_MAX));
    assert_false(buf_ok(&b));
    buf_reset(&b);
    buf_text(&b, "12345678901");
    assert_false(buf_ok(&b));
    buf_reset(&b);
    buf_text(&b, "1234567890");
    assert_buf(&b, "1234567890");
    assert_null(buf_room(&b, SIZE_MAX));
    buf_clear(&b);
    assert_true(buf_ok(&b));
    struct buf zeroed = {0};
    buf_clear(&zeroed);
}

static void room_is_counted_when_it_grew(void **state)
{
    (void)state;
    struct buf b = buf_heap(1000);
    char *to = buf_room(&b, 300);
    assert_non_null(to);
    memset(to, 'z', 300);
    assert_int_equal(b.len, 0);
    buf_grew(&b, 2);
    assert_buf(&b, "zz");
    assert_non_null(buf_room(&b, 0));
    buf_clear(&b);
}

static void numbers(void **state)
{
    (void)state;
    char storage[64];
    struct buf b = buf_fixed(storage, sizeof storage);
    buf_int(&b, 0);
    buf_char(&b, ' ');
    buf_int(&b, INT64_MIN);
    buf_char(&b, ' ');
    buf_int(&b, INT64_MAX);
    assert_buf(&b, "0 -9223372036854775808 9223372036854775807");
    buf_reset(&b);
    buf_uint(&b, 10);
    buf_char(&b, ' ');
    buf_uint(&b, UINT64_MAX);
    assert_buf(&b, "10 18446744073709551615");
}

static void a_terminated_text_is_whole_or_empty(void **state)
{
    (void)state;
    char storage[4] = "zzz";
    struct buf b = buf_fixed(storage, sizeof storage);
    buf_text(&b, "abc");
    assert_true(buf_terminate(&b));
    assert_string_equal(storage, "abc");
    assert_buf(&b, "abc"); /* the NUL does not count */
    buf_char(&b, 'd');
    assert_false(buf_terminate(&b));
    assert_string_equal(storage, "");
    b = buf_fixed(NULL, 0);
    assert_false(buf_terminate(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_storage_holds_what_fits),       cmocka_unit_test(nothing_fits_in_nothing),
        cmocka_unit_test(heap_storage_grows_to_its_limit),     cmocka_unit_test(a_write_past_the_limit_fails_at_once),
        cmocka_unit_test(room_is_counted_when_it_grew),        cmocka_unit_test(numbers),
        cmocka_unit_test(a_terminated_text_is_whole_or_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
