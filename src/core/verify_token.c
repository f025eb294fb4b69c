#include "core/verify_token.h"

#define REFUSED CARDEA_FAIL(E_INVALID_TOKEN)

/* The settings' own text of an audience, by where it stands. */
static struct view audience_at(const struct settings *s, uint16_t app, uint16_t audience)
{
    if (audience == AUDIENCE_OF_APP)
        return settings_audience(s, &s->apps[app]);
    return view_text(s->policies[audience - 1].audience);
}

/* An app's tokens are for its own audience, or for one that a policy asks for by name. */
static bool find_audience(const struct settings *s, uint16_t app, struct view audience, uint16_t *ret)
{
    uint16_t i = AUDIENCE_OF_APP;
    if (view_equal(audience_at(s, app, i), audience)) {
        *ret = i;
        return true;
    }
    for (i = 1; i <= s->policy_count; i++)
        if (audience.len > 0 && view_equal(audience_at(s, app, i), audience)) {
            *ret = i;
            return true;
        }
    return false;
}

/* The costly half: everything about a text that was not seen before. */
static struct cardea_status read_token(const struct verifier *v, struct view text, struct proven_token *out)
{
    const struct settings *s = v->settings;
    struct view audiences[APPS_MAX + POLICIES_MAX];
    struct access_expectation want = {view_text(s->public_url), audiences, 0};
    for (uint16_t i = 0; i < s->app_count; i++)
        if (settings_app_at(s, i) != NULL)
            audiences[want.audience_count++] = settings_audience(s, &s->apps[i]);
    for (uint32_t i = 0; i < s->policy_count; i++)
        if (s->policies[i].audience[0] != '\0')
            audiences[want.audience_count++] = view_text(s->policies[i].audience);

    struct access_token token;
    struct cardea_status status = access_token_verify(v->keys, text, &want, v->now_ms, &token);
    if (!cardea_ok(status))
        return status;
    const struct access_claims *c = &token.claims;
    struct proven_token found = {
        .sub = c->sub,
        .jti = c->jti,
        .sid = c->sid,
        .epoch = c->epoch,
        .iat_s = c->iat_s,
        .exp_s = c->exp_s,
        .nbf_s = c->nbf_s,
        .key = (uint16_t)(token.key - v->keys->access),
    };
    if (settings_app(s, view_text(c->client_id), &found.app) == NULL ||
        !find_audience(s, found.app, view_text(c->audience), &found.audience))
        return REFUSED;
    *out = found;
    return CARDEA_SUCCESS;
}

/* What may have changed since a token was read: the key's state, and the time. */
static struct cardea_status prove_again(const struct verifier *v, const struct proven_token *t)
{
    if (!access_key_verifies(&v->keys->access[t->key], v->now_ms))
        return REFUSED;
    struct access_claims times;
    times.iat_s = t->iat_s;
    times.nbf_s = t->nbf_s;
    times.exp_s = t->exp_s;
    return access_token_times(&times, v->now_ms);
}

struct cardea_status token_prove(const struct verifier *v, struct view text, struct proven_token *out)
{
    if (v->cache == NULL || text.len > ACCESS_TOKEN_TEXT_MAX)
        return read_token(v, text, out);
    struct token_hash hash = verify_cache_hash(v->cache, text);
    const struct proven_token *known = verify_cache_find(v->cache, v, hash);
    if (known != NULL) {
        struct cardea_status status = prove_again(v, known);
        if (cardea_ok(status))
            *out = *known;
        return status;
    }
    struct proven_token found;
    struct cardea_status status = read_token(v, text, &found);
    if (cardea_ok(status)) {
        verify_cache_put(v->cache, v, hash, &found);
        *out = found;
    }
    return status;
}

void token_identity(const struct verifier *v, const struct proven_token *t, struct identity *out)
{
    out->kind = KIND_TOKEN;
    out->sid = t->sid;
    out->jti = t->jti;
    out->key = (struct api_key_id){0};
    out->app = &v->settings->apps[t->app];
    out->audience = audience_at(v->settings, t->app, t->audience);
    out->authenticated_at_ms = 0;
    out->expires_at_ms = t->exp_s * 1000;
    out->scopes_len = 0;
}

struct cardea_status sealed_prove(const struct verifier *v, struct view text, struct sealed_session *out,
                                  uint16_t *ret_app)
{
    struct sealed_session s;
    struct cardea_status status = sealed_open(&v->keys->sealed, text, v->now_ms, &s);
    if (!cardea_ok(status))
        return status;
    const struct app *app = settings_app(v->settings, view_text(s.app), ret_app);
    if (app == NULL || app->carrier != CARRIER_SEALED_COOKIE)
        return CARDEA_FAIL(E_INVALID_SESSION);
    *out = s;
    return CARDEA_SUCCESS;
}

void sealed_identity(const struct verifier *v, const struct sealed_session *s, uint16_t app, struct identity *out)
{
    out->kind = KIND_SEALED;
    out->sid = s->sid;
    out->jti = (struct token_id){0};
    out->key = (struct api_key_id){0};
    out->app = &v->settings->apps[app];
    out->audience = VIEW_EMPTY;
    out->authenticated_at_ms = 0;
    out->expires_at_ms = s->exp_s * 1000;
    out->scopes_len = 0;
}
