#include "core/logout.h"

#include "core/grant.h"

static struct session_id sid_of(const struct logout *l)
{
    return l->by == LOGOUT_COOKIE ? l->cookie.sid : l->by == LOGOUT_REFRESH ? l->refresh.sid : l->sid;
}

static bool proves(const struct logout *l, const struct session_record *r)
{
    switch (l->by) {
    case LOGOUT_COOKIE:
        return r->kind == SESSION_COOKIE && secret_matches(&l->cookie.secret, r->secret_digest);
    case LOGOUT_REFRESH:
        /* Its tag is ours. One that was used before ends the session too, as it would at a refresh. */
        return r->kind == SESSION_TOKEN;
    case LOGOUT_SEALED:
        return r->kind == SESSION_SEALED && ID_SAME(r->user, l->user);
    case LOGOUT_TOKEN:
        return ID_SAME(r->user, l->user);
    case LOGOUT_UNSET:
        break;
    }
    return false;
}

/* The record is gone. Of a credential that is good without one, what there is to end: everything that names its
 * session, for as long as any such thing may live. */
static bool stand_in(const struct logout *l, const struct flow *f, struct session_record *out)
{
    struct table_session t;
    int64_t longest_ms = f->now_ms + LIFETIME_MAX_S * (int64_t)1000;
    if ((l->by != LOGOUT_TOKEN && l->by != LOGOUT_SEALED) || l->good_until_ms <= f->now_ms ||
        (f->table != NULL && table_find_session(f->table, l->sid, &t) == TABLE_REVOKED))
        return false;
    *out = (struct session_record){
        .sid = l->sid,
        .user = l->user,
        .epoch = l->epoch,
        .kind = l->by == LOGOUT_TOKEN ? SESSION_TOKEN : SESSION_SEALED,
        .expires_at_ms = l->good_until_ms > longest_ms ? l->good_until_ms : longest_ms,
    };
    memcpy(out->app, l->app_name, sizeof out->app);
    return true;
}

/* Nobody knows the record. A cookie's and a refresh token's tag show that there was such a session, and another node's
 * memory may still know it. */
static struct cardea_status load_lost(struct logout *l, const struct flow *f, struct cardea_status nothing)
{
    struct session_record r;
    if (l->all || (l->by != LOGOUT_COOKIE && l->by != LOGOUT_REFRESH))
        return nothing;
    struct cardea_status s = flow_session_lost(f, sid_of(l), &r);
    if (!cardea_ok(s))
        return s.code == CARDEA_E_NOT_FOUND ? nothing : s;
    l->session = r;
    l->app = NULL;
    return s;
}

struct cardea_status logout_load(struct logout *l, const struct flow *f)
{
    struct cardea_status nothing = l->by == LOGOUT_COOKIE || l->by == LOGOUT_SEALED ? CARDEA_FAIL(E_INVALID_SESSION)
                                                                                    : CARDEA_FAIL(E_INVALID_TOKEN);
    struct session_record r;
    struct user_record user;
    struct cardea_status s = flow_session_to_end(f, sid_of(l), &r);
    if (s.code == CARDEA_E_NOT_FOUND && stand_in(l, f, &r))
        s = CARDEA_SUCCESS;
    if (s.code == CARDEA_E_NOT_FOUND)
        return load_lost(l, f, nothing);
    if (cardea_ok(s))
        s = f->ops->user_get(f->tx, r.user, &user);
    if (s.code == CARDEA_E_NOT_FOUND)
        return nothing;
    if (!cardea_ok(s))
        return s;
    if (!proves(l, &r) || r.epoch != user.epoch || session_expired(&r, f->now_ms))
        return nothing;
    l->session = r;
    l->app = settings_app(f->settings, view_text(r.app), NULL);
    return CARDEA_SUCCESS;
}

struct cardea_status logout_commit(struct logout *l, const struct flow *f)
{
    return l->all ? logout_all(f, l->session.user, &l->session.sid)
                  : flow_session_end(f, &l->session, AUDIT_logout, VIEW_EMPTY);
}

struct cardea_status logout_all(const struct flow *f, struct user_id user, const struct session_id *by)
{
    struct user_record u;
    struct cardea_status s = f->ops->user_get(f->tx, user, &u);
    return cardea_ok(s) ? flow_epoch_advance(f, &u, AUDIT_logout_all, by, VIEW_EMPTY) : s;
}
