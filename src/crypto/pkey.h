/* OpenSSL's keys and raw keys, private to crypto/: the one place where parts become an EVP_PKEY, and where weak and
 * malformed EC and RSA keys are refused, whatever they came in.
 *
 * Refused: RSA moduli outside RSA_BITS_MIN … RSA_BITS_MAX, even, or with the fingerprint of the Infineon generator
 * (ROCA, CVE-2017-15361); exponents that are even, below 65537 or above 64 bits; leading zeros; private RSA keys
 * without all their parts or whose parts do not belong together; EC points off the curve or not as long as the curve
 * says; halves that do not match; Ed448 points off the curve, of small order or not canonical.
 *
 * Limits: of an RSA modulus alone nobody can see that it is the product of two large primes. OpenSSL looks for small
 * factors and tries random bases, so a number of many factors may pass once and be refused the next time.
 */
#ifndef CRYPTO_PKEY_H
#define CRYPTO_PKEY_H

#include "crypto/raw_key.h"

#include <openssl/evp.h>

/* OpenSSL queues what went wrong for its thread; nobody here reads it, and it must not grow. */
struct cardea_status pkey_fail(enum cardea_code code);

/* From EC, RSA or an OKP key of Ed448; the caller frees. secret: with the private half, which must be there and
 * belong to the public one. NULL: refused, or no memory. */
EVP_PKEY *pkey_from_raw(const struct raw_key *k, bool secret);
/* The same without the checks that take long: of a key that was made here and never left our seal. */
EVP_PKEY *pkey_from_own(const struct raw_key *k, bool secret);
/* The parts of any key that a raw key can hold; with the private ones where secret. False: another kind, or too big. */
bool pkey_to_raw(EVP_PKEY *pkey, bool secret, struct raw_key *out);
/* Is this Ed448 encoding canonical, on the curve, and not of small order? */
bool ed448_point_valid(const uint8_t x[57]);

#endif
