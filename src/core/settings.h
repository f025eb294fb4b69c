/* Settings: everything an operator decides, as one immutable snapshot shared by reference. Filled by daemon/config,
 * read everywhere.
 *
 * Decides: the names, units, defaults and limits of what can be configured for core and http (the listener has its own
 * in daemon/). Durations are milliseconds. A snapshot is swapped on reload; an exchange keeps the one it began with.
 */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include "base/address.h"
#include "core/token_format.h"
#include "crypto/argon2.h"
#include "crypto/signature.h"
#include "store/store.h"

enum { APPS_MAX = 64, POLICIES_MAX = 64, ORIGINS_MAX = 16, POLICY_NAMES_MAX = 16, URL_MAX = 255, PROXIES_MAX = 32 };

enum profile {
    PROFILE_UNSET = 0, /* an app with it is disabled: not found by name, its credentials are refused */
    PROFILE_WEB,
    PROFILE_SPA,
    PROFILE_MOBILE,
    PROFILE_SERVICE,
    PROFILE_STRICT,
    PROFILE_SEALED,
    PROFILE_API,
};

enum same_site { SAME_SITE_UNSET = 0, SAME_SITE_STRICT, SAME_SITE_LAX };

/* Which one a profile that leaves the choice (strict) hands out. */
enum app_credential { APP_CREDENTIAL_UNSET = 0, APP_CREDENTIAL_SESSION, APP_CREDENTIAL_TOKEN };

/* How an app hands out its credentials; follows from the profile. */
enum carrier {
    CARRIER_UNSET = 0,
    CARRIER_SESSION_COOKIE, /* web, strict */
    CARRIER_TOKEN_COOKIES,  /* spa */
    CARRIER_BODY,           /* mobile, service; strict with a token */
    CARRIER_NONE,           /* api: no login */
    CARRIER_SEALED_COOKIE,  /* sealed */
};

struct app {
    char name[APP_NAME_MAX + 1];
    enum profile profile;
    enum carrier carrier;
    enum app_credential credential;
    bool live;                    /* its tokens are checked against their live record, each time */
    int64_t idle_ms, absolute_ms; /* of the session; for token profiles the refresh token's */
    int64_t access_ms;            /* of an access token or a sealed text; 0 where there is none; at most one hour */
    enum same_site same_site;
    char audience[URL_MAX + 1]; /* of its access tokens; "": the issuer (ask settings_audience) */
    bool roles_in_token;
    enum token_format token_format; /* UNSET: the installation's (ask settings_token_format) */
    uint32_t origin_count;
    char origins[ORIGINS_MAX][URL_MAX + 1]; /* allowed besides ours; exact */
};

/* What a policy of /verify accepts; kinds are bits. */
enum credential_kind { KIND_UNSET = 0, KIND_SESSION = 1, KIND_TOKEN = 2, KIND_KEY = 4, KIND_SEALED = 8 };

/* An issuer whose access tokens a policy may accept (core/issuer.h). Paths as core/token_verifier.h has them. */
enum {
    ISSUERS_MAX = 16,
    ISSUER_AUDIENCES_MAX = 8,
    ISSUER_ALGORITHMS_MAX = 10,
    ISSUER_PATHS_MAX = 4,
    ISSUER_PATH_MAX = 95,
    ISSUER_REQUIRED_MAX = 8,
    ISSUER_REQUIRED_LEN_MAX = 191,
    ISSUER_CLIENTS_MAX = 8,
    ISSUER_CLIENT_MAX = 127,
    ISSUER_SOURCE_MAX = 511,
};
#define ISSUER_SELF "self" /* in a policy's issuers: this installation */

struct issuer_paths {
    uint32_t count;
    char paths[ISSUER_PATHS_MAX][ISSUER_PATH_MAX + 1];
};

struct issuer {
    char name[APP_NAME_MAX + 1];
    char issuer[URL_MAX + 1]; /* iss, exactly */
    uint32_t audience_count, algorithm_count, required_count, client_count;
    char audiences[ISSUER_AUDIENCES_MAX][URL_MAX + 1]; /* one of these in aud; or in audience_claim */
    char audience_claim[ISSUER_PATH_MAX + 1];          /* which claim that is */
    enum signature_algorithm algorithms[ISSUER_ALGORITHMS_MAX];
    unsigned types;                                                  /* TOKEN_TYPE_… of core/token_verifier.h */
    char required[ISSUER_REQUIRED_MAX][ISSUER_REQUIRED_LEN_MAX + 1]; /* "path=value", or "path": there */
    char clients[ISSUER_CLIENTS_MAX][ISSUER_CLIENT_MAX + 1];         /* none: any */
    char user[ISSUER_PATH_MAX + 1];                                  /* of the caller's id */
    char email[ISSUER_PATH_MAX + 1], email_verified[ISSUER_PATH_MAX + 1];
    bool trust_email; /* without email_verified */
    struct issuer_paths username, client, roles, scopes;
    int64_t leeway_ms, lifetime_max_ms;
    char jwks[ISSUER_SOURCE_MAX + 1];    /* path of a file, or https://… */
    char jwks_ca[ISSUER_SOURCE_MAX + 1]; /* PEM of who may vouch for that server; "": the system's */
    int64_t jwks_refresh_ms;             /* least time between two fetches */
    int64_t jwks_keep_ms;                /* how long the last good set is used when the issuer is not heard of */
};

enum revocation_check {
    REVOCATION_CHECK_UNSET = 0, /* CHECKED */
    REVOCATION_CHECKED,
    REVOCATION_UNCHECKED, /* tokens alone, by what they say themselves */
};

struct policy {
    char name[APP_NAME_MAX + 1];
    unsigned kinds; /* of enum credential_kind; 0 means all */
    uint32_t app_count, role_count, scope_count;
    char apps[POLICY_NAMES_MAX][APP_NAME_MAX + 1]; /* none: any enabled app */
    char roles[POLICY_NAMES_MAX][ROLE_MAX + 1];    /* one of these; none: any */
    char scopes[POLICY_NAMES_MAX][ROLE_MAX + 1];   /* API keys: all of these */
    char audience[URL_MAX + 1];                    /* "" : the app's own */
    int64_t login_age_max_ms;                      /* 0: any */
    uint32_t issuer_count;
    char issuers[POLICY_NAMES_MAX][APP_NAME_MAX + 1]; /* whose users; none: ours alone */
    unsigned issuer_bits;                             /* of settings' issuers, by index; settings_join_issuers */
    bool own_tokens;                                  /* ours too; set by settings_join_issuers */
    enum revocation_check revocation;
};

enum identity_headers { IDENTITY_UNSET = 0, IDENTITY_X_AUTH, IDENTITY_REMOTE };

struct settings {
    int _Atomic refs;
    uint64_t generation;
    char public_url[URL_MAX + 1]; /* "https://id.example.com" without trailing slash; also the issuer */
    char origin[URL_MAX + 1];     /* scheme://host[:port] of public_url */
    char base_path[64];           /* "" or "/auth" */
    char cookie_domain[254];      /* "": __Host- */
    bool cookie_insecure_names;
    bool signup;
    bool login_by_email;
    enum identity_headers identity_headers;
    uint32_t app_count;
    struct app apps[APPS_MAX];
    uint32_t policy_count;
    struct policy policies[POLICIES_MAX];
    struct argon2_cost argon2;
    enum token_format token_format; /* of apps that say nothing; ES256 */
    int64_t jwks_max_age_ms;        /* 5m */
    int64_t admin_login_age_ms;     /* how old an administrator's login may be: 12h */
    int64_t api_key_default_ms;     /* 1y */
    uint32_t sessions_per_user_max; /* 100: a login past it ends the oldest */
    uint32_t api_keys_per_user_max; /* 100 */
    /* Guessing (core/guess.h). */
    uint32_t guess_free;               /* failures before the first wait: 5 */
    int64_t guess_wait_max_ms;         /* 60s: so that the owner is never locked out for long */
    uint32_t guess_address_per_minute; /* failures an address may have a minute: 30 */
    bool admin_on_main;                /* false when admin_listen is set */
    uint32_t issuer_count;
    struct issuer issuers[ISSUERS_MAX]; /* last: what is not used of it costs no memory */
};

/* Which enabled app; NULL: none of that name. *ret_index (may be NULL) is its index for the verification table. */
const struct app *settings_app(const struct settings *s, struct view name, uint16_t *ret_index);
/* The other way round: the enabled app at an index, NULL when there is none (any more). */
const struct app *settings_app_at(const struct settings *s, uint16_t index);
const struct policy *settings_policy(const struct settings *s, struct view name);
/* NULL: none of that name. */
const struct issuer *settings_issuer(const struct settings *s, struct view name);
/* Fill in what policies say by issuers' names. *ret_policy, *ret_name on failure: where, and who is not known.
 * fails: E_NOT_FOUND. */
struct cardea_status settings_join_issuers(struct settings *s, uint32_t *ret_policy,
                                           const char **ret_name) CARDEA_CHECKED;
/* May users of our own pass this policy (NULL: plain /verify), by tokens or anything else? */
bool policy_own_tokens(const struct policy *p);
/* The audience of an app's access tokens: its own, by default the issuer. Borrowed from the snapshot. */
struct view settings_audience(const struct settings *s, const struct app *app);
/* The format of an app's access tokens. */
enum token_format settings_token_format(const struct settings *s, const struct app *app);
/* The formats that keys are needed for: the installation's own, and those of enabled apps that hand out tokens. */
token_formats settings_token_formats(const struct settings *s);
/* For a reload: move next's apps so that each one that `previous` knew keeps its index, which the verification table
 * holds. An app that is gone keeps its place with PROFILE_UNSET: disabled, and nobody else's. So walk apps with
 * settings_app_at. Also sets next's generation, by which caches know that they are out of date.
 * fails: E_LIMIT when old and new apps together exceed APPS_MAX; E_BUSY without memory. next is then unusable. */
struct cardea_status settings_keep_places(struct settings *next, const struct settings *previous) CARDEA_CHECKED;

/* The profiles (DESIGN section 4): name, purpose, trade-off, defaults. */
struct profile_info {
    const char *name, *purpose, *credential, *tradeoff;
    int64_t idle_ms, absolute_ms, access_ms;
    enum profile profile;
    enum carrier carrier;
    enum same_site same_site;
    bool available;
};
extern const struct profile_info profile_infos[];
extern const size_t profile_info_count;
const struct profile_info *profile_find(struct view name);
/* The longest that a renewal of an app's sealed text may come after it was made: what a key that sealed it must
 * outlive. */
int64_t app_sealed_reach_ms(const struct app *app);
/* An app with its profile's defaults. */
void app_from_profile(struct app *out, struct view name, const struct profile_info *p);
/* A strict app's other choice: tokens in the body, each checked against its live record. */
void app_take_tokens(struct app *a);
/* An issuer with everything that has a default. */
void issuer_defaults(struct issuer *out, struct view name);
/* Everything a new development state has: one app a profile, named like it; origin http://127.0.0.1:8420. */
void settings_defaults(struct settings *out);

#endif
