/* Argon2id (RFC 9106) as PHC strings, one lane (p=1).
 *
 * Decides: the algorithm, the form of a stored hash, the least and the greatest cost. Refuses to decide: what password
 * is acceptable (core/password.h), and how many hashes run at once: each takes memory_kib and a core for its time, so
 * the caller runs them on a bounded pool.
 *
 * Representation: "$argon2id$v=19$m=65536,t=3,p=1$<salt>$<hash>", 16 bytes of salt and 32 of hash by ours. Salts come
 * from libsodium's generator (the kernel's).
 *
 * Security: passwords are taken with their length, byte for byte: a NUL inside is a byte like any other and nothing is
 * cut off. A stored string whose cost is past ARGON2_MEMORY_KIB_MAX or ARGON2_PASSES_MAX is refused before any memory
 * is touched, so a damaged record can not take the machine. Limits: time tells the cost parameters, not the password;
 * memory is libsodium's ordinary heap, wiped by it after use.
 *
 * Threading: any thread; each call blocks for its whole work.
 */
#ifndef CRYPTO_ARGON2_H
#define CRYPTO_ARGON2_H

#include "base/entropy.h"
#include "base/view.h"
#include "cardea/status.h"

enum {
    ARGON2_PHC_MAX = 128, /* with its NUL */
    ARGON2_MEMORY_KIB_MIN = 19 * 1024,
    ARGON2_MEMORY_KIB_ONE_PASS = 46 * 1024,
    ARGON2_MEMORY_KIB_MAX = 1024 * 1024,
    ARGON2_PASSES_MAX = 64,
};

struct argon2_cost {
    uint32_t memory_kib, passes;
};

/* At least OWASP's minimum, 19 MiB with t=2 or 46 MiB with t=1, and within the limits above; the configuration refuses
 * anything else. */
bool argon2_cost_acceptable(struct argon2_cost c);

/* Hash for keeping.
 * in:    cost within the limits (also below the minimum: tests)
 * out:   ARGON2_PHC_MAX bytes, NUL-terminated
 * fails: E_USAGE (cap or cost out of range); E_BUSY without memory. */
struct cardea_status argon2_hash(struct view password, struct argon2_cost cost, char *out, size_t cap) CARDEA_CHECKED;
/* fails: E_INVALID_CREDENTIALS; E_CORRUPT (no PHC string of ours); E_BUSY without memory. */
struct cardea_status argon2_verify(struct view password, const char *phc) CARDEA_CHECKED;
/* Made with less memory or fewer passes than cost, or not ours: hash again at the next login. */
bool argon2_weaker(const char *phc, struct argon2_cost cost);

/* How guessable (zxcvbn, with its built-in dictionary): log10 of the guesses that a good attacker needs.
 *
 * in:    password: anything; words: NULL-terminated list of the user's own words, or NULL
 * cost:  zxcvbn takes more than linear time, so at most GUESS_WINDOW bytes are looked at from the front and as many
 *        from the back, and the better of both counts: a password is no easier to guess than any part of it, so a long
 *        repetition stays weak and a long random text stays strong. A few milliseconds at most.
 * A NUL ends what is looked at (the rest counts for nothing). */
enum { GUESS_WINDOW = 100 };
double password_guesses_log10(struct view password, const char *const *words);

#endif
