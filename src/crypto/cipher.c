#include "crypto/cipher.h"

#include <openssl/err.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

struct slots {
    EVP_CIPHER_CTX *_Atomic at[CIPHER_CONTEXTS];
};

struct cipher_key {
    enum cipher cipher;
    uint8_t *bytes;        /* in guarded memory, read-only */
    struct slots slots[2]; /* by direction */
};

struct cipher_kind {
    const char *name;
    size_t key_len;
};

static const struct cipher_kind kinds[CIPHER_COUNT] = {
    [CIPHER_A128GCM] = {"AES-128-GCM", 16},   [CIPHER_A192GCM] = {"AES-192-GCM", 24},
    [CIPHER_A256GCM] = {"AES-256-GCM", 32},   [CIPHER_A128CBC] = {"AES-128-CBC", 16},
    [CIPHER_A192CBC] = {"AES-192-CBC", 24},   [CIPHER_A256CBC] = {"AES-256-CBC", 32},
    [CIPHER_A128WRAP] = {"AES-128-WRAP", 16}, [CIPHER_A192WRAP] = {"AES-192-WRAP", 24},
    [CIPHER_A256WRAP] = {"AES-256-WRAP", 32},
};

size_t cipher_key_len(enum cipher c)
{
    return kinds[c].key_len;
}

/* Fetching costs more than a short message's encryption. Two threads may both fetch; one of the two results stays, for
 * as long as the process. */
static EVP_CIPHER *cipher_fetched(enum cipher c)
{
    static EVP_CIPHER *_Atomic kept[CIPHER_COUNT];
    EVP_CIPHER *now = atomic_load_explicit(&kept[c], memory_order_acquire);

    if (now != NULL)
        return now;
    EVP_CIPHER *mine = EVP_CIPHER_fetch(NULL, kinds[c].name, NULL);
    if (mine != NULL && !atomic_compare_exchange_strong(&kept[c], &now, mine)) {
        EVP_CIPHER_free(mine);
        mine = now;
    }
    return mine;
}

EVP_CIPHER_CTX *cipher_context_new(enum cipher c, const uint8_t *key, enum cipher_direction d)
{
    EVP_CIPHER *cipher = cipher_fetched(c);
    EVP_CIPHER_CTX *context = cipher == NULL ? NULL : EVP_CIPHER_CTX_new();

    if (context == NULL)
        return NULL;
    if (c >= CIPHER_A128WRAP)
        EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_CipherInit_ex(context, cipher, NULL, key, NULL, (int)d) != 1) {
        EVP_CIPHER_CTX_free(context);
        ERR_clear_error();
        return NULL;
    }
    return context;
}

struct cipher_key *cipher_key_new(enum cipher c, const uint8_t *key)
{
    struct cipher_key *k = calloc(1, sizeof *k);

    if (k == NULL)
        return NULL;
    k->cipher = c;
    k->bytes = sodium_malloc(kinds[c].key_len);
    if (k->bytes == NULL) {
        free(k);
        return NULL;
    }
    memcpy(k->bytes, key, kinds[c].key_len);
    if (sodium_mprotect_readonly(k->bytes) != 0) {
        cipher_key_free(k);
        return NULL;
    }
    for (enum cipher_direction d = CIPHER_OPEN; d <= CIPHER_SEAL; d++) {
        EVP_CIPHER_CTX *first = cipher_context_new(c, k->bytes, d);
        if (first == NULL) {
            cipher_key_free(k);
            return NULL;
        }
        atomic_store(&k->slots[d].at[0], first);
    }
    return k;
}

void cipher_key_free(struct cipher_key *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < CIPHER_CONTEXTS; i++) {
        EVP_CIPHER_CTX_free(atomic_load(&k->slots[CIPHER_OPEN].at[i]));
        EVP_CIPHER_CTX_free(atomic_load(&k->slots[CIPHER_SEAL].at[i]));
    }
    sodium_free(k->bytes);
    free(k);
}

EVP_CIPHER_CTX *cipher_take(struct cipher_key *k, enum cipher_direction d)
{
    struct slots *s = &k->slots[d];

    for (size_t i = 0; i < CIPHER_CONTEXTS; i++) {
        /* Look before exchanging: an empty slot's cache line need not be written. */
        if (atomic_load_explicit(&s->at[i], memory_order_relaxed) == NULL)
            continue;
        EVP_CIPHER_CTX *context = atomic_exchange(&s->at[i], NULL);
        if (context != NULL)
            return context;
    }
    return cipher_context_new(k->cipher, k->bytes, d);
}

void cipher_give(struct cipher_key *k, enum cipher_direction d, EVP_CIPHER_CTX *context)
{
    for (size_t i = 0; i < CIPHER_CONTEXTS; i++) {
        EVP_CIPHER_CTX *expected = NULL;
        if (atomic_compare_exchange_strong(&k->slots[d].at[i], &expected, context))
            return;
    }
    EVP_CIPHER_CTX_free(context);
}
