/* The verifier: a signed token (a JWT, RFC 7519, as a compact JWS, RFC 7515), the keys and the policy of the caller;
 * and the claims, of verified tokens only.
 *
 * Decides: whether a token holds under keys and policy. Refuses to decide: where keys come from, what a claim means to
 * the application, whether the token was revoked (it is stateless: until exp, a token that was signed holds).
 *
 * What is checked, in this order: form, sizes and header, strictly read; crit and b64 refused, "none" unknown, jwk,
 * jku, x5u, x5c never looked at; typ; the key, by kid; alg, which must be the key's own; the signature, in constant
 * time for HMAC; the payload, one JSON object, strictly read (duplicate names, bad UTF-8, NULs refused); iss, aud, cnf
 * and the required claims; exp, always required; iat, nbf, age; times last, so that CARDEA_E_EXPIRED means that nothing
 * else was wrong. Every other refusal is CARDEA_E_INVALID_TOKEN and does not tell which check refused: a client is told
 * no more than "invalid".
 *
 * What a policy does not say is not allowed: issuer and audience must be named, or waived by name. Only typ "at+jwt"
 * (RFC 9068) is accepted until cardea_verifier_type names others. What issuers write: Cardea, Auth0's RFC 9068 profile:
 * "at+jwt"; Auth0, Entra, Keycloak: "JWT"; Cognito, Okta: none.
 *
 * A claim is reachable only from a struct cardea_claims that a verification has filled; one that failed empties it. The
 * header's members are never taken for claims.
 *
 * Which key: with one key that has no id of its own (PEM, secret), that one, whatever kid the token names. Else the one
 * of the token's kid; for a token without kid, the only key of its alg.
 *
 * Threading: a verifier is set up by one thread, then immutable. One struct cardea_claims a thread, used again and
 * again. To change keys, make another verifier and put it in the old one's place.
 *
 * cost: cardea_verify makes no allocation under HS, EdDSA with Ed25519, and PASETO. Under RS, PS, ES and Ed448 OpenSSL
 * makes some of its own, as many as for the bare EVP_PKEY_verify with everything kept ready. As long as no more than 8
 * threads use one key in the same instant.
 *
 *     struct cardea_verifier *v;
 *     struct cardea_claims *claims;
 *     struct cardea_status s = cardea_verifier_new(&v);
 *     if (cardea_ok(s)) s = cardea_verifier_add_key(v, key);
 *     if (cardea_ok(s)) s = cardea_verifier_issuer(v, "https://id.example.com");
 *     if (cardea_ok(s)) s = cardea_verifier_audience(v, "https://api.example.com");
 *     if (cardea_ok(s)) s = cardea_claims_new(&claims);
 *     if (cardea_ok(s)) s = cardea_verify(v, cardea_text(token), time(NULL), claims);
 *     if (cardea_ok(s)) puts(cardea_claims_subject(claims));
 */
#ifndef CARDEA_VERIFIER_H
#define CARDEA_VERIFIER_H

#include "cardea/key.h"
#include "cardea/paseto.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CARDEA_TOKEN_MAX = 16384,       /* characters of a token */
    CARDEA_TOKEN_VALUES_MAX = 1024, /* names and values in its payload */
    CARDEA_VERIFIER_LIST_MAX = 16,  /* issuers, audiences, required claims, keys of PASETO: of each */
    CARDEA_VERIFIER_TEXT_MAX = 255, /* bytes of each of them */
    CARDEA_LEEWAY_DEFAULT_S = 30,
    CARDEA_LEEWAY_MAX_S = 300,
};

struct cardea_verifier;
struct cardea_claims;

/* --- policy; each before the first verification --- */

/* fails: CARDEA_E_BUSY: no memory. */
struct cardea_status cardea_verifier_new(struct cardea_verifier **ret) CARDEA_CHECKED;
void cardea_verifier_free(struct cardea_verifier *v);

/* Trust a key, all keys of a set. The caller may free its own handle afterwards.
 * fails: CARDEA_E_USAGE: a key that may not verify; CARDEA_E_CONFLICT: two keys of one id, or one without an id beside
 *        others; CARDEA_E_LIMIT: more than CARDEA_KEY_SET_MAX */
struct cardea_status cardea_verifier_add_key(struct cardea_verifier *v, const struct cardea_key *k) CARDEA_CHECKED;
struct cardea_status cardea_verifier_add_keys(struct cardea_verifier *v, const struct cardea_keys *s) CARDEA_CHECKED;
/* Trust a key of PASETO v4: tokens of its one purpose then verify, too, under the same policy but for type and
 * algorithm, which are the key's own. Their claims are JSON, with exp, iat and nbf as RFC 3339 (fractions are cut);
 * they have no implicit assertion (for one, use cardea_paseto_verify). With several keys of a purpose, the footer must
 * name one: {"kid":"k4.pid.…"}. A key that signs tokens of two meanings makes them interchangeable: PASETO knows no
 * typ. fails: CARDEA_E_USAGE; CARDEA_E_CONFLICT: the key is there; CARDEA_E_LIMIT: more than CARDEA_VERIFIER_LIST_MAX
 */
struct cardea_status cardea_verifier_add_paseto_public_key(struct cardea_verifier *v,
                                                           const struct cardea_paseto_public_key *k) CARDEA_CHECKED;
struct cardea_status cardea_verifier_add_paseto_local_key(struct cardea_verifier *v,
                                                          const struct cardea_paseto_local_key *k) CARDEA_CHECKED;
/* Accept this issuer: iss must be it, byte for byte. Several: one of them.
 * fails (this and those that follow; the policy is as it was then): CARDEA_E_USAGE: NULL, empty, too long, out of
 * range, an algorithm of no such name, a list beside its own waiver; CARDEA_E_LIMIT: one too many; CARDEA_E_BUSY */
struct cardea_status cardea_verifier_issuer(struct cardea_verifier *v, const char *issuer) CARDEA_CHECKED;
/* Accept this audience: it must be in aud. Several: one of them must. Name your own service, never another's. */
struct cardea_status cardea_verifier_audience(struct cardea_verifier *v, const char *audience) CARDEA_CHECKED;
/* The claim that holds the audience, by its name, not a path; for issuers that write none into aud (Cognito:
 * "client_id"). */
struct cardea_status cardea_verifier_audience_claim(struct cardea_verifier *v, const char *name) CARDEA_CHECKED;
/* Waive the check, iss or aud and all; not where one was named. Without an audience, a token that was made for another
 * service is accepted here. */
struct cardea_status cardea_verifier_any_issuer(struct cardea_verifier *v) CARDEA_CHECKED;
struct cardea_status cardea_verifier_any_audience(struct cardea_verifier *v) CARDEA_CHECKED;
/* Accept this typ (case and "application/" before it do not count); "" for tokens without one. The first call takes
 * "at+jwt" off, unless it is the one named. Of others than "at+jwt", "JWT" and "" there is room for one. */
struct cardea_status cardea_verifier_type(struct cardea_verifier *v, const char *type) CARDEA_CHECKED;
/* Accept this algorithm only, or these; without a call, each key's own. */
struct cardea_status cardea_verifier_algorithm(struct cardea_verifier *v, const char *algorithm) CARDEA_CHECKED;
/* This claim must be there, by its name, not a path, and not be null. */
struct cardea_status cardea_verifier_require(struct cardea_verifier *v, const char *name) CARDEA_CHECKED;
/* How far clocks may be apart: for exp, iat and nbf; 0 … CARDEA_LEEWAY_MAX_S, CARDEA_LEEWAY_DEFAULT_S without a call.
 */
struct cardea_status cardea_verifier_leeway(struct cardea_verifier *v, int64_t seconds) CARDEA_CHECKED;
/* The longest life, exp - iat, and the longest time since iat, that a token may have; iat is required then. From 1; no
 * limit without a call. */
struct cardea_status cardea_verifier_lifetime(struct cardea_verifier *v, int64_t seconds) CARDEA_CHECKED;
struct cardea_status cardea_verifier_age(struct cardea_verifier *v, int64_t seconds) CARDEA_CHECKED;
/* Accept tokens that are bound to a key (cnf, RFC 7800): the caller checks the proof (DPoP, mTLS). Refused otherwise,
 * since taking one for a bearer token would throw its protection away. */
struct cardea_status cardea_verifier_bound(struct cardea_verifier *v) CARDEA_CHECKED;

/* --- verification --- */

/* Room for one verified token; about 56 KB. fails: CARDEA_E_BUSY. */
struct cardea_status cardea_claims_new(struct cardea_claims **ret) CARDEA_CHECKED;
void cardea_claims_free(struct cardea_claims *c); /* wipes */

/* Verify.
 * in:    token: not a text out of these same claims, which the call overwrites. now_s: Unix time, in seconds, from 0
 * out:   claims: those of this token; on failure, empty
 * fails: CARDEA_E_INVALID_TOKEN; CARDEA_E_EXPIRED; CARDEA_E_USAGE: a policy without key, issuer or audience, NULL;
 *        CARDEA_E_BUSY: no memory
 * leaks: the time depends on sizes and on which check refused, not on secrets
 * spec:  RFC 7515 §5.2, RFC 7519 §7.2, RFC 8725, RFC 9068 §4 */
struct cardea_status cardea_verify(const struct cardea_verifier *v, struct cardea_bytes token, int64_t now_s,
                                   struct cardea_claims *claims) CARDEA_CHECKED;
/* The kid of a token that nobody has verified: to fetch a newer key set where cardea_keys_has does not know it, and for
 * nothing else. out: "" where there is none. fails: CARDEA_E_INVALID_TOKEN: no token in form; CARDEA_E_TOO_LARGE. */
struct cardea_status cardea_token_peek_key_id(struct cardea_bytes token, char *out, size_t cap,
                                              size_t *ret_len) CARDEA_CHECKED;

/* --- claims: all texts are UTF-8, end in NUL and have none inside; they live until the next verification into these
 * claims, or until they are freed --- */

/* The registered ones, and of the header what was judged; NULL where there is none. audience is the accepted one. */
const char *cardea_claims_issuer(const struct cardea_claims *c);
const char *cardea_claims_subject(const struct cardea_claims *c);
const char *cardea_claims_audience(const struct cardea_claims *c);
const char *cardea_claims_id(const struct cardea_claims *c);        /* jti */
const char *cardea_claims_type(const struct cardea_claims *c);      /* typ */
const char *cardea_claims_key_id(const struct cardea_claims *c);    /* of the key that verified it; "" for none */
const char *cardea_claims_algorithm(const struct cardea_claims *c); /* "ES256", …; "v4.public", "v4.local" */
/* Unix time, in seconds; 0 where there is none. */
int64_t cardea_claims_expires_at(const struct cardea_claims *c);
int64_t cardea_claims_issued_at(const struct cardea_claims *c);
int64_t cardea_claims_not_before(const struct cardea_claims *c);

/* Any claim, by a path: its name as it stands ("email", "https://example.com/roles"), or, where the path begins with
 * '/', a JSON Pointer (RFC 6901) to a value inside ("/realm_access/roles", "/groups/0").
 * fails: CARDEA_E_NOT_FOUND: nothing there; CARDEA_E_INVALID_FIELD: something of another type; CARDEA_E_USAGE: nothing
 *        verified in it, NULL */
struct cardea_status cardea_claims_text(const struct cardea_claims *c, const char *path,
                                        const char **ret) CARDEA_CHECKED;
/* Exact integers only: not 1.0, not 1e3. */
struct cardea_status cardea_claims_int(const struct cardea_claims *c, const char *path, int64_t *ret) CARDEA_CHECKED;
struct cardea_status cardea_claims_bool(const struct cardea_claims *c, const char *path, bool *ret) CARDEA_CHECKED;
/* An array of strings; one string is a list of one. fails: CARDEA_E_TOO_LARGE too: more than cap of them. */
struct cardea_status cardea_claims_list(const struct cardea_claims *c, const char *path, const char **out, size_t cap,
                                        size_t *ret_count) CARDEA_CHECKED;
/* Is this word one of the list, or one of the words of a text between spaces (as in scope, RFC 8693 §4.2)? False where
 * there is no such claim. */
bool cardea_claims_has(const struct cardea_claims *c, const char *path, const char *word);
/* The whole payload, the JSON that was signed; not ended by a NUL. Empty where nothing is verified. */
struct cardea_bytes cardea_claims_json(const struct cardea_claims *c);

#ifdef __cplusplus
}
#endif
#endif
