/* The reader (see json.h). One pass over the text with a stack of open containers, no recursion.
 *
 * Duplicate names are looked for when an object closes, in the tokens themselves: until then a name's `next` holds a
 * fingerprint of its unescaped bytes, and `count` links a list for sorting. Small objects compare fingerprints pair by
 * pair; large ones are merge-sorted, so that no choice of names costs more than n log n comparisons.
 */
#include "base/json_text.h"
#include "base/utf8.h"

#if defined(__SSE2__) && !defined(PORTABLE_READERS) /* every x86-64; the tests run both */
#include <immintrin.h>
#define SIXTEEN_AT_ONCE
#endif

enum { PAIRWISE_MAX = 16, SORT_BINS = 32 };

typedef const unsigned char *position;

struct reader {
    struct view text;
    position begin, end;
    struct json_token *tokens;
    uint32_t cap, count;
    uint32_t depth, open[JSON_DEPTH_MAX];
    enum cardea_code code; /* why it failed, where, and in words */
    position at;
    const char *reason;
};

static position fail(struct reader *r, position at, const char *reason)
{
    r->code = CARDEA_E_BAD_JSON;
    r->at = at;
    r->reason = reason;
    return NULL;
}

static inline position skip_space(position p, position end)
{
    while (p < end && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* A token for what starts at p; NULL when the caller's array is full. */
static inline struct json_token *add(struct reader *r, enum json_type type, position p)
{
    if (r->count == r->cap) {
        fail(r, p, "too many values");
        r->code = CARDEA_E_TOO_LARGE;
        return NULL;
    }
    struct json_token *t = &r->tokens[r->count++];
    *t = (struct json_token){.start = (uint32_t)(p - r->begin), .next = r->count, .type = (uint8_t)type};
    return t;
}

/* Strings */

static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

#define EACH(byte) (0x0101010101010101u * (byte))

/* The first byte from p that ends a run of plain ASCII: a quote, a backslash, a control, or more than ASCII. */
static inline position skip_plain(position p, position end)
{
#ifdef SIXTEEN_AT_ONCE
    const __m128i quotes = _mm_set1_epi8('"'), backslashes = _mm_set1_epi8('\\'), last_control = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i stops = _mm_or_si128(_mm_cmpeq_epi8(c, quotes), _mm_cmpeq_epi8(c, backslashes));
        stops = _mm_or_si128(stops, _mm_cmpeq_epi8(_mm_min_epu8(c, last_control), c));
        unsigned stop = (unsigned)_mm_movemask_epi8(_mm_or_si128(stops, c)); /* c: its top bit is more than ASCII */
        if (stop != 0)
            return p + (unsigned)__builtin_ctz(stop);
    }
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - p >= 8) {
        uint64_t x;
        memcpy(&x, p, 8);
        uint64_t quote = x ^ EACH('"'), backslash = x ^ EACH('\\');
        /* Per byte, the top bit where it borrows: exact for the first such byte, which is the one asked for. */
        uint64_t stop = (x - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1)) | x;
        /* A plain byte's top bit is clear, and so are those of its XORs, so only the bytes that borrow keep theirs. */
        stop &= EACH(0x80);
        if (stop != 0)
            return p + (unsigned)__builtin_ctzll(stop) / 8;
        p += 8;
    }
#endif
    while (p < end && is_plain(*p))
        p++;
    return p;
}

/* Past the escape at p, or NULL. */
static position skip_escape(struct reader *r, position p)
{
    size_t left = (size_t)(r->end - p);
    if (left < 2)
        return fail(r, r->end, "unterminated string");
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        break;
    default:
        return fail(r, p, "unknown escape");
    }
    int32_t c = left < 6 ? -1 : json_hex4(p + 2);
    if (c < 0)
        return fail(r, p, "bad \\u escape");
    if (c < 0xD800 || c > 0xDFFF)
        return p + 6;
    int32_t low = c > 0xDBFF || left < 12 || p[6] != '\\' || p[7] != 'u' ? -1 : json_hex4(p + 8);
    if (low < 0xDC00 || low > 0xDFFF)
        return fail(r, p, "lone surrogate");
    return p + 12;
}

/* A string, p at its opening quote; answers where it ends. */
static inline position read_string(struct reader *r, position p)
{
    position start = ++p, end = r->end;
    struct json_token *t = add(r, JSON_STRING, p);
    if (t == NULL)
        return NULL;
    for (;;) {
        p = skip_plain(p, end);
        if (p == end)
            return fail(r, p, "unterminated string");
        if (*p == '"')
            break;
        if (*p == '\\') {
            t->escaped = true;
            p = skip_escape(r, p);
            if (p == NULL)
                return NULL;
        } else if (*p < 0x20) {
            return fail(r, p, "control character in a string");
        } else {
            size_t n = utf8_length(p, end);
            if (n == 0)
                return fail(r, p, "invalid UTF-8");
            p += n;
        }
    }
    t->len = (uint32_t)(p - start);
    return p + 1;
}

/* Numbers and literals */

static inline bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* At least one digit from p, or NULL. */
static inline position skip_digits(struct reader *r, position p)
{
    if (p == r->end || !is_digit(*p))
        return fail(r, p, "expected a digit");
    while (p < r->end && is_digit(*p))
        p++;
    return p;
}

static position read_number(struct reader *r, position p)
{
    position start = p, end = r->end;
    struct json_token *t = add(r, JSON_NUMBER, p);
    if (t == NULL)
        return NULL;
    if (*p == '-')
        p++;
    if (p < end && *p == '0')
        p++;
    else if ((p = skip_digits(r, p)) == NULL)
        return NULL;
    if (p < end && *p == '.' && (p = skip_digits(r, p + 1)) == NULL)
        return NULL;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if ((p = skip_digits(r, p)) == NULL)
            return NULL;
    }
    t->len = (uint32_t)(p - start);
    return p;
}

static position read_literal(struct reader *r, position p, struct view word, enum json_type type)
{
    if ((size_t)(r->end - p) < word.len || memcmp(p, word.ptr, word.len) != 0)
        return fail(r, p, "expected a value");
    struct json_token *t = add(r, type, p);
    if (t == NULL)
        return NULL;
    t->len = (uint32_t)word.len;
    return p + word.len;
}

static inline position read_scalar(struct reader *r, position p)
{
    switch (*p) {
    case '"':
        return read_string(r, p);
    case 't':
        return read_literal(r, p, VIEW("true"), JSON_TRUE);
    case 'f':
        return read_literal(r, p, VIEW("false"), JSON_FALSE);
    case 'n':
        return read_literal(r, p, VIEW("null"), JSON_NULL);
    default:
        if (*p == '-' || is_digit(*p))
            return read_number(r, p);
        return fail(r, p, "expected a value");
    }
}

/* Names and their fingerprints */

static uint32_t mix(uint32_t first, uint32_t last, size_t len)
{
    return first ^ (last << 11 | last >> 21) ^ (uint32_t)len << 24;
}

/* From the first four bytes, the last four and the length: enough to tell the names of one object apart in practice,
 * and where it is not, bytes decide. Equal names have equal fingerprints, however they are escaped. */
static uint32_t fingerprint_escaped(position p, position end)
{
    uint32_t first = 0, last = 0;
    size_t len = 0;
    while (p < end) {
        unsigned char out[4];
        size_t n = json_unescape_next(&p, out);
        for (size_t i = 0; i < n; i++) {
            last = last << 8 | out[i];
            if (++len <= 4)
                first = last;
        }
    }
    return mix(first, last, len);
}

static inline uint32_t big_endian(position p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Four bytes from p can be read. */
static inline uint32_t fingerprint_plain(position p, size_t len)
{
    uint32_t first = big_endian(p);
    if (len >= 4)
        return mix(first, big_endian(p + len - 4), len);
    first = len == 0 ? 0 : first >> (32 - 8 * len);
    return mix(first, first, len);
}

static inline uint32_t fingerprint(const struct reader *r, const struct json_token *t)
{
    position p = r->begin + t->start;
    return t->escaped || r->end - p < 4 ? fingerprint_escaped(p, p + t->len) : fingerprint_plain(p, t->len);
}

/* Where a value ends that is a plain string or an integer without sign; NULL for any other. *ret_token says what it is.
 * Sixteen bytes from p can be read, though the value may be longer. */
static inline position skim_value(const struct reader *r, position p, struct json_token *ret_token)
{
    bool string = *p == '"';
    position start = string ? p + 1 : p, stop;
    if (string) {
        stop = skip_plain(start, r->end);
    } else {
        if (*p < '1' || *p > '9')
            return NULL;
        for (stop = p + 1; stop < r->end && is_digit(*stop);)
            stop++;
    }
    if (stop == r->end || (string && *stop != '"'))
        return NULL;
    *ret_token = (struct json_token){.start = (uint32_t)(start - r->begin),
                                     .len = (uint32_t)(stop - start),
                                     .type = string ? JSON_STRING : JSON_NUMBER};
    return string ? stop + 1 : stop;
}

/* What nearly all members of claims are, "name":"text", or "name":123, without escapes or white space: as many of them
 * as come one behind the other from p on, where a name should start. What is not of that form, the last member of an
 * object too, is left to read_name and who comes after it; what is taken they would take, with the same tokens. */
static position skim_members(struct reader *r, position p)
{
    struct json_token *t = r->tokens + r->count, *container = &r->tokens[r->open[r->depth - 1]];
    while (r->end - p >= 32 && r->cap - r->count >= 2 && *p == '"') {
        position name = p + 1, stop = skip_plain(name, r->end);
        if (r->end - stop < 16 || stop[0] != '"' || stop[1] != ':')
            break;
        position after = skim_value(r, stop + 2, t + 1);
        if (after == NULL || after == r->end || *after != ',')
            break;
        *t = (struct json_token){.start = (uint32_t)(name - r->begin),
                                 .len = (uint32_t)(stop - name),
                                 .next = fingerprint_plain(name, (size_t)(stop - name)),
                                 .type = JSON_STRING};
        r->count += 2;
        t[1].next = r->count;
        t += 2;
        container->count++;
        p = skip_space(after + 1, r->end);
    }
    return p;
}

/* A name and its colon, p where the name should start; answers where the value starts. The members that skim_members
 * takes first have ended. */
static inline position read_name(struct reader *r, position p)
{
    p = skim_members(r, p);
    uint32_t index = r->count;
    if (p == r->end || *p != '"')
        return fail(r, p, "expected a name");
    p = read_string(r, p);
    if (p == NULL)
        return NULL;
    struct json_token *t = &r->tokens[index];
    t->next = fingerprint(r, t);
    r->tokens[r->open[r->depth - 1]].count++;
    p = skip_space(p, r->end);
    if (p == r->end || *p != ':')
        return fail(r, p, "expected ':'");
    return skip_space(p + 1, r->end);
}

/* Duplicates */

/* Where the next name of an object is; the value's `next` is final, the name's own is not. */
static inline uint32_t next_name(const struct reader *r, uint32_t name)
{
    return r->tokens[name + 1].next;
}

/* Is there, among the n names before it, one that is the same? */
static bool named_before(const struct reader *r, const uint32_t *names, const uint32_t *prints, uint32_t n,
                         uint32_t name, uint32_t print)
{
    for (uint32_t i = 0; i < n; i++)
        if (prints[i] == print && json_names_compare(r->text, &r->tokens[names[i]], &r->tokens[name]) == 0)
            return true;
    return false;
}

/* Six bits of each fingerprint are kept as a set: only a name whose six were seen before is compared at all. */
static uint32_t duplicate_pairwise(struct reader *r, uint32_t object)
{
    uint32_t names[PAIRWISE_MAX], prints[PAIRWISE_MAX], n = 0;
    uint64_t seen = 0;
    for (uint32_t name = object + 1; name < r->count; name = next_name(r, name)) {
        uint32_t print = r->tokens[name].next;
        uint64_t bit = UINT64_C(1) << (print * 0x9E3779B1u >> 26);
        if ((seen & bit) != 0 && named_before(r, names, prints, n, name, print))
            return name;
        seen |= bit;
        names[n] = name;
        prints[n++] = print;
        r->tokens[name].next = name + 1;
    }
    return 0;
}

static int order(const struct reader *r, uint32_t a, uint32_t b)
{
    const struct json_token *x = &r->tokens[a], *y = &r->tokens[b];
    if (x->next != y->next)
        return x->next < y->next ? -1 : 1;
    return json_names_compare(r->text, x, y);
}

/* Merge two lists linked through `count`; of equals, a's come first. */
static uint32_t merge(struct reader *r, uint32_t a, uint32_t b)
{
    uint32_t head = 0, *tail = &head;
    while (a != 0 && b != 0) {
        uint32_t *taken = order(r, a, b) <= 0 ? &a : &b;
        *tail = *taken;
        tail = &r->tokens[*taken].count;
        *taken = *tail;
    }
    *tail = a != 0 ? a : b;
    return head;
}

/* bins[i] holds a sorted list of 2^i names that come before those of lower bins. */
static uint32_t sorted_names(struct reader *r, uint32_t object)
{
    uint32_t bins[SORT_BINS] = {0}, all = 0;
    for (uint32_t name = object + 1; name < r->count; name = next_name(r, name)) {
        uint32_t list = name;
        unsigned i = 0;
        for (; bins[i] != 0; i++) {
            list = merge(r, bins[i], list);
            bins[i] = 0;
        }
        bins[i] = list;
    }
    for (unsigned i = 0; i < SORT_BINS; i++)
        all = merge(r, bins[i], all);
    return all;
}

static uint32_t duplicate_sorted(struct reader *r, uint32_t object)
{
    uint32_t found = 0, name = sorted_names(r, object);
    for (uint32_t after; name != 0; name = after) {
        after = r->tokens[name].count;
        if (after != 0 && (found == 0 || after < found) && order(r, name, after) == 0)
            found = after;
        r->tokens[name].count = 0;
        r->tokens[name].next = name + 1;
    }
    return found;
}

/* Containers */

static inline position open_container(struct reader *r, position p)
{
    if (r->depth == JSON_DEPTH_MAX)
        return fail(r, p, "nested too deeply");
    r->open[r->depth] = r->count;
    if (add(r, *p == '{' ? JSON_OBJECT : JSON_ARRAY, p) == NULL)
        return NULL;
    r->depth++;
    return p + 1;
}

static inline position close_container(struct reader *r, position p)
{
    uint32_t index = r->open[--r->depth];
    struct json_token *t = &r->tokens[index];
    t->len = (uint32_t)(p + 1 - r->begin) - t->start;
    t->next = r->count;
    if (t->type == JSON_OBJECT) {
        uint32_t twice = t->count <= PAIRWISE_MAX ? duplicate_pairwise(r, index) : duplicate_sorted(r, index);
        if (twice != 0)
            return fail(r, r->begin + r->tokens[twice].start - 1, "duplicate name");
    }
    return p + 1;
}

/* A value starts at p. Answers where the text goes on after it: for a container that is not empty, at its first name or
 * value, with *ret_inside set. */
static inline position begin_value(struct reader *r, position p, bool *ret_inside)
{
    *ret_inside = false;
    if (p == r->end)
        return fail(r, p, "expected a value");
    if (r->depth > 0 && r->tokens[r->open[r->depth - 1]].type == JSON_ARRAY)
        r->tokens[r->open[r->depth - 1]].count++;
    if (*p != '{' && *p != '[')
        return read_scalar(r, p);
    bool object = *p == '{';
    p = open_container(r, p);
    if (p == NULL)
        return NULL;
    p = skip_space(p, r->end);
    if (p < r->end && *p == (object ? '}' : ']'))
        return close_container(r, p);
    *ret_inside = true;
    return object ? read_name(r, p) : p;
}

/* A value has ended before p: close what closes, up to the comma that announces another. NULL with no reason set at the
 * end of the text. */
static inline position end_value(struct reader *r, position p)
{
    for (;;) {
        p = skip_space(p, r->end);
        if (r->depth == 0)
            return p == r->end ? NULL : fail(r, p, "bytes after the value");
        bool object = r->tokens[r->open[r->depth - 1]].type == JSON_OBJECT;
        if (p < r->end && *p == ',') {
            p = skip_space(p + 1, r->end);
            return object ? read_name(r, p) : p;
        }
        if (p == r->end || *p != (object ? '}' : ']'))
            return fail(r, p, object ? "expected ',' or '}'" : "expected ',' or ']'");
        p = close_container(r, p);
        if (p == NULL)
            return NULL;
    }
}

static void read_all(struct reader *r)
{
    position p = skip_space(r->begin, r->end);
    while (p != NULL) {
        bool inside;
        p = begin_value(r, p, &inside);
        if (p != NULL && !inside)
            p = end_value(r, p);
    }
}

static void locate(const struct reader *r, struct json_error *error)
{
    *error = (struct json_error){.offset = (size_t)(r->at - r->begin), .line = 1, .column = 1, .reason = r->reason};
    for (position p = r->begin; p < r->at; p++) {
        error->column++;
        if (*p == '\n') {
            error->line++;
            error->column = 1;
        }
    }
}

struct cardea_status json_read(struct view text, struct json_token *tokens, size_t cap, struct json *out,
                               struct json_error *error)
{
    struct reader r = {.text = text, .tokens = tokens, .code = CARDEA_OK};
    r.begin = text.len > 0 ? (position)text.ptr : (position) "";
    r.end = r.begin + text.len;
    r.cap = cap > UINT32_MAX ? UINT32_MAX : (uint32_t)cap;
    if (text.len >= UINT32_MAX) {
        fail(&r, r.begin, "too long");
        r.code = CARDEA_E_TOO_LARGE;
    } else {
        read_all(&r);
    }
    if (r.code == CARDEA_OK)
        *out = (struct json){.text = text, .tokens = tokens, .count = r.count};
    else if (error != NULL)
        locate(&r, error);
    return cardea_status(r.code);
}
