#include "crypto/seal.h"

#include "crypto/hkdf.h"

#include <sodium.h>

enum {
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
};

struct master_key {
    uint8_t bytes[KEY];
};

_Static_assert(NONCE + TAG == SEAL_OVERHEAD && KEY == 32, "the layout in seal.h");

struct master_key *master_key_new(const uint8_t bytes[32])
{
    struct master_key *k = sodium_malloc(sizeof *k);

    if (k == NULL)
        return NULL;
    memcpy(k->bytes, bytes, sizeof k->bytes);
    if (sodium_mprotect_readonly(k) != 0) {
        sodium_free(k);
        return NULL;
    }
    return k;
}

void master_key_free(struct master_key *k)
{
    sodium_free(k);
}

struct cardea_status master_key_derive(const struct master_key *k, struct view purpose, uint8_t *out, size_t len)
{
    return hkdf_sha256(view_of(k->bytes, sizeof k->bytes), VIEW_EMPTY, purpose, out, len);
}

struct cardea_status seal_close(const struct master_key *k, struct view plain, struct view context,
                                const struct entropy *e, uint8_t *out, size_t cap, size_t *ret_len)
{
    if (cap < SEAL_OVERHEAD || plain.len > cap - SEAL_OVERHEAD)
        return CARDEA_FAIL(E_TOO_LARGE);
    entropy_fill(e, out, NONCE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE, NULL, (const uint8_t *)plain.ptr, plain.len,
                                                     (const uint8_t *)context.ptr, context.len, NULL, out,
                                                     k->bytes); /* always answers 0 */
    *ret_len = plain.len + SEAL_OVERHEAD;
    return CARDEA_SUCCESS;
}

struct cardea_status seal_open(const struct master_key *k, struct view sealed, struct view context, uint8_t *out,
                               size_t cap, size_t *ret_len)
{
    const uint8_t *bytes = (const uint8_t *)sealed.ptr;

    if (sealed.len < SEAL_OVERHEAD)
        return CARDEA_FAIL(E_CORRUPT);
    if (sealed.len - SEAL_OVERHEAD > cap)
        return CARDEA_FAIL(E_TOO_LARGE);
    /* libsodium checks the tag first; where it does not hold it writes zeros, never plain text. */
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, bytes + NONCE, sealed.len - NONCE,
                                                   (const uint8_t *)context.ptr, context.len, bytes, k->bytes) != 0)
        return CARDEA_FAIL(E_CORRUPT);
    *ret_len = sealed.len - SEAL_OVERHEAD;
    return CARDEA_SUCCESS;
}
