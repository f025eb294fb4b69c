#include "core/access_key.h"

#include "base/secret.h"
#include "base/text.h"
#include "core/jwk.h"

enum { LOCAL_BYTES = 32 };

struct cardea_status access_key_draw(enum token_format f, struct raw_key *out)
{
    if (f == TOKEN_V4_PUBLIC)
        return raw_key_generate(RAW_KEY_OKP, RAW_CURVE_ED25519, 0, out);
    if (f == TOKEN_V4_LOCAL)
        return raw_key_generate(RAW_KEY_OCT, RAW_CURVE_UNSET, LOCAL_BYTES * 8, out);
    return signature_key_draw(token_format_algorithm(f), ACCESS_RSA_BITS, out);
}

/* --- ids --- */

static struct key_id id_of_paserk(const struct paserk_id *paserk)
{
    struct key_id id;

    memcpy(id.bytes, paserk->digest, sizeof id.bytes);
    return id;
}

static struct cardea_status local_id(const struct raw_key *raw, struct key_id *out)
{
    struct view octets = raw_key_part(raw, RAW_KEY_K);
    struct paseto_local_key k;

    if (octets.len != LOCAL_BYTES)
        return CARDEA_FAIL(E_INVALID_FIELD);
    struct cardea_status s = paseto_local_key_init(&k, (const uint8_t *)octets.ptr);
    if (!cardea_ok(s))
        return s;
    *out = id_of_paserk(&k.id);
    paseto_local_key_clear(&k);
    return s;
}

struct cardea_status access_key_id(enum token_format f, const struct raw_key *raw, const struct entropy *e,
                                   struct key_id *out)
{
    struct view x = raw_key_part(raw, RAW_KEY_X);

    if (f == TOKEN_V4_LOCAL)
        return local_id(raw, out);
    if (f == TOKEN_V4_PUBLIC && x.len != ED25519_PUBLIC)
        return CARDEA_FAIL(E_INVALID_FIELD);
    if (f == TOKEN_V4_PUBLIC) {
        struct paserk_id paserk = paserk_pid((const uint8_t *)x.ptr);
        *out = id_of_paserk(&paserk);
    } else if (token_format_symmetric(f)) {
        entropy_fill(e, out->bytes, sizeof out->bytes);
    } else {
        *out = jwk_thumbprint(raw);
    }
    return CARDEA_SUCCESS;
}

/* --- making ready --- */

static struct cardea_status init_jws(struct access_key *k, const struct raw_key *raw)
{
    enum signature_algorithm a = token_format_algorithm(k->format);
    struct cardea_status s = verify_key_load_own(a, raw, &k->verify);

    if (cardea_ok(s) && k->signs)
        s = signing_key_load_own(a, raw, &k->sign);
    if (cardea_ok(s) && !token_format_symmetric(k->format))
        k->id = jwk_thumbprint(raw);
    return s;
}

static void write_header(struct access_key *k)
{
    char plain[ACCESS_HEADER_MAX];
    struct buf b = buf_fixed(plain, sizeof plain), text = buf_fixed(k->header, sizeof k->header);

    buf_put(&b, VIEW("{\"alg\":\""));
    buf_text(&b, signature_algorithm_name(token_format_algorithm(k->format)));
    buf_put(&b, VIEW("\",\"kid\":\""));
    buf_key_id(&b, k->id);
    buf_put(&b, VIEW("\",\"typ\":\"at+jwt\"}"));
    buf_base64url(&text, plain, b.len);
    buf_char(&text, '.');
    k->header_len = (uint8_t)text.len;
}

static struct cardea_status init_public(struct access_key *k, const struct raw_key *raw)
{
    struct view seed = raw_key_part(raw, RAW_KEY_D);

    if (raw->type != RAW_KEY_OKP || raw->curve != RAW_CURVE_ED25519 || (k->signs && seed.len != ED25519_SEED))
        return CARDEA_FAIL(E_INVALID_FIELD);
    struct cardea_status s = paseto_public_key_init(&k->public_key, raw_key_part(raw, RAW_KEY_X));
    if (cardea_ok(s) && k->signs)
        s = paseto_secret_key_init(&k->secret, (const uint8_t *)seed.ptr);
    if (!cardea_ok(s))
        return s;
    k->id = id_of_paserk(&k->public_key.id);
    bool same = !k->signs || paserk_id_same(&k->secret.public.id, &k->public_key.id);
    return same ? s : CARDEA_FAIL(E_INVALID_FIELD);
}

static struct cardea_status init_local(struct access_key *k, const struct raw_key *raw)
{
    struct view octets = raw_key_part(raw, RAW_KEY_K);

    if (raw->type != RAW_KEY_OCT || octets.len != LOCAL_BYTES)
        return CARDEA_FAIL(E_INVALID_FIELD);
    struct cardea_status s = paseto_local_key_init(&k->local, (const uint8_t *)octets.ptr);
    if (cardea_ok(s))
        k->id = id_of_paserk(&k->local.id);
    return s;
}

struct cardea_status access_key_init(struct access_key *out, enum token_format f, const struct raw_key *raw,
                                     const struct key_id *id, bool signs)
{
    struct access_key k = {.format = f, .signs = signs, .type = raw->type, .curve = raw->curve};
    struct cardea_status s = f == TOKEN_V4_PUBLIC  ? init_public(&k, raw)
                             : f == TOKEN_V4_LOCAL ? init_local(&k, raw)
                                                   : init_jws(&k, raw);

    if (cardea_ok(s) && signature_is_mac(token_format_algorithm(f)) && id != NULL)
        k.id = *id;
    if (cardea_ok(s) && id != NULL && !ID_SAME(k.id, *id))
        s = CARDEA_FAIL(E_INVALID_FIELD);
    k.public_len = (uint16_t)raw_key_pack(raw, k.public_bytes);
    if (cardea_ok(s) && !token_format_symmetric(f) && k.public_len == 0)
        s = CARDEA_FAIL(E_INVALID_FIELD);
    if (cardea_ok(s) && k.verify != NULL)
        write_header(&k);
    if (cardea_ok(s))
        *out = k;
    else
        access_key_clear(&k);
    return s;
}

struct cardea_status access_key_init_public(struct access_key *out, enum token_format f, struct view packed,
                                            const struct key_id *id)
{
    enum raw_key_type type = RAW_KEY_OKP;
    enum raw_key_curve curve = RAW_CURVE_ED25519; /* of v4.public */
    struct raw_key raw;

    if (token_format_symmetric(f) ||
        (f != TOKEN_V4_PUBLIC && !signature_key_shape(token_format_algorithm(f), &type, &curve)) ||
        !raw_key_unpack(packed, type, curve, &raw))
        return CARDEA_FAIL(E_INVALID_FIELD);
    struct cardea_status s = access_key_init(out, f, &raw, id, false);
    raw_key_clear(&raw);
    return s;
}

void access_key_clear(struct access_key *k)
{
    verify_key_free(k->verify);
    signing_key_free(k->sign);
    paseto_secret_key_clear(&k->secret);
    paseto_local_key_clear(&k->local);
    *k = (struct access_key){0};
}

/* --- use --- */

bool access_key_verifies(const struct access_key *k, int64_t now_ms)
{
    /* NEXT verifies too: another node may have promoted it a moment before this one heard. */
    return k->state == KEY_ACTIVE || k->state == KEY_NEXT || (k->state == KEY_RETIRING && now_ms < k->drop_at_ms);
}

void buf_access_kid(struct buf *b, const struct access_key *k)
{
    if (k->format == TOKEN_V4_PUBLIC)
        buf_paserk_id(b, &k->public_key.id);
    else if (k->format == TOKEN_V4_LOCAL)
        buf_paserk_id(b, &k->local.id);
    else
        buf_key_id(b, k->id);
}

void buf_access_jwk(struct buf *b, const struct access_key *k)
{
    struct jwk jwk = {.use = JWK_USE_SIG};
    struct buf kid = buf_fixed(jwk.kid, sizeof jwk.kid - 1), alg = buf_fixed(jwk.alg, sizeof jwk.alg - 1);
    enum signature_algorithm a = token_format_algorithm(k->format);

    if (k->public_len == 0 || !raw_key_unpack(view_of(k->public_bytes, k->public_len), k->type, k->curve, &jwk.raw))
        return;
    buf_access_kid(&kid, k);
    buf_text(&alg, a == SIGNATURE_UNSET ? token_format_name(k->format) : signature_algorithm_name(a));
    jwk_write(&jwk, false, b);
}
