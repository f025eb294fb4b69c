#include "daemon/table_socket.h"

#include "core/table_offer.h"
#include "daemon/log.h"
#include "daemon/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_READER = 2, POLLS = FIRST_READER + TABLE_READERS_MAX };

struct table_socket {
    struct listen_address where;
    pthread_t thread;
    bool running;
    int stop_fd;
    int block_fd, seen_fd; /* as readers get them */
    struct table_offer offer;
    uint32_t count; /* the thread's own */
    uint32_t _Atomic readers;
    struct pollfd polls[POLLS]; /* stop, listener, then a reader each */
    uint32_t uids[POLLS];
};

/* --- one reader --- */

static bool may_have(const struct table_socket *t, uint32_t uid)
{
    uint32_t own = 0;
    for (uint32_t i = 0; i < t->count; i++)
        own += t->uids[FIRST_READER + i] == uid;
    return t->count < TABLE_READERS_MAX && own < TABLE_READERS_USER_MAX;
}

static bool hand_over(const struct table_socket *t, int fd)
{
    int fds[TABLE_OFFER_DESCRIPTORS] = {t->block_fd, t->seen_fd};
    struct table_offer offer = t->offer;
    struct iovec data = {&offer, sizeof offer};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof fds)];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof offer;
}

static void admit(struct table_socket *t)
{
    int fd = accept4(t->polls[1].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    uint32_t uid;
    if (fd < 0)
        return;
    bool known = socket_peer_uid(fd, &uid);
    if (!known || !may_have(t, uid) || !hand_over(t, fd)) {
        log_write(LOG_WARN, "a reader of the verification table was refused",
                  LOG_FIELDS(LOG_INT("uid", known ? (int64_t)uid : -1), LOG_INT("readers", t->count)));
        close(fd);
        return;
    }
    t->polls[FIRST_READER + t->count] = (struct pollfd){.fd = fd, .events = POLLIN};
    t->uids[FIRST_READER + t->count] = uid;
    t->count++;
    atomic_store_explicit(&t->readers, t->count, memory_order_relaxed);
    log_write(LOG_INFO, "a reader has the verification table",
              LOG_FIELDS(LOG_INT("uid", uid), LOG_INT("readers", t->count)));
}

/* Its end, or a word that nobody asked for. */
static void dismiss(struct table_socket *t, uint32_t at)
{
    close(t->polls[at].fd);
    t->count--;
    t->polls[at] = t->polls[FIRST_READER + t->count];
    t->uids[at] = t->uids[FIRST_READER + t->count];
    atomic_store_explicit(&t->readers, t->count, memory_order_relaxed);
}

static void *serve(void *argument)
{
    struct table_socket *t = argument;
    for (;;) {
        if (poll(t->polls, FIRST_READER + t->count, -1) < 0 && errno != EINTR)
            break;
        if (t->polls[0].revents != 0)
            break;
        for (uint32_t i = FIRST_READER + t->count; i > FIRST_READER; i--)
            if (t->polls[i - 1].revents != 0)
                dismiss(t, i - 1);
        if (t->polls[1].revents != 0)
            admit(t);
    }
    return NULL;
}

/* --- the whole --- */

/* The same file, opened for reading alone; the mode then keeps others from opening it again. */
static int read_only(int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int readable = open(path, O_RDONLY | O_CLOEXEC);
    if (readable >= 0 && fchmod(fd, 0) != 0) {
        close(readable);
        return -1;
    }
    return readable;
}

static struct cardea_status start(struct table_socket *t, unsigned mode, const struct table_map *map, char *message,
                                  size_t message_cap)
{
    snprintf(message, message_cap, "the verification table can not be handed out");
    t->block_fd = read_only(map->block_fd);
    t->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (t->block_fd < 0 || t->stop_fd < 0 || fchmod(map->seen_fd, 0) != 0)
        return CARDEA_FAIL(E_IO);
    t->seen_fd = map->seen_fd;
    t->offer = (struct table_offer){TABLE_OFFER_MAGIC, TABLE_OFFER_VERSION, map->block_size, map->seen_size};
    int fd = -1;
    struct cardea_status s = socket_listen(&t->where, mode, &fd, message, message_cap);
    if (!cardea_ok(s))
        return s;
    t->polls[0] = (struct pollfd){.fd = t->stop_fd, .events = POLLIN};
    t->polls[1] = (struct pollfd){.fd = fd, .events = POLLIN};
    if (pthread_create(&t->thread, NULL, serve, t) != 0)
        return CARDEA_FAIL(E_IO);
    pthread_setname_np(t->thread, "table");
    t->running = true;
    return CARDEA_SUCCESS;
}

struct cardea_status table_socket_open(const struct listen_address *where, unsigned mode, const struct table_map *map,
                                       struct table_socket **out, char *message, size_t message_cap)
{
    struct table_socket *t = calloc(1, sizeof *t);
    if (t == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    t->where = *where;
    t->stop_fd = t->block_fd = t->seen_fd = -1;
    t->polls[1].fd = -1;
    struct cardea_status s = start(t, mode, map, message, message_cap);
    if (cardea_ok(s))
        *out = t;
    else
        table_socket_close(t);
    return s;
}

void table_socket_close(struct table_socket *t)
{
    static const uint64_t one = 1;
    if (t == NULL)
        return;
    if (t->running && write(t->stop_fd, &one, sizeof one) == (ssize_t)sizeof one)
        pthread_join(t->thread, NULL);
    if (t->polls[1].fd >= 0) {
        unlink(t->where.path);
        close(t->polls[1].fd);
    }
    for (uint32_t i = 0; i < t->count; i++)
        close(t->polls[FIRST_READER + i].fd);
    if (t->block_fd >= 0)
        close(t->block_fd);
    if (t->stop_fd >= 0)
        close(t->stop_fd);
    free(t);
}

uint32_t table_socket_readers(const struct table_socket *t)
{
    return t == NULL ? 0 : atomic_load_explicit(&t->readers, memory_order_relaxed);
}
