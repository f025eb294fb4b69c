#include "daemon/engines.h"

#include "base/buf.h"
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
    {"postgres:", "postgres", true, true},
    {"postgresql:", "postgres", true, true},
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

/* out: what the symbol names; both kinds of module begin with their version */
static struct cardea_status load(const char *name, const char *symbol, uint32_t version, const void **out, char *reason,
                                 size_t cap)
{
    char file[64];
    (void)snprintf(file, sizeof file, "cardea-%s.so", name);
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL); /* found by the program's own run path */
    if (handle == NULL) {
        (void)snprintf(reason, cap, "the module for this engine can not be loaded: %s", dlerror());
        return CARDEA_FAIL(E_USAGE);
    }
    const void *m = dlsym(handle, symbol);
    if (m == NULL || *(const uint32_t *)m != version) {
        (void)snprintf(reason, cap, "%s is not a module of this version", file);
        (void)dlclose(handle);
        return CARDEA_FAIL(E_USAGE);
    }
    *out = m;
    return CARDEA_SUCCESS;
}

static struct cardea_status load_sessions(const char *name, const struct sessions_module **out, char *reason,
                                          size_t cap)
{
    const void *m = NULL;
    struct cardea_status s = load(name, "cardea_sessions_module", SESSIONS_MODULE_VERSION, &m, reason, cap);
    if (cardea_ok(s))
        *out = m;
    return s;
}

static struct cardea_status load_accounts(const char *name, const struct accounts_module **out, char *reason,
                                          size_t cap)
{
    const void *m = NULL;
    struct cardea_status s = load(name, "cardea_accounts_module", ACCOUNTS_MODULE_VERSION, &m, reason, cap);
    if (cardea_ok(s))
        *out = m;
    return s;
}

/* --- checking --- */

struct cardea_status engines_check_accounts(const char *url, char *reason, size_t cap)
{
    int i = scheme_of(url);
    if (i < 0)
        return refuse(
            url, "there is no such engine in this version; accounts are kept in sqlite:PATH or postgres:", reason, cap);
    if (!schemes[i].accounts)
        return refuse(url, "this engine keeps sessions only; accounts are kept in sqlite:PATH or postgres:", reason,
                      cap);
    if (schemes[i].module != NULL) {
        const struct accounts_module *m = NULL;
        struct cardea_status s = load_accounts(schemes[i].module, &m, reason, cap);
        return cardea_ok(s) ? m->check(view_text(url), reason, cap) : s;
    }
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
    struct cardea_status s = load_sessions(schemes[i].module, &m, reason, cap);
    return cardea_ok(s) ? m->check(view_text(url), reason, cap) : s;
}

const char *engines_database(const char *accounts_url)
{
    size_t prefix = strlen("sqlite:");
    return strncmp(accounts_url, "sqlite:", prefix) == 0 ? accounts_url + prefix : NULL;
}

/* --- sharing --- */

bool engines_shared(const char *url)
{
    int i = scheme_of(url);
    return i >= 0 && schemes[i].module != NULL;
}

/* Options that say how this machine reaches the engine, not which one it is. */
static bool is_local_option(struct view option)
{
    static const char *const names[] = {"application_name",
                                        "ca",
                                        "connect_timeout",
                                        "keepalives",
                                        "keepalives_count",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "passfile",
                                        "password_file",
                                        "sslcert",
                                        "sslcrl",
                                        "sslkey",
                                        "sslmode",
                                        "sslrootcert",
                                        "tcp_user_timeout",
                                        "tls",
                                        "user"};
    struct view name, value;
    if (!view_cut(option, '=', &name, &value))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (view_is(name, names[i]))
            return true;
    return false;
}

/* Without user, and without what may differ from machine to machine. */
static bool shared_part(const char *url, struct buf *out)
{
    struct view place, options, option;
    (void)view_cut(view_text(url), '?', &place, &options);
    const char *slashes = strstr(url, "://");
    size_t start = slashes == NULL ? 0 : (size_t)(slashes - url) + 3;
    for (size_t i = start; i < place.len && place.ptr[i] != '/'; i++)
        if (place.ptr[i] == '@') {
            buf_put(out, view_of(place.ptr, start));
            place = view_skip(place, i + 1);
            break;
        }
    buf_put(out, place);
    for (char separator = '?'; options.len > 0;) {
        (void)view_cut(options, '&', &option, &options);
        if (is_local_option(option))
            continue;
        buf_char(out, separator);
        buf_put(out, option);
        separator = '&';
    }
    return buf_terminate(out);
}

void engines_sessions_name(const char *accounts_url, const char *sessions_url, char out[VERIFIER_SESSIONS_MAX + 1])
{
    enum { PART = 80 };
    int i = scheme_of(sessions_url);
    if (!engines_shared(sessions_url)) {
        (void)snprintf(out, VERIFIER_SESSIONS_MAX + 1, "own %.*s", i < 0 ? 0 : (int)strcspn(schemes[i].prefix, ":"),
                       i < 0 ? "" : schemes[i].prefix);
        return;
    }
    if (strcmp(accounts_url, sessions_url) == 0) { /* one and the same for all, however they write it */
        (void)snprintf(out, VERIFIER_SESSIONS_MAX + 1, "beside the accounts");
        return;
    }
    uint8_t digest[32];
    struct buf part = buf_heap(2048);
    bool whole = shared_part(sessions_url, &part);
    digest_sha256(whole ? part.ptr : sessions_url, whole ? part.len : strlen(sessions_url), digest);
    /* The digest for a text that was cut. */
    (void)snprintf(out, VERIFIER_SESSIONS_MAX + 1, "%.*s #%02x%02x%02x%02x%02x%02x%02x%02x", whole ? PART : 0,
                   whole ? part.ptr : "", digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6],
                   digest[7]);
    buf_clear(&part);
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
    struct cardea_status s = load_sessions(schemes[i].module, &m, message, cap);
    return cardea_ok(s) ? m->open(view_text(url), boot_ms, wall_ms, out, message, cap) : s;
}

struct cardea_status engines_open_accounts(const char *accounts_url, int64_t (*boot_ms)(void), struct store **out,
                                           char *message, size_t message_cap)
{
    int i = scheme_of(accounts_url);
    if (i < 0 || !schemes[i].accounts)
        return refuse(accounts_url, "this engine keeps no accounts", message, message_cap);
    if (schemes[i].module == NULL)
        return store_sqlite_open(engines_database(accounts_url), boot_ms, digest_sha256, out, message, message_cap);
    const struct accounts_module *m = NULL;
    struct cardea_status s = load_accounts(schemes[i].module, &m, message, message_cap);
    return cardea_ok(s) ? m->open(view_text(accounts_url), boot_ms, digest_sha256, out, message, message_cap) : s;
}

struct cardea_status engines_open(const char *accounts_url, const char *sessions_url, int64_t (*boot_ms)(void),
                                  int64_t (*wall_ms)(void), struct store **out, char *message, size_t message_cap)
{
    struct store *accounts = NULL;
    struct sessions *sessions = NULL;
    struct cardea_status s = engines_open_accounts(accounts_url, boot_ms, &accounts, message, message_cap);
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
