#include "store/sql/sql.h"

void bind_text(struct query *q, const char *text, size_t cap)
{
    bind_view(q, view_of(text, strnlen(text, cap)));
}

void bind_raw_text(struct query *q, const char *text, size_t cap)
{
    bind_raw(q, view_of(text, strnlen(text, cap)));
}

void bind_address(struct query *q, const struct address *a)
{
    bind_blob(q, a->bytes, a->version == 4 ? 4U : a->version == 6 ? 16U : 0U);
}

bool query_page_row(struct query *q, const struct page *page, uint32_t count, bool *ret_more)
{
    bool row = query_row(q);
    *ret_more = row && count == page->limit;
    return row && !*ret_more;
}

int64_t take_int_in(struct query *q, int64_t least, int64_t most)
{
    int64_t n = take_int(q);
    if (n < least || n > most)
        q->malformed = true;
    return n;
}

size_t take_blob_upto(struct query *q, void *out, size_t cap)
{
    struct view v = take_bytes(q, COLUMN_BLOB);
    if (v.len > cap) {
        q->malformed = true;
        return 0;
    }
    if (v.len > 0)
        memcpy(out, v.ptr, v.len);
    return v.len;
}

void take_blob(struct query *q, void *out, size_t len)
{
    if (take_blob_upto(q, out, len) != len)
        q->malformed = true;
}

void take_blob_or_zeros(struct query *q, void *out, size_t len)
{
    size_t got = take_blob_upto(q, out, len);
    if (got == 0)
        memset(out, 0, len);
    else if (got != len)
        q->malformed = true;
}

void take_text(struct query *q, char *out, size_t cap)
{
    if (!view_copy(take_bytes(q, COLUMN_TEXT), out, cap))
        q->malformed = true;
}

void take_raw_text(struct query *q, char *out, size_t cap)
{
    if (!view_copy(take_bytes(q, COLUMN_RAW), out, cap))
        q->malformed = true;
}

void take_address(struct query *q, struct address *out)
{
    memset(out, 0, sizeof *out);
    size_t len = take_blob_upto(q, out->bytes, sizeof out->bytes);
    if (len == 4)
        out->version = 4;
    else if (len == 16)
        out->version = 6;
    else if (len != 0)
        q->malformed = true;
}

struct cardea_status query_end_one(struct query *q)
{
    struct cardea_status s = query_end(q);
    return cardea_ok(s) && q->rows == 0 ? CARDEA_FAIL(E_NOT_FOUND) : s;
}

struct cardea_status query_run(struct query *q, uint32_t *ret_changed)
{
    while (query_row(q))
        continue;
    uint32_t changed = query_changes(q);
    struct cardea_status s = query_end(q);
    if (cardea_ok(s) && ret_changed != NULL)
        *ret_changed = changed;
    return s;
}

struct cardea_status query_end_changed(struct query *q)
{
    uint32_t changed = 0;
    struct cardea_status s = query_run(q, &changed);
    return cardea_ok(s) && changed == 0 ? CARDEA_FAIL(E_NOT_FOUND) : s;
}
