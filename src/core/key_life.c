/* The life of keys in the store: created, published, promoted, retired, dropped. Contract in core/keyring.h. */
#include "base/secret.h"
#include "core/key_record.h"
#include "core/keyring.h"

#include <stdlib.h>

/* What every change of keys works with. */
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

static struct key_record *work_find_use(const struct work *w, enum key_use use, enum key_state state)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->records[i].use == use && w->records[i].state == state)
            return &w->records[i];
    return NULL;
}

static struct key_record *work_find(const struct work *w, enum key_state state)
{
    return work_find_use(w, KEY_USE_ACCESS, state);
}

/* A blank record at the end of the list. fails: E_LIMIT. */
static struct cardea_status work_append(struct work *w, enum key_use use, enum key_state state, struct key_record **out)
{
    if (w->count == KEYRING_MAX)
        return CARDEA_FAIL(E_LIMIT);
    struct key_record *r = &w->records[w->count];
    *r = (struct key_record){.use = use, .state = state, .created_at_ms = w->now_ms};
    struct buf algorithm = buf_fixed(r->algorithm, sizeof r->algorithm - 1);
    buf_text(&algorithm, key_use_info(use)->algorithm);
    *out = r;
    return CARDEA_SUCCESS;
}

static struct cardea_status make_symmetric(struct work *w, enum key_use use)
{
    uint8_t key[SYMMETRIC_MAX];
    size_t len = key_use_info(use)->bytes;
    struct key_record *r;
    struct cardea_status s = work_append(w, use, KEY_ACTIVE, &r);

    if (!cardea_ok(s))
        return s;
    entropy_fill(w->entropy, r->id.bytes, sizeof r->id.bytes);
    entropy_fill(w->entropy, key, len);
    s = key_record_seal(r, w->master, w->entropy, view_of(key, len));
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
        s = key_record_seal(r, w->master, w->entropy, view_of(der, len));
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
    s = key_record_seal(active, w->master, w->entropy, view_of(point, sizeof point));
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
    for (enum key_use use = KEY_USE_SESSION; cardea_ok(s) && use <= KEY_USE_SEALED; use++)
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

/* The same secret, under the seal of its new state. */
static struct cardea_status retire_sealed(struct work *w, struct key_record *active, int64_t retire_ms)
{
    uint8_t key[SYMMETRIC_MAX];
    size_t len;
    struct cardea_status s = key_record_open(active, w->master, key, sizeof key, &len);

    if (!cardea_ok(s))
        return s;
    active->state = KEY_RETIRING;
    active->drop_at_ms = w->now_ms + retire_ms;
    s = key_record_seal(active, w->master, w->entropy, view_of(key, len));
    secret_wipe(key, sizeof key);
    return cardea_ok(s) ? w->ops->key_put(w->tx, active) : s;
}

static struct cardea_status rotate_sealed(struct work *w, int64_t retire_ms)
{
    struct key_record *active = work_find_use(w, KEY_USE_SEALED, KEY_ACTIVE);
    uint32_t keys = 0;

    for (uint32_t i = 0; i < w->count; i++)
        keys += w->records[i].use == KEY_USE_SEALED;
    if (keys >= SEALED_KEYS_MAX)
        return CARDEA_FAIL(E_LIMIT);
    struct cardea_status s = active == NULL ? CARDEA_SUCCESS : retire_sealed(w, active, retire_ms);
    return cardea_ok(s) ? make_symmetric(w, KEY_USE_SEALED) : s;
}

struct cardea_status keyring_rotate_sealed(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                           const struct entropy *e, int64_t retire_ms, int64_t now_ms)
{
    struct work w = {.tx = tx, .ops = ops, .master = m, .entropy = e, .now_ms = now_ms};
    struct cardea_status s = work_begin(&w);

    if (!cardea_ok(s))
        return s;
    s = rotate_sealed(&w, retire_ms);
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

/* Keys that have a life. The others are drawn once. */
static bool lives(const struct key_record *r)
{
    return r->use == KEY_USE_ACCESS || r->use == KEY_USE_SEALED;
}

static struct cardea_status make_missing_sealed(struct work *w, bool *changed)
{
    if (work_find_use(w, KEY_USE_SEALED, KEY_ACTIVE) != NULL || w->count == KEYRING_MAX)
        return CARDEA_SUCCESS;
    *changed = true;
    return make_symmetric(w, KEY_USE_SEALED);
}

struct cardea_status keyring_complete(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                      const struct entropy *e, int64_t now_ms, bool *ret_changed)
{
    struct work w = {.tx = tx, .ops = ops, .master = m, .entropy = e, .now_ms = now_ms};
    bool changed = false;
    struct cardea_status s = work_begin(&w);

    if (!cardea_ok(s))
        return s;
    s = make_missing_sealed(&w, &changed);
    work_end(&w);
    if (cardea_ok(s))
        *ret_changed = changed;
    return s;
}

static struct cardea_status drop(struct work *w, const struct key_id *id)
{
    uint32_t i = 0;
    bool made = false;

    while (i < w->count && !(lives(&w->records[i]) && ID_SAME(w->records[i].id, *id)))
        i++;
    if (i == w->count)
        return CARDEA_FAIL(E_NOT_FOUND);
    struct cardea_status s = delete_at(w, i);
    if (cardea_ok(s))
        s = make_missing_sealed(w, &made);
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
    return lives(r) && r->state == KEY_RETIRING && r->drop_at_ms <= now_ms;
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
    if (cardea_ok(s))
        s = make_missing_sealed(w, &changed);
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
