#include "crypto/signature_family.h"

/* ECDSA between r||s, which JWS speaks (RFC 7518 §3.4), and DER, which OpenSSL does. */

enum {
    SCALAR_MAX = 66,
    DER_MAX = 3 + 2 * (2 + 1 + SCALAR_MAX), /* SEQUENCE of two INTEGERs, each with a sign byte at most */
    SHORT_FORM_MAX = 127,                   /* a length in one byte; P-521's SEQUENCE takes two */
};

/* The orders (FIPS 186-4 D.1.2). */
static const uint8_t p256_order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                       0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const uint8_t p384_order[48] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
                                       0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};
static const uint8_t p521_order[66] = {
    0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfa,
    0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b,
    0xb5, 0xc9, 0xb8, 0x89, 0x9c, 0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09};

static bool scalar_in_range(const uint8_t *s, enum raw_key_curve curve)
{
    static const uint8_t zero[SCALAR_MAX];
    const uint8_t *order = curve == RAW_CURVE_P256 ? p256_order : curve == RAW_CURVE_P384 ? p384_order : p521_order;
    size_t size = raw_key_curve_size(curve);

    return memcmp(s, zero, size) != 0 && memcmp(s, order, size) < 0;
}

/* Write a DER INTEGER: as few bytes as its value needs, a zero in front where the first bit would read as a sign. */
static size_t der_put_integer(const uint8_t *s, size_t size, uint8_t *out)
{
    size_t skip = 0, sign;

    while (skip < size - 1 && s[skip] == 0)
        skip++;
    sign = (s[skip] & 0x80) != 0 ? 1 : 0;
    out[0] = 0x02;
    out[1] = (uint8_t)(size - skip + sign);
    out[2] = 0;
    memcpy(out + 2 + sign, s + skip, size - skip);
    return 2 + sign + size - skip;
}

/* Returns the length, and in *ret_start where it begins: the head is as short as the rest lets it be. */
static size_t der_from_raw(const uint8_t *raw, size_t size, uint8_t out[DER_MAX], const uint8_t **ret_start)
{
    size_t len = 0;

    len += der_put_integer(raw, size, out + 3);
    len += der_put_integer(raw + size, size, out + 3 + len);
    if (len <= SHORT_FORM_MAX) {
        out[1] = 0x30;
        out[2] = (uint8_t)len;
        *ret_start = out + 1;
        return len + 2;
    }
    out[0] = 0x30;
    out[1] = 0x81;
    out[2] = (uint8_t)len;
    *ret_start = out;
    return len + 3;
}

static bool der_get_integer(const uint8_t **in, const uint8_t *end, uint8_t *out, size_t size)
{
    const uint8_t *p = *in;

    if (end - p < 2 || p[0] != 0x02)
        return false;
    size_t len = p[1];
    p += 2;
    if (len == 0 || len > size + 1 || (size_t)(end - p) < len)
        return false;
    *in = p + len;
    if (len == size + 1 && *p++ == 0)
        len--;
    if (len > size)
        return false;
    memset(out, 0, size - len);
    memcpy(out + size - len, p, len);
    return true;
}

/* Only ever sees what OpenSSL just wrote. */
static bool raw_from_der(const uint8_t *der, size_t len, uint8_t *out, size_t size)
{
    const uint8_t *end = der + len;

    if (len < 3 || len > DER_MAX || der[0] != 0x30)
        return false;
    const uint8_t *p = der[1] == 0x81 ? der + 3 : der + 2;
    return p[-1] == end - p && der_get_integer(&p, end, out, size) && der_get_integer(&p, end, out + size, size) &&
           p == end;
}

struct cardea_status ecdsa_sign(const struct signing_key *k, struct view message, uint8_t *out)
{
    uint8_t digest[64], der[DER_MAX];
    size_t len = sizeof der;
    EVP_PKEY_CTX *context = operation_take(k->operation);

    if (context == NULL)
        return pkey_fail(CARDEA_E_BUSY);
    signature_digest(k->info->hash_len, message, digest);
    bool good = EVP_PKEY_sign(context, der, &len, digest, k->info->hash_len) == 1 &&
                raw_from_der(der, len, out, k->signature_len / 2);
    operation_give(k->operation, context);
    return good ? CARDEA_SUCCESS : pkey_fail(CARDEA_E_INTERNAL);
}

struct cardea_status ecdsa_check(const struct verify_key *k, struct view message, const uint8_t *sig)
{
    uint8_t digest[64], der[DER_MAX];
    size_t size = k->signature_len / 2;
    const uint8_t *start;

    if (!scalar_in_range(sig, k->info->curve) || !scalar_in_range(sig + size, k->info->curve))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    EVP_PKEY_CTX *context = operation_take(k->operation);
    if (context == NULL)
        return pkey_fail(CARDEA_E_BUSY);
    signature_digest(k->info->hash_len, message, digest);
    size_t len = der_from_raw(sig, size, der, &start);
    /* 1 is valid, 0 is not, less is an error: anything but 1 is a refusal. */
    int verdict = EVP_PKEY_verify(context, start, len, digest, k->info->hash_len);
    operation_give(k->operation, context);
    return verdict == 1 ? CARDEA_SUCCESS : pkey_fail(CARDEA_E_INVALID_TOKEN);
}
