/* Whose word counts about where a request came from? */
#include "check.h"

#include "daemon/proxy.h"

static struct address_range ranges[2];
static const struct proxies proxies = {ranges, 2};

static int set_up(void **state)
{
    (void)state;
    return cardea_ok(address_range_parse(VIEW("192.0.2.0/24"), &ranges[0])) &&
                   cardea_ok(address_range_parse(VIEW("2001:db8::/32"), &ranges[1]))
               ? 0
               : 1;
}

static struct peer peer_at(const char *address, bool tls)
{
    struct peer p = {.tls = tls};
    if (address != NULL)
        assert_ok(address_parse(view_text(address), &p.address));
    p.trusted = address == NULL || proxies_list(&proxies, &p.address);
    return p;
}

static struct request resolve(struct peer peer, const char *forwarded, const char *again, const char *proto)
{
    struct request r = {0};
    if (forwarded != NULL)
        r.headers[r.header_count++] = (struct header){VIEW("x-forwarded-for"), view_text(forwarded)};
    if (again != NULL)
        r.headers[r.header_count++] = (struct header){VIEW("X-Forwarded-For"), view_text(again)};
    if (proto != NULL)
        r.headers[r.header_count++] = (struct header){VIEW("X-Forwarded-Proto"), view_text(proto)};
    proxy_resolve(&proxies, &peer, &r);
    return r;
}

static void client_is(struct request r, const char *text)
{
    char room[ADDRESS_TEXT_MAX + 1];
    struct buf b = buf_fixed(room, sizeof room);
    buf_address(&b, &r.client);
    assert_buf(&b, text);
}

static void strangers_are_not_believed(void **state)
{
    (void)state;
    struct request r = resolve(peer_at("203.0.113.5", false), "127.0.0.1", NULL, "https");
    client_is(r, "203.0.113.5");
    assert_false(r.proxied);
    assert_false(r.secure);
    assert_true(resolve(peer_at("203.0.113.5", true), NULL, NULL, "http").secure);
    assert_true(resolve(peer_at("127.0.0.1", false), NULL, NULL, "http").secure);
}

static void the_nearest_stranger_is_the_client(void **state)
{
    (void)state;
    struct peer p = peer_at("192.0.2.1", false);
    client_is(resolve(p, "198.51.100.1", NULL, NULL), "198.51.100.1");
    client_is(resolve(p, "10.0.0.1,198.51.100.1", NULL, NULL), "198.51.100.1");
    client_is(resolve(p, "198.51.100.1, 192.0.2.9 ,2001:db8::7", NULL, NULL), "198.51.100.1");
    client_is(resolve(p, "10.0.0.1", "198.51.100.1", NULL), "198.51.100.1");
    client_is(resolve(p, "198.51.100.1", "192.0.2.9", NULL), "198.51.100.1");
    client_is(resolve(p, "192.0.2.8, 192.0.2.9", NULL, NULL), "192.0.2.8");
    client_is(resolve(p, "::ffff:198.51.100.1", NULL, NULL), "198.51.100.1");
}

static void nonsense_ends_the_walk_at_the_last_good_hop(void **state)
{
    (void)state;
    struct peer p = peer_at("192.0.2.1", false);
    const char *const bad[] = {"",     ",",      " ",         "unknown", "_hidden",         "1.2.3",
                               "[::1", "[::1]x", "1.2.3.4.5", "a:b:c",   "127.0.0.1 ;drop", "127.0.0.1,"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        client_is(resolve(p, bad[i], NULL, NULL), "192.0.2.1");
    client_is(resolve(p, "127.0.0.1, x, 192.0.2.9", NULL, NULL), "192.0.2.9");
}

static void ports_are_dropped(void **state)
{
    (void)state;
    struct peer p = peer_at("192.0.2.1", false);
    client_is(resolve(p, "198.51.100.1:443", NULL, NULL), "198.51.100.1");
    client_is(resolve(p, "[2001:db9::1]:443", NULL, NULL), "2001:db9::1");
    client_is(resolve(p, "[2001:db9::1]", NULL, NULL), "2001:db9::1");
    client_is(resolve(p, "2001:db9::1", NULL, NULL), "2001:db9::1");
}

static void the_proxy_says_how_it_travelled(void **state)
{
    (void)state;
    struct peer p = peer_at("192.0.2.1", false);
    assert_true(resolve(p, NULL, NULL, "https").secure);
    assert_true(resolve(p, NULL, NULL, "http, HTTPS").secure);
    assert_false(resolve(p, NULL, NULL, "https, http").secure);
    assert_false(resolve(p, NULL, NULL, "httpsx").secure);
    assert_false(resolve(p, NULL, NULL, NULL).secure);
    assert_true(resolve(p, NULL, NULL, "https").proxied);
}

static void a_unix_socket_is_trusted(void **state)
{
    (void)state;
    client_is(resolve(peer_at(NULL, false), NULL, NULL, NULL), "unix");
    assert_true(resolve(peer_at(NULL, false), NULL, NULL, NULL).secure);
    client_is(resolve(peer_at(NULL, false), "198.51.100.1", NULL, NULL), "198.51.100.1");
    assert_false(resolve(peer_at(NULL, false), "198.51.100.1", NULL, "http").secure);
}

/* Promise 9: HTTPS always. */
static void plain_http_is_for_loopback_and_proxies(void **state)
{
    (void)state;
    const struct {
        const char *address;
        bool tls, fine;
    } cases[] = {
        {"127.0.0.1", false, true},    {"127.9.9.9", false, true},  {"::1", false, true},
        {NULL, false, true},           {"192.0.2.7", false, true},  {"2001:db8::1", false, true},
        {"203.0.113.5", false, false}, {"10.0.0.1", false, false},  {"2001:db9::1", false, false},
        {"203.0.113.5", true, true},   {"2001:db9::1", true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer p = peer_at(cases[i].address, cases[i].tls);
        assert_int_equal(peer_is_private(&p), cases[i].fine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_are_not_believed),
        cmocka_unit_test(the_nearest_stranger_is_the_client),
        cmocka_unit_test(nonsense_ends_the_walk_at_the_last_good_hop),
        cmocka_unit_test(ports_are_dropped),
        cmocka_unit_test(the_proxy_says_how_it_travelled),
        cmocka_unit_test(a_unix_socket_is_trusted),
        cmocka_unit_test(plain_http_is_for_loopback_and_proxies),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
