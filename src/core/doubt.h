/* Doubts: changes that narrow access and whose commit may or may not have happened, kept to be written again.
 *
 * When a store answers that it does not know whether a transaction was committed, the client hears 503, and what would
 * have ended must not come back to life: not after the store is well again, not after a restart. So the journal rows
 * that narrow something, and the users' records beside them, are kept until they are known to be written.
 *
 * Decides: whether a kept row stands in the journal (then all of its change does: one transaction), and what is written
 * where it does not: the row as it was, and its effect, applied to the record as it is now. Refuses to decide: when to
 * try, and what holds meanwhile (daemon/keeper.h: nothing is answered from the table until it is done).
 *
 *   a token       its revocation stands in the row
 *   a session     its record goes
 *   an API key    likewise
 *   a signing key it is dropped
 *   a user        the epoch is advanced at least as far, a new password is the new one, suspended if that was wanted,
 *                 without the roles that were to go; nothing that another change has taken is given back. A user who
 *                 was to be deleted goes. Where others have taken all of it already, no row is written either
 *
 * Only the narrowing half is kept: a login, a new password's new session, a name is not written again; its client
 * was told to ask again. Writing twice writes once. Limits: DOUBTS_MAX rows, in memory: a crash before they are written
 * loses them, as it would have lost the request.
 *
 * Threading: one thread.
 */
#ifndef CORE_DOUBT_H
#define CORE_DOUBT_H

#include "core/change.h"
#include "core/keyring.h"

enum { DOUBTS_MAX = 4096, DOUBT_ROWS = 32, DOUBT_LOOK_BACK = 8192 /* journal rows */ };

struct doubt;
struct doubts { /* zeroed: none */
    struct doubt *first, *last;
    uint32_t count;
};

/* Keep copies of what narrows. false: not all of it could be kept (memory, DOUBTS_MAX). */
bool doubts_add(struct doubts *d, const struct change_list *changes) __attribute__((warn_unused_result));
void doubts_clear(struct doubts *d); /* wipes */

struct doubts_outcome {
    uint32_t written; /* rows that were not there */
    uint32_t failed;  /* neither there nor to be written, whenever it is tried: somebody has to look */
};
/* Write what is not there, in the caller's write transaction, which is w's; after its commit, doubts_clear.
 * fails: the store's failures, E_BUSY: abort, and try again */
struct cardea_status doubts_write(const struct doubts *d, const struct key_work *w,
                                  struct doubts_outcome *ret) CARDEA_CHECKED;

#endif
