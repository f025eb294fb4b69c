/* CSRF tokens bound to a session: for applications that make and check their own.
 *
 * Decides: whether a token was made for this session under this key. Refuses to decide: which requests need one (every
 * unsafe request that a cookie authenticates), and what a session is: any bytes that name it, its sid for instance.
 *
 *   token = base64url( mask 16 ‖ HMAC-SHA256(key, session) truncated to 16, xor mask )      43 characters
 *
 * The mask is fresh each time, so that no two answers hold the same token and compression tells nothing of it (BREACH).
 * Security: stateless; a token holds as long as the session's id does, so end the id at login and logout. Compared in
 * constant time. Not a defence against script injected into the page itself. Give the key to nothing else.
 *
 * Threading: immutable. cost: no allocation but for the key.
 *
 *     struct cardea_csrf *c;
 *     char token[CARDEA_CSRF_SIZE];
 *     struct cardea_status s = cardea_csrf_new(cardea_bytes(key, 32), &c);
 *     if (cardea_ok(s))
 *         s = cardea_csrf_make(c, cardea_text(sid), token);
 *     …
 *     s = cardea_csrf_check(c, cardea_text(sid), cardea_text(request_header("X-CSRF-Token")));
 */
#ifndef CARDEA_CSRF_H
#define CARDEA_CSRF_H

#include "cardea/bytes.h"
#include "cardea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CARDEA_CSRF_KEY_BYTES = 32,
    CARDEA_CSRF_SESSION_MAX = 255, /* bytes of a session's name */
    CARDEA_CSRF_SIZE = 44,         /* a token's text and its NUL */
};

struct cardea_csrf;

/* in: key: exactly 32 random bytes, which the caller wipes. fails: CARDEA_E_USAGE; CARDEA_E_BUSY. */
struct cardea_status cardea_csrf_new(struct cardea_bytes key, struct cardea_csrf **ret) CARDEA_CHECKED;
void cardea_csrf_free(struct cardea_csrf *c); /* wipes */
/* Make a token for a session. fails: CARDEA_E_USAGE: an empty session or one too long. */
struct cardea_status cardea_csrf_make(const struct cardea_csrf *c, struct cardea_bytes session,
                                      char out[CARDEA_CSRF_SIZE]) CARDEA_CHECKED;
/* Was it made for this session? fails: CARDEA_E_CSRF, whatever is wrong; CARDEA_E_USAGE. */
struct cardea_status cardea_csrf_check(const struct cardea_csrf *c, struct cardea_bytes session,
                                       struct cardea_bytes token) CARDEA_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
