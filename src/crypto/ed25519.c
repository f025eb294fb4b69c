#include "crypto/ed25519.h"

#include <sodium.h>

_Static_assert(crypto_sign_ed25519_SEEDBYTES == ED25519_SEED && crypto_sign_ed25519_PUBLICKEYBYTES == ED25519_PUBLIC &&
                   crypto_sign_ed25519_BYTES == ED25519_SIGNATURE && crypto_core_ed25519_BYTES == ED25519_PUBLIC,
               "the lengths in ed25519.h");

struct ed25519_secret {
    uint8_t bytes[crypto_sign_ed25519_SECRETKEYBYTES]; /* seed | public */
};

struct cardea_status ed25519_public_load(struct view bytes, struct ed25519_public *out)
{
    /* Canonical, not of small order, on the curve and in the main subgroup. The last is more than verification asks: a
     * part of small order in a key is nothing that key generation makes, and libraries disagree about such keys. */
    if (bytes.len != ED25519_PUBLIC || crypto_core_ed25519_is_valid_point((const uint8_t *)bytes.ptr) != 1)
        return CARDEA_FAIL(E_INVALID_FIELD);
    memcpy(out->bytes, bytes.ptr, ED25519_PUBLIC);
    return CARDEA_SUCCESS;
}

struct cardea_status ed25519_verify(const struct ed25519_public *k, struct view message, struct view signature)
{
    if (signature.len != ED25519_SIGNATURE ||
        crypto_sign_ed25519_verify_detached((const uint8_t *)signature.ptr, (const uint8_t *)message.ptr, message.len,
                                            k->bytes) != 0)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    return CARDEA_SUCCESS;
}

struct ed25519_secret *ed25519_secret_new(const uint8_t seed[ED25519_SEED])
{
    struct ed25519_secret *k = sodium_malloc(sizeof *k);
    uint8_t public[ED25519_PUBLIC];

    if (k == NULL)
        return NULL;
    (void)crypto_sign_ed25519_seed_keypair(public, k->bytes, seed); /* always answers 0 */
    if (sodium_mprotect_readonly(k) != 0) {
        sodium_free(k);
        return NULL;
    }
    return k;
}

void ed25519_secret_free(struct ed25519_secret *k)
{
    sodium_free(k); /* makes it writable again and wipes */
}

struct ed25519_public ed25519_secret_public(const struct ed25519_secret *k)
{
    struct ed25519_public out;

    memcpy(out.bytes, k->bytes + ED25519_SEED, sizeof out.bytes);
    return out;
}

void ed25519_secret_seed(const struct ed25519_secret *k, uint8_t out[ED25519_SEED])
{
    memcpy(out, k->bytes, ED25519_SEED);
}

void ed25519_sign(const struct ed25519_secret *k, struct view message, uint8_t out[ED25519_SIGNATURE])
{
    (void)crypto_sign_ed25519_detached(out, NULL, (const uint8_t *)message.ptr, message.len,
                                       k->bytes); /* always answers 0 */
}
