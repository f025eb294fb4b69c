/* POST /v1/introspect (RFC 7662) and POST /v1/revoke (RFC 7009): for services that hold an API key with that scope.
 *
 * Decides: what is answered. An inactive text is {"active":false} and nothing else, whatever was wrong with it; a text
 * that nobody can judge now is 503, never inactive. token_type_hint is read and changes nothing: what a text is, is
 * seen from its form. Errors have the form of RFC 6749 §5.2 (problem.h). The token stands in the body alone: nothing
 * logs it, and it is wiped with the exchange.
 *
 * Limits: who holds the scope `introspect` learns of every credential shown to it, whatever its audience: `aud` and
 * `token_type` are told, and are the asking service's to compare. Guessing needs no counter: the caller is known, its
 * key can be revoked, and every text that could be guessed holds 256 random bits or a signature.
 */
#include "base/secret.h"
#include "core/token_revoke.h"
#include "core/verify_token.h"
#include "http/answer.h"
#include "http/endpoint.h"
#include "http/form.h"
#include "http/lookup.h"

enum { TOKEN_TEXT_MAX = 4096, HINT_MAX = 64, INTROSPECTION_BODY_MAX = 4096 };

static struct cardea_status read_token(struct exchange *x, struct view *out)
{
    static const struct form_field fields[] = {{"token", true, TOKEN_TEXT_MAX}, {"token_type_hint", false, HINT_MAX}};
    struct view values[2];
    struct cardea_status s = form_read(x, fields, 2, values);
    if (cardea_ok(s))
        *out = values[0];
    return s;
}

/* --- introspect --- */

static const char *type_name(enum token_form form)
{
    switch (form) {
    case TOKEN_FORM_ACCESS:
        return "Bearer";
    case TOKEN_FORM_REFRESH:
        return "refresh_token";
    case TOKEN_FORM_SESSION:
        return "session";
    case TOKEN_FORM_SEALED:
        return "sealed";
    case TOKEN_FORM_KEY:
        return "api_key";
    case TOKEN_FORM_UNSET:
        break;
    }
    return "";
}

static void put_id16(struct json_writer *w, const char *name, const uint8_t bytes[16])
{
    char text[ID16_TEXT];
    struct token_id id;
    struct buf b = buf_fixed(text, sizeof text);
    memcpy(id.bytes, bytes, sizeof id.bytes);
    buf_token_id(&b, id);
    json_member_text(w, name, buf_view(&b));
}

static void put_members(struct json_writer *w, const struct settings *settings, const struct introspection *t)
{
    char text[USER_ID_TEXT];
    struct buf b = buf_fixed(text, sizeof text);
    buf_user_id(&b, t->sub);
    json_member_text(w, "token_type", view_text(type_name(t->form)));
    if (t->scopes[0] != '\0')
        json_member_text(w, "scope", view_text(t->scopes));
    if (t->app != NULL)
        json_member_text(w, "client_id", view_text(t->app->name));
    json_member_text(w, "username", view_text(t->username));
    json_member_text(w, "sub", buf_view(&b));
    json_member_text(w, "iss", view_text(settings->public_url));
    if (t->audience.len > 0)
        json_member_text(w, "aud", t->audience);
    json_member_int(w, "exp", t->exp_s);
    if (t->iat_s != 0)
        json_member_int(w, "iat", t->iat_s);
    if (t->nbf_s != 0)
        json_member_int(w, "nbf", t->nbf_s);
    if (t->form == TOKEN_FORM_ACCESS || t->form == TOKEN_FORM_KEY)
        put_id16(w, "jti", t->jti);
    if (t->form != TOKEN_FORM_KEY)
        put_id16(w, "sid", t->sid.bytes);
}

/* t: NULL for an inactive one. */
static struct cardea_status answer_introspection(struct exchange *x, const struct introspection *t)
{
    struct json_writer w = answer_open(x, INTROSPECTION_BODY_MAX);
    json_open_object(&w);
    json_member_bool(&w, "active", t != NULL);
    if (t != NULL)
        put_members(&w, x->site->settings, t);
    json_close_object(&w);
    answer_json(x, 200, &w);
    return CARDEA_SUCCESS;
}

static struct cardea_status introspect_begin(struct exchange *x)
{
    struct introspection found;
    struct cardea_status why;
    struct view *token = exchange_state(x, sizeof *token);
    if (token == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = read_token(x, token);
    if (!cardea_ok(s))
        return s;
    struct verifier v = exchange_verifier(x);
    switch (introspect(&v, *token, &found, &why)) {
    case VERIFY_YES:
        return answer_introspection(x, &found);
    case VERIFY_NO:
        return answer_introspection(x, NULL);
    default:
        /* The store may know; unanswered: on to work. */
        return lookup_allowed(x, why);
    }
}

static struct cardea_status introspect_work(struct exchange *x)
{
    const struct view *token = x->state;
    struct introspection found;
    struct lookup l;
    enum verify_answer answer = VERIFY_UNKNOWN;
    struct cardea_status why = lookup_begin(x, &l);
    if (cardea_ok(why)) {
        struct flow f = exchange_flow(x, l.tx);
        answer = introspect_stored(&l.verifier, &f, *token, &found, &why);
    }
    lookup_end(x, &l, why);
    if (answer == VERIFY_UNKNOWN)
        return cardea_status_class(why) == CARDEA_CLASS_NOT_FOUND ? CARDEA_FAIL(E_UNAVAILABLE) : why;
    return answer_introspection(x, answer == VERIFY_YES ? &found : NULL);
}

/* --- revoke --- */

/* RFC 7009 §2.2: a token that is none was revoked successfully. */
static struct cardea_status answer_revoked(struct exchange *x)
{
    answer_empty(x, 200);
    return CARDEA_SUCCESS;
}

static struct cardea_status revoke_begin(struct exchange *x)
{
    struct view token;
    struct token_revoke *r = exchange_state(x, sizeof *r);
    struct cardea_status s = r == NULL ? CARDEA_FAIL(E_TOO_LARGE) : read_token(x, &token);
    if (!cardea_ok(s))
        return s;
    s = token_revoke_read(x->site->settings, x->site->keys, token, x->now_ms, r);
    if (s.code == CARDEA_E_USAGE)
        return exchange_fault(x, s, NULL,
                              r->form == TOKEN_FORM_KEY ? VIEW("API keys are revoked by their id")
                                                        : VIEW("only the issuer of this token can revoke it"));
    struct verifier v = exchange_verifier(x);
    s = unproven(&v, s); /* to say that it is over would be a lie */
    enum cardea_class class = cardea_status_class(s);
    if (class != CARDEA_CLASS_DENIED && class != CARDEA_CLASS_EXPIRED)
        return s;
    x->state = NULL; /* there is nothing to end; who wants a receipt gets one that says so much */
    return x->wait_all ? CARDEA_SUCCESS : answer_revoked(x);
}

static struct cardea_status revoke_commit(struct exchange *x, struct store_tx *tx)
{
    struct flow f = exchange_flow(x, tx);
    return x->state == NULL ? CARDEA_SUCCESS : token_revoke_commit(x->state, &f, x->who->key);
}

static void revoke_finish(struct exchange *x)
{
    (void)answer_revoked(x);
}

static const struct endpoint endpoints[] = {
    {.methods = METHOD_POST,
     .path = "/v1/introspect",
     .kinds = KIND_KEY,
     .scope = "introspect",
     .flags = ENDPOINT_OAUTH | ENDPOINT_NO_CORS,
     .lane = LANE_READ,
     .body_max = ENDPOINT_BODY_LARGE,
     .begin = introspect_begin,
     .work = introspect_work},
    {.methods = METHOD_POST,
     .path = "/v1/revoke",
     .kinds = KIND_KEY,
     .scope = "revoke",
     .flags = ENDPOINT_OAUTH | ENDPOINT_NO_CORS | ENDPOINT_NARROWS,
     .commits = LANE_URGENT,
     .body_max = ENDPOINT_BODY_LARGE,
     .begin = revoke_begin,
     .commit = revoke_commit,
     .finish = revoke_finish},
};
const struct endpoint_set token_endpoints = ENDPOINT_SET(endpoints);
