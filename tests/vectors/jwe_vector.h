/* What tests of JWE vectors share: a key of ours from a JWK in a vector file, and opening a text with it. */
#ifndef VECTORS_JWE_VECTOR_H
#define VECTORS_JWE_VECTOR_H

#include "vector_file.h"

#include "core/jwe.h"
#include "crypto/random.h"

struct jwe_bytes {
    size_t len;
    uint8_t bytes[1024];
};

static inline struct view jwe_bytes_view(const struct jwe_bytes *b)
{
    return view_of(b->bytes, b->len);
}

/* A base64url member; empty where it is missing, of no length where it is no base64url. */
static inline struct jwe_bytes vector_bytes(const struct vector_file *f, uint32_t object, const char *name)
{
    struct jwe_bytes b = {0};

    if (!cardea_ok(base64url_decode(vector_text(f, object, name), b.bytes, sizeof b.bytes, &b.len)))
        b.len = 0;
    return b;
}

static inline struct jwe_key *vector_key_agreement(const struct vector_file *f, uint32_t jwk, const struct jwe_rule *r)
{
    enum agreement_curve c = agreement_curve_parse(vector_text(f, jwk, "crv"));
    struct jwe_bytes x = vector_bytes(f, jwk, "x"), y = vector_bytes(f, jwk, "y"), d = vector_bytes(f, jwk, "d");
    struct jwe_key *k = NULL;
    uint8_t public[1 + 2 * 1024] = {0x04};

    memcpy(public + 1, x.bytes, x.len);
    memcpy(public + 1 + x.len, y.bytes, y.len);
    struct view whole = c == AGREEMENT_X25519 ? view_of(public + 1, x.len) : view_of(public, 1 + x.len + y.len);
    return cardea_ok(jwe_key_agreement(r, c, whole, jwe_bytes_view(&d), &k)) ? k : NULL;
}

static inline struct jwe_key *vector_key_rsa(const struct vector_file *f, uint32_t jwk, const struct jwe_rule *r)
{
    static const char *const names[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
    struct jwe_bytes b[8];
    struct jwe_key *k = NULL;

    for (size_t i = 0; i < 8; i++)
        b[i] = vector_bytes(f, jwk, names[i]);
    struct rsa_parts parts = {jwe_bytes_view(&b[0]), jwe_bytes_view(&b[1]), jwe_bytes_view(&b[2]),
                              jwe_bytes_view(&b[3]), jwe_bytes_view(&b[4]), jwe_bytes_view(&b[5]),
                              jwe_bytes_view(&b[6]), jwe_bytes_view(&b[7])};
    return cardea_ok(jwe_key_rsa(r, &parts, &k)) ? k : NULL;
}

/* The key for the algorithm that the JWK itself names; NULL where we have no such algorithm. A JWK whose alg is a
 * content encryption is one for dir. */
static inline struct jwe_key *vector_key(const struct vector_file *f, uint32_t jwk, struct view alg, unsigned encs)
{
    struct jwe_rule r = {jwe_alg_parse(alg), encs, VIEW_EMPTY};
    struct jwe_bytes bytes = vector_bytes(f, jwk, "k");
    struct view kty = vector_text(f, jwk, "kty"), kid = vector_text(f, jwk, "kid");
    struct jwe_key *k = NULL;

    r.kid = kid;
    if (aead_parse(alg) != AEAD_UNSET) {
        r.alg = JWE_DIR;
        r.encs = JWE_ENC(aead_parse(alg));
    }
    if (r.alg == JWE_ALG_UNSET)
        return NULL;
    if (view_is(kty, "oct"))
        return cardea_ok(jwe_key_symmetric(&r, jwe_bytes_view(&bytes), &k)) ? k : NULL;
    return view_is(kty, "RSA") ? vector_key_rsa(f, jwk, &r) : vector_key_agreement(f, jwk, &r);
}

/* Open into storage that lives until the next call. */
static inline struct cardea_status vector_open(struct view text, const struct jwe_key *k, struct view *ret_plain)
{
    static uint8_t room[1 << 16];
    struct jwe_opened opened;
    struct cardea_status s = jwe_open(text, k, entropy_system(), room, sizeof room, &opened);

    if (cardea_ok(s))
        *ret_plain = opened.plain;
    return s;
}

#endif
