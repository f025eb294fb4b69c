#include "daemon/committer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct committer {
    struct committer_host host;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;
    struct fair_queue normal, urgent;
    uint32_t places;
    bool stopping, poked;
    struct committer_counts counts;
};

struct group {
    uint32_t count;
    struct queue_entry *jobs[COMMIT_GROUP_MAX];
    struct cardea_status outcomes[COMMIT_GROUP_MAX];
};

static const struct store_ops *ops(const struct committer *c)
{
    return c->host.store->ops;
}

/* Did the engine fail, rather than the job? Then the transaction is of no more use (store/store.h). */
static bool engine_failed(struct cardea_status s)
{
    return s.code == CARDEA_E_IO || s.code == CARDEA_E_UNAVAILABLE || s.code == CARDEA_E_CORRUPT;
}

/* Run one job inside its mark. *ret_broken: the transaction can not go on. */
static struct cardea_status run_marked(struct committer *c, struct store_tx *tx, struct queue_entry *job,
                                       bool *ret_broken)
{
    struct cardea_status s = ops(c)->mark(tx);
    if (!cardea_ok(s)) {
        *ret_broken = true;
        return s;
    }
    s = c->host.run(c->host.context, job, tx);
    struct cardea_status ended = cardea_ok(s) ? ops(c)->keep(tx) : ops(c)->undo(tx);
    if (cardea_ok(ended))
        return s;
    *ret_broken = true;
    return engine_failed(s) || cardea_ok(s) ? ended : s;
}

static void settle(struct committer *c, struct group *g, struct cardea_status committed)
{
    bool unknown = committed.code == CARDEA_E_UNAVAILABLE;
    for (uint32_t i = 0; i < g->count; i++) {
        if (!cardea_ok(g->outcomes[i]))
            continue;
        const struct change_list *changes = c->host.changes(c->host.context, g->jobs[i]);
        if (cardea_ok(committed))
            c->host.apply(c->host.context, changes);
        else if (unknown)
            c->host.doubt(c->host.context, changes);
        if (!cardea_ok(committed))
            g->outcomes[i] = CARDEA_FAIL(E_UNAVAILABLE);
    }
}

static void fail_all(struct group *g, struct cardea_status why)
{
    for (uint32_t i = 0; i < g->count; i++)
        g->outcomes[i] = why;
}

/* Those that say which session they want come first, so that what others write does not make the store ask again; all
 * of a group are written at the same moment anyhow. */
static struct cardea_status expect_sessions(struct committer *c, struct store_tx *tx, struct group *g)
{
    struct session_id sids[COMMIT_GROUP_MAX];
    struct queue_entry *others[COMMIT_GROUP_MAX];
    uint32_t wanted = 0, other = 0;
    if (g->count < 2 || c->host.wants == NULL || ops(c)->expect == NULL)
        return CARDEA_SUCCESS;
    for (uint32_t i = 0; i < g->count; i++) {
        if (c->host.wants(c->host.context, g->jobs[i], &sids[wanted]))
            g->jobs[wanted++] = g->jobs[i];
        else
            others[other++] = g->jobs[i];
    }
    for (uint32_t i = 0; i < other; i++)
        g->jobs[wanted + i] = others[i];
    struct expectation what = {.sids = sids, .sid_count = wanted, .records = true, .accounts = true};
    return wanted < 2 ? CARDEA_SUCCESS : ops(c)->expect(tx, &what);
}

/* One transaction over the whole group. false: it was taken back and nothing is decided yet. */
static bool write_group(struct committer *c, struct group *g)
{
    struct store_tx *tx = NULL;
    if (c->host.begin != NULL)
        c->host.begin(c->host.context);
    struct cardea_status s = ops(c)->begin(c->host.store, STORE_WRITE, c->host.boot_ms() + COMMIT_DEADLINE_MS, &tx);
    if (!cardea_ok(s)) {
        fail_all(g, CARDEA_FAIL(E_UNAVAILABLE));
        return true;
    }
    bool broken = !cardea_ok(expect_sessions(c, tx, g)), any = false;
    for (uint32_t i = 0; i < g->count && !broken; i++) {
        g->outcomes[i] = run_marked(c, tx, g->jobs[i], &broken);
        any = any || cardea_ok(g->outcomes[i]);
    }
    if (broken) {
        ops(c)->abort(tx);
        if (g->count > 1)
            return false;
        fail_all(g, CARDEA_FAIL(E_UNAVAILABLE));
        return true;
    }
    if (!any) {
        ops(c)->abort(tx);
        return true;
    }
    s = ops(c)->commit(tx);
    if (s.code == CARDEA_E_CONFLICT && g->count > 1)
        return false;
    settle(c, g, s);
    return true;
}

static void count_group(struct committer *c, const struct group *g)
{
    pthread_mutex_lock(&c->lock);
    c->counts.groups++;
    c->counts.jobs += g->count;
    for (uint32_t i = 0; i < g->count; i++) {
        c->counts.refused += !cardea_ok(g->outcomes[i]);
        c->counts.unknown += g->outcomes[i].code == CARDEA_E_UNAVAILABLE;
    }
    pthread_mutex_unlock(&c->lock);
}

static void finish_group(struct committer *c, struct group *g)
{
    count_group(c, g);
    for (uint32_t i = 0; i < g->count; i++)
        c->host.done(c->host.context, g->jobs[i], g->outcomes[i]);
}

static void refuse_late(struct committer *c, struct group *g)
{
    uint32_t kept = 0;
    int64_t now = c->host.boot_ms();
    for (uint32_t i = 0; i < g->count; i++) {
        if (g->jobs[i]->deadline_ms > now)
            g->jobs[kept++] = g->jobs[i];
        else
            c->host.done(c->host.context, g->jobs[i], CARDEA_FAIL(E_BUSY));
    }
    g->count = kept;
}

static void commit_group(struct committer *c, struct group *g)
{
    refuse_late(c, g);
    if (g->count == 0)
        return;
    if (write_group(c, g)) {
        finish_group(c, g);
        return;
    }
    for (uint32_t i = 0; i < g->count; i++) {
        struct group one = {.count = 1, .jobs = {g->jobs[i]}};
        refuse_late(c, &one); /* the group and those before it took their time */
        if (one.count == 0)
            continue;
        (void)write_group(c, &one);
        finish_group(c, &one);
    }
}

/* Take a group, or wait a while for one. false: stopping and nothing left. */
static bool collect(struct committer *c, struct group *g, bool wait)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += COMMITTER_IDLE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    g->count = 0;
    pthread_mutex_lock(&c->lock);
    while (wait && !c->stopping && !c->poked && c->urgent.count == 0 && c->normal.count == 0)
        if (pthread_cond_timedwait(&c->work, &c->lock, &until) == ETIMEDOUT)
            break;
    c->poked = false;
    struct queue_entry *job;
    while (g->count < COMMIT_GROUP_MAX && (job = fair_queue_pop(&c->urgent)) != NULL)
        g->jobs[g->count++] = job;
    while (g->count < COMMIT_GROUP_MAX && (job = fair_queue_pop(&c->normal)) != NULL)
        g->jobs[g->count++] = job;
    bool more = g->count > 0 || !c->stopping;
    pthread_mutex_unlock(&c->lock);
    return more;
}

static void *commit_thread(void *argument)
{
    struct committer *c = argument;
    struct group g;
    bool busy = false;
    while (collect(c, &g, !busy)) {
        if (g.count > 0)
            commit_group(c, &g);
        busy = c->host.background != NULL && c->host.background(c->host.context);
    }
    return NULL;
}

static void release(struct committer *c)
{
    fair_queue_clear(&c->normal);
    fair_queue_clear(&c->urgent);
    pthread_cond_destroy(&c->work);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

struct cardea_status committer_open(uint32_t places, uint32_t urgent_places, const struct committer_host *host,
                                    struct committer **out)
{
    struct committer *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    c->host = *host;
    c->places = places;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&c->work, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&c->lock, NULL);
    struct cardea_status s = fair_queue_init(&c->normal, places > urgent_places ? places - urgent_places : 1);
    if (cardea_ok(s))
        s = fair_queue_init(&c->urgent, places);
    if (cardea_ok(s) && pthread_create(&c->thread, NULL, commit_thread, c) != 0)
        s = CARDEA_FAIL(E_UNAVAILABLE);
    if (!cardea_ok(s)) {
        release(c);
        return s;
    }
    pthread_setname_np(c->thread, "committer");
    *out = c;
    return CARDEA_SUCCESS;
}

bool committer_push(struct committer *c, struct queue_entry *job, bool urgent)
{
    struct queue_entry *displaced = NULL;
    bool taken = false;
    pthread_mutex_lock(&c->lock);
    if (!c->stopping) {
        /* Urgent jobs may use every place, so a normal one must fit in what they leave. */
        struct fair_queue *q = urgent ? &c->urgent : &c->normal;
        if (urgent || c->normal.count + c->urgent.count < c->places)
            taken = fair_queue_push(q, job, &displaced);
    }
    if (taken)
        pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
    if (displaced != NULL)
        c->host.done(c->host.context, displaced, CARDEA_FAIL(E_BUSY));
    return taken;
}

void committer_poke(struct committer *c)
{
    pthread_mutex_lock(&c->lock);
    c->poked = true;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
}

uint32_t committer_waiting(struct committer *c)
{
    pthread_mutex_lock(&c->lock);
    uint32_t n = c->normal.count + c->urgent.count;
    pthread_mutex_unlock(&c->lock);
    return n;
}

struct committer_counts committer_counts(struct committer *c)
{
    pthread_mutex_lock(&c->lock);
    struct committer_counts counts = c->counts;
    pthread_mutex_unlock(&c->lock);
    return counts;
}

void committer_stop(struct committer *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    bool first = !c->stopping;
    c->stopping = true;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
    if (first)
        pthread_join(c->thread, NULL);
}

void committer_close(struct committer *c)
{
    if (c == NULL)
        return;
    committer_stop(c);
    release(c);
}
