/* What does an access token cost beside the bare primitive? The token of DESIGN section 14 (claims iss sub aud exp iat
 * nbf jti sid, roles of two, and our ep and client_id) under HS256, RS256, PS256, ES256 and EdDSA; keys and contexts
 * kept ready on both sides, over the same bytes, one thread. */
#include "bench_keys.h"
#include "measure.h"

#include "core/access_token.h"
#include "core/jwk.h"
#include "crypto/hmac.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>

static const int64_t now_s = 1800000000;
static struct keyring keys;
static struct access_claims claims;
static struct view audience, issuer, token, signed_part;
static char token_text[ACCESS_TOKEN_TEXT_MAX];

/* The floor: OpenSSL's context, libsodium's key or HMAC's kept states. */
static EVP_PKEY_CTX *bare_sign, *bare_verify;
static uint8_t bare_digest[32], bare_signature[SIGNATURE_MAX], sodium_public[32];
static size_t bare_signature_len;
static struct hmac_key *bare_hmac;

static void verify_ours(size_t i)
{
    struct access_expectation want = {issuer, &audience, 1};
    struct access_token out;

    bench_must(access_token_verify(&keys, token, &want, now_s * 1000 + (int64_t)i % 1000, &out));
}

static void sign_ours(size_t i)
{
    char text[ACCESS_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    claims.epoch = 1 + (int64_t)i;
    bench_must(access_token_sign(&keys, keys.access[0].format, entropy_system(), issuer, &claims, &b));
}

static void verify_openssl(size_t i)
{
    (void)i;
    if (EVP_PKEY_verify(bare_verify, bare_signature, bare_signature_len, bare_digest, sizeof bare_digest) != 1)
        exit(1);
}

static void sign_openssl(size_t i)
{
    uint8_t out[SIGNATURE_MAX];
    size_t len = sizeof out;

    bare_digest[0] = (uint8_t)i;
    if (EVP_PKEY_sign(bare_sign, out, &len, bare_digest, sizeof bare_digest) != 1)
        exit(1);
}

static void verify_sodium(size_t i)
{
    (void)i;
    if (crypto_sign_verify_detached(bare_signature, (const uint8_t *)signed_part.ptr, signed_part.len, sodium_public) !=
        0)
        exit(1);
}

static void mac_bare(size_t i)
{
    uint8_t mac[HMAC_MAX];

    (void)i;
    hmac_compute(bare_hmac, signed_part, mac);
    __asm__ volatile("" : : "r"(mac) : "memory"); /* computed, though nobody reads it */
}

static void set_padding(EVP_PKEY_CTX *context, int padding)
{
    if (padding == 0)
        return;
    if (EVP_PKEY_CTX_set_rsa_padding(context, padding) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) != 1)
        exit(1);
    if (padding == RSA_PKCS1_PSS_PADDING && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1)
        exit(1);
}

/* padding: of RSA; 0 for EC. Takes over pkey. */
static void make_openssl(EVP_PKEY *pkey, int padding)
{
    EVP_PKEY_CTX_free(bare_sign);
    EVP_PKEY_CTX_free(bare_verify);
    bare_sign = EVP_PKEY_CTX_new(pkey, NULL);
    bare_verify = EVP_PKEY_CTX_new(pkey, NULL);
    bare_signature_len = sizeof bare_signature;
    if (pkey == NULL || EVP_PKEY_sign_init(bare_sign) != 1 || EVP_PKEY_verify_init(bare_verify) != 1)
        exit(1);
    set_padding(bare_sign, padding);
    set_padding(bare_verify, padding);
    if (EVP_PKEY_sign(bare_sign, bare_signature, &bare_signature_len, bare_digest, sizeof bare_digest) != 1)
        exit(1);
    EVP_PKEY_free(pkey); /* the contexts hold it */
}

/* The ring of bench_keys.h with its one access key replaced, and a token signed with it. */
static void make_token(enum signature_algorithm a, enum raw_key_type type, enum raw_key_curve curve, uint32_t bits)
{
    struct jwk jwk = {.use = JWK_USE_SIG};
    struct jwk_key key;
    struct buf b = buf_fixed(token_text, sizeof token_text);
    struct access_key *access = &keys.access[0];

    bench_must(raw_key_generate(type, curve, bits, &jwk.raw));
    bench_must(jwk_load(&jwk, a, &key));
    verify_key_free(access->verify);
    signing_key_free(access->sign);
    access->verify = key.verify;
    access->sign = key.sign;
    access->format = (enum token_format)a;
    access->signs = true;
    keys.active[access->format] = access;
    access->id = jwk_thumbprint(&jwk.raw);
    if (type == RAW_KEY_OCT)
        bare_hmac = hmac_key_new(32, raw_key_part(&jwk.raw, RAW_KEY_K));
    if (type == RAW_KEY_OKP)
        memcpy(sodium_public, raw_key_part(&jwk.raw, RAW_KEY_X).ptr, sizeof sodium_public);
    bench_must(access_token_sign(&keys, keys.access[0].format, entropy_system(), issuer, &claims, &b));
    token = buf_view(&b);
    signed_part = view_of(token.ptr, (size_t)((const char *)memrchr(token.ptr, '.', token.len) - token.ptr));
    if (type == RAW_KEY_OKP)
        bench_must(signing_key_sign(access->sign, signed_part, bare_signature, &bare_signature_len));
    raw_key_clear(&jwk.raw);
}

static void make_claims(void)
{
    static const char aud[] = "https://api.example.com", roles[] = "admin,editor";

    issuer = VIEW("https://id.example.com");
    audience = view_text(aud);
    claims =
        (struct access_claims){.epoch = 1, .iat_s = now_s, .nbf_s = now_s, .exp_s = now_s + 900, .client_id = "mobile"};
    entropy_fill(entropy_system(), &claims.sub, sizeof claims.sub);
    entropy_fill(entropy_system(), &claims.jti, sizeof claims.jti);
    entropy_fill(entropy_system(), &claims.sid, sizeof claims.sid);
    memcpy(claims.audience, aud, sizeof aud);
    memcpy(claims.roles, roles, sizeof roles);
}

int main(int argc, char **argv)
{
    measure_arguments(argc, argv);
    bench_keyring(&keys);
    make_claims();

    make_token(SIGNATURE_ES256, RAW_KEY_EC, RAW_CURVE_P256, 0);
    make_openssl(EVP_EC_gen("P-256"), 0);
    measure_side_by_side("ES256 access token, verify", verify_ours, "bare EVP_PKEY_verify", verify_openssl, 200, 1.05);
    measure_side_by_side("ES256 access token, sign", sign_ours, "bare EVP_PKEY_sign", sign_openssl, 200, 1.10);

    make_token(SIGNATURE_HS256, RAW_KEY_OCT, RAW_CURVE_UNSET, 256);
    if (bare_hmac == NULL)
        return 1;
    measure_side_by_side("HS256 access token, verify", verify_ours, "HMAC with its key kept", mac_bare, 20000, 2.50);
    hmac_key_free(bare_hmac);

    make_token(SIGNATURE_RS256, RAW_KEY_RSA, RAW_CURVE_UNSET, 2048);
    make_openssl(EVP_RSA_gen(2048U), RSA_PKCS1_PADDING);
    measure_side_by_side("RS256 access token, verify", verify_ours, "bare EVP_PKEY_verify", verify_openssl, 400, 1.05);

    make_token(SIGNATURE_PS256, RAW_KEY_RSA, RAW_CURVE_UNSET, 2048);
    make_openssl(EVP_RSA_gen(2048U), RSA_PKCS1_PSS_PADDING);
    measure_side_by_side("PS256 access token, verify", verify_ours, "bare EVP_PKEY_verify", verify_openssl, 400, 1.05);

    make_token(SIGNATURE_ED25519, RAW_KEY_OKP, RAW_CURVE_ED25519, 0);
    measure_side_by_side("EdDSA access token, verify", verify_ours, "libsodium's verification", verify_sodium, 200,
                         1.05);
    EVP_PKEY_CTX_free(bare_sign);
    EVP_PKEY_CTX_free(bare_verify);
    return 0;
}
