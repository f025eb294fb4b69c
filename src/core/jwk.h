/* JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037): reading, writing, thumbprints, and sets of keys ready to use.
 *
 * Decides: which JWKs are well formed, which one signature algorithm a key is for, whether it may sign or verify.
 * Refuses to decide: where keys come from (no I/O here) and which token is whose (core/jws.h, core/access_token.h).
 *
 * A key has exactly one algorithm from the moment it is loaded. A JWK's "alg" names it; without one, a curve implies it
 * (P-256 ES256, …, Ed25519 EdDSA), and for RSA and octets the caller must name it. A JWK that says otherwise than the
 * caller is refused, and so is an alg that does not fit the key's type and curve.
 *
 * "use" and "key_ops" are honoured: with "use" it must be "sig"; with "key_ops" a key verifies only with "verify" and
 * signs only with "sign", and a repeated operation is refused. Beside "use":"sig" no other operation may stand (§4.3).
 * x5c, x5t, x5u and members that nobody knows are ignored; "oth" (RSA of more than two primes) is refused.
 *
 * Values are base64url without padding, one text each; lengths are what the curve says, RSA's numbers have no leading
 * zeros. What crypto refuses as weak or malformed (crypto/signature.h) is refused here with E_INVALID_FIELD.
 *
 * Sets (§5): what is not for signatures, of an unknown kty, weak or malformed is skipped and counted, as the RFC asks;
 * two entries of one kid, secret and public keys mixed, and a set that is no set are refused whole. Without a "kid"
 * a key's RFC 7638 thumbprint is its id. Limits: JWK_* below.
 *
 * Security limits: a jwk that was read holds secrets in plain memory: jwk_clear. The thumbprint of octets is a digest
 * of a secret: it finds the key here and is never written out (RFC 7638 §7). Threading: values; a set is immutable.
 *
 *     struct jwk_set *keys;
 *     struct cardea_status s = jwk_set_read(text, SIGNATURE_RS256, &keys);
 *     const struct jwk_key *k = cardea_ok(s) ? jwk_set_find(keys, VIEW("2026-07")) : NULL;
 */
#ifndef CORE_JWK_H
#define CORE_JWK_H

#include "base/buf.h"
#include "base/id.h"
#include "crypto/raw_key.h"
#include "crypto/signature.h"

enum {
    JWK_TEXT_MAX = 16384, /* one key, certificates and all */
    JWK_KID_MAX = 255,
    JWK_ALG_MAX = 31,
    JWK_SET_TEXT_MAX = 262144,
    JWK_SET_MAX = 64,      /* usable keys */
    JWK_SET_ENTRIES = 256, /* and those that are skipped */
};

enum jwk_use { JWK_USE_UNSET = 0, JWK_USE_SIG, JWK_USE_ENC, JWK_USE_OTHER };
enum { JWK_MAY_SIGN = 1, JWK_MAY_VERIFY = 2, JWK_MAY_OTHER = 4 }; /* key_ops as bits */

/* A key as it was written; not yet judged. */
struct jwk {
    struct raw_key raw;
    char kid[JWK_KID_MAX + 1]; /* "" where there is none */
    char alg[JWK_ALG_MAX + 1];
    enum jwk_use use;
    unsigned ops; /* 0: no key_ops */
};

/* Read one key of kty EC, RSA, OKP or oct; all of its parts must be there.
 * fails: E_INVALID_FIELD: not such a key; E_TOO_LARGE. */
struct cardea_status jwk_read(struct view text, struct jwk *out) CARDEA_CHECKED;
/* Append the key, members sorted, no spaces; secret: with its private parts, else without: of an oct key nothing is
 * left then, and nothing is written. kid, alg and use where they are set.
 * in: a buf of fixed storage for secrets; the caller wipes it. */
void jwk_write(const struct jwk *k, bool secret, struct buf *out);
void jwk_clear(struct jwk *k); /* wipes */
/* RFC 7638 with SHA-256. */
struct key_id jwk_thumbprint(const struct raw_key *raw);
/* The one algorithm; `asked` is the caller's word, UNSET: none. UNSET: they contradict, or nothing names one. */
enum signature_algorithm jwk_algorithm(const struct jwk *k, enum signature_algorithm asked);

/* A key ready to use. */
struct jwk_key {
    char kid[JWK_KID_MAX + 1]; /* its own, or its thumbprint */
    bool named;                /* its own */
    enum signature_algorithm algorithm;
    struct verify_key *verify; /* NULL: may not */
    struct signing_key *sign;  /* NULL: public, or may not */
};

/* Make a key ready; the caller clears it. fails: E_INVALID_FIELD: no algorithm, not for signatures, weak, malformed;
 * E_BUSY without memory. cost: a private RSA key is checked for tenths of a second. */
struct cardea_status jwk_load(const struct jwk *k, enum signature_algorithm asked, struct jwk_key *out) CARDEA_CHECKED;
void jwk_key_clear(struct jwk_key *k);

struct jwk_set {
    uint32_t count, skipped;
    bool secret; /* its keys were written with their private halves, whether these may be used or not */
    struct jwk_key keys[];
};

/* asked: for keys that name no algorithm and imply none; UNSET: such are skipped. A key that names another keeps it.
 * fails: E_INVALID_FIELD: no set, two entries of one kid, secret and public keys mixed; E_TOO_LARGE; E_LIMIT: more than
 * JWK_SET_MAX usable keys or JWK_SET_ENTRIES; E_BUSY. */
struct cardea_status jwk_set_read(struct view text, enum signature_algorithm asked,
                                  struct jwk_set **out) CARDEA_CHECKED;
void jwk_set_free(struct jwk_set *s); /* NULL is safe */
/* By exact kid; NULL: none. */
const struct jwk_key *jwk_set_find(const struct jwk_set *s, struct view kid);

#endif
