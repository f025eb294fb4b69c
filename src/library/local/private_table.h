/* A verification table of this process's own: address space for its block and its last-seen times, and its writer. */
#ifndef LIBRARY_PRIVATE_TABLE_H
#define LIBRARY_PRIVATE_TABLE_H

#include "core/table.h"

struct private_table {
    void *block, *seen;
    size_t block_size, seen_size;
    struct table_writer *writer;
    struct table *table; /* for checkers: without the last-seen times, which are the service's alone */
};

/* fails: E_USAGE (geometry); E_BUSY. *out is zeroed then. */
struct cardea_status private_table_open(const struct table_geometry *g, const uint8_t seed[16],
                                        struct private_table *out) CARDEA_CHECKED;
void private_table_close(struct private_table *t);

#endif
