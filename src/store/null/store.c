#include "store/null/null.h"

#include "store/cursor.h"

#include <stdlib.h>

struct null_store {
    struct store base;
    int64_t (*boot_ms)(void);
};

/* What an engine has to know of a transaction, whatever else it keeps: its mode, whether a change is open, and whether
 * it can still be committed. */
struct store_tx {
    enum store_mode mode;
    bool marked;
    struct cardea_status broken; /* CARDEA_OK while it is whole */
};

/* --- transactions --- */

static void null_close(struct store *s)
{
    free(s);
}

/* An engine with one writer at a time waits here for its turn, until the deadline at most. */
static struct cardea_status null_begin(struct store *s, enum store_mode mode, int64_t deadline_ms,
                                       struct store_tx **out)
{
    if (mode != STORE_READ && mode != STORE_WRITE)
        return CARDEA_FAIL(E_INTERNAL);
    if (((struct null_store *)s)->boot_ms() >= deadline_ms)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct store_tx *tx = malloc(sizeof *tx);
    if (tx == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    *tx = (struct store_tx){.mode = mode, .broken = CARDEA_SUCCESS};
    *out = tx;
    return CARDEA_SUCCESS;
}

/* Only in a WRITE, and only where none is open (or, to end it, where one is). */
static struct cardea_status change(struct store_tx *tx, bool open)
{
    if (!cardea_ok(tx->broken))
        return tx->broken;
    if (tx->mode != STORE_WRITE || tx->marked == open)
        return CARDEA_FAIL(E_INTERNAL);
    tx->marked = open;
    return CARDEA_SUCCESS;
}

static struct cardea_status null_mark(struct store_tx *tx)
{
    return change(tx, true);
}

static struct cardea_status null_keep(struct store_tx *tx)
{
    return change(tx, false);
}

/* A transaction that is broken is not mended by undoing: nothing of it will be there. */
static struct cardea_status null_undo(struct store_tx *tx)
{
    return change(tx, false);
}

/* Ends it whatever it answers. One with an open change was not finished: nothing of it may stand. */
static struct cardea_status null_commit(struct store_tx *tx)
{
    struct cardea_status s = tx->broken;
    if (cardea_ok(s) && tx->marked)
        s = CARDEA_FAIL(E_INTERNAL);
    free(tx);
    return s;
}

static void null_abort(struct store_tx *tx)
{
    free(tx);
}

/* --- what every operation comes down to --- */

/* A broken transaction answers its failure to everything. */
static struct cardea_status not_there(struct store_tx *tx)
{
    return cardea_ok(tx->broken) ? CARDEA_FAIL(E_NOT_FOUND) : tx->broken;
}

static struct cardea_status none(struct store_tx *tx, uint32_t *ret_count)
{
    if (cardea_ok(tx->broken))
        *ret_count = 0;
    return tx->broken;
}

static struct cardea_status no_page(struct store_tx *tx, const struct page *page, uint32_t *ret_count,
                                    struct cursor *ret_next)
{
    struct cursor_place place;
    struct cardea_status s = cursor_start(page, &place);
    if (cardea_ok(s))
        s = none(tx, ret_count);
    if (cardea_ok(s))
        *ret_next = cursor_none();
    return s;
}

static struct cardea_status may_write(struct store_tx *tx)
{
    return tx->mode == STORE_WRITE ? tx->broken : CARDEA_FAIL(E_INTERNAL);
}

/* The engine's own failure: it breaks the transaction, so that half of a change is never committed as a whole one. */
static struct cardea_status not_kept(struct store_tx *tx)
{
    struct cardea_status s = may_write(tx);
    if (!cardea_ok(s))
        return s;
    tx->broken = CARDEA_FAIL(E_UNAVAILABLE);
    return tx->broken;
}

/* Nothing is there to be removed. */
static struct cardea_status not_removed(struct store_tx *tx)
{
    struct cardea_status s = may_write(tx);
    return cardea_ok(s) ? CARDEA_FAIL(E_NOT_FOUND) : s;
}

static struct cardea_status none_removed(struct store_tx *tx, uint32_t *ret_count)
{
    struct cardea_status s = may_write(tx);
    if (cardea_ok(s))
        *ret_count = 0;
    return s;
}

/* --- accounts --- */

static struct cardea_status null_user_get(struct store_tx *tx, struct user_id id, struct user_record *out)
{
    (void)id, (void)out;
    return not_there(tx);
}

static struct cardea_status null_user_find(struct store_tx *tx, struct view text, struct user_record *out)
{
    (void)text, (void)out;
    return not_there(tx);
}

static struct cardea_status null_user_put(struct store_tx *tx, const struct user_record *u)
{
    (void)u;
    return not_kept(tx);
}

static struct cardea_status null_user_delete(struct store_tx *tx, struct user_id id)
{
    (void)id;
    return not_removed(tx);
}

static struct cardea_status null_user_list(struct store_tx *tx, const struct user_filter *filter,
                                           const struct page *page, struct user_record *out, uint32_t *ret_count,
                                           struct cursor *ret_next)
{
    (void)filter, (void)out;
    return no_page(tx, page, ret_count, ret_next);
}

static struct cardea_status null_api_key_get(struct store_tx *tx, struct api_key_id id, struct api_key_record *out)
{
    (void)id, (void)out;
    return not_there(tx);
}

static struct cardea_status null_api_key_put(struct store_tx *tx, const struct api_key_record *k)
{
    (void)k;
    return not_kept(tx);
}

static struct cardea_status null_api_key_delete(struct store_tx *tx, struct api_key_id id)
{
    (void)id;
    return not_removed(tx);
}

static struct cardea_status null_api_key_list(struct store_tx *tx, const struct user_id *user, const struct page *page,
                                              struct api_key_record *out, uint32_t *ret_count, struct cursor *ret_next)
{
    (void)user, (void)out;
    return no_page(tx, page, ret_count, ret_next);
}

static struct cardea_status null_key_put(struct store_tx *tx, const struct key_record *k)
{
    (void)k;
    return not_kept(tx);
}

static struct cardea_status null_key_delete(struct store_tx *tx, struct key_id id)
{
    (void)id;
    return not_removed(tx);
}

static struct cardea_status null_key_list(struct store_tx *tx, struct key_record *out, uint32_t cap,
                                          uint32_t *ret_count)
{
    (void)out, (void)cap;
    return none(tx, ret_count);
}

/* store/journal.h numbers and links a row, the same in every engine; undo takes back its number with it. */
static struct cardea_status null_event_append(struct store_tx *tx, struct event *e)
{
    (void)e;
    return not_kept(tx);
}

static struct cardea_status null_event_list(struct store_tx *tx, uint64_t after, bool newest_first, struct event *out,
                                            uint32_t cap, uint32_t *ret_count)
{
    (void)after, (void)newest_first, (void)out, (void)cap;
    return none(tx, ret_count);
}

static struct cardea_status null_revocation_list(struct store_tx *tx, uint64_t after, int64_t now_ms, struct event *out,
                                                 uint32_t cap, uint32_t *ret_count)
{
    (void)after, (void)now_ms, (void)out, (void)cap;
    return none(tx, ret_count);
}

static struct cardea_status null_revocation_find(struct store_tx *tx, enum revocation_kind kind, const uint8_t id[32])
{
    (void)kind, (void)id;
    return not_there(tx);
}

static struct cardea_status null_value_get(struct store_tx *tx, const char *name, int64_t *out)
{
    (void)name, (void)out;
    return not_there(tx);
}

static struct cardea_status null_value_put(struct store_tx *tx, const char *name, int64_t value)
{
    (void)name, (void)value;
    return not_kept(tx);
}

static struct cardea_status null_value_raise(struct store_tx *tx, const char *name, int64_t value)
{
    (void)name, (void)value;
    return not_kept(tx);
}

static struct cardea_status null_verifier_put(struct store_tx *tx, const struct verifier_record *v)
{
    (void)v;
    return not_kept(tx);
}

static struct cardea_status null_verifier_delete(struct store_tx *tx, const uint8_t id[16])
{
    (void)id;
    return not_removed(tx);
}

static struct cardea_status null_verifier_list(struct store_tx *tx, struct verifier_record *out, uint32_t cap,
                                               uint32_t *ret_count)
{
    (void)out, (void)cap;
    return none(tx, ret_count);
}

static struct cardea_status null_event_put(struct store_tx *tx, const struct event *e, bool in_force)
{
    (void)e, (void)in_force;
    return not_kept(tx);
}

static struct cardea_status null_value_list(struct store_tx *tx, struct named_value *out, uint32_t cap,
                                            uint32_t *ret_count)
{
    (void)out, (void)cap;
    return none(tx, ret_count);
}

/* Everything that was here is gone. */
static struct cardea_status null_erase(struct store_tx *tx)
{
    return may_write(tx);
}

/* --- sessions --- */

static struct cardea_status null_session_get(struct store_tx *tx, struct session_id sid, struct session_record *out)
{
    (void)sid, (void)out;
    return not_there(tx);
}

/* What is no session is refused without breaking anything: the caller's mistake, not the engine's failure. */
static struct cardea_status null_session_create(struct store_tx *tx, const struct session_record *r)
{
    return session_storable(r) ? not_kept(tx) : CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status null_session_create_many(struct store_tx *tx, const struct session_record *records,
                                                     uint32_t count)
{
    (void)records;
    return count == 0 ? may_write(tx) : not_kept(tx);
}

static struct cardea_status null_session_rotate(struct store_tx *tx, const struct session_record *r,
                                                uint64_t expected_generation)
{
    (void)r, (void)expected_generation;
    return not_removed(tx);
}

static struct cardea_status null_session_delete(struct store_tx *tx, struct session_id sid)
{
    (void)sid;
    return not_removed(tx);
}

static struct cardea_status null_session_delete_below(struct store_tx *tx, struct user_id user, int64_t epoch,
                                                      uint32_t limit, uint32_t *ret_count)
{
    (void)user, (void)epoch, (void)limit;
    return none_removed(tx, ret_count);
}

static struct cardea_status null_session_touch(struct store_tx *tx, const struct session_id *sids,
                                               const int64_t *seen_ms, uint32_t count)
{
    (void)sids, (void)seen_ms, (void)count;
    return may_write(tx);
}

static struct cardea_status null_session_list(struct store_tx *tx, const struct user_id *user, int64_t epoch,
                                              const struct page *page, struct session_record *out, uint32_t *ret_count,
                                              struct cursor *ret_next)
{
    (void)user, (void)epoch, (void)out;
    return no_page(tx, page, ret_count, ret_next);
}

static struct cardea_status null_session_scan(struct store_tx *tx, struct session_id after, struct session_record *out,
                                              uint32_t cap, uint32_t *ret_count)
{
    (void)after, (void)out, (void)cap;
    return none(tx, ret_count);
}

static struct cardea_status null_count(struct store_tx *tx, int64_t now_ms, const struct counter_step *steps,
                                       uint32_t count, int64_t *ret_values)
{
    (void)now_ms, (void)ret_values;
    return counter_steps_good(steps, count) ? not_kept(tx) : CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status null_code_put(struct store_tx *tx, int64_t now_ms, struct code_id id,
                                          const struct code_value *value, int64_t ttl_ms)
{
    (void)now_ms, (void)id;
    return code_good(value, ttl_ms) ? not_kept(tx) : CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status null_code_take(struct store_tx *tx, int64_t now_ms, struct code_id id,
                                           struct code_value *out)
{
    (void)now_ms, (void)id, (void)out;
    return not_removed(tx);
}

static struct cardea_status null_sweep(struct store_tx *tx, int64_t now_ms, uint32_t limit, uint32_t *ret_count)
{
    (void)now_ms, (void)limit;
    return none_removed(tx, ret_count);
}

/* push, push_wait and push_wake stay NULL where one process alone writes, and expect where the engine is near. */
static const struct store_ops null_ops = {
    .name = "null",
    .close = null_close,
    .begin = null_begin,
    .mark = null_mark,
    .keep = null_keep,
    .undo = null_undo,
    .commit = null_commit,
    .abort = null_abort,
    .user_get = null_user_get,
    .user_find = null_user_find,
    .user_find_email = null_user_find,
    .user_put = null_user_put,
    .user_delete = null_user_delete,
    .user_list = null_user_list,
    .api_key_get = null_api_key_get,
    .api_key_put = null_api_key_put,
    .api_key_delete = null_api_key_delete,
    .api_key_list = null_api_key_list,
    .key_put = null_key_put,
    .key_delete = null_key_delete,
    .key_list = null_key_list,
    .event_append = null_event_append,
    .event_list = null_event_list,
    .revocation_list = null_revocation_list,
    .revocation_find = null_revocation_find,
    .value_get = null_value_get,
    .value_put = null_value_put,
    .value_raise = null_value_raise,
    .verifier_put = null_verifier_put,
    .verifier_delete = null_verifier_delete,
    .verifier_list = null_verifier_list,
    .event_put = null_event_put,
    .value_list = null_value_list,
    .account_erase = null_erase,
    .session_get = null_session_get,
    .session_create = null_session_create,
    .session_create_many = null_session_create_many,
    .session_erase = null_erase,
    .session_rotate = null_session_rotate,
    .session_delete = null_session_delete,
    .session_delete_below = null_session_delete_below,
    .session_touch = null_session_touch,
    .session_list = null_session_list,
    .session_scan = null_session_scan,
    .count = null_count,
    .code_put = null_code_put,
    .code_take = null_code_take,
    .sweep = null_sweep,
};

struct cardea_status store_null_open(int64_t (*boot_ms)(void), struct store **out)
{
    struct null_store *s = malloc(sizeof *s);
    if (s == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    *s = (struct null_store){.base = {&null_ops}, .boot_ms = boot_ms};
    *out = &s->base;
    return CARDEA_SUCCESS;
}
