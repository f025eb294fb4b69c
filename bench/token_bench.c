/* What does an access token cost beside the bare signature? The token of DESIGN section 14 (claims iss sub aud exp iat
 * nbf jti sid, roles of two, and our ep and client_id), ES256, contexts kept ready on both sides, one thread. */
#include "bench_keys.h"
#include "measure.h"

#include "core/access_token.h"

#include <openssl/ec.h>
#include <openssl/evp.h>

enum { COUNT = 200 };

static const int64_t now_s = 1800000000;
static struct keyring keys;
static struct access_claims claims;
static struct view audience, issuer, token;
static char token_text[ACCESS_TOKEN_TEXT_MAX];
static EVP_PKEY_CTX *bare_sign, *bare_verify;
static uint8_t bare_digest[32], bare_signature[80];
static size_t bare_signature_len;

static void verify_ours(size_t i)
{
    struct access_expectation want = {issuer, &audience, 1};
    struct access_token out;

    bench_must(access_token_verify(&keys, token, &want, now_s * 1000 + (int64_t)i % 1000, &out));
}

static void verify_bare(size_t i)
{
    (void)i;
    if (EVP_PKEY_verify(bare_verify, bare_signature, bare_signature_len, bare_digest, sizeof bare_digest) != 1)
        exit(1);
}

static void sign_ours(size_t i)
{
    char text[ACCESS_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    claims.epoch = 1 + (int64_t)i;
    bench_must(access_token_sign(&keys, issuer, &claims, &b));
}

static void sign_bare(size_t i)
{
    uint8_t out[80];
    size_t len = sizeof out;

    bare_digest[0] = (uint8_t)i;
    if (EVP_PKEY_sign(bare_sign, out, &len, bare_digest, sizeof bare_digest) != 1)
        exit(1);
}

static void make_bare(void)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");

    bare_sign = EVP_PKEY_CTX_new(pkey, NULL);
    bare_verify = EVP_PKEY_CTX_new(pkey, NULL);
    bare_signature_len = sizeof bare_signature;
    if (pkey == NULL || EVP_PKEY_sign_init(bare_sign) != 1 || EVP_PKEY_verify_init(bare_verify) != 1 ||
        EVP_PKEY_sign(bare_sign, bare_signature, &bare_signature_len, bare_digest, sizeof bare_digest) != 1)
        exit(1);
    EVP_PKEY_free(pkey); /* the contexts hold it */
}

static void make_token(void)
{
    static const char aud[] = "https://api.example.com", roles[] = "admin,editor";
    struct buf b = buf_fixed(token_text, sizeof token_text);

    issuer = VIEW("https://id.example.com");
    audience = view_text(aud);
    claims =
        (struct access_claims){.epoch = 1, .iat_s = now_s, .nbf_s = now_s, .exp_s = now_s + 900, .client_id = "mobile"};
    entropy_fill(entropy_system(), &claims.sub, sizeof claims.sub);
    entropy_fill(entropy_system(), &claims.jti, sizeof claims.jti);
    entropy_fill(entropy_system(), &claims.sid, sizeof claims.sid);
    memcpy(claims.audience, aud, sizeof aud);
    memcpy(claims.roles, roles, sizeof roles);
    bench_must(access_token_sign(&keys, issuer, &claims, &b));
    token = buf_view(&b);
}

int main(int argc, char **argv)
{
    measure_arguments(argc, argv);
    bench_keyring(&keys);
    make_bare();
    make_token();
    measure_side_by_side("ES256 access token, verify", verify_ours, "bare EVP_PKEY_verify", verify_bare, COUNT, 1.05);
    measure_side_by_side("ES256 access token, sign", sign_ours, "bare EVP_PKEY_sign", sign_bare, COUNT, 1.10);
    EVP_PKEY_CTX_free(bare_sign);
    EVP_PKEY_CTX_free(bare_verify);
    return 0;
}
