/* The half of a token's or sealed text's check that needs no record: shared by the fast path and the slow one. */
#ifndef CORE_VERIFY_TOKEN_H
#define CORE_VERIFY_TOKEN_H

#include "core/verify_cache.h"

/* Is memory to be believed: the table, and the keyring that is kept beside it? Without a table (a stopped
 * installation) the keyring has just been read. */
static inline bool verifier_leased(const struct verifier *v)
{
    return v->table == NULL || table_valid(v->table, v->boot_ms);
}
/* What a refusal by keys alone means: past the lease it may be a key that was not heard of. */
static inline struct cardea_status unproven(const struct verifier *v, struct cardea_status s)
{
    bool refused = s.code == CARDEA_E_INVALID_TOKEN || s.code == CARDEA_E_INVALID_SESSION;
    return refused && !verifier_leased(v) ? CARDEA_FAIL(E_BUSY) : s;
}

/* Signature, form, key, times, app and audience, now. fails: E_INVALID_TOKEN; E_EXPIRED where that is all. */
struct cardea_status token_prove(const struct verifier *v, struct view text, struct proven_token *out) CARDEA_CHECKED;
/* What a proven token says by itself; the user, the session's times are the caller's to fill in. */
void token_identity(const struct verifier *v, const struct proven_token *t, struct identity *out);

/* Decryption, times, and an enabled app that seals. *ret_app is its place in the settings.
 * fails: E_INVALID_SESSION; E_EXPIRED where that is all; E_BUSY. */
struct cardea_status sealed_prove(const struct verifier *v, struct view text, struct sealed_session *out,
                                  uint16_t *ret_app) CARDEA_CHECKED;
void sealed_identity(const struct verifier *v, const struct sealed_session *s, uint16_t app, struct identity *out);
/* Past the lease: is none of the keys that open sealed texts compromised, as the store knows? fails: E_BUSY; the
 * store's failures. */
struct cardea_status sealed_keys_stand(const struct verifier *v, struct store_tx *tx,
                                       const struct store_ops *ops) CARDEA_CHECKED;

#endif
