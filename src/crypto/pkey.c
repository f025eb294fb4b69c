#include "crypto/pkey.h"

#include "base/secret.h"
#include "crypto/random.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

enum { E_BYTES_MAX = 8, E_LEAST = 65537, POINT_MAX = 1 + 2 * 66 };

struct cardea_status pkey_fail(enum cardea_code code)
{
    ERR_clear_error();
    return cardea_status(code);
}

/* RAW_CURVE_* on which OpenSSL's "EC" keys live. */
static const struct {
    enum raw_key_curve curve;
    const char *group;
} groups[] = {
    {RAW_CURVE_P256, SN_X9_62_prime256v1},
    {RAW_CURVE_P384, SN_secp384r1},
    {RAW_CURVE_P521, SN_secp521r1},
};

static const char *group_name(enum raw_key_curve curve)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (groups[i].curve == curve)
            return groups[i].group;
    return NULL;
}

static BIGNUM *number(const struct raw_key *k, enum raw_key_part part)
{
    struct view v = raw_key_part(k, part);
    BIGNUM *n = BN_bin2bn((const uint8_t *)v.ptr, (int)v.len, NULL);

    if (n != NULL && (raw_key_private_parts(k->type) & (1u << part)) != 0)
        BN_set_flags(n, BN_FLG_CONSTTIME);
    return n;
}

/* Takes over params, NULL included. */
static EVP_PKEY *assemble(const char *type, int selection, OSSL_PARAM *params)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *make = params == NULL ? NULL : EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (make == NULL || EVP_PKEY_fromdata_init(make) != 1 || EVP_PKEY_fromdata(make, &pkey, selection, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(make);
    OSSL_PARAM_free(params); /* wipes what it holds of secrets */
    return pkey;
}

/* OpenSSL's own checks. Takes over pkey, NULL included; NULL when they refuse. */
static EVP_PKEY *checked(EVP_PKEY *pkey, bool secret)
{
    EVP_PKEY_CTX *check = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);

    if (check == NULL || (secret ? EVP_PKEY_check(check) : EVP_PKEY_public_check(check)) != 1) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(check);
    return pkey;
}

/* --- EC --- */

static EVP_PKEY *ec_from_raw(const struct raw_key *k, bool secret)
{
    const char *group = group_name(k->curve);
    size_t size = raw_key_curve_size(k->curve);
    struct view x = raw_key_part(k, RAW_KEY_X), y = raw_key_part(k, RAW_KEY_Y), d = raw_key_part(k, RAW_KEY_D);
    uint8_t point[POINT_MAX] = {0x04}; /* neither compressed nor hybrid nor infinity */

    if (group == NULL || x.len != size || y.len != size || (secret && d.len != size))
        return NULL;
    memcpy(point + 1, x.ptr, size);
    memcpy(point + 1 + size, y.ptr, size);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = secret ? number(k, RAW_KEY_D) : NULL;
    OSSL_PARAM *params = NULL;
    if (build != NULL && (n != NULL || !secret) &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size) == 1 &&
        (n == NULL || OSSL_PARAM_BLD_push_BN_pad(build, OSSL_PKEY_PARAM_PRIV_KEY, n, size) == 1))
        params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *pkey = assemble("EC", secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_BLD_free(build);
    BN_clear_free(n);
    return checked(pkey, secret);
}

/* --- RSA --- */

/* In the subgroup that 65537 generates modulo this prime? */
static bool in_subgroup(BN_ULONG residue, BN_ULONG prime)
{
    BN_ULONG power = 1;

    do {
        if (power == residue)
            return true;
        power = power * 65537 % prime;
    } while (power != 1);
    return false;
}

/* Moduli of the Infineon generator are powers of 65537 modulo each of these (Nemec and others, "The Return of
 * Coppersmith's Attack", 2017); others are so for all of them once in 2^27 at most. */
static bool roca_fingerprint(const BIGNUM *n)
{
    static const uint8_t primes[] = {11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157};

    for (size_t i = 0; i < sizeof primes; i++)
        if (!in_subgroup(BN_mod_word(n, primes[i]), primes[i]))
            return false;
    return true;
}

static bool rsa_public_valid(const struct raw_key *k)
{
    struct view n = raw_key_part(k, RAW_KEY_N), e = raw_key_part(k, RAW_KEY_E);
    uint64_t exponent = 0;

    if (n.len == 0 || n.ptr[0] == 0 || e.len == 0 || e.len > E_BYTES_MAX || e.ptr[0] == 0)
        return false;
    for (size_t i = 0; i < e.len; i++)
        exponent = exponent << 8 | (uint8_t)e.ptr[i];
    if (exponent < E_LEAST || exponent % 2 == 0)
        return false;
    BIGNUM *modulus = number(k, RAW_KEY_N);
    bool valid = modulus != NULL && BN_num_bits(modulus) >= RSA_BITS_MIN && BN_num_bits(modulus) <= RSA_BITS_MAX &&
                 BN_is_odd(modulus) && !roca_fingerprint(modulus);
    BN_free(modulus);
    return valid;
}

static const struct {
    enum raw_key_part part;
    const char *name;
} rsa_parts[] = {
    {RAW_KEY_N, OSSL_PKEY_PARAM_RSA_N},          {RAW_KEY_E, OSSL_PKEY_PARAM_RSA_E},
    {RAW_KEY_D, OSSL_PKEY_PARAM_RSA_D},          {RAW_KEY_P, OSSL_PKEY_PARAM_RSA_FACTOR1},
    {RAW_KEY_Q, OSSL_PKEY_PARAM_RSA_FACTOR2},    {RAW_KEY_DP, OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {RAW_KEY_DQ, OSSL_PKEY_PARAM_RSA_EXPONENT2}, {RAW_KEY_QI, OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};
enum { RSA_PARTS = sizeof rsa_parts / sizeof *rsa_parts, RSA_PUBLIC_PARTS = 2 };

static EVP_PKEY *rsa_from_raw(const struct raw_key *k, bool secret, bool own)
{
    size_t count = secret ? RSA_PARTS : RSA_PUBLIC_PARTS;
    BIGNUM *numbers[RSA_PARTS] = {NULL};
    bool good = rsa_public_valid(k);
    OSSL_PARAM_BLD *build = good ? OSSL_PARAM_BLD_new() : NULL;

    good = build != NULL;
    for (size_t i = 0; good && i < count; i++) {
        good = raw_key_part(k, rsa_parts[i].part).len != 0;
        numbers[i] = good ? number(k, rsa_parts[i].part) : NULL;
        good = numbers[i] != NULL && OSSL_PARAM_BLD_push_BN(build, rsa_parts[i].name, numbers[i]) == 1;
    }
    EVP_PKEY *pkey =
        assemble("RSA", secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, good ? OSSL_PARAM_BLD_to_param(build) : NULL);
    OSSL_PARAM_BLD_free(build);
    for (size_t i = 0; i < RSA_PARTS; i++)
        BN_clear_free(numbers[i]);
    return own ? pkey : checked(pkey, secret);
}

/* --- Ed448 --- */

/* x² = (y² - 1) / (d y² - 1) with d = -39081 has a solution when (y² - 1)(d y² - 1) is a square; small order are the
 * points with y 0, 1 and -1. The sign bit is the last byte's first; nothing else may be in it. */
bool ed448_point_valid(const uint8_t x[57])
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *p = BN_new(), *y = BN_lebin2bn(x, 56, NULL), *u = BN_new(), *v = BN_new();
    bool valid = false;

    if (context == NULL || p == NULL || y == NULL || u == NULL || v == NULL || (x[56] & 0x7f) != 0)
        goto out;
    /* p = 2^448 - 2^224 - 1 */
    if (BN_set_bit(p, 448) != 1 || BN_set_bit(u, 224) != 1 || BN_sub(p, p, u) != 1 || BN_sub_word(p, 1) != 1)
        goto out;
    if (BN_cmp(y, p) >= 0 || BN_is_zero(y) || BN_is_one(y))
        goto out;
    if (BN_copy(u, y) == NULL || BN_add_word(u, 1) != 1 || BN_cmp(u, p) == 0)
        goto out;
    if (BN_mod_sqr(u, y, p, context) != 1 || BN_copy(v, u) == NULL || BN_mul_word(v, 39081) != 1 ||
        BN_add_word(v, 1) != 1 || BN_sub_word(u, 1) != 1)
        goto out;
    BN_set_negative(v, 1); /* d y² - 1 = -(39081 y² + 1) */
    if (BN_mod_mul(u, u, v, p, context) != 1)
        goto out;
    valid = BN_kronecker(u, p, context) == 1;
out:
    BN_CTX_free(context);
    BN_free(p);
    BN_free(y);
    BN_free(u);
    BN_free(v);
    return valid;
}

static EVP_PKEY *ed448_from_raw(const struct raw_key *k, bool secret)
{
    struct view x = raw_key_part(k, RAW_KEY_X), d = raw_key_part(k, RAW_KEY_D);
    size_t size = raw_key_curve_size(RAW_CURVE_ED448), len = size;
    uint8_t derived[57];

    if (x.len != size || !ed448_point_valid((const uint8_t *)x.ptr) || (secret && d.len != size))
        return NULL;
    if (!secret)
        return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED448, NULL, (const uint8_t *)x.ptr, x.len);
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED448, NULL, (const uint8_t *)d.ptr, d.len);
    if (pkey == NULL || EVP_PKEY_get_raw_public_key(pkey, derived, &len) != 1 || len != size ||
        memcmp(derived, x.ptr, size) != 0) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

static EVP_PKEY *from_raw(const struct raw_key *k, bool secret, bool own)
{
    switch (k->type) {
    case RAW_KEY_EC:
        return ec_from_raw(k, secret);
    case RAW_KEY_RSA:
        return rsa_from_raw(k, secret, own);
    case RAW_KEY_OKP:
        return k->curve == RAW_CURVE_ED448 ? ed448_from_raw(k, secret) : NULL;
    case RAW_KEY_UNSET:
    case RAW_KEY_OCT:
        break;
    }
    return NULL;
}

EVP_PKEY *pkey_from_raw(const struct raw_key *k, bool secret)
{
    return from_raw(k, secret, false);
}

EVP_PKEY *pkey_from_own(const struct raw_key *k, bool secret)
{
    return from_raw(k, secret, true);
}

/* --- back to parts --- */

/* size 0: without leading zeros. */
static bool put_number(EVP_PKEY *pkey, const char *name, enum raw_key_part part, size_t size, struct raw_key *out)
{
    BIGNUM *n = NULL;
    uint8_t bytes[RAW_KEY_PART_MAX];
    bool good = false;

    if (EVP_PKEY_get_bn_param(pkey, name, &n) == 1) {
        size_t len = size != 0 ? size : (size_t)BN_num_bytes(n);
        good = len <= sizeof bytes && BN_bn2binpad(n, bytes, (int)len) == (int)len &&
               raw_key_put(out, part, view_of(bytes, len));
    }
    BN_clear_free(n);
    secret_wipe(bytes, sizeof bytes);
    return good;
}

static bool ec_to_raw(EVP_PKEY *pkey, bool secret, struct raw_key *out)
{
    char group[32];
    uint8_t point[POINT_MAX];
    size_t len = 0;
    enum raw_key_curve curve = RAW_CURVE_UNSET;

    if (EVP_PKEY_get_group_name(pkey, group, sizeof group, &len) != 1)
        return false;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(groups[i].group, group) == 0)
            curve = groups[i].curve;
    size_t size = raw_key_curve_size(curve);
    if (curve == RAW_CURVE_UNSET ||
        EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") != 1 ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) != 1 ||
        len != 1 + 2 * size || point[0] != 0x04)
        return false;
    raw_key_init(out, RAW_KEY_EC, curve);
    return raw_key_put(out, RAW_KEY_X, view_of(point + 1, size)) &&
           raw_key_put(out, RAW_KEY_Y, view_of(point + 1 + size, size)) &&
           (!secret || put_number(pkey, OSSL_PKEY_PARAM_PRIV_KEY, RAW_KEY_D, size, out));
}

static bool rsa_to_raw(EVP_PKEY *pkey, bool secret, struct raw_key *out)
{
    BIGNUM *third = NULL;

    raw_key_init(out, RAW_KEY_RSA, RAW_CURVE_UNSET);
    for (size_t i = 0; i < (secret ? RSA_PARTS : RSA_PUBLIC_PARTS); i++)
        if (!put_number(pkey, rsa_parts[i].name, rsa_parts[i].part, 0, out))
            return false;
    /* A third prime has no place in a raw key: without it the others would not make this modulus. */
    bool several = secret && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR3, &third) == 1;
    BN_clear_free(third);
    return !several;
}

static bool okp_to_raw(EVP_PKEY *pkey, enum raw_key_curve curve, bool secret, struct raw_key *out)
{
    uint8_t bytes[57];
    size_t size = raw_key_curve_size(curve), len = sizeof bytes;

    raw_key_init(out, RAW_KEY_OKP, curve);
    bool good = EVP_PKEY_get_raw_public_key(pkey, bytes, &len) == 1 && len == size &&
                raw_key_put(out, RAW_KEY_X, view_of(bytes, len));
    len = sizeof bytes;
    if (good && secret)
        good = EVP_PKEY_get_raw_private_key(pkey, bytes, &len) == 1 && len == size &&
               raw_key_put(out, RAW_KEY_D, view_of(bytes, len));
    secret_wipe(bytes, sizeof bytes);
    return good;
}

bool pkey_to_raw(EVP_PKEY *pkey, bool secret, struct raw_key *out)
{
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_EC:
        return ec_to_raw(pkey, secret, out);
    case EVP_PKEY_RSA:
        return rsa_to_raw(pkey, secret, out);
    case EVP_PKEY_ED25519:
        return okp_to_raw(pkey, RAW_CURVE_ED25519, secret, out);
    case EVP_PKEY_ED448:
        return okp_to_raw(pkey, RAW_CURVE_ED448, secret, out);
    case EVP_PKEY_X25519:
        return okp_to_raw(pkey, RAW_CURVE_X25519, secret, out);
    default:
        return false;
    }
}

/* --- new keys --- */

static EVP_PKEY *generate(enum raw_key_type type, enum raw_key_curve curve, uint32_t bits)
{
    if (type == RAW_KEY_RSA)
        return EVP_RSA_gen(bits);
    switch (curve) {
    case RAW_CURVE_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case RAW_CURVE_ED448:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    case RAW_CURVE_X25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    default:
        return EVP_EC_gen(group_name(curve));
    }
}

static bool can_generate(enum raw_key_type type, enum raw_key_curve curve, uint32_t bits)
{
    switch (type) {
    case RAW_KEY_EC:
        return group_name(curve) != NULL;
    case RAW_KEY_RSA:
        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && bits % 8 == 0;
    case RAW_KEY_OKP:
        return raw_key_curve_size(curve) != 0 && group_name(curve) == NULL;
    case RAW_KEY_OCT:
        return bits > 0 && bits % 8 == 0 && bits / 8 <= RAW_KEY_PART_MAX;
    case RAW_KEY_UNSET:
        break;
    }
    return false;
}

static struct cardea_status generate_octets(size_t len, struct raw_key *out)
{
    uint8_t bytes[RAW_KEY_PART_MAX];

    entropy_fill(entropy_system(), bytes, len);
    raw_key_init(out, RAW_KEY_OCT, RAW_CURVE_UNSET);
    bool good = raw_key_put(out, RAW_KEY_K, view_of(bytes, len));
    secret_wipe(bytes, sizeof bytes);
    return good ? CARDEA_SUCCESS : CARDEA_FAIL(E_INTERNAL);
}

struct cardea_status raw_key_generate(enum raw_key_type type, enum raw_key_curve curve, uint32_t bits,
                                      struct raw_key *out)
{
    struct raw_key k;

    if (!can_generate(type, curve, bits))
        return CARDEA_FAIL(E_USAGE);
    if (type == RAW_KEY_OCT)
        return generate_octets(bits / 8, out);
    EVP_PKEY *pkey = generate(type, curve, bits);
    bool good = pkey != NULL && pkey_to_raw(pkey, true, &k);
    EVP_PKEY_free(pkey);
    if (good)
        *out = k;
    raw_key_clear(&k);
    return good ? CARDEA_SUCCESS : pkey_fail(CARDEA_E_INTERNAL);
}
