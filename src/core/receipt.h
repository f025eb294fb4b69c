/* Receipts: who has heard of a change that narrows access, and who can no longer act by what was before it.
 *
 * Every verifier answers from a memory that follows the journal, for as long as its lease lasts, and writes into the
 * registry (store/store.h) how far it has come. Whoever wants to be told that a change is felt everywhere waits for the
 * rows of the registry. This module holds what was seen there, and judges; it never reads a clock or a store itself.
 *
 * Decides, for a change at position n that was committed at c, of each verifier that stood in the registry afterwards:
 *   - acknowledged: its record says that it has applied everything up to n, or further;
 *   - expired: its renewals have not moved for L, counted by our own boot clock from when we first saw them where they
 *     are, and from c at the earliest; or its record is gone (it has ended, and ended answering before). L is its own
 *     lease and the drift that clocks may have against each other (lease_bound_ms);
 *   - else it is awaited.
 * A node that registers later need not be waited for: it registers before it asks for a lease, and so reads a store
 * that has the change. One that starts anew has a new id, and is such a one; its old record expires. A remote verifier
 * is waited for whenever it registers: it reads a node's memory, which may not have the change yet. Where the registry
 * can not be read, the time alone counts: L after c nobody has a lease from before c.
 *
 * Security: a lease counts from before its owner asked, and what is asked after c has the change in it. So from c + L
 * on nobody answers by the old state who keeps to its lease, whatever the registry says; the registry only makes it
 * known sooner, or (where renewals move and n does not) shows that somebody does not keep to it.
 *
 * Threading: none of its own.
 *
 *     s = registry_view_list(view, ops, tx);                    // each time
 *     registry_view_read(view, boot_ms());
 *     if (receipt_judge(&view, &wait, true, now_ms, &receipt))  // nobody is awaited any more
 */
#ifndef CORE_RECEIPT_H
#define CORE_RECEIPT_H

#include "base/json.h"
#include "store/store.h"

enum {
    LEASE_DRIFT_PARTS = 100, /* two clocks differ by at most one part in so many */
    RECEIPT_JSON_MAX = 512,
};

/* How long after a renewal a verifier with this lease may answer from memory, by anybody else's clock. */
static inline int64_t lease_bound_ms(int64_t lease_ms)
{
    return lease_ms + lease_ms / LEASE_DRIFT_PARTS + 1;
}

struct receipt {
    uint64_t position;      /* the journal's row; whatever is up to here is felt */
    uint32_t acknowledged;  /* verifiers that said so, among them the one that answers */
    uint32_t expired;       /* verifiers that said nothing, and whose lease is over */
    uint32_t pending;       /* verifiers that may still answer by the old state */
    bool complete;          /* there are none */
    bool registry_readable; /* false: not once since the change; nobody was counted, the time alone was waited for */
    int64_t ms;             /* from commit to here */
    bool stateless;         /* there are policies that ask for no revocation: another class without a lease */
};
/* {"position":…,…}. */
void receipt_write(struct json_writer *w, const struct receipt *r);

/* --- what was seen --- */

struct verifier_seen {
    uint8_t id[16];
    uint64_t n, renewals;
    int64_t bound_ms;    /* lease_bound_ms */
    int64_t since_ms;    /* when the renewals were first seen where they are */
    uint64_t first_read; /* the reading that first showed it; 0: a remote one, which every wait is for */
};

/* A value of some size: on the heap. Zeroed: nothing was read. */
struct registry_view {
    uint64_t reads;     /* readings until now */
    int64_t bound_ms;   /* the longest of all ever seen: L where nothing can be read */
    uint8_t own_id[16]; /* a record that is our own, and never waited for; zeros: none */
    bool own;           /* we are a verifier ourselves: counts as one that has acknowledged */
    uint32_t count;     /* in the order of their ids */
    struct verifier_seen seen[VERIFIERS_MAX];
    struct verifier_seen scratch[VERIFIERS_MAX];
    struct verifier_record records[VERIFIERS_MAX]; /* as they were read last, with our own */
    uint32_t record_count;
};

/* Begin with nothing seen. own_id: NULL: none; own_lease_ms: of whoever asks. */
void registry_view_init(struct registry_view *v, const uint8_t *own_id, bool own, int64_t own_lease_ms);
/* Read the registry into records; a store that keeps none has an empty one. fails: the store's failures */
struct cardea_status registry_view_list(struct registry_view *v, const struct store_ops *ops,
                                        struct store_tx *tx) CARDEA_CHECKED;
/* It was read; at_ms: the boot clock, afterwards. */
void registry_view_read(struct registry_view *v, int64_t at_ms);
/* The row that every verifier has applied whose renewals have moved within its L (or were not yet seen for so long):
 * UINT64_MAX where there is none but ourselves. */
uint64_t registry_view_heard(const struct registry_view *v, int64_t now_ms);

/* The same at one look: whoever stands in the registry counts, also who has not been heard of for long. */
struct cardea_status registry_least(const struct store_ops *ops, struct store_tx *tx, const uint8_t *own_id,
                                    uint64_t *ret_n) CARDEA_CHECKED;

/* A record whose renewals have not moved for silent_ms, and for its own L: its owner is dead. false: there is none. */
bool registry_view_dead(const struct registry_view *v, int64_t now_ms, int64_t silent_ms, struct verifier_record *out);

/* --- who waits --- */

struct receipt_wait {
    uint64_t position;
    int64_t committed_ms; /* boot clock, after the commit */
    uint64_t first_read;  /* the first reading that was begun after the commit; 0: none yet */
    uint32_t total;       /* verifiers that were waited for */
};

/* Judge after a reading, or (fresh: false) after one that failed. A reading counts for a wait only if it was begun
 * after the commit. out:   always set; true: complete */
bool receipt_judge(const struct registry_view *v, struct receipt_wait *w, bool fresh, int64_t now_ms,
                   struct receipt *out);

#endif
