/* The null engine: keeps nothing and says so. It is the smallest engine of each role that obeys the contract, to be
 * read by whoever writes another one, and copied as a beginning. No configuration leads to it.
 *
 * What it answers, and why that is honest:
 *
 *     reading      E_NOT_FOUND, or an empty list: that is what it holds
 *     writing      E_UNAVAILABLE: it can not be done now. Never CARDEA_OK for what is not kept: a caller hands out a
 *                  session, or reports a revocation, because the engine said that it stands
 *     removing     E_NOT_FOUND, or nothing done, as from any engine that does not have it
 *     commit       CARDEA_OK, if nothing was to be written; else the failure of before
 *
 * What may be lost: nothing, since nothing is acknowledged. (Here an engine says what of an acknowledged write survives
 * which failure.)
 *
 * Limits: (here an engine names what is bounded, and what happens past it.)
 * Threading: any number of threads. A transaction belongs to one.
 *
 * How to begin from here: docs/stores.md, "Adding an engine".
 */
#ifndef STORE_NULL_NULL_H
#define STORE_NULL_NULL_H

#include "store/sessions.h"

/* The role of accounts, with the sessions in it as in every whole store. boot_ms: the clock that deadlines refer to.
 * fails: E_UNAVAILABLE without memory */
struct cardea_status store_null_open(int64_t (*boot_ms)(void), struct store **out) CARDEA_CHECKED;
/* The role of sessions alone. fails: E_UNAVAILABLE without memory */
struct cardea_status sessions_null_open(int64_t (*boot_ms)(void), struct sessions **out) CARDEA_CHECKED;

#endif
