/* Receipts: where requests with ?wait=all wait until every verifier has heard of their change (core/receipt.h), after
 * it was committed and the table here has it.
 *
 * Decides: when the registry is read (at once when somebody comes, then more and more seldom, never while nobody
 * waits), who waits, and for how long:
 *   - all who wait share one thread and its readings of the registry;
 *   - at most RECEIPTS_WAITING at once. Who comes past them is looked after once, and then answered with what is known:
 *     the change has happened, so there is nothing to refuse, and the receipt says that it is not complete;
 *   - so are those whose request's deadline is over, whose client has gone away, and at a stop.
 * Refuses to decide: who has heard of what (core/receipt.h).
 *
 * Threading: receipts_push from any thread; done and gone are called on the thread that reads, done after a stop on the
 * pusher's.
 */
#ifndef DAEMON_RECEIPTS_H
#define DAEMON_RECEIPTS_H

#include "core/receipt.h"

enum {
    RECEIPTS_WAITING = 256,
    RECEIPTS_LIST_DEADLINE_MS = 500, /* of one reading */
    RECEIPTS_STEP_MIN_MS = 1,        /* between two, doubled up to */
    RECEIPTS_STEP_MAX_MS = 20,
};

struct receipts;

/* Embedded in whoever waits. */
struct receipt_waiter {
    struct receipt_waiter *next;
    struct receipt_wait wait; /* position: set by the pusher */
    int64_t deadline_ms;      /* boot clock; by the pusher */
    struct receipt receipt;   /* when done */
    bool looked_after, hurried;
};

struct receipts_host {
    void *context;
    struct store *store;
    int64_t (*boot_ms)(void);
    uint8_t own_id[16]; /* our own record in the registry; zeros: none */
    int64_t lease_ms;   /* our own */
    /* The receipt is made. The waiter may be gone afterwards. */
    void (*done)(void *context, struct receipt_waiter *w);
    /* Does nobody wait for the answer any more? */
    bool (*gone)(void *context, const struct receipt_waiter *w);
};

/* fails: E_UNAVAILABLE */
struct cardea_status receipts_open(const struct receipts_host *host, struct receipts **out) CARDEA_CHECKED;
/* Wait, from after the commit. Always taken; may be done before this returns. */
void receipts_push(struct receipts *r, struct receipt_waiter *w);
uint32_t receipts_waiting(struct receipts *r);
/* Answer who waits with what is known, and end the thread. Pushing stays safe. NULL is safe. */
void receipts_stop(struct receipts *r);
/* receipts_stop, and free it: nobody may push any more. NULL is safe. */
void receipts_close(struct receipts *r);

/* The same in this thread, for a process that is no verifier itself: until w->deadline_ms at the latest, and not at
 * all without memory: the receipt then says that it is not complete. */
void receipts_wait_here(struct store *store, int64_t (*boot_ms)(void), int64_t lease_ms, struct receipt_waiter *w);

#endif
