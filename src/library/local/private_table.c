#include "library/local/private_table.h"

#include <sys/mman.h>

static bool give_back(void *context, void *start, size_t size)
{
    (void)context;
    return madvise(start, size, MADV_DONTNEED) == 0;
}
static const struct table_host host = {give_back, NULL};

/* Costs nothing until it is touched. */
static void *reserve(size_t size)
{
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

struct cardea_status private_table_open(const struct table_geometry *g, const uint8_t seed[16],
                                        struct private_table *out)
{
    struct private_table t = {.block_size = table_size(g), .seen_size = table_seen_size(g)};
    *out = (struct private_table){0};
    if (t.block_size == 0 || t.seen_size == 0)
        return CARDEA_FAIL(E_USAGE);
    t.block = reserve(t.block_size);
    t.seen = reserve(t.seen_size);
    struct cardea_status s = CARDEA_FAIL(E_BUSY);
    if (t.block != NULL && t.seen != NULL)
        s = table_create(t.block, t.seen, g, seed, &host, &t.writer);
    if (cardea_ok(s))
        s = table_attach(t.block, t.block_size, NULL, 0, &t.table);
    if (!cardea_ok(s)) {
        private_table_close(&t);
        return CARDEA_FAIL(E_BUSY);
    }
    *out = t;
    return s;
}

void private_table_close(struct private_table *t)
{
    table_detach(t->table);
    table_writer_free(t->writer);
    if (t->block != NULL)
        munmap(t->block, t->block_size);
    if (t->seen != NULL)
        munmap(t->seen, t->seen_size);
    *t = (struct private_table){0};
}
