#include "base/address.h"

#include "base/text.h"

#include <arpa/inet.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96 */

enum { MAPPED_BITS = 96 };

static unsigned bits_of(const struct address *a)
{
    return a->version == 4 ? 32 : 128;
}

static struct cardea_status parse(struct view v, struct address *out, bool *ret_mapped)
{
    char text[ADDRESS_TEXT_MAX + 1];
    struct address a = {0};
    if (v.len == 0 || view_has(v, '\0') || !view_copy(v, text, sizeof text))
        return CARDEA_FAIL(E_BAD_REQUEST);
    *ret_mapped = false;
    if (inet_pton(AF_INET, text, a.bytes) == 1) {
        a.version = 4;
    } else if (inet_pton(AF_INET6, text, a.bytes) == 1) {
        a.version = 6;
        if (memcmp(a.bytes, mapped, sizeof mapped) == 0) {
            struct address v4 = {.version = 4};
            memcpy(v4.bytes, a.bytes + sizeof mapped, 4);
            a = v4;
            *ret_mapped = true;
        }
    } else {
        return CARDEA_FAIL(E_BAD_REQUEST);
    }
    *out = a;
    return CARDEA_SUCCESS;
}

struct cardea_status address_parse(struct view v, struct address *out)
{
    bool was_mapped;
    return parse(v, out, &was_mapped);
}

static struct address masked(struct address a, unsigned prefix)
{
    for (unsigned i = 0; i < sizeof a.bytes; i++) {
        unsigned keep = prefix > 8 * i ? prefix - 8 * i : 0;
        if (keep < 8)
            a.bytes[i] = (uint8_t)(a.bytes[i] & (0xff00u >> keep));
    }
    return a;
}

static bool same(const struct address *a, const struct address *b)
{
    return a->version == b->version && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct cardea_status address_range_parse(struct view v, struct address_range *out)
{
    struct view text, length;
    struct address base;
    bool was_mapped;
    bool has_prefix = view_cut(v, '/', &text, &length);
    struct cardea_status s = parse(text, &base, &was_mapped);
    if (!cardea_ok(s))
        return s;
    uint64_t prefix = bits_of(&base);
    if (has_prefix) {
        s = parse_u64(length, &prefix);
        if (!cardea_ok(s))
            return s;
        if (was_mapped) {
            if (prefix < MAPPED_BITS)
                return CARDEA_FAIL(E_BAD_REQUEST);
            prefix -= MAPPED_BITS;
        }
        if (prefix > bits_of(&base))
            return CARDEA_FAIL(E_BAD_REQUEST);
    }
    struct address lowest = masked(base, (unsigned)prefix);
    if (!same(&lowest, &base))
        return CARDEA_FAIL(E_BAD_REQUEST);
    *out = (struct address_range){.base = base, .prefix = (uint8_t)prefix};
    return CARDEA_SUCCESS;
}

bool address_in(const struct address *a, const struct address_range *range)
{
    if (a->version == 0)
        return false;
    struct address m = masked(*a, range->prefix);
    return same(&m, &range->base);
}

bool address_is_loopback(const struct address *a)
{
    static const struct address v6 = {.bytes = {[15] = 1}, .version = 6};
    return (a->version == 4 && a->bytes[0] == 127) || same(a, &v6);
}

struct address address_neighbourhood(const struct address *a)
{
    return a->version == 6 ? masked(*a, 64) : *a;
}

void buf_address(struct buf *b, const struct address *a)
{
    char text[INET6_ADDRSTRLEN];
    if (a->version == 0)
        buf_text(b, "unix");
    else if (inet_ntop(a->version == 4 ? AF_INET : AF_INET6, a->bytes, text, sizeof text) != NULL)
        buf_text(b, text);
}
