#include "crypto/xchacha.h"

#include "base/secret.h"

#include <sodium.h>

_Static_assert(crypto_stream_xchacha20_KEYBYTES == XCHACHA_KEY && crypto_stream_xchacha20_NONCEBYTES == XCHACHA_NONCE &&
                   crypto_generichash_blake2b_BYTES_MAX == BLAKE2B_MAX && crypto_generichash_blake2b_BYTES_MIN == 16 &&
                   crypto_generichash_blake2b_KEYBYTES == 32,
               "the lengths in xchacha.h");

struct split_key {
    uint8_t bytes[32];
};

struct split_key *split_key_new(const uint8_t bytes[32])
{
    struct split_key *k = sodium_malloc(sizeof *k);

    if (k == NULL)
        return NULL;
    memcpy(k->bytes, bytes, sizeof k->bytes);
    if (sodium_mprotect_readonly(k) != 0) {
        sodium_free(k);
        return NULL;
    }
    return k;
}

void split_key_free(struct split_key *k)
{
    sodium_free(k); /* makes it writable again and wipes */
}

void split_key_bytes(const struct split_key *k, uint8_t out[32])
{
    memcpy(out, k->bytes, 32);
}

/* Only lengths out of range fail: our own mistake, and nothing may be granted or sent after it. */
static void must(int answer)
{
    if (answer != 0)
        sodium_misuse();
}

static void hash(const uint8_t *key, size_t key_len, const struct view *parts, size_t count, uint8_t *out, size_t len)
{
    crypto_generichash_blake2b_state state;

    must(crypto_generichash_blake2b_init(&state, key, key_len, len));
    for (size_t i = 0; i < count; i++)
        if (parts[i].len > 0)
            must(crypto_generichash_blake2b_update(&state, (const uint8_t *)parts[i].ptr, parts[i].len));
    must(crypto_generichash_blake2b_final(&state, out, len));
    secret_wipe(&state, sizeof state); /* holds the key and the message's end */
}

void split_key_derive(const struct split_key *k, struct view label, struct view nonce, uint8_t *out, size_t len)
{
    hash(k->bytes, sizeof k->bytes, (struct view[]){label, nonce}, 2, out, len);
}

void blake2b_mac(const uint8_t key[32], const struct view *parts, size_t count, uint8_t out[32])
{
    hash(key, 32, parts, count, out, 32);
}

void blake2b_digest(const struct view *parts, size_t count, uint8_t *out, size_t len)
{
    hash(NULL, 0, parts, count, out, len);
}

void xchacha20_xor(const uint8_t key[XCHACHA_KEY], const uint8_t nonce[XCHACHA_NONCE], uint8_t *bytes, size_t len)
{
    (void)crypto_stream_xchacha20_xor(bytes, bytes, len, nonce, key); /* always answers 0 */
}
