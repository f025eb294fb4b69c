/* What one event-loop thread owns, so that a request on the fast path shares nothing that is written.
 *
 * Made when the thread first calls us, freed by its listener after the thread has ended. Only counts are read by
 * others.
 */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include "daemon/job.h"
#include "daemon/request_id.h"

enum {
    SPARE_JOBS_MAX = 16,         /* kept by a loop for its next requests */
    VERIFY_CACHE_ENTRIES = 8192, /* verified tokens remembered by a loop */
};

enum loop_count {
    COUNT_2XX,
    COUNT_3XX,
    COUNT_4XX,
    COUNT_5XX,
    COUNT_VERIFY_YES,
    COUNT_VERIFY_NO,
    COUNT_VERIFY_UNKNOWN,
    COUNT_REFUSED_HEADS, /* by the request filter */
    LOOP_COUNTS
};

struct loop {
    struct loop *next;
    const struct loops *of;
    struct snapshot_hold *hold; /* the current one */
    struct verify_cache *cache;
    struct request_ids ids;
    struct job *spare;
    uint32_t spare_count;
    uint64_t counts[LOOP_COUNTS]; /* by __atomic builtins */
};

struct loops {
    pthread_mutex_t lock;
    struct loop *first;
};

void loops_init(struct loops *l);
void loops_clear(struct loops *l); /* the threads have ended */
/* This thread's; NULL without memory. A thread serves one listener; who ends several serves one after the other. */
struct loop *loop_get(struct loops *l, const struct entropy *e);
void loops_sum(struct loops *l, uint64_t counts[LOOP_COUNTS]); /* adds to counts */

/* A job for the current snapshot, its exchange initialised; NULL without memory. All three on the loop's thread. */
struct job *loop_job(struct loop *l, struct publisher *p, struct lanes *lanes);
/* The rest of the request took its time: go on with the snapshot of now. Before exchange_begin. false: no memory. */
bool loop_job_renew(struct loop *l, struct publisher *p, struct job *job);
void loop_job_end(struct loop *l, struct job *job);

/* Only its own thread writes a count: no need for an atomic addition. */
static inline void loop_count(struct loop *l, enum loop_count what)
{
    uint64_t n = __atomic_load_n(&l->counts[what], __ATOMIC_RELAXED);
    __atomic_store_n(&l->counts[what], n + 1, __ATOMIC_RELAXED);
}

#endif
