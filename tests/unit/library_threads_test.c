/* One verifier, more threads than a key keeps contexts for: every good token holds, no bad one does, and each thread's
 * claims are its own. */
#include "library_help.h"

#include <pthread.h>

enum { THREADS = 10, ROUNDS = 40, TOKENS = 4 };

static struct cardea_verifier *verifier;
static char tokens[TOKENS][2048];

static void *work(void *context)
{
    unsigned *wrong = context;
    struct cardea_claims *claims = NULL;

    if (!cardea_ok(cardea_claims_new(&claims))) {
        ++*wrong;
        return NULL;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[2048];
        size_t len = strlen(tokens[i % TOKENS]);

        if (!cardea_ok(cardea_verify(verifier, cardea_text(tokens[i % TOKENS]), now_s, claims)) ||
            strcmp(cardea_claims_subject(claims), "alice") != 0)
            ++*wrong;
        memcpy(text, tokens[i % TOKENS], len);
        text[len - 10] = text[len - 10] == 'A' ? 'B' : 'A';
        if (cardea_ok(cardea_verify(verifier, cardea_bytes(text, len), now_s, claims)) ||
            cardea_claims_subject(claims) != NULL)
            ++*wrong;
    }
    cardea_claims_free(claims);
    return NULL;
}

static void one_verifier_for_all(void **state)
{
    static const char *const kinds[TOKENS] = {"HS256", "RS256", "ES256", "EdDSA"};
    pthread_t threads[THREADS];
    unsigned wrong[THREADS] = {0};

    (void)state;
    verifier = new_verifier();
    for (size_t i = 0; i < TOKENS; i++) {
        struct cardea_key *k = new_key(kinds[i], kinds[i]);
        struct cardea_bytes token = new_token(k);
        assert_true(token.len < sizeof tokens[i]);
        memcpy(tokens[i], token.ptr, token.len);
        assert_ok(cardea_verifier_add_key(verifier, k));
        cardea_key_free(k);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &wrong[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
    cardea_verifier_free(verifier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_verifier_for_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
