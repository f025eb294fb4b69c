#include "daemon/keeper.h"

#include "crypto/random.h"
#include "daemon/log.h"

#include <stdlib.h>

enum { FULL_LOG_EVERY_MS = 60000, KEYS_DEADLINE_MS = 5000 };

static const struct settings *settings_now(struct keeper *k)
{
    struct snapshot_hold *hold = snapshot_hold(k->publisher, &k->hold);
    if (hold == NULL)
        return NULL;
    snapshot_release(hold); /* k->hold still counts for us */
    return k->hold->snapshot->settings;
}

/* Which index the app of a new session has. false: an app that is not there (any more). */
static bool app_index(const struct settings *s, const struct change *c, uint16_t *out)
{
    *out = 0;
    if (c->kind != CHANGE_SESSION_PUT)
        return true;
    return s != NULL && settings_app(s, view_text(c->session->app), out) != NULL;
}

/* A full table is slow, not wrong: what is not in it is asked of the store. Say so once a minute, and what would help:
 * sessions have room by configuration, the rest shares a fixed one (table.h, section 5). */
static void report_full(struct keeper *k, enum change_kind kind, int64_t now)
{
    bool session = kind == CHANGE_SESSION_PUT;
    int64_t *logged_ms = session ? &k->sessions_full_logged_ms : &k->others_full_logged_ms;
    if (now - *logged_ms < FULL_LOG_EVERY_MS)
        return;
    *logged_ms = now;
    log_write(LOG_WARN,
              session ? "the verification table has no room for another session: raise limits.sessions"
                      : "the verification table has no room for more users, API keys and revocations: checks of those "
                        "that found none ask the store",
              LOG_NOTHING);
}

static void put(struct keeper *k, const struct settings *settings, const struct change *c, int64_t now)
{
    uint16_t app;
    if (app_index(settings, c, &app) && table_apply(k->writer, c, app, now).code == CARDEA_E_LIMIT)
        report_full(k, c->kind, now);
}

static bool narrows(enum change_kind kind)
{
    return kind == CHANGE_SESSION_END || kind == CHANGE_USER_END || kind == CHANGE_TOKEN_END ||
           kind == CHANGE_API_KEY_END;
}

static void lose(struct keeper *k, bool keys)
{
    if (!k->lost && !k->keys_stale)
        log_write(LOG_ERROR, "the store's state is not known: checks answer 503 until it is read again", LOG_NOTHING);
    k->lost = true;
    k->keys_stale = k->keys_stale || keys;
    table_set_valid_until(k->writer, 0);
}

void keeper_apply(void *keeper, const struct change_list *changes)
{
    struct keeper *k = keeper;
    int64_t now = k->wall_ms();
    bool keys = false;
    const struct settings *settings = settings_now(k);
    for (uint32_t i = 0; i < changes->count; i++) {
        if (changes->items[i].kind == CHANGE_KEYS)
            keys = true;
        else
            put(k, settings, &changes->items[i], now);
    }
    if (keys && !cardea_ok(keeper_load_keys(k)))
        lose(k, true);
}

void keeper_doubt(void *keeper, const struct change_list *changes)
{
    struct keeper *k = keeper;
    int64_t now = k->wall_ms();
    bool keys = false;
    for (uint32_t i = 0; i < changes->count; i++) {
        keys = keys || changes->items[i].kind == CHANGE_KEYS;
        if (narrows(changes->items[i].kind))
            put(k, NULL, &changes->items[i], now);
    }
    if (!doubts_add(&k->doubts, changes))
        log_write(LOG_ERROR, "a change of unknown outcome can not be kept: whoever was told 503 must ask again",
                  LOG_NOTHING);
    lose(k, keys);
}

/* The public halves, for readers that hold no keyring. A symmetric key has none: it never enters the table. */
static struct cardea_status publish_keys(struct keeper *k, const struct keyring *ring)
{
    struct table_key *keys = calloc(KEYRING_MAX, sizeof *keys);
    size_t count = 0;
    if (keys == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    for (uint32_t i = 0; i < ring->access_count; i++) {
        const struct access_key *from = &ring->access[i];
        if (from->public_len == 0)
            continue;
        struct table_key *to = &keys[count++];
        to->kid = from->id;
        to->algorithm = (uint8_t)from->format;
        to->state = (uint8_t)from->state;
        to->public_len = from->public_len;
        memcpy(to->public_bytes, from->public_bytes, from->public_len);
    }
    struct cardea_status s = table_set_keys(k->writer, keys, count);
    free(keys);
    return s;
}

static struct cardea_status read_keys(struct keeper *k, struct keyring **out)
{
    const struct store_ops *ops = k->store->ops;
    struct store_tx *tx = NULL;
    struct cardea_status s = ops->begin(k->store, STORE_READ, k->boot_ms() + KEYS_DEADLINE_MS, &tx);
    if (!cardea_ok(s))
        return s;
    s = keyring_load(tx, ops, k->master, k->keys_generation + 1, out);
    ops->abort(tx);
    return s;
}

struct cardea_status keeper_load_keys(struct keeper *k)
{
    struct keyring *ring = NULL;
    struct cardea_status s = read_keys(k, &ring);
    if (!cardea_ok(s))
        return s;
    k->keys_generation++;
    s = publish_keys(k, ring);
    if (!cardea_ok(s)) {
        keyring_unref(ring);
        return s;
    }
    return publisher_amend(k->publisher, NULL, NULL, ring, NULL);
}

struct fill {
    struct keeper *k;
    const struct settings *settings;
    const struct store_ops *ops;
    struct store_tx *tx;
    int64_t now_ms;
    void *rows;
    struct fill_counts counts;
};

static struct cardea_status fill_revocations(struct fill *f)
{
    static const enum change_kind kinds[] = {
        [REVOCATION_TOKEN] = CHANGE_TOKEN_END,
        [REVOCATION_SESSION] = CHANGE_SESSION_END,
        [REVOCATION_API_KEY] = CHANGE_API_KEY_END,
        [REVOCATION_KEY] = CHANGE_UNSET, /* the keyring is without it; epochs stand in the users' records */
    };
    struct event *events = f->rows;
    uint64_t after = 0;
    uint32_t count;
    do {
        struct cardea_status s = f->ops->revocation_list(f->tx, after, f->now_ms, events, FILL_ROWS, &count);
        if (!cardea_ok(s))
            return s;
        for (uint32_t i = 0; i < count; i++) {
            after = events[i].n;
            enum change_kind kind = kinds[events[i].revocation.kind];
            if (kind == CHANGE_UNSET)
                continue;
            struct change c = {.kind = kind, .revocation = events[i].revocation};
            put(f->k, f->settings, &c, f->now_ms);
            f->counts.revocations++;
        }
    } while (count == FILL_ROWS);
    return CARDEA_SUCCESS;
}

static struct cardea_status fill_users(struct fill *f)
{
    struct user_record *users = f->rows;
    struct user_filter all = {0};
    struct page page = {.limit = PAGE_MAX};
    uint32_t count;
    do {
        struct cursor next = {0};
        struct cardea_status s = f->ops->user_list(f->tx, &all, &page, users, &count, &next);
        if (!cardea_ok(s))
            return s;
        for (uint32_t i = 0; i < count; i++) {
            struct change c = {.kind = CHANGE_USER_PUT, .user = &users[i]};
            put(f->k, f->settings, &c, f->now_ms);
        }
        f->counts.users += count;
        page.after = next;
    } while (page.after.text[0] != '\0');
    return CARDEA_SUCCESS;
}

static struct cardea_status fill_api_keys(struct fill *f)
{
    struct api_key_record *keys = f->rows;
    struct page page = {.limit = PAGE_MAX};
    uint32_t count;
    do {
        struct cursor next = {0};
        struct cardea_status s = f->ops->api_key_list(f->tx, NULL, &page, keys, &count, &next);
        if (!cardea_ok(s))
            return s;
        for (uint32_t i = 0; i < count; i++) {
            struct change c = {.kind = CHANGE_API_KEY_PUT, .api_key = &keys[i]};
            put(f->k, f->settings, &c, f->now_ms);
        }
        f->counts.api_keys += count;
        page.after = next;
    } while (page.after.text[0] != '\0');
    return CARDEA_SUCCESS;
}

static struct cardea_status fill_sessions(struct fill *f)
{
    struct session_record *sessions = f->rows;
    struct session_id after = {{0}};
    uint32_t count;
    do {
        struct cardea_status s = f->ops->session_scan(f->tx, after, sessions, FILL_ROWS, &count);
        /* An engine that can not say which sessions it has: each is read when it is first asked for. */
        if (s.code == CARDEA_E_LIMIT)
            return CARDEA_SUCCESS;
        if (!cardea_ok(s))
            return s;
        for (uint32_t i = 0; i < count; i++) {
            after = sessions[i].sid;
            if (sessions[i].expires_at_ms <= f->now_ms)
                continue;
            struct change c = {.kind = CHANGE_SESSION_PUT, .session = &sessions[i]};
            put(f->k, f->settings, &c, f->now_ms);
            f->counts.sessions++;
        }
    } while (count == FILL_ROWS);
    return CARDEA_SUCCESS;
}

static size_t rows_size(void)
{
    size_t size = FILL_ROWS * sizeof(struct session_record);
    const size_t others[] = {FILL_ROWS * sizeof(struct event), PAGE_MAX * sizeof(struct user_record),
                             PAGE_MAX * sizeof(struct api_key_record)};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] > size)
            size = others[i];
    return size;
}

/* What has ended first, so that nothing of it comes alive; users before their sessions, so that these know them. */
static struct cardea_status fill_all(struct fill *f)
{
    struct cardea_status s = fill_revocations(f);
    if (cardea_ok(s))
        s = fill_users(f);
    if (cardea_ok(s))
        s = fill_api_keys(f);
    return cardea_ok(s) ? fill_sessions(f) : s;
}

struct cardea_status keeper_fill(struct keeper *k, struct fill_counts *ret_counts)
{
    struct fill f = {.k = k, .settings = settings_now(k), .ops = k->store->ops, .now_ms = k->wall_ms()};
    f.rows = malloc(rows_size());
    if (f.rows == NULL || f.settings == NULL) {
        free(f.rows);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    struct cardea_status s = f.ops->begin(k->store, STORE_READ, k->boot_ms() + FILL_DEADLINE_MS, &f.tx);
    if (cardea_ok(s)) {
        s = fill_all(&f);
        f.ops->abort(f.tx);
    }
    free(f.rows);
    if (!cardea_ok(s))
        return s;
    k->lost = false;
    if (!k->keys_stale)
        table_set_valid_until(k->writer, INT64_MAX);
    *ret_counts = f.counts;
    return CARDEA_SUCCESS;
}

bool keeper_sound(const struct keeper *k)
{
    return !k->lost && !k->keys_stale;
}

/* Write what may not have been written. Until that is done the table stays shut: what it would read is not what was
 * asked for. */
static bool settle_doubts(struct keeper *k)
{
    const struct store_ops *ops = k->store->ops;
    struct store_tx *tx = NULL;
    struct doubts_outcome done = {0};
    if (k->doubts.count == 0)
        return true;
    struct cardea_status s = ops->begin(k->store, STORE_WRITE, k->boot_ms() + DOUBTS_DEADLINE_MS, &tx);
    if (!cardea_ok(s))
        return false;
    const struct key_work work = {
        .tx = tx, .ops = ops, .master = k->master, .entropy = entropy_system(), .now_ms = k->wall_ms()};
    s = doubts_write(&k->doubts, &work, &done);
    if (cardea_ok(s))
        s = ops->commit(tx);
    else
        ops->abort(tx);
    if (!cardea_ok(s)) {
        log_write(LOG_WARN, "changes of unknown outcome could not be written again yet",
                  LOG_FIELDS(LOG_INT("changes", k->doubts.count), LOG_STATUS(s)));
        return false;
    }
    log_write(LOG_INFO, "changes of unknown outcome are settled",
              LOG_FIELDS(LOG_INT("changes", k->doubts.count), LOG_INT("written_again", done.written)));
    if (done.failed > 0)
        log_write(LOG_ERROR, "changes of unknown outcome can not be written: whoever was told 503 must ask again",
                  LOG_FIELDS(LOG_INT("changes", done.failed)));
    doubts_clear(&k->doubts);
    return true;
}

void keeper_close(struct keeper *k)
{
    if (k->doubts.count > 0)
        log_write(LOG_ERROR, "changes of unknown outcome were not written again: whoever was told 503 must ask again",
                  LOG_FIELDS(LOG_INT("changes", k->doubts.count)));
    doubts_clear(&k->doubts);
}

void keeper_mend(struct keeper *k)
{
    struct fill_counts counts;
    if (!settle_doubts(k))
        return;
    if (k->keys_stale && cardea_ok(keeper_load_keys(k)))
        k->keys_stale = false;
    if (k->keys_stale || !cardea_ok(keeper_fill(k, &counts)))
        return;
    log_write(LOG_INFO, "the store was read again: checks are answered",
              LOG_FIELDS(LOG_INT("sessions", counts.sessions), LOG_INT("users", counts.users)));
}
