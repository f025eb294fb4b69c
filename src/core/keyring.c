#include "core/keyring.h"

#include "base/secret.h"

#include <stdatomic.h>
#include <stdlib.h>

/* --- sealing of key records --- */

enum { SEALED_CONTEXT_MAX = 16 + 1 + KEY_ID_TEXT, SYMMETRIC_MAX = 32 };

/* What is fixed about each use. */
struct use_info {
    const char *name; /* part of the sealed context: never change one */
    const char *algorithm;
    size_t bytes; /* of a symmetric key; 0 for ACCESS */
};

static const struct use_info *use_info(enum key_use use)
{
    static const struct use_info infos[] = {
        [KEY_USE_ACCESS] = {"access", "ES256", 0},          [KEY_USE_SESSION] = {"session", "SipHash-2-4", 16},
        [KEY_USE_REFRESH] = {"refresh", "HMAC-SHA256", 32}, [KEY_USE_CSRF] = {"csrf", "HMAC-SHA256", 32},
        [KEY_USE_API_KEY] = {"api-key", "SipHash-2-4", 16}, [KEY_USE_DEVICE] = {"device", "HMAC-SHA256", 32},
    };

    return use > KEY_USE_UNSET && use <= KEY_USE_DEVICE ? &infos[use] : NULL;
}

static void put_context(struct buf *b, const struct key_record *r)
{
    buf_text(b, use_info(r->use)->name);
    /* The sealed point of a retired key must never open as a private key, nor the other way round. */
    buf_char(b, r->state == KEY_RETIRING ? '!' : '|');
    buf_key_id(b, r->id);
}

static struct cardea_status record_seal(struct key_record *r, const struct master_key *m, const struct entropy *e,
                                        struct view plain)
{
    char text[SEALED_CONTEXT_MAX];
    struct buf context = buf_fixed(text, sizeof text);
    size_t len;

    put_context(&context, r);
    struct cardea_status s = seal_close(m, plain, buf_view(&context), e, r->sealed, sizeof r->sealed, &len);
    if (!cardea_ok(s))
        return s;
    /* What a longer seal left behind it is cipher text, but it is the private key's: gone is gone. */
    memset(r->sealed + len, 0, sizeof r->sealed - len);
    r->sealed_len = (uint16_t)len;
    return CARDEA_SUCCESS;
}

/* Whatever is wrong with a record is E_CORRUPT. */
static struct cardea_status record_open(const struct key_record *r, const struct master_key *m, uint8_t *out,
                                        size_t cap, size_t *ret_len)
{
    char text[SEALED_CONTEXT_MAX];
    struct buf context = buf_fixed(text, sizeof text);

    if (r->sealed_len > sizeof r->sealed)
        return CARDEA_FAIL(E_CORRUPT);
    put_context(&context, r);
    struct cardea_status s = seal_open(m, view_of(r->sealed, r->sealed_len), buf_view(&context), out, cap, ret_len);
    return cardea_ok(s) ? s : CARDEA_FAIL(E_CORRUPT);
}

/* --- the life of keys: what every change of them works with --- */

struct work {
    struct store_tx *tx;
    const struct store_ops *ops;
    const struct master_key *master;
    const struct entropy *entropy;
    int64_t now_ms;
    struct key_record *records; /* KEYRING_MAX of them */
    uint32_t count;
};

static struct cardea_status work_begin(struct work *w)
{
    struct key_record *records = calloc(KEYRING_MAX, sizeof *records);

    if (records == NULL)
        return CARDEA_FAIL(E_BUSY);
    struct cardea_status s = w->ops->key_list(w->tx, records, KEYRING_MAX, &w->count);
    if (!cardea_ok(s)) {
        free(records);
        return s;
    }
    w->records = records;
    return CARDEA_SUCCESS;
}

static void work_end(struct work *w)
{
    free(w->records); /* public and sealed data only */
}

static struct key_record *work_find(const struct work *w, enum key_state state)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->records[i].use == KEY_USE_ACCESS && w->records[i].state == state)
            return &w->records[i];
    return NULL;
}

/* A blank record at the end of the list. fails: E_LIMIT. */
static struct cardea_status work_append(struct work *w, enum key_use use, enum key_state state, struct key_record **out)
{
    if (w->count == KEYRING_MAX)
        return CARDEA_FAIL(E_LIMIT);
    struct key_record *r = &w->records[w->count];
    *r = (struct key_record){.use = use, .state = state, .created_at_ms = w->now_ms};
    struct buf algorithm = buf_fixed(r->algorithm, sizeof r->algorithm - 1);
    buf_text(&algorithm, use_info(use)->algorithm);
    *out = r;
    return CARDEA_SUCCESS;
}

static struct cardea_status make_symmetric(struct work *w, enum key_use use)
{
    uint8_t key[SYMMETRIC_MAX];
    size_t len = use_info(use)->bytes;
    struct key_record *r;
    struct cardea_status s = work_append(w, use, KEY_ACTIVE, &r);

    if (!cardea_ok(s))
        return s;
    entropy_fill(w->entropy, r->id.bytes, sizeof r->id.bytes);
    entropy_fill(w->entropy, key, len);
    s = record_seal(r, w->master, w->entropy, view_of(key, len));
    secret_wipe(key, sizeof key);
    if (cardea_ok(s))
        s = w->ops->key_put(w->tx, r);
    if (cardea_ok(s))
        w->count++;
    return s;
}

/* Fill id, public and sealed members of an access key's record. */
static struct cardea_status record_set_pair(struct key_record *r, const struct work *w, const struct signing_key *pair)
{
    uint8_t der[SIGNATURE_PRIVATE_MAX], point[SIGNATURE_POINT];
    struct buf jwk = buf_fixed(r->public_jwk, sizeof r->public_jwk - 1);
    size_t len;

    signing_key_point(pair, point);
    r->id = signature_point_thumbprint(point);
    signature_point_jwk(point, &jwk);
    if (!buf_ok(&jwk))
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status s = signing_key_export(pair, der, sizeof der, &len);
    if (cardea_ok(s))
        s = record_seal(r, w->master, w->entropy, view_of(der, len));
    secret_wipe(der, sizeof der);
    return s;
}

static struct cardea_status make_access(struct work *w, enum key_state state)
{
    struct signing_key *pair;
    struct key_record *r;
    struct cardea_status s = work_append(w, KEY_USE_ACCESS, state, &r);

    if (!cardea_ok(s))
        return s;
    s = signing_key_generate(SIGNATURE_ES256, &pair);
    if (!cardea_ok(s))
        return s;
    s = record_set_pair(r, w, pair);
    signing_key_free(pair);
    if (cardea_ok(s))
        s = w->ops->key_put(w->tx, r);
    if (cardea_ok(s))
        w->count++;
    return s;
}

static struct cardea_status retire(struct work *w, struct key_record *active, int64_t retire_ms)
{
    uint8_t point[SIGNATURE_POINT];
    struct cardea_status s = signature_jwk_point(view_text(active->public_jwk), point);

    if (!cardea_ok(s))
        return CARDEA_FAIL(E_CORRUPT);
    active->state = KEY_RETIRING;
    active->activate_at_ms = 0;
    active->drop_at_ms = w->now_ms + retire_ms;
    s = record_seal(active, w->master, w->entropy, view_of(point, sizeof point));
    return cardea_ok(s) ? w->ops->key_put(w->tx, active) : s;
}

/* NEXT becomes ACTIVE; who was ACTIVE retires. */
static struct cardea_status promote(struct work *w, struct key_record *next, int64_t retire_ms)
{
    struct key_record *active = work_find(w, KEY_ACTIVE);
    struct cardea_status s = active == NULL ? CARDEA_SUCCESS : retire(w, active, retire_ms);

    if (!cardea_ok(s))
        return s;
    next->state = KEY_ACTIVE;
    next->activate_at_ms = 0;
    return w->ops->key_put(w->tx, next);
}

struct cardea_status keyring_create(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                    const struct entropy *e, int64_t now_ms)
{
    struct work w = {.tx = tx, .ops = ops, .master = m, .entropy = e, .now_ms = now_ms};
    struct cardea_status s = work_begin(&w);

    if (!cardea_ok(s))
        return s;
    if (w.count != 0)
        s = CARDEA_FAIL(E_CONFLICT);
    for (enum key_use use = KEY_USE_SESSION; cardea_ok(s) && use <= KEY_USE_DEVICE; use++)
        s = make_symmetric(&w, use);
    if (cardea_ok(s))
        s = make_access(&w, KEY_ACTIVE);
    if (cardea_ok(s))
        s = make_access(&w, KEY_NEXT);
    work_end(&w);
    return s;
}

static struct cardea_status rotate(struct work *w, const struct keyring_times *times, int64_t *ret_at_ms)
{
    struct key_record *next = work_find(w, KEY_NEXT);

    if (next == NULL) { /* a lost NEXT: begin with a new one */
        struct cardea_status s = make_access(w, KEY_NEXT);
        if (!cardea_ok(s))
            return s;
        next = work_find(w, KEY_NEXT);
    }
    int64_t ready_ms = next->created_at_ms + times->publish_ms;
    if (w->now_ms < ready_ms) {
        next->activate_at_ms = ready_ms;
        *ret_at_ms = ready_ms;
        return w->ops->key_put(w->tx, next);
    }
    struct cardea_status s = promote(w, next, times->retire_ms);
    if (cardea_ok(s))
        s = make_access(w, KEY_NEXT);
    if (cardea_ok(s))
        *ret_at_ms = w->now_ms;
    return s;
}

struct cardea_status keyring_rotate(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                    const struct entropy *e, const struct keyring_times *times, int64_t now_ms,
                                    int64_t *ret_at_ms)
{
    struct work w = {.tx = tx, .ops = ops, .master = m, .entropy = e, .now_ms = now_ms};
    struct cardea_status s = work_begin(&w);

    if (!cardea_ok(s))
        return s;
    s = rotate(&w, times, ret_at_ms);
    work_end(&w);
    return s;
}

/* Take a record out of store and list. */
static struct cardea_status delete_at(struct work *w, uint32_t i)
{
    struct cardea_status s = w->ops->key_delete(w->tx, w->records[i].id);

    if (!cardea_ok(s))
        return s;
    memmove(&w->records[i], &w->records[i + 1], (w->count - i - 1) * sizeof *w->records);
    w->count--;
    return CARDEA_SUCCESS;
}

static struct cardea_status drop(struct work *w, const struct key_id *id)
{
    uint32_t i = 0;

    while (i < w->count && !(w->records[i].use == KEY_USE_ACCESS && ID_SAME(w->records[i].id, *id)))
        i++;
    if (i == w->count)
        return CARDEA_FAIL(E_NOT_FOUND);
    struct cardea_status s = delete_at(w, i);
    if (cardea_ok(s) && work_find(w, KEY_ACTIVE) == NULL) {
        struct key_record *next = work_find(w, KEY_NEXT);
        s = next == NULL ? make_access(w, KEY_ACTIVE) : promote(w, next, 0);
    }
    if (cardea_ok(s) && work_find(w, KEY_NEXT) == NULL)
        s = make_access(w, KEY_NEXT);
    return s;
}

struct cardea_status keyring_drop(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  const struct entropy *e, const struct key_id *id, int64_t now_ms)
{
    struct work w = {.tx = tx, .ops = ops, .master = m, .entropy = e, .now_ms = now_ms};
    struct cardea_status s = work_begin(&w);

    if (!cardea_ok(s))
        return s;
    s = drop(&w, id);
    work_end(&w);
    return s;
}

static bool past_its_end(const struct key_record *r, int64_t now_ms)
{
    return r->use == KEY_USE_ACCESS && r->state == KEY_RETIRING && r->drop_at_ms <= now_ms;
}

static struct cardea_status tick(struct work *w, const struct keyring_times *times, bool *ret_changed)
{
    bool changed = false;
    struct cardea_status s = CARDEA_SUCCESS;

    for (uint32_t i = w->count; cardea_ok(s) && i-- > 0;)
        if (past_its_end(&w->records[i], w->now_ms)) {
            s = delete_at(w, i);
            changed = true;
        }
    struct key_record *next = work_find(w, KEY_NEXT);
    if (cardea_ok(s) && next != NULL && next->activate_at_ms != 0 && next->activate_at_ms <= w->now_ms) {
        s = promote(w, next, times->retire_ms);
        changed = true;
    }
    /* Where the ring is full a new NEXT waits for a retirement. */
    if (cardea_ok(s) && work_find(w, KEY_NEXT) == NULL && w->count < KEYRING_MAX) {
        s = make_access(w, KEY_NEXT);
        changed = true;
    }
    if (cardea_ok(s))
        *ret_changed = changed;
    return s;
}

struct cardea_status keyring_tick(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  const struct entropy *e, const struct keyring_times *times, int64_t now_ms,
                                  bool *ret_changed)
{
    struct work w = {.tx = tx, .ops = ops, .master = m, .entropy = e, .now_ms = now_ms};
    struct cardea_status s = work_begin(&w);

    if (!cardea_ok(s))
        return s;
    s = tick(&w, times, ret_changed);
    work_end(&w);
    return s;
}

/* --- loading --- */

/* The private half of NEXT and ACTIVE; of RETIRING the proof that we retired it. */
static struct cardea_status open_sealed_half(struct access_key *k, const struct key_record *r,
                                             const struct master_key *m)
{
    uint8_t plain[SIGNATURE_PRIVATE_MAX], point[SIGNATURE_POINT];
    size_t len;
    struct cardea_status s = record_open(r, m, plain, sizeof plain, &len);

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
static struct cardea_status open_symmetric(const struct work *w, enum key_use use, uint8_t *key, struct key_id *ret_id)
{
    const struct key_record *newest = NULL;
    size_t len;

    for (uint32_t i = 0; i < w->count; i++) /* oldest first */
        if (w->records[i].use == use && w->records[i].state == KEY_ACTIVE)
            newest = &w->records[i];
    if (newest == NULL)
        return CARDEA_FAIL(E_CORRUPT);
    struct cardea_status s = record_open(newest, w->master, key, SYMMETRIC_MAX, &len);
    if (!cardea_ok(s))
        return s;
    *ret_id = newest->id;
    return len == use_info(use)->bytes ? CARDEA_SUCCESS : CARDEA_FAIL(E_CORRUPT);
}

static struct cardea_status load_tag(const struct work *w, enum key_use use, struct tag_key *out)
{
    uint8_t key[SYMMETRIC_MAX];
    struct key_id id;
    struct cardea_status s = open_symmetric(w, use, key, &id);

    if (cardea_ok(s))
        memcpy(out->bytes, key, sizeof out->bytes);
    secret_wipe(key, sizeof key);
    return s;
}

static struct cardea_status load_mac(const struct work *w, enum key_use use, struct mac_key **out,
                                     struct key_id *ret_id)
{
    uint8_t key[SYMMETRIC_MAX];
    struct cardea_status s = open_symmetric(w, use, key, ret_id);

    if (cardea_ok(s)) {
        *out = mac_key_new(key);
        if (*out == NULL)
            s = CARDEA_FAIL(E_BUSY);
    }
    secret_wipe(key, sizeof key);
    return s;
}

static struct cardea_status load(const struct work *w, struct keyring *ring)
{
    struct key_id id = {{0}};
    struct cardea_status s = CARDEA_SUCCESS;

    for (uint32_t i = 0; cardea_ok(s) && i < w->count; i++) {
        if (use_info(w->records[i].use) == NULL)
            return CARDEA_FAIL(E_CORRUPT);
        if (w->records[i].use == KEY_USE_ACCESS)
            s = open_access(ring, &w->records[i], w->master);
    }
    if (cardea_ok(s))
        s = load_tag(w, KEY_USE_SESSION, &ring->session_tag);
    if (cardea_ok(s))
        s = load_tag(w, KEY_USE_API_KEY, &ring->api_key_tag);
    if (cardea_ok(s))
        s = load_mac(w, KEY_USE_CSRF, &ring->csrf, &id);
    if (cardea_ok(s))
        s = load_mac(w, KEY_USE_DEVICE, &ring->device, &id);
    if (cardea_ok(s))
        s = load_mac(w, KEY_USE_REFRESH, &ring->refresh, &id);
    memcpy(ring->refresh_key_id, id.bytes, sizeof ring->refresh_key_id);
    return s;
}

struct cardea_status keyring_load(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  uint64_t generation, struct keyring **out)
{
    struct work w = {.tx = tx, .ops = ops, .master = m};
    struct cardea_status s = work_begin(&w);

    if (!cardea_ok(s))
        return s;
    struct keyring *ring = calloc(1, sizeof *ring);
    if (ring == NULL) {
        s = CARDEA_FAIL(E_BUSY);
    } else {
        ring->generation = generation;
        atomic_init(&ring->refs, 1);
        s = w.count == 0 ? CARDEA_FAIL(E_NOT_FOUND) : load(&w, ring);
    }
    work_end(&w);
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
