/* The writer (see json.h). `comma` says whether the next value or name at this level has one before it; after a name it
 * is off, so a value needs not know where it stands. */
#include "base/json.h"
#include "base/timetext.h"
#include "base/utf8.h"

static void before_value(struct json_writer *w)
{
    if (w->comma)
        buf_char(w->out, ',');
    w->comma = true;
}

static void open_container(struct json_writer *w, char c)
{
    before_value(w);
    buf_char(w->out, c);
    w->comma = false;
}

static void close_container(struct json_writer *w, char c)
{
    buf_char(w->out, c);
    w->comma = true;
}

void json_open_object(struct json_writer *w)
{
    open_container(w, '{');
}

void json_close_object(struct json_writer *w)
{
    close_container(w, '}');
}

void json_open_array(struct json_writer *w)
{
    open_container(w, '[');
}

void json_close_array(struct json_writer *w)
{
    close_container(w, ']');
}

static void put_control(struct buf *out, unsigned char c)
{
    static const char names[] = "btn?fr"; /* of 8 to 13; 11 has none */
    if (c >= 8 && c <= 13 && c != 11) {
        char escape[2] = {'\\', names[c - 8]};
        buf_put(out, view_of(escape, sizeof escape));
    } else {
        char escape[6] = {'\\', 'u', '0', '0', "01"[c >> 4], "0123456789abcdef"[c & 15]};
        buf_put(out, view_of(escape, sizeof escape));
    }
}

/* What a decoder skips as one error: the lead byte and the continuation bytes that could still have followed it. */
static size_t broken_length(const unsigned char *p, const unsigned char *end)
{
    unsigned char repaired[4] = {p[0], 0x80, 0x80, 0x80};
    size_t n = 1;
    /* The longest start of p that some well-formed character has. Second bytes of E0, ED, F0 and F4 are limited, so try
     * the byte itself before assuming a good rest. */
    for (; n < 3 && p + n < end && (p[n] & 0xC0) == 0x80; n++) {
        repaired[n] = p[n];
        if (utf8_length(repaired, repaired + 4) <= n + 1)
            break;
    }
    return n;
}

static void put_string(struct buf *out, struct view v)
{
    const unsigned char *p = (const unsigned char *)v.ptr, *end = p + v.len, *from = p;
    buf_char(out, '"');
    while (v.len > 0 && p < end) {
        size_t n = utf8_length(p, end);
        if (n > 0 && *p >= 0x20 && *p != '"' && *p != '\\') {
            p += n;
            continue;
        }
        buf_put(out, view_of(from, (size_t)(p - from)));
        if (n == 0) {
            buf_put(out, VIEW("\xEF\xBF\xBD"));
            n = broken_length(p, end);
        } else if (*p < 0x20) {
            put_control(out, *p);
        } else {
            buf_char(out, '\\');
            buf_char(out, (char)*p);
        }
        p += n;
        from = p;
    }
    buf_put(out, view_of(from, (size_t)(p - from)));
    buf_char(out, '"');
}

void json_name(struct json_writer *w, const char *name)
{
    before_value(w);
    put_string(w->out, view_text(name));
    buf_char(w->out, ':');
    w->comma = false;
}

void json_put_text(struct json_writer *w, struct view v)
{
    before_value(w);
    put_string(w->out, v);
}

void json_put_int(struct json_writer *w, int64_t n)
{
    before_value(w);
    buf_int(w->out, n);
}

void json_put_bool(struct json_writer *w, bool b)
{
    before_value(w);
    buf_text(w->out, b ? "true" : "false");
}

void json_put_null(struct json_writer *w)
{
    before_value(w);
    buf_text(w->out, "null");
}

void json_put_raw(struct json_writer *w, struct view json)
{
    before_value(w);
    buf_put(w->out, json);
}

void json_member_text(struct json_writer *w, const char *name, struct view v)
{
    json_name(w, name);
    json_put_text(w, v);
}

void json_member_int(struct json_writer *w, const char *name, int64_t n)
{
    json_name(w, name);
    json_put_int(w, n);
}

void json_member_bool(struct json_writer *w, const char *name, bool b)
{
    json_name(w, name);
    json_put_bool(w, b);
}

void json_member_time(struct json_writer *w, const char *name, int64_t unix_ms)
{
    json_name(w, name);
    if (unix_ms == 0) {
        json_put_null(w);
        return;
    }
    before_value(w);
    buf_char(w->out, '"');
    buf_rfc3339(w->out, unix_ms);
    buf_char(w->out, '"');
}
