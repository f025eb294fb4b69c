#include "crypto/signature.h"

#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/signature_family.h"

#include <stdlib.h>

static const struct signature_info infos[SIGNATURE_COUNT] = {
    [SIGNATURE_ES256] = {"ES256", FAMILY_ECDSA, RAW_KEY_EC, RAW_CURVE_P256, 32},
    [SIGNATURE_ES384] = {"ES384", FAMILY_ECDSA, RAW_KEY_EC, RAW_CURVE_P384, 48},
    [SIGNATURE_ES512] = {"ES512", FAMILY_ECDSA, RAW_KEY_EC, RAW_CURVE_P521, 64},
    [SIGNATURE_RS256] = {"RS256", FAMILY_RSA_PKCS1, RAW_KEY_RSA, RAW_CURVE_UNSET, 32},
    [SIGNATURE_RS384] = {"RS384", FAMILY_RSA_PKCS1, RAW_KEY_RSA, RAW_CURVE_UNSET, 48},
    [SIGNATURE_RS512] = {"RS512", FAMILY_RSA_PKCS1, RAW_KEY_RSA, RAW_CURVE_UNSET, 64},
    [SIGNATURE_PS256] = {"PS256", FAMILY_RSA_PSS, RAW_KEY_RSA, RAW_CURVE_UNSET, 32},
    [SIGNATURE_PS384] = {"PS384", FAMILY_RSA_PSS, RAW_KEY_RSA, RAW_CURVE_UNSET, 48},
    [SIGNATURE_PS512] = {"PS512", FAMILY_RSA_PSS, RAW_KEY_RSA, RAW_CURVE_UNSET, 64},
    [SIGNATURE_HS256] = {"HS256", FAMILY_HMAC, RAW_KEY_OCT, RAW_CURVE_UNSET, 32},
    [SIGNATURE_HS384] = {"HS384", FAMILY_HMAC, RAW_KEY_OCT, RAW_CURVE_UNSET, 48},
    [SIGNATURE_HS512] = {"HS512", FAMILY_HMAC, RAW_KEY_OCT, RAW_CURVE_UNSET, 64},
    [SIGNATURE_ED25519] = {"EdDSA", FAMILY_ED25519, RAW_KEY_OKP, RAW_CURVE_ED25519, 0},
    [SIGNATURE_ED448] = {"EdDSA", FAMILY_ED448, RAW_KEY_OKP, RAW_CURVE_ED448, 0},
};

const struct signature_info *signature_info(enum signature_algorithm a)
{
    return a > SIGNATURE_UNSET && a < SIGNATURE_COUNT ? &infos[a] : NULL;
}

const char *signature_algorithm_name(enum signature_algorithm a)
{
    const struct signature_info *info = signature_info(a);

    return info == NULL ? "" : info->name;
}

enum signature_algorithm signature_algorithm_parse(struct view name)
{
    for (enum signature_algorithm a = SIGNATURE_UNSET + 1; a < SIGNATURE_COUNT; a++)
        if (view_is(name, infos[a].name))
            return a;
    return SIGNATURE_UNSET;
}

enum signature_algorithm signature_algorithm_of(struct view name, enum raw_key_type type, enum raw_key_curve curve)
{
    for (enum signature_algorithm a = SIGNATURE_UNSET + 1; a < SIGNATURE_COUNT; a++)
        if (infos[a].type == type && infos[a].curve == curve &&
            (name.len == 0 ? curve != RAW_CURVE_UNSET : view_is(name, infos[a].name)))
            return a;
    return SIGNATURE_UNSET;
}

bool signature_is_mac(enum signature_algorithm a)
{
    const struct signature_info *info = signature_info(a);

    return info != NULL && info->family == FAMILY_HMAC;
}

void signature_digest(size_t hash_len, struct view message, uint8_t out[64])
{
    if (hash_len == 32)
        digest_sha256(message.ptr, message.len, out);
    else if (hash_len == 48)
        digest_sha384(message.ptr, message.len, out);
    else
        digest_sha512(message.ptr, message.len, out);
}

const EVP_MD *signature_md(size_t hash_len)
{
    return hash_len == 32 ? EVP_sha256() : hash_len == 48 ? EVP_sha384() : EVP_sha512();
}

/* --- loading --- */

static size_t signature_length(const struct signature_info *info, const struct raw_key *raw)
{
    switch (info->family) {
    case FAMILY_HMAC:
        return info->hash_len;
    case FAMILY_RSA_PKCS1:
    case FAMILY_RSA_PSS:
        return raw_key_part(raw, RAW_KEY_N).len;
    case FAMILY_ECDSA:
    case FAMILY_ED25519:
    case FAMILY_ED448:
        return 2 * raw_key_curve_size(info->curve);
    case FAMILY_UNSET:
        break;
    }
    return 0;
}

/* Octets no shorter than the hash (RFC 7518 §3.2). */
static struct cardea_status load_hmac(const struct signature_info *info, const struct raw_key *raw,
                                      struct hmac_key **out)
{
    struct view octets = raw_key_part(raw, RAW_KEY_K);

    if (octets.len < info->hash_len)
        return CARDEA_FAIL(E_INVALID_FIELD);
    *out = hmac_key_new(info->hash_len, octets);
    return *out == NULL ? CARDEA_FAIL(E_BUSY) : CARDEA_SUCCESS;
}

/* Whose word about a key's numbers is taken: nobody's, or our own. */
enum trust { TRUST_NOBODY, TRUST_OURSELVES };

static struct cardea_status load_operation(const struct signature_info *info, const struct raw_key *raw, bool secret,
                                           enum trust trust, struct operation **out)
{
    EVP_PKEY *pkey = trust == TRUST_OURSELVES ? pkey_from_own(raw, secret) : pkey_from_raw(raw, secret);

    if (pkey == NULL)
        return pkey_fail(CARDEA_E_INVALID_FIELD);
    *out = operation_new(pkey, info, secret ? EVP_PKEY_sign_init : EVP_PKEY_verify_init);
    return *out == NULL ? pkey_fail(CARDEA_E_BUSY) : CARDEA_SUCCESS;
}

/* The public half must be the one that the seed makes. */
static struct cardea_status load_ed25519(const struct raw_key *raw, struct ed25519_secret **out)
{
    struct view seed = raw_key_part(raw, RAW_KEY_D), x = raw_key_part(raw, RAW_KEY_X);

    if (seed.len != ED25519_SEED || x.len != ED25519_PUBLIC)
        return CARDEA_FAIL(E_INVALID_FIELD);
    *out = ed25519_secret_new((const uint8_t *)seed.ptr);
    if (*out == NULL)
        return CARDEA_FAIL(E_BUSY);
    struct ed25519_public made = ed25519_secret_public(*out);
    return memcmp(made.bytes, x.ptr, sizeof made.bytes) == 0 ? CARDEA_SUCCESS : CARDEA_FAIL(E_INVALID_FIELD);
}

/* What is common to both kinds of key. */
static const struct signature_info *loadable(enum signature_algorithm a, const struct raw_key *raw,
                                             struct cardea_status *ret_why)
{
    const struct signature_info *info = signature_info(a);

    *ret_why = info == NULL ? CARDEA_FAIL(E_USAGE) : CARDEA_FAIL(E_INVALID_FIELD);
    return info != NULL && raw->type == info->type && raw->curve == info->curve ? info : NULL;
}

static struct cardea_status load_signing(enum signature_algorithm a, const struct raw_key *raw, enum trust trust,
                                         struct signing_key **out)
{
    struct cardea_status s;
    const struct signature_info *info = loadable(a, raw, &s);

    if (info == NULL)
        return s;
    struct signing_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return CARDEA_FAIL(E_BUSY);
    k->algorithm = a;
    k->info = info;
    k->signature_len = signature_length(info, raw);
    if (info->family == FAMILY_HMAC)
        s = load_hmac(info, raw, &k->hmac);
    else if (info->family == FAMILY_ED25519)
        s = load_ed25519(raw, &k->ed25519);
    else
        s = load_operation(info, raw, true, trust, &k->operation);
    if (cardea_ok(s))
        *out = k;
    else
        signing_key_free(k);
    return s;
}

static struct cardea_status load_verify(enum signature_algorithm a, const struct raw_key *raw, enum trust trust,
                                        struct verify_key **out)
{
    struct cardea_status s;
    const struct signature_info *info = loadable(a, raw, &s);

    if (info == NULL)
        return s;
    struct verify_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return CARDEA_FAIL(E_BUSY);
    k->algorithm = a;
    k->info = info;
    k->signature_len = signature_length(info, raw);
    if (info->family == FAMILY_HMAC)
        s = load_hmac(info, raw, &k->hmac);
    else if (info->family == FAMILY_ED25519)
        s = ed25519_public_load(raw_key_part(raw, RAW_KEY_X), &k->ed25519);
    else
        s = load_operation(info, raw, false, trust, &k->operation);
    if (cardea_ok(s))
        *out = k;
    else
        verify_key_free(k);
    return s;
}

struct cardea_status signing_key_load(enum signature_algorithm a, const struct raw_key *raw, struct signing_key **out)
{
    return load_signing(a, raw, TRUST_NOBODY, out);
}

struct cardea_status verify_key_load(enum signature_algorithm a, const struct raw_key *raw, struct verify_key **out)
{
    return load_verify(a, raw, TRUST_NOBODY, out);
}

struct cardea_status signing_key_load_own(enum signature_algorithm a, const struct raw_key *raw,
                                          struct signing_key **out)
{
    return load_signing(a, raw, TRUST_OURSELVES, out);
}

struct cardea_status verify_key_load_own(enum signature_algorithm a, const struct raw_key *raw, struct verify_key **out)
{
    return load_verify(a, raw, TRUST_OURSELVES, out);
}

bool signature_key_shape(enum signature_algorithm a, enum raw_key_type *ret_type, enum raw_key_curve *ret_curve)
{
    const struct signature_info *info = signature_info(a);

    if (info == NULL)
        return false;
    *ret_type = info->type;
    *ret_curve = info->curve;
    return true;
}

struct cardea_status signature_key_draw(enum signature_algorithm a, uint32_t rsa_bits, struct raw_key *out)
{
    const struct signature_info *info = signature_info(a);

    if (info == NULL)
        return CARDEA_FAIL(E_USAGE);
    uint32_t bits = info->type == RAW_KEY_RSA ? rsa_bits : (uint32_t)info->hash_len * 8;
    return raw_key_generate(info->type, info->curve, bits, out);
}

struct cardea_status signing_key_generate(enum signature_algorithm a, struct signing_key **out)
{
    struct raw_key raw;
    struct cardea_status s = signature_key_draw(a, RSA_BITS_MIN, &raw);

    if (!cardea_ok(s))
        return s;
    s = signing_key_load(a, &raw, out);
    raw_key_clear(&raw);
    return s;
}

void signing_key_free(struct signing_key *k)
{
    if (k == NULL)
        return;
    operation_free(k->operation);
    ed25519_secret_free(k->ed25519);
    hmac_key_free(k->hmac);
    free(k);
}

void verify_key_free(struct verify_key *k)
{
    if (k == NULL)
        return;
    operation_free(k->operation);
    hmac_key_free(k->hmac);
    free(k);
}

/* --- use --- */

enum signature_algorithm signing_key_algorithm(const struct signing_key *k)
{
    return k->algorithm;
}

size_t signing_key_length(const struct signing_key *k)
{
    return k->signature_len;
}

enum signature_algorithm verify_key_algorithm(const struct verify_key *k)
{
    return k->algorithm;
}

static struct cardea_status hmac_sign(const struct hmac_key *k, struct view message, size_t len, uint8_t *out)
{
    uint8_t mac[HMAC_MAX];

    hmac_compute(k, message, mac);
    memcpy(out, mac, len);
    return CARDEA_SUCCESS;
}

static struct cardea_status hmac_check(const struct hmac_key *k, struct view message, struct view signature)
{
    uint8_t mac[HMAC_MAX];

    hmac_compute(k, message, mac);
    bool same = secret_equal(mac, signature.ptr, signature.len);
    secret_wipe(mac, sizeof mac); /* the right MAC of a message that somebody else chose */
    return same ? CARDEA_SUCCESS : CARDEA_FAIL(E_INVALID_TOKEN);
}

static struct cardea_status sign(const struct signing_key *k, struct view message, uint8_t *out)
{
    switch (k->info->family) {
    case FAMILY_HMAC:
        return hmac_sign(k->hmac, message, k->signature_len, out);
    case FAMILY_RSA_PKCS1:
    case FAMILY_RSA_PSS:
        return rsa_sign(k, message, out);
    case FAMILY_ECDSA:
        return ecdsa_sign(k, message, out);
    case FAMILY_ED25519:
        ed25519_sign(k->ed25519, message, out);
        return CARDEA_SUCCESS;
    case FAMILY_ED448:
        return ed448_sign(k, message, out);
    case FAMILY_UNSET:
        break;
    }
    return CARDEA_FAIL(E_INTERNAL);
}

struct cardea_status signing_key_sign(const struct signing_key *k, struct view message, uint8_t out[SIGNATURE_MAX],
                                      size_t *ret_len)
{
    struct cardea_status s = sign(k, message, out);

    if (cardea_ok(s))
        *ret_len = k->signature_len;
    return s;
}

struct cardea_status verify_key_check(const struct verify_key *k, struct view message, struct view signature)
{
    const uint8_t *bytes = (const uint8_t *)signature.ptr;

    if (signature.len != k->signature_len || signature.len == 0)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    switch (k->info->family) {
    case FAMILY_HMAC:
        return hmac_check(k->hmac, message, signature);
    case FAMILY_RSA_PKCS1:
    case FAMILY_RSA_PSS:
        return rsa_check(k, message, bytes);
    case FAMILY_ECDSA:
        return ecdsa_check(k, message, bytes);
    case FAMILY_ED25519:
        return ed25519_verify(&k->ed25519, message, signature);
    case FAMILY_ED448:
        return ed448_check(k, message, bytes);
    case FAMILY_UNSET:
        break;
    }
    return CARDEA_FAIL(E_INVALID_TOKEN);
}
