#include "daemon/migrate.h"

#include "crypto/digest.h"
#include "crypto/random.h"
#include "daemon/engines.h"
#include "daemon/installation.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    MOVE_MS = 24 * 3600 * 1000, /* a move may take its time; what hangs, the engines' own limits end */
    STEP_MS = 30000,
    NODES_MAX = 256,
    LEASE_MAX_MS = 66000, /* the longest that can be configured, and a drift */
};

static const char sqlite_prefix[] = "sqlite:", probe_value[] = "move_probe";

/* One end of a move. One of store and sessions is set. */
struct end {
    const char *url;
    int lock_fd; /* of a state folder that its database lies in; -1 */
    struct store *store;
    struct sessions *sessions;
    struct store_tx *tx; /* of the store, while it is open */
};

struct run {
    const struct migration *m;
    struct end from, to;
    struct installation home; /* the lock of this installation's folder, where there is one */
    struct copy copy;
    struct migrated done;
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

/* A failure of an engine, where it had nothing to say itself. */
static struct cardea_status fail_at(struct run *r, struct cardea_status why, const char *what)
{
    return fail(r, why, "%s: %s", what, cardea_status_title(why));
}

static const char *path_of(const char *url)
{
    return strncmp(url, sqlite_prefix, strlen(sqlite_prefix)) == 0 ? url + strlen(sqlite_prefix) : NULL;
}

/* --- what moves --- */

static struct cardea_status plan(struct run *r)
{
    const struct migration *m = r->m;
    bool both = engines_hold_accounts(m->from) && engines_hold_accounts(m->to);
    const char *urls[] = {m->from, m->to};
    for (int i = 0; i < 2; i++) {
        struct cardea_status s = engines_check_sessions(urls[i], r->message, r->cap);
        if (!cardea_ok(s))
            return s;
        if (strncmp(urls[i], "memory", 6) == 0)
            return fail(r, CARDEA_FAIL(E_USAGE), "memory: what is there is seen by its own process alone");
    }
    if (m->part == MIGRATE_ACCOUNTS && !both)
        return fail(r, CARDEA_FAIL(E_USAGE), "accounts are kept in sqlite: or postgres: alone");
    r->done.accounts = both && m->part != MIGRATE_SESSIONS;
    r->done.sessions = m->part != MIGRATE_ACCOUNTS;
    return CARDEA_SUCCESS;
}

/* --- are they in use? --- */

/* The lock of a state folder that a database file lies in, unless it is our own, which we have. */
static struct cardea_status lock_beside(struct run *r, struct end *e)
{
    char path[CONFIG_PATH_MAX + 8], *slash;
    struct stat theirs, ours;
    const char *database = path_of(e->url);
    if (database == NULL)
        return CARDEA_SUCCESS;
    if (snprintf(path, CONFIG_PATH_MAX, "%s", database) >= CONFIG_PATH_MAX)
        return fail(r, CARDEA_FAIL(E_USAGE), "the path of a database is too long");
    slash = strrchr(path, '/');
    (void)snprintf(slash == NULL ? path : slash + 1, 8, "lock");
    if (stat(path, &theirs) != 0)
        return CARDEA_SUCCESS;
    if (r->home.lock_fd >= 0 && fstat(r->home.lock_fd, &ours) == 0 && ours.st_dev == theirs.st_dev &&
        ours.st_ino == theirs.st_ino)
        return CARDEA_SUCCESS;
    if (r->from.lock_fd >= 0 && fstat(r->from.lock_fd, &ours) == 0 && ours.st_dev == theirs.st_dev &&
        ours.st_ino == theirs.st_ino)
        return CARDEA_SUCCESS;
    e->lock_fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (e->lock_fd < 0 || flock(e->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return fail(r, CARDEA_FAIL(E_BUSY),
                    "the installation of %s is in use: stop its service first, or what it does meanwhile would be lost",
                    database);
    return CARDEA_SUCCESS;
}

static struct cardea_status lock_home(struct run *r, const struct config *c)
{
    struct cardea_status s = installation_lock(c, INSTALLATION_OPEN, false, &r->home, r->message, r->cap);
    if (s.code == CARDEA_E_NOT_FOUND) { /* none here: then nobody runs it here */
        r->home.lock_fd = -1;
        return CARDEA_SUCCESS;
    }
    if (s.code == CARDEA_E_BUSY)
        return fail(r, s,
                    "the service of %s runs: stop it first, or what it does meanwhile would be lost; when the move is "
                    "done, name the new store in the configuration and start it",
                    c->state);
    return s;
}

static struct cardea_status list_nodes(struct store *s, struct verifier_record *out, uint32_t *ret_count)
{
    struct store_tx *tx = NULL;
    struct cardea_status status = s->ops->begin(s, STORE_READ, installation_boot_ms() + STEP_MS, &tx);
    if (!cardea_ok(status))
        return status;
    status = s->ops->verifier_list(tx, out, NODES_MAX, ret_count);
    s->ops->abort(tx);
    return status;
}

static int64_t longest_lease(const struct verifier_record *nodes, uint32_t count)
{
    int64_t longest = 0;
    for (uint32_t i = 0; i < count; i++)
        if (nodes[i].kind == VERIFIER_NODE && nodes[i].lease_ms > longest)
            longest = nodes[i].lease_ms;
    return longest + longest / 10 > LEASE_MAX_MS ? LEASE_MAX_MS : longest + longest / 10;
}

struct cardea_status migrate_find_node(struct store *s, char name[VERIFIER_NAME_MAX + 1])
{
    struct verifier_record *nodes = calloc((size_t)2 * NODES_MAX, sizeof *nodes);
    uint32_t before = 0, after = 0;
    name[0] = '\0';
    struct cardea_status status = nodes == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : list_nodes(s, nodes, &before);
    int64_t wait_ms = cardea_ok(status) ? longest_lease(nodes, before) : 0;
    if (wait_ms > 0) {
        const struct timespec t = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
        (void)nanosleep(&t, NULL);
        status = list_nodes(s, nodes + NODES_MAX, &after);
    }
    for (uint32_t i = 0; cardea_ok(status) && i < after; i++) {
        const struct verifier_record *now = &nodes[NODES_MAX + i];
        bool alive = now->kind == VERIFIER_NODE;
        for (uint32_t j = 0; j < before; j++) /* one that came meanwhile lives, too */
            if (memcmp(nodes[j].id, now->id, sizeof now->id) == 0 && nodes[j].renewals == now->renewals)
                alive = false;
        if (alive)
            memcpy(name, now->name, VERIFIER_NAME_MAX + 1);
    }
    free(nodes);
    return status;
}

static struct cardea_status refuse_nodes(struct run *r, struct store *s)
{
    char name[VERIFIER_NAME_MAX + 1];
    struct cardea_status status = migrate_find_node(s, name);
    if (!cardea_ok(status))
        return fail_at(r, status, "the registry of nodes can not be read");
    if (name[0] == '\0')
        return status;
    return fail(r, CARDEA_FAIL(E_BUSY),
                "the node %s runs on this database: stop every node first, or what they do meanwhile would be lost",
                name);
}

/* Sessions that nodes share belong to accounts that know the nodes. */
static struct cardea_status refuse_nodes_of(struct run *r, const struct config *c)
{
    struct store *accounts = NULL;
    if (path_of(c->accounts) != NULL || !engines_hold_accounts(c->accounts) || strcmp(c->accounts, r->m->from) == 0 ||
        strcmp(c->accounts, r->m->to) == 0)
        return CARDEA_SUCCESS;
    struct cardea_status s = engines_open(c->accounts, c->accounts, installation_boot_ms, installation_wall_ms,
                                          &accounts, r->message, r->cap);
    if (!cardea_ok(s))
        return s;
    s = refuse_nodes(r, accounts);
    accounts->ops->close(accounts);
    return s;
}

/* --- opening --- */

static struct cardea_status open_end(struct run *r, struct end *e)
{
    if (!engines_hold_accounts(e->url))
        return engines_open_sessions(e->url, installation_boot_ms, installation_wall_ms, &e->sessions, r->message,
                                     r->cap);
    struct cardea_status s =
        engines_open(e->url, e->url, installation_boot_ms, installation_wall_ms, &e->store, r->message, r->cap);
    return cardea_ok(s) ? refuse_nodes(r, e->store) : s;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return a != NULL && b != NULL && stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

static struct cardea_status open_ends(struct run *r)
{
    const char *source = path_of(r->from.url);
    if (strcmp(r->from.url, r->to.url) == 0 || same_file(source, path_of(r->to.url)))
        return fail(r, CARDEA_FAIL(E_CONFLICT), "both URLs name the same store");
    if (source != NULL && access(source, F_OK) != 0)
        return fail(r, CARDEA_FAIL(E_NOT_FOUND), "there is no database %s", source);
    struct cardea_status s = open_end(r, &r->from);
    return cardea_ok(s) ? open_end(r, &r->to) : s;
}

static void close_end(struct end *e)
{
    if (e->tx != NULL)
        e->store->ops->abort(e->tx);
    if (e->store != NULL)
        e->store->ops->close(e->store);
    if (e->sessions != NULL)
        e->sessions->ops->close(e->sessions);
    if (e->lock_fd >= 0)
        (void)close(e->lock_fd);
}

/* --- two names of one store --- */

static struct cardea_status put_value(struct store *s, int64_t value)
{
    struct store_tx *tx = NULL;
    struct cardea_status status = s->ops->begin(s, STORE_WRITE, installation_boot_ms() + STEP_MS, &tx);
    if (!cardea_ok(status))
        return status;
    status = s->ops->value_put(tx, probe_value, value);
    if (cardea_ok(status))
        return s->ops->commit(tx);
    s->ops->abort(tx);
    return status;
}

static struct cardea_status probe_stores(struct run *r, bool *ret_same)
{
    struct store *from = r->from.store, *to = r->to.store;
    struct store_tx *tx = NULL;
    int64_t mark = 0, seen = 0;
    entropy_fill(entropy_system(), (uint8_t *)&mark, sizeof mark);
    struct cardea_status s = put_value(to, mark);
    if (cardea_ok(s))
        s = from->ops->begin(from, STORE_READ, installation_boot_ms() + STEP_MS, &tx);
    if (cardea_ok(s)) {
        struct cardea_status got = from->ops->value_get(tx, probe_value, &seen);
        from->ops->abort(tx);
        *ret_same = cardea_ok(got) && seen == mark;
        s = put_value(to, 0);
    }
    return s;
}

static struct cardea_status probe_sessions(struct run *r, bool *ret_same)
{
    struct sessions *from = r->from.sessions, *to = r->to.sessions;
    int64_t now_ms = installation_wall_ms(), deadline_ms = installation_boot_ms() + STEP_MS;
    struct session_record probe = {.epoch = 1,
                                   .kind = SESSION_SEALED,
                                   .created_at_ms = now_ms,
                                   .authenticated_at_ms = now_ms,
                                   .last_seen_at_ms = now_ms,
                                   .expires_at_ms = now_ms + STEP_MS};
    struct session_record seen;
    entropy_fill(entropy_system(), probe.sid.bytes, sizeof probe.sid.bytes);
    struct cardea_status s = to->ops->create(to, deadline_ms, &probe);
    if (!cardea_ok(s))
        return s;
    s = from->ops->get(from, deadline_ms, probe.sid, &seen);
    *ret_same = cardea_ok(s);
    struct cardea_status removed = to->ops->remove(to, deadline_ms, &probe.sid, 1);
    return cardea_ok(s) || s.code == CARDEA_E_NOT_FOUND ? removed : s;
}

/* One server may have many names. So something is written to the target, and looked for in the source. */
static struct cardea_status refuse_same(struct run *r)
{
    bool same = false;
    struct cardea_status s = CARDEA_SUCCESS;
    if (r->from.sessions != NULL && r->to.sessions != NULL)
        s = probe_sessions(r, &same);
    else if (path_of(r->from.url) == NULL && path_of(r->to.url) == NULL && r->from.store != NULL && r->to.store != NULL)
        s = probe_stores(r, &same);
    if (!cardea_ok(s))
        return fail_at(r, s, "the target can not be written to");
    return same ? fail(r, CARDEA_FAIL(E_CONFLICT), "both URLs name the same store") : s;
}

/* --- the move --- */

static struct copy_place place_of(const struct end *e)
{
    return (struct copy_place){e->store == NULL ? NULL : e->store->ops, e->tx};
}

static struct copy_sessions_place sessions_of(const struct end *e)
{
    return (struct copy_sessions_place){place_of(e), e->sessions};
}

static struct cardea_status begin(struct run *r)
{
    int64_t deadline_ms = installation_boot_ms() + MOVE_MS;
    struct cardea_status s = CARDEA_SUCCESS;
    if (r->from.store != NULL)
        s = r->from.store->ops->begin(r->from.store, STORE_READ, deadline_ms, &r->from.tx);
    if (!cardea_ok(s))
        return fail_at(r, s, "the source can not be read");
    if (r->to.store != NULL)
        s = r->to.store->ops->begin(r->to.store, STORE_WRITE, deadline_ms, &r->to.tx);
    return cardea_ok(s) ? s : fail_at(r, s, "the target can not be written to");
}

static struct cardea_status need_empty_accounts(struct run *r)
{
    const struct copy_place to = place_of(&r->to), from = place_of(&r->from);
    bool empty = false, nothing = false;
    struct cardea_status s = copy_accounts_empty(&to, &empty);
    if (cardea_ok(s))
        s = copy_accounts_empty(&from, &nothing);
    if (!cardea_ok(s))
        return fail_at(r, s, "the accounts can not be read");
    if (nothing)
        return fail(r, CARDEA_FAIL(E_NOT_FOUND), "the source holds no installation");
    if (!empty)
        return fail(r, CARDEA_FAIL(E_CONFLICT),
                    "the target holds an installation already: name an empty one (to move sessions alone: --only "
                    "sessions)");
    return s;
}

static struct cardea_status erase_sessions(struct run *r)
{
    struct cardea_status s = r->to.tx != NULL ? r->to.store->ops->session_erase(r->to.tx)
                                              : sessions_erase(r->to.sessions, installation_boot_ms() + MOVE_MS);
    return cardea_ok(s) ? s : fail_at(r, s, "the target's sessions can not be removed");
}

static struct cardea_status need_empty_sessions(struct run *r)
{
    const struct copy_sessions_place to = sessions_of(&r->to);
    bool empty = true;
    struct cardea_status s = copy_sessions_empty(&r->copy, &to, &empty);
    if (s.code == CARDEA_E_LIMIT) { /* it can not list: what is there is not known */
        r->done.unchecked = true;
        return CARDEA_SUCCESS;
    }
    if (!cardea_ok(s))
        return fail_at(r, s, "the target can not be read");
    if (empty)
        return s;
    if (r->m->replace_sessions)
        return erase_sessions(r);
    return fail(r, CARDEA_FAIL(E_CONFLICT),
                "the target holds sessions already: where they are of a move that was ended, or out of date, run this "
                "again with --replace-sessions");
}

static struct cardea_status copy_failure(struct run *r, struct cardea_status s, const char *what)
{
    if (s.code == CARDEA_E_CONFLICT && r->done.unchecked)
        return fail(r, s, "%s: the target holds older records of them: empty it first (flush_all)", what);
    if (s.code == CARDEA_E_CONFLICT)
        return fail(r, s, "%s: the copy is not what it was made from: somebody writes to one of the two", what);
    if (s.code == CARDEA_E_CORRUPT)
        return fail(r, s, "%s: a record does not hold: see cardea audit --verify of the source", what);
    if (s.code == CARDEA_E_LIMIT)
        return fail(r, s, "%s: the source can not list what it holds", what);
    return fail_at(r, s, what);
}

static struct cardea_status move_sessions(struct run *r)
{
    const struct copy_sessions_place from = sessions_of(&r->from), to = sessions_of(&r->to);
    struct cardea_status s = need_empty_sessions(r);
    if (!cardea_ok(s))
        return s;
    s = copy_sessions(&r->copy, &from, &to, &r->done.counts);
    if (cardea_ok(s) && !r->done.unchecked)
        s = copy_sessions_check(&r->copy, &from, &to);
    if (cardea_ok(s))
        return s;
    struct cardea_status why = copy_failure(r, s, "the sessions could not be moved");
    if (r->to.sessions != NULL && !r->done.unchecked) /* best effort; a part that stays is refused next time */
        (void)!cardea_ok(sessions_erase(r->to.sessions, installation_boot_ms() + STEP_MS));
    return why;
}

static struct cardea_status move(struct run *r)
{
    struct cardea_status s = CARDEA_SUCCESS;
    if (r->done.accounts) {
        const struct copy_place from = place_of(&r->from), to = place_of(&r->to);
        s = need_empty_accounts(r);
        if (!cardea_ok(s))
            return s;
        s = copy_accounts(&r->copy, &from, &to, &r->done.counts);
        if (!cardea_ok(s))
            return copy_failure(r, s, "the accounts could not be moved");
    }
    if (r->done.sessions)
        s = move_sessions(r);
    return s;
}

static struct cardea_status commit(struct run *r)
{
    /* A long commit must not meet the source's own limits. */
    if (r->from.tx != NULL)
        r->from.store->ops->abort(r->from.tx);
    r->from.tx = NULL;
    if (r->to.tx == NULL)
        return CARDEA_SUCCESS;
    struct cardea_status s = r->to.store->ops->commit(r->to.tx);
    r->to.tx = NULL;
    return cardea_ok(s) ? s : fail_at(r, s, "the target could not commit");
}

struct cardea_status migrate(const struct config *c, const struct migration *m, const struct copy *copy,
                             struct migrated *out, char *message, size_t message_cap)
{
    struct run r = {.m = m,
                    .from = {.url = m->from, .lock_fd = -1},
                    .to = {.url = m->to, .lock_fd = -1},
                    .home = {.lock_fd = -1},
                    .copy = *copy,
                    .message = message,
                    .cap = message_cap};
    message[0] = '\0';
    struct cardea_status s = plan(&r);
    if (cardea_ok(s))
        s = lock_home(&r, c);
    if (cardea_ok(s))
        s = lock_beside(&r, &r.from);
    if (cardea_ok(s))
        s = lock_beside(&r, &r.to);
    if (cardea_ok(s))
        s = refuse_nodes_of(&r, c);
    if (cardea_ok(s))
        s = open_ends(&r);
    if (cardea_ok(s))
        s = refuse_same(&r);
    r.copy.digest = digest_sha256;
    r.copy.boot_ms = installation_boot_ms;
    r.copy.now_ms = installation_wall_ms();
    if (cardea_ok(s))
        s = begin(&r);
    if (cardea_ok(s))
        s = move(&r);
    if (cardea_ok(s))
        s = commit(&r);
    close_end(&r.to);
    close_end(&r.from);
    installation_close(&r.home);
    if (cardea_ok(s))
        *out = r.done;
    return s;
}
