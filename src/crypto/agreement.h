/* Key agreement: Diffie-Hellman on P-256, P-384 and X25519, and the Concat KDF that JWE derives keys with.
 *
 * Decides: which curves exist, which public keys are valid. Public keys travel as the curve has them: the uncompressed
 * point 04||x||y (65 and 97 bytes), or the 32 bytes of RFC 7748. Private ones are big-endian scalars of the curve's
 * size in [1, n-1], or the 32 bytes of RFC 7748. Refuses to decide: whose a public key is.
 *
 * Security: a point must be on its curve and not infinity, which with a cofactor of 1 is all there is to check (invalid
 * curve attacks); X25519 refuses a shared secret of zeros (points of low order). On the NIST curves a secret of zeros
 * is the coordinate of a real point and passes. Private keys live in guarded memory; what is derived is for the caller
 * to wipe. Multiplication is constant-time as far as OpenSSL (P-256, P-384) and libsodium (X25519) are. Limits: knowing
 * a public key proves nothing about who sent it: agreement with an ephemeral key authenticates nobody.
 *
 * Threading: a key may be used by any number of threads. Agreeing on a NIST curve allocates.
 *
 *     struct agreement_key *mine;
 *     uint8_t secret[AGREEMENT_SECRET_MAX];
 *     struct cardea_status s = agreement_key_generate(AGREEMENT_X25519, entropy, &mine);
 *     if (cardea_ok(s))
 *         s = agreement_secret(mine, theirs, secret);
 */
#ifndef CRYPTO_AGREEMENT_H
#define CRYPTO_AGREEMENT_H

#include "base/entropy.h"
#include "base/view.h"
#include "cardea/status.h"

enum agreement_curve { AGREEMENT_UNSET = 0, AGREEMENT_P256, AGREEMENT_P384, AGREEMENT_X25519, AGREEMENT_COUNT };
enum { AGREEMENT_SECRET_MAX = 48, AGREEMENT_PUBLIC_MAX = 97 };

/* As in JWK's crv: "P-256"; "" for UNSET. */
const char *agreement_curve_name(enum agreement_curve c);
enum agreement_curve agreement_curve_parse(struct view name);
/* Bytes of a coordinate, of a private key and of a shared secret; 0 for UNSET. */
size_t agreement_coordinate_len(enum agreement_curve c);
size_t agreement_public_len(enum agreement_curve c);

/* fails: E_INVALID_FIELD: another length, off the curve, infinity, or (X25519) a point of low order. */
struct cardea_status agreement_public_check(enum agreement_curve c, struct view public) CARDEA_CHECKED;

struct agreement_key; /* private, with its public half */

/* From the private half; the caller wipes its own copy. public may be empty; else it must be the other half.
 * fails: E_INVALID_FIELD: another length, out of range, halves that do not match; E_USAGE: no such curve; E_BUSY. */
struct cardea_status agreement_key_new(enum agreement_curve c, struct view private, struct view public,
                                       struct agreement_key **out) CARDEA_CHECKED;
/* fails: E_USAGE: no such curve; E_BUSY; E_INTERNAL. */
struct cardea_status agreement_key_generate(enum agreement_curve c, const struct entropy *e,
                                            struct agreement_key **out) CARDEA_CHECKED;
void agreement_key_free(struct agreement_key *k); /* wipes; NULL is safe */
enum agreement_curve agreement_key_curve(const struct agreement_key *k);
/* Lives as long as the key. */
struct view agreement_key_public(const struct agreement_key *k);

/* The shared secret with another's public key: agreement_coordinate_len bytes. The caller wipes it.
 * fails: E_INVALID_TOKEN: no valid public key of this curve, whatever is wrong; E_BUSY. */
struct cardea_status agreement_secret(const struct agreement_key *mine, struct view theirs,
                                      uint8_t out[AGREEMENT_SECRET_MAX]) CARDEA_CHECKED;

/* NIST SP 800-56A Concat KDF with SHA-256, as RFC 7518 §4.6.2 feeds it: algorithm, PartyUInfo, PartyVInfo each behind
 * its length, then the bits of the key. out_len is at most 64. */
void concat_kdf(struct view secret, struct view algorithm, struct view apu, struct view apv, uint8_t *out,
                size_t out_len);

#endif
