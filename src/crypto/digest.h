/* SHA-256 (FIPS 180-4): one call, no allocation, any thread. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/view.h"

void digest_sha256(const void *bytes, size_t len, uint8_t out[32]);

#endif
