#include "cli/render.h"

#include "base/text.h"
#include "base/utf8.h"
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t code_point(const unsigned char *p, size_t len)
{
    switch (len) {
    case 1:
        return p[0];
    case 2:
        return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    case 3:
        return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    default:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 | (uint32_t)(p[2] & 0x3F) << 6 |
               (p[3] & 0x3F);
    }
}

/* What a terminal obeys, or what makes a reader see another order than there is. */
static bool dangerous(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF || (c >= 0xE0000 && c <= 0xE0FFF);
}

static void put_hex(struct buf *out, uint32_t value, int digits)
{
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
        buf_char(out, "0123456789abcdef"[value >> shift & 15]);
}

void render_text(struct buf *out, struct view text)
{
    const unsigned char *p = (const unsigned char *)text.ptr, *end = p + text.len;
    while (p < end) {
        size_t len = utf8_length(p, end);
        uint32_t c = len == 0 ? 0 : code_point(p, len);
        if (len == 0) {
            buf_text(out, "\\x");
            put_hex(out, *p, 2);
            len = 1;
        } else if (dangerous(c)) {
            buf_text(out, c > 0xFFFF ? "\\U" : "\\u");
            put_hex(out, c, c > 0xFFFF ? 8 : 4);
        } else {
            buf_put(out, view_of(p, len));
        }
        p += len;
    }
}

void render_json(struct buf *out, struct view json)
{
    const unsigned char *p = (const unsigned char *)json.ptr, *end = p + json.len;
    while (p < end) {
        size_t len = utf8_length(p, end);
        uint32_t c = len == 0 ? 0xFFFD : code_point(p, len);
        /* Below 0x20 only white space between values can stand here. */
        if (c < 0x20 || !dangerous(c)) {
            buf_put(out, view_of(p, len == 0 ? 1 : len));
        } else if (c <= 0xFFFF) {
            buf_text(out, "\\u");
            put_hex(out, c, 4);
        } else {
            buf_text(out, "\\u");
            put_hex(out, 0xD800 + ((c - 0x10000) >> 10), 4);
            buf_text(out, "\\u");
            put_hex(out, 0xDC00 + ((c - 0x10000) & 0x3FF), 4);
        }
        p += len == 0 ? 1 : len;
    }
    buf_char(out, '\n');
}

struct cardea_status document_open(struct document *d, struct view text)
{
    size_t cap = text.len / 2 + 16; /* a token takes two characters at least, but for a lone one */
    *d = (struct document){0};
    d->tokens = calloc(cap, sizeof(*d->tokens));
    if (d->tokens == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = json_read(text, d->tokens, cap, &d->json, NULL);
    if (!cardea_ok(s))
        document_close(d);
    return s;
}

void document_close(struct document *d)
{
    free(d->tokens);
    *d = (struct document){0};
}

static void value_text(const struct document *d, uint32_t token, struct buf *out)
{
    if (json_type(&d->json, token) == JSON_STRING) {
        struct buf plain = buf_heap(json_source(&d->json, token).len + 1);
        if (cardea_ok(json_text(&d->json, token, &plain)))
            render_text(out, buf_view(&plain));
        buf_clear(&plain);
    } else {
        render_text(out, json_source(&d->json, token));
    }
}

void document_text(const struct document *d, uint32_t object, const char *name, struct buf *out)
{
    uint32_t value = json_get(&d->json, object, view_text(name));
    enum json_type type = json_type(&d->json, value);
    if (value == 0 || type == JSON_NULL)
        return;
    if (type != JSON_ARRAY) {
        value_text(d, value, out);
        return;
    }
    const char *comma = "";
    for (uint32_t i = json_first(&d->json, value); i != 0; i = json_after(&d->json, value, i)) {
        buf_text(out, comma);
        value_text(d, i, out);
        comma = ",";
    }
}

struct cardea_status document_string(const struct document *d, uint32_t object, const char *name, char *out, size_t cap)
{
    struct buf b = buf_fixed(out, cap);
    struct cardea_status s = json_text(&d->json, json_get(&d->json, object, view_text(name)), &b);
    if (cardea_ok(s) && !buf_terminate(&b))
        s = CARDEA_FAIL(E_TOO_LARGE);
    return s;
}

/* Characters, which is as near to columns as it needs to be. */
static size_t width(struct view v)
{
    size_t n = 0;
    for (size_t i = 0; i < v.len; i++)
        n += (v.ptr[i] & 0xC0) != 0x80;
    return n;
}

static void put_padded(struct buf *out, struct view v, size_t to, bool last)
{
    buf_put(out, v);
    for (size_t n = width(v); !last && n < to + 2; n++)
        buf_char(out, ' ');
}

static void walk(const struct column *columns, size_t count, const struct document *d, size_t widths[COLUMNS_MAX],
                 struct buf *out)
{
    for (uint32_t row = json_first(&d->json, 0); row != 0; row = json_after(&d->json, 0, row)) {
        for (size_t i = 0; i < count; i++) {
            struct buf cell = buf_heap(64 * 1024);
            document_text(d, row, columns[i].member, &cell);
            struct view text = cell.len == 0 ? VIEW("-") : buf_view(&cell);
            if (out != NULL)
                put_padded(out, text, widths[i], i + 1 == count);
            else if (width(text) > widths[i])
                widths[i] = width(text);
            buf_clear(&cell);
        }
        if (out != NULL)
            buf_char(out, '\n');
    }
}

void render_table(struct buf *out, const struct column *columns, size_t count, const struct view *items,
                  size_t item_count)
{
    size_t widths[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < count; i++)
        widths[i] = strlen(columns[i].title);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; pass == 1 && i < count; i++)
            put_padded(out, view_text(columns[i].title), widths[i], i + 1 == count);
        if (pass == 1)
            buf_char(out, '\n');
        for (size_t i = 0; i < item_count; i++) {
            struct document d;
            if (!cardea_ok(document_open(&d, items[i])))
                continue;
            walk(columns, count, &d, widths, pass == 1 ? out : NULL);
            document_close(&d);
        }
    }
}

void render_object(struct buf *out, const struct column *rows, size_t count, const struct document *d, uint32_t object)
{
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        if (strlen(rows[i].title) > longest)
            longest = strlen(rows[i].title);
    for (size_t i = 0; i < count; i++) {
        struct buf value = buf_heap(64 * 1024);
        document_text(d, object, rows[i].member, &value);
        if (value.len > 0) {
            put_padded(out, view_text(rows[i].title), longest, false);
            buf_put(out, buf_view(&value));
            buf_char(out, '\n');
        }
        buf_clear(&value);
    }
}

bool render_flush(struct buf *out)
{
    struct view rest = buf_view(out);
    bool good = buf_ok(out);
    if (!good)
        complain("the output does not fit into memory");
    while (good && rest.len > 0) {
        ssize_t n = write(STDOUT_FILENO, rest.ptr, rest.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EPIPE)
                complain("standard output: %s", strerror(errno));
            good = false;
        } else {
            rest = view_skip(rest, (size_t)n);
        }
    }
    buf_clear(out);
    return good;
}
