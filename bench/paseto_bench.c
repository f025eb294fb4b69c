/* What does PASETO v4 cost beside bare libsodium? The claims of DESIGN section 14 (iss sub aud exp iat nbf jti sid,
 * roles of two, and our ep and client_id), one thread. v4.public: Ed25519 over the bytes that the token's signature
 * covers. v4.local: the two derivations, the tag and the stream over the same bytes. Verifying includes text, key id,
 * claims and times on our side, none of it on the other. */
#include "bench_keys.h"
#include "measure.h"

#include "core/paseto_token.h"

#include <sodium.h>

enum { COUNT = 200, LOCAL_COUNT = 4000 };

static const int64_t now_s = 1800000000;
static struct paseto_secret_key pair;
static struct paseto_local_key local;
static struct access_claims claims;
static struct view audience, issuer, public_token, local_token;
static char public_text[PASETO_TOKEN_TEXT_MAX], local_text[PASETO_TOKEN_TEXT_MAX];

/* The bytes that a signature or tag covers, to the length. */
static uint8_t bytes[PASETO_TOKEN_TEXT_MAX], bare_public[32], bare_secret[64], bare_signature[64];
static size_t bytes_len, cipher_len;

static void verify_ours(size_t i)
{
    struct access_expectation want = {issuer, &audience, 1};
    struct paseto_token out;

    bench_must(paseto_token_verify(&pair.public, 1, public_token, &want, now_s * 1000 + (int64_t)i % 1000, &out));
}

static void verify_primitive(size_t i)
{
    (void)i;
    if (crypto_sign_ed25519_verify_detached(bare_signature, bytes, bytes_len, bare_public) != 0)
        exit(1);
}

static void sign_ours(size_t i)
{
    char text[PASETO_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    claims.epoch = 1 + (int64_t)i;
    bench_must(paseto_token_sign(&pair, issuer, &claims, &b));
}

static void sign_primitive(size_t i)
{
    uint8_t out[64];

    bytes[0] = (uint8_t)i;
    (void)crypto_sign_ed25519_detached(out, NULL, bytes, bytes_len, bare_secret);
    bytes[0] = 0;
}

static void decrypt_ours(size_t i)
{
    struct access_expectation want = {issuer, &audience, 1};
    struct paseto_token out;

    bench_must(paseto_token_decrypt(&local, 1, local_token, &want, now_s * 1000 + (int64_t)i % 1000, &out));
}

static void encrypt_ours(size_t i)
{
    char text[PASETO_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    claims.epoch = 1 + (int64_t)i;
    bench_must(paseto_token_encrypt(&local, issuer, &claims, entropy_system(), &b));
}

static void local_primitives(const uint8_t nonce[32])
{
    uint8_t key[56], mac_key[32], tag[32], text[PASETO_TOKEN_TEXT_MAX];

    (void)crypto_generichash_blake2b(key, sizeof key, nonce, 32, bare_public, 32);
    (void)crypto_generichash_blake2b(mac_key, sizeof mac_key, nonce, 32, bare_public, 32);
    (void)crypto_generichash_blake2b(tag, sizeof tag, bytes, bytes_len, mac_key, 32);
    (void)crypto_stream_xchacha20_xor(text, bytes, cipher_len, key + 32, key);
    __asm__ volatile("" ::"r"(text), "r"(tag) : "memory"); /* keep the work */
}

static void decrypt_primitive(size_t i)
{
    uint8_t nonce[32] = {(uint8_t)i};

    local_primitives(nonce);
}

static void encrypt_primitive(size_t i)
{
    uint8_t nonce[32];

    (void)i;
    entropy_fill(entropy_system(), nonce, sizeof nonce);
    local_primitives(nonce);
}

static void make_tokens(void)
{
    static const char aud[] = "https://api.example.com", roles[] = "admin,editor";
    struct buf p = buf_fixed(public_text, sizeof public_text), l = buf_fixed(local_text, sizeof local_text);

    issuer = VIEW("https://id.example.com");
    audience = view_text(aud);
    claims =
        (struct access_claims){.epoch = 1, .iat_s = now_s, .nbf_s = now_s, .exp_s = now_s + 900, .client_id = "mobile"};
    entropy_fill(entropy_system(), &claims.sub, sizeof claims.sub);
    entropy_fill(entropy_system(), &claims.jti, sizeof claims.jti);
    entropy_fill(entropy_system(), &claims.sid, sizeof claims.sid);
    memcpy(claims.audience, aud, sizeof aud);
    memcpy(claims.roles, roles, sizeof roles);
    bench_must(paseto_token_sign(&pair, issuer, &claims, &p));
    bench_must(paseto_token_encrypt(&local, issuer, &claims, entropy_system(), &l));
    public_token = buf_view(&p);
    local_token = buf_view(&l);
}

static void make_bare(void)
{
    const struct paseto_expectation plain = {.implicit = VIEW_EMPTY};
    struct paseto_space space;
    struct paseto_opened opened;

    bench_must(paseto_public_verify(&pair.public, public_token, &plain, &space, &opened));
    cipher_len = opened.message.len;
    bytes_len = 5 * 8 + 10 + opened.message.len + opened.footer.len; /* the pre-authentication encoding's */
    if (crypto_sign_ed25519_keypair(bare_public, bare_secret) != 0 ||
        crypto_sign_ed25519_detached(bare_signature, NULL, bytes, bytes_len, bare_secret) != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    uint8_t seed[32];

    measure_arguments(argc, argv);
    bench_must(crypto_start());
    entropy_fill(entropy_system(), seed, sizeof seed);
    bench_must(paseto_secret_key_init(&pair, seed));
    bench_must(paseto_local_key_init(&local, seed));
    make_tokens();
    make_bare();
    measure_side_by_side("PASETO v4.public, verify", verify_ours, "libsodium Ed25519 verify", verify_primitive, COUNT,
                         1.05);
    measure_side_by_side("PASETO v4.public, sign", sign_ours, "libsodium Ed25519 sign", sign_primitive, COUNT, 0);
    measure_side_by_side("PASETO v4.local, decrypt", decrypt_ours, "libsodium BLAKE2b and XChaCha20", decrypt_primitive,
                         LOCAL_COUNT, 0);
    measure_side_by_side("PASETO v4.local, encrypt", encrypt_ours, "libsodium BLAKE2b and XChaCha20", encrypt_primitive,
                         LOCAL_COUNT, 0);
    paseto_secret_key_clear(&pair);
    paseto_local_key_clear(&local);
    return 0;
}
