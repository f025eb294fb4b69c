#include "daemon/request_filter.h"

#include "base/text.h"

enum { VERSION_LEN = 8, LINE_END = 2, HOST_LEN_MAX = 255 };

/* Classes of bytes: RFC 9110 §5.6.2 tokens, §5.5 field values, RFC 3986 §3.3-3.4 targets, §3.2.2 hosts. */
enum { TOKEN = 1, FIELD = 2, TARGET = 4, HOST = 8 };

/* clang-format off */
static const uint8_t classes[256] = { /* a row is 16 characters; 0x20 begins the third */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    2, 15, 2, 3, 15, 15, 7, 7, 6, 6, 7, 7, 6, 15, 15, 6,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 6, 2, 6, 2, 6,
    6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 2, 14, 3, 15,
    3, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 2, 7, 2, 15, 0,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
};
/* clang-format on */

static bool all_of(struct view v, uint8_t class)
{
    uint8_t seen = class;
    for (size_t i = 0; i < v.len; i++)
        seen &= classes[(unsigned char)v.ptr[i]];
    return seen == class;
}

static struct refusal no(uint16_t http, const char *reason)
{
    return (struct refusal){http, reason};
}
static const struct refusal passed = {0, NULL};

static enum method method_of(struct view name)
{
    const struct {
        struct view name;
        enum method method;
    } known[] = {
        {VIEW("GET"), METHOD_GET},       {VIEW("POST"), METHOD_POST},   {VIEW("HEAD"), METHOD_HEAD},
        {VIEW("DELETE"), METHOD_DELETE}, {VIEW("PATCH"), METHOD_PATCH}, {VIEW("OPTIONS"), METHOD_OPTIONS},
        {VIEW("PUT"), METHOD_PUT},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (view_equal(name, known[i].name))
            return known[i].method;
    return METHOD_OTHER;
}

/* The request line: METHOD SP target SP HTTP/1.x CR LF, with nothing more between them. */
static struct refusal check_line(const struct received_head *h)
{
    if (h->method.len == 0 || h->method.ptr != h->start || !all_of(h->method, TOKEN))
        return no(400, "The method is not a token.");
    if (h->target_at != h->method.len + 1 || h->version.ptr != h->start + h->target_at + h->target.len + 1)
        return no(400, "The request line is malformed.");
    if (h->version.len != VERSION_LEN || memcmp(h->version.ptr, "HTTP/1.", VERSION_LEN - 1) != 0)
        return no(505, "The version of HTTP is not supported.");
    if (h->version.ptr[VERSION_LEN - 1] != '0' && h->version.ptr[VERSION_LEN - 1] != '1')
        return no(505, "The version of HTTP is not supported.");
    if (h->target.len > TARGET_MAX)
        return no(414, "The target is too long.");
    if (h->target.len == 0 || !all_of(h->target, TARGET))
        return no(400, "The target has a character that must be encoded.");
    return passed;
}

/* Each header where the one before lets it be; see the header's essay. */
static struct refusal check_layout(const struct received_head *h)
{
    const char *end = h->start + h->len;
    const char *next = h->version.ptr + h->version.len + LINE_END;
    for (uint32_t i = 0; i < h->header_count; i++) {
        struct view name = h->headers[i].name, value = h->headers[i].value;
        if (name.ptr != next)
            return no(400, "A line of the head is folded, or does not end in CR LF.");
        if (name.len == 0 || !all_of(name, TOKEN))
            return no(400, "A header's name is not a token.");
        const char *after = name.ptr + name.len + 1;
        if (value.ptr < after || value.ptr > end || value.len > (size_t)(end - value.ptr))
            return no(400, "A line of the head is folded, or does not end in CR LF.");
        for (const char *p = after; p < value.ptr; p++)
            if (*p != ' ' && *p != '\t')
                return no(400, "A header is malformed.");
        if (!all_of(value, FIELD))
            return no(400, "A header's value has a control character.");
        next = value.ptr + value.len + LINE_END;
    }
    /* Of a line that begins with a NUL the library sees nothing; its other bytes are still there. */
    if (next + LINE_END != end || end[-1] != '\0' || end[-2] != '\0' || end[-3] != '\0' || end[-4] != '\0')
        return no(400, "A line of the head is folded, or does not end in CR LF.");
    return passed;
}

struct framing {
    uint32_t hosts, lengths, codings, types;
    struct view host, length, coding, expect;
};

/* Switched by length first: most headers of a request are none of these. */
static void gather(const struct received_head *h, struct framing *f)
{
    for (uint32_t i = 0; i < h->header_count; i++) {
        struct view name = h->headers[i].name, value = h->headers[i].value;
        switch (name.len) {
        case 4:
            if (view_equal_ascii_case(name, VIEW("Host"))) {
                f->hosts++;
                f->host = value;
            }
            break;
        case 6:
            if (view_equal_ascii_case(name, VIEW("Expect")))
                f->expect = value;
            break;
        case 12:
            if (view_equal_ascii_case(name, VIEW("Content-Type")))
                f->types++;
            break;
        case 14:
            if (view_equal_ascii_case(name, VIEW("Content-Length"))) {
                f->lengths++;
                f->length = value;
            }
            break;
        case 17:
            if (view_equal_ascii_case(name, VIEW("Transfer-Encoding"))) {
                f->codings++;
                f->coding = value;
            }
            break;
        default:
            break;
        }
    }
}

/* Where does this message end? RFC 9112 §6.3, without its ways out. */
static struct refusal check_framing(const struct framing *f, bool old, int64_t *ret_length)
{
    *ret_length = 0;
    if (f->types > 1)
        return no(400, "Content-Type is there more than once.");
    if (f->lengths > 1 || f->codings > 1)
        return no(400, "The length of the body is given more than once.");
    if (f->codings > 0) {
        if (f->lengths > 0)
            return no(400, "Both Transfer-Encoding and Content-Length are there.");
        if (old)
            return no(400, "HTTP/1.0 has no Transfer-Encoding.");
        if (!view_equal_ascii_case(f->coding, VIEW("chunked")))
            return no(400, "The transfer coding is unknown.");
        *ret_length = -1;
        return passed;
    }
    if (f->lengths > 0) {
        uint64_t n;
        if (!cardea_ok(parse_u64(f->length, &n)) || n > INT64_MAX)
            return no(400, "Content-Length is malformed.");
        *ret_length = (int64_t)n;
    }
    return passed;
}

static struct refusal check_host(const struct framing *f, bool old)
{
    if (f->hosts > 1 || (f->hosts == 0 && !old))
        return no(400, "There must be one Host.");
    struct view host = view_trim(f->host);
    if (host.len > HOST_LEN_MAX || !all_of(host, HOST))
        return no(400, "Host is malformed.");
    return passed;
}

/* Origin form, the asterisk of OPTIONS, or the absolute form, whose authority is not ours to judge. */
static bool split_target(struct view target, struct filtered_head *out)
{
    struct view rest = target;
    if (target.ptr[0] != '/') {
        if (out->method == METHOD_OPTIONS && view_equal(target, VIEW("*"))) {
            out->path = target;
            out->query = VIEW_EMPTY;
            return true;
        }
        const struct view schemes[] = {VIEW("http://"), VIEW("https://")};
        size_t skip = 0;
        for (size_t i = 0; i < 2; i++)
            if (target.len > schemes[i].len && view_equal_ascii_case(view_of(target.ptr, schemes[i].len), schemes[i]))
                skip = schemes[i].len;
        if (skip == 0)
            return false;
        const char *slash = memchr(target.ptr + skip, '/', target.len - skip);
        if (slash == NULL || slash == target.ptr + skip ||
            memchr(target.ptr + skip, '?', (size_t)(slash - target.ptr) - skip) != NULL)
            return false;
        rest = view_skip(target, (size_t)(slash - target.ptr));
    }
    if (!view_cut(rest, '?', &out->path, &out->query))
        out->query = VIEW_EMPTY;
    return true;
}

struct refusal request_filter(const struct received_head *head, struct filtered_head *out)
{
    struct filtered_head made = {0};
    struct framing framing = {0};
    struct refusal r = check_line(head);
    if (r.http != 0)
        return r;
    if (head->header_count > HEADERS_MAX)
        return no(431, "There are too many headers.");
    r = check_layout(head);
    if (r.http != 0)
        return r;
    gather(head, &framing);
    bool old = head->version.ptr[VERSION_LEN - 1] == '0';
    r = check_framing(&framing, old, &made.content_length);
    if (r.http != 0)
        return r;
    r = check_host(&framing, old);
    if (r.http != 0)
        return r;
    made.method = method_of(head->method);
    made.expects_continue = framing.expect.ptr != NULL;
    if (!split_target(head->target, &made))
        return no(400, "The target is malformed.");
    *out = made;
    return passed;
}
