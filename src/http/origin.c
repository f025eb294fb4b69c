#include "http/origin.h"

#include "http/answer.h"

static bool app_lists(const struct app *app, struct view origin)
{
    for (uint32_t i = 0; i < app->origin_count; i++)
        if (view_is(origin, app->origins[i]))
            return true;
    return false;
}

bool origin_listed(const struct settings *s, const struct app *app, struct view origin)
{
    /* "null" is what every sandboxed page sends: listing it would list everybody. */
    if (origin.len == 0 || view_is(origin, "null"))
        return false;
    if (app != NULL)
        return app_lists(app, origin);
    for (uint32_t i = 0; i < s->app_count; i++)
        if (app_lists(&s->apps[i], origin))
            return true;
    return false;
}

struct cardea_status origin_check(struct view origin, struct view fetch_site, const struct settings *s,
                                  const struct app *app)
{
    bool good;
    if (origin.ptr != NULL)
        good = (origin.len > 0 && view_is(origin, s->origin)) || origin_listed(s, app, origin);
    else if (fetch_site.ptr != NULL)
        good = view_is(fetch_site, "same-origin") || view_is(fetch_site, "none");
    else
        good = true;
    return good ? CARDEA_SUCCESS : CARDEA_FAIL(E_ORIGIN);
}

struct cardea_status origin_rule(const struct request *r, const struct settings *s, const struct app *app)
{
    if (request_header_count(r, VIEW("Origin")) > 1 || request_header_count(r, VIEW("Sec-Fetch-Site")) > 1)
        return CARDEA_FAIL(E_ORIGIN);
    return origin_check(request_header(r, VIEW("Origin")), request_header(r, VIEW("Sec-Fetch-Site")), s, app);
}

bool origin_from_browser(const struct request *r)
{
    return request_header_count(r, VIEW("Origin")) > 0 || request_header_count(r, VIEW("Sec-Fetch-Site")) > 0;
}

static bool cors_allowed(struct exchange *x, const struct app *app, struct view *ret_origin)
{
    const struct settings *s = x->site->settings;
    if (request_header_count(&x->request, VIEW("Origin")) != 1)
        return false;
    *ret_origin = request_header(&x->request, VIEW("Origin"));
    return (ret_origin->len > 0 && view_is(*ret_origin, s->origin)) || origin_listed(s, app, *ret_origin);
}

void origin_cors(struct exchange *x, const struct app *app)
{
    struct view origin;
    answer_header(x, "Vary", VIEW("Origin"));
    if (!cors_allowed(x, app, &origin))
        return;
    answer_header(x, "Access-Control-Allow-Origin", origin);
    answer_header(x, "Access-Control-Allow-Credentials", VIEW("true"));
    answer_header(x, "Access-Control-Expose-Headers", VIEW("Retry-After, X-Request-Id"));
}

static const struct {
    enum method method;
    const char *text;
} method_names[] = {
    {METHOD_GET, "GET"}, {METHOD_HEAD, "HEAD"},   {METHOD_POST, "POST"},
    {METHOD_PUT, "PUT"}, {METHOD_PATCH, "PATCH"}, {METHOD_DELETE, "DELETE"},
};

struct view origin_methods(struct exchange *x, unsigned methods)
{
    enum { METHODS_TEXT_MAX = 64 };
    char *room = arena_new(&x->arena, METHODS_TEXT_MAX);
    struct buf b = buf_fixed(room, room == NULL ? 0 : METHODS_TEXT_MAX);
    for (size_t i = 0; i < sizeof method_names / sizeof method_names[0]; i++) {
        if ((methods & (unsigned)method_names[i].method) == 0)
            continue;
        if (b.len > 0)
            buf_text(&b, ", ");
        buf_text(&b, method_names[i].text);
    }
    buf_text(&b, b.len > 0 ? ", OPTIONS" : "OPTIONS");
    return buf_ok(&b) ? buf_view(&b) : VIEW("OPTIONS");
}

void origin_preflight(struct exchange *x, unsigned allowed_methods)
{
    struct view methods = origin_methods(x, allowed_methods), origin;
    answer_empty(x, 204);
    answer_header(x, "Vary", VIEW("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"));
    if (allowed_methods == 0 || !cors_allowed(x, NULL, &origin))
        return; /* a browser takes 204 without these headers for a no */
    answer_header(x, "Access-Control-Allow-Origin", origin);
    answer_header(x, "Access-Control-Allow-Credentials", VIEW("true"));
    answer_header(x, "Access-Control-Allow-Methods", methods);
    answer_header(x, "Access-Control-Allow-Headers", VIEW("Authorization, Content-Type, X-CSRF-Token, X-Request-Id"));
    answer_header(x, "Access-Control-Max-Age", VIEW("600"));
}
