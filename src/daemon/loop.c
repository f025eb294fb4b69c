#include "daemon/loop.h"

#include "base/secret.h"

#include <stdlib.h>

static _Thread_local struct loop *this_loop;

void loops_init(struct loops *l)
{
    *l = (struct loops){0};
    pthread_mutex_init(&l->lock, NULL);
}

static void job_free(struct job *job)
{
    if (job == NULL)
        return;
    reply_drop(&job->kept);
    free(job);
}

void loops_clear(struct loops *l)
{
    while (l->first != NULL) {
        struct loop *loop = l->first;
        l->first = loop->next;
        if (this_loop == loop)
            this_loop = NULL;
        while (loop->spare != NULL) {
            struct job *job = loop->spare;
            loop->spare = job->next;
            job_free(job);
        }
        snapshot_release(loop->hold);
        verify_cache_free(loop->cache);
        free(loop);
    }
    pthread_mutex_destroy(&l->lock);
}

static struct loop *loop_new(const struct entropy *e)
{
    uint8_t key[32];
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return NULL;
    entropy_fill(e, key, sizeof key);
    loop->cache = verify_cache_new(VERIFY_CACHE_ENTRIES, key);
    secret_wipe(key, sizeof key);
    if (loop->cache == NULL) {
        free(loop);
        return NULL;
    }
    request_ids_init(&loop->ids, e);
    return loop;
}

struct loop *loop_get(struct loops *l, const struct entropy *e)
{
    if (this_loop != NULL && this_loop->of == l)
        return this_loop;
    struct loop *loop = loop_new(e);
    if (loop == NULL)
        return NULL;
    loop->of = l;
    pthread_mutex_lock(&l->lock);
    loop->next = l->first;
    l->first = loop;
    pthread_mutex_unlock(&l->lock);
    this_loop = loop;
    return loop;
}

void loops_sum(struct loops *l, uint64_t counts[LOOP_COUNTS])
{
    pthread_mutex_lock(&l->lock);
    for (struct loop *loop = l->first; loop != NULL; loop = loop->next)
        for (int i = 0; i < LOOP_COUNTS; i++)
            counts[i] += __atomic_load_n(&loop->counts[i], __ATOMIC_RELAXED);
    pthread_mutex_unlock(&l->lock);
}

struct job *loop_job(struct loop *l, struct publisher *p, struct lanes *lanes)
{
    struct job *job = l->spare;
    if (job == NULL) {
        job = malloc(sizeof *job);
        if (job == NULL)
            return NULL;
        job->kept.reply = NULL;
    } else {
        l->spare = job->next;
        l->spare_count--;
    }
    struct snapshot_hold *hold = snapshot_hold(p, &l->hold);
    if (hold == NULL) {
        job_free(job);
        return NULL;
    }
    job->next = NULL;
    job->hold = hold;
    job->lanes = lanes;
    job->finish = false;
    exchange_init(&job->x, &hold->snapshot->site, l->cache);
    return job;
}

bool loop_job_renew(struct loop *l, struct publisher *p, struct job *job)
{
    struct snapshot_hold *hold = snapshot_hold(p, &l->hold);
    if (hold == NULL)
        return false;
    snapshot_release(job->hold);
    job->hold = hold;
    job->x.site = &hold->snapshot->site;
    return true;
}

void loop_job_end(struct loop *l, struct job *job)
{
    exchange_clear(&job->x);
    snapshot_release(job->hold);
    if (l->spare_count >= SPARE_JOBS_MAX) {
        job_free(job);
        return;
    }
    job->next = l->spare;
    l->spare = job;
    l->spare_count++;
}
