/* Taking a compact JWE apart: segments and header. */
#include "core/jwe_key.h"

#include "base/json.h"
#include "base/text.h"

enum { HEADER_TOKENS = 96, UNCOMPRESSED = 0x04, SEGMENTS_BEFORE_TAG = 4 };

static bool split(struct view text, struct jwe_token *t)
{
    struct view *const segments[SEGMENTS_BEFORE_TAG] = {&t->header, &t->key, &t->iv, &t->body};
    struct view rest = text;

    for (size_t i = 0; i < SEGMENTS_BEFORE_TAG; i++) {
        if (!view_cut(rest, '.', segments[i], &rest))
            return false;
    }
    t->tag = rest;
    return memchr(rest.ptr == NULL ? "" : rest.ptr, '.', rest.len) == NULL;
}

/* A string of 1 to JWE_NAME_MAX bytes, or nothing at all. */
static bool read_name(const struct json *doc, const char *name, struct jwe_name *out)
{
    uint32_t at = json_get(doc, 0, view_text(name));
    struct buf b = buf_fixed(out->bytes, sizeof out->bytes);

    out->len = 0;
    if (at == 0)
        return true;
    if (!cardea_ok(json_text(doc, at, &b)) || b.len == 0)
        return false;
    out->len = b.len;
    return true;
}

static bool read_party(const struct json *doc, const char *name, struct jwe_party *out)
{
    uint32_t at = json_get(doc, 0, view_text(name));
    struct view v;

    out->len = 0;
    return at == 0 || (cardea_ok(json_plain(doc, at, &v)) &&
                       cardea_ok(base64url_decode(v, out->bytes, sizeof out->bytes, &out->len)));
}

static bool read_exact(const struct json *doc, uint32_t object, const char *name, uint8_t *out, size_t len)
{
    struct view v;

    return cardea_ok(json_plain(doc, json_get(doc, object, view_text(name)), &v)) &&
           cardea_ok(base64url_decode_exact(v, out, len));
}

/* The ephemeral public key: a JWK of exactly the members that its type needs, as far as they are looked at. Whether it
 * is a point of its curve is judged where it is used. */
static bool read_epk(const struct json *doc, struct jwe_token *t)
{
    uint32_t epk = json_get(doc, 0, VIEW("epk"));
    struct view kty, crv;

    if (json_type(doc, epk) != JSON_OBJECT || epk == 0 || json_get(doc, epk, VIEW("d")) != 0 ||
        !cardea_ok(json_plain(doc, json_get(doc, epk, VIEW("kty")), &kty)) ||
        !cardea_ok(json_plain(doc, json_get(doc, epk, VIEW("crv")), &crv)))
        return false;
    enum agreement_curve c = agreement_curve_parse(crv);
    size_t len = agreement_coordinate_len(c);
    if (c == AGREEMENT_UNSET)
        return false;
    t->epk_curve = c;
    if (c == AGREEMENT_X25519)
        return view_is(kty, "OKP") && json_get(doc, epk, VIEW("y")) == 0 && read_exact(doc, epk, "x", t->epk, len);
    t->epk[0] = UNCOMPRESSED;
    return view_is(kty, "EC") && read_exact(doc, epk, "x", t->epk + 1, len) &&
           read_exact(doc, epk, "y", t->epk + 1 + len, len);
}

static bool read_parameters(const struct json *doc, struct jwe_token *t)
{
    switch (jwe_kind(t->alg)->family) {
    case JWE_DIRECT:
    case JWE_WRAP:
    case JWE_OAEP:
        return true;
    case JWE_GCM_WRAP:
        return read_exact(doc, 0, "iv", t->wrap_iv, sizeof t->wrap_iv) &&
               read_exact(doc, 0, "tag", t->wrap_tag, sizeof t->wrap_tag);
    case JWE_AGREE:
    case JWE_AGREE_WRAP:
        return read_epk(doc, t) && read_party(doc, "apu", &t->apu) && read_party(doc, "apv", &t->apv);
    case JWE_FAMILY_UNSET:
        break;
    }
    return false;
}

static bool read_header(const struct json *doc, struct jwe_token *t)
{
    struct view alg, enc;

    if (json_type(doc, 0) != JSON_OBJECT || json_get(doc, 0, VIEW("zip")) != 0 || json_get(doc, 0, VIEW("crit")) != 0 ||
        !cardea_ok(json_plain(doc, json_get(doc, 0, VIEW("alg")), &alg)) ||
        !cardea_ok(json_plain(doc, json_get(doc, 0, VIEW("enc")), &enc)))
        return false;
    t->alg = jwe_alg_parse(alg);
    t->enc = aead_parse(enc);
    return t->alg != JWE_ALG_UNSET && t->enc != AEAD_UNSET && read_name(doc, "kid", &t->kid) &&
           read_name(doc, "typ", &t->typ) && read_name(doc, "cty", &t->cty) && read_parameters(doc, t);
}

struct cardea_status jwe_read(struct view text, struct jwe_token *out)
{
    char header[JWE_HEADER_MAX];
    struct json_token tokens[HEADER_TOKENS];
    struct json doc;
    struct jwe_token t;
    size_t len;

    if (text.len > JWE_TEXT_MAX || !split(text, &t) ||
        !cardea_ok(base64url_decode(t.header, header, sizeof header, &len)) ||
        !cardea_ok(json_read(view_of(header, len), tokens, HEADER_TOKENS, &doc, NULL)) || !read_header(&doc, &t))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    *out = t;
    return CARDEA_SUCCESS;
}
