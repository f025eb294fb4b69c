#include "cli/file_io.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum exit_code read_all(int fd, const char *name, size_t max, struct input *out)
{
    while (out->len < out->cap) {
        ssize_t n = read(fd, out->ptr + out->len, out->cap - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            complain("%s: %s", name, strerror(errno));
            return EXIT_FAILED;
        }
        if (n == 0)
            return EXIT_OK;
        out->len += (size_t)n;
    }
    complain("%s: more than %zu bytes", name, max);
    return EXIT_FAILED;
}

enum exit_code input_read(const char *name, size_t max, struct input *out)
{
    bool standard = strcmp(name, "-") == 0;
    const char *said = standard ? "standard input" : name;
    int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    /* One byte more, to see that there are too many. */
    struct input in = {.ptr = malloc(max + 1), .cap = max + 1};
    enum exit_code code = EXIT_FAILED;
    if (fd < 0)
        complain("%s: %s", said, strerror(errno));
    else if (in.ptr == NULL)
        complain("out of memory");
    else
        code = read_all(fd, said, max, &in);
    if (!standard && fd >= 0)
        close(fd);
    if (code == EXIT_OK)
        *out = in;
    else
        input_clear(&in);
    return code;
}

void input_clear(struct input *i)
{
    if (i->ptr != NULL)
        secret_wipe(i->ptr, i->cap);
    free(i->ptr);
    *i = (struct input){0};
}

static bool is_space(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static struct view trim(struct view v)
{
    while (v.len > 0 && is_space(v.ptr[0]))
        v = view_skip(v, 1);
    while (v.len > 0 && is_space(v.ptr[v.len - 1]))
        v.len--;
    return v;
}

struct view input_text(const struct input *i)
{
    return trim(view_of(i->ptr, i->len));
}

enum exit_code input_word(const struct context *c, unsigned index, size_t max, struct input *storage, struct view *out)
{
    if (index < c->word_count && strcmp(c->words[index], "-") != 0) {
        *out = trim(view_text(c->words[index]));
        return EXIT_OK;
    }
    enum exit_code code = input_read("-", max, storage);
    if (code == EXIT_OK)
        *out = input_text(storage);
    return code;
}

static bool write_all(int fd, struct view rest)
{
    while (rest.len > 0) {
        ssize_t n = write(fd, rest.ptr, rest.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        rest = view_skip(rest, (size_t)n);
    }
    return true;
}

static enum exit_code write_file(const char *name, bool secret, struct view text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, secret ? 0600 : 0644);
    int error = errno;
    if (fd < 0) {
        complain("%s: %s", name, strerror(error));
        return error == EEXIST ? EXIT_CONFLICT : EXIT_FAILED;
    }
    bool good = write_all(fd, text) && fsync(fd) == 0;
    error = errno;
    good = close(fd) == 0 && good;
    if (!good) {
        complain("%s: %s", name, strerror(error));
        unlink(name);
    }
    return good ? EXIT_OK : EXIT_FAILED;
}

enum exit_code output_write(const char *name, bool secret, struct view text)
{
    if (name != NULL)
        return write_file(name, secret, text);
    if (write_all(STDOUT_FILENO, text))
        return EXIT_OK;
    if (errno != EPIPE)
        complain("standard output: %s", strerror(errno));
    return EXIT_FAILED;
}
