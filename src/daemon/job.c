#include "daemon/job.h"

static struct job *job_of(struct queue_entry *entry)
{
    return (struct job *)(void *)entry;
}

/* The keys that it needs may come: it waits for them, and then works on the read pool. */
static bool await_keys(struct job *job)
{
    const struct exchange *x = &job->x;
    return job->lanes->sources != NULL &&
           key_sources_await(job->lanes->sources, x->site->settings->generation, x->issuer - 1, &job->entry);
}

bool job_resume(void *context, struct queue_entry *entry)
{
    return pool_push(((struct lanes *)context)->read, entry);
}

void lanes_start(struct job *job, enum stage stage)
{
    struct lanes *lanes = job->lanes;
    bool taken = true;
    job->entry.source = address_neighbourhood(&job->x.request.client);
    if (stage == STAGE_COMMIT)
        taken = committer_push(lanes->committer, &job->entry, job->x.lane == LANE_URGENT);
    else if (stage == STAGE_WORK && job->x.lane == LANE_KEYS)
        taken = await_keys(job);
    else if (stage == STAGE_WORK)
        taken = pool_push(job->x.lane == LANE_HASH ? lanes->hash : lanes->read, &job->entry);
    else
        job->back(job);
    if (!taken)
        job_refuse(NULL, &job->entry, CARDEA_FAIL(E_BUSY));
}

void job_work(void *context, struct queue_entry *entry)
{
    (void)context;
    struct job *job = job_of(entry);
    lanes_start(job, exchange_work(&job->x));
}

void job_refuse(void *context, struct queue_entry *entry, struct cardea_status why)
{
    (void)context;
    struct job *job = job_of(entry);
    exchange_refuse(&job->x, why);
    job->back(job);
}

struct cardea_status job_commit(void *context, struct queue_entry *entry, struct store_tx *tx)
{
    (void)context;
    struct job *job = job_of(entry);
    change_list_reset(&job->x.changes);
    return exchange_commit(&job->x, tx);
}

bool job_wants(void *context, const struct queue_entry *entry, struct session_id *out)
{
    (void)context;
    const struct job *job = (const struct job *)(const void *)entry;
    if (job->x.wants_session)
        *out = job->x.wanted;
    return job->x.wants_session;
}

const struct change_list *job_changes(void *context, struct queue_entry *entry)
{
    (void)context;
    return &job_of(entry)->x.changes;
}

void job_committed(void *context, struct queue_entry *entry, struct cardea_status outcome)
{
    (void)context;
    struct job *job = job_of(entry);
    job->finish = cardea_ok(outcome);
    if (!job->finish)
        exchange_refuse(&job->x, outcome);
    if (!job->finish || !job->x.waits) {
        job->back(job);
        return;
    }
    job->waiter.wait.position = job->x.changes.n;
    job->waiter.deadline_ms = job->entry.deadline_ms;
    feed_hurry(job->lanes->feed);
    receipts_push(job->lanes->receipts, &job->waiter);
}

static struct job *job_waiting(const struct receipt_waiter *w)
{
    return (struct job *)(void *)((char *)(uintptr_t)w - offsetof(struct job, waiter));
}

void job_acknowledged(void *context, struct receipt_waiter *w)
{
    (void)context;
    struct job *job = job_waiting(w);
    job->x.receipt = w->receipt;
    job->back(job);
}

bool job_gone(void *context, const struct receipt_waiter *w)
{
    (void)context;
    const struct job *job = job_waiting(w);
    return job->gone != NULL && job->gone(job);
}
