/* The slow path: the checks of verify.c against a store's records. */
#include "base/secret.h"
#include "base/text.h"
#include "core/verify_token.h"

/* A record that is not there is a dead credential; any other failure stays what it is. */
static struct cardea_status absent_is(struct cardea_status s, enum cardea_code refusal)
{
    return s.code == CARDEA_E_NOT_FOUND ? cardea_status(refusal) : s;
}

static struct cardea_status stored_user(struct store_tx *tx, const struct store_ops *ops, struct user_id id,
                                        enum cardea_code refusal, struct user_record *out)
{
    struct cardea_status s = ops->user_get(tx, id, out);
    if (!cardea_ok(s))
        return absent_is(s, refusal);
    return out->status == USER_ACTIVE ? CARDEA_SUCCESS : cardea_status(refusal);
}

/* Dead by time, or ended as the table knows already? The later of the two last-seen times counts: what was seen is
 * written to the store with some delay. */
static struct cardea_status session_times(const struct verifier *v, const struct session_record *s)
{
    struct table_session t;
    int64_t last_seen_ms = s->last_seen_at_ms;
    enum table_answer answer = v->table == NULL ? TABLE_MISS : table_find_session(v->table, s->sid, &t);
    if (answer == TABLE_REVOKED)
        return CARDEA_FAIL(E_INVALID_SESSION);
    if (answer == TABLE_HIT && t.last_seen_at_ms > last_seen_ms)
        last_seen_ms = t.last_seen_at_ms;
    if (v->now_ms >= s->expires_at_ms || (s->idle_ms > 0 && v->now_ms - last_seen_ms >= s->idle_ms))
        return CARDEA_FAIL(E_EXPIRED);
    return CARDEA_SUCCESS;
}

struct cardea_status verify_session_stored(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                           struct session_id sid, const struct secret *secret,
                                           struct session_record *ret_session, struct user_record *ret_user)
{
    struct session_record session;
    struct user_record user;
    struct cardea_status s = ops->session_get(tx, sid, &session);
    if (!cardea_ok(s))
        return absent_is(s, CARDEA_E_INVALID_SESSION);
    /* A token's session has no cookie: its digest is zeros and must match nothing. */
    if (secret != NULL && (session.kind != SESSION_COOKIE || !secret_matches(secret, session.secret_digest)))
        return CARDEA_FAIL(E_INVALID_SESSION);
    if (settings_app(v->settings, view_text(session.app), NULL) == NULL)
        return CARDEA_FAIL(E_INVALID_SESSION);
    s = session_times(v, &session);
    if (!cardea_ok(s))
        return s;
    s = stored_user(tx, ops, session.user, CARDEA_E_INVALID_SESSION, &user);
    if (!cardea_ok(s))
        return s;
    if (session.epoch != user.epoch)
        return CARDEA_FAIL(E_INVALID_SESSION);
    if (ret_session != NULL)
        *ret_session = session;
    if (ret_user != NULL)
        *ret_user = user;
    return CARDEA_SUCCESS;
}

static struct cardea_status stored_key(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                       struct api_key_id id, const struct secret *secret,
                                       struct api_key_record *ret_key, struct user_record *ret_user)
{
    struct table_api_key t;
    if (v->table != NULL && table_find_api_key(v->table, id, &t) == TABLE_REVOKED)
        return CARDEA_FAIL(E_INVALID_KEY);
    struct cardea_status s = ops->api_key_get(tx, id, ret_key);
    if (!cardea_ok(s))
        return absent_is(s, CARDEA_E_INVALID_KEY);
    if (secret != NULL && !secret_matches(secret, ret_key->digest))
        return CARDEA_FAIL(E_INVALID_KEY);
    if (v->now_ms >= ret_key->expires_at_ms)
        return CARDEA_FAIL(E_EXPIRED);
    return stored_user(tx, ops, ret_key->user, CARDEA_E_INVALID_KEY, ret_user);
}

static void offer(const struct verifier *v, const struct user_record *user, const struct session_record *session,
                  const struct api_key_record *key)
{
    if (v->sink != NULL)
        v->sink->take(v->sink->context, v->sink->mark, user, session, key);
}

static struct cardea_status session_from_store(const struct verifier *v, struct store_tx *tx,
                                               const struct store_ops *ops, struct view text, struct identity *out)
{
    struct session_cookie c;
    struct session_record session;
    struct user_record user;
    struct cardea_status s = session_cookie_parse(v->keys, text, &c);
    if (!cardea_ok(s))
        return s;
    s = verify_session_stored(v, tx, ops, c.sid, &c.secret, &session, &user);
    secret_wipe(&c.secret, sizeof c.secret);
    if (cardea_ok(s))
        s = table_user_from_record(&user, &out->user);
    if (!cardea_ok(s))
        return s;
    out->kind = KIND_SESSION;
    out->sid = session.sid;
    out->key = (struct api_key_id){0};
    out->jti = (struct token_id){0};
    out->app = settings_app(v->settings, view_text(session.app), NULL);
    out->audience = VIEW_EMPTY;
    out->authenticated_at_ms = session.authenticated_at_ms;
    out->expires_at_ms = session.expires_at_ms;
    out->scopes_len = 0;
    offer(v, &user, &session, NULL);
    return CARDEA_SUCCESS;
}

/* What refuses a session refuses its tokens, under their own name. */
static struct cardea_status as_token(struct cardea_status s)
{
    return s.code == CARDEA_E_INVALID_SESSION ? CARDEA_FAIL(E_INVALID_TOKEN) : s;
}

static struct cardea_status not_revoked(struct store_tx *tx, const struct store_ops *ops, enum revocation_kind kind,
                                        const void *id, size_t len, enum cardea_code refusal)
{
    uint8_t whole[32] = {0};
    memcpy(whole, id, len);
    struct cardea_status s = ops->revocation_find(tx, kind, whole);
    if (cardea_ok(s))
        return cardea_status(refusal);
    return s.code == CARDEA_E_NOT_FOUND ? CARDEA_SUCCESS : s;
}

/* Is this one token revoked? Nothing but a leased table's "not here" spares asking. */
static struct cardea_status token_alive(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                        struct token_id jti)
{
    enum table_answer answer = v->table == NULL ? TABLE_UNKNOWN : table_find_token(v->table, jti);
    if (answer == TABLE_REVOKED)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    if (answer == TABLE_MISS && verifier_leased(v))
        return CARDEA_SUCCESS;
    return not_revoked(tx, ops, REVOCATION_TOKEN, jti.bytes, sizeof jti.bytes, CARDEA_E_INVALID_TOKEN);
}

/* The key that proved it may have been dropped since the keyring was read. */
static struct cardea_status key_stands(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                       const struct key_id *kid, enum cardea_code refusal)
{
    return verifier_leased(v) ? CARDEA_SUCCESS
                              : not_revoked(tx, ops, REVOCATION_KEY, kid->bytes, sizeof kid->bytes, refusal);
}

/* A sealed text does not say here which key opened it: all must stand, or nobody can tell. */
struct cardea_status sealed_keys_stand(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops)
{
    struct cardea_status s = CARDEA_SUCCESS;
    for (size_t i = 0; cardea_ok(s) && i < v->keys->sealed.count; i++)
        s = key_stands(v, tx, ops, &v->keys->sealed.keys[i].id, CARDEA_E_BUSY);
    return s;
}

/* Asking for the session's record is stricter than the fast path, and never laxer. */
static struct cardea_status token_from_store(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                             struct view text, struct identity *out)
{
    struct proven_token t;
    struct session_record session;
    struct user_record user;
    struct cardea_status s = unproven(v, token_prove(v, text, &t));
    if (cardea_ok(s))
        s = key_stands(v, tx, ops, &v->keys->access[t.key].id, CARDEA_E_INVALID_TOKEN);
    if (cardea_ok(s))
        s = token_alive(v, tx, ops, t.jti);
    if (cardea_ok(s))
        s = as_token(verify_session_stored(v, tx, ops, t.sid, NULL, &session, &user));
    if (!cardea_ok(s))
        return s;
    if (t.epoch != user.epoch || !ID_SAME(session.user, t.sub))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    s = table_user_from_record(&user, &out->user);
    if (!cardea_ok(s))
        return s;
    token_identity(v, &t, out);
    out->authenticated_at_ms = session.authenticated_at_ms;
    offer(v, &user, &session, NULL);
    return CARDEA_SUCCESS;
}

static struct cardea_status sealed_from_store(const struct verifier *v, struct store_tx *tx,
                                              const struct store_ops *ops, struct view text, struct identity *out)
{
    struct sealed_session t;
    struct session_record session;
    struct user_record user;
    uint16_t app;
    struct cardea_status s = unproven(v, sealed_prove(v, text, &t, &app));
    if (cardea_ok(s))
        s = sealed_keys_stand(v, tx, ops);
    if (cardea_ok(s))
        s = verify_session_stored(v, tx, ops, t.sid, NULL, &session, &user);
    if (!cardea_ok(s))
        return s;
    if (t.epoch != user.epoch || session.kind != SESSION_SEALED || !ID_SAME(session.user, t.sub))
        return CARDEA_FAIL(E_INVALID_SESSION);
    s = table_user_from_record(&user, &out->user);
    if (!cardea_ok(s))
        return s;
    sealed_identity(v, &t, app, out);
    out->authenticated_at_ms = session.authenticated_at_ms;
    offer(v, &user, &session, NULL);
    return CARDEA_SUCCESS;
}

static struct cardea_status key_from_store(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                           struct view text, struct identity *out)
{
    struct api_key key;
    struct api_key_record record;
    struct user_record user;
    struct cardea_status s = api_key_parse(v->keys, text, &key);
    if (!cardea_ok(s))
        return s;
    s = stored_key(v, tx, ops, key.id, &key.secret, &record, &user);
    secret_wipe(&key.secret, sizeof key.secret);
    if (cardea_ok(s))
        s = table_user_from_record(&user, &out->user);
    if (!cardea_ok(s))
        return s;
    out->kind = KIND_KEY;
    out->sid = (struct session_id){0};
    out->key = record.id;
    out->jti = (struct token_id){0};
    out->app = NULL;
    out->audience = VIEW_EMPTY;
    out->authenticated_at_ms = 0;
    out->expires_at_ms = record.expires_at_ms;
    out->scopes_len = (uint16_t)strlen(record.scopes);
    memcpy(out->scopes, record.scopes, out->scopes_len);
    offer(v, &user, NULL, &record);
    return CARDEA_SUCCESS;
}

static struct cardea_status from_store(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                       enum credential_kind kind, struct view text, struct identity *out)
{
    switch (kind) {
    case KIND_SESSION:
        return session_from_store(v, tx, ops, text, out);
    case KIND_TOKEN:
        return token_from_store(v, tx, ops, text, out);
    case KIND_KEY:
        return key_from_store(v, tx, ops, text, out);
    case KIND_SEALED:
        return sealed_from_store(v, tx, ops, text, out);
    case KIND_UNSET:
        break;
    }
    return CARDEA_FAIL(E_UNAUTHENTICATED);
}

enum verify_answer verify_stored(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                 enum credential_kind kind, struct view text, struct identity *out,
                                 struct cardea_status *ret_why)
{
    struct cardea_status s = from_store(v, tx, ops, kind, text, out);
    if (cardea_ok(s))
        return VERIFY_YES;
    *ret_why = s;
    enum cardea_class class = cardea_status_class(s);
    return class == CARDEA_CLASS_DENIED || class == CARDEA_CLASS_EXPIRED ? VERIFY_NO : VERIFY_UNKNOWN;
}

/* The sessions' engine is away and the accounts are not. What the leased table knows of the session is what its record
 * said; a record is worth nothing but at its user's epoch and with no revocation against it, and that the accounts say.
 */
static struct cardea_status session_remembered(const struct verifier *v, struct store_tx *tx,
                                               const struct store_ops *ops, const struct identity *who,
                                               struct user_record *user)
{
    struct table_session t;
    if (v->table == NULL || !table_valid(v->table, v->boot_ms) ||
        table_find_session(v->table, who->sid, &t) != TABLE_HIT || settings_app_at(v->settings, t.app) == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    if (v->now_ms >= t.expires_at_ms || (t.idle_ms > 0 && v->now_ms - t.last_seen_at_ms >= t.idle_ms))
        return CARDEA_FAIL(E_EXPIRED);
    struct cardea_status s =
        not_revoked(tx, ops, REVOCATION_SESSION, who->sid.bytes, sizeof who->sid.bytes, CARDEA_E_INVALID_SESSION);
    if (cardea_ok(s))
        s = stored_user(tx, ops, who->user.id, CARDEA_E_INVALID_SESSION, user);
    if (cardea_ok(s) && (t.epoch != user->epoch || !ID_SAME(t.user, who->user.id)))
        s = CARDEA_FAIL(E_INVALID_SESSION);
    return s;
}

static struct cardea_status session_again(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                          const struct identity *who, struct user_record *user)
{
    struct session_record session;
    struct cardea_status s = verify_session_stored(v, tx, ops, who->sid, NULL, &session, user);
    if (cardea_ok(s) && !ID_SAME(session.user, who->user.id))
        s = CARDEA_FAIL(E_INVALID_SESSION);
    if (s.code == CARDEA_E_UNAVAILABLE)
        s = session_remembered(v, tx, ops, who, user);
    if (cardea_ok(s) && user->epoch != who->user.epoch)
        s = CARDEA_FAIL(E_INVALID_SESSION);
    if (who->kind != KIND_TOKEN)
        return s;
    if (cardea_ok(s))
        s = token_alive(v, tx, ops, who->jti);
    return as_token(s);
}

struct cardea_status verify_again(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                  const struct identity *who, struct user_record *ret_user)
{
    struct api_key_record key;
    struct user_record user;
    struct cardea_status s = who->kind == KIND_KEY ? stored_key(v, tx, ops, who->key, NULL, &key, &user)
                                                   : session_again(v, tx, ops, who, &user);
    if (cardea_ok(s) && ret_user != NULL)
        *ret_user = user;
    return s;
}
