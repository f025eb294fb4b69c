/* Commands: what the program can do, as one table; the parser, --help and the man page all read it.
 *
 * Decides: names, arguments, options and exit codes. Refuses to decide what an operation does: a command builds a
 * request to the admin API and shows the answer (cli/call.h), but for the few that need no installation.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/buf.h"
#include "daemon/config.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,    /* refused, or it went wrong */
    EXIT_USAGE = 2,     /* the command line or the configuration is wrong */
    EXIT_NOT_FOUND = 3, /* no such user, session, key or installation */
    EXIT_BUSY = 4, /* not now: another process has the installation, or the service is overloaded; with --wait: done,
                      and not everybody has heard of it in time */
    EXIT_CONFLICT = 5,  /* the name is taken, or the state changed in the meantime */
    EXIT_NOT_VALID = 6, /* the token is not valid */
    EXIT_EXPIRED = 7,   /* the token is genuine, and its time is over */
};

enum { WORDS_MAX = 40, OPTIONS_MAX = 40 };

struct option {
    const char *name;     /* without dashes */
    const char *argument; /* "FILE"; NULL: a switch */
    const char *help;
};

struct context;

struct command {
    const char *name;      /* "user add" */
    const char *arguments; /* "NAME [ROLE...]" */
    unsigned words_min, words_max;
    const struct option *options; /* besides the common ones; ends with a NULL name */
    const char *summary;          /* one line, no full stop */
    const char *text;             /* paragraphs for --help and the man page; "" none */
    enum exit_code (*run)(struct context *c);
};

struct given {
    const char *name, *value; /* value "" for a switch */
};

struct context {
    const struct command *command;
    const char *words[WORDS_MAX]; /* after the command's name */
    unsigned word_count;
    struct given options[OPTIONS_MAX];
    unsigned option_count;
    bool json;
    char receipt[256];     /* with --wait: a line for people about who has heard of the change; "" none */
    bool unfelt;           /* and not everybody has: EXIT_BUSY, though it is done */
    struct config *config; /* loaded on demand: context_config */
};

extern const struct command commands[];
extern const size_t command_count;
extern const struct option common_options[];

/* The value of an option, the last one given; NULL: not given. */
const char *context_option(const struct context *c, const char *name);
bool context_has(const struct context *c, const char *name);
/* Walk the values of one that can be repeated: index from 0; NULL: no more. */
const char *context_option_at(const struct context *c, const char *name, unsigned index);
/* Read the configuration; on failure it is explained on stderr. */
enum exit_code context_config(struct context *c) CARDEA_CHECKED;
void context_warnings(const struct context *c);

/* "cardea: sentence" on stderr, unprintable characters escaped. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Is it one of "user add", "user list", … with "user"? */
bool command_in_group(const struct command *c, const char *group);

/* help.c */
void help_overview(struct buf *out);
void help_group(const char *group, struct buf *out);
void help_command(const struct command *c, struct buf *out);
void help_man(struct buf *out);

/* serve.c: read the configuration for the service (and again on reload). */
enum exit_code run_serve(struct context *c);
enum exit_code run_init(struct context *c);
enum exit_code run_user_add(struct context *c);
enum exit_code run_user_list(struct context *c);
enum exit_code run_user_show(struct context *c);
enum exit_code run_user_passwd(struct context *c);
enum exit_code run_user_roles(struct context *c);
enum exit_code run_user_suspend(struct context *c);
enum exit_code run_user_resume(struct context *c);
enum exit_code run_user_logout(struct context *c);
enum exit_code run_user_delete(struct context *c);
enum exit_code run_session_list(struct context *c);
enum exit_code run_session_revoke(struct context *c);
enum exit_code run_token_revoke(struct context *c);
enum exit_code run_token_sign(struct context *c);
enum exit_code run_token_verify(struct context *c);
enum exit_code run_token_inspect(struct context *c);
enum exit_code run_token_seal(struct context *c);
enum exit_code run_token_open(struct context *c);
enum exit_code run_token_jwk_generate(struct context *c);
enum exit_code run_token_jwk_thumbprint(struct context *c);
enum exit_code run_token_jwk_convert(struct context *c);
enum exit_code run_signing_key_list(struct context *c);
enum exit_code run_signing_key_rotate(struct context *c);
enum exit_code run_signing_key_revoke(struct context *c);
enum exit_code run_apikey_create(struct context *c);
enum exit_code run_apikey_list(struct context *c);
enum exit_code run_apikey_revoke(struct context *c);
enum exit_code run_profile_list(struct context *c);
enum exit_code run_profile_show(struct context *c);
enum exit_code run_config_check(struct context *c);
enum exit_code run_config_show(struct context *c);
enum exit_code run_config_manual(struct context *c);
enum exit_code run_audit(struct context *c);
enum exit_code run_migrate(struct context *c);
enum exit_code run_backup(struct context *c);
enum exit_code run_restore(struct context *c);
enum exit_code run_version(struct context *c);
enum exit_code run_help(struct context *c);

#endif
