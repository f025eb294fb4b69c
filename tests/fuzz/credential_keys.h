/* A keyring made by hand, the same in every run: fuzz drivers of credentials must not depend on a store or on chance,
 * so that a seed that was genuine once stays genuine. */
#ifndef FUZZ_CREDENTIAL_KEYS_H
#define FUZZ_CREDENTIAL_KEYS_H

#include "core/keyring.h"

/* Made at the first call; lives as long as the process. */
struct keyring *fuzz_keyring(void);
/* Bytes that look random and are always the same. */
const struct entropy *fuzz_entropy(void);

#endif
