#include "check.h"

#include <stdlib.h>

#include "core/settings.h"

static struct settings *defaults(void)
{
    struct settings *s = calloc(1, sizeof *s);
    assert_non_null(s);
    settings_defaults(s);
    return s;
}

static void add_app(struct settings *s, const char *name, const char *profile)
{
    app_from_profile(&s->apps[s->app_count++], view_text(name), profile_find(view_text(profile)));
}

static void a_new_state_has_one_app_a_profile(void **state)
{
    (void)state;
    struct settings *s = defaults();
    static const char *const names[] = {"web", "spa", "mobile", "service", "strict", "sealed", "api"};
    assert_int_equal(s->app_count, 7);
    for (size_t i = 0; i < 7; i++) {
        uint16_t index = 99;
        const struct app *app = settings_app(s, view_text(names[i]), &index);
        assert_non_null(app);
        assert_ptr_equal(app, settings_app_at(s, index));
        assert_int_equal(app->profile, profile_find(view_text(names[i]))->profile);
    }
    assert_null(settings_app(s, VIEW("sealed2"), NULL));
    assert_null(settings_app(s, VIEW(""), NULL));
    assert_null(settings_app_at(s, 7));
    assert_int_equal(s->policy_count, 0);
    assert_null(settings_policy(s, VIEW("")));
    assert_string_equal(s->public_url, "http://127.0.0.1:8420");
    assert_true(argon2_cost_acceptable(s->argon2));
    free(s);
}

static void profiles_are_those_of_the_design(void **state)
{
    (void)state;
    enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };
    const int64_t day = 24 * (int64_t)HOUR;
    const struct {
        const char *name;
        enum carrier carrier;
        int64_t idle, absolute, access;
    } wanted[] = {
        {"web", CARRIER_SESSION_COOKIE, 8 * HOUR, 7 * day, 0},
        {"spa", CARRIER_TOKEN_COOKIES, 7 * day, 30 * day, 15 * MINUTE},
        {"mobile", CARRIER_BODY, 30 * day, 90 * day, 15 * MINUTE},
        {"service", CARRIER_BODY, 0, day, 5 * MINUTE},
        {"strict", CARRIER_SESSION_COOKIE, 15 * MINUTE, 12 * HOUR, 0},
        {"sealed", CARRIER_SEALED_COOKIE, 2 * HOUR, 12 * HOUR, 15 * MINUTE},
        {"api", CARRIER_NONE, 0, 365 * day, 0},
    };
    assert_int_equal(profile_info_count, sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < profile_info_count; i++) {
        const struct profile_info *p = profile_find(view_text(wanted[i].name));
        assert_non_null(p);
        assert_int_equal(p->carrier, wanted[i].carrier);
        assert_int_equal(p->idle_ms, wanted[i].idle);
        assert_int_equal(p->absolute_ms, wanted[i].absolute);
        assert_int_equal(p->access_ms, wanted[i].access);
        assert_true(p->available);
        assert_true(p->access_ms <= HOUR);
        assert_true(strlen(p->purpose) > 20 && strlen(p->tradeoff) > 40 && strlen(p->credential) > 5);
        bool cookies = p->carrier != CARRIER_BODY && p->carrier != CARRIER_NONE;
        assert_int_equal(p->same_site, cookies ? SAME_SITE_STRICT : SAME_SITE_UNSET);
    }
    assert_null(profile_find(VIEW("Web")));
    assert_null(profile_find(VIEW("we")));
    assert_null(profile_find(VIEW("")));
}

static void the_audience_defaults_to_the_issuer(void **state)
{
    (void)state;
    struct settings *s = defaults();
    assert_text(settings_audience(s, &s->apps[0]), "http://127.0.0.1:8420");
    strcpy(s->apps[0].audience, "https://api.example");
    assert_text(settings_audience(s, &s->apps[0]), "https://api.example");
    free(s);
}

static void a_name_that_is_too_long_is_not_cut(void **state)
{
    (void)state;
    struct app app;
    app_from_profile(&app, VIEW("an-app-name-of-more-than-32-bytes"), profile_find(VIEW("web")));
    assert_string_equal(app.name, "");
}

static void strict_may_choose_tokens(void **state)
{
    (void)state;
    struct app app;
    app_from_profile(&app, VIEW("bank"), profile_find(VIEW("strict")));
    assert_false(app.live);
    app_take_tokens(&app);
    assert_true(app.live);
    assert_int_equal(app.carrier, CARRIER_BODY);
    assert_int_equal(app.access_ms, 5 * 60 * 1000);
    assert_int_equal(app.idle_ms, 15 * 60 * 1000);
    assert_int_equal(app.same_site, SAME_SITE_UNSET);
}

static void a_sealed_text_reaches_as_far_as_its_session(void **state)
{
    (void)state;
    struct app app = {.access_ms = 900, .idle_ms = 7200, .absolute_ms = 43200};
    assert_int_equal(app_sealed_reach_ms(&app), 8100);
    app.absolute_ms = 8000;
    assert_int_equal(app_sealed_reach_ms(&app), 8000);
    app.idle_ms = 0;
    assert_int_equal(app_sealed_reach_ms(&app), 8000);
}

static void an_app_keeps_its_place_over_reloads(void **state)
{
    (void)state;
    struct settings *old = defaults(), *next = defaults();
    next->app_count = 0;
    add_app(next, "new", "web");
    add_app(next, "strict", "strict");
    add_app(next, "web", "spa");
    assert_ok(settings_keep_places(next, old));
    uint16_t index;
    assert_non_null(settings_app(next, VIEW("web"), &index));
    assert_int_equal(index, 0);
    assert_int_equal(next->apps[0].profile, PROFILE_SPA);
    assert_non_null(settings_app(next, VIEW("strict"), &index));
    assert_int_equal(index, 4);
    assert_non_null(settings_app(next, VIEW("new"), &index));
    assert_int_equal(index, 7);
    /* Gone, and nobody's. */
    assert_null(settings_app(next, VIEW("mobile"), NULL));
    assert_null(settings_app_at(next, 2));

    struct settings *later = defaults();
    later->app_count = 0;
    add_app(later, "other", "web");
    add_app(later, "mobile", "mobile");
    assert_ok(settings_keep_places(later, next));
    assert_non_null(settings_app(later, VIEW("mobile"), &index));
    assert_int_equal(index, 2);
    assert_non_null(settings_app(later, VIEW("other"), &index));
    assert_int_equal(index, 8);
    free(old);
    free(next);
    free(later);
}

static void more_places_than_there_are_fail(void **state)
{
    (void)state;
    struct settings *old = defaults(), *next = defaults();
    next->app_count = 0;
    for (int i = 0; i < APPS_MAX - 5; i++) {
        char name[3] = {(char)('a' + i / 26), (char)('a' + i % 26), 0};
        add_app(next, name, "web");
    }
    assert_code(settings_keep_places(next, old), E_LIMIT);
    free(old);
    free(next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_state_has_one_app_a_profile),
        cmocka_unit_test(profiles_are_those_of_the_design),
        cmocka_unit_test(the_audience_defaults_to_the_issuer),
        cmocka_unit_test(a_name_that_is_too_long_is_not_cut),
        cmocka_unit_test(an_app_keeps_its_place_over_reloads),
        cmocka_unit_test(more_places_than_there_are_fail),
        cmocka_unit_test(strict_may_choose_tokens),
        cmocka_unit_test(a_sealed_text_reaches_as_far_as_its_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
