/* A replica: a private verification table, filled from a service's feed. It says what to ask, takes the bytes of the
 * answer, and keeps the lease; sockets, TLS and HTTP are the caller's.
 *
 * Decides: what of an answer counts, and until when the table may be believed.
 *   - The first answer is a whole copy; the following ones are changes from where we are. A copy replaces everything:
 * the table is emptied, not valid, and becomes valid with the answer's end. A replica that asks again after a break
 * goes on from what it has applied whole.
 *   - Changes of another feed, or from behind a position that we have not reached, are a gap: everything is forgotten
 *     and a copy is asked for. So is everything after a line that makes no sense.
 *   - Changes that lead nowhere further than we are come too late, and are passed over.
 *   - The lease counts from before the asking: until asked + held_ms + lease_ms, less one part in 64 of held_ms for the
 *     drift between two clocks (they are assumed to differ by at most one in 100; core/receipt.h), and only when
 *     everything between the answer's begin and its end is applied. An answer may hold many such passages: a stream.
 *   - Without a new one, the table refuses to answer when that moment is over, by the caller's own clock.
 * Refuses to decide: who is calling; core/outside.h reads the table.
 *
 * Use at a replica is not known to the service: it moves no last-seen time. A session that looks idle here is asked of
 * the service, and that counts.
 *
 * Security: the feed is as good as its transport: TLS, and a key that nobody else holds. Whatever it says, it can write
 * nothing but records of bounded size into this table.
 *
 * Threading: one thread feeds; any number of threads read the table.
 *
 *     replica_ask(r, boot_ms, &target);          // boot_ms: read just before; GET https://service TARGET
 *     … for every piece: replica_take(r, bytes, now_ms) …
 */
#ifndef CORE_REPLICA_H
#define CORE_REPLICA_H

#include "core/feed.h"

enum { REPLICA_SWEEP_CELLS = 4096, REPLICA_DRIFT_PARTS = 64, REPLICA_TARGET_MAX = 128, REPLICA_NAME_TEXT = 22 };

struct replica; /* a value of some size: on the heap */

/* in:    writer: of an empty table, borrowed; e: a random name, by which the service knows this replica
 * fails: E_BUSY without memory */
struct cardea_status replica_new(struct table_writer *writer, const struct entropy *e,
                                 struct replica **out) CARDEA_CHECKED;
void replica_free(struct replica *r); /* NULL is safe */

/* Begin an answer: what to GET. boot_ms: the boot clock, read before. What is left of an answer before is dropped. */
void replica_ask(struct replica *r, int64_t boot_ms, struct buf *target);
/* Bytes of the answer's body, in any pieces, of a long poll (a line an object) or an event stream.
 * in:    now_ms: Unix time
 * fails: E_CORRUPT: no such feed; E_CONFLICT: a gap: everything is forgotten; E_LIMIT: no room for a record: likewise.
 *        Ask anew; the rest of this answer is passed over */
struct cardea_status replica_take(struct replica *r, struct view bytes, int64_t now_ms) CARDEA_CHECKED;
/* How far everything is applied; 0: nothing is. */
uint64_t replica_position(const struct replica *r);
/* Is a passage under way that was not ended? */
bool replica_amid(const struct replica *r);

#endif
