/* Tokens of other issuers at /verify/{policy}, for policies that name issuers (core/issuer.h).
 *
 * Decides: what is answered for one, and when its issuer's keys are worth waiting for: when the set in force has not
 * the key that the token means, or is none, and a fetch is under way or may begin. A key that is not there then is an
 * invalid token (401), since anybody can invent a key's name; without any set that may be used nobody can know (503).
 *
 *   X-Auth-User      the user's id at the issuer, unique there only
 *   X-Auth-Issuer    the issuer's name in our configuration: always there where a policy names issuers, "self" for ours
 *   X-Auth-Username, X-Auth-Email, X-Auth-Roles, X-Auth-Client   as mapped; absent where the token does not tell
 *   X-Auth-Method    token; no X-Auth-Session
 *
 * With Remote-* names a token that maps to no user name is refused: Remote-User has no other meaning.
 */
#ifndef HTTP_VERIFY_FOREIGN_H
#define HTTP_VERIFY_FOREIGN_H

#include "http/authenticate.h"

enum { FOREIGN_ROLES_TEXT_MAX = 4096 }; /* encoded and joined */

/* Answer for a bearer token at a policy with issuers. last: keys have been waited for.
 * out:   *ret_ours, with a failure: it is no other issuer's, and this policy takes our own: go on
 * fails: E_NOT_FOUND (unless last): wait for the keys, x->issuer is set; E_INVALID_TOKEN, E_EXPIRED, E_FORBIDDEN,
 *        E_LOGIN_TOO_OLD, E_UNAVAILABLE, E_BUSY */
struct cardea_status verify_foreign(struct exchange *x, const struct policy *policy, const struct presented *p,
                                    bool last, bool *ret_ours) CARDEA_CHECKED;

#endif
