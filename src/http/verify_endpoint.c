/* Forward authentication and public keys: ANY /verify, ANY /verify/{policy}, GET /.well-known/jwks.json.
 *
 * Answers for another server: may this request pass, and who sent it? 204 with the identity in headers, 401, 403, or
 * 503 where it can not be known. The wire contract stands in docs/forward-auth.md.
 *
 * This is the path that everything else waits for. A yes from the table costs no allocation and no lock; header values
 * stand in the exchange's scratch room unless they are very long. What the table can not tell is asked of the store on
 * a pool, and judged by the same lines. Nothing of the request but the credential and the headers named here has any
 * influence: not the query, not the body, not the method, not Host.
 */
#include "base/text.h"
#include "core/verify.h"
#include "http/answer.h"
#include "http/authenticate.h"
#include "http/endpoint.h"
#include "http/identity_header.h"
#include "http/lookup.h"
#include "http/origin.h"
#include "http/verify_foreign.h"

enum { ALL_KINDS = LOGIN_KINDS | KIND_KEY, KEY_TEXT_MAX = 1024 };

/* What the slow path has to remember. */
struct pending {
    const struct policy *policy;
    struct presented presented;
};

/* --- the original request --- */

/* The one line of a header that the proxy overwrites; NULL ptr when absent, or from anybody but a trusted proxy. */
static bool original_header(const struct request *r, struct view name, struct view *out)
{
    *out = r->proxied ? request_header(r, name) : VIEW_EMPTY;
    return out->ptr == NULL || request_header_count(r, name) == 1;
}

/* Can it change nothing? Only where a trusted proxy says so: a safe method, and no handshake that opens a socket. */
static bool original_safe(const struct request *r)
{
    struct view method, upgrade;
    if (!original_header(r, VIEW("X-Original-Method"), &method) ||
        !original_header(r, VIEW("X-Original-Upgrade"), &upgrade))
        return false;
    return (view_is(method, "GET") || view_is(method, "HEAD") || view_is(method, "OPTIONS")) && view_is(upgrade, "-");
}

/* The origin rule, for what a cookie authenticated. The proxy's word goes before headers that it merely passed on. */
static struct cardea_status original_origin(const struct request *r, const struct settings *s, const struct app *app)
{
    struct view origin, fetch_site;
    if (original_safe(r))
        return CARDEA_SUCCESS;
    if (!original_header(r, VIEW("X-Original-Origin"), &origin) ||
        !original_header(r, VIEW("X-Original-Sec-Fetch-Site"), &fetch_site) ||
        request_header_count(r, VIEW("Origin")) > 1 || request_header_count(r, VIEW("Sec-Fetch-Site")) > 1)
        return CARDEA_FAIL(E_ORIGIN);
    if (origin.ptr == NULL)
        origin = request_header(r, VIEW("Origin"));
    if (fetch_site.ptr == NULL)
        fetch_site = request_header(r, VIEW("Sec-Fetch-Site"));
    return origin_check(origin, fetch_site, s, app);
}

/* --- the answer --- */

static struct view method_text(enum credential_kind kind)
{
    return kind == KIND_SESSION  ? VIEW("session")
           : kind == KIND_SEALED ? VIEW("sealed")
           : kind == KIND_TOKEN  ? VIEW("token")
                                 : VIEW("key");
}

static void put_x_auth(struct exchange *x, const struct identity *who)
{
    char id[USER_ID_TEXT], sid[ID16_TEXT];
    struct buf b = buf_fixed(id, sizeof id);
    size_t used = 0;
    buf_user_id(&b, who->user.id);
    identity_header_put(x, &used, "X-Auth-User", buf_view(&b));
    identity_header_put(x, &used, "X-Auth-Username", table_user_username(&who->user));
    identity_header_put(x, &used, "X-Auth-Email", table_user_email(&who->user));
    identity_header_put(x, &used, "X-Auth-Roles", table_user_roles(&who->user));
    if (who->kind != KIND_KEY) {
        b = buf_fixed(sid, sizeof sid);
        buf_session_id(&b, who->sid);
        identity_header_put(x, &used, "X-Auth-Session", buf_view(&b));
    }
    answer_header(x, "X-Auth-Method", method_text(who->kind));
}

static void put_remote(struct exchange *x, const struct identity *who)
{
    size_t used = 0;
    identity_header_put(x, &used, "Remote-User", table_user_username(&who->user));
    identity_header_put(x, &used, "Remote-Groups", table_user_roles(&who->user));
    identity_header_put(x, &used, "Remote-Name", table_user_name(&who->user));
    identity_header_put(x, &used, "Remote-Email", table_user_email(&who->user));
}

/* Known now: may it pass? fails: E_NOT_FOUND as policy_check. */
static struct cardea_status conclude(struct exchange *x, const struct policy *policy, const struct presented *p,
                                     const struct identity *who)
{
    const struct settings *settings = x->site->settings;
    struct cardea_status s = CARDEA_SUCCESS;
    if (p->by_cookie)
        s = original_origin(&x->request, settings, who->app);
    if (cardea_ok(s))
        s = policy_check(policy, settings, who, x->now_ms);
    if (!cardea_ok(s))
        return s;
    answer_empty(x, 204);
    if (settings->identity_headers == IDENTITY_REMOTE)
        put_remote(x, who);
    else
        put_x_auth(x, who);
    /* Where others' users pass as well, every answer says whose this one is. */
    if (policy != NULL && policy->issuer_count > 0 && settings->identity_headers != IDENTITY_REMOTE)
        answer_header(x, "X-Auth-Issuer", VIEW(ISSUER_SELF));
    answer_header(x, "Cache-Control", VIEW("no-store"));
    return CARDEA_SUCCESS;
}

/* Outside, a credential is refused in one way whatever was wrong with it; several at once are none. */
static struct cardea_status refusal(struct cardea_status why, enum credential_kind kind)
{
    if (why.code == CARDEA_E_MANY_CREDENTIALS)
        return CARDEA_FAIL(E_UNAUTHENTICATED);
    if (why.code != CARDEA_E_EXPIRED)
        return why;
    return kind == KIND_KEY     ? CARDEA_FAIL(E_INVALID_KEY)
           : kind == KIND_TOKEN ? CARDEA_FAIL(E_INVALID_TOKEN)
                                : CARDEA_FAIL(E_INVALID_SESSION);
}

/* --- the stages --- */

static struct cardea_status ask_store(struct exchange *x, const struct policy *policy, const struct presented *p)
{
    struct pending *pending = exchange_state(x, sizeof *pending);
    if (pending == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    *pending = (struct pending){policy, *p};
    return CARDEA_SUCCESS; /* unanswered: on to work */
}

/* Tokens by themselves: no memory, no store. */
static bool policy_unchecked(const struct policy *policy)
{
    return policy != NULL && policy->revocation == REVOCATION_UNCHECKED;
}

/* Which credentials are looked for. A policy for the users of other issuers alone takes what those can have: anybody
 * may have an account here that is called like one of theirs. */
static unsigned kinds_of(const struct policy *policy)
{
    unsigned kinds = policy == NULL || policy->kinds == 0 ? ALL_KINDS : policy->kinds;
    return policy_own_tokens(policy) && !policy_unchecked(policy) ? kinds : kinds & KIND_TOKEN;
}

static struct cardea_status verify(struct exchange *x, const struct policy *policy)
{
    struct cookies cookies;
    struct presented p;
    struct identity who; /* 3 KiB that nobody needs to clear */
    struct cardea_status why;
    cookies_read(&x->request, x->site->settings, &cookies);
    why = presented_find(&x->request, &cookies, kinds_of(policy), &p);
    if (!cardea_ok(why))
        return refusal(why, KIND_UNSET);
    if (p.kind == KIND_UNSET)
        return CARDEA_FAIL(E_UNAUTHENTICATED);
    if (policy != NULL && policy->issuer_count > 0 && p.kind == KIND_TOKEN) {
        bool ours;
        why = verify_foreign(x, policy, &p, false, &ours);
        if (!ours)
            return why.code == CARDEA_E_NOT_FOUND ? ask_store(x, policy, &p) : refusal(why, p.kind);
    }
    struct verifier v = exchange_verifier(x);
    enum verify_answer answer = policy_unchecked(policy) ? verify_token_alone(&v, p.text, &who, &why)
                                                         : verify_credential(&v, p.kind, p.text, &who, &why);
    if (answer == VERIFY_YES)
        why = conclude(x, policy, &p, &who);
    else if (answer == VERIFY_NO)
        return refusal(why, p.kind);
    if (cardea_ok(why) || policy_unchecked(policy) || (answer == VERIFY_YES && why.code != CARDEA_E_NOT_FOUND))
        return why;
    /* Only the store can tell who it is, or when it logged in. */
    why = lookup_allowed(x, why);
    return cardea_ok(why) ? ask_store(x, policy, &p) : why;
}

static struct cardea_status verify_begin(struct exchange *x)
{
    return verify(x, NULL);
}

static struct cardea_status verify_policy_begin(struct exchange *x)
{
    const struct policy *policy = settings_policy(x->site->settings, exchange_param(x, 0));
    return policy == NULL ? CARDEA_FAIL(E_FORBIDDEN) : verify(x, policy);
}

static struct cardea_status verify_work(struct exchange *x)
{
    const struct pending *pending = x->state;
    const struct presented *p = &pending->presented;
    struct lookup l;
    struct identity who;
    bool ours;
    if (x->issuer != 0) {
        struct cardea_status foreign = verify_foreign(x, pending->policy, p, true, &ours);
        return cardea_ok(foreign) ? foreign : refusal(foreign, p->kind);
    }
    enum verify_answer answer = VERIFY_UNKNOWN;
    struct cardea_status why = lookup_begin(x, &l);
    if (cardea_ok(why))
        answer = verify_stored(&l.verifier, l.tx, x->site->store->ops, p->kind, p->text, &who, &why);
    lookup_end(x, &l, why);
    if (answer != VERIFY_YES)
        return refusal(why, p->kind);
    why = conclude(x, pending->policy, p, &who);
    return why.code == CARDEA_E_NOT_FOUND ? CARDEA_FAIL(E_LOGIN_TOO_OLD) : why;
}

/* --- public keys --- */

/* Is it one of the listed entity tags (RFC 9110 §13.1.2, weak comparison)? */
static bool tag_listed(struct view list, struct view tag)
{
    struct view one;
    bool more = list.len > 0;
    while (more) {
        more = view_cut(list, ',', &one, &list);
        one = view_trim(one);
        if (view_starts(one, VIEW("W/")))
            one = view_skip(one, 2);
        if (view_equal(one, tag) || view_is(one, "*"))
            return true;
    }
    return false;
}

static struct view entity_tag(struct exchange *x, enum key_document document)
{
    char *room = arena_new(&x->arena, KEYRING_TAG);
    if (room == NULL)
        return VIEW("\"\"");
    struct buf b = buf_fixed(room, KEYRING_TAG);
    buf_key_document_tag(&b, x->site->keys, document);
    return buf_view(&b);
}

static struct cardea_status publish(struct exchange *x, enum key_document document)
{
    enum { CACHING_MAX = 48 };
    struct json_writer w = answer_open(x, ANSWER_EXTRA_MAX + x->site->keys->access_count * (size_t)KEY_TEXT_MAX);
    char *room = arena_new(&x->arena, CACHING_MAX);
    struct buf caching = buf_fixed(room, room == NULL ? 0 : CACHING_MAX);
    buf_key_document(w.out, x->site->keys, document);
    buf_text(&caching, "public, max-age=");
    buf_int(&caching, x->site->settings->jwks_max_age_ms / 1000);
    if (!buf_ok(w.out) || !buf_ok(&caching))
        return CARDEA_FAIL(E_INTERNAL);
    struct view tag = entity_tag(x, document);
    if (tag_listed(request_header(&x->request, VIEW("If-None-Match")), tag))
        answer_empty(x, 304);
    else
        answer_json(x, 200, &w);
    answer_header(x, "Cache-Control", buf_view(&caching));
    answer_header(x, "ETag", tag);
    return CARDEA_SUCCESS;
}

static struct cardea_status jwks_begin(struct exchange *x)
{
    return publish(x, KEY_DOCUMENT_JWKS);
}

static struct cardea_status paseto_keys_begin(struct exchange *x)
{
    return publish(x, KEY_DOCUMENT_PASETO);
}

static const struct endpoint endpoints[] = {
    {
        .methods = METHOD_ANY,
        .path = "/verify",
        .flags = ENDPOINT_NO_CORS | ENDPOINT_OWN_CACHING | ENDPOINT_ANY_QUERY | ENDPOINT_BARE,
        .lane = LANE_READ,
        .begin = verify_begin,
        .work = verify_work,
    },
    {
        .methods = METHOD_ANY,
        .path = "/verify/{policy}",
        .flags = ENDPOINT_NO_CORS | ENDPOINT_OWN_CACHING | ENDPOINT_ANY_QUERY | ENDPOINT_BARE,
        .lane = LANE_READ,
        .begin = verify_policy_begin,
        .work = verify_work,
    },
    {
        .methods = METHOD_GET,
        .path = "/.well-known/jwks.json",
        .flags = ENDPOINT_OWN_CACHING | ENDPOINT_ANY_QUERY,
        .begin = jwks_begin,
    },
    {
        .methods = METHOD_GET,
        .path = "/.well-known/paseto-keys.json",
        .flags = ENDPOINT_OWN_CACHING | ENDPOINT_ANY_QUERY,
        .begin = paseto_keys_begin,
    },
};

const struct endpoint_set verify_endpoints = ENDPOINT_SET(endpoints);
