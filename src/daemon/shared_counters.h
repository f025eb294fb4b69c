/* Failed logins counted by all nodes together: the sessions' engine lent to the guess counters (core/guess_shared.h).
 *
 * Decides: when there is something to count together (accounts and sessions both in engines that nodes share), on which
 * connections (its own: a failed login never waits behind the committer, nor the committer behind it), and that an
 * engine which did not answer in GUESS_SHARED_MS is not asked again for SHARED_COUNTERS_AWAY_MS. The log says when it
 * is away, and when it is back.
 *
 * Threading: any thread counts.
 */
#ifndef DAEMON_SHARED_COUNTERS_H
#define DAEMON_SHARED_COUNTERS_H

#include "core/guess_shared.h"
#include "crypto/seal.h"
#include "daemon/config.h"

enum { SHARED_COUNTERS_AWAY_MS = 1000 };

struct shared_counters;

/* Where nodes share nothing *out is NULL: each counts by itself. key: the master key, from which that of the counters'
 * names is made. out: message: a sentence on failure. */
struct cardea_status shared_counters_open(const struct config *c, const struct master_key *key,
                                          struct shared_counters **out, char *message,
                                          size_t message_cap) CARDEA_CHECKED;
/* What to lend to guess_share; it lives as long as this does. */
struct guess_shared shared_counters_lend(struct shared_counters *s);
void shared_counters_close(struct shared_counters *s); /* NULL is safe; when nobody counts any more */

#endif
