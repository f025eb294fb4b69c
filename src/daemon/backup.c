#include "daemon/backup.h"

#include "crypto/digest.h"
#include "daemon/engines.h"
#include "daemon/installation.h"
#include "daemon/whole_file.h"
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKUP_MS = 24 * 3600 * 1000 };

struct outcome {
    char *message;
    size_t cap;
};

__attribute__((format(printf, 3, 4))) static struct cardea_status
fail(const struct outcome *o, struct cardea_status why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(o->message, o->cap, format, args);
    va_end(args);
    return why;
}

static struct cardea_status open_source(const struct config *c, struct store **out, const struct outcome *o)
{
    const char *database = engines_database(c->accounts);
    if (database != NULL)
        return store_sqlite_attach(database, installation_boot_ms, digest_sha256, out, o->message, o->cap);
    return engines_open_accounts(c->accounts, installation_boot_ms, out, o->message, o->cap);
}

static struct cardea_status mark(const struct copy_place *to, int64_t at_ms)
{
    struct cardea_status s = to->ops->value_put(to->tx, BACKUP_FORMAT_VALUE, BACKUP_FORMAT);
    return cardea_ok(s) ? to->ops->value_put(to->tx, BACKUP_TIME_VALUE, at_ms) : s;
}

static struct cardea_status fill(struct store *from, struct store *to, const struct copy *copy, struct backup_made *out)
{
    int64_t deadline_ms = installation_boot_ms() + BACKUP_MS;
    struct copy_place source = {from->ops, NULL}, target = {to->ops, NULL};
    bool empty = false;
    struct cardea_status s = from->ops->begin(from, STORE_READ, deadline_ms, &source.tx);
    if (cardea_ok(s))
        s = to->ops->begin(to, STORE_WRITE, deadline_ms, &target.tx);
    if (cardea_ok(s))
        s = copy_accounts_empty(&source, &empty);
    if (cardea_ok(s) && empty)
        s = CARDEA_FAIL(E_NOT_FOUND);
    if (cardea_ok(s))
        s = copy_accounts(copy, &source, &target, &out->counts);
    if (cardea_ok(s))
        s = copy_head(&target, &out->head);
    if (cardea_ok(s))
        s = mark(&target, out->at_ms);
    from->ops->abort(source.tx);
    if (cardea_ok(s))
        return to->ops->commit(target.tx);
    to->ops->abort(target.tx);
    return s;
}

static struct cardea_status why_not(struct cardea_status s, const struct outcome *o)
{
    switch (s.code) {
    case CARDEA_OK:
        return s;
    case CARDEA_E_NOT_FOUND:
        return fail(o, s, "there is no installation to back up");
    case CARDEA_E_CORRUPT:
        return fail(o, s, "the accounts do not hold: see cardea audit --verify");
    default:
        return fail(o, s, "the backup could not be made: %s", cardea_status_title(s));
    }
}

struct cardea_status backup_make(const struct config *c, const char *path, const struct copy *copy,
                                 struct backup_made *out, char *message, size_t message_cap)
{
    const struct outcome o = {message, message_cap};
    struct whole_file file;
    struct store *from = NULL, *to = NULL;
    struct backup_made made = {.at_ms = installation_wall_ms()};
    struct copy how = *copy;
    how.digest = digest_sha256;
    how.boot_ms = installation_boot_ms;
    how.now_ms = made.at_ms;
    message[0] = '\0';
    if (access(path, F_OK) == 0)
        return fail(&o, CARDEA_FAIL(E_CONFLICT), "%s is there already: a backup replaces nothing", path);
    struct cardea_status s = open_source(c, &from, &o);
    if (!cardea_ok(s))
        return s;
    s = whole_file_begin(&file, path, false, message, message_cap);
    if (cardea_ok(s)) {
        s = store_sqlite_open(file.temporary, installation_boot_ms, digest_sha256, &to, message, message_cap);
        if (cardea_ok(s)) {
            s = why_not(fill(from, to, &how, &made), &o);
            to->ops->close(to); /* which moves the log into the file */
        }
        s = cardea_ok(s) ? whole_file_place(&file, message, message_cap) : s;
        whole_file_end(&file);
    }
    from->ops->close(from);
    if (cardea_ok(s))
        *out = made;
    return s;
}
