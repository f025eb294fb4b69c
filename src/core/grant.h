/* Grants: the session record that a login, a step-up or a password change makes, and the credentials for it.
 *
 * Decides: that every grant is a new record with new secrets (promise 5), at the user's present epoch, within the app's
 * lifetimes; that a user past sessions_per_user_max loses the oldest. Refuses to decide: whether the caller has earned
 * it.
 *
 * Representation: the record keeps digests; the secrets exist in struct grant alone, which the caller wipes.
 */
#ifndef CORE_GRANT_H
#define CORE_GRANT_H

#include "core/access_token.h"
#include "core/credential.h"
#include "core/flow.h"

/* Sessions that one grant ends at most for sessions_per_user_max (a change list is short); the next grant goes on. */
enum { GRANT_EVICTIONS_MAX = 3 };

struct grant_request {
    const struct app *app; /* carrier other than NONE */
    const struct user_record *user;
    bool remember;
};

struct grant {
    struct session_record session;
    struct secret cookie;         /* CARRIER_SESSION_COOKIE */
    struct refresh_token refresh; /* CARRIER_BODY, CARRIER_TOKEN_COOKIES: generation 1 */
};

/* Make the record, in the store and for the table; authenticated now. No journal entry for it: the flow that grants
 * writes its own. fails: the store's failures. */
struct cardea_status grant_session(const struct flow *f, const struct grant_request *want,
                                   struct grant *out) CARDEA_CHECKED;

/* An access token for a session; never outlives it.
 * fails: E_EXPIRED (less than a second is left); as access_token_sign. */
struct cardea_status grant_access_token(const struct settings *settings, const struct keyring *keys,
                                        const struct entropy *entropy, const struct app *app,
                                        const struct user_record *user, const struct session_record *session,
                                        int64_t now_ms, struct buf *out, int64_t *ret_expires_in_s) CARDEA_CHECKED;

/* A sealed text for a session; never outlives it. Appends at most SEALED_TEXT_MAX characters.
 * fails: E_EXPIRED (less than a second is left); as sealed_seal. */
struct cardea_status grant_sealed(const struct keyring *keys, const struct entropy *entropy, const struct app *app,
                                  const struct session_record *session, int64_t now_ms, struct buf *out,
                                  int64_t *ret_expires_in_s) CARDEA_CHECKED;

/* When a session ends if it is not used again. */
int64_t session_idle_end_ms(const struct session_record *s);
bool session_expired(const struct session_record *s, int64_t now_ms);

#endif
