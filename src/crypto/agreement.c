#include "crypto/agreement.h"

#include "base/secret.h"
#include "crypto/sha2.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { DRAWS_MAX = 64, UNCOMPRESSED = 0x04 };

struct curve_kind {
    const char *name;
    int nid; /* 0: X25519 */
    size_t coordinate;
};

static const struct curve_kind kinds[AGREEMENT_COUNT] = {
    [AGREEMENT_UNSET] = {"", 0, 0},
    [AGREEMENT_P256] = {"P-256", NID_X9_62_prime256v1, 32},
    [AGREEMENT_P384] = {"P-384", NID_secp384r1, 48},
    [AGREEMENT_X25519] = {"X25519", 0, crypto_scalarmult_curve25519_BYTES},
};

struct agreement_key {
    enum agreement_curve curve;
    uint8_t private[AGREEMENT_SECRET_MAX];
    uint8_t public[AGREEMENT_PUBLIC_MAX];
};

static bool is_curve(enum agreement_curve c)
{
    return c > AGREEMENT_UNSET && c < AGREEMENT_COUNT;
}

const char *agreement_curve_name(enum agreement_curve c)
{
    return is_curve(c) ? kinds[c].name : "";
}

enum agreement_curve agreement_curve_parse(struct view name)
{
    for (enum agreement_curve c = AGREEMENT_P256; c < AGREEMENT_COUNT; c++) {
        if (view_is(name, kinds[c].name))
            return c;
    }
    return AGREEMENT_UNSET;
}

size_t agreement_coordinate_len(enum agreement_curve c)
{
    return is_curve(c) ? kinds[c].coordinate : 0;
}

size_t agreement_public_len(enum agreement_curve c)
{
    if (!is_curve(c))
        return 0;
    return kinds[c].nid == 0 ? kinds[c].coordinate : 1 + 2 * kinds[c].coordinate;
}

static struct cardea_status fail(enum cardea_code code)
{
    ERR_clear_error();
    return cardea_status(code);
}

/* --- the NIST curves --- */

/* Made once; two threads may both make it, one of the two stays for as long as the process. */
static const EC_GROUP *group_of(enum agreement_curve c)
{
    static EC_GROUP *_Atomic kept[AGREEMENT_COUNT];
    EC_GROUP *now = atomic_load_explicit(&kept[c], memory_order_acquire);

    if (now != NULL)
        return now;
    EC_GROUP *mine = EC_GROUP_new_by_curve_name(kinds[c].nid);
    if (mine != NULL && !atomic_compare_exchange_strong(&kept[c], &now, mine)) {
        EC_GROUP_free(mine);
        mine = now;
    }
    return mine;
}

struct nist {
    enum agreement_curve curve;
    const EC_GROUP *group;
    BN_CTX *numbers;
    BIGNUM *scalar;
    EC_POINT *point, *product;
};

static void nist_close(struct nist *n)
{
    BN_clear_free(n->scalar);
    EC_POINT_clear_free(n->product);
    EC_POINT_free(n->point);
    BN_CTX_free(n->numbers);
}

/* False without memory; close it in any case. */
static bool nist_open(enum agreement_curve c, struct nist *n)
{
    *n = (struct nist){.curve = c, .group = group_of(c)};
    if (n->group == NULL)
        return false;
    n->numbers = BN_CTX_secure_new();
    n->scalar = BN_secure_new();
    n->point = EC_POINT_new(n->group);
    n->product = EC_POINT_new(n->group);
    return n->numbers != NULL && n->scalar != NULL && n->point != NULL && n->product != NULL;
}

/* From outside: only the uncompressed form, and what EC_POINT_oct2point accepts (on the curve, coordinates reduced). */
static bool nist_read_point(struct nist *n, struct view public)
{
    return public.len == agreement_public_len(n->curve) && (uint8_t) public.ptr[0] == UNCOMPRESSED &&
           EC_POINT_oct2point(n->group, n->point, (const uint8_t *)public.ptr, public.len, n->numbers) == 1 &&
           EC_POINT_is_at_infinity(n->group, n->point) == 0;
}

/* In [1, n-1]. */
static bool nist_read_scalar(struct nist *n, const uint8_t *private)
{
    if (BN_bin2bn(private, (int)kinds[n->curve].coordinate, n->scalar) == NULL)
        return false;
    BN_set_flags(n->scalar, BN_FLG_CONSTTIME);
    return !BN_is_zero(n->scalar) && BN_cmp(n->scalar, EC_GROUP_get0_order(n->group)) < 0;
}

static bool nist_public(struct nist *n, const uint8_t *private, uint8_t public[AGREEMENT_PUBLIC_MAX])
{
    size_t len = agreement_public_len(n->curve);

    return nist_read_scalar(n, private) && EC_POINT_mul(n->group, n->product, n->scalar, NULL, NULL, n->numbers) == 1 &&
           EC_POINT_point2oct(n->group, n->product, POINT_CONVERSION_UNCOMPRESSED, public, len, n->numbers) == len;
}

static bool nist_secret(struct nist *n, const struct agreement_key *mine, struct view theirs, uint8_t *out)
{
    uint8_t octets[AGREEMENT_PUBLIC_MAX];
    size_t len = agreement_public_len(n->curve);
    bool good = nist_read_point(n, theirs) && nist_read_scalar(n, mine->private) &&
                EC_POINT_mul(n->group, n->product, NULL, n->point, n->scalar, n->numbers) == 1 &&
                EC_POINT_is_at_infinity(n->group, n->product) == 0 &&
                EC_POINT_point2oct(n->group, n->product, POINT_CONVERSION_UNCOMPRESSED, octets, len, n->numbers) == len;

    if (good)
        memcpy(out, octets + 1, kinds[n->curve].coordinate);
    secret_wipe(octets, sizeof octets);
    return good;
}

/* --- keys --- */

/* X25519 accepts any 32 bytes but those that lead every key to zero: a multiplication by any scalar tells. */
static bool x25519_public_good(struct view public)
{
    static const uint8_t scalar[crypto_scalarmult_curve25519_SCALARBYTES] = {8};
    uint8_t product[crypto_scalarmult_curve25519_BYTES];

    return public.len == sizeof product &&
           crypto_scalarmult_curve25519(product, scalar, (const uint8_t *)public.ptr) == 0;
}

struct cardea_status agreement_public_check(enum agreement_curve c, struct view public)
{
    struct nist n;

    if (!is_curve(c))
        return CARDEA_FAIL(E_INVALID_FIELD);
    if (kinds[c].nid == 0)
        return x25519_public_good(public) ? CARDEA_SUCCESS : CARDEA_FAIL(E_INVALID_FIELD);
    bool good = nist_open(c, &n) && nist_read_point(&n, public);
    nist_close(&n);
    return good ? CARDEA_SUCCESS : fail(CARDEA_E_INVALID_FIELD);
}

static bool fill_public(struct agreement_key *k)
{
    struct nist n;

    if (kinds[k->curve].nid == 0)
        return crypto_scalarmult_curve25519_base(k->public, k->private) == 0;
    bool good = nist_open(k->curve, &n) && nist_public(&n, k->private, k->public);
    nist_close(&n);
    if (!good)
        ERR_clear_error();
    return good;
}

struct cardea_status agreement_key_new(enum agreement_curve c, struct view private, struct view public,
                                       struct agreement_key **out)
{
    if (!is_curve(c))
        return CARDEA_FAIL(E_USAGE);
    if (private.len != kinds[c].coordinate)
        return CARDEA_FAIL(E_INVALID_FIELD);
    struct agreement_key *k = sodium_malloc(sizeof *k);
    if (k == NULL)
        return CARDEA_FAIL(E_BUSY);
    memset(k, 0, sizeof *k);
    k->curve = c;
    memcpy(k->private, private.ptr, private.len);
    if (!fill_public(k) || (public.len > 0 && !view_equal(public, agreement_key_public(k)))) {
        sodium_free(k);
        return CARDEA_FAIL(E_INVALID_FIELD);
    }
    *out = k;
    return CARDEA_SUCCESS;
}

struct cardea_status agreement_key_generate(enum agreement_curve c, const struct entropy *e, struct agreement_key **out)
{
    uint8_t private[AGREEMENT_SECRET_MAX];
    struct cardea_status s = CARDEA_FAIL(E_INTERNAL);

    if (!is_curve(c))
        return CARDEA_FAIL(E_USAGE);
    /* A scalar out of range (2^-32 of P-256's draws) is drawn again; only broken entropy never comes into range. */
    for (size_t i = 0; i < DRAWS_MAX && !cardea_ok(s) && s.code != CARDEA_E_BUSY; i++) {
        entropy_fill(e, private, kinds[c].coordinate);
        s = agreement_key_new(c, view_of(private, kinds[c].coordinate), VIEW_EMPTY, out);
    }
    secret_wipe(private, sizeof private);
    return s.code == CARDEA_E_INVALID_FIELD ? CARDEA_FAIL(E_INTERNAL) : s;
}

void agreement_key_free(struct agreement_key *k)
{
    sodium_free(k);
}

enum agreement_curve agreement_key_curve(const struct agreement_key *k)
{
    return k->curve;
}

struct view agreement_key_public(const struct agreement_key *k)
{
    return view_of(k->public, agreement_public_len(k->curve));
}

struct cardea_status agreement_secret(const struct agreement_key *mine, struct view theirs,
                                      uint8_t out[AGREEMENT_SECRET_MAX])
{
    uint8_t secret[AGREEMENT_SECRET_MAX];
    struct nist n;
    bool good, memory = true;

    if (kinds[mine->curve].nid == 0) {
        good = theirs.len == crypto_scalarmult_curve25519_BYTES &&
               crypto_scalarmult_curve25519(secret, mine->private, (const uint8_t *)theirs.ptr) == 0;
    } else {
        memory = nist_open(mine->curve, &n);
        good = memory && nist_secret(&n, mine, theirs, secret);
        nist_close(&n);
    }
    if (good)
        memcpy(out, secret, kinds[mine->curve].coordinate);
    secret_wipe(secret, sizeof secret);
    if (good)
        return CARDEA_SUCCESS;
    return fail(memory ? CARDEA_E_INVALID_TOKEN : CARDEA_E_BUSY);
}

/* --- Concat KDF --- */

static void add_u32(sha256_state *s, size_t n)
{
    const uint8_t bytes[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

    (void)SHA256_Update(s, bytes, sizeof bytes);
}

static void add_counted(sha256_state *s, struct view v)
{
    add_u32(s, v.len);
    if (v.len > 0)
        (void)SHA256_Update(s, v.ptr, v.len);
}

void concat_kdf(struct view secret, struct view algorithm, struct view apu, struct view apv, uint8_t *out,
                size_t out_len)
{
    uint8_t block[32];
    sha256_state s;

    for (size_t done = 0, round = 1; done < out_len; done += sizeof block, round++) {
        (void)SHA256_Init(&s);
        add_u32(&s, round);
        (void)SHA256_Update(&s, secret.ptr, secret.len);
        add_counted(&s, algorithm);
        add_counted(&s, apu);
        add_counted(&s, apv);
        add_u32(&s, out_len * 8);
        (void)SHA256_Final(block, &s);
        memcpy(out + done, block, out_len - done < sizeof block ? out_len - done : sizeof block);
    }
    secret_wipe(block, sizeof block);
    secret_wipe(&s, sizeof s);
}
