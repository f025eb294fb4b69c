/* One key, more threads than it keeps contexts for: every message comes back whole. */
#include "check.h"

#include "core/jwe.h"
#include "crypto/random.h"

#include <pthread.h>
#include <stdio.h>

enum { THREADS = 12, ROUNDS = 200 };

struct worker {
    pthread_t thread;
    const struct jwe_key *key;
    unsigned number, wrong;
};

static void *work(void *context)
{
    struct worker *w = context;

    for (unsigned i = 0; i < ROUNDS; i++) {
        char plain[64], text[512];
        uint8_t room[512];
        struct buf b = buf_fixed(text, sizeof text);
        struct jwe_opened opened;
        int len = snprintf(plain, sizeof plain, "thread %u, message %u", w->number, i);
        if (!cardea_ok(jwe_seal(w->key, &(struct jwe_header){0}, view_of(plain, (size_t)len), entropy_system(), &b)) ||
            !cardea_ok(jwe_open(buf_view(&b), w->key, entropy_system(), room, sizeof room, &opened)) ||
            !view_is(opened.plain, plain))
            w->wrong++;
        /* And a failure between the good ones leaves its context fit for use. */
        text[b.len - 1] = text[b.len - 1] == 'A' ? 'Q' : 'A';
        text[b.len - 5] = text[b.len - 5] == 'A' ? 'B' : 'A';
        if (cardea_ok(jwe_open(buf_view(&b), w->key, entropy_system(), room, sizeof room, &opened)))
            w->wrong++;
    }
    return NULL;
}

static void together(const struct jwe_key *k)
{
    struct worker workers[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.key = k, .number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
    }
}

static void one_key_for_all(enum jwe_alg a, enum aead enc, size_t len)
{
    static const uint8_t bytes[64] = {1, 2, 3};
    struct jwe_rule r = {a, JWE_ENC(enc), VIEW_EMPTY};
    struct jwe_key *k = NULL;

    assert_ok(jwe_key_symmetric(&r, view_of(bytes, len), &k));
    together(k);
    jwe_key_free(k);
}

static void dir_gcm(void **state)
{
    (void)state;
    one_key_for_all(JWE_DIR, AEAD_A256GCM, 32);
}

static void dir_cbc(void **state)
{
    (void)state;
    one_key_for_all(JWE_DIR, AEAD_A256CBC_HS512, 64);
}

static void key_wrap(void **state)
{
    (void)state;
    one_key_for_all(JWE_A128KW, AEAD_A128GCM, 16);
}

static void agreement(void **state)
{
    struct jwe_rule r = {JWE_ECDH_ES, JWE_ENC(AEAD_A128GCM), VIEW_EMPTY};
    static const uint8_t bytes[32] = {1, 2, 3};
    struct jwe_key *k = NULL;

    (void)state;
    assert_ok(jwe_key_agreement(&r, AGREEMENT_P256, VIEW_EMPTY, view_of(bytes, sizeof bytes), &k));
    together(k);
    jwe_key_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dir_gcm),
        cmocka_unit_test(dir_cbc),
        cmocka_unit_test(key_wrap),
        cmocka_unit_test(agreement),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
