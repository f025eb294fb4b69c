/* Opening: find the content key, decrypt the content. */
#include "core/jwe_key.h"

#include "base/secret.h"
#include "base/text.h"

/* The segments decoded, all before any key is touched. */
struct pieces {
    uint8_t iv[AEAD_IV_MAX], tag[AEAD_TAG_MAX];
    uint8_t key[OAEP_LEN_MAX];
    size_t key_len, body_len;
};

static bool is_for(const struct jwe_token *t, const struct jwe_key *k)
{
    return t->alg == k->alg && (JWE_ENC(t->enc) & k->encs) != 0 &&
           (t->kid.len == 0 || k->kid.len == 0 || view_equal(jwe_name_view(&t->kid), jwe_name_view(&k->kid)));
}

/* How long the encrypted key must be; lengths are no secret. */
static size_t encrypted_key_len(const struct jwe_token *t, const struct jwe_key *k)
{
    size_t cek = aead_key_len(t->enc);

    switch (jwe_kind(k->alg)->family) {
    case JWE_WRAP:
    case JWE_AGREE_WRAP:
        return cek + KEYWRAP_OVERHEAD;
    case JWE_GCM_WRAP:
        return cek;
    case JWE_OAEP:
        return oaep_key_len(k->oaep);
    case JWE_DIRECT:
    case JWE_AGREE:
    case JWE_FAMILY_UNSET:
        break;
    }
    return 0;
}

static bool decode(const struct jwe_token *t, const struct jwe_key *k, struct pieces *p, uint8_t *room, size_t cap)
{
    p->key_len = encrypted_key_len(t, k);
    return cardea_ok(base64url_decode_exact(t->iv, p->iv, aead_iv_len(t->enc))) &&
           cardea_ok(base64url_decode_exact(t->tag, p->tag, aead_tag_len(t->enc))) &&
           cardea_ok(base64url_decode_exact(t->key, p->key, p->key_len)) &&
           cardea_ok(base64url_decode(t->body, room, cap, &p->body_len));
}

/* Derive a key from the ephemeral public key: the content key itself, or the one that wraps it. */
static struct cardea_status derive(const struct jwe_token *t, const struct jwe_key *k, const char *algorithm,
                                   uint8_t *out, size_t len)
{
    uint8_t secret[AGREEMENT_SECRET_MAX];

    if (t->epk_curve != k->curve)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    struct cardea_status s = agreement_secret(k->agreement, view_of(t->epk, agreement_public_len(k->curve)), secret);
    if (!cardea_ok(s))
        return s;
    concat_kdf(view_of(secret, agreement_coordinate_len(k->curve)), view_text(algorithm),
               view_of(t->apu.bytes, t->apu.len), view_of(t->apv.bytes, t->apv.len), out, len);
    secret_wipe(secret, sizeof secret);
    return CARDEA_SUCCESS;
}

static struct cardea_status unwrap_agreed(const struct jwe_token *t, const struct jwe_key *k, struct view wrapped,
                                          uint8_t *cek, bool *ret_unwrapped)
{
    uint8_t kek[32];
    size_t len = jwe_kind(k->alg)->kek_len;
    struct cardea_status s = derive(t, k, jwe_alg_name(k->alg), kek, len);

    if (!cardea_ok(s))
        return s;
    s = keyunwrap_once(view_of(kek, len), wrapped, cek);
    secret_wipe(kek, sizeof kek);
    *ret_unwrapped = cardea_ok(s);
    return s.code == CARDEA_E_INVALID_TOKEN ? CARDEA_SUCCESS : s;
}

/* Unwrap into cek. A key that does not unwrap is no failure here (*ret_unwrapped is false): only what the sender knows
 * anyway is, and a lack of memory. */
static struct cardea_status unwrap(const struct jwe_token *t, const struct jwe_key *k, const struct pieces *p,
                                   uint8_t *cek, bool *ret_unwrapped)
{
    struct view wrapped = view_of(p->key, p->key_len);
    struct aead_message m = {
        .iv = view_of(t->wrap_iv, sizeof t->wrap_iv), .text = wrapped, .tag = view_of(t->wrap_tag, sizeof t->wrap_tag)};
    struct cardea_status s = CARDEA_FAIL(E_INTERNAL);
    size_t len;

    switch (jwe_kind(k->alg)->family) {
    case JWE_WRAP:
        s = wrap_key_unwrap(k->wrap, wrapped, cek);
        break;
    case JWE_GCM_WRAP:
        s = aead_open(k->aead, &m, cek, &len);
        break;
    case JWE_OAEP:
        s = oaep_open(k->oaep, wrapped, cek, aead_key_len(t->enc));
        break;
    case JWE_AGREE_WRAP:
        return unwrap_agreed(t, k, wrapped, cek, ret_unwrapped);
    case JWE_DIRECT:
    case JWE_AGREE:
    case JWE_FAMILY_UNSET:
        break;
    }
    *ret_unwrapped = cardea_ok(s);
    return s.code == CARDEA_E_INVALID_TOKEN ? CARDEA_SUCCESS : s;
}

/* RFC 7516 §11.5: the random key is drawn in any case, and chosen without a branch. */
static struct cardea_status content_key(const struct jwe_token *t, const struct jwe_key *k, const struct pieces *p,
                                        const struct entropy *e, uint8_t cek[AEAD_KEY_MAX])
{
    size_t len = aead_key_len(t->enc);
    uint8_t random[AEAD_KEY_MAX], unwrapped[AEAD_KEY_MAX] = {0};
    bool good = false;

    if (jwe_kind(k->alg)->family == JWE_AGREE)
        return derive(t, k, aead_name(t->enc), cek, len);
    entropy_fill(e, random, len);
    struct cardea_status s = unwrap(t, k, p, unwrapped, &good);
    uint8_t mask = (uint8_t)(0 - (unsigned)good);
    for (size_t i = 0; i < len; i++)
        cek[i] = (uint8_t)((unwrapped[i] & mask) | (random[i] & (uint8_t)~mask));
    secret_wipe(random, sizeof random);
    secret_wipe(unwrapped, sizeof unwrapped);
    return s;
}

static struct cardea_status decrypt(const struct jwe_token *t, const struct jwe_key *k, const struct pieces *p,
                                    const struct entropy *e, uint8_t *room, size_t *ret_len)
{
    uint8_t cek[AEAD_KEY_MAX];
    struct aead_message m = {.iv = view_of(p->iv, aead_iv_len(t->enc)),
                             .aad = t->header,
                             .text = view_of(room, p->body_len),
                             .tag = view_of(p->tag, aead_tag_len(t->enc))};

    if (jwe_kind(k->alg)->family == JWE_DIRECT)
        return aead_open(k->aead, &m, room, ret_len);
    struct cardea_status s = content_key(t, k, p, e, cek);
    if (cardea_ok(s))
        s = aead_open_once(t->enc, view_of(cek, aead_key_len(t->enc)), &m, room, ret_len);
    secret_wipe(cek, sizeof cek);
    return s;
}

struct cardea_status jwe_token_open(const struct jwe_token *t, const struct jwe_key *k, const struct entropy *e,
                                    uint8_t *room, size_t cap, struct jwe_opened *ret)
{
    struct pieces p;
    size_t len;

    if (!jwe_key_opens(k))
        return CARDEA_FAIL(E_USAGE);
    if (!is_for(t, k))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    if (t->body.len / 4 * 3 + t->body.len % 4 * 3 / 4 > cap)
        return CARDEA_FAIL(E_TOO_LARGE);
    if (!decode(t, k, &p, room, cap))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    struct cardea_status s = decrypt(t, k, &p, e, room, &len);
    if (!cardea_ok(s))
        return s;
    ret->plain = view_of(room, len);
    ret->enc = t->enc;
    ret->typ = t->typ;
    ret->cty = t->cty;
    return s;
}

struct cardea_status jwe_open(struct view text, const struct jwe_key *k, const struct entropy *e, uint8_t *room,
                              size_t cap, struct jwe_opened *ret)
{
    struct jwe_token t;
    struct cardea_status s = jwe_read(text, &t);

    return cardea_ok(s) ? jwe_token_open(&t, k, e, room, cap, ret) : s;
}
