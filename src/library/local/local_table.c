#include "library/local/local_table.h"

#include "cardea/checker.h"
#include "core/table_offer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void local_table_init(struct local_table *l)
{
    *l = (struct local_table){.fd = -1, .alive_at_ms = INT64_MIN};
}

void local_table_close(struct local_table *l)
{
    table_detach(l->table);
    if (l->block != NULL)
        munmap(l->block, l->block_size);
    if (l->seen != NULL)
        munmap(l->seen, l->seen_size);
    if (l->fd >= 0)
        close(l->fd);
    local_table_init(l);
}

/* --- the connection --- */

static struct cardea_status reach(const char *path, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strnlen(path, sizeof address.sun_path);
    if (len == 0 || len >= sizeof address.sun_path)
        return CARDEA_FAIL(E_USAGE);
    memcpy(address.sun_path, path, len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return CARDEA_FAIL(E_UNAVAILABLE);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    *ret_fd = fd;
    return CARDEA_SUCCESS;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

/* The message and its descriptors. The service sends it whole and at once. */
static struct cardea_status receive(int fd, struct table_offer *offer, int fds[TABLE_OFFER_DESCRIPTORS])
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    struct iovec data = {offer, sizeof *offer};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(TABLE_OFFER_DESCRIPTORS * sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    if (poll(&wait, 1, CARDEA_CHECKER_CONNECT_MS) != 1)
        return CARDEA_FAIL(E_UNAVAILABLE);
    ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n <= 0)
        return CARDEA_FAIL(E_UNAVAILABLE);
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        int got[TABLE_OFFER_DESCRIPTORS];
        if (here > TABLE_OFFER_DESCRIPTORS) /* there was no room for so many */
            here = TABLE_OFFER_DESCRIPTORS;
        memcpy(got, CMSG_DATA(c), here * sizeof(int));
        if (count != 0) {
            close_all(got, here);
            continue;
        }
        memcpy(fds, got, here * sizeof(int));
        count = here;
    }
    if (n == (ssize_t)sizeof *offer && count == TABLE_OFFER_DESCRIPTORS && offer->magic == TABLE_OFFER_MAGIC &&
        offer->version == TABLE_OFFER_VERSION)
        return CARDEA_SUCCESS;
    close_all(fds, count);
    return CARDEA_FAIL(E_CORRUPT);
}

/* --- the memory --- */

/* Map a whole file that can not become shorter. */
static void *map(int fd, uint64_t said, int protection, size_t *ret_size)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &st) != 0 || st.st_size <= 0 ||
        (uint64_t)st.st_size != said)
        return NULL;
    void *start = mmap(NULL, (size_t)st.st_size, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (start == MAP_FAILED)
        return NULL;
    *ret_size = (size_t)st.st_size;
    return start;
}

static struct cardea_status attach(struct local_table *l, const struct table_offer *offer, const int *fds)
{
    l->block = map(fds[0], offer->block_size, PROT_READ, &l->block_size);
    l->seen = map(fds[1], offer->seen_size, PROT_READ | PROT_WRITE, &l->seen_size);
    if (l->block == NULL)
        return CARDEA_FAIL(E_CORRUPT);
    struct cardea_status s = CARDEA_FAIL(E_CORRUPT);
    if (l->seen != NULL)
        s = table_attach(l->block, l->block_size, l->seen, l->seen_size, &l->table);
    /* Every reader writes the seen map: where one has spoilt it, the others do without. */
    if (s.code == CARDEA_E_CORRUPT)
        s = table_attach(l->block, l->block_size, NULL, 0, &l->table);
    return s.code == CARDEA_E_UNAVAILABLE ? CARDEA_FAIL(E_BUSY) : s;
}

struct cardea_status local_table_open(struct local_table *l, const char *path)
{
    struct table_offer offer = {0};
    int fds[TABLE_OFFER_DESCRIPTORS];
    local_table_close(l);
    struct cardea_status s = reach(path, &l->fd);
    if (!cardea_ok(s))
        return s;
    s = receive(l->fd, &offer, fds);
    if (cardea_ok(s)) {
        s = attach(l, &offer, fds);
        close_all(fds, TABLE_OFFER_DESCRIPTORS);
    }
    if (!cardea_ok(s))
        local_table_close(l);
    return s;
}

bool local_table_alive(struct local_table *l, int64_t boot_ms)
{
    char byte;
    if (l->fd < 0)
        return false;
    if (boot_ms != l->alive_at_ms) {
        ssize_t n = recv(l->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
        if (n >= 0 || (errno != EAGAIN && errno != EINTR)) {
            local_table_close(l);
            return false;
        }
        l->alive_at_ms = boot_ms;
    }
    if (!table_closed(l->table))
        return true;
    local_table_close(l);
    return false;
}
