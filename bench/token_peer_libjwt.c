/* libjwt 1.10: takes the key as text with every token, PEM but for HS256, and has no way to keep it parsed. It checks
 * the signature; algorithm and claims are the caller's, asked through its own accessors. */
#include "token_peer.h"

#include <jwt.h>

static struct peer_input input;
static jwt_alg_t wanted;

static bool prepare(const struct peer_input *in)
{
    input = *in;
    wanted = jwt_str_alg(in->algorithm);
    return wanted != JWT_ALG_INVAL;
}

static bool text_is(jwt_t *t, const char *name, const char *wanted_text)
{
    const char *found = jwt_get_grant(t, name);

    return found != NULL && strcmp(found, wanted_text) == 0;
}

static bool verify(void)
{
    bool mac = wanted == JWT_ALG_HS256;
    jwt_t *t = NULL;

    if (jwt_decode(&t, input.token, mac ? input.secret : (const unsigned char *)input.pem,
                   (int)(mac ? input.secret_len : strlen(input.pem))) != 0)
        return false;
    bool good = jwt_get_alg(t) == wanted && text_is(t, "iss", input.issuer) && text_is(t, "aud", input.audience) &&
                jwt_get_grant_int(t, "exp") > input.now_s && jwt_get_grant_int(t, "nbf") <= input.now_s;
    jwt_free(t);
    return good;
}

static void clear(void)
{
}

const struct token_peer peer_libjwt = {"libjwt", prepare, verify, clear};
