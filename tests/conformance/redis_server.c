#include "redis_server.h"

#include "../unit/check.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PROGRAM "/usr/bin/redis-server"
enum { PATIENCE_MS = 60000 };

bool redis_installed(void)
{
    bool there = access(PROGRAM, X_OK) == 0;
    if (!there)
        (void)fprintf(stderr, "redis-server is not installed\n");
    return there;
}

void redis_make(struct redis_server *r)
{
    memcpy(r->folder, "/tmp/cardea-redis-XXXXXX", sizeof r->folder);
    assert_non_null(mkdtemp(r->folder));
    (void)snprintf(r->socket, sizeof r->socket, "%s/socket", r->folder);
}

void redis_start(struct redis_server *r)
{
    const char *argv[64] = {PROGRAM};
    int count = 1;
    for (int i = 0; r->options[i] != NULL; i++)
        argv[count++] = r->options[i];
    const char *const own[] = {"--unixsocket", r->socket, "--dir",        r->folder, "--save", "",
                               "--appendonly", "no",      "--supervised", "systemd", NULL};
    for (int i = 0; own[i] != NULL; i++)
        argv[count++] = own[i];
    r->pid = server_start(argv, NULL);
}

void redis_remove(struct redis_server *r)
{
    const char *const argv[] = {"/bin/rm", "-rf", r->folder, NULL};
    if (r->pid > 0)
        server_stop(r->pid, SIGKILL);
    (void)server_run(argv, NULL);
}

int redis_connect(const struct redis_server *r)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, r->socket, sizeof r->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void ask(const struct redis_server *r, const char *command, char *answer, size_t cap)
{
    char line[512];
    int fd = redis_connect(r), len = snprintf(line, sizeof line, "%s\r\n", command);
    assert_int_equal(write(fd, line, (size_t)len), len);
    ssize_t n = read(fd, answer, cap - 1);
    answer[n > 0 ? n : 0] = '\0';
    (void)close(fd);
}

bool redis_tell(const struct redis_server *r, const char *command, const char *answer)
{
    char got[128];
    ask(r, command, got, sizeof got);
    return strncmp(got, answer, strlen(answer)) == 0;
}

int64_t redis_ask(const struct redis_server *r, const char *command)
{
    char got[128];
    ask(r, command, got, sizeof got);
    assert_int_equal(got[0], ':');
    return strtoll(got + 1, NULL, 10);
}

void redis_await(int fd, const char *text)
{
    char got[8192];
    size_t len = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        if (len == sizeof got - 1)
            len = 0;
        ssize_t n = poll(&p, 1, PATIENCE_MS) > 0 ? read(fd, got + len, sizeof got - 1 - len) : 0;
        if (n <= 0)
            fail_msg("the server did not say %s", text);
        len += (size_t)n;
        got[len] = '\0';
        if (strstr(got, text) != NULL)
            return;
    }
}
