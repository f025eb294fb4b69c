/* A shim over SQLite's file layer: watches what is synced, and fails where a test wants it to.
 *
 * Installed once as the default VFS of the process, before the first database is opened. What
 * it has seen makes sense while one thread is at the database.
 */
#ifndef CONFORMANCE_VFS_SHIM_H
#define CONFORMANCE_VFS_SHIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vfs_shim {
    /* Seen since the start. */
    atomic_uint log_syncs;    /* of the write-ahead log */
    atomic_uint file_syncs;   /* of the database */
    atomic_bool log_unsynced; /* the log was written since its last sync */
    atomic_bool file_unsynced;
    /* Wanted; zeroed, nothing fails. */
    atomic_bool limit_room;
    _Atomic int64_t room; /* bytes that may still be written before the disk is full */
    atomic_bool fail_sync, fail_write, fail_read;
    atomic_bool read_only; /* the next database is opened as if its file could not be written */
};

extern struct vfs_shim shim;

void vfs_shim_install(void);
void vfs_shim_calm(void); /* nothing fails any more */

#endif
