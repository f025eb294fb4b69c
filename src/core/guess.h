/* Guessing: how failed logins slow down, per account and per address, without locking the owner out.
 *
 * Decides: whether an attempt to log in may be made now, or how long its sender has to wait. Refuses to decide: what an
 * attempt is worth; the caller says afterwards how it went.
 *
 * What is counted, each by itself:
 *
 *   the account, in two lanes   by canonical name, whether or not such a user exists. Addresses that have failed
 *                               `guess_free` - 1 times on this account are *stained* (it fades by one in ten minutes)
 *                               and share one lane; all others share the other. So one address that guesses without
 *                               end closes the lane of the stained, and the owner elsewhere does not notice.
 *   the device                  a browser that logged in before (device cookie): its own lane, touched by nobody
 *                               else's failures, and the address does not count for it.
 *   the address                 the IPv4 address or the /64 of an IPv6 one: `guess_address_per_minute` failures a
 *                               minute over all accounts, refilled evenly. This is what a spray meets.
 *
 * A lane has a score: a failure adds one, time takes one away every `guess_wait_max_ms`. Below `guess_free` there is no
 * wait; from there on each failure closes the lane for 1 s, 2 s, 4 s … but never longer than `guess_wait_max_ms`, and
 * an open lane then takes one attempt at a time. Attempts under way count: with a clean score GUESS_PARALLEL of them
 * may run, with failures on the score only as many as there are free failures left.
 *
 * So, for any account: in T seconds at most GUESS_PARALLEL + guess_free + 7 + T / wait_max wrong guesses a lane; a
 * sustained rate of one a minute from any number of stained addresses, and one more a minute from fresh ones.
 *
 * Limits. An attacker with many fresh addresses competes with an owner on a fresh device for the fresh lane; a known
 * device is what frees the owner from that. Memory is fixed: sets of GUESS_WAYS counters found by a hash with a random
 * key, so nobody can aim at a set. A full set gives up its lowest score, among equals the oldest: flooding with other
 * names (itself held to the address's rate) pushes out free failures of others, but not the score of an account under
 * attack, unless the flood guesses as hard at GUESS_WAYS accounts of that very set.
 *
 * Times are the boot clock's: the wall clock may be put back and then stands still, and a wait must not stand with it.
 *
 * Several nodes: each has counters of its own, and where their sessions are in one engine they count together through
 * it (core/guess_shared.h, lent by guess_share), so that N nodes do not give N times the guesses.
 *
 * Threading: any thread; one lock a shard of sets, held for some 100 ns. No store, no clock, no randomness of its own;
 * with shared counters guess_begin, guess_failed and guess_succeeded may wait for them, GUESS_SHARED_MS at most.
 *
 *     struct guess_subject who = {.username = name, .address = client};
 *     s = guess_check(g, settings, &who, now, &wait);       // on arrival: so that it takes no place in the queue
 *     ...
 *     s = guess_begin(g, settings, &who, now, &wait);       // right before the hash, on the pool's thread
 *     if (!cardea_ok(s))
 *         return s;
 *     ... hash and compare ...
 *     guess_failed(g, settings, &who, now);                 // or _succeeded, or _abandoned: always one of the three
 */
#ifndef CORE_GUESS_H
#define CORE_GUESS_H

#include "core/settings.h"

enum { GUESS_WAYS = 8, GUESS_PARALLEL = 32, GUESS_SLOTS_MAX = 1 << 24, GUESS_REPORTS_MAX = 256 };

struct guess;
/* in: slots: counters to keep, 40 bytes each; rounded up to a power of two, at least 1,024. key: random.
 * NULL without memory. */
struct guess *guess_new(uint32_t slots, const uint8_t key[16]);
void guess_free(struct guess *g); /* NULL is safe */
/* Count together with other nodes from now on; before the first use. The struct is copied. */
struct guess_shared;
void guess_share(struct guess *g, const struct guess_shared *shared);

struct guess_subject {
    struct view username;         /* canonical; empty: none. A login by e-mail of a known user: that user's name */
    const struct user_id *device; /* from a valid device cookie for this user, else NULL */
    struct address address;       /* version 0 (the operator's socket): not counted */
    /* Set by guess_begin; hand them back to the calls that end the attempt. */
    uint8_t lane;
    bool told;         /* the other nodes know of it already */
    uint16_t at_least; /* what they have counted in this lane */
};
/* May an attempt be made? Only looks. fails: E_RATE_LIMITED with *ret_wait_ms, 1 … guess_wait_max_ms. */
struct cardea_status guess_check(struct guess *g, const struct settings *s, const struct guess_subject *who,
                                 int64_t now_ms, int64_t *ret_wait_ms) CARDEA_CHECKED;
/* The same, and counts the attempt as begun, so parallel guesses are not free. An attempt whose end is never told is
 * forgotten after GUESS_ATTEMPT_MAX_MS. */
struct cardea_status guess_begin(struct guess *g, const struct settings *s, struct guess_subject *who, int64_t now_ms,
                                 int64_t *ret_wait_ms) CARDEA_CHECKED;
enum { GUESS_ATTEMPT_MAX_MS = 120 * 1000 };
void guess_failed(struct guess *g, const struct settings *s, const struct guess_subject *who, int64_t now_ms);
/* Forgives what this device, or this address on this account, has failed; not what others have, nor the address's rate.
 */
void guess_succeeded(struct guess *g, const struct guess_subject *who, int64_t now_ms);
/* Neither: the attempt never reached the password (busy, error). */
void guess_abandoned(struct guess *g, const struct guess_subject *who, int64_t now_ms);

/* Failures since the last call, one row an account, for the aggregate audit event: up to cap rows; returns how many.
 * The rest waits for the next call. Past GUESS_REPORTS_MAX accounts one row with an empty name holds the sum of the
 * others.
 */
struct guess_report {
    char username[USERNAME_MAX + 1]; /* cut at USERNAME_MAX bytes */
    struct address address;          /* the last one */
    uint32_t failures;
};
uint32_t guess_drain(struct guess *g, struct guess_report *out, uint32_t cap);

#endif
