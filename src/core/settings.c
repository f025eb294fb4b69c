/* The profiles as data, the defaults, and look-ups by name. */
#include "core/settings.h"

#include "core/token_verifier.h"

#include <stdlib.h>

#define MINUTE_MS (60 * (int64_t)1000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define LIVE_ACCESS_MS (5 * MINUTE_MS) /* of a token whose record is asked anyway */

const struct profile_info profile_infos[] = {
    {
        .profile = PROFILE_WEB,
        .name = "web",
        .purpose = "A site whose pages are made on the server.",
        .credential = "session cookie",
        .tradeoff =
            "Log-out and role changes are felt at the next request, and scripts never see the credential. Every "
            "check needs the session's record (in memory, or the service's /verify), and the cookie works for "
            "one site only.",
        .carrier = CARRIER_SESSION_COOKIE,
        .idle_ms = 8 * HOUR_MS,
        .absolute_ms = 7 * DAY_MS,
        .same_site = SAME_SITE_STRICT,
        .available = true,
    },
    {
        .profile = PROFILE_SPA,
        .name = "spa",
        .purpose = "A single-page app and its API on one site.",
        .credential = "access and refresh token in two HttpOnly cookies",
        .tradeoff = "Services can check the access token by themselves, and scripts still never see a credential. The "
                    "page must refresh every 15 minutes and send a CSRF token; a verifier that only fetches the JWKS "
                    "learns of a log-out when the access token expires.",
        .carrier = CARRIER_TOKEN_COOKIES,
        .idle_ms = 7 * DAY_MS,
        .absolute_ms = 30 * DAY_MS,
        .access_ms = 15 * MINUTE_MS,
        .same_site = SAME_SITE_STRICT,
        .available = true,
    },
    {
        .profile = PROFILE_MOBILE,
        .name = "mobile",
        .purpose = "iOS and Android apps, command lines, other sites through their own back end.",
        .credential = "access and refresh token in the JSON answer",
        .tradeoff =
            "Long logins without cookies. The client keeps the refresh token: in Keychain or Keystore, never in a "
            "browser's localStorage; a stolen one is noticed only when both sides have used it.",
        .carrier = CARRIER_BODY,
        .idle_ms = 30 * DAY_MS,
        .absolute_ms = 90 * DAY_MS,
        .access_ms = 15 * MINUTE_MS,
        .available = true,
    },
    {
        .profile = PROFILE_SERVICE,
        .name = "service",
        .purpose = "Microservices that check tokens by themselves.",
        .credential = "signed access token, public keys by JWKS, revocation set",
        .tradeoff = "No request for a check. A service that asks /verify or holds the revocation set learns of a "
                    "revocation at once; one that only fetches the JWKS within the token's five minutes.",
        .carrier = CARRIER_BODY,
        .absolute_ms = 1 * DAY_MS,
        .access_ms = 5 * MINUTE_MS,
        .available = true,
    },
    {
        .profile = PROFILE_STRICT,
        .name = "strict",
        .purpose = "Banking, health: short sessions, every request checked against the live record.",
        .credential = "session cookie, or a token checked against its live record",
        .tradeoff =
            "An unattended browser is logged out after 15 minutes and everybody twice a day; people log in more "
            "often in exchange. With `credential: token` a program carries access and refresh token instead, and "
            "each check asks for the session's record: a service that only fetches the JWKS gets nothing of that.",
        .carrier = CARRIER_SESSION_COOKIE,
        .idle_ms = 15 * MINUTE_MS,
        .absolute_ms = 12 * HOUR_MS,
        .same_site = SAME_SITE_STRICT,
        .available = true,
    },
    {
        .profile = PROFILE_SEALED,
        .name = "sealed",
        .purpose = "Serverless rendering: the session travels in the cookie, encrypted.",
        .credential = "encrypted JWT in an HttpOnly cookie",
        .tradeoff =
            "A check reads no record, only the revocation set, so it costs the same with a million sessions and with "
            "none in memory. In exchange the text ends after 15 minutes and somebody (page or server) has to renew "
            "it at /v1/refresh, which asks for the record; and only the service, which has the keys, can open it.",
        .carrier = CARRIER_SEALED_COOKIE,
        .idle_ms = 2 * HOUR_MS,
        .absolute_ms = 12 * HOUR_MS,
        .access_ms = 15 * MINUTE_MS,
        .same_site = SAME_SITE_STRICT,
        .available = true,
    },
    {
        .profile = PROFILE_API,
        .name = "api",
        .purpose = "Third parties and programs, server to server.",
        .credential = "API key",
        .tradeoff =
            "One long-lived secret, simple to use from any program, revoked at the next request. It has no login, "
            "does not rotate by itself and must stay out of browsers and repositories.",
        .carrier = CARRIER_NONE,
        .absolute_ms = 365 * DAY_MS,
        .available = true,
    },
};

const size_t profile_info_count = sizeof(profile_infos) / sizeof(profile_infos[0]);

const struct profile_info *profile_find(struct view name)
{
    for (size_t i = 0; i < profile_info_count; i++)
        if (view_is(name, profile_infos[i].name))
            return &profile_infos[i];
    return NULL;
}

void app_from_profile(struct app *out, struct view name, const struct profile_info *p)
{
    memset(out, 0, sizeof(*out));
    view_copy(name, out->name, sizeof(out->name));
    out->profile = p->profile;
    out->carrier = p->carrier;
    out->idle_ms = p->idle_ms;
    out->absolute_ms = p->absolute_ms;
    out->access_ms = p->access_ms;
    out->same_site = p->same_site;
}

void app_take_tokens(struct app *a)
{
    a->credential = APP_CREDENTIAL_TOKEN;
    a->carrier = CARRIER_BODY;
    a->access_ms = LIVE_ACCESS_MS;
    a->same_site = SAME_SITE_UNSET;
    a->live = true;
}

int64_t app_sealed_reach_ms(const struct app *app)
{
    /* Seen last when it expired, or before. */
    bool until_idle = app->idle_ms > 0 && app->access_ms + app->idle_ms < app->absolute_ms;
    return until_idle ? app->access_ms + app->idle_ms : app->absolute_ms;
}

static void add_path(struct issuer_paths *p, const char *path)
{
    view_copy(view_text(path), p->paths[p->count++], sizeof p->paths[0]);
}

void issuer_defaults(struct issuer *out, struct view name)
{
    memset(out, 0, sizeof *out);
    view_copy(name, out->name, sizeof out->name);
    out->algorithms[out->algorithm_count++] = SIGNATURE_RS256;
    out->types = TOKEN_TYPE_ACCESS;
    view_copy(VIEW("aud"), out->audience_claim, sizeof out->audience_claim);
    view_copy(VIEW("sub"), out->user, sizeof out->user);
    view_copy(VIEW("email"), out->email, sizeof out->email);
    view_copy(VIEW("email_verified"), out->email_verified, sizeof out->email_verified);
    add_path(&out->username, "preferred_username");
    add_path(&out->client, "client_id");
    add_path(&out->client, "azp");
    add_path(&out->scopes, "scope");
    add_path(&out->scopes, "scp");
    out->leeway_ms = 30 * (int64_t)1000;
    out->lifetime_max_ms = DAY_MS;
    out->jwks_refresh_ms = 10 * (int64_t)1000;
    out->jwks_keep_ms = DAY_MS;
}

void settings_defaults(struct settings *out)
{
    memset(out, 0, sizeof(*out));
    out->refs = 1;
    out->generation = 1;
    view_copy(VIEW("http://127.0.0.1:8420"), out->public_url, sizeof(out->public_url));
    view_copy(VIEW("http://127.0.0.1:8420"), out->origin, sizeof(out->origin));
    out->identity_headers = IDENTITY_X_AUTH;
    for (size_t i = 0; i < profile_info_count; i++)
        if (profile_infos[i].available)
            app_from_profile(&out->apps[out->app_count++], view_text(profile_infos[i].name), &profile_infos[i]);
    out->argon2 = (struct argon2_cost){.memory_kib = 64 * 1024, .passes = 3};
    out->token_format = TOKEN_ES256;
    out->jwks_max_age_ms = 5 * MINUTE_MS;
    out->admin_login_age_ms = 12 * HOUR_MS;
    out->api_key_default_ms = 365 * DAY_MS;
    out->sessions_per_user_max = 100;
    out->api_keys_per_user_max = 100;
    out->guess_free = 5;
    out->guess_wait_max_ms = MINUTE_MS;
    out->guess_address_per_minute = 30;
    out->admin_on_main = true;
}

const struct app *settings_app(const struct settings *s, struct view name, uint16_t *ret_index)
{
    for (uint32_t i = 0; i < s->app_count; i++)
        if (s->apps[i].profile != PROFILE_UNSET && view_is(name, s->apps[i].name)) {
            if (ret_index != NULL)
                *ret_index = (uint16_t)i;
            return &s->apps[i];
        }
    return NULL;
}

const struct app *settings_app_at(const struct settings *s, uint16_t index)
{
    return index < s->app_count && s->apps[index].profile != PROFILE_UNSET ? &s->apps[index] : NULL;
}

const struct policy *settings_policy(const struct settings *s, struct view name)
{
    if (name.len == 0)
        return NULL;
    for (uint32_t i = 0; i < s->policy_count; i++)
        if (view_is(name, s->policies[i].name))
            return &s->policies[i];
    return NULL;
}

const struct issuer *settings_issuer(const struct settings *s, struct view name)
{
    for (uint32_t i = 0; i < s->issuer_count; i++)
        if (view_is(name, s->issuers[i].name))
            return &s->issuers[i];
    return NULL;
}

struct cardea_status settings_join_issuers(struct settings *s, uint32_t *ret_policy, const char **ret_name)
{
    for (uint32_t i = 0; i < s->policy_count; i++) {
        struct policy *p = &s->policies[i];
        p->issuer_bits = 0;
        p->own_tokens = p->issuer_count == 0;
        for (uint32_t j = 0; j < p->issuer_count; j++) {
            const struct issuer *issuer = settings_issuer(s, view_text(p->issuers[j]));
            if (strcmp(p->issuers[j], ISSUER_SELF) == 0) {
                p->own_tokens = true;
            } else if (issuer != NULL) {
                p->issuer_bits |= 1u << (issuer - s->issuers);
            } else {
                *ret_policy = i;
                *ret_name = p->issuers[j];
                return CARDEA_FAIL(E_NOT_FOUND);
            }
        }
    }
    return CARDEA_SUCCESS;
}

bool policy_own_tokens(const struct policy *p)
{
    return p == NULL || p->issuer_count == 0 || p->own_tokens;
}

struct view settings_audience(const struct settings *s, const struct app *app)
{
    return view_text(app->audience[0] != '\0' ? app->audience : s->public_url);
}

enum token_format settings_token_format(const struct settings *s, const struct app *app)
{
    return app->token_format != TOKEN_FORMAT_UNSET ? app->token_format : s->token_format;
}

token_formats settings_token_formats(const struct settings *s)
{
    token_formats formats = token_format_bit(s->token_format);
    for (uint16_t i = 0; i < s->app_count; i++)
        if (settings_app_at(s, i) != NULL &&
            (s->apps[i].carrier == CARRIER_TOKEN_COOKIES || s->apps[i].carrier == CARRIER_BODY))
            formats |= token_format_bit(settings_token_format(s, &s->apps[i]));
    return formats & ~token_format_bit(TOKEN_FORMAT_UNSET);
}

struct cardea_status settings_keep_places(struct settings *next, const struct settings *previous)
{
    uint32_t count = previous->app_count;
    uint16_t place_of[APPS_MAX];
    for (uint32_t i = 0; i < next->app_count; i++) {
        /* By name whether or not it is enabled now: an app that comes back gets its old place. */
        uint32_t place = 0;
        while (place < previous->app_count && strcmp(previous->apps[place].name, next->apps[i].name) != 0)
            place++;
        if (place == previous->app_count)
            place = count++;
        if (place >= APPS_MAX)
            return CARDEA_FAIL(E_LIMIT);
        place_of[i] = (uint16_t)place;
    }
    /* From a copy: places may swap. Apps that are gone leave their name, so that nobody else takes their place. */
    struct app *moved = calloc(count == 0 ? 1 : count, sizeof(*moved));
    if (moved == NULL)
        return CARDEA_FAIL(E_BUSY);
    for (uint32_t i = 0; i < previous->app_count; i++)
        memcpy(moved[i].name, previous->apps[i].name, sizeof(moved[i].name));
    for (uint32_t i = 0; i < next->app_count; i++)
        moved[place_of[i]] = next->apps[i];
    memcpy(next->apps, moved, count * sizeof(*moved));
    next->app_count = count;
    next->generation = previous->generation + 1;
    free(moved);
    return CARDEA_SUCCESS;
}
