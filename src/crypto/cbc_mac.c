#include "crypto/cbc_mac.h"

#include "base/secret.h"

#include <stdlib.h>

enum { BLOCK_256 = 64, BLOCK_512 = 128 };

/* These fail on a NULL state or a message of 2^61 bytes only: neither exists. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

static void start(size_t len, union cbc_mac_state *s)
{
    if (len == 16)
        must(SHA256_Init(&s->s256));
    else
        must(len == 24 ? SHA384_Init(&s->s512) : SHA512_Init(&s->s512));
}

static void add(size_t len, union cbc_mac_state *s, const void *bytes, size_t count)
{
    if (count == 0)
        return;
    must(len == 16 ? SHA256_Update(&s->s256, bytes, count) : SHA512_Update(&s->s512, bytes, count));
}

static size_t finish(size_t len, union cbc_mac_state *s, uint8_t out[SHA512_DIGEST_LENGTH])
{
    if (len == 16)
        must(SHA256_Final(out, &s->s256));
    else
        must(len == 24 ? SHA384_Final(out, &s->s512) : SHA512_Final(out, &s->s512));
    return 2 * len;
}

static void absorb_key(size_t len, union cbc_mac_state *s, const uint8_t *key, uint8_t pad)
{
    uint8_t block[BLOCK_512];

    memset(block, pad, sizeof block);
    for (size_t i = 0; i < len; i++)
        block[i] = (uint8_t)(key[i] ^ pad);
    start(len, s);
    add(len, s, block, len == 16 ? BLOCK_256 : BLOCK_512);
    secret_wipe(block, sizeof block);
}

void cbc_mac_init(struct cbc_mac *m, const uint8_t *key, size_t len)
{
    m->len = len;
    absorb_key(len, &m->inner, key, 0x36);
    absorb_key(len, &m->outer, key, 0x5c);
}

void cbc_mac_tag(const struct cbc_mac *m, struct view aad, struct view iv, struct view ciphertext, uint8_t *tag)
{
    union cbc_mac_state s = m->inner;
    uint8_t digest[SHA512_DIGEST_LENGTH], bits[8];
    uint64_t aad_bits = (uint64_t)aad.len * 8;

    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = (uint8_t)(aad_bits >> (56 - 8 * i));
    add(m->len, &s, aad.ptr, aad.len);
    add(m->len, &s, iv.ptr, iv.len);
    add(m->len, &s, ciphertext.ptr, ciphertext.len);
    add(m->len, &s, bits, sizeof bits);
    size_t len = finish(m->len, &s, digest);
    s = m->outer;
    add(m->len, &s, digest, len);
    (void)finish(m->len, &s, digest);
    memcpy(tag, digest, m->len);
    secret_wipe(&s, sizeof s);
    secret_wipe(digest, sizeof digest);
}
