#include "check.h"

#include "base/secret.h"

static void every_bit_counts(void **state)
{
    (void)state;
    unsigned char a[40], b[40];
    for (size_t len = 0; len <= sizeof a; len++) {
        for (size_t i = 0; i < sizeof a; i++)
            a[i] = b[i] = (unsigned char)(i * 37 + len);
        assert_true(secret_equal(a, b, len));
        for (size_t bit = 0; bit < len * 8; bit++) {
            b[bit / 8] = (unsigned char)(b[bit / 8] ^ 1u << bit % 8);
            assert_false(secret_equal(a, b, len));
            b[bit / 8] = a[bit / 8];
        }
        if (len < sizeof a) {
            b[len] ^= 1;
            assert_true(secret_equal(a, b, len)); /* what lies past the length does not */
        }
    }
}

static void wiping_leaves_zeros_and_nothing_else_changed(void **state)
{
    (void)state;
    unsigned char a[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    secret_wipe(a, 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(a[i], 0);
    assert_int_equal(a[8], 9);
    secret_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(wiping_leaves_zeros_and_nothing_else_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
