#include "base/timetext.h"
#include "core/audit.h"
#include "crypto/digest.h"
#include "daemon/backup.h"
#include "daemon/engines.h"
#include "daemon/installation.h"
#include "daemon/migrate.h"
#include "daemon/whole_file.h"
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RESTORE_MS = 24 * 3600 * 1000, USERS_STEP = 64, COPY_STEP = 1 << 16 };

static const char incarnation_value[] = "incarnation", clock_value[] = "clock_high_water_ms";

struct run {
    const struct config *c;
    bool replace;
    struct copy copy;
    struct installation home;  /* the lock and the master key */
    struct whole_file scratch; /* our own copy of the backup: opening it may bring its schema up to date */
    struct store *backup;
    struct copy_place from;
    struct whole_file fresh; /* the database that takes the place of the one of before */
    struct store *target;
    struct copy_place to;
    int64_t there_incarnation, there_clock_ms; /* of what is there already */
    struct journal_head head;                  /* of the backup */
    struct restored done;
    char *message;
    size_t cap;
};

__attribute__((format(printf, 3, 4))) static struct cardea_status fail(struct run *r, struct cardea_status why,
                                                                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->message, r->cap, format, args);
    va_end(args);
    return why;
}

static struct cardea_status fail_at(struct run *r, struct cardea_status why, const char *what)
{
    return fail(r, why, "%s: %s", what, cardea_status_title(why));
}

/* A value, or 0. */
static struct cardea_status value_or_zero(const struct copy_place *p, const char *name, int64_t *out)
{
    *out = 0;
    struct cardea_status s = p->ops->value_get(p->tx, name, out);
    return s.code == CARDEA_E_NOT_FOUND ? CARDEA_SUCCESS : s;
}

/* --- the backup --- */

static int copy_bytes(int from, int to)
{
    static char bytes[COPY_STEP];
    for (;;) {
        ssize_t n = read(from, bytes, sizeof bytes);
        if (n == 0)
            return fsync(to) == 0 ? 0 : errno;
        for (ssize_t done = 0; done < n;) {
            ssize_t m = write(to, bytes + done, (size_t)(n - done));
            if (m < 0 && errno != EINTR)
                return errno;
            done += m > 0 ? m : 0;
        }
        if (n < 0 && errno != EINTR)
            return errno;
    }
}

static struct cardea_status open_backup(struct run *r, const char *path)
{
    char name[CONFIG_PATH_MAX], why[512];
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return fail(r, errno == ENOENT ? CARDEA_FAIL(E_NOT_FOUND) : CARDEA_FAIL(E_IO), "%s: %s", path, strerror(errno));
    struct cardea_status s = CARDEA_SUCCESS;
    if (snprintf(name, sizeof name, "%s/restore", r->c->state) >= (int)sizeof name)
        s = fail(r, CARDEA_FAIL(E_USAGE), "the path of the state folder is too long");
    if (cardea_ok(s))
        s = whole_file_begin(&r->scratch, name, true, r->message, r->cap);
    int to = cardea_ok(s) ? open(r->scratch.temporary, O_WRONLY | O_CLOEXEC) : -1;
    int failed = to < 0 ? errno : copy_bytes(from, to);
    if (cardea_ok(s) && failed != 0)
        s = fail(r, CARDEA_FAIL(E_IO), "%s can not be read: %s", path, strerror(failed));
    if (to >= 0)
        (void)close(to);
    (void)close(from);
    if (!cardea_ok(s))
        return s;
    s = store_sqlite_open(r->scratch.temporary, installation_boot_ms, digest_sha256, &r->backup, why, sizeof why);
    return cardea_ok(s) ? s : fail(r, CARDEA_FAIL(E_CORRUPT), "%s is no backup of Cardea, or is damaged", path);
}

/* Its mark, its journal, its keys: all before anything is written. */
static struct cardea_status check_backup(struct run *r, const char *path)
{
    int64_t format = 0;
    struct keyring *keys = NULL;
    r->from.ops = r->backup->ops;
    struct cardea_status s =
        r->backup->ops->begin(r->backup, STORE_READ, installation_boot_ms() + RESTORE_MS, &r->from.tx);
    if (cardea_ok(s))
        s = value_or_zero(&r->from, BACKUP_FORMAT_VALUE, &format);
    if (cardea_ok(s))
        s = value_or_zero(&r->from, BACKUP_TIME_VALUE, &r->done.backup_at_ms);
    if (cardea_ok(s) && (format == 0 || r->done.backup_at_ms == 0))
        return fail(r, CARDEA_FAIL(E_CORRUPT), "%s is a database, but no backup: cardea backup makes one", path);
    if (cardea_ok(s) && format != BACKUP_FORMAT)
        return fail(r, CARDEA_FAIL(E_CORRUPT), "%s is a backup of a newer version: use that program", path);
    if (cardea_ok(s))
        s = journal_verify(r->from.ops, r->from.tx, digest_sha256, &r->head);
    if (!cardea_ok(s))
        return fail(r, s, "%s is damaged: its journal does not hold", path);
    s = keyring_load(r->from.tx, r->from.ops, r->home.master, 1, &keys);
    keyring_unref(keys);
    if (s.code == CARDEA_E_CORRUPT)
        return fail(r, s, "the master key %s does not belong to this backup: put the one there that does",
                    r->c->master_key_file);
    return cardea_ok(s) ? s : fail_at(r, s, "the keys of the backup can not be loaded");
}

/* --- what is there --- */

/* What the installation of before knows of time. One that can not be read does not stand in the way of its backup. */
static struct cardea_status look_at(struct run *r, const struct copy_place *p)
{
    bool empty = false, nobody = false;
    const struct copy_sessions_place sessions = {.store = *p};
    struct cardea_status s = value_or_zero(p, incarnation_value, &r->there_incarnation);
    if (cardea_ok(s))
        s = value_or_zero(p, clock_value, &r->there_clock_ms);
    if (cardea_ok(s))
        s = copy_accounts_empty(p, &empty);
    if (cardea_ok(s))
        s = copy_sessions_empty(&r->copy, &sessions, &nobody);
    if (r->replace || (cardea_ok(s) && empty && nobody))
        return CARDEA_SUCCESS;
    if (!cardea_ok(s))
        return fail_at(r, s, "what is there can not be read (--replace puts the backup in its place)");
    return fail(r, CARDEA_FAIL(E_CONFLICT), "there is an installation already: --replace puts the backup in its place");
}

static struct cardea_status look_at_file(struct run *r, const char *database)
{
    struct store *s = NULL;
    struct copy_place p = {NULL, NULL};
    if (access(database, F_OK) != 0)
        return CARDEA_SUCCESS;
    struct cardea_status status =
        store_sqlite_open(database, installation_boot_ms, digest_sha256, &s, r->message, r->cap);
    if (!cardea_ok(status))
        return r->replace ? CARDEA_SUCCESS : status;
    p.ops = s->ops;
    status = s->ops->begin(s, STORE_READ, installation_boot_ms() + RESTORE_MS, &p.tx);
    if (cardea_ok(status)) {
        status = look_at(r, &p);
        s->ops->abort(p.tx);
    } else if (r->replace) {
        status = CARDEA_SUCCESS;
    }
    s->ops->close(s); /* the last: its log goes into the file */
    return status;
}

static struct cardea_status begin_target(struct run *r)
{
    r->to.ops = r->target->ops;
    struct cardea_status s = r->to.ops->begin(r->target, STORE_WRITE, installation_boot_ms() + RESTORE_MS, &r->to.tx);
    return cardea_ok(s) ? s : fail_at(r, s, "the database can not be written");
}

/* A file of our own, which takes the place of the other when all of it is there. */
static struct cardea_status open_file(struct run *r, const char *database)
{
    struct cardea_status s = look_at_file(r, database);
    if (cardea_ok(s))
        s = whole_file_begin(&r->fresh, database, true, r->message, r->cap);
    if (cardea_ok(s))
        s = store_sqlite_open(r->fresh.temporary, installation_boot_ms, digest_sha256, &r->target, r->message, r->cap);
    return cardea_ok(s) ? begin_target(r) : s;
}

/* The tables of a server: emptied and filled in one transaction. */
static struct cardea_status open_server(struct run *r)
{
    char node[VERIFIER_NAME_MAX + 1];
    struct cardea_status s =
        engines_open_accounts(r->c->accounts, installation_boot_ms, &r->target, r->message, r->cap);
    if (!cardea_ok(s))
        return s;
    s = migrate_find_node(r->target, node);
    if (!cardea_ok(s))
        return fail_at(r, s, "the registry of nodes can not be read");
    if (node[0] != '\0')
        return fail(r, CARDEA_FAIL(E_BUSY), "the node %s runs on this database: stop every node first", node);
    s = begin_target(r);
    if (cardea_ok(s))
        s = look_at(r, &r->to);
    if (!cardea_ok(s))
        return s;
    s = r->to.ops->session_erase(r->to.tx);
    if (cardea_ok(s))
        s = r->to.ops->account_erase(r->to.tx);
    return cardea_ok(s) ? s : fail_at(r, s, "the database can not be emptied");
}

/* --- the new incarnation --- */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Every user's epoch above any that was handed out, in this incarnation or the ones before it. */
static struct cardea_status raise_epochs(struct run *r, int64_t epoch)
{
    const struct user_filter all = {0};
    struct page page = {.limit = USERS_STEP};
    struct user_record *users = calloc(USERS_STEP, sizeof *users);
    struct cardea_status s = users == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : CARDEA_SUCCESS;
    do {
        uint32_t count = 0;
        struct cursor next = {{0}};
        if (cardea_ok(s))
            s = r->to.ops->user_list(r->to.tx, &all, &page, users, &count, &next);
        for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
            users[i].epoch = larger(epoch, users[i].epoch + 1);
            s = r->to.ops->user_put(r->to.tx, &users[i]);
        }
        page.after = next;
    } while (cardea_ok(s) && page.after.text[0] != '\0');
    free(users);
    return s;
}

static struct cardea_status record(struct run *r, int64_t now_ms)
{
    struct event e = {.at_ms = now_ms, .revocation = {.kind = REVOCATION_NONE}};
    struct buf detail = buf_fixed(e.detail, sizeof e.detail), actor = buf_fixed(e.actor, sizeof e.actor);
    (void)snprintf(e.type, sizeof e.type, "%s", AUDIT_restored);
    buf_text(&actor, "operator:");
    buf_int(&actor, (int64_t)getuid());
    buf_text(&detail, "{\"incarnation\":");
    buf_int(&detail, r->done.incarnation);
    buf_text(&detail, ",\"backup_at\":\"");
    buf_rfc3339(&detail, r->done.backup_at_ms);
    buf_text(&detail, "\"}");
    if (!buf_terminate(&detail) || !buf_terminate(&actor))
        return CARDEA_FAIL(E_INTERNAL);
    return r->to.ops->event_append(r->to.tx, &e);
}

static struct cardea_status put_values(struct run *r, int64_t now_ms)
{
    struct cardea_status s = r->to.ops->value_put(r->to.tx, incarnation_value, r->done.incarnation);
    if (cardea_ok(s))
        s = r->to.ops->value_put(r->to.tx, clock_value, now_ms);
    if (cardea_ok(s)) /* what is restored is no backup */
        s = r->to.ops->value_put(r->to.tx, BACKUP_FORMAT_VALUE, 0);
    return cardea_ok(s) ? r->to.ops->value_put(r->to.tx, BACKUP_TIME_VALUE, 0) : s;
}

static struct cardea_status fill(struct run *r)
{
    int64_t incarnation = 0, clock_ms = 0;
    struct cardea_status s = copy_accounts(&r->copy, &r->from, &r->to, &r->done.counts);
    if (!cardea_ok(s))
        return fail_at(r, s, "the backup could not be restored");
    s = value_or_zero(&r->from, incarnation_value, &incarnation);
    if (cardea_ok(s))
        s = value_or_zero(&r->from, clock_value, &clock_ms);
    int64_t now_ms = larger(installation_wall_ms(), larger(clock_ms, r->there_clock_ms));
    r->done.incarnation = larger(larger(incarnation, r->there_incarnation) + 1, now_ms / 1000);
    if (cardea_ok(s))
        s = raise_epochs(r, r->done.incarnation << EPOCH_SHIFT);
    if (cardea_ok(s))
        s = put_values(r, now_ms);
    if (cardea_ok(s))
        s = record(r, now_ms);
    return cardea_ok(s) ? s : fail_at(r, s, "the new incarnation could not be written");
}

static struct cardea_status place(struct run *r)
{
    struct cardea_status s = r->to.ops->commit(r->to.tx);
    r->to.tx = NULL;
    if (!cardea_ok(s))
        return fail_at(r, s, "the database could not commit");
    if (r->fresh.temporary[0] == '\0')
        return s;
    r->target->ops->close(r->target);
    r->target = NULL;
    return whole_file_replace(&r->fresh, r->done.incarnation, r->done.aside, r->message, r->cap);
}

/* Another restore, anywhere, must not get the same incarnation: so this second has to pass. */
static void let_time_pass(const struct run *r)
{
    const struct timespec step = {.tv_nsec = 20 * 1000000L};
    while (installation_wall_ms() / 1000 == r->done.incarnation)
        (void)nanosleep(&step, NULL);
}

static void clear(struct run *r)
{
    if (r->to.tx != NULL)
        r->to.ops->abort(r->to.tx);
    if (r->target != NULL)
        r->target->ops->close(r->target);
    if (r->from.tx != NULL)
        r->from.ops->abort(r->from.tx);
    if (r->backup != NULL)
        r->backup->ops->close(r->backup);
    whole_file_end(&r->fresh);
    whole_file_end(&r->scratch);
    installation_close(&r->home);
}

static struct cardea_status lock(struct run *r)
{
    const char *key = r->c->master_key_file;
    if (access(key, F_OK) != 0)
        return fail(r, CARDEA_FAIL(E_NOT_FOUND),
                    "a backup needs the master key that belongs to it: put that at %s, with mode 0600", key);
    struct cardea_status s = installation_lock(r->c, INSTALLATION_CREATE, true, &r->home, r->message, r->cap);
    if (s.code == CARDEA_E_BUSY)
        return fail(r, s, "the service of %s runs: stop it first", r->c->state);
    return s;
}

struct cardea_status backup_restore(const struct config *c, const char *path, bool replace, const struct copy *copy,
                                    struct restored *out, char *message, size_t message_cap)
{
    const char *database = engines_database(c->accounts);
    struct run r = {
        .c = c, .replace = replace, .copy = *copy, .home = {.lock_fd = -1}, .message = message, .cap = message_cap};
    message[0] = '\0';
    r.copy.digest = digest_sha256;
    r.copy.boot_ms = installation_boot_ms;
    r.copy.now_ms = installation_wall_ms();
    struct cardea_status s = lock(&r);
    if (cardea_ok(s))
        s = open_backup(&r, path);
    if (cardea_ok(s))
        s = check_backup(&r, path);
    if (cardea_ok(s))
        s = database != NULL ? open_file(&r, database) : open_server(&r);
    if (cardea_ok(s))
        s = fill(&r);
    if (cardea_ok(s))
        s = place(&r);
    if (cardea_ok(s)) {
        let_time_pass(&r);
        *out = r.done;
    }
    clear(&r);
    return s;
}
