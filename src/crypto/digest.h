/* SHA-256, SHA-384 and SHA-512 (FIPS 180-4): one call, no allocation, any thread.
 *
 * Decides: nothing but the digest. What a digest is good for is its caller's question: of a random secret it can be
 * stored (32 random bytes can not be guessed from it); of a password it must not be (crypto/argon2.h).
 *
 * Security: the state that held the input is wiped from the stack before returning. Time depends on the length alone.
 *
 *     uint8_t out[32];
 *     digest_sha256("abc", 3, out);
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/view.h"

/* Digest len bytes (NULL with 0 is the empty message).
 * cost: about 55 ns for 32 bytes where the processor has SHA instructions. */
void digest_sha256(const void *bytes, size_t len, uint8_t out[32]);
void digest_sha384(const void *bytes, size_t len, uint8_t out[48]);
void digest_sha512(const void *bytes, size_t len, uint8_t out[64]);

#endif
