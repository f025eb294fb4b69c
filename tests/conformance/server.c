#include "server.h"

#include "../unit/check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

static void become(const char *name)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam(name) : NULL;
    if (geteuid() == 0 && (user == NULL || initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
                           setuid(user->pw_uid) != 0))
        _exit(126);
}

static pid_t spawn(const char *const *argv, const char *user, const char *notify)
{
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(null, 0);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        if (notify != NULL)
            (void)setenv("NOTIFY_SOCKET", notify, 1);
        if (user != NULL)
            become(user);
        (void)execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

pid_t server_spawn(const char *const *argv, const char *user)
{
    return spawn(argv, user, NULL);
}

/* The kernel names it, in the abstract space: any user's server may write there. */
static int notify_socket(char name[64])
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    socklen_t len = sizeof a;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof a.sun_family), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    (void)snprintf(name, 64, "@%.*s", (int)(len - sizeof a.sun_family - 1), a.sun_path + 1);
    return fd;
}

pid_t server_start(const char *const *argv, const char *user)
{
    char name[64], message[512];
    int notify = notify_socket(name);
    pid_t pid = spawn(argv, user, name);
    int end = pidfd_open(pid, 0);
    assert_true(end >= 0);
    struct pollfd p[] = {{.fd = notify, .events = POLLIN}, {.fd = end, .events = POLLIN}};
    bool ready = false;
    while (!ready && poll(p, 2, PATIENCE_MS) > 0 && (p[0].revents & POLLIN) != 0) {
        ssize_t n = recv(notify, message, sizeof message - 1, 0);
        message[n > 0 ? n : 0] = '\0';
        ready = strstr(message, "READY=1") != NULL;
    }
    (void)close(notify);
    (void)close(end);
    if (!ready) {
        server_stop(pid, SIGKILL);
        fail_msg("%s does not get ready", argv[0]);
    }
    return pid;
}

void server_stop(pid_t pid, int how)
{
    (void)kill(pid, how);
    (void)kill(pid, SIGCONT);
    (void)waitpid(pid, NULL, 0);
}

int server_run(const char *const *argv, const char *user)
{
    int status = -1;
    pid_t pid = server_spawn(argv, user);
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

unsigned server_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    (void)close(fd);
    return ntohs(a.sin_port);
}
