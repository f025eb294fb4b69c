#include "core/grant.h"

#include "base/secret.h"
#include "base/text.h"

enum { EVICTION_PAGE = 50 };

int64_t session_idle_end_ms(const struct session_record *s)
{
    if (s->idle_ms == 0 || s->last_seen_at_ms > s->expires_at_ms - s->idle_ms)
        return s->expires_at_ms;
    return s->last_seen_at_ms + s->idle_ms;
}

bool session_expired(const struct session_record *s, int64_t now_ms)
{
    return now_ms >= session_idle_end_ms(s);
}

/* User-Agent is a client's text on its way to a list of devices: cut, and only what prints. */
static void clean_user_agent(struct view in, char out[USER_AGENT_MAX + 1])
{
    size_t len = 0;
    for (size_t i = 0; i < in.len && len < USER_AGENT_MAX; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        out[len++] = (char)(c < 0x20 || c > 0x7e ? '?' : c);
    }
    out[len] = '\0';
}

/* Room for one more: the oldest live sessions past the limit end. */
static struct cardea_status evict(const struct flow *f, const struct user_record *user)
{
    uint32_t kept = 0, ended = 0;
    struct page page = {.limit = EVICTION_PAGE};
    struct session_record *rows = arena_new(f->arena, EVICTION_PAGE * sizeof *rows);
    if (rows == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    do {
        uint32_t count;
        struct cardea_status s = f->ops->session_list(f->tx, &user->id, user->epoch, &page, rows, &count, &page.after);
        if (!cardea_ok(s))
            return s;
        for (uint32_t i = 0; i < count; i++) {
            session_freshen(f->table, &rows[i]);
            if (session_expired(&rows[i], f->now_ms) || ++kept < f->settings->sessions_per_user_max)
                continue;
            if (ended++ == GRANT_EVICTIONS_MAX)
                return CARDEA_SUCCESS;
            s = flow_session_end(f, &rows[i], AUDIT_session_revoked, VIEW("{\"reason\":\"sessions_per_user_max\"}"));
            if (!cardea_ok(s))
                return s;
        }
    } while (page.after.text[0] != '\0');
    return CARDEA_SUCCESS;
}

static void fill(const struct flow *f, const struct grant_request *want, struct grant *out)
{
    struct session_record *r = &out->session;
    *out = (struct grant){0};
    r->user = want->user->id;
    r->epoch = want->user->epoch;
    r->remember = want->remember;
    r->created_at_ms = r->authenticated_at_ms = r->last_seen_at_ms = f->now_ms;
    r->expires_at_ms = f->now_ms + want->app->absolute_ms;
    r->idle_ms = want->app->idle_ms;
    r->ip = f->client;
    memcpy(r->app, want->app->name, sizeof r->app);
    clean_user_agent(f->user_agent, r->user_agent);
    entropy_fill(f->entropy, r->sid.bytes, sizeof r->sid.bytes);
    if (want->app->carrier == CARRIER_SESSION_COOKIE) {
        r->kind = SESSION_COOKIE;
        entropy_fill(f->entropy, out->cookie.bytes, sizeof out->cookie.bytes);
        secret_digest(&out->cookie, r->secret_digest);
    } else if (want->app->carrier == CARRIER_SEALED_COOKIE) {
        r->kind = SESSION_SEALED;
    } else {
        r->kind = SESSION_TOKEN;
        r->generation = 1;
        r->rotated_at_ms = f->now_ms;
        out->refresh.sid = r->sid;
        out->refresh.generation = 1;
        entropy_fill(f->entropy, out->refresh.secret.bytes, sizeof out->refresh.secret.bytes);
        secret_digest(&out->refresh.secret, r->refresh_digest);
        entropy_fill(f->entropy, r->refresh_nonce, sizeof r->refresh_nonce);
    }
}

struct cardea_status grant_session(const struct flow *f, const struct grant_request *want, struct grant *out)
{
    struct grant g;
    struct session_record *kept = arena_new(f->arena, sizeof *kept);
    if (kept == NULL || want->app->carrier == CARRIER_NONE || want->app->carrier == CARRIER_UNSET)
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status s = evict(f, want->user);
    if (!cardea_ok(s))
        return s;
    fill(f, want, &g);
    *kept = g.session;
    s = f->ops->session_create(f->tx, kept);
    if (cardea_ok(s))
        s = change_add(f->changes, (struct change){.kind = CHANGE_SESSION_PUT, .session = kept});
    if (cardea_ok(s))
        *out = g;
    secret_wipe(&g, sizeof g);
    return s;
}

struct cardea_status grant_access_token(const struct settings *settings, const struct keyring *keys,
                                        const struct entropy *entropy, const struct app *app,
                                        const struct user_record *user, const struct session_record *session,
                                        int64_t now_ms, struct buf *out, int64_t *ret_expires_in_s)
{
    int64_t lifetime_ms = app->access_ms;
    if (lifetime_ms > session->expires_at_ms - now_ms)
        lifetime_ms = session->expires_at_ms - now_ms;
    if (lifetime_ms < 1000)
        return CARDEA_FAIL(E_EXPIRED);
    struct access_claims c = {
        .sub = user->id,
        .sid = session->sid,
        .epoch = user->epoch,
        .iat_s = now_ms / 1000,
        .exp_s = (now_ms + lifetime_ms) / 1000,
    };
    entropy_fill(entropy, c.jti.bytes, sizeof c.jti.bytes);
    memcpy(c.client_id, app->name, sizeof c.client_id);
    if (!view_copy(settings_audience(settings, app), c.audience, sizeof c.audience))
        return CARDEA_FAIL(E_INTERNAL);
    if (app->roles_in_token)
        memcpy(c.roles, user->roles, sizeof c.roles);
    struct cardea_status s = access_token_sign(keys, settings_token_format(settings, app), entropy,
                                               view_text(settings->public_url), &c, out);
    if (cardea_ok(s))
        *ret_expires_in_s = c.exp_s - c.iat_s;
    return s;
}

struct cardea_status grant_sealed(const struct keyring *keys, const struct entropy *entropy, const struct app *app,
                                  const struct session_record *session, int64_t now_ms, struct buf *out,
                                  int64_t *ret_expires_in_s)
{
    struct sealed_session whole = {
        .sid = session->sid,
        .sub = session->user,
        .epoch = session->epoch,
        .end_s = session->expires_at_ms / 1000,
    };
    struct sealed_session now;
    memcpy(whole.app, session->app, sizeof whole.app);
    struct cardea_status s = sealed_renew(&whole, now_ms, app->access_ms / 1000, &now);
    if (cardea_ok(s))
        s = sealed_seal(&keys->sealed, &now, entropy, out);
    if (cardea_ok(s))
        *ret_expires_in_s = now.exp_s - now.iat_s;
    return s;
}
