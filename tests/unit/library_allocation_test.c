/* Does a verification allocate? Every malloc, calloc and realloc of the whole process is counted, OpenSSL's own too:
 * this program's functions stand before libc's. Under HMAC, Ed25519 and PASETO there are none. Under RSA and ECDSA
 * OpenSSL makes some within its primitive; a verification makes exactly as many as the bare EVP_PKEY_verify with a
 * context kept ready, so none is ours. */
#include "library_help.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

static size_t allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    allocations++;
    return __libc_realloc(p, size);
}

/* Of the second and the third of three verifications: the first may fill OpenSSL's caches. */
static size_t of_a_verification(const struct cardea_key *k, struct cardea_bytes token)
{
    struct cardea_verifier *v = new_verifier();
    struct cardea_claims *claims = NULL;

    assert_ok(cardea_verifier_add_key(v, k));
    assert_ok(cardea_claims_new(&claims));
    assert_ok(cardea_verify(v, token, now_s, claims));
    size_t before = allocations;
    struct cardea_status s = cardea_verify(v, token, now_s, claims), again = cardea_verify(v, token, now_s, claims);
    size_t made = allocations - before;
    assert_ok(s);
    assert_ok(again);
    cardea_claims_free(claims);
    cardea_verifier_free(v);
    return made;
}

static void none_of_ours(void **state)
{
    static const char *const kinds[] = {"HS256", "HS384", "HS512", "EdDSA"};

    (void)state;
    void *volatile proof = malloc(1); /* what counts, counts */
    assert_int_not_equal(allocations, 0);
    free(proof);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct cardea_key *k = new_key(kinds[i], NULL);
        assert_int_equal(of_a_verification(k, new_token(k)), 0);
        cardea_key_free(k);
    }
}

/* The public key, as OpenSSL reads it. */
static EVP_PKEY *openssl_key(const struct cardea_key *k)
{
    char pem[2048];
    size_t len;

    assert_ok(cardea_key_write_pem(k, pem, sizeof pem, &len));
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(key);
    return key;
}

/* The token's signature, in the form that EVP takes: for ECDSA, DER. */
static size_t openssl_signature(bool ecdsa, struct cardea_bytes token, unsigned char out[600])
{
    const char *text = token.ptr, *dot = text + token.len;
    unsigned char raw[600];

    while (dot[-1] != '.')
        dot--;
    size_t chars = token.len - (size_t)(dot - text), padded = (chars + 3) / 4 * 4;
    char base64[800];
    for (size_t i = 0; i < padded; i++)
        base64[i] = i >= chars ? '=' : dot[i] == '-' ? '+' : dot[i] == '_' ? '/' : dot[i];
    assert_int_equal(EVP_DecodeBlock(raw, (unsigned char *)base64, (int)padded), padded / 4 * 3);
    size_t len = chars * 3 / 4;
    if (!ecdsa) {
        memcpy(out, raw, len);
        return len;
    }
    ECDSA_SIG *parts = ECDSA_SIG_new();
    int half = (int)(len / 2);
    ECDSA_SIG_set0(parts, BN_bin2bn(raw, half, NULL), BN_bin2bn(raw + half, half, NULL));
    unsigned char *at = out;
    int der = i2d_ECDSA_SIG(parts, &at);
    ECDSA_SIG_free(parts);
    assert_true(der > 0);
    return (size_t)der;
}

/* Of two verifications by the bare primitive, after one that fills caches. */
static size_t of_the_primitive(const struct cardea_key *k, const char *algorithm, struct cardea_bytes token)
{
    EVP_PKEY *key = openssl_key(k);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    const EVP_MD *md = strstr(algorithm, "256") != NULL   ? EVP_sha256()
                       : strstr(algorithm, "384") != NULL ? EVP_sha384()
                                                          : EVP_sha512();
    unsigned char digest[EVP_MAX_MD_SIZE], signature[600];
    unsigned digest_len = 0;
    const char *text = token.ptr, *dot = text + token.len;

    while (*--dot != '.')
        continue;
    assert_int_equal(EVP_Digest(text, (size_t)(dot - text), digest, &digest_len, md, NULL), 1);
    size_t len = openssl_signature(algorithm[0] == 'E', token, signature);
    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    if (algorithm[0] != 'E')
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, md), 1);
    if (algorithm[0] == 'P') {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    assert_int_equal(EVP_PKEY_verify(context, signature, len, digest, digest_len), 1);
    size_t before = allocations;
    int verdict = EVP_PKEY_verify(context, signature, len, digest, digest_len),
        again = EVP_PKEY_verify(context, signature, len, digest, digest_len);
    size_t made = allocations - before;
    assert_int_equal(verdict, 1);
    assert_int_equal(again, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return made;
}

static void no_more_than_the_primitive(void **state)
{
    static const char *const kinds[] = {"RS256", "RS512", "PS256", "ES256", "ES384", "ES512"};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct cardea_key *k = new_key(kinds[i], NULL);
        struct cardea_bytes token = new_token(k);
        size_t bare = of_the_primitive(k, kinds[i], token), ours = of_a_verification(k, token);
        print_message("%s: %zu by the primitive, %zu in all\n", kinds[i], bare / 2, ours / 2);
        assert_true(ours <= bare);
        cardea_key_free(k);
    }
}

static void paseto(void **state)
{
    struct cardea_paseto_secret_key *secret = NULL;
    struct cardea_paseto_public_key *public = NULL;
    struct cardea_paseto_local_key *local = NULL;
    struct cardea_paseto_message *m = NULL;
    struct cardea_verifier *v = new_verifier();
    struct cardea_claims *claims = NULL;
    struct cardea_bytes none = cardea_bytes(NULL, 0),
                        message = cardea_text("{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE
                                              "\",\"exp\":\"2027-01-15T08:01:00Z\"}");
    char text[CARDEA_PASERK_SIZE], signed_text[512], sealed_text[512];
    size_t len, signed_len = 0, sealed_len = 0;

    (void)state;
    assert_ok(cardea_paseto_secret_key_generate(text, sizeof text, &len));
    assert_ok(cardea_paseto_secret_key_read(cardea_bytes(text, len), &secret));
    assert_ok(cardea_paseto_secret_key_write_public(secret, text, sizeof text, &len));
    assert_ok(cardea_paseto_public_key_read(cardea_bytes(text, len), &public));
    assert_ok(cardea_paseto_local_key_generate(text, sizeof text, &len));
    assert_ok(cardea_paseto_local_key_read(cardea_bytes(text, len), &local));
    assert_ok(cardea_paseto_message_new(&m));
    assert_ok(cardea_verifier_add_paseto_public_key(v, public));
    assert_ok(cardea_verifier_add_paseto_local_key(v, local));
    assert_ok(cardea_claims_new(&claims));
    size_t before = allocations;
    struct cardea_status s[6];
    s[0] = cardea_paseto_sign(secret, message, none, none, signed_text, sizeof signed_text, &signed_len);
    s[1] = cardea_paseto_verify(public, cardea_bytes(signed_text, signed_len), none, m);
    s[2] = cardea_paseto_encrypt(local, message, none, none, sealed_text, sizeof sealed_text, &sealed_len);
    s[3] = cardea_paseto_decrypt(local, cardea_bytes(sealed_text, sealed_len), none, m);
    s[4] = cardea_verify(v, cardea_bytes(signed_text, signed_len), now_s, claims);
    s[5] = cardea_verify(v, cardea_bytes(sealed_text, sealed_len), now_s, claims);
    size_t made = allocations - before;
    for (size_t i = 0; i < 6; i++)
        assert_ok(s[i]);
    assert_int_equal(made, 0);
    cardea_claims_free(claims);
    cardea_verifier_free(v);
    cardea_paseto_message_free(m);
    cardea_paseto_public_key_free(public);
    cardea_paseto_secret_key_free(secret);
    cardea_paseto_local_key_free(local);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_of_ours),
        cmocka_unit_test(no_more_than_the_primitive),
        cmocka_unit_test(paseto),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
