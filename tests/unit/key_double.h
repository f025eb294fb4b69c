/* A store that holds key records alone, in memory, for the tests of what needs a keyring: key_list, key_put and
 * key_delete as store.h says, of the journal the last rows' types, of the values one, and a way to damage what is kept.
 * One at a time; not for threads.
 *
 *     struct key_double d = {0};
 *     struct keyring *k = key_double_ring(&d, entropy_system(), 1000);
 */
#ifndef UNIT_KEY_DOUBLE_H
#define UNIT_KEY_DOUBLE_H

#include "check.h"

#include "core/keyring.h"
#include "crypto/random.h"

enum { KEY_DOUBLE_ROWS = 16 };

struct key_double {
    struct key_record records[KEYRING_MAX + 8];
    uint32_t count;
    int fail_puts_after; /* 0: never; n: the nth put and all after it answer E_IO */
    uint64_t n;          /* rows in the journal; row n stands at (n - 1) % KEY_DOUBLE_ROWS */
    struct event rows[KEY_DOUBLE_ROWS];
    bool has_value;
    int64_t value;
};

/* store_tx is opaque; the double is its own transaction. */
static inline struct store_tx *key_double_tx(struct key_double *d)
{
    return (struct store_tx *)(void *)d;
}

static inline struct cardea_status key_double_list(struct store_tx *tx, struct key_record *out, uint32_t cap,
                                                   uint32_t *ret_count)
{
    struct key_double *d = (struct key_double *)(void *)tx;

    if (d->count > cap)
        return CARDEA_FAIL(E_LIMIT);
    memcpy(out, d->records, d->count * sizeof *out);
    *ret_count = d->count;
    return CARDEA_SUCCESS;
}

static inline struct cardea_status key_double_put(struct store_tx *tx, const struct key_record *k)
{
    struct key_double *d = (struct key_double *)(void *)tx;
    uint32_t i = 0;

    if (d->fail_puts_after > 0 && --d->fail_puts_after == 0) {
        d->fail_puts_after = 1;
        return CARDEA_FAIL(E_IO);
    }
    while (i < d->count && !ID_SAME(d->records[i].id, k->id))
        i++;
    assert_true(i < KEYRING_MAX + 8);
    d->records[i] = *k;
    d->count = i == d->count ? i + 1 : d->count;
    return CARDEA_SUCCESS;
}

static inline struct cardea_status key_double_delete(struct store_tx *tx, struct key_id id)
{
    struct key_double *d = (struct key_double *)(void *)tx;

    for (uint32_t i = 0; i < d->count; i++)
        if (ID_SAME(d->records[i].id, id)) {
            memmove(&d->records[i], &d->records[i + 1], (d->count - i - 1) * sizeof *d->records);
            d->count--;
            return CARDEA_SUCCESS;
        }
    return CARDEA_FAIL(E_NOT_FOUND);
}

static inline struct cardea_status key_double_append(struct store_tx *tx, struct event *e)
{
    struct key_double *d = (struct key_double *)(void *)tx;

    e->n = ++d->n;
    d->rows[(d->n - 1) % KEY_DOUBLE_ROWS] = *e;
    return CARDEA_SUCCESS;
}

static inline struct cardea_status key_double_value_get(struct store_tx *tx, const char *name, int64_t *out)
{
    struct key_double *d = (struct key_double *)(void *)tx;

    assert_string_equal(name, "keys_published_n");
    if (!d->has_value)
        return CARDEA_FAIL(E_NOT_FOUND);
    *out = d->value;
    return CARDEA_SUCCESS;
}

static inline struct cardea_status key_double_value_put(struct store_tx *tx, const char *name, int64_t value)
{
    struct key_double *d = (struct key_double *)(void *)tx;

    assert_string_equal(name, "keys_published_n");
    d->value = value;
    d->has_value = true;
    return CARDEA_SUCCESS;
}

static inline const struct store_ops *key_double_ops(void)
{
    static const struct store_ops ops = {
        .name = "key double",
        .key_list = key_double_list,
        .key_put = key_double_put,
        .key_delete = key_double_delete,
        .event_append = key_double_append,
        .value_get = key_double_value_get,
        .value_put = key_double_value_put,
    };

    return &ops;
}

/* What a change of keys works with. */
static inline struct key_work key_double_work(struct key_double *d, const struct master_key *m, const struct entropy *e,
                                              int64_t now_ms)
{
    return (struct key_work){
        .tx = key_double_tx(d), .ops = key_double_ops(), .master = m, .entropy = e, .now_ms = now_ms};
}

/* The same master key each time. */
static inline struct master_key *key_double_master(void)
{
    static const uint8_t bytes[32] = "a master key for tests alone";
    struct master_key *m = master_key_new(bytes);

    assert_non_null(m);
    return m;
}

static inline struct keyring *key_double_load(struct key_double *d)
{
    struct master_key *m = key_double_master();
    struct keyring *k = NULL;

    assert_ok(keyring_load(key_double_tx(d), key_double_ops(), m, 1, &k));
    master_key_free(m);
    return k;
}

static inline struct keyring *key_double_ring(struct key_double *d, const struct entropy *e, int64_t now_ms)
{
    struct master_key *m = key_double_master();

    const struct key_work w = key_double_work(d, m, e, now_ms);

    assert_ok(keyring_create(&w, token_format_bit(TOKEN_ES256)));
    master_key_free(m);
    return key_double_load(d);
}

#endif
