#include "base/json_text.h"

#include "base/utf8.h"

int32_t json_hex4(const unsigned char *p)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = p[i], letter = (unsigned char)(c | 0x20);
        if (c >= '0' && c <= '9')
            n = n << 4 | (uint32_t)(c - '0');
        else if (letter >= 'a' && letter <= 'f')
            n = n << 4 | (uint32_t)(letter - 'a' + 10);
        else
            return -1;
    }
    return (int32_t)n;
}

static unsigned char short_escape(unsigned char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default: /* '"', '\\', '/' */
        return c;
    }
}

size_t json_unescape_next(const unsigned char **p, unsigned char out[4])
{
    const unsigned char *at = *p;
    if (at[0] != '\\') {
        out[0] = at[0];
        *p = at + 1;
        return 1;
    }
    if (at[1] != 'u') {
        out[0] = short_escape(at[1]);
        *p = at + 2;
        return 1;
    }
    uint32_t c = (uint32_t)json_hex4(at + 2);
    *p = at + 6;
    if (c >= 0xD800 && c <= 0xDBFF) {
        c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t)json_hex4(at + 8) - 0xDC00);
        *p = at + 12;
    }
    return utf8_encode(c, out);
}

/* A string's unescaped bytes, one by one. */
struct bytes {
    const unsigned char *p, *end;
    unsigned char out[4];
    size_t have, at;
};

static struct bytes bytes_of(struct view text, const struct json_token *t)
{
    const unsigned char *p = (const unsigned char *)text.ptr + t->start;
    return (struct bytes){.p = p, .end = p + t->len};
}

static int next_byte(struct bytes *b)
{
    if (b->at == b->have) {
        if (b->p == b->end)
            return -1;
        b->have = json_unescape_next(&b->p, b->out);
        b->at = 0;
    }
    return b->out[b->at++];
}

int json_names_compare(struct view text, const struct json_token *a, const struct json_token *b)
{
    if (!a->escaped && !b->escaped) {
        size_t common = a->len < b->len ? a->len : b->len;
        int order = memcmp(text.ptr + a->start, text.ptr + b->start, common);
        return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
    }
    struct bytes x = bytes_of(text, a), y = bytes_of(text, b);
    int p, q;
    do {
        p = next_byte(&x);
        q = next_byte(&y);
    } while (p == q && p >= 0);
    return p - q;
}
