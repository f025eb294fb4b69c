#include "core/keyring.h"

#include "base/secret.h"
#include "base/text.h"
#include "core/key_record.h"
#include "crypto/digest.h"

#include <stdatomic.h>
#include <stdlib.h>

/* --- loading --- */

/* What loading works with. */
struct source {
    const struct master_key *master;
    struct key_record *records; /* oldest first */
    uint32_t count;
};

/* The private half of NEXT and ACTIVE; of RETIRING the proof that we retired it. */
static struct cardea_status open_sealed_half(struct access_key *k, const struct key_record *r,
                                             const struct master_key *m)
{
    uint8_t plain[SIGNATURE_PRIVATE_MAX], point[SIGNATURE_POINT];
    size_t len;
    struct cardea_status s = key_record_open(r, m, plain, sizeof plain, &len);

    if (!cardea_ok(s))
        return s;
    if (r->state == KEY_RETIRING) {
        bool ours = len == sizeof k->point && memcmp(plain, k->point, sizeof k->point) == 0;
        return ours ? CARDEA_SUCCESS : CARDEA_FAIL(E_CORRUPT);
    }
    s = signing_key_import(k->algorithm, view_of(plain, len), &k->sign);
    secret_wipe(plain, sizeof plain);
    if (!cardea_ok(s))
        return s;
    signing_key_point(k->sign, point);
    return memcmp(point, k->point, sizeof point) == 0 ? CARDEA_SUCCESS : CARDEA_FAIL(E_CORRUPT);
}

static struct cardea_status open_access(struct keyring *ring, const struct key_record *r, const struct master_key *m)
{
    struct access_key *k = &ring->access[ring->access_count];

    if (r->state != KEY_NEXT && r->state != KEY_ACTIVE && r->state != KEY_RETIRING)
        return CARDEA_FAIL(E_CORRUPT);
    k->id = r->id;
    k->state = r->state;
    k->algorithm = signature_algorithm_parse(view_of(r->algorithm, strnlen(r->algorithm, sizeof r->algorithm)));
    k->created_at_ms = r->created_at_ms;
    k->activate_at_ms = r->activate_at_ms;
    k->drop_at_ms = r->drop_at_ms;
    if (k->algorithm == SIGNATURE_UNSET ||
        !cardea_ok(signature_jwk_point(view_of(r->public_jwk, strnlen(r->public_jwk, sizeof r->public_jwk)), k->point)))
        return CARDEA_FAIL(E_CORRUPT);
    struct key_id id = signature_point_thumbprint(k->point);
    if (!ID_SAME(id, k->id))
        return CARDEA_FAIL(E_CORRUPT);
    ring->access_count++; /* from here on keyring_unref frees what k holds */
    struct cardea_status s = verify_key_new(k->algorithm, k->point, &k->verify);
    if (cardea_ok(s))
        s = open_sealed_half(k, r, m);
    if (!cardea_ok(s) || k->state != KEY_ACTIVE)
        return s;
    if (ring->active != NULL)
        return CARDEA_FAIL(E_CORRUPT);
    ring->active = k;
    return s;
}

/* The newest active key of a symmetric use, opened into key[0 … use's bytes]. */
static struct cardea_status open_symmetric(const struct source *from, enum key_use use, uint8_t *key,
                                           struct key_id *ret_id)
{
    const struct key_record *newest = NULL;
    size_t len;

    for (uint32_t i = 0; i < from->count; i++) /* oldest first */
        if (from->records[i].use == use && from->records[i].state == KEY_ACTIVE)
            newest = &from->records[i];
    if (newest == NULL)
        return CARDEA_FAIL(E_CORRUPT);
    struct cardea_status s = key_record_open(newest, from->master, key, SYMMETRIC_MAX, &len);
    if (!cardea_ok(s))
        return s;
    *ret_id = newest->id;
    return len == key_use_info(use)->bytes ? CARDEA_SUCCESS : CARDEA_FAIL(E_CORRUPT);
}

static struct cardea_status load_tag(const struct source *from, enum key_use use, struct tag_key *out)
{
    uint8_t key[SYMMETRIC_MAX];
    struct key_id id;
    struct cardea_status s = open_symmetric(from, use, key, &id);

    if (cardea_ok(s))
        memcpy(out->bytes, key, sizeof out->bytes);
    secret_wipe(key, sizeof key);
    return s;
}

static struct cardea_status load_mac(const struct source *from, enum key_use use, struct mac_key **out,
                                     struct key_id *ret_id)
{
    uint8_t key[SYMMETRIC_MAX];
    struct cardea_status s = open_symmetric(from, use, key, ret_id);

    if (cardea_ok(s)) {
        *out = mac_key_new(key);
        if (*out == NULL)
            s = CARDEA_FAIL(E_BUSY);
    }
    secret_wipe(key, sizeof key);
    return s;
}

static bool is_sealing(const struct key_record *r, enum key_state state)
{
    return r->use == KEY_USE_SEALED && r->state == state;
}

static struct cardea_status add_sealed(const struct source *from, const struct key_record *r, struct sealed_keys *keys)
{
    uint8_t key[SYMMETRIC_MAX];
    size_t len;
    struct cardea_status s = key_record_open(r, from->master, key, sizeof key, &len);

    if (!cardea_ok(s))
        return s;
    int64_t before_at_ms = keys->count > 0 ? keys->keys[keys->count - 1].drop_at_ms : 0; /* as it is */
    s = len == SEALED_KEY_BYTES ? sealed_keys_add(keys, &r->id, key, before_at_ms) : CARDEA_FAIL(E_CORRUPT);
    secret_wipe(key, sizeof key);
    if (cardea_ok(s))
        keys->keys[keys->count - 1].drop_at_ms = r->drop_at_ms;
    return s;
}

/* Those that open first, then the one that seals: the last one does. Without it none is loaded, lest one that retires
 * becomes the last. */
static struct cardea_status load_sealed(const struct source *from, struct sealed_keys *keys)
{
    uint32_t active = 0;
    struct cardea_status s = CARDEA_SUCCESS;

    for (uint32_t i = 0; i < from->count; i++)
        active += is_sealing(&from->records[i], KEY_ACTIVE);
    if (active != 1)
        return active == 0 ? s : CARDEA_FAIL(E_CORRUPT);
    for (uint32_t i = 0; cardea_ok(s) && i < from->count; i++)
        if (is_sealing(&from->records[i], KEY_RETIRING))
            s = add_sealed(from, &from->records[i], keys);
    for (uint32_t i = 0; cardea_ok(s) && i < from->count; i++)
        if (is_sealing(&from->records[i], KEY_ACTIVE))
            s = add_sealed(from, &from->records[i], keys);
    return s.code == CARDEA_E_LIMIT || s.code == CARDEA_E_CONFLICT ? CARDEA_FAIL(E_CORRUPT) : s;
}

static struct cardea_status load(const struct source *from, struct keyring *ring)
{
    struct key_id id = {{0}};
    struct cardea_status s = CARDEA_SUCCESS;

    for (uint32_t i = 0; cardea_ok(s) && i < from->count; i++) {
        if (key_use_info(from->records[i].use) == NULL)
            return CARDEA_FAIL(E_CORRUPT);
        if (from->records[i].use == KEY_USE_ACCESS)
            s = open_access(ring, &from->records[i], from->master);
    }
    if (cardea_ok(s))
        s = load_tag(from, KEY_USE_SESSION, &ring->session_tag);
    if (cardea_ok(s))
        s = load_tag(from, KEY_USE_API_KEY, &ring->api_key_tag);
    if (cardea_ok(s))
        s = load_mac(from, KEY_USE_CSRF, &ring->csrf, &id);
    if (cardea_ok(s))
        s = load_mac(from, KEY_USE_DEVICE, &ring->device, &id);
    if (cardea_ok(s))
        s = load_mac(from, KEY_USE_REFRESH, &ring->refresh, &id);
    if (cardea_ok(s))
        s = load_sealed(from, &ring->sealed);
    memcpy(ring->refresh_key_id, id.bytes, sizeof ring->refresh_key_id);
    return s;
}

struct cardea_status keyring_load(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  uint64_t generation, struct keyring **out)
{
    struct source from = {.master = m, .records = calloc(KEYRING_MAX, sizeof *from.records)};
    struct keyring *ring = calloc(1, sizeof *ring);
    struct cardea_status s = CARDEA_FAIL(E_BUSY);

    if (ring != NULL) {
        ring->generation = generation;
        atomic_init(&ring->refs, 1);
    }
    if (ring != NULL && from.records != NULL)
        s = ops->key_list(tx, from.records, KEYRING_MAX, &from.count);
    if (cardea_ok(s))
        s = from.count == 0 ? CARDEA_FAIL(E_NOT_FOUND) : load(&from, ring);
    free(from.records); /* public and sealed data only */
    if (!cardea_ok(s)) {
        keyring_unref(ring);
        return s;
    }
    *out = ring;
    return s;
}

/* --- use --- */

struct keyring *keyring_ref(struct keyring *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void keyring_unref(struct keyring *k)
{
    if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < k->access_count; i++) {
        verify_key_free(k->access[i].verify);
        signing_key_free(k->access[i].sign);
    }
    sealed_keys_clear(&k->sealed);
    mac_key_free(k->refresh);
    mac_key_free(k->csrf);
    mac_key_free(k->device);
    secret_wipe(k, sizeof *k);
    free(k);
}

const struct access_key *keyring_find(const struct keyring *k, const struct key_id *id)
{
    for (uint32_t i = 0; i < k->access_count; i++)
        if (ID_SAME(k->access[i].id, *id))
            return &k->access[i];
    return NULL;
}

bool access_key_verifies(const struct access_key *k, int64_t now_ms)
{
    /* NEXT verifies too: another node may have promoted it a moment before this one heard. */
    return k->state == KEY_ACTIVE || k->state == KEY_NEXT || (k->state == KEY_RETIRING && now_ms < k->drop_at_ms);
}

void keyring_jwks(const struct keyring *k, struct buf *out)
{
    buf_text(out, "{\"keys\":[");
    for (uint32_t i = 0; i < k->access_count; i++) {
        if (i > 0)
            buf_char(out, ',');
        signature_point_jwk(k->access[i].point, out);
    }
    buf_text(out, "]}");
}

void keyring_jwks_tag(const struct keyring *k, struct buf *out)
{
    struct key_id ids[KEYRING_MAX];
    uint8_t digest[32];
    for (uint32_t i = 0; i < k->access_count; i++)
        ids[i] = k->access[i].id;
    digest_sha256(ids, k->access_count * sizeof ids[0], digest);
    buf_char(out, '"');
    buf_base64url(out, digest, 12);
    buf_char(out, '"');
}
