#include "check.h"

#include "base/timetext.h"

#include <stdio.h>
#include <time.h>

static void known_times(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text, *text_ms;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999Z"},
        {1795222923456, "2026-11-21T01:02:03Z", "2026-11-21T01:02:03.456Z"},
        {951782400000, "2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"},
        {-2203891201000, "1900-02-28T23:59:59Z", "1900-02-28T23:59:59.000Z"},
        {253402300799999, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z"},
        {-62167219200000, "0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
        {INT64_MIN, "0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char storage[32];
        struct buf b = buf_fixed(storage, sizeof storage);
        buf_rfc3339(&b, cases[i].ms);
        assert_buf(&b, cases[i].text);
        buf_reset(&b);
        buf_rfc3339_ms(&b, cases[i].ms);
        assert_buf(&b, cases[i].text_ms);
    }
}

/* Every day of ten thousand years, against the C library's calendar, and back. */
static void every_day_agrees_with_libc(void **state)
{
    (void)state;
    enum { DAY_S = 86400 };
    for (int64_t s = -62167219200 + 3661; s < 253402300800; s += DAY_S) {
        char storage[32], wanted[64];
        struct buf b = buf_fixed(storage, sizeof storage);
        time_t t = (time_t)s;
        struct tm tm;
        int64_t back;
        if (gmtime_r(&t, &tm) == NULL)
            fail();
        snprintf(wanted, sizeof wanted, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                 tm.tm_hour, tm.tm_min, tm.tm_sec);
        buf_rfc3339(&b, s * 1000);
        assert_buf(&b, wanted);
        assert_ok(rfc3339_parse(buf_view(&b), &back));
        if (back != s * 1000)
            fail_msg("%s", wanted);
    }
}

static void times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"2026-11-21T01:02:03Z", 1795222923000},
        {"2026-11-21T01:02:03.4Z", 1795222923400},
        {"2026-11-21T01:02:03.456789Z", 1795222923456},
        {"2026-11-21T03:02:03+02:00", 1795222923000},
        {"2026-11-20T19:32:03-05:30", 1795222923000},
        {"2026-11-21T01:02:03-00:00", 1795222923000},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"0000-01-01T00:00:00+23:59", -62167305540000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms;
        assert_ok(rfc3339_parse(view_text(cases[i].text), &ms));
        if (ms != cases[i].ms)
            fail_msg("%s: %lld", cases[i].text, (long long)ms);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-11-21",
        "2026-11-21T01:02:03",
        "2026-11-21 01:02:03Z",
        "2026-11-21t01:02:03z",
        "2026-11-21T01:02Z",
        "2026-11-21T01:02:03ZZ",
        "2026-11-21T01:02:03Z ",
        "2026-13-21T01:02:03Z",
        "2026-00-21T01:02:03Z",
        "2026-11-00T01:02:03Z",
        "2026-11-31T01:02:03Z",
        "2025-02-29T01:02:03Z",
        "1900-02-29T01:02:03Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T01:60:03Z",
        "2016-12-31T23:59:60Z",
        "2026-11-21T01:02:03.Z",
        "2026-11-21T01:02:03.1234567890Z",
        "2026-11-21T01:02:03,5Z",
        "2026-11-21T01:02:03+0200",
        "2026-11-21T01:02:03+24:00",
        "2026-11-21T01:02:03+02:60",
        "-026-11-21T01:02:03Z",
        "02026-11-21T01:02:03Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms = 7;
        if (cardea_ok(rfc3339_parse(view_text(bad[i]), &ms)))
            fail_msg("accepts %s", bad[i]);
        assert_int_equal(ms, 7);
    }
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"250ms", 250},   {"30s", 30000},      {"15m", 900000},
        {"8h", 28800000}, {"14d", 1209600000}, {"36500d", 3153600000000},
        {"1ms", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char storage[32];
        int64_t ms;
        struct buf b = buf_fixed(storage, sizeof storage);
        assert_ok(duration_parse(view_text(cases[i].text), &ms));
        assert_int_equal(ms, cases[i].ms);
        buf_duration(&b, ms);
        assert_buf(&b, cases[i].text);
    }
    static const char *const bad[] = {"",
                                      "0s",
                                      "s",
                                      "30",
                                      "-1s",
                                      "+1s",
                                      "01s",
                                      "1 s",
                                      "1S",
                                      "1.5h",
                                      "1h30m",
                                      "1w",
                                      "1sm",
                                      "36501d",
                                      "9223372036854775807d",
                                      "99999999999999999999s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms = 7;
        if (cardea_ok(duration_parse(view_text(bad[i]), &ms)))
            fail_msg("accepts %s", bad[i]);
        assert_int_equal(ms, 7);
    }
}

static void the_largest_exact_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "0s"},        {1500, "1500ms"},  {90000, "90s"},  {5400000, "90m"},
                 {86400000, "1d"}, {90000000, "25h"}, {-30000, "-30s"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char storage[32];
        struct buf b = buf_fixed(storage, sizeof storage);
        buf_duration(&b, cases[i].ms);
        assert_buf(&b, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times),    cmocka_unit_test(every_day_agrees_with_libc),
        cmocka_unit_test(times_are_read), cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(durations),      cmocka_unit_test(the_largest_exact_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
