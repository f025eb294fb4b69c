/* The keys of `issuers`: whom else we trust, where their keys are, what their claims mean. */
#include "core/issuer.h"
#include "daemon/config_keys.h"
#include "daemon/https_get.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define AT(member) offsetof(struct issuer, member), sizeof(((struct issuer *)0)->member)
#define LIST(items, count, max)                                                                                        \
    offsetof(struct issuer, items), sizeof(((struct issuer *)0)->items[0]), offsetof(struct issuer, count), max
#define PATHS(member) LIST(member.paths, member.count, ISSUER_PATHS_MAX)

static const struct config_word algorithm_words[] = {{"RS256", SIGNATURE_RS256},
                                                     {"RS384", SIGNATURE_RS384},
                                                     {"RS512", SIGNATURE_RS512},
                                                     {"PS256", SIGNATURE_PS256},
                                                     {"PS384", SIGNATURE_PS384},
                                                     {"PS512", SIGNATURE_PS512},
                                                     {"ES256", SIGNATURE_ES256},
                                                     {"ES384", SIGNATURE_ES384},
                                                     {"ES512", SIGNATURE_ES512},
                                                     {"EdDSA", SIGNATURE_ED25519},
                                                     {NULL, 0}};
static const struct config_word type_words[] = {{"at+jwt", TOKEN_TYPE_ACCESS},
                                                {"JWT", TOKEN_TYPE_JWT},
                                                {"none", TOKEN_TYPE_NONE},
                                                {"any", TOKEN_TYPE_ANY},
                                                {NULL, 0}};

const struct config_key issuer_keys[] = {
    {"issuer", CONFIG_ISSUER, AT(issuer), .default_text = "",
     .help = "`iss` of its tokens, to the letter (Auth0's ends in a slash). Needed."},
    {"audience", CONFIG_TEXT, LIST(audiences, audience_count, ISSUER_AUDIENCES_MAX), .default_text = "",
     .help = "Tokens for one of these are for us. Needed."},
    {"audience_claim", CONFIG_CLAIM, AT(audience_claim), .default_text = "aud",
     .help = "Which claim holds it; `client_id` for Amazon Cognito, whose access tokens have no `aud`."},
    {"algorithms", CONFIG_WORD, LIST(algorithms, algorithm_count, ISSUER_ALGORITHMS_MAX), .words = algorithm_words,
     .default_text = "RS256",
     .help = "Accepted signatures, of `RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA`. An RSA key of the "
             "set that names none is for the first RSA one here."},
    {"types", CONFIG_FLAGS, AT(types), .words = type_words, .default_text = "at+jwt",
     .help = "Accepted `typ` of the token's header: `at+jwt`, `JWT`, `none` (left out) or `any`. Beyond `at+jwt` a "
             "`require` must tell access tokens from ID tokens, where audiences do not."},
    {"jwks", CONFIG_KEY_SET, AT(jwks), .default_text = "",
     .help = "Its public keys (a JWK Set): an `https://` URL, or the path of a file, which is read again when it "
             "changes. Needed."},
    {"jwks_ca", CONFIG_PATH, AT(jwks_ca), .default_text = "",
     .help = "File with the certificates (PEM) that may vouch for that server, instead of the system's."},
    {"jwks_refresh", CONFIG_DURATION, AT(jwks_refresh_ms), .min = SECOND, .max = HOUR, .default_text = "10s",
     .help = "Least time between two fetches, however many tokens name a key that the set has not."},
    {"jwks_keep", CONFIG_DURATION, AT(jwks_keep_ms), .min = SECOND, .max = 30 * DAY, .default_text = "1d",
     .help = "How long the last good set stays in use while the issuer can not be reached."},
    {"require", CONFIG_REQUIRED, LIST(required, required_count, ISSUER_REQUIRED_MAX), .default_text = "",
     .help = "Claims that must be there, `CLAIM` or `CLAIM=VALUE`: `token_use=access`."},
    {"clients", CONFIG_TEXT, LIST(clients, client_count, ISSUER_CLIENTS_MAX), .default_text = "",
     .help = "Clients whose tokens are accepted; any when left out."},
    {"user", CONFIG_CLAIM, AT(user), .default_text = "sub",
     .help = "Claim with the user's id, for `X-Auth-User`; `oid` for Entra ID, where `sub` differs by application."},
    {"username", CONFIG_CLAIM, PATHS(username), .default_text = "preferred_username",
     .help = "Claims with the user name; the first that is there counts."},
    {"email", CONFIG_CLAIM, AT(email), .default_text = "email", .help = "Claim with the e-mail address."},
    {"email_verified", CONFIG_CLAIM, AT(email_verified), .default_text = "email_verified",
     .help = "Claim that must be `true` for the address to count."},
    {"trust_email", CONFIG_BOOL, AT(trust_email), .default_text = "false",
     .help = "Take this issuer's addresses without that claim. Not where users choose them (Entra ID)."},
    {"roles", CONFIG_CLAIM, PATHS(roles), .default_text = "",
     .help = "Claims with roles, all of them: lists, or texts with spaces between. None when left out."},
    {"scopes", CONFIG_CLAIM, PATHS(scopes), .default_text = "scope, scp", .help = "Claims with scopes, likewise."},
    {"client", CONFIG_CLAIM, PATHS(client), .default_text = "client_id, azp",
     .help = "Claims with the client; the first that is there counts."},
    {"leeway", CONFIG_DURATION, AT(leeway_ms), .min = SECOND, .max = TOKEN_LEEWAY_MAX_S * SECOND, .default_text = "30s",
     .help = "How far its clock may be off, for `exp`, `iat` and `nbf`."},
    {"lifetime_max", CONFIG_DURATION, AT(lifetime_max_ms), .min = MINUTE, .max = 30 * DAY, .default_text = "1d",
     .help = "Longest accepted lifetime, `exp` less `iat`: we hear of no revocation before `exp`."},
};
const size_t issuer_key_count = sizeof(issuer_keys) / sizeof(issuer_keys[0]);

/* --- values --- */

static struct cardea_status refuse(char reason[CONFIG_REASON_MAX], const char *why)
{
    snprintf(reason, CONFIG_REASON_MAX, "%s", why);
    return CARDEA_FAIL(E_USAGE);
}

static bool printable(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] <= 0x20 || v.ptr[i] > 0x7e)
            return false;
    return true;
}

/* https://HOST[:PORT][/PATH], and nothing that a reader could take for another host. */
static bool https_url(struct view v)
{
    struct view scheme = VIEW("https://");
    if (!view_starts(v, scheme) || !printable(v))
        return false;
    struct view host = view_skip(v, scheme.len), rest;
    view_cut(host, '/', &host, &rest);
    return host.len > 0 && !view_has(v, '@') && !view_has(v, '#') && !view_has(v, '\\') && !view_has(host, '?') &&
           !view_has(host, '%') && host.ptr[0] != ':' && host.ptr[0] != '.';
}

static struct cardea_status claim_check(struct view v, char reason[CONFIG_REASON_MAX])
{
    if (v.len == 0)
        return refuse(reason, "is empty");
    if (v.ptr[0] == '/')
        return v.len > 1 ? CARDEA_SUCCESS : refuse(reason, "has no name behind its slash");
    if (view_has(v, '.') && memmem(v.ptr, v.len, "://", 3) == NULL)
        return refuse(reason, "has a dot: write /a/b for a claim b inside a, and /a.b for one whose name has a dot");
    return CARDEA_SUCCESS;
}

static struct cardea_status key_set_check(struct view v, char reason[CONFIG_REASON_MAX])
{
    if (view_starts(v, VIEW("https://"))) {
        if (!https_url(v))
            return refuse(reason, "must be https://HOST/PATH, without user, fragment or spaces");
        return https_available() ? CARDEA_SUCCESS
                                 : refuse(reason, "is an URL, and this program was built without libcurl: use a file");
    }
    if (v.len == 0 || memmem(v.ptr, v.len, "://", 3) != NULL)
        return refuse(reason, "must be an https:// URL or the path of a file");
    return CARDEA_SUCCESS;
}

struct cardea_status config_issuer_value(enum config_type type, struct view v, char reason[CONFIG_REASON_MAX])
{
    struct view claim, value;
    switch (type) {
    case CONFIG_ISSUER:
        return https_url(v) && !view_has(v, '?') ? CARDEA_SUCCESS
                                                 : refuse(reason, "must be an https:// URL without query and fragment");
    case CONFIG_CLAIM:
        return claim_check(v, reason);
    case CONFIG_REQUIRED:
        if (view_has(v, ','))
            return refuse(reason, "must not have a comma");
        view_cut(v, '=', &claim, &value);
        return claim_check(claim, reason);
    case CONFIG_KEY_SET:
        return key_set_check(v, reason);
    default:
        return CARDEA_FAIL(E_INTERNAL);
    }
}

/* --- what belongs together --- */

static struct cardea_status check_issuer(const struct config *c, struct config_error *error, uint32_t index)
{
    const struct issuer *i = &c->settings.issuers[index];
    const struct config_origin *at = &c->issuer_origins[index];
    bool by_url = view_starts(view_text(i->jwks), VIEW("https://"));
    if (i->issuer[0] == '\0' || i->audience_count == 0 || i->jwks[0] == '\0')
        return config_refuse_at(c, error, at, "issuers.%s has no %s", i->name,
                                i->issuer[0] == '\0'     ? "issuer"
                                : i->audience_count == 0 ? "audience"
                                                         : "jwks");
    for (uint32_t a = 0; a < i->audience_count; a++)
        if (i->audiences[a][0] == '\0')
            return config_refuse_at(c, error, at, "issuers.%s.audience has an empty text", i->name);
    if (strcmp(i->issuer, c->settings.public_url) == 0)
        return config_refuse_at(c, error, at, "issuers.%s.issuer is this installation's own public_url", i->name);
    if (i->algorithm_count == 0 || i->types == 0)
        return config_refuse_at(c, error, at, "issuers.%s.%s is empty: nothing would be accepted", i->name,
                                i->types == 0 ? "types" : "algorithms");
    if (i->audience_claim[0] == '/')
        return config_refuse_at(c, error, at, "issuers.%s.audience_claim must be the name of a claim", i->name);
    if (i->jwks_ca[0] != '\0' && !by_url)
        return config_refuse_at(c, error, at, "issuers.%s.jwks_ca has no meaning for a file", i->name);
    if (!by_url && access(i->jwks, R_OK) != 0)
        return config_refuse_at(c, error, at, "issuers.%s.jwks: %.150s can not be read", i->name, i->jwks);
    if (i->jwks_ca[0] != '\0' && access(i->jwks_ca, R_OK) != 0)
        return config_refuse_at(c, error, at, "issuers.%s.jwks_ca: %.150s can not be read", i->name, i->jwks_ca);
    return CARDEA_SUCCESS;
}

static bool has_audience(const struct issuer *i, const char *audience)
{
    for (uint32_t a = 0; a < i->audience_count; a++)
        if (strcmp(i->audiences[a], audience) == 0)
            return true;
    return audience[0] == '\0';
}

/* A policy that names foreign issuers: nothing in it may be a condition that their tokens can never meet, or one that
 * would be passed over in silence. */
static struct cardea_status check_policy(const struct config *c, struct config_error *error, uint32_t index)
{
    const struct settings *s = &c->settings;
    const struct policy *p = &s->policies[index];
    const struct config_origin *at = &c->policy_origins[index];
    if (p->issuer_count == 0)
        return CARDEA_SUCCESS;
    if (p->kinds != 0 && (p->kinds & KIND_TOKEN) == 0)
        return config_refuse_at(c, error, at, "policies.%s has issuers, but its kinds have no token", p->name);
    if (!p->own_tokens && (p->kinds & ~(unsigned)KIND_TOKEN) != 0)
        return config_refuse_at(c, error, at,
                                "policies.%s has kinds that only our own users have: add self to its issuers, or take "
                                "the kinds away",
                                p->name);
    if (p->issuer_bits != 0 && p->app_count > 0)
        return config_refuse_at(c, error, at, "policies.%s has apps, which tokens of other issuers have not", p->name);
    if (s->identity_headers == IDENTITY_REMOTE && p->issuer_count > 1)
        return config_refuse_at(c, error, at,
                                "policies.%s: with verify.headers remote a policy may have one issuer, because "
                                "Remote-User can not say whose user it is",
                                p->name);
    for (uint32_t i = 0; i < s->issuer_count; i++) {
        if ((p->issuer_bits & 1u << i) == 0)
            continue;
        if (!has_audience(&s->issuers[i], p->audience))
            return config_refuse_at(c, error, at, "policies.%s.audience is none of issuers.%s.audience", p->name,
                                    s->issuers[i].name);
        for (uint32_t j = 0; j < i; j++)
            if ((p->issuer_bits & 1u << j) != 0 && strcmp(s->issuers[i].issuer, s->issuers[j].issuer) == 0)
                return config_refuse_at(c, error, at, "policies.%s names %s and %s, which are the same issuer", p->name,
                                        s->issuers[j].name, s->issuers[i].name);
    }
    return CARDEA_SUCCESS;
}

struct cardea_status config_settle_issuers(struct config *c, struct config_error *error)
{
    uint32_t policy = 0;
    const char *name = "";
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t i = 0; cardea_ok(s) && i < c->settings.issuer_count; i++)
        s = check_issuer(c, error, i);
    if (!cardea_ok(s))
        return s;
    if (!cardea_ok(settings_join_issuers(&c->settings, &policy, &name)))
        return config_refuse_at(c, error, &c->policy_origins[policy],
                                "policies.%s.issuers names %s, which is not among issuers",
                                c->settings.policies[policy].name, name);
    for (uint32_t i = 0; cardea_ok(s) && i < c->settings.policy_count; i++)
        s = check_policy(c, error, i);
    return s;
}
