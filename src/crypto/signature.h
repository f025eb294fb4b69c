/* Signature and MAC keys of JWS. Each carries its algorithm from the moment it is made or loaded; nothing else chooses
 * one.
 *
 * Decides: which algorithms exist, how keys and signatures look in bytes, which keys and signatures are well formed,
 * which keys are too weak. Refuses to decide: what a signature means; which key belongs to which token (core/jws.h,
 * core/keyring.h).
 *
 *   HS256 HS384 HS512   HMAC (RFC 7518 §3.2); a key no shorter than the hash
 *   RS256 RS384 RS512   RSASSA-PKCS1-v1_5 (§3.3); 2048 to 4096 bits, exponent odd and from 65537
 *   PS256 PS384 PS512   RSASSA-PSS (§3.5), MGF1 with the same hash, the salt exactly as long as the hash
 *   ES256 ES384 ES512   ECDSA on P-256, P-384, P-521 (§3.4); r||s, each as long as the curve's order
 *   EdDSA               Ed25519 (crypto/ed25519.h) and Ed448 (RFC 8037): one name, two algorithms, so the key decides
 *
 * "none" has no place. Parts of one type make keys of that type's algorithms alone: octets are never taken from the
 * text of a public key, so a public key can not verify a MAC, whatever a token says.
 *
 * Representation: keys come as raw keys (crypto/raw_key.h). Contexts of OpenSSL are kept ready in each key, a few at a
 * time taken from and given back to lock-free slots, so a check costs the bare primitive and about one per cent; MACs
 * keep the states after their padded keys.
 *
 * Security: a signature must have exactly its algorithm's length; r and s lie within [1, n-1], checked here and again
 * by OpenSSL; MACs are compared in constant time. ECDSA is malleable ((r, n-s) verifies too): a token's text does not
 * identify it, its jti does. Signing is constant-time as far as OpenSSL's curves and RSA are (P-256 on x86-64 and ARMv8
 * is, RSA is blinded). Limits: private keys of OpenSSL live on its ordinary heap, wiped on free, not in guarded pages
 * (MAC keys and Ed25519's do). Generating draws on OpenSSL's own generator. HMAC's key length is checked, not its
 * chance: a long password passes.
 *
 * Threading: every key may be used by any number of threads at once; free when none uses it.
 */
#ifndef CRYPTO_SIGNATURE_H
#define CRYPTO_SIGNATURE_H

#include "cardea/status.h"
#include "crypto/raw_key.h"

enum signature_algorithm {
    SIGNATURE_UNSET = 0,
    SIGNATURE_ES256,
    SIGNATURE_ES384,
    SIGNATURE_ES512,
    SIGNATURE_RS256,
    SIGNATURE_RS384,
    SIGNATURE_RS512,
    SIGNATURE_PS256,
    SIGNATURE_PS384,
    SIGNATURE_PS512,
    SIGNATURE_HS256,
    SIGNATURE_HS384,
    SIGNATURE_HS512,
    SIGNATURE_ED25519,
    SIGNATURE_ED448,
    SIGNATURE_COUNT,
};
enum { SIGNATURE_MAX = RSA_BITS_MAX / 8 };

/* As in a token's header: "ES256", "EdDSA" for both of its algorithms; "" for UNSET. */
const char *signature_algorithm_name(enum signature_algorithm a);
/* Exact, case and all (RFC 7515 §4.1.1); UNSET otherwise. "EdDSA" is Ed25519 here: where Ed448 may be meant, the curve
 * of the key must be asked (signature_algorithm_of). */
enum signature_algorithm signature_algorithm_parse(struct view name);
/* The algorithm of this name for a key of this type and curve; UNSET: they do not go together. An empty name: the one
 * that the curve implies; RSA and OCT imply none. */
enum signature_algorithm signature_algorithm_of(struct view name, enum raw_key_type type, enum raw_key_curve curve);
/* Made by a key that its verifiers hold too? */
bool signature_is_mac(enum signature_algorithm a);

struct signing_key; /* private or symmetric */
struct verify_key;  /* public or symmetric */

/* fails: E_INVALID_FIELD: parts of another type or curve than the algorithm's, parts that are missing, malformed, too
 * weak or do not belong together; E_USAGE: no such algorithm; E_BUSY: no memory. */
struct cardea_status signing_key_load(enum signature_algorithm a, const struct raw_key *raw,
                                      struct signing_key **out) CARDEA_CHECKED;
/* From a public or a private raw key, of which the public half alone is used; for HS from octets. */
struct cardea_status verify_key_load(enum signature_algorithm a, const struct raw_key *raw,
                                     struct verify_key **out) CARDEA_CHECKED;
/* The same for a key that was made here and comes back from under our own seal: whether an RSA key's numbers are primes
 * and belong together, which takes tenths of a second, is not asked again. */
struct cardea_status signing_key_load_own(enum signature_algorithm a, const struct raw_key *raw,
                                          struct signing_key **out) CARDEA_CHECKED;
struct cardea_status verify_key_load_own(enum signature_algorithm a, const struct raw_key *raw,
                                         struct verify_key **out) CARDEA_CHECKED;
/* What kind of key an algorithm has. false: no such algorithm. */
bool signature_key_shape(enum signature_algorithm a, enum raw_key_type *ret_type, enum raw_key_curve *ret_curve);
/* Draw the parts of a new key for an algorithm; the caller clears them. RSA keys get rsa_bits, MAC keys the hash's.
 * fails: E_USAGE (no such algorithm, rsa_bits out of range); E_INTERNAL.
 * cost: RSA takes tenths of a second to seconds. */
struct cardea_status signature_key_draw(enum signature_algorithm a, uint32_t rsa_bits,
                                        struct raw_key *out) CARDEA_CHECKED;
/* RSA keys get RSA_BITS_MIN bits, MAC keys the hash's. fails: E_USAGE (no such algorithm); E_INTERNAL. */
struct cardea_status signing_key_generate(enum signature_algorithm a, struct signing_key **out) CARDEA_CHECKED;
void signing_key_free(struct signing_key *k); /* wipes; NULL is safe */
enum signature_algorithm signing_key_algorithm(const struct signing_key *k);
/* Sign message (hashed here). *ret_len is always signing_key_length. fails: E_INTERNAL; E_BUSY without memory. */
struct cardea_status signing_key_sign(const struct signing_key *k, struct view message, uint8_t out[SIGNATURE_MAX],
                                      size_t *ret_len) CARDEA_CHECKED;
size_t signing_key_length(const struct signing_key *k);

void verify_key_free(struct verify_key *k); /* wipes; NULL is safe */
enum signature_algorithm verify_key_algorithm(const struct verify_key *k);
/* fails: E_INVALID_TOKEN, whatever is wrong; E_BUSY without memory.
 * cost: no allocation here; OpenSSL makes some of its own for ECDSA and RSA. */
struct cardea_status verify_key_check(const struct verify_key *k, struct view message,
                                      struct view signature) CARDEA_CHECKED;

#endif
