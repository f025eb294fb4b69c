/* Look-ups: who is calling, asked of the store, where the verification table can not tell.
 *
 * Decides: whether the store may be asked, for how long, and what its records are good for afterwards.
 *   - A table that is valid and does not hold the record (a miss): the store is asked, and what it says is offered to
 *     the table, so that the next check finds it there.
 *   - A table past its lease: the store decides alone, as long as the site says that it may (daemon/keeper.h). If not,
 *     503 at once.
 *   - A store that does not answer: 503 after at most LOOKUP_DEADLINE_MS for the few who asked, at once for all who
 * come in the LOOKUP_PAUSE_MS after that; then one at a time finds out whether it is back. A request without a
 * credential never comes here.
 *
 *     struct lookup l;
 *     struct cardea_status why = lookup_begin(x, &l);
 *     if (cardea_ok(why))
 *         answer = verify_stored(&l.verifier, l.tx, …, &why);
 *     lookup_end(x, &l, why);
 */
#ifndef HTTP_LOOKUP_H
#define HTTP_LOOKUP_H

#include "http/exchange.h"

#include <stdatomic.h>

enum { LOOKUP_DEADLINE_MS = 1000, LOOKUP_PAUSE_MS = 250 };

/* What all look-ups of a service share; zeroed: open. */
struct lookup_gate {
    int64_t _Atomic closed_until_ms; /* boot clock; 0: the store answered when it was asked last */
};

struct lookup {
    struct verifier verifier;
    struct verify_sink sink;
    struct store_tx *tx; /* NULL: not begun */
};

/* On the event loop, for VERIFY_UNKNOWN with `why`: OK, look it up on the read pool. fails: E_UNAVAILABLE: not now; any
 * other `why` than "the table can not tell". */
struct cardea_status lookup_allowed(const struct exchange *x, struct cardea_status why) CARDEA_CHECKED;
/* On the read pool. fails: E_UNAVAILABLE, and the store's failures; then too, lookup_end. */
struct cardea_status lookup_begin(struct exchange *x, struct lookup *out) CARDEA_CHECKED;
/* s: how it went, once it had begun: a refusal is an answer, a failure of the store is not. */
void lookup_end(struct exchange *x, struct lookup *l, struct cardea_status s);

#endif
