/* RSA-OAEP with SHA-256 and MGF1 with SHA-256 (RFC 7518 §4.3 "RSA-OAEP-256"): a short key encrypted to a public one.
 *
 * Decides: which RSA keys are good enough (modulus of RSA_BITS_MIN to RSA_BITS_MAX bits, odd exponent from 65537 to
 * 2^64), an empty label, and no other padding: PKCS #1 v1.5 does not exist here. Refuses to decide: whose a key is.
 *
 * Security: opening fails in one way whatever is wrong with the padding, and OpenSSL takes it apart in constant time;
 * still the caller must go on with a random key where it fails, so that the time of what follows does not tell either
 * (core/jwe.h does). Limits: the private key lives on OpenSSL's ordinary heap, wiped on free; the padding's seed comes
 * from OpenSSL's own generator. That the parts belong together is checked, that p and q are prime is not: who makes up
 * a private key harms its owner alone.
 *
 * Threading: a key may be used by any number of threads; contexts are kept ready.
 *
 *     struct oaep_key *k;
 *     struct cardea_status s = oaep_key_new(&(struct rsa_parts){.n = n, .e = e}, &k);
 *     if (cardea_ok(s))
 *         s = oaep_seal(k, cek, out);
 */
#ifndef CRYPTO_RSA_OAEP_H
#define CRYPTO_RSA_OAEP_H

#include "base/view.h"
#include "cardea/status.h"
#include "crypto/raw_key.h"

enum { OAEP_LEN_MAX = RSA_BITS_MAX / 8, OAEP_TEXT_MAX = 64 };

/* Big-endian, as JWK has them. d empty: a public key; else p, q, dp, dq, qi are all there, or none of them is. */
struct rsa_parts {
    struct view n, e, d, p, q, dp, dq, qi;
};

struct oaep_key;

/* Keep ready; the caller wipes its own copy.
 * fails: E_INVALID_FIELD: too small, too large, an exponent that is refused, parts that do not fit; E_BUSY. */
struct cardea_status oaep_key_new(const struct rsa_parts *parts, struct oaep_key **out) CARDEA_CHECKED;
void oaep_key_free(struct oaep_key *k); /* wipes; NULL is safe */
bool oaep_key_private(const struct oaep_key *k);
/* Bytes of the modulus, and so of everything sealed. */
size_t oaep_key_len(const struct oaep_key *k);
/* Seal at most OAEP_TEXT_MAX bytes into oaep_key_len. fails: E_USAGE: too long; E_BUSY; E_INTERNAL. */
struct cardea_status oaep_seal(const struct oaep_key *k, struct view plain, uint8_t out[OAEP_LEN_MAX]) CARDEA_CHECKED;
/* Open: exactly len bytes are expected. out is untouched on failure.
 * fails: E_INVALID_TOKEN, whatever is wrong; E_USAGE: no private key; E_BUSY. */
struct cardea_status oaep_open(const struct oaep_key *k, struct view sealed, uint8_t *out, size_t len) CARDEA_CHECKED;

#endif
