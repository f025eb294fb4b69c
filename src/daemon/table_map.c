#include "daemon/table_map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SEED_SIZE = 16 };

/* Called by the table for pages nobody needs any more. */
static bool give_back(void *context, void *start, size_t size)
{
    (void)context;
    return madvise(start, size, MADV_REMOVE) == 0;
}
static const struct table_host host = {give_back, NULL};

static bool map_new(const char *name, size_t size, int *ret_fd, void **ret_start)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return false;
    if (ftruncate(fd, (off_t)size) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        close(fd);
        return false;
    }
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (start == MAP_FAILED) {
        close(fd);
        return false;
    }
    *ret_fd = fd;
    *ret_start = start;
    return true;
}

struct cardea_status table_map_open(const struct table_geometry *g, const struct entropy *e, struct table_map *out)
{
    struct table_map m = {.block_fd = -1, .seen_fd = -1};
    uint8_t seed[SEED_SIZE];
    m.block_size = table_size(g);
    m.seen_size = table_seen_size(g);
    if (m.block_size == 0 || m.seen_size == 0)
        return CARDEA_FAIL(E_USAGE);
    entropy_fill(e, seed, sizeof seed);
    struct cardea_status s = CARDEA_FAIL(E_UNAVAILABLE);
    if (map_new("cardea-table", m.block_size, &m.block_fd, &m.block) &&
        map_new("cardea-seen", m.seen_size, &m.seen_fd, &m.seen))
        s = table_create(m.block, m.seen, g, seed, &host, &m.writer);
    if (!cardea_ok(s)) {
        table_map_close(&m);
        return s;
    }
    *out = m;
    return CARDEA_SUCCESS;
}

void table_map_close(struct table_map *m)
{
    if (m->writer != NULL)
        table_close(m->writer);
    table_writer_free(m->writer);
    if (m->block != NULL)
        munmap(m->block, m->block_size);
    if (m->seen != NULL)
        munmap(m->seen, m->seen_size);
    if (m->block_fd >= 0)
        close(m->block_fd);
    if (m->seen_fd >= 0)
        close(m->seen_fd);
    *m = (struct table_map){.block_fd = -1, .seen_fd = -1};
}
