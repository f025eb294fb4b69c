/* Signature keys. Each carries its algorithm from the moment it is made or loaded; nothing else chooses one.
 *
 * ES256 (RFC 7518 §3.4: raw r||s, 64 bytes) is implemented; the enum leaves the others' place. Contexts are kept ready:
 * a signing key may be used from any thread, one operation at a time per `struct signer` being the caller's job is NOT
 * needed (per-thread state inside).
 */
#ifndef CRYPTO_SIGNATURE_H
#define CRYPTO_SIGNATURE_H

#include "base/buf.h"
#include "base/id.h"
#include "cardea/status.h"

enum signature_algorithm { SIGNATURE_UNSET = 0, SIGNATURE_ES256 };
enum { SIGNATURE_MAX = 64, SIGNATURE_PRIVATE_MAX = 256, SIGNATURE_POINT = 65 };

const char *signature_algorithm_name(enum signature_algorithm a);     /* "ES256" */
enum signature_algorithm signature_algorithm_parse(struct view name); /* exact; UNSET otherwise */

struct signing_key; /* private */
struct verify_key;  /* public */

struct cardea_status signing_key_generate(enum signature_algorithm a, struct signing_key **out) CARDEA_CHECKED;
/* DER (PKCS#8), to be sealed at rest. */
struct cardea_status signing_key_export(const struct signing_key *k, uint8_t *out, size_t cap,
                                        size_t *ret_len) CARDEA_CHECKED;
struct cardea_status signing_key_import(enum signature_algorithm a, struct view der,
                                        struct signing_key **out) CARDEA_CHECKED;
void signing_key_free(struct signing_key *k);
enum signature_algorithm signing_key_algorithm(const struct signing_key *k);
struct cardea_status signing_key_sign(const struct signing_key *k, struct view message, uint8_t out[SIGNATURE_MAX],
                                      size_t *ret_len) CARDEA_CHECKED;

/* The public half: the uncompressed point (65 bytes), as a JWK (RFC 7517; kty crv x y, with alg use kid), its
 * thumbprint (RFC 7638). */
void signing_key_point(const struct signing_key *k, uint8_t out[SIGNATURE_POINT]);
void signature_point_jwk(const uint8_t point[SIGNATURE_POINT], struct buf *out);
struct key_id signature_point_thumbprint(const uint8_t point[SIGNATURE_POINT]);
/* From a public JWK of ours. fails: E_INVALID_FIELD: wrong curve, point not on it, length. */
struct cardea_status signature_jwk_point(struct view jwk, uint8_t out[SIGNATURE_POINT]) CARDEA_CHECKED;

struct cardea_status verify_key_new(enum signature_algorithm a, const uint8_t point[SIGNATURE_POINT],
                                    struct verify_key **out) CARDEA_CHECKED;
void verify_key_free(struct verify_key *k);
/* fails: E_INVALID_TOKEN, whatever is wrong. Any thread. */
struct cardea_status verify_key_check(const struct verify_key *k, struct view message,
                                      struct view signature) CARDEA_CHECKED;

#endif
