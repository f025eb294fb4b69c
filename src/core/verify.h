/* Verification: one request's credential against the table. The fast path: no lock, no allocation, no I/O, any thread.
 *
 * Decides: who is calling, by which credential, and whether a policy lets it through. Refuses to decide: where a
 * credential was found in the request (http does) and what is answered.
 *
 * A store is never asked here: VERIFY_UNKNOWN says that the table can not tell and that the slow path must
 * (verify_from_store).
 */
#ifndef CORE_VERIFY_H
#define CORE_VERIFY_H

#include "core/access_token.h"
#include "core/credential.h"
#include "core/settings.h"
#include "core/table.h"

enum verify_answer {
    VERIFY_UNSET = 0,
    VERIFY_YES,
    VERIFY_NO,      /* *ret_why says what to answer */
    VERIFY_UNKNOWN, /* ask the store */
};

struct identity {
    enum credential_kind kind;
    struct table_user user;
    struct session_id sid; /* zeros for a key */
    struct api_key_id key; /* zeros but for a key */
    struct token_id jti;   /* zeros but for a token */
    const struct app *app; /* NULL for a key */
    int64_t authenticated_at_ms, expires_at_ms;
    uint16_t scopes_len;
    char scopes[SCOPES_MAX_BYTES];
};

struct verify_cache; /* verified tokens; one a thread, no locks; NULL: none */
struct verify_cache *verify_cache_new(uint32_t entries, const uint8_t key[32]);
void verify_cache_free(struct verify_cache *c);

struct verifier { /* what a check needs, all borrowed */
    const struct settings *settings;
    const struct keyring *keys;
    struct table *table;
    struct verify_cache *cache;
    int64_t now_ms, boot_ms;
};

/* Check one credential text of a kind. Notes the session as seen. *ret_why on NO: E_INVALID_SESSION, E_INVALID_TOKEN,
 * E_INVALID_KEY, E_EXPIRED (inside only; outside it looks like the others); on UNKNOWN E_UNAVAILABLE when the lease has
 * run out. */
enum verify_answer verify_session(const struct verifier *v, struct view cookie, struct identity *out,
                                  struct cardea_status *ret_why);
enum verify_answer verify_token(const struct verifier *v, struct view token, struct identity *out,
                                struct cardea_status *ret_why);
enum verify_answer verify_key(const struct verifier *v, struct view key, struct identity *out,
                              struct cardea_status *ret_why);

/* Does a policy (NULL: plain /verify) let this identity through? fails: E_FORBIDDEN, E_LOGIN_TOO_OLD. */
struct cardea_status policy_check(const struct policy *p, const struct settings *s, const struct identity *who,
                                  int64_t now_ms) CARDEA_CHECKED;

/* The slow path (verify_stored.c): the same checks against records read from the store, inside a transaction. */

/* One session: there, of an active user, at the user's epoch, within its absolute and idle end (a newer last-seen time
 * in the table counts), and secret, unless NULL, is its own. Outputs may be NULL.
 * fails: E_INVALID_SESSION; E_EXPIRED; the store's failures. */
struct cardea_status verify_session_stored(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                           struct session_id sid,
                                           const struct secret *secret /* NULL: identity was proven before */,
                                           struct session_record *ret_session,
                                           struct user_record *ret_user) CARDEA_CHECKED;
/* One credential text of a kind, where the table answered VERIFY_UNKNOWN. Never UNKNOWN but for the store's failures
 * (*ret_why). */
enum verify_answer verify_stored(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                 enum credential_kind kind, struct view text, struct identity *out,
                                 struct cardea_status *ret_why);
/* Is an identity established earlier still good? For a queued write, inside its transaction; *ret_session is zeroed for
 * a key. Outputs may be NULL.
 * fails: E_INVALID_SESSION, E_INVALID_TOKEN, E_INVALID_KEY by its kind; the store's failures. */
struct cardea_status verify_again(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                  const struct identity *who, struct session_record *ret_session,
                                  struct user_record *ret_user) CARDEA_CHECKED;

#endif
