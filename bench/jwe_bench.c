/* What does a sealed cookie cost beside the bare cipher? JWE dir with A256GCM around 300 bytes, contexts kept ready on
 * both sides, one thread; the bare side gets its iv, associated data and room for nothing. */
#include "bench_keys.h"
#include "measure.h"

#include "core/jwe.h"
#include "crypto/random.h"

#include <openssl/evp.h>

enum { COUNT = 5000, PLAIN = 300, AAD = 64, IV = 12, TAG = 16 };

static const uint8_t key_bytes[32] = {1, 2, 3};
static uint8_t plain[PLAIN], aad[AAD], iv[IV], tag[TAG], sealed[PLAIN];
static struct jwe_key *key;
static char text[2048];
static size_t text_len;
static EVP_CIPHER_CTX *bare_sealing, *bare_opening;

static void open_ours(size_t i)
{
    uint8_t room[1024];
    struct jwe_opened opened;

    (void)i;
    bench_must(jwe_open(view_of(text, text_len), key, entropy_system(), room, sizeof room, &opened));
}

static void seal_ours(size_t i)
{
    char out[2048];
    struct buf b = buf_fixed(out, sizeof out);

    plain[0] = (uint8_t)i;
    bench_must(
        jwe_seal(key, &(struct jwe_header){.typ = VIEW("JWT")}, view_of(plain, sizeof plain), entropy_system(), &b));
}

static void must(int ok)
{
    if (ok != 1)
        exit(1);
}

static void open_bare(size_t i)
{
    uint8_t out[PLAIN];
    int n;

    (void)i;
    must(EVP_CipherInit_ex(bare_opening, NULL, NULL, NULL, iv, -1));
    must(EVP_CIPHER_CTX_ctrl(bare_opening, EVP_CTRL_AEAD_SET_TAG, TAG, tag));
    must(EVP_CipherUpdate(bare_opening, NULL, &n, aad, AAD));
    must(EVP_CipherUpdate(bare_opening, out, &n, sealed, PLAIN));
    must(EVP_CipherFinal_ex(bare_opening, out, &n));
}

static void seal_bare(size_t i)
{
    int n;

    iv[0] = (uint8_t)i;
    must(EVP_CipherInit_ex(bare_sealing, NULL, NULL, NULL, iv, -1));
    must(EVP_CipherUpdate(bare_sealing, NULL, &n, aad, AAD));
    must(EVP_CipherUpdate(bare_sealing, sealed, &n, plain, PLAIN));
    must(EVP_CipherFinal_ex(bare_sealing, tag, &n));
    must(EVP_CIPHER_CTX_ctrl(bare_sealing, EVP_CTRL_AEAD_GET_TAG, TAG, tag));
}

static void make_bare(void)
{
    bare_sealing = EVP_CIPHER_CTX_new();
    bare_opening = EVP_CIPHER_CTX_new();
    must(EVP_CipherInit_ex(bare_sealing, EVP_aes_256_gcm(), NULL, key_bytes, NULL, 1));
    must(EVP_CipherInit_ex(bare_opening, EVP_aes_256_gcm(), NULL, key_bytes, NULL, 0));
    seal_bare(0);
}

int main(int argc, char **argv)
{
    struct jwe_rule r = {JWE_DIR, JWE_ENC(AEAD_A256GCM), VIEW("2026-1")};
    struct buf b = buf_fixed(text, sizeof text);

    measure_arguments(argc, argv);
    bench_must(crypto_start());
    bench_must(jwe_key_symmetric(&r, view_of(key_bytes, sizeof key_bytes), &key));
    bench_must(
        jwe_seal(key, &(struct jwe_header){.typ = VIEW("JWT")}, view_of(plain, sizeof plain), entropy_system(), &b));
    text_len = b.len;
    make_bare();
    /* Opening first: the bare side opens what it sealed last. */
    measure_side_by_side("JWE dir A256GCM, open 300 bytes", open_ours, "bare EVP open", open_bare, COUNT, 0);
    measure_side_by_side("JWE dir A256GCM, seal 300 bytes", seal_ours, "bare EVP seal", seal_bare, COUNT, 0);
    jwe_key_free(key);
    EVP_CIPHER_CTX_free(bare_sealing);
    EVP_CIPHER_CTX_free(bare_opening);
    return 0;
}
