/* Is each entry run or refused, exactly once, by whatever threads? */
#include "check.h"

#include "daemon/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { ENTRIES = 2000 };

struct work {
    struct queue_entry entry;
    int _Atomic runs, refusals;
    enum cardea_code why;
};

struct gate { /* holds the pool's threads until opened */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int inside;
    bool open;
};
static struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false};

static int64_t _Atomic clock_ms;
static int64_t boot_ms(void)
{
    return clock_ms;
}

static void run(void *context, struct queue_entry *entry)
{
    struct work *w = (struct work *)(void *)entry;
    if (context != NULL) {
        pthread_mutex_lock(&gate.lock);
        gate.inside++;
        pthread_cond_broadcast(&gate.moved);
        while (!gate.open)
            pthread_cond_wait(&gate.moved, &gate.lock);
        pthread_mutex_unlock(&gate.lock);
    }
    atomic_fetch_add(&w->runs, 1);
}

static void refuse(void *context, struct queue_entry *entry, struct cardea_status why)
{
    (void)context;
    struct work *w = (struct work *)(void *)entry;
    w->why = why.code;
    atomic_fetch_add(&w->refusals, 1);
}

static void wait_inside(int n)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.inside < n)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static void open_gate(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static int reset(void **state)
{
    (void)state;
    gate.open = false;
    gate.inside = 0;
    clock_ms = 1000;
    return 0;
}

static struct pool *pool_of(uint32_t threads, uint32_t places, bool gated)
{
    struct pool_host host = {gated ? &gate : NULL, run, refuse, boot_ms};
    struct pool *p = NULL;
    assert_ok(pool_open("test", threads, places, &host, &p));
    return p;
}

static void everything_is_done_once(void **state)
{
    (void)state;
    static struct work all[ENTRIES];
    struct pool *p = pool_of(4, 64, false);
    int refused = 0;
    for (int i = 0; i < ENTRIES; i++) {
        all[i] = (struct work){.entry.deadline_ms = INT64_MAX};
        all[i].entry.source = (struct address){.version = 4, .bytes = {(uint8_t)i}};
        if (!pool_push(p, &all[i].entry)) {
            refused++;
            all[i].refusals = 1;
        }
    }
    pool_close(p);
    for (int i = 0; i < ENTRIES; i++)
        assert_int_equal(all[i].runs + all[i].refusals, 1);
    assert_true(refused < ENTRIES);
}

static void a_full_pool_takes_no_more(void **state)
{
    (void)state;
    struct work w[4] = {{.entry.deadline_ms = INT64_MAX},
                        {.entry.deadline_ms = INT64_MAX},
                        {.entry.deadline_ms = INT64_MAX},
                        {.entry.deadline_ms = INT64_MAX}};
    struct pool *p = pool_of(1, 2, true);
    assert_true(pool_push(p, &w[0].entry));
    wait_inside(1);
    assert_true(pool_push(p, &w[1].entry));
    assert_true(pool_push(p, &w[2].entry));
    assert_false(pool_push(p, &w[3].entry));
    assert_int_equal(pool_waiting(p), 2);
    open_gate();
    pool_close(p);
    assert_int_equal(w[3].runs + w[3].refusals, 0);
}

static void what_comes_too_late_is_refused(void **state)
{
    (void)state;
    struct work first = {.entry.deadline_ms = INT64_MAX}, late = {.entry.deadline_ms = 2000},
                fine = {.entry.deadline_ms = 2001};
    struct pool *p = pool_of(1, 4, true);
    assert_true(pool_push(p, &first.entry));
    wait_inside(1);
    assert_true(pool_push(p, &late.entry));
    assert_true(pool_push(p, &fine.entry));
    clock_ms = 2000;
    open_gate();
    while (pool_waiting(p) > 0)
        sched_yield();
    wait_inside(2);
    pool_close(p);
    assert_int_equal(late.refusals, 1);
    assert_int_equal(late.why, CARDEA_E_BUSY);
    assert_int_equal(fine.runs, 1);
}

static void the_displaced_is_told(void **state)
{
    (void)state;
    struct work held = {.entry.deadline_ms = INT64_MAX}, a = held, b = held, other = held;
    other.entry.source = (struct address){.version = 4, .bytes = {1}};
    struct pool *p = pool_of(1, 2, true);
    assert_true(pool_push(p, &held.entry));
    wait_inside(1);
    assert_true(pool_push(p, &a.entry));
    assert_true(pool_push(p, &b.entry));
    assert_true(pool_push(p, &other.entry));
    assert_int_equal(b.refusals, 1);
    assert_int_equal(b.why, CARDEA_E_BUSY);
    open_gate();
    pool_close(p);
    assert_int_equal(other.runs + other.refusals, 1);
}

static void *close_pool(void *pool)
{
    pool_close(pool);
    return NULL;
}

static void a_stop_refuses_what_waits(void **state)
{
    (void)state;
    struct work held = {.entry.deadline_ms = INT64_MAX}, waiting = held;
    struct pool *p = pool_of(1, 2, true);
    assert_true(pool_push(p, &held.entry));
    wait_inside(1);
    assert_true(pool_push(p, &waiting.entry));
    pthread_t closer;
    assert_int_equal(pthread_create(&closer, NULL, close_pool, p), 0);
    open_gate();
    pthread_join(closer, NULL);
    assert_int_equal(held.runs, 1);
    assert_int_equal(waiting.runs + waiting.refusals, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_is_done_once, reset),
        cmocka_unit_test_setup(a_full_pool_takes_no_more, reset),
        cmocka_unit_test_setup(what_comes_too_late_is_refused, reset),
        cmocka_unit_test_setup(the_displaced_is_told, reset),
        cmocka_unit_test_setup(a_stop_refuses_what_waits, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
