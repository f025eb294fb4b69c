/* One suite for every engine behind store/store.h: does it keep the contract?
 *
 * An engine under test says how it is opened and emptied, and which of the two roles it plays; cases of a role that it
 * does not play are left out, and so is what only a durable engine promises. Each case starts with an empty store.
 *
 *     static const struct engine_under_test sqlite = {.name = "sqlite", .accounts = true, …};
 *     int main(void) { return store_conformance_run(&sqlite); }
 */
#ifndef CONFORMANCE_STORE_CONFORMANCE_H
#define CONFORMANCE_STORE_CONFORMANCE_H

#include "../unit/check.h"
#include "store/store.h"

struct engine_under_test {
    const char *name;
    bool accounts, sessions;
    bool durable;                /* what was committed is there after close and open */
    bool expires;                /* sessions go by themselves, not by the sweep */
    bool blind;                  /* can not say which sessions there are: scanning, and listing all, answer E_LIMIT */
    struct store *(*open)(void); /* what is there, or an empty one; fails the test where it can not */
    void (*wipe)(void);          /* after close: forget everything */
};

/* Runs every case as a cmocka group; returns how many failed. */
int store_conformance_run(const struct engine_under_test *engine);

/* For opening the engine: a boot clock that the suite can move and stop, and SHA-256. */
int64_t conformance_boot_ms(void);
void conformance_boot_move(int64_t ms);
/* Stand still, but for the moves: what an engine does within a time of its own is then no race. What waits for a
 * deadline waits for ever. */
void conformance_boot_freeze(bool frozen);
void conformance_digest(const void *bytes, size_t len, uint8_t out[32]);

/* Records for tests, different for each number. */
struct user_record sample_user(unsigned number);
struct session_record sample_session(unsigned number, struct user_id user);
struct event sample_event(unsigned number);

/* Transactions in a test: they end it when the engine refuses. */
struct store_tx *open_write(struct store *s);
struct store_tx *open_read(struct store *s);
void commit(struct store *s, struct store_tx *tx);

#endif
