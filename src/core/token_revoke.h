/* Revoking by text (RFC 7009): somebody shows a token, and it is over.
 *
 * Decides: what ends with which text, once it is proven to be ours:
 *
 *   access token                    this one token: a revocation of its jti until it would have expired
 *   refresh token, session cookie,  the session, and with it every credential of it: access tokens carry its sid. As at
 *   sealed session                  a logout, a refresh token that was used before, and a sealed text whose only fault
 *                                   is its age, prove enough (logout.h)
 *   API key                         refused: its owner and administrators manage keys, by id
 *   token of a trusted issuer       refused: only its issuer can end it, and to say that it is over would be a lie
 *
 * What is not ours, or is over already, is left alone: there is nothing to end. An app that was switched off since
 * makes no difference: its tokens would be good again when it is switched on. Refuses to decide: who may do it, and
 * what is answered.
 *
 *     s = token_revoke_read(settings, keys, text, now_ms, &r);      // no I/O
 *     s = token_revoke_commit(&r, &f, key);                         // in the write transaction
 */
#ifndef CORE_TOKEN_REVOKE_H
#define CORE_TOKEN_REVOKE_H

#include "core/introspection.h"
#include "core/logout.h"

struct token_revoke {
    enum token_form form;
    struct token_id jti; /* of an access token, and when it would have expired */
    struct user_id sub;
    struct session_id sid;
    int64_t exp_s;
    struct logout logout; /* of the others */
};

/* What the text is. Wipe *out with secret_wipe when done.
 * fails: E_USAGE: an API key, or by its own word a token of a trusted issuer; E_INVALID_TOKEN, E_INVALID_SESSION,
 * E_EXPIRED: nothing that could be ended; E_BUSY. */
struct cardea_status token_revoke_read(const struct settings *s, const struct keyring *keys, struct view text,
                                       int64_t now_ms, struct token_revoke *out) CARDEA_CHECKED;
/* End it. Writes nothing where it is over already. by: the API key that asked, for the journal.
 * fails: the store's failures. */
struct cardea_status token_revoke_commit(struct token_revoke *r, const struct flow *f,
                                         struct api_key_id by) CARDEA_CHECKED;

#endif
