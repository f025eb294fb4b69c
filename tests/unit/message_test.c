#include "check.h"

#include "http/message.h"

static struct request request;

static void add(struct view name, struct view value)
{
    request.headers[request.header_count++] = (struct header){name, value};
}

static int reset(void **state)
{
    (void)state;
    memset(&request, 0, sizeof request);
    return 0;
}

static void names_compare_without_case(void **state)
{
    (void)state;
    add(VIEW("Host"), VIEW("a"));
    add(VIEW("COOKIE"), VIEW("b"));
    assert_text(request_header(&request, VIEW("cookie")), "b");
    assert_text(request_header(&request, VIEW("Cookie")), "b");
    assert_null(request_header(&request, VIEW("Cooki")).ptr);
    assert_null(request_header(&request, VIEW("Cookie2")).ptr);
    assert_null(request_header(&request, VIEW("")).ptr);
}

static void the_first_of_several_is_given_and_all_are_counted(void **state)
{
    (void)state;
    add(VIEW("Authorization"), VIEW("one"));
    add(VIEW("X"), VIEW("other"));
    add(VIEW("authorization"), VIEW("two"));
    assert_text(request_header(&request, VIEW("Authorization")), "one");
    assert_int_equal(request_header_count(&request, VIEW("AUTHORIZATION")), 2);
    assert_int_equal(request_header_count(&request, VIEW("Cookie")), 0);
}

static void an_empty_header_is_not_an_absent_one(void **state)
{
    (void)state;
    add(VIEW("Origin"), VIEW_EMPTY);
    struct view v = request_header(&request, VIEW("Origin"));
    assert_non_null(v.ptr);
    assert_int_equal(v.len, 0);
}

static void no_response_header_is_split(void **state)
{
    (void)state;
    struct response r = {0};
    assert_ok(response_header(&r, "X-Auth-User", VIEW("plain %C3%A9 text")));
    assert_code(response_header(&r, "X-Auth-User", VIEW("a\r\nSet-Cookie: b")), E_INTERNAL);
    assert_code(response_header(&r, "X-Auth-User", VIEW("a\nb")), E_INTERNAL);
    assert_code(response_header(&r, "X-Auth-User", VIEW("a\0b")), E_INTERNAL);
    assert_code(response_header(&r, "X-Auth-User", VIEW("a\x7f")), E_INTERNAL);
    assert_int_equal(r.header_count, 1);
    assert_text(r.headers[0].name, "X-Auth-User");
    assert_text(r.headers[0].value, "plain %C3%A9 text");
}

static void response_headers_are_bounded(void **state)
{
    (void)state;
    struct response r = {0};
    for (int i = 0; i < RESPONSE_HEADERS_MAX; i++)
        assert_ok(response_header(&r, "X", VIEW("1")));
    assert_code(response_header(&r, "X", VIEW("1")), E_INTERNAL);
    assert_int_equal(r.header_count, RESPONSE_HEADERS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names_compare_without_case, reset),
        cmocka_unit_test_setup(the_first_of_several_is_given_and_all_are_counted, reset),
        cmocka_unit_test_setup(an_empty_header_is_not_an_absent_one, reset),
        cmocka_unit_test(no_response_header_is_split),
        cmocka_unit_test(response_headers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
