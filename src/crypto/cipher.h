/* Block ciphers with their contexts kept ready; private to crypto/ (aead.h, keywrap.h are what others use).
 *
 * Decides: which of OpenSSL's ciphers exist here, and that each is fetched once in a process and each key expanded
 * once. A kept key hands its contexts out one thread at a time; more threads than CIPHER_CONTEXTS make their own and
 * free it.
 *
 * Security: key bytes live in guarded pages (locked where the limits allow, left out of core dumps, wiped on free);
 * the expanded keys are in OpenSSL's contexts on its heap, wiped on free. Threading: any number of threads.
 */
#ifndef CRYPTO_CIPHER_H
#define CRYPTO_CIPHER_H

#include "base/view.h"

#include <openssl/evp.h>

enum cipher {
    CIPHER_UNSET = 0,
    CIPHER_A128GCM,
    CIPHER_A192GCM,
    CIPHER_A256GCM,
    CIPHER_A128CBC,
    CIPHER_A192CBC,
    CIPHER_A256CBC,
    CIPHER_A128WRAP,
    CIPHER_A192WRAP,
    CIPHER_A256WRAP,
    CIPHER_COUNT
};
enum cipher_direction { CIPHER_OPEN = 0, CIPHER_SEAL = 1 };
enum { CIPHER_KEY_MAX = 32, CIPHER_CONTEXTS = 8 };

struct cipher_key;

size_t cipher_key_len(enum cipher c); /* 16, 24 or 32 */
/* key has cipher_key_len bytes. NULL without memory. */
struct cipher_key *cipher_key_new(enum cipher c, const uint8_t *key);
void cipher_key_free(struct cipher_key *k); /* wipes; NULL is safe */
/* A context with the key set, ready for an iv; NULL without memory. Give it back in the same direction. */
EVP_CIPHER_CTX *cipher_take(struct cipher_key *k, enum cipher_direction d);
void cipher_give(struct cipher_key *k, enum cipher_direction d, EVP_CIPHER_CTX *context);
/* A context for a key that is used once; the caller frees it, which wipes it. */
EVP_CIPHER_CTX *cipher_context_new(enum cipher c, const uint8_t *key, enum cipher_direction d);

#endif
