/* Credentials in bytes (DESIGN section 6): session cookie, refresh token, API key, CSRF token, device cookie.
 *
 * Decides: the texts, what each proves, in constant time where a secret is compared; and what a refresh token's use
 * means. Refuses to decide: whether the record behind one is alive; that is verify.h's and the flows' part.
 *
 *   session cookie  base64url( sid 16 | tag 8 | secret 32 )                               75 characters
 *   refresh token   "crt_" base64url( key id 4 | sid 16 | generation 8 | secret 32 | tag 16 )     106
 *   API key         "cdk_" id(22) secret(43) tag(11) checksum(6)                           86
 *   CSRF token      base64url( mask 16 | HMAC(csrf key, sid) truncated 16 xor mask )       43
 *   device cookie   base64url( user 16 | nonce 16 | MAC 16 )                               64
 *
 * Two kinds of proof, never to be confused:
 *   - the tag of a session cookie or API key (SipHash, 8 bytes) only keeps invented ids away from the store. What
 *     authenticates is the secret, 32 random bytes, whose SHA-256 the record holds: parse, find the record, then
 *     secret_matches.
 *   - the tag of a refresh token and the MACs of CSRF token and device cookie (HMAC-SHA256, 16 bytes) prove that we
 *     issued the whole text.
 *
 * One text per value: everything is canonical base64url of an exact length, so a credential can not be written in two
 * ways. The first character of every layout is public; lengths are constants; a parser looks at no more than they say.
 * Timing: decoding and tags depend on what the client sent; secrets and MACs are compared in constant time.
 *
 * Limits: a session cookie, refresh token or API key is a bearer secret: who copies it has it. A device cookie never
 * expires by itself (it only chooses a counter for failed logins); rotating its key ends all of them.
 *
 * Threading: pure functions over an immutable keyring.
 *
 *     struct session_cookie c;
 *     struct cardea_status s = session_cookie_parse(keys, text, &c);
 *     if (cardea_ok(s) && find(c.sid, &record) && secret_matches(&c.secret, record.secret_digest))
 *         …
 *     secret_wipe(&c, sizeof c);
 */
#ifndef CORE_CREDENTIAL_H
#define CORE_CREDENTIAL_H

#include "base/entropy.h"
#include "core/csrf.h"
#include "core/keyring.h"
#include "store/store.h"

enum {
    SESSION_COOKIE_TEXT = 75,
    REFRESH_TOKEN_TEXT = 106,
    REFRESH_TOKEN_TEXT_MAX = 128, /* room enough, also with a NUL */
    API_KEY_TEXT = 86,
    API_KEY_TEXT_MAX = 96,
    DEVICE_COOKIE_TEXT = 64,
    SECRET_BYTES = 32,
};

/* The half of a credential that authenticates. Wipe with secret_wipe. */
struct secret {
    uint8_t bytes[SECRET_BYTES];
};

/* Digest of a secret, as records keep it; and the comparison, in constant time. */
void secret_digest(const struct secret *s, uint8_t out[32]);
bool secret_matches(const struct secret *s, const uint8_t digest[32]) __attribute__((warn_unused_result));

/* --- session cookie --- */

struct session_cookie {
    struct session_id sid;
    struct secret secret;
};

/* Writes exactly SESSION_COOKIE_TEXT characters, no NUL. */
void session_cookie_format(const struct keyring *k, const struct session_cookie *c, char out[SESSION_COOKIE_TEXT]);
/* Success proves that we issued the sid (under a keyring that is public_only: nothing), not that the secret is right.
 * fails: E_INVALID_SESSION. */
struct cardea_status session_cookie_parse(const struct keyring *k, struct view text,
                                          struct session_cookie *out) CARDEA_CHECKED;
/* The sid of what has a session cookie's form, for who has no key: it proves nothing. fails: E_INVALID_SESSION. */
struct cardea_status session_cookie_sid(struct view text, struct session_id *out) CARDEA_CHECKED;

/* --- refresh token --- */

struct refresh_token {
    struct session_id sid;
    uint64_t generation; /* from 1 */
    struct secret secret;
};

/* Appends REFRESH_TOKEN_TEXT characters. The first token of a session has generation 1 and a random secret. */
void refresh_token_format(const struct keyring *k, const struct refresh_token *t, struct buf *out);
/* Success proves that we issued exactly this text (under the refresh key in force).
 * fails: E_INVALID_TOKEN (a guess: does nothing to the session). */
struct cardea_status refresh_token_parse(const struct keyring *k, struct view text,
                                         struct refresh_token *out) CARDEA_CHECKED;
/* The successor: generation + 1, its secret HMAC(refresh key, sid, generation + 1, nonce, presented secret). Derivable
 * again within the grace, kept nowhere: who holds database and key but never saw the presented token derives nothing.
 * A nonce is used for one rotation only. */
void refresh_token_successor(const struct keyring *k, const struct refresh_token *presented, const uint8_t nonce[16],
                             struct refresh_token *out);

/* What presenting an authentic token (refresh_token_parse succeeded, record of the same sid) means:
 *
 *   record dead (absolute or idle end)                 DEAD      no credential; nothing more to protect
 *   token generation == record's, secret fits          ROTATE
 *   token generation == record's - 1, secret fits      REPEAT within the grace of the rotation, REUSE after it
 *   token generation <  record's - 1                   REUSE     its successor was used: end the session
 *   token generation >  record's                       ROLLBACK  we issued it, the record does not know: end the
 * session generation fits, secret does not                   ROLLBACK
 *
 * The last line: the tag proves that we issued this secret at this generation, the digest that we issued another one.
 * Two histories exist, which only a store put back to an earlier state (or a stolen refresh key) can make; which of
 * them is the owner's can not be known, so the session ends, as with a generation above the record's.
 *
 * The grace spans REFRESH_GRACE_MS on both sides of rotated_at_ms: another node's clock may be a little ahead.
 * refresh_judge never looks at revocation, epoch or user: the flow does, before. */
enum refresh_verdict {
    REFRESH_UNSET = 0,
    REFRESH_ROTATE,   /* current: make a successor */
    REFRESH_REPEAT,   /* the previous one, within the grace and before its successor was used: same successor again */
    REFRESH_REUSE,    /* authentic and used before: end the session */
    REFRESH_ROLLBACK, /* authentic and unknown to the record: the store was rolled back; end the session */
    REFRESH_DEAD,     /* the session has expired or idled out (or is not this token's) */
};
enum { REFRESH_GRACE_MS = 10 * 1000 };
enum refresh_verdict refresh_judge(const struct session_record *r, const struct refresh_token *t, int64_t now_ms);

/* --- API key --- */

/* Fixed, so that scanners for leaked secrets find keys; the checksum (the first 6 characters of base64url(SHA-256 of
 * the 80 before it)) lets them tell a key from a look-alike without asking us. */
#define API_KEY_PREFIX "cdk_"

struct api_key {
    struct api_key_id id;
    struct secret secret;
};

/* Appends API_KEY_TEXT characters. */
void api_key_format(const struct keyring *k, const struct api_key *a, struct buf *out);
/* Success proves that we issued the id (under a keyring that is public_only: nothing), not that the secret is right.
 * fails: E_INVALID_KEY: prefix, checksum or tag. */
struct cardea_status api_key_parse(const struct keyring *k, struct view text, struct api_key *out) CARDEA_CHECKED;

/* --- CSRF token --- */

/* Writes exactly CSRF_TOKEN_TEXT characters, other ones each time (so that compression of an answer tells nothing). */
void csrf_token_format(const struct keyring *k, struct session_id sid, const struct entropy *e,
                       char out[CSRF_TOKEN_TEXT]);
/* Was it made for this session? fails: E_CSRF. */
struct cardea_status csrf_token_check(const struct keyring *k, struct session_id sid, struct view text) CARDEA_CHECKED;

/* --- device cookie --- */

/* Writes exactly DEVICE_COOKIE_TEXT characters. */
void device_cookie_format(const struct keyring *k, struct user_id user, const struct entropy *e,
                          char out[DEVICE_COOKIE_TEXT]);
/* The user for whom this browser logged in before. fails: E_INVALID_TOKEN. */
struct cardea_status device_cookie_parse(const struct keyring *k, struct view text, struct user_id *out) CARDEA_CHECKED;

#endif
