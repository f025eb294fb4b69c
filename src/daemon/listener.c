#include "daemon/listener.h"

#include "daemon/log.h"
#include "daemon/sockets.h"
#include "daemon/tls.h"

#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LIBRARY_LOG_MAX = 256 };

struct listener {
    struct conversation_host host; /* what conversations share */
    struct listener_options options;
    struct MHD_Daemon *library;
    int fd;
    bool unlink_path;
    bool _Atomic stopping;
    struct connections connections;
    struct loops loops;
    uint32_t own_uid;
};

__attribute__((format(printf, 2, 0))) static void library_log(void *context, const char *format, va_list arguments)
{
    (void)context;
    if (!log_wanted(LOG_DEBUG))
        return;
    char text[LIBRARY_LOG_MAX];
    int n = vsnprintf(text, sizeof text, format, arguments);
    if (n <= 0)
        return;
    size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    while (len > 0 && text[len - 1] == '\n')
        len--;
    log_write(LOG_DEBUG, "libmicrohttpd", LOG_FIELDS(LOG_TEXT("text", view_of(text, len))));
}

static bool listed_proxy(struct listener *l, const struct address *a)
{
    struct loop *loop = loop_get(&l->loops, l->options.entropy);
    struct snapshot_hold *hold = loop == NULL ? NULL : snapshot_hold(l->options.publisher, &loop->hold);
    if (hold == NULL)
        return false;
    const struct listening *now = &hold->snapshot->listening;
    struct proxies proxies = {now->proxies, now->proxy_count};
    bool listed = proxies_list(&proxies, a);
    snapshot_release(hold);
    return listed;
}

static enum MHD_Result admit(void *context, const struct sockaddr *from, socklen_t len)
{
    (void)len;
    struct listener *l = context;
    struct address a = socket_address(from);
    bool exempt = a.version == 0 || listed_proxy(l, &a);
    return connections_admit(&l->connections, &a, exempt) ? MHD_YES : MHD_NO;
}

/* The operator's socket: the file's mode says who may open it, the kernel says who did. */
static bool operator_may(struct listener *l, struct conversation *c)
{
    if (l->options.entrance != ENTRANCE_SOCKET)
        return true;
    return socket_peer_uid(c->entry.fd, &c->uid) && (c->uid == 0 || c->uid == l->own_uid);
}

static void opened(struct listener *l, struct MHD_Connection *connection, void **socket_context)
{
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *from = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct conversation *c = calloc(1, sizeof *c);
    *socket_context = NULL;
    if (c == NULL || fd == NULL || from == NULL) {
        if (fd != NULL)
            shutdown(fd->connect_fd, SHUT_RDWR);
        free(c);
        return;
    }
    int64_t now = l->options.boot_ms();
    c->host = &l->host;
    c->connection = connection;
    c->entry.fd = fd->connect_fd;
    c->peer.address = socket_address(from->client_addr);
    c->peer.tls = l->host.tls;
    c->entry.source = c->peer.address;
    c->entry.exempt = c->peer.address.version == 0 || listed_proxy(l, &c->peer.address);
    atomic_store_explicit(&c->entry.since_ms, now, memory_order_relaxed);
    atomic_store_explicit(&c->entry.deadline_ms, now + l->options.head_deadline_ms, memory_order_relaxed);
    if (!operator_may(l, c) || !cardea_ok(connections_add(&l->connections, &c->entry))) {
        shutdown(c->entry.fd, SHUT_RDWR);
        free(c);
        return;
    }
    *socket_context = c;
}

static void connection_event(void *context, struct MHD_Connection *connection, void **socket_context,
                             enum MHD_ConnectionNotificationCode what)
{
    struct listener *l = context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        opened(l, connection, socket_context);
        return;
    }
    struct conversation *c = *socket_context;
    if (c == NULL)
        return;
    connections_remove(&l->connections, &c->entry);
    free(c->target_copy);
    free(c);
    *socket_context = NULL;
}

/* The metrics: one text, made anew each time, on a listener of their own. */
static enum MHD_Result handle_text(void *context, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload, size_t *upload_len,
                                   void **request)
{
    (void)version;
    (void)upload;
    struct listener *l = context;
    static char called;
    if (*request != &called) {
        *request = &called;
        return MHD_YES;
    }
    if (*upload_len > 0)
        return MHD_NO;
    bool found = strcmp(url, "/metrics") == 0 && strcmp(method, "GET") == 0;
    struct buf text = buf_heap(1024 * 1024);
    if (found)
        l->options.text(l->options.text_context, &text);
    struct MHD_Response *reply = MHD_create_response_from_buffer(text.len, text.ptr, MHD_RESPMEM_MUST_COPY);
    buf_clear(&text);
    if (reply == NULL)
        return MHD_NO;
    enum MHD_Result r = MHD_add_response_header(reply, "Content-Type", "text/plain; version=0.0.4");
    if (r == MHD_YES)
        r = MHD_queue_response(connection, found ? 200 : 404, reply);
    MHD_destroy_response(reply);
    return r;
}

struct cardea_status listener_open(const struct listener_options *o, struct listener **out, char *message,
                                   size_t message_cap)
{
    struct listener *l = calloc(1, sizeof *l);
    if (l == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = socket_listen(o->where, o->socket_mode, &l->fd, message, message_cap);
    if (!cardea_ok(s)) {
        free(l);
        return s;
    }
    l->options = *o;
    l->own_uid = geteuid();
    l->unlink_path = o->where->is_unix;
    l->host = (struct conversation_host){
        .publisher = o->publisher,
        .lanes = o->lanes,
        .loops = &l->loops,
        .entropy = o->entropy,
        .boot_ms = o->boot_ms,
        .entrance = o->entrance,
        .tls = o->tls,
        .is_unix = o->where->is_unix,
        .stopping = &l->stopping,
    };
    connections_init(&l->connections, o->connections_max, o->connections_per_address_max);
    loops_init(&l->loops);
    *out = l;
    return CARDEA_SUCCESS;
}

static unsigned idle_seconds(const struct listener *l)
{
    int64_t s = (l->options.idle_timeout_ms + 999) / 1000;
    return s < 1 ? 1 : (unsigned)s;
}

struct cardea_status listener_start(struct listener *l, char *message, size_t message_cap)
{
    bool text = l->options.text != NULL;
    struct MHD_OptionItem options[16] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)library_log, NULL},
        {MHD_OPTION_LISTEN_SOCKET, l->fd, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        /* Ours counts, across all threads (connections.h); the library's would split it between them. */
        {MHD_OPTION_CONNECTION_LIMIT, INT_MAX / 2, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)idle_seconds(l), NULL},
        /* The filter is stricter, and answers where the library would only hang up. */
        {MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_event, l},
    };
    size_t n = 7;
    if (!text) {
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)conversation_target, NULL};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)conversation_completed, NULL};
    }
    if (l->options.threads > 1)
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)l->options.threads, NULL};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (l->options.tls) {
        flags |= MHD_USE_TLS;
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_identity_callback()};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities};
    }
    options[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    l->library = MHD_start_daemon(flags, 0, admit, l, text ? handle_text : conversation_handle, l, MHD_OPTION_ARRAY,
                                  options, MHD_OPTION_END);
    if (l->library != NULL)
        return CARDEA_SUCCESS;
    snprintf(message, message_cap, "the listener on %s does not start", l->options.where->text);
    return CARDEA_FAIL(E_IO);
}

void listener_limit(struct listener *l, uint32_t connections_max, uint32_t connections_per_address_max)
{
    connections_limit(&l->connections, connections_max, connections_per_address_max);
}

void listener_reap(struct listener *l)
{
    connections_reap(&l->connections, l->options.boot_ms());
}

void listener_quiesce(struct listener *l)
{
    atomic_store_explicit(&l->stopping, true, memory_order_relaxed);
    if (l->library != NULL && MHD_quiesce_daemon(l->library) != MHD_INVALID_SOCKET) {
        close(l->fd);
        l->fd = -1;
    }
    if (l->unlink_path)
        unlink(l->options.where->path);
    l->unlink_path = false;
}

uint32_t listener_busy(struct listener *l)
{
    return connections_busy(&l->connections);
}

struct connections_stats listener_stats(struct listener *l, uint64_t counts[LOOP_COUNTS])
{
    loops_sum(&l->loops, counts);
    return connections_stats(&l->connections);
}

void listener_close(struct listener *l)
{
    if (l == NULL)
        return;
    listener_quiesce(l);
    if (l->library != NULL)
        MHD_stop_daemon(l->library);
    if (l->fd >= 0)
        close(l->fd);
    loops_clear(&l->loops);
    connections_clear(&l->connections);
    free(l);
}
