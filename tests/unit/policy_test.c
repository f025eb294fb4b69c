#include "check.h"

#include "house.h"

static struct settings *settings;
static struct identity who;
static struct policy policy;

static int setup(void **state)
{
    (void)state;
    settings = calloc(1, sizeof *settings);
    if (settings == NULL)
        return -1;
    settings_defaults(settings);
    struct user_record u = {.epoch = 1, .status = USER_ACTIVE};
    snprintf(u.username, sizeof u.username, "alice");
    snprintf(u.roles, sizeof u.roles, "admin,caf\xc3\xa9,staff");
    memset(&who, 0, sizeof who);
    memset(&policy, 0, sizeof policy);
    if (!cardea_ok(table_user_from_record(&u, &who.user)))
        return -1;
    who.kind = KIND_SESSION;
    who.app = settings_app(settings, VIEW("web"), NULL);
    who.authenticated_at_ms = HOUSE_NOW - 1000;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(settings);
    return 0;
}

static struct cardea_status check(void)
{
    return policy_check(&policy, settings, &who, HOUSE_NOW);
}

static void set_scopes(const char *scopes)
{
    who.scopes_len = (uint16_t)strlen(scopes);
    memcpy(who.scopes, scopes, who.scopes_len);
}

static void an_empty_policy_asks_nothing(void **state)
{
    (void)state;
    assert_ok(check());
    assert_ok(policy_check(NULL, settings, &who, HOUSE_NOW));
}

/* A policy for somebody else's users: a local account of the same name, with whatever credential, is none of them. */
static void ours_are_not_anothers(void **state)
{
    (void)state;
    policy.issuer_count = 1;
    policy.issuer_bits = 1;
    for (unsigned kind = KIND_SESSION; kind <= KIND_SEALED; kind <<= 1) {
        who.kind = (enum credential_kind)kind;
        who.audience = settings_audience(settings, who.app);
        assert_code(check(), E_FORBIDDEN);
        policy.own_tokens = true;
        assert_ok(check());
        policy.own_tokens = false;
    }
}

static void kinds(void **state)
{
    (void)state;
    policy.kinds = KIND_TOKEN | KIND_KEY;
    assert_code(check(), E_FORBIDDEN);
    policy.kinds = KIND_SESSION;
    assert_ok(check());
}

static void apps(void **state)
{
    (void)state;
    policy.app_count = 2;
    strcpy(policy.apps[0], "mobile");
    strcpy(policy.apps[1], "strict");
    assert_code(check(), E_FORBIDDEN);
    strcpy(policy.apps[1], "web");
    assert_ok(check());
    /* A key passes where an app for programs is named. */
    who.kind = KIND_KEY;
    who.app = NULL;
    assert_code(check(), E_FORBIDDEN);
    strcpy(policy.apps[0], "api");
    assert_ok(check());
}

static void one_of_the_roles(void **state)
{
    (void)state;
    policy.role_count = 1;
    static const char *const held[] = {"admin", "staff", "caf\xc3\xa9"};
    static const char *const not_held[] = {"adm",       "admin,staff", "Admin",  "",    "taff", "admin,",
                                           "caf%C3%A9", "cafe",        "staff ", "caf", "%",    ","};
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) {
        strcpy(policy.roles[0], held[i]);
        assert_ok(check());
        assert_true(identity_has_role(&who, held[i]));
    }
    for (size_t i = 0; i < sizeof not_held / sizeof not_held[0]; i++) {
        strcpy(policy.roles[0], not_held[i]);
        assert_code(check(), E_FORBIDDEN);
        assert_false(identity_has_role(&who, not_held[i]));
    }
    policy.role_count = 2;
    strcpy(policy.roles[1], "staff");
    assert_ok(check());
    who.user.roles_len = 0;
    assert_code(check(), E_FORBIDDEN);
}

static void all_of_the_scopes_for_a_key(void **state)
{
    (void)state;
    policy.scope_count = 2;
    strcpy(policy.scopes[0], "read");
    strcpy(policy.scopes[1], "write");
    assert_ok(check()); /* scopes narrow keys; a login has all its user has */
    who.kind = KIND_KEY;
    who.app = NULL;
    set_scopes("");
    assert_code(check(), E_FORBIDDEN);
    set_scopes("read");
    assert_code(check(), E_FORBIDDEN);
    set_scopes("read writer");
    assert_code(check(), E_FORBIDDEN);
    set_scopes("other write read");
    assert_ok(check());
}

static void audience_of_a_token(void **state)
{
    (void)state;
    strcpy(policy.audience, "https://api.example");
    assert_ok(check()); /* a session has none */
    who.kind = KIND_TOKEN;
    who.audience = view_text(settings->public_url);
    assert_code(check(), E_FORBIDDEN);
    assert_ok(policy_check(NULL, settings, &who, HOUSE_NOW));
    who.audience = VIEW("https://api.example");
    assert_ok(check());
    assert_code(policy_check(NULL, settings, &who, HOUSE_NOW), E_FORBIDDEN);
}

static void age_of_the_login(void **state)
{
    (void)state;
    policy.login_age_max_ms = 1000;
    assert_ok(check());
    who.authenticated_at_ms--;
    assert_code(check(), E_LOGIN_TOO_OLD);
    who.authenticated_at_ms = 0;
    assert_code(check(), E_NOT_FOUND);
    who.kind = KIND_KEY;
    who.app = NULL;
    assert_code(check(), E_FORBIDDEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(an_empty_policy_asks_nothing),
        TEST(ours_are_not_anothers),
        TEST(kinds),
        TEST(apps),
        TEST(one_of_the_roles),
        TEST(all_of_the_scopes_for_a_key),
        TEST(audience_of_a_token),
        TEST(age_of_the_login),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
