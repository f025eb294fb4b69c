/* JSON Web Signatures in compact form (RFC 7515): one strict reading of the header, one way to a verified payload.
 *
 * Decides: what a compact JWS looks like, and whether one holds under a key. Refuses to decide: what the payload means
 * (core/access_token.h), which keys are trusted, and which typ is right.
 *
 * Two steps, two types. jws_read gives a header, which nobody has vouched for and which serves to find a key and
 * nothing else; jws_verify gives the payload's bytes, and only when the signature holds. So no claim is read that was
 * not signed, and no header member is taken for a claim.
 *
 * What is refused when reading: more than JWS_TEXT_MAX bytes; anything but three segments, header and signature
 * not empty (content that is detached, RFC 7515 appendix F, reads as an empty payload, which was not signed); base64url
 * that is not canonical; a header that is not one JSON object, strictly read (duplicates, bad UTF-8, …); alg missing;
 * alg, kid or typ that are not plain strings (no escapes: a second spelling is a second meaning) or too long; crit,
 * whatever it names, since no extension is understood here; b64. What is ignored: every other member. jwk, jku, x5u,
 * x5c never choose a key: keys come from the caller. header.others says that there were such members, for who accepts
 * none. When verifying: the key names the algorithm, and alg must repeat it; "none" does not exist; the signature's
 * length and form are the key's (crypto/signature.h). Every refusal is E_INVALID_TOKEN: it does not tell what was
 * wrong.
 *
 * JSON serialisations are not read. Threading: pure; any thread. No allocation of ours.
 *
 *     struct jws token;
 *     char payload[1024];
 *     size_t len;
 *     struct cardea_status s = jws_read(text, &token);
 *     if (cardea_ok(s))
 *         s = jws_verify(&token, key, payload, sizeof payload, &len);
 */
#ifndef CORE_JWS_H
#define CORE_JWS_H

#include "core/jwk.h"

enum {
    JWS_TEXT_MAX = 16384,
    JWS_HEADER_MAX = 2048, /* decoded */
};

/* Nobody has vouched for any of it. Views into the struct jws that holds it. */
struct jws_header {
    struct view alg, kid, typ; /* empty: not there */
    size_t bytes;              /* of all of it, decoded */
    bool others;               /* more members than these three */
};

/* Valid while its text lives; not to be copied. */
struct jws {
    struct jws_header header;
    struct view signed_part, payload_text, signature_text; /* as they came */
    char plain[JWS_HEADER_MAX];
};

/* Cut and read the header. fails: E_INVALID_TOKEN. */
struct cardea_status jws_read(struct view text, struct jws *out) CARDEA_CHECKED;
/* jws_read for a text whose header the caller knows, because it would write the same: `known` is that header's text, as
 * base64url with the dot behind it, and alg what it says. A text that begins otherwise is E_INVALID_TOKEN here, and
 * jws_read's to judge. Views of out->header: alg alone. */
struct cardea_status jws_cut(struct view text, struct view known, struct view alg, struct jws *out) CARDEA_CHECKED;
/* Verify and decode. fails: E_INVALID_TOKEN; E_TOO_LARGE: right, but the payload does not fit; E_BUSY. */
struct cardea_status jws_verify(const struct jws *j, const struct verify_key *k, void *payload, size_t cap,
                                size_t *ret_len) CARDEA_CHECKED;
/* The key of a set that a header means: by its kid; without one, the only key of its alg. NULL: none. */
const struct jwk_key *jws_find_key(const struct jws *j, const struct jwk_set *keys);

/* Append a compact JWS with a header of alg, kid and typ (empty: left out).
 * fails: E_TOO_LARGE: over JWS_TEXT_MAX or out full; E_INTERNAL, E_BUSY of the signature.
 * out is untouched then, but for its `failed`. */
struct cardea_status jws_sign(const struct signing_key *k, struct view kid, struct view typ, struct view payload,
                              struct buf *out) CARDEA_CHECKED;

#endif
