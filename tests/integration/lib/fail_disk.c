/* Loaded before the service's libraries: while the file named by FAIL_DISK is there the disk takes no writes; its first
 * byte says why: f: it is full, r: it has turned read-only. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int fault(void)
{
    const char *flag = getenv("FAIL_DISK");
    char why = 0;
    int fd = flag == NULL ? -1 : open(flag, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (read(fd, &why, 1) != 1)
        why = 0;
    close(fd);
    return why == 'f' ? ENOSPC : why == 'r' ? EROFS : 0;
}

static ssize_t write_or_fail(const char *name, int fd, const void *bytes, size_t len, off64_t at)
{
    ssize_t (*real)(int, const void *, size_t, off64_t) =
        (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, name);
    int error = fault();
    if (error == 0)
        return real(fd, bytes, len, at);
    errno = error;
    return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return write_or_fail("pwrite", fd, bytes, len, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    return write_or_fail("pwrite64", fd, bytes, len, at);
}
