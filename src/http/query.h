/* Queries: ?name=value pairs become values, or a refusal. Unknown and repeated parameters are refused, and so is what
 * does not decode. */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include "http/exchange.h"

enum { QUERY_VALUE_MAX = 256, PAGE_DEFAULT = 50 };

/* values[i] is names[i]'s decoded value, in the arena; NULL ptr when absent.
 * fails: E_BAD_REQUEST; E_UNKNOWN_FIELD naming the parameter. */
struct cardea_status query_read(struct exchange *x, const char *const *names, size_t count,
                                struct view *values) CARDEA_CHECKED;
/* limit and cursor as texts (absent: empty) become a page: limit 50, at most PAGE_MAX; the cursor is what a list
 * answered as next_cursor. fails: E_INVALID_FIELD naming limit or cursor. */
struct cardea_status query_page(struct exchange *x, struct view limit, struct view cursor,
                                struct page *out) CARDEA_CHECKED;

#endif
