/* The system's randomness as a struct entropy (base/entropy.h). Aborts when the kernel has none: nothing else would be
 * safe. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include "base/entropy.h"
#include "cardea/status.h"

/* Call once at start, before anything of crypto/. fails: E_INTERNAL when a library does not come up. */
struct cardea_status crypto_start(void) CARDEA_CHECKED;
const struct entropy *entropy_system(void);

#endif
