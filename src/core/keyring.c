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

static struct cardea_status open_access(struct keyring *ring, const struct key_record *r, const struct master_key *m)
{
    struct access_key *k = &ring->access[ring->access_count];
    struct cardea_status s = access_record_open(r, m, k);

    if (!cardea_ok(s))
        return s;
    ring->access_count++; /* from here on keyring_unref frees what k holds */
    if (k->state != KEY_ACTIVE)
        return s;
    if (ring->active[k->format] != NULL)
        return CARDEA_FAIL(E_CORRUPT);
    ring->active[k->format] = k;
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
        if (is_sealing(&from->records[i], KEY_RETIRING) || is_sealing(&from->records[i], KEY_NEXT))
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
    for (uint32_t i = 0; i < k->access_count; i++)
        access_key_clear(&k->access[i]);
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

const struct access_key *keyring_find_paserk(const struct keyring *k, const struct paserk_id *id)
{
    for (uint32_t i = 0; i < k->access_count; i++)
        if (paserk_id_same(&k->access[i].public_key.id, id) || paserk_id_same(&k->access[i].local.id, id))
            return &k->access[i];
    return NULL;
}

token_formats keyring_signing(const struct keyring *k)
{
    token_formats formats = 0;

    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; f < TOKEN_FORMATS; f++)
        if (k->active[f] != NULL)
            formats |= token_format_bit(f);
    return formats;
}

/* --- publication --- */

static bool published(const struct access_key *k, enum key_document document)
{
    enum token_format f = k->format;

    return document == KEY_DOCUMENT_PASETO ? f == TOKEN_V4_PUBLIC : f != TOKEN_V4_PUBLIC && !token_format_symmetric(f);
}

static void put_paseto_key(struct buf *b, const struct access_key *k)
{
    buf_text(b, "{\"kid\":\"");
    buf_access_kid(b, k);
    buf_text(b, "\",\"key\":\"");
    buf_paserk_public(b, &k->public_key);
    buf_text(b, "\"}");
}

void buf_key_document(struct buf *b, const struct keyring *k, enum key_document document)
{
    bool first = true;

    buf_text(b, "{\"keys\":[");
    for (uint32_t i = 0; i < k->access_count; i++) {
        if (!published(&k->access[i], document))
            continue;
        if (!first)
            buf_char(b, ',');
        first = false;
        if (document == KEY_DOCUMENT_PASETO)
            put_paseto_key(b, &k->access[i]);
        else
            buf_access_jwk(b, &k->access[i]);
    }
    buf_text(b, "]}");
}

void buf_key_document_tag(struct buf *b, const struct keyring *k, enum key_document document)
{
    struct key_id ids[KEYRING_MAX];
    uint8_t digest[32];
    size_t count = 0;

    for (uint32_t i = 0; i < k->access_count; i++)
        if (published(&k->access[i], document))
            ids[count++] = k->access[i].id;
    digest_sha256(ids, count * sizeof ids[0], digest);
    buf_char(b, '"');
    buf_base64url(b, digest, 12);
    buf_char(b, '"');
}
