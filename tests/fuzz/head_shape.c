#include "head_shape.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct cursor_at {
    char *bytes;
    size_t at, len;
};

/* Cut the next line off: its end becomes one or two NULs. NULL: not there yet. */
static char *next_line(struct cursor_at *c)
{
    char *line = c->bytes + c->at;
    char *lf = memchr(line, '\n', c->len - c->at);
    if (lf == NULL)
        return NULL;
    if (lf > line && lf[-1] == '\r')
        lf[-1] = '\0';
    *lf = '\0';
    c->at = (size_t)(lf - c->bytes) + 1;
    return line;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool request_line(struct head_shape *s, char *line, size_t len)
{
    char *blank = memchr(line, ' ', len);
    if (blank == NULL)
        return false;
    *blank = '\0';
    char *target = blank + 1, *end = line + len;
    while (target < end && *target == ' ')
        target++;
    if (target == end)
        return false;
    char *version = end - 1;
    while (version > target && *version == ' ')
        version--;
    while (version > target && *version != ' ')
        version--;
    if (version <= target)
        return false;
    *version++ = '\0';
    size_t version_len = (size_t)(end - version);
    if (version_len != 8 || memcmp(version, "HTTP/1.", 7) != 0 || !digit(version[7]))
        return false;
    s->target = strdup(target);
    s->head.start = line;
    s->head.method = view_text(line);
    s->head.target_at = (size_t)(target - line);
    s->head.target = view_text(s->target);
    s->head.version = view_text(version);
    return s->target != NULL;
}

static bool add(struct head_shape *s, const char *name, const char *value)
{
    if (s->head.header_count > HEADERS_MAX)
        return true;
    s->headers[s->head.header_count++] = (struct header){view_text(name), view_text(value)};
    return true;
}

static char *glue(struct head_shape *s, const char *name, const char *line)
{
    if (s->copy_count == sizeof s->copies / sizeof s->copies[0])
        return NULL;
    while (*line == ' ' || *line == '\t')
        line++;
    char *copy = malloc(strlen(name) + strlen(line) + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, name, strlen(name));
    memcpy(copy + strlen(name), line, strlen(line) + 1);
    s->copies[s->copy_count++] = copy;
    return copy;
}

static bool split(char *line, char **name, char **value)
{
    char *colon = strchr(line, ':');
    if (colon == NULL)
        return false;
    *colon++ = '\0';
    while (*colon == ' ' || *colon == '\t')
        colon++;
    *name = line;
    *value = colon;
    return true;
}

static bool header_lines(struct head_shape *s, struct cursor_at *c)
{
    char *name = NULL, *value = NULL, *line;
    while ((line = next_line(c)) != NULL) {
        if (name != NULL && (*line == ' ' || *line == '\t')) {
            name = glue(s, name, line);
            if (name == NULL)
                return false;
            continue;
        }
        if (name != NULL && !add(s, name, value))
            return false;
        if (*line == '\0')
            return true;
        if (!split(line, &name, &value))
            return false;
    }
    return false;
}

bool head_shape_make(struct view raw, struct head_shape *out)
{
    memset(out, 0, sizeof *out);
    out->bytes = malloc(raw.len + 1);
    if (out->bytes == NULL)
        abort();
    memcpy(out->bytes, raw.len > 0 ? raw.ptr : "", raw.len);
    out->bytes[raw.len] = '\0';
    struct cursor_at c = {out->bytes, 0, raw.len};
    char *line;
    do {
        line = next_line(&c);
    } while (line != NULL && *line == '\0');
    if (line == NULL)
        return false;
    out->begin = (size_t)(line - out->bytes);
    /* The library counts the line's length to its end, NULs inside and all. */
    size_t len = c.at - out->begin - 1;
    if (len > 0 && raw.ptr[out->begin + len - 1] == '\r')
        len--;
    if (!request_line(out, line, len) || !header_lines(out, &c))
        return false;
    out->end = c.at;
    out->head.len = out->end - out->begin;
    out->head.headers = out->headers;
    return true;
}

void head_shape_clear(struct head_shape *s)
{
    for (size_t i = 0; i < s->copy_count; i++)
        free(s->copies[i]);
    free(s->target);
    free(s->bytes);
}

/* The oracle. */

static bool among(int c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}
static bool is_token(int c)
{
    return (c < 128 && isalnum(c) != 0) || among(c, "!#$%&'*+-.^_`|~");
}
static bool is_target(int c)
{
    return (c < 128 && isalnum(c) != 0) || among(c, "-._~!$&'()*+,;=:@%/?[]|");
}
static bool is_host(int c)
{
    return (c < 128 && isalnum(c) != 0) || among(c, "-._~!$%:[]");
}
static bool is_field(int c)
{
    return c == '\t' || (c >= 32 && c != 127);
}

struct reader {
    const unsigned char *p, *end;
};

static struct view span(struct reader *r, bool (*class)(int))
{
    const unsigned char *begin = r->p;
    while (r->p < r->end && class(*r->p))
        r->p++;
    return view_of(begin, (size_t)(r->p - begin));
}
static bool literal(struct reader *r, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, text, len) != 0)
        return false;
    r->p += len;
    return true;
}

static bool same(struct view name, const char *text)
{
    return name.len == strlen(text) && strncasecmp(name.ptr, text, name.len) == 0;
}

struct found {
    int hosts, lengths, codings, types, headers;
    struct view host, length, coding;
};

static bool one_header(struct reader *r, struct found *f)
{
    struct view name = span(r, is_token);
    if (name.len == 0 || !literal(r, ":"))
        return false;
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t'))
        r->p++;
    struct view value = span(r, is_field);
    f->headers++;
    if (same(name, "host")) {
        f->hosts++;
        f->host = value;
    } else if (same(name, "content-length")) {
        f->lengths++;
        f->length = value;
    } else if (same(name, "transfer-encoding")) {
        f->codings++;
        f->coding = value;
    } else if (same(name, "content-type")) {
        f->types++;
    }
    return literal(r, "\r\n");
}

static bool decimal(struct view v)
{
    if (v.len == 0 || v.len > 19 || (v.len > 1 && v.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < v.len; i++)
        if (!digit(v.ptr[i]))
            return false;
    return v.len < 19 || memcmp(v.ptr, "9223372036854775807", 19) <= 0;
}

static bool framing_is_clear(const struct found *f, bool old)
{
    if (f->hosts > 1 || (f->hosts == 0 && !old) || f->types > 1 || f->lengths + f->codings > 1)
        return false;
    if (f->codings == 1 && (old || !same(f->coding, "chunked")))
        return false;
    if (f->lengths == 1 && !decimal(f->length))
        return false;
    struct view host = view_trim(f->host);
    for (size_t i = 0; i < host.len; i++)
        if (!is_host((unsigned char)host.ptr[i]))
            return false;
    return host.len <= 255;
}

static bool target_is_ours(struct view method, struct view target)
{
    if (target.len == 0 || target.len > TARGET_MAX)
        return false;
    if (target.ptr[0] == '/')
        return true;
    if (view_is(method, "OPTIONS") && view_is(target, "*"))
        return true;
    size_t skip = target.len > 7 && strncasecmp(target.ptr, "http://", 7) == 0    ? 7
                  : target.len > 8 && strncasecmp(target.ptr, "https://", 8) == 0 ? 8
                                                                                  : 0;
    if (skip == 0)
        return false;
    const char *slash = memchr(target.ptr + skip, '/', target.len - skip);
    const char *mark = memchr(target.ptr + skip, '?', target.len - skip);
    return slash != NULL && slash > target.ptr + skip && (mark == NULL || mark > slash);
}

bool head_is_strict(struct view raw)
{
    struct reader r = {(const unsigned char *)raw.ptr, (const unsigned char *)raw.ptr + raw.len};
    struct found f = {0};
    struct view method = span(&r, is_token);
    if (method.len == 0 || !literal(&r, " "))
        return false;
    struct view target = span(&r, is_target);
    if (!literal(&r, " HTTP/1."))
        return false;
    bool old = r.p < r.end && *r.p == '0';
    if (!literal(&r, old ? "0\r\n" : "1\r\n"))
        return false;
    while (!literal(&r, "\r\n"))
        if (!one_header(&r, &f))
            return false;
    return r.p == r.end && f.headers <= HEADERS_MAX && target_is_ours(method, target) && framing_is_clear(&f, old);
}

bool head_has_nul_at_line_end(struct view raw)
{
    return memmem(raw.ptr, raw.len, "\0\n", 2) != NULL || memmem(raw.ptr, raw.len, "\0\r", 2) != NULL;
}
