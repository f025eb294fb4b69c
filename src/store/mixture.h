/* A mixture: accounts in one engine, sessions in another, as the one store that the rest of Cardea sees.
 *
 * Decides: what happens in which order when one change concerns both, such that whatever fails in between, nothing that
 * has ended comes back and nothing is handed out that is not kept.
 *
 *     create, rotate    at once: the caller needs the answer. A transaction that is taken back afterwards removes what
 *                       it created; a rotation stays, which its client repeats within the grace and gets the same
 *                       successor
 *     delete            after the accounts' commit, which is the moment the session ends: the revocation stands there.
 *                       A deletion that fails is of no consequence, and is left to the sweep
 *     touch, sweep      at once; counters and codes too, so what an undone change counted or took stays so
 *     get, list         say nothing of a session that the accounts hold a revocation against, nor of one that this
 *                       transaction deletes: so an engine that falls back to an older state resurrects nothing
 *     scan              gives everything; a verifier that is filled from it must know the revocations first
 *
 * The accounts' transaction is the transaction. While the sessions' engine is away, what needs no session goes on, and
 * so does what ends one: a deletion is noted without looking for the record, `delete_below` leaves the tidying to the
 * sweep.
 *
 * Threading: as the engines'.
 */
#ifndef STORE_MIXTURE_H
#define STORE_MIXTURE_H

#include "store/sessions.h"

/* Takes both over and closes them with itself; on failure they are the caller's.
 * fails: E_UNAVAILABLE without memory */
struct cardea_status store_mixture_new(struct store *accounts, struct sessions *sessions,
                                       struct store **out) CARDEA_CHECKED;
/* A whole store in the sessions' role: each operation is a transaction of its own. Takes the store over. */
struct cardea_status store_as_sessions(struct store *s, struct sessions **out) CARDEA_CHECKED;

#endif
