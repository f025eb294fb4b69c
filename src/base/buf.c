#include "base/buf.h"

#include <stdlib.h>

enum { FIRST_SIZE = 256, INT_TEXT_MAX = 20 };

struct buf buf_fixed(void *storage, size_t cap)
{
    return (struct buf){.ptr = storage, .cap = cap, .limit = cap};
}

struct buf buf_heap(size_t limit)
{
    return (struct buf){.limit = limit, .heap = true};
}

void buf_clear(struct buf *b)
{
    if (b->heap) {
        free(b->ptr);
        b->ptr = NULL;
        b->cap = 0;
    }
    b->len = 0;
    b->failed = false;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

/* Doubling keeps the number of copies logarithmic; the limit is a hard end, so the last step may be smaller. */
static bool enlarge(struct buf *b, size_t need)
{
    size_t cap = b->cap < FIRST_SIZE ? FIRST_SIZE : b->cap;
    while (cap < need)
        cap = cap > b->limit / 2 ? b->limit : cap * 2;
    if (cap > b->limit)
        cap = b->limit;
    char *ptr = realloc(b->ptr, cap > 0 ? cap : 1);
    if (ptr == NULL)
        return false;
    b->ptr = ptr;
    b->cap = cap;
    return true;
}

char *buf_room(struct buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (n <= b->cap - b->len && b->ptr != NULL)
        return b->ptr + b->len;
    if (n > b->limit - b->len || !b->heap || !enlarge(b, b->len + n)) {
        b->failed = true;
        return NULL;
    }
    return b->ptr + b->len;
}

void buf_grew(struct buf *b, size_t n)
{
    if (b->failed)
        return;
    if (n > b->cap - b->len)
        abort(); /* the caller has already written past what buf_room gave */
    b->len += n;
}

void buf_put(struct buf *b, struct view v)
{
    if (v.len == 0)
        return;
    char *to = buf_room(b, v.len);
    if (to == NULL)
        return;
    memcpy(to, v.ptr, v.len);
    b->len += v.len;
}

void buf_char(struct buf *b, char c)
{
    char *to = buf_room(b, 1);
    if (to == NULL)
        return;
    *to = c;
    b->len++;
}

void buf_text(struct buf *b, const char *text)
{
    buf_put(b, view_text(text));
}

bool buf_terminate(struct buf *b)
{
    char *end = buf_room(b, 1);
    if (end != NULL)
        *end = '\0';
    else if (b->ptr != NULL && b->cap > 0)
        b->ptr[0] = '\0';
    return end != NULL;
}

static void put_decimal(struct buf *b, uint64_t n, bool negative)
{
    char text[INT_TEXT_MAX + 1];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    if (negative)
        text[--at] = '-';
    buf_put(b, view_of(text + at, sizeof text - at));
}

void buf_int(struct buf *b, int64_t n)
{
    /* Negated as unsigned, because INT64_MIN has no positive counterpart. */
    put_decimal(b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, n < 0);
}

void buf_uint(struct buf *b, uint64_t n)
{
    put_decimal(b, n, false);
}
