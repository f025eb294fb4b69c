/* The signer: claims, written one by one, and a key; out comes a signed token (JWT, RFC 7519, as a compact JWS).
 *
 * Decides: that what is signed is well formed: every name once, valid UTF-8, exp there, and for typ "at+jwt" what RFC
 * 9068 requires. Refuses to decide: what to state, and to whom. A token is not encrypted: nothing sensitive goes in.
 *
 * Representation: a struct cardea_statement grows as claims are added, up to CARDEA_STATEMENT_MAX bytes of JSON. The
 * first failure stays: every call after it fails alike, cardea_sign too, so only the last needs to be looked at.
 *
 * Threading: a statement belongs to one thread.
 *
 *     struct cardea_statement *st;
 *     struct cardea_status s = cardea_statement_new(&st);
 *     if (cardea_ok(s))
 *         s = cardea_statement_access_token(st, "https://id.example.com", "alice", "https://api.example.com", "web",
 *                                           time(NULL), 900);
 *     if (cardea_ok(s)) s = cardea_statement_text(st, "scope", "read write");
 *     if (cardea_ok(s)) s = cardea_sign(key, "at+jwt", st, token, sizeof token, &len);
 */
#ifndef CARDEA_SIGNER_H
#define CARDEA_SIGNER_H

#include "cardea/key.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CARDEA_STATEMENT_MAX = 8192,
    CARDEA_LIFETIME_MAX_S = 3600, /* of an access token */
};

struct cardea_statement;

/* An empty statement. fails: CARDEA_E_BUSY. */
struct cardea_status cardea_statement_new(struct cardea_statement **ret) CARDEA_CHECKED;
void cardea_statement_free(struct cardea_statement *s); /* wipes */
/* Empty it again, failure and all; NULL is safe. */
void cardea_statement_reset(struct cardea_statement *s);

/* Add a claim.
 * in:    name: any text that is not empty; texts are UTF-8
 * fails: CARDEA_E_INVALID_FIELD: no UTF-8, no JSON, an empty name; CARDEA_E_CONFLICT: stated before;
 *        CARDEA_E_TOO_LARGE; CARDEA_E_USAGE: NULL */
struct cardea_status cardea_statement_text(struct cardea_statement *s, const char *name,
                                           const char *value) CARDEA_CHECKED;
struct cardea_status cardea_statement_int(struct cardea_statement *s, const char *name, int64_t value) CARDEA_CHECKED;
struct cardea_status cardea_statement_bool(struct cardea_statement *s, const char *name, bool value) CARDEA_CHECKED;
struct cardea_status cardea_statement_list(struct cardea_statement *s, const char *name, const char *const *values,
                                           size_t count) CARDEA_CHECKED;
/* Any JSON value, as it stands. */
struct cardea_status cardea_statement_json(struct cardea_statement *s, const char *name,
                                           struct cardea_bytes json) CARDEA_CHECKED;
/* What RFC 9068 §2.2 requires of an access token: iss, sub, aud, client_id, iat, exp, and a random jti.
 * in:    now_s: Unix time; lifetime_s: 1 … CARDEA_LIFETIME_MAX_S
 * fails: CARDEA_E_USAGE too: an empty text, a time out of range */
struct cardea_status cardea_statement_access_token(struct cardea_statement *s, const char *issuer, const char *subject,
                                                   const char *audience, const char *client_id, int64_t now_s,
                                                   int64_t lifetime_s) CARDEA_CHECKED;

/* Sign a statement; it may be signed again, and added to.
 * in:    type: the header's typ, "at+jwt", "JWT", …; NULL: none
 * out:   the token; see bytes.h; CARDEA_TOKEN_MAX + 1 bytes are always enough
 * fails: CARDEA_E_USAGE: a key that may not sign, no exp, an access token that lacks what RFC 9068 requires or lives
 *        longer than CARDEA_LIFETIME_MAX_S; CARDEA_E_TOO_LARGE; CARDEA_E_INTERNAL, CARDEA_E_BUSY of the signature; the
 *        statement's own failure
 * spec:  RFC 7515 §5.1, RFC 9068 §2 */
struct cardea_status cardea_sign(const struct cardea_key *k, const char *type, const struct cardea_statement *s,
                                 char *out, size_t cap, size_t *ret_len) CARDEA_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
