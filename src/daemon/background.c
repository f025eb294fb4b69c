#include "daemon/background.h"

#include "base/json.h"
#include "core/audit.h"
#include "core/claims.h"
#include "daemon/installation.h"
#include "daemon/log.h"

#include <stdatomic.h>
#include <stdlib.h>

static const int64_t every_ms[TASKS] = {
    [TASK_MEND] = MEND_EVERY_MS,         [TASK_TABLE] = TABLE_SWEEP_EVERY_MS, [TASK_SEEN] = SEEN_EVERY_MS,
    [TASK_STORE] = STORE_SWEEP_EVERY_MS, [TASK_KEYS] = KEYS_EVERY_MS,         [TASK_GUESS] = GUESS_EVERY_MS,
    [TASK_CLOCK] = CLOCK_EVERY_MS,       [TASK_REMOTES] = REMOTES_EVERY_MS,
};

void background_init(struct background *b, struct keeper *keeper, struct guess *guess, const struct entropy *e)
{
    *b = (struct background){.keeper = keeper, .guess = guess, .entropy = e};
    int64_t now = keeper->boot_ms();
    b->others = calloc(1, sizeof *b->others);
    if (b->others != NULL)
        registry_view_init(b->others, NULL, true, 0);
    for (int i = 0; i < TASKS; i++)
        b->due_ms[i] = now + every_ms[i];
    atomic_init(&b->store_ok, true);
    atomic_init(&b->keys_due, false);
    atomic_init(&b->remotes_due, false);
    atomic_init(&b->expected, 0);
}

void background_close(struct background *b)
{
    key_maker_free(b->maker);
    b->maker = NULL;
    free(b->others);
    b->others = NULL;
}

void background_expect(struct background *b, token_formats formats)
{
    atomic_store(&b->expected, formats);
    atomic_store(&b->keys_due, true);
}

static const struct store_ops *ops(const struct background *b)
{
    return b->keeper->store->ops;
}

static struct store_tx *begin(struct background *b)
{
    struct store_tx *tx = NULL;
    struct cardea_status s =
        ops(b)->begin(b->keeper->store, STORE_WRITE, b->keeper->boot_ms() + BACKGROUND_DEADLINE_MS, &tx);
    /* That it begins proves little: a store is well again when something has been written. */
    if (!cardea_ok(s))
        atomic_store_explicit(&b->store_ok, false, memory_order_relaxed);
    return cardea_ok(s) ? tx : NULL;
}

/* Commit, or take back when s says that something failed. */
static struct cardea_status end(struct background *b, struct store_tx *tx, struct cardea_status s, const char *what)
{
    if (cardea_ok(s))
        s = ops(b)->commit(tx);
    else
        ops(b)->abort(tx);
    atomic_store_explicit(&b->store_ok, cardea_ok(s), memory_order_relaxed);
    if (!cardea_ok(s))
        log_write(LOG_WARN, "background work failed", LOG_FIELDS(LOG_TEXT("what", view_text(what)), LOG_STATUS(s)));
    return s;
}

/* Each task answers whether it has more to do at once. */

static bool mend(struct background *b)
{
    if (!keeper_sound(b->keeper))
        keeper_mend(b->keeper);
    return false;
}

static bool sweep_table(struct background *b)
{
    return keeper_sweep(b->keeper, TABLE_SWEEP_CELLS) > TABLE_SWEEP_CELLS / 4;
}

static bool flush_seen(struct background *b)
{
    if (b->seen_count == 0)
        b->seen_count = keeper_take_seen(b->keeper, b->sids, b->seen_ms, SEEN_AT_ONCE);
    uint32_t n = b->seen_count;
    struct store_tx *tx = n == 0 ? NULL : begin(b);
    if (tx == NULL)
        return false;
    struct cardea_status s = ops(b)->session_touch(tx, b->sids, b->seen_ms, n);
    if (!cardea_ok(end(b, tx, s, "last-seen times")))
        return false;
    b->seen_count = 0;
    return n == SEEN_AT_ONCE;
}

static bool sweep_store(struct background *b)
{
    struct store_tx *tx = begin(b);
    uint32_t looked_at = 0;
    if (tx == NULL)
        return false;
    struct cardea_status s = ops(b)->sweep(tx, b->keeper->wall_ms(), STORE_SWEEP_ROWS, &looked_at);
    if (cardea_ok(s) && looked_at == 0) {
        ops(b)->abort(tx);
        return false;
    }
    return cardea_ok(end(b, tx, s, "expired rows")) && looked_at >= STORE_SWEEP_ROWS;
}

/* What a tick of the keys is asked to do. */
struct key_demand {
    struct keyring_times times;
    token_formats formats;
};

static struct key_demand demand_of(struct background *b)
{
    /* First: a reload withdraws what it expects when its settings are in force. */
    token_formats expected = atomic_load(&b->expected);
    struct snapshot *now = publisher_take(b->keeper->publisher);
    struct key_demand d = {
        .times = keyring_times_of(now->settings, 0),
        .formats = expected | settings_token_formats(now->settings),
    };
    snapshot_unref(now);
    return d;
}

/* In a READ of its own: listing in a WRITE would keep others from registering. Who registers later reads the keys
 * later. */
struct cardea_status background_heard(struct background *b, uint64_t *ret_n)
{
    int64_t published = 0;
    struct store_tx *tx = NULL;
    if (b->others == NULL)
        return CARDEA_FAIL(E_BUSY);
    struct cardea_status s =
        ops(b)->begin(b->keeper->store, STORE_READ, b->keeper->boot_ms() + BACKGROUND_DEADLINE_MS, &tx);
    if (!cardea_ok(s))
        return s;
    s = registry_view_list(b->others, ops(b), tx);
    struct cardea_status value = cardea_ok(s) ? ops(b)->value_get(tx, KEYS_PUBLISHED, &published) : s;
    ops(b)->abort(tx);
    if (!cardea_ok(s) || (!cardea_ok(value) && value.code != CARDEA_E_NOT_FOUND))
        return cardea_ok(s) ? value : s;
    int64_t now_ms = b->keeper->boot_ms();
    if (b->keeper->own_verifier != NULL)
        memcpy(b->others->own_id, b->keeper->own_verifier, sizeof b->others->own_id);
    registry_view_read(b->others, now_ms);
    uint64_t heard_n = registry_view_heard(b->others, now_ms);
    b->keys_unheard = (uint64_t)published > heard_n;
    *ret_n = heard_n;
    return CARDEA_SUCCESS;
}

static struct cardea_status tick_in(struct background *b, struct store_tx *tx, uint64_t heard_n, bool *ret_changed,
                                    token_formats *ret_lacking)
{
    struct key_demand d = demand_of(b);
    d.times.heard_n = heard_n;
    struct key_work w = {
        .tx = tx, .ops = ops(b), .master = b->keeper->master, .entropy = b->entropy, .now_ms = b->keeper->wall_ms()};
    if (b->maker == NULL)
        return keyring_tick(&w, d.formats, &d.times, ret_changed, ret_lacking);
    w.stock = key_maker_lock(b->maker);
    struct cardea_status s = keyring_tick(&w, d.formats, &d.times, ret_changed, ret_lacking);
    key_maker_unlock(b->maker);
    return s;
}

static void want_keys(struct background *b, token_formats lacking)
{
    if (lacking != 0 && b->maker == NULL)
        b->maker = key_maker_new(b->keeper->master, b->entropy, &b->keys_due);
    if (lacking != 0 && b->maker != NULL)
        key_maker_want(b->maker, lacking);
}

/* Nobody took it back: a node that was killed. Each ?wait=all would wait for its lease. */
static struct cardea_status bury(struct background *b, struct store_tx *tx, const struct verifier_record *dead)
{
    /* Listed again, alone: it may have come back since. */
    struct cardea_status s = registry_view_list(b->others, ops(b), tx);
    for (uint32_t i = 0; cardea_ok(s) && i < b->others->record_count; i++) {
        const struct verifier_record *r = &b->others->records[i];
        if (memcmp(r->id, dead->id, sizeof dead->id) == 0 && r->renewals == dead->renewals) {
            log_write(LOG_WARN, "a verifier that has not been heard of for long is taken out of the registry",
                      LOG_FIELDS(LOG_TEXT("name", view_text(r->name))));
            return ops(b)->verifier_delete(tx, dead->id);
        }
    }
    return s;
}

static void bury_dead(struct background *b)
{
    struct verifier_record dead;
    if (!registry_view_dead(b->others, b->keeper->boot_ms(), VERIFIER_SILENT_MS, &dead))
        return;
    struct store_tx *tx = begin(b);
    if (tx != NULL)
        (void)end(b, tx, bury(b, tx, &dead), "the registry of verifiers");
}

static bool tick_keys(struct background *b)
{
    struct keeper *k = b->keeper;
    uint64_t heard_n = 0;
    bool heard = cardea_ok(background_heard(b, &heard_n));
    if (heard)
        bury_dead(b);
    struct store_tx *tx = heard ? begin(b) : NULL;
    token_formats lacking = 0;
    bool changed = false;
    if (tx == NULL)
        return false;
    struct cardea_status s = tick_in(b, tx, heard_n, &changed, &lacking);
    want_keys(b, lacking);
    if (cardea_ok(s) && !changed) {
        ops(b)->abort(tx);
        return false;
    }
    /* Remote verifiers acknowledge rows that changes have brought: without its row a key would wait for the next one.
     */
    int64_t published = 0;
    if (cardea_ok(s)) {
        s = ops(b)->value_get(tx, KEYS_PUBLISHED, &published);
        s = s.code == CARDEA_E_NOT_FOUND ? CARDEA_SUCCESS : s;
    }
    struct change_list changes = {.count = 1, .n = (uint64_t)published, .items = {{.kind = CHANGE_KEYS}}};
    s = end(b, tx, s, "signing keys");
    if (cardea_ok(s))
        keeper_apply(k, &changes);
    else if (s.code == CARDEA_E_UNAVAILABLE && changed)
        keeper_doubt(k, &changes);
    return false;
}

static struct cardea_status append_failures(struct background *b, struct store_tx *tx, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct guess_report *r = &b->reports[i];
        struct event e = {.at_ms = b->keeper->wall_ms(), .ip = r->address, .revocation = {.kind = REVOCATION_NONE}};
        struct buf detail = buf_fixed(e.detail, sizeof e.detail - 1);
        struct json_writer w = json_writer(&detail);
        json_open_object(&w);
        json_member_text(&w, "username", view_text(r->username));
        json_member_int(&w, "failures", r->failures);
        json_close_object(&w);
        memcpy(e.type, AUDIT_login_failed, sizeof AUDIT_login_failed);
        memcpy(e.actor, "system", sizeof "system");
        struct cardea_status s = ops(b)->event_append(tx, &e);
        if (!cardea_ok(s))
            return s;
    }
    return CARDEA_SUCCESS;
}

static bool report_failures(struct background *b)
{
    if (b->report_count == 0)
        b->report_count = guess_drain(b->guess, b->reports, GUESS_AT_ONCE);
    uint32_t n = b->report_count;
    struct store_tx *tx = n == 0 ? NULL : begin(b);
    if (tx == NULL)
        return false;
    if (!cardea_ok(end(b, tx, append_failures(b, tx, n), "failed logins")))
        return false;
    b->report_count = 0;
    return n == GUESS_AT_ONCE;
}

/* An operator can not see otherwise why nothing expires. */
static void warn_of_clock(void)
{
    int64_t behind_ms = installation_clock_behind_ms();
    if (behind_ms > CLOCK_BEHIND_MS)
        log_write(LOG_WARN,
                  "the clock is behind a time that was seen before: until it has caught up, time stands still",
                  LOG_FIELDS(LOG_INT("behind_s", behind_ms / 1000)));
}

static bool save_clock(struct background *b)
{
    warn_of_clock();
    struct store_tx *tx = begin(b);
    if (tx != NULL)
        (void)end(b, tx, installation_clock_save(tx, ops(b)), "the clock");
    return false;
}

/* Rows that changed nothing in the table, so that nobody told the feed of them: all of them were written on this
 * thread. */
static void reach_head(struct background *b)
{
    struct event *last = malloc(sizeof *last);
    struct store_tx *tx = NULL;
    uint32_t count = 0;
    if (last != NULL && keeper_alone(b->keeper) &&
        cardea_ok(ops(b)->begin(b->keeper->store, STORE_READ, b->keeper->boot_ms() + BACKGROUND_DEADLINE_MS, &tx))) {
        if (cardea_ok(ops(b)->event_list(tx, 0, true, last, 1, &count)) && count == 1)
            keeper_reached(b->keeper, last->n);
        ops(b)->abort(tx);
    }
    free(last);
}

static bool renew_remotes(struct background *b)
{
    struct feed *feed = b->keeper->feed;
    if (!feed_renewal_due(feed))
        return false;
    reach_head(b);
    struct cardea_status s = feed_renew(feed, b->keeper->store, b->keeper->boot_ms() + BACKGROUND_DEADLINE_MS);
    atomic_store_explicit(&b->store_ok, cardea_ok(s), memory_order_relaxed);
    if (!cardea_ok(s))
        log_write(LOG_WARN, "background work failed",
                  LOG_FIELDS(LOG_TEXT("what", VIEW("leases of the feed")), LOG_STATUS(s)));
    return false;
}

void background_remotes(struct background *b)
{
    atomic_store(&b->remotes_due, true);
}

static bool (*const tasks[TASKS])(struct background *) = {
    [TASK_MEND] = mend,      [TASK_TABLE] = sweep_table,     [TASK_SEEN] = flush_seen,  [TASK_STORE] = sweep_store,
    [TASK_KEYS] = tick_keys, [TASK_GUESS] = report_failures, [TASK_CLOCK] = save_clock, [TASK_REMOTES] = renew_remotes,
};

bool background_step(void *background)
{
    struct background *b = background;
    int64_t now = b->keeper->boot_ms();
    if (atomic_exchange(&b->keys_due, false))
        b->due_ms[TASK_KEYS] = now;
    if (atomic_exchange(&b->remotes_due, false))
        b->due_ms[TASK_REMOTES] = now;
    for (int i = 0; i < TASKS; i++) {
        int task = (b->turn + i) % TASKS;
        if (b->due_ms[task] > now)
            continue;
        b->turn = (task + 1) % TASKS;
        if (!tasks[task](b))
            b->due_ms[task] = now + (task == TASK_KEYS && b->keys_unheard ? KEYS_SOON_MS : every_ms[task]);
        return true;
    }
    return false;
}

void background_flush(struct background *b)
{
    (void)mend(b);
    while (flush_seen(b))
        ;
    while (report_failures(b))
        ;
    (void)save_clock(b);
}

struct cardea_status background_event(struct background *b, const char *type, struct view detail)
{
    struct event e = {.at_ms = b->keeper->wall_ms(), .revocation = {.kind = REVOCATION_NONE}};
    struct buf t = buf_fixed(e.type, sizeof e.type - 1), d = buf_fixed(e.detail, sizeof e.detail - 1);
    buf_text(&t, type);
    buf_put(&d, detail);
    memcpy(e.actor, "system", sizeof "system");
    if (!buf_ok(&t) || !buf_ok(&d))
        return CARDEA_FAIL(E_INTERNAL);
    struct store_tx *tx = begin(b);
    if (tx == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    return end(b, tx, ops(b)->event_append(tx, &e), type);
}
