#include "base/base64url_vector.h"
#include "base/text.h"

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Decoding reads one table per position in a group of four. An entry is the character's six bits already shifted to
 * their place, plus one GOOD; a character outside the alphabet is 0. So a group is three additions, and all four were
 * good exactly when the GOODs add up to four. */
enum { GOOD = 1 << 24, FOUR_GOOD = 4 * GOOD };

#define E(c, n, s) [c] = (uint32_t)GOOD + ((uint32_t)(n) << (s))
#define ROW(s)                                                                                                         \
    {                                                                                                                  \
        E('A', 0, s), E('B', 1, s), E('C', 2, s), E('D', 3, s), E('E', 4, s), E('F', 5, s), E('G', 6, s),              \
            E('H', 7, s), E('I', 8, s), E('J', 9, s), E('K', 10, s), E('L', 11, s), E('M', 12, s), E('N', 13, s),      \
            E('O', 14, s), E('P', 15, s), E('Q', 16, s), E('R', 17, s), E('S', 18, s), E('T', 19, s), E('U', 20, s),   \
            E('V', 21, s), E('W', 22, s), E('X', 23, s), E('Y', 24, s), E('Z', 25, s), E('a', 26, s), E('b', 27, s),   \
            E('c', 28, s), E('d', 29, s), E('e', 30, s), E('f', 31, s), E('g', 32, s), E('h', 33, s), E('i', 34, s),   \
            E('j', 35, s), E('k', 36, s), E('l', 37, s), E('m', 38, s), E('n', 39, s), E('o', 40, s), E('p', 41, s),   \
            E('q', 42, s), E('r', 43, s), E('s', 44, s), E('t', 45, s), E('u', 46, s), E('v', 47, s), E('w', 48, s),   \
            E('x', 49, s), E('y', 50, s), E('z', 51, s), E('0', 52, s), E('1', 53, s), E('2', 54, s), E('3', 55, s),   \
            E('4', 56, s), E('5', 57, s), E('6', 58, s), E('7', 59, s), E('8', 60, s), E('9', 61, s), E('-', 62, s),   \
            E('_', 63, s)                                                                                              \
    }

static const uint32_t values[4][256] = {ROW(18), ROW(12), ROW(6), ROW(0)};

static uint32_t group(const unsigned char *in)
{
    return values[0][in[0]] + values[1][in[1]] + values[2][in[2]] + values[3][in[3]];
}

static void put3(unsigned char *out, uint32_t bits)
{
    out[0] = (unsigned char)(bits >> 16);
    out[1] = (unsigned char)(bits >> 8);
    out[2] = (unsigned char)bits;
}

void base64url_encode(const void *bytes, size_t len, char *out)
{
    const unsigned char *in = bytes;
    for (; len >= 3; in += 3, len -= 3, out += 4) {
        uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        out[0] = alphabet[bits >> 18];
        out[1] = alphabet[bits >> 12 & 63];
        out[2] = alphabet[bits >> 6 & 63];
        out[3] = alphabet[bits & 63];
    }
    if (len == 0)
        return;
    uint32_t bits = (uint32_t)in[0] << 16 | (len == 2 ? (uint32_t)in[1] << 8 : 0);
    out[0] = alphabet[bits >> 18];
    out[1] = alphabet[bits >> 12 & 63];
    if (len == 2)
        out[2] = alphabet[bits >> 6 & 63];
}

/* The character of a 6-bit value, by arithmetic: each range's end adds a step where the value is past it. */
static char secret_character(uint32_t v)
{
    uint32_t c = v + 'A';
    c += (25 - v) >> 8 & ('a' - 'Z' - 1);
    c -= (51 - v) >> 8 & ('z' + 1 - '0');
    c -= (61 - v) >> 8 & ('9' + 1 - '-');
    c += (62 - v) >> 8 & ('_' - '-' - 1);
    return (char)c;
}

void buf_base64url_secret(struct buf *b, const void *bytes, size_t len)
{
    const unsigned char *in = bytes;
    char *out = len > SIZE_MAX / 4 - 1 ? NULL : buf_room(b, BASE64URL_LEN(len));
    uint32_t bits = 0;
    size_t put = 0;
    if (out == NULL) {
        b->failed = true;
        return;
    }
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | in[i];
        for (size_t have = 8 * (i + 1); 6 * (put + 1) <= have; put++)
            out[put] = secret_character(bits >> (have - 6 * (put + 1)) & 63);
    }
    if (8 * len > 6 * put)
        out[put] = secret_character(bits << (6 * (put + 1) - 8 * len) & 63);
    buf_grew(b, BASE64URL_LEN(len));
}

void buf_base64url(struct buf *b, const void *bytes, size_t len)
{
    if (len > SIZE_MAX / 4 - 1) {
        b->failed = true;
        return;
    }
    char *to = buf_room(b, BASE64URL_LEN(len));
    if (to == NULL)
        return;
    base64url_encode(bytes, len, to);
    buf_grew(b, BASE64URL_LEN(len));
}

/* Whole groups of four. Errors are gathered rather than branched on: a bad text is the rare case. */
static bool decode_groups(const unsigned char *in, size_t groups, unsigned char *out)
{
    uint32_t all = FOUR_GOOD;
    bool good;
    if (base64url_decode_wide(in, groups * 4, out, &good))
        return good;
    for (; groups >= 4; groups -= 4, in += 16, out += 12) {
        uint32_t a = group(in), b = group(in + 4), c = group(in + 8), d = group(in + 12);
        all &= a & b & c & d;
        put3(out, a);
        put3(out + 3, b);
        put3(out + 6, c);
        put3(out + 9, d);
    }
    for (; groups > 0; groups--, in += 4, out += 3) {
        uint32_t bits = group(in);
        all &= bits;
        put3(out, bits);
    }
    return all == FOUR_GOOD;
}

/* The last two or three characters: one or two bytes. Bits that belong to no byte must be zero, or one value would have
 * several texts. */
static bool decode_tail(const unsigned char *in, size_t chars, unsigned char *out)
{
    uint32_t bits = values[0][in[0]] + values[1][in[1]] + (chars == 3 ? values[2][in[2]] : 0);
    uint32_t unused = chars == 3 ? 0xff : 0xffff;
    if (bits / GOOD != chars || (bits & unused) != 0)
        return false;
    out[0] = (unsigned char)(bits >> 16);
    if (chars == 3)
        out[1] = (unsigned char)(bits >> 8);
    return true;
}

struct cardea_status base64url_decode(struct view text, void *out, size_t cap, size_t *ret_len)
{
    const unsigned char *in = (const unsigned char *)(text.len > 0 ? text.ptr : ""); /* an empty view may be of NULL */
    size_t groups = text.len / 4, rest = text.len % 4;
    size_t len = groups * 3 + (rest > 0 ? rest - 1 : 0);
    if (rest == 1 || len > cap)
        return CARDEA_FAIL(E_BAD_REQUEST);
    unsigned char *to = out;
    if (!decode_groups(in, groups, to))
        return CARDEA_FAIL(E_BAD_REQUEST);
    if (rest > 0 && !decode_tail(in + groups * 4, rest, to + groups * 3))
        return CARDEA_FAIL(E_BAD_REQUEST);
    *ret_len = len;
    return CARDEA_SUCCESS;
}

struct cardea_status base64url_decode_exact(struct view text, void *out, size_t len)
{
    size_t got;
    if (len > SIZE_MAX / 4 - 1 || text.len != BASE64URL_LEN(len))
        return CARDEA_FAIL(E_BAD_REQUEST);
    return base64url_decode(text, out, len, &got);
}
