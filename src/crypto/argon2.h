/* Argon2id (RFC 9106) as PHC strings, lanes p=1. The caller bounds how many run at once: each takes memory_kib. */
#ifndef CRYPTO_ARGON2_H
#define CRYPTO_ARGON2_H

#include "base/entropy.h"
#include "base/view.h"
#include "cardea/status.h"

/* OWASP's minimum: 19 MiB with t=2 (or stronger in memory and not weaker in work); below it the configuration is
 * refused. */
struct argon2_cost {
    uint32_t memory_kib, passes;
};
bool argon2_cost_acceptable(struct argon2_cost c);

/* out: at least PHC of 128 bytes, NUL-terminated. fails: E_BUSY without memory. */
struct cardea_status argon2_hash(struct view password, struct argon2_cost cost, char *out, size_t cap) CARDEA_CHECKED;
/* fails: E_INVALID_CREDENTIALS; E_CORRUPT (no PHC string of ours); E_BUSY. */
struct cardea_status argon2_verify(struct view password, const char *phc) CARDEA_CHECKED;
bool argon2_weaker(const char *phc, struct argon2_cost cost); /* made with less than cost: hash again at login */

/* How guessable (zxcvbn): log10 of guesses; words: the user's own name, e-mail … password must hold no NUL. */
double password_guesses_log10(const char *password, const char *const *words);

#endif
