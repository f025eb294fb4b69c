/* Introspection: what a text that somebody else was shown is good for at this moment (RFC 7662).
 *
 * Decides: which kind of credential of ours a text is, by its form; whether it would pass right now; what may be told
 * of it. Refuses to decide: who may ask, and for whom the answer is. A text is judged by the very checks that let a
 * request in (verify.h, refresh.h), so that no second opinion about a credential exists:
 *
 *   access token     verify_token: signature, times, revocation of jti and sid, epoch, user active, app enabled
 *   session cookie   verify_session; a sealed one verify_sealed
 *   API key          verify_key
 *   refresh token    its tag, the session's record, user, epoch, app, and refresh_judge: only a token that would be
 *                    honoured (the current one, or the one before within its grace) is active. Nothing is written: it
 *                    does not rotate, its session is not seen, and even one whose use would end the session ends
 *                    nothing.
 *
 * Whether a dead text was ever alive, and what killed it, is not told.
 *
 *     switch (introspect(&v, text, &found, &why)) {
 *     case VERIFY_YES:  … found …
 *     case VERIFY_NO:   … inactive …
 *     default:          why is E_NOT_FOUND: introspect_stored, where one may block; else nobody can tell: 503
 *     }
 */
#ifndef CORE_INTROSPECTION_H
#define CORE_INTROSPECTION_H

#include "core/flow.h"
#include "core/verify.h"

/* What a text can be, told by length, prefix and dots; nothing is proven by it. */
enum token_form {
    TOKEN_FORM_UNSET = 0, /* nothing of ours */
    TOKEN_FORM_ACCESS,
    TOKEN_FORM_REFRESH,
    TOKEN_FORM_SESSION,
    TOKEN_FORM_SEALED,
    TOKEN_FORM_KEY,
};
enum token_form token_form(struct view text);

struct introspection {
    enum token_form form;
    struct user_id sub;
    struct session_id sid;           /* zeros for a key */
    uint8_t jti[16];                 /* of an access token; of a key its id; zeros otherwise */
    const struct app *app;           /* NULL for a key */
    struct view audience;            /* of an access token, borrowed from the settings; empty otherwise */
    int64_t iat_s, nbf_s;            /* 0: not told */
    int64_t exp_s;                   /* when it ends at the latest, unless it is renewed by being used */
    char username[USERNAME_MAX + 1]; /* UTF-8 */
    char scopes[SCOPES_MAX_BYTES + 1];
};

/* From memory alone; *ret_why as verify.h says, for UNKNOWN too. A refresh token is always UNKNOWN, E_NOT_FOUND. */
enum verify_answer introspect(const struct verifier *v, struct view text, struct introspection *out,
                              struct cardea_status *ret_why);
/* With the store: f's transaction may be a READ one. Blocks. */
enum verify_answer introspect_stored(const struct verifier *v, const struct flow *f, struct view text,
                                     struct introspection *out, struct cardea_status *ret_why);

#endif
