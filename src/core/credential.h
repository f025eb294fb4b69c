/* Credentials in bytes (DESIGN section 6): session cookie, refresh token, API key, CSRF token, device cookie.
 *
 * Decides: the texts, what each proves, in constant time where a secret is compared. Refuses to decide: whether the
 * record behind one is alive; that is verify.h's and the flows' part. Parsing proves only that we issued the *id* (its
 * keyed tag); the secret half is compared with a stored digest afterwards.
 *
 *   session cookie  base64url( sid 16 | tag 8 | secret 32 )                       75 characters
 *   refresh token   "crt_" base64url( key id 4 | sid 16 | generation 8 | secret 32 | tag 16 )
 *   API key         "cdk_" id(22) secret(43) tag(11) checksum(6)                  one fixed prefix, for secret scanners
 *   CSRF token      base64url( mask 16 | HMAC(csrf key, sid) truncated 16 xor mask )
 *   device cookie   base64url( user 16 | nonce 16 | MAC 16 )
 */
#ifndef CORE_CREDENTIAL_H
#define CORE_CREDENTIAL_H

#include "base/entropy.h"
#include "core/keyring.h"
#include "store/store.h"

enum {
    SESSION_COOKIE_TEXT = 75,
    REFRESH_TOKEN_TEXT_MAX = 128,
    API_KEY_TEXT_MAX = 96,
    CSRF_TOKEN_TEXT = 43,
    DEVICE_COOKIE_TEXT = 64,
    SECRET_BYTES = 32,
};

struct secret {
    uint8_t bytes[SECRET_BYTES];
}; /* wipe with secret_wipe */

struct session_cookie {
    struct session_id sid;
    struct secret secret;
};
void session_cookie_format(const struct keyring *k, const struct session_cookie *c, char out[SESSION_COOKIE_TEXT]);
/* fails: E_INVALID_SESSION. */
struct cardea_status session_cookie_parse(const struct keyring *k, struct view text,
                                          struct session_cookie *out) CARDEA_CHECKED;
/* Digest of a secret, as records keep it; and the comparison, in constant time. */
void secret_digest(const struct secret *s, uint8_t out[32]);
bool secret_matches(const struct secret *s, const uint8_t digest[32]) __attribute__((warn_unused_result));

struct refresh_token {
    struct session_id sid;
    uint64_t generation;
    struct secret secret;
};
void refresh_token_format(const struct keyring *k, const struct refresh_token *t, struct buf *out);
/* fails: E_INVALID_TOKEN (a guess: does nothing to the session). */
struct cardea_status refresh_token_parse(const struct keyring *k, struct view text,
                                         struct refresh_token *out) CARDEA_CHECKED;
/* The successor's secret: HMAC(refresh key, sid, g+1, nonce, presented secret). Derivable again within the grace, kept
 * nowhere. */
void refresh_token_successor(const struct keyring *k, const struct refresh_token *presented, const uint8_t nonce[16],
                             struct refresh_token *out);

enum refresh_verdict {
    REFRESH_UNSET = 0,
    REFRESH_ROTATE,   /* current: make a successor */
    REFRESH_REPEAT,   /* the previous one, within the grace and before its successor was used: same successor again */
    REFRESH_REUSE,    /* authentic and used before: end the session */
    REFRESH_ROLLBACK, /* generation above the record's: the store was rolled back; end the session */
    REFRESH_DEAD,     /* expired, idle or other secret at the current generation */
};
enum { REFRESH_GRACE_MS = 10 * 1000 };
enum refresh_verdict refresh_judge(const struct session_record *r, const struct refresh_token *t, int64_t now_ms);

struct api_key {
    struct api_key_id id;
    struct secret secret;
};
void api_key_format(const struct keyring *k, const struct api_key *a, struct buf *out);
/* fails: E_INVALID_KEY: prefix, checksum or tag. */
struct cardea_status api_key_parse(const struct keyring *k, struct view text, struct api_key *out) CARDEA_CHECKED;
#define API_KEY_PREFIX "cdk_"

void csrf_token_format(const struct keyring *k, struct session_id sid, const struct entropy *e,
                       char out[CSRF_TOKEN_TEXT]);
/* fails: E_CSRF. */
struct cardea_status csrf_token_check(const struct keyring *k, struct session_id sid, struct view text) CARDEA_CHECKED;

void device_cookie_format(const struct keyring *k, struct user_id user, const struct entropy *e,
                          char out[DEVICE_COOKIE_TEXT]);
/* The user for whom this browser logged in before. fails: E_INVALID_TOKEN. */
struct cardea_status device_cookie_parse(const struct keyring *k, struct view text, struct user_id *out) CARDEA_CHECKED;

#endif
