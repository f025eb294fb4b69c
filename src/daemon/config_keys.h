/* The table of keys: name, type, range, default and meaning of everything that can be configured, in one place.
 *
 * The reader of the file, the environment, the command line, `config show` and docs/configuration.md all work from it.
 * A key describes one member of a struct (`struct config`, or `struct app` and `struct policy` for the keys inside
 * `apps` and `policies`): add a key by adding a row.
 */
#ifndef DAEMON_CONFIG_KEYS_H
#define DAEMON_CONFIG_KEYS_H

#include "daemon/config.h"

enum config_type {
    CONFIG_TYPE_UNSET = 0,
    CONFIG_TEXT,      /* char[cap] */
    CONFIG_PATH,      /* char[cap], never empty when given */
    CONFIG_URL,       /* char[cap]: http(s)://host[:port][/path], brought into the form that browsers send */
    CONFIG_ORIGIN,    /* char[cap]: the same without a path */
    CONFIG_BASE_PATH, /* char[cap]: "" or "/auth" */
    CONFIG_DOMAIN,    /* char[cap]: a host name with a dot */
    CONFIG_NAME,      /* char[cap]: of an app, policy, role or scope */
    CONFIG_BOOL,      /* bool */
    CONFIG_COUNT,     /* uint32_t in min … max */
    CONFIG_KIB,       /* uint32_t, KiB; written 64MiB */
    CONFIG_MIB,       /* uint32_t, MiB */
    CONFIG_DURATION,  /* int64_t, milliseconds in min … max */
    CONFIG_WORD,      /* an enum: one of words */
    CONFIG_FLAGS,     /* unsigned: the sum of words, given as a list */
    CONFIG_LISTEN,    /* struct listen_address */
    CONFIG_RANGE,     /* struct address_range; only as a list */
    CONFIG_LABEL,     /* char[cap]: a role or scope, ours or another issuer's: no comma, no control character */
    CONFIG_ISSUER,    /* char[cap]: https://…, exactly as tokens name it */
    CONFIG_CLAIM,     /* char[cap]: name of a claim, or a JSON Pointer */
    CONFIG_REQUIRED,  /* char[cap]: CLAIM or CLAIM=VALUE */
    CONFIG_KEY_SET,   /* char[cap]: https://… or the path of a file */
};

struct config_word {
    const char *word;
    unsigned value;
};

struct config_key {
    const char *name; /* "listen.tls.cert" */
    enum config_type type;
    size_t offset, size; /* of the member; for a list, of one item */
    size_t count_offset; /* lists: of the uint32_t that counts the items */
    size_t items_max;    /* lists: room; 0: a scalar */
    int64_t min, max;
    int64_t bare_ms;                 /* durations: what a number without a unit counts; 0: none is accepted */
    const struct config_word *words; /* ends with NULL */
    const char *default_text;        /* "" where there is none or it is derived */
    const char *help;                /* one sentence or two, Markdown */
};

enum { CONFIG_REASON_MAX = 200 };

extern const struct config_key config_keys[];
extern const size_t config_key_count;
extern const struct config_key app_keys[];
extern const size_t app_key_count;
extern const struct config_key policy_keys[];
extern const size_t policy_key_count;
extern const struct config_key issuer_keys[]; /* config_issuer.c */
extern const size_t issuer_key_count;

static inline bool config_key_is_list(const struct config_key *k)
{
    return k->items_max > 0 || k->type == CONFIG_FLAGS;
}

const struct config_key *config_key_find(const struct config_key *keys, size_t count, struct view name);
/* The known name that looks most like this one; NULL when none is near. */
const char *config_key_nearest(const struct config_key *keys, size_t count, struct view name);
/* "CARDEA_LISTEN_TLS_CERT" */
void config_key_variable(const struct config_key *k, struct buf *out);

/* Set a scalar, or add one item to a list. base: the struct that the key describes a part of.
 * fails: E_USAGE, reason continues a sentence that begins with the key ("is not a duration …"). */
struct cardea_status config_value_set(const struct config_key *k, void *base, struct view text,
                                      char reason[CONFIG_REASON_MAX]) CARDEA_CHECKED;
/* Forget the items of a list. */
void config_list_clear(const struct config_key *k, void *base);
/* A list as one text: "a, b". */
struct cardea_status config_list_set(const struct config_key *k, void *base, struct view text,
                                     char reason[CONFIG_REASON_MAX]) CARDEA_CHECKED;
/* The value as config_value_set reads it; lists comma-joined. */
void config_value_text(const struct config_key *k, const void *base, struct buf *out);

/* config.c. The development defaults into a zeroed *c. */
struct cardea_status config_defaults(struct config *c) CARDEA_CHECKED;
/* config_file.c. Lay a YAML text over *c. */
struct cardea_status config_read_yaml(struct config *c, struct view text, struct config_error *error) CARDEA_CHECKED;
/* config_issuer.c: values of CONFIG_ISSUER, CLAIM, REQUIRED, KEY_SET; and what belongs together in issuers and policies
 * that name them. */
struct cardea_status config_issuer_value(enum config_type type, struct view v,
                                         char reason[CONFIG_REASON_MAX]) CARDEA_CHECKED;
struct cardea_status config_settle_issuers(struct config *c, struct config_error *error) CARDEA_CHECKED;
/* config_check.c: derived values and combinations; needs every layer. */
struct cardea_status config_settle(struct config *c, struct config_error *error) CARDEA_CHECKED;
void config_warn(struct config *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Write *error for a key, with its place where it came from the file. */
struct cardea_status config_refuse(const struct config *c, struct config_error *error, const char *key,
                                   const char *format, ...) __attribute__((format(printf, 4, 5))) CARDEA_CHECKED;
/* The same, at a place in the file. */
struct cardea_status config_refuse_at(const struct config *c, struct config_error *error,
                                      const struct config_origin *where, const char *format, ...)
    __attribute__((format(printf, 4, 5))) CARDEA_CHECKED;
/* Only printable characters stay. */
void config_printable(char *text);

/* Bring a URL into the form browsers send: lower case, no default port, no trailing slash. path: may it have one?
 * fails: E_USAGE with a reason. */
struct cardea_status config_url(struct view in, bool path, char *out, size_t cap,
                                char reason[CONFIG_REASON_MAX]) CARDEA_CHECKED;
/* scheme://host[:port] of a URL from config_url. */
struct view config_url_origin(struct view url);
/* The host alone, without brackets. */
struct view config_url_host(struct view url);
bool config_host_is_loopback(struct view host);

#endif
