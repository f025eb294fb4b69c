/* Authentication: which credential a request carries, and whose it is.
 *
 * One credential a request: two of accepted kinds are refused (E_MANY_CREDENTIALS), one that is invalid never falls
 * back to another, a credential cookie that appears twice is refused. Kinds that are not accepted are not looked at.
 * Places: the session cookie, whose form says which kind it is (a sealed text has dots, a session cookie none): the one
 * that is meant is checked, and nothing else tried; Authorization: Bearer (a text with the API keys' prefix is a key,
 * all else a token); X-API-Key; the access cookie. A repeated Authorization or X-API-Key line is refused; another
 * scheme than Bearer is no credential, but at calls of the OAuth family, where a key may also be the password of Basic
 * (its id the user name): what services that introspect are built to send (RFC 6749 §2.3.1).
 */
#ifndef HTTP_AUTHENTICATE_H
#define HTTP_AUTHENTICATE_H

#include "http/cookie.h"

struct presented {
    enum credential_kind kind; /* KIND_UNSET: none */
    bool by_cookie;            /* the cross-site rules apply */
    bool by_bearer;            /* Authorization: Bearer */
    bool by_basic;             /* Authorization: Basic */
    struct view text;
};

/* Find it. cookies as read by cookies_read. fails: E_MANY_CREDENTIALS; E_INVALID_SESSION or E_INVALID_TOKEN for a
 * cookie that is there twice; E_INVALID_TOKEN for an empty bearer. No allocation. */
struct cardea_status presented_find(const struct request *r, const struct cookies *cookies, unsigned kinds,
                                    struct presented *out) CARDEA_CHECKED;
/* Add an API key from Authorization: Basic, where there is one, after presented_find. fails: E_MANY_CREDENTIALS beside
 * what was found; E_INVALID_KEY for a text that can not be one. */
struct cardea_status presented_basic(const struct request *r, struct arena *arena,
                                     struct presented *out) CARDEA_CHECKED;

#endif
