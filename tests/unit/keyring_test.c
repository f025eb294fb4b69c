#include "key_double.h"

#include "base/json.h"
#include "base/text.h"
#include "core/jwk.h"
#include "core/key_record.h"

enum { DAY_MS = 24 * 3600 * 1000, PUBLISH_MS = 300 * 1000, RETIRE_MS = 3630 * 1000 };
static const struct keyring_times times = {PUBLISH_MS, RETIRE_MS, RETIRE_MS, UINT64_MAX};
static const int64_t start_ms = 1000 * (int64_t)DAY_MS;

struct fixture {
    struct key_double store;
    struct master_key *master;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){.master = key_double_master()};
    const struct key_work w = key_double_work(&f.store, f.master, entropy_system(), start_ms);
    if (!cardea_ok(keyring_create(&w, token_format_bit(TOKEN_ES256))))
        return 1;
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    master_key_free(f->master);
    return 0;
}

static struct cardea_status load(struct fixture *f, struct keyring **out)
{
    return keyring_load(key_double_tx(&f->store), key_double_ops(), f->master, 7, out);
}

static struct key_work at(struct fixture *f, int64_t now_ms)
{
    return key_double_work(&f->store, f->master, entropy_system(), now_ms);
}

static struct cardea_status rotate(struct fixture *f, int64_t now_ms, int64_t *ret_at_ms)
{
    const struct key_work w = at(f, now_ms);

    return keyring_rotate(&w, TOKEN_FORMAT_UNSET, &times, ret_at_ms);
}

static bool tick(struct fixture *f, int64_t now_ms)
{
    const struct key_work w = at(f, now_ms);
    bool changed = false;
    token_formats lacking = 77;

    assert_ok(keyring_tick(&w, token_format_bit(TOKEN_ES256), &times, &changed, &lacking));
    assert_int_equal(lacking, 0);
    return changed;
}

static struct cardea_status drop(struct fixture *f, struct key_id id, int64_t now_ms)
{
    const struct key_work w = at(f, now_ms);

    return keyring_drop(&w, &id);
}

static struct cardea_status rotate_sealed(struct fixture *f, int64_t retire_ms, int64_t now_ms)
{
    const struct key_work w = at(f, now_ms);
    const struct keyring_times alone = {.sealed_retire_ms = retire_ms, .heard_n = UINT64_MAX};

    return keyring_rotate_sealed(&w, &alone);
}

static struct cardea_status complete(struct fixture *f, bool *ret_changed)
{
    const struct key_work w = at(f, start_ms);

    return keyring_complete(&w, ret_changed);
}

static struct key_record *record(struct fixture *f, enum key_use use, enum key_state key_state)
{
    for (uint32_t i = 0; i < f->store.count; i++)
        if (f->store.records[i].use == use && f->store.records[i].state == key_state)
            return &f->store.records[i];
    return NULL;
}

static uint32_t count_of(struct fixture *f, enum key_state key_state)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->store.count; i++)
        n += f->store.records[i].use == KEY_USE_ACCESS && f->store.records[i].state == key_state;
    return n;
}

static void makes_one_key_of_each_use(void **state)
{
    struct fixture *f = *state;
    struct keyring *k = NULL;

    assert_int_equal(f->store.count, 8);
    for (enum key_use use = KEY_USE_SESSION; use <= KEY_USE_SEALED; use++)
        assert_non_null(record(f, use, KEY_ACTIVE));
    assert_ok(load(f, &k));
    assert_int_equal(k->generation, 7);
    assert_int_equal(k->access_count, 2);
    assert_non_null(k->active[TOKEN_ES256]);
    assert_non_null(k->active[TOKEN_ES256]->sign);
    assert_int_equal(k->active[TOKEN_ES256]->state, KEY_ACTIVE);
    assert_ptr_equal(keyring_find(k, &k->active[TOKEN_ES256]->id), k->active[TOKEN_ES256]);
    struct key_id nobody = {{1}};
    assert_null(keyring_find(k, &nobody));
    /* No two uses share bytes. */
    assert_memory_not_equal(k->session_tag.bytes, k->api_key_tag.bytes, 16);
    uint8_t a[32], b[32], c[32];
    mac_sha256(k->refresh, NULL, 0, a);
    mac_sha256(k->csrf, NULL, 0, b);
    mac_sha256(k->device, NULL, 0, c);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a, c, 32);
    assert_memory_not_equal(b, c, 32);
    assert_ptr_equal(keyring_ref(k), k);
    keyring_unref(k);
    keyring_unref(k);
    keyring_unref(NULL);
}

/* What the ring's newest key seals, for 15 minutes. */
static struct view seal_one(const struct keyring *k, int64_t now_ms, struct buf *out)
{
    struct sealed_session s = {.sid = {{1}}, .sub = {{2}}, .epoch = 1, .app = "sealed"};

    s.iat_s = now_ms / 1000;
    s.exp_s = s.iat_s + SEALED_LIFETIME_S;
    s.end_s = s.iat_s + 12 * 3600;
    assert_ok(sealed_seal(&k->sealed, &s, entropy_system(), out));
    return buf_view(out);
}

static void sealing_keys_rotate_with_overlap(void **state)
{
    struct fixture *f = *state;
    struct keyring *k = NULL, *after = NULL;
    struct sealed_session got;
    char text[2][SEALED_TEXT_MAX];
    struct buf first = buf_fixed(text[0], sizeof text[0]), second = buf_fixed(text[1], sizeof text[1]);
    int64_t now_ms = start_ms + 60000;

    assert_ok(load(f, &k));
    struct view old = seal_one(k, now_ms, &first);
    assert_ok(rotate_sealed(f, 600000, now_ms));
    assert_ok(load(f, &after));
    assert_int_equal(after->sealed.count, 2);
    assert_true(ID_SAME(after->sealed.keys[0].id, k->sealed.keys[0].id));
    assert_int_equal(after->sealed.keys[0].drop_at_ms, now_ms + 600000);
    assert_int_equal(after->sealed.keys[1].drop_at_ms, 0);
    struct view fresh = seal_one(after, now_ms, &second);
    assert_ok(sealed_open(&after->sealed, old, now_ms + 599999, &got));
    assert_ok(sealed_open(&after->sealed, fresh, now_ms + 600000, &got));
    /* Its time is over without a new ring, and the tick takes it away. */
    assert_code(sealed_open(&after->sealed, old, now_ms + 600000, &got), E_INVALID_SESSION);
    assert_code(sealed_open(&k->sealed, fresh, now_ms, &got), E_INVALID_SESSION);
    keyring_unref(after);
    assert_true(tick(f, now_ms + 600000));
    assert_ok(load(f, &after));
    assert_int_equal(after->sealed.count, 1);
    assert_code(sealed_open(&after->sealed, old, now_ms + 1, &got), E_INVALID_SESSION);
    keyring_unref(after);
    keyring_unref(k);
}

static void rotations_of_the_sealing_key_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct keyring *k = NULL;

    for (int i = 1; i < SEALED_KEYS_MAX; i++)
        assert_ok(rotate_sealed(f, 1000, start_ms)); /* all in one moment: still the last one seals */
    assert_code(rotate_sealed(f, 1000, start_ms), E_LIMIT);
    assert_ok(load(f, &k));
    assert_int_equal(k->sealed.count, SEALED_KEYS_MAX);
    assert_true(ID_SAME(k->sealed.keys[SEALED_KEYS_MAX - 1].id, record(f, KEY_USE_SEALED, KEY_ACTIVE)->id));
    keyring_unref(k);
}

static void a_dropped_sealing_key_opens_nothing(void **state)
{
    struct fixture *f = *state;
    struct keyring *k = NULL;
    struct sealed_session got;
    char text[SEALED_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    assert_ok(load(f, &k));
    struct view old = seal_one(k, start_ms, &b);
    struct key_id gone = k->sealed.keys[0].id;
    assert_ok(drop(f, gone, start_ms));
    keyring_unref(k);
    assert_ok(load(f, &k));
    assert_int_equal(k->sealed.count, 1);
    assert_false(ID_SAME(k->sealed.keys[0].id, gone));
    assert_code(sealed_open(&k->sealed, old, start_ms, &got), E_INVALID_SESSION);
    keyring_unref(k);
}

static void an_installation_without_a_sealing_key_gets_one(void **state)
{
    struct fixture *f = *state;
    struct keyring *k = NULL;
    bool changed = false;

    assert_ok(key_double_delete(key_double_tx(&f->store), record(f, KEY_USE_SEALED, KEY_ACTIVE)->id));
    assert_ok(load(f, &k));
    assert_int_equal(k->sealed.count, 0);
    keyring_unref(k);
    assert_ok(complete(f, &changed));
    assert_true(changed);
    assert_ok(load(f, &k));
    assert_int_equal(k->sealed.count, 1);
    keyring_unref(k);
    assert_ok(complete(f, &changed));
    assert_false(changed);
}

static void a_planted_sealing_key_does_not_load(void **state)
{
    struct fixture *f = *state;
    struct keyring *k = NULL;
    struct key_double good = f->store;

    /* A retired key's row said to be the active one again, or the other way round. */
    record(f, KEY_USE_SEALED, KEY_ACTIVE)->state = KEY_RETIRING;
    assert_ok(load(f, &k)); /* none is active: none opens */
    assert_int_equal(k->sealed.count, 0);
    keyring_unref(k);
    k = NULL;
    f->store = good;
    memcpy(record(f, KEY_USE_SEALED, KEY_ACTIVE)->sealed, record(f, KEY_USE_CSRF, KEY_ACTIVE)->sealed,
           record(f, KEY_USE_CSRF, KEY_ACTIVE)->sealed_len);
    assert_code(load(f, &k), E_CORRUPT);
    f->store = good;
    assert_ok(rotate_sealed(f, 1000, start_ms));
    record(f, KEY_USE_SEALED, KEY_RETIRING)->state = KEY_ACTIVE;
    assert_code(load(f, &k), E_CORRUPT);
    assert_null(k);
}

/* The types of the rows behind `after`, joined by blanks; each names a key. */
static const char *rows_after(struct fixture *f, uint64_t after)
{
    static char text[512];
    struct buf b = buf_fixed(text, sizeof text - 1);

    assert_true(f->store.n - after <= KEY_DOUBLE_ROWS);
    for (uint64_t n = after + 1; n <= f->store.n; n++) {
        const struct event *e = &f->store.rows[(n - 1) % KEY_DOUBLE_ROWS];
        assert_int_equal(e->revocation.kind, REVOCATION_NONE);
        assert_string_equal(e->actor, "system");
        assert_non_null(strstr(e->detail, "{\"kid\":\""));
        buf_text(&b, b.len > 0 ? " " : "");
        buf_text(&b, e->type);
    }
    buf_terminate(&b);
    assert_true(buf_ok(&b));
    return text;
}

static void each_change_of_a_key_has_a_row(void **state)
{
    struct fixture *f = *state;
    int64_t at_ms, now_ms = start_ms;
    uint64_t n = f->store.n;

    assert_int_equal(n, f->store.count); /* one for each that was made */
    assert_int_equal(f->store.value, n); /* the last of them was published */
    assert_ok(rotate(f, now_ms, &at_ms));
    assert_string_equal(rows_after(f, n), "key_scheduled");
    n = f->store.n;
    assert_false(tick(f, now_ms));
    assert_int_equal(f->store.n, n); /* nothing is to be said of nothing */
    now_ms += PUBLISH_MS;
    assert_true(tick(f, now_ms));
    assert_string_equal(rows_after(f, n), "key_retired key_promoted key_published");
    assert_int_equal(f->store.value, f->store.n);
    n = f->store.n;
    assert_true(tick(f, now_ms + RETIRE_MS));
    assert_string_equal(rows_after(f, n), "key_removed");
    assert_int_equal(f->store.value, n);
    n = f->store.n;
    assert_ok(rotate_sealed(f, RETIRE_MS, now_ms));
    assert_string_equal(rows_after(f, n), "key_retired key_made");
    n = f->store.n;
    /* The drop itself is its caller's to say, with its revocation. */
    assert_ok(drop(f, record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, now_ms));
    assert_string_equal(rows_after(f, n), "key_promoted key_published");
    n = f->store.n;
    assert_ok(drop(f, record(f, KEY_USE_SEALED, KEY_ACTIVE)->id, now_ms));
    assert_string_equal(rows_after(f, n), "key_made");
}

/* With other verifiers, which have applied the journal up to heard_n. */
static bool tick_among(struct fixture *f, uint64_t heard_n, token_formats formats, int64_t now_ms)
{
    const struct key_work w = at(f, now_ms);
    const struct keyring_times among = {PUBLISH_MS, RETIRE_MS, RETIRE_MS, heard_n};
    bool changed = false;
    token_formats lacking = 0;

    assert_ok(keyring_tick(&w, formats, &among, &changed, &lacking));
    return changed;
}

static int64_t rotate_among(struct fixture *f, uint64_t heard_n, int64_t now_ms)
{
    const struct key_work w = at(f, now_ms);
    const struct keyring_times among = {PUBLISH_MS, RETIRE_MS, RETIRE_MS, heard_n};
    int64_t at_ms = 0;

    assert_ok(keyring_rotate(&w, TOKEN_FORMAT_UNSET, &among, &at_ms));
    return at_ms;
}

static void a_key_signs_when_everybody_has_heard_of_it(void **state)
{
    struct fixture *f = *state;
    const token_formats es256 = token_format_bit(TOKEN_ES256);
    struct key_id next = record(f, KEY_USE_ACCESS, KEY_NEXT)->id;
    int64_t now_ms = start_ms + PUBLISH_MS; /* long enough for whoever caches the set */
    uint64_t published = (uint64_t)f->store.value;

    assert_int_equal(rotate_among(f, published - 1, now_ms), now_ms);
    assert_true(ID_SAME(record(f, KEY_USE_ACCESS, KEY_NEXT)->id, next));
    assert_int_equal(record(f, KEY_USE_ACCESS, KEY_NEXT)->activate_at_ms, now_ms);
    assert_false(tick_among(f, published - 1, es256, now_ms + DAY_MS));
    assert_true(ID_SAME(record(f, KEY_USE_ACCESS, KEY_NEXT)->id, next));
    assert_true(tick_among(f, published, es256, now_ms + DAY_MS));
    assert_true(ID_SAME(record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, next));
    assert_int_equal(count_of(f, KEY_NEXT), 1);
    /* The one after it was published by that, and nobody knows it yet. */
    assert_int_equal(rotate_among(f, published, now_ms + 3 * (int64_t)DAY_MS), now_ms + 3 * (int64_t)DAY_MS);
    assert_true(ID_SAME(record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, next));
    assert_true(tick_among(f, UINT64_MAX, es256, now_ms + 4 * (int64_t)DAY_MS)); /* whoever had not heard is gone */
    assert_false(ID_SAME(record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, next));
}

static void having_heard_does_not_shorten_the_publication(void **state)
{
    struct fixture *f = *state;
    struct key_id next = record(f, KEY_USE_ACCESS, KEY_NEXT)->id;

    assert_int_equal(rotate_among(f, 1000, start_ms), start_ms + PUBLISH_MS);
    assert_false(tick_among(f, 1000, token_format_bit(TOKEN_ES256), start_ms + PUBLISH_MS - 1));
    assert_true(tick_among(f, 1000, token_format_bit(TOKEN_ES256), start_ms + PUBLISH_MS));
    assert_true(ID_SAME(record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, next));
}

static void a_new_next_key_is_not_promoted_unheard(void **state)
{
    struct fixture *f = *state;
    const struct key_work w = at(f, start_ms);
    const struct keyring_times hasty = {0, RETIRE_MS, RETIRE_MS, f->store.n};
    struct key_id active = record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id;
    int64_t at_ms;

    assert_ok(key_double_delete(key_double_tx(&f->store), record(f, KEY_USE_ACCESS, KEY_NEXT)->id));
    assert_ok(keyring_rotate(&w, TOKEN_ES256, &hasty, &at_ms)); /* makes one */
    assert_true(ID_SAME(record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, active));
    assert_int_equal(count_of(f, KEY_NEXT), 1);
}

static void the_first_key_of_a_format_waits_too(void **state)
{
    struct fixture *f = *state;
    const token_formats both = token_format_bit(TOKEN_ES256) | token_format_bit(TOKEN_ED448);
    struct keyring *k = NULL;
    uint64_t before = f->store.n;

    assert_true(tick_among(f, before, both, start_ms));
    assert_int_equal(f->store.n, before + 1);
    assert_ok(load(f, &k));
    assert_null(k->active[TOKEN_ED448]);
    assert_int_equal(k->access_count, 3); /* it verifies already */
    keyring_unref(k);
    assert_false(tick_among(f, before, both, start_ms));
    assert_true(tick_among(f, before + 1, both, start_ms));
    assert_ok(load(f, &k));
    assert_non_null(k->active[TOKEN_ED448]);
    assert_int_equal(k->access_count, 4);
    keyring_unref(k);
    /* Other nodes' settings may ask for it. */
    assert_false(tick_among(f, f->store.n, token_format_bit(TOKEN_ES256), start_ms));
    assert_true(tick_among(f, UINT64_MAX, token_format_bit(TOKEN_ES256), start_ms));
    assert_ok(load(f, &k));
    assert_null(k->active[TOKEN_ED448]);
    keyring_unref(k);
}

static struct cardea_status rotate_sealed_among(struct fixture *f, uint64_t heard_n, int64_t now_ms)
{
    const struct key_work w = at(f, now_ms);
    const struct keyring_times among = {PUBLISH_MS, RETIRE_MS, RETIRE_MS, heard_n};

    return keyring_rotate_sealed(&w, &among);
}

static void a_sealing_key_seals_when_everybody_can_open(void **state)
{
    struct fixture *f = *state;
    struct keyring *k = NULL;
    struct key_id first = record(f, KEY_USE_SEALED, KEY_ACTIVE)->id, second;
    uint64_t heard = f->store.n;

    assert_ok(rotate_sealed_among(f, heard, start_ms));
    assert_ok(rotate_sealed_among(f, heard, start_ms)); /* it is under way */
    assert_int_equal(f->store.n, heard + 1);
    second = record(f, KEY_USE_SEALED, KEY_NEXT)->id;
    assert_ok(load(f, &k));
    assert_int_equal(k->sealed.count, 2);
    assert_true(ID_SAME(k->sealed.keys[0].id, second)); /* opens */
    assert_true(ID_SAME(k->sealed.keys[1].id, first));  /* seals */
    assert_int_equal(k->sealed.keys[0].drop_at_ms, 0);
    keyring_unref(k);
    assert_false(tick_among(f, heard, token_format_bit(TOKEN_ES256), start_ms));
    assert_true(tick_among(f, heard + 1, token_format_bit(TOKEN_ES256), start_ms));
    assert_true(ID_SAME(record(f, KEY_USE_SEALED, KEY_ACTIVE)->id, second));
    assert_true(ID_SAME(record(f, KEY_USE_SEALED, KEY_RETIRING)->id, first));
    assert_int_equal(record(f, KEY_USE_SEALED, KEY_RETIRING)->drop_at_ms, start_ms + RETIRE_MS);
    assert_ok(load(f, &k));
    assert_int_equal(k->sealed.count, 2);
    assert_true(ID_SAME(k->sealed.keys[1].id, second));
    keyring_unref(k);
}

static void a_dropped_sealing_key_is_followed_by_the_one_that_waited(void **state)
{
    struct fixture *f = *state;
    struct key_id next;

    assert_ok(rotate_sealed_among(f, 1, start_ms));
    next = record(f, KEY_USE_SEALED, KEY_NEXT)->id;
    assert_ok(drop(f, record(f, KEY_USE_SEALED, KEY_ACTIVE)->id, start_ms));
    assert_true(ID_SAME(record(f, KEY_USE_SEALED, KEY_ACTIVE)->id, next));
    assert_null(record(f, KEY_USE_SEALED, KEY_NEXT));
}

static void creation_happens_once(void **state)
{
    struct fixture *f = *state;
    const struct key_work w = at(f, start_ms);

    assert_code(keyring_create(&w, token_format_bit(TOKEN_ES256)), E_CONFLICT);
    assert_int_equal(f->store.count, 8);
}

static void nothing_at_rest_is_plain(void **state)
{
    struct fixture *f = *state;
    struct keyring *k = NULL;
    char plain[KEY_SEALED_MAX];
    size_t len = 0;

    assert_ok(load(f, &k));
    assert_ok(key_record_open(record(f, KEY_USE_ACCESS, KEY_ACTIVE), f->master, (uint8_t *)plain, sizeof plain, &len));
    const char *d = memmem(plain, len, "\"d\":\"", 5);
    assert_non_null(d);
    for (uint32_t i = 0; i < f->store.count; i++) {
        const struct key_record *r = &f->store.records[i];
        assert_true(r->sealed_len > SEAL_OVERHEAD);
        assert_null(memmem(r, sizeof *r, d + 5, 43)); /* the private scalar */
        assert_null(memmem(r, sizeof *r, k->session_tag.bytes, 16));
        assert_null(memmem(r, sizeof *r, k->api_key_tag.bytes, 16));
    }
    keyring_unref(k);
}

static void loading_fails_closed(void **state)
{
    struct fixture *f = *state;
    struct keyring *k = NULL;
    static const uint8_t other_bytes[32] = {9};
    struct master_key *other = master_key_new(other_bytes);
    struct key_double empty = {.count = 0}, good = f->store;

    assert_code(keyring_load(key_double_tx(&f->store), key_double_ops(), other, 1, &k), E_CORRUPT);
    assert_code(keyring_load(key_double_tx(&empty), key_double_ops(), f->master, 1, &k), E_NOT_FOUND);
    master_key_free(other);

    /* Swap the sealed halves of two uses with keys of one size. */
    struct key_record *refresh = record(f, KEY_USE_REFRESH, KEY_ACTIVE), *csrf = record(f, KEY_USE_CSRF, KEY_ACTIVE);
    memcpy(refresh->sealed, csrf->sealed, csrf->sealed_len);
    assert_code(load(f, &k), E_CORRUPT);
    f->store = good;
    /* A row moved to another use, id and all. */
    record(f, KEY_USE_CSRF, KEY_ACTIVE)->use = KEY_USE_DEVICE;
    assert_code(load(f, &k), E_CORRUPT);
    f->store = good;
    record(f, KEY_USE_ACCESS, KEY_NEXT)->state = KEY_ACTIVE;
    assert_code(load(f, &k), E_CORRUPT); /* two active */
    f->store = good;
    record(f, KEY_USE_ACCESS, KEY_NEXT)->state = KEY_STATE_UNSET;
    assert_code(load(f, &k), E_CORRUPT);
    f->store = good;
    record(f, KEY_USE_ACCESS, KEY_NEXT)->use = (enum key_use)77;
    assert_code(load(f, &k), E_CORRUPT);
    f->store = good;
    record(f, KEY_USE_ACCESS, KEY_NEXT)->sealed_len = 0;
    assert_code(load(f, &k), E_CORRUPT);
    f->store = good;
    memcpy(record(f, KEY_USE_ACCESS, KEY_NEXT)->algorithm, "none", 5);
    assert_code(load(f, &k), E_CORRUPT);
    f->store = good;
    /* Another key's public half under this kid. */
    memcpy(record(f, KEY_USE_ACCESS, KEY_NEXT)->public_jwk, record(f, KEY_USE_ACCESS, KEY_ACTIVE)->public_jwk, 400);
    assert_code(load(f, &k), E_CORRUPT);
    f->store = good;
    assert_ok(key_double_delete(key_double_tx(&f->store), record(f, KEY_USE_REFRESH, KEY_ACTIVE)->id));
    assert_code(load(f, &k), E_CORRUPT); /* a use without a key */
    assert_null(k);
}

/* Whoever writes to the store but has not the master key can not plant a key, retired or not. */
static void a_planted_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct key_record *r = &f->store.records[f->store.count];
    static const uint8_t other_bytes[32] = {9};
    struct master_key *other = master_key_new(other_bytes);
    struct keyring *k = NULL;

    assert_ok(access_record_draw(TOKEN_ES256, other, entropy_system(), r));
    f->store.count++;
    assert_code(load(f, &k), E_CORRUPT);
    assert_ok(access_record_retire(r, other, entropy_system()));
    r->drop_at_ms = INT64_MAX;
    assert_code(load(f, &k), E_CORRUPT);
    r->sealed_len = 0;
    assert_code(load(f, &k), E_CORRUPT);
    r->sealed[0] = 0x04; /* not sealed at all: a point */
    r->sealed_len = 65;
    assert_code(load(f, &k), E_CORRUPT);
    master_key_free(other);
}

static void rotation_before_publication_is_scheduled(void **state)
{
    struct fixture *f = *state;
    struct key_id active = record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, next = record(f, KEY_USE_ACCESS, KEY_NEXT)->id;
    int64_t at_ms = 0;

    assert_ok(rotate(f, start_ms + 1, &at_ms));
    assert_int_equal(at_ms, start_ms + PUBLISH_MS);
    assert_true(ID_SAME(record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, active));
    assert_false(tick(f, start_ms + PUBLISH_MS - 1));
    assert_true(tick(f, start_ms + PUBLISH_MS));
    assert_true(ID_SAME(record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, next));
    assert_true(ID_SAME(record(f, KEY_USE_ACCESS, KEY_RETIRING)->id, active));
    assert_int_equal(count_of(f, KEY_NEXT), 1);
    assert_false(tick(f, start_ms + PUBLISH_MS + 1));
}

static void rotation_retires_and_drops(void **state)
{
    struct fixture *f = *state;
    struct key_id active = record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, next = record(f, KEY_USE_ACCESS, KEY_NEXT)->id;
    int64_t now_ms = start_ms + DAY_MS, at_ms = 0;
    struct keyring *k = NULL;

    assert_ok(rotate(f, now_ms, &at_ms));
    assert_int_equal(at_ms, now_ms);
    assert_ok(load(f, &k));
    assert_true(ID_SAME(k->active[TOKEN_ES256]->id, next));
    const struct access_key *retired = keyring_find(k, &active);
    assert_non_null(retired);
    assert_null(retired->sign); /* its private half is gone */
    assert_int_equal(retired->state, KEY_RETIRING);
    assert_int_equal(retired->drop_at_ms, now_ms + RETIRE_MS);
    assert_true(access_key_verifies(retired, now_ms + RETIRE_MS - 1));
    assert_false(access_key_verifies(retired, now_ms + RETIRE_MS));
    keyring_unref(k);
    assert_false(tick(f, now_ms + RETIRE_MS - 1));
    assert_true(tick(f, now_ms + RETIRE_MS));
    assert_int_equal(count_of(f, KEY_RETIRING), 0);
    assert_ok(load(f, &k));
    assert_null(keyring_find(k, &active));
    keyring_unref(k);
}

/* Not a byte of the old sealed private half may survive in the record. */
static void retirement_erases_the_private_half(void **state)
{
    struct fixture *f = *state;
    struct key_record before = *record(f, KEY_USE_ACCESS, KEY_ACTIVE);
    int64_t at_ms;

    assert_ok(rotate(f, start_ms + DAY_MS, &at_ms));
    const struct key_record *after = record(f, KEY_USE_ACCESS, KEY_RETIRING);
    assert_true(ID_SAME(after->id, before.id));
    assert_int_equal(after->sealed_len, 65 + SEAL_OVERHEAD); /* the public point */
    for (size_t i = after->sealed_len; i < sizeof after->sealed; i++)
        assert_int_equal(after->sealed[i], 0);
    assert_memory_not_equal(after->sealed, before.sealed, after->sealed_len);
    /* Put back as active it does not open: what is sealed there is no private key. */
    record(f, KEY_USE_ACCESS, KEY_ACTIVE)->state = KEY_NEXT;
    record(f, KEY_USE_ACCESS, KEY_RETIRING)->state = KEY_ACTIVE;
    struct keyring *k = NULL;
    assert_code(load(f, &k), E_CORRUPT);
}

static void a_dropped_key_is_gone_and_replaced(void **state)
{
    struct fixture *f = *state;
    struct key_id active = record(f, KEY_USE_ACCESS, KEY_ACTIVE)->id, next = record(f, KEY_USE_ACCESS, KEY_NEXT)->id;
    struct key_id symmetric = record(f, KEY_USE_CSRF, KEY_ACTIVE)->id, nobody = {{3}};
    struct keyring *k = NULL;

    assert_code(drop(f, nobody, start_ms), E_NOT_FOUND);
    assert_code(drop(f, symmetric, start_ms), E_NOT_FOUND);
    assert_ok(drop(f, active, start_ms + 1));
    assert_ok(load(f, &k));
    assert_null(keyring_find(k, &active));
    assert_true(ID_SAME(k->active[TOKEN_ES256]->id, next));
    assert_int_equal(k->access_count, 2);
    keyring_unref(k);
    struct key_id fresh = record(f, KEY_USE_ACCESS, KEY_NEXT)->id;
    assert_ok(drop(f, fresh, start_ms + 2));
    assert_int_equal(count_of(f, KEY_NEXT), 1);
    assert_false(ID_SAME(record(f, KEY_USE_ACCESS, KEY_NEXT)->id, fresh));
    assert_code(drop(f, active, start_ms + 3), E_NOT_FOUND);
}

static void a_lost_next_is_made_again(void **state)
{
    struct fixture *f = *state;
    int64_t at_ms = 0;

    assert_ok(key_double_delete(key_double_tx(&f->store), record(f, KEY_USE_ACCESS, KEY_NEXT)->id));
    assert_ok(rotate(f, start_ms + DAY_MS, &at_ms));
    assert_int_equal(at_ms, start_ms + DAY_MS + PUBLISH_MS);
    assert_int_equal(count_of(f, KEY_NEXT), 1);
    assert_int_equal(count_of(f, KEY_RETIRING), 0);
    assert_ok(key_double_delete(key_double_tx(&f->store), record(f, KEY_USE_ACCESS, KEY_NEXT)->id));
    assert_true(tick(f, start_ms + DAY_MS));
    assert_int_equal(count_of(f, KEY_NEXT), 1);
}

static void rotations_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct keyring_times hasty = {0, DAY_MS, DAY_MS, UINT64_MAX};
    struct cardea_status s = CARDEA_SUCCESS;
    struct keyring *k = NULL;
    int64_t at_ms;
    int n = 0;

    while (cardea_ok(s) && n < 100) {
        struct key_double before = f->store; /* a failed change is undone by its transaction */
        const struct key_work w = at(f, start_ms + n++);
        s = keyring_rotate(&w, TOKEN_ES256, &hasty, &at_ms);
        if (!cardea_ok(s))
            f->store = before;
    }
    assert_code(s, E_LIMIT);
    assert_int_equal(f->store.count, KEYRING_MAX);
    assert_ok(load(f, &k)); /* full, and still working */
    keyring_unref(k);
    assert_true(tick(f, start_ms + 100 + DAY_MS));
    assert_int_equal(f->store.count, 8);
}

static void a_failing_store_fails_the_change(void **state)
{
    struct fixture *f = *state;
    int64_t at_ms = -1;

    f->store.fail_puts_after = 2;
    assert_code(rotate(f, start_ms + DAY_MS, &at_ms), E_IO);
    assert_int_equal(at_ms, -1);
}

static void jwks_shows_public_members_alone(void **state)
{
    struct fixture *f = *state;
    struct keyring *k = NULL;
    struct buf b = buf_heap(1 << 16);
    struct json_token tokens[128];
    struct json doc;
    int64_t at_ms;
    uint32_t keys = 0;

    assert_ok(rotate(f, start_ms + DAY_MS, &at_ms));
    assert_ok(load(f, &k));
    buf_key_document(&b, k, KEY_DOCUMENT_JWKS);
    assert_ok(json_read(buf_view(&b), tokens, 128, &doc, NULL));
    uint32_t list = json_get(&doc, 0, VIEW("keys"));
    assert_int_equal(json_type(&doc, list), JSON_ARRAY);
    for (uint32_t c = json_first(&doc, list); c != 0; c = json_after(&doc, list, c), keys++) {
        struct view kid;
        struct key_id id;
        assert_int_equal(doc.tokens[c].count, 7);
        assert_ok(json_plain(&doc, json_get(&doc, c, VIEW("kid")), &kid));
        assert_ok(key_id_parse(kid, &id));
        assert_non_null(keyring_find(k, &id));
        assert_int_equal(json_get(&doc, c, VIEW("d")), 0);
        struct jwk jwk;
        assert_ok(jwk_read(json_source(&doc, c), &jwk));
        assert_false(raw_key_is_secret(&jwk.raw));
    }
    assert_int_equal(keys, 3); /* next, active, retiring */
    buf_clear(&b);
    keyring_unref(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_KEYS(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        WITH_KEYS(makes_one_key_of_each_use),
        WITH_KEYS(each_change_of_a_key_has_a_row),
        WITH_KEYS(a_key_signs_when_everybody_has_heard_of_it),
        WITH_KEYS(having_heard_does_not_shorten_the_publication),
        WITH_KEYS(a_new_next_key_is_not_promoted_unheard),
        WITH_KEYS(the_first_key_of_a_format_waits_too),
        WITH_KEYS(a_sealing_key_seals_when_everybody_can_open),
        WITH_KEYS(a_dropped_sealing_key_is_followed_by_the_one_that_waited),
        WITH_KEYS(creation_happens_once),
        WITH_KEYS(nothing_at_rest_is_plain),
        WITH_KEYS(loading_fails_closed),
        WITH_KEYS(a_planted_key_is_refused),
        WITH_KEYS(rotation_before_publication_is_scheduled),
        WITH_KEYS(rotation_retires_and_drops),
        WITH_KEYS(retirement_erases_the_private_half),
        WITH_KEYS(a_dropped_key_is_gone_and_replaced),
        WITH_KEYS(a_lost_next_is_made_again),
        WITH_KEYS(rotations_are_bounded),
        WITH_KEYS(a_failing_store_fails_the_change),
        WITH_KEYS(jwks_shows_public_members_alone),
        WITH_KEYS(sealing_keys_rotate_with_overlap),
        WITH_KEYS(rotations_of_the_sealing_key_are_bounded),
        WITH_KEYS(a_dropped_sealing_key_opens_nothing),
        WITH_KEYS(an_installation_without_a_sealing_key_gets_one),
        WITH_KEYS(a_planted_sealing_key_does_not_load),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
