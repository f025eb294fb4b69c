/* The table of commands. */
#include "cli/command.h"

const struct option common_options[] = {
    {"state", "DIR", "The state folder; by default what the configuration says, else /var/lib/cardea."},
    {"config", "FILE", "The configuration file; by default what CARDEA_CONFIG names, else none."},
    {"json", NULL, "Print JSON, for scripts."},
    {"help", NULL, "Explain the command."},
    {NULL, NULL, NULL},
};

static const struct option none[] = {{NULL, NULL, NULL}};
static const struct option serve_options[] = {
    {"listen", "ADDRESS:PORT", "Where to listen, instead of what the configuration says."},
    {NULL, NULL, NULL},
};
static const struct option init_options[] = {
    {"admin", "NAME", "Make a first user with the role admin and print its random password, once."},
    {NULL, NULL, NULL},
};
#define PASSWORD_FILE                                                                                                  \
    {                                                                                                                  \
        "password-file", "FILE",                                                                                       \
            "Read the password from a file, or with - from standard input; a line feed at its end does not count. "    \
            "Without it the password is asked for on the terminal. At least 8 characters, and not easy to guess."      \
    }
static const struct option user_add_options[] = {
    PASSWORD_FILE,
    {"no-password", NULL, "Make a user who can not log in by password."},
    {"role", "ROLE", "Give a role; may be repeated."},
    {"email", "ADDRESS", "The e-mail address."},
    {"name", "TEXT", "The name to show."},
    {"metadata", "JSON", "A JSON object kept with the user."},
    {NULL, NULL, NULL},
};
static const struct option user_list_options[] = {
    {"query", "TEXT", "Only names and e-mail addresses that begin with this."},
    {"role", "ROLE", "Only users with this role."},
    {"status", "STATUS", "Only active or only suspended users."},
    {"limit", "N", "At most N; by default all."},
    {NULL, NULL, NULL},
};
static const struct option user_passwd_options[] = {PASSWORD_FILE, {NULL, NULL, NULL}};
static const struct option user_roles_options[] = {
    {"add", "ROLE", "Add a role to those there are; may be repeated."},
    {"remove", "ROLE", "Take a role away; may be repeated."},
    {"none", NULL, "Take all roles away."},
    {NULL, NULL, NULL},
};
static const struct option apikey_create_options[] = {
    {"name", "TEXT", "What the key is for. It has to have one."},
    {"scope", "SCOPE", "Give a scope, which policies can ask for; may be repeated."},
    {"expires", "DURATION", "When it ends, such as 90d; by default what the configuration says."},
    {NULL, NULL, NULL},
};
static const struct option audit_options[] = {
    {"type", "TYPE", "Only events of this type, such as login."},
    {"user", "USER", "Only events about this user."},
    {"limit", "N", "At most N; by default 50."},
    {"verify", NULL, "Check the chain of hashes instead: was any row changed, removed or put in between?"},
    {"head", "N:HASH", "With --verify: begin behind this row, as an earlier check printed it."},
    {NULL, NULL, NULL},
};
static const struct option help_options[] = {
    {"man", NULL, "Print the whole man page."},
    {NULL, NULL, NULL},
};

const struct command commands[] = {
    {"serve", "", 0, 0, serve_options, "Run the service",
     "Makes what is missing in the state folder, then serves until SIGTERM or SIGINT. SIGHUP reads the configuration "
     "again.",
     run_serve},
    {"init", "", 0, 0, init_options, "Make an installation",
     "Makes the state folder with its master key, database and keys, where they are missing.", run_init},
    {"user add", "NAME", 1, 1, user_add_options, "Make a user",
     "Makes the installation too, where there is none. Passwords never stand on the command line.", run_user_add},
    {"user list", "", 0, 0, user_list_options, "List users", "", run_user_list},
    {"user show", "USER", 1, 1, none, "Show a user", "", run_user_show},
    {"user passwd", "USER", 1, 1, user_passwd_options, "Set a user's password",
     "Ends all sessions and tokens of the user.", run_user_passwd},
    {"user roles", "USER [ROLE...]", 1, WORDS_MAX, user_roles_options, "Show or set a user's roles",
     "Roles given as arguments replace those there are. The change is felt at the next request, without a new login.",
     run_user_roles},
    {"user suspend", "USER", 1, 1, none, "Suspend a user", "Ends all sessions and tokens, and lets nobody log in.",
     run_user_suspend},
    {"user resume", "USER", 1, 1, none, "Take a suspension back",
     "The user may log in again; what the suspension ended stays ended.", run_user_resume},
    {"user logout", "USER", 1, 1, none, "Log a user out everywhere", "Ends all sessions and tokens of the user.",
     run_user_logout},
    {"user delete", "USER", 1, 1, none, "Remove a user",
     "With all sessions, tokens and API keys. What the journal says of the user stays.", run_user_delete},
    {"session list", "USER", 1, 1, none, "List a user's sessions", "", run_session_list},
    {"session revoke", "SID", 1, 1, none, "End a session", "Its cookie, refresh token and access tokens end with it.",
     run_session_revoke},
    {"token revoke", "JTI", 1, 1, none, "Revoke one access token",
     "JTI is the token's claim jti. Its session lives on, and may get a new one.", run_token_revoke},
    {"signing-key list", "", 0, 0, none, "List the keys that sign access tokens", "", run_signing_key_list},
    {"signing-key rotate", "", 0, 0, none, "Let a new key sign",
     "Graceful: the new key signs once everybody can know it, the old one verifies until its last token has expired.",
     run_signing_key_rotate},
    {"signing-key revoke", "[KID]", 0, 1, none, "Drop a compromised key at once",
     "The active one unless KID names another. Every access token that it signed is dead; clients refresh.",
     run_signing_key_revoke},
    {"apikey create", "USER", 1, 1, apikey_create_options, "Make an API key for a user", "The key is printed once.",
     run_apikey_create},
    {"apikey list", "[USER]", 0, 1, none, "List API keys", "", run_apikey_list},
    {"apikey revoke", "ID", 1, 1, none, "Revoke an API key", "", run_apikey_revoke},
    {"profile list", "", 0, 0, none, "List the profiles of apps",
     "A profile says which credential an app hands out, and for how long.", run_profile_list},
    {"profile show", "PROFILE", 1, 1, none, "Explain a profile and its trade-off", "", run_profile_show},
    {"config check", "", 0, 0, none, "Read the configuration and say what is wrong with it", "", run_config_check},
    {"config show", "", 0, 0, none, "Print every value with where it came from", "The YAML can be read again.",
     run_config_show},
    {"config manual", "", 0, 0, none, "Print the manual of all keys, in Markdown", "", run_config_manual},
    {"audit", "", 0, 0, audit_options, "Read the journal, newest first, or check it", "", run_audit},
    {"version", "", 0, 0, none, "Print the version", "", run_version},
    {"help", "[COMMAND...]", 0, 2, help_options, "Explain a command", "", run_help},
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);
