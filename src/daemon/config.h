/* Configuration: a YAML file, environment variables over it, command-line options over both; one table of keys
 * (daemon/config_keys.h) describes all.
 *
 * Decides: which keys exist, their types, ranges and defaults, and which combinations are refused because they are
 * unsafe (plain HTTP to the world, a token that lives longer than an hour, a password hash below OWASP's minimum).
 * Refuses to decide: whether a port is free or a certificate good; the listener finds out.
 *
 * Every key outside `apps`, `policies` and `issuers` has an environment variable (`listen.tls.cert` is
 * CARDEA_LISTEN_TLS_CERT). Unknown keys, keys given twice, wrong types and values out of range are refused with file,
 * line and column; an unknown CARDEA_ variable is a warning, for it may be meant for something else. Secrets are given
 * by file only. A `struct config` is large (half a megabyte): keep it on the heap.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "core/settings.h"

enum {
    CONFIG_PATH_MAX = 512,
    LISTENERS_MAX = 8,
    CONFIG_KEYS_MAX = 96,          /* of the table of keys */
    CONFIG_FILE_MAX = 1024 * 1024, /* bytes of a configuration file */
    CONFIG_WARNINGS_MAX = 8,
    CONFIG_WARNING_MAX = 256,
};

struct listen_address { /* "127.0.0.1:8420", "[::1]:8420" or "unix:/run/cardea.sock"; empty text: not set */
    char text[CONFIG_PATH_MAX];
    bool is_unix;
    struct address address;
    uint16_t port;
    char path[108];
};

enum log_format { LOG_FORMAT_UNSET = 0, LOG_AUTO, LOG_HUMAN, LOG_JSON };
enum log_level { LOG_LEVEL_UNSET = 0, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Who may connect to the table socket. */
enum table_access { TABLE_ACCESS_UNSET = 0, TABLE_ACCESS_NOBODY, TABLE_ACCESS_OWNER, TABLE_ACCESS_GROUP };

enum config_source {
    CONFIG_SOURCE_UNSET = 0,
    CONFIG_DEFAULT,
    CONFIG_DERIVED, /* from other keys: the database lies in the state folder unless said otherwise */
    CONFIG_FILE,
    CONFIG_ENVIRONMENT,
    CONFIG_OPTION,
};
struct config_origin { /* where a value came from */
    enum config_source source;
    unsigned line, column; /* CONFIG_FILE */
};

struct config {
    char file[CONFIG_PATH_MAX];                                /* "" when none */
    char state[CONFIG_PATH_MAX];                               /* the state folder */
    char master_key_file[CONFIG_PATH_MAX];                     /* default STATE/master.key */
    char accounts[CONFIG_PATH_MAX], sessions[CONFIG_PATH_MAX]; /* store URLs; default sqlite:STATE/cardea.db */
    struct listen_address listen, admin_listen, metrics_listen;
    char tls_cert[CONFIG_PATH_MAX], tls_key[CONFIG_PATH_MAX];
    uint32_t proxy_count;
    struct address_range proxies[PROXIES_MAX];    /* trusted_proxies */
    uint32_t threads;                             /* event loops; 0: one a core */
    uint32_t hash_threads;                        /* 0: cores */
    uint32_t hash_queue, read_queue, write_queue; /* waiting places; past them 503 */
    uint32_t urgent_places;                       /* of write_queue, kept for logout and revocation */
    uint32_t hash_memory_max_mib;                 /* bounds hash_threads × argon2.memory */
    uint32_t connections_max, connections_per_address_max;
    int64_t head_deadline_ms, body_deadline_ms, idle_timeout_ms, request_deadline_ms, stop_deadline_ms;
    uint32_t table_sessions_max;
    char table_socket[CONFIG_PATH_MAX]; /* "": STATE/table.sock */
    enum table_access table_access;
    enum log_format log_format;
    enum log_level log_level;
    bool log_requests;
    int64_t lease_ms;
    struct settings settings;
    struct config_origin origins[CONFIG_KEYS_MAX]; /* by the table of keys */
    struct config_origin app_origins[APPS_MAX], policy_origins[POLICIES_MAX], issuer_origins[ISSUERS_MAX];
    uint32_t warning_count;
    char warnings[CONFIG_WARNINGS_MAX][CONFIG_WARNING_MAX]; /* sentences: loaded, and yet probably not what was meant */
};

struct config_error {
    char file[CONFIG_PATH_MAX];
    unsigned line, column; /* from 1; 0: not from the file */
    char text[256];        /* one sentence naming the key or variable; printable */
};

struct config_option { /* from the command line, strongest: key = value */
    const char *key, *value;
};

/* Read everything into *out. environment: as environ (NULL-terminated "NAME=value"), for tests. file NULL: none.
 * fails: E_USAGE with *error. */
struct cardea_status config_load(const char *file, const char *const *environment, const struct config_option *options,
                                 size_t option_count, struct config *out, struct config_error *error) CARDEA_CHECKED;
/* "FILE:LINE:COLUMN: sentence", as much of it as there is. */
void config_error_text(const struct config_error *e, struct buf *out);
/* Every key with its value, default, and where it came from, as YAML (which config_load reads again) or JSON. */
void config_show(const struct config *c, bool json, struct buf *out);
/* docs/configuration.md, from the same table; a test compares. */
void config_manual(struct buf *out);

#endif
