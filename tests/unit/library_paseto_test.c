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

/* A verifier judges the claims of both purposes beside a JWT's, each under keys of its own. */
static void claims_by_a_verifier(void **state)
{
    static const char good[] =
        "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"sub\":\"alice\",\"exp\":\"2027-01-15T08:01:00Z\",\"n\":7}";
    struct cardea_paseto_secret_key *secrets[2] = {NULL, NULL};
    struct cardea_paseto_public_key *publics[2] = {NULL, NULL};
    struct cardea_paseto_local_key *locals[2] = {NULL, NULL};
    struct cardea_verifier *v = new_verifier();
    struct cardea_claims *claims = NULL;
    struct cardea_bytes none = cardea_bytes(NULL, 0);
    struct cardea_key *jwk = new_key("HS256", NULL);
    char text[CARDEA_PASERK_SIZE], footer[128];
    int64_t n;
    size_t len;

    (void)state;
    assert_ok(cardea_claims_new(&claims));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(cardea_paseto_secret_key_generate(text, sizeof text, &len));
        assert_ok(cardea_paseto_secret_key_read(cardea_bytes(text, len), &secrets[i]));
        assert_ok(cardea_paseto_secret_key_write_public(secrets[i], text, sizeof text, &len));
        assert_ok(cardea_paseto_public_key_read(cardea_bytes(text, len), &publics[i]));
        assert_ok(cardea_paseto_local_key_generate(text, sizeof text, &len));
        assert_ok(cardea_paseto_local_key_read(cardea_bytes(text, len), &locals[i]));
    }
    assert_code(cardea_verify(v, none, now_s, claims), E_USAGE); /* no key at all */
    assert_ok(cardea_verifier_add_paseto_public_key(v, publics[0]));
    assert_code(cardea_verifier_add_paseto_public_key(v, publics[0]), E_CONFLICT);
    /* The only key of the purpose serves whatever the footer says. */
    assert_ok(cardea_paseto_sign(secrets[0], cardea_text(good), cardea_text("x"), none, token, sizeof token, &len));
    assert_ok(cardea_verify(v, cardea_bytes(token, len), now_s, claims));
    assert_string_equal(cardea_claims_subject(claims), "alice");
    assert_string_equal(cardea_claims_algorithm(claims), "v4.public");
    assert_string_equal(cardea_claims_key_id(claims), cardea_paseto_public_key_id(publics[0]));
    assert_null(cardea_claims_type(claims));
    assert_int_equal(cardea_claims_expires_at(claims), now_s + 60);
    assert_ok(cardea_claims_int(claims, "n", &n));
    assert_int_equal(n, 7);
    assert_code(cardea_verify(v, cardea_bytes(token, len), now_s + 90, claims), E_EXPIRED);
    assert_null(cardea_claims_subject(claims));
    assert_null(cardea_claims_key_id(claims));
    assert_ok(cardea_paseto_sign(secrets[1], cardea_text(good), none, none, token, sizeof token, &len));
    assert_code(cardea_verify(v, cardea_bytes(token, len), now_s, claims), E_INVALID_TOKEN);
    /* With two, the footer must name one. */
    assert_ok(cardea_verifier_add_paseto_public_key(v, publics[1]));
    assert_code(cardea_verify(v, cardea_bytes(token, len), now_s, claims), E_INVALID_TOKEN);
    for (size_t named = 0; named < 2; named++) {
        snprintf(footer, sizeof footer, "{\"kid\":\"%s\"}", cardea_paseto_public_key_id(publics[named]));
        assert_ok(
            cardea_paseto_sign(secrets[1], cardea_text(good), cardea_text(footer), none, token, sizeof token, &len));
        struct cardea_status s = cardea_verify(v, cardea_bytes(token, len), now_s, claims);
        assert_int_equal(s.code, named == 1 ? CARDEA_OK : CARDEA_E_INVALID_TOKEN);
    }
    /* An encrypted token needs a key of its own kind, and so does a JWT. */
    snprintf(footer, sizeof footer, "{\"kid\":\"%s\"}", cardea_paseto_local_key_id(locals[1]));
    assert_ok(
        cardea_paseto_encrypt(locals[1], cardea_text(good), cardea_text(footer), none, token, sizeof token, &len));
    assert_code(cardea_verify(v, cardea_bytes(token, len), now_s, claims), E_INVALID_TOKEN);
    assert_ok(cardea_verifier_add_paseto_local_key(v, locals[0]));
    assert_code(cardea_verify(v, cardea_bytes(token, len), now_s, claims), E_INVALID_TOKEN);
    assert_ok(cardea_verifier_add_paseto_local_key(v, locals[1]));
    assert_code(cardea_verifier_add_paseto_local_key(v, locals[1]), E_CONFLICT);
    for (size_t i = 0; i < 2; i++) {
        cardea_paseto_secret_key_free(secrets[i]);
        cardea_paseto_public_key_free(publics[i]); /* the verifier keeps its own */
        cardea_paseto_local_key_free(locals[i]);
    }
    assert_ok(cardea_verify(v, cardea_bytes(token, len), now_s, claims));
    assert_string_equal(cardea_claims_algorithm(claims), "v4.local");
    assert_code(cardea_verify(v, new_token(jwk), now_s, claims), E_INVALID_TOKEN);
    assert_ok(cardea_verifier_add_key(v, jwk));
    assert_ok(cardea_verify(v, new_token(jwk), now_s, claims));
    assert_string_equal(cardea_claims_algorithm(claims), "HS256");
    assert_code(cardea_verifier_add_paseto_public_key(v, NULL), E_USAGE);
    assert_code(cardea_verifier_add_paseto_local_key(NULL, NULL), E_USAGE);
    cardea_key_free(jwk);
    cardea_claims_free(claims);
    cardea_verifier_free(v);
}

static void too_many_keys(void **state)
{
    struct cardea_verifier *v = new_verifier();
    char text[CARDEA_PASERK_SIZE];
    size_t len;

    (void)state;
    for (int i = 0; i <= CARDEA_VERIFIER_LIST_MAX; i++) {
        struct cardea_paseto_local_key *k = NULL;
        struct cardea_paseto_secret_key *s = NULL;
        struct cardea_paseto_public_key *p = NULL;
        enum cardea_code wanted = i < CARDEA_VERIFIER_LIST_MAX ? CARDEA_OK : CARDEA_E_LIMIT;
        assert_ok(cardea_paseto_local_key_generate(text, sizeof text, &len));
        assert_ok(cardea_paseto_local_key_read(cardea_bytes(text, len), &k));
        assert_int_equal(cardea_verifier_add_paseto_local_key(v, k).code, wanted);
        assert_ok(cardea_paseto_secret_key_generate(text, sizeof text, &len));
        assert_ok(cardea_paseto_secret_key_read(cardea_bytes(text, len), &s));
        assert_ok(cardea_paseto_secret_key_write_public(s, text, sizeof text, &len));
        assert_ok(cardea_paseto_public_key_read(cardea_bytes(text, len), &p));
        assert_int_equal(cardea_verifier_add_paseto_public_key(v, p).code, wanted);
        cardea_paseto_local_key_free(k);
        cardea_paseto_secret_key_free(s);
        cardea_paseto_public_key_free(p);
    }
    cardea_verifier_free(v);
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
        cmocka_unit_test(signed_tokens), cmocka_unit_test(encrypted_tokens), cmocka_unit_test(claims_by_a_verifier),
        cmocka_unit_test(too_many_keys), cmocka_unit_test(sizes_and_misuse),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
