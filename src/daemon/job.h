/* Jobs: one request on its way through the service, and the lanes on which its slow stages run.
 *
 * Decides: which thread runs which stage (http/exchange.h), and that a job comes back exactly once.
 * Refuses to decide: what a stage does.
 *
 * A job belongs to its event loop until lanes_start, to the lane until `back` is called, then to the loop again.
 */
#ifndef DAEMON_JOB_H
#define DAEMON_JOB_H

#include "daemon/committer.h"
#include "daemon/feed.h"
#include "daemon/key_source.h"
#include "daemon/pool.h"
#include "daemon/receipts.h"
#include "daemon/reply.h"
#include "daemon/snapshot.h"

struct job {
    struct queue_entry entry; /* first: a queue hands back this */
    struct exchange x;
    struct snapshot_hold *hold;
    struct lanes *lanes;
    bool finish; /* committed: exchange_finish is still to be called */
    void (*back)(struct job *job);
    bool (*gone)(const struct job *job); /* has the client gone away? NULL: nobody can tell */
    void *owner;                         /* of back and gone */
    struct receipt_waiter waiter;        /* while it waits for its receipt */
    struct job *next;
    struct reply_kept kept; /* of this job's last check */
};

struct lanes {
    struct pool *hash, *read;
    struct committer *committer;
    struct key_sources *sources; /* NULL: none */
    struct receipts *receipts;
    struct feed *feed; /* hurried where somebody waits for a receipt; NULL: none */
};

/* Run a stage of WORK or COMMIT where it belongs. `back` is called once, from any thread, maybe before this returns:
 * with the response made, or with job->finish set. */
void lanes_start(struct job *job, enum stage stage);

/* For key_source_host: a job that waited for keys goes on; context is the lanes. */
bool job_resume(void *context, struct queue_entry *entry);
/* For pool_host, committer_host and key_source_host; the context is not used. */
void job_work(void *context, struct queue_entry *entry);
void job_refuse(void *context, struct queue_entry *entry, struct cardea_status why);
struct cardea_status job_commit(void *context, struct queue_entry *entry, struct store_tx *tx) CARDEA_CHECKED;
bool job_wants(void *context, const struct queue_entry *entry, struct session_id *out);
const struct change_list *job_changes(void *context, struct queue_entry *entry);
void job_committed(void *context, struct queue_entry *entry, struct cardea_status outcome);
/* For receipts_host; the context is not used. */
void job_acknowledged(void *context, struct receipt_waiter *w);
bool job_gone(void *context, const struct receipt_waiter *w);

#endif
