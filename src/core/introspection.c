#include "core/introspection.h"

#include "base/secret.h"
#include "base/text.h"
#include "core/grant.h"
#include "core/refresh.h"
#include "core/verify_token.h"

/* JWE's five segments; JWTs have three, PASETOs up to four. */
enum { SEALED_DOTS = 4 };

enum token_form token_form(struct view text)
{
    size_t dots = 0;
    for (size_t i = 0; i < text.len; i++)
        dots += text.ptr[i] == '.';
    if (dots > 0)
        return dots == SEALED_DOTS ? TOKEN_FORM_SEALED : TOKEN_FORM_ACCESS;
    if (view_starts(text, VIEW(API_KEY_PREFIX)) && text.len == API_KEY_TEXT)
        return TOKEN_FORM_KEY;
    if (text.len == REFRESH_TOKEN_TEXT)
        return TOKEN_FORM_REFRESH;
    return text.len == SESSION_COOKIE_TEXT ? TOKEN_FORM_SESSION : TOKEN_FORM_UNSET;
}

static enum credential_kind kind_of(enum token_form form)
{
    return form == TOKEN_FORM_ACCESS    ? KIND_TOKEN
           : form == TOKEN_FORM_SESSION ? KIND_SESSION
           : form == TOKEN_FORM_SEALED  ? KIND_SEALED
           : form == TOKEN_FORM_KEY     ? KIND_KEY
                                        : KIND_UNSET;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The table keeps names as /verify's headers want them (buf_percent_header); here they are themselves again. */
static bool plain_name(struct view encoded, char out[USERNAME_MAX + 1])
{
    struct buf b = buf_fixed(out, USERNAME_MAX + 1);
    for (size_t i = 0; i < encoded.len; i++) {
        int c = (unsigned char)encoded.ptr[i];
        if (c == '%') {
            if (encoded.len - i < 3)
                return false;
            int high = nibble(encoded.ptr[i + 1]), low = nibble(encoded.ptr[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        buf_char(&b, (char)c);
    }
    return buf_terminate(&b);
}

/* What a passed check says, and the times of a token, which only the text itself tells. */
static struct cardea_status describe(const struct verifier *v, enum token_form form, struct view text,
                                     const struct identity *who, struct introspection *out)
{
    struct introspection found = {
        .form = form,
        .sub = who->user.id,
        .sid = who->sid,
        .app = who->app,
        .audience = who->audience,
        .exp_s = who->expires_at_ms / 1000,
    };
    if (!plain_name(table_user_username(&who->user), found.username))
        return CARDEA_FAIL(E_INTERNAL);
    if (form == TOKEN_FORM_ACCESS) {
        struct proven_token t;
        struct cardea_status s = token_prove(v, text, &t);
        if (!cardea_ok(s))
            return s;
        found.iat_s = t.iat_s;
        found.nbf_s = t.nbf_s;
        memcpy(found.jti, who->jti.bytes, sizeof found.jti);
    } else if (form == TOKEN_FORM_SEALED) {
        struct sealed_session t;
        uint16_t app;
        struct cardea_status s = sealed_prove(v, text, &t, &app);
        if (!cardea_ok(s))
            return s;
        found.iat_s = t.iat_s;
    } else if (form == TOKEN_FORM_SESSION) {
        found.iat_s = who->authenticated_at_ms / 1000;
    } else {
        memcpy(found.jti, who->key.bytes, sizeof found.jti);
        memcpy(found.scopes, who->scopes, who->scopes_len);
    }
    *out = found;
    return CARDEA_SUCCESS;
}

/* A refusal found on the way is a no; what kept us from finding out is not. */
static enum verify_answer conclude(struct cardea_status s, struct cardea_status *ret_why)
{
    if (cardea_ok(s))
        return VERIFY_YES;
    *ret_why = s;
    enum cardea_class class = cardea_status_class(s);
    return class == CARDEA_CLASS_DENIED || class == CARDEA_CLASS_EXPIRED ? VERIFY_NO : VERIFY_UNKNOWN;
}

enum verify_answer introspect(const struct verifier *v, struct view text, struct introspection *out,
                              struct cardea_status *ret_why)
{
    struct identity who;
    enum token_form form = token_form(text);
    if (form == TOKEN_FORM_UNSET)
        return conclude(CARDEA_FAIL(E_INVALID_TOKEN), ret_why);
    if (form == TOKEN_FORM_REFRESH) {
        struct refresh_token t;
        struct cardea_status s = refresh_token_parse(v->keys, text, &t);
        secret_wipe(&t.secret, sizeof t.secret);
        /* Past its lease a verifier answers nothing, however good the store may look. */
        if (cardea_ok(s))
            s = v->table == NULL || table_valid(v->table, v->boot_ms) ? CARDEA_FAIL(E_NOT_FOUND)
                                                                      : CARDEA_FAIL(E_UNAVAILABLE);
        return conclude(s, ret_why);
    }
    enum verify_answer answer = verify_credential(v, kind_of(form), text, &who, ret_why);
    return answer == VERIFY_YES ? conclude(describe(v, form, text, &who, out), ret_why) : answer;
}

/* --- with the store --- */

static struct cardea_status describe_refresh(const struct refresh *r, const struct flow *f, struct introspection *out)
{
    struct introspection found = {
        .form = TOKEN_FORM_REFRESH,
        .sub = r->user.id,
        .sid = r->session.sid,
        .app = r->app,
        .exp_s = session_idle_end_ms(&r->session) / 1000,
    };
    memcpy(found.username, r->user.username, sizeof found.username);
    switch (refresh_judge(&r->session, &r->presented, f->now_ms)) {
    case REFRESH_ROTATE:
        found.iat_s = r->session.rotated_at_ms / 1000;
        break;
    case REFRESH_REPEAT: {
        int64_t grace_end_s = (r->session.rotated_at_ms + REFRESH_GRACE_MS) / 1000;
        found.exp_s = grace_end_s < found.exp_s ? grace_end_s : found.exp_s;
        break;
    }
    default:
        return CARDEA_FAIL(E_INVALID_TOKEN);
    }
    *out = found;
    return CARDEA_SUCCESS;
}

static struct cardea_status refresh_from_store(const struct verifier *v, const struct flow *f, struct view text,
                                               struct introspection *out)
{
    struct refresh r = {0};
    struct cardea_status s = refresh_token_parse(v->keys, text, &r.presented);
    if (cardea_ok(s))
        s = refresh_load(&r, f);
    if (cardea_ok(s))
        s = describe_refresh(&r, f, out);
    secret_wipe(&r.presented.secret, sizeof r.presented.secret);
    return s;
}

enum verify_answer introspect_stored(const struct verifier *v, const struct flow *f, struct view text,
                                     struct introspection *out, struct cardea_status *ret_why)
{
    struct identity who;
    enum token_form form = token_form(text);
    if (form == TOKEN_FORM_REFRESH)
        return conclude(refresh_from_store(v, f, text, out), ret_why);
    enum verify_answer answer = verify_stored(v, f->tx, f->ops, kind_of(form), text, &who, ret_why);
    return answer == VERIFY_YES ? conclude(describe(v, form, text, &who, out), ret_why) : answer;
}
