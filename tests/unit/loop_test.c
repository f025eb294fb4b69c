/* Does each thread get its own loop of the listener that it serves, also when it serves several one after the other? */
#include "check.h"

#include "crypto/random.h"
#include "daemon/loop.h"

static void a_thread_may_end_several_listeners(void **state)
{
    (void)state;
    struct loops first, second;
    loops_init(&first);
    loops_init(&second);
    struct loop *a = loop_get(&first, entropy_system());
    assert_non_null(a);
    assert_ptr_equal(loop_get(&first, entropy_system()), a);
    struct loop *b = loop_get(&second, entropy_system());
    assert_ptr_not_equal(a, b);
    loop_count(b, COUNT_4XX);
    loops_clear(&first);
    uint64_t counts[LOOP_COUNTS] = {0};
    loops_sum(&second, counts);
    assert_int_equal(counts[COUNT_4XX], 1);
    loops_clear(&second);
    /* What is gone is not handed out again. */
    loops_init(&first);
    struct loop *fresh = loop_get(&first, entropy_system());
    assert_non_null(fresh);
    assert_ptr_equal(first.first, fresh);
    loops_clear(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_thread_may_end_several_listeners)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
