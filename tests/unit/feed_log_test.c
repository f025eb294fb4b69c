/* Does the log tell who reads it every change, in order, or that it can not? */
#include "check.h"
#include "core/feed_log.h"
#include "crypto/random.h"

#include <pthread.h>
#include <stdatomic.h>

static struct feed_log *small(void)
{
    struct feed_log *l = feed_log_new(FEED_LOG_ENTRIES_MIN, entropy_system());
    assert_non_null(l);
    return l;
}

static void note(struct feed_log *l, uint64_t n)
{
    uint8_t id[16] = {0};
    memcpy(id, &n, sizeof n);
    memcpy(id + 8, &n, sizeof n);
    feed_log_note(l, FEED_SESSION, id);
}

static bool is(const struct feed_entry *e, uint64_t n)
{
    uint64_t words[2];
    memcpy(words, e->id, sizeof words);
    return e->kind == FEED_SESSION && words[0] == n && words[1] == n;
}

static void in_order(void **state)
{
    struct feed_log *l = small();
    struct feed_entry got[8];
    uint32_t count = 7;
    (void)state;
    assert_true(feed_log_read(l, 0, got, 8, &count));
    assert_int_equal(count, 0);
    for (uint64_t n = 1; n <= 10; n++)
        note(l, n);
    assert_int_equal(feed_log_head(l), 10);
    assert_true(feed_log_read(l, 0, got, 8, &count));
    assert_int_equal(count, 8);
    for (uint32_t i = 0; i < 8; i++)
        assert_true(is(&got[i], i + 1));
    assert_true(feed_log_read(l, 8, got, 8, &count));
    assert_int_equal(count, 2);
    assert_true(is(&got[1], 10));
    assert_true(feed_log_read(l, 10, got, 8, &count));
    assert_int_equal(count, 0);
    assert_false(feed_log_read(l, 11, got, 8, &count)); /* of the future */
    feed_log_free(l);
}

static void what_was_overwritten_is_too_old(void **state)
{
    struct feed_log *l = small();
    struct feed_entry got[FEED_LOG_ENTRIES_MIN];
    uint32_t count;
    (void)state;
    for (uint64_t n = 1; n <= FEED_LOG_ENTRIES_MIN; n++)
        note(l, n);
    assert_true(feed_log_read(l, 0, got, FEED_LOG_ENTRIES_MIN, &count));
    assert_int_equal(count, FEED_LOG_ENTRIES_MIN);
    note(l, FEED_LOG_ENTRIES_MIN + 1);
    assert_false(feed_log_read(l, 0, got, FEED_LOG_ENTRIES_MIN, &count));
    assert_true(feed_log_read(l, 1, got, FEED_LOG_ENTRIES_MIN, &count));
    assert_true(is(&got[0], 2));
    assert_true(is(&got[FEED_LOG_ENTRIES_MIN - 1], FEED_LOG_ENTRIES_MIN + 1));
    feed_log_free(l);
}

static void a_reset_leaves_nobody_where_he_was(void **state)
{
    struct feed_log *l = small();
    uint32_t count;
    (void)state;
    note(l, 1);
    feed_log_reset(l);
    assert_false(feed_log_read(l, 0, NULL, 0, &count));
    assert_false(feed_log_read(l, 1, NULL, 0, &count));
    assert_true(feed_log_read(l, feed_log_head(l), NULL, 0, &count));
    feed_log_free(l);
}

static void changes_and_rows(void **state)
{
    struct feed_log *l = small();
    struct feed_entry got[8];
    uint32_t count;
    struct change end = {.kind = CHANGE_TOKEN_END, .revocation.id = {7}}, keys = {.kind = CHANGE_KEYS};
    (void)state;
    feed_log_change(l, &end);
    feed_log_change(l, &keys); /* whoever sets them notes them */
    assert_int_equal(feed_log_row(l, 1), 0);
    feed_log_mark(l, 41);
    note(l, 3);
    feed_log_mark(l, 42);
    assert_true(feed_log_read(l, 0, got, 8, &count));
    assert_int_equal(count, 4);
    assert_true(got[0].kind == FEED_TOKEN && got[0].id[0] == 7);
    assert_int_equal(feed_log_row(l, 1), 0);
    assert_int_equal(feed_log_row(l, 2), 41);
    assert_int_equal(feed_log_row(l, 3), 41);
    assert_int_equal(feed_log_row(l, 4), 42);
    feed_log_note(NULL, FEED_KEYS, NULL);
    feed_log_reset(NULL);
    feed_log_free(l);
    feed_log_free(NULL);
}

/* Readers beside a writer that laps them: what they are given is never another entry's, nor half of two. */
struct race {
    struct feed_log *l;
    atomic_bool stop;
};

static void *read_on(void *argument)
{
    struct race *r = argument;
    struct feed_entry got[16];
    uint64_t at = 0, read = 0;
    uint32_t count;
    while (!atomic_load(&r->stop)) {
        if (!feed_log_read(r->l, at, got, 16, &count)) {
            at = feed_log_head(r->l);
            continue;
        }
        for (uint32_t i = 0; i < count; i++)
            if (!is(&got[i], at + 1 + i))
                return NULL;
        at += count;
        read += count;
    }
    static int good;
    (void)read;
    return &good;
}

static void raced(void **state)
{
    struct race r = {.l = small()};
    pthread_t threads[2];
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &r), 0);
    for (uint64_t n = 1; n <= 2000000; n++)
        note(r.l, n);
    atomic_store(&r.stop, true);
    for (int i = 0; i < 2; i++) {
        void *good = NULL;
        pthread_join(threads[i], &good);
        assert_non_null(good);
    }
    feed_log_free(r.l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(what_was_overwritten_is_too_old),
        cmocka_unit_test(a_reset_leaves_nobody_where_he_was),
        cmocka_unit_test(changes_and_rows),
        cmocka_unit_test(raced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
