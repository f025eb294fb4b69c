/* Configuration: a YAML file, environment variables over it, command-line options over both; one table of keys
 * describes all.
 *
 * Every scalar key has an environment variable (`listen.tls.cert` is CARDEA_LISTEN_TLS_CERT). Unknown keys, wrong types
 * and values out of range are refused with file, line and column. Secrets are given by file only.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "core/settings.h"

enum { CONFIG_PATH_MAX = 512, LISTENERS_MAX = 8 };

struct listen_address { /* "127.0.0.1:8420", "[::1]:8420" or "unix:/run/cardea.sock"; empty text: not set */
    char text[CONFIG_PATH_MAX];
    bool is_unix;
    struct address address;
    uint16_t port;
    char path[108];
};

enum log_format { LOG_FORMAT_UNSET = 0, LOG_AUTO, LOG_HUMAN, LOG_JSON };
enum log_level { LOG_LEVEL_UNSET = 0, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

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
    enum log_format log_format;
    enum log_level log_level;
    bool log_requests;
    struct settings settings;
};

struct config_error {
    char file[CONFIG_PATH_MAX];
    unsigned line, column; /* from 1; 0: not from the file */
    char text[256];        /* one sentence naming the key or variable */
};

struct config_option { /* from the command line, strongest: key = value */
    const char *key, *value;
};

/* Read everything into *out. environment: as environ (NULL-terminated "NAME=value"), for tests. file NULL: none.
 * fails: E_USAGE with *error. */
struct cardea_status config_load(const char *file, const char *const *environment, const struct config_option *options,
                                 size_t option_count, struct config *out, struct config_error *error) CARDEA_CHECKED;
/* Every key with its value, default, and where it came from, as YAML or JSON. */
void config_show(const struct config *c, bool json, struct buf *out);

#endif
