/* Sessions in memory: for tests and demonstrations, and for whoever can bear that a restart logs everybody out.
 *
 * Representation: a hash table by the leading bits of the sid, which are random, with chains in order of the sid: so
 * walking the buckets walks all sessions in order. A lock around it all. About 800 bytes a session; it grows with their
 * number and does not shrink.
 *
 * Limits: one process. What is not by sid (a user's sessions, a listing) looks at every session.
 * Threading: any number of threads.
 */
#ifndef STORE_MEMORY_MEMORY_H
#define STORE_MEMORY_MEMORY_H

#include "store/sessions.h"

/* fails: E_UNAVAILABLE without memory */
struct cardea_status sessions_memory_open(struct sessions **out) CARDEA_CHECKED;

#endif
