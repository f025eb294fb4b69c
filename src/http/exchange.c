/* The checks that stand before every endpoint, in one place and one order, and the walk through its stages. */
#include "http/exchange.h"

#include "base/json.h"
#include "core/audit.h"
#include "core/password.h"
#include "http/answer.h"
#include "http/authenticate.h"
#include "http/body.h"
#include "http/endpoint.h"
#include "http/lookup.h"
#include "http/origin.h"
#include "http/problem.h"
#include "http/query.h"

enum { SAFE_METHODS = METHOD_GET | METHOD_HEAD | METHOD_OPTIONS };

/* Zero all but what counts keep from being read: the headers' places and the scratch room are most of the structure,
 * and every check pays for this. */
static void zero(struct exchange *x)
{
    char *bytes = (char *)x;
    const size_t parts[][2] = {
        {0, offsetof(struct exchange, request.headers)},
        {offsetof(struct exchange, request.header_count), offsetof(struct exchange, response.headers)},
        {offsetof(struct exchange, response.body), offsetof(struct exchange, scratch)},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        memset(bytes + parts[i][0], 0, parts[i][1] - parts[i][0]);
}

void exchange_init(struct exchange *x, const struct site *site, struct verify_cache *cache)
{
    zero(x);
    x->site = site;
    x->cache = cache;
    arena_init(&x->arena, EXCHANGE_ARENA_MAX);
}

void exchange_clear(struct exchange *x)
{
    response_drop_stream(&x->response);
    arena_clear(&x->arena);
}

struct cardea_status exchange_fault(struct exchange *x, struct cardea_status why, const char *field, struct view detail)
{
    x->fault_field = field;
    x->fault_detail = detail;
    return why;
}

void *exchange_state(struct exchange *x, size_t size)
{
    x->state = arena_new(&x->arena, size);
    return x->state;
}

struct view exchange_param(const struct exchange *x, size_t n)
{
    return n < ENDPOINT_PARAMS_MAX ? x->params[n] : VIEW_EMPTY;
}

struct cardea_status exchange_begin_session_id(struct exchange *x)
{
    struct session_id *sid = exchange_state(x, sizeof *sid);
    if (sid == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    return cardea_ok(session_id_parse(exchange_param(x, 0), sid)) ? CARDEA_SUCCESS : CARDEA_FAIL(E_NOT_FOUND);
}

struct cardea_status exchange_begin_api_key_id(struct exchange *x)
{
    struct api_key_id *id = exchange_state(x, sizeof *id);
    if (id == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    return cardea_ok(api_key_id_parse(exchange_param(x, 0), id)) ? CARDEA_SUCCESS : CARDEA_FAIL(E_NOT_FOUND);
}

struct cardea_status exchange_slow_down(struct exchange *x, struct cardea_status s, int64_t wait_ms)
{
    if (s.code == CARDEA_E_RATE_LIMITED)
        x->retry_after_s = (uint32_t)((wait_ms + 999) / 1000);
    return s;
}

struct verifier exchange_verifier(const struct exchange *x)
{
    return (struct verifier){
        .settings = x->site->settings,
        .keys = x->site->keys,
        .table = x->site->table,
        .cache = x->cache,
        .now_ms = x->now_ms,
        .boot_ms = x->site->boot_ms(),
    };
}

struct cardea_status exchange_read_begin(struct exchange *x, struct store_tx **out)
{
    const struct site *site = x->site;
    return site->store->ops->begin(site->store, STORE_READ, site->boot_ms() + EXCHANGE_STORE_DEADLINE_MS, out);
}

void exchange_read_end(struct exchange *x, struct store_tx *tx)
{
    if (tx != NULL)
        x->site->store->ops->abort(tx);
}

static struct view actor_text(struct exchange *x)
{
    enum { ACTOR_MAX = 48 };
    char *room = arena_new(&x->arena, ACTOR_MAX);
    struct buf b = buf_fixed(room, room == NULL ? 0 : ACTOR_MAX - 1);
    if (x->who != NULL) {
        buf_user_id(&b, x->who->user.id);
    } else if (x->request.entrance == ENTRANCE_SOCKET) {
        buf_text(&b, "operator:");
        buf_uint(&b, x->request.uid);
    }
    return buf_ok(&b) ? buf_view(&b) : VIEW_EMPTY;
}

struct flow exchange_flow(struct exchange *x, struct store_tx *tx)
{
    return (struct flow){
        .settings = x->site->settings,
        .keys = x->site->keys,
        .ops = x->site->store->ops,
        .tx = tx,
        .table = x->site->table,
        .entropy = x->site->entropy,
        .arena = &x->arena,
        .changes = &x->changes,
        .now_ms = x->now_ms,
        .client = x->request.client,
        .request_id = view_text(x->request.id),
        .actor = actor_text(x),
        .user_agent = request_header(&x->request, VIEW("User-Agent")),
    };
}

/* The answer is complete: what every answer carries. */
static enum stage done(struct exchange *x)
{
    unsigned flags = x->endpoint == NULL ? 0 : x->endpoint->flags;
    x->phase = PHASE_DONE;
    if ((flags & ENDPOINT_BARE) != 0 && x->response.status < 400)
        return STAGE_DONE;
    if ((flags & ENDPOINT_NO_CORS) == 0 && x->endpoint != NULL && x->request.method != METHOD_OPTIONS)
        origin_cors(x, x->app);
    if ((flags & ENDPOINT_OWN_CACHING) == 0 || x->response.status >= 400)
        answer_header(x, "Cache-Control", VIEW("no-store"));
    answer_header(x, "X-Content-Type-Options", VIEW("nosniff"));
    if (x->request.id[0] != '\0')
        answer_header(x, "X-Request-Id", view_text(x->request.id));
    if (x->response_broken) {
        x->response.header_count = 0;
        problem_answer(x, CARDEA_FAIL(E_INTERNAL));
    }
    return STAGE_DONE;
}

static enum stage refuse(struct exchange *x, struct cardea_status why)
{
    problem_answer(x, why);
    return done(x);
}

void exchange_refuse(struct exchange *x, struct cardea_status why)
{
    change_list_reset(&x->changes);
    /* Cookies that a stage has set already belong to a change that did not happen. */
    response_drop_stream(&x->response);
    x->response = (struct response){0};
    x->response_broken = false;
    refuse(x, why);
}

/* A call without input takes no body; on POST the empty object that some clients always send is let through. */
static struct cardea_status body_head_check(struct exchange *x, int64_t length)
{
    const struct endpoint *e = x->endpoint;
    if (length == 0)
        return CARDEA_SUCCESS;
    if (x->request.method == METHOD_HEAD || (e->body_max == 0 && x->request.method != METHOD_POST))
        return exchange_fault(x, CARDEA_FAIL(E_BAD_REQUEST), NULL, VIEW("This call takes no body"));
    int64_t max = e->body_max == 0 ? ENDPOINT_BODY_SMALL : e->body_max;
    if (length > max)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct view type;
    struct view rest;
    if (request_header_count(&x->request, VIEW("Content-Type")) != 1)
        return CARDEA_FAIL(E_MEDIA_TYPE);
    view_cut(request_header(&x->request, VIEW("Content-Type")), ';', &type, &rest);
    if ((e->flags & ENDPOINT_OAUTH) == 0)
        return view_equal_ascii_case(view_trim(type), VIEW("application/json")) ? CARDEA_SUCCESS
                                                                                : CARDEA_FAIL(E_MEDIA_TYPE);
    if (view_equal_ascii_case(view_trim(type), VIEW("application/x-www-form-urlencoded")))
        return CARDEA_SUCCESS;
    return exchange_fault(x, CARDEA_FAIL(E_MEDIA_TYPE), NULL,
                          VIEW("the content type is not application/x-www-form-urlencoded"));
}

static enum stage route(struct exchange *x)
{
    struct request *r = &x->request;
    struct route found = endpoint_route(x->site->settings, r->entrance, r->method, r->path);
    x->phase = PHASE_ROUTED;
    if (found.endpoint != NULL) {
        x->endpoint = found.endpoint;
        memcpy(x->params, found.params, sizeof x->params);
        return STAGE_UNSET;
    }
    if (found.allowed == 0)
        return refuse(x, CARDEA_FAIL(E_NOT_FOUND));
    answer_header(x, "Allow", origin_methods(x, found.allowed));
    if (r->method != METHOD_OPTIONS)
        return refuse(x, CARDEA_FAIL(E_METHOD));
    origin_preflight(x, found.cors ? found.allowed : 0);
    return done(x);
}

enum stage exchange_head(struct exchange *x, int64_t content_length)
{
    x->now_ms = x->site->wall_ms();
    enum stage stage = route(x);
    if (stage != STAGE_UNSET)
        return stage;
    /* METHOD_ANY endpoints look at neither body nor query: the body is somebody else's. */
    if (x->endpoint->methods == METHOD_ANY)
        return STAGE_UNSET;
    struct cardea_status s = body_head_check(x, content_length);
    return cardea_ok(s) ? STAGE_UNSET : refuse(x, s);
}

struct cardea_status exchange_csrf(const struct exchange *x, struct session_id sid)
{
    if (request_header_count(&x->request, VIEW("X-CSRF-Token")) != 1)
        return CARDEA_FAIL(E_CSRF);
    return csrf_token_check(x->site->keys, sid, request_header(&x->request, VIEW("X-CSRF-Token")));
}

/* Cross-site rules for what a cookie authenticated; then scope, role and age of the login. */
static struct cardea_status admit(struct exchange *x)
{
    const struct endpoint *e = x->endpoint;
    const struct settings *settings = x->site->settings;
    struct cardea_status s = CARDEA_SUCCESS;
    x->app = x->who->app;
    if (x->presented->by_cookie && ((unsigned)x->request.method & SAFE_METHODS) == 0) {
        s = origin_rule(&x->request, settings, x->app);
        if (cardea_ok(s))
            s = exchange_csrf(x, x->who->sid);
    }
    if (cardea_ok(s) && e->scope != NULL && !identity_has_scope(x->who, e->scope))
        s = CARDEA_FAIL(E_FORBIDDEN);
    if (cardea_ok(s) && (e->flags & ENDPOINT_ADMIN) != 0) {
        if (!identity_has_role(x->who, "admin"))
            s = CARDEA_FAIL(E_FORBIDDEN);
        else if (x->who->authenticated_at_ms + settings->admin_login_age_ms < x->now_ms)
            s = CARDEA_FAIL(E_LOGIN_TOO_OLD);
    }
    return s;
}

/* A change has a journal row of its own; what the operator merely looks at gets one here. An administrator's reading
 * over HTTP is in the log of requests. */
static bool is_operators_look(const struct exchange *x)
{
    return x->request.entrance == ENTRANCE_SOCKET && x->who == NULL && (x->endpoint->flags & ENDPOINT_ADMIN) != 0 &&
           x->endpoint->commit == NULL;
}

static struct cardea_status note_look(struct exchange *x, struct store_tx *tx)
{
    struct flow f = exchange_flow(x, tx);
    char room[EVENT_DETAIL_MAX];
    struct buf b = buf_fixed(room, sizeof room);
    struct json_writer w = json_writer(&b);
    json_open_object(&w);
    json_member_text(&w, "path", x->request.path);
    json_close_object(&w);
    return flow_event(&f, AUDIT_operator_read, NULL, NULL, buf_ok(&b) ? buf_view(&b) : VIEW_EMPTY, NULL);
}

/* The endpoint's own stages, once the caller is known. */
static enum stage next_stage(struct exchange *x)
{
    const struct endpoint *e = x->endpoint;
    bool answered = x->response.status != 0, look = is_operators_look(x);
    if (answered && !look)
        return done(x);
    if (e->commit != NULL && e->commits != LANE_URGENT && x->site->store_lost != NULL &&
        x->site->store_lost(x->site->context))
        return refuse(x, CARDEA_FAIL(E_UNAVAILABLE));
    if (!answered && x->phase < PHASE_WORK && e->work != NULL && !x->skip_work) {
        x->phase = PHASE_WORK;
        x->lane = x->issuer != 0 ? LANE_KEYS : e->lane;
        return STAGE_WORK;
    }
    if (x->phase < PHASE_COMMIT && (e->commit != NULL || look)) {
        x->phase = PHASE_COMMIT;
        x->lane = look ? LANE_WRITE : e->commits;
        return STAGE_COMMIT;
    }
    if (e->commit == NULL && e->finish != NULL)
        e->finish(x);
    return done(x);
}

static struct cardea_status read_wait(struct exchange *x)
{
    static const char *const names[] = {"wait"};
    struct view wait;
    struct cardea_status s = query_read(x, names, 1, &wait);
    if (!cardea_ok(s) || wait.ptr == NULL)
        return s;
    if (!view_is(wait, "all"))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "wait", VIEW("there is only wait=all"));
    x->wait_all = true;
    return s;
}

/* Of calls that do not read it themselves. */
static struct cardea_status check_query(struct exchange *x)
{
    if (x->request.query.len == 0 || (x->endpoint->flags & (ENDPOINT_ANY_QUERY | ENDPOINT_QUERIES)) != 0)
        return CARDEA_SUCCESS;
    if ((x->endpoint->flags & ENDPOINT_NARROWS) != 0)
        return read_wait(x);
    return exchange_fault(x, CARDEA_FAIL(E_BAD_REQUEST), NULL, VIEW("This call takes no query parameters"));
}

static enum stage enter(struct exchange *x)
{
    struct cardea_status s = check_query(x);
    /* A call without input: nothing but the empty object, so that no field is ever silently ignored. */
    if (cardea_ok(s) && x->endpoint->body_max == 0 && x->endpoint->methods != METHOD_ANY)
        s = body_read(x, NULL, 0, NULL);
    if (cardea_ok(s) && x->endpoint->begin != NULL)
        s = x->endpoint->begin(x);
    return cardea_ok(s) ? next_stage(x) : refuse(x, s);
}

static struct cardea_status identify_room(struct exchange *x)
{
    x->cookies = arena_new(&x->arena, sizeof *x->cookies);
    x->presented = arena_new(&x->arena, sizeof *x->presented);
    return x->cookies == NULL || x->presented == NULL ? CARDEA_FAIL(E_INTERNAL) : CARDEA_SUCCESS;
}

static enum stage known(struct exchange *x, struct identity *who)
{
    x->who = who;
    struct cardea_status s = admit(x);
    return cardea_ok(s) ? enter(x) : refuse(x, s);
}

static enum stage identify(struct exchange *x)
{
    struct identity *who = arena_new(&x->arena, sizeof *who);
    if (who == NULL)
        return refuse(x, CARDEA_FAIL(E_INTERNAL));
    struct cardea_status why = CARDEA_FAIL(E_NOT_FOUND);
    enum verify_answer answer = VERIFY_UNKNOWN;
    struct verifier v = exchange_verifier(x);
    if (v.table != NULL)
        answer = verify_credential(&v, x->presented->kind, x->presented->text, who, &why);
    /* When somebody logged in stands in the store alone where the table does not hold the session. */
    bool age_unknown = (x->endpoint->flags & ENDPOINT_ADMIN) != 0 && who->authenticated_at_ms == 0;
    if (answer == VERIFY_YES && !age_unknown)
        return known(x, who);
    /* Nobody can say yet why a good one is looked up. */
    if (answer != VERIFY_NO)
        why = lookup_allowed(x, answer == VERIFY_YES ? CARDEA_FAIL(E_NOT_FOUND) : why);
    if (!cardea_ok(why))
        return refuse(x, why);
    x->phase = PHASE_IDENTIFY;
    x->lane = LANE_READ;
    return STAGE_WORK;
}

enum stage exchange_begin(struct exchange *x)
{
    if (x->phase == PHASE_UNSET) {
        enum stage stage = exchange_head(x, (int64_t)x->request.body.len);
        if (stage != STAGE_UNSET)
            return stage;
    }
    x->now_ms = x->site->wall_ms();
    const struct endpoint *e = x->endpoint;
    /* The head may have said less than came. */
    if (e->methods != METHOD_ANY && x->request.body.len > (e->body_max == 0 ? ENDPOINT_BODY_SMALL : e->body_max))
        return refuse(x, CARDEA_FAIL(E_TOO_LARGE));
    if (e->kinds == 0 && (e->flags & (ENDPOINT_SETS_COOKIE | ENDPOINT_COOKIES | ENDPOINT_ADMIN)) == 0)
        return enter(x);
    struct cardea_status s = identify_room(x);
    if (!cardea_ok(s))
        return refuse(x, s);
    cookies_read(&x->request, x->site->settings, x->cookies);
    if ((e->flags & ENDPOINT_SETS_COOKIE) != 0 && !cardea_ok(s = origin_rule(&x->request, x->site->settings, NULL)))
        return refuse(x, s);
    /* The operator is known by the socket, not by a credential. */
    if (e->kinds == 0 || (x->request.entrance == ENTRANCE_SOCKET && (e->flags & ENDPOINT_ADMIN) != 0))
        return enter(x);
    s = presented_find(&x->request, x->cookies, e->kinds, x->presented);
    if (cardea_ok(s) && (e->flags & ENDPOINT_OAUTH) != 0)
        s = presented_basic(&x->request, &x->arena, x->presented);
    if (!cardea_ok(s))
        return refuse(x, s);
    return x->presented->kind == KIND_UNSET ? refuse(x, CARDEA_FAIL(E_UNAUTHENTICATED)) : identify(x);
}

static enum stage identify_stored(struct exchange *x)
{
    struct identity *who = arena_new(&x->arena, sizeof *who);
    struct lookup l = {0};
    struct cardea_status why = who == NULL ? CARDEA_FAIL(E_INTERNAL) : lookup_begin(x, &l);
    enum verify_answer answer = VERIFY_UNKNOWN;
    if (cardea_ok(why))
        answer =
            verify_stored(&l.verifier, l.tx, x->site->store->ops, x->presented->kind, x->presented->text, who, &why);
    lookup_end(x, &l, why);
    return answer == VERIFY_YES ? known(x, who) : refuse(x, why);
}

enum stage exchange_work(struct exchange *x)
{
    /* It is the event loop's own, without a lock, and this is another thread. */
    x->cache = NULL;
    if (x->phase == PHASE_IDENTIFY)
        return identify_stored(x);
    struct cardea_status s = x->endpoint->work(x);
    return cardea_ok(s) ? next_stage(x) : refuse(x, s);
}

/* A write may have waited behind the logout, suspension or change of roles that forbids it. */
static struct cardea_status allowed_still(struct exchange *x, struct store_tx *tx)
{
    struct user_record user;
    struct verifier v = exchange_verifier(x);
    struct cardea_status s = verify_again(&v, tx, x->site->store->ops, x->who, &user);
    if (cardea_ok(s) && (x->endpoint->flags & ENDPOINT_ADMIN) != 0 && !roles_have(view_text(user.roles), VIEW("admin")))
        return CARDEA_FAIL(E_FORBIDDEN);
    return s;
}

/* What is waited for: the row that was written, which others are told to look at and to acknowledge at once. Where all
 * was as it should be already nothing was written: then it is whatever the journal holds. */
static struct cardea_status prepare_wait(struct exchange *x, struct store_tx *tx)
{
    const struct store_ops *ops = x->site->store->ops;
    struct cardea_status s = CARDEA_SUCCESS;
    if (x->changes.n == 0) {
        struct event *last = arena_new(&x->arena, sizeof *last);
        uint32_t count = 0;
        s = last == NULL ? CARDEA_FAIL(E_TOO_LARGE) : ops->event_list(tx, 0, true, last, 1, &count);
        if (cardea_ok(s) && count == 1)
            x->changes.n = last->n;
    }
    if (cardea_ok(s) && ops->push != NULL)
        s = ops->push(tx, STORE_PUSH_RENEW);
    return s;
}

struct cardea_status exchange_commit(struct exchange *x, struct store_tx *tx)
{
    x->cache = NULL;
    change_list_reset(&x->changes);
    struct cardea_status s = x->who == NULL ? CARDEA_SUCCESS : allowed_still(x, tx);
    if (!cardea_ok(s))
        return s;
    x->waits = x->wait_all;
    s = x->endpoint->commit != NULL ? x->endpoint->commit(x, tx) : note_look(x, tx);
    return cardea_ok(s) && x->waits ? prepare_wait(x, tx) : s;
}

static bool has_stateless_policies(const struct settings *s)
{
    for (uint32_t i = 0; i < s->policy_count; i++)
        if (s->policies[i].revocation == REVOCATION_UNCHECKED)
            return true;
    return false;
}

/* Into the answer: as its only member, or as one more. */
static void add_receipt(struct exchange *x)
{
    struct view body = x->response.body;
    if (x->response.status >= 300)
        return;
    struct json_writer w = answer_open(x, body.len + RECEIPT_JSON_MAX);
    bool alone = body.len < 2;
    if (alone)
        json_open_object(&w);
    else
        buf_put(w.out, view_of(body.ptr, body.len - 1)); /* an object, without its end */
    w.comma = !alone && body.len > 2;
    x->receipt.stateless = has_stateless_policies(x->site->settings);
    json_name(&w, "receipt");
    receipt_write(&w, &x->receipt);
    json_close_object(&w);
    if (!alone && buf_ok(w.out))
        x->response.body = buf_view(w.out);
    else
        answer_json(x, 200, &w);
}

void exchange_finish(struct exchange *x)
{
    x->phase = PHASE_FINISH;
    bool answered = x->response.status != 0; /* by work: an operator's look */
    if (!answered && x->endpoint->finish != NULL)
        x->endpoint->finish(x);
    else if (!answered)
        answer_empty(x, 204);
    if (x->waits)
        add_receipt(x);
    done(x);
}

/* One change in a transaction of its own. */
static struct cardea_status commit_alone(struct exchange *x)
{
    const struct site *site = x->site;
    const struct store_ops *ops = site->store->ops;
    struct store_tx *tx = NULL;
    struct cardea_status s = ops->begin(site->store, STORE_WRITE, site->boot_ms() + EXCHANGE_STORE_DEADLINE_MS, &tx);
    if (!cardea_ok(s))
        return s;
    s = exchange_commit(x, tx);
    if (cardea_ok(s))
        return ops->commit(tx);
    ops->abort(tx);
    return s;
}

static void await_alone(struct exchange *x)
{
    x->receipt = (struct receipt){.position = x->changes.n, .complete = true, .registry_readable = true};
    if (x->site->await != NULL)
        x->site->await(x->site->context, x);
}

void exchange_run(struct exchange *x)
{
    enum stage stage = exchange_begin(x);
    while (stage == STAGE_WORK)
        stage = exchange_work(x);
    if (stage != STAGE_COMMIT)
        return;
    struct cardea_status s = commit_alone(x);
    if (cardea_ok(s) && x->waits)
        await_alone(x);
    if (cardea_ok(s))
        exchange_finish(x);
    else
        exchange_refuse(x, s);
}
