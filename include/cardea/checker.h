/* The checker: who is calling, answered in this process from the verification table of a Cardea service. The other
 * verifier (verifier.h) looks at a token's signature alone; this one knows sessions, users and revocations as they are
 * at this moment.
 *
 * Where the table is:
 *   - on the same host, cardea_checker_connect maps the service's own, over its table socket (`table.socket` in the
 *     service's configuration). What the service answers is felt by the next check, with nothing in between.
 *   - elsewhere, a replica (replica.h) is filled from the service's feed, and cardea_checker_replica looks at it.
 *
 * Decides: whether a credential is good now, and whose it is: sessions by their secret's digest, expiry, app and user;
 * tokens (JWT or PASETO, of the named issuer and audiences) by signature, times, revocations and user; API keys by
 * digest, expiry and user. Refuses to decide: what the caller may do. Look at kind, app, roles and scopes.
 *
 * Answers of a check:
 *   CARDEA_OK              cardea_caller_… tell who it is
 *   CARDEA_E_INVALID_SESSION, _INVALID_TOKEN, _INVALID_KEY, _EXPIRED   refused: answer 401
 *   CARDEA_E_NOT_FOUND     not to be told from here: ask the service (its /verify, with the same credential). What the
 *                          table does not hold; what looks idle; whatever needs a symmetric key, which never leaves the
 *                          service: HS256 and v4.local tokens, sealed sessions
 *   CARDEA_E_UNAVAILABLE   nothing may be told from here: the lease has run out, or the service is gone. Connect again
 *                          (cardea_checker_lost), ask the service, or answer 503; never 401, and never yes
 *
 * It fails closed: where it can not know, it says so. Nothing is cached but that a token's signature was good, with the
 * key that it was good under; key, times, user and revocations are looked up with each check.
 *
 * Security limits: whoever maps a table sees ids, names, e-mail addresses, roles, and digests of secrets that can not
 * be turned back. The keyed tag in cookies and API keys, by which the service keeps invented ids from its store, can
 * not be checked outside: an invented one is not found. Connecting trusts whoever listens at that path: keep its folder
 * yours. Both clocks must be the host's own; the time namespace, too, must be the service's.
 *
 * Clocks are arguments, both in milliseconds and both read after the request was: Unix time (CLOCK_REALTIME) for
 * expiry, boot time (CLOCK_BOOTTIME) for the lease.
 *
 * Threading: a checker and a struct cardea_caller belong to one thread at a time. A checker that maps shares the memory
 * with all others: one a thread costs address space. No thread, no signal, no lock.
 *
 * cost: no allocation in a check, but for the first one after the service's keys changed, and what OpenSSL makes of its
 * own for a signature not seen before. At most one system call a millisecond (is the service there?).
 *
 *     struct cardea_checker *c;
 *     struct cardea_caller *caller;
 *     struct cardea_status s = cardea_checker_new(&c);
 *     if (cardea_ok(s)) s = cardea_checker_issuer(c, "https://id.example.com");
 *     if (cardea_ok(s)) s = cardea_checker_audience(c, "https://id.example.com");
 *     if (cardea_ok(s)) s = cardea_caller_new(&caller);
 *     if (cardea_ok(s)) s = cardea_checker_connect(c, "/run/cardea/table.sock");
 *     if (cardea_ok(s)) s = cardea_check_session(c, cookie, now_ms, boot_ms, caller);
 *     if (cardea_ok(s)) puts(cardea_caller_username(caller));
 */
#ifndef CARDEA_CHECKER_H
#define CARDEA_CHECKER_H

#include "cardea/bytes.h"
#include "cardea/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CARDEA_CHECKER_AUDIENCES_MAX = 16,
    CARDEA_CHECKER_TEXT_MAX = 255,    /* bytes of an issuer or audience */
    CARDEA_CHECKER_CONNECT_MS = 1000, /* longest that connecting takes */
};

struct cardea_checker;
struct cardea_caller;

/* fails: CARDEA_E_BUSY: no memory. */
struct cardea_status cardea_checker_new(struct cardea_checker **ret) CARDEA_CHECKED;
void cardea_checker_free(struct cardea_checker *c);
/* Whose tokens: the service's public_url. Sessions and API keys need neither this nor an audience.
 * fails (both): CARDEA_E_USAGE: NULL, empty, too long; CARDEA_E_LIMIT: one audience too many. */
struct cardea_status cardea_checker_issuer(struct cardea_checker *c, const char *issuer) CARDEA_CHECKED;
/* For whom: one of these must be a token's aud. By default a service's tokens are for its own public_url. */
struct cardea_status cardea_checker_audience(struct cardea_checker *c, const char *audience) CARDEA_CHECKED;

/* Map the table of the service that listens at this path, in place of what the checker looked at before. Also the way
 * back after cardea_checker_lost.
 * fails: CARDEA_E_UNAVAILABLE: nobody there, or no place left for us; CARDEA_E_CORRUPT: no table, or one of another
 *        version; CARDEA_E_USAGE: a path that no socket can have; CARDEA_E_BUSY: no memory. What was mapped before is
 *        gone then, too
 * cost:  system calls; blocks CARDEA_CHECKER_CONNECT_MS at most */
struct cardea_status cardea_checker_connect(struct cardea_checker *c, const char *path) CARDEA_CHECKED;
/* Has the mapped table lost its service (stopped, killed, started anew), or was none mapped? Then connect (again). */
bool cardea_checker_lost(const struct cardea_checker *c);

/* Who is calling, by the value of a session cookie (session_cookie.h finds it), a token, or an API key. caller is
 * nobody after every failure. fails: as the top of this file says; CARDEA_E_USAGE too: NULL, or a token and no issuer
 * or audience to check it by. */
struct cardea_status cardea_check_session(struct cardea_checker *c, struct cardea_bytes cookie, int64_t now_ms,
                                          int64_t boot_ms, struct cardea_caller *caller) CARDEA_CHECKED;
struct cardea_status cardea_check_token(struct cardea_checker *c, struct cardea_bytes token, int64_t now_ms,
                                        int64_t boot_ms, struct cardea_caller *caller) CARDEA_CHECKED;
struct cardea_status cardea_check_key(struct cardea_checker *c, struct cardea_bytes key, int64_t now_ms,
                                      int64_t boot_ms, struct cardea_caller *caller) CARDEA_CHECKED;

/* --- the caller: room for one; about 8 KB --- */

/* fails: CARDEA_E_BUSY: no memory. */
struct cardea_status cardea_caller_new(struct cardea_caller **ret) CARDEA_CHECKED;
void cardea_caller_free(struct cardea_caller *caller);
/* Texts are UTF-8 and end in NUL, are "" where there is nothing to tell, and live until the next check into this
 * caller. An e-mail address is there only where it was verified. */
const char *cardea_caller_method(const struct cardea_caller *caller); /* "session", "token", "key"; "" nobody */
const char *cardea_caller_user(const struct cardea_caller *caller);   /* the id, a UUID */
const char *cardea_caller_username(const struct cardea_caller *caller);
const char *cardea_caller_email(const struct cardea_caller *caller);
const char *cardea_caller_name(const struct cardea_caller *caller);
const char *cardea_caller_roles(const struct cardea_caller *caller);   /* as they are now, comma between */
const char *cardea_caller_app(const struct cardea_caller *caller);     /* of the login; "" for a key */
const char *cardea_caller_session(const struct cardea_caller *caller); /* the public sid; "" for a key */
const char *cardea_caller_scopes(const struct cardea_caller *caller);  /* of a key, space between */
/* Unix time in ms. authenticated_at is 0 where it is not known: for a key, or a token whose session is not here. */
int64_t cardea_caller_expires_at_ms(const struct cardea_caller *caller);
int64_t cardea_caller_authenticated_at_ms(const struct cardea_caller *caller);
bool cardea_caller_has_role(const struct cardea_caller *caller, const char *role);
bool cardea_caller_has_scope(const struct cardea_caller *caller, const char *scope); /* only keys have any */

#ifdef __cplusplus
}
#endif
#endif
