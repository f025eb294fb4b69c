/* Views: borrowed, read-only bytes with a length. The way every input travels.
 *
 * Decides: nothing but the shape. A view owns nothing, need not end in NUL, may hold any byte; its maker says how long
 * the bytes live. An empty view may have a null pointer.
 */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
    const char *ptr;
    size_t len;
};

#define VIEW_EMPTY ((struct view){NULL, 0})
/* A string literal as a view, without strlen. */
#define VIEW(literal) ((struct view){"" literal, sizeof(literal) - 1})

static inline struct view view_of(const void *ptr, size_t len)
{
    return (struct view){(const char *)ptr, len};
}

static inline struct view view_text(const char *text)
{
    return (struct view){text, text == NULL ? 0 : strlen(text)};
}

/* Compare public bytes; secrets go through secret_equal (base/secret.h). */
static inline bool view_equal(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool view_is(struct view a, const char *text)
{
    return view_equal(a, view_text(text));
}

static inline bool view_starts(struct view a, struct view prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}

/* Drop up to n bytes from the front. */
static inline struct view view_skip(struct view a, size_t n)
{
    return n >= a.len ? VIEW_EMPTY : (struct view){a.ptr + n, a.len - n};
}

static inline bool view_has(struct view a, char c)
{
    return a.len > 0 && memchr(a.ptr, c, a.len) != NULL;
}

/* Copy as a C string into a field of fixed size, and zero the rest of it, so that equal fields are equal bytes.
 * out:   cap bytes; all zeros where the text and its NUL do not fit
 * fails: false where it does not fit; a NUL inside the text is the caller's to refuse (view_has) */
bool view_copy(struct view a, char *out, size_t cap);

bool view_equal_ascii_case(struct view a, struct view b); /* RFC 9110 names: ASCII letters compare without case */
struct view view_trim(struct view a);                     /* without spaces and tabs at both ends */
/* Cut `a` at the first `separator`: the part before goes to *head, true if a separator was there; *rest is what
 * follows. */
bool view_cut(struct view a, char separator, struct view *head, struct view *rest);

#endif
