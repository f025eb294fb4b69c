/* rhonabwy: keeps the key, checks signature and claims itself. */
#include "token_peer.h"

#include <rhonabwy.h>

static struct peer_input input;
static jwk_t *key;
static jwa_alg wanted;

static bool prepare(const struct peer_input *in)
{
    input = *in;
    wanted = r_str_to_jwa_alg(in->algorithm);
    return r_global_init() == RHN_OK && r_jwk_init(&key) == RHN_OK &&
           r_jwk_import_from_json_str(key, in->jwk) == RHN_OK;
}

static bool verify(void)
{
    jwt_t *t = NULL;
    bool good =
        r_jwt_init(&t) == RHN_OK &&
        r_jwt_advanced_parse(t, input.token, R_PARSE_NONE, R_FLAG_IGNORE_REMOTE) == RHN_OK &&
        r_jwt_get_sign_alg(t) == wanted && r_jwt_verify_signature(t, key, R_FLAG_IGNORE_REMOTE) == RHN_OK &&
        r_jwt_validate_claims(t, R_JWT_CLAIM_ISS, input.issuer, R_JWT_CLAIM_AUD, input.audience, R_JWT_CLAIM_EXP,
                              R_JWT_CLAIM_NOW, R_JWT_CLAIM_NBF, R_JWT_CLAIM_NOW, R_JWT_CLAIM_NOP) == RHN_OK;

    r_jwt_free(t);
    return good;
}

static void clear(void)
{
    r_jwk_free(key);
    key = NULL;
    r_global_close();
}

const struct token_peer peer_rhonabwy = {"rhonabwy", prepare, verify, clear};
