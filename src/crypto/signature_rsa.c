#include "crypto/signature_family.h"

struct cardea_status rsa_sign(const struct signing_key *k, struct view message, uint8_t *out)
{
    uint8_t digest[64];
    size_t len = k->signature_len;
    EVP_PKEY_CTX *context = operation_take(k->operation);

    if (context == NULL)
        return pkey_fail(CARDEA_E_BUSY);
    signature_digest(k->info->hash_len, message, digest);
    bool good = EVP_PKEY_sign(context, out, &len, digest, k->info->hash_len) == 1 && len == k->signature_len;
    operation_give(k->operation, context);
    return good ? CARDEA_SUCCESS : pkey_fail(CARDEA_E_INTERNAL);
}

struct cardea_status rsa_check(const struct verify_key *k, struct view message, const uint8_t *sig)
{
    uint8_t digest[64];
    EVP_PKEY_CTX *context = operation_take(k->operation);

    if (context == NULL)
        return pkey_fail(CARDEA_E_BUSY);
    signature_digest(k->info->hash_len, message, digest);
    /* 1 is valid, 0 is not, less is an error: anything but 1 is a refusal. A number of the modulus or more, which would
     * be a second text for one signature, is such an error. */
    int verdict = EVP_PKEY_verify(context, sig, k->signature_len, digest, k->info->hash_len);
    operation_give(k->operation, context);
    return verdict == 1 ? CARDEA_SUCCESS : pkey_fail(CARDEA_E_INVALID_TOKEN);
}
