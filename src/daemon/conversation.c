#include "daemon/conversation.h"

#include "base/secret.h"
#include "daemon/log.h"
#include "daemon/reply.h"
#include "daemon/request_filter.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

static struct conversation *conversation_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static struct loop *loop_of(const struct conversation *c)
{
    return loop_get(c->host->loops, c->host->entropy);
}

static const struct listening *listening(const struct conversation *c)
{
    return &c->job->hold->snapshot->listening;
}

static void set_deadline(struct conversation *c, int64_t from_now_ms)
{
    atomic_store_explicit(&c->entry.deadline_ms, c->host->boot_ms() + from_now_ms, memory_order_relaxed);
}

/* The request line has come. The library will cut and decode the target where it stands: keep a copy where that would
 * change it. */
void *conversation_target(void *host, const char *target, struct MHD_Connection *connection)
{
    (void)host;
    struct conversation *c = conversation_of(connection);
    if (c == NULL)
        return NULL;
    c->target_place = target;
    c->target_len = strlen(target);
    if (c->target_len <= TARGET_MAX && strpbrk(target, "?%") != NULL) {
        c->target_copy = malloc(c->target_len + 1);
        if (c->target_copy != NULL)
            memcpy(c->target_copy, target, c->target_len + 1);
        else
            c->target_place = NULL;
    }
    c->state = TALK_HEAD;
    return c;
}

static enum MHD_Result collect_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                      const char *value, size_t value_len)
{
    struct request *r = context;
    if ((kind & MHD_HEADER_KIND) == 0)
        return MHD_YES;
    if (r->header_count >= HEADERS_MAX) {
        r->header_count = HEADERS_MAX + 1;
        return MHD_NO;
    }
    r->headers[r->header_count++] = (struct header){{name, name_len}, {value, value == NULL ? 0 : value_len}};
    return MHD_YES;
}

static struct refusal check_head(struct conversation *c, struct request *r, const char *method, const char *version,
                                 struct filtered_head *out)
{
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (size == NULL || c->target_place == NULL)
        return (struct refusal){503, "The service is busy."};
    MHD_get_connection_values_n(c->connection, MHD_HEADER_KIND, collect_header, r);
    struct view target = view_of(c->target_copy != NULL ? c->target_copy : c->target_place, c->target_len);
    struct received_head head = {
        .start = method,
        .len = size->header_size,
        .method = view_text(method),
        .target_at = (size_t)(c->target_place - method),
        .target = target,
        .version = view_text(version),
        .headers = r->headers,
        .header_count = r->header_count,
    };
    struct refusal refused = request_filter(&head, out);
    if (refused.http == 0)
        r->target = target;
    return refused;
}

static enum MHD_Result queue(struct conversation *c, unsigned status, struct MHD_Response *reply)
{
    if (reply == NULL)
        return MHD_NO;
    enum MHD_Result queued = MHD_queue_response(c->connection, status, reply);
    MHD_destroy_response(reply);
    return queued;
}

static enum loop_count class_of(unsigned status)
{
    if (status < 300)
        return COUNT_2XX;
    if (status < 400)
        return COUNT_3XX;
    return status < 500 ? COUNT_4XX : COUNT_5XX;
}

static struct view title_of(unsigned status)
{
    switch (status) {
    case 403:
        return VIEW("{\"type\":\"about:blank\",\"title\":\"Plain HTTP is refused here\",\"status\":403,"
                    "\"code\":\"https_required\"}\n");
    case 414:
        return VIEW("{\"type\":\"about:blank\",\"title\":\"The target is too long\",\"status\":414,"
                    "\"code\":\"target_too_long\"}\n");
    case 431:
        return VIEW("{\"type\":\"about:blank\",\"title\":\"The request head is too large\",\"status\":431,"
                    "\"code\":\"header_too_large\"}\n");
    case 503:
        return VIEW("{\"type\":\"about:blank\",\"title\":\"The service is busy\",\"status\":503,\"code\":\"busy\"}\n");
    case 505:
        return VIEW("{\"type\":\"about:blank\",\"title\":\"This version of HTTP is not supported\",\"status\":505,"
                    "\"code\":\"version_not_supported\"}\n");
    default:
        return VIEW("{\"type\":\"about:blank\",\"title\":\"The request is malformed\",\"status\":400,"
                    "\"code\":\"bad_request\"}\n");
    }
}

/* What the listener itself refuses: a fixed text, and the end of the connection. In the library's first call that end
 * comes by itself. */
static enum MHD_Result refuse_head(struct conversation *c, struct loop *loop, struct refusal refused)
{
    struct response r = {.status = refused.http, .body = title_of(refused.http)};
    bool whole = cardea_ok(response_header(&r, "Content-Type", VIEW("application/problem+json")));
    if (whole && refused.http == 503)
        whole = cardea_ok(response_header(&r, "Retry-After", VIEW("1")));
    c->state = TALK_ANSWERED;
    loop_count(loop, COUNT_REFUSED_HEADS);
    loop_count(loop, class_of(refused.http));
    if (log_wanted(LOG_DEBUG))
        log_write(LOG_DEBUG, "a request was refused",
                  LOG_FIELDS(LOG_INT("http", refused.http), LOG_TEXT("reason", view_text(refused.reason)),
                             LOG_ADDRESS("peer", &c->peer.address)));
    return whole ? queue(c, refused.http, reply_new(&r, true)) : MHD_NO;
}

static bool is_check(const struct exchange *x)
{
    return view_starts(view_skip(x->request.path, strlen(x->site->settings->base_path)), VIEW("/verify"));
}

/* One line a request, but for those answered inline, and those too when asked for. The path only: a query may hold
 * anything. */
static void log_request(const struct conversation *c, const struct exchange *x, bool was_away)
{
    enum log_level level = x->response.status >= 500 && x->response.status != 503 ? LOG_WARN : LOG_INFO;
    /* A verifier elsewhere asks several times a second. */
    bool often = is_check(x) || x->response.stream != NULL;
    if (!listening(c)->log_requests || (!was_away && level == LOG_INFO && often))
        return;
    if (!log_wanted(level))
        return;
    static const struct {
        enum method method;
        const char *name;
    } names[] = {{METHOD_GET, "GET"},     {METHOD_HEAD, "HEAD"},     {METHOD_POST, "POST"},      {METHOD_PUT, "PUT"},
                 {METHOD_PATCH, "PATCH"}, {METHOD_DELETE, "DELETE"}, {METHOD_OPTIONS, "OPTIONS"}};
    const char *method = "other";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].method == x->request.method)
            method = names[i].name;
    log_write(level, "request",
              LOG_FIELDS(LOG_TEXT("method", view_text(method)), LOG_TEXT("path", x->request.path),
                         LOG_INT("http", x->response.status), LOG_INT("ms", c->host->boot_ms() - c->begun_ms),
                         LOG_ADDRESS("client", &x->request.client), LOG_TEXT("request_id", view_text(x->request.id))));
}

static void count_answer(struct loop *loop, const struct exchange *x)
{
    unsigned status = x->response.status;
    loop_count(loop, class_of(status));
    if (!is_check(x))
        return;
    loop_count(loop, status == 204 ? COUNT_VERIFY_YES : status >= 500 ? COUNT_VERIFY_UNKNOWN : COUNT_VERIFY_NO);
}

static enum MHD_Result answer(struct conversation *c, bool was_away)
{
    struct exchange *x = &c->job->x;
    struct loop *loop = loop_of(c);
    bool close = c->last || atomic_load_explicit(c->host->stopping, memory_order_relaxed);
    c->state = TALK_ANSWERED;
    count_answer(loop, x);
    log_request(c, x, was_away);
    if (x->response.stream != NULL) {
        set_deadline(c, x->response.stream->longest_ms);
        return queue(c, x->response.status, reply_stream(&x->response, c->connection, close));
    }
    if (close || was_away || !reply_keepable(&x->response))
        return queue(c, x->response.status, reply_new(&x->response, close));
    struct MHD_Response *kept = reply_renew(&c->job->kept, &x->response);
    return kept == NULL ? MHD_NO : MHD_queue_response(c->connection, x->response.status, kept);
}

/* A lane is done with the job, on whatever thread: wake the event loop. */
static void job_back(struct job *job)
{
    struct conversation *c = job->owner;
    struct MHD_Connection *connection = c->connection;
    atomic_store_explicit(&c->state, TALK_BACK, memory_order_release);
    MHD_resume_connection(connection);
}

/* While it is suspended the library does not look at it. Whoever has closed his sending half reads no answer, so far as
 * we can know; he gets it all the same. */
static bool client_gone(const struct job *job)
{
    const struct conversation *c = job->owner;
    struct pollfd p = {.fd = c->entry.fd, .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0;
}

static enum MHD_Result advance(struct conversation *c, enum stage stage)
{
    if (stage != STAGE_WORK && stage != STAGE_COMMIT)
        return answer(c, false);
    struct job *job = c->job;
    int64_t deadline = c->host->boot_ms() + listening(c)->request_deadline_ms;
    job->entry.deadline_ms = deadline;
    job->back = job_back;
    job->gone = client_gone;
    job->owner = c;
    atomic_store_explicit(&c->entry.deadline_ms, INT64_MAX, memory_order_relaxed);
    c->state = TALK_AWAY;
    /* Before the job is handed over: it may be back before the next line. */
    MHD_suspend_connection(c->connection);
    lanes_start(job, stage);
    return MHD_YES;
}

/* Refused before its body: at once if the body is not worth reading, else when it has been read. */
static enum MHD_Result refuse_body(struct conversation *c, int64_t content_length, bool expects_continue)
{
    c->last = true;
    if (expects_continue || content_length > DISCARD_MAX)
        return answer(c, false);
    c->state = TALK_DISCARD;
    return MHD_YES;
}

static enum MHD_Result expect_body(struct conversation *c, const struct filtered_head *head)
{
    struct exchange *x = &c->job->x;
    c->last = true;
    set_deadline(c, listening(c)->body_deadline_ms);
    if (exchange_head(x, head->content_length) == STAGE_DONE)
        return refuse_body(c, head->content_length, head->expects_continue);
    if (head->content_length > BODY_MAX) {
        exchange_refuse(x, CARDEA_FAIL(E_TOO_LARGE));
        return refuse_body(c, head->content_length, head->expects_continue);
    }
    c->body_cap = head->content_length < 0 ? BODY_MAX : (size_t)head->content_length;
    c->body = malloc(c->body_cap);
    if (c->body == NULL) {
        exchange_refuse(x, CARDEA_FAIL(E_BUSY));
        return refuse_body(c, head->content_length, head->expects_continue);
    }
    c->state = TALK_BODY;
    return MHD_YES;
}

static void trim_values(struct request *r)
{
    for (uint32_t i = 0; i < r->header_count; i++)
        r->headers[i].value = view_trim(r->headers[i].value);
}

/* Fill in what the exchange wants to know of a request whose head was let through. */
static void describe(struct conversation *c, struct loop *loop, struct request *r, const struct filtered_head *head)
{
    const struct listening *l = listening(c);
    struct proxies proxies = {l->proxies, l->proxy_count};
    c->peer.trusted = c->host->is_unix || proxies_list(&proxies, &c->peer.address);
    r->method = head->method;
    r->entrance = c->host->entrance;
    r->path = head->path;
    r->query = head->query;
    r->uid = c->uid;
    trim_values(r);
    proxy_resolve(&proxies, &c->peer, r);
    request_id_choose(&loop->ids, request_header(r, VIEW("X-Request-Id")), r->id);
}

/* The library's first call: the head is there. */
static enum MHD_Result on_head(struct conversation *c, const char *method, const char *version)
{
    struct loop *loop = loop_of(c);
    c->job = loop == NULL ? NULL : loop_job(loop, c->host->publisher, c->host->lanes);
    if (c->job == NULL)
        return MHD_NO;
    struct request *r = &c->job->x.request;
    struct filtered_head head;
    c->last = false;
    c->begun_ms = c->host->boot_ms();
    atomic_store_explicit(&c->entry.busy, true, memory_order_relaxed);
    struct refusal refused = check_head(c, r, method, version, &head);
    if (refused.http != 0)
        return refuse_head(c, loop, refused);
    describe(c, loop, r, &head);
    if (!peer_is_private(&c->peer))
        return refuse_head(c, loop, (struct refusal){403, "Plain HTTP from an address that is no trusted proxy."});
    if (head.content_length != 0)
        return expect_body(c, &head);
    c->state = TALK_WHOLE;
    return MHD_YES;
}

static enum MHD_Result on_body(struct conversation *c, const char *bytes, size_t *len)
{
    if (c->state == TALK_BODY && *len <= c->body_cap - c->body_len) {
        memcpy(c->body + c->body_len, bytes, *len);
        c->body_len += *len;
        *len = 0;
        return MHD_YES;
    }
    if (c->state == TALK_BODY) {
        exchange_refuse(&c->job->x, CARDEA_FAIL(E_TOO_LARGE));
        c->state = TALK_DISCARD;
    }
    c->discarded += *len;
    *len = 0;
    return c->discarded <= DISCARD_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_whole(struct conversation *c)
{
    struct exchange *x = &c->job->x;
    struct loop *loop = loop_of(c);
    /* A body may trickle in for as long as its deadline lets it: the keys and settings of now count. */
    if (c->body != NULL && (loop == NULL || !loop_job_renew(loop, c->host->publisher, c->job)))
        return MHD_NO;
    x->request.body = view_of(c->body, c->body_len);
    return advance(c, exchange_begin(x));
}

static enum MHD_Result on_back(struct conversation *c)
{
    set_deadline(c, listening(c)->body_deadline_ms);
    if (c->job->finish)
        exchange_finish(&c->job->x);
    return answer(c, true);
}

enum MHD_Result conversation_handle(void *host, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *upload, size_t *upload_len, void **context)
{
    (void)host;
    (void)url; /* decoded and cut at an encoded NUL: never look at it */
    struct conversation *c = *context;
    if (c == NULL)
        return MHD_NO;
    c->connection = connection;
    switch (atomic_load_explicit(&c->state, memory_order_acquire)) {
    case TALK_HEAD:
        return on_head(c, method, version);
    case TALK_WHOLE:
        return on_whole(c);
    case TALK_BODY:
        return *upload_len > 0 ? on_body(c, upload, upload_len) : on_whole(c);
    case TALK_DISCARD:
        return *upload_len > 0 ? on_body(c, upload, upload_len) : answer(c, false);
    case TALK_BACK:
        return on_back(c);
    default:
        return MHD_NO;
    }
}

void conversation_completed(void *host, struct MHD_Connection *connection, void **context,
                            enum MHD_RequestTerminationCode why)
{
    (void)host;
    (void)connection;
    (void)why;
    struct conversation *c = *context;
    if (c == NULL)
        return;
    int64_t now = c->host->boot_ms();
    if (c->job != NULL) {
        const struct listening *l = listening(c);
        atomic_store_explicit(&c->entry.deadline_ms, now + l->idle_timeout_ms + l->head_deadline_ms,
                              memory_order_relaxed);
        loop_job_end(loop_of(c), c->job);
        c->job = NULL;
    }
    atomic_store_explicit(&c->entry.since_ms, now, memory_order_relaxed);
    atomic_store_explicit(&c->entry.busy, false, memory_order_relaxed);
    if (c->body != NULL) {
        secret_wipe(c->body, c->body_len);
        free(c->body);
        c->body = NULL;
    }
    free(c->target_copy);
    c->target_copy = NULL;
    c->body_len = c->body_cap = 0;
    c->discarded = 0;
    c->state = TALK_IDLE;
    *context = NULL;
}
