#include "store/cursor.h"

#include "base/text.h"

enum { ID_TEXT = BASE64URL_LEN(16) };

struct cursor cursor_none(void)
{
    return (struct cursor){{0}};
}

struct cursor cursor_make(int64_t at_ms, const uint8_t id[16])
{
    struct cursor c = {{0}};
    struct buf b = buf_fixed(c.text, sizeof c.text - 1);
    buf_int(&b, at_ms);
    buf_char(&b, '-');
    buf_base64url(&b, id, 16);
    return c;
}

struct cardea_status cursor_parse(const struct cursor *c, struct cursor_place *out)
{
    struct cursor_place place;
    struct view head, rest, text = view_of(c->text, strnlen(c->text, sizeof c->text));
    uint64_t at_ms;
    if (text.len < ID_TEXT + 2 || !view_cut(text, '-', &head, &rest) || !cardea_ok(parse_u64(head, &at_ms)) ||
        at_ms > INT64_MAX || !cardea_ok(base64url_decode_exact(rest, place.id, sizeof place.id)))
        return CARDEA_FAIL(E_INVALID_FIELD);
    place.at_ms = (int64_t)at_ms;
    *out = place;
    return CARDEA_SUCCESS;
}

struct cardea_status cursor_start(const struct page *page, struct cursor_place *out)
{
    if (page->limit < 1 || page->limit > PAGE_MAX)
        return CARDEA_FAIL(E_INTERNAL);
    if (page->after.text[0] != '\0')
        return cursor_parse(&page->after, out);
    out->at_ms = INT64_MAX;
    memset(out->id, 0xff, sizeof out->id);
    return CARDEA_SUCCESS;
}
