#include "crypto/digest.h"

#include "base/secret.h"
#include "crypto/sha2.h"

#include <stdlib.h>

void digest_sha256(const void *bytes, size_t len, uint8_t out[32])
{
    sha256_state state;

    /* These calls fail on a NULL state or a message of 2^61 bytes only: neither exists. */
    if (SHA256_Init(&state) != 1 || SHA256_Update(&state, bytes, len) != 1 || SHA256_Final(out, &state) != 1)
        abort();
    secret_wipe(&state, sizeof state);
}

void digest_sha384(const void *bytes, size_t len, uint8_t out[48])
{
    sha512_state state;

    if (SHA384_Init(&state) != 1 || SHA384_Update(&state, bytes, len) != 1 || SHA384_Final(out, &state) != 1)
        abort();
    secret_wipe(&state, sizeof state);
}

void digest_sha512(const void *bytes, size_t len, uint8_t out[64])
{
    sha512_state state;

    if (SHA512_Init(&state) != 1 || SHA512_Update(&state, bytes, len) != 1 || SHA512_Final(out, &state) != 1)
        abort();
    secret_wipe(&state, sizeof state);
}
