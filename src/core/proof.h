/* Proofs: that somebody knows a user's password, at the same cost for everybody.
 *
 * Decides: how an attempt is counted (guess.h), that an unknown user, a suspended one, one without a password and a
 * wrong password cost one Argon2 of the configured cost each and answer E_INVALID_CREDENTIALS alike. Refuses to decide:
 * which user is meant and what follows.
 *
 * Limits: a hash kept from a time of lower cost is checked at that cost until its owner logs in, so an attacker who can
 * time the hashing tells such an account from an unknown one. The right password of a suspended user counts as wrong.
 *
 * Blocks for one hash, two when the stored one is renewed. No store, no clock: any thread of the hashing pool.
 */
#ifndef CORE_PROOF_H
#define CORE_PROOF_H

#include "core/guess.h"
#include "core/password.h"

struct proof {
    int64_t epoch;                /* of the user whose password it was */
    char renewed[ARGON2_PHC_MAX]; /* the password hashed at today's cost; "" when the stored hash will do */
};

/* user NULL: there is none of that name. who: is told how it went.
 * fails: E_INVALID_CREDENTIALS; E_RATE_LIMITED with *ret_wait_ms; E_BUSY (no memory to hash with). */
struct cardea_status proof_make(struct guess *g, const struct settings *s, struct guess_subject *who,
                                const struct user_record *user, struct view password, int64_t now_ms, struct proof *out,
                                int64_t *ret_wait_ms) CARDEA_CHECKED;

#endif
