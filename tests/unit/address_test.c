#include "check.h"

#include "base/address.h"

static void addresses_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text, *again;
        uint8_t version;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", 4},
        {"255.255.255.255", "255.255.255.255", 4},
        {"::1", "::1", 6},
        {"::", "::", 6},
        {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1", 6},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", 6},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1", 6},
        {"::ffff:192.0.2.1", "192.0.2.1", 4},
        {"::FFFF:c000:0201", "192.0.2.1", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address a;
        char storage[ADDRESS_TEXT_MAX];
        struct buf b = buf_fixed(storage, sizeof storage);
        assert_ok(address_parse(view_text(cases[i].text), &a));
        assert_int_equal(a.version, cases[i].version);
        buf_address(&b, &a);
        assert_buf(&b, cases[i].again);
    }
    struct address none = {0};
    char storage[8];
    struct buf b = buf_fixed(storage, sizeof storage);
    buf_address(&b, &none);
    assert_buf(&b, "unix");
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "localhost",  "1.2.3",
        "1.2.3.4.5",  "256.0.0.1",  "01.2.3.4",
        "0x7f.0.0.1", "2130706433", "1.2.3.4 ",
        " 1.2.3.4",   "1.2.3.4:80", "[::1]",
        "::1%lo",     ":::",        "1::2::3",
        "12345::",    "::g",        "1.2.3.-4",
        "10.0.0.0/8", "::1/128",    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };
    struct address a = {.version = 9};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (cardea_ok(address_parse(view_text(bad[i]), &a)))
            fail_msg("accepts %s", bad[i]);
    }
    assert_code(address_parse(VIEW("127.0.0.1\0"), &a), E_BAD_REQUEST);
    assert_int_equal(a.version, 9);
}

static bool within(const char *address, const char *range)
{
    struct address a;
    struct address_range r;
    assert_ok(address_parse(view_text(address), &a));
    assert_ok(address_range_parse(view_text(range), &r));
    return address_in(&a, &r);
}

static void ranges(void **state)
{
    (void)state;
    assert_true(within("10.1.2.3", "10.0.0.0/8"));
    assert_false(within("11.1.2.3", "10.0.0.0/8"));
    assert_true(within("10.127.255.255", "10.0.0.0/9"));
    assert_false(within("10.128.0.0", "10.0.0.0/9"));
    assert_true(within("192.0.2.7", "192.0.2.7"));
    assert_false(within("192.0.2.6", "192.0.2.7"));
    assert_true(within("192.0.2.7", "192.0.2.6/31"));
    assert_true(within("203.0.113.9", "0.0.0.0/0"));
    assert_false(within("::1", "0.0.0.0/0"));
    assert_false(within("203.0.113.9", "::/0"));
    assert_true(within("2001:db8:1::5", "2001:db8::/32"));
    assert_false(within("2001:db9::5", "2001:db8::/32"));
    assert_true(within("::ffff:10.1.2.3", "10.0.0.0/8"));
    assert_true(within("10.1.2.3", "::ffff:10.0.0.0/104"));
    assert_true(within("fe80::1", "fe80::/10"));
    struct address none = {0};
    struct address_range all;
    assert_ok(address_range_parse(VIEW("0.0.0.0/0"), &all));
    assert_false(address_in(&none, &all));
    all = (struct address_range){0};
    assert_false(address_in(&none, &all)); /* nor in a range that was never set */
}

static void what_is_no_range_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "10.0.0.0/33",  "10.0.0.0/",          "10.0.0.0/08", "10.0.0.0/-1",         "10.0.0.1/8",  "::/129", "/8",
        "10.0.0.0/8/8", "::ffff:10.0.0.0/95", "10/8",        "10.0.0.0/4294967296", "10.0.0.0/ 8", "::1/127"};
    struct address_range r;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (cardea_ok(address_range_parse(view_text(bad[i]), &r)))
            fail_msg("accepts %s", bad[i]);
    }
}

static bool loopback(const char *text)
{
    struct address a;
    assert_ok(address_parse(view_text(text), &a));
    return address_is_loopback(&a);
}

static void loopback_is_127_8_and_1(void **state)
{
    (void)state;
    assert_true(loopback("127.0.0.1"));
    assert_true(loopback("127.255.0.9"));
    assert_true(loopback("::1"));
    assert_true(loopback("::ffff:127.0.0.1"));
    assert_false(loopback("128.0.0.1"));
    assert_false(loopback("0.0.0.0"));
    assert_false(loopback("::"));
    assert_false(loopback("7f00::1"));
    struct address none = {0};
    assert_false(address_is_loopback(&none));
}

static void neighbours(void **state)
{
    (void)state;
    struct address a, n;
    char storage[64];
    struct buf b = buf_fixed(storage, sizeof storage);
    assert_ok(address_parse(VIEW("2001:db8:1:2:3:4:5:6"), &a));
    n = address_neighbourhood(&a);
    buf_address(&b, &n);
    assert_buf(&b, "2001:db8:1:2::");
    buf_reset(&b);
    assert_ok(address_parse(VIEW("192.0.2.77"), &a));
    n = address_neighbourhood(&a);
    buf_address(&b, &n);
    assert_buf(&b, "192.0.2.77");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(ranges),
        cmocka_unit_test(what_is_no_range_is_refused),
        cmocka_unit_test(loopback_is_127_8_and_1),
        cmocka_unit_test(neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
