/* Verification: one request's credential against the table. The fast path: no lock, no allocation, no I/O, any thread.
 *
 * Decides: who is calling, by which credential, and whether a policy lets it through. Refuses to decide: where a
 * credential was found in the request (http does) and what is answered.
 *
 * The fast path never asks a store: VERIFY_UNKNOWN says that the table can not tell, and that verify_stored must, on a
 * thread that may block.
 *
 * What is checked, each time, whatever is cached:
 *
 *   session   the cookie's tag; the record; the secret's digest, in constant time; kind; absolute and idle end; app
 *             enabled; the user active and at the session's epoch. Being idle is decided against the store (another
 *             node may have seen the session): a session that looks idle here is UNKNOWN.
 *   token     signature and claims (access_token.h), or the same token's result from the cache with its key's state
 *             and its times checked anew; app enabled and the audience its own, or one that a policy names; neither its
 *             jti nor its sid revoked; the user active and at the token's epoch. A sid that the table does not hold is
 *             fine: what counts for tokens is the revocation set, which is complete. But for an app whose tokens are
 *             checked live (strict): there the record must be there, of this user and epoch, and not idle; what the
 *             table can not show is UNKNOWN, for the store to tell.
 *   sealed    decryption and times (sealed.h); the app enabled and one that seals; its sid not revoked; the user active
 *             and at the text's epoch. A sid that the table does not hold is fine, as for tokens. That a session went
 *             idle is found by its renewal. Opening costs about what a hit in the cache of tokens costs among many
 *             (./dev bench verify), so there is no cache for it.
 *   key       checksum and tag; the record; the secret's digest, in constant time; expiry; the user active.
 *
 * A carried epoch above the user's means that the user's record here is old: UNKNOWN.
 *
 * Without a lease (table_valid) memory tells nothing: not the table, and not the keyring beside it, since a key may
 * have been made or dropped that was not heard of. Then everything is UNKNOWN but what is wrong by form, time or tag
 * alone; verify_stored decides from the store, and a "revoked" in the table still refuses.
 *
 * The verified-token cache keeps, per thread and in fixed memory, that a token's signature and form were good: found by
 * SipHash-2-4-128 of the whole text under a random key, with the keyring's and the settings' generation; a change of
 * either empties it in effect. Nothing else is taken from it on trust. Its key must stay secret: who knew it could
 * make a text that hits another token's entry.
 *
 * Threading: a verifier's parts are shared, the cache is one thread's own.
 *
 *     struct verifier v = {settings, keys, table, cache, now_ms, boot_ms};   // clocks read after the request
 *     struct identity who;
 *     switch (verify_session(&v, cookie, &who, &why)) {
 *     case VERIFY_YES: s = policy_check(policy, settings, &who, now_ms); …
 *     case VERIFY_NO:  answer(why); …
 *     default:         … verify_stored(&v, tx, ops, KIND_SESSION, cookie, &who, &why) on a pool …
 *     }
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
    struct session_id sid;       /* zeros for a key */
    struct api_key_id key;       /* zeros but for a key */
    struct token_id jti;         /* zeros but for a token */
    const struct app *app;       /* NULL for a key */
    struct view audience;        /* of a token: the settings' own text of it; empty otherwise */
    int64_t authenticated_at_ms; /* 0: not known from here (a token or sealed text whose session the table does not
                                    hold); for a key always 0 */
    int64_t expires_at_ms;
    uint16_t scopes_len;
    char scopes[SCOPES_MAX_BYTES]; /* of a key, space-joined */
};

enum { VERIFY_CACHE_MAX = 1 << 20 };

struct verify_cache; /* verified tokens; one a thread, no locks; NULL: none */
/* in: entries: about 150 bytes each, touched only when used; rounded up to a power of two, at least 64. key: random,
 * secret. NULL without memory. */
struct verify_cache *verify_cache_new(uint32_t entries, const uint8_t key[16]);
void verify_cache_free(struct verify_cache *c); /* wipes the key; NULL is safe */

/* Where the records go that the slow path has read and found good: they are what the table lacked. All are of one
 * moment, that of the transaction's begin; NULL for what the credential has not. mark: the receiver's own, taken before
 * that begin. Called inside the transaction, must not block. */
struct verify_sink {
    void (*take)(void *context, uint64_t mark, const struct user_record *user, const struct session_record *session,
                 const struct api_key_record *key);
    void *context;
    uint64_t mark;
};

struct verifier { /* what a check needs, all borrowed */
    const struct settings *settings;
    const struct keyring *keys;
    const struct table *table;  /* NULL: none (a stopped installation): the fast path answers UNKNOWN */
    struct verify_cache *cache; /* NULL: none */
    int64_t now_ms, boot_ms;
    const struct verify_sink *sink; /* for verify_stored; NULL: none */
};

/* Check one credential text of a kind. *out is set on YES and undefined otherwise. Notes a session as seen on YES.
 * *ret_why on NO: E_INVALID_SESSION, E_INVALID_TOKEN, E_INVALID_KEY, E_EXPIRED (inside only; outside it looks like the
 * others); on UNKNOWN E_UNAVAILABLE when the lease has run out or the table is closed (whether the store may be asked
 * is for the caller to know: if not, 503), E_NOT_FOUND otherwise. */
enum verify_answer verify_session(const struct verifier *v, struct view cookie, struct identity *out,
                                  struct cardea_status *ret_why);
enum verify_answer verify_token(const struct verifier *v, struct view token, struct identity *out,
                                struct cardea_status *ret_why);
enum verify_answer verify_key(const struct verifier *v, struct view key, struct identity *out,
                              struct cardea_status *ret_why);
enum verify_answer verify_sealed(const struct verifier *v, struct view text, struct identity *out,
                                 struct cardea_status *ret_why);
/* A token by itself, for a policy with `revocation: none`: signature, form, times, app and audience, and nothing that
 * happened since it was signed. No table, no store, no lease: a logout, a suspension, an end of its session are not
 * felt before it expires. *out has the user's id and epoch as the token says them, and no name, address or role.
 * Refused are tokens of an app that wants its tokens checked live. UNKNOWN (E_BUSY) as verify_token, when it may be of
 * a key that was not heard of. */
enum verify_answer verify_token_alone(const struct verifier *v, struct view token, struct identity *out,
                                      struct cardea_status *ret_why);
/* Any of them by kind; a kind that does not exist is NO. */
enum verify_answer verify_credential(const struct verifier *v, enum credential_kind kind, struct view text,
                                     struct identity *out, struct cardea_status *ret_why);

/* Does a policy (NULL: plain /verify) let this identity through? A key has no login: a policy with login_age_max_ms or
 * apps refuses it. A policy for other issuers' users alone refuses every one of ours. fails: E_FORBIDDEN;
 * E_LOGIN_TOO_OLD; E_NOT_FOUND: the age of the login has to be looked up in the store (authenticated_at_ms is 0), as
 * after VERIFY_UNKNOWN. */
struct cardea_status policy_check(const struct policy *p, const struct settings *s, const struct identity *who,
                                  int64_t now_ms) CARDEA_CHECKED;
/* Has this user one of the roles' names? Roles as the table has them. */
bool identity_has_role(const struct identity *who, const char *role);
/* Does it carry this scope? Only keys do. */
bool identity_has_scope(const struct identity *who, const char *scope);

/* The slow path (verify_stored.c): the same checks against records read from the store, inside a transaction. Blocks.
 */

/* One session: there, of an enabled app and an active user, at the user's epoch, within its absolute and idle end (a
 * newer last-seen time in the table counts), and secret, unless NULL (identity proven before), is its own. Outputs may
 * be NULL. fails: E_INVALID_SESSION; E_EXPIRED; the store's failures. */
struct cardea_status verify_session_stored(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                           struct session_id sid, const struct secret *secret,
                                           struct session_record *ret_session,
                                           struct user_record *ret_user) CARDEA_CHECKED;
/* One credential text of a kind, where the table answered VERIFY_UNKNOWN. UNKNOWN again only for the store's failures,
 * or where nobody can tell (then 503): *ret_why. */
enum verify_answer verify_stored(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                 enum credential_kind kind, struct view text, struct identity *out,
                                 struct cardea_status *ret_why);
/* Is an identity established earlier still good? For a queued write, inside its transaction. Where the sessions' engine
 * is away, memory and the accounts decide: so an administrator is not kept from suspending somebody. ret_user may be
 * NULL.
 * fails: E_INVALID_SESSION, E_INVALID_TOKEN, E_INVALID_KEY by its kind; E_EXPIRED; the store's failures. */
struct cardea_status verify_again(const struct verifier *v, struct store_tx *tx, const struct store_ops *ops,
                                  const struct identity *who, struct user_record *ret_user) CARDEA_CHECKED;

#endif
