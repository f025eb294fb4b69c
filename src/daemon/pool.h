/* A pool: a few threads that do slow work for the event loops, behind a bounded, fair queue (fair_queue.h).
 *
 * Decides: when work runs and when it is turned away: at once when there is no place, and when its turn comes too late.
 * Refuses to decide: what the work is, and what a turned-away client is told.
 */
#ifndef DAEMON_POOL_H
#define DAEMON_POOL_H

#include "daemon/fair_queue.h"

struct pool;

struct pool_host {
    void *context;
    void (*run)(void *context, struct queue_entry *entry);
    /* Instead of run: E_BUSY (displaced, or its deadline has passed), E_UNAVAILABLE (stopping). On the pusher's thread
     * or on one of the pool's. */
    void (*refuse)(void *context, struct queue_entry *entry, struct cardea_status why);
    int64_t (*boot_ms)(void);
};

/* name: at most 15 characters, of its threads. fails: E_UNAVAILABLE */
struct cardea_status pool_open(const char *name, uint32_t threads, uint32_t places, const struct pool_host *host,
                               struct pool **out) CARDEA_CHECKED;
/* Hand over an entry. false: no place, the entry stays the caller's. The entry may be done before this returns. */
bool pool_push(struct pool *p, struct queue_entry *entry);
uint32_t pool_waiting(struct pool *p);
/* Refuse what waits, finish what runs, end the threads. Pushing stays safe, and is refused. NULL is safe. */
void pool_stop(struct pool *p);
/* pool_stop, and free it: nobody may push any more. NULL is safe. */
void pool_close(struct pool *p);

#endif
