#include "check.h"

#include "crypto/random.h"
#include "crypto/seal.h"

static const uint8_t key_bytes[32] = {1, 2, 3}, other_bytes[32] = {1, 2, 4};

static size_t sealed(struct master_key *k, struct view plain, uint8_t *out, size_t cap)
{
    size_t len = 0;

    assert_ok(seal_close(k, plain, VIEW("access|kid"), entropy_system(), out, cap, &len));
    return len;
}

static void opens_what_it_closed(void **state)
{
    struct master_key *k = master_key_new(key_bytes);
    uint8_t box[64], plain[64];
    size_t len = sealed(k, VIEW("private"), box, sizeof box), plain_len;

    (void)state;
    assert_int_equal(len, 7 + SEAL_OVERHEAD);
    assert_ok(seal_open(k, view_of(box, len), VIEW("access|kid"), plain, sizeof plain, &plain_len));
    assert_int_equal(plain_len, 7);
    assert_memory_equal(plain, "private", 7);
    /* The same thing sealed twice looks different. */
    uint8_t again[64];
    assert_int_equal(sealed(k, VIEW("private"), again, sizeof again), len);
    assert_memory_not_equal(box, again, len);
    assert_int_equal(sealed(k, VIEW_EMPTY, again, sizeof again), SEAL_OVERHEAD);
    assert_ok(seal_open(k, view_of(again, SEAL_OVERHEAD), VIEW("access|kid"), plain, 0, &plain_len));
    assert_int_equal(plain_len, 0);
    master_key_free(k);
    master_key_free(NULL);
}

static void refuses_everything_else(void **state)
{
    struct master_key *k = master_key_new(key_bytes), *other = master_key_new(other_bytes);
    uint8_t box[64], plain[64] = "";
    size_t len = sealed(k, VIEW("private"), box, sizeof box), plain_len = 99;
    struct view whole = view_of(box, len);

    (void)state;
    assert_code(seal_open(other, whole, VIEW("access|kid"), plain, sizeof plain, &plain_len), E_CORRUPT);
    assert_code(seal_open(k, whole, VIEW("access|kie"), plain, sizeof plain, &plain_len), E_CORRUPT);
    assert_code(seal_open(k, whole, VIEW("refresh|kid"), plain, sizeof plain, &plain_len), E_CORRUPT);
    for (size_t cut = 0; cut < len; cut++)
        assert_code(seal_open(k, view_of(box, cut), VIEW("access|kid"), plain, sizeof plain, &plain_len), E_CORRUPT);
    for (size_t i = 0; i < len; i++) {
        box[i] ^= 1;
        assert_code(seal_open(k, whole, VIEW("access|kid"), plain, sizeof plain, &plain_len), E_CORRUPT);
        box[i] ^= 1;
    }
    assert_code(seal_open(k, whole, VIEW("access|kid"), plain, 6, &plain_len), E_TOO_LARGE);
    assert_code(seal_close(k, VIEW("private"), VIEW("x"), entropy_system(), box, 7 + SEAL_OVERHEAD - 1, &plain_len),
                E_TOO_LARGE);
    assert_int_equal(plain_len, 99);
    assert_string_not_equal((char *)plain, "private");
    master_key_free(k);
    master_key_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_it_closed),
        cmocka_unit_test(refuses_everything_else),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
