/* Signature keys. Each carries its algorithm from the moment it is made or loaded; nothing else chooses one.
 *
 * Decides: which algorithms exist, how keys and signatures look in bytes, which keys and signatures are well formed.
 * Refuses to decide: what a signature means; which key belongs to which token (core/keyring.h, core/access_token.h).
 *
 * ES256 (ECDSA on P-256 with SHA-256, RFC 7518 §3.4) is implemented: signatures are r||s, 32 bytes each, big-endian.
 * The enum leaves the others' place; "none" and MACs have no place in it: a public key can not verify a MAC.
 *
 * Representation: public keys travel as the uncompressed point 04||x||y (65 bytes) and as JWK; private ones as PKCS#8
 * DER, to be sealed (crypto/seal.h) before they touch a disk. Contexts of OpenSSL are kept ready in each key, a few at
 * a time taken from and given back to lock-free slots, so a check costs the bare primitive and about one per cent.
 *
 * Security: a signature must have exactly 64 bytes and r and s within [1, n-1], checked here and again by OpenSSL; a
 * point must be on the curve. ECDSA is malleable ((r, n-s) verifies too): a token's text does not identify it, its jti
 * does. Signing is constant-time as far as OpenSSL's P-256 is (on x86-64 and ARMv8 it is). Limits: private keys of
 * OpenSSL live on its ordinary heap, wiped on free, not in guarded pages. Generating draws on OpenSSL's own generator.
 *
 * Threading: every key may be used by any number of threads at once; free when none uses it.
 */
#ifndef CRYPTO_SIGNATURE_H
#define CRYPTO_SIGNATURE_H

#include "base/buf.h"
#include "base/id.h"
#include "cardea/status.h"

enum signature_algorithm { SIGNATURE_UNSET = 0, SIGNATURE_ES256 };
enum { SIGNATURE_MAX = 64, SIGNATURE_PRIVATE_MAX = 256, SIGNATURE_POINT = 65 };

/* "ES256"; "" for UNSET. */
const char *signature_algorithm_name(enum signature_algorithm a);
/* Exact, case and all (RFC 7515 §4.1.1); UNSET otherwise. */
enum signature_algorithm signature_algorithm_parse(struct view name);

struct signing_key; /* private */
struct verify_key;  /* public */

/* fails: E_USAGE (no such algorithm); E_INTERNAL. */
struct cardea_status signing_key_generate(enum signature_algorithm a, struct signing_key **out) CARDEA_CHECKED;
/* As PKCS#8 DER, at most SIGNATURE_PRIVATE_MAX bytes; the caller wipes out. fails: E_TOO_LARGE; E_INTERNAL. */
struct cardea_status signing_key_export(const struct signing_key *k, uint8_t *out, size_t cap,
                                        size_t *ret_len) CARDEA_CHECKED;
/* fails: E_CORRUPT: not DER of a private key for this algorithm, bytes after it, or halves that do not match. */
struct cardea_status signing_key_import(enum signature_algorithm a, struct view der,
                                        struct signing_key **out) CARDEA_CHECKED;
void signing_key_free(struct signing_key *k); /* wipes; NULL is safe */
enum signature_algorithm signing_key_algorithm(const struct signing_key *k);
/* Sign message (hashed here). *ret_len is 64 for ES256. fails: E_INTERNAL. */
struct cardea_status signing_key_sign(const struct signing_key *k, struct view message, uint8_t out[SIGNATURE_MAX],
                                      size_t *ret_len) CARDEA_CHECKED;

/* The public half of a private key. */
void signing_key_point(const struct signing_key *k, uint8_t out[SIGNATURE_POINT]);
/* Append the point as a public JWK (RFC 7517, RFC 7518 §6.2): alg crv kid kty use x y. */
void signature_point_jwk(const uint8_t point[SIGNATURE_POINT], struct buf *out);
/* RFC 7638 SHA-256 thumbprint, our kid. */
struct key_id signature_point_thumbprint(const uint8_t point[SIGNATURE_POINT]);
/* From a public JWK of ours. fails: E_INVALID_FIELD: no JSON object, not kty EC and crv P-256, a coordinate that is not
 * 32 bytes of canonical base64url, a private member, or a point off the curve. */
struct cardea_status signature_jwk_point(struct view jwk, uint8_t out[SIGNATURE_POINT]) CARDEA_CHECKED;

/* fails: E_INVALID_FIELD: point off the curve; E_USAGE: no such algorithm; E_BUSY: no memory. */
struct cardea_status verify_key_new(enum signature_algorithm a, const uint8_t point[SIGNATURE_POINT],
                                    struct verify_key **out) CARDEA_CHECKED;
void verify_key_free(struct verify_key *k); /* NULL is safe */
enum signature_algorithm verify_key_algorithm(const struct verify_key *k);
/* fails: E_INVALID_TOKEN, whatever is wrong; E_BUSY without memory. */
struct cardea_status verify_key_check(const struct verify_key *k, struct view message,
                                      struct view signature) CARDEA_CHECKED;

#endif
