#include "crypto/mac.h"

#include "base/secret.h"
#include "crypto/sha2.h"

#include <sodium.h>
#include <stdlib.h>

enum { BLOCK = 64, DIGEST = 32 };

struct mac_key {
    sha256_state inner, outer; /* after the key block xor ipad, opad */
};

_Static_assert(crypto_shorthash_siphash24_BYTES == 8, "a tag has 8 bytes");
_Static_assert(crypto_shorthash_siphashx24_BYTES == 16, "a long tag has 16 bytes");
_Static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof(struct tag_key), "a tag key has 16 bytes");
_Static_assert(crypto_shorthash_siphash24_KEYBYTES == sizeof(struct tag_key), "a tag key has 16 bytes");

/* SHA-256 fails on a NULL state or a message of 2^61 bytes only: neither exists. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

static void absorb_key(sha256_state *state, const uint8_t key[32], uint8_t pad)
{
    uint8_t block[BLOCK];

    memset(block, pad, sizeof block);
    for (size_t i = 0; i < 32; i++)
        block[i] = (uint8_t)(key[i] ^ pad);
    must(SHA256_Init(state));
    must(SHA256_Update(state, block, sizeof block));
    secret_wipe(block, sizeof block);
}

struct mac_key *mac_key_new(const uint8_t key[32])
{
    struct mac_key *k = sodium_malloc(sizeof *k);

    if (k == NULL)
        return NULL;
    absorb_key(&k->inner, key, 0x36);
    absorb_key(&k->outer, key, 0x5c);
    if (sodium_mprotect_readonly(k) != 0) {
        sodium_free(k);
        return NULL;
    }
    return k;
}

void mac_key_free(struct mac_key *k)
{
    sodium_free(k); /* makes it writable again and wipes */
}

void mac_sha256(const struct mac_key *k, const struct view *parts, size_t count, uint8_t out[32])
{
    sha256_state state = k->inner;
    uint8_t inner[DIGEST];

    for (size_t i = 0; i < count; i++)
        must(SHA256_Update(&state, parts[i].ptr, parts[i].len));
    must(SHA256_Final(inner, &state));
    state = k->outer;
    must(SHA256_Update(&state, inner, sizeof inner));
    must(SHA256_Final(out, &state));
    secret_wipe(&state, sizeof state); /* derived from the key: must not stay on the stack */
    secret_wipe(inner, sizeof inner);
}

void tag_siphash(const struct tag_key *k, const void *bytes, size_t len, uint8_t out[8])
{
    (void)crypto_shorthash_siphash24(out, bytes, len, k->bytes); /* always answers 0 */
}

void tag_siphash128(const struct tag_key *k, const void *bytes, size_t len, uint8_t out[16])
{
    (void)crypto_shorthash_siphashx24(out, bytes, len, k->bytes);
}
