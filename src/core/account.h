/* Accounts: made by their owners (signup) or an administrator, and what an owner may change.
 *
 * E-mail addresses that an owner gives prove nothing until they are verified, and are not unique until then: so giving
 * one tells nothing about who else has it. Only verified ones are unique, and only they log in.
 */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include "core/flow.h"
#include "core/password.h"

/* A new user, active, with a hash already made.
 * in:    canonical texts; email "" none. roles: canonical, "" none. metadata "" is "{}"
 * fails: E_USERNAME_TAKEN; E_CONFLICT (a verified e-mail that another user has verified) */
struct account_request {
    const char *username, *email, *name, *roles, *metadata;
    bool email_verified;
    const char *password_hash; /* "" no password login */
};
struct cardea_status account_create(const struct flow *f, const struct account_request *want,
                                    struct user_record *out) CARDEA_CHECKED;

/* What an owner may change; NULL stays as it is. */
struct account_change {
    const char *name;     /* "" none */
    const char *email;    /* canonical; "" none; another one is unverified */
    const char *metadata; /* JSON object */
};
/* fails: E_NOT_FOUND; the store's failures. */
struct cardea_status account_update(const struct flow *f, struct user_id id, const struct account_change *change,
                                    struct user_record *out) CARDEA_CHECKED;

#endif
