/* Logging out: ending one session by what proves it, or all of a user's.
 *
 * A session may be named by its cookie, by an access token or sealed text whose only fault may be its age, or by its
 * refresh token: to end a login, less is asked than to use it. A credential that proves nothing ends nothing.
 *
 * A token and a sealed text are good without their record, which an engine that forgets may have lost; so is a cookie,
 * where a memory still knows its session. Therefore a session that its engine has lost ends all the same, by its
 * revocation: as the table here knows it, or, where it does not, for what another node's may know.
 */
#ifndef CORE_LOGOUT_H
#define CORE_LOGOUT_H

#include "core/access_token.h"
#include "core/credential.h"
#include "core/flow.h"

struct logout {
    enum { LOGOUT_UNSET = 0, LOGOUT_COOKIE, LOGOUT_TOKEN, LOGOUT_REFRESH, LOGOUT_SEALED } by;
    bool all; /* not this session alone, but all of its user's */
    struct session_cookie cookie;
    struct refresh_token refresh;
    /* LOGOUT_TOKEN, LOGOUT_SEALED: what the text says. */
    struct session_id sid;
    struct user_id user;
    int64_t epoch, good_until_ms;
    char app_name[APP_NAME_MAX + 1];
    struct cardea_status refused; /* the caller's: why nothing was ended */
    /* Set by logout_load. */
    struct session_record session;
    const struct app *app; /* NULL: it is disabled by now, or not known */
};

/* Which session is meant. fails: E_INVALID_SESSION, E_INVALID_TOKEN: there is none (any more), or the secret is not its
 * own; the store's failures. */
struct cardea_status logout_load(struct logout *l, const struct flow *f) CARDEA_CHECKED;
/* End it (or all of them), in the same transaction. */
struct cardea_status logout_commit(struct logout *l, const struct flow *f) CARDEA_CHECKED;
/* End all sessions and tokens of a user: the epoch advances. fails: E_NOT_FOUND. */
struct cardea_status logout_all(const struct flow *f, struct user_id user,
                                const struct session_id *by /* may be NULL */) CARDEA_CHECKED;

#endif
