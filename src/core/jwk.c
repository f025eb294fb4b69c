#include "core/jwk.h"

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "crypto/digest.h"

enum { JWK_TOKENS = 256 };

#define REFUSED CARDEA_FAIL(E_INVALID_FIELD)

/* --- reading --- */

static bool read_type(const struct json *doc, uint32_t object, struct raw_key *out)
{
    struct view kty, crv;
    enum raw_key_type type = RAW_KEY_UNSET;
    enum raw_key_curve curve = RAW_CURVE_UNSET;

    if (!cardea_ok(json_plain(doc, json_get(doc, object, VIEW("kty")), &kty)))
        return false;
    for (enum raw_key_type t = RAW_KEY_EC; t <= RAW_KEY_OCT; t++)
        if (view_is(kty, raw_key_type_name(t)))
            type = t;
    if (type == RAW_KEY_EC || type == RAW_KEY_OKP) {
        if (!cardea_ok(json_plain(doc, json_get(doc, object, VIEW("crv")), &crv)))
            return false;
        for (enum raw_key_curve c = RAW_CURVE_P256; c <= RAW_CURVE_X25519; c++)
            if (view_is(crv, raw_key_curve_name(c)))
                curve = c;
        if (curve == RAW_CURVE_UNSET || (type == RAW_KEY_EC) != (curve <= RAW_CURVE_P521))
            return false;
    }
    raw_key_init(out, type, curve);
    return type != RAW_KEY_UNSET;
}

static bool read_part(const struct json *doc, uint32_t member, enum raw_key_part part, struct raw_key *out)
{
    uint8_t bytes[RAW_KEY_PART_MAX];
    size_t len;
    struct view text;
    bool good = cardea_ok(json_plain(doc, member, &text)) &&
                cardea_ok(base64url_decode(text, bytes, sizeof bytes, &len)) &&
                raw_key_put(out, part, view_of(bytes, len));

    secret_wipe(bytes, sizeof bytes);
    return good;
}

/* Public parts must be there; private ones all or none. */
static bool read_parts(const struct json *doc, uint32_t object, struct raw_key *out)
{
    uint32_t open = raw_key_public_parts(out->type), secret = raw_key_private_parts(out->type), found = 0;

    for (enum raw_key_part p = 0; p < RAW_KEY_PARTS; p++) {
        uint32_t member = json_get(doc, object, view_text(raw_key_part_name(p)));
        if (((open | secret) & (1u << p)) == 0 || member == 0)
            continue;
        if (!read_part(doc, member, p, out))
            return false;
        found |= 1u << p;
    }
    if ((found & open) != open || (out->type == RAW_KEY_OCT && found == 0))
        return false;
    return (found & secret) == 0 || (found & secret) == secret;
}

/* Text of 1 … cap-1 bytes without control characters, or no such member at all. */
static bool read_text(const struct json *doc, uint32_t object, struct view name, char *out, size_t cap)
{
    uint32_t member = json_get(doc, object, name);
    struct buf b = buf_fixed(out, cap - 1);

    out[0] = '\0';
    if (member == 0)
        return true;
    if (!cardea_ok(json_text(doc, member, &b)) || b.len == 0)
        return false;
    out[b.len] = '\0';
    for (size_t i = 0; i < b.len; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            return false;
    return true;
}

static bool read_use(const struct json *doc, uint32_t object, enum jwk_use *out)
{
    uint32_t member = json_get(doc, object, VIEW("use"));
    struct view use;

    *out = JWK_USE_UNSET;
    if (member == 0)
        return true;
    if (!cardea_ok(json_plain(doc, member, &use)))
        return false;
    *out = view_is(use, "sig") ? JWK_USE_SIG : view_is(use, "enc") ? JWK_USE_ENC : JWK_USE_OTHER;
    return true;
}

/* An array of different strings; which ones beside sign and verify is another's concern. */
static bool read_ops(const struct json *doc, uint32_t object, unsigned *out)
{
    uint32_t ops = json_get(doc, object, VIEW("key_ops"));
    struct view op, other;

    *out = 0;
    if (ops == 0)
        return true;
    if (json_type(doc, ops) != JSON_ARRAY || json_first(doc, ops) == 0)
        return false;
    for (uint32_t c = json_first(doc, ops); c != 0; c = json_after(doc, ops, c)) {
        if (!cardea_ok(json_plain(doc, c, &op)))
            return false;
        for (uint32_t d = json_first(doc, ops); d != c; d = json_after(doc, ops, d))
            if (!cardea_ok(json_plain(doc, d, &other)) || view_equal(op, other))
                return false;
        *out |= view_is(op, "sign") ? JWK_MAY_SIGN : view_is(op, "verify") ? JWK_MAY_VERIFY : JWK_MAY_OTHER;
    }
    return true;
}

static bool read_key(const struct json *doc, uint32_t object, struct jwk *out)
{
    if (json_type(doc, object) != JSON_OBJECT || !read_type(doc, object, &out->raw))
        return false;
    if (out->raw.type == RAW_KEY_RSA && json_get(doc, object, VIEW("oth")) != 0)
        return false;
    return read_parts(doc, object, &out->raw) && read_text(doc, object, VIEW("kid"), out->kid, sizeof out->kid) &&
           read_text(doc, object, VIEW("alg"), out->alg, sizeof out->alg) && read_use(doc, object, &out->use) &&
           read_ops(doc, object, &out->ops);
}

struct cardea_status jwk_read(struct view text, struct jwk *out)
{
    struct json_token tokens[JWK_TOKENS];
    struct json doc;
    struct jwk k;

    if (text.len > JWK_TEXT_MAX)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = json_read(text, tokens, JWK_TOKENS, &doc, NULL);
    if (!cardea_ok(s))
        return s.code == CARDEA_E_TOO_LARGE ? s : REFUSED;
    bool good = read_key(&doc, 0, &k);
    if (good)
        *out = k;
    jwk_clear(&k);
    return good ? CARDEA_SUCCESS : REFUSED;
}

void jwk_clear(struct jwk *k)
{
    secret_wipe(k, sizeof *k);
}

/* --- writing --- */

/* Every member that is written, in the order of their names: for a thumbprint (RFC 7638 §3.3) and for the eye. */
enum member { MEMBER_ALG, MEMBER_CRV, MEMBER_PART, MEMBER_KID, MEMBER_OPS, MEMBER_KTY, MEMBER_USE };
static const struct {
    enum member member;
    enum raw_key_part part;
} members[] = {
    {MEMBER_ALG, 0},           {MEMBER_CRV, 0},           {MEMBER_PART, RAW_KEY_D}, {MEMBER_PART, RAW_KEY_DP},
    {MEMBER_PART, RAW_KEY_DQ}, {MEMBER_PART, RAW_KEY_E},  {MEMBER_PART, RAW_KEY_K}, {MEMBER_OPS, 0},
    {MEMBER_KID, 0},           {MEMBER_KTY, 0},           {MEMBER_PART, RAW_KEY_N}, {MEMBER_PART, RAW_KEY_P},
    {MEMBER_PART, RAW_KEY_Q},  {MEMBER_PART, RAW_KEY_QI}, {MEMBER_USE, 0},          {MEMBER_PART, RAW_KEY_X},
    {MEMBER_PART, RAW_KEY_Y},
};

static void put_part(struct json_writer *w, const struct raw_key *raw, enum raw_key_part part)
{
    struct view v = raw_key_part(raw, part);

    json_name(w, raw_key_part_name(part));
    buf_char(w->out, '"');
    buf_base64url_secret(w->out, v.ptr, v.len);
    buf_char(w->out, '"');
    w->comma = true;
}

static void put_optional(struct json_writer *w, const char *name, const char *value)
{
    if (value[0] != '\0')
        json_member_text(w, name, view_text(value));
}

static void put_ops(struct json_writer *w, unsigned ops)
{
    if ((ops & (JWK_MAY_SIGN | JWK_MAY_VERIFY)) == 0)
        return;
    json_name(w, "key_ops");
    json_open_array(w);
    if ((ops & JWK_MAY_SIGN) != 0)
        json_put_text(w, VIEW("sign"));
    if ((ops & JWK_MAY_VERIFY) != 0)
        json_put_text(w, VIEW("verify"));
    json_close_array(w);
}

/* parts: those to write, as bits; k NULL: nothing but them, crv and kty. */
static void put_key(const struct raw_key *raw, uint32_t parts, const struct jwk *k, struct buf *out)
{
    static const char *const uses[] = {"", "sig", "enc", ""};
    struct json_writer w = json_writer(out);

    json_open_object(&w);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        switch (members[i].member) {
        case MEMBER_CRV:
            put_optional(&w, "crv", raw_key_curve_name(raw->curve));
            break;
        case MEMBER_KTY:
            put_optional(&w, "kty", raw_key_type_name(raw->type));
            break;
        case MEMBER_PART:
            if ((parts & (1u << members[i].part)) != 0 && raw_key_part(raw, members[i].part).len > 0)
                put_part(&w, raw, members[i].part);
            break;
        case MEMBER_ALG:
            put_optional(&w, "alg", k == NULL ? "" : k->alg);
            break;
        case MEMBER_KID:
            put_optional(&w, "kid", k == NULL ? "" : k->kid);
            break;
        case MEMBER_OPS:
            put_ops(&w, k == NULL ? 0 : k->ops);
            break;
        case MEMBER_USE:
            put_optional(&w, "use", k == NULL ? "" : uses[k->use]);
            break;
        }
    json_close_object(&w);
}

void jwk_write(const struct jwk *k, bool secret, struct buf *out)
{
    uint32_t parts = raw_key_public_parts(k->raw.type);

    if (secret)
        parts |= raw_key_private_parts(k->raw.type);
    if (parts != 0)
        put_key(&k->raw, parts, k, out);
}

struct key_id jwk_thumbprint(const struct raw_key *raw)
{
    char text[BASE64URL_LEN(RAW_KEY_PART_MAX) + 256]; /* RSA's n, or the longest k */
    struct buf b = buf_fixed(text, sizeof text);
    uint32_t parts = raw->type == RAW_KEY_OCT ? raw_key_private_parts(raw->type) : raw_key_public_parts(raw->type);
    struct key_id id;

    put_key(raw, parts, NULL, &b);
    digest_sha256(text, b.len, id.bytes);
    secret_wipe(text, sizeof text);
    return id;
}

/* --- making ready --- */

enum signature_algorithm jwk_algorithm(const struct jwk *k, enum signature_algorithm asked)
{
    enum signature_algorithm own = signature_algorithm_of(view_text(k->alg), k->raw.type, k->raw.curve);

    if (k->alg[0] != '\0' || own != SIGNATURE_UNSET) /* it says, or its curve does */
        return asked == SIGNATURE_UNSET || asked == own ? own : SIGNATURE_UNSET;
    return signature_algorithm_of(view_text(signature_algorithm_name(asked)), k->raw.type, k->raw.curve);
}

static unsigned allowed(const struct jwk *k)
{
    if (k->use != JWK_USE_UNSET && (k->use != JWK_USE_SIG || (k->ops & JWK_MAY_OTHER) != 0))
        return 0;
    return k->ops == 0 ? JWK_MAY_SIGN | JWK_MAY_VERIFY : k->ops;
}

struct cardea_status jwk_load(const struct jwk *k, enum signature_algorithm asked, struct jwk_key *out)
{
    struct jwk_key key = {.algorithm = jwk_algorithm(k, asked)};
    unsigned may = allowed(k);
    struct cardea_status s = REFUSED;

    if (key.algorithm == SIGNATURE_UNSET || (may & (JWK_MAY_SIGN | JWK_MAY_VERIFY)) == 0)
        return REFUSED;
    memcpy(key.kid, k->kid, sizeof key.kid);
    key.named = key.kid[0] != '\0';
    if (!key.named) {
        struct buf b = buf_fixed(key.kid, KEY_ID_TEXT);
        buf_key_id(&b, jwk_thumbprint(&k->raw));
        key.kid[KEY_ID_TEXT] = '\0';
    }
    if ((may & JWK_MAY_VERIFY) != 0)
        s = verify_key_load(key.algorithm, &k->raw, &key.verify);
    /* The private half is checked even where it may not be used: a broken pair is no key. */
    if (raw_key_is_secret(&k->raw) && (cardea_ok(s) || (may & JWK_MAY_VERIFY) == 0))
        s = signing_key_load(key.algorithm, &k->raw, &key.sign);
    if (cardea_ok(s) && (may & JWK_MAY_SIGN) == 0) {
        signing_key_free(key.sign);
        key.sign = NULL;
    }
    if (cardea_ok(s))
        *out = key;
    else
        jwk_key_clear(&key);
    return s;
}

void jwk_key_clear(struct jwk_key *k)
{
    verify_key_free(k->verify);
    signing_key_free(k->sign);
    memset(k, 0, sizeof *k);
}
