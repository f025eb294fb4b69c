/* Access tokens, in every format of core/token_format.h: JWTs after RFC 9068 (typ at+jwt), and PASETO
 * (core/paseto_token.h).
 *
 * Decides: what a token of ours looks like, to the byte, and whether one is genuine and in its time. Refuses to decide:
 * revocation, epoch, policy; those are verify.h's.
 *
 * A claim is reachable only from a verified token: struct access_token is filled by access_token_verify alone, and only
 * when everything held.
 *
 * A text's form chooses what reads it, a JWS or a PASETO, and nothing more: which key checks it says the id in it, and
 * how, that key's own format. A key of one format never checks a token of another.
 *
 * What is checked, in this order (of a PASETO: core/paseto_token.h):
 *   1. length; the form of a compact JWS and its header, strictly read (core/jws.h);
 *   2. header: exactly alg, kid, typ. Nothing else: crit, jwk, jku, x5u, x5c, b64, zip are refused by not being known.
 *      typ is at+jwt, in any case, "application/" allowed before (RFC 9068 §4);
 *   3. the key by kid: a 43-character thumbprint compared with the ring, never a path, a query or a URL. The key names
 *      the algorithm, and the header must repeat it: a token never chooses how it is verified (promise 3). "none" does
 *      not exist;
 *   4. the signature;
 *   5. claims, present and of the right type: iss and aud as expected, sub, jti, sid, ep, client_id, iat, exp; roles
 *      and nbf where present; no cnf (a bound token needs its proof, B16). Other claims are ignored;
 *   6. times, last, so that E_EXPIRED means that nothing else was wrong.
 * Every refusal is E_INVALID_TOKEN, but E_EXPIRED where exp is the only fault, and E_BUSY without memory. Which check
 * refused is not told: it would be an oracle.
 *
 * Times: exp has no leeway: tokens are ours, a client is told expires_in, and a token refused a moment early is
 * refreshed, while one accepted late outlives its revocation entry. iat and nbf have LEEWAY_S: another node's clock may
 * run ahead, and a fresh token must not be refused for it. exp lies after iat by at most LIFETIME_MAX_S (promise 4),
 * whoever signed.
 *
 * Limits: a MAC key (HS256, …) signs for whoever can verify with it. ECDSA signatures are malleable, so two texts may
 * carry one token: know a token by its jti. A token is not encrypted: nothing sensitive goes in. Threading: pure; any
 * thread. No allocation of ours.
 *
 *     struct view audience = VIEW("https://api.example.com");
 *     struct access_expectation want = {VIEW("https://id.example.com"), &audience, 1};
 *     struct access_token token;
 *     struct cardea_status s = access_token_verify(keys, text, &want, now_ms, &token);
 *     if (cardea_ok(s))
 *         … token.claims.sub …
 */
#ifndef CORE_ACCESS_TOKEN_H
#define CORE_ACCESS_TOKEN_H

#include "core/claims.h"
#include "core/keyring.h"

enum { ACCESS_TOKEN_TEXT_MAX = 2048 };

struct access_token { /* verified */
    struct access_claims claims;
    const struct access_key *key; /* the ring's */
};

/* Make a token of a format with its active key; append the text to out. e: nonces of v4.local.
 * fails: E_USAGE (claims that verification would refuse: times, epoch, empty client_id or audience, roles);
 *        E_TOO_LARGE; E_UNAVAILABLE without an active key; E_INTERNAL, E_BUSY of the signature. out is untouched then,
 *        but for its `failed` when the text did not fit. */
struct cardea_status access_token_sign(const struct keyring *k, enum token_format f, const struct entropy *e,
                                       struct view issuer, const struct access_claims *c,
                                       struct buf *out) CARDEA_CHECKED;
/* Verify one; see above. */
struct cardea_status access_token_verify(const struct keyring *k, struct view text,
                                         const struct access_expectation *want, int64_t now_ms,
                                         struct access_token *out) CARDEA_CHECKED;
/* The same for a token of any age: E_EXPIRED is no fault here. It proves whose the token was, never that it may be
 * used: for logging out alone. */
struct cardea_status access_token_verify_aged(const struct keyring *k, struct view text,
                                              const struct access_expectation *want, int64_t now_ms,
                                              struct access_token *out) CARDEA_CHECKED;
/* The half that no cache may keep: the times of verified claims against now. Ask access_key_verifies for the key, too.
 * fails: E_EXPIRED; E_INVALID_TOKEN (not yet). */
struct cardea_status access_token_times(const struct access_claims *c, int64_t now_ms) CARDEA_CHECKED;

#endif
