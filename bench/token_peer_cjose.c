/* cjose: keeps the key; it gives the payload's bytes, and claims are read with jansson, which it is built on. */
#include "token_peer.h"

#include <cjose/cjose.h>
#include <jansson.h>

static struct peer_input input;
static cjose_jwk_t *key;

static bool prepare(const struct peer_input *in)
{
    cjose_err error;

    input = *in;
    if (strcmp(in->algorithm, "EdDSA") == 0)
        return false;
    key = cjose_jwk_import(in->jwk, strlen(in->jwk), &error);
    return key != NULL;
}

bool jansson_reads(const char *text, size_t len)
{
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    bool good = value != NULL;

    json_decref(value);
    return good;
}

static bool text_is(const json_t *claims, const char *name, const char *wanted)
{
    const char *found = json_string_value(json_object_get(claims, name));

    return found != NULL && strcmp(found, wanted) == 0;
}

static bool claims_good(const uint8_t *bytes, size_t len)
{
    json_t *claims = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);
    bool good = text_is(claims, "iss", input.issuer) && text_is(claims, "aud", input.audience) &&
                json_integer_value(json_object_get(claims, "exp")) > input.now_s &&
                json_integer_value(json_object_get(claims, "nbf")) <= input.now_s;

    json_decref(claims);
    return good;
}

static bool verify(void)
{
    cjose_err error;
    cjose_jws_t *jws = cjose_jws_import(input.token, input.token_len, &error);
    uint8_t *bytes;
    size_t len;

    if (jws == NULL)
        return false;
    const char *alg = cjose_header_get(cjose_jws_get_protected(jws), CJOSE_HDR_ALG, &error);
    bool good = alg != NULL && strcmp(alg, input.algorithm) == 0 && cjose_jws_verify(jws, key, &error) &&
                cjose_jws_get_plaintext(jws, &bytes, &len, &error) && claims_good(bytes, len);
    cjose_jws_release(jws);
    return good;
}

static void clear(void)
{
    cjose_jwk_release(key);
    key = NULL;
}

const struct token_peer peer_cjose = {"cjose", prepare, verify, clear};
