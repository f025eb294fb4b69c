/* Refreshing: one refresh token, once, for its successor and a new access token (DESIGN section 6).
 *
 * Decides: with refresh_judge, whether an authentic token rotates, is repeated within the grace, or ends its session.
 * The order of racing requests is that of the write transactions: the first rotates by compare-and-set on the
 * generation, the others find its nonce and derive the same successor.
 *
 *     refresh_load    who it belongs to; nothing is written
 *     refresh_commit  rotate, repeat, or end the session
 */
#ifndef CORE_REFRESH_H
#define CORE_REFRESH_H

#include "core/credential.h"
#include "core/flow.h"

struct refresh {
    struct refresh_token presented; /* parsed: its tag is ours */
    const struct app *app;          /* set by refresh_load, and the two records */
    struct session_record session;
    struct user_record user;
    struct refresh_token successor; /* set by refresh_commit unless denied */
    bool denied;                    /* the commit must happen (it may end the session), the answer is a refusal */
};

/* fails: E_INVALID_TOKEN: no such session, its user or epoch is gone, its app is disabled or hands out no refresh
 * tokens; the store's failures. */
struct cardea_status refresh_load(struct refresh *r, const struct flow *f) CARDEA_CHECKED;
/* After refresh_load in the same transaction. Success with r->denied: reuse or rollback was found and the session
 * ended. fails: E_INVALID_TOKEN (expired: nothing to write); the store's failures. */
struct cardea_status refresh_commit(struct refresh *r, const struct flow *f) CARDEA_CHECKED;

#endif
