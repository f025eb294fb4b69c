#include "daemon/receipts.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* What reading the registry takes. */
struct reader {
    struct store *store;
    int64_t (*boot_ms)(void);
    struct registry_view view;
};

struct receipts {
    struct receipts_host host;
    struct reader reader; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t come;
    struct receipt_waiter *waiting;
    uint32_t count;
    bool stopping;
};

/* false: it could not be read. */
static bool read_registry(struct reader *r)
{
    const struct store_ops *ops = r->store->ops;
    struct store_tx *tx = NULL;
    if (!cardea_ok(ops->begin(r->store, STORE_READ, r->boot_ms() + RECEIPTS_LIST_DEADLINE_MS, &tx)))
        return false;
    struct cardea_status s = registry_view_list(&r->view, ops, tx);
    ops->abort(tx);
    if (cardea_ok(s))
        registry_view_read(&r->view, r->boot_ms());
    return cardea_ok(s);
}

static struct receipt_waiter *take_all(struct receipts *r)
{
    struct receipt_waiter *all = r->waiting;
    r->waiting = NULL;
    r->count = 0;
    return all;
}

/* Those who are here now are looked after by a reading that begins later. false: stopping. */
static bool await_somebody(struct receipts *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->stopping && r->waiting == NULL)
        pthread_cond_wait(&r->come, &r->lock);
    for (struct receipt_waiter *w = r->waiting; w != NULL; w = w->next)
        w->looked_after = true;
    bool stopping = r->stopping;
    pthread_mutex_unlock(&r->lock);
    return !stopping;
}

static bool is_over(const struct receipts *r, const struct receipt_waiter *w, int64_t now_ms)
{
    return w->hurried || w->deadline_ms <= now_ms || (r->host.gone != NULL && r->host.gone(r->host.context, w));
}

/* Judge those who were looked after; the list of those who are done. */
static struct receipt_waiter *judge(struct receipts *r, bool fresh)
{
    struct receipt_waiter *done = NULL, **at = &r->waiting;
    int64_t now_ms = r->host.boot_ms();
    pthread_mutex_lock(&r->lock);
    while (*at != NULL) {
        struct receipt_waiter *w = *at;
        if (!w->looked_after ||
            (!receipt_judge(&r->reader.view, &w->wait, fresh, now_ms, &w->receipt) && !is_over(r, w, now_ms))) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->next = done;
        done = w;
        r->count--;
    }
    pthread_mutex_unlock(&r->lock);
    return done;
}

static void finish(struct receipts *r, struct receipt_waiter *done)
{
    while (done != NULL) {
        struct receipt_waiter *next = done->next;
        r->host.done(r->host.context, done);
        done = next;
    }
}

/* Until the next reading is due, or somebody comes who has not been looked after. */
static void pause_for(struct receipts *r, long ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&r->lock);
    /* A newcomer stands first. */
    while (!r->stopping && r->waiting != NULL && r->waiting->looked_after)
        if (pthread_cond_timedwait(&r->come, &r->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&r->lock);
}

static void *receipts_thread(void *argument)
{
    struct receipts *r = argument;
    long step_ms = RECEIPTS_STEP_MIN_MS;
    while (await_somebody(r)) {
        struct receipt_waiter *done = judge(r, read_registry(&r->reader));
        step_ms = done != NULL ? RECEIPTS_STEP_MIN_MS : step_ms * 2;
        if (step_ms > RECEIPTS_STEP_MAX_MS)
            step_ms = RECEIPTS_STEP_MAX_MS;
        finish(r, done);
        pause_for(r, step_ms);
    }
    return NULL;
}

static void release(struct receipts *r)
{
    pthread_cond_destroy(&r->come);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

struct cardea_status receipts_open(const struct receipts_host *host, struct receipts **out)
{
    struct receipts *r = calloc(1, sizeof *r);
    if (r == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    r->host = *host;
    r->reader.store = host->store;
    r->reader.boot_ms = host->boot_ms;
    registry_view_init(&r->reader.view, host->own_id, true, host->lease_ms);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&r->come, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&r->lock, NULL);
    /* How long the longest lease is, should it not be readable when somebody comes. */
    (void)read_registry(&r->reader);
    if (pthread_create(&r->thread, NULL, receipts_thread, r) != 0) {
        release(r);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    pthread_setname_np(r->thread, "receipts");
    *out = r;
    return CARDEA_SUCCESS;
}

void receipts_push(struct receipts *r, struct receipt_waiter *w)
{
    uint64_t position = w->wait.position;
    w->wait = (struct receipt_wait){.position = position, .committed_ms = r->host.boot_ms()};
    w->looked_after = false;
    pthread_mutex_lock(&r->lock);
    bool stopping = r->stopping;
    w->hurried = r->count >= RECEIPTS_WAITING;
    if (!stopping) {
        w->next = r->waiting;
        r->waiting = w;
        r->count++;
        pthread_cond_signal(&r->come);
    }
    pthread_mutex_unlock(&r->lock);
    if (stopping) {
        w->receipt = (struct receipt){.position = position, .acknowledged = 1};
        r->host.done(r->host.context, w);
    }
}

uint32_t receipts_waiting(struct receipts *r)
{
    pthread_mutex_lock(&r->lock);
    uint32_t count = r->count;
    pthread_mutex_unlock(&r->lock);
    return count;
}

void receipts_stop(struct receipts *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    bool first = !r->stopping;
    r->stopping = true;
    pthread_cond_signal(&r->come);
    pthread_mutex_unlock(&r->lock);
    if (!first)
        return;
    pthread_join(r->thread, NULL);
    struct receipt_waiter *left = take_all(r);
    for (struct receipt_waiter *w = left; w != NULL; w = w->next)
        (void)receipt_judge(&r->reader.view, &w->wait, false, r->host.boot_ms(), &w->receipt);
    finish(r, left);
}

void receipts_close(struct receipts *r)
{
    if (r == NULL)
        return;
    receipts_stop(r);
    release(r);
}

void receipts_wait_here(struct store *store, int64_t (*boot_ms)(void), int64_t lease_ms, struct receipt_waiter *w)
{
    struct reader *r = calloc(1, sizeof *r);
    w->wait = (struct receipt_wait){.position = w->wait.position, .committed_ms = boot_ms()};
    w->receipt = (struct receipt){.position = w->wait.position};
    if (r == NULL)
        return;
    r->store = store;
    r->boot_ms = boot_ms;
    registry_view_init(&r->view, NULL, false, lease_ms);
    static const struct timespec step = {.tv_nsec = RECEIPTS_STEP_MAX_MS * 1000000L};
    for (;;) {
        bool fresh = read_registry(r);
        if (receipt_judge(&r->view, &w->wait, fresh, boot_ms(), &w->receipt) || boot_ms() >= w->deadline_ms)
            break;
        nanosleep(&step, NULL);
    }
    free(r);
}
