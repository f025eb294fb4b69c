#include "http/problem.h"

#include "base/json.h"
#include "http/authenticate.h"
#include "http/endpoint.h"

enum { PROBLEM_BODY_MAX = 2048 };

/* A credential is refused in one way, whatever was wrong with it; precise codes stay inside. */
static struct cardea_status outside(const struct exchange *x, struct cardea_status why)
{
    if (why.code != CARDEA_E_EXPIRED)
        return why;
    if (x->presented != NULL && (x->presented->kind == KIND_SESSION || x->presented->kind == KIND_SEALED))
        return CARDEA_FAIL(E_INVALID_SESSION);
    if (x->presented != NULL && x->presented->kind == KIND_KEY)
        return CARDEA_FAIL(E_INVALID_KEY);
    return CARDEA_FAIL(E_INVALID_TOKEN);
}

/* RFC 6750 §3.1: an error code only where a bearer credential came and was refused. Who came by Basic is asked to do so
 * again (RFC 6749 §5.2); nobody else is, because browsers would ask for a password. */
static struct view challenge(const struct exchange *x, struct cardea_status why)
{
    if (x->presented != NULL && x->presented->by_basic)
        return VIEW("Basic realm=\"cardea\"");
    if (why.code == CARDEA_E_INVALID_TOKEN || why.code == CARDEA_E_INVALID_KEY)
        return VIEW("Bearer error=\"invalid_token\"");
    return VIEW("Bearer realm=\"cardea\"");
}

/* Headers that a stage has already set and that stay with a refusal: cookies that are cleared, CORS, Allow. */
static void keep_headers(struct response *r)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->header_count; i++) {
        struct view name = r->headers[i].name;
        if (view_is(name, "Set-Cookie") || view_is(name, "Allow") || view_is(name, "Vary"))
            r->headers[kept++] = r->headers[i];
    }
    r->header_count = kept;
}

/* What RFC 6749 §5.2 (and RFC 7009 §2.2.1) call a refusal. */
static const char *oauth_code(const struct exchange *x, struct cardea_status why, int status)
{
    if (why.code == CARDEA_E_USAGE)
        return "unsupported_token_type";
    switch (status) {
    case 401:
        return x->presented != NULL && x->presented->by_bearer ? "invalid_token" : "invalid_client";
    case 403:
        return "insufficient_scope";
    case 429:
    case 503:
        return "temporarily_unavailable";
    case 500:
        return "server_error";
    default:
        return "invalid_request";
    }
}

/* {error, error_description}. The description holds what RFC 6749 lets it hold: our sentences have no quotes. */
static void put_oauth_body(struct exchange *x, struct cardea_status why, int status)
{
    static const struct view plain = {"{\"error\":\"server_error\"}", 24};
    char *room = arena_new(&x->arena, PROBLEM_BODY_MAX);
    struct buf b = buf_fixed(room, room == NULL ? 0 : PROBLEM_BODY_MAX);
    struct json_writer w = json_writer(&b);
    json_open_object(&w);
    json_member_text(&w, "error", view_text(oauth_code(x, why, status)));
    if (status != 401 && x->fault_detail.len > 0)
        json_member_text(&w, "error_description", x->fault_detail);
    else
        json_member_text(&w, "error_description", view_text(cardea_status_title(why)));
    json_close_object(&w);
    x->response.body = buf_ok(&b) ? buf_view(&b) : plain;
}

static void put_body(struct exchange *x, struct cardea_status why, int status)
{
    static const struct view plain = {"{\"type\":\"about:blank\",\"title\":\"Internal error\",\"status\":500,"
                                      "\"code\":\"internal\"}",
                                      82};
    char *room = arena_new(&x->arena, PROBLEM_BODY_MAX);
    struct buf b = buf_fixed(room, room == NULL ? 0 : PROBLEM_BODY_MAX);
    struct json_writer w = json_writer(&b);
    json_open_object(&w);
    json_member_text(&w, "type", VIEW("about:blank"));
    json_member_text(&w, "title", view_text(cardea_status_title(why)));
    json_member_int(&w, "status", status);
    json_member_text(&w, "code", view_text(cardea_status_problem(why)));
    /* What was wrong with a credential is nobody's business outside. */
    if (status != 401 && x->fault_detail.len > 0)
        json_member_text(&w, "detail", x->fault_detail);
    else
        json_member_text(&w, "detail", view_text(cardea_status_title(why)));
    if (status != 401 && x->fault_field != NULL)
        json_member_text(&w, "field", view_text(x->fault_field));
    json_member_text(&w, "request_id", view_text(x->request.id));
    json_close_object(&w);
    x->response.body = buf_ok(&b) ? buf_view(&b) : plain;
}

void problem_answer(struct exchange *x, struct cardea_status why)
{
    why = outside(x, why);
    if (cardea_ok(why))
        why = CARDEA_FAIL(E_INTERNAL);
    int status = cardea_status_http(why);
    struct response *r = &x->response;
    keep_headers(r);
    r->status = (uint16_t)status;
    bool oauth = x->endpoint != NULL && (x->endpoint->flags & ENDPOINT_OAUTH) != 0;
    if (oauth)
        put_oauth_body(x, why, status);
    else
        put_body(x, why, status);
    /* Names and values are ours; after keep_headers there is room. */
    bool good = cardea_ok(
        response_header(r, "Content-Type", oauth ? VIEW("application/json") : VIEW("application/problem+json")));
    if (status == 401)
        good = good && cardea_ok(response_header(r, "WWW-Authenticate", challenge(x, why)));
    if (status == 403 && oauth)
        good = good && cardea_ok(response_header(r, "WWW-Authenticate", VIEW("Bearer error=\"insufficient_scope\"")));
    if (status == 429 || status == 503) {
        char *digits = arena_new(&x->arena, 16);
        struct buf b = buf_fixed(digits, digits == NULL ? 0 : 16);
        buf_uint(&b, x->retry_after_s > 0 ? x->retry_after_s : RETRY_AFTER_DEFAULT_S);
        good = good && cardea_ok(response_header(r, "Retry-After", buf_ok(&b) ? buf_view(&b) : VIEW("1")));
    }
    if (!good)
        r->status = 500;
}
