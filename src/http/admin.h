/* The admin API: what administrators and operators do to users, sessions, tokens, keys and the journal.
 *
 * One implementation for everybody (docs/adr/0006): an administrator over HTTP, the operator through the admin socket,
 * a command on a stopped installation. All endpoints carry ENDPOINT_ADMIN, which lets in a role `admin` with a recent
 * login, and the operator; credentials are sessions and access tokens, never API keys.
 *
 * Decides: that every change comes with its journal row and its change for the verification table; that administrators
 * can not demote, suspend or delete themselves, so one is always left.
 */
#ifndef HTTP_ADMIN_H
#define HTTP_ADMIN_H

#include "core/password.h"
#include "http/answer.h"
#include "http/body.h"
#include "http/endpoint.h"
#include "http/lists.h"
#include "http/query.h"

enum { ADMIN_KINDS = LOGIN_KINDS };

/* How every row of the admin API begins: the doors, the credentials and the flag that asks for role and recent login,
 * in one place that no row can forget. more: further flags, or 0. */
#define ADMIN_CALL(method, route, more)                                                                                \
    .methods = (method), .path = (route), .doors = DOOR_ADMIN, .kinds = ADMIN_KINDS, .flags = ENDPOINT_ADMIN | (more)

extern const struct endpoint_set admin_user_endpoints;
extern const struct endpoint_set admin_user_change_endpoints;
extern const struct endpoint_set admin_session_endpoints;
extern const struct endpoint_set admin_api_key_endpoints;
extern const struct endpoint_set admin_key_endpoints;
extern const struct endpoint_set admin_audit_endpoints;

/* What a call may say about a user. */
struct user_fields {
    struct body_value username, password, email, name, roles, status, metadata;
    char canonical_username[USERNAME_MAX + 1];
    char canonical_email[EMAIL_MAX + 1];
    char canonical_roles[ROLES_MAX_BYTES + 1];
    enum user_status wanted_status;
    char password_hash[PASSWORD_HASH_MAX + 1]; /* by user_fields_hash */
};

/* Read and canonicalise the body. create: a new user, whose name is required and who has no status yet.
 * fails: as body_read; E_INVALID_FIELD naming the field. */
struct cardea_status user_fields_read(struct exchange *x, bool create, struct user_fields *out) CARDEA_CHECKED;
/* Where a password is given: is it acceptable beside these names, and its hash. In the work stage.
 * fails: E_WEAK_PASSWORD, E_INVALID_FIELD; E_BUSY. */
struct cardea_status user_fields_hash(struct exchange *x, struct user_fields *f, struct view username,
                                      struct view email) CARDEA_CHECKED;
/* Lay name, e-mail, metadata over a record. */
void user_fields_apply(const struct user_fields *f, struct user_record *u);
/* Name the field of a refused user_put. */
struct cardea_status user_put_fault(struct exchange *x, struct cardea_status why) CARDEA_CHECKED;
/* 200 or 201 {user}. */
void admin_answer_user(struct exchange *x, uint16_t status, const struct user_record *u);

/* The path's {id}. fails: E_NOT_FOUND for what is no id. */
struct cardea_status admin_param_user(struct exchange *x, struct user_id *out) CARDEA_CHECKED;
/* That user as the store has it now, in a transaction of its own: for work stages. fails: E_NOT_FOUND; the store's. */
struct cardea_status admin_read_user(struct exchange *x, struct user_id id, struct user_record *out) CARDEA_CHECKED;
/* The query's ?user=, where it is there. fails: E_INVALID_FIELD for what is no id. */
struct cardea_status admin_query_user(struct exchange *x, struct view value, bool *ret_given,
                                      struct user_id *out) CARDEA_CHECKED;
/* Details of a journal row: {"name": value}; {"from": roles, "to": roles}. */
struct view admin_detail(struct exchange *x, const char *name, struct view value);
struct view admin_roles_detail(struct exchange *x, const char *from, const char *to);

#endif
