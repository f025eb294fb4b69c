#include "http/cookie.h"

#include "http/answer.h"

enum cookie_prefix { PREFIX_HOST = 0, PREFIX_SECURE, PREFIX_NONE, PREFIX_COUNT };

static const struct view names[PREFIX_COUNT][COOKIE_COUNT] = {
#define NAMES(prefix)                                                                                                  \
    {                                                                                                                  \
        [COOKIE_SESSION] = {prefix "cardea", sizeof(prefix "cardea") - 1},                                             \
        [COOKIE_ACCESS] = {prefix "cardea-access", sizeof(prefix "cardea-access") - 1},                                \
        [COOKIE_REFRESH] = {prefix "cardea-refresh", sizeof(prefix "cardea-refresh") - 1},                             \
        [COOKIE_DEVICE] = {prefix "cardea-device", sizeof(prefix "cardea-device") - 1},                                \
    }
    [PREFIX_HOST] = NAMES("__Host-"),
    [PREFIX_SECURE] = NAMES("__Secure-"),
    [PREFIX_NONE] = NAMES(""),
#undef NAMES
};

static enum cookie_prefix prefix_in_force(const struct settings *s)
{
    if (s->cookie_insecure_names)
        return PREFIX_NONE;
    return s->cookie_domain[0] != '\0' ? PREFIX_SECURE : PREFIX_HOST;
}

struct view cookie_text(const struct settings *s, enum cookie_name name)
{
    return names[prefix_in_force(s)][name];
}

static void take_pair(const struct view *wanted, struct view pair, struct cookies *out)
{
    struct view name, value;
    if (!view_cut(pair, '=', &name, &value))
        return; /* nameless */
    for (int i = COOKIE_UNSET + 1; i < COOKIE_COUNT; i++) {
        if (!view_equal(name, wanted[i]))
            continue;
        if (out->values[i].ptr != NULL)
            out->repeated[i] = true;
        else
            out->values[i] = view_of(value.len == 0 ? "" : value.ptr, value.len);
    }
}

void cookies_read(const struct request *r, const struct settings *s, struct cookies *out)
{
    const struct view *wanted = names[prefix_in_force(s)];
    *out = (struct cookies){0};
    for (uint32_t i = 0; i < r->header_count; i++) {
        if (!view_equal_ascii_case(r->headers[i].name, VIEW("Cookie")))
            continue;
        struct view rest = r->headers[i].value, pair;
        bool more = rest.len > 0;
        while (more) {
            more = view_cut(rest, ';', &pair, &rest);
            take_pair(wanted, view_trim(pair), out);
        }
    }
}

static void set_line(struct exchange *x, enum cookie_name name, struct view value, enum same_site same_site,
                     bool has_age, int64_t age_s)
{
    const struct settings *s = x->site->settings;
    size_t cap = value.len + sizeof(s->cookie_domain) + 256;
    char *room = arena_new(&x->arena, cap);
    struct buf b = buf_fixed(room, room == NULL ? 0 : cap);
    buf_put(&b, cookie_text(s, name));
    buf_char(&b, '=');
    buf_put(&b, value);
    buf_text(&b, "; Path=/");
    if (s->cookie_domain[0] != '\0') {
        buf_text(&b, "; Domain=");
        buf_text(&b, s->cookie_domain);
    }
    if (has_age) {
        buf_text(&b, "; Max-Age=");
        buf_int(&b, age_s);
    }
    if (!s->cookie_insecure_names)
        buf_text(&b, "; Secure");
    buf_text(&b, "; HttpOnly; SameSite=");
    buf_text(&b, same_site == SAME_SITE_LAX ? "Lax" : "Strict");
    /* A line that does not fit becomes one with a NUL, which answer_header refuses: never half a cookie. */
    answer_header(x, "Set-Cookie", buf_ok(&b) ? buf_view(&b) : VIEW("\0"));
}

void cookie_set(struct exchange *x, enum cookie_name name, struct view value, enum same_site same_site,
                int64_t max_age_s)
{
    set_line(x, name, value, same_site, max_age_s > 0, max_age_s);
}

void cookie_clear(struct exchange *x, enum cookie_name name)
{
    set_line(x, name, VIEW_EMPTY, SAME_SITE_STRICT, true, 0);
}
