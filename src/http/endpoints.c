/* Which sets there are, and how a path finds its endpoint. */
#include "http/admin.h"
#include "http/endpoint.h"

const struct endpoint_set *const endpoint_sets[] = {
    &verify_endpoints,
    &session_endpoints,
    &login_endpoints,
    &account_endpoints,
    &api_key_endpoints,
    &token_endpoints,
    &admin_user_endpoints,
    &admin_user_change_endpoints,
    &admin_session_endpoints,
    &admin_api_key_endpoints,
    &admin_key_endpoints,
    &admin_audit_endpoints,
    &feed_endpoints,
    &health_endpoints,
    NULL,
};

/* One pattern against one path, segment by segment; a {param} takes one segment that is not empty. */
static bool path_matches(struct view pattern, struct view path, struct view params[ENDPOINT_PARAMS_MAX])
{
    size_t taken = 0;
    for (;;) {
        struct view want, have;
        bool more_pattern = view_cut(pattern, '/', &want, &pattern);
        bool more_path = view_cut(path, '/', &have, &path);
        if (want.len > 0 && want.ptr[0] == '{') {
            if (have.len == 0 || taken == ENDPOINT_PARAMS_MAX)
                return false;
            params[taken++] = have;
        } else if (!view_equal(want, have)) {
            return false;
        }
        if (more_pattern != more_path)
            return false;
        if (!more_pattern)
            return true;
    }
}

static bool door_open(const struct settings *s, const struct endpoint *e, enum entrance entrance)
{
    unsigned doors = e->doors == 0 ? DOOR_MAIN : e->doors;
    if ((doors & DOOR(entrance)) == 0)
        return false;
    return (e->flags & ENDPOINT_ADMIN) == 0 || entrance != ENTRANCE_MAIN || s->admin_on_main;
}

struct route endpoint_route(const struct settings *s, enum entrance entrance, enum method method, struct view path)
{
    struct route r = {0};
    struct view base = view_of(s->base_path, strlen(s->base_path));
    if (!view_starts(path, base))
        return r;
    path = view_skip(path, base.len);
    for (const struct endpoint_set *const *set = endpoint_sets; *set != NULL; set++) {
        for (size_t i = 0; i < (*set)->count; i++) {
            const struct endpoint *e = &(*set)->endpoints[i];
            struct view params[ENDPOINT_PARAMS_MAX] = {0};
            if (!door_open(s, e, entrance) || !path_matches(view_text(e->path), path, params))
                continue;
            unsigned methods = e->methods | ((e->methods & METHOD_GET) != 0 ? METHOD_HEAD : 0);
            r.allowed |= methods;
            r.cors = r.cors || (e->flags & ENDPOINT_NO_CORS) == 0;
            if ((methods & (unsigned)method) == 0 || r.endpoint != NULL)
                continue;
            r.endpoint = e;
            memcpy(r.params, params, sizeof params);
            /* Nothing can be allowed beside it, and /verify is in a hurry. */
            if (e->methods == METHOD_ANY)
                return r;
        }
    }
    return r;
}
