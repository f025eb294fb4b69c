#include "crypto/raw_key.h"

#include "base/secret.h"

#define BIT(part) (1u << (part))

static const char *const part_names[RAW_KEY_PARTS] = {
    [RAW_KEY_N] = "n",   [RAW_KEY_E] = "e",   [RAW_KEY_X] = "x",   [RAW_KEY_Y] = "y",
    [RAW_KEY_K] = "k",   [RAW_KEY_D] = "d",   [RAW_KEY_P] = "p",   [RAW_KEY_Q] = "q",
    [RAW_KEY_DP] = "dp", [RAW_KEY_DQ] = "dq", [RAW_KEY_QI] = "qi",
};

static const struct {
    const char *name;
    uint32_t open, secret; /* parts */
} types[] = {
    [RAW_KEY_UNSET] = {"", 0, 0},
    [RAW_KEY_EC] = {"EC", BIT(RAW_KEY_X) | BIT(RAW_KEY_Y), BIT(RAW_KEY_D)},
    [RAW_KEY_RSA] = {"RSA", BIT(RAW_KEY_N) | BIT(RAW_KEY_E),
                     BIT(RAW_KEY_D) | BIT(RAW_KEY_P) | BIT(RAW_KEY_Q) | BIT(RAW_KEY_DP) | BIT(RAW_KEY_DQ) |
                         BIT(RAW_KEY_QI)},
    [RAW_KEY_OKP] = {"OKP", BIT(RAW_KEY_X), BIT(RAW_KEY_D)},
    [RAW_KEY_OCT] = {"oct", 0, BIT(RAW_KEY_K)},
};

static const struct {
    const char *name;
    size_t size;
} curves[] = {
    [RAW_CURVE_UNSET] = {"", 0},         [RAW_CURVE_P256] = {"P-256", 32},      [RAW_CURVE_P384] = {"P-384", 48},
    [RAW_CURVE_P521] = {"P-521", 66},    [RAW_CURVE_ED25519] = {"Ed25519", 32}, [RAW_CURVE_ED448] = {"Ed448", 57},
    [RAW_CURVE_X25519] = {"X25519", 32},
};

void raw_key_init(struct raw_key *k, enum raw_key_type type, enum raw_key_curve curve)
{
    k->type = type;
    k->curve = curve;
    memset(k->parts, 0, sizeof k->parts);
    k->used = 0;
}

void raw_key_clear(struct raw_key *k)
{
    secret_wipe(k, sizeof *k);
}

bool raw_key_put(struct raw_key *k, enum raw_key_part part, struct view bytes)
{
    if (bytes.len == 0 || bytes.len > RAW_KEY_PART_MAX || k->parts[part].len != 0 ||
        bytes.len > sizeof k->bytes - k->used)
        return false;
    memcpy(k->bytes + k->used, bytes.ptr, bytes.len);
    k->parts[part].at = k->used;
    k->parts[part].len = (uint16_t)bytes.len;
    k->used = (uint16_t)(k->used + bytes.len);
    return true;
}

struct view raw_key_part(const struct raw_key *k, enum raw_key_part part)
{
    return view_of(k->bytes + k->parts[part].at, k->parts[part].len);
}

bool raw_key_is_secret(const struct raw_key *k)
{
    uint32_t secret = raw_key_private_parts(k->type);

    for (unsigned p = 0; p < RAW_KEY_PARTS; p++)
        if ((secret & BIT(p)) != 0 && k->parts[p].len != 0)
            return true;
    return false;
}

void raw_key_public(const struct raw_key *k, struct raw_key *out)
{
    uint32_t open = raw_key_public_parts(k->type);

    raw_key_init(out, k->type, k->curve);
    for (unsigned p = 0; p < RAW_KEY_PARTS; p++)
        if ((open & BIT(p)) != 0 && k->parts[p].len != 0)
            (void)!raw_key_put(out, (enum raw_key_part)p, raw_key_part(k, (enum raw_key_part)p)); /* it fitted in k */
}

enum { E_PACKED_MAX = 8, UNCOMPRESSED = 0x04 };

static size_t pack_part(const struct raw_key *k, enum raw_key_part part, uint8_t *out)
{
    struct view v = raw_key_part(k, part);

    memcpy(out, v.ptr, v.len);
    return v.len;
}

size_t raw_key_pack(const struct raw_key *k, uint8_t out[RAW_KEY_PUBLIC_MAX])
{
    size_t size = raw_key_curve_size(k->curve), e = raw_key_part(k, RAW_KEY_E).len;

    switch (k->type) {
    case RAW_KEY_EC:
        if (raw_key_part(k, RAW_KEY_X).len != size || raw_key_part(k, RAW_KEY_Y).len != size)
            return 0;
        out[0] = UNCOMPRESSED;
        return 1 + pack_part(k, RAW_KEY_X, out + 1) + pack_part(k, RAW_KEY_Y, out + 1 + size);
    case RAW_KEY_OKP:
        return raw_key_part(k, RAW_KEY_X).len == size ? pack_part(k, RAW_KEY_X, out) : 0;
    case RAW_KEY_RSA:
        if (e == 0 || e > E_PACKED_MAX || raw_key_part(k, RAW_KEY_N).len == 0)
            return 0;
        out[0] = (uint8_t)e;
        return 1 + pack_part(k, RAW_KEY_E, out + 1) + pack_part(k, RAW_KEY_N, out + 1 + e);
    case RAW_KEY_OCT:
    case RAW_KEY_UNSET:
        break;
    }
    return 0;
}

bool raw_key_unpack(struct view bytes, enum raw_key_type type, enum raw_key_curve curve, struct raw_key *out)
{
    size_t size = raw_key_curve_size(curve), first = bytes.len == 0 ? 0 : (uint8_t)bytes.ptr[0];

    raw_key_init(out, type, curve);
    switch (type) {
    case RAW_KEY_EC:
        return size != 0 && bytes.len == 1 + 2 * size && first == UNCOMPRESSED &&
               raw_key_put(out, RAW_KEY_X, view_of(bytes.ptr + 1, size)) &&
               raw_key_put(out, RAW_KEY_Y, view_of(bytes.ptr + 1 + size, size));
    case RAW_KEY_OKP:
        return size != 0 && bytes.len == size && raw_key_put(out, RAW_KEY_X, bytes);
    case RAW_KEY_RSA:
        return first > 0 && first <= E_PACKED_MAX && bytes.len > 1 + first &&
               raw_key_put(out, RAW_KEY_E, view_of(bytes.ptr + 1, first)) &&
               raw_key_put(out, RAW_KEY_N, view_skip(bytes, 1 + first));
    case RAW_KEY_OCT:
    case RAW_KEY_UNSET:
        break;
    }
    return false;
}

const char *raw_key_type_name(enum raw_key_type type)
{
    return types[type].name;
}

const char *raw_key_curve_name(enum raw_key_curve curve)
{
    return curves[curve].name;
}

const char *raw_key_part_name(enum raw_key_part part)
{
    return part_names[part];
}

size_t raw_key_curve_size(enum raw_key_curve curve)
{
    return curves[curve].size;
}

uint32_t raw_key_public_parts(enum raw_key_type type)
{
    return types[type].open;
}

uint32_t raw_key_private_parts(enum raw_key_type type)
{
    return types[type].secret;
}
