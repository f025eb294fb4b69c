/* Keys as PEM (RFC 7468): PKCS#8 and SPKI, PKCS#1, SEC 1, and the public key of a certificate.
 *
 *   PRIVATE KEY, PUBLIC KEY, RSA PRIVATE KEY, RSA PUBLIC KEY, EC PRIVATE KEY, CERTIFICATE
 *
 * Decides: which texts hold exactly one key, of a kind that a raw key can hold. Refuses to decide: its algorithm, and
 * whether it is strong enough; making it ready does (crypto/signature.h). A certificate lends its key and nothing
 * else: neither its chain, nor its times, nor its names are looked at; whoever configures it trusts the key.
 *
 * Refused: encrypted keys (no password is ever asked for), a second key, DER with bytes after it, DSA, DH, curves that
 * have no name here, RSA keys that carry PSS parameters. "EC PARAMETERS", which openssl writes before a key, are
 * skipped; text outside the blocks is ignored.
 *
 * Threading: pure; any thread.
 */
#ifndef CRYPTO_PEM_H
#define CRYPTO_PEM_H

#include "base/buf.h"
#include "crypto/raw_key.h"

enum { PEM_TEXT_MAX = 65536, PKCS8_MAX = 4096 };

/* The caller clears out. fails: E_INVALID_FIELD; E_TOO_LARGE; E_BUSY without memory. */
struct cardea_status pem_read(struct view text, struct raw_key *out) CARDEA_CHECKED;
/* A private key as bare PKCS#8 DER. The caller clears out. fails: E_INVALID_FIELD; E_TOO_LARGE. */
struct cardea_status pkcs8_read(struct view der, struct raw_key *out) CARDEA_CHECKED;
/* Append the key as PKCS#8 (secret) or SPKI.
 * in: for a secret key fixed storage, which the caller wipes.
 * fails: E_INVALID_FIELD: an oct key, or one that crypto refuses; E_TOO_LARGE: does not fit. */
struct cardea_status pem_write(const struct raw_key *k, bool secret, struct buf *out) CARDEA_CHECKED;

#endif
