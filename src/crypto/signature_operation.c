#include "crypto/signature_family.h"

#include <openssl/rsa.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CONTEXTS = 8 }; /* kept per key: more threads at once make their own and free it */

struct operation {
    EVP_PKEY *pkey;
    const struct signature_info *info;
    int (*set_up)(EVP_PKEY_CTX *);
    EVP_PKEY_CTX *_Atomic slots[CONTEXTS];
};

void operation_free(struct operation *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < CONTEXTS; i++)
        EVP_PKEY_CTX_free(atomic_load(&o->slots[i]));
    EVP_PKEY_free(o->pkey);
    free(o);
}

/* RSA's padding is a matter of the context: set here once, so that no call can bring another. The salt of PSS is as
 * long as the hash, when signing and, exactly, when verifying (RFC 7518 §3.5). */
static bool set_padding(EVP_PKEY_CTX *context, const struct signature_info *info)
{
    const EVP_MD *md = signature_md(info->hash_len);

    switch (info->family) {
    case FAMILY_RSA_PKCS1:
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context, md) == 1;
    case FAMILY_RSA_PSS:
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context, md) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
    default:
        return true;
    }
}

static EVP_PKEY_CTX *operation_context(const struct operation *o)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(o->pkey, NULL);

    if (context != NULL && (o->set_up(context) != 1 || !set_padding(context, o->info))) {
        EVP_PKEY_CTX_free(context);
        context = NULL;
    }
    return context;
}

struct operation *operation_new(EVP_PKEY *pkey, const struct signature_info *info, int (*set_up)(EVP_PKEY_CTX *))
{
    struct operation *o = pkey == NULL ? NULL : calloc(1, sizeof *o);

    if (o == NULL) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    o->pkey = pkey;
    o->info = info;
    o->set_up = set_up;
    if (info->family == FAMILY_ED448)
        return o; /* signs whole messages: EVP_DigestSign alone does that, with a context of its own */
    EVP_PKEY_CTX *first = operation_context(o);
    if (first == NULL) {
        operation_free(o);
        return NULL;
    }
    atomic_store(&o->slots[0], first);
    return o;
}

EVP_PKEY_CTX *operation_take(struct operation *o)
{
    for (size_t i = 0; i < CONTEXTS; i++) {
        /* Look before exchanging: an empty slot's cache line need not be written. */
        if (atomic_load_explicit(&o->slots[i], memory_order_relaxed) == NULL)
            continue;
        EVP_PKEY_CTX *context = atomic_exchange(&o->slots[i], NULL);
        if (context != NULL)
            return context;
    }
    return operation_context(o);
}

void operation_give(struct operation *o, EVP_PKEY_CTX *context)
{
    for (size_t i = 0; i < CONTEXTS; i++) {
        EVP_PKEY_CTX *expected = NULL;
        if (atomic_compare_exchange_strong(&o->slots[i], &expected, context))
            return;
    }
    EVP_PKEY_CTX_free(context);
}

EVP_PKEY *operation_pkey(const struct operation *o)
{
    return o->pkey;
}
