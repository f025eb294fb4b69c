/* The log: what an operator reads. One line an event, on standard error, human on a terminal and JSON otherwise.
 *
 * Decides: form, escaping, levels. Every field is escaped: no control character, no invalid UTF-8 and no escape
 * sequence of a terminal leaves this file, and a long text is cut at LOG_TEXT_MAX. A line is one write(2), so lines of
 * several threads never mix. A reader that does not keep up (a full pipe, a stopped terminal) holds nobody back: what
 * it can not take is dropped, counted, and the count is the first thing that it gets afterwards. Refuses: secrets.
 * There is no call that takes a header, a cookie, a body or a query string; callers name each field. The precise
 * account of security events is the journal (core/audit.h), not this.
 *
 * Limits: whoever writes into the same pipe beside us can fill it between our look and our write; then one line waits.
 *
 * Threading: any thread. log_start once, before threads; log_level_set at any time.
 *
 *     log_write(LOG_WARN, "a connection was refused",
 *               LOG_FIELDS(LOG_TEXT("reason", VIEW("limit")), LOG_INT("open", 4096)));
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include "base/address.h"
#include "base/buf.h"
#include "daemon/config.h"

enum { LOG_LINE_MAX = 4096, LOG_TEXT_MAX = 256 };

enum log_kind { LOG_KIND_UNSET = 0, LOG_KIND_TEXT, LOG_KIND_INT, LOG_KIND_ADDRESS, LOG_KIND_STATUS };

struct log_field {
    const char *name;
    enum log_kind kind;
    struct view text;
    int64_t number;
    const struct address *address;
    struct cardea_status status;
};

#define LOG_TEXT(n, v) ((struct log_field){.name = (n), .kind = LOG_KIND_TEXT, .text = (v)})
#define LOG_INT(n, v) ((struct log_field){.name = (n), .kind = LOG_KIND_INT, .number = (int64_t)(v)})
#define LOG_ADDRESS(n, a) ((struct log_field){.name = (n), .kind = LOG_KIND_ADDRESS, .address = (a)})
#define LOG_STATUS(s) ((struct log_field){.name = "status", .kind = LOG_KIND_STATUS, .status = (s)})
#define LOG_FIELDS(...)                                                                                                \
    (const struct log_field[]){__VA_ARGS__}, sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)
#define LOG_NOTHING NULL, 0

/* Choose form and level; fd is standard error but for tests. AUTO: human when fd is a terminal. */
void log_start(int fd, enum log_format format, enum log_level level);
void log_level_set(enum log_level level);
bool log_wanted(enum log_level level);
void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t count);

/* One line as it would be written, for tests. Cuts what does not fit; always ends in a line feed. */
void log_line(struct buf *out, bool json, int64_t wall_ms, enum log_level level, const char *message,
              const struct log_field *fields, size_t count);

#endif
