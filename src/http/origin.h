/* Origins: the cross-site rules (DESIGN section 5) and CORS.
 *
 * The origin rule: Origin, where present, must be exactly ours or listed by the app; without it Sec-Fetch-Site must be
 * same-origin or none; where both are missing (not a browser) the rule passes. "null" never passes. Repeated lines
 * never pass.
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "http/exchange.h"

/* app NULL: not known yet; then an origin that any app lists passes. fails: E_ORIGIN. */
struct cardea_status origin_rule(const struct request *r, const struct settings *s,
                                 const struct app *app) CARDEA_CHECKED;
/* The rule on values from elsewhere (an original request behind a proxy). NULL ptr: absent. */
struct cardea_status origin_check(struct view origin, struct view fetch_site, const struct settings *s,
                                  const struct app *app) CARDEA_CHECKED;
/* Is this exactly an origin that the app (NULL: any app) lists? Ours is not looked at. */
bool origin_listed(const struct settings *s, const struct app *app, struct view origin);
/* Sent by a browser: Origin or Sec-Fetch-Site is there. */
bool origin_from_browser(const struct request *r);
/* CORS headers of an ordinary answer, and the whole answer to a preflight (204; without CORS headers when refused, or
 * when the path answers no other origin at all: allowed_methods 0). */
void origin_cors(struct exchange *x, const struct app *app);
void origin_preflight(struct exchange *x, unsigned allowed_methods);
/* Methods as Allow and Access-Control-Allow-Methods list them, with OPTIONS. */
struct view origin_methods(struct exchange *x, unsigned methods);

#endif
