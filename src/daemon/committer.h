/* The committer: the one thread that writes. It takes what waits, all of it together, through one transaction, then
 * through the verification table, then back to whoever answers: store, table, answer, in this order always.
 *
 * Decides: grouping, order, places, and what happens when the store fails.
 *   - A group is one transaction; each job stands in a mark of its own, so a refused one takes back only itself.
 *   - If the engine itself fails inside a group, the group is taken back and each job is run again alone, once: one job
 *     that breaks the transaction does not refuse its neighbours. Whose deadline is over by then is refused.
 *   - The store is told which sessions a group will ask for, before its first job (store_ops.expect). Where commit then
 *     finds that somebody else was first with one of them, each job is run again alone, too.
 *   - Places: `places` in all, of which `urgent_places` are kept for urgent jobs (logout, revocation). Urgent jobs are
 *     taken first, so that no flood of logins delays a logout by more than the group being written.
 *   - When the outcome of a commit is unknown, host.doubt is told before any of its jobs is answered, with everything
 *     that may have happened.
 * Refuses to decide: what a job writes, what a change means, what a client is told.
 *
 * Between groups, and at least every COMMITTER_IDLE_MS, it calls host.background, which does one small step of its own:
 * so all that is written to the store or the table is written by this thread.
 *
 * Threading: committer_push from any thread; all of host's functions but refuse run on the committer's thread.
 */
#ifndef DAEMON_COMMITTER_H
#define DAEMON_COMMITTER_H

#include "core/change.h"
#include "daemon/fair_queue.h"

enum {
    COMMIT_GROUP_MAX = 128,    /* jobs in one transaction */
    COMMIT_DEADLINE_MS = 5000, /* of one transaction */
    COMMITTER_IDLE_MS = 250,   /* between looks at the background work */
};

struct committer;

struct committer_host {
    void *context;
    struct store *store;
    int64_t (*boot_ms)(void);
    /* Before each transaction; NULL: nobody needs to know. */
    void (*begin)(void *context);
    /* Write one job, inside a mark. May be called again with another transaction. */
    struct cardea_status (*run)(void *context, struct queue_entry *job, struct store_tx *tx);
    /* Which session will this job ask for? false: none, or several. NULL: nobody can tell. */
    bool (*wants)(void *context, const struct queue_entry *job, struct session_id *out);
    /* What the last successful run changed; borrowed until done. */
    const struct change_list *(*changes)(void *context, struct queue_entry *job);
    /* Committed changes, before their jobs are answered. */
    void (*apply)(void *context, const struct change_list *changes);
    void (*doubt)(void *context, const struct change_list *changes);
    /* The end of a job: OK, or why not. The job may be gone afterwards. */
    void (*done)(void *context, struct queue_entry *job, struct cardea_status outcome);
    /* One step of other work; true when there is more to do at once. NULL: none. */
    bool (*background)(void *context);
};

/* fails: E_UNAVAILABLE */
struct cardea_status committer_open(uint32_t places, uint32_t urgent_places, const struct committer_host *host,
                                    struct committer **out) CARDEA_CHECKED;
/* false: no place, the job stays the caller's. The job may be done before this returns. */
bool committer_push(struct committer *c, struct queue_entry *job, bool urgent);
/* Do not wait for the next look at the background work. Any thread. */
void committer_poke(struct committer *c);
uint32_t committer_waiting(struct committer *c);
/* Write what waits, then end the thread. Pushing stays safe, and is refused. NULL is safe. */
void committer_stop(struct committer *c);
/* committer_stop, and free it: nobody may push any more. NULL is safe. */
void committer_close(struct committer *c);

struct committer_counts {
    uint64_t groups, jobs, refused, unknown;
};
struct committer_counts committer_counts(struct committer *c);

#endif
