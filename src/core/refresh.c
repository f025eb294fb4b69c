#include "core/refresh.h"

#include "core/grant.h"

static struct cardea_status gone(struct cardea_status s)
{
    return s.code == CARDEA_E_NOT_FOUND ? CARDEA_FAIL(E_INVALID_TOKEN) : s;
}

struct cardea_status refresh_load(struct refresh *r, const struct flow *f)
{
    struct session_record session;
    struct user_record user;
    struct cardea_status s = flow_session_get(f, r->presented.sid, &session);
    if (cardea_ok(s))
        s = f->ops->user_get(f->tx, session.user, &user);
    if (!cardea_ok(s))
        return gone(s);
    const struct app *app = settings_app(f->settings, view_text(session.app), NULL);
    if (app == NULL || (app->carrier != CARRIER_BODY && app->carrier != CARRIER_TOKEN_COOKIES))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    if (session.kind != SESSION_TOKEN || user.status != USER_ACTIVE || session.epoch != user.epoch)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    r->app = app;
    r->session = session;
    r->user = user;
    r->denied = false;
    return CARDEA_SUCCESS;
}

static struct cardea_status rotate(struct refresh *r, const struct flow *f)
{
    struct session_record *next = arena_new(f->arena, sizeof *next);
    if (next == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    *next = r->session;
    entropy_fill(f->entropy, next->refresh_nonce, sizeof next->refresh_nonce);
    refresh_token_successor(f->keys, &r->presented, next->refresh_nonce, &r->successor);
    memcpy(next->previous_digest, next->refresh_digest, sizeof next->previous_digest);
    secret_digest(&r->successor.secret, next->refresh_digest);
    next->generation = r->successor.generation;
    next->rotated_at_ms = f->now_ms;
    if (next->last_seen_at_ms < f->now_ms)
        next->last_seen_at_ms = f->now_ms;
    struct cardea_status s = f->ops->session_rotate(f->tx, next, r->session.generation);
    if (!cardea_ok(s))
        return gone(s);
    r->session = *next;
    return change_add(f->changes, (struct change){.kind = CHANGE_SESSION_PUT, .session = next});
}

static struct cardea_status end(struct refresh *r, const struct flow *f, const char *type)
{
    r->denied = true;
    return flow_session_end(f, &r->session, type, VIEW_EMPTY);
}

static struct cardea_status judged(struct refresh *r, const struct flow *f)
{
    struct cardea_status s;
    switch (refresh_judge(&r->session, &r->presented, f->now_ms)) {
    case REFRESH_ROTATE:
        return rotate(r, f);
    case REFRESH_REPEAT:
        s = flow_session_stands(f, r->session.sid);
        if (!cardea_ok(s))
            return gone(s);
        refresh_token_successor(f->keys, &r->presented, r->session.refresh_nonce, &r->successor);
        return CARDEA_SUCCESS;
    case REFRESH_REUSE:
        return end(r, f, AUDIT_refresh_reuse);
    case REFRESH_ROLLBACK:
        return end(r, f, AUDIT_store_rollback);
    case REFRESH_DEAD:
    case REFRESH_UNSET:
        break;
    }
    return CARDEA_FAIL(E_INVALID_TOKEN);
}

struct cardea_status refresh_commit(struct refresh *r, const struct flow *f)
{
    enum { RACES_MAX = 4 };
    struct cardea_status s = judged(r, f);
    /* Another node was faster, where sessions have no locks: what it left decides, as if it had come before us. */
    for (int i = 1; s.code == CARDEA_E_CONFLICT && i < RACES_MAX; i++) {
        s = refresh_load(r, f);
        if (cardea_ok(s))
            s = judged(r, f);
    }
    return s;
}
