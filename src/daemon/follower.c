#include "daemon/follower.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { PAUSE_MS = 5 }; /* where waiting for pushes fails at once */

struct follower {
    struct follow follow;
    pthread_t thread;
    bool started;
    bool _Atomic stopping;
    pthread_mutex_t lock; /* for waiting where nothing is ever pushed */
    pthread_cond_t stop;
};

static const struct store_ops *ops(const struct follower *f)
{
    return f->follow.store->ops;
}

static struct timespec in_ms(clockid_t clock, int64_t ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* Until then, or until it is told to stop. */
static void doze(struct follower *f, int64_t until_ms)
{
    int64_t left_ms = until_ms - f->follow.boot_ms();
    if (left_ms <= 0)
        return;
    struct timespec until = in_ms(CLOCK_MONOTONIC, left_ms);
    pthread_mutex_lock(&f->lock);
    while (!atomic_load(&f->stopping) && pthread_cond_timedwait(&f->stop, &f->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&f->lock);
}

static unsigned await(struct follower *f, int64_t until_ms)
{
    unsigned what = 0;
    if (ops(f)->push_wait == NULL) {
        doze(f, until_ms);
        return 0;
    }
    struct cardea_status s = ops(f)->push_wait(f->follow.store, until_ms, &what);
    if (!cardea_ok(s)) {
        int64_t soon = f->follow.boot_ms() + PAUSE_MS;
        doze(f, soon < until_ms ? soon : until_ms);
    }
    return cardea_ok(s) ? what : 0;
}

static void *follow_thread(void *argument)
{
    struct follower *f = argument;
    unsigned pushed = 0;
    int64_t next_ms = 0;
    while (!atomic_load(&f->stopping)) {
        if (pushed != 0 || f->follow.boot_ms() >= next_ms)
            next_ms = follow_step(&f->follow, pushed);
        pushed = await(f, next_ms) & ~(unsigned)STORE_PUSH_WAKE;
    }
    return NULL;
}

struct cardea_status follower_open(const struct follower_host *host, struct follower **out)
{
    struct follower *f = calloc(1, sizeof *f);
    if (f == NULL) {
        host->store->ops->close(host->store);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&f->stop, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&f->lock, NULL);
    f->follow.keeper = host->keeper;
    f->follow.store = host->store;
    f->follow.boot_ms = host->boot_ms;
    f->follow.self = host->self;
    struct cardea_status s = follow_open(&f->follow);
    if (!cardea_ok(s)) {
        follower_close(f);
        return s;
    }
    *out = f;
    return s;
}

struct cardea_status follower_start(struct follower *f)
{
    (void)follow_step(&f->follow, 0);
    if (pthread_create(&f->thread, NULL, follow_thread, f) != 0)
        return CARDEA_FAIL(E_UNAVAILABLE);
    pthread_setname_np(f->thread, "follower");
    f->started = true;
    return CARDEA_SUCCESS;
}

void follower_stop(struct follower *f)
{
    if (f == NULL || !f->started)
        return;
    pthread_mutex_lock(&f->lock);
    atomic_store(&f->stopping, true);
    pthread_cond_signal(&f->stop);
    pthread_mutex_unlock(&f->lock);
    if (ops(f)->push_wake != NULL)
        ops(f)->push_wake(f->follow.store);
    pthread_join(f->thread, NULL);
    f->started = false;
    follow_end(&f->follow);
}

void follower_close(struct follower *f)
{
    if (f == NULL)
        return;
    follower_stop(f);
    follow_clear(&f->follow);
    ops(f)->close(f->follow.store);
    pthread_cond_destroy(&f->stop);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

const struct follow_counts *follower_counts(const struct follower *f)
{
    return &f->follow.counts;
}
