#include "check.h"

static void unset_is_a_failure(void **state)
{
    (void)state;
    struct cardea_status s = {0};
    assert_false(cardea_ok(s));
    assert_int_equal(cardea_status_http(s), 500);
    assert_true(cardea_ok(CARDEA_SUCCESS));
}

static void every_code_is_described(void **state)
{
    (void)state;
    for (int code = 0; code < CARDEA_CODE_COUNT; code++) {
        struct cardea_status s = cardea_status((enum cardea_code)code);
        assert_int_not_equal(cardea_status_class(s), CARDEA_CLASS_UNSET);
        assert_true(strlen(cardea_status_problem(s)) > 0);
        assert_true(strlen(cardea_status_title(s)) > 0);
        assert_true(strlen(cardea_status_name(s)) > 0);
        assert_in_range(cardea_status_http(s), 200, 599);
        assert_true((cardea_status_http(s) < 400) == cardea_ok(s));
        assert_true((cardea_status_class(s) == CARDEA_CLASS_SUCCESS) == cardea_ok(s));
    }
}

static void a_code_from_elsewhere_is_an_internal_error(void **state)
{
    (void)state;
    struct cardea_status s;
    int strange = 9999;
    memcpy(&s.code, &strange, sizeof s.code);
    assert_string_equal(cardea_status_name(s), "E_INTERNAL");
    assert_int_equal(cardea_status_http(s), 500);
}

static void denials_tell_one_thing(void **state)
{
    (void)state;
    assert_string_equal(cardea_status_problem(CARDEA_FAIL(E_INVALID_TOKEN)), "invalid_token");
    assert_int_equal(cardea_status_http(CARDEA_FAIL(E_INVALID_TOKEN)), 401);
    assert_int_equal(cardea_status_http(CARDEA_FAIL(E_UNAVAILABLE)), 503);
    assert_string_equal(cardea_status_problem(CARDEA_FAIL(E_CORRUPT)), "unavailable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unset_is_a_failure),
        cmocka_unit_test(every_code_is_described),
        cmocka_unit_test(a_code_from_elsewhere_is_an_internal_error),
        cmocka_unit_test(denials_tell_one_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
