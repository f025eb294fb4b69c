#include "daemon/engines.h"

#include "crypto/digest.h"
#include "store/memory/memory.h"
#include "store/mixture.h"
#include "store/module.h"
#include "store/sqlite/sqlite.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *prefix, *module; /* NULL: built in */
    bool accounts, sessions;
} schemes[] = {
    {"sqlite:", NULL, true, true},
    {"memory", NULL, false, true},
    {"redis:", "redis", false, true},
    {"rediss:", "redis", false, true},
    {"redis-sentinel:", "redis", false, true},
    {"redis+unix:", "redis", false, true},
    {"memcached:", "memcached", false, true},
    {"memcached+unix:", "memcached", false, true},
    {"postgres:", "postgres", false, true},
    {"postgresql:", "postgres", false, true},
};
enum { SCHEMES = sizeof schemes / sizeof schemes[0] };

static int scheme_of(const char *url)
{
    for (int i = 0; i < SCHEMES; i++)
        if (strncmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return i;
    return -1;
}

/* Not the whole URL: it may hold what does not belong into a log. */
static struct cardea_status refuse(const char *url, const char *why, char *reason, size_t cap)
{
    (void)snprintf(reason, cap, "%.*s: %s", (int)strcspn(url, ":"), url, why);
    return CARDEA_FAIL(E_USAGE);
}

/* --- modules --- */

static struct cardea_status load(const char *name, const struct sessions_module **out, char *reason, size_t cap)
{
    char file[64];
    (void)snprintf(file, sizeof file, "cardea-%s.so", name);
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL); /* found by the program's own run path */
    if (handle == NULL) {
        (void)snprintf(reason, cap, "the module for this engine can not be loaded: %s", dlerror());
        return CARDEA_FAIL(E_USAGE);
    }
    const struct sessions_module *m = dlsym(handle, "cardea_sessions_module");
    if (m == NULL || m->version != SESSIONS_MODULE_VERSION) {
        (void)snprintf(reason, cap, "%s is not a module of this version", file);
        (void)dlclose(handle);
        return CARDEA_FAIL(E_USAGE);
    }
    *out = m;
    return CARDEA_SUCCESS;
}

/* --- checking --- */

struct cardea_status engines_check_accounts(const char *url, char *reason, size_t cap)
{
    int i = scheme_of(url);
    if (i < 0)
        return refuse(url, "there is no such engine in this version; accounts are kept in sqlite:PATH", reason, cap);
    if (!schemes[i].accounts)
        return refuse(url, "this engine keeps sessions only; accounts are kept in sqlite:PATH", reason, cap);
    return url[strlen(schemes[i].prefix)] == '\0' ? refuse(url, "it needs a path", reason, cap) : CARDEA_SUCCESS;
}

struct cardea_status engines_check_sessions(const char *url, char *reason, size_t cap)
{
    int i = scheme_of(url);
    if (i < 0)
        return refuse(
            url,
            "there is no such engine in this version; sessions are kept in sqlite:PATH, memory, redis:, memcached: or "
            "postgres:",
            reason, cap);
    if (strcmp(schemes[i].prefix, "memory") == 0)
        return url[strlen("memory")] == '\0' ? CARDEA_SUCCESS : refuse(url, "it takes nothing more", reason, cap);
    if (schemes[i].module == NULL)
        return url[strlen(schemes[i].prefix)] == '\0' ? refuse(url, "it needs a path", reason, cap) : CARDEA_SUCCESS;
    const struct sessions_module *m = NULL;
    struct cardea_status s = load(schemes[i].module, &m, reason, cap);
    return cardea_ok(s) ? m->check(view_text(url), reason, cap) : s;
}

const char *engines_database(const char *accounts_url)
{
    return accounts_url + strlen("sqlite:");
}

bool engines_hold_accounts(const char *url)
{
    int i = scheme_of(url);
    return i >= 0 && schemes[i].accounts;
}

/* --- opening --- */

static struct cardea_status open_sqlite_sessions(const char *path, int64_t (*boot_ms)(void), struct sessions **out,
                                                 char *message, size_t cap)
{
    struct store *s = NULL;
    struct cardea_status status = store_sqlite_open(path, boot_ms, digest_sha256, &s, message, cap);
    if (!cardea_ok(status))
        return status;
    status = store_as_sessions(s, out);
    if (!cardea_ok(status))
        s->ops->close(s);
    return status;
}

struct cardea_status engines_open_sessions(const char *url, int64_t (*boot_ms)(void), int64_t (*wall_ms)(void),
                                           struct sessions **out, char *message, size_t cap)
{
    int i = scheme_of(url);
    if (i < 0 || !schemes[i].sessions)
        return refuse(url, "this engine keeps no sessions", message, cap);
    if (strcmp(schemes[i].prefix, "sqlite:") == 0)
        return open_sqlite_sessions(url + strlen("sqlite:"), boot_ms, out, message, cap);
    if (schemes[i].module == NULL)
        return sessions_memory_open(out);
    const struct sessions_module *m = NULL;
    struct cardea_status s = load(schemes[i].module, &m, message, cap);
    return cardea_ok(s) ? m->open(view_text(url), boot_ms, wall_ms, out, message, cap) : s;
}

struct cardea_status engines_open(const char *accounts_url, const char *sessions_url, int64_t (*boot_ms)(void),
                                  int64_t (*wall_ms)(void), struct store **out, char *message, size_t message_cap)
{
    struct store *accounts = NULL;
    struct sessions *sessions = NULL;
    struct cardea_status s =
        store_sqlite_open(engines_database(accounts_url), boot_ms, digest_sha256, &accounts, message, message_cap);
    if (!cardea_ok(s))
        return s;
    message[0] = '\0';
    if (strcmp(accounts_url, sessions_url) == 0) {
        *out = accounts;
        return s;
    }
    s = engines_open_sessions(sessions_url, boot_ms, wall_ms, &sessions, message, message_cap);
    if (cardea_ok(s))
        s = store_mixture_new(accounts, sessions, out);
    if (!cardea_ok(s)) {
        if (sessions != NULL)
            sessions->ops->close(sessions);
        accounts->ops->close(accounts);
    }
    return s;
}
