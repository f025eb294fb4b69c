#include "crypto/rsa_oaep.h"

#include "base/secret.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CONTEXTS = 8, EXPONENT_BITS_MIN = 17, EXPONENT_BITS_MAX = 64, NUMBERS = 8 };

typedef EVP_PKEY_CTX *_Atomic context_slot;

struct oaep_key {
    EVP_PKEY *pkey;
    size_t len;
    bool private;
    context_slot *sealing, *opening; /* CONTEXTS each */
};

static struct cardea_status fail(enum cardea_code code)
{
    ERR_clear_error();
    return cardea_status(code);
}

/* --- contexts, one thread at a time --- */

static EVP_PKEY_CTX *context_new(const struct oaep_key *k, bool opening)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k->pkey, NULL);

    if (c == NULL || (opening ? EVP_PKEY_decrypt_init(c) : EVP_PKEY_encrypt_init(c)) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md_name(c, "SHA2-256", NULL) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md_name(c, "SHA2-256", NULL) != 1) {
        EVP_PKEY_CTX_free(c);
        return NULL;
    }
    return c;
}

static EVP_PKEY_CTX *context_take(const struct oaep_key *k, bool opening)
{
    context_slot *slots = opening ? k->opening : k->sealing;

    for (size_t i = 0; i < CONTEXTS; i++) {
        EVP_PKEY_CTX *c = atomic_exchange(&slots[i], NULL);
        if (c != NULL)
            return c;
    }
    return context_new(k, opening);
}

static void context_give(const struct oaep_key *k, bool opening, EVP_PKEY_CTX *c)
{
    context_slot *slots = opening ? k->opening : k->sealing;

    for (size_t i = 0; i < CONTEXTS; i++) {
        EVP_PKEY_CTX *expected = NULL;
        if (atomic_compare_exchange_strong(&slots[i], &expected, c))
            return;
    }
    EVP_PKEY_CTX_free(c);
}

/* --- making a key --- */

static bool parts_good(const struct rsa_parts *p)
{
    struct view primes[] = {p->p, p->q, p->dp, p->dq, p->qi};
    size_t given = 0;

    for (size_t i = 0; i < sizeof primes / sizeof *primes; i++) {
        given += primes[i].len > 0 ? 1 : 0;
        if (primes[i].len > OAEP_LEN_MAX)
            return false;
    }
    return p->n.len > 0 && p->n.len <= OAEP_LEN_MAX && p->e.len > 0 && p->e.len <= OAEP_LEN_MAX &&
           p->d.len <= OAEP_LEN_MAX && (given == 0 || (given == 5 && p->d.len > 0));
}

static bool sizes_good(const BIGNUM *n, const BIGNUM *e)
{
    int n_bits = BN_num_bits(n), e_bits = BN_num_bits(e);

    return n_bits >= RSA_BITS_MIN && n_bits <= RSA_BITS_MAX && BN_is_odd(n) && e_bits >= EXPONENT_BITS_MIN &&
           e_bits <= EXPONENT_BITS_MAX && BN_is_odd(e);
}

/* d mod (prime - 1) is what the part says. */
static bool exponent_fits(const BIGNUM *d, const BIGNUM *prime, const BIGNUM *exponent, BN_CTX *c)
{
    BIGNUM *less = BN_dup(prime), *rest = BN_secure_new();
    bool good = less != NULL && rest != NULL && BN_sub_word(less, 1) == 1 && !BN_is_zero(less) &&
                BN_mod(rest, d, less, c) == 1 && BN_cmp(rest, exponent) == 0;

    BN_clear_free(less);
    BN_clear_free(rest);
    return good;
}

/* With its primes, d is never computed with: that it belongs to them is checked here, the rest by a trial. */
static bool primes_fit(BIGNUM *const n[NUMBERS])
{
    BN_CTX *c = BN_CTX_secure_new();
    BIGNUM *product = BN_new();
    bool good = c != NULL && product != NULL && BN_mul(product, n[3], n[4], c) == 1 && BN_cmp(product, n[0]) == 0 &&
                exponent_fits(n[2], n[3], n[5], c) && exponent_fits(n[2], n[4], n[6], c);

    BN_free(product);
    BN_CTX_free(c);
    return good;
}

/* The builder reads a number again at the end, so it is kept until then. */
static bool push(OSSL_PARAM_BLD *builder, const char *name, struct view v, BIGNUM **ret_number)
{
    if (v.len == 0)
        return true;
    *ret_number = BN_bin2bn((const uint8_t *)v.ptr, (int)v.len, NULL);
    return *ret_number != NULL && OSSL_PARAM_BLD_push_BN(builder, name, *ret_number) == 1;
}

static EVP_PKEY *pkey_from(OSSL_PARAM *params, bool private)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

    if (c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
        EVP_PKEY_fromdata(c, &pkey, private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(c);
    return pkey;
}

static EVP_PKEY *pkey_new(const struct rsa_parts *p)
{
    const struct view values[NUMBERS] = {p->n, p->e, p->d, p->p, p->q, p->dp, p->dq, p->qi};
    static const char *const names[NUMBERS] = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                               OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                               OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                               OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    BIGNUM *numbers[NUMBERS] = {NULL};
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    bool good = builder != NULL;
    EVP_PKEY *pkey = NULL;

    for (size_t i = 0; i < NUMBERS && good; i++)
        good = push(builder, names[i], values[i], &numbers[i]);
    good = good && sizes_good(numbers[0], numbers[1]) && (numbers[3] == NULL || primes_fit(numbers));
    OSSL_PARAM *params = good ? OSSL_PARAM_BLD_to_param(builder) : NULL;
    if (params != NULL)
        pkey = pkey_from(params, p->d.len > 0);
    /* Not OSSL_PARAM_free alone: it does not wipe what is not in its secure heap. */
    for (OSSL_PARAM *at = params; at != NULL && at->key != NULL; at++)
        secret_wipe(at->data, at->data_size);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    for (size_t i = 0; i < NUMBERS; i++)
        BN_clear_free(numbers[i]);
    return pkey;
}

/* One trial shows that the halves belong together: parts from outside need not. */
static bool halves_fit(const struct oaep_key *k)
{
    static const uint8_t probe[OAEP_TEXT_MAX] = {1, 2, 3};
    uint8_t sealed[OAEP_LEN_MAX], back[OAEP_TEXT_MAX];

    return cardea_ok(oaep_seal(k, view_of(probe, sizeof probe), sealed)) &&
           (!k->private || (cardea_ok(oaep_open(k, view_of(sealed, k->len), back, sizeof back)) &&
                            memcmp(probe, back, sizeof probe) == 0));
}

struct cardea_status oaep_key_new(const struct rsa_parts *parts, struct oaep_key **out)
{
    if (!parts_good(parts))
        return CARDEA_FAIL(E_INVALID_FIELD);
    struct oaep_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return CARDEA_FAIL(E_BUSY);
    k->private = parts->d.len > 0;
    k->sealing = calloc(CONTEXTS, sizeof *k->sealing);
    k->opening = calloc(CONTEXTS, sizeof *k->opening);
    k->pkey = pkey_new(parts);
    bool memory = k->sealing != NULL && k->opening != NULL;
    if (!memory || k->pkey == NULL) {
        oaep_key_free(k);
        return fail(memory ? CARDEA_E_INVALID_FIELD : CARDEA_E_BUSY);
    }
    k->len = (size_t)EVP_PKEY_get_size(k->pkey);
    if (!halves_fit(k)) {
        oaep_key_free(k);
        return fail(CARDEA_E_INVALID_FIELD);
    }
    *out = k;
    return CARDEA_SUCCESS;
}

static void slots_free(context_slot *slots)
{
    for (size_t i = 0; slots != NULL && i < CONTEXTS; i++)
        EVP_PKEY_CTX_free(atomic_load(&slots[i]));
    free(slots);
}

void oaep_key_free(struct oaep_key *k)
{
    if (k == NULL)
        return;
    slots_free(k->sealing);
    slots_free(k->opening);
    EVP_PKEY_free(k->pkey);
    free(k);
}

bool oaep_key_private(const struct oaep_key *k)
{
    return k->private;
}

size_t oaep_key_len(const struct oaep_key *k)
{
    return k->len;
}

struct cardea_status oaep_seal(const struct oaep_key *k, struct view plain, uint8_t out[OAEP_LEN_MAX])
{
    size_t len = OAEP_LEN_MAX;

    if (plain.len > OAEP_TEXT_MAX)
        return CARDEA_FAIL(E_USAGE);
    EVP_PKEY_CTX *c = context_take(k, false);
    if (c == NULL)
        return fail(CARDEA_E_BUSY);
    bool good = EVP_PKEY_encrypt(c, out, &len, (const uint8_t *)plain.ptr, plain.len) == 1 && len == k->len;
    context_give(k, false, c);
    return good ? CARDEA_SUCCESS : fail(CARDEA_E_INTERNAL);
}

struct cardea_status oaep_open(const struct oaep_key *k, struct view sealed, uint8_t *out, size_t len)
{
    uint8_t plain[OAEP_LEN_MAX];
    size_t got = sizeof plain;

    if (!k->private)
        return CARDEA_FAIL(E_USAGE);
    if (sealed.len != k->len)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    EVP_PKEY_CTX *c = context_take(k, true);
    if (c == NULL)
        return fail(CARDEA_E_BUSY);
    bool good = EVP_PKEY_decrypt(c, plain, &got, (const uint8_t *)sealed.ptr, sealed.len) == 1 && got == len;
    context_give(k, true, c);
    if (good)
        memcpy(out, plain, len);
    secret_wipe(plain, sizeof plain);
    ERR_clear_error(); /* on both ways out, so that both do the same */
    return good ? CARDEA_SUCCESS : CARDEA_FAIL(E_INVALID_TOKEN);
}
