/* What no single key decides: derived values, and combinations that are refused or warned about. */
#include "base/text.h"
#include "daemon/config_keys.h"
#include "daemon/engines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct config_origin *origin(const struct config *c, const char *key)
{
    static const struct config_origin none = {CONFIG_DEFAULT, 0, 0};
    const struct config_key *k = config_key_find(config_keys, config_key_count, view_text(key));
    return k == NULL ? &none : &c->origins[k - config_keys];
}

static bool given(const struct config *c, const char *key)
{
    enum config_source s = origin(c, key)->source;
    return s == CONFIG_FILE || s == CONFIG_ENVIRONMENT || s == CONFIG_OPTION;
}

static void derived(struct config *c, const char *key)
{
    const struct config_key *k = config_key_find(config_keys, config_key_count, view_text(key));
    if (k != NULL)
        c->origins[k - config_keys].source = CONFIG_DERIVED;
}

struct cardea_status config_refuse(const struct config *c, struct config_error *error, const char *key,
                                   const char *format, ...)
{
    const struct config_origin *o = origin(c, key);
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    config_printable(error->text);
    error->line = o->source == CONFIG_FILE ? o->line : 0;
    error->column = o->source == CONFIG_FILE ? o->column : 0;
    if (error->line == 0)
        error->file[0] = 0;
    return CARDEA_FAIL(E_USAGE);
}

struct cardea_status config_refuse_at(const struct config *c, struct config_error *error,
                                      const struct config_origin *where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    config_printable(error->text);
    error->line = where->line;
    error->column = where->column;
    memcpy(error->file, c->file, sizeof(error->file));
    return CARDEA_FAIL(E_USAGE);
}

void config_warn(struct config *c, const char *format, ...)
{
    if (c->warning_count == CONFIG_WARNINGS_MAX)
        return;
    char *out = c->warnings[c->warning_count++];
    va_list args;
    va_start(args, format);
    vsnprintf(out, CONFIG_WARNING_MAX, format, args);
    va_end(args);
    config_printable(out);
}

static bool is_private(const struct listen_address *a)
{
    return a->text[0] == 0 || a->is_unix || address_is_loopback(&a->address);
}

static struct cardea_status check_listeners(const struct config *c, struct config_error *error)
{
    if (c->listen.text[0] == 0)
        return config_refuse(c, error, "listen", "listen must not be empty");
    if ((c->tls_cert[0] == 0) != (c->tls_key[0] == 0))
        return config_refuse(c, error, c->tls_cert[0] == 0 ? "listen.tls.key" : "listen.tls.cert",
                             "listen.tls.cert and listen.tls.key must be given together");
    bool tls = c->tls_cert[0] != 0;
    if (!tls && !is_private(&c->listen) && c->proxy_count == 0)
        return config_refuse(
            c, error, "listen",
            "listen: plain HTTP on %s would be open to the network; set listen.tls.cert and listen.tls.key, "
            "or trusted_proxies",
            c->listen.text);
    if (!tls && !is_private(&c->admin_listen))
        return config_refuse(
            c, error, "admin_listen",
            "admin_listen: plain HTTP on %s would be open to the network; use a loopback address or unix:PATH",
            c->admin_listen.text);
    if (c->admin_listen.text[0] != 0 && strcmp(c->admin_listen.text, c->listen.text) == 0 && c->listen.port != 0)
        return config_refuse(c, error, "admin_listen", "admin_listen must not be the same as listen");
    if (c->metrics_listen.text[0] != 0 && (strcmp(c->metrics_listen.text, c->listen.text) == 0 ||
                                           strcmp(c->metrics_listen.text, c->admin_listen.text) == 0))
        return config_refuse(c, error, "metrics.listen", "metrics.listen must be an address of its own");
    if (tls && access(c->tls_cert, R_OK) != 0)
        return config_refuse(c, error, "listen.tls.cert", "listen.tls.cert: %s can not be read", c->tls_cert);
    if (tls && access(c->tls_key, R_OK) != 0)
        return config_refuse(c, error, "listen.tls.key", "listen.tls.key: %s can not be read", c->tls_key);
    return CARDEA_SUCCESS;
}

static struct cardea_status settle_url(struct config *c, struct config_error *error)
{
    struct settings *s = &c->settings;
    if (!given(c, "public_url")) {
        if (c->listen.is_unix || !is_private(&c->listen))
            return config_refuse(c, error, "public_url",
                                 "public_url is needed, because listen is %s: say how browsers reach the service",
                                 c->listen.text);
        snprintf(s->public_url, sizeof(s->public_url), "%.5s://%.200s", c->tls_cert[0] != 0 ? "https" : "http",
                 c->listen.text);
        derived(c, "public_url");
        if (c->proxy_count > 0)
            config_warn(c, "public_url is not set, though trusted_proxies is: browsers must reach the service as %s",
                        s->public_url);
    }
    struct view url = view_text(s->public_url), from = config_url_origin(url);
    bool loopback = config_host_is_loopback(config_url_host(url));
    if (view_starts(url, VIEW("http://")) && !loopback)
        return config_refuse(c, error, "public_url", "public_url: plain http is accepted for loopback hosts only");
    view_copy(from, s->origin, sizeof(s->origin));
    if (s->cookie_insecure_names && !(loopback && view_starts(url, VIEW("http://"))))
        return config_refuse(
            c, error, "cookie.insecure_names",
            "cookie.insecure_names is for development: public_url must be http:// and a loopback host");
    if (s->cookie_domain[0] != 0) {
        struct view host = config_url_host(url), domain = view_text(s->cookie_domain);
        bool inside =
            view_equal(host, domain) || (host.len > domain.len && host.ptr[host.len - domain.len - 1] == '.' &&
                                         view_equal(view_skip(host, host.len - domain.len), domain));
        if (!inside)
            return config_refuse(c, error, "cookie.domain", "cookie.domain: %s does not cover the host of public_url",
                                 s->cookie_domain);
    }
    return CARDEA_SUCCESS;
}

static struct cardea_status settle_stores(struct config *c, struct config_error *error)
{
    if (!given(c, "accounts")) {
        snprintf(c->accounts, sizeof(c->accounts), "sqlite:%.400s/cardea.db", c->state);
        derived(c, "accounts");
    }
    char reason[CONFIG_REASON_MAX];
    if (!cardea_ok(engines_check_accounts(c->accounts, reason, sizeof(reason))))
        return config_refuse(c, error, "accounts", "accounts: %s", reason);
    if (!given(c, "sessions")) {
        memcpy(c->sessions, c->accounts, sizeof(c->sessions));
        derived(c, "sessions");
        return CARDEA_SUCCESS;
    }
    if (!cardea_ok(engines_check_sessions(c->sessions, reason, sizeof(reason))))
        return config_refuse(c, error, "sessions", "sessions: %s", reason);
    return CARDEA_SUCCESS;
}

/* The operator's socket lies there, and the address of a socket is short. */
static struct cardea_status check_state(const struct config *c, struct config_error *error)
{
    size_t room = sizeof(c->listen.path) - sizeof("/admin.sock");
    if (strlen(c->state) > room)
        return config_refuse(c, error, "state", "state: the path must have at most %zu bytes, for the socket in it",
                             room);
    return CARDEA_SUCCESS;
}

static struct cardea_status settle_master_key(struct config *c, struct config_error *error)
{
    if (c->master_key_file[0] != 0)
        return CARDEA_SUCCESS;
    if (snprintf(c->master_key_file, sizeof(c->master_key_file), "%s/master.key", c->state) >=
        (int)sizeof(c->master_key_file))
        return config_refuse(c, error, "state", "state: the path is too long");
    derived(c, "master_key_file");
    return CARDEA_SUCCESS;
}

static struct cardea_status check_hashing(const struct config *c, struct config_error *error)
{
    struct argon2_cost cost = c->settings.argon2;
    if (!argon2_cost_acceptable(cost))
        return config_refuse(
            c, error, given(c, "argon2.memory") ? "argon2.memory" : "argon2.passes",
            "argon2.memory and argon2.passes are below OWASP's minimum: 19 MiB with 2 passes, or 46 MiB with one");
    uint64_t memory_mib = (cost.memory_kib + 1023) / 1024;
    uint64_t threads = c->hash_threads == 0 ? 1 : c->hash_threads;
    uint64_t total_mib = memory_mib * threads;
    if (total_mib > c->hash_memory_max_mib)
        return config_refuse(c, error, given(c, "hash.threads") ? "hash.threads" : "argon2.memory",
                             "hash.threads × argon2.memory would be %llu MiB, more than hash.memory_max",
                             (unsigned long long)total_mib);
    return CARDEA_SUCCESS;
}

/* A policy that looks at nothing but the token can ask for nothing that is not in it. */
static struct cardea_status check_unchecked(const struct config *c, struct config_error *error, uint32_t index)
{
    const struct settings *s = &c->settings;
    const struct policy *p = &s->policies[index];
    const struct config_origin *at = &c->policy_origins[index];
    if (p->revocation != REVOCATION_UNCHECKED)
        return CARDEA_SUCCESS;
    if (p->kinds != 0 && p->kinds != KIND_TOKEN)
        return config_refuse_at(
            c, error, at, "policies.%s has revocation: none, which is for tokens: make its kinds [token]", p->name);
    if (p->role_count > 0 || p->login_age_max_ms > 0)
        return config_refuse_at(
            c, error, at, "policies.%s has revocation: none, and then nothing is known of roles or the login's age",
            p->name);
    if (s->identity_headers == IDENTITY_REMOTE)
        return config_refuse_at(c, error, at,
                                "policies.%s has revocation: none, and then there is no name for verify.headers remote",
                                p->name);
    for (uint32_t j = 0; j < p->app_count; j++) {
        const struct app *app = settings_app(s, view_text(p->apps[j]), NULL);
        if (app != NULL && app->live)
            return config_refuse_at(c, error, at,
                                    "policies.%s has revocation: none, and its app %s wants every token checked live",
                                    p->name, p->apps[j]);
    }
    return CARDEA_SUCCESS;
}

static struct cardea_status check_policies(const struct config *c, struct config_error *error)
{
    const struct settings *s = &c->settings;
    for (uint32_t i = 0; i < s->policy_count; i++) {
        const struct policy *p = &s->policies[i];
        struct cardea_status unchecked = check_unchecked(c, error, i);
        if (!cardea_ok(unchecked))
            return unchecked;
        for (uint32_t j = 0; j < p->app_count; j++) {
            if (settings_app(s, view_text(p->apps[j]), NULL) != NULL)
                continue;
            return config_refuse_at(c, error, &c->policy_origins[i],
                                    "policies.%s.apps names %s, which is not among apps", p->name, p->apps[j]);
        }
    }
    return CARDEA_SUCCESS;
}

struct cardea_status config_settle(struct config *c, struct config_error *error)
{
    struct cardea_status s = check_state(c, error);
    if (cardea_ok(s))
        s = check_listeners(c, error);
    if (cardea_ok(s))
        s = settle_url(c, error);
    if (cardea_ok(s))
        s = settle_stores(c, error);
    if (cardea_ok(s))
        s = settle_master_key(c, error);
    if (cardea_ok(s))
        s = check_hashing(c, error);
    if (cardea_ok(s))
        s = check_policies(c, error);
    if (cardea_ok(s))
        s = config_settle_issuers(c, error);
    if (!cardea_ok(s))
        return s;
    if (c->urgent_places >= c->write_queue)
        return config_refuse(c, error, "limits.urgent_places",
                             "limits.urgent_places must be less than limits.write_queue");
    if (c->table_access == TABLE_ACCESS_GROUP && c->table_socket[0] == 0)
        config_warn(c, "table.access is group, but none but its owner can enter the state folder: set table.socket");
    if (c->settings.app_count == 0)
        config_warn(c, "no app is enabled: nobody can log in; list some under apps");
    c->settings.admin_on_main = c->admin_listen.text[0] == 0;
    return s;
}
