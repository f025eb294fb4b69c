#include "crypto/signature.h"

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    COORDINATE = 32,
    ES256_LEN = 2 * COORDINATE,
    DER_MAX = 2 + 2 * (2 + 1 + COORDINATE), /* SEQUENCE of two INTEGERs, each with a sign byte at most */
    CONTEXTS = 8,                           /* kept per key: more threads at once make their own and free it */
    JWK_TOKENS = 32,
};

/* The order of P-256 (FIPS 186-4 D.1.2.3). */
static const uint8_t p256_order[COORDINATE] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                               0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                               0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/* One key with contexts of one operation kept ready. A context serves one thread at a time: take() moves one out of
 * its slot, give() puts it back. */
struct operation {
    EVP_PKEY *pkey;
    int (*init)(EVP_PKEY_CTX *);
    EVP_PKEY_CTX *_Atomic slots[CONTEXTS];
};

struct signing_key {
    enum signature_algorithm algorithm;
    uint8_t point[SIGNATURE_POINT];
    struct operation *sign;
};

struct verify_key {
    enum signature_algorithm algorithm;
    struct operation *verify;
};

/* OpenSSL queues what went wrong for its thread; nobody here reads it, and it must not grow. */
static struct cardea_status fail(enum cardea_code code)
{
    ERR_clear_error();
    return cardea_status(code);
}

static void operation_free(struct operation *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < CONTEXTS; i++)
        EVP_PKEY_CTX_free(atomic_load(&o->slots[i]));
    EVP_PKEY_free(o->pkey);
    free(o);
}

static EVP_PKEY_CTX *operation_context(const struct operation *o)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(o->pkey, NULL);

    if (context != NULL && o->init(context) != 1) {
        EVP_PKEY_CTX_free(context);
        context = NULL;
    }
    return context;
}

/* Takes over pkey, also on failure. NULL without memory. */
static struct operation *operation_new(EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *))
{
    struct operation *o = calloc(1, sizeof *o);

    if (o == NULL) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    o->pkey = pkey;
    o->init = init;
    EVP_PKEY_CTX *first = operation_context(o);
    if (first == NULL) {
        operation_free(o);
        return NULL;
    }
    atomic_store(&o->slots[0], first);
    return o;
}

static EVP_PKEY_CTX *operation_take(struct operation *o)
{
    for (size_t i = 0; i < CONTEXTS; i++) {
        /* Look before exchanging: an empty slot's cache line need not be written. */
        if (atomic_load_explicit(&o->slots[i], memory_order_relaxed) == NULL)
            continue;
        EVP_PKEY_CTX *context = atomic_exchange(&o->slots[i], NULL);
        if (context != NULL)
            return context;
    }
    return operation_context(o);
}

static void operation_give(struct operation *o, EVP_PKEY_CTX *context)
{
    for (size_t i = 0; i < CONTEXTS; i++) {
        EVP_PKEY_CTX *expected = NULL;
        if (atomic_compare_exchange_strong(&o->slots[i], &expected, context))
            return;
    }
    EVP_PKEY_CTX_free(context);
}

const char *signature_algorithm_name(enum signature_algorithm a)
{
    return a == SIGNATURE_ES256 ? "ES256" : "";
}

enum signature_algorithm signature_algorithm_parse(struct view name)
{
    return view_is(name, "ES256") ? SIGNATURE_ES256 : SIGNATURE_UNSET;
}

/* --- ECDSA signatures between r||s and DER, which OpenSSL speaks --- */

static bool scalar_in_range(const uint8_t s[COORDINATE])
{
    static const uint8_t zero[COORDINATE];

    return memcmp(s, zero, COORDINATE) != 0 && memcmp(s, p256_order, COORDINATE) < 0;
}

/* Write a DER INTEGER: as few bytes as its value needs, a zero in front where the first bit would read as a sign. */
static size_t der_put_integer(const uint8_t s[COORDINATE], uint8_t *out)
{
    size_t skip = 0, sign;

    while (skip < COORDINATE - 1 && s[skip] == 0)
        skip++;
    sign = (s[skip] & 0x80) != 0 ? 1 : 0;
    out[0] = 0x02;
    out[1] = (uint8_t)(COORDINATE - skip + sign);
    out[2] = 0;
    memcpy(out + 2 + sign, s + skip, COORDINATE - skip);
    return 2 + sign + COORDINATE - skip;
}

static size_t der_from_raw(const uint8_t raw[ES256_LEN], uint8_t out[DER_MAX])
{
    size_t len = 2;

    len += der_put_integer(raw, out + len);
    len += der_put_integer(raw + COORDINATE, out + len);
    out[0] = 0x30;
    out[1] = (uint8_t)(len - 2);
    return len;
}

static bool der_get_integer(const uint8_t **in, const uint8_t *end, uint8_t out[COORDINATE])
{
    const uint8_t *p = *in;

    if (end - p < 2 || p[0] != 0x02)
        return false;
    size_t len = p[1];
    p += 2;
    if (len == 0 || len > COORDINATE + 1 || (size_t)(end - p) < len)
        return false;
    *in = p + len;
    if (len == COORDINATE + 1 && *p++ == 0)
        len--;
    if (len > COORDINATE)
        return false;
    memset(out, 0, COORDINATE - len);
    memcpy(out + COORDINATE - len, p, len);
    return true;
}

/* Only ever sees what OpenSSL just wrote. */
static bool raw_from_der(const uint8_t *der, size_t len, uint8_t out[ES256_LEN])
{
    const uint8_t *p = der + 2, *end = der + len;

    return len > 2 && len <= DER_MAX && der[0] == 0x30 && der[1] == len - 2 && der_get_integer(&p, end, out) &&
           der_get_integer(&p, end, out + COORDINATE) && p == end;
}

/* --- private keys --- */

/* Takes over pkey. */
static struct cardea_status signing_key_adopt(enum signature_algorithm a, EVP_PKEY *pkey, struct signing_key **out)
{
    struct signing_key *k = calloc(1, sizeof *k);
    size_t len = 0;

    if (k == NULL) {
        EVP_PKEY_free(pkey);
        return fail(CARDEA_E_BUSY);
    }
    k->algorithm = a;
    if (EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") != 1 ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, k->point, sizeof k->point, &len) != 1 ||
        len != SIGNATURE_POINT) {
        EVP_PKEY_free(pkey);
        free(k);
        return fail(CARDEA_E_INTERNAL);
    }
    k->sign = operation_new(pkey, EVP_PKEY_sign_init);
    if (k->sign == NULL) {
        free(k);
        return fail(CARDEA_E_BUSY);
    }
    *out = k;
    return CARDEA_SUCCESS;
}

struct cardea_status signing_key_generate(enum signature_algorithm a, struct signing_key **out)
{
    if (a != SIGNATURE_ES256)
        return CARDEA_FAIL(E_USAGE);
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    if (pkey == NULL)
        return fail(CARDEA_E_INTERNAL);
    return signing_key_adopt(a, pkey, out);
}

struct cardea_status signing_key_export(const struct signing_key *k, uint8_t *out, size_t cap, size_t *ret_len)
{
    struct cardea_status s = CARDEA_FAIL(E_INTERNAL);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->sign->pkey);
    unsigned char *der = NULL;
    int len = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);

    if (len > 0 && (size_t)len > cap) {
        s = CARDEA_FAIL(E_TOO_LARGE);
    } else if (len > 0) {
        memcpy(out, der, (size_t)len);
        *ret_len = (size_t)len;
        s = CARDEA_SUCCESS;
    }
    if (len > 0)
        OPENSSL_clear_free(der, (size_t)len);
    PKCS8_PRIV_KEY_INFO_free(info); /* wipes the octets it holds */
    ERR_clear_error();
    return s;
}

/* An EC key on P-256 whose halves belong together. */
static bool es256_pair_valid(EVP_PKEY *pkey)
{
    char group[32];
    size_t len = 0;

    if (EVP_PKEY_is_a(pkey, "EC") != 1 || EVP_PKEY_get_group_name(pkey, group, sizeof group, &len) != 1 ||
        strcmp(group, SN_X9_62_prime256v1) != 0)
        return false;
    EVP_PKEY_CTX *check = EVP_PKEY_CTX_new(pkey, NULL);
    bool valid = check != NULL && EVP_PKEY_check(check) == 1;
    EVP_PKEY_CTX_free(check);
    return valid;
}

struct cardea_status signing_key_import(enum signature_algorithm a, struct view der, struct signing_key **out)
{
    const unsigned char *p = (const unsigned char *)der.ptr;

    if (a != SIGNATURE_ES256)
        return CARDEA_FAIL(E_USAGE);
    if (der.len == 0 || der.len > SIGNATURE_PRIVATE_MAX)
        return CARDEA_FAIL(E_CORRUPT);
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len);
    bool whole = info != NULL && p == (const unsigned char *)der.ptr + der.len;
    EVP_PKEY *pkey = whole ? EVP_PKCS82PKEY(info) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (pkey == NULL || !es256_pair_valid(pkey)) {
        EVP_PKEY_free(pkey);
        return fail(CARDEA_E_CORRUPT);
    }
    return signing_key_adopt(a, pkey, out);
}

void signing_key_free(struct signing_key *k)
{
    if (k == NULL)
        return;
    operation_free(k->sign);
    free(k);
}

enum signature_algorithm signing_key_algorithm(const struct signing_key *k)
{
    return k->algorithm;
}

struct cardea_status signing_key_sign(const struct signing_key *k, struct view message, uint8_t out[SIGNATURE_MAX],
                                      size_t *ret_len)
{
    uint8_t digest[32], der[DER_MAX];
    size_t len = sizeof der;
    EVP_PKEY_CTX *context = operation_take(k->sign);

    if (context == NULL)
        return fail(CARDEA_E_BUSY);
    digest_sha256(message.ptr, message.len, digest);
    bool signed_ok = EVP_PKEY_sign(context, der, &len, digest, sizeof digest) == 1 && raw_from_der(der, len, out);
    operation_give(k->sign, context);
    if (!signed_ok)
        return fail(CARDEA_E_INTERNAL);
    *ret_len = ES256_LEN;
    return CARDEA_SUCCESS;
}

/* --- public keys --- */

void signing_key_point(const struct signing_key *k, uint8_t out[SIGNATURE_POINT])
{
    memcpy(out, k->point, SIGNATURE_POINT);
}

/* A pkey with this public point alone; NULL when it is not on the curve. */
static EVP_PKEY *p256_public(const uint8_t point[SIGNATURE_POINT])
{
    char group[] = SN_X9_62_prime256v1;
    uint8_t copy[SIGNATURE_POINT];
    EVP_PKEY *pkey = NULL;

    if (point[0] != 0x04)
        return NULL; /* neither compressed nor hybrid nor infinity */
    memcpy(copy, point, sizeof copy);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof copy),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (make == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
        EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(make);
    EVP_PKEY_CTX *check = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
    if (check == NULL || EVP_PKEY_public_check(check) != 1) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(check);
    return pkey;
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
        return fail(CARDEA_E_INVALID_FIELD);
    EVP_PKEY_free(pkey);
    memcpy(out, point, sizeof point);
    return CARDEA_SUCCESS;
}

struct cardea_status verify_key_new(enum signature_algorithm a, const uint8_t point[SIGNATURE_POINT],
                                    struct verify_key **out)
{
    if (a != SIGNATURE_ES256)
        return CARDEA_FAIL(E_USAGE);
    EVP_PKEY *pkey = p256_public(point);
    if (pkey == NULL)
        return fail(CARDEA_E_INVALID_FIELD);
    struct operation *verify = operation_new(pkey, EVP_PKEY_verify_init);
    struct verify_key *k = verify == NULL ? NULL : calloc(1, sizeof *k);
    if (k == NULL) {
        operation_free(verify);
        return fail(CARDEA_E_BUSY);
    }
    k->algorithm = a;
    k->verify = verify;
    *out = k;
    return CARDEA_SUCCESS;
}

void verify_key_free(struct verify_key *k)
{
    if (k == NULL)
        return;
    operation_free(k->verify);
    free(k);
}

enum signature_algorithm verify_key_algorithm(const struct verify_key *k)
{
    return k->algorithm;
}

struct cardea_status verify_key_check(const struct verify_key *k, struct view message, struct view signature)
{
    const uint8_t *raw = (const uint8_t *)signature.ptr;
    uint8_t digest[32], der[DER_MAX];

    if (signature.len != ES256_LEN || !scalar_in_range(raw) || !scalar_in_range(raw + COORDINATE))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    EVP_PKEY_CTX *context = operation_take(k->verify);
    if (context == NULL)
        return fail(CARDEA_E_BUSY);
    digest_sha256(message.ptr, message.len, digest);
    /* 1 is valid, 0 is not, less is an error: anything but 1 is a refusal. */
    int verdict = EVP_PKEY_verify(context, der, der_from_raw(raw, der), digest, sizeof digest);
    operation_give(k->verify, context);
    return verdict == 1 ? CARDEA_SUCCESS : fail(CARDEA_E_INVALID_TOKEN);
}
