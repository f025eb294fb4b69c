#include "daemon/key_source.h"

#include "crypto/digest.h"
#include "daemon/https_get.h"
#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct key_source {
    struct key_sources *owner;
    struct issuer issuer; /* under the lock, once the thread runs */
    bool by_url;
    pthread_t thread;
    bool started;
    pthread_cond_t wake;
    bool _Atomic stopping;
    /* Under the owner's lock. */
    struct issuer_keys *keys;
    struct fair_queue waiting;
    bool asked, fetching, said_dropped;
    int64_t fetched_at_ms; /* begun; 0: never */
    int64_t next_ms;       /* the regular one */
    int64_t good_at_ms;    /* last read or confirmed */
    uint32_t streak;       /* failures since */
    uint64_t fetches, failures;
    /* The thread's own. */
    char tag[HTTPS_TAG_MAX + 1];
    uint8_t digest[32]; /* of the set in force */
    struct stat seen;   /* of a file */
    bool has_digest;
};

static bool is_url(const struct issuer *i)
{
    return strncmp(i->jwks, "https://", sizeof "https://" - 1) == 0;
}

/* What one look at the source brought. */
struct finding {
    struct cardea_status status;
    bool same;                /* confirmed: the set in force stays */
    bool looked;              /* only looked whether a file has changed */
    struct issuer_keys *keys; /* a new set */
    int64_t age_ms;
    uint8_t digest[32];
    char why[KEY_WHY_MAX];
};

/* --- looking --- */

static struct cardea_status say(struct finding *f, struct cardea_status s, const char *why)
{
    snprintf(f->why, sizeof f->why, "%s", why);
    f->status = s;
    return s;
}

static const char *refusal_text(struct cardea_status s)
{
    switch (s.code) {
    case CARDEA_E_TOO_LARGE:
        return "the set is too large";
    case CARDEA_E_LIMIT:
        return "the set has too many keys";
    case CARDEA_E_BUSY:
        return "there is no memory";
    default:
        return "this is no set of public keys: it must be a JWK Set with a usable key, no two of one kid, none secret";
    }
}

static void judge(struct key_source *s, const struct issuer *issuer, struct view text, uint64_t generation,
                  struct finding *f)
{
    digest_sha256(text.ptr, text.len, f->digest);
    if (s->has_digest && memcmp(f->digest, s->digest, sizeof f->digest) == 0) {
        f->same = true;
        f->status = CARDEA_SUCCESS;
        return;
    }
    struct cardea_status status = issuer_keys_read(issuer, text, generation, &f->keys);
    if (cardea_ok(status))
        f->status = status;
    else
        (void)say(f, CARDEA_FAIL(E_USAGE), refusal_text(status));
}

static bool is_stopping(void *context)
{
    return atomic_load_explicit(&((struct key_source *)context)->stopping, memory_order_relaxed);
}

static int64_t age_of(const struct https_answer *a)
{
    if (a->max_age_s < 0)
        return KEY_AGE_DEFAULT_MS;
    int64_t ms = a->max_age_s * 1000;
    return ms < KEY_AGE_MIN_MS ? KEY_AGE_MIN_MS : ms > KEY_AGE_MAX_MS ? KEY_AGE_MAX_MS : ms;
}

static void look_at_url(struct key_source *s, const struct issuer *issuer, uint64_t generation, struct finding *f)
{
    struct https_request r = {
        .url = issuer->jwks,
        .ca_file = issuer->jwks_ca,
        .tag = s->has_digest ? s->tag : "",
        .body_max = JWK_SET_TEXT_MAX,
        .connect_ms = KEY_CONNECT_MS,
        .total_ms = KEY_TOTAL_MS,
        .stopped = is_stopping,
        .context = s,
    };
    struct https_answer a;
    f->status = https_get(&r, &a, f->why);
    if (cardea_ok(f->status)) {
        f->age_ms = age_of(&a);
        if (a.status == 304)
            f->same = true;
        else
            judge(s, issuer, buf_view(&a.body), generation, f);
    }
    if (cardea_ok(f->status) && a.status != 304)
        memcpy(s->tag, a.tag, sizeof s->tag);
    buf_clear(&a.body);
}

static struct cardea_status slurp(int fd, struct buf *out)
{
    for (;;) {
        char chunk[8192];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? CARDEA_FAIL(E_IO) : CARDEA_SUCCESS;
        buf_put(out, view_of(chunk, (size_t)n));
        if (!buf_ok(out))
            return CARDEA_FAIL(E_TOO_LARGE);
    }
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void look_at_file(struct key_source *s, const struct issuer *issuer, uint64_t generation, struct finding *f)
{
    struct stat st;
    struct buf text = buf_heap(JWK_SET_TEXT_MAX);
    int fd = open(issuer->jwks, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    f->age_ms = KEY_FILE_EVERY_MS;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)say(f, CARDEA_FAIL(E_USAGE), fd < 0 ? "the file can not be read" : "this is not a file");
    } else if (s->has_digest && same_file(&st, &s->seen)) {
        f->status = CARDEA_SUCCESS;
        f->same = f->looked = true;
    } else {
        struct cardea_status status = slurp(fd, &text);
        if (cardea_ok(status))
            judge(s, issuer, buf_view(&text), generation, f);
        else
            (void)say(f, CARDEA_FAIL(E_USAGE),
                      status.code == CARDEA_E_TOO_LARGE ? "the set is too large" : "the file can not be read");
        if (cardea_ok(f->status))
            s->seen = st;
    }
    if (fd >= 0)
        close(fd);
    buf_clear(&text);
}

static void look(struct key_source *s, const struct issuer *issuer, uint64_t generation, struct finding *f)
{
    memset(f, 0, sizeof *f);
    if (s->by_url)
        look_at_url(s, issuer, generation, f);
    else
        look_at_file(s, issuer, generation, f);
    if (cardea_ok(f->status) && f->keys != NULL) {
        memcpy(s->digest, f->digest, sizeof s->digest);
        s->has_digest = true;
    }
}

/* --- what follows; under the lock --- */

static struct cardea_status publish(struct key_sources *k, const struct listening *listening, struct settings *settings)
{
    struct issuer_keys *keys[ISSUERS_MAX] = {NULL};
    for (uint32_t i = 0; i < k->count; i++)
        keys[i] = k->items[i]->keys;
    struct issuer_ring *ring = issuer_ring_new(k->settings_generation, keys);
    if (ring == NULL) {
        settings_unref(settings);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    return publisher_amend(k->host.publisher, listening, settings, NULL, ring);
}

/* So that not all ask at the same moment: up to a quarter less. */
static int64_t jittered(struct key_sources *k, int64_t ms)
{
    uint32_t n;
    entropy_fill(k->host.entropy, &n, sizeof n);
    return ms - (int64_t)((uint64_t)(ms / 4) * (n % 1024) / 1024);
}

static void note_good(struct key_source *s, const struct finding *f, int64_t now)
{
    int64_t most = s->issuer.jwks_keep_ms / 2 + 1;
    int64_t age = f->age_ms < most ? f->age_ms : most;
    s->good_at_ms = now;
    atomic_store_explicit(&s->keys->drop_at_ms, now + s->issuer.jwks_keep_ms, memory_order_relaxed);
    s->next_ms = now + (s->by_url ? jittered(s->owner, age) : age);
    if (s->streak > 0)
        log_write(LOG_INFO, "an issuer's keys can be read again",
                  LOG_FIELDS(LOG_TEXT("issuer", view_text(s->issuer.name)), LOG_INT("after_failures", s->streak)));
    s->streak = 0;
    s->said_dropped = false;
}

static void note_bad(struct key_source *s, const struct finding *f, int64_t now)
{
    uint32_t doublings = s->streak < 10 ? s->streak : 10;
    int64_t wait = s->by_url ? (int64_t)KEY_BACKOFF_MIN_MS << doublings : KEY_FILE_EVERY_MS;
    s->streak++;
    s->failures++;
    s->next_ms = now + jittered(s->owner, wait < KEY_BACKOFF_MAX_MS ? wait : KEY_BACKOFF_MAX_MS);
    bool dropped = s->keys == NULL || now >= atomic_load_explicit(&s->keys->drop_at_ms, memory_order_relaxed);
    if ((s->streak & (s->streak - 1)) == 0 || (dropped && !s->said_dropped))
        log_write(dropped ? LOG_ERROR : LOG_WARN,
                  dropped ? "an issuer's keys can not be read, and there are none: its tokens are answered 503"
                          : "an issuer's keys can not be read; the last good ones stay in use",
                  LOG_FIELDS(LOG_TEXT("issuer", view_text(s->issuer.name)), LOG_TEXT("why", view_text(f->why)),
                             LOG_INT("failures", s->streak)));
    s->said_dropped = dropped;
}

/* Take over what was found. Before the first publication (at configure) the caller publishes. */
static void take(struct key_source *s, struct finding *f, bool in_force)
{
    struct key_sources *k = s->owner;
    int64_t now = k->host.boot_ms();
    struct issuer_keys *old = s->keys;
    if (!cardea_ok(f->status)) {
        note_bad(s, f, now);
        return;
    }
    if (f->keys != NULL) {
        s->keys = f->keys;
        note_good(s, f, now);
        if (in_force && !cardea_ok(publish(k, NULL, NULL))) {
            s->keys = old;
            issuer_keys_unref(f->keys);
            s->has_digest = false; /* to be read again */
            (void)say(f, CARDEA_FAIL(E_UNAVAILABLE), "there is no memory");
            note_bad(s, f, now);
            return;
        }
        log_write(LOG_INFO, "an issuer's keys are new",
                  LOG_FIELDS(LOG_TEXT("issuer", view_text(s->issuer.name)), LOG_INT("keys", s->keys->set->count),
                             LOG_INT("skipped", s->keys->set->skipped)));
        issuer_keys_unref(old);
    } else if (s->keys != NULL) {
        note_good(s, f, now);
    }
}

static bool may_fetch(const struct key_source *s, int64_t now)
{
    return s->fetched_at_ms == 0 || now - s->fetched_at_ms >= s->issuer.jwks_refresh_ms;
}

/* --- the thread --- */

/* Everybody who waited; the lock is let go, since a resumed job may be back at once. */
static void release(struct key_source *s, bool go_on, struct cardea_status why)
{
    struct key_sources *k = s->owner;
    struct queue_entry *entry;
    for (;;) {
        pthread_mutex_lock(&k->lock);
        entry = fair_queue_pop(&s->waiting);
        pthread_mutex_unlock(&k->lock);
        if (entry == NULL)
            return;
        if (!go_on || !k->host.resume(k->host.context, entry))
            k->host.refuse(k->host.context, entry, why);
    }
}

static void wait_until(struct key_source *s, int64_t now, int64_t until)
{
    struct timespec t;
    int64_t ms = until > now ? until - now : 0;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&s->wake, &s->owner->lock, &t);
}

/* One look, with the lock let go meanwhile. */
static void fetch(struct key_source *s)
{
    struct key_sources *k = s->owner;
    struct issuer issuer = s->issuer;
    struct finding found;
    uint64_t generation = k->next_generation++;
    s->fetching = true;
    s->asked = false;
    s->fetched_at_ms = k->host.boot_ms();
    pthread_mutex_unlock(&k->lock);
    look(s, &issuer, generation, &found);
    pthread_mutex_lock(&k->lock);
    s->fetching = false;
    if (atomic_load_explicit(&s->stopping, memory_order_relaxed)) {
        issuer_keys_unref(found.keys);
        return;
    }
    s->fetches += found.looked ? 0 : 1;
    take(s, &found, true);
    pthread_mutex_unlock(&k->lock);
    release(s, true, CARDEA_FAIL(E_BUSY));
    pthread_mutex_lock(&k->lock);
}

static void *run(void *argument)
{
    struct key_source *s = argument;
    struct key_sources *k = s->owner;
    pthread_mutex_lock(&k->lock);
    while (!atomic_load_explicit(&s->stopping, memory_order_relaxed)) {
        int64_t now = k->host.boot_ms(), free_ms = s->fetched_at_ms + s->issuer.jwks_refresh_ms;
        if (now >= s->next_ms || (s->asked && may_fetch(s, now)))
            fetch(s);
        else
            wait_until(s, now, s->asked && free_ms < s->next_ms ? free_ms : s->next_ms);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* --- sources --- */

static void source_free(struct key_source *s)
{
    if (s == NULL)
        return;
    issuer_keys_unref(s->keys);
    fair_queue_clear(&s->waiting);
    pthread_cond_destroy(&s->wake);
    free(s);
}

static struct key_source *source_new(struct key_sources *k, const struct issuer *issuer)
{
    struct key_source *s = calloc(1, sizeof *s);
    pthread_condattr_t clock;
    if (s == NULL)
        return NULL;
    s->owner = k;
    s->issuer = *issuer;
    s->by_url = is_url(issuer);
    atomic_init(&s->stopping, false);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &clock);
    pthread_condattr_destroy(&clock);
    if (!cardea_ok(fair_queue_init(&s->waiting, KEY_WAITING_MAX))) {
        source_free(s);
        return NULL;
    }
    return s;
}

/* A file is read before anything is served; a URL's server may be down, and then its issuer's tokens wait. */
static struct cardea_status source_prepare(struct key_source *s, uint64_t generation, char why[KEY_WHY_MAX])
{
    struct finding found;
    char reason[HTTPS_WHY_MAX] = "";
    if (s->by_url) {
        struct cardea_status loaded = https_open(reason);
        if (!cardea_ok(loaded))
            snprintf(why, KEY_WHY_MAX, "issuers.%s.jwks: %s", s->issuer.name, reason);
        return loaded;
    }
    look(s, &s->issuer, generation, &found);
    if (!cardea_ok(found.status)) {
        snprintf(why, KEY_WHY_MAX, "issuers.%s.jwks: %.400s", s->issuer.name, found.why);
        return found.status;
    }
    s->fetches++;
    take(s, &found, false);
    return CARDEA_SUCCESS;
}

static struct cardea_status source_start(struct key_source *s)
{
    if (s->started)
        return CARDEA_SUCCESS;
    if (pthread_create(&s->thread, NULL, run, s) != 0)
        return CARDEA_FAIL(E_UNAVAILABLE);
    pthread_setname_np(s->thread, "keys");
    s->started = true;
    return CARDEA_SUCCESS;
}

/* Nobody can find it any more, or everybody is told that it stops. */
static void source_stop(struct key_source *s)
{
    struct key_sources *k = s->owner;
    pthread_mutex_lock(&k->lock);
    atomic_store_explicit(&s->stopping, true, memory_order_relaxed);
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&k->lock);
    if (s->started)
        pthread_join(s->thread, NULL);
    s->started = false;
    release(s, false, CARDEA_FAIL(E_UNAVAILABLE));
}

/* Would it bring the same keys? */
static bool same_source(const struct issuer *a, const struct issuer *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->jwks, b->jwks) == 0 && strcmp(a->jwks_ca, b->jwks_ca) == 0 &&
           a->algorithm_count == b->algorithm_count && memcmp(a->algorithms, b->algorithms, sizeof a->algorithms) == 0;
}

static struct key_source *find_same(const struct key_sources *k, const struct issuer *issuer)
{
    for (uint32_t i = 0; i < k->count; i++)
        if (same_source(&k->items[i]->issuer, issuer))
            return k->items[i];
    return NULL;
}

struct cardea_status key_source_check(const struct issuer *issuer, char why[KEY_WHY_MAX])
{
    struct finding found;
    if (is_url(issuer))
        return CARDEA_SUCCESS;
    snprintf(why, KEY_WHY_MAX, "there is no memory");
    struct key_source *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    look(s, issuer, 1, &found);
    if (!cardea_ok(found.status))
        snprintf(why, KEY_WHY_MAX, "issuers.%s.jwks: %.400s", issuer->name, found.why);
    issuer_keys_unref(found.keys);
    free(s);
    return found.status;
}

/* --- all of them --- */

void key_sources_init(struct key_sources *k, const struct key_source_host *host)
{
    *k = (struct key_sources){.host = *host, .open = true, .next_generation = 1};
    pthread_mutex_init(&k->lock, NULL);
}

struct plan {
    uint32_t count;
    struct key_source *items[ISSUERS_MAX];
    bool fresh[ISSUERS_MAX];
};

static struct cardea_status make_plan(struct key_sources *k, const struct settings *settings, struct plan *p,
                                      char why[KEY_WHY_MAX])
{
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t i = 0; cardea_ok(s) && i < settings->issuer_count; i++) {
        p->items[i] = find_same(k, &settings->issuers[i]);
        p->fresh[i] = p->items[i] == NULL;
        if (p->fresh[i])
            p->items[i] = source_new(k, &settings->issuers[i]);
        if (p->items[i] == NULL)
            return CARDEA_FAIL(E_UNAVAILABLE);
        p->count++;
        if (p->fresh[i]) {
            pthread_mutex_lock(&k->lock);
            uint64_t generation = k->next_generation++;
            pthread_mutex_unlock(&k->lock);
            s = source_prepare(p->items[i], generation, why);
        }
    }
    return s;
}

static void drop_fresh(struct plan *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->fresh[i])
            source_free(p->items[i]);
}

static bool in_plan(const struct plan *p, const struct key_source *s)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->items[i] == s)
            return true;
    return false;
}

/* Swap and publish in one: a ring and the settings whose indices it has. */
static struct cardea_status put_in_force(struct key_sources *k, const struct plan *p, const struct listening *listening,
                                         struct settings *settings)
{
    struct key_sources old = *k;
    k->count = p->count;
    memcpy(k->items, p->items, sizeof k->items);
    k->settings_generation = settings->generation;
    for (uint32_t i = 0; i < p->count; i++)
        if (!p->fresh[i]) {
            p->items[i]->issuer = settings->issuers[i];
            p->items[i]->asked = true;
            pthread_cond_signal(&p->items[i]->wake);
        }
    struct cardea_status s = publish(k, listening, settings);
    if (!cardea_ok(s)) {
        k->count = old.count;
        memcpy(k->items, old.items, sizeof k->items);
        k->settings_generation = old.settings_generation;
    }
    return s;
}

struct cardea_status key_sources_configure(struct key_sources *k, const struct listening *listening,
                                           struct settings *settings, char why[KEY_WHY_MAX])
{
    struct plan plan = {0};
    struct key_source *before[ISSUERS_MAX];
    uint32_t before_count = k->count;
    memcpy(before, k->items, sizeof before);
    snprintf(why, KEY_WHY_MAX, "there is no memory");
    struct cardea_status s = make_plan(k, settings, &plan, why);
    if (!cardea_ok(s)) {
        drop_fresh(&plan);
        settings_unref(settings);
        return s;
    }
    pthread_mutex_lock(&k->lock);
    s = put_in_force(k, &plan, listening, settings);
    pthread_mutex_unlock(&k->lock);
    if (!cardea_ok(s)) {
        drop_fresh(&plan);
        return s;
    }
    for (uint32_t i = 0; i < before_count; i++)
        if (!in_plan(&plan, before[i])) {
            source_stop(before[i]);
            source_free(before[i]);
        }
    snprintf(why, KEY_WHY_MAX, "no threads can be started");
    for (uint32_t i = 0; cardea_ok(s) && i < plan.count; i++)
        s = source_start(plan.items[i]);
    return s;
}

/* The source of an issuer, if the caller speaks of the settings in force. */
static struct key_source *source_at(struct key_sources *k, uint64_t settings_generation, uint32_t issuer)
{
    bool known = k->open && !k->stopping && settings_generation == k->settings_generation && issuer < k->count;
    return known ? k->items[issuer] : NULL;
}

bool key_sources_wanted(struct key_sources *k, uint64_t settings_generation, uint32_t issuer)
{
    pthread_mutex_lock(&k->lock);
    const struct key_source *s = source_at(k, settings_generation, issuer);
    bool wanted = s != NULL && (s->fetching || may_fetch(s, k->host.boot_ms()));
    pthread_mutex_unlock(&k->lock);
    return wanted;
}

bool key_sources_await(struct key_sources *k, uint64_t settings_generation, uint32_t issuer, struct queue_entry *entry)
{
    struct queue_entry *displaced = NULL;
    pthread_mutex_lock(&k->lock);
    struct key_source *s = source_at(k, settings_generation, issuer);
    bool wait = s != NULL && (s->fetching || may_fetch(s, k->host.boot_ms()));
    bool taken = wait && fair_queue_push(&s->waiting, entry, &displaced);
    if (taken && !s->fetching) {
        s->asked = true;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&k->lock);
    if (displaced != NULL)
        k->host.refuse(k->host.context, displaced, CARDEA_FAIL(E_BUSY));
    /* The fetch has ended in between: judge by what it brought. */
    return taken || (s != NULL && !wait && k->host.resume(k->host.context, entry));
}

static void refuse_overdue(struct key_sources *k, uint32_t index, int64_t now)
{
    struct queue_entry *overdue = NULL, *kept = NULL, *entry, *displaced;
    pthread_mutex_lock(&k->lock);
    struct key_source *s = index < k->count ? k->items[index] : NULL;
    while (s != NULL && (entry = fair_queue_pop(&s->waiting)) != NULL) {
        struct queue_entry **list = entry->deadline_ms <= now ? &overdue : &kept;
        entry->next = *list;
        *list = entry;
    }
    while ((entry = kept) != NULL) {
        kept = entry->next;
        if (!fair_queue_push(&s->waiting, entry, &displaced)) { /* can not be: it had a place */
            entry->next = overdue;
            overdue = entry;
        }
    }
    pthread_mutex_unlock(&k->lock);
    while ((entry = overdue) != NULL) {
        overdue = entry->next;
        k->host.refuse(k->host.context, entry, CARDEA_FAIL(E_BUSY));
    }
}

void key_sources_tend(struct key_sources *k)
{
    if (!k->open)
        return;
    int64_t now = k->host.boot_ms();
    for (uint32_t i = 0; i < ISSUERS_MAX; i++)
        refuse_overdue(k, i, now);
}

void key_sources_stop(struct key_sources *k)
{
    if (!k->open)
        return;
    pthread_mutex_lock(&k->lock);
    k->stopping = true;
    for (uint32_t i = 0; i < k->count; i++)
        atomic_store_explicit(&k->items[i]->stopping, true, memory_order_relaxed);
    pthread_mutex_unlock(&k->lock);
    for (uint32_t i = 0; i < k->count; i++)
        source_stop(k->items[i]);
}

void key_sources_close(struct key_sources *k)
{
    if (!k->open)
        return;
    key_sources_stop(k);
    for (uint32_t i = 0; i < k->count; i++)
        source_free(k->items[i]);
    pthread_mutex_destroy(&k->lock);
    *k = (struct key_sources){0};
}

uint32_t key_sources_stats(struct key_sources *k, struct key_source_stats *out)
{
    uint32_t count = 0;
    if (!k->open)
        return 0;
    pthread_mutex_lock(&k->lock);
    int64_t now = k->host.boot_ms();
    for (; count < k->count; count++) {
        const struct key_source *s = k->items[count];
        struct key_source_stats *o = &out[count];
        *o = (struct key_source_stats){.fetches = s->fetches, .failures = s->failures, .age_ms = -1};
        memcpy(o->name, s->issuer.name, sizeof o->name);
        if (s->keys == NULL)
            continue;
        o->usable = now < atomic_load_explicit(&s->keys->drop_at_ms, memory_order_relaxed);
        o->age_ms = now - s->good_at_ms;
        o->keys = s->keys->set->count;
        o->skipped = s->keys->set->skipped;
    }
    pthread_mutex_unlock(&k->lock);
    return count;
}
