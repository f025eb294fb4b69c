#include "check.h"

#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/keywrap.h"
#include "crypto/random.h"

static uint8_t key_bytes[AEAD_KEY_MAX], iv_bytes[AEAD_IV_MAX];

static struct view key_of(enum aead a)
{
    return view_of(key_bytes, aead_key_len(a));
}

static struct aead_message message(enum aead a, struct view text)
{
    return (struct aead_message){.iv = view_of(iv_bytes, aead_iv_len(a)), .aad = VIEW("header"), .text = text};
}

/* RFC 7518 appendix B: the same text, iv and aad under keys of counting bytes. */
static void rfc7518_appendix_b(void **state)
{
    static const char plain[] = "A cipher system must not be required to be secret, and it must be able to fall into "
                                "the hands of the enemy without inconvenience";
    static const char *const tags[] = {"652c3fa36b0a7c5b3219fab3a30bc1c4",
                                       "8490ac0e58949bfe51875d733f93ac2075168039ccc733d7",
                                       "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5"};
    uint8_t iv[16], out[256], tag[AEAD_TAG_MAX], want[AEAD_TAG_MAX], back[256];
    size_t len;

    (void)state;
    assert_ok(hex_decode_exact(VIEW("1af38c2dc2b96ffdd86694092341bc04"), iv, sizeof iv));
    for (enum aead a = AEAD_A128CBC_HS256; a <= AEAD_A256CBC_HS512; a++) {
        struct aead_message m = {
            .iv = view_of(iv, 16), .aad = VIEW("The second principle of Auguste Kerckhoffs"), .text = view_text(plain)};
        assert_ok(aead_seal_once(a, key_of(a), &m, out, tag));
        assert_ok(hex_decode_exact(view_text(tags[a - AEAD_A128CBC_HS256]), want, aead_tag_len(a)));
        assert_memory_equal(tag, want, aead_tag_len(a));
        m.text = view_of(out, aead_sealed_len(a, sizeof plain - 1));
        m.tag = view_of(tag, aead_tag_len(a));
        assert_ok(aead_open_once(a, key_of(a), &m, back, &len));
        assert_text(view_of(back, len), plain);
    }
}

static void every_length_comes_back(void **state)
{
    uint8_t plain[70], sealed[96], tag[AEAD_TAG_MAX], again[96], again_tag[AEAD_TAG_MAX];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)i;
    for (enum aead a = AEAD_A128GCM; a < AEAD_COUNT; a++) {
        struct aead_key *k = NULL;
        assert_ok(aead_key_new(a, key_of(a), &k));
        assert_int_equal(aead_key_algorithm(k), a);
        for (size_t n = 0; n <= sizeof plain; n++) {
            struct aead_message m = message(a, view_of(plain, n));
            assert_ok(aead_seal(k, &m, sealed, tag));
            assert_ok(aead_seal_once(a, key_of(a), &m, again, again_tag));
            assert_memory_equal(sealed, again, aead_sealed_len(a, n));
            assert_memory_equal(tag, again_tag, aead_tag_len(a));
            m.text = view_of(sealed, aead_sealed_len(a, n));
            m.tag = view_of(tag, aead_tag_len(a));
            assert_ok(aead_open(k, &m, sealed, &len)); /* in place */
            assert_int_equal(len, n);
            assert_memory_equal(sealed, plain, n);
        }
        aead_key_free(k);
    }
    aead_key_free(NULL);
}

static void refuse(const struct aead_key *k, const struct aead_message *m)
{
    uint8_t out[96];
    size_t len = 99;

    memset(out, 0x55, sizeof out);
    assert_code(aead_open(k, m, out, &len), E_INVALID_TOKEN);
    assert_int_equal(len, 99);
    for (size_t i = 0; i < m->text.len && i < sizeof out; i++)
        assert_true(out[i] == 0 || out[i] == 0x55);
}

static void everything_else_is_refused(void **state)
{
    uint8_t sealed[96], tag[AEAD_TAG_MAX], iv[AEAD_IV_MAX];

    (void)state;
    for (enum aead a = AEAD_A128GCM; a < AEAD_COUNT; a++) {
        struct aead_key *k = NULL;
        struct aead_message m = message(a, VIEW("a text of more than one block")), bad;
        assert_ok(aead_key_new(a, key_of(a), &k));
        assert_ok(aead_seal(k, &m, sealed, tag));
        m.text = view_of(sealed, aead_sealed_len(a, m.text.len));
        m.tag = view_of(tag, aead_tag_len(a));
        for (size_t i = 0; i < m.text.len; i++) {
            sealed[i] ^= 0x10;
            refuse(k, &m);
            sealed[i] ^= 0x10;
        }
        for (size_t i = 0; i < m.tag.len; i++) {
            tag[i] ^= 1;
            refuse(k, &m);
            tag[i] ^= 1;
        }
        for (size_t n = 0; n < m.tag.len; n++) { /* a shorter tag is none, though its bytes are right */
            bad = m;
            bad.tag.len = n;
            refuse(k, &bad);
        }
        for (size_t n = 0; n < m.iv.len; n++) {
            bad = m;
            bad.iv.len = n;
            refuse(k, &bad);
        }
        for (size_t n = 0; n < m.text.len; n++) {
            bad = m;
            bad.text.len = n;
            refuse(k, &bad);
        }
        memcpy(iv, iv_bytes, sizeof iv);
        iv[0] ^= 1;
        bad = m;
        bad.iv.ptr = (const char *)iv;
        refuse(k, &bad);
        bad = m;
        bad.aad = VIEW("headex");
        refuse(k, &bad);
        aead_key_free(k);
    }
}

static void wrong_use(void **state)
{
    struct aead_key *k = NULL;
    uint8_t out[64], tag[AEAD_TAG_MAX];
    struct aead_message m = message(AEAD_A128GCM, VIEW("text"));

    (void)state;
    for (enum aead a = AEAD_A128GCM; a < AEAD_COUNT; a++) {
        struct view key = key_of(a);
        assert_int_equal(aead_parse(view_text(aead_name(a))), a);
        key.len--;
        assert_code(aead_key_new(a, key, &k), E_USAGE);
        assert_code(aead_seal_once(a, key, &m, out, tag), E_USAGE);
    }
    assert_code(aead_key_new(AEAD_UNSET, VIEW_EMPTY, &k), E_USAGE);
    assert_code(aead_key_new(AEAD_COUNT, VIEW_EMPTY, &k), E_USAGE);
    assert_null(k);
    assert_int_equal(aead_parse(VIEW("a128gcm")), AEAD_UNSET);
    assert_int_equal(aead_parse(VIEW("")), AEAD_UNSET);
    m.iv.len = 11;
    assert_code(aead_seal_once(AEAD_A128GCM, key_of(AEAD_A128GCM), &m, out, tag), E_USAGE);
}

static void key_wrap(void **state)
{
    struct wrap_key *k = NULL;
    uint8_t wrapped[KEYWRAP_MAX + KEYWRAP_OVERHEAD], back[KEYWRAP_MAX];

    (void)state;
    for (size_t kek = 16; kek <= 32; kek += 8) {
        assert_ok(wrap_key_new(view_of(key_bytes, kek), &k));
        for (size_t n = KEYWRAP_MIN; n <= KEYWRAP_MAX; n += 8) {
            assert_ok(wrap_key_wrap(k, view_of(key_bytes, n), wrapped));
            assert_ok(wrap_key_unwrap(k, view_of(wrapped, n + 8), back));
            assert_memory_equal(back, key_bytes, n);
            assert_ok(keyunwrap_once(view_of(key_bytes, kek), view_of(wrapped, n + 8), back));
            for (size_t i = 0; i < n + 8; i++) {
                wrapped[i] ^= 1;
                assert_code(wrap_key_unwrap(k, view_of(wrapped, n + 8), back), E_INVALID_TOKEN);
                wrapped[i] ^= 1;
                assert_code(wrap_key_unwrap(k, view_of(wrapped, i), back), E_INVALID_TOKEN);
            }
            assert_ok(wrap_key_unwrap(k, view_of(wrapped, n + 8), back)); /* a context survives failures */
        }
        assert_code(wrap_key_wrap(k, view_of(key_bytes, 17), wrapped), E_USAGE);
        assert_code(wrap_key_wrap(k, view_of(key_bytes, 8), wrapped), E_USAGE);
        wrap_key_free(k);
    }
    assert_code(wrap_key_new(view_of(key_bytes, 20), &k), E_USAGE);
    wrap_key_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc7518_appendix_b),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(wrong_use),
        cmocka_unit_test(key_wrap),
    };

    for (size_t i = 0; i < sizeof key_bytes; i++)
        key_bytes[i] = (uint8_t)i;
    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
