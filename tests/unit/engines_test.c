#include "check.h"

#include "daemon/engines.h"

#include <string.h>

static const char database[] = "postgres://db.example.org/cardea";

static const char *name_of(const char *sessions)
{
    static char name[VERIFIER_SESSIONS_MAX + 1];
    memset(name, 0x5a, sizeof name);
    engines_sessions_name(database, sessions, name);
    assert_non_null(memchr(name, 0, sizeof name));
    return name;
}

static void sessions_of_ones_own_say_so(void **state)
{
    (void)state;
    assert_string_equal(name_of("memory"), "own memory");
    assert_string_equal(name_of("sqlite:/var/lib/cardea/sessions.db"), "own sqlite");
    assert_string_equal(name_of("sqlite:other.db"), "own sqlite");
    assert_false(engines_shared("memory"));
    assert_false(engines_shared("sqlite:x"));
    assert_true(engines_shared("redis://h/0"));
    assert_true(engines_shared(database));
}

static void the_same_sessions_have_one_name(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"redis://h:6379/0", "redis://h:6379/0?user=a&password_file=/a/b"},
        {"rediss://h/0?ca=/etc/one.pem&prefix=x", "rediss://h/0?prefix=x&ca=/elsewhere/two.pem"},
        {"postgres://other/d?schema=s", "postgres://cardea@other/d?passfile=/root/.pgpass&schema=s&sslmode=require"},
    };
    static const char *const different[][2] = {
        {"redis://h:6379/0", "redis://h:6379/1"},
        {"redis://h:6379/0", "redis://g:6379/0"},
        {"redis://h/0?prefix=x", "redis://h/0?prefix=y"},
        {"redis://h/0?prefix=x", "redis://h/0"},
        {"postgres://other/d?schema=s", "postgres://other/d"},
        {"redis+unix:///run/a@b.sock", "redis+unix:///run/b.sock"},
        {"redis://h/0", "memory"},
        /* too long to stand there whole */
        {"redis+unix:///aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1",
         "redis+unix:///aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2"},
    };
    char one[VERIFIER_SESSIONS_MAX + 1];
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        memcpy(one, name_of(same[i][0]), sizeof one);
        assert_string_equal(one, name_of(same[i][1]));
    }
    for (size_t i = 0; i < sizeof different / sizeof different[0]; i++) {
        memcpy(one, name_of(different[i][0]), sizeof one);
        assert_string_not_equal(one, name_of(different[i][1]));
    }
    assert_string_equal(name_of(database), "beside the accounts");
    assert_null(strstr(name_of("postgres://somebody@other/d?passfile=/root/.pgpass"), "somebody"));
    assert_null(strstr(name_of("postgres://somebody@other/d?passfile=/root/.pgpass"), "pgpass"));
}

static void only_a_file_has_a_path(void **state)
{
    (void)state;
    assert_string_equal(engines_database("sqlite:a/b.db"), "a/b.db");
    assert_null(engines_database(database));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_of_ones_own_say_so),
        cmocka_unit_test(the_same_sessions_have_one_name),
        cmocka_unit_test(only_a_file_has_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
