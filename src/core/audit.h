/* Audit: the names of what is recorded, and one way to record it. Core never logs; this journal is the precise account
 * inside. */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include "store/store.h"

/* X(type, what it means) */
#define AUDIT_TYPES(X)                                                                                                 \
    X(login, "somebody logged in")                                                                                     \
    X(login_failed, "failed logins of one account, in aggregate")                                                      \
    X(logout, "a session was ended by its owner")                                                                      \
    X(logout_all, "all sessions of a user were ended")                                                                 \
    X(session_revoked, "a session was ended by someone else, or by a limit")                                           \
    X(refresh_reuse, "a used refresh token came again: the session was ended")                                         \
    X(store_rollback, "a refresh token newer than its record: the session was ended")                                  \
    X(reauthenticated, "step-up: the password was given again")                                                        \
    X(password_changed, "by the user")                                                                                 \
    X(password_set, "by an administrator")                                                                             \
    X(user_created, "")                                                                                                \
    X(user_updated, "name, e-mail or metadata")                                                                        \
    X(user_deleted, "")                                                                                                \
    X(roles_changed, "")                                                                                               \
    X(user_suspended, "")                                                                                              \
    X(user_resumed, "")                                                                                                \
    X(token_revoked, "one access token by jti")                                                                        \
    X(api_key_created, "")                                                                                             \
    X(api_key_revoked, "")                                                                                             \
    X(key_made, "a key was made and is in force at once")                                                              \
    X(key_published, "a key was made that verifies now and signs later")                                               \
    X(key_scheduled, "a published key was told when to sign")                                                          \
    X(key_promoted, "a published key signs from now on")                                                               \
    X(key_retired, "a key signs no more; what it has signed is still good")                                            \
    X(key_removed, "a retired key is gone, or a published one that nobody asks for any more")                          \
    X(key_rotated, "somebody asked for a rotation")                                                                    \
    X(key_dropped, "a signing key was dropped at once")                                                                \
    X(operator_read, "the operator looked at something through the admin socket or on a stopped installation")         \
    X(started, "the service started")                                                                                  \
    X(restored, "a backup was restored: all sessions ended, the detail names the incarnation")

#define AUDIT_NAME(type, text) static const char AUDIT_##type[] __attribute__((unused)) = #type;
AUDIT_TYPES(AUDIT_NAME)
#undef AUDIT_NAME

/* Where a checked journal stands: the last good row. Zeroed: before the first. */
struct audit_head {
    uint64_t n;
    uint8_t hash[32];
};
/* Check the chain (store/journal.h) behind *head, rows_max rows or a few more, moving *head along, also on failure.
 * out:   *ret_end: the journal was checked to its end
 * fails: E_CORRUPT: row head->n + 1 does not hold, or is missing; the store's failures. */
struct cardea_status audit_verify(const struct store_ops *ops, struct store_tx *tx, uint32_t rows_max,
                                  struct audit_head *head, bool *ret_end) CARDEA_CHECKED;

#endif
