#include "http/query.h"

#include "base/text.h"
#include "http/endpoint.h"

enum { QUERY_NAME_SHOWN_MAX = 64 };

static struct cardea_status unknown(struct exchange *x, struct view name)
{
    if (name.len > QUERY_NAME_SHOWN_MAX)
        name.len = QUERY_NAME_SHOWN_MAX;
    return exchange_fault(x, CARDEA_FAIL(E_UNKNOWN_FIELD), arena_copy(&x->arena, name).ptr,
                          VIEW("this call does not know that query parameter"));
}

static struct cardea_status decode(struct exchange *x, const char *name, struct view raw, struct view *out)
{
    if (raw.len > QUERY_VALUE_MAX)
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), name, VIEW("the query parameter is too long"));
    char *room = arena_new(&x->arena, raw.len + 1);
    if (room == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct buf b = buf_fixed(room, raw.len + 1);
    if (!cardea_ok(percent_decode(raw, &b)) || !utf8_valid(buf_view(&b)))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), name, VIEW("the query parameter does not decode"));
    buf_terminate(&b);
    *out = view_of(room, b.len);
    return CARDEA_SUCCESS;
}

struct cardea_status query_read(struct exchange *x, const char *const *names, size_t count, struct view *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = VIEW_EMPTY;
    struct view rest = x->request.query;
    bool more = rest.len > 0;
    while (more) {
        struct view pair, name, value;
        more = view_cut(rest, '&', &pair, &rest);
        view_cut(pair, '=', &name, &value);
        size_t i = 0;
        while (i < count && !view_is(name, names[i]))
            i++;
        if (i == count)
            return unknown(x, name);
        if (values[i].ptr != NULL)
            return exchange_fault(x, CARDEA_FAIL(E_BAD_REQUEST), names[i],
                                  VIEW("the query parameter is there more than once"));
        struct cardea_status s = decode(x, names[i], value, &values[i]);
        if (!cardea_ok(s))
            return s;
    }
    return CARDEA_SUCCESS;
}

struct cardea_status query_page(struct exchange *x, struct view limit, struct view cursor, struct page *out)
{
    struct page page = {.limit = PAGE_DEFAULT};
    if (limit.ptr != NULL) {
        uint64_t n;
        if (!cardea_ok(parse_u64(limit, &n)) || n < 1 || n > PAGE_MAX)
            return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "limit", VIEW("must be 1 to 200"));
        page.limit = (uint32_t)n;
    }
    if (cursor.ptr != NULL) {
        if (cursor.len == 0 || !view_copy(cursor, page.after.text, sizeof page.after.text))
            return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "cursor", VIEW("not a cursor of this list"));
    }
    *out = page;
    return CARDEA_SUCCESS;
}
