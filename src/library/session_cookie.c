#include "cardea/session_cookie.h"

#include "core/credential.h"
#include "library/library.h"

_Static_assert((int)CARDEA_SESSION_COOKIE_TEXT == (int)SESSION_COOKIE_TEXT && (int)CARDEA_SID_SIZE == ID16_TEXT + 1,
               "the lengths in cardea/session_cookie.h");

/* Count the cookies of this name in a line; *found: the first one's value. */
static size_t count_in_line(struct view line, struct view name, struct view *found)
{
    struct view pair, its_name, value;
    size_t count = 0;
    bool more = true;

    while (more) {
        more = view_cut(line, ';', &pair, &line);
        if (!view_cut(view_trim(pair), '=', &its_name, &value) || !view_equal(its_name, name))
            continue;
        if (count++ == 0)
            *found = value;
    }
    return count;
}

struct cardea_status cardea_cookie_find(const struct cardea_bytes *lines, size_t count, const char *name,
                                        struct cardea_bytes *ret)
{
    struct view found = VIEW_EMPTY, value = VIEW_EMPTY;
    size_t seen = 0;

    if (ret == NULL || name == NULL || name[0] == '\0' || (lines == NULL && count > 0))
        return CARDEA_FAIL(E_USAGE);
    for (size_t i = 0; i < count; i++)
        if (!bytes_readable(lines[i]))
            return CARDEA_FAIL(E_USAGE);
    for (size_t i = 0; i < count; i++) {
        size_t here = count_in_line(bytes_view(lines[i]), view_text(name), &value);
        if (here > 0 && seen == 0)
            found = value;
        seen += here;
    }
    if (seen != 1)
        return seen == 0 ? CARDEA_FAIL(E_NOT_FOUND) : CARDEA_FAIL(E_MANY_CREDENTIALS);
    *ret = cardea_bytes(found.len == 0 ? "" : found.ptr, found.len);
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_session_cookie_sid(struct cardea_bytes value, char out[CARDEA_SID_SIZE])
{
    struct session_id sid;

    if (out == NULL || !bytes_readable(value))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = session_cookie_sid(bytes_view(value), &sid);
    if (!cardea_ok(s))
        return s;
    struct buf b = buf_fixed(out, CARDEA_SID_SIZE);
    buf_session_id(&b, sid);
    return buf_terminate(&b) ? CARDEA_SUCCESS : CARDEA_FAIL(E_INTERNAL);
}
