/* Questions to a text that json_read has accepted. */
#include "base/json_text.h"

enum { INT_DIGITS_SAFE = 18 }; /* as many nines are less than 2^63 */

static const struct json_token *token_of(const struct json *doc, uint32_t token, enum json_type type)
{
    return token < doc->count && doc->tokens[token].type == type ? &doc->tokens[token] : NULL;
}

static struct view text_of(const struct json *doc, const struct json_token *t)
{
    return view_of(doc->text.ptr + t->start, t->len);
}

enum json_type json_type(const struct json *doc, uint32_t token)
{
    return token < doc->count ? (enum json_type)doc->tokens[token].type : JSON_ABSENT;
}

/* Whether an escaped string's value is `name`. */
static bool unescapes_to(struct view source, struct view name)
{
    const unsigned char *p = (const unsigned char *)source.ptr, *end = p + source.len;
    while (p < end) {
        unsigned char out[4];
        size_t n = json_unescape_next(&p, out);
        if (!view_starts(name, view_of(out, n)))
            return false;
        name = view_skip(name, n);
    }
    return name.len == 0;
}

/* Names are short: two loads that may overlap are cheaper than a call of memcmp. */
static bool same_bytes(const char *a, const char *b, size_t len)
{
    if (len > 16)
        return memcmp(a, b, len) == 0;
    if (len >= 8) {
        uint64_t p[2], q[2];
        memcpy(&p[0], a, 8);
        memcpy(&q[0], b, 8);
        memcpy(&p[1], a + len - 8, 8);
        memcpy(&q[1], b + len - 8, 8);
        return ((p[0] ^ q[0]) | (p[1] ^ q[1])) == 0;
    }
    if (len >= 4) {
        uint32_t p[2], q[2];
        memcpy(&p[0], a, 4);
        memcpy(&q[0], b, 4);
        memcpy(&p[1], a + len - 4, 4);
        memcpy(&q[1], b + len - 4, 4);
        return ((p[0] ^ q[0]) | (p[1] ^ q[1])) == 0;
    }
    return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

static bool is_name(const struct json *doc, const struct json_token *t, struct view name)
{
    return t->len == name.len && same_bytes(doc->text.ptr + t->start, name.ptr, name.len);
}

uint32_t json_get(const struct json *doc, uint32_t object, struct view name)
{
    if (token_of(doc, object, JSON_OBJECT) == NULL)
        return 0;
    for (uint32_t child = json_first(doc, object); child != 0; child = json_after(doc, object, child)) {
        const struct json_token *t = &doc->tokens[child];
        if (t->escaped ? unescapes_to(text_of(doc, t), name) : is_name(doc, t, name))
            return child + 1;
    }
    return 0;
}

void json_pick(const struct json *doc, uint32_t object, const struct view *names, size_t count, uint32_t *out)
{
    size_t guess = 0;

    memset(out, 0, count * sizeof *out);
    if (token_of(doc, object, JSON_OBJECT) == NULL)
        return;
    for (uint32_t child = json_first(doc, object); child != 0; child = json_after(doc, object, child)) {
        const struct json_token *t = &doc->tokens[child];
        for (size_t tried = 0; tried < count; tried++, guess++) {
            guess = guess < count ? guess : 0;
            if (t->escaped ? unescapes_to(text_of(doc, t), names[guess]) : is_name(doc, t, names[guess])) {
                out[guess++] = child + 1;
                break;
            }
        }
    }
}

uint32_t json_first(const struct json *doc, uint32_t parent)
{
    /* Only a container with something inside has tokens inside; an object's name does not count as one. */
    return parent < doc->count && doc->tokens[parent].count > 0 ? parent + 1 : 0;
}

uint32_t json_after(const struct json *doc, uint32_t parent, uint32_t child)
{
    if (parent >= doc->count || child >= doc->count || child <= parent)
        return 0;
    uint32_t last = doc->tokens[parent].type == JSON_OBJECT ? child + 1 : child;
    uint32_t next = last < doc->count ? doc->tokens[last].next : 0;
    return next < doc->tokens[parent].next ? next : 0;
}

struct cardea_status json_plain(const struct json *doc, uint32_t token, struct view *out)
{
    const struct json_token *t = token_of(doc, token, JSON_STRING);
    if (t == NULL || t->escaped)
        return CARDEA_FAIL(E_INVALID_FIELD);
    *out = text_of(doc, t);
    return CARDEA_SUCCESS;
}

struct cardea_status json_text(const struct json *doc, uint32_t token, struct buf *out)
{
    const struct json_token *t = token_of(doc, token, JSON_STRING);
    if (t == NULL)
        return CARDEA_FAIL(E_INVALID_FIELD);
    struct view source = text_of(doc, t);
    if (!t->escaped) {
        buf_put(out, source);
        return buf_ok(out) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
    }
    const unsigned char *begin = (const unsigned char *)source.ptr, *end = begin + source.len, *p = begin;
    unsigned char piece[4];
    size_t len = 0;
    while (p < end)
        len += json_unescape_next(&p, piece);
    char *to = buf_room(out, len);
    if (to == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    for (p = begin; p < end;) {
        size_t n = json_unescape_next(&p, piece);
        memcpy(to, piece, n);
        to += n;
    }
    buf_grew(out, len);
    return CARDEA_SUCCESS;
}

struct cardea_status json_int(const struct json *doc, uint32_t token, int64_t *out)
{
    const struct json_token *t = token_of(doc, token, JSON_NUMBER);
    if (t == NULL)
        return CARDEA_FAIL(E_INVALID_FIELD);
    struct view v = text_of(doc, t);
    bool negative = v.ptr[0] == '-';
    size_t i = negative ? 1 : 0;
    if (negative && v.ptr[i] == '0') /* "-0": zero has one text */
        return CARDEA_FAIL(E_INVALID_FIELD);
    int64_t n = 0;
    if (v.len - i <= INT_DIGITS_SAFE) { /* it has digits alone, or it is no integer */
        for (; i < v.len; i++) {
            if (v.ptr[i] < '0' || v.ptr[i] > '9')
                return CARDEA_FAIL(E_INVALID_FIELD);
            n = n * 10 + (v.ptr[i] - '0');
        }
        *out = negative ? -n : n;
        return CARDEA_SUCCESS;
    }
    /* Summed on the negative side, which reaches one further. */
    for (; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_sub_overflow(n, v.ptr[i] - '0', &n))
            return CARDEA_FAIL(E_INVALID_FIELD);
    }
    if (!negative && __builtin_sub_overflow(0, n, &n))
        return CARDEA_FAIL(E_INVALID_FIELD);
    *out = n;
    return CARDEA_SUCCESS;
}

struct cardea_status json_bool(const struct json *doc, uint32_t token, bool *out)
{
    enum json_type type = json_type(doc, token);
    if (type != JSON_TRUE && type != JSON_FALSE)
        return CARDEA_FAIL(E_INVALID_FIELD);
    *out = type == JSON_TRUE;
    return CARDEA_SUCCESS;
}

struct view json_source(const struct json *doc, uint32_t token)
{
    if (token >= doc->count)
        return VIEW_EMPTY;
    const struct json_token *t = &doc->tokens[token];
    if (t->type == JSON_STRING)
        return view_of(doc->text.ptr + t->start - 1, (size_t)t->len + 2);
    return text_of(doc, t);
}
