#include "cli/password_input.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
    interrupted = signal;
}

static void trim(struct password_input *p)
{
    if (p->len > 0 && p->text[p->len - 1] == '\n')
        p->len--;
    if (p->len > 0 && p->text[p->len - 1] == '\r')
        p->len--;
    p->text[p->len] = 0;
}

static enum exit_code read_whole(int fd, const char *name, struct password_input *out)
{
    out->len = 0;
    for (;;) {
        ssize_t n = read(fd, out->text + out->len, sizeof(out->text) - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            complain("%s: %s", name, strerror(errno));
            return EXIT_FAILED;
        }
        out->len += (size_t)n;
        if (n == 0)
            break;
        if (out->len == sizeof(out->text)) {
            complain("%s: a password has at most 1024 bytes", name);
            return EXIT_FAILED;
        }
    }
    trim(out);
    return EXIT_OK;
}

static enum exit_code read_file(const char *name, struct password_input *out)
{
    if (strcmp(name, "-") == 0)
        return read_whole(STDIN_FILENO, "standard input", out);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        complain("%s: %s", name, strerror(errno));
        return EXIT_FAILED;
    }
    enum exit_code code = read_whole(fd, name, out);
    close(fd);
    return code;
}

/* One line; the terminal must have been set to lines without echo. */
static bool read_line(int tty, const char *prompt, struct password_input *out)
{
    out->len = 0;
    if (write(tty, prompt, strlen(prompt)) < 0)
        return false;
    bool good = true;
    for (;;) {
        char ch;
        ssize_t n = read(tty, &ch, 1);
        if (n < 0 && errno == EINTR && !interrupted)
            continue;
        if (n <= 0) {
            good = false;
            break;
        }
        if (ch == '\n')
            break;
        if (out->len + 1 < sizeof(out->text))
            out->text[out->len++] = ch;
    }
    out->text[out->len] = 0;
    return write(tty, "\n", 1) == 1 && good;
}

/* The terminal gets its echo back whatever happens, also on ^C. */
static enum exit_code ask(int tty, struct password_input *out)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    struct sigaction before[5], catch = {.sa_handler = on_signal};
    struct termios normal, quiet;
    struct password_input again = {0};
    if (tcgetattr(tty, &normal) != 0) {
        complain("the terminal: %s", strerror(errno));
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < 5; i++)
        sigaction(signals[i], &catch, &before[i]);
    quiet = normal;
    quiet.c_lflag = (quiet.c_lflag & ~(tcflag_t)ECHO) | ICANON | ISIG;
    bool good = tcsetattr(tty, TCSAFLUSH, &quiet) == 0 && read_line(tty, "Password: ", out) &&
                read_line(tty, "Again: ", &again);
    tcsetattr(tty, TCSAFLUSH, &normal);
    for (size_t i = 0; i < 5; i++)
        sigaction(signals[i], &before[i], NULL);
    bool same = again.len == out->len && memcmp(again.text, out->text, out->len) == 0;
    secret_wipe(&again, sizeof(again));
    if (interrupted)
        raise(interrupted);
    if (good && !same)
        complain("the two passwords differ");
    return good && same ? EXIT_OK : EXIT_FAILED;
}

enum exit_code password_input(const struct context *c, struct password_input *out)
{
    const char *file = context_option(c, "password-file");
    memset(out, 0, sizeof(*out));
    if (file != NULL)
        return read_file(file, out);
    int tty = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
    if (tty < 0) {
        complain("give the password with --password-file FILE, or - for standard input");
        return EXIT_USAGE;
    }
    enum exit_code code = ask(tty, out);
    close(tty);
    return code;
}
