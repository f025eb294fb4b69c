#include "cli/socket.h"

#include "base/text.h"
#include "daemon/installation.h"
#include "daemon/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_S = 90, HEAD_MAX = 16 * 1024 };

/* Requests carry passwords: not to a socket that somebody else has put up. */
static bool folder_safe(const struct stat *folder)
{
    return (folder->st_mode & 0022) == 0 && (folder->st_uid == geteuid() || geteuid() == 0);
}

static bool listener_safe(const struct stat *folder, int fd)
{
    uint32_t uid;
    return socket_peer_uid(fd, &uid) && (uid == folder->st_uid || uid == 0);
}

/* Through the open folder, so that a long path fits into a socket's address. */
static int connect_in(const char *state, enum socket_outcome *why)
{
    struct stat st;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    *why = SOCKET_NOBODY;
    int folder = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    int fd = -1;
    if (fstat(folder, &st) != 0 || !folder_safe(&st)) {
        *why = SOCKET_UNSAFE;
    } else {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/admin.sock", folder);
        if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
            close(fd);
            fd = -1;
        }
        if (fd >= 0 && !listener_safe(&st, fd)) {
            *why = SOCKET_UNSAFE;
            close(fd);
            fd = -1;
        }
    }
    close(folder);
    const struct timeval limit = {.tv_sec = TIMEOUT_S};
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static const char *method_name(enum method m)
{
    switch (m) {
    case METHOD_POST:
        return "POST";
    case METHOD_PATCH:
        return "PATCH";
    case METHOD_DELETE:
        return "DELETE";
    default:
        return "GET";
    }
}

static bool send_all(int fd, struct view v)
{
    while (v.len > 0) {
        ssize_t n = send(fd, v.ptr, v.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        v = view_skip(v, (size_t)n);
    }
    return true;
}

static bool send_request(int fd, const struct config *config, const struct call *call)
{
    char storage[CALL_PATH_MAX + 512];
    struct buf head = buf_fixed(storage, sizeof(storage));
    buf_text(&head, method_name(call->method));
    buf_char(&head, ' ');
    buf_text(&head, config->settings.base_path);
    buf_text(&head, call->path);
    buf_text(&head, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nUser-Agent: cardea/" CARDEA_VERSION "\r\n");
    if (call->body.len > 0) {
        buf_text(&head, "Content-Type: application/json\r\nContent-Length: ");
        buf_uint(&head, call->body.len);
        buf_text(&head, "\r\n");
    }
    buf_text(&head, "\r\n");
    return buf_ok(&head) && send_all(fd, buf_view(&head)) && send_all(fd, call->body);
}

static bool receive_all(int fd, struct buf *out)
{
    for (;;) {
        char *room = buf_room(out, 64 * 1024);
        if (room == NULL)
            return false;
        ssize_t n = recv(fd, room, 64 * 1024, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        buf_grew(out, (size_t)n);
    }
}

/* "HTTP/1.1 200 OK" and the length that was promised. */
static bool read_head(struct view head, unsigned *ret_status, uint64_t *ret_length)
{
    struct view line, rest, number;
    uint64_t status;
    bool has_length = false;
    view_cut(head, '\n', &line, &rest);
    if (!view_starts(line, VIEW("HTTP/1.1 ")))
        return false;
    view_cut(view_skip(line, 9), ' ', &number, &line);
    if (!cardea_ok(parse_u64(view_trim(number), &status)) || status < 100 || status > 599)
        return false;
    *ret_status = (unsigned)status;
    *ret_length = 0;
    while (rest.len > 0) {
        struct view name, value;
        view_cut(rest, '\n', &line, &rest);
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (!view_cut(line, ':', &name, &value))
            continue;
        if (view_equal_ascii_case(name, VIEW("Transfer-Encoding")))
            return false; /* ours never does */
        if (!view_equal_ascii_case(name, VIEW("Content-Length")))
            continue;
        if (has_length || !cardea_ok(parse_u64(view_trim(value), ret_length)))
            return false;
        has_length = true;
    }
    return has_length || status == 204;
}

static bool read_answer(struct view all, struct answer *out)
{
    const char *end = all.len == 0 ? NULL : memmem(all.ptr, all.len, "\r\n\r\n", 4);
    uint64_t length;
    if (end == NULL || (size_t)(end - all.ptr) > HEAD_MAX)
        return false;
    size_t head = (size_t)(end - all.ptr) + 4;
    if (!read_head(view_of(all.ptr, head), &out->status, &length) || all.len - head != length)
        return false;
    buf_put(&out->body, view_skip(all, head));
    return buf_ok(&out->body);
}

enum socket_outcome socket_call(const struct config *config, const struct call *call, struct answer *out)
{
    enum socket_outcome why;
    int fd = connect_in(config->state, &why);
    if (fd < 0)
        return why;
    struct answer raw = {.body = buf_heap(ANSWER_BODY_MAX)};
    *out = (struct answer){.body = buf_heap(ANSWER_BODY_MAX)};
    /* A refusal may come before everything was sent: so look for an answer in any case. */
    send_request(fd, config, call);
    bool whole = receive_all(fd, &raw.body);
    close(fd);
    why = whole && read_answer(buf_view(&raw.body), out) ? SOCKET_ANSWERED : SOCKET_BROKEN;
    answer_clear(&raw);
    if (why != SOCKET_ANSWERED)
        answer_clear(out);
    return why;
}
