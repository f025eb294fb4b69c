/* Does a kept reply say what the response says, whatever it said before? Replies are shown by asking the library for
 * their headers. */
#include "check.h"

#include "daemon/reply.h"

#include <stdio.h>
#include <stdlib.h>

struct shown {
    char text[2048];
};

static enum MHD_Result show(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct shown *s = context;
    (void)kind;
    size_t len = strlen(s->text);
    snprintf(s->text + len, sizeof s->text - len, "%s=%s;", name, value);
    return MHD_YES;
}

static struct response response_of(const char *const (*headers)[2], size_t count)
{
    struct response r = {.status = 204};
    for (size_t i = 0; i < count; i++)
        assert_ok(response_header(&r, headers[i][0], view_text(headers[i][1])));
    return r;
}

static void assert_says(struct MHD_Response *reply, const struct response *r)
{
    assert_non_null(reply);
    struct shown s = {""};
    assert_int_equal(MHD_get_response_headers(reply, show, &s), r->header_count);
    for (uint32_t i = 0; i < r->header_count; i++) {
        char wanted[512];
        snprintf(wanted, sizeof wanted, "%.*s=%.*s;", (int)r->headers[i].name.len, r->headers[i].name.ptr,
                 (int)r->headers[i].value.len, r->headers[i].value.ptr);
        assert_non_null(strstr(s.text, wanted));
    }
}

static const char user[] = "X-Auth-User", roles[] = "X-Auth-Roles", cache[] = "Cache-Control";

static void a_kept_reply_follows_every_change(void **state)
{
    (void)state;
    static const char *const steps[][3][2] = {
        {{user, "1"}, {roles, "a"}, {cache, "no-store"}},  {{user, "1"}, {roles, "a"}, {cache, "no-store"}},
        {{user, "2"}, {roles, "a"}, {cache, "no-store"}},  {{user, "2"}, {roles, "a,b"}, {cache, "no-store"}},
        {{user, "333"}, {roles, "b"}, {cache, "private"}}, {{roles, "b"}, {user, "333"}, {cache, "private"}},
        {{roles, "333"}, {user, "b"}, {cache, "private"}}, {{user, "1"}, {roles, "a"}, {cache, "no-store"}},
    };
    struct reply_kept kept = {0};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        for (size_t count = 1; count <= 3; count += 2) { /* with fewer headers in between */
            struct response r = response_of(steps[i], count);
            assert_true(reply_keepable(&r));
            assert_says(reply_renew(&kept, &r), &r);
        }
    }
    reply_drop(&kept);
    reply_drop(&kept);
}

static void random_changes(void **state)
{
    (void)state;
    struct reply_kept kept = {0};
    uint32_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        char values[3][8];
        const char *headers[3][2];
        for (int h = 0; h < 3; h++) {
            seed = seed * 1664525u + 1013904223u;
            snprintf(values[h], sizeof values[h], "%.*s", (int)(1 + (seed >> 29) % 5), &"abcabcabc"[(seed >> 27) % 3]);
            headers[h][0] = (const char *const[]){user, roles, cache}[h];
            headers[h][1] = values[h];
        }
        struct response r = response_of((const char *const(*)[2])headers, 3);
        assert_says(reply_renew(&kept, &r), &r);
    }
    reply_drop(&kept);
}

static void what_must_not_be_kept_is_not(void **state)
{
    (void)state;
    static char large[REPLY_KEPT_TEXT + 1];
    memset(large, 'x', sizeof large - 1);
    struct response r = response_of((const char *const[][2]){{user, "1"}}, 1);
    r.status = 200;
    assert_false(reply_keepable(&r));
    r.status = 204;
    assert_true(reply_keepable(&r));
    r.body = VIEW("x");
    assert_false(reply_keepable(&r));
    r = response_of((const char *const[][2]){{"set-cookie", "secret"}}, 1);
    assert_false(reply_keepable(&r));
    r = response_of((const char *const[][2]){{user, large}}, 1);
    assert_false(reply_keepable(&r));
    r = response_of((const char *const[][2]){{user, ""}}, 1);
    assert_false(reply_keepable(&r));
    r = (struct response){.status = 204};
    for (int i = 0; i <= REPLY_KEPT_HEADERS; i++)
        assert_ok(response_header(&r, user, VIEW("1")));
    assert_false(reply_keepable(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_reply_follows_every_change),
        cmocka_unit_test(random_changes),
        cmocka_unit_test(what_must_not_be_kept_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
