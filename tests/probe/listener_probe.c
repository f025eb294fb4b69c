/* The listener alone: real sockets, event loops, pools; a stand-in for the exchanges of src/http/. It shows what
 * reaches them.
 *
 *     listener_probe PORT|unix:PATH [name=value …]     serves until standard input ends
 *
 *     /verify     204 with six headers, inline
 *     /echo       200, what was received, as JSON, inline
 *     /slow       200 after 300 ms on the hash lane (one thread)
 *     /evil       a response header with CR LF in it
 */
#include "base/json.h"
#include "crypto/random.h"
#include "daemon/installation.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "daemon/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_MS = 300, ECHO_MAX = 300 * 1024, DRAIN_STEPS = 1000 };

static struct settings settings;
static struct keyring keys = {.refs = 1};

void exchange_init(struct exchange *x, const struct site *site, struct verify_cache *cache)
{
    memset(x, 0, sizeof *x);
    x->site = site;
    x->cache = cache;
    arena_init(&x->arena, EXCHANGE_ARENA_MAX);
}

void exchange_clear(struct exchange *x)
{
    arena_clear(&x->arena);
}

static void must(struct cardea_status s)
{
    if (!cardea_ok(s))
        abort();
}

enum stage exchange_head(struct exchange *x, int64_t content_length)
{
    (void)content_length;
    if (!view_is(x->request.path, "/refuse"))
        return STAGE_UNSET;
    x->response.status = 415;
    return STAGE_DONE;
}

static void echo(struct exchange *x)
{
    char room[64];
    char *text = arena_new(&x->arena, ECHO_MAX);
    struct buf out = buf_fixed(text, ECHO_MAX);
    struct json_writer w = json_writer(&out);
    const struct request *r = &x->request;
    struct buf client = buf_fixed(room, sizeof room);
    buf_address(&client, &r->client);
    json_open_object(&w);
    json_member_int(&w, "method", r->method);
    json_member_text(&w, "target", r->target);
    json_member_text(&w, "path", r->path);
    json_member_text(&w, "query", r->query);
    json_member_text(&w, "client", buf_view(&client));
    json_member_bool(&w, "proxied", r->proxied);
    json_member_bool(&w, "secure", r->secure);
    json_member_text(&w, "id", view_text(r->id));
    json_member_text(&w, "body", r->body);
    json_name(&w, "headers");
    json_open_array(&w);
    for (uint32_t i = 0; i < r->header_count; i++) {
        json_open_array(&w);
        json_put_text(&w, r->headers[i].name);
        json_put_text(&w, r->headers[i].value);
        json_close_array(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    x->response.status = buf_ok(&out) ? 200 : 500;
    x->response.body = buf_view(&out);
    must(response_header(&x->response, "Content-Type", VIEW("application/json")));
}

static void verify(struct exchange *x)
{
    static const char *const headers[][2] = {
        {"X-Auth-User", "018f3a2e-7b7e-7c3a-9a54-0123456789ab"},
        {"X-Auth-Username", "alice"},
        {"X-Auth-Email", "alice@example.com"},
        {"X-Auth-Roles", "admin,editor"},
        {"X-Auth-Session", "AAAAAAAAAAAAAAAAAAAAAA"},
        {"X-Auth-Method", "session"},
    };
    x->response.status = 204;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        must(response_header(&x->response, headers[i][0], view_text(headers[i][1])));
}

enum stage exchange_begin(struct exchange *x)
{
    if (view_is(x->request.path, "/slow")) {
        x->lane = LANE_HASH;
        return STAGE_WORK;
    }
    if (view_is(x->request.path, "/verify"))
        verify(x);
    else if (view_is(x->request.path, "/echo"))
        echo(x);
    else
        x->response.status = 404;
    if (view_is(x->request.path, "/evil"))
        x->response.status = cardea_ok(response_header(&x->response, "X-Evil", VIEW("a\r\nSet-Cookie: b"))) ? 200 : 500;
    return STAGE_DONE;
}

enum stage exchange_work(struct exchange *x)
{
    static const struct timespec slow = {.tv_nsec = SLOW_MS * 1000000L};
    nanosleep(&slow, NULL);
    x->response.status = 200;
    x->response.body = VIEW("slow\n");
    return STAGE_DONE;
}

struct cardea_status exchange_commit(struct exchange *x, struct store_tx *tx)
{
    (void)x;
    (void)tx;
    return CARDEA_FAIL(E_INTERNAL);
}

void exchange_finish(struct exchange *x)
{
    (void)x;
}

void exchange_refuse(struct exchange *x, struct cardea_status why)
{
    x->response = (struct response){.status = (uint16_t)cardea_status_http(why)};
}

static int64_t option(int argc, char **argv, const char *name, int64_t otherwise)
{
    size_t len = strlen(name);
    for (int i = 2; i < argc; i++)
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=')
            return strtoll(argv[i] + len + 1, NULL, 10);
    return otherwise;
}

static struct listening listening_of(int argc, char **argv)
{
    struct listening l = {
        .head_deadline_ms = option(argc, argv, "head", 10000),
        .body_deadline_ms = option(argc, argv, "body", 30000),
        .idle_timeout_ms = option(argc, argv, "idle", 75000),
        .request_deadline_ms = option(argc, argv, "request", 10000),
    };
    for (int i = 2; i < argc; i++)
        if (strncmp(argv[i], "proxy=", 6) == 0)
            must(address_range_parse(view_text(argv[i] + 6), &l.proxies[l.proxy_count++]));
    return l;
}

static struct listen_address where_of(const char *text)
{
    struct listen_address where = {.address = {.version = 4, .bytes = {127, 0, 0, 1}}};
    snprintf(where.text, sizeof where.text, "%s", text);
    if (strncmp(text, "unix:", 5) == 0) {
        where.is_unix = true;
        snprintf(where.path, sizeof where.path, "%s", text + 5);
    } else {
        where.port = (uint16_t)atoi(text);
    }
    return where;
}

static const char *text_option(int argc, char **argv, const char *name)
{
    size_t len = strlen(name);
    for (int i = 2; i < argc; i++)
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=')
            return argv[i] + len + 1;
    return NULL;
}

static void serve(const struct listener_options *o)
{
    char message[256] = "", byte;
    struct listener *l = NULL;
    if (!cardea_ok(listener_open(o, &l, message, sizeof message)) ||
        !cardea_ok(listener_start(l, message, sizeof message))) {
        fprintf(stderr, "%s\n", message);
        exit(EXIT_FAILURE);
    }
    puts("ready");
    fflush(stdout);
    fd_set in;
    for (;;) {
        struct timeval step = {.tv_usec = 50000};
        FD_ZERO(&in);
        FD_SET(0, &in);
        int n = select(1, &in, NULL, NULL, &step);
        listener_reap(l);
        if (n > 0 && read(0, &byte, 1) <= 0)
            break;
    }
    listener_quiesce(l);
    pool_stop(o->lanes->hash);
    for (int i = 0; i < DRAIN_STEPS && listener_busy(l) > 0; i++)
        usleep(5000);
    listener_close(l);
    pool_close(o->lanes->hash);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return EXIT_FAILURE;
    must(crypto_start());
    log_start(2, LOG_JSON, option(argc, argv, "debug", 0) != 0 ? LOG_DEBUG : LOG_WARN);
    struct publisher publisher;
    publisher_init(&publisher);
    struct site site = {.entropy = entropy_system(), .wall_ms = installation_wall_ms, .boot_ms = installation_boot_ms};
    struct listening listening = listening_of(argc, argv);
    struct settings *shared = settings_copy(&settings);
    publisher_put(&publisher, snapshot_new(&site, &listening, shared, keyring_ref(&keys), NULL));
    struct pool_host pool = {.run = job_work, .refuse = job_refuse, .boot_ms = installation_boot_ms};
    struct lanes lanes = {0};
    must(pool_open("hash", 1, (uint32_t)option(argc, argv, "places", 8), &pool, &lanes.hash));
    struct listen_address where = where_of(argv[1]);
    char message[256];
    const char *cert = text_option(argc, argv, "cert");
    if (cert != NULL)
        must(tls_identity_load(cert, text_option(argc, argv, "key"), message, sizeof message));
    struct listener_options o = {
        .where = &where,
        .entrance = ENTRANCE_MAIN,
        .threads = (unsigned)option(argc, argv, "threads", 1),
        .socket_mode = 0600,
        .tls = cert != NULL,
        .connections_max = (uint32_t)option(argc, argv, "connections", 4096),
        .connections_per_address_max = (uint32_t)option(argc, argv, "per_address", 512),
        .head_deadline_ms = listening.head_deadline_ms,
        .idle_timeout_ms = listening.idle_timeout_ms,
        .publisher = &publisher,
        .lanes = &lanes,
        .entropy = entropy_system(),
        .boot_ms = installation_boot_ms,
    };
    serve(&o);
    tls_identity_clear();
    publisher_clear(&publisher);
    return EXIT_SUCCESS;
}
