#include "check.h"

#include "base/arena.h"

#include <stdalign.h>

static void answers_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    unsigned char *earlier[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = i * 7 % 300;
        earlier[i] = arena_new(&a, size);
        assert_non_null(earlier[i]);
        assert_int_equal((uintptr_t)earlier[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(earlier[i][k], 0);
        memset(earlier[i], (int)(i + 1), size);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < i * 7 % 300; k++)
            assert_int_equal(earlier[i][k], (unsigned char)(i + 1));
    }
    arena_clear(&a);
}

static void large_answers_leave_the_small_block_in_use(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    char *first = arena_new(&a, 16);
    char *large = arena_new(&a, 100000);
    char *second = arena_new(&a, 16);
    assert_non_null(large);
    memset(large, 1, 100000);
    assert_ptr_equal(second, first + 16);
    arena_clear(&a);
}

static void the_limit_holds(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 100);
    assert_non_null(arena_new(&a, 64));
    assert_null(arena_new(&a, 64));
    assert_non_null(arena_new(&a, 32));
    assert_null(arena_new(&a, SIZE_MAX));
    assert_null(arena_new(&a, SIZE_MAX - 7));
    assert_null(arena_copy(&a, view_of("", SIZE_MAX)).ptr);
    arena_clear(&a);
    assert_non_null(arena_new(&a, 64)); /* a cleared arena starts anew */
    arena_clear(&a);
    arena_clear(&a);
}

static void copies_end_in_nul(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64);
    struct view copy = arena_copy(&a, view_of("abcd", 3));
    assert_text(copy, "abc");
    assert_int_equal(copy.ptr[3], 0);
    copy = arena_copy(&a, VIEW_EMPTY);
    assert_non_null(copy.ptr);
    assert_int_equal(copy.ptr[0], 0);
    assert_null(arena_copy(&a, VIEW("0123456789012345678901234567890123456789")).ptr);
    arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_zeroed_aligned_and_apart),
        cmocka_unit_test(large_answers_leave_the_small_block_in_use),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(copies_end_in_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
