/* Values of keys: text to member and back, each type in one place. */
#include "base/text.h"
#include "base/timetext.h"
#include "daemon/config_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void config_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != 0; p++)
        if (*p < 0x20 || *p >= 0x7F)
            *p = '?';
}

__attribute__((format(printf, 2, 3))) static struct cardea_status refuse(char reason[CONFIG_REASON_MAX],
                                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reason, CONFIG_REASON_MAX, format, args);
    va_end(args);
    config_printable(reason);
    return CARDEA_FAIL(E_USAGE);
}

/* For quoting in a reason: long values are cut. */
#define QUOTED(v) (int)((v).len > 60 ? 60 : (v).len), (v).ptr == NULL ? "" : (v).ptr

static struct cardea_status put_text(struct view v, char *out, size_t cap, char *reason)
{
    if (v.len >= cap)
        return refuse(reason, "is longer than %zu bytes", cap - 1);
    if (!utf8_valid(v))
        return refuse(reason, "is not UTF-8");
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] < 0x20 || v.ptr[i] == 0x7F)
            return refuse(reason, "has a control character");
    view_copy(v, out, cap);
    return CARDEA_SUCCESS;
}

static struct cardea_status put_bool(struct view v, bool *out, char *reason)
{
    if (view_is(v, "true"))
        *out = true;
    else if (view_is(v, "false"))
        *out = false;
    else
        return refuse(reason, "must be true or false, not \"%.*s\"", QUOTED(v));
    return CARDEA_SUCCESS;
}

static struct cardea_status put_count(const struct config_key *k, struct view v, uint32_t *out, char *reason)
{
    uint64_t n;
    if (!cardea_ok(parse_u64(v, &n)))
        return refuse(reason, "must be a whole number, not \"%.*s\"", QUOTED(v));
    if (n < (uint64_t)k->min || n > (uint64_t)k->max)
        return refuse(reason, "must be between %lld and %lld, not %.*s", (long long)k->min, (long long)k->max,
                      QUOTED(v));
    *out = (uint32_t)n;
    return CARDEA_SUCCESS;
}

static const struct {
    const char *text;
    uint64_t kib;
} size_units[] = {{"GiB", 1024 * 1024}, {"MiB", 1024}, {"KiB", 1}};

static struct cardea_status put_size(const struct config_key *k, struct view v, uint32_t *out, char *reason)
{
    uint64_t unit_kib = k->type == CONFIG_MIB ? 1024 : 1;
    for (size_t i = 0; i < sizeof(size_units) / sizeof(size_units[0]); i++) {
        struct view unit = view_text(size_units[i].text), digits = v;
        uint64_t n;
        if (v.len <= unit.len || !view_equal(view_skip(v, v.len - unit.len), unit))
            continue;
        digits.len -= unit.len;
        if (!cardea_ok(parse_u64(digits, &n)))
            break;
        if (n > UINT32_MAX || n * size_units[i].kib % unit_kib != 0 ||
            n * size_units[i].kib / unit_kib < (uint64_t)k->min || n * size_units[i].kib / unit_kib > (uint64_t)k->max)
            return refuse(reason, "must be between %lld and %lld %s, not %.*s", (long long)k->min, (long long)k->max,
                          k->type == CONFIG_MIB ? "MiB" : "KiB", QUOTED(v));
        *out = (uint32_t)(n * size_units[i].kib / unit_kib);
        return CARDEA_SUCCESS;
    }
    return refuse(reason, "must be a size such as 64MiB, not \"%.*s\"", QUOTED(v));
}

static struct cardea_status put_duration(const struct config_key *k, struct view v, int64_t *out, char *reason)
{
    int64_t ms;
    uint64_t bare;
    if (k->bare_ms > 0 && cardea_ok(parse_u64(v, &bare)) && bare <= (uint64_t)(k->max / k->bare_ms))
        ms = (int64_t)bare * k->bare_ms;
    else if (!cardea_ok(duration_parse(v, &ms)))
        return refuse(reason, "must be a duration such as 30s, 15m, 8h or 14d, not \"%.*s\"", QUOTED(v));
    if (ms < k->min || ms > k->max) {
        char low[32], high[32];
        struct buf l = buf_fixed(low, sizeof(low) - 1), h = buf_fixed(high, sizeof(high) - 1);
        buf_duration(&l, k->min);
        buf_duration(&h, k->max);
        return refuse(reason, "must be between %.*s and %.*s, not %.*s", (int)l.len, low, (int)h.len, high, QUOTED(v));
    }
    *out = ms;
    return CARDEA_SUCCESS;
}

static struct cardea_status find_word(const struct config_key *k, struct view v, unsigned *out, char *reason)
{
    for (const struct config_word *w = k->words; w->word != NULL; w++)
        if (view_is(v, w->word)) {
            *out = w->value;
            return CARDEA_SUCCESS;
        }
    char known[120] = "";
    struct buf b = buf_fixed(known, sizeof(known) - 1);
    for (const struct config_word *w = k->words; w->word != NULL; w++) {
        buf_text(&b, w == k->words ? "" : w[1].word == NULL ? " or " : ", ");
        buf_text(&b, w->word);
    }
    return refuse(reason, "must be %.*s, not \"%.*s\"", (int)b.len, known, QUOTED(v));
}

/* A name of an app, policy, role or scope, as tokens and headers can carry it. */
static struct cardea_status put_name(struct view v, char *out, size_t cap, char *reason)
{
    bool good = v.len > 0 && v.len < cap;
    for (size_t i = 0; good && i < v.len; i++) {
        char c = v.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        good = alnum || (i > 0 && (c == '-' || c == '_' || c == '.' || c == ':'));
    }
    if (!good)
        return refuse(reason, "\"%.*s\" is no name: 1 to %zu of a-z 0-9 - _ . : and first a letter or digit", QUOTED(v),
                      cap - 1);
    return put_text(v, out, cap, reason);
}

/* Commas separate the items of a list wherever one is written as one text. */
static struct cardea_status put_label(struct view v, char *out, size_t cap, char *reason)
{
    if (v.len == 0 || v.len >= cap || view_has(v, ',') || view_trim(v).len != v.len)
        return refuse(reason, "\"%.*s\" is no role or scope: 1 to %zu bytes, no comma, no space at an end", QUOTED(v),
                      cap - 1);
    return put_text(v, out, cap, reason);
}

static struct cardea_status put_checked(enum config_type type, struct view v, char *out, size_t cap, char *reason)
{
    struct cardea_status s = config_issuer_value(type, v, reason);
    return cardea_ok(s) ? put_text(v, out, cap, reason) : s;
}

static struct cardea_status put_domain(struct view v, char *out, size_t cap, char *reason)
{
    bool dot = false, good = v.len > 0 && v.len < cap, alpha = false;
    char before = '.';
    for (size_t i = 0; good && i < v.len; i++) {
        char c = v.ptr[i];
        bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        good = letter || digit || (c == '-' && before != '.') || (c == '.' && before != '.' && before != '-');
        dot = dot || c == '.';
        alpha = alpha || letter;
        before = c;
    }
    if (!good || !dot || !alpha || before == '.' || before == '-')
        return refuse(reason,
                      "must be a domain such as example.com, in lower case and without a leading dot, not \"%.*s\"",
                      QUOTED(v));
    return put_text(v, out, cap, reason);
}

static struct cardea_status put_base_path(struct view v, char *out, size_t cap, char *reason)
{
    bool good = v.len < cap && (v.len == 0 || v.ptr[0] == '/');
    for (size_t i = 0; good && i < v.len; i++) {
        char c = v.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        good = word || (c == '/' && i + 1 < v.len && v.ptr[i + 1] != '/');
    }
    if (!good)
        return refuse(
            reason,
            "must be a path such as /auth, of letters, digits, - and _, without a slash at its end, not \"%.*s\"",
            QUOTED(v));
    return put_text(v, out, cap, reason);
}

static struct cardea_status parse_port(struct view v, uint16_t *out)
{
    uint64_t n;
    struct cardea_status s = parse_u64(v, &n);
    if (!cardea_ok(s) || n > 65535)
        return CARDEA_FAIL(E_USAGE);
    *out = (uint16_t)n;
    return CARDEA_SUCCESS;
}

static struct cardea_status put_listen(struct view v, struct listen_address *out, char *reason)
{
    struct listen_address a = {0};
    struct cardea_status s = put_text(v, a.text, sizeof(a.text), reason);
    if (!cardea_ok(s) || v.len == 0) {
        if (cardea_ok(s))
            *out = a;
        return s;
    }
    if (view_starts(v, VIEW("unix:"))) {
        struct view path = view_skip(v, 5);
        if (path.len == 0 || !view_copy(path, a.path, sizeof(a.path)))
            return refuse(reason, "needs a path of 1 to %zu bytes after unix:", sizeof(a.path) - 1);
        a.is_unix = true;
        *out = a;
        return CARDEA_SUCCESS;
    }
    size_t colon = v.len;
    while (colon > 0 && v.ptr[colon - 1] != ':')
        colon--;
    struct view host = view_of(v.ptr, colon == 0 ? 0 : colon - 1), port = view_skip(v, colon);
    bool brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (brackets)
        host = view_of(host.ptr + 1, host.len - 2);
    if (colon == 0 || !cardea_ok(parse_port(port, &a.port)) || !cardea_ok(address_parse(host, &a.address)) ||
        brackets != view_has(host, ':'))
        return refuse(reason, "must be ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH, not \"%.*s\"", QUOTED(v));
    *out = a;
    return CARDEA_SUCCESS;
}

static struct cardea_status put_range(struct view v, struct address_range *out, char *reason)
{
    struct address_range range;
    if (!cardea_ok(address_range_parse(v, &range)))
        return refuse(reason, "\"%.*s\" is no address or range such as 127.0.0.1, 10.0.0.0/8 or fd00::/8", QUOTED(v));
    if (range.prefix == 0)
        return refuse(reason, "\"%.*s\" would trust everybody", QUOTED(v));
    *out = range;
    return CARDEA_SUCCESS;
}

static struct cardea_status put(const struct config_key *k, void *member, struct view v, char *reason)
{
    struct cardea_status s;
    unsigned word = 0; /* gcc can not see that find_word sets it on success */
    switch (k->type) {
    case CONFIG_PATH:
        if (v.len == 0)
            return refuse(reason, "is empty");
        return put_text(v, (char *)member, k->size, reason);
    case CONFIG_TEXT:
        return put_text(v, (char *)member, k->size, reason);
    case CONFIG_URL:
        return config_url(v, true, (char *)member, k->size, reason);
    case CONFIG_ORIGIN:
        return config_url(v, false, (char *)member, k->size, reason);
    case CONFIG_BASE_PATH:
        return put_base_path(v, (char *)member, k->size, reason);
    case CONFIG_DOMAIN:
        return put_domain(v, (char *)member, k->size, reason);
    case CONFIG_NAME:
        return put_name(v, (char *)member, k->size, reason);
    case CONFIG_BOOL:
        return put_bool(v, (bool *)member, reason);
    case CONFIG_COUNT:
        return put_count(k, v, (uint32_t *)member, reason);
    case CONFIG_KIB:
    case CONFIG_MIB:
        return put_size(k, v, (uint32_t *)member, reason);
    case CONFIG_DURATION:
        return put_duration(k, v, (int64_t *)member, reason);
    case CONFIG_WORD:
    case CONFIG_FLAGS:
        s = find_word(k, v, &word, reason);
        if (cardea_ok(s))
            *(unsigned *)member = k->type == CONFIG_FLAGS ? *(unsigned *)member | word : word;
        return s;
    case CONFIG_LISTEN:
        return put_listen(v, (struct listen_address *)member, reason);
    case CONFIG_RANGE:
        return put_range(v, (struct address_range *)member, reason);
    case CONFIG_LABEL:
        return put_label(v, (char *)member, k->size, reason);
    case CONFIG_ISSUER:
    case CONFIG_CLAIM:
    case CONFIG_REQUIRED:
    case CONFIG_KEY_SET:
        return put_checked(k->type, v, (char *)member, k->size, reason);
    case CONFIG_TYPE_UNSET:
        break;
    }
    return CARDEA_FAIL(E_INTERNAL);
}

struct cardea_status config_value_set(const struct config_key *k, void *base, struct view text,
                                      char reason[CONFIG_REASON_MAX])
{
    char *at = (char *)base + k->offset;
    if (k->items_max == 0)
        return put(k, at, text, reason);
    uint32_t *count = (uint32_t *)(void *)((char *)base + k->count_offset);
    if (*count == k->items_max)
        return refuse(reason, "has more than %zu items", k->items_max);
    struct cardea_status s = put(k, at + *count * k->size, text, reason);
    if (!cardea_ok(s))
        return s;
    for (uint32_t i = 0; i < *count; i++)
        if (memcmp(at + i * k->size, at + *count * k->size, k->size) == 0) {
            memset(at + *count * k->size, 0, k->size);
            return refuse(reason, "names \"%.*s\" twice", QUOTED(text));
        }
    (*count)++;
    return CARDEA_SUCCESS;
}

void config_list_clear(const struct config_key *k, void *base)
{
    memset((char *)base + k->offset, 0, k->size * (k->items_max == 0 ? 1 : k->items_max));
    if (k->items_max > 0)
        *(uint32_t *)(void *)((char *)base + k->count_offset) = 0;
}

struct cardea_status config_list_set(const struct config_key *k, void *base, struct view text,
                                     char reason[CONFIG_REASON_MAX])
{
    config_list_clear(k, base);
    while (view_trim(text).len > 0) {
        struct view item;
        view_cut(text, ',', &item, &text);
        struct cardea_status s = config_value_set(k, base, view_trim(item), reason);
        if (!cardea_ok(s))
            return s;
    }
    return CARDEA_SUCCESS;
}

static void size_text(uint64_t kib, struct buf *out)
{
    size_t i = 0;
    while (kib % size_units[i].kib != 0)
        i++;
    buf_uint(out, kib / size_units[i].kib);
    buf_text(out, size_units[i].text);
}

static void range_text(const struct address_range *r, struct buf *out)
{
    buf_address(out, &r->base);
    if (r->prefix != (r->base.version == 4 ? 32 : 128)) {
        buf_char(out, '/');
        buf_uint(out, r->prefix);
    }
}

static void word_text(const struct config_key *k, unsigned value, struct buf *out)
{
    const char *comma = "";
    for (const struct config_word *w = k->words; w->word != NULL; w++) {
        if (k->type == CONFIG_FLAGS ? (value & w->value) == 0 : value != w->value)
            continue;
        buf_text(out, comma);
        buf_text(out, w->word);
        comma = ", ";
    }
}

static void value_text(const struct config_key *k, const void *member, struct buf *out)
{
    switch (k->type) {
    case CONFIG_BOOL:
        buf_text(out, *(const bool *)member ? "true" : "false");
        break;
    case CONFIG_COUNT:
        buf_uint(out, *(const uint32_t *)member);
        break;
    case CONFIG_KIB:
        size_text(*(const uint32_t *)member, out);
        break;
    case CONFIG_MIB:
        size_text((uint64_t) * (const uint32_t *)member * 1024, out);
        break;
    case CONFIG_DURATION:
        if (*(const int64_t *)member != 0)
            buf_duration(out, *(const int64_t *)member);
        break;
    case CONFIG_WORD:
    case CONFIG_FLAGS:
        word_text(k, *(const unsigned *)member, out);
        break;
    case CONFIG_LISTEN:
        buf_text(out, ((const struct listen_address *)member)->text);
        break;
    case CONFIG_RANGE:
        range_text((const struct address_range *)member, out);
        break;
    default:
        buf_text(out, (const char *)member);
    }
}

void config_value_text(const struct config_key *k, const void *base, struct buf *out)
{
    const char *at = (const char *)base + k->offset;
    if (k->items_max == 0) {
        value_text(k, at, out);
        return;
    }
    uint32_t count = *(const uint32_t *)(const void *)((const char *)base + k->count_offset);
    for (uint32_t i = 0; i < count; i++) {
        buf_text(out, i == 0 ? "" : ", ");
        value_text(k, at + i * k->size, out);
    }
}
