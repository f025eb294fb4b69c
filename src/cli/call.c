#include "cli/call.h"

#include "base/secret.h"
#include "cli/render.h"
#include "cli/socket.h"
#include "crypto/random.h"
#include "daemon/receipts.h"
#include "http/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_STEP_MS = 50, PAGE_SIZE = 200, PAGES_MAX = 100000 };

void answer_clear(struct answer *a)
{
    if (a->body.ptr != NULL)
        secret_wipe(a->body.ptr, a->body.len);
    buf_clear(&a->body);
    *a = (struct answer){0};
}

struct call call_to(enum method method, const char *path)
{
    struct call call = {.method = method};
    snprintf(call.path, sizeof(call.path), "%s", path);
    return call;
}

/* What does not fit makes a path that does not exist, which the answer says. */
static void put_encoded(struct call *call, const char *text)
{
    size_t len = strlen(call->path);
    for (const unsigned char *p = (const unsigned char *)text; *p != 0; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                     (strchr("-_.~", *p) != NULL);
        if (len + 4 >= sizeof(call->path))
            break;
        if (plain)
            call->path[len++] = (char)*p;
        else
            len += (size_t)snprintf(call->path + len, 4, "%%%02X", *p);
        call->path[len] = 0;
    }
}

static void put_raw(struct call *call, const char *text)
{
    size_t len = strlen(call->path);
    snprintf(call->path + len, sizeof(call->path) - len, "%s", text);
}

void call_segment(struct call *call, const char *segment)
{
    put_raw(call, "/");
    put_encoded(call, segment);
}

void call_query(struct call *call, const char *name, const char *value)
{
    if (value == NULL)
        return;
    put_raw(call, strchr(call->path, '?') == NULL ? "?" : "&");
    put_raw(call, name);
    put_raw(call, "=");
    put_encoded(call, value);
}

static void fill_request(struct exchange *x, const struct config *config, const struct call *call, char *target,
                         size_t cap)
{
    struct request *r = &x->request;
    snprintf(target, cap, "%s%s", config->settings.base_path, call->path);
    r->method = call->method;
    r->entrance = ENTRANCE_SOCKET;
    r->target = view_text(target);
    view_cut(r->target, '?', &r->path, &r->query);
    r->body = call->body;
    r->secure = true;
    r->uid = (uint32_t)getuid();
    if (call->body.len > 0) {
        r->headers[0] = (struct header){VIEW("Content-Type"), VIEW("application/json")};
        r->header_count = 1;
    }
}

struct local {
    const struct config *config;
    struct installation *i;
};

/* No service runs on this state folder, but others may on the same accounts. */
static void await_others(void *context, struct exchange *x)
{
    const struct local *l = context;
    struct receipt_waiter w = {.wait.position = x->changes.n,
                               .deadline_ms = installation_boot_ms() + l->config->request_deadline_ms};
    receipts_wait_here(l->i->store, installation_boot_ms, l->config->lease_ms, &w);
    x->receipt = w.receipt;
}

enum exit_code call_local(const struct config *config, struct installation *i, const struct call *call,
                          struct answer *out)
{
    struct local local = {config, i};
    const struct site site = {
        .settings = &config->settings,
        .keys = i->keys,
        .master = i->master,
        .store = i->store,
        .entropy = entropy_system(),
        .wall_ms = installation_wall_ms,
        .boot_ms = installation_boot_ms,
        .await = await_others,
        .context = &local,
    };
    char target[CALL_PATH_MAX + 128];
    struct exchange *x = calloc(1, sizeof(*x));
    if (x == NULL) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    exchange_init(x, &site, NULL);
    fill_request(x, config, call, target, sizeof(target));
    exchange_run(x);
    *out = (struct answer){.status = x->response.status, .body = buf_heap(ANSWER_BODY_MAX)};
    buf_put(&out->body, x->response.body);
    bool good = buf_ok(&out->body);
    exchange_clear(x);
    free(x);
    if (good)
        return EXIT_OK;
    answer_clear(out);
    complain("the answer is too large");
    return EXIT_FAILED;
}

static void wait_ms(long ms)
{
    const struct timespec t = {.tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

/* A new user may be the first thing that an installation ever hears of: that is how a script makes one. */
static enum installation_mode mode_for(const struct call *call)
{
    bool new_user = call->method == METHOD_POST && strcmp(call->path, "/v1/admin/users") == 0;
    return new_user ? INSTALLATION_CREATE : INSTALLATION_OPEN;
}

/* Once: through the socket, or in this process. *ret_busy: somebody has the lock and nobody listens, as yet. */
static enum exit_code try_once(struct context *c, const struct call *call, struct answer *out, char *message,
                               size_t cap, bool *ret_busy)
{
    *ret_busy = false;
    switch (socket_call(c->config, call, out)) {
    case SOCKET_ANSWERED:
        return EXIT_OK;
    case SOCKET_UNSAFE:
        snprintf(message, cap,
                 "the state folder %s, or who listens in it, is not to be trusted: it must be yours, with mode 0700",
                 c->config->state);
        return EXIT_FAILED;
    case SOCKET_BROKEN:
        snprintf(message, cap, "the service broke off; whether the command was carried out is not known");
        return EXIT_BUSY;
    default:
        break;
    }
    struct installation i;
    struct cardea_status s = installation_open(c->config, mode_for(call), &i, message, cap);
    if (cardea_ok(s)) {
        enum exit_code code = call_local(c->config, &i, call, out);
        installation_close(&i);
        return code;
    }
    *ret_busy = s.code == CARDEA_E_BUSY;
    if (s.code == CARDEA_E_NOT_FOUND)
        return EXIT_NOT_FOUND;
    return s.code == CARDEA_E_BUSY || s.code == CARDEA_E_UNAVAILABLE ? EXIT_BUSY : EXIT_FAILED;
}

enum exit_code call_send(struct context *c, const struct call *call, struct answer *out)
{
    enum exit_code code = c->config == NULL ? context_config(c) : EXIT_OK;
    if (code != EXIT_OK)
        return code;
    char message[1024] = "";
    int64_t until = installation_boot_ms() + CALL_WAIT_MS;
    for (;;) {
        bool busy;
        code = try_once(c, call, out, message, sizeof(message), &busy);
        if (!busy || installation_boot_ms() >= until)
            break;
        wait_ms(RETRY_STEP_MS);
    }
    if (code != EXIT_OK && message[0] != 0)
        complain("%s", message);
    return code;
}

enum exit_code answer_problem(const struct answer *a)
{
    struct document d;
    char code[64] = "", detail[512] = "", title[128] = "", field[64] = "";
    if (cardea_ok(document_open(&d, buf_view(&a->body)))) {
        if (!cardea_ok(document_string(&d, 0, "code", code, sizeof(code))))
            code[0] = 0;
        if (!cardea_ok(document_string(&d, 0, "title", title, sizeof(title))))
            title[0] = 0;
        if (!cardea_ok(document_string(&d, 0, "detail", detail, sizeof(detail))))
            detail[0] = 0;
        if (!cardea_ok(document_string(&d, 0, "field", field, sizeof(field))))
            field[0] = 0;
        document_close(&d);
    }
    /* The sentence about this case says more than the one about its kind. */
    const char *sentence = detail[0] != 0 ? detail : title[0] != 0 ? title : "refused";
    complain("%s%s%s (%s)", field, field[0] == 0 ? "" : ": ", sentence, code[0] == 0 ? "no code" : code);
    return a->status == 404   ? EXIT_NOT_FOUND
           : a->status == 409 ? EXIT_CONFLICT
           : a->status == 503 ? EXIT_BUSY
                              : EXIT_FAILED;
}

static int64_t receipt_number(const struct document *d, uint32_t receipt, const char *name)
{
    int64_t n = 0;
    return cardea_ok(json_int(&d->json, json_get(&d->json, receipt, view_text(name)), &n)) ? n : 0;
}

/* The change is made; who has heard of it is said when the command has shown what it shows. */
static void keep_receipt(struct context *c, const struct answer *a)
{
    struct document d;
    bool complete = false;
    c->unfelt = true;
    if (!cardea_ok(document_open(&d, buf_view(&a->body))))
        return;
    uint32_t receipt = json_get(&d.json, 0, VIEW("receipt"));
    if (cardea_ok(json_bool(&d.json, json_get(&d.json, receipt, VIEW("complete")), &complete)))
        c->unfelt = !complete;
    snprintf(c->receipt, sizeof(c->receipt),
             "%s: row %lld of the journal, %lld acknowledged, %lld expired, %lld pending, after %lld ms\n",
             complete ? "Felt everywhere" : "Done, but not felt everywhere yet",
             (long long)receipt_number(&d, receipt, "position"), (long long)receipt_number(&d, receipt, "acknowledged"),
             (long long)receipt_number(&d, receipt, "expired"), (long long)receipt_number(&d, receipt, "pending"),
             (long long)receipt_number(&d, receipt, "ms"));
    document_close(&d);
}

enum exit_code call_expect(struct context *c, const struct call *call, struct answer *out)
{
    struct call asked = *call;
    bool waits = call->method != METHOD_GET && context_has(c, "wait");
    if (waits)
        call_query(&asked, "wait", "all");
    enum exit_code code = call_send(c, &asked, out);
    bool good = code == EXIT_OK && out->status >= 200 && out->status < 300;
    if (good && waits)
        keep_receipt(c, out);
    if (code != EXIT_OK || good)
        return code;
    code = answer_problem(out);
    answer_clear(out);
    return code;
}

enum exit_code call_do(struct context *c, const struct call *call)
{
    struct answer answer;
    enum exit_code code = call_expect(c, call, &answer);
    if (code != EXIT_OK)
        return code;
    struct buf out = buf_heap(OUTPUT_MAX);
    if (c->json && answer.body.len > 0)
        render_json(&out, buf_view(&answer.body));
    answer_clear(&answer);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

void pages_clear(struct pages *p)
{
    for (size_t i = 0; i < p->count; i++)
        buf_clear(&p->bodies[i]);
    free(p->bodies);
    free(p->items);
    *p = (struct pages){0};
}

/* Keep one page: its items, and the cursor to the next ("" none). Takes the answer's body over. */
static bool keep_page(struct pages *p, struct answer *a, char cursor[256], uint64_t *ret_items)
{
    struct view *items = realloc(p->items, (p->count + 1) * sizeof(*items));
    p->items = items == NULL ? p->items : items;
    struct buf *bodies = items == NULL ? NULL : realloc(p->bodies, (p->count + 1) * sizeof(*bodies));
    p->bodies = bodies == NULL ? p->bodies : bodies;
    struct document d;
    if (items == NULL || bodies == NULL || !cardea_ok(document_open(&d, buf_view(&a->body))))
        return false;
    uint32_t list = json_get(&d.json, 0, VIEW("items"));
    bool good = json_type(&d.json, list) == JSON_ARRAY;
    if (good) {
        p->items[p->count] = json_source(&d.json, list);
        p->bodies[p->count++] = a->body;
        *ret_items = d.json.tokens[list].count;
        if (!cardea_ok(document_string(&d, 0, "next_cursor", cursor, 256)))
            cursor[0] = 0;
    }
    document_close(&d);
    return good;
}

enum exit_code call_pages(struct context *c, const struct call *call, uint64_t limit, struct pages *out)
{
    char cursor[256] = "";
    uint64_t left = limit;
    *out = (struct pages){0};
    for (size_t n = 0; n < PAGES_MAX; n++) {
        struct call page = *call;
        char size[24];
        struct answer a;
        uint64_t items = 0;
        snprintf(size, sizeof(size), "%llu", (unsigned long long)(limit == 0 || left > PAGE_SIZE ? PAGE_SIZE : left));
        call_query(&page, "limit", size);
        call_query(&page, "cursor", cursor[0] == 0 ? NULL : cursor);
        enum exit_code code = call_expect(c, &page, &a);
        if (code == EXIT_OK && !keep_page(out, &a, cursor, &items)) {
            complain("the answer is not what was expected");
            answer_clear(&a);
            code = EXIT_FAILED;
        }
        if (code != EXIT_OK) {
            pages_clear(out);
            return code;
        }
        left -= items < left ? items : left;
        if (cursor[0] == 0 || (limit > 0 && left == 0))
            break;
    }
    return EXIT_OK;
}

enum exit_code pages_show(const struct context *c, struct pages *p, const struct column *columns, size_t count)
{
    struct buf out = buf_heap(OUTPUT_MAX);
    if (c->json) {
        struct buf plain = buf_heap(OUTPUT_MAX);
        const char *comma = "";
        buf_text(&plain, "{\"items\":[");
        for (size_t i = 0; i < p->count; i++) {
            struct view inner = view_trim(view_of(p->items[i].ptr + 1, p->items[i].len - 2));
            if (inner.len == 0)
                continue;
            buf_text(&plain, comma);
            buf_put(&plain, inner);
            comma = ",";
        }
        buf_text(&plain, "],\"next_cursor\":null}");
        render_json(&out, buf_view(&plain));
        out.failed = out.failed || !buf_ok(&plain);
        buf_clear(&plain);
    } else {
        render_table(&out, columns, count, p->items, p->count);
    }
    pages_clear(p);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

/* The id of the first item of an answer. */
static bool first_id(const struct answer *a, const char *outer, char out[37])
{
    struct document d;
    if (!cardea_ok(document_open(&d, buf_view(&a->body))))
        return false;
    uint32_t object = json_get(&d.json, 0, view_text(outer));
    if (json_type(&d.json, object) == JSON_ARRAY)
        object = json_first(&d.json, object);
    bool found = object != 0 && cardea_ok(document_string(&d, object, "id", out, 37));
    document_close(&d);
    return found;
}

enum exit_code call_find_user(struct context *c, const char *user, char out[37])
{
    struct user_id id;
    struct answer a;
    /* An id first: a name may look like somebody else's id, never the other way round. */
    if (cardea_ok(user_id_parse(view_text(user), &id))) {
        struct call call = call_to(METHOD_GET, "/v1/admin/users");
        call_segment(&call, user);
        enum exit_code code = call_send(c, &call, &a);
        if (code != EXIT_OK)
            return code;
        bool found = a.status == 200 && first_id(&a, "user", out);
        answer_clear(&a);
        if (found)
            return EXIT_OK;
    }
    struct call call = call_to(METHOD_GET, "/v1/admin/users");
    call_query(&call, "username", user);
    enum exit_code code = call_expect(c, &call, &a);
    if (code != EXIT_OK)
        return code;
    bool found = first_id(&a, "items", out);
    answer_clear(&a);
    if (!found)
        complain("there is no user %s", user);
    return found ? EXIT_OK : EXIT_NOT_FOUND;
}

enum exit_code call_to_user(struct context *c, enum method method, const char *below, struct call *out)
{
    char id[37];
    enum exit_code code = call_find_user(c, c->words[0], id);
    if (code != EXIT_OK)
        return code;
    *out = call_to(method, "/v1/admin/users");
    call_segment(out, id);
    put_raw(out, below);
    return code;
}
