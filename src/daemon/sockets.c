#include "daemon/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;
};

static socklen_t fill_address(const struct listen_address *where, union any_address *out)
{
    memset(out, 0, sizeof *out);
    if (where->is_unix) {
        out->path.sun_family = AF_UNIX;
        memcpy(out->path.sun_path, where->path, strnlen(where->path, sizeof out->path.sun_path - 1));
        return (socklen_t)sizeof out->path;
    }
    if (where->address.version == 6) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(where->port);
        memcpy(&out->v6.sin6_addr, where->address.bytes, 16);
        return (socklen_t)sizeof out->v6;
    }
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(where->port);
    memcpy(&out->v4.sin_addr, where->address.bytes, 4);
    return (socklen_t)sizeof out->v4;
}

/* The socket file of a process that is gone stands in the way of bind; that of a living one must stay. */
static void remove_stale(const union any_address *address, socklen_t len)
{
    struct stat st;
    if (lstat(address->path.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, &address->any, len) != 0 && errno == ECONNREFUSED)
        unlink(address->path.sun_path);
    close(fd);
}

static bool prepare(int fd, const union any_address *address)
{
    int on = 1;
    if (address->any.sa_family == AF_UNIX)
        return true;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return false;
    if (address->any.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return false;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

struct cardea_status socket_listen(const struct listen_address *where, unsigned mode, int *ret_fd, char *message,
                                   size_t message_cap)
{
    union any_address address;
    socklen_t len = fill_address(where, &address);
    if (where->is_unix)
        remove_stale(&address, len);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && prepare(fd, &address) && bind(fd, &address.any, len) == 0 &&
        (!where->is_unix || chmod(where->path, (mode_t)mode) == 0) && listen(fd, LISTEN_BACKLOG) == 0) {
        *ret_fd = fd;
        return CARDEA_SUCCESS;
    }
    snprintf(message, message_cap, "can not listen on %s: %s", where->text, strerror(errno));
    if (fd >= 0)
        close(fd);
    return CARDEA_FAIL(E_IO);
}

struct address socket_address(const struct sockaddr *from)
{
    struct address a = {0};
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (from == NULL)
        return a;
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
        a.version = 4;
        memcpy(a.bytes, &v4->sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;
        const uint8_t *bytes = v6->sin6_addr.s6_addr;
        bool is_mapped = memcmp(bytes, mapped, sizeof mapped) == 0;
        a.version = is_mapped ? 4 : 6;
        memcpy(a.bytes, is_mapped ? bytes + sizeof mapped : bytes, is_mapped ? 4 : 16);
    }
    return a;
}

bool socket_peer_uid(int fd, uint32_t *ret_uid)
{
    struct ucred who;
    socklen_t len = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
        return false;
    *ret_uid = who.uid;
    return true;
}
