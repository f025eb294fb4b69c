#include "library/caller.h"

#include "base/secret.h"
#include "base/text.h"
#include "library/library.h"

#include <stdlib.h>

void caller_reset(struct cardea_caller *c)
{
    c->who.kind = KIND_UNSET;
    c->user[0] = c->session[0] = c->app[0] = c->scopes[0] = c->texts[0] = '\0';
    c->username = c->email = c->name = c->roles = c->texts;
}

static unsigned hex_value(char c)
{
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                  : 16;
}

/* The table keeps texts as headers carry them, percent-encoded: never longer when decoded. */
static char *decode(struct view encoded, char *out)
{
    for (size_t i = 0; i < encoded.len; i++) {
        char c = encoded.ptr[i];
        if (c == '%' && encoded.len - i > 2 && hex_value(encoded.ptr[i + 1]) < 16 &&
            hex_value(encoded.ptr[i + 2]) < 16) {
            c = (char)(hex_value(encoded.ptr[i + 1]) * 16 + hex_value(encoded.ptr[i + 2]));
            i += 2;
        }
        *out++ = c;
    }
    *out++ = '\0';
    return out;
}

void caller_fill(struct cardea_caller *c)
{
    struct buf user = buf_fixed(c->user, sizeof c->user), session = buf_fixed(c->session, sizeof c->session);
    buf_user_id(&user, c->who.user.id);
    if (c->who.kind != KIND_KEY)
        buf_session_id(&session, c->who.sid);
    bool whole = buf_terminate(&user) && buf_terminate(&session);
    if (c->who.app != NULL)
        memcpy(c->app, c->who.app->name, sizeof c->app);
    memcpy(c->scopes, c->who.scopes, c->who.scopes_len);
    c->scopes[c->who.scopes_len] = '\0';
    c->who.app = NULL; /* the checker's, as is the audience */
    c->who.audience = VIEW_EMPTY;
    char *at = c->texts;
    c->username = at;
    at = decode(table_user_username(&c->who.user), at);
    c->email = at;
    at = decode(table_user_email(&c->who.user), at);
    c->name = at;
    at = decode(table_user_name(&c->who.user), at);
    c->roles = at;
    (void)decode(table_user_roles(&c->who.user), at);
    if (!whole)
        caller_reset(c);
}

struct cardea_status cardea_caller_new(struct cardea_caller **ret)
{
    if (ret == NULL)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_caller *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CARDEA_FAIL(E_BUSY);
    caller_reset(c);
    *ret = c;
    return CARDEA_SUCCESS;
}

void cardea_caller_free(struct cardea_caller *c)
{
    free(c);
}

const char *cardea_caller_method(const struct cardea_caller *c)
{
    switch (c == NULL ? KIND_UNSET : c->who.kind) {
    case KIND_SESSION:
        return "session";
    case KIND_TOKEN:
        return "token";
    case KIND_KEY:
        return "key";
    default:
        return "";
    }
}

const char *cardea_caller_user(const struct cardea_caller *c)
{
    return c == NULL ? "" : c->user;
}

const char *cardea_caller_username(const struct cardea_caller *c)
{
    return c == NULL ? "" : c->username;
}

const char *cardea_caller_email(const struct cardea_caller *c)
{
    return c == NULL ? "" : c->email;
}

const char *cardea_caller_name(const struct cardea_caller *c)
{
    return c == NULL ? "" : c->name;
}

const char *cardea_caller_roles(const struct cardea_caller *c)
{
    return c == NULL ? "" : c->roles;
}

const char *cardea_caller_app(const struct cardea_caller *c)
{
    return c == NULL ? "" : c->app;
}

const char *cardea_caller_session(const struct cardea_caller *c)
{
    return c == NULL ? "" : c->session;
}

const char *cardea_caller_scopes(const struct cardea_caller *c)
{
    return c == NULL ? "" : c->scopes;
}

int64_t cardea_caller_expires_at_ms(const struct cardea_caller *c)
{
    return c == NULL || c->who.kind == KIND_UNSET ? 0 : c->who.expires_at_ms;
}

int64_t cardea_caller_authenticated_at_ms(const struct cardea_caller *c)
{
    return c == NULL || c->who.kind == KIND_UNSET ? 0 : c->who.authenticated_at_ms;
}

bool cardea_caller_has_role(const struct cardea_caller *c, const char *role)
{
    return c != NULL && role != NULL && c->who.kind != KIND_UNSET && identity_has_role(&c->who, role);
}

bool cardea_caller_has_scope(const struct cardea_caller *c, const char *scope)
{
    return c != NULL && scope != NULL && c->who.kind == KIND_KEY && identity_has_scope(&c->who, scope);
}
