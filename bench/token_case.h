/* One algorithm's key and two tokens for benchmarks: the token of DESIGN section 14 for the library's verifier and its
 * peers (191 bytes of payload, 318 of signing input), and an access token of the service's own (with ep and client_id,
 * the kid a thumbprint); and the bare primitive over either's bytes.
 */
#ifndef BENCH_TOKEN_CASE_H
#define BENCH_TOKEN_CASE_H

#include "core/access_token.h"
#include "core/token_verifier.h"

#include <openssl/evp.h>

#define CASE_ISSUER "https://id.example.com"
#define CASE_AUDIENCE "api.example.com"

struct token_case {
    enum signature_algorithm algorithm;
    const char *name;
    char jwk[4096], pem[2048]; /* what verifies: the secret of HS256 in jwk alone */
    uint8_t secret[32];        /* of HS256 */
    int64_t now_s;

    struct jwk_set *set;
    struct token_rules rules;
    char text[1024], own_text[ACCESS_TOKEN_TEXT_MAX];
    struct view token, own;

    struct keyring ring;
    struct access_claims claims;
};

/* Make key and tokens. */
void token_case_init(struct token_case *c, enum signature_algorithm a);
void token_case_clear(struct token_case *c);

/* Full verifications; they end the program where the token is not good. */
void token_case_verify(struct token_case *c, struct token_space *space);
void token_case_verify_own(struct token_case *c);
void token_case_sign_own(struct token_case *c);

/* The floor: signature (and hash) of one token's signing input, nothing else; key, context and signature kept ready. */
struct token_floor {
    enum { FLOOR_UNSET = 0, FLOOR_HMAC, FLOOR_PKEY, FLOOR_ED25519 } kind;
    struct view signed_part;
    uint8_t signature[SIGNATURE_MAX + 16];
    size_t signature_len;
    struct hmac_key *hmac;
    EVP_PKEY_CTX *verify, *sign;
    EVP_MD_CTX *digest_verify; /* OpenSSL's Ed25519, whose context can not be used twice: made each time from pkey */
    EVP_PKEY *pkey;
    uint8_t ed25519[32];
};

void token_floor_init(struct token_floor *f, const struct token_case *c, struct view token);
void token_floor_clear(struct token_floor *f);
void token_floor_verify(struct token_floor *f);
void token_floor_sign(struct token_floor *f); /* ES256 */
void token_floor_verify_openssl_ed25519(struct token_floor *f);

#endif
