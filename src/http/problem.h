/* Problems: every refusal in one form (RFC 9457): {type, title, status, code, detail, field?, request_id}.
 *
 * Calls of the OAuth family (ENDPOINT_OAUTH) refuse in that family's own form instead (RFC 6749 §5.2,
 * application/json): {error, error_description}, with the same statuses and headers.
 *
 * Decides: the body, and the headers that belong to a status: WWW-Authenticate with 401 (RFC 6750 §3 where a bearer
 * credential was refused), Retry-After with 429 and 503. 405's Allow is added by the router. Refuses to decide: the
 * status itself. Uniform: a refused credential looks the same whatever was wrong with it: E_EXPIRED leaves as the
 * refusal of the credential's kind, and no detail leaves with a 401.
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "http/exchange.h"

enum { RETRY_AFTER_DEFAULT_S = 1 };

/* Replace whatever x would have answered. Uses x->fault_field, x->fault_detail and x->retry_after_s. Never fails:
 * without memory the body is a static one. */
void problem_answer(struct exchange *x, struct cardea_status why);

#endif
