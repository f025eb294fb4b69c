#include "daemon/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_PATH = CONFIG_PATH_MAX + 48 };

static struct cardea_status fail(const char *path, const char *what, int failed, char *message, size_t cap)
{
    (void)snprintf(message, cap, "%s %s: %s", path, what, strerror(failed));
    return failed == EEXIST ? CARDEA_FAIL(E_CONFLICT) : CARDEA_FAIL(E_IO);
}

static const char *beside(const char *path, const char *suffix, char out[NAME_MAX_PATH])
{
    (void)snprintf(out, NAME_MAX_PATH, "%s%s", path, suffix);
    return out;
}

/* A database that is being made, with what lies beside it. */
static void remove_temporary(const struct whole_file *f)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[NAME_MAX_PATH];
    for (unsigned i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        (void)unlink(beside(f->temporary, suffixes[i], name));
}

struct cardea_status whole_file_begin(struct whole_file *f, const char *path, bool alone, char *message, size_t cap)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    f->temporary[0] = '\0';
    if (name[0] == '\0' || snprintf(f->path, sizeof f->path, "%s", path) >= (int)sizeof f->path) {
        (void)snprintf(message, cap, "%s is no name of a file, or too long", path);
        return CARDEA_FAIL(E_USAGE);
    }
    (void)snprintf(f->temporary, sizeof f->temporary, "%.*s.%s.%s", (int)(name - path), path, name,
                   alone ? "part" : "XXXXXX");
    if (alone)
        remove_temporary(f);
    int fd = alone ? open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
                   : mkostemp(f->temporary, O_CLOEXEC); /* 0600 */
    if (fd < 0) {
        f->temporary[0] = '\0';
        return fail(path, "can not be made", errno, message, cap);
    }
    (void)close(fd);
    return CARDEA_SUCCESS;
}

static int sync_path(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0)
        return errno;
    int failed = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd);
    return failed;
}

static int sync_folder_of(const char *path)
{
    char folder[CONFIG_PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return sync_path(".", O_DIRECTORY);
    (void)snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return sync_path(folder, O_DIRECTORY);
}

/* The file on disk, and nothing beside it that belongs to it. */
static struct cardea_status settle(const struct whole_file *f, char *message, size_t cap)
{
    char log[NAME_MAX_PATH];
    if (access(beside(f->temporary, "-wal", log), F_OK) == 0)
        return fail(f->path, "could not be finished", EIO, message, cap);
    int failed = sync_path(f->temporary, 0);
    return failed == 0 ? CARDEA_SUCCESS : fail(f->path, "can not be synced", failed, message, cap);
}

/* A rename that replaces nothing; where the file system has none, a link. */
static int rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (link(from, to) != 0)
        return errno;
    (void)unlink(from);
    return 0;
}

struct cardea_status whole_file_place(struct whole_file *f, char *message, size_t cap)
{
    struct cardea_status s = settle(f, message, cap);
    if (!cardea_ok(s))
        return s;
    int failed = rename_new(f->temporary, f->path);
    if (failed != 0)
        return fail(f->path, "can not be placed", failed, message, cap);
    f->temporary[0] = '\0';
    failed = sync_folder_of(f->path);
    return failed == 0 ? s : fail(f->path, "can not be synced", failed, message, cap);
}

/* Put one in the other's place: at once, where the file system can. */
static int exchange(const char *fresh, const char *path, const char *aside)
{
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
        return rename_new(fresh, aside); /* what has that name now is the old one */
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    int failed = rename_new(path, aside);
    if (failed == 0 && rename(fresh, path) != 0)
        failed = errno;
    return failed;
}

struct cardea_status whole_file_replace(struct whole_file *f, int64_t number, char ret_aside[CONFIG_PATH_MAX + 32],
                                        char *message, size_t cap)
{
    char aside[CONFIG_PATH_MAX + 32], from[NAME_MAX_PATH], to[NAME_MAX_PATH];
    ret_aside[0] = '\0';
    if (access(f->path, F_OK) != 0)
        return whole_file_place(f, message, cap);
    struct cardea_status s = settle(f, message, cap);
    if (!cardea_ok(s))
        return s;
    (void)snprintf(aside, sizeof aside, "%s.before-%lld", f->path, (long long)number);
    /* The log of the old one, where nobody could close it, must not be taken for one of the new. */
    (void)unlink(beside(f->path, "-shm", from));
    if (rename(beside(f->path, "-wal", from), beside(aside, "-wal", to)) != 0 && errno != ENOENT)
        return fail(f->path, "can not be put aside", errno, message, cap);
    int failed = exchange(f->temporary, f->path, aside);
    if (failed != 0)
        return fail(f->path, "can not be replaced", failed, message, cap);
    f->temporary[0] = '\0';
    memcpy(ret_aside, aside, sizeof aside);
    failed = sync_folder_of(f->path);
    return failed == 0 ? s : fail(f->path, "can not be synced", failed, message, cap);
}

void whole_file_end(struct whole_file *f)
{
    if (f->temporary[0] != '\0')
        remove_temporary(f);
    f->temporary[0] = '\0';
}
