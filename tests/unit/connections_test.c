/* Who is let in, who makes room, who is cut? With socket pairs: the far end sees the cut. */
#include "check.h"

#include "daemon/connections.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct line {
    struct connection_entry entry;
    int far;
};
static struct line lines[32];

static struct address address_of(uint8_t last)
{
    return (struct address){.version = 4, .bytes = {192, 0, 2, last}};
}

static struct line *open_line(struct connections *c, int number, uint8_t source, bool exempt)
{
    int ends[2];
    struct line *l = &lines[number];
    memset(l, 0, sizeof *l);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    l->entry.fd = ends[0];
    l->far = ends[1];
    l->entry.source = address_of(source);
    l->entry.exempt = exempt;
    atomic_store(&l->entry.deadline_ms, INT64_MAX);
    atomic_store(&l->entry.since_ms, number);
    assert_ok(connections_add(c, &l->entry));
    return l;
}

static bool was_cut(const struct line *l)
{
    char byte;
    return recv(l->far, &byte, 1, MSG_DONTWAIT) == 0;
}

static void close_line(struct connections *c, struct line *l)
{
    connections_remove(c, &l->entry);
    close(l->entry.fd);
    close(l->far);
}

static bool admits(struct connections *c, uint8_t source, bool exempt)
{
    struct address a = address_of(source);
    return connections_admit(c, &a, exempt);
}

static void the_longest_waiting_of_an_address_makes_room(void **state)
{
    (void)state;
    struct connections c;
    connections_init(&c, 100, 2);
    struct line *other = open_line(&c, 0, 9, false), *a = open_line(&c, 1, 1, false), *b = open_line(&c, 2, 1, false);
    assert_true(admits(&c, 2, false));
    assert_true(admits(&c, 1, false));
    assert_true(was_cut(a));
    assert_false(was_cut(b) || was_cut(other));
    /* One that has been cut is not cut again: the next goes. */
    assert_true(admits(&c, 1, false));
    assert_true(was_cut(b));
    assert_false(admits(&c, 1, false));
    close_line(&c, a);
    assert_true(admits(&c, 1, false));
    assert_int_equal(connections_stats(&c).evicted, 2);
    assert_int_equal(connections_stats(&c).refused, 1);
    close_line(&c, b);
    close_line(&c, other);
    connections_clear(&c);
}

static void one_with_a_request_is_never_cut_for_another(void **state)
{
    (void)state;
    struct connections c;
    connections_init(&c, 100, 1);
    struct line *a = open_line(&c, 1, 1, false);
    atomic_store(&a->entry.busy, true);
    assert_int_equal(connections_busy(&c), 1);
    assert_false(admits(&c, 1, false));
    assert_false(was_cut(a));
    close_line(&c, a);
    connections_clear(&c);
}

static void trusted_peers_count_only_in_all(void **state)
{
    (void)state;
    struct connections c;
    connections_init(&c, 3, 1);
    struct line *all[3];
    for (int i = 0; i < 3; i++) {
        assert_true(admits(&c, 1, true));
        all[i] = open_line(&c, i, 1, true);
    }
    assert_true(admits(&c, 1, true));
    assert_true(was_cut(all[0]));
    for (int i = 0; i < 3; i++)
        close_line(&c, all[i]);
    connections_clear(&c);
}

static void an_ipv6_network_is_one_address(void **state)
{
    (void)state;
    struct connections c;
    struct address first, second, elsewhere;
    assert_ok(address_parse(VIEW("2001:db8:0:1::1"), &first));
    assert_ok(address_parse(VIEW("2001:db8:0:1:ffff::2"), &second));
    assert_ok(address_parse(VIEW("2001:db8:0:2::1"), &elsewhere));
    connections_init(&c, 100, 1);
    struct line *l = &lines[0];
    int ends[2];
    memset(l, 0, sizeof *l);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    l->entry.fd = ends[0];
    l->far = ends[1];
    l->entry.source = first;
    l->entry.busy = true;
    assert_ok(connections_add(&c, &l->entry));
    assert_false(connections_admit(&c, &second, false));
    assert_true(connections_admit(&c, &elsewhere, false));
    close_line(&c, l);
    connections_clear(&c);
}

static void the_overdue_are_cut_once(void **state)
{
    (void)state;
    struct connections c;
    connections_init(&c, 100, 100);
    struct line *a = open_line(&c, 0, 1, false), *b = open_line(&c, 1, 2, false);
    atomic_store(&a->entry.deadline_ms, 500);
    atomic_store(&b->entry.deadline_ms, 501);
    assert_int_equal(connections_reap(&c, 499), 0);
    assert_int_equal(connections_reap(&c, 500), 1);
    assert_true(was_cut(a));
    assert_false(was_cut(b));
    assert_int_equal(connections_reap(&c, 500), 0);
    close_line(&c, a);
    close_line(&c, b);
    connections_clear(&c);
}

static void counts_return_to_nothing(void **state)
{
    (void)state;
    struct connections c;
    connections_init(&c, 100, 3);
    for (int round = 0; round < 50; round++) {
        struct line *open[30];
        for (int i = 0; i < 30; i++)
            open[i] = open_line(&c, i, (uint8_t)(i % 11), false);
        for (int i = 29; i >= 0; i--)
            close_line(&c, open[i]);
    }
    for (int i = 0; i < CONNECTION_BUCKETS; i++)
        assert_null(c.counts[i]);
    assert_int_equal(connections_stats(&c).open, 0);
    connections_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_waiting_of_an_address_makes_room),
        cmocka_unit_test(one_with_a_request_is_never_cut_for_another),
        cmocka_unit_test(trusted_peers_count_only_in_all),
        cmocka_unit_test(an_ipv6_network_is_one_address),
        cmocka_unit_test(the_overdue_are_cut_once),
        cmocka_unit_test(counts_return_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
