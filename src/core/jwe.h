/* JWE: encrypted tokens in compact form (RFC 7516, RFC 7518, RFC 8037 for X25519).
 *
 * Decides: what a well-formed JWE is, whether one was encrypted for a key of ours, and what is inside. Refuses to
 * decide who made it. THE RESULT IS OPENED, NOT VERIFIED: with a public key (RSA-OAEP-256, ECDH-ES) anybody in the
 * world can encrypt anything, and with a symmetric one any holder of that key can. What is inside names nobody: where
 * it is a nested JWT (cty "JWT"), the caller verifies that token's signature; where it is bare claims, the caller may
 * believe them only under a symmetric key that nobody else holds and that is used for nothing else (core/sealed.h).
 *
 * Every key carries, from the moment it is made, one `alg`, the content encryptions that it may be used with (one for
 * dir, else one or an explicit few), and perhaps a `kid`. A token must repeat the first two, and the third where it
 * names one: it never chooses (promise 3). There is no RSA1_5, no RSA-OAEP with SHA-1, no PBES2 (its iteration count is
 * the sender's to choose): such tokens are refused before any work. So is any token with `zip`, because a small
 * ciphertext may hold gigabytes, and with `crit`, because no extension is understood. jwk, jku, x5u, x5c and names
 * nobody knows are never looked at.
 *
 * Text: five segments of canonical base64url, at most JWE_TEXT_MAX characters; a header of at most JWE_HEADER_MAX bytes
 * of strict JSON. Lengths of iv, tag and encrypted key are exact. One text per token, as far as the cipher has one.
 *
 * Security: whatever is wrong, the answer is E_INVALID_TOKEN, and an encrypted key that does not unwrap is replaced by
 * a random one with which decryption goes on (RFC 7516 §11.5), so that neither answer nor time tells the two apart. An
 * invalid point, a wrong length, a wrong algorithm are known to the sender and refused at once. Content keys and shared
 * secrets are wiped. Limits: length is not hidden; E_TOO_LARGE (room) shows before decryption and depends on lengths.
 * No perfect secrecy towards the recipient's key: who gets that reads all that was ever sent to it.
 *
 * Threading: keys are immutable and may be used by any number of threads. Opening with dir allocates nothing; the
 * others allocate a context for the content key.
 *
 *     struct jwe_rule rule = {JWE_DIR, JWE_ENC(AEAD_A256GCM), VIEW("2026-1")};
 *     struct jwe_key *k;
 *     struct cardea_status s = jwe_key_symmetric(&rule, view_of(bytes, 32), &k);
 *     if (cardea_ok(s))
 *         s = jwe_seal(k, &(struct jwe_header){0}, VIEW("plain"), entropy, &out);
 *     if (cardea_ok(s))
 *         s = jwe_open(buf_view(&out), k, entropy, plain, sizeof plain, &opened);
 */
#ifndef CORE_JWE_H
#define CORE_JWE_H

#include "base/buf.h"
#include "base/entropy.h"
#include "crypto/aead.h"
#include "crypto/agreement.h"
#include "crypto/raw_key.h"
#include "crypto/rsa_oaep.h"

enum {
    JWE_TEXT_MAX = 1 << 16,
    JWE_HEADER_MAX = 2048, /* decoded */
    JWE_NAME_MAX = 255,    /* of kid, typ, cty */
    JWE_PARTY_MAX = 128,   /* of apu, apv, decoded */
    JWE_PLAIN_MAX = 40960, /* what jwe_seal takes */
};

enum jwe_alg {
    JWE_ALG_UNSET = 0,
    JWE_DIR,
    JWE_A128KW,
    JWE_A192KW,
    JWE_A256KW,
    JWE_A128GCMKW,
    JWE_A192GCMKW,
    JWE_A256GCMKW,
    JWE_ECDH_ES,
    JWE_ECDH_ES_A128KW,
    JWE_ECDH_ES_A192KW,
    JWE_ECDH_ES_A256KW,
    JWE_RSA_OAEP_256,
    JWE_ALG_COUNT
};

/* "A128KW"; "" for UNSET. */
const char *jwe_alg_name(enum jwe_alg a);
/* Exact, case and all; UNSET otherwise. */
enum jwe_alg jwe_alg_parse(struct view name);

/* --- keys --- */

#define JWE_ENC(a) (1u << (a))                /* one content encryption, in a set */
#define JWE_ENC_ALL ((1u << AEAD_COUNT) - 2u) /* every one there is */

/* What a key may be used for; chosen by who has the key. */
struct jwe_rule {
    enum jwe_alg alg;
    unsigned encs;   /* JWE_ENC(…) | …; exactly one for JWE_DIR */
    struct view kid; /* may be empty; at most JWE_NAME_MAX */
};

struct jwe_key;

/* For dir (as many bytes as its content encryption needs), AxxxKW and AxxxGCMKW (16, 24 or 32). The caller wipes bytes.
 * fails: E_USAGE: the rule is none, or not for such a key; E_INVALID_FIELD: wrong length; E_BUSY. */
struct cardea_status jwe_key_symmetric(const struct jwe_rule *r, struct view bytes,
                                       struct jwe_key **out) CARDEA_CHECKED;
/* For ECDH-ES and its kin. Halves as in crypto/agreement.h; without the private one the key only seals, without the
 * public one it is computed. fails: E_USAGE; E_INVALID_FIELD: no valid key, or halves that do not match; E_BUSY. */
struct cardea_status jwe_key_agreement(const struct jwe_rule *r, enum agreement_curve c, struct view public,
                                       struct view private, struct jwe_key **out) CARDEA_CHECKED;
/* For RSA-OAEP-256. fails: E_USAGE; E_INVALID_FIELD: see crypto/rsa_oaep.h; E_BUSY. */
struct cardea_status jwe_key_rsa(const struct jwe_rule *r, const struct rsa_parts *parts,
                                 struct jwe_key **out) CARDEA_CHECKED;
/* From a key in parts, whatever its type: the one of the three above that it calls for. The caller clears k.
 * fails: E_USAGE: the rule is not for a key of this type; E_INVALID_FIELD: no type, curve or key that JWE has; E_BUSY.
 */
struct cardea_status jwe_key_from_raw(const struct jwe_rule *r, const struct raw_key *k,
                                      struct jwe_key **out) CARDEA_CHECKED;
void jwe_key_free(struct jwe_key *k); /* wipes; NULL is safe */
enum jwe_alg jwe_key_alg(const struct jwe_key *k);
bool jwe_key_opens(const struct jwe_key *k); /* false for a public half */
/* Empty where it has none; lives as long as the key. */
struct view jwe_key_kid(const struct jwe_key *k);

/* --- reading --- */

struct jwe_name {
    size_t len; /* 0: absent */
    char bytes[JWE_NAME_MAX];
};
static inline struct view jwe_name_view(const struct jwe_name *n)
{
    return view_of(n->bytes, n->len);
}

struct jwe_party {
    size_t len;
    uint8_t bytes[JWE_PARTY_MAX];
};

/* A text taken apart, nothing decrypted and nothing believed: all of it is the sender's word. Its kid serves to find
 * the key, among keys that the caller has, and for nothing else. The views point into the text. */
struct jwe_token {
    struct view header, key, iv, body, tag; /* base64url */
    enum jwe_alg alg;
    enum aead enc;
    struct jwe_name kid, typ, cty;
    enum agreement_curve epk_curve; /* for ECDH-ES and its kin */
    uint8_t epk[AGREEMENT_PUBLIC_MAX];
    struct jwe_party apu, apv;
    uint8_t wrap_iv[12], wrap_tag[16]; /* for AxxxGCMKW */
};

/* Take a text apart. fails: E_INVALID_TOKEN, whatever is wrong. cost: no allocation. */
struct cardea_status jwe_read(struct view text, struct jwe_token *out) CARDEA_CHECKED;

/* --- opening and sealing --- */

struct jwe_opened {    /* see above: opened, not verified */
    struct view plain; /* in the caller's storage, which the caller wipes */
    enum aead enc;
    struct jwe_name typ, cty; /* authentic as far as the plain text is */
};

/* The most bytes that a text's ciphertext can have: what room jwe_open needs at most. */
#define JWE_ROOM(text_len) ((text_len) / 4 * 3 + 3)

/* Decrypt what jwe_read took apart. e is drawn on where an encrypted key does not unwrap; dir does not use it.
 * in:    cap bytes at room, at least as many as the ciphertext has (up to 16 more than the plain text)
 * out:   *ret, its plain text in room; on failure room holds nothing of the plain text
 * fails: E_INVALID_TOKEN; E_TOO_LARGE: no room; E_USAGE: a public half; E_BUSY. */
struct cardea_status jwe_token_open(const struct jwe_token *t, const struct jwe_key *k, const struct entropy *e,
                                    uint8_t *room, size_t cap, struct jwe_opened *ret) CARDEA_CHECKED;
/* Both steps, for who has one key. */
struct cardea_status jwe_open(struct view text, const struct jwe_key *k, const struct entropy *e, uint8_t *room,
                              size_t cap, struct jwe_opened *ret) CARDEA_CHECKED;

/* What the sender says beside alg, enc and kid, which are the key's. */
struct jwe_header {
    enum aead enc; /* one of the key's; UNSET where it has only one */
    struct view typ, cty;
    struct view apu, apv; /* bytes; for ECDH-ES and its kin */
};

/* Encrypt for k and append the text to out. All randomness but RSA's padding comes from e.
 * fails: E_USAGE: an enc that is not the key's, a name too long; E_TOO_LARGE: more than JWE_PLAIN_MAX, or out is full;
 *        E_BUSY; E_INTERNAL. out is untouched then, but for its `failed` when the text did not fit. */
struct cardea_status jwe_seal(const struct jwe_key *k, const struct jwe_header *h, struct view plain,
                              const struct entropy *e, struct buf *out) CARDEA_CHECKED;

#endif
