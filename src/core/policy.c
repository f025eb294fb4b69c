/* Policies: may this identity pass? Declared in verify.h and settings.h. */
#include "core/verify.h"

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* Does a percent-encoded text stand for exactly this plain one? */
static bool encoded_is(struct view encoded, const char *plain)
{
    size_t i = 0;
    for (; i < encoded.len && *plain != '\0'; plain++) {
        int c = (unsigned char)encoded.ptr[i++];
        if (c == '%') {
            if (encoded.len - i < 2)
                return false;
            int high = hex_value(encoded.ptr[i]), low = hex_value(encoded.ptr[i + 1]);
            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c != (unsigned char)*plain)
            return false;
    }
    return i == encoded.len && *plain == '\0';
}

bool identity_has_role(const struct identity *who, const char *role)
{
    struct view one, rest = table_user_roles(&who->user);
    bool more = rest.len > 0;
    while (more) {
        more = view_cut(rest, ',', &one, &rest);
        if (one.len > 0 && encoded_is(one, role))
            return true;
    }
    return false;
}

bool identity_has_scope(const struct identity *who, const char *scope)
{
    struct view one, rest = view_of(who->scopes, who->scopes_len);
    bool more = rest.len > 0;
    while (more) {
        more = view_cut(rest, ' ', &one, &rest);
        if (view_is(one, scope))
            return true;
    }
    return false;
}

/* A key was made for no app: it passes where an app of programs is named. */
static bool app_accepted(const struct policy *p, const struct settings *s, const struct identity *who)
{
    for (uint32_t i = 0; i < p->app_count; i++) {
        if (who->app != NULL && strcmp(p->apps[i], who->app->name) == 0)
            return true;
        if (who->kind == KIND_KEY) {
            const struct app *app = settings_app(s, view_text(p->apps[i]), NULL);
            if (app != NULL && app->profile == PROFILE_API)
                return true;
        }
    }
    return p->app_count == 0;
}

static bool role_accepted(const struct policy *p, const struct identity *who)
{
    for (uint32_t i = 0; i < p->role_count; i++)
        if (identity_has_role(who, p->roles[i]))
            return true;
    return p->role_count == 0;
}

static bool scopes_accepted(const struct policy *p, const struct identity *who)
{
    for (uint32_t i = 0; who->kind == KIND_KEY && i < p->scope_count; i++)
        if (!identity_has_scope(who, p->scopes[i]))
            return false;
    return true;
}

static bool audience_accepted(const struct policy *p, const struct settings *s, const struct identity *who)
{
    if (who->kind != KIND_TOKEN)
        return true;
    if (p != NULL && p->audience[0] != '\0')
        return view_is(who->audience, p->audience);
    return who->app != NULL && view_equal(who->audience, settings_audience(s, who->app));
}

static struct cardea_status login_age(const struct policy *p, const struct identity *who, int64_t now_ms)
{
    if (p->login_age_max_ms == 0)
        return CARDEA_SUCCESS;
    if (who->kind == KIND_KEY)
        return CARDEA_FAIL(E_FORBIDDEN);
    if (who->authenticated_at_ms == 0)
        return CARDEA_FAIL(E_NOT_FOUND);
    return now_ms - who->authenticated_at_ms > p->login_age_max_ms ? CARDEA_FAIL(E_LOGIN_TOO_OLD) : CARDEA_SUCCESS;
}

struct cardea_status policy_check(const struct policy *p, const struct settings *s, const struct identity *who,
                                  int64_t now_ms)
{
    if (!audience_accepted(p, s, who))
        return CARDEA_FAIL(E_FORBIDDEN);
    if (p == NULL)
        return CARDEA_SUCCESS;
    if (!policy_own_tokens(p) || (p->kinds != 0 && (p->kinds & (unsigned)who->kind) == 0) || !app_accepted(p, s, who) ||
        !role_accepted(p, who) || !scopes_accepted(p, who))
        return CARDEA_FAIL(E_FORBIDDEN);
    return login_age(p, who, now_ms);
}
