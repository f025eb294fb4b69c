#include "daemon/config_keys.h"

#include <ctype.h>
#include <stddef.h>

#include "core/table.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define MEMBER(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define AT(member) MEMBER(struct config, member)
#define SETTING(member) MEMBER(struct config, settings.member)

static const struct config_word log_formats[] = {
    {"auto", LOG_AUTO}, {"human", LOG_HUMAN}, {"json", LOG_JSON}, {NULL, 0}};
static const struct config_word log_levels[] = {
    {"error", LOG_ERROR}, {"warn", LOG_WARN}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {NULL, 0}};
static const struct config_word identity_words[] = {
    {"x-auth", IDENTITY_X_AUTH}, {"remote", IDENTITY_REMOTE}, {NULL, 0}};
static const struct config_word same_site_words[] = {{"strict", SAME_SITE_STRICT}, {"lax", SAME_SITE_LAX}, {NULL, 0}};
static const struct config_word kind_words[] = {
    {"session", KIND_SESSION}, {"token", KIND_TOKEN}, {"key", KIND_KEY}, {"sealed", KIND_SEALED}, {NULL, 0}};
static const struct config_word credential_words[] = {
    {"session", APP_CREDENTIAL_SESSION}, {"token", APP_CREDENTIAL_TOKEN}, {NULL, 0}};

static const struct config_word revocation_words[] = {
    {"checked", REVOCATION_CHECKED}, {"none", REVOCATION_UNCHECKED}, {NULL, 0}};

static const struct config_word table_words[] = {
    {"owner", TABLE_ACCESS_OWNER}, {"group", TABLE_ACCESS_GROUP}, {"nobody", TABLE_ACCESS_NOBODY}, {NULL, 0}};

static const struct config_word token_words[] = {{"ES256", TOKEN_ES256},
                                                 {"ES384", TOKEN_ES384},
                                                 {"ES512", TOKEN_ES512},
                                                 {"EdDSA", TOKEN_ED25519},
                                                 {"Ed448", TOKEN_ED448},
                                                 {"RS256", TOKEN_RS256},
                                                 {"RS384", TOKEN_RS384},
                                                 {"RS512", TOKEN_RS512},
                                                 {"PS256", TOKEN_PS256},
                                                 {"PS384", TOKEN_PS384},
                                                 {"PS512", TOKEN_PS512},
                                                 {"HS256", TOKEN_HS256},
                                                 {"HS384", TOKEN_HS384},
                                                 {"HS512", TOKEN_HS512},
                                                 {"v4.public", TOKEN_V4_PUBLIC},
                                                 {"v4.local", TOKEN_V4_LOCAL},
                                                 {NULL, 0}};

const struct config_key config_keys[] = {
    {"state", CONFIG_PATH, AT(state), .default_text = "/var/lib/cardea",
     .help = "The state folder: lock, master key, database, admin socket. Made with mode 0700."},
    {"listen", CONFIG_LISTEN, AT(listen), .default_text = "127.0.0.1:8420",
     .help = "Where the service listens: `ADDRESS:PORT`, `[ADDRESS]:PORT` or `unix:PATH`. Other than on loopback it "
             "needs `listen.tls.cert` or `trusted_proxies`. In nested form: `listen: {address: …, tls: {…}}`."},
    {"listen.tls.cert", CONFIG_PATH, AT(tls_cert), .default_text = "",
     .help = "File with the certificate chain (PEM). With `listen.tls.key`, the service speaks TLS itself. Both files "
             "are read again on SIGHUP."},
    {"listen.tls.key", CONFIG_PATH, AT(tls_key), .default_text = "",
     .help = "File with the certificate's private key (PEM)."},
    {"admin_listen", CONFIG_LISTEN, AT(admin_listen), .default_text = "",
     .help = "A listener of its own for `/v1/admin/`. When set, those paths are 404 on the main one."},
    {"metrics.listen", CONFIG_LISTEN, AT(metrics_listen), .default_text = "",
     .help = "A listener of its own for `/metrics`, which is never answered on the main one."},
    {"table.socket", CONFIG_PATH, AT(table_socket), .default_text = "",
     .help = "Socket over which programs of this host (`libcardea`) are handed the verification table. By default "
             "`table.sock` in the state folder, which none but its owner can enter: with `table.access: group` put it "
             "elsewhere."},
    {"table.access", CONFIG_WORD, AT(table_access), .words = table_words, .default_text = "owner",
     .help = "Who may connect to it: `owner` (the service's own user, and root), `group` (its group too) or `nobody`. "
             "A reader sees ids, names, e-mail addresses, roles and digests of all users; it can change nothing."},
    {"trusted_proxies", CONFIG_RANGE, offsetof(struct config, proxies), sizeof(struct address_range),
     offsetof(struct config, proxy_count), PROXIES_MAX, .default_text = "",
     .help = "Addresses and ranges of the proxies in front, whose `X-Forwarded-*` and `X-Original-*` headers count."},
    {"public_url", CONFIG_URL, SETTING(public_url), .default_text = "",
     .help = "How browsers reach the service, and the issuer of its tokens: `https://id.example.com`. Derived from "
             "`listen` on loopback; needed everywhere else. Plain `http` is accepted for loopback hosts only."},
    {"base_path", CONFIG_BASE_PATH, SETTING(base_path), .default_text = "",
     .help = "Path under which the service answers, when it shares a host: `/auth`."},
    {"cookie.domain", CONFIG_DOMAIN, SETTING(cookie_domain), .default_text = "",
     .help = "Share the login with sub-domains. Cookies are then named `__Secure-` instead of `__Host-`, and every "
             "sub-domain can overwrite them."},
    {"cookie.insecure_names", CONFIG_BOOL, SETTING(cookie_insecure_names), .default_text = "false",
     .help =
         "Development over plain HTTP in browsers that refuse `__Host-` there: cookies without prefix and `Secure`. "
         "Only with a loopback `public_url`."},
    {"signup", CONFIG_BOOL, SETTING(signup), .default_text = "false", .help = "May anybody make an account?"},
    {"login.by_email", CONFIG_BOOL, SETTING(login_by_email), .default_text = "false",
     .help = "Accept the e-mail address in place of the user name at login."},
    {"verify.headers", CONFIG_WORD, SETTING(identity_headers), .words = identity_words, .default_text = "x-auth",
     .help = "Names of the identity headers of `/verify`: `X-Auth-*` or `Remote-*`."},
    {"accounts", CONFIG_TEXT, AT(accounts), .default_text = "",
     .help = "Store of users, keys and journal: `sqlite:PATH`, as all paths relative to the working directory, or, for "
             "several nodes, `postgres://HOST/DATABASE`; docs/stores.md has the options. By default `cardea.db` in the "
             "state folder."},
    {"sessions", CONFIG_TEXT, AT(sessions), .default_text = "",
     .help = "Store of the sessions: `sqlite:PATH`, `memory` (a restart logs everybody out), `redis://HOST:PORT/DB`, "
             "`rediss://` with TLS, `redis-sentinel://HOST:PORT,HOST:PORT/NAME`, `redis+unix:///PATH`, "
             "`memcached://HOST:PORT,HOST:PORT` or `memcached+unix:///PATH` (may throw sessions away), "
             "`postgres://HOST/DATABASE`; docs/stores.md has the options. By default the same as `accounts`."},
    {"master_key_file", CONFIG_PATH, AT(master_key_file), .default_text = "",
     .help = "File with the key that encrypts the other keys at rest; nobody else may be able to read it. By default "
             "the systemd credential `cardea-master-key` if there is one, else `master.key` in the state folder, which "
             "is made on first start."},
    {"lease", CONFIG_DURATION, AT(lease_ms), .min = SECOND, .max = MINUTE, .bare_ms = SECOND, .default_text = "2s",
     .help = "Longest time another verifier may go on without hearing of revocations; a bare number is seconds. "
             "Without effect on one node."},
    {"argon2.memory", CONFIG_KIB, SETTING(argon2.memory_kib), .min = 8 * 1024, .max = ARGON2_MEMORY_KIB_MAX,
     .default_text = "64MiB",
     .help = "Memory of one password hash. With `argon2.passes` not below OWASP's minimum (19 MiB with 2 passes, or 46 "
             "with one)."},
    {"argon2.passes", CONFIG_COUNT, SETTING(argon2.passes), .min = 1, .max = 64, .default_text = "3",
     .help = "Passes of one password hash."},
    {"tokens.format", CONFIG_WORD, SETTING(token_format), .words = token_words, .default_text = "ES256",
     .help =
         "Format of access tokens, for apps without a `token_format` of their own. JWTs signed with `ES256 ES384 ES512 "
         "EdDSA Ed448 RS256 RS384 RS512 PS256 PS384 PS512` are verified by whoever has the JWKS, `v4.public` (PASETO) "
         "by whoever has `/.well-known/paseto-keys.json`. Keys of `HS256 HS384 HS512` and `v4.local` make tokens as "
         "well as they check them and never leave the service: such tokens are verified by its `/verify` and "
         "introspection alone. `EdDSA` is Ed25519; RSA keys have 3072 bits."},
    {"jwks.max_age", CONFIG_DURATION, SETTING(jwks_max_age_ms), .min = SECOND, .max = DAY, .default_text = "5m",
     .help = "How long others may keep the public keys; a new key signs no sooner than this after it was published."},
    {"admin.login_age", CONFIG_DURATION, SETTING(admin_login_age_ms), .min = MINUTE, .max = 30 * DAY,
     .default_text = "12h",
     .help = "How old an administrator's login may be; past it the admin API answers 403 `reauthentication_required`."},
    {"api_keys.lifetime", CONFIG_DURATION, SETTING(api_key_default_ms), .min = MINUTE, .max = 3650 * DAY,
     .default_text = "365d", .help = "Lifetime of an API key made without `expires_in`."},
    {"guess.free", CONFIG_COUNT, SETTING(guess_free), .min = 1, .max = 100, .default_text = "5",
     .help = "Failed logins of an account before the first wait."},
    {"guess.wait_max", CONFIG_DURATION, SETTING(guess_wait_max_ms), .min = SECOND, .max = HOUR, .default_text = "1m",
     .help = "Longest wait after failed logins, so that an owner is never locked out for long."},
    {"guess.address_per_minute", CONFIG_COUNT, SETTING(guess_address_per_minute), .min = 1, .max = 100000,
     .default_text = "30", .help = "Failed logins that one address (one /64 of IPv6) may have in a minute."},
    {"threads", CONFIG_COUNT, AT(threads), .min = 0, .max = 256, .default_text = "0",
     .help = "Event loops; 0 is one a core."},
    {"hash.threads", CONFIG_COUNT, AT(hash_threads), .min = 0, .max = 256, .default_text = "0",
     .help = "Password hashes computed at once; 0 is one a core, as far as `hash.memory_max` allows."},
    {"hash.queue", CONFIG_COUNT, AT(hash_queue), .min = 1, .max = 100000, .default_text = "64",
     .help = "Password hashes that may wait; past them the answer is 503."},
    {"hash.memory_max", CONFIG_MIB, AT(hash_memory_max_mib), .min = 8, .max = 1024 * 1024, .default_text = "256MiB",
     .help = "Bounds the memory of all password hashes together."},
    {"limits.read_queue", CONFIG_COUNT, AT(read_queue), .min = 1, .max = 1000000, .default_text = "1024",
     .help = "Store reads that may wait; past them the answer is 503."},
    {"limits.write_queue", CONFIG_COUNT, AT(write_queue), .min = 2, .max = 1000000, .default_text = "4096",
     .help = "Changes that may wait for the committer; past them the answer is 503."},
    {"limits.urgent_places", CONFIG_COUNT, AT(urgent_places), .min = 1, .max = 999999, .default_text = "512",
     .help = "Places of `limits.write_queue` kept for logouts and revocations."},
    {"limits.connections", CONFIG_COUNT, AT(connections_max), .min = 1, .max = 1000000, .default_text = "4096",
     .help = "Open connections of a listener."},
    {"limits.connections_per_address", CONFIG_COUNT, AT(connections_per_address_max), .min = 1, .max = 1000000,
     .default_text = "512", .help = "Open connections of one address; trusted proxies are exempt."},
    {"limits.head_deadline", CONFIG_DURATION, AT(head_deadline_ms), .min = 100, .max = 10 * MINUTE,
     .default_text = "10s", .help = "Time for the head of a request to arrive."},
    {"limits.body_deadline", CONFIG_DURATION, AT(body_deadline_ms), .min = 100, .max = 10 * MINUTE,
     .default_text = "30s", .help = "Time for a whole request to arrive."},
    {"limits.idle_timeout", CONFIG_DURATION, AT(idle_timeout_ms), .min = 100, .max = HOUR, .default_text = "75s",
     .help = "How long an idle connection stays open."},
    {"limits.request_deadline", CONFIG_DURATION, AT(request_deadline_ms), .min = 100, .max = 10 * MINUTE,
     .default_text = "10s", .help = "Time for the answer; past it 503."},
    {"limits.stop_deadline", CONFIG_DURATION, AT(stop_deadline_ms), .min = 100, .max = 10 * MINUTE,
     .default_text = "10s", .help = "Time for requests under way when the service is told to stop."},
    {"limits.sessions", CONFIG_COUNT, AT(table_sessions_max), .min = 1000, .max = TABLE_SESSIONS_LIMIT,
     .default_text = "8000000", .help = "Sessions that the verification table has address space for."},
    {"limits.sessions_per_user", CONFIG_COUNT, SETTING(sessions_per_user_max), .min = 1, .max = 10000,
     .default_text = "100", .help = "Sessions of one user; a login past it ends the oldest."},
    {"limits.api_keys_per_user", CONFIG_COUNT, SETTING(api_keys_per_user_max), .min = 0, .max = 10000,
     .default_text = "100", .help = "API keys of one user."},
    {"log.format", CONFIG_WORD, AT(log_format), .words = log_formats, .default_text = "auto",
     .help = "`auto` is `human` on a terminal and `json` otherwise."},
    {"log.level", CONFIG_WORD, AT(log_level), .words = log_levels, .default_text = "info",
     .help = "Least severe that is logged."},
    {"log.requests", CONFIG_BOOL, AT(log_requests), .default_text = "true",
     .help = "One line a request, but for the checks answered from memory."},
};
const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);
_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX,
               "struct config has room for all origins");

const struct config_key app_keys[] = {
    {"credential", CONFIG_WORD, MEMBER(struct app, credential), .words = credential_words, .default_text = "",
     .help =
         "For `strict` alone: `session` (a cookie, the default) or `token` (access and refresh token in the answer, "
         "and every check asks for the token's live record)."},
    {"idle", CONFIG_DURATION, MEMBER(struct app, idle_ms), .min = SECOND, .max = 366 * DAY, .default_text = "",
     .help = "Ends a session that was not used for this long."},
    {"absolute", CONFIG_DURATION, MEMBER(struct app, absolute_ms), .min = SECOND, .max = 366 * DAY, .default_text = "",
     .help = "Ends a session this long after the login, whatever happens."},
    {"access", CONFIG_DURATION, MEMBER(struct app, access_ms), .min = SECOND, .max = HOUR, .default_text = "",
     .help = "Lifetime of access tokens, and of a sealed session's text until it is renewed: at most one hour."},
    {"same_site", CONFIG_WORD, MEMBER(struct app, same_site), .words = same_site_words, .default_text = "",
     .help = "`SameSite` of its cookies."},
    {"audience", CONFIG_TEXT, MEMBER(struct app, audience), .default_text = "",
     .help = "`aud` of its access tokens; by default the issuer."},
    {"roles_in_token", CONFIG_BOOL, MEMBER(struct app, roles_in_token), .default_text = "false",
     .help = "Put the roles into access tokens, where they stay until the token ends."},
    {"token_format", CONFIG_WORD, MEMBER(struct app, token_format), .words = token_words, .default_text = "",
     .help = "Format of its access tokens; by default `tokens.format`, which see. A change makes the keys it needs; "
             "tokens of the format before are accepted until they end."},
    {"origins", CONFIG_ORIGIN, offsetof(struct app, origins), URL_MAX + 1, offsetof(struct app, origin_count),
     ORIGINS_MAX, .default_text = "", .help = "Origins besides our own whose pages may call us for this app."},
};
const size_t app_key_count = sizeof(app_keys) / sizeof(app_keys[0]);

const struct config_key policy_keys[] = {
    {"kinds", CONFIG_FLAGS, MEMBER(struct policy, kinds), .words = kind_words, .default_text = "",
     .help = "Accepted credentials, of `session`, `token`, `key`, `sealed`; all when left out."},
    {"apps", CONFIG_NAME, offsetof(struct policy, apps), APP_NAME_MAX + 1, offsetof(struct policy, app_count),
     POLICY_NAMES_MAX, .default_text = "", .help = "Apps whose sessions and tokens are accepted; all when left out."},
    {"issuers", CONFIG_NAME, offsetof(struct policy, issuers), APP_NAME_MAX + 1, offsetof(struct policy, issuer_count),
     POLICY_NAMES_MAX, .default_text = "",
     .help = "Whose users are accepted, of `issuers`; `self` is this installation, without which no session, key or "
             "token of ours passes. Ours alone when left out."},
    {"roles", CONFIG_LABEL, offsetof(struct policy, roles), ROLE_MAX + 1, offsetof(struct policy, role_count),
     POLICY_NAMES_MAX, .default_text = "", .help = "The user needs one of these."},
    {"scopes", CONFIG_LABEL, offsetof(struct policy, scopes), ROLE_MAX + 1, offsetof(struct policy, scope_count),
     POLICY_NAMES_MAX, .default_text = "", .help = "An API key, or another issuer's token, needs all of these."},
    {"audience", CONFIG_TEXT, MEMBER(struct policy, audience), .default_text = "",
     .help = "`aud` that a token must have; by default its app's, or one of its issuer's."},
    {"login_age_max", CONFIG_DURATION, MEMBER(struct policy, login_age_max_ms), .min = SECOND, .max = 366 * DAY,
     .default_text = "", .help = "Oldest accepted login; any age when left out."},
    {"revocation", CONFIG_WORD, MEMBER(struct policy, revocation), .words = revocation_words, .default_text = "",
     .help = "`checked`, by default. `none`: tokens alone, by signature, times and audience: it goes on when no store "
             "answers, and a logout, suspension or change of roles is not felt before the token expires. The answer "
             "names the user's id and session, and no name or role."},
};
const size_t policy_key_count = sizeof(policy_keys) / sizeof(policy_keys[0]);

const struct config_key *config_key_find(const struct config_key *keys, size_t count, struct view name)
{
    for (size_t i = 0; i < count; i++)
        if (view_is(name, keys[i].name))
            return &keys[i];
    return NULL;
}

/* Edits (insert, delete, replace) that turn a into b; both short. */
static unsigned distance(struct view a, struct view b)
{
    enum { LONGEST = 64 };
    unsigned row[LONGEST + 1];
    if (a.len > LONGEST || b.len > LONGEST)
        return LONGEST;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned replace = diagonal + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);
            unsigned insert = row[j - 1] + 1, drop = row[j] + 1;
            diagonal = row[j];
            unsigned least = replace < insert ? replace : insert;
            row[j] = least < drop ? least : drop;
        }
    }
    return row[b.len];
}

static struct view last_part(struct view name)
{
    size_t i = name.len;
    while (i > 0 && name.ptr[i - 1] != '.')
        i--;
    return view_skip(name, i);
}

const char *config_key_nearest(const struct config_key *keys, size_t count, struct view name)
{
    const char *nearest = NULL;
    unsigned least = 0;
    for (size_t i = 0; i < count; i++) {
        struct view known = view_text(keys[i].name);
        unsigned d = distance(name, known);
        /* The right key in the wrong place ("cert" for "listen.tls.cert") is as good as one slip. */
        if (d > 1 && view_equal(last_part(name), last_part(known)))
            d = 1;
        if (d <= 1 + name.len / 4 && (nearest == NULL || d < least)) {
            nearest = keys[i].name;
            least = d;
        }
    }
    return nearest;
}

void config_key_variable(const struct config_key *k, struct buf *out)
{
    buf_text(out, "CARDEA_");
    for (const char *p = k->name; *p != 0; p++)
        buf_char(out, *p == '.' ? '_' : (char)toupper((unsigned char)*p));
}
