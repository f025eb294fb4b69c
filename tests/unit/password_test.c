#include "check.h"

#include "core/password.h"
#include "crypto/random.h"

static struct cardea_status acceptable(const char *password)
{
    const char *reason = NULL;
    struct cardea_status s =
        password_acceptable(view_text(password), VIEW("alice"), VIEW("alice.cooper@example.com"), &reason);

    assert_true(cardea_ok(s) == (reason == NULL));
    return s;
}

static void good_passwords_pass(void **state)
{
    static const char *const good[] = {
        "correct horse battery staple",
        "purple-lamp-42-river",
        "kX9#mQ2v",
        "jsm8dKw9",
        "\xc3\xbc\xc3\xb6\xc3\xa4 gr\xc3\xbc\xc3\x9f dich", /* umlauts: bytes past ASCII */
        "  leading and trailing kept  ",
        "xQ8!alice!Kw7", /* the name inside something strong */
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(acceptable(good[i]));
}

static void guessable_passwords_do_not(void **state)
{
    static const char *const bad[] = {
        "",           "1234567",      "password", "Password123!",     "qwertyuiop12345", "aaaaaaaaaaaa",
        "abcdefghij", "Summer2024!",  "12345678", "1q2w3e4r5t6y",     "ghbdtnrfrltkf",   "Ghbdtnrfrltkf1",
        "letmein123", "iloveyou2024", "19840203", "passwordpassword", "p@ssw0rd1",       "\xc3\xbc\xc3\xbc\xc3\xbc",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_code(acceptable(bad[i]), E_WEAK_PASSWORD);
}

static void the_users_own_words_do_not(void **state)
{
    static const char *const bad[] = {
        "alicealice",
        "ALICEalice",
        "Alice123456",
        "al1ce4l1ce",
        "ecilaecila",
        "alicecooper",
        "alice.cooper",
        "cooperalice",
        "Alice-Cooper!",
        "example-cooper",
        "alice2024!",
        "alice@example.com",
        "alice.cooper@example.com",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_code(acceptable(bad[i]), E_WEAK_PASSWORD);
}

/* zxcvbn sees a window at each end: a long repetition stays weak, a long text with one strong end stays strong. */
static void length_alone_is_not_strength(void **state)
{
    char text[PASSWORD_MAX_BYTES + 1] = "";
    const char *reason = NULL;
    struct view whole = view_of(text, PASSWORD_MAX_BYTES), none = VIEW_EMPTY;

    (void)state;
    memset(text, 'a', sizeof text);
    assert_code(password_acceptable(whole, none, none, &reason), E_WEAK_PASSWORD);
    for (size_t i = 0; i < PASSWORD_MAX_BYTES; i++)
        text[i] = "abcabcabc1"[i % 3];
    assert_code(password_acceptable(whole, none, none, &reason), E_WEAK_PASSWORD);
    for (size_t i = 0; i < PASSWORD_MAX_BYTES; i++)
        text[i] = "password"[i % 8];
    assert_code(password_acceptable(whole, none, none, &reason), E_WEAK_PASSWORD);
    memset(text, 'a', sizeof text);
    memcpy(text + 900, "kX9#mQ2vL1 purple lamp", 22);
    assert_ok(password_acceptable(view_of(text, 922), none, none, &reason));
    assert_code(password_acceptable(view_of(text, PASSWORD_MAX_BYTES + 1), none, none, &reason), E_INVALID_FIELD);
}

static void shape_is_checked_before_anything(void **state)
{
    const char *reason = NULL;
    char longest[PASSWORD_MAX_BYTES + 1];

    (void)state;
    assert_code(password_acceptable(VIEW("kX9#mQ2v\0L1"), VIEW_EMPTY, VIEW_EMPTY, &reason), E_INVALID_FIELD);
    assert_string_equal(reason, "holds a NUL character");
    assert_code(password_acceptable(VIEW("kX9#mQ2v\xff"), VIEW_EMPTY, VIEW_EMPTY, &reason), E_INVALID_FIELD);
    assert_code(password_acceptable(VIEW("kX9#mQ2v\xc0\x80"), VIEW_EMPTY, VIEW_EMPTY, &reason), E_INVALID_FIELD);
    assert_ok(password_shape(VIEW("x"))); /* a short one may be an imported one */
    assert_code(password_shape(VIEW_EMPTY), E_INVALID_FIELD);
    assert_code(password_shape(VIEW("a\0b")), E_INVALID_FIELD);
    memset(longest, 'x', sizeof longest);
    assert_ok(password_shape(view_of(longest, PASSWORD_MAX_BYTES)));
    assert_code(password_shape(view_of(longest, PASSWORD_MAX_BYTES + 1)), E_INVALID_FIELD);
}

/* H08: one canonical form; nothing that looks like another name. */
static void user_names_have_one_form(void **state)
{
    char out[USERNAME_MAX + 1] = "untouched", longest[USERNAME_MAX + 1];
    static const char *const bad[] = {
        "",
        " ",
        "admin ",
        " admin",
        "ad min",
        "admin\n",
        ".admin",
        "admin.",
        "-a",
        "a@",
        "a/b",
        "a,b",
        "a:b",
        "a\\b",
        "a'b",
        "a\"b",
        "a<b",
        "a%b",
        "a\x01",
        "a\x7f",
        "\xc4\xb1stanbul",
        "\xef\xbd\x81\xef\xbd\x84",
        ("a\xe2\x80\x8b"
         "b"),
        "\xe1\xb4\xac",
        "a\xff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_code(username_canonical(view_text(bad[i]), out), E_INVALID_FIELD);
    assert_code(username_canonical(VIEW("ad\0min"), out), E_INVALID_FIELD);
    assert_string_equal(out, "untouched");
    assert_ok(username_canonical(VIEW("AdMin"), out));
    assert_string_equal(out, "admin");
    assert_ok(username_canonical(VIEW("A.b_c-d+e@F9"), out));
    assert_string_equal(out, "a.b_c-d+e@f9");
    assert_ok(username_canonical(VIEW("7"), out));
    memset(longest, 'a', sizeof longest);
    assert_ok(username_canonical(view_of(longest, USERNAME_MAX), out));
    assert_int_equal(strlen(out), USERNAME_MAX);
    assert_code(username_canonical(view_of(longest, USERNAME_MAX + 1), out), E_INVALID_FIELD);
}

static void email_has_one_form(void **state)
{
    char out[EMAIL_MAX + 1] = "untouched", text[EMAIL_MAX + 2] = "";
    static const char *const bad[] = {
        "",      "a",       "@",           "a@",         "@b",     "a@b@c",  "a b@c", "a@b c", ".a@b",
        "a.@b",  "a..b@c",  "a@.b",        "a@b.",       "a@b..c", "a@-b",   "a@b-",  "a@b_c", "a@[1]",
        "a@b\n", "\"a\"@b", "a\xc3\xa4@b", "a@\xc3\xa4", "a,b@c",  "a<b@c>", "a@b/c",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_code(email_canonical(view_text(bad[i]), out), E_INVALID_FIELD);
    assert_code(email_canonical(VIEW("a\0b@c.d"), out), E_INVALID_FIELD);
    assert_string_equal(out, "untouched");
    assert_ok(email_canonical(VIEW("Alice.O'Neil+x@Mail.EXAMPLE.com"), out));
    assert_string_equal(out, "alice.o'neil+x@mail.example.com");
    assert_ok(email_canonical(VIEW("root@localhost"), out));
    memset(text, 'a', sizeof text);
    text[64] = '@';
    for (size_t i = 65 + 63; i < sizeof text; i += 64)
        text[i] = '.';
    assert_ok(email_canonical(view_of(text, EMAIL_MAX), out));
    assert_code(email_canonical(view_of(text, EMAIL_MAX + 1), out), E_INVALID_FIELD);
    text[64] = 'a';
    text[65] = '@';
    assert_code(email_canonical(view_of(text, 100), out), E_INVALID_FIELD); /* local part of 65 */
}

static void roles_are_sorted_and_unique(void **state)
{
    char out[ROLES_MAX_BYTES + 1] = "untouched", longest[ROLE_MAX + 1];
    struct view some[] = {VIEW("editor"), VIEW("b,a,a"), VIEW(""), VIEW("admin"), VIEW("ab"), VIEW("org:7.x_y-z")};
    static const char *const bad[] = {"A", "a b", "-a", ":a", "a,,b", "a,", ",a", "a\"", "a/b", "\xc3\xa4"};

    (void)state;
    assert_ok(roles_canonical(some, 6, out));
    assert_string_equal(out, "a,ab,admin,b,editor,org:7.x_y-z");
    assert_ok(roles_canonical(NULL, 0, out));
    assert_string_equal(out, "");
    memset(longest, 'r', sizeof longest);
    struct view one = view_of(longest, ROLE_MAX), over = view_of(longest, ROLE_MAX + 1);
    assert_ok(roles_canonical(&one, 1, out));
    assert_code(roles_canonical(&over, 1, out), E_INVALID_FIELD);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct view v = view_text(bad[i]);
        assert_code(roles_canonical(&v, 1, out), E_INVALID_FIELD);
    }
    assert_int_equal(strlen(out), ROLE_MAX); /* untouched since */
}

static void roles_fit_or_fail(void **state)
{
    char out[ROLES_MAX_BYTES + 1], text[16][ROLE_MAX];
    struct view many[16];

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        memset(text[i], (int)('a' + i), ROLE_MAX);
        many[i] = view_of(text[i], ROLE_MAX);
    }
    assert_ok(roles_canonical(many, 7, out));
    assert_code(roles_canonical(many, 8, out), E_INVALID_FIELD); /* 8 × 64 and 7 commas */
}

static void a_role_matches_whole(void **state)
{
    (void)state;
    assert_true(roles_have(VIEW("admin"), VIEW("admin")));
    assert_true(roles_have(VIEW("a,admin,z"), VIEW("admin")));
    assert_true(roles_have(VIEW("a,admin"), VIEW("admin")));
    assert_false(roles_have(VIEW("administrator,sysadmin,admin2"), VIEW("admin")));
    assert_false(roles_have(VIEW(""), VIEW("admin")));
    assert_false(roles_have(VIEW(""), VIEW("")));
    assert_false(roles_have(VIEW("a,b"), VIEW("a,b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_passwords_pass),
        cmocka_unit_test(guessable_passwords_do_not),
        cmocka_unit_test(the_users_own_words_do_not),
        cmocka_unit_test(length_alone_is_not_strength),
        cmocka_unit_test(shape_is_checked_before_anything),
        cmocka_unit_test(user_names_have_one_form),
        cmocka_unit_test(email_has_one_form),
        cmocka_unit_test(roles_are_sorted_and_unique),
        cmocka_unit_test(roles_fit_or_fail),
        cmocka_unit_test(a_role_matches_whole),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
