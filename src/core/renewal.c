#include "core/renewal.h"

#include "core/grant.h"

static struct cardea_status gone(struct cardea_status s)
{
    return s.code == CARDEA_E_NOT_FOUND ? CARDEA_FAIL(E_INVALID_SESSION) : s;
}

/* Does the record say what the text says, and do both still hold? */
static bool stands(const struct sealed_session *t, const struct session_record *r, const struct user_record *user,
                   int64_t now_ms)
{
    return r->kind == SESSION_SEALED && ID_SAME(r->user, t->sub) && view_is(view_text(t->app), r->app) &&
           user->status == USER_ACTIVE && r->epoch == user->epoch && t->epoch == user->epoch &&
           !session_expired(r, now_ms);
}

struct cardea_status renewal_load(struct renewal *r, const struct flow *f)
{
    struct session_record session;
    struct user_record user;
    struct cardea_status s = flow_session_get(f, r->presented.sid, &session);
    if (cardea_ok(s))
        s = f->ops->user_get(f->tx, session.user, &user);
    if (!cardea_ok(s))
        return gone(s);
    const struct app *app = settings_app(f->settings, view_text(session.app), NULL);
    if (app == NULL || app->carrier != CARRIER_SEALED_COOKIE || !stands(&r->presented, &session, &user, f->now_ms))
        return CARDEA_FAIL(E_INVALID_SESSION);
    r->app = app;
    r->session = session;
    r->user = user;
    r->denied = false;
    return CARDEA_SUCCESS;
}

struct cardea_status renewal_commit(struct renewal *r, const struct flow *f)
{
    struct session_record *seen = arena_new(f->arena, sizeof *seen);
    if (seen == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    if (r->session.last_seen_at_ms < f->now_ms)
        r->session.last_seen_at_ms = f->now_ms;
    struct cardea_status s = flow_session_stands(f, r->session.sid);
    if (!cardea_ok(s))
        return gone(s);
    s = f->ops->session_touch(f->tx, &r->session.sid, &r->session.last_seen_at_ms, 1);
    if (!cardea_ok(s))
        return s;
    *seen = r->session;
    return change_add(f->changes, (struct change){.kind = CHANGE_SESSION_PUT, .session = seen});
}
