/* What libcardea has for requests of browsers: cookies, CSRF tokens. */
#include "library_help.h"

static enum cardea_code find(const char *const *lines, size_t count, const char *name, char out[64])
{
    struct cardea_bytes found[4], value = {NULL, 0};

    for (size_t i = 0; i < count; i++)
        found[i] = cardea_text(lines[i]);
    struct cardea_status s = cardea_cookie_find(found, count, name, &value);
    snprintf(out, 64, "%.*s", (int)value.len, value.ptr == NULL ? "" : (const char *)value.ptr);
    return s.code;
}

static void cookies(void **state)
{
    static const struct {
        const char *lines[3];
        enum cardea_code code;
        const char *value;
    } cases[] = {
        {{"__Host-cardea=abc"}, CARDEA_OK, "abc"},
        {{"a=1; __Host-cardea=abc; b=2"}, CARDEA_OK, "abc"},
        {{"a=1;__Host-cardea=abc\t ;b"}, CARDEA_OK, "abc"},
        {{"a=1", "__Host-cardea=x=y"}, CARDEA_OK, "x=y"},
        {{"__Host-cardea=\"q\""}, CARDEA_OK, "\"q\""},
        {{"__Host-cardea="}, CARDEA_OK, ""},
        {{""}, CARDEA_E_NOT_FOUND, ""},
        {{"__host-cardea=abc"}, CARDEA_E_NOT_FOUND, ""},
        {{"__Host-cardea"}, CARDEA_E_NOT_FOUND, ""},
        {{"__Host-cardea =abc"}, CARDEA_E_NOT_FOUND, ""},
        {{"x__Host-cardea=abc; __Host-cardea-access=abc"}, CARDEA_E_NOT_FOUND, ""},
        {{"a=\"; __Host-cardea=abc\""}, CARDEA_OK, "abc\""}, /* quotes protect nothing: as the service reads it */
        {{"__Host-cardea=a; __Host-cardea=b"}, CARDEA_E_MANY_CREDENTIALS, ""},
        {{"__Host-cardea=a; __Host-cardea=a"}, CARDEA_E_MANY_CREDENTIALS, ""},
        {{"__Host-cardea=a", "__Host-cardea=a"}, CARDEA_E_MANY_CREDENTIALS, ""},
        {{"__Host-cardea=", "__Host-cardea=a"}, CARDEA_E_MANY_CREDENTIALS, ""},
    };
    char value[64];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t count = 0;
        while (count < 3 && cases[i].lines[count] != NULL)
            count++;
        if (find(cases[i].lines, count, CARDEA_COOKIE_SESSION, value) != cases[i].code ||
            strcmp(value, cases[i].value) != 0)
            fail_msg("case %zu: %s gives %s", i, cases[i].lines[0], value);
    }
    struct cardea_bytes line = cardea_text("a=1"), bad = cardea_bytes(NULL, 1), out = {NULL, 0};
    assert_code(cardea_cookie_find(NULL, 0, "a", &out), E_NOT_FOUND);
    assert_code(cardea_cookie_find(NULL, 1, "a", &out), E_USAGE);
    assert_code(cardea_cookie_find(&bad, 1, "a", &out), E_USAGE);
    assert_code(cardea_cookie_find(&line, 1, "", &out), E_USAGE);
    assert_code(cardea_cookie_find(&line, 1, NULL, &out), E_USAGE);
    assert_code(cardea_cookie_find(&line, 1, "a", NULL), E_USAGE);
}

static void sids(void **state)
{
    /* sid 00 01 … 0f, tag and secret of zeros: docs/credentials.md has the layout. */
    char cookie[CARDEA_SESSION_COOKIE_TEXT + 1] = "AAECAwQFBgcICQoLDA0ODw", sid[CARDEA_SID_SIZE] = "x";

    (void)state;
    memset(cookie + 22, 'A', CARDEA_SESSION_COOKIE_TEXT - 22);
    assert_ok(cardea_session_cookie_sid(cardea_text(cookie), sid));
    assert_string_equal(sid, "AAECAwQFBgcICQoLDA0ODw");
    strcpy(sid, "x");
    assert_code(cardea_session_cookie_sid(cardea_bytes(cookie, CARDEA_SESSION_COOKIE_TEXT - 1), sid),
                E_INVALID_SESSION);
    cookie[CARDEA_SESSION_COOKIE_TEXT - 1] = 'B'; /* bits that no byte has */
    assert_code(cardea_session_cookie_sid(cardea_text(cookie), sid), E_INVALID_SESSION);
    cookie[CARDEA_SESSION_COOKIE_TEXT - 1] = '=';
    assert_code(cardea_session_cookie_sid(cardea_text(cookie), sid), E_INVALID_SESSION);
    assert_code(cardea_session_cookie_sid(cardea_text(NULL), sid), E_INVALID_SESSION);
    assert_code(cardea_session_cookie_sid(cardea_bytes(NULL, 75), sid), E_USAGE);
    assert_code(cardea_session_cookie_sid(cardea_text(cookie), NULL), E_USAGE);
    assert_string_equal(sid, "x");
}

static void csrf(void **state)
{
    static const uint8_t key[33] = {7};
    static char long_session[CARDEA_CSRF_SESSION_MAX + 1];
    struct cardea_csrf *c = NULL, *other = NULL;
    char one[CARDEA_CSRF_SIZE], two[CARDEA_CSRF_SIZE];

    (void)state;
    assert_code(cardea_csrf_new(cardea_bytes(key, 31), &c), E_USAGE);
    assert_code(cardea_csrf_new(cardea_bytes(key, 33), &c), E_USAGE);
    assert_code(cardea_csrf_new(cardea_bytes(NULL, 32), &c), E_USAGE);
    assert_code(cardea_csrf_new(cardea_bytes(key, 32), NULL), E_USAGE);
    assert_ok(cardea_csrf_new(cardea_bytes(key, 32), &c));
    assert_ok(cardea_csrf_new(cardea_bytes(key + 1, 32), &other));
    struct cardea_bytes session = cardea_text("session 1");
    assert_ok(cardea_csrf_make(c, session, one));
    assert_ok(cardea_csrf_make(c, session, two));
    assert_int_equal(strlen(one), CARDEA_CSRF_SIZE - 1);
    assert_string_not_equal(one, two); /* masked anew */
    assert_ok(cardea_csrf_check(c, session, cardea_text(one)));
    assert_ok(cardea_csrf_check(c, session, cardea_text(two)));
    assert_code(cardea_csrf_check(other, session, cardea_text(one)), E_CSRF);
    assert_code(cardea_csrf_check(c, cardea_text("session 2"), cardea_text(one)), E_CSRF);
    for (size_t at = 0; at < CARDEA_CSRF_SIZE - 1; at++) {
        memcpy(two, one, sizeof two);
        two[at] = two[at] == 'A' ? 'B' : 'A';
        assert_code(cardea_csrf_check(c, session, cardea_text(two)), E_CSRF);
    }
    assert_code(cardea_csrf_check(c, session, cardea_text("")), E_CSRF);
    assert_code(cardea_csrf_check(c, session, cardea_text(NULL)), E_CSRF);
    assert_code(cardea_csrf_check(c, session, cardea_bytes(NULL, 43)), E_USAGE);
    assert_code(cardea_csrf_check(c, cardea_text(""), cardea_text(one)), E_USAGE);
    assert_code(cardea_csrf_check(NULL, session, cardea_text(one)), E_USAGE);
    assert_code(cardea_csrf_make(NULL, session, one), E_USAGE);
    assert_code(cardea_csrf_make(c, session, NULL), E_USAGE);
    assert_code(cardea_csrf_make(c, cardea_text(NULL), one), E_USAGE);
    assert_code(cardea_csrf_make(c, cardea_bytes(long_session, sizeof long_session), one), E_USAGE);
    assert_ok(cardea_csrf_make(c, cardea_bytes(long_session, sizeof long_session - 1), one));
    cardea_csrf_free(c);
    cardea_csrf_free(other);
    cardea_csrf_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cookies), cmocka_unit_test(sids), cmocka_unit_test(csrf)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
