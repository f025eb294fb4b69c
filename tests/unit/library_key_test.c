/* Keys of libcardea: made, read, written, refused. */
#include "library_help.h"

/* RFC 7638 §3.1's example. */
static const char rfc7638[] =
    "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8K"
    "JZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
    "xBniIqbw0Ls1jF44"
    "-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}";

static void every_algorithm(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGORITHMS; i++) {
        struct cardea_key *k = new_key(algorithms[i], NULL);
        bool edwards = algorithms[i][0] == 'E' && algorithms[i][1] == 'd', shared = algorithms[i][0] == 'H';
        char thumbprint[CARDEA_THUMBPRINT_SIZE];

        assert_string_equal(cardea_key_algorithm(k), edwards ? "EdDSA" : algorithms[i]);
        assert_true(cardea_key_signs(k));
        assert_true(cardea_key_verifies(k));
        if (shared) {
            assert_string_equal(cardea_key_id(k), "");
            assert_code(cardea_key_thumbprint(k, thumbprint), E_USAGE);
        } else {
            assert_ok(cardea_key_thumbprint(k, thumbprint));
            assert_string_equal(cardea_key_id(k), thumbprint);
        }
        cardea_key_free(k);
        k = new_key(algorithms[i], "my key");
        assert_string_equal(cardea_key_id(k), "my key");
        cardea_key_free(k);
    }
}

/* An id that the writer of a header would have to change or escape names another key, or none, to who reads it. */
static void ids_that_no_token_can_carry(void **state)
{
    static const char *const ids[] = {"a\xff", "\xc0\x80", "a\"b", "a\\b", "a\nb", "\x7f", ""};
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    struct cardea_key *k = NULL;
    struct cardea_jwe_key *j = NULL;
    char text[4096];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_code(cardea_key_from_secret(cardea_bytes(secret, 32), "HS256", ids[i], &k), E_USAGE);
        assert_code(cardea_key_generate("ES256", ids[i], text, sizeof text, &len), E_USAGE);
        assert_code(cardea_key_read_pem(cardea_text("-"), NULL, ids[i], &k), E_USAGE);
        assert_code(cardea_jwe_key_from_secret(cardea_bytes(secret, 32), "dir", "A256GCM", ids[i], &j), E_USAGE);
        assert_code(cardea_jwe_key_read_pem(cardea_text("-"), "ECDH-ES", NULL, ids[i], &j), E_USAGE);
    }
    assert_ok(cardea_key_from_secret(cardea_bytes(secret, 32), "HS256", "Schl\xc3\xbcssel 1", &k));
    cardea_key_free(k);
    assert_ok(cardea_jwe_key_from_secret(cardea_bytes(secret, 32), "dir", "A256GCM", NULL, &j));
    assert_code(cardea_jwe_encrypt(j, cardea_text("x"), NULL, "a\xff", text, sizeof text, &len), E_USAGE);
    cardea_jwe_key_free(j);
}

/* The thumbprint of a secret is a digest of it (RFC 7638 §7): nobody is told, whichever way the key came. */
static void a_secret_has_no_thumbprint(void **state)
{
    static const char set[] =
        "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}]}";
    struct cardea_keys *keys = NULL;
    struct cardea_key *one = NULL;
    struct cardea_verifier *v = new_verifier();
    struct cardea_claims *claims = NULL;
    uint8_t secret[32];

    (void)state;
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (uint8_t)i;
    assert_ok(cardea_keys_read(cardea_text(set), NULL, &keys));
    assert_ok(cardea_key_from_secret(cardea_bytes(secret, sizeof secret), "HS256", NULL, &one));
    assert_ok(cardea_verifier_add_keys(v, keys));
    assert_ok(cardea_claims_new(&claims));
    assert_ok(cardea_verify(v, new_token(one), now_s, claims));
    assert_string_equal(cardea_claims_key_id(claims), "");
    cardea_claims_free(claims);
    cardea_verifier_free(v);
    cardea_key_free(one);
    cardea_keys_free(keys);
}

static void public_halves(void **state)
{
    char text[4096];
    size_t len;

    (void)state;
    for (size_t i = 0; i < ALGORITHMS; i++) {
        struct cardea_key *k = new_key(algorithms[i], NULL), *again = NULL;

        if (algorithms[i][0] == 'H') {
            assert_code(cardea_key_write_jwk(k, text, sizeof text, &len), E_USAGE);
            assert_code(cardea_key_write_pem(k, text, sizeof text, &len), E_USAGE);
            assert_code(cardea_keys_write((const struct cardea_key *const *)&k, 1, text, sizeof text, &len), E_USAGE);
            cardea_key_free(k);
            continue;
        }
        assert_ok(cardea_key_write_jwk(k, text, sizeof text, &len));
        assert_int_equal(len, strlen(text));
        assert_null(strstr(text, "\"d\""));
        assert_ok(cardea_key_read_jwk(cardea_bytes(text, len), NULL, &again));
        assert_string_equal(cardea_key_id(again), cardea_key_id(k));
        assert_string_equal(cardea_key_algorithm(again), cardea_key_algorithm(k));
        assert_false(cardea_key_signs(again));
        assert_true(cardea_key_verifies(again));
        cardea_key_free(again);
        assert_ok(cardea_key_write_pem(k, text, sizeof text, &len));
        assert_non_null(strstr(text, "-----BEGIN PUBLIC KEY-----"));
        assert_ok(cardea_key_read_pem(cardea_bytes(text, len), cardea_key_algorithm(k), NULL, &again));
        assert_string_equal(cardea_key_id(again), cardea_key_id(k)); /* the thumbprint, again */
        cardea_key_free(again);
        assert_ok(cardea_key_read_pem(cardea_bytes(text, len), cardea_key_algorithm(k), "n", &again));
        assert_string_equal(cardea_key_id(again), "n");
        cardea_key_free(again);
        cardea_key_free(k);
    }
}

static void thumbprint(void **state)
{
    char text[CARDEA_THUMBPRINT_SIZE];
    struct cardea_key *k = NULL;

    (void)state;
    assert_ok(cardea_key_read_jwk(cardea_text(rfc7638), NULL, &k));
    assert_ok(cardea_key_thumbprint(k, text));
    assert_string_equal(text, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_string_equal(cardea_key_id(k), "2011-04-29");
    cardea_key_free(k);
}

static void refused_keys(void **state)
{
    static const uint8_t secret[600];
    static const char *const weak[] = {"HS256", "HS384", "HS512"};
    static const size_t least[] = {32, 48, 64};
    struct cardea_key *k = NULL;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_code(cardea_key_from_secret(cardea_bytes(secret, least[i] - 1), weak[i], NULL, &k), E_INVALID_FIELD);
        assert_ok(cardea_key_from_secret(cardea_bytes(secret, least[i]), weak[i], NULL, &k));
        cardea_key_free(k);
        k = NULL;
    }
    assert_code(cardea_key_from_secret(cardea_bytes(secret, sizeof secret), "HS256", NULL, &k), E_INVALID_FIELD);
    assert_code(cardea_key_from_secret(cardea_bytes(secret, 0), "HS256", NULL, &k), E_INVALID_FIELD);
    assert_code(cardea_key_from_secret(cardea_bytes(secret, 32), "ES256", NULL, &k), E_INVALID_FIELD);
    assert_code(cardea_key_from_secret(cardea_bytes(secret, 32), "none", NULL, &k), E_USAGE);
    assert_code(cardea_key_from_secret(cardea_bytes(secret, 32), NULL, NULL, &k), E_USAGE);
    /* An algorithm that is not the key's. */
    assert_code(cardea_key_read_jwk(cardea_text(rfc7638), "PS256", &k), E_INVALID_FIELD);
    assert_code(cardea_key_read_jwk(cardea_text(rfc7638), "ES256", &k), E_INVALID_FIELD);
    assert_code(cardea_key_read_jwk(cardea_text(rfc7638), "RS1", &k), E_USAGE);
    /* Texts that are none. */
    static const char *const texts[] = {"",
                                        "{}",
                                        "[]",
                                        "x",
                                        "{\"kty\":\"none\"}",
                                        "{\"kty\":\"oct\",\"k\":\"AA\"}",
                                        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_code(cardea_key_read_jwk(cardea_text(texts[i]), NULL, &k), E_INVALID_FIELD);
        assert_code(cardea_key_read_pem(cardea_text(texts[i]), NULL, NULL, &k), E_INVALID_FIELD);
    }
    static char large[CARDEA_PEM_TEXT_MAX + 1];
    memset(large, ' ', sizeof large);
    assert_code(cardea_key_read_jwk(cardea_bytes(large, CARDEA_KEY_TEXT_MAX + 1), NULL, &k), E_TOO_LARGE);
    assert_code(cardea_key_read_pem(cardea_bytes(large, sizeof large), NULL, NULL, &k), E_TOO_LARGE);
    assert_null(k);
}

static void sets(void **state)
{
    static char text[CARDEA_KEY_SET_TEXT_MAX + 2];
    struct cardea_key *keys[3] = {new_key("ES256", "a"), new_key("EdDSA", "b"), new_key("RS256", NULL)};
    struct cardea_keys *set = NULL;
    size_t len;

    (void)state;
    assert_ok(cardea_keys_write((const struct cardea_key *const *)keys, 3, text, sizeof text, &len));
    assert_null(strstr(text, "\"d\""));
    assert_ok(cardea_keys_read(cardea_bytes(text, len), NULL, &set));
    assert_int_equal(cardea_keys_count(set), 3);
    assert_int_equal(cardea_keys_skipped(set), 0);
    assert_true(cardea_keys_has(set, "a"));
    assert_true(cardea_keys_has(set, cardea_key_id(keys[2])));
    assert_false(cardea_keys_has(set, "c"));
    assert_false(cardea_keys_has(set, ""));
    assert_false(cardea_keys_has(set, NULL));
    assert_false(cardea_keys_has(NULL, "a"));
    cardea_keys_free(set);
    assert_ok(cardea_keys_write(NULL, 0, text, sizeof text, &len));
    assert_string_equal(text, "{\"keys\":[]}");
    assert_ok(cardea_keys_read(cardea_bytes(text, len), NULL, &set));
    assert_int_equal(cardea_keys_count(set), 0);
    cardea_keys_free(set);
    set = NULL;
    assert_ok(cardea_keys_read(cardea_text("{\"keys\":[{\"kty\":\"x\"}]}"), NULL, &set));
    assert_int_equal(cardea_keys_skipped(set), 1);
    cardea_keys_free(set);
    set = NULL;
    assert_code(cardea_keys_read(cardea_text("{}"), NULL, &set), E_INVALID_FIELD);
    assert_code(cardea_keys_read(cardea_text("{}"), "x", &set), E_USAGE);
    assert_code(cardea_keys_read(cardea_text("{}"), NULL, NULL), E_USAGE);
    assert_code(cardea_keys_read(cardea_bytes(NULL, 1), NULL, &set), E_USAGE);
    memset(text, ' ', sizeof text);
    assert_code(cardea_keys_read(cardea_bytes(text, sizeof text), NULL, &set), E_TOO_LARGE);
    assert_null(set);
    struct cardea_key *hole[2] = {keys[0], NULL};
    assert_code(cardea_keys_write((const struct cardea_key *const *)hole, 2, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_keys_write(NULL, 1, text, sizeof text, &len), E_USAGE);
    for (size_t i = 0; i < 3; i++)
        cardea_key_free(keys[i]);
}

static void misuse(void **state)
{
    struct cardea_key *k = NULL;
    char text[4096], before[4096];
    size_t len = 7;
    static char long_id[CARDEA_KEY_ID_MAX + 2];

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(before, text, sizeof text);
    memset(long_id, 'i', sizeof long_id - 1);
    assert_code(cardea_key_read_jwk(cardea_text(rfc7638), NULL, NULL), E_USAGE);
    assert_code(cardea_key_read_jwk(cardea_bytes(NULL, 3), NULL, &k), E_USAGE);
    assert_code(cardea_key_read_pem(cardea_text("x"), NULL, NULL, NULL), E_USAGE);
    assert_code(cardea_key_read_pem(cardea_bytes(NULL, 3), NULL, NULL, &k), E_USAGE);
    assert_code(cardea_key_read_pem(cardea_text("x"), NULL, "", &k), E_USAGE);
    assert_code(cardea_key_read_pem(cardea_text("x"), NULL, long_id, &k), E_USAGE);
    assert_code(cardea_key_generate(NULL, NULL, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_key_generate("none", NULL, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_key_generate("ES256", "", text, sizeof text, &len), E_USAGE);
    assert_code(cardea_key_generate("ES256", NULL, NULL, 0, &len), E_USAGE);
    assert_code(cardea_key_generate("ES256", NULL, text, sizeof text, NULL), E_USAGE);
    assert_code(cardea_key_generate("ES256", NULL, text, 10, &len), E_TOO_LARGE);
    assert_code(cardea_key_generate("ES256", NULL, text, 0, &len), E_TOO_LARGE);
    assert_memory_equal(text, before, sizeof text);
    assert_int_equal(len, 7);
    assert_null(cardea_key_algorithm(NULL));
    assert_null(cardea_key_id(NULL));
    assert_false(cardea_key_signs(NULL));
    assert_false(cardea_key_verifies(NULL));
    assert_code(cardea_key_thumbprint(NULL, text), E_USAGE);
    assert_code(cardea_key_write_jwk(NULL, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_key_write_pem(NULL, text, sizeof text, &len), E_USAGE);
    k = new_key("ES256", NULL);
    assert_code(cardea_key_thumbprint(k, NULL), E_USAGE);
    assert_code(cardea_key_write_jwk(k, text, 10, &len), E_TOO_LARGE);
    assert_code(cardea_key_write_jwk(k, NULL, 10, &len), E_USAGE);
    assert_code(cardea_key_write_pem(k, text, sizeof text, NULL), E_USAGE);
    assert_ok(cardea_key_write_pem(k, text, sizeof text, &len));
    size_t exact = len + 1;
    assert_ok(cardea_key_write_pem(k, text, exact, &len));
    assert_code(cardea_key_write_pem(k, text, exact - 1, &len), E_TOO_LARGE);
    cardea_key_free(k);
    cardea_key_free(NULL);
    cardea_keys_free(NULL);
    assert_int_equal(cardea_keys_count(NULL), 0);
    assert_int_equal(cardea_keys_skipped(NULL), 0);
}

static void version(void **state)
{
    char text[32];

    (void)state;
    snprintf(text, sizeof text, "%d.%d.%d", CARDEA_VERSION_MAJOR, CARDEA_VERSION_MINOR, CARDEA_VERSION_PATCH);
    assert_string_equal(cardea_version(), text);
    assert_string_equal(cardea_version(), CARDEA_VERSION); /* the build's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm),
        cmocka_unit_test(ids_that_no_token_can_carry),
        cmocka_unit_test(a_secret_has_no_thumbprint),
        cmocka_unit_test(public_halves),
        cmocka_unit_test(thumbprint),
        cmocka_unit_test(refused_keys),
        cmocka_unit_test(sets),
        cmocka_unit_test(misuse),
        cmocka_unit_test(version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
