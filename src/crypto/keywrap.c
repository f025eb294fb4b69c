#include "crypto/keywrap.h"

#include "base/secret.h"
#include "crypto/cipher.h"

#include <openssl/err.h>
#include <stdlib.h>

enum { EIGHTH = 8 };

struct wrap_key {
    struct cipher_key *cipher;
};

static struct cardea_status fail(enum cardea_code code)
{
    ERR_clear_error();
    return cardea_status(code);
}

static enum cipher cipher_for(size_t kek_len)
{
    switch (kek_len) {
    case 16:
        return CIPHER_A128WRAP;
    case 24:
        return CIPHER_A192WRAP;
    case 32:
        return CIPHER_A256WRAP;
    default:
        return CIPHER_UNSET;
    }
}

struct cardea_status wrap_key_new(struct view kek, struct wrap_key **out)
{
    enum cipher c = cipher_for(kek.len);

    if (c == CIPHER_UNSET)
        return CARDEA_FAIL(E_USAGE);
    struct wrap_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return CARDEA_FAIL(E_BUSY);
    k->cipher = cipher_key_new(c, (const uint8_t *)kek.ptr);
    if (k->cipher == NULL) {
        free(k);
        return fail(CARDEA_E_BUSY);
    }
    *out = k;
    return CARDEA_SUCCESS;
}

void wrap_key_free(struct wrap_key *k)
{
    if (k == NULL)
        return;
    cipher_key_free(k->cipher);
    free(k);
}

static bool may_wrap(size_t len)
{
    return len >= KEYWRAP_MIN && len <= KEYWRAP_MAX && len % EIGHTH == 0;
}

static bool may_unwrap(size_t len)
{
    return len > KEYWRAP_OVERHEAD && may_wrap(len - KEYWRAP_OVERHEAD);
}

/* Both directions: OpenSSL wraps in one call, and wants room for the longer of the two. */
static bool run(EVP_CIPHER_CTX *c, struct view in, uint8_t *out, size_t out_len)
{
    uint8_t scratch[KEYWRAP_MAX + 2 * KEYWRAP_OVERHEAD];
    int n = 0;
    bool good = EVP_CipherInit_ex(c, NULL, NULL, NULL, NULL, -1) == 1 &&
                EVP_CipherUpdate(c, scratch, &n, (const uint8_t *)in.ptr, (int)in.len) == 1 && (size_t)n == out_len;

    if (good)
        memcpy(out, scratch, out_len);
    secret_wipe(scratch, sizeof scratch);
    return good;
}

struct cardea_status wrap_key_wrap(const struct wrap_key *k, struct view plain, uint8_t *out)
{
    if (!may_wrap(plain.len))
        return CARDEA_FAIL(E_USAGE);
    EVP_CIPHER_CTX *c = cipher_take(k->cipher, CIPHER_SEAL);
    if (c == NULL)
        return fail(CARDEA_E_BUSY);
    bool good = run(c, plain, out, plain.len + KEYWRAP_OVERHEAD);
    cipher_give(k->cipher, CIPHER_SEAL, c);
    return good ? CARDEA_SUCCESS : fail(CARDEA_E_INTERNAL);
}

struct cardea_status wrap_key_unwrap(const struct wrap_key *k, struct view wrapped, uint8_t *out)
{
    if (!may_unwrap(wrapped.len))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    EVP_CIPHER_CTX *c = cipher_take(k->cipher, CIPHER_OPEN);
    if (c == NULL)
        return fail(CARDEA_E_BUSY);
    bool good = run(c, wrapped, out, wrapped.len - KEYWRAP_OVERHEAD);
    cipher_give(k->cipher, CIPHER_OPEN, c);
    return good ? CARDEA_SUCCESS : fail(CARDEA_E_INVALID_TOKEN);
}

struct cardea_status keywrap_once(struct view kek, struct view plain, uint8_t *out)
{
    enum cipher cipher = cipher_for(kek.len);

    if (cipher == CIPHER_UNSET || !may_wrap(plain.len))
        return CARDEA_FAIL(E_USAGE);
    EVP_CIPHER_CTX *c = cipher_context_new(cipher, (const uint8_t *)kek.ptr, CIPHER_SEAL);
    if (c == NULL)
        return fail(CARDEA_E_BUSY);
    bool good = run(c, plain, out, plain.len + KEYWRAP_OVERHEAD);
    EVP_CIPHER_CTX_free(c);
    return good ? CARDEA_SUCCESS : fail(CARDEA_E_INTERNAL);
}

struct cardea_status keyunwrap_once(struct view kek, struct view wrapped, uint8_t *out)
{
    enum cipher cipher = cipher_for(kek.len);

    if (cipher == CIPHER_UNSET)
        return CARDEA_FAIL(E_USAGE);
    if (!may_unwrap(wrapped.len))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    EVP_CIPHER_CTX *c = cipher_context_new(cipher, (const uint8_t *)kek.ptr, CIPHER_OPEN);
    if (c == NULL)
        return fail(CARDEA_E_BUSY);
    bool good = run(c, wrapped, out, wrapped.len - KEYWRAP_OVERHEAD);
    EVP_CIPHER_CTX_free(c);
    return good ? CARDEA_SUCCESS : fail(CARDEA_E_INVALID_TOKEN);
}
