#include "daemon/log.h"

#include "base/json.h"
#include "base/text.h"
#include "base/timetext.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct {
    int fd;
    bool json;
    int _Atomic level;    /* enum log_level */
    pthread_mutex_t lock; /* so that nobody fills the pipe between another's look and write */
    uint64_t dropped;     /* lines, under the lock */
} sink = {.fd = STDERR_FILENO, .level = LOG_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

void log_start(int fd, enum log_format format, enum log_level level)
{
    sink.fd = fd;
    sink.json = format == LOG_JSON || (format != LOG_HUMAN && isatty(fd) == 0);
    log_level_set(level);
}

void log_level_set(enum log_level level)
{
    atomic_store_explicit(&sink.level, level == LOG_LEVEL_UNSET ? (int)LOG_INFO : (int)level, memory_order_relaxed);
}

bool log_wanted(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return "error";
    case LOG_WARN:
        return "warn";
    case LOG_INFO:
        return "info";
    default:
        return "debug";
    }
}

/* A cut in the middle of a character would make it invalid, and then all of it would be shown as bytes. */
static struct view cut(struct view v)
{
    if (v.len <= LOG_TEXT_MAX)
        return v;
    size_t len = LOG_TEXT_MAX;
    while (len > LOG_TEXT_MAX - 4 && ((unsigned char)v.ptr[len] & 0xC0) == 0x80)
        len--;
    return view_of(v.ptr, len);
}

static void put_escape(struct buf *out, unsigned char c)
{
    buf_text(out, "\\x");
    buf_hex(out, &c, 1);
}

/* For eyes on a terminal: printable ASCII as it is, all else as \xHH. Letters of other scripts pay for the certainty
 * that nothing steers the terminal; C1 controls hide in UTF-8 too. */
static void put_human(struct buf *out, struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.ptr[i];
        if (c >= 0x20 && c < 0x7F && c != '\\' && c != '"')
            buf_char(out, (char)c);
        else
            put_escape(out, c);
    }
}

/* JSON lets DEL and the C1 controls stand as they are; whoever shows the line to a terminal would obey them. */
static void scrub(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char next = i + 1 < len ? (unsigned char)text[i + 1] : 0;
        if (text[i] == 0x7F)
            text[i] = '?';
        else if ((unsigned char)text[i] == 0xC2 && next >= 0x80 && next < 0xA0)
            text[i] = text[i + 1] = '?';
    }
}

static void field_text(const struct log_field *f, struct buf *out)
{
    switch (f->kind) {
    case LOG_KIND_TEXT:
        buf_put(out, cut(f->text));
        break;
    case LOG_KIND_ADDRESS:
        if (f->address != NULL)
            buf_address(out, f->address);
        break;
    case LOG_KIND_STATUS:
        buf_text(out, cardea_status_name(f->status));
        break;
    default:
        break;
    }
}

static void put_json(struct buf *out, int64_t wall_ms, enum log_level level, const char *message,
                     const struct log_field *fields, size_t count)
{
    char room[LOG_TEXT_MAX + 8];
    struct buf at = buf_fixed(room, sizeof room);
    struct json_writer w = json_writer(out);
    json_open_object(&w);
    buf_rfc3339_ms(&at, wall_ms);
    json_member_text(&w, "time", buf_view(&at));
    json_member_text(&w, "level", view_text(level_name(level)));
    json_member_text(&w, "message", view_text(message));
    for (size_t i = 0; i < count; i++) {
        if (fields[i].kind == LOG_KIND_INT) {
            json_member_int(&w, fields[i].name, fields[i].number);
            continue;
        }
        struct buf text = buf_fixed(room, sizeof room);
        field_text(&fields[i], &text);
        scrub(room, text.len);
        json_member_text(&w, fields[i].name, buf_view(&text));
    }
    json_close_object(&w);
}

static void put_plain(struct buf *out, int64_t wall_ms, enum log_level level, const char *message,
                      const struct log_field *fields, size_t count)
{
    char room[LOG_TEXT_MAX + 8];
    buf_rfc3339_ms(out, wall_ms);
    buf_char(out, ' ');
    buf_text(out, level_name(level));
    buf_text(out, ": ");
    put_human(out, view_text(message));
    for (size_t i = 0; i < count; i++) {
        buf_char(out, ' ');
        buf_text(out, fields[i].name);
        buf_char(out, '=');
        if (fields[i].kind == LOG_KIND_INT) {
            buf_int(out, fields[i].number);
            continue;
        }
        struct buf text = buf_fixed(room, sizeof room);
        field_text(&fields[i], &text);
        bool quoted = text.len == 0 || view_has(buf_view(&text), ' ');
        buf_text(out, quoted ? "\"" : "");
        put_human(out, buf_view(&text));
        buf_text(out, quoted ? "\"" : "");
    }
}

void log_line(struct buf *out, bool json, int64_t wall_ms, enum log_level level, const char *message,
              const struct log_field *fields, size_t count)
{
    /* A line too long for its buffer loses its fields, last first: what is left is still whole. */
    for (size_t n = count;; n--) {
        buf_reset(out);
        if (json)
            put_json(out, wall_ms, level, message, fields, n);
        else
            put_plain(out, wall_ms, level, message, fields, n);
        buf_char(out, '\n');
        if (buf_ok(out) || n == 0)
            return;
    }
}

static int64_t wall_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Write a line if that does not wait. The descriptor is shared with others, so it can not be made non-blocking: a
 * socket is asked not to wait; a pipe that polls writable has room for PIPE_BUF bytes, which is LOG_LINE_MAX. */
static bool write_at_once(struct view line)
{
    ssize_t n = send(sink.fd, line.ptr, line.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0 || errno != ENOTSOCK)
        return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    struct pollfd ready = {.fd = sink.fd, .events = POLLOUT};
    if (poll(&ready, 1, 0) == 0)
        return false;
    /* Nothing can be done about a log that can not be written; the service goes on. */
    ssize_t written = write(sink.fd, line.ptr, line.len);
    (void)written;
    return true;
}

static bool tell_dropped(void)
{
    char room[LOG_LINE_MAX];
    struct buf line = buf_fixed(room, sizeof room);
    log_line(&line, sink.json, wall_now_ms(), LOG_WARN, "lines of the log were dropped: its reader does not keep up",
             LOG_FIELDS(LOG_INT("lines", sink.dropped)));
    if (!write_at_once(buf_view(&line)))
        return false;
    sink.dropped = 0;
    return true;
}

void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t count)
{
    if (!log_wanted(level))
        return;
    char room[LOG_LINE_MAX];
    struct buf line = buf_fixed(room, sizeof room);
    log_line(&line, sink.json, wall_now_ms(), level, message, fields, count);
    pthread_mutex_lock(&sink.lock);
    if ((sink.dropped > 0 && !tell_dropped()) || !write_at_once(buf_view(&line)))
        sink.dropped++;
    pthread_mutex_unlock(&sink.lock);
}
