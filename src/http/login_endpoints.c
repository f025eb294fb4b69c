/* POST /v1/login, /v1/reauthenticate, /v1/password: a password for a new session. */
#include "core/login.h"
#include "http/answer.h"
#include "http/authenticate.h"
#include "http/body.h"
#include "http/carry.h"
#include "http/endpoint.h"

enum { TYPED_MAX = EMAIL_MAX, PASSWORD_TYPED_MAX = PASSWORD_MAX_BYTES };

static struct cardea_status typed_password(struct exchange *x, const char *field, struct view password)
{
    struct cardea_status s = password_shape(password);
    return cardea_ok(s) ? s : exchange_fault(x, s, field, VIEW("no password can be that"));
}

static struct cardea_status login_app(struct exchange *x, const struct body_value *v, const struct app **out)
{
    struct view name = v->present ? v->text : VIEW("web");
    const struct app *app = settings_app(x->site->settings, name, NULL);
    if (app == NULL)
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "app", VIEW("there is no app of that name"));
    x->app = app;
    if (app->carrier == CARRIER_NONE || app->carrier == CARRIER_UNSET)
        return CARDEA_FAIL(E_APP_NOT_FOR_LOGIN);
    *out = app;
    return carry_admits(x, app);
}

/* What this browser carried until now; a wrong text is nobody's session and ends nothing. */
static void take_presented(struct exchange *x, struct login *l)
{
    const struct keyring *keys = x->site->keys;
    const struct view *c = x->cookies->values;
    l->has_old_session = c[COOKIE_SESSION].ptr != NULL && !x->cookies->repeated[COOKIE_SESSION] &&
                         cardea_ok(session_cookie_parse(keys, c[COOKIE_SESSION], &l->old_session));
    l->has_old_sealed = c[COOKIE_SESSION].ptr != NULL && !x->cookies->repeated[COOKIE_SESSION] &&
                        cardea_ok(sealed_open_aged(&keys->sealed, c[COOKIE_SESSION], x->now_ms, &l->old_sealed));
    l->has_old_refresh = c[COOKIE_REFRESH].ptr != NULL && !x->cookies->repeated[COOKIE_REFRESH] &&
                         cardea_ok(refresh_token_parse(keys, c[COOKIE_REFRESH], &l->old_refresh));
    l->has_device = c[COOKIE_DEVICE].ptr != NULL && !x->cookies->repeated[COOKIE_DEVICE] &&
                    cardea_ok(device_cookie_parse(keys, c[COOKIE_DEVICE], &l->device));
}

static struct cardea_status login_begin(struct exchange *x)
{
    enum { USERNAME, PASSWORD, APP, REMEMBER, COUNT };
    static const struct body_field fields[COUNT] = {
        [USERNAME] = {"username", BODY_SECRET, BODY_REQUIRED, 1, TYPED_MAX},
        [PASSWORD] = {"password", BODY_SECRET, BODY_REQUIRED, 1, PASSWORD_TYPED_MAX},
        [APP] = {"app", BODY_TEXT, 0, 1, APP_NAME_MAX},
        [REMEMBER] = {"remember", BODY_BOOL, 0, 0, 0},
    };
    struct body_value v[COUNT];
    struct cardea_status s = body_read(x, fields, COUNT, v);
    if (!cardea_ok(s))
        return s;
    struct login *l = exchange_state(x, sizeof *l);
    if (l == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    s = login_app(x, &v[APP], &l->app);
    if (cardea_ok(s))
        s = typed_password(x, "password", v[PASSWORD].text);
    if (!cardea_ok(s))
        return s;
    l->remember = !v[REMEMBER].present || v[REMEMBER].flag;
    l->typed = v[USERNAME].text;
    l->password = v[PASSWORD].text;
    l->address = x->request.client;
    take_presented(x, l);
    login_name(l, x->site->settings);
    int64_t wait_ms = 0;
    s = login_check(l, x->site->guess, x->site->settings, x->site->boot_ms(), &wait_ms);
    return exchange_slow_down(x, s, wait_ms);
}

static struct cardea_status login_work(struct exchange *x)
{
    struct login *l = x->state;
    struct store_tx *tx = NULL;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = login_find(l, x->site->settings, tx, x->site->store->ops);
    /* Not held while hashing. */
    exchange_read_end(x, tx);
    if (!cardea_ok(s))
        return s;
    int64_t wait_ms = 0;
    s = login_prove(l, x->site->guess, x->site->settings, x->site->boot_ms(), &wait_ms);
    return exchange_slow_down(x, s, wait_ms);
}

static struct cardea_status login_commit_stage(struct exchange *x, struct store_tx *tx)
{
    struct flow f = exchange_flow(x, tx);
    return login_commit(x->state, &f);
}

static void login_finish(struct exchange *x)
{
    const struct login *l = x->state;
    carry_login(x, l->app, &l->user, &l->grant);
}

/* The caller's own records, read anew. */
static struct cardea_status read_own(struct exchange *x, struct stepup *u)
{
    struct store_tx *tx = NULL;
    const struct store_ops *ops = x->site->store->ops;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = ops->user_get(tx, x->who->user.id, &u->user);
    if (cardea_ok(s))
        s = ops->session_get(tx, x->who->sid, &u->session);
    exchange_read_end(x, tx);
    if (s.code == CARDEA_E_NOT_FOUND)
        return x->who->kind == KIND_TOKEN ? CARDEA_FAIL(E_INVALID_TOKEN) : CARDEA_FAIL(E_INVALID_SESSION);
    return s;
}

static struct cardea_status stepup_new(struct exchange *x, struct view password, const char *field, struct stepup **out)
{
    struct cardea_status s = typed_password(x, field, password);
    if (cardea_ok(s) && x->who->app == NULL)
        s = CARDEA_FAIL(E_FORBIDDEN);
    if (!cardea_ok(s))
        return s;
    struct stepup *u = exchange_state(x, sizeof *u);
    if (u == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    u->app = x->who->app;
    u->password = password;
    *out = u;
    return CARDEA_SUCCESS;
}

static struct cardea_status reauthenticate_begin(struct exchange *x)
{
    static const struct body_field fields[] = {{"password", BODY_SECRET, BODY_REQUIRED, 1, PASSWORD_TYPED_MAX}};
    struct body_value v[1];
    struct stepup *u;
    struct cardea_status s = body_read(x, fields, 1, v);
    return cardea_ok(s) ? stepup_new(x, v[0].text, "password", &u) : s;
}

static struct cardea_status password_begin(struct exchange *x)
{
    static const struct body_field fields[] = {
        {"current_password", BODY_SECRET, BODY_REQUIRED, 1, PASSWORD_TYPED_MAX},
        {"new_password", BODY_SECRET, BODY_REQUIRED, 0, PASSWORD_TYPED_MAX},
    };
    struct body_value v[2];
    struct stepup *u;
    struct cardea_status s = body_read(x, fields, 2, v);
    if (cardea_ok(s))
        s = typed_password(x, "new_password", v[1].text);
    if (cardea_ok(s))
        s = stepup_new(x, v[0].text, "current_password", &u);
    if (cardea_ok(s))
        u->new_password = v[1].text;
    return s;
}

static struct cardea_status stepup_work(struct exchange *x)
{
    struct stepup *u = x->state;
    struct cardea_status s = read_own(x, u);
    if (!cardea_ok(s))
        return s;
    int64_t wait_ms = 0;
    s = stepup_prove(u, x->site->guess, x->site->settings, x->request.client, x->site->boot_ms(), &wait_ms);
    if (s.code == CARDEA_E_WEAK_PASSWORD || s.code == CARDEA_E_INVALID_FIELD)
        return exchange_fault(x, s, "new_password", view_text(u->weak_reason));
    return exchange_slow_down(x, s, wait_ms);
}

static struct cardea_status stepup_commit_stage(struct exchange *x, struct store_tx *tx)
{
    struct flow f = exchange_flow(x, tx);
    return stepup_commit(x->state, &f);
}

static void stepup_finish(struct exchange *x)
{
    const struct stepup *u = x->state;
    carry_login(x, u->app, &u->user, &u->grant);
}

static const struct endpoint endpoints[] = {
    {.methods = METHOD_POST,
     .path = "/v1/login",
     .flags = ENDPOINT_SETS_COOKIE | ENDPOINT_NARROWS, /* the session that the browser carried before ends */
     .lane = LANE_HASH,
     .commits = LANE_WRITE,
     .body_max = ENDPOINT_BODY_SMALL,
     .begin = login_begin,
     .work = login_work,
     .commit = login_commit_stage,
     .finish = login_finish},
    {.methods = METHOD_POST,
     .path = "/v1/reauthenticate",
     .kinds = LOGIN_KINDS,
     .flags = ENDPOINT_NARROWS,
     .lane = LANE_HASH,
     .commits = LANE_WRITE,
     .body_max = ENDPOINT_BODY_SMALL,
     .begin = reauthenticate_begin,
     .work = stepup_work,
     .commit = stepup_commit_stage,
     .finish = stepup_finish},
    {.methods = METHOD_POST,
     .path = "/v1/password",
     .kinds = LOGIN_KINDS,
     .flags = ENDPOINT_NARROWS,
     .lane = LANE_HASH,
     .commits = LANE_URGENT,
     .body_max = ENDPOINT_BODY_SMALL,
     .begin = password_begin,
     .work = stepup_work,
     .commit = stepup_commit_stage,
     .finish = stepup_finish},
};
const struct endpoint_set login_endpoints = ENDPOINT_SET(endpoints);
