/* A verifier outside the service: what verify.h needs, made of the verification table alone.
 *
 * The service's own checks work with settings and a keyring. A process that maps its table, or fills one from its feed,
 * has neither: no configuration and no symmetric key. What of both a check needs stands in the table: the public keys,
 * and the apps by name, place and state. From these an `outside` keeps a settings and a keyring of its own up to date,
 * so that the code which decides is the same here and there (verify.c).
 *
 * Decides: what can be told from outside. The keyed tags of session cookies and API keys can not: the secret's digest
 * decides, and an invented id is one that the table does not hold. A token under a symmetric key (HS256, v4.local), or
 * under a key that the table does not have, and an encrypted text are for the service to judge: UNKNOWN, E_NOT_FOUND.
 * Refuses to decide: policy. The caller states issuer and audiences, and looks at kind, app, roles and scopes.
 *
 * Whose token: iss must be the issuer, aud one of the audiences that were named; client_id an enabled app. Without an
 * issuer and an audience no token is accepted.
 *
 * Security: fails closed. Outside its lease, or closed, the table answers nobody (E_UNAVAILABLE). A key or an app that
 * was taken away is taken away with the first check that begins afterwards.
 *
 * Threading: one thread's. No allocation in a check but when the keys changed. Half a megabyte of address space, of
 * which what is used becomes memory.
 *
 *     outside_table(o, table);
 *     switch (outside_check(o, KIND_SESSION, cookie, now_ms, boot_ms, &who, &why)) …
 */
#ifndef CORE_OUTSIDE_H
#define CORE_OUTSIDE_H

#include "core/verify.h"

enum { OUTSIDE_AUDIENCES_MAX = 16, OUTSIDE_CACHE_ENTRIES = 4096 };

struct outside;

/* fails: E_BUSY without memory. */
struct cardea_status outside_new(const struct entropy *e, struct outside **out) CARDEA_CHECKED;
void outside_free(struct outside *o); /* NULL is safe */
/* fails: E_USAGE: empty or too long; E_LIMIT: one audience too many. */
struct cardea_status outside_issuer(struct outside *o, struct view issuer) CARDEA_CHECKED;
struct cardea_status outside_audience(struct outside *o, struct view audience) CARDEA_CHECKED;
/* Which table is looked at from now on; borrowed. NULL: none, and nobody is let in. */
void outside_table(struct outside *o, const struct table *t);
/* As verify_credential; clocks read after the request. UNKNOWN: E_NOT_FOUND: ask the service; E_UNAVAILABLE: no table,
 * no lease, or no memory for new keys; E_USAGE: a token, and no issuer or audience to check it by. */
enum verify_answer outside_check(struct outside *o, enum credential_kind kind, struct view text, int64_t now_ms,
                                 int64_t boot_ms, struct identity *out, struct cardea_status *ret_why);

#endif
