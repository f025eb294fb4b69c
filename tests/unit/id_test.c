#include "check.h"

#include "base/id.h"

static void fill_counting(void *context, void *out, size_t len)
{
    unsigned char *to = out, *next = context;
    for (size_t i = 0; i < len; i++)
        to[i] = (*next)++;
}

static void user_ids_are_version_7(void **state)
{
    (void)state;
    unsigned char next = 0xF0;
    struct entropy e = {fill_counting, &next};
    struct user_id id = user_id_new(&e, 0x0194f3a27e1c);
    char storage[USER_ID_TEXT];
    struct buf b = buf_fixed(storage, sizeof storage);
    buf_user_id(&b, id);
    /* 48 bits of time, 7, 12 random bits, the variant 10, 62 random bits. */
    assert_buf(&b, "0194f3a2-7e1c-70f1-b2f3-f4f5f6f7f8f9");
    struct user_id back;
    assert_ok(user_id_parse(buf_view(&b), &back));
    assert_true(ID_SAME(id, back));
    struct user_id later = user_id_new(&e, 0x0194f3a27e1d);
    assert_true(memcmp(id.bytes, later.bytes, sizeof id.bytes) < 0);
    assert_false(ID_SAME(id, later));
}

static void user_ids_are_read_in_both_cases(void **state)
{
    (void)state;
    struct user_id a, b;
    assert_ok(user_id_parse(VIEW("0194F3A2-7E1C-70F1-B2F3-F4F5F6F7F8F9"), &a));
    assert_ok(user_id_parse(VIEW("0194f3a2-7e1c-70f1-b2f3-f4f5f6f7f8f9"), &b));
    assert_true(ID_SAME(a, b));
    static const char *const bad[] = {
        "",
        "0194f3a27e1c70f1b2f3f4f5f6f7f8f9",
        "0194f3a2-7e1c-70f1-b2f3-f4f5f6f7f8f",
        "0194f3a2-7e1c-70f1-b2f3-f4f5f6f7f8f9a",
        "0194f3a2-7e1c-70f1-b2f3-f4f5f6f7f8fg",
        "0194f3a27-e1c-70f1-b2f3-f4f5f6f7f8f9",
        "0194f3a2-7e1c-70f1-b2f3+f4f5f6f7f8f9",
        "{194f3a2-7e1c-70f1-b2f3-f4f5f6f7f8f}",
        "------------------------------------",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_code(user_id_parse(view_text(bad[i]), &a), E_BAD_REQUEST);
    assert_true(ID_SAME(a, b));
}

static void ids_survive_the_round_trip(void **state)
{
    (void)state;
    char storage[64];
    struct buf b = buf_fixed(storage, sizeof storage);
    struct session_id sid, sid_back;
    struct token_id jti, jti_back;
    struct api_key_id key, key_back;
    struct key_id kid, kid_back;
    memset(&sid, 0xA1, sizeof sid);
    memset(&jti, 0xB2, sizeof jti);
    memset(&key, 0xC3, sizeof key);
    memset(&kid, 0xD4, sizeof kid);

    buf_session_id(&b, sid);
    assert_int_equal(b.len, ID16_TEXT);
    assert_ok(session_id_parse(buf_view(&b), &sid_back));
    assert_true(ID_SAME(sid, sid_back));
    buf_reset(&b);
    buf_token_id(&b, jti);
    assert_int_equal(b.len, ID16_TEXT);
    assert_ok(token_id_parse(buf_view(&b), &jti_back));
    assert_true(ID_SAME(jti, jti_back));
    buf_reset(&b);
    buf_api_key_id(&b, key);
    assert_int_equal(b.len, ID16_TEXT);
    assert_ok(api_key_id_parse(buf_view(&b), &key_back));
    assert_true(ID_SAME(key, key_back));
    buf_reset(&b);
    buf_key_id(&b, kid);
    assert_int_equal(b.len, KEY_ID_TEXT);
    assert_ok(key_id_parse(buf_view(&b), &kid_back));
    assert_true(ID_SAME(kid, kid_back));
}

static void another_text_is_refused_and_touches_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "AAAAAAAAAAAAAAAAAAAAA",
                                      "AAAAAAAAAAAAAAAAAAAAAAA",
                                      "AAAAAAAAAAAAAAAAAAAAAB",
                                      "AAAAAAAAAAAAAAAAAAAA==",
                                      "AAAAAAAAAAAAAAAAAAAA/A"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct session_id sid;
        struct key_id kid;
        memset(&sid, 0x77, sizeof sid);
        memset(&kid, 0x77, sizeof kid);
        assert_code(session_id_parse(view_text(bad[i]), &sid), E_BAD_REQUEST);
        assert_code(key_id_parse(view_text(bad[i]), &kid), E_BAD_REQUEST);
        for (size_t k = 0; k < sizeof sid; k++)
            assert_int_equal(sid.bytes[k], 0x77);
        for (size_t k = 0; k < sizeof kid; k++)
            assert_int_equal(kid.bytes[k], 0x77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_ids_are_version_7),
        cmocka_unit_test(user_ids_are_read_in_both_cases),
        cmocka_unit_test(ids_survive_the_round_trip),
        cmocka_unit_test(another_text_is_refused_and_touches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
