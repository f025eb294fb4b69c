#include "check.h"

#include "cardea/jwe.h"
#include "core/authjs.h"
#include "crypto/random.h"

static const struct view secret = {"0123456789abcdef0123456789abcdef", 32};
static const struct view cookie = {"__Secure-authjs.session-token", 29};

/* Made by encode of @auth/core 0.41.3 from {"sub":"1","name":"Ann"}. */
static const char made_by_authjs[] =
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoibzMwQTV2cGliajNlbGRaRm56UHBEbkY5dnlCdFFv"
    "R0hlTEZmSC1ybnpTY2J5MjJFS000OHZxaFYxVUQzSENLRXpDVkxEUVZIZUVNM2VkVWJrcnVQcVEifQ..pBk4WGzXmxqf5UEg"
    "0Y3vDA.v6vKYmw126BjAErCbSQw4XRpiaNtFVIAL90S1cEBODl15JiMV3p_fmgqdnWO1UxKkT9jBH-pGimoyvdXdg0EZR1ZJ"
    "C0gAPv7nqiZpnhlTmIxkuqJqH68mgVW3CM6N0CuPGoMN8_SQMQxUBHuQGTH5g.lHCaW0gj0hKt4LFcmBxf5BRzGOCTTg4RDm"
    "ZslEx6Jww";

static struct jwe_key *key_of(struct view name, enum aead enc)
{
    struct jwe_key *k = NULL;

    assert_ok(authjs_key(secret, name, enc, &k));
    return k;
}

static void opens_what_authjs_made(void **state)
{
    uint8_t room[1024];
    struct jwe_opened opened;
    struct jwe_key *k = key_of(cookie, AEAD_A256CBC_HS512),
                   *other = key_of(VIEW("authjs.session-token"), AEAD_A256CBC_HS512);

    (void)state;
    assert_ok(jwe_open(view_text(made_by_authjs), k, entropy_system(), room, sizeof room, &opened));
    assert_true(view_starts(opened.plain, VIEW("{\"sub\":\"1\",\"name\":\"Ann\",\"iat\":")));
    /* The cookie's name is in the key. */
    assert_code(jwe_open(view_text(made_by_authjs), other, entropy_system(), room, sizeof room, &opened),
                E_INVALID_TOKEN);
    jwe_key_free(other);
    jwe_key_free(k);
}

static void round_trip(void **state)
{
    static const enum aead encs[] = {AEAD_A256CBC_HS512, AEAD_A256GCM};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char text[1024];
        uint8_t room[1024];
        struct buf b = buf_fixed(text, sizeof text);
        struct jwe_opened opened;
        struct jwe_key *k = key_of(cookie, encs[i]);
        assert_ok(jwe_seal(k, &(struct jwe_header){.enc = encs[i]}, VIEW("{}"), entropy_system(), &b));
        assert_ok(jwe_open(buf_view(&b), k, entropy_system(), room, sizeof room, &opened));
        assert_view(opened.plain, VIEW("{}"));
        /* The thumbprint's hash is as long as the key. */
        assert_int_equal(jwe_key_kid(k).len, i == 0 ? 86 : 43);
        jwe_key_free(k);
    }
}

static void refuses_what_is_no_key(void **state)
{
    static char long_text[AUTHJS_SECRET_MAX + 1];
    struct jwe_key *k = NULL;

    (void)state;
    memset(long_text, 'x', sizeof long_text);
    assert_code(authjs_key(VIEW_EMPTY, cookie, AEAD_A256CBC_HS512, &k), E_USAGE);
    assert_code(authjs_key(secret, VIEW_EMPTY, AEAD_A256CBC_HS512, &k), E_USAGE);
    assert_code(authjs_key(secret, cookie, AEAD_A128GCM, &k), E_USAGE);
    assert_code(authjs_key(secret, cookie, AEAD_UNSET, &k), E_USAGE);
    assert_code(authjs_key(view_of(long_text, AUTHJS_SECRET_MAX + 1), cookie, AEAD_A256GCM, &k), E_USAGE);
    assert_code(authjs_key(secret, view_of(long_text, AUTHJS_NAME_MAX + 1), AEAD_A256GCM, &k), E_USAGE);
    assert_null(k);
    assert_ok(authjs_key(view_of(long_text, AUTHJS_SECRET_MAX), view_of(long_text, AUTHJS_NAME_MAX), AEAD_A256GCM, &k));
    jwe_key_free(k);
}

static void the_library_opens_it_too(void **state)
{
    const char *name = "__Secure-authjs.session-token";
    struct cardea_bytes key = cardea_text("0123456789abcdef0123456789abcdef");
    struct cardea_jwe_key *k = NULL;
    char plain[1024], again[2048], type[CARDEA_JWE_NAME_SIZE];
    size_t len;

    (void)state;
    assert_code(cardea_jwe_key_authjs(key, "", NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_authjs(key, NULL, NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_authjs(key, name, "A128GCM", &k), E_USAGE);
    assert_code(cardea_jwe_key_authjs(key, name, "none", &k), E_USAGE);
    assert_code(cardea_jwe_key_authjs(cardea_bytes(NULL, 5), name, NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_authjs(key, name, NULL, NULL), E_USAGE);
    assert_ok(cardea_jwe_key_authjs(key, name, NULL, &k));
    assert_ok(cardea_jwe_decrypt(k, cardea_text(made_by_authjs), plain, sizeof plain, &len, type));
    assert_true(view_starts(view_of(plain, len), VIEW("{\"sub\":\"1\",\"name\":\"Ann\",")));
    assert_ok(cardea_jwe_encrypt(k, cardea_text("{}"), NULL, NULL, again, sizeof again, &len));
    assert_ok(cardea_jwe_decrypt(k, cardea_bytes(again, len), plain, sizeof plain, &len, NULL));
    assert_string_equal(plain, "{}");
    cardea_jwe_key_free(k);
}

static int start(void **state)
{
    (void)state;
    return cardea_ok(crypto_start()) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_authjs_made),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(the_library_opens_it_too),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
