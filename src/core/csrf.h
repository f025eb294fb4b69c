/* CSRF tokens: a MAC over a session's name, masked anew each time.
 *
 *   base64url( mask 16 | HMAC-SHA256(key, session) truncated 16 xor mask )      43 characters
 *
 * Decides: whether a token was made for this session under this key. Refuses to decide: which requests need one, and
 * what names a session. The mask keeps compression of an answer from telling anything. Compared in constant time.
 * Threading: pure.
 */
#ifndef CORE_CSRF_H
#define CORE_CSRF_H

#include "base/entropy.h"
#include "cardea/status.h"
#include "crypto/mac.h"

enum { CSRF_TOKEN_TEXT = 43 };

/* Writes exactly CSRF_TOKEN_TEXT characters, other ones each time. */
void csrf_format(const struct mac_key *k, struct view session, const struct entropy *e, char out[CSRF_TOKEN_TEXT]);
/* fails: E_CSRF. */
struct cardea_status csrf_check(const struct mac_key *k, struct view session, struct view text) CARDEA_CHECKED;

#endif
