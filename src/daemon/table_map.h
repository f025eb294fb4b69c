/* The table's memory: two shared mappings that other processes can be given later, and that cost only what is touched.
 *
 * Each is a sealed memory file: a new inode at every start, sparse, of fixed size (the kernel refuses to shrink or grow
 * it, so no reader can be made to fault; nor does it take another seal, by which one reader could keep the next from
 * its last-seen times), gone with its last user. Why not a file in the state folder: a write into a
 * hole of a full disk kills the process (docs/adr/0005-listener.md).
 */
#ifndef DAEMON_TABLE_MAP_H
#define DAEMON_TABLE_MAP_H

#include "core/table.h"

struct table_map {
    void *block, *seen;
    size_t block_size, seen_size;
    int block_fd, seen_fd; /* what a reader would be handed */
    struct table_writer *writer;
};

/* fails: E_USAGE (geometry), E_UNAVAILABLE */
struct cardea_status table_map_open(const struct table_geometry *g, const struct entropy *e,
                                    struct table_map *out) CARDEA_CHECKED;
void table_map_close(struct table_map *m); /* closes the table for every reader, then unmaps */

#endif
