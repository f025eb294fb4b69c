/* May this server be used? Asked once, when the engine is opened, so that an operator hears at the start what would go
 * wrong later. Private to the engine. */
#ifndef STORE_REDIS_CHECK_H
#define STORE_REDIS_CHECK_H

#include "store/redis/pool.h"

/* It keeps what it was given, and lets this user do all that the engine does, with keys of this prefix. What is tried
 * out is tried on a record of nobody's that lives for a second.
 * fails: E_USAGE, why says what is missing, in the server's own words where it has some; E_UNAVAILABLE, E_CORRUPT */
struct cardea_status check_server(struct pool *p, struct link *l, const char *prefix, int64_t deadline_ms, char *why,
                                  size_t cap) CARDEA_CHECKED;

#endif
