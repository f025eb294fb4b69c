/* Cookies (RFC 6265): which of a request's cookies are ours, and how ours are set.
 *
 * Reading: all Cookie lines, exact names, no decoding, no trimming of names beyond the white space between pairs. A
 * credential cookie that appears twice is refused, whatever the values: one of them may be tossed in by a sibling host.
 * Writing: HttpOnly; Secure; SameSite; Path=/; no Domain under __Host-. With cookie_domain the prefix is __Secure- and
 * Domain is set; with cookie_insecure_names there is no prefix and no Secure.
 */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "http/exchange.h"

enum cookie_name {
    COOKIE_UNSET = 0,
    COOKIE_SESSION, /* __Host-cardea */
    COOKIE_ACCESS,  /* __Host-cardea-access */
    COOKIE_REFRESH, /* __Host-cardea-refresh: honoured by refresh and logout alone */
    COOKIE_DEVICE,  /* __Host-cardea-device: a browser that logged in before; no credential */
    COOKIE_COUNT,
};

enum { COOKIE_NAME_MAX = 32, COOKIE_DEVICE_AGE_S = 365 * 86400 };

struct cookies {
    struct view values[COOKIE_COUNT]; /* NULL ptr when absent */
    bool repeated[COOKIE_COUNT];
};

/* Names in force, e.g. "__Host-cardea-access". */
struct view cookie_text(const struct settings *s, enum cookie_name name);
/* Find ours in all Cookie lines. No allocation. */
void cookies_read(const struct request *r, const struct settings *s, struct cookies *out);
/* Add a Set-Cookie line to x's answer. max_age_s 0: ends with the browser. */
void cookie_set(struct exchange *x, enum cookie_name name, struct view value, enum same_site same_site,
                int64_t max_age_s);
void cookie_clear(struct exchange *x, enum cookie_name name);

#endif
