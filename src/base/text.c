#include "base/text.h"

static const char hex_digits[16] = "0123456789abcdef";

void buf_hex(struct buf *b, const void *bytes, size_t len)
{
    const unsigned char *in = bytes;
    char *to = len > SIZE_MAX / 2 ? NULL : buf_room(b, len * 2);
    if (to == NULL) {
        b->failed = true;
        return;
    }
    for (size_t i = 0; i < len; i++) {
        to[2 * i] = hex_digits[in[i] >> 4];
        to[2 * i + 1] = hex_digits[in[i] & 15];
    }
    buf_grew(b, len * 2);
}

#define NIBBLES(c, n)                                                                                                  \
    [c] = (n) + 1, [(c) + 1] = (n) + 2, [(c) + 2] = (n) + 3, [(c) + 3] = (n) + 4, [(c) + 4] = (n) + 5,                 \
    [(c) + 5] = (n) + 6

/* One more than the value of a hexadecimal digit; 0 for what is none. */
static const uint8_t nibbles[256] = {
    NIBBLES('0', 0), ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10, NIBBLES('a', 10), NIBBLES('A', 10),
};

/* The value of a hexadecimal digit, or -1. */
static int nibble(char c)
{
    return nibbles[(unsigned char)c] - 1;
}

struct cardea_status hex_decode_exact(struct view text, void *out, size_t len)
{
    int all = 0;
    if (len > SIZE_MAX / 2 || text.len != len * 2)
        return CARDEA_FAIL(E_BAD_REQUEST);
    for (size_t i = 0; i < text.len; i++)
        all |= nibble(text.ptr[i]); /* negative as soon as one is */
    if (all < 0)
        return CARDEA_FAIL(E_BAD_REQUEST);
    unsigned char *to = out;
    for (size_t i = 0; i < len; i++)
        to[i] = (unsigned char)((unsigned)nibble(text.ptr[2 * i]) << 4 | (unsigned)nibble(text.ptr[2 * i + 1]));
    return CARDEA_SUCCESS;
}

void buf_percent_header(struct buf *b, struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.ptr[i];
        bool outer_space = c == ' ' && (i == 0 || i + 1 == v.len);
        if (c >= ' ' && c <= '~' && c != '%' && c != ',' && !outer_space) {
            buf_char(b, (char)c);
        } else {
            char escape[3] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
            buf_put(b, view_of(escape, sizeof escape));
        }
    }
}

/* The byte at *at, unescaped, or -1; *at moves past it. */
static int percent_next(struct view v, size_t *at)
{
    char c = v.ptr[(*at)++];
    if (c == '\0')
        return -1;
    if (c == '+')
        return ' ';
    if (c != '%')
        return (unsigned char)c;
    if (v.len - *at < 2)
        return -1;
    int high = nibble(v.ptr[*at]), low = nibble(v.ptr[*at + 1]);
    *at += 2;
    return high < 0 || low < 0 || (high | low) == 0 ? -1 : high << 4 | low;
}

struct cardea_status percent_decode(struct view v, struct buf *out)
{
    size_t len = 0;
    for (size_t at = 0; at < v.len; len++) {
        if (percent_next(v, &at) < 0)
            return CARDEA_FAIL(E_BAD_REQUEST);
    }
    char *to = buf_room(out, len);
    if (to == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    for (size_t at = 0; at < v.len;)
        *to++ = (char)percent_next(v, &at);
    buf_grew(out, len);
    return CARDEA_SUCCESS;
}

struct cardea_status parse_u64(struct view v, uint64_t *out)
{
    if (v.len == 0 || (v.len > 1 && v.ptr[0] == '0'))
        return CARDEA_FAIL(E_BAD_REQUEST);
    uint64_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(v.ptr[i] - '0'), &n))
            return CARDEA_FAIL(E_BAD_REQUEST);
    }
    *out = n;
    return CARDEA_SUCCESS;
}
