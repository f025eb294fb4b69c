#include "crypto/hmac.h"

#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/sha2.h"

#include <sodium.h>
#include <stdlib.h>

enum { BLOCK_MAX = 128 };

struct hmac_key {
    size_t hash_len;
    union {
        struct {
            sha256_state inner, outer;
        } small;
        struct {
            sha512_state inner, outer;
        } large; /* SHA-384 too: it differs where it begins and in what it gives */
    };
};

/* SHA-2 fails on a NULL state or a message of 2^61 bytes only: neither exists. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

static size_t block_size(size_t hash_len)
{
    return hash_len == 32 ? 64 : 128;
}

/* A key longer than a block is replaced by its digest (RFC 2104 §2). */
static void pad_key(size_t hash_len, struct view key, uint8_t block[BLOCK_MAX])
{
    memset(block, 0, BLOCK_MAX);
    if (key.len <= block_size(hash_len)) {
        if (key.len > 0)
            memcpy(block, key.ptr, key.len);
    } else if (hash_len == 32) {
        digest_sha256(key.ptr, key.len, block);
    } else if (hash_len == 48) {
        digest_sha384(key.ptr, key.len, block);
    } else {
        digest_sha512(key.ptr, key.len, block);
    }
}

static void absorb_small(sha256_state *state, const uint8_t *block)
{
    must(SHA256_Init(state));
    must(SHA256_Update(state, block, 64));
}

static void absorb_large(sha512_state *state, size_t hash_len, const uint8_t *block)
{
    must(hash_len == 48 ? SHA384_Init(state) : SHA512_Init(state));
    must(SHA512_Update(state, block, 128));
}

static void xor_block(uint8_t block[BLOCK_MAX], uint8_t pad)
{
    for (size_t i = 0; i < BLOCK_MAX; i++)
        block[i] = (uint8_t)(block[i] ^ pad);
}

struct hmac_key *hmac_key_new(size_t hash_len, struct view key)
{
    struct hmac_key *k = sodium_malloc(sizeof *k);
    uint8_t block[BLOCK_MAX];

    if (k == NULL)
        return NULL;
    k->hash_len = hash_len;
    pad_key(hash_len, key, block);
    xor_block(block, 0x36);
    if (hash_len == 32)
        absorb_small(&k->small.inner, block);
    else
        absorb_large(&k->large.inner, hash_len, block);
    xor_block(block, 0x36 ^ 0x5c);
    if (hash_len == 32)
        absorb_small(&k->small.outer, block);
    else
        absorb_large(&k->large.outer, hash_len, block);
    secret_wipe(block, sizeof block);
    if (sodium_mprotect_readonly(k) != 0) {
        sodium_free(k);
        return NULL;
    }
    return k;
}

void hmac_key_free(struct hmac_key *k)
{
    sodium_free(k); /* makes it writable again and wipes */
}

static void compute_small(const struct hmac_key *k, struct view message, uint8_t *out)
{
    sha256_state state = k->small.inner;
    uint8_t inner[32];

    must(SHA256_Update(&state, message.ptr, message.len));
    must(SHA256_Final(inner, &state));
    state = k->small.outer;
    must(SHA256_Update(&state, inner, sizeof inner));
    must(SHA256_Final(out, &state));
    secret_wipe(&state, sizeof state); /* derived from the key: must not stay on the stack */
    secret_wipe(inner, sizeof inner);
}

static void compute_large(const struct hmac_key *k, struct view message, uint8_t *out)
{
    sha512_state state = k->large.inner;
    uint8_t inner[64];

    must(SHA512_Update(&state, message.ptr, message.len));
    must(SHA512_Final(inner, &state)); /* as many bytes as the state was begun for */
    state = k->large.outer;
    must(SHA512_Update(&state, inner, k->hash_len));
    must(SHA512_Final(out, &state));
    secret_wipe(&state, sizeof state);
    secret_wipe(inner, sizeof inner);
}

void hmac_compute(const struct hmac_key *k, struct view message, uint8_t out[HMAC_MAX])
{
    if (k->hash_len == 32)
        compute_small(k, message, out);
    else
        compute_large(k, message, out);
}
