#include "core/verify.h"

#include "base/secret.h"
#include "core/verify_token.h"

static enum verify_answer no(struct cardea_status *ret_why, enum cardea_code code)
{
    *ret_why = cardea_status(code);
    return VERIFY_NO;
}

static enum verify_answer unknown(struct cardea_status *ret_why)
{
    *ret_why = CARDEA_FAIL(E_NOT_FOUND);
    return VERIFY_UNKNOWN;
}

/* May the table be believed at this moment? *ret_cleared is for settled. */
static bool usable(const struct verifier *v, uint64_t *ret_cleared, struct cardea_status *ret_why)
{
    *ret_why = v->table == NULL ? CARDEA_FAIL(E_NOT_FOUND) : CARDEA_FAIL(E_UNAVAILABLE);
    if (v->table == NULL)
        return false;
    *ret_cleared = table_cleared(v->table);
    return table_valid(v->table, v->boot_ms);
}

/* A yes rests on what was not found: it counts only where the table was not emptied between the first look and here. */
static enum verify_answer settled(const struct verifier *v, uint64_t cleared, enum verify_answer answer,
                                  struct cardea_status *ret_why)
{
    if (answer != VERIFY_YES || table_cleared(v->table) == cleared)
        return answer;
    *ret_why = CARDEA_FAIL(E_UNAVAILABLE);
    return VERIFY_UNKNOWN;
}

/* The user behind a credential. refusal: what a dead one is called for this kind. */
static enum verify_answer check_user(const struct verifier *v, struct user_id id, uint32_t hint,
                                     enum cardea_code refusal, struct table_user *out, struct cardea_status *ret_why)
{
    switch (table_find_user(v->table, id, hint, out)) {
    case TABLE_HIT:
        return out->status == USER_ACTIVE ? VERIFY_YES : no(ret_why, refusal);
    case TABLE_REVOKED:
        return no(ret_why, refusal);
    default:
        return unknown(ret_why);
    }
}

/* The same, for a credential that carries an epoch. Whatever ends logins moves it on, a suspension too: so one of the
 * suspended user's own epoch, or of a later one, was made after a change that has not come here yet. */
static enum verify_answer check_user_at(const struct verifier *v, struct user_id id, uint32_t hint, int64_t epoch,
                                        enum cardea_code refusal, struct table_user *out, struct cardea_status *ret_why)
{
    switch (table_find_user(v->table, id, hint, out)) {
    case TABLE_HIT:
        if (epoch < out->epoch)
            return no(ret_why, refusal);
        return epoch == out->epoch && out->status == USER_ACTIVE ? VERIFY_YES : unknown(ret_why);
    case TABLE_REVOKED:
        return no(ret_why, refusal);
    default:
        return unknown(ret_why);
    }
}

static enum verify_answer check_session(const struct verifier *v, const struct session_cookie *c, struct identity *out,
                                        struct cardea_status *ret_why)
{
    struct table_session s;
    uint8_t digest[32];
    table_prefetch_session(v->table, c->sid);
    secret_digest(&c->secret, digest);
    switch (table_find_session(v->table, c->sid, &s)) {
    case TABLE_HIT:
        break;
    case TABLE_REVOKED:
        return no(ret_why, CARDEA_E_INVALID_SESSION);
    default:
        return unknown(ret_why);
    }
    const struct app *app = settings_app_at(v->settings, s.app);
    if (!secret_equal(digest, s.secret_digest, sizeof digest) || s.kind != SESSION_COOKIE || app == NULL)
        return no(ret_why, CARDEA_E_INVALID_SESSION);
    if (v->now_ms >= s.expires_at_ms)
        return no(ret_why, CARDEA_E_EXPIRED);
    enum verify_answer answer =
        check_user_at(v, s.user, s.user_hint, s.epoch, CARDEA_E_INVALID_SESSION, &out->user, ret_why);
    if (answer != VERIFY_YES)
        return answer;
    if (s.idle_ms > 0 && v->now_ms - s.last_seen_at_ms >= s.idle_ms)
        return unknown(ret_why);
    table_session_seen(v->table, &s, v->now_ms);
    out->kind = KIND_SESSION;
    out->sid = s.sid;
    out->key = (struct api_key_id){0};
    out->jti = (struct token_id){0};
    out->app = app;
    out->audience = VIEW_EMPTY;
    out->authenticated_at_ms = s.authenticated_at_ms;
    out->expires_at_ms = s.expires_at_ms;
    out->scopes_len = 0;
    return VERIFY_YES;
}

enum verify_answer verify_session(const struct verifier *v, struct view cookie, struct identity *out,
                                  struct cardea_status *ret_why)
{
    struct session_cookie c;
    if (!cardea_ok(session_cookie_parse(v->keys, cookie, &c)))
        return no(ret_why, CARDEA_E_INVALID_SESSION);
    uint64_t cleared;
    enum verify_answer answer = VERIFY_UNKNOWN;
    if (usable(v, &cleared, ret_why))
        answer = settled(v, cleared, check_session(v, &c, out, ret_why), ret_why);
    secret_wipe(&c.secret, sizeof c.secret);
    return answer;
}

/* The session behind a credential that proves itself: it must not be among the dead. */
static enum verify_answer check_ended(const struct verifier *v, struct session_id sid, enum cardea_code refusal,
                                      struct table_session *session, bool *ret_found, struct cardea_status *ret_why)
{
    switch (table_find_session(v->table, sid, session)) {
    case TABLE_HIT:
        *ret_found = true;
        return v->now_ms < session->expires_at_ms ? VERIFY_YES : no(ret_why, CARDEA_E_EXPIRED);
    case TABLE_MISS: /* not revoked, which is what was asked */
        *ret_found = false;
        return VERIFY_YES;
    case TABLE_REVOKED:
        return no(ret_why, refusal);
    default:
        return unknown(ret_why);
    }
}

/* Neither the token nor its session may be among the dead. */
static enum verify_answer check_revocation(const struct verifier *v, const struct proven_token *t,
                                           struct table_session *session, bool *ret_found,
                                           struct cardea_status *ret_why)
{
    table_prefetch_session(v->table, t->sid);
    switch (table_find_token(v->table, t->jti)) {
    case TABLE_MISS:
        return check_ended(v, t->sid, CARDEA_E_INVALID_TOKEN, session, ret_found, ret_why);
    case TABLE_REVOKED:
        return no(ret_why, CARDEA_E_INVALID_TOKEN);
    default:
        return unknown(ret_why);
    }
}

/* A live record, and this token's: "not revoked" is not enough. What is not here, or looks idle, the store knows. */
static enum verify_answer check_live(const struct verifier *v, const struct proven_token *t,
                                     const struct table_session *s, bool found, struct cardea_status *ret_why)
{
    if (!found)
        return unknown(ret_why);
    if (s->kind != SESSION_TOKEN || s->epoch != t->epoch || !ID_SAME(s->user, t->sub))
        return no(ret_why, CARDEA_E_INVALID_TOKEN);
    return s->idle_ms > 0 && v->now_ms - s->last_seen_at_ms >= s->idle_ms ? unknown(ret_why) : VERIFY_YES;
}

enum verify_answer verify_token(const struct verifier *v, struct view token, struct identity *out,
                                struct cardea_status *ret_why)
{
    struct proven_token t;
    struct table_session session;
    bool found = false;
    struct cardea_status status = token_prove(v, token, &t);
    if (!cardea_ok(status)) {
        *ret_why = unproven(v, status);
        return cardea_status_class(*ret_why) == CARDEA_CLASS_RETRY ? VERIFY_UNKNOWN : VERIFY_NO;
    }
    uint64_t cleared;
    if (!usable(v, &cleared, ret_why))
        return VERIFY_UNKNOWN;
    enum verify_answer answer = check_revocation(v, &t, &session, &found, ret_why);
    if (answer == VERIFY_YES && v->settings->apps[t.app].live)
        answer = check_live(v, &t, &session, found, ret_why);
    if (answer != VERIFY_YES)
        return answer;
    answer =
        check_user_at(v, t.sub, found ? session.user_hint : 0, t.epoch, CARDEA_E_INVALID_TOKEN, &out->user, ret_why);
    answer = settled(v, cleared, answer, ret_why);
    if (answer != VERIFY_YES)
        return answer;
    token_identity(v, &t, out);
    if (found) {
        out->authenticated_at_ms = session.authenticated_at_ms;
        table_session_seen(v->table, &session, v->now_ms);
    }
    return VERIFY_YES;
}

enum verify_answer verify_token_alone(const struct verifier *v, struct view token, struct identity *out,
                                      struct cardea_status *ret_why)
{
    struct proven_token t;
    *ret_why = unproven(v, token_prove(v, token, &t));
    if (!cardea_ok(*ret_why))
        return cardea_status_class(*ret_why) == CARDEA_CLASS_RETRY ? VERIFY_UNKNOWN : VERIFY_NO;
    if (v->settings->apps[t.app].live)
        return no(ret_why, CARDEA_E_FORBIDDEN);
    out->user.id = t.sub;
    out->user.epoch = t.epoch;
    out->user.status = USER_ACTIVE; /* as far as the token knows */
    out->user.username_len = out->user.email_len = out->user.name_len = out->user.roles_len = 0;
    token_identity(v, &t, out);
    return VERIFY_YES;
}

static enum verify_answer check_key(const struct verifier *v, const struct api_key *key, struct identity *out,
                                    struct cardea_status *ret_why)
{
    struct table_api_key k;
    uint8_t digest[32];
    secret_digest(&key->secret, digest);
    switch (table_find_api_key(v->table, key->id, &k)) {
    case TABLE_HIT:
        break;
    case TABLE_REVOKED:
        return no(ret_why, CARDEA_E_INVALID_KEY);
    default:
        return unknown(ret_why);
    }
    if (!secret_equal(digest, k.digest, sizeof digest))
        return no(ret_why, CARDEA_E_INVALID_KEY);
    if (v->now_ms >= k.expires_at_ms)
        return no(ret_why, CARDEA_E_EXPIRED);
    enum verify_answer answer = check_user(v, k.user, k.user_hint, CARDEA_E_INVALID_KEY, &out->user, ret_why);
    if (answer != VERIFY_YES)
        return answer;
    out->kind = KIND_KEY;
    out->sid = (struct session_id){0};
    out->key = k.id;
    out->jti = (struct token_id){0};
    out->app = NULL;
    out->audience = VIEW_EMPTY;
    out->authenticated_at_ms = 0;
    out->expires_at_ms = k.expires_at_ms;
    out->scopes_len = k.scopes_len;
    memcpy(out->scopes, k.scopes, k.scopes_len);
    return VERIFY_YES;
}

enum verify_answer verify_key(const struct verifier *v, struct view key, struct identity *out,
                              struct cardea_status *ret_why)
{
    struct api_key k;
    if (!cardea_ok(api_key_parse(v->keys, key, &k)))
        return no(ret_why, CARDEA_E_INVALID_KEY);
    uint64_t cleared;
    enum verify_answer answer = VERIFY_UNKNOWN;
    if (usable(v, &cleared, ret_why))
        answer = settled(v, cleared, check_key(v, &k, out, ret_why), ret_why);
    secret_wipe(&k.secret, sizeof k.secret);
    return answer;
}

enum verify_answer verify_sealed(const struct verifier *v, struct view text, struct identity *out,
                                 struct cardea_status *ret_why)
{
    struct sealed_session s;
    struct table_session session;
    uint16_t app;
    bool found = false;
    *ret_why = sealed_prove(v, text, &s, &app);
    if (!cardea_ok(*ret_why)) {
        *ret_why = unproven(v, *ret_why);
        return cardea_status_class(*ret_why) == CARDEA_CLASS_RETRY ? VERIFY_UNKNOWN : VERIFY_NO;
    }
    uint64_t cleared;
    if (!usable(v, &cleared, ret_why))
        return VERIFY_UNKNOWN;
    enum verify_answer answer = check_ended(v, s.sid, CARDEA_E_INVALID_SESSION, &session, &found, ret_why);
    if (answer == VERIFY_YES)
        answer = check_user_at(v, s.sub, found ? session.user_hint : 0, s.epoch, CARDEA_E_INVALID_SESSION, &out->user,
                               ret_why);
    answer = settled(v, cleared, answer, ret_why);
    if (answer != VERIFY_YES)
        return answer;
    sealed_identity(v, &s, app, out);
    if (found) {
        out->authenticated_at_ms = session.authenticated_at_ms;
        table_session_seen(v->table, &session, v->now_ms);
    }
    return VERIFY_YES;
}

enum verify_answer verify_credential(const struct verifier *v, enum credential_kind kind, struct view text,
                                     struct identity *out, struct cardea_status *ret_why)
{
    switch (kind) {
    case KIND_SESSION:
        return verify_session(v, text, out, ret_why);
    case KIND_TOKEN:
        return verify_token(v, text, out, ret_why);
    case KIND_KEY:
        return verify_key(v, text, out, ret_why);
    case KIND_SEALED:
        return verify_sealed(v, text, out, ret_why);
    case KIND_UNSET:
        break;
    }
    return no(ret_why, CARDEA_E_UNAUTHENTICATED);
}
