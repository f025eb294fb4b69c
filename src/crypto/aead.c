#include "crypto/aead.h"

#include "base/secret.h"
#include "crypto/cbc_mac.h"
#include "crypto/cipher.h"

#include <openssl/err.h>
#include <sodium.h>
#include <stdlib.h>

enum { GCM_IV = 12, GCM_TAG = 16, BLOCK = 16 };

struct aead_kind {
    const char *name;
    enum cipher cipher;
    size_t mac_len; /* of the MAC's key and of its tag; 0: GCM */
};

static const struct aead_kind kinds[AEAD_COUNT] = {
    [AEAD_UNSET] = {"", CIPHER_UNSET, 0},
    [AEAD_A128GCM] = {"A128GCM", CIPHER_A128GCM, 0},
    [AEAD_A192GCM] = {"A192GCM", CIPHER_A192GCM, 0},
    [AEAD_A256GCM] = {"A256GCM", CIPHER_A256GCM, 0},
    [AEAD_A128CBC_HS256] = {"A128CBC-HS256", CIPHER_A128CBC, 16},
    [AEAD_A192CBC_HS384] = {"A192CBC-HS384", CIPHER_A192CBC, 24},
    [AEAD_A256CBC_HS512] = {"A256CBC-HS512", CIPHER_A256CBC, 32},
};

struct aead_key {
    enum aead algorithm;
    struct cipher_key *cipher;
    struct cbc_mac *mac; /* in guarded memory, read-only; NULL for GCM */
};

static bool is_aead(enum aead a)
{
    return a > AEAD_UNSET && a < AEAD_COUNT;
}

const char *aead_name(enum aead a)
{
    return is_aead(a) ? kinds[a].name : "";
}

enum aead aead_parse(struct view name)
{
    for (enum aead a = AEAD_A128GCM; a < AEAD_COUNT; a++) {
        if (view_is(name, kinds[a].name))
            return a;
    }
    return AEAD_UNSET;
}

size_t aead_key_len(enum aead a)
{
    return is_aead(a) ? kinds[a].mac_len + cipher_key_len(kinds[a].cipher) : 0;
}

size_t aead_iv_len(enum aead a)
{
    if (!is_aead(a))
        return 0;
    return kinds[a].mac_len == 0 ? GCM_IV : BLOCK;
}

size_t aead_tag_len(enum aead a)
{
    if (!is_aead(a))
        return 0;
    return kinds[a].mac_len == 0 ? GCM_TAG : kinds[a].mac_len;
}

size_t aead_sealed_len(enum aead a, size_t plain_len)
{
    return is_aead(a) && kinds[a].mac_len > 0 ? (plain_len / BLOCK + 1) * BLOCK : plain_len;
}

/* OpenSSL queues what went wrong for its thread; nobody here reads it, and it must not grow. */
static struct cardea_status fail(enum cardea_code code)
{
    ERR_clear_error();
    return cardea_status(code);
}

/* NULL without memory. */
static struct cbc_mac *guarded_mac(const uint8_t *key, size_t len)
{
    struct cbc_mac *m = sodium_malloc(sizeof *m);

    if (m == NULL)
        return NULL;
    memset(m, 0, sizeof *m);
    cbc_mac_init(m, key, len);
    if (sodium_mprotect_readonly(m) != 0) {
        sodium_free(m);
        return NULL;
    }
    return m;
}

struct cardea_status aead_key_new(enum aead a, struct view key, struct aead_key **out)
{
    if (!is_aead(a) || key.len != aead_key_len(a))
        return CARDEA_FAIL(E_USAGE);
    const uint8_t *bytes = (const uint8_t *)key.ptr;
    struct aead_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return CARDEA_FAIL(E_BUSY);
    k->algorithm = a;
    if (kinds[a].mac_len > 0)
        k->mac = guarded_mac(bytes, kinds[a].mac_len);
    k->cipher = cipher_key_new(kinds[a].cipher, bytes + kinds[a].mac_len);
    if (k->cipher == NULL || (kinds[a].mac_len > 0 && k->mac == NULL)) {
        aead_key_free(k);
        return fail(CARDEA_E_BUSY);
    }
    *out = k;
    return CARDEA_SUCCESS;
}

void aead_key_free(struct aead_key *k)
{
    if (k == NULL)
        return;
    cipher_key_free(k->cipher);
    sodium_free(k->mac);
    free(k);
}

enum aead aead_key_algorithm(const struct aead_key *k)
{
    return k->algorithm;
}

/* --- one message in a context that has its key --- */

static const uint8_t *bytes_of(struct view v)
{
    return (const uint8_t *)v.ptr;
}

/* OpenSSL takes a NULL input for the end of the message. */
static bool update(EVP_CIPHER_CTX *c, uint8_t *out, struct view in, size_t *ret_len)
{
    int n = 0;

    if (in.len > 0 && EVP_CipherUpdate(c, out, &n, bytes_of(in), (int)in.len) != 1)
        return false;
    *ret_len = (size_t)n;
    return true;
}

static bool gcm_seal(EVP_CIPHER_CTX *c, const struct aead_message *m, uint8_t *out, uint8_t *tag)
{
    size_t n;
    int rest = 0;

    return EVP_CipherInit_ex(c, NULL, NULL, NULL, bytes_of(m->iv), -1) == 1 && update(c, NULL, m->aad, &n) &&
           update(c, out, m->text, &n) && EVP_CipherFinal_ex(c, tag, &rest) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, tag) == 1;
}

static bool gcm_open(EVP_CIPHER_CTX *c, const struct aead_message *m, uint8_t *out, size_t *ret_len)
{
    uint8_t tag[GCM_TAG];
    size_t n;
    int rest = 0;

    memcpy(tag, m->tag.ptr, sizeof tag);
    return EVP_CipherInit_ex(c, NULL, NULL, NULL, bytes_of(m->iv), -1) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, tag) == 1 && update(c, NULL, m->aad, &n) &&
           update(c, out, m->text, ret_len) && EVP_CipherFinal_ex(c, tag, &rest) == 1;
}

/* Both directions: sealing, the padding comes with the end; opening, it goes. */
static bool cbc_run(EVP_CIPHER_CTX *c, const struct aead_message *m, uint8_t *out, size_t *ret_len)
{
    size_t n;
    int rest = 0;

    if (EVP_CipherInit_ex(c, NULL, NULL, NULL, bytes_of(m->iv), -1) != 1 || !update(c, out, m->text, &n) ||
        EVP_CipherFinal_ex(c, out + n, &rest) != 1)
        return false;
    *ret_len = n + (size_t)rest;
    return true;
}

static bool seal_in(EVP_CIPHER_CTX *c, const struct cbc_mac *mac, const struct aead_message *m, uint8_t *out,
                    uint8_t *tag)
{
    size_t len;

    if (mac == NULL)
        return gcm_seal(c, m, out, tag);
    if (!cbc_run(c, m, out, &len))
        return false;
    cbc_mac_tag(mac, m->aad, m->iv, view_of(out, len), tag);
    return true;
}

static bool cbc_authentic(const struct cbc_mac *mac, const struct aead_message *m)
{
    uint8_t tag[AEAD_TAG_MAX];

    cbc_mac_tag(mac, m->aad, m->iv, m->text, tag);
    bool same = secret_equal(tag, m->tag.ptr, mac->len);
    secret_wipe(tag, sizeof tag);
    return same;
}

static bool open_in(EVP_CIPHER_CTX *c, const struct cbc_mac *mac, const struct aead_message *m, uint8_t *out,
                    size_t *ret_len)
{
    size_t len = 0;
    bool good = mac == NULL ? gcm_open(c, m, out, &len) : cbc_authentic(mac, m) && cbc_run(c, m, out, &len);

    if (!good) {
        secret_wipe(out, m->text.len);
        return false;
    }
    *ret_len = len;
    return true;
}

static bool may_seal(enum aead a, const struct aead_message *m)
{
    return m->iv.len == aead_iv_len(a) && m->text.len <= AEAD_TEXT_MAX && m->aad.len <= AEAD_TEXT_MAX;
}

/* Lengths are no secret, so they may be judged first. */
static bool may_open(enum aead a, const struct aead_message *m)
{
    bool cbc = kinds[a].mac_len > 0;

    return may_seal(a, m) && m->tag.len == aead_tag_len(a) && (!cbc || (m->text.len > 0 && m->text.len % BLOCK == 0));
}

/* --- kept keys --- */

struct cardea_status aead_seal(const struct aead_key *k, const struct aead_message *m, uint8_t *out, uint8_t *tag)
{
    if (!may_seal(k->algorithm, m))
        return CARDEA_FAIL(E_USAGE);
    EVP_CIPHER_CTX *c = cipher_take(k->cipher, CIPHER_SEAL);
    if (c == NULL)
        return fail(CARDEA_E_BUSY);
    bool good = seal_in(c, k->mac, m, out, tag);
    cipher_give(k->cipher, CIPHER_SEAL, c);
    return good ? CARDEA_SUCCESS : fail(CARDEA_E_INTERNAL);
}

struct cardea_status aead_open(const struct aead_key *k, const struct aead_message *m, uint8_t *out, size_t *ret_len)
{
    if (!may_open(k->algorithm, m))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    EVP_CIPHER_CTX *c = cipher_take(k->cipher, CIPHER_OPEN);
    if (c == NULL)
        return fail(CARDEA_E_BUSY);
    bool good = open_in(c, k->mac, m, out, ret_len);
    cipher_give(k->cipher, CIPHER_OPEN, c);
    return good ? CARDEA_SUCCESS : fail(CARDEA_E_INVALID_TOKEN);
}

/* --- keys for one message --- */

/* A context, and the MAC's state where there is one; NULL without memory. */
static EVP_CIPHER_CTX *prepare(enum aead a, struct view key, enum cipher_direction d, struct cbc_mac *mac)
{
    if (kinds[a].mac_len > 0)
        cbc_mac_init(mac, bytes_of(key), kinds[a].mac_len);
    return cipher_context_new(kinds[a].cipher, bytes_of(key) + kinds[a].mac_len, d);
}

struct cardea_status aead_seal_once(enum aead a, struct view key, const struct aead_message *m, uint8_t *out,
                                    uint8_t *tag)
{
    struct cbc_mac mac = {.len = 0}; /* GCM has none */

    if (!is_aead(a) || key.len != aead_key_len(a) || !may_seal(a, m))
        return CARDEA_FAIL(E_USAGE);
    EVP_CIPHER_CTX *c = prepare(a, key, CIPHER_SEAL, &mac);
    bool good = c != NULL && seal_in(c, mac.len > 0 ? &mac : NULL, m, out, tag);
    EVP_CIPHER_CTX_free(c);
    secret_wipe(&mac, sizeof mac);
    if (good)
        return CARDEA_SUCCESS;
    return fail(c == NULL ? CARDEA_E_BUSY : CARDEA_E_INTERNAL);
}

struct cardea_status aead_open_once(enum aead a, struct view key, const struct aead_message *m, uint8_t *out,
                                    size_t *ret_len)
{
    struct cbc_mac mac = {.len = 0}; /* GCM has none */

    if (!is_aead(a) || key.len != aead_key_len(a))
        return CARDEA_FAIL(E_USAGE);
    if (!may_open(a, m))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    EVP_CIPHER_CTX *c = prepare(a, key, CIPHER_OPEN, &mac);
    bool good = c != NULL && open_in(c, mac.len > 0 ? &mac : NULL, m, out, ret_len);
    EVP_CIPHER_CTX_free(c);
    secret_wipe(&mac, sizeof mac);
    if (good)
        return CARDEA_SUCCESS;
    return fail(c == NULL ? CARDEA_E_BUSY : CARDEA_E_INVALID_TOKEN);
}
