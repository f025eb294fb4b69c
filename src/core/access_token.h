/* Access tokens: JWTs after RFC 9068 (typ at+jwt), ES256 by default.
 *
 * A claim is reachable only from a verified token: struct access_token is filled by access_token_verify alone.
 * What is checked: three segments of canonical base64url; header exactly of the kinds we know (alg, kid, typ; crit
 * refused; typ at+jwt, case and "application/" prefix as RFC 9068 §4); the key by kid, the algorithm by the key; the
 * signature; claims: iss, aud, exp, iat, sub, jti, sid, ep, client_id present and of the right type; exp, nbf, iat
 * against now with leeway; no cnf (bound tokens need their proof). What is not: revocation, epoch, policy (verify.h).
 * Every refusal is E_INVALID_TOKEN, but E_EXPIRED where exp is the only fault.
 */
#ifndef CORE_ACCESS_TOKEN_H
#define CORE_ACCESS_TOKEN_H

#include "core/keyring.h"

enum { ACCESS_TOKEN_TEXT_MAX = 2048, ISSUER_MAX = 255, AUDIENCE_MAX = 255, LEEWAY_S = 30 };

struct access_claims {
    struct user_id sub;
    struct token_id jti;
    struct session_id sid;
    int64_t epoch;
    int64_t iat_s, exp_s;
    char client_id[APP_NAME_MAX + 1];
    char roles[ROLES_MAX_BYTES + 1]; /* "" unless the app opts in */
    char audience[AUDIENCE_MAX + 1]; /* of the one audience accepted */
};

struct access_token { /* verified */
    struct access_claims claims;
    const struct access_key *key;
};

struct access_expectation {
    struct view issuer;
    const struct view *audiences; /* one of these must be in aud */
    size_t audience_count;
};

/* Sign. fails: E_TOO_LARGE; E_UNAVAILABLE without an active key. */
struct cardea_status access_token_sign(const struct keyring *k, struct view issuer, const struct access_claims *c,
                                       struct buf *out) CARDEA_CHECKED;
struct cardea_status access_token_verify(const struct keyring *k, struct view text,
                                         const struct access_expectation *want, int64_t now_ms,
                                         struct access_token *out) CARDEA_CHECKED;
/* The halves, for the verified-token cache: the signature (costly, cacheable) and the times (always). */
struct cardea_status access_token_times(const struct access_claims *c, int64_t now_ms) CARDEA_CHECKED;

#endif
