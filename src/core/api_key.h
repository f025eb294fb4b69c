/* API keys: made by their user, shown once, listed, revoked.
 *
 * Decides: how many keys a user may have, how long one lives, which scopes it may carry; that making and revoking one
 * come with their rows in the journal and their changes of the verification table. Refuses to decide: the bytes of a
 * key (credential.h), whether one is good (verify.h), and what a scope opens: policies ask for scopes.
 *
 * Security: the record keeps the digest of the secret half, so a key can be shown when it is made and never again. A
 * key has no login: nothing that asks for a recent one can be reached with it. It dies with its user's suspension, and
 * lives through log out everywhere and a change of password.
 */
#ifndef CORE_API_KEY_H
#define CORE_API_KEY_H

#include "core/credential.h"
#include "core/flow.h"

enum { SCOPE_MAX = ROLE_MAX, SCOPES_MAX = 16 };

struct api_key_request {
    struct user_id user;
    struct view name;    /* 1 … NAME_MAX_BYTES */
    const char *scopes;  /* from scopes_canonical */
    int64_t lifetime_ms; /* 0: the settings' default */
};

/* Space-joined, each once, in the order given; at most SCOPES_MAX. A scope: RFC 6749 §3.3 characters, at most SCOPE_MAX
 * bytes.
 * *ret_reserved: one of them opens Cardea's own endpoints (introspect, revoke, feed, cardea:…), which is an
 * administrator's to give. fails: E_INVALID_FIELD. */
struct cardea_status scopes_canonical(const struct view *scopes, size_t count, char out[SCOPES_MAX_BYTES + 1],
                                      bool *ret_reserved) CARDEA_CHECKED;

/* Make one. *ret_key holds the secret: format it, show it, wipe it.
 * fails: E_LIMIT (api_keys_per_user_max keys that have not expired); the store's failures. */
struct cardea_status api_key_create(const struct flow *f, const struct api_key_request *want,
                                    struct api_key_record *ret_record, struct api_key *ret_key) CARDEA_CHECKED;
/* Revoke one of this user's (NULL: anybody's). fails: E_NOT_FOUND, also for another user's. */
struct cardea_status api_key_revoke(const struct flow *f, const struct user_id *user,
                                    struct api_key_id id) CARDEA_CHECKED;

#endif
