#include "core/login.h"

enum { DETAIL_ROOM = 160 };

void login_name(struct login *l, const struct settings *s)
{
    char user[USERNAME_MAX + 1];
    l->name[0] = '\0';
    if (cardea_ok(username_canonical(l->typed, user)))
        view_copy(view_text(user), l->name, sizeof l->name);
    else if (!s->login_by_email || !cardea_ok(email_canonical(l->typed, l->name)))
        l->name[0] = '\0';
}

/* May it be an e-mail address? User names may hold an @ too. */
static bool is_address(const struct login *l, const struct settings *s)
{
    return s->login_by_email && view_has(l->typed, '@');
}

/* A login by e-mail of a known user counts for that user's name, so that two names do not make two goes. */
static struct guess_subject subject(const struct login *l)
{
    return (struct guess_subject){
        .username = view_text(l->found ? l->user.username : l->name),
        .device = l->found && l->has_device && ID_SAME(l->device, l->user.id) ? &l->device : NULL,
        .address = l->address,
    };
}

struct cardea_status login_check(const struct login *l, struct guess *g, const struct settings *s, int64_t now_ms,
                                 int64_t *ret_wait_ms)
{
    struct guess_subject who = subject(l);
    /* Whose device it is turns out with the user: until then the cookie alone opens no lane and closes none. Whose
     * address it is does so too, and to refuse those here that nobody has would tell them from the others. */
    bool later = l->has_device || is_address(l, s);
    return later ? CARDEA_SUCCESS : guess_check(g, s, &who, now_ms, ret_wait_ms);
}

struct cardea_status login_find(struct login *l, const struct settings *s, struct store_tx *tx,
                                const struct store_ops *ops)
{
    struct cardea_status status = CARDEA_FAIL(E_NOT_FOUND);
    char canonical[EMAIL_MAX + 1];
    l->found = false;
    /* A verified address is its owner's; a user name that looks like it is whoever's that took it. */
    if (is_address(l, s) && cardea_ok(email_canonical(l->typed, canonical)))
        status = ops->user_find_email(tx, view_text(canonical), &l->user);
    if (status.code == CARDEA_E_NOT_FOUND && cardea_ok(username_canonical(l->typed, canonical)))
        status = ops->user_find(tx, view_text(canonical), &l->user);
    l->found = cardea_ok(status);
    return status.code == CARDEA_E_NOT_FOUND ? CARDEA_SUCCESS : status;
}

struct cardea_status login_prove(struct login *l, struct guess *g, const struct settings *s, int64_t now_ms,
                                 int64_t *ret_wait_ms)
{
    struct guess_subject who = subject(l);
    return proof_make(g, s, &who, l->found ? &l->user : NULL, l->password, now_ms, &l->proof, ret_wait_ms);
}

static bool same_hash(const struct user_record *a, const struct user_record *b)
{
    return strcmp(a->password_hash, b->password_hash) == 0;
}

/* Another hash of the same password, by a login beside this one: a new password changes the record's own times, too. */
static bool only_renewed(const struct user_record *there, const struct user_record *proven, const struct proof *proof)
{
    return there->epoch == proof->epoch && there->updated_at_ms == proven->updated_at_ms;
}

/* The user as proven: still active, still that password. */
static struct cardea_status user_again(const struct flow *f, const struct user_record *proven,
                                       const struct proof *proof, struct user_record *out)
{
    struct cardea_status s = f->ops->user_get(f->tx, proven->id, out);
    if (s.code == CARDEA_E_NOT_FOUND)
        return CARDEA_FAIL(E_INVALID_CREDENTIALS);
    if (!cardea_ok(s))
        return s;
    if (out->status != USER_ACTIVE || (!same_hash(out, proven) && !only_renewed(out, proven, proof)))
        return CARDEA_FAIL(E_INVALID_CREDENTIALS);
    return CARDEA_SUCCESS;
}

/* What proves that a session is the browser's own: one of these. */
struct old_proof {
    const struct secret *cookie, *refresh;
    const struct user_id *sealed_for;
};

static struct cardea_status end_old(const struct flow *f, struct session_id sid, struct old_proof proof)
{
    struct session_record *r = arena_new(f->arena, sizeof *r);
    if (r == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = flow_session_to_end(f, sid, r);
    if (s.code == CARDEA_E_NOT_FOUND)
        return CARDEA_SUCCESS;
    if (!cardea_ok(s))
        return s;
    bool own = false;
    if (proof.cookie != NULL)
        own = r->kind == SESSION_COOKIE && secret_matches(proof.cookie, r->secret_digest);
    if (proof.sealed_for != NULL)
        own = r->kind == SESSION_SEALED && ID_SAME(r->user, *proof.sealed_for);
    if (proof.refresh != NULL)
        own = r->kind == SESSION_TOKEN &&
              (secret_matches(proof.refresh, r->refresh_digest) || secret_matches(proof.refresh, r->previous_digest));
    return own ? flow_session_end(f, r, AUDIT_logout, VIEW("{\"reason\":\"login\"}")) : CARDEA_SUCCESS;
}

static struct cardea_status end_presented(const struct login *l, const struct flow *f)
{
    struct cardea_status s = CARDEA_SUCCESS;
    if (l->has_old_session)
        s = end_old(f, l->old_session.sid, (struct old_proof){.cookie = &l->old_session.secret});
    if (cardea_ok(s) && l->has_old_sealed)
        s = end_old(f, l->old_sealed.sid, (struct old_proof){.sealed_for = &l->old_sealed.sub});
    if (cardea_ok(s) && l->has_old_refresh)
        s = end_old(f, l->old_refresh.sid, (struct old_proof){.refresh = &l->old_refresh.secret});
    return s;
}

static struct view app_detail(const struct flow *f, const struct app *app)
{
    char *room = arena_new(f->arena, DETAIL_ROOM);
    struct buf b = buf_fixed(room, room == NULL ? 0 : DETAIL_ROOM);
    /* Names of apps are checked by the configuration: nothing in them needs escaping. */
    buf_text(&b, "{\"app\":\"");
    buf_text(&b, app->name);
    buf_text(&b, "\"}");
    return buf_ok(&b) ? buf_view(&b) : VIEW_EMPTY;
}

struct cardea_status login_commit(struct login *l, const struct flow *f)
{
    struct user_record user;
    struct cardea_status s = user_again(f, &l->user, &l->proof, &user);
    if (cardea_ok(s))
        s = end_presented(l, f);
    if (!cardea_ok(s))
        return s;
    user.last_login_at_ms = f->now_ms;
    if (l->proof.renewed[0] != '\0' && same_hash(&user, &l->user))
        memcpy(user.password_hash, l->proof.renewed, sizeof l->proof.renewed);
    s = flow_user_put(f, &user);
    if (cardea_ok(s))
        s = grant_session(f, &(struct grant_request){l->app, &user, l->remember}, &l->grant);
    if (cardea_ok(s))
        s = flow_event(f, AUDIT_login, &user.id, &l->grant.session.sid, app_detail(f, l->app), NULL);
    if (cardea_ok(s)) {
        /* What was proven stays as it was, so that the same commit can run again. */
        l->user.last_login_at_ms = user.last_login_at_ms;
        l->user.epoch = user.epoch;
        memcpy(l->user.roles, user.roles, sizeof user.roles);
    }
    return s;
}

struct cardea_status stepup_prove(struct stepup *u, struct guess *g, const struct settings *s, struct address address,
                                  int64_t now_ms, int64_t *ret_wait_ms)
{
    /* Whoever holds the session counts as a known device: guesses from outside do not stop the owner here, nor the
     * other way round. */
    struct guess_subject who = {.username = view_text(u->user.username), .device = &u->user.id, .address = address};
    struct cardea_status result = proof_make(g, s, &who, &u->user, u->password, now_ms, &u->proof, ret_wait_ms);
    if (!cardea_ok(result) || u->new_password.ptr == NULL)
        return result;
    result =
        password_acceptable(u->new_password, view_text(u->user.username), view_text(u->user.email), &u->weak_reason);
    if (cardea_ok(result))
        result = argon2_hash(u->new_password, s->argon2, u->new_hash, sizeof u->new_hash);
    return result;
}

static struct cardea_status change_password(struct stepup *u, const struct flow *f, struct user_record *user)
{
    memcpy(user->password_hash, u->new_hash, sizeof u->new_hash);
    user->updated_at_ms = f->now_ms;
    return flow_epoch_advance(f, user, AUDIT_password_changed, &u->session.sid, VIEW_EMPTY);
}

static struct cardea_status step_up(struct stepup *u, const struct flow *f, struct user_record *user)
{
    struct cardea_status s = CARDEA_SUCCESS;
    if (u->proof.renewed[0] != '\0' && same_hash(user, &u->user)) {
        memcpy(user->password_hash, u->proof.renewed, sizeof u->proof.renewed);
        s = flow_user_put(f, user);
    }
    return cardea_ok(s) ? flow_session_end(f, &u->session, AUDIT_reauthenticated, VIEW_EMPTY) : s;
}

struct cardea_status stepup_commit(struct stepup *u, const struct flow *f)
{
    struct user_record user;
    struct session_record session;
    struct cardea_status s = user_again(f, &u->user, &u->proof, &user);
    if (cardea_ok(s))
        s = f->ops->session_get(f->tx, u->session.sid, &session);
    if (s.code == CARDEA_E_NOT_FOUND)
        return CARDEA_FAIL(E_INVALID_SESSION);
    if (!cardea_ok(s))
        return s;
    s = u->new_password.ptr != NULL ? change_password(u, f, &user) : step_up(u, f, &user);
    if (cardea_ok(s))
        s = grant_session(f, &(struct grant_request){u->app, &user, session.remember}, &u->grant);
    if (cardea_ok(s)) {
        u->user.epoch = user.epoch;
        u->user.updated_at_ms = user.updated_at_ms;
    }
    return s;
}
