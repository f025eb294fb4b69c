#include "crypto/hkdf.h"

#include "base/secret.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static OSSL_PARAM octets(const char *name, struct view v)
{
    /* OpenSSL only reads them. */
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)v.ptr, v.len);
}

struct cardea_status hkdf_sha256(struct view secret, struct view salt, struct view info, uint8_t *out, size_t len)
{
    char hash[] = "SHA256";
    OSSL_PARAM params[5];
    size_t n = 0;

    if (secret.len == 0 || len == 0 || len > HKDF_LEN_MAX || info.len > HKDF_INFO_MAX)
        return CARDEA_FAIL(E_USAGE);
    params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0);
    params[n++] = octets(OSSL_KDF_PARAM_KEY, secret);
    if (salt.len > 0)
        params[n++] = octets(OSSL_KDF_PARAM_SALT, salt);
    if (info.len > 0)
        params[n++] = octets(OSSL_KDF_PARAM_INFO, info);
    params[n] = OSSL_PARAM_construct_end();

    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    bool good = context != NULL && EVP_KDF_derive(context, out, len, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    if (good)
        return CARDEA_SUCCESS;
    secret_wipe(out, len);
    ERR_clear_error();
    return CARDEA_FAIL(E_BUSY);
}
