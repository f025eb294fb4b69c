#include "daemon/feed_stream.h"

#include "crypto/digest.h"
#include "daemon/log.h"

#include <stdlib.h>
#include <time.h>

enum { WAKE_STEP_MS = 50, FULL_LOG_EVERY_MS = 60000 };

/* --- when the registry is due --- */

/* Is it time to write this one? Soon after it asked, and when it has got further: somebody may wait for that. */
static bool renewal_due(const struct feed *f, const struct remote *r, int64_t now_ms)
{
    bool present = now_ms - r->heard_ms < f->host.lease_ms;
    /* One that has stopped reading amid a passage gets no lease from it that was not renewed when that began: nobody
     * is to wait for it any longer. */
    if (!r->used || (!present && r->streams > 0))
        return false;
    /* It was not taken: the store failed, or the registry is full. */
    if (r->renewed_ms == INT64_MIN && r->tried_ms != INT64_MIN && now_ms - r->tried_ms < f->host.lease_ms / 4)
        return false;
    if (!present) /* its lease, which was granted from this writing at the latest, is over for everybody */
        return r->renewed_ms == INT64_MIN || now_ms - r->renewed_ms > 2 * f->host.lease_ms;
    return r->renewed_ms == INT64_MIN || r->n != r->written_n || now_ms - r->renewed_ms >= f->host.lease_ms / 4;
}

static bool any_due(const struct feed *f, int64_t now_ms)
{
    bool due = false;
    for (size_t i = 0; i < FEED_REMOTES_MAX && !due; i++)
        due = renewal_due(f, &f->remotes[i], now_ms);
    return due;
}

/* --- waking --- */

static void list_drop(struct feed_stream *s)
{
    struct feed *f = s->feed;
    if (s->previous != NULL)
        s->previous->next = s->next;
    else
        f->streams = s->next;
    if (s->next != NULL)
        s->next->previous = s->previous;
}

/* All whose time has come. The lock is held. */
static void wake_due(struct feed *f, int64_t now)
{
    for (struct feed_stream *s = f->streams, *next; s != NULL; s = next) {
        next = s->next;
        if (!s->waiting || (!f->changed && !f->stopping && now < s->wake_at_ms))
            continue;
        s->waiting = false;
        s->host.resume(s->host.context);
    }
    f->changed = false;
}

static void *wake(void *argument)
{
    struct feed *f = argument;
    pthread_mutex_lock(&f->lock);
    while (!f->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WAKE_STEP_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        /* Without streams there is nothing to look at until one comes. */
        if (!f->changed && f->stream_count == 0)
            pthread_cond_wait(&f->come, &f->lock);
        else if (!f->changed)
            pthread_cond_timedwait(&f->come, &f->lock, &until);
        wake_due(f, f->host.boot_ms());
        bool due = any_due(f, f->host.boot_ms());
        pthread_mutex_unlock(&f->lock);
        if (due && f->host.poke != NULL)
            f->host.poke(f->host.context);
        pthread_mutex_lock(&f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

void feed_wake(struct feed *f)
{
    if (f == NULL)
        return;
    pthread_mutex_lock(&f->lock);
    f->changed = f->stream_count > 0;
    if (f->changed)
        pthread_cond_signal(&f->come);
    pthread_mutex_unlock(&f->lock);
}

void feed_hurry(struct feed *f)
{
    if (f == NULL)
        return;
    pthread_mutex_lock(&f->lock);
    f->hurries++;
    f->changed = f->stream_count > 0;
    if (f->changed)
        pthread_cond_signal(&f->come);
    pthread_mutex_unlock(&f->lock);
}

/* --- the whole --- */

struct cardea_status feed_new(const struct feed_host *host, struct feed **out)
{
    struct feed *f = calloc(1, sizeof *f);
    if (f == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    f->host = *host;
    f->log = feed_log_new(FEED_LOG_ENTRIES, host->entropy);
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&f->come, &attributes);
    pthread_condattr_destroy(&attributes);
    if (f->log == NULL || pthread_create(&f->thread, NULL, wake, f) != 0) {
        feed_free(f);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    pthread_setname_np(f->thread, "feed");
    f->running = true;
    *out = f;
    return CARDEA_SUCCESS;
}

void feed_stop(struct feed *f)
{
    if (f == NULL || !f->running)
        return;
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    wake_due(f, 0);
    pthread_cond_signal(&f->come);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    f->running = false;
}

void feed_free(struct feed *f)
{
    if (f == NULL)
        return;
    feed_stop(f);
    pthread_cond_destroy(&f->come);
    pthread_mutex_destroy(&f->lock);
    feed_log_free(f->log);
    free(f);
}

struct feed_log *feed_log_of(struct feed *f)
{
    return f->log;
}

struct feed_stats feed_stats(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    struct feed_stats stats = {.streams = f->stream_count, .snapshots = f->snapshots};
    for (size_t i = 0; i < FEED_REMOTES_MAX; i++)
        stats.remotes += f->remotes[i].used;
    pthread_mutex_unlock(&f->lock);
    stats.head = feed_log_head(f->log);
    return stats;
}

/* --- verifiers --- */

/* A verifier is one at this node, by this key: its record is nobody else's. */
static void remote_id(const struct feed *f, const struct feed_request *ask, uint8_t out[16])
{
    uint8_t bytes[48], digest[32];
    feed_log_id(f->log, bytes);
    memcpy(bytes + 16, ask->key.bytes, 16);
    memcpy(bytes + 32, ask->verifier, 16);
    digest_sha256(bytes, sizeof bytes, digest);
    memcpy(out, digest, 16);
}

static struct remote *remote_of(struct feed *f, const uint8_t id[16], const struct api_key_id *key)
{
    struct remote *unused = NULL;
    uint32_t of_key = 0;
    for (size_t i = 0; i < FEED_REMOTES_MAX; i++) {
        struct remote *r = &f->remotes[i];
        if (r->used && memcmp(r->id, id, sizeof r->id) == 0)
            return r;
        if (!r->used && unused == NULL)
            unused = r;
        of_key += r->used && ID_SAME(r->key, *key);
    }
    if (of_key >= FEED_REMOTES_KEY_MAX)
        return NULL;
    if (unused != NULL) {
        *unused = (struct remote){.used = true, .renewed_ms = INT64_MIN, .tried_ms = INT64_MIN};
        memcpy(unused->id, id, sizeof unused->id);
    }
    return unused;
}

int64_t feed_grant(const struct feed *f, const struct remote *r, int64_t now_ms)
{
    int64_t until_ms = table_valid_until(f->host.table), whole_ms = f->host.lease_ms;
    if (whole_ms > FEED_LEASE_MAX_MS)
        whole_ms = FEED_LEASE_MAX_MS;
    if (r->renewed_ms == INT64_MIN || until_ms <= now_ms)
        return 0;
    /* One node: the table is valid for good, and the lease begins now. */
    int64_t left_ms = until_ms - now_ms < whole_ms ? until_ms - now_ms : whole_ms;
    int64_t renewed_ms = r->renewed_ms + whole_ms - now_ms;
    if (renewed_ms < left_ms)
        left_ms = renewed_ms;
    return left_ms > 0 ? left_ms : 0;
}

bool feed_renewal_due(struct feed *f)
{
    if (f == NULL)
        return false;
    pthread_mutex_lock(&f->lock);
    bool due = any_due(f, f->host.boot_ms());
    pthread_mutex_unlock(&f->lock);
    return due;
}

/* What is to be written, taken under the lock and written without it. */
struct renewal {
    struct remote *remote;
    bool gone, fresh; /* fresh: it may not stand there yet */
    struct verifier_record record;
};

static uint32_t take_renewals(struct feed *f, struct renewal *out, int64_t now_ms)
{
    uint32_t count = 0;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < FEED_REMOTES_MAX; i++) {
        struct remote *r = &f->remotes[i];
        if (!renewal_due(f, r, now_ms))
            continue;
        struct renewal *w = &out[count++];
        r->tried_ms = now_ms;
        *w = (struct renewal){.remote = r,
                              .gone = r->streams == 0 && now_ms - r->heard_ms >= f->host.lease_ms,
                              .fresh = r->renewed_ms == INT64_MIN};
        memcpy(w->record.id, r->id, sizeof w->record.id);
        w->record.kind = VERIFIER_REMOTE;
        w->record.n = r->n;
        w->record.renewals = r->renewals + 1;
        w->record.lease_ms = f->host.lease_ms;
        struct buf name = buf_fixed(w->record.name, sizeof w->record.name - 1);
        buf_text(&name, "feed by API key ");
        buf_api_key_id(&name, r->key);
    }
    pthread_mutex_unlock(&f->lock);
    return count;
}

/* Leave out newcomers that the registry has no place for: they get no lease. *count: those that are left. */
static struct cardea_status leave_out(struct feed *f, const struct store_ops *ops, struct store_tx *tx,
                                      struct renewal *renewals, uint32_t *count)
{
    uint32_t fresh = 0, left = 0, kept = 0;
    for (uint32_t i = 0; i < *count; i++)
        fresh += renewals[i].fresh && !renewals[i].gone;
    if (fresh == 0 || ops->verifier_list == NULL)
        return CARDEA_SUCCESS;
    struct verifier_record *records = calloc(VERIFIERS_MAX, sizeof *records);
    uint32_t there = 0;
    if (records == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = ops->verifier_list(tx, records, VERIFIERS_MAX, &there);
    free(records);
    if (cardea_ok(s) && there < VERIFIERS_MAX - FEED_REGISTRY_LEFT)
        left = VERIFIERS_MAX - FEED_REGISTRY_LEFT - there;
    if (!cardea_ok(s) && s.code != CARDEA_E_LIMIT)
        return s;
    for (uint32_t i = 0; i < *count; i++) {
        bool newcomer = renewals[i].fresh && !renewals[i].gone;
        if (newcomer && left == 0)
            continue;
        left -= newcomer;
        renewals[kept++] = renewals[i];
    }
    int64_t now_ms = f->host.boot_ms();
    if (kept < *count && (f->full_logged_ms == 0 || now_ms - f->full_logged_ms >= FULL_LOG_EVERY_MS)) {
        f->full_logged_ms = now_ms;
        log_write(LOG_WARN, "the registry of verifiers is full: verifiers of the feed get no lease",
                  LOG_FIELDS(LOG_INT("verifiers", *count - kept)));
    }
    *count = kept;
    return CARDEA_SUCCESS;
}

static struct cardea_status write_renewals(const struct store_ops *ops, struct store_tx *tx,
                                           const struct renewal *renewals, uint32_t count)
{
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
        s = renewals[i].gone ? ops->verifier_delete(tx, renewals[i].record.id)
                             : ops->verifier_put(tx, &renewals[i].record);
        if (renewals[i].gone && s.code == CARDEA_E_NOT_FOUND)
            s = CARDEA_SUCCESS;
    }
    return s;
}

/* begun_ms: before the writing began. */
static void note_renewals(struct feed *f, const struct renewal *renewals, uint32_t count, int64_t begun_ms)
{
    pthread_mutex_lock(&f->lock);
    for (uint32_t i = 0; i < count; i++) {
        struct remote *r = renewals[i].remote;
        r->renewals = renewals[i].record.renewals;
        r->written_n = renewals[i].record.n;
        r->renewed_ms = renewals[i].gone ? INT64_MIN : begun_ms;
        /* It may have come back meanwhile: then it is registered anew. */
        if (renewals[i].gone && r->streams == 0 && begun_ms - r->heard_ms >= f->host.lease_ms)
            *r = (struct remote){0};
    }
    f->changed = true;
    pthread_cond_signal(&f->come);
    pthread_mutex_unlock(&f->lock);
}

struct cardea_status feed_renew(struct feed *f, struct store *store, int64_t deadline_ms)
{
    const struct store_ops *ops = store->ops;
    struct renewal *renewals = calloc(FEED_REMOTES_MAX, sizeof *renewals);
    struct store_tx *tx = NULL;
    int64_t begun_ms = f->host.boot_ms();
    if (renewals == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    uint32_t count = take_renewals(f, renewals, begun_ms);
    struct cardea_status s = CARDEA_SUCCESS;
    if (count > 0 && ops->verifier_put != NULL) {
        s = ops->begin(store, STORE_WRITE, deadline_ms, &tx);
        if (cardea_ok(s)) {
            s = leave_out(f, ops, tx, renewals, &count);
            if (cardea_ok(s))
                s = write_renewals(ops, tx, renewals, count);
            if (cardea_ok(s))
                s = ops->commit(tx);
            else
                ops->abort(tx);
        }
    }
    if (cardea_ok(s) && count > 0)
        note_renewals(f, renewals, count, begun_ms);
    free(renewals);
    return s;
}

/* --- streams --- */

static void stream_free(struct stream *base)
{
    struct feed_stream *s = (struct feed_stream *)(void *)base;
    struct feed *f = s->feed;
    pthread_mutex_lock(&f->lock);
    list_drop(s);
    f->stream_count--;
    s->remote->streams--;
    s->remote->heard_ms = f->host.boot_ms();
    pthread_mutex_unlock(&f->lock);
    free(s);
}

static uint32_t streams_of(const struct feed *f, const struct api_key_id *key)
{
    uint32_t count = 0;
    for (const struct feed_stream *s = f->streams; s != NULL; s = s->next)
        count += ID_SAME(s->ask.key, *key);
    return count;
}

/* The lock is held. */
static struct cardea_status admit(struct feed *f, struct feed_stream *s, const uint8_t id[16])
{
    if (f->stopping)
        return CARDEA_FAIL(E_UNAVAILABLE);
    if (f->stream_count >= FEED_STREAMS_MAX || streams_of(f, &s->ask.key) >= FEED_STREAMS_KEY_MAX)
        return CARDEA_FAIL(E_BUSY);
    struct remote *r = remote_of(f, id, &s->ask.key);
    if (r == NULL)
        return CARDEA_FAIL(E_BUSY);
    /* What it says it has. Without a copy it has nothing, whatever it had before. */
    r->n = s->known ? feed_log_row(f->log, s->position) : 0;
    r->key = s->ask.key;
    r->heard_ms = f->host.boot_ms();
    r->streams++;
    s->remote = r;
    s->hurries = f->hurries;
    s->next = f->streams;
    if (f->streams != NULL)
        f->streams->previous = s;
    f->streams = s;
    f->stream_count++;
    pthread_cond_signal(&f->come);
    return CARDEA_SUCCESS;
}

struct cardea_status feed_open(struct feed *f, const struct feed_request *ask, struct stream **out)
{
    uint8_t own[16], id[16];
    int64_t now = f->host.boot_ms();
    if (!table_valid(f->host.table, now))
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct feed_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CARDEA_FAIL(E_BUSY);
    s->base = (struct stream){.read = feed_stream_read, .free = stream_free, .longest_ms = FEED_SNAPSHOT_MAX_MS};
    s->feed = f;
    s->ask = *ask;
    s->tick_ms = ask->received_ms + feed_hold_ms(f, false);
    s->ends_ms = ask->received_ms + FEED_STREAM_LEASES * f->host.lease_ms;
    s->position = ask->after;
    feed_log_id(f->log, own);
    s->known = ask->known && memcmp(own, ask->feed, sizeof own) == 0 && ask->after <= feed_log_head(f->log);
    remote_id(f, ask, id);
    pthread_mutex_lock(&f->lock);
    struct cardea_status status = admit(f, s, id);
    bool due = cardea_ok(status) && renewal_due(f, s->remote, now);
    pthread_mutex_unlock(&f->lock);
    if (!cardea_ok(status)) {
        free(s);
        return status;
    }
    if (due && f->host.poke != NULL)
        f->host.poke(f->host.context);
    *out = &s->base;
    return CARDEA_SUCCESS;
}
