/* A key for JWE from a key in parts, as JWK and PEM are read into. */
#include "core/jwe_key.h"

enum { UNCOMPRESSED = 0x04 };

static enum agreement_curve curve_of(const struct raw_key *k)
{
    if (k->type == RAW_KEY_EC && k->curve == RAW_CURVE_P256)
        return AGREEMENT_P256;
    if (k->type == RAW_KEY_EC && k->curve == RAW_CURVE_P384)
        return AGREEMENT_P384;
    return k->type == RAW_KEY_OKP && k->curve == RAW_CURVE_X25519 ? AGREEMENT_X25519 : AGREEMENT_UNSET;
}

static struct cardea_status from_agreement(const struct jwe_rule *r, const struct raw_key *k, struct jwe_key **out)
{
    enum agreement_curve c = curve_of(k);
    struct view x = raw_key_part(k, RAW_KEY_X), y = raw_key_part(k, RAW_KEY_Y), d = raw_key_part(k, RAW_KEY_D);
    size_t len = agreement_coordinate_len(c);
    uint8_t point[AGREEMENT_PUBLIC_MAX] = {UNCOMPRESSED};

    if (c == AGREEMENT_UNSET || x.len != len || (c != AGREEMENT_X25519 && y.len != len))
        return CARDEA_FAIL(E_INVALID_FIELD);
    if (c == AGREEMENT_X25519)
        return jwe_key_agreement(r, c, x, d, out);
    memcpy(point + 1, x.ptr, len);
    memcpy(point + 1 + len, y.ptr, len);
    return jwe_key_agreement(r, c, view_of(point, 1 + 2 * len), d, out);
}

static struct cardea_status from_rsa(const struct jwe_rule *r, const struct raw_key *k, struct jwe_key **out)
{
    struct rsa_parts parts = {.n = raw_key_part(k, RAW_KEY_N),
                              .e = raw_key_part(k, RAW_KEY_E),
                              .d = raw_key_part(k, RAW_KEY_D),
                              .p = raw_key_part(k, RAW_KEY_P),
                              .q = raw_key_part(k, RAW_KEY_Q),
                              .dp = raw_key_part(k, RAW_KEY_DP),
                              .dq = raw_key_part(k, RAW_KEY_DQ),
                              .qi = raw_key_part(k, RAW_KEY_QI)};

    return jwe_key_rsa(r, &parts, out);
}

struct cardea_status jwe_key_from_raw(const struct jwe_rule *r, const struct raw_key *k, struct jwe_key **out)
{
    switch (k->type) {
    case RAW_KEY_EC:
    case RAW_KEY_OKP:
        return from_agreement(r, k, out);
    case RAW_KEY_RSA:
        return from_rsa(r, k, out);
    case RAW_KEY_OCT:
        return jwe_key_symmetric(r, raw_key_part(k, RAW_KEY_K), out);
    case RAW_KEY_UNSET:
        break;
    }
    return CARDEA_FAIL(E_INVALID_FIELD);
}
