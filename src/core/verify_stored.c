/* The slow path of verification: records from the store instead of the table. Every check of verify.c stands here too;
 * what differs is where the record comes from. */
#include "base/secret.h"
#include "base/text.h"
#include "core/verify.h"

static bool store_failed(struct cardea_status s)
{
    enum cardea_class c = cardea_status_class(s);
    return c == CARDEA_CLASS_IO || c == CARDEA_CLASS_RETRY || c == CARDEA_CLASS_INTERNAL;
}

/* A text of the table: percent-encoded, cut never (the room is made for the longest). */
static uint16_t put_text(struct buf *b, const char *text, bool encode)
{
    size_t before = b->len;
    if (encode)
        buf_percent_header(b, view_text(text));
    else
        buf_text(b, text);
    return (uint16_t)(b->len - before);
}

static void table_user_from(const struct user_record *u, struct table_user *out)
{
    out->id = u->id;
    out->epoch = u->epoch;
    out->status = u->status;
    struct buf b = buf_fixed(out->text, sizeof out->text);
    out->username_len = put_text(&b, u->username, true);
    out->email_len = put_text(&b, u->email, true);
    out->name_len = put_text(&b, u->name, true);
    out->roles_len = put_text(&b, u->roles, false);
}

/* The table may have seen a session after its record was last touched. */
static int64_t last_seen_ms(const struct verifier *v, const struct session_record *r)
{
    struct table_session t;
    if (v->table != NULL && table_find_session(v->table, r->sid, &t) == TABLE_HIT &&
        t.last_seen_at_ms > r->last_seen_at_ms)
        return t.last_seen_at_ms;
    return r->last_seen_at_ms;
}

static struct cardea_status user_active(struct store_tx *tx, const struct store_ops *ops, struct user_id id,
                                        struct user_record *out)
{
    struct cardea_status s = ops->user_get(tx, id, out);
    if (cardea_ok(s) && out->status != USER_ACTIVE)
        return CARDEA_FAIL(E_NOT_FOUND);
    return s;
}

struct cardea_status verify_session_stored(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                           struct session_id sid, const struct secret *secret,
                                           struct session_record *ret_session, struct user_record *ret_user)
{
    struct session_record r;
    struct user_record u;
    struct cardea_status s = ops->session_get(tx, sid, &r);
    if (cardea_ok(s))
        s = user_active(tx, ops, r.user, &u);
    if (!cardea_ok(s))
        return store_failed(s) ? s : CARDEA_FAIL(E_INVALID_SESSION);
    /* A token session has no cookie: its digest is zeros and must match nothing. */
    if (secret != NULL && (r.kind != SESSION_COOKIE || !secret_matches(secret, r.secret_digest)))
        return CARDEA_FAIL(E_INVALID_SESSION);
    if (r.epoch != u.epoch)
        return CARDEA_FAIL(E_INVALID_SESSION);
    if (v->table != NULL) {
        struct table_session t;
        if (table_find_session(v->table, sid, &t) == TABLE_REVOKED)
            return CARDEA_FAIL(E_INVALID_SESSION);
    }
    if (v->now_ms >= r.expires_at_ms || (r.idle_ms > 0 && v->now_ms - last_seen_ms(v, &r) >= r.idle_ms))
        return CARDEA_FAIL(E_EXPIRED);
    if (ret_session != NULL)
        *ret_session = r;
    if (ret_user != NULL)
        *ret_user = u;
    return CARDEA_SUCCESS;
}

static void identity_of_session(const struct verifier *v, enum credential_kind kind, const struct session_record *r,
                                const struct user_record *u, struct identity *out)
{
    *out = (struct identity){
        .kind = kind,
        .sid = r->sid,
        .app = settings_app(v->settings, view_text(r->app), NULL),
        .authenticated_at_ms = r->authenticated_at_ms,
        .expires_at_ms = r->expires_at_ms,
    };
    table_user_from(u, &out->user);
}

static struct cardea_status stored_session(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                           struct view text, struct identity *out)
{
    struct session_cookie cookie;
    struct session_record r;
    struct user_record u;
    struct cardea_status s = session_cookie_parse(v->keys, text, &cookie);
    if (cardea_ok(s)) {
        s = verify_session_stored(v, tx, ops, cookie.sid, &cookie.secret, &r, &u);
        secret_wipe(&cookie, sizeof cookie);
    }
    if (!cardea_ok(s))
        return s;
    identity_of_session(v, KIND_SESSION, &r, &u, out);
    return out->app == NULL ? CARDEA_FAIL(E_INVALID_SESSION) : CARDEA_SUCCESS;
}

static struct cardea_status token_read(const struct verifier *v, struct view text, struct access_token *out)
{
    struct view audiences[APPS_MAX];
    struct access_expectation want = {.issuer = view_text(v->settings->public_url), .audiences = audiences};
    for (uint32_t i = 0; i < v->settings->app_count && i < APPS_MAX; i++) {
        const struct app *app = settings_app_at(v->settings, (uint16_t)i);
        if (app != NULL)
            audiences[want.audience_count++] = settings_audience(v->settings, app);
    }
    return access_token_verify(v->keys, text, &want, v->now_ms, out);
}

static struct cardea_status stored_token(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                         struct view text, struct identity *out)
{
    struct access_token token;
    struct cardea_status s = token_read(v, text, &token);
    if (!cardea_ok(s))
        return s;
    const struct access_claims *c = &token.claims;
    const struct app *app = settings_app(v->settings, view_text(c->client_id), NULL);
    /* The audience must be the one of the app that the token names, not just any of ours. */
    if (app == NULL || !view_equal(view_text(c->audience), settings_audience(v->settings, app)))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    if (v->table != NULL && table_find_token(v->table, c->jti) != TABLE_MISS)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    struct session_record r;
    struct user_record u;
    s = verify_session_stored(v, tx, ops, c->sid, NULL, &r, &u);
    if (!cardea_ok(s))
        return store_failed(s) ? s : CARDEA_FAIL(E_INVALID_TOKEN);
    if (!ID_SAME(r.user, c->sub) || c->epoch != u.epoch)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    identity_of_session(v, KIND_TOKEN, &r, &u, out);
    out->app = app;
    out->jti = c->jti;
    out->expires_at_ms = c->exp_s * 1000;
    return CARDEA_SUCCESS;
}

static struct cardea_status key_alive(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                      struct api_key_id id, const struct secret *secret, struct api_key_record *key,
                                      struct user_record *user)
{
    struct cardea_status s = ops->api_key_get(tx, id, key);
    if (cardea_ok(s) && secret != NULL && !secret_matches(secret, key->digest))
        s = CARDEA_FAIL(E_INVALID_KEY);
    if (cardea_ok(s) && key->expires_at_ms != 0 && v->now_ms >= key->expires_at_ms)
        s = CARDEA_FAIL(E_INVALID_KEY);
    if (cardea_ok(s))
        s = user_active(tx, ops, key->user, user);
    return cardea_ok(s) || store_failed(s) ? s : CARDEA_FAIL(E_INVALID_KEY);
}

static struct cardea_status stored_key(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                       struct view text, struct identity *out)
{
    struct api_key key;
    struct api_key_record r;
    struct user_record u;
    struct cardea_status s = api_key_parse(v->keys, text, &key);
    if (cardea_ok(s)) {
        s = key_alive(v, tx, ops, key.id, &key.secret, &r, &u);
        secret_wipe(&key, sizeof key);
    }
    if (!cardea_ok(s))
        return s;
    *out = (struct identity){.kind = KIND_KEY, .key = r.id, .expires_at_ms = r.expires_at_ms};
    out->scopes_len = (uint16_t)strlen(r.scopes);
    memcpy(out->scopes, r.scopes, out->scopes_len);
    table_user_from(&u, &out->user);
    return CARDEA_SUCCESS;
}

enum verify_answer verify_stored(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                 enum credential_kind kind, struct view text, struct identity *out,
                                 struct cardea_status *ret_why)
{
    struct cardea_status s = CARDEA_FAIL(E_UNAUTHENTICATED);
    if (kind == KIND_SESSION)
        s = stored_session(v, tx, ops, text, out);
    else if (kind == KIND_TOKEN)
        s = stored_token(v, tx, ops, text, out);
    else if (kind == KIND_KEY)
        s = stored_key(v, tx, ops, text, out);
    if (cardea_ok(s))
        return VERIFY_YES;
    *ret_why = s;
    return store_failed(s) ? VERIFY_UNKNOWN : VERIFY_NO;
}

struct cardea_status verify_again(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                  const struct identity *who, struct session_record *ret_session,
                                  struct user_record *ret_user)
{
    struct session_record session = {0};
    struct user_record user;
    struct api_key_record key;
    struct cardea_status s;
    if (who->kind == KIND_KEY) {
        s = key_alive(v, tx, ops, who->key, NULL, &key, &user);
    } else {
        s = verify_session_stored(v, tx, ops, who->sid, NULL, &session, &user);
        if (cardea_ok(s) && (user.epoch != who->user.epoch || !ID_SAME(session.user, who->user.id)))
            s = CARDEA_FAIL(E_INVALID_SESSION);
        if (cardea_ok(s) && who->kind == KIND_TOKEN && v->table != NULL &&
            table_find_token(v->table, who->jti) == TABLE_REVOKED)
            s = CARDEA_FAIL(E_INVALID_TOKEN);
    }
    if (!cardea_ok(s)) {
        if (!store_failed(s) && who->kind == KIND_TOKEN)
            return CARDEA_FAIL(E_INVALID_TOKEN);
        return s;
    }
    if (ret_session != NULL)
        *ret_session = session;
    if (ret_user != NULL)
        *ret_user = user;
    return CARDEA_SUCCESS;
}
