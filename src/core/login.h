/* Logging in: from a name and a password to a new session.
 *
 *     login_find    in a read transaction: who is meant
 *     login_prove   on the hashing pool: the password (proof.h)
 *     login_commit  in a write transaction: the user again, the sessions that end, the new one
 *
 * Promises kept here: failed logins tell nothing (11): a name that can not exist goes the same way as one that does
 * not. A session id is never reused across a login (5): the record is always new, and the session whose credential the
 * same browser presented ends, so that nothing planted before a login lives on after it.
 *
 * Also here: stepping up (reauthenticate) and changing the password, which prove the same and grant the same.
 */
#ifndef CORE_LOGIN_H
#define CORE_LOGIN_H

#include "core/grant.h"
#include "core/proof.h"

struct login {
    /* In. */
    const struct app *app;
    bool remember;
    struct view typed; /* user name or e-mail, as typed */
    struct view password;
    bool has_device; /* a valid device cookie came, for this user */
    struct user_id device;
    struct address address;
    /* What the same browser carried, tags checked; ended by login_commit where the secret fits too. */
    bool has_old_session, has_old_sealed, has_old_refresh;
    struct session_cookie old_session;
    struct sealed_session old_sealed; /* its exp perhaps past */
    struct refresh_token old_refresh;
    /* Between the steps. */
    bool found;
    char name[EMAIL_MAX + 1]; /* what attempts are counted by; "" when nobody can have that name */
    struct user_record user;
    struct proof proof;
    /* Out. */
    struct grant grant;
};

/* Canonical name, for counting; never fails. */
void login_name(struct login *l, const struct settings *s);
/* May it be tried at all now? Only looks. fails: E_RATE_LIMITED with *ret_wait_ms. */
struct cardea_status login_check(const struct login *l, struct guess *g, const struct settings *s, int64_t now_ms,
                                 int64_t *ret_wait_ms) CARDEA_CHECKED;
/* fails: the store's failures only; nobody found is no failure. */
struct cardea_status login_find(struct login *l, const struct settings *s, struct store_tx *tx,
                                const struct store_ops *ops) CARDEA_CHECKED;
/* fails: as proof_make. */
struct cardea_status login_prove(struct login *l, struct guess *g, const struct settings *s, int64_t now_ms,
                                 int64_t *ret_wait_ms) CARDEA_CHECKED;
/* May run again. fails: E_INVALID_CREDENTIALS when the user changed meanwhile; the store's failures. */
struct cardea_status login_commit(struct login *l, const struct flow *f) CARDEA_CHECKED;

/* For a user who is logged in: the password again. `user` as read, `password` as typed. */
struct stepup {
    const struct app *app;
    struct view password;     /* the present one */
    struct view new_password; /* change of password; empty for a step-up */
    struct user_record user;
    struct session_record session; /* the one that ends */
    struct proof proof;
    char new_hash[ARGON2_PHC_MAX];
    const char *weak_reason; /* with E_WEAK_PASSWORD and E_INVALID_FIELD: why the new one is refused */
    struct grant grant;
};

/* On the hashing pool. fails: as proof_make; E_WEAK_PASSWORD, E_INVALID_FIELD of the new password. */
struct cardea_status stepup_prove(struct stepup *u, struct guess *g, const struct settings *s, struct address address,
                                  int64_t now_ms, int64_t *ret_wait_ms) CARDEA_CHECKED;
/* In a write transaction. A step-up ends the old session and makes a new one; a change of password ends all of the
 * user's by advancing the epoch and makes the new one at the new epoch.
 * fails: E_INVALID_SESSION (gone meanwhile), E_INVALID_CREDENTIALS (password changed meanwhile). */
struct cardea_status stepup_commit(struct stepup *u, const struct flow *f) CARDEA_CHECKED;

#endif
