#include "core/flow.h"

enum { SESSIONS_SWEPT_MAX = 64 };

static int64_t longest_credential_ms(const struct settings *s)
{
    int64_t longest = 0;
    for (uint32_t i = 0; i < s->app_count; i++) {
        if (s->apps[i].absolute_ms > longest)
            longest = s->apps[i].absolute_ms;
        if (s->apps[i].access_ms > longest)
            longest = s->apps[i].access_ms;
    }
    return longest;
}

static void put_actor(const struct flow *f, const struct user_id *subject, char *out, size_t cap)
{
    struct buf b = buf_fixed(out, cap);
    if (f->actor.len > 0)
        buf_put(&b, f->actor);
    else if (subject != NULL)
        buf_user_id(&b, *subject);
    else
        buf_text(&b, "system");
    buf_terminate(&b);
}

struct cardea_status flow_event(const struct flow *f, const char *type, const struct user_id *subject,
                                const struct session_id *sid, struct view detail, const struct revocation *revocation)
{
    struct event *e = arena_new(f->arena, sizeof *e);
    if (e == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    if (!view_copy(view_text(type), e->type, sizeof e->type))
        return CARDEA_FAIL(E_INTERNAL);
    e->at_ms = f->now_ms;
    put_actor(f, subject, e->actor, sizeof e->actor);
    if (subject != NULL)
        e->subject = *subject;
    if (sid != NULL)
        e->sid = *sid;
    e->ip = f->client;
    view_copy(f->request_id, e->request_id, sizeof e->request_id);
    if (detail.len == 0 || !view_copy(detail, e->detail, sizeof e->detail))
        view_copy(VIEW("{}"), e->detail, sizeof e->detail);
    e->revocation = revocation != NULL ? *revocation : (struct revocation){.kind = REVOCATION_NONE};
    struct cardea_status s = f->ops->event_append(f->tx, e);
    if (cardea_ok(s))
        f->changes->n = e->n;
    if (cardea_ok(s) && e->revocation.kind != REVOCATION_NONE)
        s = change_add_event(f->changes, e);
    return s;
}

void session_freshen(const struct table *table, struct session_record *s)
{
    struct table_session t;
    if (table != NULL && table_find_session(table, s->sid, &t) == TABLE_HIT && t.last_seen_at_ms > s->last_seen_at_ms)
        s->last_seen_at_ms = t.last_seen_at_ms;
}

struct cardea_status flow_session_get(const struct flow *f, struct session_id sid, struct session_record *out)
{
    struct cardea_status s = f->ops->session_get(f->tx, sid, out);
    if (cardea_ok(s))
        session_freshen(f->table, out);
    return s;
}

/* OK: no end of it stands in the accounts, nor is known here. */
static struct cardea_status not_ended(const struct flow *f, struct session_id sid, enum table_answer known)
{
    uint8_t id[32] = {0};
    if (known == TABLE_REVOKED)
        return CARDEA_FAIL(E_NOT_FOUND);
    memcpy(id, sid.bytes, sizeof sid.bytes);
    struct cardea_status s = f->ops->revocation_find(f->tx, REVOCATION_SESSION, id);
    if (cardea_ok(s))
        return CARDEA_FAIL(E_NOT_FOUND);
    return s.code == CARDEA_E_NOT_FOUND ? CARDEA_SUCCESS : s;
}

static enum table_answer remembered(const struct flow *f, struct session_id sid, struct table_session *out)
{
    return f->table == NULL ? TABLE_MISS : table_find_session(f->table, sid, out);
}

struct cardea_status flow_session_to_end(const struct flow *f, struct session_id sid, struct session_record *out)
{
    struct table_session t;
    struct cardea_status s = flow_session_get(f, sid, out);
    if (s.code != CARDEA_E_NOT_FOUND || !f->ops->sessions_apart)
        return s;
    enum table_answer known = remembered(f, sid, &t);
    if (known != TABLE_HIT || t.app >= f->settings->app_count)
        return s;
    struct cardea_status standing = not_ended(f, sid, known);
    if (!cardea_ok(standing))
        return standing;
    *out = (struct session_record){
        .sid = sid,
        .user = t.user,
        .epoch = t.epoch,
        .kind = t.kind,
        .remember = t.remember,
        .created_at_ms = t.created_at_ms,
        .authenticated_at_ms = t.authenticated_at_ms,
        .last_seen_at_ms = t.last_seen_at_ms,
        .expires_at_ms = t.expires_at_ms,
        .idle_ms = t.idle_ms,
    };
    memcpy(out->secret_digest, t.secret_digest, sizeof out->secret_digest);
    memcpy(out->app, f->settings->apps[t.app].name, sizeof out->app);
    return CARDEA_SUCCESS;
}

struct cardea_status flow_session_lost(const struct flow *f, struct session_id sid, struct session_record *out)
{
    struct table_session t;
    if (!f->ops->sessions_apart)
        return CARDEA_FAIL(E_NOT_FOUND);
    struct cardea_status s = not_ended(f, sid, remembered(f, sid, &t));
    if (!cardea_ok(s))
        return s;
    *out = (struct session_record){
        .sid = sid,
        .kind = SESSION_COOKIE,
        .expires_at_ms = f->now_ms + longest_credential_ms(f->settings),
    };
    return s;
}

struct cardea_status flow_session_stands(const struct flow *f, struct session_id sid)
{
    struct session_record *again = arena_new(f->arena, sizeof *again);
    return again == NULL ? CARDEA_FAIL(E_TOO_LARGE) : f->ops->session_get(f->tx, sid, again);
}

struct cardea_status flow_user_put(const struct flow *f, const struct user_record *u)
{
    struct user_record *kept = arena_new(f->arena, sizeof *kept);
    if (kept == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    *kept = *u;
    struct cardea_status s = f->ops->user_put(f->tx, kept);
    if (!cardea_ok(s))
        return s;
    return change_add(f->changes, (struct change){.kind = CHANGE_USER_PUT, .user = kept});
}

struct revocation flow_user_revocation(const struct flow *f, const struct user_record *u)
{
    struct revocation r = {
        .kind = REVOCATION_USER,
        .epoch = u->epoch,
        .until_ms = f->now_ms + longest_credential_ms(f->settings) + REVOCATION_SLACK_MS,
    };
    memcpy(r.id, u->id.bytes, sizeof u->id.bytes);
    return r;
}

struct cardea_status flow_epoch_advance(const struct flow *f, struct user_record *u, const char *type,
                                        const struct session_id *sid, struct view detail)
{
    struct user_record next = *u;
    next.epoch++;
    struct cardea_status s = flow_user_put(f, &next);
    if (!cardea_ok(s))
        return s;
    struct revocation r = flow_user_revocation(f, &next);
    s = flow_event(f, type, &next.id, sid, detail, &r);
    if (!cardea_ok(s))
        return s;
    /* They are dead by their epoch already; removing some here keeps listings short, the sweeper takes the rest. */
    uint32_t removed;
    s = f->ops->session_delete_below(f->tx, next.id, next.epoch, SESSIONS_SWEPT_MAX, &removed);
    if (cardea_ok(s))
        *u = next;
    return s;
}

struct cardea_status flow_session_end(const struct flow *f, const struct session_record *r, const char *type,
                                      struct view detail)
{
    static const struct user_id nobody;
    const struct user_id *subject = ID_SAME(r->user, nobody) ? NULL : &r->user;
    struct revocation revocation = {
        .kind = REVOCATION_SESSION,
        .until_ms = r->expires_at_ms + REVOCATION_SLACK_MS,
    };
    memcpy(revocation.id, r->sid.bytes, sizeof r->sid.bytes);
    /* Where nodes share the accounts this waits for a refresh at another node, which holds the user's record, so that
     * nothing is minted after the end. A user that is gone has no refresh under way. */
    struct user_record *held = arena_new(f->arena, sizeof *held);
    if (held == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = f->ops->user_get(f->tx, r->user, held);
    if (!cardea_ok(s) && s.code != CARDEA_E_NOT_FOUND)
        return s;
    s = f->ops->session_delete(f->tx, r->sid);
    if (!cardea_ok(s) && s.code != CARDEA_E_NOT_FOUND)
        return s;
    s = flow_event(f, type, subject, &r->sid, detail, &revocation);
    if (!cardea_ok(s))
        return s;
    return change_add(f->changes, (struct change){.kind = CHANGE_SESSION_END, .revocation = revocation});
}
