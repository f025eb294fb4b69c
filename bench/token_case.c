#include "token_case.h"

#include "base/text.h"
#include "bench_keys.h"
#include "core/jwk.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "crypto/pem.h"
#include "crypto/pkey.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <time.h>

static const struct view case_issuer = {CASE_ISSUER, sizeof CASE_ISSUER - 1},
                         case_audience = {CASE_AUDIENCE, sizeof CASE_AUDIENCE - 1};

static void must(bool good)
{
    if (good)
        return;
    (void)fprintf(stderr, "token_case: a step failed\n");
    exit(1);
}

/* --- the tokens --- */

static void make_key(struct token_case *c, enum signature_algorithm a, struct raw_key *raw)
{
    struct buf jwk = buf_fixed(c->jwk, sizeof c->jwk), pem = buf_fixed(c->pem, sizeof c->pem);
    bool secret = signature_is_mac(a);
    struct jwk key = {.use = JWK_USE_SIG, .kid = "figures-01"};

    bench_must(access_key_draw((enum token_format)a, raw));
    key.raw = *raw;
    (void)snprintf(key.alg, sizeof key.alg, "%s", c->name);
    buf_text(&jwk, "{\"keys\":[");
    jwk_write(&key, secret, &jwk);
    buf_text(&jwk, "]}");
    must(buf_terminate(&jwk));
    bench_must(jwk_set_read(buf_view(&jwk), a, &c->set));
    buf_reset(&jwk);
    jwk_write(&key, secret, &jwk);
    must(buf_terminate(&jwk));
    if (secret) {
        must(raw_key_part(raw, RAW_KEY_K).len == sizeof c->secret);
        memcpy(c->secret, raw_key_part(raw, RAW_KEY_K).ptr, sizeof c->secret);
    } else {
        bench_must(pem_write(raw, false, &pem));
        must(buf_terminate(&pem));
    }
}

static void make_token(struct token_case *c, enum signature_algorithm a, const struct raw_key *raw)
{
    struct signing_key *k;
    struct buf b = buf_fixed(c->text, sizeof c->text);
    char payload[256];
    int len = snprintf(payload, sizeof payload,
                       "{\"iss\":\"" CASE_ISSUER "\",\"sub\":\"0198c1f2\",\"aud\":\"" CASE_AUDIENCE
                       "\",\"exp\":%lld,\"iat\":%lld,\"nbf\":%lld,\"jti\":\"k3Jx9_Qm2Lw\",\"sid\":\"Zp0vT7hQ1xY\","
                       "\"roles\":[\"admin\",\"editor\"]}",
                       (long long)c->now_s + 3000, (long long)c->now_s, (long long)c->now_s);

    must(len == 191);
    bench_must(signing_key_load(a, raw, &k));
    bench_must(jws_sign(k, VIEW("figures-01"), VIEW("JWT"), view_of(payload, (size_t)len), &b));
    must(buf_terminate(&b));
    signing_key_free(k);
    c->token = buf_view(&b);
    must(memrchr(c->text, '.', b.len) == c->text + 318);
    c->rules = (struct token_rules){.issuers = &case_issuer,
                                    .issuer_count = 1,
                                    .audiences = &case_audience,
                                    .audience_count = 1,
                                    .types = TOKEN_TYPE_JWT,
                                    .algorithms = TOKEN_ALGORITHM(a)};
}

static void make_own(struct token_case *c, enum signature_algorithm a, const struct raw_key *raw)
{
    struct buf b = buf_fixed(c->own_text, sizeof c->own_text);
    struct access_key *k = &c->ring.access[0];
    struct key_id id, *given = NULL;

    if (signature_is_mac(a)) {
        bench_must(access_key_id((enum token_format)a, raw, entropy_system(), &id));
        given = &id;
    }
    bench_must(access_key_init(k, (enum token_format)a, raw, given, true));
    k->state = KEY_ACTIVE;
    c->ring.access_count = 1;
    c->ring.active[a] = k;
    c->claims = (struct access_claims){.epoch = 1,
                                       .iat_s = c->now_s,
                                       .nbf_s = c->now_s,
                                       .exp_s = c->now_s + 900,
                                       .client_id = "mobile",
                                       .roles = "admin,editor",
                                       .audience = CASE_AUDIENCE};
    entropy_fill(entropy_system(), &c->claims.sub, sizeof c->claims.sub);
    entropy_fill(entropy_system(), &c->claims.jti, sizeof c->claims.jti);
    entropy_fill(entropy_system(), &c->claims.sid, sizeof c->claims.sid);
    bench_must(access_token_sign(&c->ring, (enum token_format)a, entropy_system(), case_issuer, &c->claims, &b));
    c->own = buf_view(&b);
}

void token_case_init(struct token_case *c, enum signature_algorithm a)
{
    struct raw_key raw;

    memset(c, 0, sizeof *c);
    c->algorithm = a;
    c->name = signature_algorithm_name(a);
    c->now_s = (int64_t)time(NULL);
    make_key(c, a, &raw);
    make_token(c, a, &raw);
    make_own(c, a, &raw);
    raw_key_clear(&raw);
}

void token_case_clear(struct token_case *c)
{
    jwk_set_free(c->set);
    access_key_clear(&c->ring.access[0]);
}

void token_case_verify(struct token_case *c, struct token_space *space)
{
    struct verified_token out;

    bench_must(token_verify(c->set, &c->rules, c->token, c->now_s * 1000, space, &out));
}

void token_case_verify_own(struct token_case *c)
{
    struct access_expectation want = {case_issuer, &case_audience, 1};
    struct access_token out;

    bench_must(access_token_verify(&c->ring, c->own, &want, c->now_s * 1000, &out));
}

void token_case_sign_own(struct token_case *c)
{
    char text[ACCESS_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    bench_must(access_token_sign(&c->ring, c->ring.access[0].format, entropy_system(), case_issuer, &c->claims, &b));
}

/* --- the floor --- */

static void set_padding(EVP_PKEY_CTX *context, int padding)
{
    must(EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1 &&
         EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1);
    if (padding == RSA_PKCS1_PSS_PADDING)
        must(EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

/* r | s as the DER that OpenSSL wants. */
static void signature_to_der(struct token_floor *f)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    uint8_t *to = f->signature;

    must(sig != NULL && f->signature_len == 64 &&
         ECDSA_SIG_set0(sig, BN_bin2bn(f->signature, 32, NULL), BN_bin2bn(f->signature + 32, 32, NULL)) == 1);
    f->signature_len = (size_t)i2d_ECDSA_SIG(sig, &to);
    ECDSA_SIG_free(sig);
}

static void make_pkey(struct token_floor *f, enum signature_algorithm a, const struct raw_key *raw)
{
    f->kind = FLOOR_PKEY;
    f->pkey = pkey_from_raw(raw, false);
    f->verify = EVP_PKEY_CTX_new(f->pkey, NULL);
    must(f->verify != NULL && EVP_PKEY_verify_init(f->verify) == 1);
    if (a == SIGNATURE_RS256)
        set_padding(f->verify, RSA_PKCS1_PADDING);
    else if (a == SIGNATURE_PS256)
        set_padding(f->verify, RSA_PKCS1_PSS_PADDING);
    else
        signature_to_der(f);
    if (a != SIGNATURE_ES256)
        return;
    EVP_PKEY *own = EVP_EC_gen("P-256"); /* any key signs in the same time */
    f->sign = EVP_PKEY_CTX_new(own, NULL);
    must(f->sign != NULL && EVP_PKEY_sign_init(f->sign) == 1);
    EVP_PKEY_free(own);
}

void token_floor_init(struct token_floor *f, const struct token_case *c, struct view token)
{
    struct jwk jwk;
    const char *dot = memrchr(token.ptr, '.', token.len);

    memset(f, 0, sizeof *f);
    f->signed_part = view_of(token.ptr, (size_t)(dot - token.ptr));
    bench_must(base64url_decode(view_skip(token, f->signed_part.len + 1), f->signature, sizeof f->signature,
                                &f->signature_len));
    bench_must(jwk_read(view_text(c->jwk), &jwk));
    if (c->algorithm == SIGNATURE_HS256) {
        f->kind = FLOOR_HMAC;
        f->hmac = hmac_key_new(32, raw_key_part(&jwk.raw, RAW_KEY_K));
    } else if (c->algorithm == SIGNATURE_ED25519) {
        f->kind = FLOOR_ED25519;
        memcpy(f->ed25519, raw_key_part(&jwk.raw, RAW_KEY_X).ptr, sizeof f->ed25519);
        f->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, f->ed25519, sizeof f->ed25519);
        f->digest_verify = EVP_MD_CTX_new();
        must(f->pkey != NULL && f->digest_verify != NULL);
    } else {
        make_pkey(f, c->algorithm, &jwk.raw);
    }
    jwk_clear(&jwk);
    token_floor_verify(f);
}

void token_floor_clear(struct token_floor *f)
{
    hmac_key_free(f->hmac);
    EVP_PKEY_CTX_free(f->verify);
    EVP_PKEY_CTX_free(f->sign);
    EVP_MD_CTX_free(f->digest_verify);
    EVP_PKEY_free(f->pkey);
}

void token_floor_verify(struct token_floor *f)
{
    uint8_t digest[64];

    if (f->kind == FLOOR_HMAC) {
        hmac_compute(f->hmac, f->signed_part, digest);
        __asm__ volatile("" : : "r"(digest) : "memory"); /* computed, though nobody reads it */
        return;
    }
    if (f->kind == FLOOR_ED25519) {
        must(crypto_sign_verify_detached(f->signature, (const uint8_t *)f->signed_part.ptr, f->signed_part.len,
                                         f->ed25519) == 0);
        return;
    }
    digest_sha256(f->signed_part.ptr, f->signed_part.len, digest);
    must(EVP_PKEY_verify(f->verify, f->signature, f->signature_len, digest, 32) == 1);
}

void token_floor_sign(struct token_floor *f)
{
    uint8_t digest[32], out[SIGNATURE_MAX];
    size_t len = sizeof out;

    digest_sha256(f->signed_part.ptr, f->signed_part.len, digest);
    must(EVP_PKEY_sign(f->sign, out, &len, digest, sizeof digest) == 1);
}

void token_floor_verify_openssl_ed25519(struct token_floor *f)
{
    must(EVP_DigestVerifyInit(f->digest_verify, NULL, NULL, NULL, f->pkey) == 1 &&
         EVP_DigestVerify(f->digest_verify, f->signature, f->signature_len, (const uint8_t *)f->signed_part.ptr,
                          f->signed_part.len) == 1);
    EVP_MD_CTX_reset(f->digest_verify);
}
