/* Sealing: a content key for the recipient, the header that says how, the content under it. */
#include "core/jwe_key.h"

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"

#include <stdlib.h>

enum { CHUNK = 4096 };

/* What stands in the header and the second segment for the recipient's key. */
struct envelope {
    enum aead enc;
    uint8_t cek[AEAD_KEY_MAX]; /* not for dir */
    uint8_t key[OAEP_LEN_MAX];
    size_t key_len;
    uint8_t epk[AGREEMENT_PUBLIC_MAX];
    uint8_t wrap_iv[12], wrap_tag[16];
};

static enum aead choose_enc(const struct jwe_key *k, enum aead wanted)
{
    for (enum aead a = AEAD_A128GCM; a < AEAD_COUNT; a++) {
        if (wanted == AEAD_UNSET ? k->encs == JWE_ENC(a) : wanted == a && (k->encs & JWE_ENC(a)) != 0)
            return a;
    }
    return AEAD_UNSET;
}

/* Draw an ephemeral key, keep its public half, derive len bytes. */
static struct cardea_status agree(const struct jwe_key *k, const struct jwe_header *h, const char *algorithm,
                                  const struct entropy *e, struct envelope *v, uint8_t *out, size_t len)
{
    uint8_t secret[AGREEMENT_SECRET_MAX];
    struct agreement_key *mine = NULL;
    struct cardea_status s = agreement_key_generate(k->curve, e, &mine);

    if (cardea_ok(s))
        s = agreement_secret(mine, view_of(k->public, agreement_public_len(k->curve)), secret);
    if (cardea_ok(s)) {
        memcpy(v->epk, agreement_key_public(mine).ptr, agreement_public_len(k->curve));
        concat_kdf(view_of(secret, agreement_coordinate_len(k->curve)), view_text(algorithm), h->apu, h->apv, out, len);
    }
    agreement_key_free(mine);
    secret_wipe(secret, sizeof secret);
    return s.code == CARDEA_E_INVALID_TOKEN ? CARDEA_FAIL(E_INTERNAL) : s;
}

static struct cardea_status wrap_agreed(const struct jwe_key *k, const struct jwe_header *h, const struct entropy *e,
                                        struct envelope *v)
{
    uint8_t kek[32];
    size_t len = jwe_kind(k->alg)->kek_len, cek_len = aead_key_len(v->enc);
    struct cardea_status s = agree(k, h, jwe_alg_name(k->alg), e, v, kek, len);

    if (cardea_ok(s))
        s = keywrap_once(view_of(kek, len), view_of(v->cek, cek_len), v->key);
    v->key_len = cek_len + KEYWRAP_OVERHEAD;
    secret_wipe(kek, sizeof kek);
    return s;
}

static struct cardea_status wrap_gcm(const struct jwe_key *k, const struct entropy *e, struct envelope *v)
{
    struct aead_message m = {.iv = view_of(v->wrap_iv, sizeof v->wrap_iv),
                             .text = view_of(v->cek, aead_key_len(v->enc))};

    entropy_fill(e, v->wrap_iv, sizeof v->wrap_iv);
    v->key_len = aead_key_len(v->enc);
    return aead_seal(k->aead, &m, v->key, v->wrap_tag);
}

static struct cardea_status envelop(const struct jwe_key *k, const struct jwe_header *h, const struct entropy *e,
                                    struct envelope *v)
{
    enum jwe_family family = jwe_kind(k->alg)->family;
    struct view cek = view_of(v->cek, aead_key_len(v->enc));

    v->key_len = 0;
    if (family != JWE_DIRECT && family != JWE_AGREE)
        entropy_fill(e, v->cek, cek.len);
    switch (family) {
    case JWE_DIRECT:
        return CARDEA_SUCCESS;
    case JWE_WRAP:
        v->key_len = cek.len + KEYWRAP_OVERHEAD;
        return wrap_key_wrap(k->wrap, cek, v->key);
    case JWE_GCM_WRAP:
        return wrap_gcm(k, e, v);
    case JWE_AGREE:
        return agree(k, h, aead_name(v->enc), e, v, v->cek, cek.len);
    case JWE_AGREE_WRAP:
        return wrap_agreed(k, h, e, v);
    case JWE_OAEP:
        v->key_len = oaep_key_len(k->oaep);
        return oaep_seal(k->oaep, cek, v->key);
    case JWE_FAMILY_UNSET:
        break;
    }
    return CARDEA_FAIL(E_INTERNAL);
}

/* --- the header --- */

static void put_base64url(struct json_writer *w, const char *name, const uint8_t *bytes, size_t len)
{
    char text[BASE64URL_LEN(JWE_PARTY_MAX)];

    base64url_encode(bytes, len, text);
    json_member_text(w, name, view_of(text, BASE64URL_LEN(len)));
}

static void put_epk(struct json_writer *w, const struct jwe_key *k, const struct envelope *v)
{
    size_t len = agreement_coordinate_len(k->curve);
    bool okp = k->curve == AGREEMENT_X25519;

    json_name(w, "epk");
    json_open_object(w);
    json_member_text(w, "kty", okp ? VIEW("OKP") : VIEW("EC"));
    json_member_text(w, "crv", view_text(agreement_curve_name(k->curve)));
    put_base64url(w, "x", okp ? v->epk : v->epk + 1, len);
    if (!okp)
        put_base64url(w, "y", v->epk + 1 + len, len);
    json_close_object(w);
}

static void put_parameters(struct json_writer *w, const struct jwe_key *k, const struct jwe_header *h,
                           const struct envelope *v)
{
    enum jwe_family family = jwe_kind(k->alg)->family;

    if (family == JWE_GCM_WRAP) {
        put_base64url(w, "tag", v->wrap_tag, sizeof v->wrap_tag);
        put_base64url(w, "iv", v->wrap_iv, sizeof v->wrap_iv);
    }
    if (family != JWE_AGREE && family != JWE_AGREE_WRAP)
        return;
    put_epk(w, k, v);
    if (h->apu.len > 0)
        put_base64url(w, "apu", (const uint8_t *)h->apu.ptr, h->apu.len);
    if (h->apv.len > 0)
        put_base64url(w, "apv", (const uint8_t *)h->apv.ptr, h->apv.len);
}

/* Members in the order of RFC 7520's examples, so that those come out to the byte. */
static void put_header(struct buf *out, const struct jwe_key *k, const struct jwe_header *h, const struct envelope *v)
{
    struct json_writer w = json_writer(out);

    json_open_object(&w);
    json_member_text(&w, "alg", view_text(jwe_alg_name(k->alg)));
    if (k->kid.len > 0)
        json_member_text(&w, "kid", jwe_name_view(&k->kid));
    put_parameters(&w, k, h, v);
    json_member_text(&w, "enc", view_text(aead_name(v->enc)));
    if (h->typ.len > 0)
        json_member_text(&w, "typ", h->typ);
    if (h->cty.len > 0)
        json_member_text(&w, "cty", h->cty);
    json_close_object(&w);
}

/* --- the content --- */

static struct cardea_status encrypt(const struct jwe_key *k, const struct envelope *v, const struct aead_message *m,
                                    uint8_t *body, uint8_t *tag)
{
    if (jwe_kind(k->alg)->family == JWE_DIRECT)
        return aead_seal(k->aead, m, body, tag);
    return aead_seal_once(v->enc, view_of(v->cek, aead_key_len(v->enc)), m, body, tag);
}

/* out holds the first segment. A short ciphertext stands on the stack, a long one on the heap; it is no secret. */
static struct cardea_status put_content(const struct jwe_key *k, const struct envelope *v, struct view aad,
                                        struct view plain, const struct entropy *e, struct buf *out)
{
    size_t len = aead_sealed_len(v->enc, plain.len);
    uint8_t small[CHUNK], iv[AEAD_IV_MAX], tag[AEAD_TAG_MAX];
    uint8_t *body = len <= sizeof small ? small : malloc(len);
    struct aead_message m = {.iv = view_of(iv, aead_iv_len(v->enc)), .aad = aad, .text = plain};

    if (body == NULL)
        return CARDEA_FAIL(E_BUSY);
    entropy_fill(e, iv, m.iv.len);
    struct cardea_status s = encrypt(k, v, &m, body, tag);
    if (cardea_ok(s)) {
        buf_char(out, '.');
        buf_base64url(out, v->key, v->key_len);
        buf_char(out, '.');
        buf_base64url(out, iv, m.iv.len);
        buf_char(out, '.');
        buf_base64url(out, body, len);
        buf_char(out, '.');
        buf_base64url(out, tag, aead_tag_len(v->enc));
    }
    if (body != small)
        free(body);
    return s;
}

static struct cardea_status put_token(const struct jwe_key *k, const struct jwe_header *h, const struct envelope *v,
                                      struct view plain, const struct entropy *e, struct buf *out)
{
    char header[JWE_HEADER_MAX], aad[BASE64URL_LEN(JWE_HEADER_MAX)];
    struct buf b = buf_fixed(header, sizeof header);

    put_header(&b, k, h, v);
    if (!buf_ok(&b))
        return CARDEA_FAIL(E_USAGE); /* escapes made the names too long */
    size_t len = BASE64URL_LEN(b.len);
    base64url_encode(header, b.len, aad);
    buf_put(out, view_of(aad, len));
    return put_content(k, v, view_of(aad, len), plain, e, out);
}

static bool header_good(const struct jwe_header *h)
{
    return h->typ.len <= JWE_NAME_MAX && h->cty.len <= JWE_NAME_MAX && h->apu.len <= JWE_PARTY_MAX &&
           h->apv.len <= JWE_PARTY_MAX;
}

struct cardea_status jwe_seal(const struct jwe_key *k, const struct jwe_header *h, struct view plain,
                              const struct entropy *e, struct buf *out)
{
    struct envelope v;
    size_t start = out->len;

    v.enc = choose_enc(k, h->enc);
    if (v.enc == AEAD_UNSET || !header_good(h))
        return CARDEA_FAIL(E_USAGE);
    if (plain.len > JWE_PLAIN_MAX)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = envelop(k, h, e, &v);
    if (cardea_ok(s))
        s = put_token(k, h, &v, plain, e, out);
    secret_wipe(v.cek, sizeof v.cek);
    if (cardea_ok(s) && !buf_ok(out))
        s = CARDEA_FAIL(E_TOO_LARGE);
    if (!cardea_ok(s))
        out->len = start;
    return s;
}
