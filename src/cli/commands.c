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
#define WAIT                                                                                                           \
    {                                                                                                                  \
        "wait", NULL,                                                                                                  \
            "Wait until every node and other verifier has heard of it, or can no longer act by what was before, and "  \
            "say how many have."                                                                                       \
    }
static const struct option wait_options[] = {WAIT, {NULL, NULL, NULL}};
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
static const struct option user_passwd_options[] = {PASSWORD_FILE, WAIT, {NULL, NULL, NULL}};
static const struct option user_roles_options[] = {
    {"add", "ROLE", "Add a role to those there are; may be repeated."},
    {"remove", "ROLE", "Take a role away; may be repeated."},
    {"none", NULL, "Take all roles away."},
    WAIT,
    {NULL, NULL, NULL},
};
static const struct option apikey_create_options[] = {
    {"name", "TEXT", "What the key is for. It has to have one."},
    {"scope", "SCOPE",
     "Give a scope, which policies can ask for; introspect and revoke open the calls of that name. May be repeated."},
    {"expires", "DURATION", "When it ends, such as 90d; by default what the configuration says."},
    {NULL, NULL, NULL},
};
#define KEY_USE                                                                                                        \
    {                                                                                                                  \
        "use", "USE", "Which keys: access (the default) or sealed."                                                    \
    }
static const struct option key_rotate_options[] = {
    KEY_USE,
    {"alg", "FORMAT", "Only the keys of this format of tokens, such as ES256 or v4.public; by default all."},
    WAIT,
    {NULL, NULL, NULL},
};
static const struct option key_revoke_options[] = {
    KEY_USE,
    {"alg", "FORMAT", "The active key of this format; needed without KID where keys of several formats sign."},
    WAIT,
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
#define KEY_ID                                                                                                         \
    {                                                                                                                  \
        "kid", "KID", "Which key of a set; the name of a key that has none."                                           \
    }
#define CLAIM_OPTIONS                                                                                                  \
    {"claims", "FILE", "A JSON object of claims from a file, or with - from standard input."},                         \
        {"claim", "NAME=TEXT", "One claim; NAME:=JSON for another value than text. May be repeated."},                 \
    {                                                                                                                  \
        "expires-in", "DURATION",                                                                                      \
            "When it ends; 15m by default. Only where the claims have no exp; iat and jti are added too."              \
    }
#define PASETO_OPTIONS                                                                                                 \
    {"footer", "TEXT", "PASETO's footer: readable by all, and signed."},                                               \
    {                                                                                                                  \
        "implicit", "TEXT", "PASETO's implicit assertion: signed, and not in the token."                               \
    }
#define OUT_FILE                                                                                                       \
    {                                                                                                                  \
        "out", "FILE", "Write to this file, which must not exist; a secret key gets mode 0600."                        \
    }
static const struct option token_sign_options[] = {
    {"key", "FILE", "The secret key: JWK, JWKS, PEM or PASERK; - is standard input. It has to be said."},
    {"alg", "ALG", "The algorithm, where the key names none, such as RS256."},
    KEY_ID,
    CLAIM_OPTIONS,
    {"type", "TYP", "The header's typ; at+jwt by default, none for none."},
    {"format", "FORMAT", "jwt or paseto; by default what the key is for."},
    PASETO_OPTIONS,
    {NULL, NULL, NULL},
};
static const struct option token_verify_options[] = {
    {"keys", "FILE", "The keys that are trusted: JWK, JWKS, PEM (a certificate too) or PASERK. It has to be said."},
    {"issuer", "ISSUER", "Accept tokens of this issuer (iss); may be repeated."},
    {"any-issuer", NULL, "Accept tokens of any issuer, and of none."},
    {"audience", "AUDIENCE", "Accept tokens for this audience (aud); may be repeated."},
    {"any-audience", NULL, "Accept tokens for any audience, and for none."},
    {"alg", "ALG", "Accept this algorithm alone; may be repeated. Given once, it is that of keys that name none."},
    {"type", "TYP", "The header's typ; at+jwt by default, any for any, none for none."},
    {"require", "CLAIM", "Refuse tokens without this claim; may be repeated."},
    {"leeway", "DURATION", "How far clocks may differ; nothing by default, at most 300s."},
    PASETO_OPTIONS,
    {NULL, NULL, NULL},
};
#define SEAL_OPTIONS                                                                                                   \
    {"key", "FILE", "The key: JWK, JWKS or PEM, or with --derive a secret text. It has to be said."},                  \
        {"alg", "ALG", "How the content's key is made known, such as RSA-OAEP-256, where the key does not say."},      \
        {"enc", "ENC", "The content encryption, such as A256GCM."}, KEY_ID,                                            \
    {                                                                                                                  \
        "derive", "authjs:COOKIE", "Derive the key from a secret as Auth.js does for its session cookie of that name." \
    }
static const struct option token_seal_options[] = {
    SEAL_OPTIONS,
    CLAIM_OPTIONS,
    {"type", "TYP", "The header's typ; none by default."},
    {"content-type", "CTY", "The header's cty, such as JWT; none by default."},
    {NULL, NULL, NULL},
};
static const struct option token_open_options[] = {
    SEAL_OPTIONS,
    {"check-exp", NULL, "What is inside must be claims with an exp that lies ahead. With --derive it always must."},
    {NULL, NULL, NULL},
};
static const struct option jwk_generate_options[] = {
    {"alg", "ALG", "What the key is for: a signature algorithm such as ES256, or one of JWE such as A256KW."},
    {"curve", "CURVE", "P-256, P-384, P-521, Ed25519, Ed448 or X25519."},
    {"bits", "N", "Of RSA (2048 by default, up to 4096) and oct keys (256 by default)."},
    {"enc", "ENC", "With --alg dir: the content encryption, which says the bits."},
    {"use", "USE", "sig or enc; by default what the algorithm says."},
    {"kid", "KID", "The key's id; by default its RFC 7638 thumbprint, of an oct key something random."},
    {"to", "FORM", "jwk (by default), jwks, pem, or paserk for PASETO (OKP or oct)."},
    OUT_FILE,
    {NULL, NULL, NULL},
};
static const struct option jwk_convert_options[] = {
    {"to", "FORM", "jwk, jwks, pem or paserk; by default pem of a JWK, else jwk."},
    {"public", NULL, "Write the public half alone."},
    {"alg", "ALG", "Let the JWK name this algorithm."},
    {"use", "USE", "Let the JWK be for sig or enc."},
    {"kid", "KID", "The JWK's id; of a set, which key."},
    OUT_FILE,
    {NULL, NULL, NULL},
};
static const struct option restore_options[] = {
    {"replace", NULL,
     "Put the backup in the place of what is there: a database file is kept under another name, a server's tables are "
     "emptied."},
    {NULL, NULL, NULL},
};
static const struct option migrate_options[] = {
    {"from", "URL", "Where the data is now, as accounts or sessions name it in the configuration. It has to be said."},
    {"to", "URL", "Where it is to go. It has to be said."},
    {"only", "PART", "Move accounts or sessions alone, where both ends can hold more."},
    {"replace-sessions", NULL,
     "Remove the sessions that the target holds first: those of a move that was ended, or that are out of date."},
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
    {"user suspend", "USER", 1, 1, wait_options, "Suspend a user",
     "Ends all sessions and tokens, and lets nobody log in.", run_user_suspend},
    {"user resume", "USER", 1, 1, none, "Take a suspension back",
     "The user may log in again; what the suspension ended stays ended.", run_user_resume},
    {"user logout", "USER", 1, 1, wait_options, "Log a user out everywhere",
     "Ends all sessions and tokens of the user.", run_user_logout},
    {"user delete", "USER", 1, 1, wait_options, "Remove a user",
     "With all sessions, tokens and API keys. What the journal says of the user stays.", run_user_delete},
    {"session list", "USER", 1, 1, none, "List a user's sessions", "", run_session_list},
    {"session revoke", "SID", 1, 1, wait_options, "End a session",
     "Its cookie, refresh token and access tokens end with it.", run_session_revoke},
    {"token sign", "", 0, 0, token_sign_options, "Make a signed token from claims and a key",
     "Needs no installation. Secrets come from files or standard input alone. A PASERK k4.secret makes PASETO "
     "v4.public, "
     "a k4.local v4.local; its footer names the key's id unless --footer says another.",
     run_token_sign},
    {"token verify", "[TOKEN]", 0, 1, token_verify_options, "Verify a token and print its claims",
     "Needs no installation. The token is an argument or, without one or with -, standard input. Exit status 0, and "
     "claims on standard output, mean that it is verified; 6 that it is not valid, 7 that only its time is over. "
     "Revocation is not asked for: that is the service's.",
     run_token_verify},
    {"token inspect", "[TOKEN]", 0, 1, none, "Show what a token says, unverified",
     "JWT, JWE, PASETO, session cookies, refresh tokens and API keys of Cardea. Nothing is verified: anybody can write "
     "what it shows. Secrets that it recognises are not printed. Exit status 6: nothing that Cardea knows.",
     run_token_inspect},
    {"token seal", "[FILE]", 0, 1, token_seal_options, "Encrypt a text or claims as a JWE",
     "The text is a file's or standard input's as it stands; with --claims, --claim or --expires-in it is claims. "
     "Encryption says nothing of who made it: sign what must be believed.",
     run_token_seal},
    {"token open", "[TOKEN]", 0, 1, token_open_options, "Decrypt a JWE and print what is inside",
     "The token is an argument or, without one or with -, standard input. Opened is not verified: with a public key "
     "anybody can make such a token, with a symmetric one whoever has the key. On a terminal control characters are "
     "escaped; elsewhere the bytes come as they are.",
     run_token_open},
    {"token jwk generate", "[TYPE]", 0, 1, jwk_generate_options, "Make a key",
     "TYPE is RSA, EC, OKP or oct; --alg alone says it too.", run_token_jwk_generate},
    {"token jwk thumbprint", "[FILE]", 0, 1, none, "Print the RFC 7638 thumbprints of keys",
     "SHA-256, base64url. Of a PASERK its id. The thumbprint of an oct key would be a digest of a secret: refused.",
     run_token_jwk_thumbprint},
    {"token jwk convert", "[FILE]", 0, 1, jwk_convert_options, "Turn keys from one form into another",
     "Reads JWK, JWKS, PEM (PKCS#8, SPKI, PKCS#1, SEC 1, certificate) and PASERK. A secret key stays secret unless "
     "--public.",
     run_token_jwk_convert},
    {"token revoke", "JTI", 1, 1, wait_options, "Revoke one access token",
     "JTI is the token's claim jti. Its session lives on, and may get a new one.", run_token_revoke},
    {"signing-key list", "", 0, 0, none, "List the keys of access tokens, and those that seal sessions",
     "Each format of tokens that is in use has keys of its own: one signs, one is next, others check until their last "
     "token has expired.",
     run_signing_key_list},
    {"signing-key rotate", "", 0, 0, key_rotate_options, "Let a new key sign, or seal",
     "Graceful: the new key signs once everybody can know it, the old one verifies until its last token has expired. A "
     "new key for sealed sessions seals at once, the old one opens until the last of its texts can have been renewed.",
     run_signing_key_rotate},
    {"signing-key revoke", "[KID]", 0, 1, key_revoke_options, "Drop a compromised key at once",
     "The active one unless KID names another. Every access token that it signed is dead; clients refresh. Every "
     "session that it sealed is over.",
     run_signing_key_revoke},
    {"apikey create", "USER", 1, 1, apikey_create_options, "Make an API key for a user", "The key is printed once.",
     run_apikey_create},
    {"apikey list", "[USER]", 0, 1, none, "List API keys", "", run_apikey_list},
    {"apikey revoke", "ID", 1, 1, wait_options, "Revoke an API key", "", run_apikey_revoke},
    {"profile list", "", 0, 0, none, "List the profiles of apps",
     "A profile says which credential an app hands out, and for how long.", run_profile_list},
    {"profile show", "PROFILE", 1, 1, none, "Explain a profile and its trade-off", "", run_profile_show},
    {"config check", "", 0, 0, none, "Read the configuration and say what is wrong with it", "", run_config_check},
    {"config show", "", 0, 0, none, "Print every value with where it came from", "The YAML can be read again.",
     run_config_show},
    {"config manual", "", 0, 0, none, "Print the manual of all keys, in Markdown", "", run_config_manual},
    {"audit", "", 0, 0, audit_options, "Read the journal, newest first, or check it", "", run_audit},
    {"backup", "FILE", 1, 1, none, "Back the accounts up to a file",
     "While the service runs, or not; of one moment, and whole when it appears under its name. Users, API keys, keys "
     "and the "
     "journal are in it; sessions are not. Nor is the master key, without which nobody can restore it: keep that "
     "apart. "
     "The file gets mode 0600 and replaces nothing (exit status 5).",
     run_backup},
    {"restore", "FILE", 1, 1, restore_options, "Put a backup in place, and end all sessions",
     "Needs the service stopped, on every node, and the master key that belongs to the backup. Whatever was handed out "
     "before, sessions and tokens made after the backup among it, ends. API keys of the backup work, also one that was "
     "revoked since; a signing key that was dropped since as compromised is back. Exit status 3: no such file, or no "
     "master "
     "key; 4: a service or node runs; 5: there is an installation.",
     run_restore},
    {"migrate", "", 0, 0, migrate_options, "Move the data to another engine",
     "Needs the service stopped, on every node. Between two engines of accounts (sqlite, postgres) everything moves; "
     "to or "
     "from another (redis, memcached) the sessions. Nobody is logged out, the source stays as it was, and the copy is "
     "compared with it. The target must be empty of what is moved. Into accounts all of it is one transaction; "
     "sessions "
     "of a move into redis or memcached that was ended stay there until --replace-sessions. Exit status 4: a service "
     "or "
     "node runs; 5: the target is not empty.",
     run_migrate},
    {"version", "", 0, 0, none, "Print the version", "", run_version},
    {"help", "[COMMAND...]", 0, 3, help_options, "Explain a command", "", run_help},
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);
