/* Cookies as a request carries them (RFC 6265 §5.4), and the session cookie of a Cardea service.
 *
 * Decides: which value a cookie has, where it has exactly one. Refuses to decide whether it is good: the session lives
 * in the service, which is asked (GET /verify with the same Cookie header). The sid is public; it names a session in
 * logs and caches and proves nothing.
 *
 * Strict: names match exactly, case and all; values are taken as they stand, neither decoded nor unquoted. A credential
 * cookie that appears twice is refused whatever the values: one of them may have been tossed in by a sibling host, and
 * which of the two the service would take must not depend on an order.
 *
 * Threading: pure functions.
 *
 *     struct cardea_bytes header = cardea_text(request_header("Cookie")), value;
 *     char sid[CARDEA_SID_SIZE];
 *     struct cardea_status s = cardea_cookie_find(&header, 1, CARDEA_COOKIE_SESSION, &value);
 *     if (cardea_ok(s))
 *         s = cardea_session_cookie_sid(value, sid);
 */
#ifndef CARDEA_SESSION_COOKIE_H
#define CARDEA_SESSION_COOKIE_H

#include "cardea/bytes.h"
#include "cardea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As a service sets them that keeps the defaults. */
#define CARDEA_COOKIE_SESSION "__Host-cardea"
#define CARDEA_COOKIE_ACCESS "__Host-cardea-access"
#define CARDEA_COOKIE_REFRESH "__Host-cardea-refresh"

enum {
    CARDEA_SESSION_COOKIE_TEXT = 75, /* characters of a session cookie's value */
    CARDEA_SID_SIZE = 23,            /* a sid's text and its NUL */
};

/* Find a cookie in all Cookie lines of a request (HTTP/2 may split them), each the value behind "Cookie:".
 * out:   a view into a line
 * fails: CARDEA_E_NOT_FOUND; CARDEA_E_MANY_CREDENTIALS: more than one of that name; CARDEA_E_USAGE: an empty name, NULL
 * cost:  no allocation */
struct cardea_status cardea_cookie_find(const struct cardea_bytes *lines, size_t count, const char *name,
                                        struct cardea_bytes *ret) CARDEA_CHECKED;
/* The public sid of a session cookie's value, as `session.sid` in the service's answers and `sid` in its tokens.
 * Nothing is proven by it: not that the service issued it, not that the session lives.
 * fails: CARDEA_E_INVALID_SESSION: not the form of a session cookie. */
struct cardea_status cardea_session_cookie_sid(struct cardea_bytes value, char out[CARDEA_SID_SIZE]) CARDEA_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
