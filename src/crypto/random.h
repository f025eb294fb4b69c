/* The system's randomness as a struct entropy (base/entropy.h), and the start of the crypto libraries.
 *
 * Security: every byte comes from the kernel's generator (getrandom), fresh for each call, so nothing is shared over a
 * fork and nothing is left in memory to steal. Aborts when the kernel has none: nothing else would be safe.
 * Limits: OpenSSL keeps a generator of its own, seeded from the same place, for signature keys and ECDSA nonces.
 *
 * Threading: crypto_start once, before any other thread; after that everything from any thread.
 */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include "base/entropy.h"
#include "cardea/status.h"

/* Call once at start, before anything of crypto/; calling it again does no harm.
 * fails: E_INTERNAL when a library does not come up. */
struct cardea_status crypto_start(void) CARDEA_CHECKED;
/* The same for a library in somebody else's process: initialises libsodium, and leaves OpenSSL, which starts by itself,
 * as its owner wants it. Any thread, any number of times. */
struct cardea_status crypto_start_guest(void) CARDEA_CHECKED;
/* The process's source; lives forever. */
const struct entropy *entropy_system(void);

#endif
