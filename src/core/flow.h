/* Flows: what every operation on users and sessions needs, and the few steps that all are made of.
 *
 * Decides: that a change of the store, its entry in the journal and its change for the verification table are always
 * made together. A flow (login.h, refresh.h, …) runs inside a write transaction that its caller opened and commits. A
 * flow never looks at a credential's text or at HTTP.
 *
 * How long a revocation must be remembered: a session's until its absolute end, a user's epoch until the longest-lived
 * credential made before it must have expired, each plus REVOCATION_SLACK_MS (leeway of tokens, lease, request
 * deadline).
 *
 * Threading: none of its own. Records handed to change lists live in `arena`.
 */
#ifndef CORE_FLOW_H
#define CORE_FLOW_H

#include "base/arena.h"
#include "base/entropy.h"
#include "core/audit.h"
#include "core/change.h"
#include "core/keyring.h"
#include "core/settings.h"
#include "core/table.h"

enum { REVOCATION_SLACK_MS = 5 * 60 * 1000 };

struct flow {
    const struct settings *settings;
    const struct keyring *keys;
    const struct store_ops *ops;
    struct store_tx *tx;
    const struct table *table; /* knows of last-seen times before the store does; NULL: there is none */
    const struct entropy *entropy;
    struct arena *arena;
    struct change_list *changes;
    int64_t now_ms;
    struct address client;
    struct view request_id;
    struct view actor;      /* who does it: a user id's text, "operator:UID"; empty: the subject itself */
    struct view user_agent; /* for new sessions; cut and cleaned here */
};

/* One row in the journal. subject, sid: NULL for none. detail: a JSON object, empty for "{}"; one past its limit is
 * replaced by "{}". revocation: NULL where nothing is narrowed. */
struct cardea_status flow_event(const struct flow *f, const char *type, const struct user_id *subject,
                                const struct session_id *sid, struct view detail,
                                const struct revocation *revocation) CARDEA_CHECKED;

/* A session's record, with its last-seen time as the table knows it: the store hears of it with a delay, and a session
 * in use must not look idle meanwhile. fails: E_NOT_FOUND. */
struct cardea_status flow_session_get(const struct flow *f, struct session_id sid,
                                      struct session_record *out) CARDEA_CHECKED;
/* The record of a session that is to end. One that its engine has lost may still be believed in memory: then what the
 * table here knows of it. fails: E_NOT_FOUND: neither knows it, or it has ended. */
struct cardea_status flow_session_to_end(const struct flow *f, struct session_id sid,
                                         struct session_record *out) CARDEA_CHECKED;
/* Of one that flow_session_to_end does not find, what it takes to end it at other memories: a record without a user,
 * for as long as any session may last. For who has shown that there was such a session, or may end any.
 * fails: E_NOT_FOUND: nothing can have been lost, or it has ended. */
struct cardea_status flow_session_lost(const struct flow *f, struct session_id sid,
                                       struct session_record *out) CARDEA_CHECKED;
/* Is it there still, now that its user's record has been read, and is thereby held (store.h: WRITE)? What gives out
 * credentials asks this last: at another node the session may have ended between the record and the user's.
 * fails: E_NOT_FOUND */
struct cardea_status flow_session_stands(const struct flow *f, struct session_id sid) CARDEA_CHECKED;
/* The same for a record that was read already. table: NULL changes nothing. */
void session_freshen(const struct table *table, struct session_record *s);

/* Write a user and tell the table. */
struct cardea_status flow_user_put(const struct flow *f, const struct user_record *u) CARDEA_CHECKED;
/* End every credential of a user: advance the epoch, write the record (with whatever else was changed in it), the
 * journal's row and its revocation, remove the sessions below. *u carries the new epoch afterwards. */
struct cardea_status flow_epoch_advance(const struct flow *f, struct user_record *u, const char *type,
                                        const struct session_id *sid, struct view detail) CARDEA_CHECKED;
/* What a user's journal row narrows (also a change of roles or status without an advance). */
struct revocation flow_user_revocation(const struct flow *f, const struct user_record *u);
/* End one session: its record, the journal's row and revocation, the table. A user of zeros is not known. */
struct cardea_status flow_session_end(const struct flow *f, const struct session_record *s, const char *type,
                                      struct view detail) CARDEA_CHECKED;

#endif
