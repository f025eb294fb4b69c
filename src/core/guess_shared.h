/* Failed logins that all nodes count together, so that N nodes do not give an attacker N times the guesses.
 *
 * Decides: what is counted in the counters of the sessions' engine (store/sessions.h), and what its values mean.
 * guess.h remains the judge: what is heard here only makes its own scores rise, or a lane wait.
 *
 * Counted, each under an id that only holders of the key can tell:
 *
 *     address   failures over all accounts; a minute
 *     pair      failures of an address on an account: whether the address is stained; guess_free × 10 minutes
 *     lane      failures in each of an account's lanes (fresh, stained, device); 4 × guess_free × guess_wait_max
 *     slot      of a lane that is past its free failures: who comes first may guess, for as long as the lane then waits
 *
 * When the store is asked, on the hashing pool's thread, for GUESS_SHARED_MS at most:
 *
 *     an attempt that is refused here       never
 *     a lane with free failures left        after a failure, once: address, stained lane, pair, fresh lane in one call
 *     a lane past them                      before the attempt, once: address, pair, slot, lane in one call; whoever
 *                                           has not won the slot is refused, and this node's lane waits a part of it
 *     a success after own failures          once, to take them back; a success without any: never
 *
 * So of one account and lane, over all N nodes: guess_free + N failures before every node knows, then one attempt a
 * slot. Of one address: guess_address_per_minute + N failures a minute.
 *
 * The store away, or slow: every node judges by itself, as if it were alone. It lets through what one node lets through
 * and no more, and closes nothing that it would not have closed; so nobody is locked out by a store that is broken, and
 * one that forgets (an evicted counter) begins a count anew.
 *
 * An address that was stained at another node is not counted in the fresh lane here: the call stops at its pair. So one
 * address can not close the fresh lane by going from node to node.
 *
 * Limits: a count that was begun at another node shows here with the next failure, not before. A failure that is
 * counted twice (a connection that broke) makes somebody wait a little longer.
 *
 * Threading: any thread; nothing is kept here.
 */
#ifndef CORE_GUESS_SHARED_H
#define CORE_GUESS_SHARED_H

#include "core/guess.h"
#include "crypto/mac.h"
#include "store/store.h"

enum { GUESS_SHARED_MS = 250 };

/* Take steps of counters (store/sessions.h): false when nobody can tell, by GUESS_SHARED_MS at the latest. Any thread.
 */
typedef bool guess_count_fn(void *context, const struct counter_step *steps, uint32_t count, int64_t *ret_values);

struct guess_shared {
    guess_count_fn *count; /* NULL: this node is alone */
    void *context;
    struct tag_key key; /* the same at every node */
};

enum guess_lane { GUESS_LANE_UNSET = 0, GUESS_LANE_FRESH, GUESS_LANE_STAINED, GUESS_LANE_DEVICE };

/* What the counters say; -1: not counted. */
struct guess_heard {
    int64_t address, pair, stained, lane, slot;
};

/* After a failure in a lane with free failures. false: nobody can tell. */
bool guess_shared_failed(const struct guess_shared *g, const struct settings *s, const struct guess_subject *who,
                         enum guess_lane lane, struct guess_heard *out);
/* Before an attempt in a lane past them, that would then wait window_ms. slot 1: it was won. */
bool guess_shared_slot(const struct guess_shared *g, const struct settings *s, const struct guess_subject *who,
                       enum guess_lane lane, int64_t window_ms, struct guess_heard *out);
/* After a success: take back `own` failures, and one that was counted ahead (told). */
void guess_shared_forgive(const struct guess_shared *g, const struct guess_subject *who, enum guess_lane lane,
                          uint16_t own, bool told);

#endif
