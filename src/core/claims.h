/* The claims of an access token, whatever carries them: a JWT (access_token.h) or a PASETO (paseto_token.h).
 *
 * Decides: which claims an access token of ours states, which of them hold together, and when they are in their time.
 * Refuses to decide: who signed. The functions below read and write members of a payload that the caller has verified,
 * or is about to sign; a struct access_claims proves nothing by itself.
 *
 * Every text is read without escapes: nothing we write needs one where it matters, and a second spelling is a second
 * meaning. Threading: pure; any thread. No allocation.
 */
#ifndef CORE_CLAIMS_H
#define CORE_CLAIMS_H

#include "base/id.h"
#include "base/json.h"
#include "store/store.h"

enum {
    ISSUER_MAX = 255,
    AUDIENCE_MAX = 255,
    LEEWAY_S = 30,
    LIFETIME_MAX_S = 3600,
    CLAIMS_TOKENS = 320, /* of JSON: 256 one-letter roles and the claims */
};

struct access_claims {
    struct user_id sub;
    struct token_id jti;
    struct session_id sid;
    int64_t epoch; /* from 1 */
    int64_t iat_s, exp_s;
    int64_t nbf_s; /* 0: none */
    char client_id[APP_NAME_MAX + 1];
    char roles[ROLES_MAX_BYTES + 1]; /* comma-joined; "" unless the app opts in */
    char audience[AUDIENCE_MAX + 1]; /* of the one audience accepted */
};

struct access_expectation {
    struct view issuer;
    const struct view *audiences; /* one of these must be in aud */
    size_t audience_count;
};

/* Claims that hold together, whoever made them: what signing refuses to state and verification to believe. */
bool claims_sane(const struct access_claims *c);
/* The times of verified claims against now: iat and nbf with LEEWAY_S, exp without.
 * fails: E_EXPIRED; E_INVALID_TOKEN (not yet). */
struct cardea_status claims_times(const struct access_claims *c, int64_t now_ms) CARDEA_CHECKED;

/* How a format writes times: JWTs as numbers (RFC 7519 §2), PASETO as RFC 3339 in whole seconds. */
enum claim_times { CLAIM_TIMES_UNSET = 0, CLAIM_TIMES_NUMBER, CLAIM_TIMES_TEXT };
/* Append the claims as a JSON object: iss sub aud exp iat [nbf] jti sid ep client_id [roles].
 * fails: E_USAGE: claims or an issuer that claims_read would refuse; E_TOO_LARGE. */
struct cardea_status claims_write(const struct access_claims *c, struct view issuer, enum claim_times times,
                                  struct buf *out) CARDEA_CHECKED;
/* Read a payload that the caller has verified: one JSON object, the claims present and of the right type, iss and aud
 * as expected, no cnf (a bound token needs its proof), claims that hold together. Other members are ignored; the times
 * are claims_times'. False: refused. */
bool claims_read(struct view payload, const struct access_expectation *want, enum claim_times times,
                 struct access_claims *out) __attribute__((warn_unused_result));

/* A member that is a string without escapes. */
bool claim_text(const struct json *doc, struct view name, struct view *out);
/* The same, copied as text of 1 … cap-1 bytes without control characters. */
bool claim_copy(const struct json *doc, struct view name, char *out, size_t cap);
bool claim_int(const struct json *doc, struct view name, int64_t *out);

/* One JSON string, escaped where it must be: for what an operator or a request chose. */
void buf_claim_text(struct buf *b, struct view v);
/* A JSON array of comma-joined role names. */
void buf_claim_roles(struct buf *b, struct view roles);

#endif
