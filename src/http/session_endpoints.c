/* POST /v1/refresh, /v1/logout, /v1/logout/all; GET /v1/sessions, DELETE /v1/sessions/{sid}; GET /v1/csrf. */
#include "core/grant.h"
#include "core/logout.h"
#include "core/refresh.h"
#include "core/renewal.h"
#include "core/verify_token.h"
#include "http/answer.h"
#include "http/authenticate.h"
#include "http/body.h"
#include "http/carry.h"
#include "http/endpoint.h"
#include "http/lists.h"
#include "http/origin.h"
#include "http/problem.h"

/* --- refresh --- */

/* What is renewed: a refresh token, from the body or its cookie, or a sealed session's cookie. A cookie of a session
 * that needs no renewal is not looked at. */
static struct cardea_status refresh_text(struct exchange *x, struct view *out)
{
    static const struct body_field fields[] = {{"refresh_token", BODY_SECRET, 0, 1, REFRESH_TOKEN_TEXT_MAX}};
    struct body_value v[1];
    struct cardea_status s = body_read(x, fields, 1, v);
    if (!cardea_ok(s))
        return s;
    struct view cookie = x->cookies->values[COOKIE_REFRESH], session = x->cookies->values[COOKIE_SESSION];
    bool sealed = session.ptr != NULL && sealed_shaped(session);
    if ((int)v[0].present + (int)(cookie.ptr != NULL) + (int)sealed > 1)
        return CARDEA_FAIL(E_MANY_CREDENTIALS);
    if (x->cookies->repeated[COOKIE_REFRESH])
        return CARDEA_FAIL(E_INVALID_TOKEN);
    if (sealed && x->cookies->repeated[COOKIE_SESSION])
        return CARDEA_FAIL(E_INVALID_SESSION);
    if (!v[0].present && cookie.ptr == NULL && !sealed)
        return CARDEA_FAIL(E_UNAUTHENTICATED);
    x->presented->kind = sealed ? KIND_SEALED : KIND_TOKEN;
    x->presented->by_cookie = !v[0].present;
    *out = v[0].present ? v[0].text : sealed ? session : cookie;
    return CARDEA_SUCCESS;
}

static struct cardea_status renewal_begin(struct exchange *x, struct view text)
{
    struct renewal *r = exchange_state(x, sizeof *r);
    if (r == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct verifier v = exchange_verifier(x);
    struct cardea_status s = unproven(&v, sealed_open_aged(&v.keys->sealed, text, x->now_ms, &r->presented));
    if (cardea_status_http(s) == 401)
        carry_clear(x);
    x->wants_session = cardea_ok(s);
    x->wanted = r->presented.sid;
    return s;
}

static struct cardea_status renewal_commit_stage(struct exchange *x, const struct flow *f)
{
    struct renewal *r = x->state;
    /* Else a text made with a compromised key would be exchanged for one that is believed everywhere. */
    struct verifier v = exchange_verifier(x);
    struct cardea_status s = sealed_keys_stand(&v, f->tx, f->ops);
    if (cardea_ok(s))
        s = renewal_load(r, f);
    if (cardea_ok(s)) {
        x->app = r->app;
        s = carry_admits(x, r->app);
    }
    if (cardea_ok(s))
        s = renewal_commit(r, f);
    /* Answered by finish, which clears the cookie of a login that is over. */
    r->denied = s.code == CARDEA_E_INVALID_SESSION;
    return r->denied ? CARDEA_SUCCESS : s;
}

static void renewal_finish(struct exchange *x)
{
    const struct renewal *r = x->state;
    if (!r->denied) {
        carry_renewal(x, r->app, &r->session);
        return;
    }
    carry_clear(x);
    problem_answer(x, CARDEA_FAIL(E_INVALID_SESSION));
}

static struct cardea_status refresh_begin(struct exchange *x)
{
    struct view text;
    struct cardea_status s = refresh_text(x, &text);
    if (!cardea_ok(s))
        return s;
    if (x->presented->kind == KIND_SEALED)
        return renewal_begin(x, text);
    struct refresh *r = exchange_state(x, sizeof *r);
    if (r == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    s = refresh_token_parse(x->site->keys, text, &r->presented);
    if (!cardea_ok(s) && x->presented->by_cookie)
        carry_clear(x);
    x->wants_session = cardea_ok(s);
    x->wanted = r->presented.sid;
    return s;
}

static struct cardea_status refresh_commit_stage(struct exchange *x, struct store_tx *tx)
{
    struct refresh *r = x->state;
    struct flow f = exchange_flow(x, tx);
    if (x->presented->kind == KIND_SEALED)
        return renewal_commit_stage(x, &f);
    struct cardea_status s = refresh_load(r, &f);
    if (cardea_ok(s)) {
        /* A token works only in the place that its app gives it. */
        enum carrier carrier = x->presented->by_cookie ? CARRIER_TOKEN_COOKIES : CARRIER_BODY;
        x->app = r->app;
        s = r->app->carrier == carrier ? carry_admits(x, r->app) : CARDEA_FAIL(E_INVALID_TOKEN);
    }
    if (cardea_ok(s))
        s = refresh_commit(r, &f);
    if (s.code == CARDEA_E_INVALID_TOKEN) {
        /* Answered by finish, which clears the cookies of a login that is over. */
        r->denied = true;
        return CARDEA_SUCCESS;
    }
    return s;
}

static void refresh_finish(struct exchange *x)
{
    const struct refresh *r = x->state;
    if (x->presented->kind == KIND_SEALED) {
        renewal_finish(x);
        return;
    }
    if (!r->denied) {
        carry_refresh(x, r->app, &r->user, &r->session, &r->successor);
        return;
    }
    if (x->presented->by_cookie)
        carry_clear(x);
    problem_answer(x, CARDEA_FAIL(E_INVALID_TOKEN));
}

/* --- logout --- */

/* An access cookie, good or good but for its age; a bearer token has to be good. */
static struct cardea_status logout_token(struct exchange *x, struct logout *l)
{
    const struct settings *settings = x->site->settings;
    const struct presented *p = x->presented;
    struct view audiences[APPS_MAX];
    struct access_expectation want = {.issuer = view_text(settings->public_url), .audiences = audiences};
    for (uint32_t i = 0; i < settings->app_count; i++) {
        const struct app *app = settings_app_at(settings, (uint16_t)i);
        if (app != NULL)
            audiences[want.audience_count++] = settings_audience(settings, app);
    }
    struct access_token token;
    struct cardea_status s = p->by_cookie ? access_token_verify_aged(x->site->keys, p->text, &want, x->now_ms, &token)
                                          : access_token_verify(x->site->keys, p->text, &want, x->now_ms, &token);
    struct verifier v = exchange_verifier(x);
    s = unproven(&v, s);
    if (!cardea_ok(s))
        return s;
    /* Age is no fault here; having been revoked is. */
    if (x->site->table != NULL && table_find_token(x->site->table, token.claims.jti) == TABLE_REVOKED)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    l->by = LOGOUT_TOKEN;
    l->sid = token.claims.sid;
    l->user = token.claims.sub;
    l->epoch = token.claims.epoch;
    l->good_until_ms = token.claims.exp_s * 1000;
    memcpy(l->app_name, token.claims.client_id, sizeof l->app_name);
    return CARDEA_SUCCESS;
}

/* A sealed text, good or good but for its age. */
static struct cardea_status logout_sealed(struct exchange *x, struct logout *l)
{
    struct sealed_session opened;
    struct verifier v = exchange_verifier(x);
    struct cardea_status s = unproven(&v, sealed_open_aged(&v.keys->sealed, x->presented->text, x->now_ms, &opened));
    if (!cardea_ok(s))
        return s;
    l->by = LOGOUT_SEALED;
    l->sid = opened.sid;
    l->user = opened.sub;
    l->epoch = opened.epoch;
    l->good_until_ms = opened.exp_s * 1000;
    memcpy(l->app_name, opened.app, sizeof l->app_name);
    return CARDEA_SUCCESS;
}

/* What names the session. A browser's word counts only from where it may come; a bearer token comes from no page by
 * itself. */
static struct cardea_status logout_credential(struct exchange *x, struct logout *l)
{
    const struct keyring *keys = x->site->keys;
    struct presented *p = x->presented;
    struct view refresh = x->cookies->values[COOKIE_REFRESH];
    struct cardea_status s = presented_find(&x->request, x->cookies, LOGIN_KINDS, p);
    if (!p->by_bearer && !cardea_ok(origin_rule(&x->request, x->site->settings, NULL)))
        return CARDEA_FAIL(E_ORIGIN);
    if (!cardea_ok(s))
        return s;
    /* spa: the refresh cookie counts before its access cookie: it is good for as long as the login is. */
    if (refresh.ptr != NULL) {
        if (p->kind != KIND_UNSET && !(p->kind == KIND_TOKEN && p->by_cookie))
            return CARDEA_FAIL(E_MANY_CREDENTIALS);
        *p = (struct presented){.kind = KIND_TOKEN, .by_cookie = true, .text = refresh};
        l->by = LOGOUT_REFRESH;
        return x->cookies->repeated[COOKIE_REFRESH] ? CARDEA_FAIL(E_INVALID_TOKEN)
                                                    : refresh_token_parse(keys, refresh, &l->refresh);
    }
    if (p->kind == KIND_TOKEN)
        return logout_token(x, l);
    if (p->kind == KIND_SEALED)
        return logout_sealed(x, l);
    if (p->kind != KIND_SESSION)
        return CARDEA_FAIL(E_UNAUTHENTICATED);
    l->by = LOGOUT_COOKIE;
    return session_cookie_parse(keys, p->text, &l->cookie);
}

static struct cardea_status logout_start(struct exchange *x, bool all)
{
    struct logout *l = exchange_state(x, sizeof *l);
    if (l == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    l->all = all;
    struct cardea_status s = logout_credential(x, l);
    /* Whatever was wrong with it, a cookie that proves nothing is of no more use. */
    if (cardea_status_http(s) == 401 && x->presented->by_cookie)
        carry_clear(x);
    return s;
}

static struct cardea_status logout_begin(struct exchange *x)
{
    return logout_start(x, false);
}

static struct cardea_status logout_all_begin(struct exchange *x)
{
    return logout_start(x, true);
}

static struct cardea_status logout_commit_stage(struct exchange *x, struct store_tx *tx)
{
    struct logout *l = x->state;
    struct flow f = exchange_flow(x, tx);
    struct cardea_status s = logout_load(l, &f);
    l->refused = CARDEA_SUCCESS;
    if (cardea_ok(s) && x->presented->by_cookie) {
        x->app = l->app;
        s = origin_rule(&x->request, x->site->settings, l->app);
        /* One session may end by its cookie alone; the others take a page that knows the session's token. */
        if (cardea_ok(s) && l->all)
            s = exchange_csrf(x, l->session.sid);
    }
    if (cardea_ok(s))
        s = logout_commit(l, &f);
    if (cardea_status_http(s) == 401) {
        /* Nothing to end. Answered by finish, which clears the cookies all the same. */
        l->refused = s;
        x->waits = false;
        return CARDEA_SUCCESS;
    }
    return s;
}

static void logout_finish(struct exchange *x)
{
    const struct logout *l = x->state;
    if (x->presented->by_cookie)
        carry_clear(x);
    if (cardea_ok(l->refused))
        answer_empty(x, 204);
    else
        problem_answer(x, l->refused);
}

/* --- the list of devices --- */

static struct cardea_status list_work(struct exchange *x)
{
    struct store_tx *tx = NULL;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = list_sessions(x, tx, x->who->user.id, x->who->user.epoch, x->state);
    exchange_read_end(x, tx);
    return s;
}

static struct cardea_status end_commit(struct exchange *x, struct store_tx *tx)
{
    const struct session_id *sid = x->state;
    struct flow f = exchange_flow(x, tx);
    struct session_record r;
    struct cardea_status s = flow_session_to_end(&f, *sid, &r);
    if (!cardea_ok(s))
        return s;
    /* Somebody else's looks like none at all. */
    if (!ID_SAME(r.user, x->who->user.id) || r.epoch != x->who->user.epoch)
        return CARDEA_FAIL(E_NOT_FOUND);
    return flow_session_end(&f, &r, AUDIT_logout, VIEW_EMPTY);
}

static void end_finish(struct exchange *x)
{
    const struct session_id *sid = x->state;
    if (ID_SAME(*sid, x->who->sid) && x->presented->by_cookie)
        carry_clear(x);
    answer_empty(x, 204);
}

/* --- CSRF token --- */

static struct cardea_status csrf_begin(struct exchange *x)
{
    char token[CSRF_TOKEN_TEXT];
    csrf_token_format(x->site->keys, x->who->sid, x->site->entropy, token);
    struct json_writer w = answer_open(x, 128);
    json_open_object(&w);
    json_member_text(&w, "csrf_token", view_of(token, sizeof token));
    json_close_object(&w);
    answer_json(x, 200, &w);
    return CARDEA_SUCCESS;
}

static const struct endpoint endpoints[] = {
    {.methods = METHOD_POST,
     .path = "/v1/refresh",
     .flags = ENDPOINT_SETS_COOKIE,
     .commits = LANE_WRITE,
     .body_max = ENDPOINT_BODY_SMALL,
     .begin = refresh_begin,
     .commit = refresh_commit_stage,
     .finish = refresh_finish},
    {.methods = METHOD_POST,
     .path = "/v1/logout",
     .flags = ENDPOINT_COOKIES | ENDPOINT_NARROWS,
     .commits = LANE_URGENT,
     .begin = logout_begin,
     .commit = logout_commit_stage,
     .finish = logout_finish},
    {.methods = METHOD_POST,
     .path = "/v1/logout/all",
     .flags = ENDPOINT_COOKIES | ENDPOINT_NARROWS,
     .commits = LANE_URGENT,
     .begin = logout_all_begin,
     .commit = logout_commit_stage,
     .finish = logout_finish},
    {.methods = METHOD_GET,
     .path = "/v1/sessions",
     .kinds = LOGIN_KINDS,
     .flags = ENDPOINT_QUERIES,
     .lane = LANE_READ,
     .begin = list_page,
     .work = list_work},
    {.methods = METHOD_DELETE,
     .path = "/v1/sessions/{sid}",
     .kinds = LOGIN_KINDS,
     .flags = ENDPOINT_NARROWS,
     .commits = LANE_URGENT,
     .begin = exchange_begin_session_id,
     .commit = end_commit,
     .finish = end_finish},
    {.methods = METHOD_GET, .path = "/v1/csrf", .kinds = LOGIN_KINDS, .begin = csrf_begin},
};
const struct endpoint_set session_endpoints = ENDPOINT_SET(endpoints);
