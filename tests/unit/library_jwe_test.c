/* Encrypted tokens of libcardea. */
#include "library_help.h"

/* RFC 7518 appendix C's recipient, which decrypts, and its public half. */
#define BOB                                                                                                            \
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\","                          \
    "\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\""
static const char bob[] = "{" BOB ",\"d\":\"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw\"}", bob_public[] = "{" BOB "}";

static const uint8_t secret[64] = {1, 2, 3};
static char text[CARDEA_JWE_TEXT_MAX], plain[CARDEA_JWE_ROOM(CARDEA_JWE_TEXT_MAX)];

static void shared_secrets(void **state)
{
    static const struct {
        const char *algorithm, *encryption;
        size_t len;
    } kinds[] = {
        {"dir", "A128GCM", 16},       {"dir", "A192GCM", 24},       {"dir", "A256GCM", 32},
        {"dir", "A128CBC-HS256", 32}, {"dir", "A192CBC-HS384", 48}, {"dir", "A256CBC-HS512", 64},
        {"A128KW", "A128GCM", 16},    {"A192KW", "A256GCM", 24},    {"A256KW", "A256CBC-HS512", 32},
        {"A128GCMKW", "A128GCM", 16}, {"A192GCMKW", "A256GCM", 24}, {"A256GCMKW", "A256GCM", 32},
    };
    size_t len, plain_len;

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct cardea_jwe_key *k = NULL;
        char type[CARDEA_JWE_NAME_SIZE], id[16];
        struct cardea_bytes bytes = cardea_bytes(secret, kinds[i].len);

        assert_code(cardea_jwe_key_from_secret(cardea_bytes(secret, kinds[i].len - 1), kinds[i].algorithm,
                                               kinds[i].encryption, NULL, &k),
                    E_INVALID_FIELD);
        assert_ok(cardea_jwe_key_from_secret(bytes, kinds[i].algorithm, kinds[i].encryption, "id", &k));
        assert_string_equal(cardea_jwe_key_algorithm(k), kinds[i].algorithm);
        assert_true(cardea_jwe_key_decrypts(k));
        assert_ok(cardea_jwe_encrypt(k, cardea_text("hello"), NULL, i == 0 ? "JWT" : NULL, text, sizeof text, &len));
        assert_int_equal(strlen(text), len);
        assert_ok(cardea_jwe_peek_key_id(cardea_bytes(text, len), id, sizeof id, &plain_len));
        assert_string_equal(id, "id");
        assert_ok(cardea_jwe_decrypt(k, cardea_bytes(text, len), plain, CARDEA_JWE_ROOM(len), &plain_len, type));
        assert_string_equal(plain, "hello");
        assert_int_equal(plain_len, 5);
        assert_string_equal(type, i == 0 ? "JWT" : "");
        for (size_t at = 0; at < len; at += 5) {
            char kept = text[at];
            text[at] = kept == 'A' ? 'B' : 'A';
            memset(plain, 0, 16);
            assert_code(cardea_jwe_decrypt(k, cardea_bytes(text, len), plain, sizeof plain, &plain_len, NULL),
                        E_INVALID_TOKEN);
            assert_null(strstr(plain, "ello"));
            text[at] = kept;
        }
        cardea_jwe_key_free(k);
    }
}

static void agreement(void **state)
{
    struct cardea_jwe_key *mine = NULL, *theirs = NULL;
    size_t len, plain_len;

    (void)state;
    assert_ok(cardea_jwe_key_read_jwk(cardea_text(bob), "ECDH-ES+A256KW", NULL, &mine));
    assert_ok(cardea_jwe_key_read_jwk(cardea_text(bob_public), "ECDH-ES+A256KW", "A256GCM", &theirs));
    assert_true(cardea_jwe_key_decrypts(mine));
    assert_false(cardea_jwe_key_decrypts(theirs));
    assert_ok(cardea_jwe_encrypt(theirs, cardea_text("hello"), NULL, NULL, text, sizeof text, &len));
    assert_ok(cardea_jwe_decrypt(mine, cardea_bytes(text, len), plain, sizeof plain, &plain_len, NULL));
    assert_string_equal(plain, "hello");
    assert_code(cardea_jwe_decrypt(theirs, cardea_bytes(text, len), plain, sizeof plain, &plain_len, NULL), E_USAGE);
    /* Several encryptions to choose from: one must be chosen, and one of them. */
    assert_code(cardea_jwe_encrypt(mine, cardea_text("x"), NULL, NULL, text, sizeof text, &len), E_USAGE);
    assert_ok(cardea_jwe_encrypt(mine, cardea_text("x"), "A128GCM", NULL, text, sizeof text, &len));
    assert_code(cardea_jwe_encrypt(theirs, cardea_text("x"), "A128GCM", NULL, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_jwe_encrypt(mine, cardea_text("x"), "A1GCM", NULL, text, sizeof text, &len), E_USAGE);
    cardea_jwe_key_free(mine);
    cardea_jwe_key_free(theirs);
}

static void pem(void **state)
{
    struct cardea_key *signing = new_key("RS256", NULL);
    struct cardea_jwe_key *k = NULL;
    size_t len;

    (void)state;
    assert_ok(cardea_key_write_pem(signing, text, sizeof text, &len));
    struct cardea_bytes key = cardea_bytes(text, len);
    assert_code(cardea_jwe_key_read_pem(key, "RSA1_5", NULL, NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_read_pem(key, "RSA-OAEP", NULL, NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_read_pem(key, "PBES2-HS256+A128KW", NULL, NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_read_pem(key, NULL, NULL, NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_read_pem(key, "A128KW", NULL, NULL, &k), E_USAGE);
    assert_ok(cardea_jwe_key_read_pem(key, "RSA-OAEP-256", "A256GCM", "id", &k));
    assert_false(cardea_jwe_key_decrypts(k));
    assert_ok(cardea_jwe_encrypt(k, cardea_text("hello"), NULL, NULL, text, sizeof text, &len));
    cardea_jwe_key_free(k);
    k = NULL;
    /* A JWK for signatures does not encrypt. */
    assert_ok(cardea_key_write_jwk(signing, text, sizeof text, &len));
    assert_code(cardea_jwe_key_read_jwk(cardea_bytes(text, len), "RSA-OAEP-256", NULL, &k), E_INVALID_FIELD);
    assert_null(k);
    cardea_key_free(signing);
}

static void sizes_and_misuse(void **state)
{
    static char large[CARDEA_JWE_PLAIN_MAX + 1];
    struct cardea_jwe_key *k = NULL;
    struct cardea_bytes bytes = cardea_bytes(secret, 32);
    size_t len = 7, plain_len = 7;

    (void)state;
    assert_code(cardea_jwe_key_from_secret(bytes, "dir", NULL, NULL, &k), E_USAGE); /* dir has exactly one */
    assert_code(cardea_jwe_key_from_secret(bytes, NULL, "A256GCM", NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_from_secret(bytes, "dir", "x", NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_from_secret(bytes, "x", "A256GCM", NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_from_secret(bytes, "dir", "A256GCM", "", &k), E_USAGE);
    assert_code(cardea_jwe_key_from_secret(bytes, "dir", "A256GCM", NULL, NULL), E_USAGE);
    assert_code(cardea_jwe_key_from_secret(cardea_bytes(NULL, 32), "dir", "A256GCM", NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_from_secret(cardea_bytes(NULL, 0), "dir", "A256GCM", NULL, &k), E_INVALID_FIELD);
    assert_code(cardea_jwe_key_read_jwk(cardea_text("{}"), "dir", "A256GCM", &k), E_INVALID_FIELD);
    assert_code(cardea_jwe_key_read_jwk(cardea_text(bob), NULL, NULL, &k), E_USAGE); /* names none itself */
    assert_code(cardea_jwe_key_read_jwk(cardea_text(bob), "ECDH-ES", NULL, NULL), E_USAGE);
    assert_code(cardea_jwe_key_read_jwk(cardea_bytes(NULL, 1), "ECDH-ES", NULL, &k), E_USAGE);
    assert_code(cardea_jwe_key_read_pem(cardea_text("x"), "ECDH-ES", NULL, NULL, &k), E_INVALID_FIELD);
    assert_code(cardea_jwe_key_read_pem(cardea_text("x"), "ECDH-ES", NULL, NULL, NULL), E_USAGE);
    assert_null(k);
    assert_ok(cardea_jwe_key_from_secret(bytes, "dir", "A256GCM", NULL, &k));
    assert_ok(cardea_jwe_encrypt(k, cardea_bytes(large, sizeof large - 1), NULL, NULL, text, sizeof text, &len));
    assert_code(cardea_jwe_decrypt(k, cardea_bytes(text, len), plain, 100, &plain_len, NULL), E_TOO_LARGE);
    assert_ok(cardea_jwe_decrypt(k, cardea_bytes(text, len), plain, CARDEA_JWE_ROOM(len), &plain_len, NULL));
    assert_int_equal(plain_len, CARDEA_JWE_PLAIN_MAX);
    assert_code(cardea_jwe_encrypt(k, cardea_bytes(large, sizeof large), NULL, NULL, text, sizeof text, &len),
                E_TOO_LARGE);
    assert_ok(cardea_jwe_encrypt(k, cardea_text(NULL), NULL, NULL, text, sizeof text, &len)); /* nothing, encrypted */
    assert_ok(cardea_jwe_decrypt(k, cardea_bytes(text, len), plain, 1, &plain_len, NULL));
    assert_int_equal(plain_len, 0);
    assert_code(cardea_jwe_decrypt(k, cardea_bytes(text, len), plain, 0, &plain_len, NULL), E_TOO_LARGE);
    assert_code(cardea_jwe_encrypt(k, cardea_text("x"), NULL, NULL, text, 10, &len), E_TOO_LARGE);
    assert_code(cardea_jwe_encrypt(NULL, cardea_text("x"), NULL, NULL, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_jwe_encrypt(k, cardea_bytes(NULL, 1), NULL, NULL, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_jwe_encrypt(k, cardea_text("x"), NULL, NULL, NULL, sizeof text, &len), E_USAGE);
    assert_code(cardea_jwe_encrypt(k, cardea_text("x"), NULL, NULL, text, sizeof text, NULL), E_USAGE);
    assert_code(cardea_jwe_decrypt(NULL, cardea_text("x"), plain, 9, &plain_len, NULL), E_USAGE);
    assert_code(cardea_jwe_decrypt(k, cardea_bytes(NULL, 1), plain, 9, &plain_len, NULL), E_USAGE);
    assert_code(cardea_jwe_decrypt(k, cardea_text("x"), NULL, 9, &plain_len, NULL), E_USAGE);
    assert_code(cardea_jwe_decrypt(k, cardea_text("x"), plain, 9, NULL, NULL), E_USAGE);
    assert_code(cardea_jwe_decrypt(k, cardea_text(""), plain, 9, &plain_len, NULL), E_INVALID_TOKEN);
    assert_code(cardea_jwe_peek_key_id(cardea_text("x"), plain, 9, &plain_len), E_INVALID_TOKEN);
    assert_code(cardea_jwe_peek_key_id(cardea_bytes(NULL, 1), plain, 9, &plain_len), E_USAGE);
    assert_null(cardea_jwe_key_algorithm(NULL));
    assert_false(cardea_jwe_key_decrypts(NULL));
    cardea_jwe_key_free(k);
    cardea_jwe_key_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_secrets),
        cmocka_unit_test(agreement),
        cmocka_unit_test(pem),
        cmocka_unit_test(sizes_and_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
