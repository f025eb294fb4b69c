/* Sealed sessions: the credential of the `sealed` profile, an encrypted cookie that needs no look-up (DESIGN sections
 * 2, 6).
 *
 * Decides: what a sealed session says, to the byte; whether one is genuine and in its time; what its renewal says.
 * Refuses to decide: whether the session and the user's epoch still stand. Every use asks the revocation set; a renewal
 * asks the store for session and epoch first (DESIGN section 6). An opened one lives at most SEALED_LIFETIME_MAX_S.
 *
 *   JWE, compact: {"alg":"dir","kid":"<43 characters>","enc":"A256GCM","typ":"sealed+jwt"}
 *   {"sid":"…","sub":"<UUID>","ep":1,"app":"…","iat":…,"exp":…,"end":…}          times in whole seconds
 *
 * `end` is the session's absolute end: no renewal goes past it. `exp` has no leeway and lies at most
 * SEALED_LIFETIME_MAX_S after `iat`, and not past `end`; `iat` has LEEWAY_S, because another node's clock may run
 * ahead.
 *
 * Here decryption does count as proof (unlike core/jwe.h in general), because these keys are symmetric, are drawn for
 * this one use, and never leave the installation: only we could have encrypted it. Give them to nothing else (promise
 * 7).
 *
 * Rotation: several keys, each with its id, one of which seals. A text names its key by kid, an exact id that is
 * compared with ours. A key that no longer seals opens until its drop_at_ms: set that to when its last text has
 * expired.
 *
 * Every refusal is E_INVALID_SESSION, but E_EXPIRED where exp is the only fault, and E_BUSY. Limits: a bearer secret;
 * who copies it has it until exp or revocation. A node that seals with one key 2^32 times must rotate (random ivs).
 *
 * Threading: keys are immutable; any number of threads. Opening allocates nothing.
 *
 *     struct sealed_session s;
 *     struct cardea_status status = sealed_open(keys, text, now_ms, &s);
 *     if (cardea_ok(status))
 *         … ask the revocation set for s.sid, s.sub, s.epoch …
 */
#ifndef CORE_SEALED_H
#define CORE_SEALED_H

#include "base/entropy.h"
#include "base/id.h"
#include "core/jwe.h"
#include "store/store.h"

enum {
    SEALED_KEYS_MAX = 8,
    SEALED_KEY_BYTES = 32,
    SEALED_TEXT_MAX = 1024,
    SEALED_LIFETIME_S = 15 * 60, /* the profile's default */
    SEALED_LIFETIME_MAX_S = 3600,
};

struct sealed_key {
    struct key_id id;
    struct jwe_key *jwe;
    int64_t drop_at_ms; /* 0: stays */
};

/* The newest seals: the last one. */
struct sealed_keys {
    size_t count;
    struct sealed_key keys[SEALED_KEYS_MAX];
};

struct sealed_session {
    struct session_id sid;
    struct user_id sub;
    int64_t epoch;              /* from 1 */
    char app[APP_NAME_MAX + 1]; /* 1 … APP_NAME_MAX bytes */
    int64_t iat_s, exp_s, end_s;
};

/* Add a key, which from now on seals; the one before it opens until drop_at_ms (0: for ever). The caller wipes bytes.
 * fails: E_LIMIT: SEALED_KEYS_MAX; E_CONFLICT: there is a key of that id; E_BUSY. *k is untouched then. */
struct cardea_status sealed_keys_add(struct sealed_keys *k, const struct key_id *id,
                                     const uint8_t bytes[SEALED_KEY_BYTES], int64_t drop_before_at_ms) CARDEA_CHECKED;
void sealed_keys_clear(struct sealed_keys *k); /* wipes; safe on a zeroed one */

/* Encrypt; append the text, at most SEALED_TEXT_MAX characters, to out.
 * fails: E_USAGE: a session that sealed_open would refuse; E_UNAVAILABLE: no key; E_TOO_LARGE; E_BUSY; E_INTERNAL. */
struct cardea_status sealed_seal(const struct sealed_keys *k, const struct sealed_session *s, const struct entropy *e,
                                 struct buf *out) CARDEA_CHECKED;
/* Decrypt and check; see above. */
struct cardea_status sealed_open(const struct sealed_keys *k, struct view text, int64_t now_ms,
                                 struct sealed_session *out) CARDEA_CHECKED;
/* The same where exp may have passed: for naming the session (renewal, logout), never for using it. Its absolute end
 * counts. fails: E_EXPIRED: the end has come; as sealed_open. */
struct cardea_status sealed_open_aged(const struct sealed_keys *k, struct view text, int64_t now_ms,
                                      struct sealed_session *out) CARDEA_CHECKED;
/* Is it written as one? Five segments between dots; no other credential of ours that stands in a cookie of that name
 * has a dot. Tells kinds apart, proves nothing. */
bool sealed_shaped(struct view text);
/* What to seal next, for a session that the store has confirmed: the same, issued now for lifetime_s, not past its end.
 * fails: E_EXPIRED: the end has come; E_USAGE: a lifetime that is none. */
struct cardea_status sealed_renew(const struct sealed_session *s, int64_t now_ms, int64_t lifetime_s,
                                  struct sealed_session *out) CARDEA_CHECKED;

#endif
