#include "crypto/signature_family.h"

/* A context each time: Ed448 is rare, and its arithmetic costs a hundred times as much. */

struct cardea_status ed448_sign(const struct signing_key *k, struct view message, uint8_t *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len = k->signature_len;

    if (context == NULL)
        return pkey_fail(CARDEA_E_BUSY);
    bool good = EVP_DigestSignInit(context, NULL, NULL, NULL, operation_pkey(k->operation)) == 1 &&
                EVP_DigestSign(context, out, &len, (const uint8_t *)message.ptr, message.len) == 1 &&
                len == k->signature_len;
    EVP_MD_CTX_free(context);
    return good ? CARDEA_SUCCESS : pkey_fail(CARDEA_E_INTERNAL);
}

struct cardea_status ed448_check(const struct verify_key *k, struct view message, const uint8_t *sig)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (context == NULL)
        return pkey_fail(CARDEA_E_BUSY);
    bool good = EVP_DigestVerifyInit(context, NULL, NULL, NULL, operation_pkey(k->operation)) == 1 &&
                EVP_DigestVerify(context, sig, k->signature_len, (const uint8_t *)message.ptr, message.len) == 1;
    EVP_MD_CTX_free(context);
    return good ? CARDEA_SUCCESS : pkey_fail(CARDEA_E_INVALID_TOKEN);
}
