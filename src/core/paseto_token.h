/* Access tokens as PASETO v4: the same claims and the same checks as access_token.h, in the other format.
 *
 * Decides: what such a token looks like, to the byte, and whether one is genuine and in its time. Refuses to decide:
 * revocation, epoch, policy; those are verify.h's. And which keys are in force: the caller passes those alone.
 *
 *   v4.public.<claims and signature>.<footer>      read by everybody, made by the holder of the secret key
 *   v4.local.<claims, encrypted, and tag>.<footer> read and made by the holders of the local key
 *
 * The message is a JSON object: iss sub aud exp iat jti sid ep client_id, and nbf and roles where they are used; exp,
 * iat and nbf in RFC 3339, as PASETO registers them, in whole seconds. The footer is exactly {"kid":"k4.pid.…"}
 * (k4.lid for v4.local): the key's PASERK id. Nothing reads it as JSON before it is verified, nothing else can stand in
 * it, and the id is compared with ours: it is no path, no URL and no query. No implicit assertion.
 *
 * What is checked, in this order:
 *   1. length and form, header, one purpose a function (core/paseto.h);
 *   2. the footer and the key that it names, among those given;
 *   3. signature or tag;
 *   4. claims, present and of the right type: iss and aud as expected (aud is one string), sub, jti, sid, ep,
 *      client_id, iat, exp; roles and nbf where present; no cnf. Other claims are ignored;
 *   5. times, last, so that E_EXPIRED means that nothing else was wrong: exp without leeway, at most LIFETIME_MAX_S
 *      after iat; iat and nbf with LEEWAY_S.
 * Every refusal is E_INVALID_TOKEN, but E_EXPIRED where exp is the only fault.
 *
 * A claim is reachable only from a verified token: struct paseto_token is filled by the two verifications alone.
 *
 * Limits: PASETO knows no `typ`. What keeps a token made for another end from passing as an access token is that the
 * key signs nothing else: give these keys to nothing else (promise 7). Threading: pure; any thread. No allocation.
 *
 *     struct access_expectation want = {VIEW("https://id.example.com"), &audience, 1};
 *     struct paseto_token token;
 *     struct cardea_status s = paseto_token_verify(keys, count, text, &want, now_ms, &token);
 *     if (cardea_ok(s))
 *         … token.claims.sub …
 */
#ifndef CORE_PASETO_TOKEN_H
#define CORE_PASETO_TOKEN_H

#include "core/claims.h"
#include "core/paseto.h"

enum { PASETO_TOKEN_TEXT_MAX = 2048 };

struct paseto_token { /* verified */
    struct access_claims claims;
    struct paserk_id key; /* which verified it */
};

/* Sign, or encrypt under a nonce from e; append the text to out.
 * fails: E_USAGE (claims or an issuer that verification would refuse); E_TOO_LARGE. out is untouched then, but for its
 *        `failed` when the text did not fit. */
struct cardea_status paseto_token_sign(const struct paseto_secret_key *k, struct view issuer,
                                       const struct access_claims *c, struct buf *out) CARDEA_CHECKED;
struct cardea_status paseto_token_encrypt(const struct paseto_local_key *k, struct view issuer,
                                          const struct access_claims *c, const struct entropy *e,
                                          struct buf *out) CARDEA_CHECKED;
/* Verify, or decrypt, under that of count keys which the footer names; see above. */
struct cardea_status paseto_token_verify(const struct paseto_public_key *keys, size_t count, struct view text,
                                         const struct access_expectation *want, int64_t now_ms,
                                         struct paseto_token *out) CARDEA_CHECKED;
struct cardea_status paseto_token_decrypt(const struct paseto_local_key *keys, size_t count, struct view text,
                                          const struct access_expectation *want, int64_t now_ms,
                                          struct paseto_token *out) CARDEA_CHECKED;
/* For who looks the key up himself: the id in the footer of a token that nobody has verified yet. False: no such
 * token. */
bool paseto_token_key(struct view text, struct paserk_id *out) __attribute__((warn_unused_result));
/* Everything but the times, under the key of that id. fails: E_INVALID_TOKEN. */
struct cardea_status paseto_token_open(const struct paseto_public_key *k, struct view text,
                                       const struct access_expectation *want, struct access_claims *out) CARDEA_CHECKED;
struct cardea_status paseto_token_open_local(const struct paseto_local_key *k, struct view text,
                                             const struct access_expectation *want,
                                             struct access_claims *out) CARDEA_CHECKED;

#endif
