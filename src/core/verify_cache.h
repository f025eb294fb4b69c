/* The verified-token cache: what verify.c keeps of a token whose signature and form were good. See verify.h. */
#ifndef CORE_VERIFY_CACHE_H
#define CORE_VERIFY_CACHE_H

#include "core/verify.h"

/* A token's claims that are checked again each time, and where its app, audience and key stand in the settings and the
 * ring of those generations. */
struct proven_token {
    struct user_id sub;
    struct token_id jti;
    struct session_id sid;
    int64_t epoch, iat_s, exp_s, nbf_s;
    uint16_t app;      /* index in settings */
    uint16_t audience; /* AUDIENCE_OF_APP, or 1 + the index of a policy that names it */
    uint16_t key;      /* index in the ring */
};
enum { AUDIENCE_OF_APP = 0 };

struct token_hash {
    uint64_t words[2];
};
struct token_hash verify_cache_hash(const struct verify_cache *c, struct view text);
/* NULL: not there. Borrowed until the next put. */
const struct proven_token *verify_cache_find(struct verify_cache *c, const struct verifier *v, struct token_hash hash);
void verify_cache_put(struct verify_cache *c, const struct verifier *v, struct token_hash hash,
                      const struct proven_token *token);

/* Beside them: texts of other issuers' tokens whose signature was good under the set of keys of that generation. Found
 * only with the same; their claims are read anew each time (core/issuer.h). Putting does nothing without memory. */
bool verify_cache_signed(const struct verify_cache *c, struct token_hash hash, uint64_t generation);
void verify_cache_put_signed(struct verify_cache *c, struct token_hash hash, uint64_t generation);

#endif
