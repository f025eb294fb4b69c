/* What the filter answers, over heads as the HTTP library leaves them. That it passes exactly what the grammar lets
 * through is fuzz_head's business. */
#include "check.h"

#include "head_shape.h"

#include <stdio.h>

static struct refusal filter(const char *text, struct filtered_head *out)
{
    struct head_shape s;
    assert_true(head_shape_make(view_text(text), &s));
    struct refusal r = request_filter(&s.head, out);
    head_shape_clear(&s);
    return r;
}

static void refused(const char *text, int http)
{
    struct filtered_head out = {.content_length = 77};
    struct refusal r = filter(text, &out);
    if (r.http != http)
        print_error("%s\n", text);
    assert_int_equal(r.http, http);
    assert_non_null(r.reason);
    assert_int_equal(out.content_length, 77);
}

static void every_refusal_has_its_status(void **state)
{
    (void)state;
    char many[1024] = "GET / HTTP/1.1\r\nHost: a\r\n", target[2200];
    for (int i = 0; i < HEADERS_MAX; i++)
        strcat(many, "X: y\r\n");
    strcat(many, "\r\n");
    snprintf(target, sizeof target, "GET /%02048d HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    refused(many, 431);
    refused(target, 414);
    refused("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505);
    refused("GET / HTTP/1.1\r\n\r\n", 400);
    refused("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400);
    refused("GET / HTTP/1.1\r\nHost: a\n\r\n", 400);
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", 400);
}

static struct filtered_head passed(const char *text)
{
    struct filtered_head out = {0};
    struct refusal r = filter(text, &out);
    if (r.http != 0)
        print_error("%s: %s\n", text, r.reason);
    assert_int_equal(r.http, 0);
    return out;
}

static void the_body_is_announced(void **state)
{
    (void)state;
    assert_int_equal(passed("GET / HTTP/1.1\r\nHost: a\r\n\r\n").content_length, 0);
    assert_int_equal(passed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\n\r\n").content_length, 17);
    assert_int_equal(passed("POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: CHUNKED\r\n\r\n").content_length, -1);
    assert_true(passed("POST / HTTP/1.1\r\nHost: a\r\nexpect: x\r\nContent-Length: 1\r\n\r\n").expects_continue);
    assert_false(passed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n").expects_continue);
}

static void methods_are_exact(void **state)
{
    (void)state;
    assert_int_equal(passed("GET / HTTP/1.1\r\nHost: a\r\n\r\n").method, METHOD_GET);
    assert_int_equal(passed("PATCH / HTTP/1.1\r\nHost: a\r\n\r\n").method, METHOD_PATCH);
    assert_int_equal(passed("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n").method, METHOD_DELETE);
    assert_int_equal(passed("get / HTTP/1.1\r\nHost: a\r\n\r\n").method, METHOD_OTHER);
    assert_int_equal(passed("GETX / HTTP/1.1\r\nHost: a\r\n\r\n").method, METHOD_OTHER);
}

/* The views point into the shape, so they are looked at before it goes. */
static void target_is(const char *target, const char *path, const char *query)
{
    char text[256];
    struct head_shape s;
    struct filtered_head out = {0};
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    assert_true(head_shape_make(view_text(text), &s));
    assert_int_equal(request_filter(&s.head, &out).http, 0);
    assert_text(out.path, path);
    assert_text(out.query, query);
    head_shape_clear(&s);
}

static void the_path_is_left_encoded(void **state)
{
    (void)state;
    target_is("/a%2fb%00?c=%26", "/a%2fb%00", "c=%26");
    target_is("/?", "/", "");
    target_is("//a/../b;c", "//a/../b;c", "");
    target_is("/a?b?c", "/a", "b?c");
    target_is("HTTP://h:80/a?b", "/a", "b");
    target_is("https://h/", "/", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_has_its_status),
        cmocka_unit_test(the_body_is_announced),
        cmocka_unit_test(methods_are_exact),
        cmocka_unit_test(the_path_is_left_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
