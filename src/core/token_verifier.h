/* The generic verifier: a signed token of anybody's (a compact JWS of JSON claims, RFC 7519), keys that the caller
 * trusts, rules that the caller states; and the claims, of verified tokens only.
 *
 * Decides: whether a token holds under keys and rules. Refuses to decide: where keys come from, whose they are, what a
 * claim means to an application, revocation. Tokens of our own installation have their own, narrower verifier
 * (core/access_token.h).
 *
 * What is checked, in this order:
 *   1. form and header, strictly read (core/jws.h): crit and b64 refused, jwk, jku, x5u, x5c never looked at;
 *   2. typ, one of the rules';
 *   3. the key: of a set, the one that kid names, or without kid the only one of the token's alg; or the one key given,
 *      whatever kid says. The key names the algorithm, which must be one of the rules', and alg must repeat it; "none"
 *      does not exist;
 *   4. the signature;
 *   5. the payload: one JSON object, strictly read (duplicates, bad UTF-8, depth; base/json.h), without NULs;
 *   6. iss, aud (a string, or an array of nothing but strings), cnf, the required claims; sub and jti, where present,
 *      are texts without control characters; exp is always required; exp, iat, nbf are integers;
 *   7. times, last, so that E_EXPIRED means that nothing else was wrong.
 * Every refusal is E_INVALID_TOKEN, but E_EXPIRED where time alone was the fault, and E_BUSY without memory. Rules that
 * leave open what they must say are E_USAGE, and nobody is let in.
 *
 * A claim is reachable only from a struct verified_token, which verification alone fills. Header and claims are
 * different things: what a claim function finds was in the payload.
 *
 * Texts are compared unescaped (another issuer's JSON writer may escape what ours would not) and byte for byte; every
 * text that a claim function gives is unescaped, valid UTF-8, has no NUL inside, and one behind it.
 *
 * A path names a claim: its name as it stands ("sub", "https://example.com/roles"), or, where it begins with '/', a
 * JSON Pointer (RFC 6901) to a value within ("/realm_access/roles", "/groups/0"; ~1 is '/', ~0 is '~').
 *
 * Limits: TOKEN_* below. Threading: pure; any thread, one struct token_space each. A verified token may be read by many
 * threads. No allocation of ours.
 *
 *     struct view issuer = VIEW("https://id.example.com"), audience = VIEW("https://api.example.com");
 *     struct token_rules rules = {.issuers = &issuer, .issuer_count = 1, .audiences = &audience, .audience_count = 1,
 *                                 .types = TOKEN_TYPE_ACCESS, .algorithms = TOKEN_ALGORITHMS_PUBLIC};
 *     struct token_space space;
 *     struct verified_token token;
 *     struct view email;
 *     struct cardea_status s = token_verify(keys, &rules, text, now_ms, &space, &token);
 *     if (cardea_ok(s))
 *         s = token_claim_text(&token, VIEW("email"), &email);
 */
#ifndef CORE_TOKEN_VERIFIER_H
#define CORE_TOKEN_VERIFIER_H

#include "base/json.h"
#include "core/jws.h"

enum {
    TOKEN_PAYLOAD_MAX = 12288, /* decoded: what JWS_TEXT_MAX can hold */
    TOKEN_VALUES_MAX = 1024,   /* names and values of a payload */
    TOKEN_PATH_MAX = 255,
    TOKEN_LEEWAY_MAX_S = 300,
};

/* One algorithm, in a set of them. */
#define TOKEN_ALGORITHM(a) (1u << (a))
#define TOKEN_ALGORITHMS_MAC                                                                                           \
    (TOKEN_ALGORITHM(SIGNATURE_HS256) | TOKEN_ALGORITHM(SIGNATURE_HS384) | TOKEN_ALGORITHM(SIGNATURE_HS512))
#define TOKEN_ALGORITHMS_ALL (TOKEN_ALGORITHM(SIGNATURE_COUNT) - 2u)
/* All whose verifiers can not sign. */
#define TOKEN_ALGORITHMS_PUBLIC (TOKEN_ALGORITHMS_ALL & ~TOKEN_ALGORITHMS_MAC)

/* Kinds of typ, as bits; compared without case, "application/" allowed before (RFC 7515 §4.1.9). */
enum {
    TOKEN_TYPE_NONE = 1,   /* no typ at all */
    TOKEN_TYPE_JWT = 2,    /* "JWT" */
    TOKEN_TYPE_ACCESS = 4, /* "at+jwt" (RFC 9068 §4) */
    TOKEN_TYPE_ANY = 8,    /* whatever it says */
};

/* Views are the caller's and are read during a verification only. What is not said is not allowed. */
struct token_rules {
    const struct view *issuers; /* iss must be one of these, exactly */
    size_t issuer_count;
    const struct view *audiences; /* one of these must be in aud */
    size_t audience_count;
    bool any_issuer, any_audience; /* instead of a list; then iss, aud may be missing */
    struct view audience_claim;    /* the name of what holds the audience; empty: "aud" */
    uint32_t algorithms;           /* TOKEN_ALGORITHM(…) | … */
    unsigned types;                /* TOKEN_TYPE_… | … */
    struct view type;              /* and this one, where not empty: "logout+jwt" */
    const struct view *required;   /* names of claims that must be there, and not be null */
    size_t required_count;
    int64_t leeway_s;       /* for exp, iat and nbf; 0 … TOKEN_LEEWAY_MAX_S */
    int64_t lifetime_max_s; /* longest exp - iat, and iat is required then; 0: no limit */
    int64_t age_max_s;      /* longest time since iat, which is required then; 0: no limit */
    bool bound;             /* accept cnf: the caller asks for the proof that it calls for (RFC 7800) */
};

/* Where a verification works, and afterwards the home of what struct verified_token views. About 48 KB; need not be
 * set to anything before; not to be moved while the token is in use. */
struct token_space {
    struct jws jws;
    char plain[TOKEN_PAYLOAD_MAX];
    char texts[TOKEN_PAYLOAD_MAX]; /* every string unescaped, at its place in plain, a NUL behind it */
    struct json_token values[TOKEN_VALUES_MAX];
};

struct verified_token { /* verified; views into its space and its key */
    enum signature_algorithm algorithm;
    struct view kid;                 /* of the key that verified it */
    struct view type;                /* the header's typ; empty: none */
    struct view issuer, subject, id; /* iss, sub, jti; empty: none */
    struct view audience;            /* the accepted one; empty: none was asked for */
    int64_t exp_s, iat_s, nbf_s;     /* iat, nbf 0: none */
    struct json claims;              /* the payload, for who must see all of it */
    const char *texts;
};

/* Verify under a set of keys. in: now_ms is Unix time. out: *out, views into *space. fails: see above; *out is
 * untouched then. */
struct cardea_status token_verify(const struct jwk_set *keys, const struct token_rules *rules, struct view text,
                                  int64_t now_ms, struct token_space *space, struct verified_token *out) CARDEA_CHECKED;

/* The same in two steps, for who finds keys in another way. First: form and header, in space->jws.header, of which kid
 * and alg serve to find a key and nothing else. fails: E_INVALID_TOKEN. */
struct cardea_status token_read(struct view text, struct token_space *space) CARDEA_CHECKED;
/* Which of these issuers' tokens does it say it is? An unverified word, to choose whose keys to try; whoever verifies
 * with them states that one issuer in the rules. The text lives as it did for token_read.
 * out: an index. fails: E_INVALID_TOKEN: no payload in form; E_NOT_FOUND: none of them. */
struct cardea_status token_names_issuer(struct token_space *space, const struct view *issuers, size_t count,
                                        size_t *ret_index) CARDEA_CHECKED;
/* Second: everything else, under one key. The text lives as it did for token_read. key NULL, or one that may not
 * verify: E_INVALID_TOKEN. */
struct cardea_status token_check(const struct jwk_key *key, const struct token_rules *rules, int64_t now_ms,
                                 struct token_space *space, struct verified_token *out) CARDEA_CHECKED;

/* token_check for the very same text, byte for byte, whose signature token_check found good under this key before and
 * whose caller can tell (a cache): all but the signature, again. */
struct cardea_status token_check_again(const struct jwk_key *key, const struct token_rules *rules, int64_t now_ms,
                                       struct token_space *space, struct verified_token *out) CARDEA_CHECKED;

/* --- claims --- */

/* The value that a path names, as a token of t->claims; 0: none. */
uint32_t token_claim(const struct verified_token *t, struct view path);
/* fails: E_NOT_FOUND: nothing at this path; E_INVALID_FIELD: something of another type. */
struct cardea_status token_claim_text(const struct verified_token *t, struct view path,
                                      struct view *out) CARDEA_CHECKED;
struct cardea_status token_claim_int(const struct verified_token *t, struct view path, int64_t *out) CARDEA_CHECKED;
struct cardea_status token_claim_bool(const struct verified_token *t, struct view path, bool *out) CARDEA_CHECKED;
/* An array of strings, or one string, which is a list of one.
 * out:   up to cap texts, their number in *ret_count
 * fails: E_NOT_FOUND; E_INVALID_FIELD: no such list; E_TOO_LARGE: more than cap. */
struct cardea_status token_claim_list(const struct verified_token *t, struct view path, struct view *out, size_t cap,
                                      size_t *ret_count) CARDEA_CHECKED;
/* Is a word in the claim: one of a list, or one of the words of a text between spaces (scope, RFC 8693 §4.2)? */
bool token_claim_has(const struct verified_token *t, struct view path, struct view word);
/* The text of a string that t->claims holds, a name or a value; empty: none. */
struct view token_text(const struct verified_token *t, uint32_t string);
/* Exact JSON of the whole payload, as it was signed. */
struct view token_payload(const struct verified_token *t);

#endif
