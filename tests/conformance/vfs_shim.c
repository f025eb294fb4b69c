#include "vfs_shim.h"

#include <sqlite3.h>
#include <string.h>

struct vfs_shim shim;

/* The real file lies right behind ours in the memory that SQLite gives for both, which it aligns to 8 bytes. */
struct shim_file {
    sqlite3_file base;
    bool log, database;
    _Alignas(8) char real[];
};

static sqlite3_vfs *under;

static sqlite3_file *real(sqlite3_file *f)
{
    return (sqlite3_file *)(void *)((struct shim_file *)(void *)f)->real;
}

static int shim_close(sqlite3_file *f)
{
    return real(f)->pMethods->xClose(real(f));
}

static int shim_read(sqlite3_file *f, void *out, int len, sqlite3_int64 at)
{
    if (shim.fail_read)
        return SQLITE_IOERR_READ;
    return real(f)->pMethods->xRead(real(f), out, len, at);
}

static int shim_write(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
    struct shim_file *file = (struct shim_file *)(void *)f;
    if (shim.fail_write)
        return SQLITE_IOERR_WRITE;
    int64_t room = shim.room;
    if (shim.limit_room && room < len) {
        /* As a real disk does: what fits is written. */
        if (room > 0)
            (void)real(f)->pMethods->xWrite(real(f), bytes, (int)room, at);
        shim.room = 0;
        return SQLITE_FULL;
    }
    if (shim.limit_room)
        shim.room -= len;
    if (file->log)
        shim.log_unsynced = true;
    if (file->database)
        shim.file_unsynced = true;
    return real(f)->pMethods->xWrite(real(f), bytes, len, at);
}

static int shim_sync(sqlite3_file *f, int flags)
{
    struct shim_file *file = (struct shim_file *)(void *)f;
    if (shim.fail_sync)
        return SQLITE_IOERR_FSYNC;
    if (file->log) {
        shim.log_syncs++;
        shim.log_unsynced = false;
    }
    if (file->database) {
        shim.file_syncs++;
        shim.file_unsynced = false;
    }
    return real(f)->pMethods->xSync(real(f), flags);
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return real(f)->pMethods->xTruncate(real(f), size);
}
static int shim_size(sqlite3_file *f, sqlite3_int64 *out)
{
    return real(f)->pMethods->xFileSize(real(f), out);
}
static int shim_lock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xLock(real(f), level);
}
static int shim_unlock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xUnlock(real(f), level);
}
static int shim_reserved(sqlite3_file *f, int *out)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}
static int shim_control(sqlite3_file *f, int op, void *argument)
{
    return real(f)->pMethods->xFileControl(real(f), op, argument);
}
static int shim_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}
static int shim_traits(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}
static void shim_shm_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}
static int shim_shm_unmap(sqlite3_file *f, int remove)
{
    return real(f)->pMethods->xShmUnmap(real(f), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_traits,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *out_flags)
{
    struct shim_file *file = (struct shim_file *)(void *)f;
    (void)vfs;
    file->base.pMethods = NULL;
    file->log = (flags & SQLITE_OPEN_WAL) != 0;
    file->database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    if (shim.read_only && file->database)
        flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    int rc = under->xOpen(under, name, real(f), flags, out_flags);
    if (real(f)->pMethods != NULL)
        file->base.pMethods = &methods;
    return rc;
}

void vfs_shim_install(void)
{
    static sqlite3_vfs vfs;
    under = sqlite3_vfs_find(NULL);
    vfs = *under; /* everything but open goes straight to the one below, which ignores whose pointer it is given */
    vfs.zName = "shim";
    vfs.pNext = NULL;
    vfs.szOsFile = (int)sizeof(struct shim_file) + under->szOsFile;
    vfs.xOpen = shim_open;
    (void)sqlite3_vfs_register(&vfs, 1);
}

void vfs_shim_calm(void)
{
    shim.limit_room = false;
    shim.fail_sync = false;
    shim.fail_write = false;
    shim.fail_read = false;
    shim.read_only = false;
    shim.room = 0;
}
