/* Times and durations as text. Inside, a time is int64 milliseconds since 1970 UTC (`_ms`); tokens carry whole seconds
 * (`_s`). */
#ifndef BASE_TIMETEXT_H
#define BASE_TIMETEXT_H

#include "base/buf.h"
#include "cardea/status.h"

/* Times before the year 0 or past 9999, which RFC 3339 can not write, come out as the nearest it can. */
void buf_rfc3339(struct buf *b, int64_t unix_ms);    /* 2026-11-21T01:02:03Z */
void buf_rfc3339_ms(struct buf *b, int64_t unix_ms); /* with .123, for logs */
/* Any offset, a fraction of up to nine digits (cut to milliseconds); capital T and Z; no leap seconds. */
struct cardea_status rfc3339_parse(struct view v, int64_t *ret_ms) CARDEA_CHECKED;

#define DURATION_MAX_MS (36500LL * 24 * 60 * 60 * 1000) /* a century: added to any time it can not overflow */

/* "250ms" "30s" "15m" "8h" "14d": a single positive number and unit, at most DURATION_MAX_MS. */
struct cardea_status duration_parse(struct view v, int64_t *ret_ms) CARDEA_CHECKED;
void buf_duration(struct buf *b, int64_t ms); /* the largest unit that is exact */

#endif
