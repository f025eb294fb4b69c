#include "store/redis/link.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { QUEUE_MAX = 8 << 20, READ_STEP = 16384 };

struct link {
    int fd;
    int64_t (*boot_ms)(void);
    gnutls_session_t tls; /* NULL: none */
    gnutls_certificate_credentials_t trusted;
    redisReader *reader;
    struct buf queue;
};

#define AWAY CARDEA_FAIL(E_UNAVAILABLE)

/* --- waiting --- */

static bool wait_for(const struct link *l, short events, int64_t deadline_ms)
{
    struct pollfd p = {.fd = l->fd, .events = events};
    for (;;) {
        int64_t left = deadline_ms - l->boot_ms();
        if (left <= 0)
            return false;
        int n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

/* --- names --- */

/* A resolver that hangs must not hang us. A look-up that can not be taken back is left to end by itself. */
struct lookup {
    struct gaicb request;
    struct addrinfo hints;
    struct redis_host host;
};

static struct addrinfo *resolve(const struct redis_host *host, int64_t left_ms)
{
    struct lookup *k = calloc(1, sizeof *k);
    if (k == NULL || left_ms <= 0) {
        free(k);
        return NULL;
    }
    k->host = *host;
    k->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    k->request = (struct gaicb){.ar_name = k->host.name, .ar_service = k->host.port, .ar_request = &k->hints};
    struct addrinfo numeric = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found = NULL;
    if (getaddrinfo(host->name, host->port, &numeric, &found) == 0) {
        free(k);
        return found;
    }
    struct gaicb *requests[] = {&k->request};
    if (getaddrinfo_a(GAI_NOWAIT, requests, 1, NULL) != 0) {
        free(k);
        return NULL;
    }
    const struct gaicb *const waited[] = {&k->request};
    struct timespec left = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};
    (void)gai_suspend(waited, 1, &left);
    int state = gai_error(&k->request);
    if (state == EAI_INPROGRESS && gai_cancel(&k->request) != EAI_CANCELED)
        return NULL;
    found = state == 0 ? k->request.ar_result : NULL;
    free(k);
    return found;
}

/* --- sockets --- */

static bool connected(struct link *l, const struct sockaddr *address, socklen_t len, int64_t deadline_ms)
{
    if (connect(l->fd, address, len) == 0)
        return true;
    if (errno != EINPROGRESS || !wait_for(l, POLLOUT, deadline_ms))
        return false;
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

static bool socket_to(struct link *l, int family, const struct sockaddr *address, socklen_t len, int64_t deadline_ms)
{
    l->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return false;
    int on = 1;
    if (family != AF_UNIX) {
        (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(l->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    if (connected(l, address, len, deadline_ms))
        return true;
    (void)close(l->fd);
    l->fd = -1;
    return false;
}

static bool connect_unix(struct link *l, const char *path, int64_t deadline_ms)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (!view_copy(view_text(path), a.sun_path, sizeof a.sun_path))
        return false;
    return socket_to(l, AF_UNIX, (const struct sockaddr *)&a, sizeof a, deadline_ms);
}

static bool connect_host(struct link *l, const struct redis_host *host, int64_t deadline_ms, const char **ret_why)
{
    struct addrinfo *found = resolve(host, deadline_ms - l->boot_ms());
    *ret_why = found == NULL ? "its name has no address" : "it takes no connection";
    bool ok = false;
    for (const struct addrinfo *a = found; a != NULL && !ok; a = a->ai_next)
        ok = socket_to(l, a->ai_family, a->ai_addr, a->ai_addrlen, deadline_ms);
    if (found != NULL)
        freeaddrinfo(found);
    return ok;
}

/* --- TLS --- */

static bool load_trusted(struct link *l, const char *ca_file)
{
    if (gnutls_certificate_allocate_credentials(&l->trusted) != 0)
        return false;
    int n = ca_file[0] == '\0' ? gnutls_certificate_set_x509_system_trust(l->trusted)
                               : gnutls_certificate_set_x509_trust_file(l->trusted, ca_file, GNUTLS_X509_FMT_PEM);
    return n > 0;
}

/* GnuTLS waits for the socket: in which direction, it says. */
static bool again(struct link *l, long n, int64_t deadline_ms)
{
    if (n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED)
        return false;
    return wait_for(l, gnutls_record_get_direction(l->tls) == 1 ? POLLOUT : POLLIN, deadline_ms);
}

/* Why a certificate is not trusted. */
static const char *distrust(gnutls_session_t tls)
{
    unsigned status = gnutls_session_get_verify_cert_status(tls);
    if ((status & GNUTLS_CERT_SIGNER_NOT_FOUND) != 0)
        return "its certificate is of no authority that is trusted here";
    if ((status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0)
        return "its certificate is for another name";
    if ((status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED)) != 0)
        return "its certificate's time has passed, or has not come";
    return "its certificate is not trusted";
}

static bool shake_hands(struct link *l, const struct redis_options *o, const char *name, int64_t deadline_ms,
                        const char **ret_why)
{
    *ret_why = "no authority can be read that its certificate could be checked with";
    if (!load_trusted(l, o->ca_file))
        return false;
    *ret_why = "TLS could not be set up";
    if (gnutls_init(&l->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) != 0 ||
        gnutls_priority_set_direct(l->tls, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", NULL) != 0 ||
        gnutls_credentials_set(l->tls, GNUTLS_CRD_CERTIFICATE, l->trusted) != 0)
        return false;
    struct in6_addr a;
    if (inet_pton(AF_INET, name, &a) != 1 && inet_pton(AF_INET6, name, &a) != 1)
        (void)gnutls_server_name_set(l->tls, GNUTLS_NAME_DNS, name, strlen(name));
    gnutls_session_set_verify_cert(l->tls, name, 0);
    gnutls_transport_set_int(l->tls, l->fd);
    int n;
    do
        n = gnutls_handshake(l->tls);
    while (again(l, n, deadline_ms));
    *ret_why = n == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR ? distrust(l->tls) : "the TLS handshake failed";
    return n == 0;
}

/* --- a link --- */

struct cardea_status link_open(const struct redis_options *o, const struct redis_host *host, int64_t deadline_ms,
                               struct link **out, const char **ret_why)
{
    *ret_why = "out of memory";
    struct link *l = calloc(1, sizeof *l);
    if (l == NULL)
        return AWAY;
    l->fd = -1;
    l->boot_ms = o->boot_ms;
    l->queue = buf_heap(QUEUE_MAX);
    l->reader = redisReaderCreate();
    bool ok = l->reader != NULL;
    if (ok && o->unix_path[0] != '\0') {
        ok = connect_unix(l, o->unix_path, deadline_ms);
        *ret_why = "it takes no connection";
    } else if (ok) {
        ok = connect_host(l, host, deadline_ms, ret_why);
    }
    if (ok && o->tls)
        ok = shake_hands(l, o, host->name, deadline_ms, ret_why);
    if (!ok) {
        link_close(l);
        return AWAY;
    }
    *out = l;
    return CARDEA_SUCCESS;
}

void link_close(struct link *l)
{
    if (l == NULL)
        return;
    if (l->tls != NULL)
        gnutls_deinit(l->tls);
    if (l->trusted != NULL)
        gnutls_certificate_free_credentials(l->trusted);
    if (l->fd >= 0)
        (void)close(l->fd);
    if (l->reader != NULL)
        redisReaderFree(l->reader);
    buf_clear(&l->queue);
    free(l);
}

bool link_alive(struct link *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 0;
}

void word(struct words *w, const void *bytes, size_t len)
{
    w->argv[w->count] = bytes;
    w->lens[w->count++] = len;
}

void word_text(struct words *w, const char *text)
{
    word(w, text, strlen(text));
}

struct cardea_status link_say(struct link *l, const struct words *w)
{
    char *text = NULL;
    int len = redisFormatCommandArgv(&text, w->count, (const char **)(uintptr_t)w->argv, w->lens);
    if (len < 0)
        return AWAY;
    buf_put(&l->queue, view_of(text, (size_t)len));
    redisFreeCommand(text);
    return buf_ok(&l->queue) ? CARDEA_SUCCESS : AWAY;
}

static bool flush(struct link *l, int64_t deadline_ms)
{
    size_t sent = 0;
    while (sent < l->queue.len) {
        const char *from = l->queue.ptr + sent;
        size_t left = l->queue.len - sent;
        ssize_t n = l->tls != NULL ? gnutls_record_send(l->tls, from, left) : send(l->fd, from, left, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            continue;
        }
        bool wait = l->tls != NULL ? again(l, n, deadline_ms)
                                   : (errno == EAGAIN || errno == EINTR) && wait_for(l, POLLOUT, deadline_ms);
        if (!wait)
            return false;
    }
    buf_reset(&l->queue);
    return true;
}

/* More bytes for the reader. */
static struct cardea_status receive(struct link *l, int64_t deadline_ms)
{
    char bytes[READ_STEP];
    for (;;) {
        ssize_t n =
            l->tls != NULL ? gnutls_record_recv(l->tls, bytes, sizeof bytes) : recv(l->fd, bytes, sizeof bytes, 0);
        if (n > 0)
            return redisReaderFeed(l->reader, bytes, (size_t)n) == REDIS_OK ? CARDEA_SUCCESS : AWAY;
        bool wait = l->tls != NULL ? again(l, n, deadline_ms)
                                   : n < 0 && (errno == EAGAIN || errno == EINTR) && wait_for(l, POLLIN, deadline_ms);
        if (!wait)
            return AWAY;
    }
}

struct cardea_status link_hear(struct link *l, int64_t deadline_ms, redisReply **out)
{
    if (l->queue.len > 0 && !flush(l, deadline_ms))
        return AWAY;
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(l->reader, &reply) != REDIS_OK)
            return CARDEA_FAIL(E_CORRUPT);
        if (reply != NULL) {
            *out = reply;
            return CARDEA_SUCCESS;
        }
        if (l->reader->len - l->reader->pos > REDIS_REPLY_MAX)
            return CARDEA_FAIL(E_CORRUPT);
        struct cardea_status s = receive(l, deadline_ms);
        if (!cardea_ok(s))
            return s;
    }
}
