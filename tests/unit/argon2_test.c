#include "check.h"

#include "crypto/argon2.h"
#include "crypto/random.h"

static const struct argon2_cost cheap = {8, 1}; /* for tests alone: below every minimum */

static void cost_has_a_floor_and_a_ceiling(void **state)
{
    (void)state;
    assert_true(argon2_cost_acceptable((struct argon2_cost){19 * 1024, 2}));
    assert_true(argon2_cost_acceptable((struct argon2_cost){46 * 1024, 1}));
    assert_true(argon2_cost_acceptable((struct argon2_cost){64 * 1024, 3}));
    assert_false(argon2_cost_acceptable((struct argon2_cost){19 * 1024 - 1, 2}));
    assert_false(argon2_cost_acceptable((struct argon2_cost){19 * 1024, 1}));
    assert_false(argon2_cost_acceptable((struct argon2_cost){64 * 1024, 0}));
    assert_false(argon2_cost_acceptable((struct argon2_cost){0, 0}));
    assert_false(argon2_cost_acceptable((struct argon2_cost){ARGON2_MEMORY_KIB_MAX + 1, 3}));
    assert_false(argon2_cost_acceptable((struct argon2_cost){64 * 1024, ARGON2_PASSES_MAX + 1}));
}

static void hashes_and_verifies(void **state)
{
    char phc[ARGON2_PHC_MAX], again[ARGON2_PHC_MAX];

    (void)state;
    assert_ok(argon2_hash(VIEW("correct horse"), cheap, phc, sizeof phc));
    assert_true(view_starts(view_text(phc), VIEW("$argon2id$v=19$m=8,t=1,p=1$")));
    assert_ok(argon2_verify(VIEW("correct horse"), phc));
    assert_code(argon2_verify(VIEW("correct horsf"), phc), E_INVALID_CREDENTIALS);
    assert_code(argon2_verify(VIEW_EMPTY, phc), E_INVALID_CREDENTIALS);
    assert_ok(argon2_hash(VIEW("correct horse"), cheap, again, sizeof again));
    assert_string_not_equal(phc, again); /* salted */
    assert_code(argon2_hash(VIEW("x"), cheap, phc, sizeof phc - 1), E_USAGE);
    assert_code(argon2_hash(VIEW("x"), (struct argon2_cost){8, 0}, phc, sizeof phc), E_USAGE);
    assert_code(argon2_hash(VIEW("x"), (struct argon2_cost){7, 1}, phc, sizeof phc), E_USAGE);
}

/* Every byte counts: nothing is cut at a NUL or at 72 bytes. */
static void takes_the_whole_password(void **state)
{
    char phc[ARGON2_PHC_MAX], longest[1024];

    (void)state;
    assert_ok(argon2_hash(VIEW("ab\0cd"), cheap, phc, sizeof phc));
    assert_ok(argon2_verify(VIEW("ab\0cd"), phc));
    assert_code(argon2_verify(VIEW("ab\0ce"), phc), E_INVALID_CREDENTIALS);
    assert_code(argon2_verify(VIEW("ab"), phc), E_INVALID_CREDENTIALS);
    memset(longest, 'x', sizeof longest);
    assert_ok(argon2_hash(view_of(longest, sizeof longest), cheap, phc, sizeof phc));
    longest[1023] = 'y';
    assert_code(argon2_verify(view_of(longest, sizeof longest), phc), E_INVALID_CREDENTIALS);
}

/* The reference implementation's published answer for password, somesalt, t=2, m=2^16, p=1. */
static void knows_the_reference_answer(void **state)
{
    static const char phc[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    (void)state;
    assert_ok(argon2_verify(VIEW("password"), phc));
    assert_code(argon2_verify(VIEW("passwore"), phc), E_INVALID_CREDENTIALS);
}

static void refuses_what_is_no_hash_of_ours(void **state)
{
    static const char *const bad[] = {
        "",
        "$",
        "password",
        "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=65536,t=2,p=2$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=99999999999999999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=65536,t=4000000000,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=65536,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=+8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$",
        "$argon2id$v=19$m=8,t=1,p=1$$",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc=",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc$x",
        "$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyz012345678",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_code(argon2_verify(VIEW("password"), bad[i]), E_CORRUPT);
    }
    assert_true(argon2_weaker("", cheap));
    assert_true(argon2_weaker("$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFh", cheap));
}

static void knows_weaker_hashes(void **state)
{
    char phc[ARGON2_PHC_MAX];

    (void)state;
    assert_ok(argon2_hash(VIEW("x"), (struct argon2_cost){16, 2}, phc, sizeof phc));
    assert_false(argon2_weaker(phc, (struct argon2_cost){16, 2}));
    assert_false(argon2_weaker(phc, (struct argon2_cost){8, 1}));
    assert_true(argon2_weaker(phc, (struct argon2_cost){17, 2}));
    assert_true(argon2_weaker(phc, (struct argon2_cost){16, 3}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cost_has_a_floor_and_a_ceiling),  cmocka_unit_test(hashes_and_verifies),
        cmocka_unit_test(takes_the_whole_password),        cmocka_unit_test(knows_the_reference_answer),
        cmocka_unit_test(refuses_what_is_no_hash_of_ours), cmocka_unit_test(knows_weaker_hashes),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
