/* Forms: whatever the bytes, reading ends; and what it accepts, every other reader of forms reads alike: whether it
 * takes the first or the last of a name, splits before it decodes or not, there is one value, and it is ours. */
#include "fuzz.h"

#include "base/text.h"
#include "http/form.h"

#include <string.h>

enum { INPUT_MAX = 16 * 1024, FIELDS = 2 };
static const struct form_field fields[FIELDS] = {{"token", true, 4096}, {"hint", false, 64}};

/* One character as lenient readers decode it. */
static char lenient(const char *text, size_t len, size_t *at)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    char c = text[(*at)++];
    if (c == '+')
        return ' ';
    if (c != '%' || *at + 2 > len)
        return c;
    const char *high = memchr(digits, text[*at], 32), *low = memchr(digits, text[*at + 1], 32);
    if (high == NULL || low == NULL)
        return c;
    *at += 2;
    return (char)((high - digits) % 16 * 16 + (low - digits) % 16);
}

static struct view lenient_all(struct view raw, char *room)
{
    size_t n = 0;
    for (size_t at = 0; at < raw.len;)
        room[n++] = lenient(raw.ptr, raw.len, &at);
    return view_of(room, n);
}

/* The value of a name as a lenient reader finds it: the first, or the last. */
static struct view lenient_value(struct view body, const char *name, bool last, char *room)
{
    static char names[INPUT_MAX];
    struct view pair, rest = body, found = VIEW_EMPTY;
    bool more = body.len > 0;
    while (more) {
        struct view n, v;
        more = view_cut(rest, '&', &pair, &rest);
        view_cut(pair, '=', &n, &v);
        if (view_is(lenient_all(n, names), name)) {
            found = lenient_all(v, room);
            if (!last)
                break;
        }
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char room[INPUT_MAX];
    struct view body = view_of(data, size), values[FIELDS];
    struct form_fault why;
    struct arena arena;
    if (size > INPUT_MAX)
        return 0;
    arena_init(&arena, 4 * INPUT_MAX);
    struct cardea_status s = form_parse(body, &arena, fields, FIELDS, values, &why);
    EXPECT(cardea_ok(s) == (why.why == NULL));
    EXPECT(cardea_ok(s) || s.code == CARDEA_E_BAD_REQUEST || s.code == CARDEA_E_MISSING_FIELD ||
           s.code == CARDEA_E_INVALID_FIELD);
    for (size_t i = 0; cardea_ok(s) && i < FIELDS; i++) {
        EXPECT((values[i].len == 0) == (values[i].ptr == NULL) && values[i].len <= fields[i].max);
        EXPECT(values[i].len > 0 || !fields[i].required);
        EXPECT(utf8_valid(values[i]) && !view_has(values[i], '\0'));
        EXPECT(values[i].ptr == NULL || values[i].ptr[values[i].len] == '\0');
        EXPECT(view_equal(values[i], lenient_value(body, fields[i].name, false, room)));
        EXPECT(view_equal(values[i], lenient_value(body, fields[i].name, true, room)));
    }
    arena_clear(&arena);
    return 0;
}
