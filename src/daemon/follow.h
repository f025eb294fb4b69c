/* Following: how one node's memory keeps up with a store that other nodes write to, and until when it may be believed
 * (DESIGN section 9, docs/adr/0014-the-journal-is-the-feed.md). The logic alone: no thread, no waiting;
 * daemon/follower.h runs it.
 *
 * A position is a row of the journal, its number and hash, in an incarnation of the store. One READ transaction asks
 * for the incarnation, for the row where we are, and for those behind it. If the row is there with that hash, and each
 * of the others is chained to the one before, then everything that was committed since is among them: they are applied
 * in order, and the last one is the new position. If not (the store was restored, or a fail-over lost rows that we had
 * seen, or forked), the memory is of no store that exists: it is emptied, and filled anew.
 *
 * What a row does here:
 *     a session, a token, an API key ends      so in the table
 *     a user was changed in any way            their record is read, in the same transaction, and put; gone: ended
 *     anything about keys                      the keyring is read anew, before the position counts
 *     login and other bookkeeping              nothing
 * Rows of this very node come along. Applying one twice does no harm (daemon/keeper.h).
 *
 * The lease. A renewal is a small WRITE of our record in the registry, on the accounts' primary; it answers where the
 * journal's head is. Once everything up to there is applied, the table may be believed until `lease` after the moment
 * *before* the renewal was begun: a change that is in none of these rows was answered later than that moment. A
 * renewal that fails, or answers late, renews nothing: time runs out by itself.
 *     asked        ...answers: head 7        rows up to 7 applied: valid until asked + lease
 *     |------------------------------------ lease ---------------------------------------|
 * From the same moment, for as long, the store may be asked where the table may not be believed (while it is filled):
 * it was the one that takes writes then. Past that it may be one that others have left behind, and nothing is.
 *
 * Refuses to decide: what a change means for the table; when to be called.
 *
 * Threading: none of its own; one caller.
 */
#ifndef DAEMON_FOLLOW_H
#define DAEMON_FOLLOW_H

#include "daemon/keeper.h"
#include "daemon/nodes.h"
#include "store/journal.h"

enum {
    FOLLOW_ROWS = 64,         /* read at once */
    FOLLOW_ROWS_MAX = 65536,  /* in one transaction; then a new one, so that a renewal is never far */
    LEASE_RENEWALS = 4,       /* in the time of a lease */
    FOLLOW_RETRY_MIN_MS = 10, /* after a failure; then doubled, up to the time between two renewals */
};

struct follow_counts { /* for metrics; any thread */
    uint64_t _Atomic rows, renewals, failures, refills;
    uint64_t _Atomic applied, head; /* row numbers: where we are; where the journal was at the last renewal */
    int64_t _Atomic lease_until_ms;
};

struct follow {
    struct keeper *keeper;
    struct store *store; /* the accounts, a handle of our own: no other transaction is ever waited for */
    int64_t (*boot_ms)(void);
    struct verifier_record self; /* lease_ms, renewals … */

    bool placed; /* memory is of the store as it was at `at`, or later */
    struct journal_head at;
    int64_t incarnation;
    bool owed; /* a renewal is complete when everything up to `target` is applied */
    struct journal_head target;
    int64_t asked_ms;
    int64_t renew_at_ms, retry_ms;
    bool told;                     /* the log says that there is no lease */
    struct nodes_watch *displaced; /* our record was taken away: who stands in the way of coming back */
    bool displaced_told;           /* the log knows */
    struct follow_rows *rows;
    struct follow_counts counts;
};

/* After the first members are set: remember where the store is now. The keeper's table and keyring are to be filled
 * after this, by the caller. The lease begins with the first step. fails: the store's; follow_clear in any case. */
struct cardea_status follow_open(struct follow *f) CARDEA_CHECKED;
void follow_clear(struct follow *f);
/* One turn: follow, and renew if it is time or somebody waits for it. pushed: what push_wait said.
 * Returns when (boot clock) the next turn is due if nothing is pushed. */
int64_t follow_step(struct follow *f, unsigned pushed);
/* The lease ends: nothing is answered from memory any more. */
void follow_end(struct follow *f);

#endif
