/* A service's verification table, mapped from the same host: connects to its table socket, takes the two descriptors,
 * maps what they name, and notices when the service is gone.
 *
 * Nothing that comes over the socket is believed before it is looked at: the sizes are the files' own, and files that
 * their owner could still shorten are refused, since a shortened mapping kills whoever reads it.
 *
 * Threading: one thread's. */
#ifndef LIBRARY_LOCAL_TABLE_H
#define LIBRARY_LOCAL_TABLE_H

#include "core/table.h"

struct local_table {
    int fd; /* the connection, open as long as the table has its writer; -1: none */
    void *block, *seen;
    size_t block_size, seen_size;
    struct table *table;
    int64_t alive_at_ms; /* boot time when the service was last known to be there */
};

void local_table_init(struct local_table *l);
/* fails: E_USAGE, E_UNAVAILABLE, E_CORRUPT, E_BUSY: nothing is mapped then. */
struct cardea_status local_table_open(struct local_table *l, const char *path) CARDEA_CHECKED;
void local_table_close(struct local_table *l);
/* Is its writer there? Asks the kernel once a millisecond: a new service needs longer than that to come up, so nothing
 * that one answered is missed. false: everything is closed. */
bool local_table_alive(struct local_table *l, int64_t boot_ms);

#endif
