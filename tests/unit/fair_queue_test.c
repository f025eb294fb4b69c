/* Does one source that floods the queue cost the others their turn or their place? */
#include "check.h"

#include "daemon/fair_queue.h"

struct item {
    struct queue_entry entry;
    int number;
};

static struct item items[64];
static int made;

static struct item *item(uint8_t source)
{
    struct item *i = &items[made];
    *i = (struct item){.number = made++};
    i->entry.source = (struct address){.version = 4, .bytes = {192, 0, 2, source}};
    return i;
}

static struct fair_queue queue_of(uint32_t capacity)
{
    struct fair_queue q;
    made = 0;
    assert_ok(fair_queue_init(&q, capacity));
    return q;
}

static int push(struct fair_queue *q, uint8_t source)
{
    struct queue_entry *displaced;
    struct item *i = item(source);
    assert_true(fair_queue_push(q, &i->entry, &displaced));
    assert_null(displaced);
    return i->number;
}

static int pop(struct fair_queue *q)
{
    struct queue_entry *entry = fair_queue_pop(q);
    return entry == NULL ? -1 : ((struct item *)(void *)entry)->number;
}

static void one_source_is_served_in_order(void **state)
{
    (void)state;
    struct fair_queue q = queue_of(4);
    for (int i = 0; i < 4; i++)
        push(&q, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pop(&q), i);
    assert_int_equal(pop(&q), -1);
    fair_queue_clear(&q);
}

static void sources_are_served_in_turn(void **state)
{
    (void)state;
    struct fair_queue q = queue_of(8);
    int a0 = push(&q, 1), a1 = push(&q, 1), a2 = push(&q, 1);
    int b0 = push(&q, 2), c0 = push(&q, 3), b1 = push(&q, 2);
    const int wanted[] = {a0, b0, c0, a1, b1, a2, -1};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_int_equal(pop(&q), wanted[i]);
    fair_queue_clear(&q);
}

static void a_newcomer_waits_for_all_that_are_there(void **state)
{
    (void)state;
    struct fair_queue q = queue_of(8);
    int a0 = push(&q, 1), b0 = push(&q, 2);
    assert_int_equal(pop(&q), a0);
    int a1 = push(&q, 1);
    assert_int_equal(pop(&q), b0);
    assert_int_equal(pop(&q), a1);
    fair_queue_clear(&q);
}

static void when_full_the_longest_line_gives_way(void **state)
{
    (void)state;
    struct fair_queue q = queue_of(4);
    struct queue_entry *displaced;
    for (int i = 0; i < 4; i++)
        push(&q, 1);
    struct item *b = item(2);
    assert_true(fair_queue_push(&q, &b->entry, &displaced));
    assert_ptr_equal(displaced, &items[3]);
    struct item *c = item(2);
    assert_true(fair_queue_push(&q, &c->entry, &displaced));
    assert_ptr_equal(displaced, &items[2]);
    /* Now both have two: nobody has more than a newcomer of either would. */
    struct item *d = item(2), *e = item(1);
    assert_false(fair_queue_push(&q, &d->entry, &displaced));
    assert_false(fair_queue_push(&q, &e->entry, &displaced));
    assert_null(displaced);
    assert_int_equal(q.count, 4);
    fair_queue_clear(&q);
}

static void a_source_never_displaces_itself(void **state)
{
    (void)state;
    struct fair_queue q = queue_of(1);
    struct queue_entry *displaced;
    push(&q, 1);
    struct item *a = item(1), *b = item(2);
    assert_false(fair_queue_push(&q, &a->entry, &displaced));
    assert_false(fair_queue_push(&q, &b->entry, &displaced));
    fair_queue_clear(&q);
}

static void without_places_nobody_waits(void **state)
{
    (void)state;
    struct fair_queue q = queue_of(0);
    struct queue_entry *displaced;
    struct item *a = item(1);
    assert_false(fair_queue_push(&q, &a->entry, &displaced));
    assert_int_equal(pop(&q), -1);
    fair_queue_clear(&q);
}

/* Whatever is pushed and popped, everything comes out once, each source's in its order. */
static void nothing_is_lost(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 200; round++) {
        struct fair_queue q = queue_of(5);
        int last[4] = {-1, -1, -1, -1}, in = 0, out = 0;
        while (made < 60) {
            seed = seed * 1664525u + 1013904223u;
            struct queue_entry *displaced = NULL;
            if (seed >> 31) {
                struct item *i = item((uint8_t)((seed >> 16) & 3));
                in += fair_queue_push(&q, &i->entry, &displaced);
                out += displaced != NULL;
            } else {
                struct queue_entry *entry = fair_queue_pop(&q);
                if (entry == NULL)
                    continue;
                int number = ((struct item *)(void *)entry)->number, source = entry->source.bytes[3];
                assert_true(number > last[source]);
                last[source] = number;
                out++;
            }
            assert_int_equal(q.count, in - out);
        }
        fair_queue_clear(&q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_source_is_served_in_order),
        cmocka_unit_test(sources_are_served_in_turn),
        cmocka_unit_test(a_newcomer_waits_for_all_that_are_there),
        cmocka_unit_test(when_full_the_longest_line_gives_way),
        cmocka_unit_test(a_source_never_displaces_itself),
        cmocka_unit_test(without_places_nobody_waits),
        cmocka_unit_test(nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
