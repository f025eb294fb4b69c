/* Trusted issuers: access tokens that somebody else signed (Auth0, Okta, Cognito, Entra ID, Keycloak, …), and what they
 * say about the caller in our words.
 *
 * Decides: whose tokens an installation trusts and under which rules, which claim means what, whether a policy lets the
 * caller through. Refuses to decide: where keys come from (a set is given; the service's daemon/key_source.h fetches
 * it), what is answered.
 *
 * What a configured issuer pins, a token can not choose: the exact iss, the audiences, the algorithms, the typ, the
 * keys and where they are fetched. The check itself is core/token_verifier.h's; on top come the required claims, the
 * clients, the mapping. A token's iss is looked at before its signature for one purpose: to choose which of the
 * *policy's* issuers it could be of; it is verified with that issuer's keys and rules only, iss among them. jku, jwk,
 * x5u and x5c are never looked at.
 *
 * A foreign identity is a type of its own, and only a policy of /verify that names the issuer ever makes one: it is no
 * struct identity, so no endpoint can take it for a user of ours, let alone an administrator.
 *
 * Mapping: a path names a claim as token_claim does ("roles", "/realm_access/roles"). Roles and scopes are collected
 * from every path that is there: an array's elements as they stand, a string's words between spaces. The user name, the
 * client are the first path's that is there. The e-mail counts only with a true e-mail_verified claim, or where the
 * operator says that this issuer's are good. What is there and of the wrong type, or more than the limits below, makes
 * the caller forbidden rather than half known.
 *
 * Security limits: revocation. Our set knows tokens by our ids, and their issuer does not tell us of a logout: a
 * foreign token is good until exp (at most lifetime_max), or until its key leaves the issuer's set. sub is unique
 * within one issuer only.
 *
 * Threading: pure; any thread, one struct token_space each. A ring of keys is immutable but for its count and
 * drop_at_ms.
 *
 *     static struct token_space space;
 *     struct foreign_identity who;
 *     size_t which;
 *     s = foreign_issuer(settings, policy, text, &space, &which);
 *     if (cardea_ok(s))
 *         s = foreign_verify(settings, ring, which, cache, now_ms, boot_ms, text, &space, &who);
 *     if (cardea_ok(s))
 *         s = policy_check_foreign(policy, &who, now_ms);
 */
#ifndef CORE_ISSUER_H
#define CORE_ISSUER_H

#include "core/settings.h"
#include "core/token_verifier.h"

enum {
    FOREIGN_WORDS_MAX = 256,    /* roles, and scopes, of one token */
    FOREIGN_SUBJECT_MAX = 255,  /* bytes */
    FOREIGN_USERNAME_MAX = 255, /* bytes; client too */
};

/* --- keys --- */

/* One issuer's keys in force; shared by reference. */
struct issuer_keys {
    struct jwk_set *set;
    uint64_t generation;        /* never 0, never used twice: what was verified with an older set is verified again */
    int64_t _Atomic drop_at_ms; /* boot clock: not to be used from then on, unless the issuer is heard of again */
    int _Atomic refs;
};
/* Read a set: at least one usable key, none secret, none symmetric, no kid twice. The caller unrefs.
 * fails: E_INVALID_FIELD; E_TOO_LARGE; E_LIMIT; E_BUSY. */
struct cardea_status issuer_keys_read(const struct issuer *i, struct view text, uint64_t generation,
                                      struct issuer_keys **out) CARDEA_CHECKED;
struct issuer_keys *issuer_keys_ref(struct issuer_keys *k);
void issuer_keys_unref(struct issuer_keys *k); /* NULL is safe */

/* The keys of all issuers of one settings' generation, by the same index; a snapshot shared by reference. */
struct issuer_ring {
    uint64_t settings_generation;
    int _Atomic refs;
    struct issuer_keys *keys[ISSUERS_MAX]; /* NULL: none yet */
};
/* With references of its own to what keys holds. NULL without memory. */
struct issuer_ring *issuer_ring_new(uint64_t settings_generation, struct issuer_keys *const keys[ISSUERS_MAX]);
struct issuer_ring *issuer_ring_ref(struct issuer_ring *r);
void issuer_ring_unref(struct issuer_ring *r); /* NULL is safe */

/* --- tokens --- */

/* Who calls, in the words of the issuer; views into the token's space. */
struct foreign_identity {
    const struct issuer *issuer;
    struct view subject, username, email, client; /* empty: not told; subject never */
    unsigned audiences;                           /* bits: which of the issuer's the token is for */
    int64_t authenticated_at_s;                   /* auth_time; 0: not told */
    int64_t expires_at_s;
    uint32_t role_count, scope_count;
    struct view roles[FOREIGN_WORDS_MAX], scopes[FOREIGN_WORDS_MAX];
};

struct verify_cache;

/* Which of the policy's issuers does the token say it is of? Nothing is verified; see above.
 * fails: E_INVALID_TOKEN: it is no JWS, or none of theirs. */
struct cardea_status foreign_issuer(const struct settings *s, const struct policy *p, struct view text,
                                    struct token_space *space, size_t *ret_index) CARDEA_CHECKED;
/* Verify and map. in: text, space as they were for foreign_issuer; which: its index; ring: NULL is none; cache: this
 * thread's, or NULL.
 * fails: E_INVALID_TOKEN; E_EXPIRED where that is all; E_FORBIDDEN: genuine, but of another client, or it can not be
 * mapped; E_NOT_FOUND: the issuer's set has no key that the token means: it may be new;
 * E_UNAVAILABLE: no set that may be used; E_BUSY. */
struct cardea_status foreign_verify(const struct settings *s, const struct issuer_ring *ring, size_t which,
                                    struct verify_cache *cache, int64_t now_ms, int64_t boot_ms, struct view text,
                                    struct token_space *space, struct foreign_identity *out) CARDEA_CHECKED;
/* What a policy asks of it: kinds, audience, roles (one of them), scopes (all), age of the login (by auth_time).
 * fails: E_FORBIDDEN; E_LOGIN_TOO_OLD, also where the token does not tell. */
struct cardea_status policy_check_foreign(const struct policy *p, const struct foreign_identity *who,
                                          int64_t now_ms) CARDEA_CHECKED;

#endif
