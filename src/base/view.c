#include "base/view.h"

bool view_copy(struct view a, char *out, size_t cap)
{
    bool fits = a.len < cap;
    size_t len = fits ? a.len : 0;
    if (len > 0)
        memcpy(out, a.ptr, len);
    memset(out + len, 0, cap - len);
    return fits;
}

static unsigned char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : (unsigned char)c;
}

bool view_equal_ascii_case(struct view a, struct view b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

struct view view_trim(struct view a)
{
    while (a.len > 0 && blank(a.ptr[0]))
        a = view_skip(a, 1);
    while (a.len > 0 && blank(a.ptr[a.len - 1]))
        a.len--;
    return a;
}

bool view_cut(struct view a, char separator, struct view *head, struct view *rest)
{
    const char *at = a.len > 0 ? memchr(a.ptr, separator, a.len) : NULL;
    if (at == NULL) {
        *head = a;
        *rest = VIEW_EMPTY;
        return false;
    }
    size_t before = (size_t)(at - a.ptr);
    *head = view_of(a.ptr, before);
    *rest = view_skip(a, before + 1);
    return true;
}
