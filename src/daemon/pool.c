#include "daemon/pool.h"

#include <pthread.h>
#include <stdlib.h>

enum { POOL_THREADS_MAX = 256 };

struct pool {
    struct pool_host host;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct fair_queue queue;
    bool stopping;
    uint32_t thread_count;
    pthread_t threads[POOL_THREADS_MAX];
};

static struct queue_entry *take(struct pool *p)
{
    struct queue_entry *entry;
    pthread_mutex_lock(&p->lock);
    while ((entry = fair_queue_pop(&p->queue)) == NULL && !p->stopping)
        pthread_cond_wait(&p->work, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return entry;
}

static bool is_stopping(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    bool stopping = p->stopping;
    pthread_mutex_unlock(&p->lock);
    return stopping;
}

static void *worker(void *argument)
{
    struct pool *p = argument;
    struct queue_entry *entry;
    while ((entry = take(p)) != NULL) {
        if (is_stopping(p))
            p->host.refuse(p->host.context, entry, CARDEA_FAIL(E_UNAVAILABLE));
        else if (p->host.boot_ms() >= entry->deadline_ms)
            p->host.refuse(p->host.context, entry, CARDEA_FAIL(E_BUSY));
        else
            p->host.run(p->host.context, entry);
    }
    return NULL;
}

struct cardea_status pool_open(const char *name, uint32_t threads, uint32_t places, const struct pool_host *host,
                               struct pool **out)
{
    struct pool *p = calloc(1, sizeof *p);
    if (p == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    p->host = *host;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    struct cardea_status s = fair_queue_init(&p->queue, places);
    uint32_t wanted = threads > POOL_THREADS_MAX ? POOL_THREADS_MAX : threads;
    while (cardea_ok(s) && p->thread_count < wanted) {
        if (pthread_create(&p->threads[p->thread_count], NULL, worker, p) != 0) {
            s = CARDEA_FAIL(E_UNAVAILABLE);
        } else {
            pthread_setname_np(p->threads[p->thread_count], name);
            p->thread_count++;
        }
    }
    if (!cardea_ok(s)) {
        pool_close(p);
        return s;
    }
    *out = p;
    return CARDEA_SUCCESS;
}

bool pool_push(struct pool *p, struct queue_entry *entry)
{
    struct queue_entry *displaced = NULL;
    pthread_mutex_lock(&p->lock);
    bool taken = !p->stopping && fair_queue_push(&p->queue, entry, &displaced);
    if (taken)
        pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
    if (displaced != NULL)
        p->host.refuse(p->host.context, displaced, CARDEA_FAIL(E_BUSY));
    return taken;
}

uint32_t pool_waiting(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    uint32_t n = p->queue.count;
    pthread_mutex_unlock(&p->lock);
    return n;
}

void pool_stop(struct pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (uint32_t i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    p->thread_count = 0;
}

void pool_close(struct pool *p)
{
    if (p == NULL)
        return;
    pool_stop(p);
    fair_queue_clear(&p->queue);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
