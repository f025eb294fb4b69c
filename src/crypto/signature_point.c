#include "crypto/signature_family.h"

#include "base/json.h"
#include "base/text.h"
#include "crypto/digest.h"

/* ES256 keys as points: what the keyring keeps of them. */

enum { COORDINATE = 32, JWK_TOKENS = 32 };

static bool raw_from_point(const uint8_t point[SIGNATURE_POINT], struct raw_key *out)
{
    raw_key_init(out, RAW_KEY_EC, RAW_CURVE_P256);
    /* 04: neither compressed nor hybrid nor infinity */
    return point[0] == 0x04 && raw_key_put(out, RAW_KEY_X, view_of(point + 1, COORDINATE)) &&
           raw_key_put(out, RAW_KEY_Y, view_of(point + 1 + COORDINATE, COORDINATE));
}

/* A pkey with this public point alone; NULL when it is not on the curve. */
static EVP_PKEY *p256_public(const uint8_t point[SIGNATURE_POINT])
{
    struct raw_key raw;

    return raw_from_point(point, &raw) ? pkey_from_raw(&raw, false) : NULL;
}

struct cardea_status verify_key_new(enum signature_algorithm a, const uint8_t point[SIGNATURE_POINT],
                                    struct verify_key **out)
{
    struct raw_key raw;

    if (a != SIGNATURE_ES256)
        return CARDEA_FAIL(E_USAGE);
    return raw_from_point(point, &raw) ? verify_key_load(a, &raw, out) : CARDEA_FAIL(E_INVALID_FIELD);
}

void signing_key_point(const struct signing_key *k, uint8_t out[SIGNATURE_POINT])
{
    struct raw_key raw;

    memset(out, 0, SIGNATURE_POINT); /* of a key of another algorithm: no point at all */
    if (k->algorithm != SIGNATURE_ES256 || !pkey_to_raw(operation_pkey(k->operation), false, &raw))
        return;
    out[0] = 0x04;
    memcpy(out + 1, raw_key_part(&raw, RAW_KEY_X).ptr, COORDINATE);
    memcpy(out + 1 + COORDINATE, raw_key_part(&raw, RAW_KEY_Y).ptr, COORDINATE);
}

/* The required members alone, in the order and without the spaces that RFC 7638 §3 asks for. */
static void put_thumbprint_input(const uint8_t point[SIGNATURE_POINT], struct buf *out)
{
    buf_text(out, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
    buf_base64url(out, point + 1, COORDINATE);
    buf_text(out, "\",\"y\":\"");
    buf_base64url(out, point + 1 + COORDINATE, COORDINATE);
    buf_text(out, "\"}");
}

struct key_id signature_point_thumbprint(const uint8_t point[SIGNATURE_POINT])
{
    char text[192];
    struct buf b = buf_fixed(text, sizeof text);
    struct key_id id;

    put_thumbprint_input(point, &b);
    digest_sha256(text, b.len, id.bytes);
    return id;
}

void signature_point_jwk(const uint8_t point[SIGNATURE_POINT], struct buf *out)
{
    buf_text(out, "{\"alg\":\"ES256\",\"crv\":\"P-256\",\"kid\":\"");
    buf_key_id(out, signature_point_thumbprint(point));
    buf_text(out, "\",\"kty\":\"EC\",\"use\":\"sig\",\"x\":\"");
    buf_base64url(out, point + 1, COORDINATE);
    buf_text(out, "\",\"y\":\"");
    buf_base64url(out, point + 1 + COORDINATE, COORDINATE);
    buf_text(out, "\"}");
}

static bool jwk_text_is(const struct json *doc, const char *name, const char *want)
{
    struct view v;

    return cardea_ok(json_plain(doc, json_get(doc, 0, view_text(name)), &v)) && view_is(v, want);
}

static bool jwk_coordinate(const struct json *doc, const char *name, uint8_t out[COORDINATE])
{
    struct view v;

    return cardea_ok(json_plain(doc, json_get(doc, 0, view_text(name)), &v)) &&
           cardea_ok(base64url_decode_exact(v, out, COORDINATE));
}

struct cardea_status signature_jwk_point(struct view jwk, uint8_t out[SIGNATURE_POINT])
{
    struct json_token tokens[JWK_TOKENS];
    struct json doc;
    uint8_t point[SIGNATURE_POINT] = {0x04};

    if (!cardea_ok(json_read(jwk, tokens, JWK_TOKENS, &doc, NULL)) || json_type(&doc, 0) != JSON_OBJECT)
        return CARDEA_FAIL(E_INVALID_FIELD);
    if (!jwk_text_is(&doc, "kty", "EC") || !jwk_text_is(&doc, "crv", "P-256") || json_get(&doc, 0, VIEW("d")) != 0)
        return CARDEA_FAIL(E_INVALID_FIELD);
    if (!jwk_coordinate(&doc, "x", point + 1) || !jwk_coordinate(&doc, "y", point + 1 + COORDINATE))
        return CARDEA_FAIL(E_INVALID_FIELD);
    EVP_PKEY *pkey = p256_public(point);
    if (pkey == NULL)
        return pkey_fail(CARDEA_E_INVALID_FIELD);
    EVP_PKEY_free(pkey);
    memcpy(out, point, sizeof point);
    return CARDEA_SUCCESS;
}
