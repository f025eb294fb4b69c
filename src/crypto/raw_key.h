/* Raw keys: a key as its parts, between what it travels in (JWK, PEM) and what uses it (a signature key, …).
 *
 * Decides: how parts look in bytes, and the names of types, curves and parts. Refuses to decide: whether a key is any
 * good, which algorithm it is for; who makes it ready to use checks it whole (crypto/signature.h), and a raw key that
 * was only read is not to be believed.
 *
 * Representation: parts are unsigned big-endian numbers or octets as RFC 7518 §6 and RFC 8037 §2 lay them out, decoded:
 *   EC   x y [d]                   as long as the curve's field
 *   RSA  n e [d p q dp dq qi]      without leading zeros; more than two primes have no place here
 *   OKP  x [d]                     as RFC 8032 and RFC 7748 write them
 *   OCT  k                         octets
 * They stand in the struct itself: no allocation; copying a raw key copies its secrets.
 *
 * Security limits: plain memory; whoever holds one that is secret clears it. Threading: a value.
 *
 *     struct raw_key k;
 *     raw_key_init(&k, RAW_KEY_OCT, RAW_CURVE_UNSET);
 *     if (raw_key_put(&k, RAW_KEY_K, secret)) …
 *     raw_key_clear(&k);
 */
#ifndef CRYPTO_RAW_KEY_H
#define CRYPTO_RAW_KEY_H

#include "base/view.h"
#include "cardea/status.h"

enum raw_key_type { RAW_KEY_UNSET = 0, RAW_KEY_EC, RAW_KEY_RSA, RAW_KEY_OKP, RAW_KEY_OCT };
enum raw_key_curve {
    RAW_CURVE_UNSET = 0,
    RAW_CURVE_P256,
    RAW_CURVE_P384,
    RAW_CURVE_P521,
    RAW_CURVE_ED25519,
    RAW_CURVE_ED448,
    RAW_CURVE_X25519,
};
enum raw_key_part {
    RAW_KEY_N,
    RAW_KEY_E,
    RAW_KEY_X,
    RAW_KEY_Y,
    RAW_KEY_K,
    RAW_KEY_D,
    RAW_KEY_P,
    RAW_KEY_Q,
    RAW_KEY_DP,
    RAW_KEY_DQ,
    RAW_KEY_QI,
    RAW_KEY_PARTS,
};
enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 4096,
    RAW_KEY_PART_MAX = RSA_BITS_MAX / 8, /* bytes of one part */
    RAW_KEY_BYTES = 5 * RAW_KEY_PART_MAX,
    RAW_KEY_PUBLIC_MAX = 1 + 8 + RAW_KEY_PART_MAX, /* raw_key_pack */
};

struct raw_key {
    enum raw_key_type type;
    enum raw_key_curve curve; /* EC and OKP */
    struct {
        uint16_t at, len;
    } parts[RAW_KEY_PARTS];
    uint16_t used;
    uint8_t bytes[RAW_KEY_BYTES];
};

void raw_key_init(struct raw_key *k, enum raw_key_type type, enum raw_key_curve curve);
void raw_key_clear(struct raw_key *k); /* wipes */
/* Set a part; once each, not empty. False: it was set before, is empty or too long. */
bool raw_key_put(struct raw_key *k, enum raw_key_part part, struct view bytes) __attribute__((warn_unused_result));
/* Empty where there is none. */
struct view raw_key_part(const struct raw_key *k, enum raw_key_part part);
/* Does it hold a private or symmetric part? */
bool raw_key_is_secret(const struct raw_key *k);
/* The public half; all of an OCT key is secret: nothing of it is left. */
void raw_key_public(const struct raw_key *k, struct raw_key *out);

/* The public half in as few bytes as tell it, given type and curve: EC 04||x||y; OKP x; RSA the length of e in one
 * byte, e, n. Answers how many; 0: an OCT key, or parts that no key has. */
size_t raw_key_pack(const struct raw_key *k, uint8_t out[RAW_KEY_PUBLIC_MAX]);
/* The other way. False: not such bytes. */
bool raw_key_unpack(struct view bytes, enum raw_key_type type, enum raw_key_curve curve, struct raw_key *out)
    __attribute__((warn_unused_result));

/* "EC", "P-256", "n": the names that JWKs use; "" for UNSET. */
const char *raw_key_type_name(enum raw_key_type type);
const char *raw_key_curve_name(enum raw_key_curve curve);
const char *raw_key_part_name(enum raw_key_part part);
/* Bytes of one coordinate, or of an OKP key. */
size_t raw_key_curve_size(enum raw_key_curve curve);
/* Bit p: a key of this type has part p; public parts, and private ones beside them (for OCT: k). */
uint32_t raw_key_public_parts(enum raw_key_type type);
uint32_t raw_key_private_parts(enum raw_key_type type);

/* Draw a new private key: EC and OKP on a curve; RSA of `bits` and e = 65537; OCT of `bits`.
 * fails: E_USAGE (no such curve, RSA outside RSA_BITS_MIN … MAX, OCT not 1 … 512 whole bytes); E_INTERNAL.
 * cost: RSA takes tenths of a second to seconds. */
struct cardea_status raw_key_generate(enum raw_key_type type, enum raw_key_curve curve, uint32_t bits,
                                      struct raw_key *out) CARDEA_CHECKED;

#endif
