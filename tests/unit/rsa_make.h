/* A fresh RSA key in parts, for tests. */
#ifndef UNIT_RSA_MAKE_H
#define UNIT_RSA_MAKE_H

#include "crypto/rsa_oaep.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

struct rsa_made {
    uint8_t bytes[8][OAEP_LEN_MAX];
    struct rsa_parts parts;
};

/* The parts point into *out. e: the public exponent. */
static inline void rsa_make(size_t bits, unsigned e, struct rsa_made *out)
{
    static const char *const names[8] = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                         OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                         OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                         OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    struct view *const to[8] = {&out->parts.n, &out->parts.e,  &out->parts.d,  &out->parts.p,
                                &out->parts.q, &out->parts.dp, &out->parts.dq, &out->parts.qi};
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *exponent = BN_new(), *number = NULL;
    EVP_PKEY *pkey = NULL;

    assert_true(BN_set_word(exponent, e) == 1 && EVP_PKEY_keygen_init(c) == 1);
    assert_true(EVP_PKEY_CTX_set_rsa_keygen_bits(c, (int)bits) == 1);
    assert_true(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(c, exponent) == 1 && EVP_PKEY_generate(c, &pkey) == 1);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(EVP_PKEY_get_bn_param(pkey, names[i], &number), 1);
        *to[i] = view_of(out->bytes[i], (size_t)BN_bn2bin(number, out->bytes[i]));
        BN_clear_free(number);
        number = NULL;
    }
    BN_free(exponent);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(c);
}

#endif
