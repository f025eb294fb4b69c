/* Does the verification table keep its word to readers that run at the same time as its writer? Made for the thread
 * sanitizer (-Db_sanitize=thread); bounded by counts, not by time. */
#include <pthread.h>

#include "table_story.h"

enum { READERS = 3, CHANGES = 120000, PORTION = 64 };

struct play {
    struct world x;
    struct story *st;
    _Atomic bool over;
    _Atomic uint64_t looks;
};

static void *read_along(void *argument)
{
    struct play *p = argument;
    uint64_t noise = (uint64_t)(uintptr_t)&noise, looks = 0;
    struct table *t; /* its own view, as another process would have */
    if (!cardea_ok(table_attach(p->x.block, p->x.size, p->x.seen, p->x.seen_size, &t))) {
        story_wrong(p->st, 6, 0, 0);
        return NULL;
    }
    for (; !p->over || looks < 1000; looks++)
        story_check(p->st, t, &noise);
    p->looks += looks;
    table_detach(t);
    return NULL;
}

/* Whatever readers noted must be about sessions that were there, at times that they said. */
static void take_notes(struct play *p)
{
    struct session_id sids[PORTION];
    int64_t seen[PORTION];
    uint32_t count = table_take_seen(p->x.w, NOW + 50 * 1000, sids, seen, PORTION);
    for (uint32_t i = 0; i < count; i++) {
        struct table_session s;
        assert_int_equal(table_find_session(p->x.t, sids[i], &s), TABLE_HIT);
        assert_true(seen[i] > NOW && seen[i] <= NOW + 50 * 1000);
    }
}

static void readers_see_only_what_was_written(void **state)
{
    (void)state;
    struct play p = {.x = world_open(SUBJECTS + 2, 16, &(struct table_host){give_back_shared, NULL}),
                     .st = story_open()};
    pthread_t readers[READERS];
    uint64_t noise = 42;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_along, &p), 0);
    bool ok = true;
    for (int i = 0; i < CHANGES && ok && p.st->wrong == 0; i++) {
        ok = story_goes_on(p.st, &p.x, &noise);
        if (i % 256 == 0)
            take_notes(&p);
    }
    p.over = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_true(ok);
    if (p.st->wrong != 0)
        fail_msg("a reader found %llx", (unsigned long long)p.st->wrong);
    /* Not knowing is allowed, and rare. */
    assert_true(p.st->unknown * 1000 <= p.looks);
    assert_false(table_stats(p.x.t).incomplete);
    assert_true(table_stats(p.x.t).index_capacity > 1 << 13); /* it grew meanwhile */
    story_close(p.st);
    world_close(&p.x);
}

/* Sessions come and go so fast in so few cells that readers meet the writer all the time. */
static void two_cells_changing_hands(void **state)
{
    (void)state;
    struct play p = {.x = world_open(SUBJECTS + 1, 16, NULL), .st = story_open()};
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_along, &p), 0);
    bool ok = true;
    for (int i = 0; i < CHANGES / 2 && ok && p.st->wrong == 0; i++)
        ok = story_session_goes_on(p.st, &p.x, (uint64_t)i % 2);
    p.over = true;
    pthread_join(reader, NULL);
    assert_true(ok);
    if (p.st->wrong != 0)
        fail_msg("a reader found %llx", (unsigned long long)p.st->wrong);
    story_close(p.st);
    world_close(&p.x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_only_what_was_written),
        cmocka_unit_test(two_cells_changing_hands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
