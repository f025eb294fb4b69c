/* PASETO v4 in libcardea. */
#include "library_help.h"

static char token[CARDEA_PASETO_TEXT_MAX + 1];
static struct cardea_paseto_message *message;

static int set_up(void **state)
{
    (void)state;
    return cardea_ok(cardea_paseto_message_new(&message)) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cardea_paseto_message_free(message);
    return 0;
}

static void holds(struct cardea_bytes found, const char *wanted)
{
    assert_int_equal(found.len, strlen(wanted));
    assert_true(found.len == 0 || memcmp(found.ptr, wanted, found.len) == 0);
}

static void signed_tokens(void **state)
{
    struct cardea_paseto_secret_key *secret = NULL;
    struct cardea_paseto_public_key *public = NULL;
    char text[CARDEA_PASERK_SIZE], footer[64];
    struct cardea_bytes none = cardea_bytes(NULL, 0), tenant = cardea_text("tenant 7");
    size_t len;

    (void)state;
    assert_ok(cardea_paseto_secret_key_generate(text, sizeof text, &len));
    assert_memory_equal(text, "k4.secret.", 10);
    assert_ok(cardea_paseto_secret_key_read(cardea_bytes(text, len), &secret));
    assert_memory_equal(cardea_paseto_secret_key_id(secret), "k4.sid.", 7);
    assert_code(cardea_paseto_public_key_read(cardea_bytes(text, len), &public), E_INVALID_FIELD);
    assert_ok(cardea_paseto_secret_key_write_public(secret, text, sizeof text, &len));
    assert_ok(cardea_paseto_public_key_read(cardea_bytes(text, len), &public));
    assert_memory_equal(cardea_paseto_public_key_id(public), "k4.pid.", 7);
    assert_ok(cardea_paseto_sign(secret, cardea_text("{\"sub\":\"alice\"}"), cardea_text("foot"), tenant, token,
                                 sizeof token, &len));
    assert_memory_equal(token, "v4.public.", 10);
    struct cardea_bytes whole = cardea_bytes(token, len);
    assert_ok(cardea_paseto_peek_footer(whole, footer, sizeof footer, &len));
    assert_string_equal(footer, "foot");
    assert_ok(cardea_paseto_verify(public, whole, tenant, message));
    holds(cardea_paseto_message_text(message), "{\"sub\":\"alice\"}");
    holds(cardea_paseto_message_footer(message), "foot");
    assert_code(cardea_paseto_verify(public, whole, none, message), E_INVALID_TOKEN);
    holds(cardea_paseto_message_text(message), "");
    for (size_t at = 0; at < whole.len; at++) {
        char kept = token[at];
        token[at] = kept == 'A' ? 'B' : 'A';
        assert_code(cardea_paseto_verify(public, whole, tenant, message), E_INVALID_TOKEN);
        token[at] = kept;
    }
    holds(cardea_paseto_message_footer(message), "");
    cardea_paseto_secret_key_free(secret);
    cardea_paseto_public_key_free(public);
}

static void encrypted_tokens(void **state)
{
    struct cardea_paseto_local_key *k = NULL;
    char text[CARDEA_PASERK_SIZE];
    struct cardea_bytes none = cardea_bytes(NULL, 0);
    size_t len;

    (void)state;
    assert_ok(cardea_paseto_local_key_generate(text, sizeof text, &len));
    assert_ok(cardea_paseto_local_key_read(cardea_bytes(text, len), &k));
    assert_memory_equal(cardea_paseto_local_key_id(k), "k4.lid.", 7);
    assert_ok(cardea_paseto_encrypt(k, cardea_text("secret"), none, none, token, sizeof token, &len));
    assert_memory_equal(token, "v4.local.", 9);
    assert_ok(cardea_paseto_decrypt(k, cardea_bytes(token, len), none, message));
    holds(cardea_paseto_message_text(message), "secret");
    holds(cardea_paseto_message_footer(message), "");
    assert_code(cardea_paseto_decrypt(k, cardea_bytes(token, len), cardea_text("x"), message), E_INVALID_TOKEN);
    token[1] = '3'; /* another version */
    assert_code(cardea_paseto_decrypt(k, cardea_bytes(token, len), none, message), E_INVALID_TOKEN);
    cardea_paseto_local_key_free(k);
}

static void sizes_and_misuse(void **state)
{
    static char large[CARDEA_PASETO_TEXT_MAX];
    struct cardea_paseto_secret_key *secret = NULL;
    struct cardea_paseto_public_key *public = NULL;
    struct cardea_paseto_local_key *local = NULL;
    char text[CARDEA_PASERK_SIZE];
    struct cardea_bytes none = cardea_bytes(NULL, 0), bad = cardea_bytes(NULL, 1);
    size_t len = 7;

    (void)state;
    assert_code(cardea_paseto_secret_key_generate(text, 10, &len), E_TOO_LARGE);
    assert_code(cardea_paseto_secret_key_generate(NULL, 10, &len), E_USAGE);
    assert_code(cardea_paseto_local_key_generate(text, 10, &len), E_TOO_LARGE);
    assert_code(cardea_paseto_local_key_generate(text, sizeof text, NULL), E_USAGE);
    static const char *const keys[] = {"", "k4.local.", "k3.secret.AAAA", "k4.public.AAAA",
                                       "k4.public.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_code(cardea_paseto_public_key_read(cardea_text(keys[i]), &public), E_INVALID_FIELD);
        assert_code(cardea_paseto_secret_key_read(cardea_text(keys[i]), &secret), E_INVALID_FIELD);
        assert_code(cardea_paseto_local_key_read(cardea_text(keys[i]), &local), E_INVALID_FIELD);
    }
    assert_code(cardea_paseto_public_key_read(bad, &public), E_USAGE);
    assert_code(cardea_paseto_secret_key_read(bad, &secret), E_USAGE);
    assert_code(cardea_paseto_local_key_read(cardea_text("x"), NULL), E_USAGE);
    assert_ok(cardea_paseto_secret_key_generate(text, sizeof text, &len));
    assert_ok(cardea_paseto_secret_key_read(cardea_bytes(text, len), &secret));
    assert_code(cardea_paseto_secret_key_write_public(NULL, text, sizeof text, &len), E_USAGE);
    assert_ok(cardea_paseto_secret_key_write_public(secret, text, sizeof text, &len));
    assert_ok(cardea_paseto_public_key_read(cardea_bytes(text, len), &public));
    assert_ok(cardea_paseto_local_key_generate(text, sizeof text, &len));
    assert_ok(cardea_paseto_local_key_read(cardea_bytes(text, len), &local));

    assert_code(cardea_paseto_sign(NULL, none, none, none, token, sizeof token, &len), E_USAGE);
    assert_code(cardea_paseto_sign(secret, bad, none, none, token, sizeof token, &len), E_USAGE);
    assert_code(cardea_paseto_sign(secret, none, bad, none, token, sizeof token, &len), E_USAGE);
    assert_code(cardea_paseto_encrypt(local, none, none, bad, token, sizeof token, &len), E_USAGE);
    assert_code(cardea_paseto_encrypt(NULL, none, none, none, token, sizeof token, &len), E_USAGE);
    assert_code(cardea_paseto_sign(secret, cardea_bytes(large, sizeof large), none, none, token, sizeof token, &len),
                E_TOO_LARGE);
    assert_code(cardea_paseto_sign(secret, none, cardea_bytes(large, CARDEA_PASETO_FOOTER_MAX + 1), none, token,
                                   sizeof token, &len),
                E_TOO_LARGE);
    assert_code(cardea_paseto_encrypt(local, none, none, cardea_bytes(large, CARDEA_PASETO_IMPLICIT_MAX + 1), token,
                                      sizeof token, &len),
                E_TOO_LARGE);
    assert_code(cardea_paseto_sign(secret, none, none, none, token, 10, &len), E_TOO_LARGE);
    assert_code(cardea_paseto_sign(secret, none, none, none, NULL, 10, &len), E_USAGE);
    assert_ok(cardea_paseto_sign(secret, none, none, none, token, sizeof token, &len)); /* an empty message is one */
    assert_ok(cardea_paseto_verify(public, cardea_bytes(token, len), none, message));
    assert_code(cardea_paseto_verify(NULL, cardea_bytes(token, len), none, message), E_USAGE);
    assert_code(cardea_paseto_verify(public, bad, none, message), E_USAGE);
    assert_code(cardea_paseto_verify(public, none, bad, message), E_USAGE);
    assert_code(cardea_paseto_verify(public, none, none, NULL), E_USAGE);
    assert_code(cardea_paseto_verify(public, none, none, message), E_INVALID_TOKEN);
    assert_code(cardea_paseto_decrypt(NULL, none, none, message), E_USAGE);
    assert_code(cardea_paseto_decrypt(local, none, none, NULL), E_USAGE);
    assert_code(cardea_paseto_decrypt(local, cardea_bytes(token, len), none, message), E_INVALID_TOKEN);
    assert_code(cardea_paseto_peek_footer(bad, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_paseto_peek_footer(cardea_text("v4.x"), text, sizeof text, &len), E_INVALID_TOKEN);
    assert_code(cardea_paseto_message_new(NULL), E_USAGE);
    assert_null(cardea_paseto_message_text(NULL).ptr);
    assert_null(cardea_paseto_message_footer(NULL).ptr);
    assert_null(cardea_paseto_public_key_id(NULL));
    assert_null(cardea_paseto_secret_key_id(NULL));
    assert_null(cardea_paseto_local_key_id(NULL));
    cardea_paseto_public_key_free(public);
    cardea_paseto_secret_key_free(secret);
    cardea_paseto_local_key_free(local);
    cardea_paseto_public_key_free(NULL);
    cardea_paseto_secret_key_free(NULL);
    cardea_paseto_local_key_free(NULL);
    cardea_paseto_message_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_tokens),
        cmocka_unit_test(encrypted_tokens),
        cmocka_unit_test(sizes_and_misuse),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
