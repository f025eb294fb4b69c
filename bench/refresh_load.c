/* refresh_load PORT FILE CLIENTS SECONDS WARM_SECONDS: keep-alive clients of a service on 127.0.0.1 that refresh as
 * browsers do, each login with the cookie that the refresh before answered.
 *
 * FILE holds one refresh token a line. Client i takes the lines i, i + CLIENTS, … in turn, so that a token in use is
 * nobody else's; at the end it holds the tokens that are good then. Prints "requests seconds p50_us p99_us max_us" of
 * the measured part; any answer but 200 ends it.
 *
 * One thread, one epoll; its work a request is a send, a receive and two searches, a tenth of the service's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/credential.h"

enum { CLIENTS_MAX = 256, ANSWER_MAX = 16384, LATENCIES_MAX = 1 << 22 };

struct client {
    int fd;
    size_t token; /* the line in use */
    size_t got;   /* of the answer */
    int64_t sent_ns;
    char answer[ANSWER_MAX + 1];
};

static char (*tokens)[REFRESH_TOKEN_TEXT];
static size_t token_count;
static struct client clients[CLIENTS_MAX];
static size_t client_count;
static uint16_t port;
static int poller;
static uint32_t *latencies_us;
static size_t latency_count;
static bool measuring, ending;
static size_t asked; /* and not answered */

static void fail(const char *what)
{
    (void)fprintf(stderr, "refresh_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void read_tokens(const char *path)
{
    char line[512];
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail(path);
    size_t room = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        if (token_count == room) {
            room = room == 0 ? 4096 : room * 2;
            tokens = realloc(tokens, room * sizeof *tokens);
            if (tokens == NULL)
                fail("memory");
        }
        if (strcspn(line, "\n") != REFRESH_TOKEN_TEXT) {
            errno = EINVAL;
            fail(path);
        }
        memcpy(tokens[token_count++], line, REFRESH_TOKEN_TEXT);
    }
    (void)fclose(f);
}

static void dial(struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        fail("connect");
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e) != 0)
        fail("epoll_ctl");
}

static void ask(struct client *c)
{
    char request[512];
    int len = snprintf(request, sizeof request,
                       "POST /v1/refresh HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 0\r\n"
                       "Cookie: __Host-cardea-refresh=%.*s\r\n\r\n",
                       port, REFRESH_TOKEN_TEXT, tokens[c->token]);
    asked++;
    c->got = 0;
    c->sent_ns = now_ns();
    if (send(c->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
        fail("send");
}

/* Is the answer whole? Then its token is the line's next. */
static bool take(struct client *c)
{
    static const char cookie[] = "__Host-cardea-refresh=crt_", length[] = "Content-Length: ";
    c->answer[c->got] = '\0';
    const char *end = strstr(c->answer, "\r\n\r\n");
    if (end == NULL)
        return false;
    const char *len = strcasestr(c->answer, length);
    if (len == NULL || len > end || c->got < (size_t)(end + 4 - c->answer) + strtoul(len + strlen(length), NULL, 10))
        return false;
    const char *at = strstr(c->answer, cookie);
    if (strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0 || at == NULL || strlen(at) < REFRESH_TOKEN_TEXT + 26) {
        errno = EPROTO;
        (void)fprintf(stderr, "%.600s\n", c->answer);
        fail("an answer");
    }
    memcpy(tokens[c->token], at + strlen(cookie) - strlen("crt_"), REFRESH_TOKEN_TEXT);
    return true;
}

static void advance(struct client *c)
{
    ssize_t n = recv(c->fd, c->answer + c->got, ANSWER_MAX - c->got, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        fail("recv");
    c->got += (size_t)n;
    if (!take(c))
        return;
    asked--;
    if (measuring && latency_count < LATENCIES_MAX)
        latencies_us[latency_count++] = (uint32_t)((now_ns() - c->sent_ns) / 1000);
    c->token += client_count;
    if (c->token >= token_count)
        c->token %= client_count;
    if (strstr(c->answer, "Connection: close") != NULL) {
        (void)close(c->fd);
        dial(c);
    }
    if (!ending)
        ask(c);
}

static void run_until(int64_t end_ns)
{
    struct epoll_event events[CLIENTS_MAX];
    for (;;) {
        int n = epoll_wait(poller, events, CLIENTS_MAX, 5000);
        if (n == 0) {
            errno = ETIMEDOUT;
            fail("the service");
        }
        for (int i = 0; i < n; i++)
            advance(events[i].data.ptr);
        if (ending ? asked == 0 : now_ns() >= end_ns)
            return;
    }
}

static void write_tokens(const char *path)
{
    FILE *f = fopen(path, "w");
    if (f == NULL)
        fail(path);
    for (size_t i = 0; i < token_count; i++)
        (void)fprintf(f, "%.*s\n", REFRESH_TOKEN_TEXT, tokens[i]);
    if (fclose(f) != 0)
        fail(path);
}

static int order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    port = (uint16_t)strtoul(argv[1], NULL, 10);
    read_tokens(argv[2]);
    client_count = strtoul(argv[3], NULL, 10);
    latencies_us = malloc(LATENCIES_MAX * sizeof *latencies_us);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (client_count == 0 || client_count > CLIENTS_MAX || token_count < client_count || latencies_us == NULL ||
        poller < 0) {
        errno = EINVAL;
        fail("arguments");
    }
    token_count -= token_count % client_count;
    for (size_t i = 0; i < client_count; i++) {
        clients[i].token = i;
        dial(&clients[i]);
        ask(&clients[i]);
    }
    run_until(now_ns() + (int64_t)(strtod(argv[5], NULL) * 1e9));
    (void)puts("warm"); /* whoever measures the service begins here */
    (void)fflush(stdout);
    measuring = true;
    int64_t begin_ns = now_ns();
    run_until(begin_ns + (int64_t)(strtod(argv[4], NULL) * 1e9));
    double seconds = (double)(now_ns() - begin_ns) / 1e9;
    measuring = false;
    ending = true;
    run_until(0);
    write_tokens(argv[2]);
    qsort(latencies_us, latency_count, sizeof *latencies_us, order);
    (void)printf("%zu %.4f %u %u %u\n", latency_count, seconds, latencies_us[latency_count / 2],
                 latencies_us[latency_count * 99 / 100], latencies_us[latency_count - 1]);
    return 0;
}
