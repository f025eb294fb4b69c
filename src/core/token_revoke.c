#include "core/token_revoke.h"

#include "base/json.h"
#include "core/issuer.h"

#include <stdlib.h>

enum { DETAIL_MAX = 128 };

/* Every audience that a token of ours can have, of apps that are switched off too. */
static struct cardea_status read_access(const struct settings *s, const struct keyring *keys, struct view text,
                                        int64_t now_ms, struct token_revoke *out)
{
    struct view audiences[APPS_MAX + POLICIES_MAX];
    struct access_expectation want = {view_text(s->public_url), audiences, 0};
    struct access_token token;
    for (uint32_t i = 0; i < s->app_count; i++)
        audiences[want.audience_count++] = settings_audience(s, &s->apps[i]);
    for (uint32_t i = 0; i < s->policy_count; i++)
        if (s->policies[i].audience[0] != '\0')
            audiences[want.audience_count++] = view_text(s->policies[i].audience);
    struct cardea_status status = access_token_verify(keys, text, &want, now_ms, &token);
    if (!cardea_ok(status))
        return status;
    out->jti = token.claims.jti;
    out->sub = token.claims.sub;
    out->sid = token.claims.sid;
    out->exp_s = token.claims.exp_s;
    return CARDEA_SUCCESS;
}

static struct cardea_status read_sealed(const struct keyring *keys, struct view text, int64_t now_ms,
                                        struct logout *out)
{
    struct sealed_session t;
    struct cardea_status s = sealed_open_aged(&keys->sealed, text, now_ms, &t);
    if (!cardea_ok(s))
        return s;
    out->by = LOGOUT_SEALED;
    out->sid = t.sid;
    out->user = t.sub;
    out->epoch = t.epoch;
    out->good_until_ms = t.exp_s * 1000;
    memcpy(out->app_name, t.app, sizeof out->app_name);
    return CARDEA_SUCCESS;
}

/* Does it say that a trusted issuer made it? Believed for a refusal alone. */
static bool is_foreign(const struct settings *s, struct view text)
{
    struct policy any = {.issuer_bits = s->issuer_count == 0 ? 0 : (2u << (s->issuer_count - 1)) - 1};
    struct token_space *space = s->issuer_count == 0 ? NULL : malloc(sizeof *space);
    size_t which;
    bool foreign = space != NULL && cardea_ok(foreign_issuer(s, &any, text, space, &which));
    free(space);
    return foreign;
}

struct cardea_status token_revoke_read(const struct settings *s, const struct keyring *keys, struct view text,
                                       int64_t now_ms, struct token_revoke *out)
{
    *out = (struct token_revoke){.form = token_form(text)};
    switch (out->form) {
    case TOKEN_FORM_ACCESS: {
        struct cardea_status status = read_access(s, keys, text, now_ms, out);
        return status.code == CARDEA_E_INVALID_TOKEN && is_foreign(s, text) ? CARDEA_FAIL(E_USAGE) : status;
    }
    case TOKEN_FORM_REFRESH:
        out->logout.by = LOGOUT_REFRESH;
        return refresh_token_parse(keys, text, &out->logout.refresh);
    case TOKEN_FORM_SESSION:
        out->logout.by = LOGOUT_COOKIE;
        return session_cookie_parse(keys, text, &out->logout.cookie);
    case TOKEN_FORM_SEALED:
        return read_sealed(keys, text, now_ms, &out->logout);
    case TOKEN_FORM_KEY:
        return CARDEA_FAIL(E_USAGE);
    case TOKEN_FORM_UNSET:
        break;
    }
    return CARDEA_FAIL(E_INVALID_TOKEN);
}

/* {"api_key": by, "jti": …} */
static struct view put_detail(char room[DETAIL_MAX], struct api_key_id by, const struct token_id *jti)
{
    struct buf b = buf_fixed(room, DETAIL_MAX);
    buf_text(&b, "{\"api_key\":\"");
    buf_api_key_id(&b, by);
    if (jti != NULL) {
        buf_text(&b, "\",\"jti\":\"");
        buf_token_id(&b, *jti);
    }
    buf_text(&b, "\"}");
    return buf_ok(&b) ? buf_view(&b) : VIEW_EMPTY;
}

static struct cardea_status end_token(const struct token_revoke *r, const struct flow *f, struct api_key_id by)
{
    char room[DETAIL_MAX];
    struct revocation revocation = {
        .kind = REVOCATION_TOKEN,
        .until_ms = r->exp_s * 1000 + REVOCATION_SLACK_MS,
    };
    if (f->table != NULL && table_find_token(f->table, r->jti) == TABLE_REVOKED)
        return CARDEA_SUCCESS;
    memcpy(revocation.id, r->jti.bytes, sizeof r->jti.bytes);
    struct cardea_status s =
        flow_event(f, AUDIT_token_revoked, &r->sub, &r->sid, put_detail(room, by, &r->jti), &revocation);
    if (!cardea_ok(s))
        return s;
    return change_add(f->changes, (struct change){.kind = CHANGE_TOKEN_END, .revocation = revocation});
}

struct cardea_status token_revoke_commit(struct token_revoke *r, const struct flow *f, struct api_key_id by)
{
    char room[DETAIL_MAX];
    if (r->form == TOKEN_FORM_ACCESS)
        return end_token(r, f, by);
    struct cardea_status s = logout_load(&r->logout, f);
    if (s.code == CARDEA_E_INVALID_TOKEN || s.code == CARDEA_E_INVALID_SESSION)
        return CARDEA_SUCCESS;
    if (!cardea_ok(s))
        return s;
    return flow_session_end(f, &r->logout.session, AUDIT_session_revoked, put_detail(room, by, NULL));
}
