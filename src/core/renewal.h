/* Renewal of a sealed session: another text for one that is about to expire, or has (DESIGN section 6).
 *
 * A sealed text is believed without a look at any record; so it lives for minutes, and its renewal is where the record
 * is asked. Decides: whether the session still stands: there, of this user, at this epoch, of an enabled app that
 * seals, within its idle and absolute end. An authentic text whose only fault is `exp` may be renewed, never used: a
 * page left open does not lose its login while the session's own idle time runs. A renewal counts as a use.
 *
 * Refuses to decide: what is sealed (grant.h), and whether the request may come from where it comes (http).
 *
 * Renewals do not exclude each other: texts of one session are equals, so that tabs renewing at once all get a good
 * one. The old text lives on until its own exp; to end it, end the session. In a write transaction, so that a renewal
 * comes wholly before a logout or wholly after it; and even a text made in between names a session that is revoked.
 */
#ifndef CORE_RENEWAL_H
#define CORE_RENEWAL_H

#include "core/flow.h"

struct renewal {
    struct sealed_session presented; /* opened, its exp perhaps past */
    const struct app *app;           /* set by renewal_load, and the two records */
    struct session_record session;
    struct user_record user;
    bool denied; /* the caller's */
};

/* Which session it is, and whether it stands. fails: E_INVALID_SESSION; the store's failures. */
struct cardea_status renewal_load(struct renewal *r, const struct flow *f) CARDEA_CHECKED;
/* After it, in the same transaction: the session was seen now. */
struct cardea_status renewal_commit(struct renewal *r, const struct flow *f) CARDEA_CHECKED;

#endif
