#include "daemon/keeper.h"

#include "crypto/random.h"
#include "daemon/log.h"

#include <stdatomic.h>
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

/* For the feed: after the table has it. */
static void note(struct keeper *k, const struct change *c)
{
    if (k->feed != NULL)
        feed_log_change(feed_log_of(k->feed), c);
}

static void put(struct keeper *k, const struct settings *settings, const struct change *c, int64_t now)
{
    uint16_t app;
    if (!app_index(settings, c, &app))
        return;
    if (table_apply(k->writer, c, app, now).code == CARDEA_E_LIMIT)
        report_full(k, c->kind, now);
    note(k, c);
}

static bool narrows(enum change_kind kind)
{
    return kind == CHANGE_SESSION_END || kind == CHANGE_USER_END || kind == CHANGE_TOKEN_END ||
           kind == CHANGE_API_KEY_END;
}

/* A change as `self` read or wrote it after the mark. */
static void bring(struct keeper *k, const struct settings *settings, const struct change *c, uint64_t mark,
                  enum recent_source self, int64_t now)
{
    if (narrows(c->kind) || !recent_changed(k->recent, c, mark, self)) {
        put(k, settings, c, now);
        return;
    }
    table_forget(k->writer, c->kind, change_id(c));
    note(k, c);
}

/* --- what holds now --- */

/* After any change of what it is made of. */
static void publish(struct keeper *k)
{
    bool sound = !k->lost && !k->keys_stale;
    table_set_valid_until(k->writer, sound ? k->lease_ms : 0);
    atomic_store(&k->decides_ms, sound ? k->store_ms : 0);
}

static void lose(struct keeper *k, bool keys)
{
    if (!k->lost && !k->keys_stale)
        log_write(LOG_ERROR, "the store's state is not known: checks answer 503 until it is read again", LOG_NOTHING);
    k->lost = true;
    k->keys_stale = k->keys_stale || keys;
    publish(k);
}

struct cardea_status keeper_open(struct keeper *k)
{
    k->recent = recent_new();
    if (k->recent == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    pthread_mutex_init(&k->lock, NULL);
    k->lost = true; /* nothing was read yet */
    k->lease_ms = INT64_MAX;
    atomic_init(&k->known_ms, INT64_MAX);
    return CARDEA_SUCCESS;
}

void keeper_close(struct keeper *k)
{
    if (k->recent == NULL)
        return;
    if (k->doubts.count > 0)
        log_write(LOG_ERROR, "changes of unknown outcome were not written again: whoever was told 503 must ask again",
                  LOG_FIELDS(LOG_INT("changes", k->doubts.count)));
    doubts_clear(&k->doubts);
    snapshot_release(k->hold);
    k->hold = NULL;
    recent_free(k->recent);
    k->recent = NULL;
    pthread_mutex_destroy(&k->lock);
}

void keeper_lease(struct keeper *k, int64_t until_ms)
{
    pthread_mutex_lock(&k->lock);
    k->lease_ms = until_ms;
    publish(k);
    pthread_mutex_unlock(&k->lock);
}

void keeper_store_lease(struct keeper *k, int64_t until_ms)
{
    pthread_mutex_lock(&k->lock);
    k->store_ms = until_ms;
    atomic_store(&k->known_ms, until_ms);
    publish(k);
    pthread_mutex_unlock(&k->lock);
}

bool keeper_store_decides(struct keeper *k)
{
    return k->boot_ms() < atomic_load(&k->decides_ms);
}

bool keeper_store_lost(struct keeper *k)
{
    return k->boot_ms() >= atomic_load(&k->known_ms);
}

bool keeper_sound(struct keeper *k)
{
    pthread_mutex_lock(&k->lock);
    bool sound = !k->lost && !k->keys_stale;
    pthread_mutex_unlock(&k->lock);
    return sound;
}

/* --- changes --- */

uint64_t keeper_mark(struct keeper *k)
{
    return recent_mark(k->recent);
}

void keeper_begin(void *keeper)
{
    struct keeper *k = keeper;
    k->commit_mark = recent_mark(k->recent);
}

static struct cardea_status load_keys(struct keeper *k);

/* Changes of the committer or the follower; CHANGE_KEYS is passed over. */
static void apply(struct keeper *k, const struct change *changes, uint32_t count, uint64_t mark,
                  enum recent_source self)
{
    int64_t now = k->wall_ms();
    const struct settings *settings = settings_now(k);
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i].kind == CHANGE_KEYS)
            continue;
        recent_note(k->recent, &changes[i], self);
        bring(k, settings, &changes[i], mark, self, now);
    }
}

/* The table has everything up to this row of the journal: the feed's verifiers acknowledge by it. */
static void reached(struct keeper *k, uint64_t n)
{
    if (k->feed == NULL || n <= k->reached)
        return;
    k->reached = n;
    feed_log_mark(feed_log_of(k->feed), n);
}

void keeper_reached(struct keeper *k, uint64_t n)
{
    pthread_mutex_lock(&k->lock);
    uint64_t before = k->reached;
    reached(k, n);
    bool moved = k->reached != before;
    pthread_mutex_unlock(&k->lock);
    if (moved)
        feed_wake(k->feed);
}

bool keeper_alone(struct keeper *k)
{
    pthread_mutex_lock(&k->lock);
    bool alone = k->lease_ms == INT64_MAX;
    pthread_mutex_unlock(&k->lock);
    return alone;
}

void keeper_apply(void *keeper, const struct change_list *changes)
{
    struct keeper *k = keeper;
    bool keys = false;
    for (uint32_t i = 0; i < changes->count; i++)
        keys = keys || changes->items[i].kind == CHANGE_KEYS;
    pthread_mutex_lock(&k->lock);
    apply(k, changes->items, changes->count, k->commit_mark, RECENT_COMMITTER);
    if (keys && !cardea_ok(load_keys(k)))
        lose(k, true);
    /* Where nobody else writes, everything up to this row is applied now. */
    if (k->lease_ms == INT64_MAX)
        reached(k, changes->n);
    pthread_mutex_unlock(&k->lock);
    feed_wake(k->feed);
}

void keeper_follow(struct keeper *k, uint64_t mark, const struct change *changes, uint32_t count)
{
    pthread_mutex_lock(&k->lock);
    apply(k, changes, count, mark, RECENT_FOLLOWER);
    pthread_mutex_unlock(&k->lock);
    feed_wake(k->feed);
}

void keeper_empty(struct keeper *k)
{
    pthread_mutex_lock(&k->lock);
    k->lease_ms = 0;
    publish(k);
    recent_forget(k->recent);
    table_clear(k->writer);
    if (k->feed != NULL)
        feed_log_reset(feed_log_of(k->feed));
    k->reached = 0;
    pthread_mutex_unlock(&k->lock);
}

void keeper_doubt(void *keeper, const struct change_list *changes)
{
    struct keeper *k = keeper;
    int64_t now = k->wall_ms();
    bool keys = false;
    pthread_mutex_lock(&k->lock);
    for (uint32_t i = 0; i < changes->count; i++) {
        keys = keys || changes->items[i].kind == CHANGE_KEYS;
        recent_note(k->recent, &changes->items[i], RECENT_COMMITTER);
        if (narrows(changes->items[i].kind))
            put(k, NULL, &changes->items[i], now);
    }
    if (!doubts_add(&k->doubts, changes))
        log_write(LOG_ERROR, "a change of unknown outcome can not be kept: whoever was told 503 must ask again",
                  LOG_NOTHING);
    lose(k, keys);
    pthread_mutex_unlock(&k->lock);
}

void keeper_apps_shown(struct keeper *k)
{
    pthread_mutex_lock(&k->lock);
    if (k->feed != NULL)
        feed_log_note(feed_log_of(k->feed), FEED_APPS, NULL);
    pthread_mutex_unlock(&k->lock);
    feed_wake(k->feed);
}

/* --- fills --- */

/* false: not taken, because it may be old, is here already, or has no room. */
static bool take(struct keeper *k, const struct settings *settings, const struct change *c, uint64_t mark, int64_t now)
{
    uint16_t app;
    if (recent_changed(k->recent, c, mark, RECENT_UNSET) || !app_index(settings, c, &app) ||
        !cardea_ok(table_fill(k->writer, c, app, now)))
        return false;
    note(k, c);
    return true;
}

/* It has just been used, which a check against memory alone would have noted. */
static void note_seen(struct keeper *k, struct session_id sid, int64_t now)
{
    struct table_session found;
    const struct table *t = table_of(k->writer);
    if (table_find_session(t, sid, &found) == TABLE_HIT)
        table_session_seen(t, &found, now);
}

void keeper_offer(struct keeper *k, uint64_t mark, const struct user_record *user, const struct session_record *session,
                  const struct api_key_record *key)
{
    const struct change user_put = {.kind = CHANGE_USER_PUT, .user = user};
    const struct change session_put = {.kind = CHANGE_SESSION_PUT, .session = session};
    const struct change key_put = {.kind = CHANGE_API_KEY_PUT, .api_key = key};
    bool taken = false;
    if (pthread_mutex_trylock(&k->lock) == 0) {
        /* While the store's state is not known, what it says is not either. */
        if (!k->lost) {
            const struct settings *settings = settings_now(k);
            int64_t now = k->wall_ms();
            /* The user first: what is theirs then knows where to look. */
            if (user != NULL)
                taken = take(k, settings, &user_put, mark, now);
            if (session != NULL) {
                taken = take(k, settings, &session_put, mark, now) || taken;
                note_seen(k, session->sid, now);
            }
            if (key != NULL)
                taken = take(k, settings, &key_put, mark, now) || taken;
        }
        pthread_mutex_unlock(&k->lock);
    }
    atomic_fetch_add_explicit(taken ? &k->fills : &k->fills_dropped, 1, memory_order_relaxed);
}

/* --- time --- */

uint32_t keeper_sweep(struct keeper *k, uint32_t steps)
{
    pthread_mutex_lock(&k->lock);
    uint32_t freed = table_sweep(k->writer, k->wall_ms(), steps);
    pthread_mutex_unlock(&k->lock);
    return freed;
}

uint32_t keeper_take_seen(struct keeper *k, struct session_id *sids, int64_t *seen_ms, uint32_t cap)
{
    pthread_mutex_lock(&k->lock);
    uint32_t count = table_take_seen(k->writer, k->wall_ms(), sids, seen_ms, cap);
    pthread_mutex_unlock(&k->lock);
    return count;
}

/* --- keys --- */

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
    if (k->feed != NULL)
        feed_log_note(feed_log_of(k->feed), FEED_KEYS, NULL);
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

/* Read and put in force under one lock: an older reading never comes after a newer one. */
static struct cardea_status load_keys(struct keeper *k)
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

struct cardea_status keeper_load_keys(struct keeper *k)
{
    pthread_mutex_lock(&k->lock);
    struct cardea_status s = load_keys(k);
    pthread_mutex_unlock(&k->lock);
    feed_wake(k->feed);
    return s;
}

/* --- everything --- */

struct fill {
    struct keeper *k;
    enum recent_source self;
    void (*breathe)(void *context); /* NULL: not needed */
    void *breath_context;
    uint64_t mark;
    const struct store_ops *ops;
    struct store_tx *tx;
    int64_t now_ms;
    void *rows;
    struct fill_counts counts;
};

/* Some of what was read. A row's change is made by `change_of`; false: it means none. */
static uint64_t bring_rows(struct fill *f, uint32_t count,
                           bool (*change_of)(const struct fill *f, uint32_t row, struct change *out))
{
    uint64_t brought = 0;
    struct change c;
    pthread_mutex_lock(&f->k->lock);
    const struct settings *settings = settings_now(f->k);
    for (uint32_t i = 0; i < count; i++)
        if (change_of(f, i, &c)) {
            bring(f->k, settings, &c, f->mark, f->self, f->now_ms);
            brought++;
        }
    pthread_mutex_unlock(&f->k->lock);
    if (f->breathe != NULL)
        f->breathe(f->breath_context);
    return brought;
}

static bool revocation_change(const struct fill *f, uint32_t row, struct change *out)
{
    const struct event *e = (const struct event *)f->rows + row;
    static const enum change_kind kinds[] = {
        [REVOCATION_TOKEN] = CHANGE_TOKEN_END,
        [REVOCATION_SESSION] = CHANGE_SESSION_END,
        [REVOCATION_API_KEY] = CHANGE_API_KEY_END,
        [REVOCATION_KEY] = CHANGE_UNSET, /* the keyring is without it; epochs stand in the users' records */
    };
    *out = (struct change){.kind = kinds[e->revocation.kind], .revocation = e->revocation};
    return out->kind != CHANGE_UNSET;
}

static struct cardea_status fill_revocations(struct fill *f)
{
    struct event *events = f->rows;
    uint64_t after = 0;
    uint32_t count;
    do {
        struct cardea_status s = f->ops->revocation_list(f->tx, after, f->now_ms, events, FILL_ROWS, &count);
        if (!cardea_ok(s))
            return s;
        if (count > 0)
            after = events[count - 1].n;
        f->counts.revocations += bring_rows(f, count, revocation_change);
    } while (count == FILL_ROWS);
    return CARDEA_SUCCESS;
}

static bool user_change(const struct fill *f, uint32_t row, struct change *out)
{
    *out = (struct change){.kind = CHANGE_USER_PUT, .user = (const struct user_record *)f->rows + row};
    return true;
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
        f->counts.users += bring_rows(f, count, user_change);
        page.after = next;
    } while (page.after.text[0] != '\0');
    return CARDEA_SUCCESS;
}

static bool api_key_change(const struct fill *f, uint32_t row, struct change *out)
{
    *out = (struct change){.kind = CHANGE_API_KEY_PUT, .api_key = (const struct api_key_record *)f->rows + row};
    return true;
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
        f->counts.api_keys += bring_rows(f, count, api_key_change);
        page.after = next;
    } while (page.after.text[0] != '\0');
    return CARDEA_SUCCESS;
}

static bool session_change(const struct fill *f, uint32_t row, struct change *out)
{
    const struct session_record *r = (const struct session_record *)f->rows + row;
    *out = (struct change){.kind = CHANGE_SESSION_PUT, .session = r};
    return r->expires_at_ms > f->now_ms;
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
        if (count > 0)
            after = sessions[count - 1].sid;
        f->counts.sessions += bring_rows(f, count, session_change);
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

static struct cardea_status fill_table(struct fill *f)
{
    struct keeper *k = f->k;
    f->mark = keeper_mark(k);
    f->ops = k->store->ops;
    f->now_ms = k->wall_ms();
    f->rows = malloc(rows_size());
    if (f->rows == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = f->ops->begin(k->store, STORE_READ, k->boot_ms() + FILL_DEADLINE_MS, &f->tx);
    if (cardea_ok(s)) {
        s = fill_all(f);
        f->ops->abort(f->tx);
    }
    free(f->rows);
    return s;
}

struct cardea_status keeper_fill(struct keeper *k, struct fill_counts *ret_counts)
{
    struct fill f = {.k = k, .self = RECENT_COMMITTER};
    struct cardea_status s = fill_table(&f);
    if (!cardea_ok(s))
        return s;
    pthread_mutex_lock(&k->lock);
    k->lost = false;
    publish(k);
    pthread_mutex_unlock(&k->lock);
    *ret_counts = f.counts;
    return s;
}

struct cardea_status keeper_refill(struct keeper *k, void (*breathe)(void *context), void *context,
                                   struct fill_counts *ret_counts)
{
    struct fill f = {.k = k, .self = RECENT_FOLLOWER, .breathe = breathe, .breath_context = context};
    struct cardea_status s = fill_table(&f);
    if (cardea_ok(s))
        *ret_counts = f.counts;
    return s;
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

void keeper_mend(struct keeper *k)
{
    struct fill_counts counts;
    if (!settle_doubts(k))
        return;
    pthread_mutex_lock(&k->lock);
    if (k->keys_stale && cardea_ok(load_keys(k)))
        k->keys_stale = false;
    bool keys = !k->keys_stale;
    pthread_mutex_unlock(&k->lock);
    if (!keys || !cardea_ok(keeper_fill(k, &counts)))
        return;
    log_write(LOG_INFO, "the store was read again: checks are answered",
              LOG_FIELDS(LOG_INT("sessions", counts.sessions), LOG_INT("users", counts.users)));
}
