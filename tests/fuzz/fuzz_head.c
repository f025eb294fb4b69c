/* The request filter against an oracle that reads the raw bytes by the grammar: what passes is strict, and what is
 * strict passes. */
#include "fuzz.h"
#include "head_shape.h"

static void check(struct view raw)
{
    struct head_shape s;
    if (head_shape_make(raw, &s)) {
        struct view head = view_of(raw.ptr + s.begin, s.end - s.begin);
        struct filtered_head out = {0};
        struct refusal refused = request_filter(&s.head, &out);
        bool strict = head_is_strict(head);
        EXPECT(refused.http == 0 || refused.reason != NULL);
        if (!head_has_nul_at_line_end(head))
            EXPECT((refused.http == 0) == strict);
        if (refused.http == 0) {
            EXPECT(out.method != METHOD_UNSET && out.path.len > 0 && out.content_length >= -1);
            EXPECT(out.path.ptr >= s.head.target.ptr &&
                   out.path.ptr + out.path.len <= s.head.target.ptr + s.head.target.len);
        }
    }
    head_shape_clear(&s);
}

/* A random head rarely gets past its first line: also try the input as headers behind a good one, and as a target. */
static void check_behind(const char *before, struct view middle, const char *after)
{
    struct buf b = buf_heap(middle.len + 256);
    buf_text(&b, before);
    buf_put(&b, middle);
    buf_text(&b, after);
    EXPECT(buf_ok(&b));
    check(buf_view(&b));
    buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view raw = view_of(data, size);
    check(raw);
    check_behind("POST /v1/login HTTP/1.1\r\n", raw, "\r\nHost: a\r\n\r\n");
    check_behind("POST /v1/login HTTP/1.1\r\nHost: a\r\n", raw, "\r\n\r\n");
    check_behind("GET ", raw, " HTTP/1.1\r\nHost: a\r\n\r\n");
    check_behind("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: ", raw, "\r\n\r\n");
    return 0;
}
