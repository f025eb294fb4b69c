/* Guessing: how failed logins slow down, per account and per address, without locking the owner out.
 *
 * Counters live in a fixed block of memory, bounded whatever an attacker sends; keyed by a keyed hash, so an account is
 * counted by its canonical name whether or not it exists. A device that logged in before has a counter of its own.
 * Thread-safe, no store, no clock.
 */
#ifndef CORE_GUESS_H
#define CORE_GUESS_H

#include "core/settings.h"

struct guess;
struct guess *guess_new(uint32_t slots, const uint8_t key[16]);
void guess_free(struct guess *g);

struct guess_subject {
    struct view username;         /* canonical; empty: none */
    const struct user_id *device; /* from a valid device cookie for this user, else NULL */
    struct address address;
};
/* May this attempt go on? fails: E_RATE_LIMITED with *ret_wait_ms. Counts the attempt as begun, so parallel guesses are
 * not free. */
struct cardea_status guess_begin(struct guess *g, const struct settings *s, const struct guess_subject *who,
                                 int64_t now_ms, int64_t *ret_wait_ms) CARDEA_CHECKED;
void guess_failed(struct guess *g, const struct settings *s, const struct guess_subject *who, int64_t now_ms);
void guess_succeeded(struct guess *g, const struct guess_subject *who,
                     int64_t now_ms); /* forgets this counter, not the address's */
/* Neither: the attempt never reached the password (busy, error). */
void guess_abandoned(struct guess *g, const struct guess_subject *who, int64_t now_ms);

/* Failures since the last call, one row an account or address, for the aggregate audit event. Returns how many were
 * written. */
struct guess_report {
    char username[USERNAME_MAX + 1];
    struct address address; /* the last one */
    uint32_t failures;
};
uint32_t guess_drain(struct guess *g, struct guess_report *out, uint32_t cap);

#endif
