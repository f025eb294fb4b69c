/* Does the verification of an access token allocate? Every malloc, calloc and realloc of our own code is counted (the
 * linker wraps them); what OpenSSL's shared library does within a primitive is its own. */
#include "check.h"

#include "core/access_token.h"
#include "core/jwk.h"
#include "crypto/random.h"

#include <stdlib.h>

static size_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    allocations++;
    return __real_realloc(p, size);
}

static void verification_allocates_nothing(void **state)
{
    static const struct {
        enum signature_algorithm algorithm;
        enum raw_key_type type;
        enum raw_key_curve curve;
        uint32_t bits;
    } kinds[] = {
        {SIGNATURE_HS256, RAW_KEY_OCT, RAW_CURVE_UNSET, 256},   {SIGNATURE_HS512, RAW_KEY_OCT, RAW_CURVE_UNSET, 512},
        {SIGNATURE_RS256, RAW_KEY_RSA, RAW_CURVE_UNSET, 2048},  {SIGNATURE_PS256, RAW_KEY_RSA, RAW_CURVE_UNSET, 2048},
        {SIGNATURE_ES256, RAW_KEY_EC, RAW_CURVE_P256, 0},       {SIGNATURE_ES512, RAW_KEY_EC, RAW_CURVE_P521, 0},
        {SIGNATURE_ED25519, RAW_KEY_OKP, RAW_CURVE_ED25519, 0}, {SIGNATURE_ED448, RAW_KEY_OKP, RAW_CURVE_ED448, 0},
    };
    static const int64_t now_s = 1800000000;
    static struct keyring ring;
    struct view audience = VIEW("api");
    struct access_expectation want = {VIEW("https://id.example.com"), &audience, 1};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct access_claims claims = {
            .epoch = 1, .iat_s = now_s, .exp_s = now_s + 60, .client_id = "app", .audience = "api", .roles = "a,b"};
        struct raw_key raw;
        char text[ACCESS_TOKEN_TEXT_MAX];
        struct buf b = buf_fixed(text, sizeof text);
        struct access_token out;
        assert_ok(raw_key_generate(kinds[i].type, kinds[i].curve, kinds[i].bits, &raw));
        struct key_id id = jwk_thumbprint(&raw);
        allocations = 0;
        assert_ok(access_key_init(&ring.access[0], (enum token_format)kinds[i].algorithm, &raw, &id, true));
        assert_true(allocations > 0); /* they are counted */
        ring.access_count = 1;
        ring.access[0].state = KEY_ACTIVE;
        memset(ring.active, 0, sizeof ring.active);
        ring.active[ring.access[0].format] = &ring.access[0];
        allocations = 0;
        assert_ok(access_token_sign(&ring, ring.access[0].format, entropy_system(), want.issuer, &claims, &b));
        for (int n = 0; n < 3; n++)
            assert_ok(access_token_verify(&ring, buf_view(&b), &want, now_s * 1000, &out));
        assert_code(access_token_verify(&ring, buf_view(&b), &want, (now_s + 60) * 1000, &out), E_EXPIRED);
        text[b.len - 9] = text[b.len - 9] == 'A' ? 'B' : 'A';
        assert_code(access_token_verify(&ring, buf_view(&b), &want, now_s * 1000, &out), E_INVALID_TOKEN);
        assert_int_equal(allocations, 0);
        access_key_clear(&ring.access[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(verification_allocates_nothing)};

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
