/* Carriers: how credentials leave with an answer: in which cookies or members, with which lifetimes.
 *
 *   session cookie (web, strict)   __Host-cardea; {user, session, csrf_token}
 *   sealed cookie (sealed)         __Host-cardea; {user, session, csrf_token, expires_in}
 *   token cookies (spa)            __Host-cardea-access and -refresh; {user, session, csrf_token, expires_in}
 *   body (mobile, service, strict with a token)  no cookie; the tokens in the answer
 *
 * A browser holds the credentials of one login: setting those of one carrier clears those of the other. Token cookies
 * and the sealed one stay as long as the login may, so that what has expired can still be renewed, or name its session
 * at logout.
 */
#ifndef HTTP_CARRY_H
#define HTTP_CARRY_H

#include "core/grant.h"
#include "http/exchange.h"

/* The whole answer of a login, step-up or change of password. */
void carry_login(struct exchange *x, const struct app *app, const struct user_record *user, const struct grant *grant);
/* The whole answer of a refresh. */
void carry_refresh(struct exchange *x, const struct app *app, const struct user_record *user,
                   const struct session_record *session, const struct refresh_token *token);
/* The whole answer of a sealed session's renewal. */
void carry_renewal(struct exchange *x, const struct app *app, const struct session_record *session);
/* Clear those of our credential cookies that the request carried. */
void carry_clear(struct exchange *x);
/* Profiles that answer tokens in the body are not for browsers, unless the app lists the origin. Others: the origin
 * rule for this app. fails: E_ORIGIN. */
struct cardea_status carry_admits(const struct exchange *x, const struct app *app) CARDEA_CHECKED;

#endif
