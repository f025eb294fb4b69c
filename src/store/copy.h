/* Moving an installation's records from one engine to another, by the operations of store.h and sessions.h alone.
 *
 * Decides: what there is to move, in which order, and when the copy is the same as what it was made from. Refuses to
 * decide: which stores these are, that nobody writes to the source meanwhile, what becomes of a copy that failed.
 *
 * Accounts are read in the caller's one READ transaction of the source and written in the caller's one WRITE
 * transaction of the target: all of it or, after any failure, nothing. Users, API keys, keys (with their sealed halves
 * as they are: they open with the same master key), values, and the journal row by row with its numbers and hashes,
 * each checked on the way; of its revocations those in force that are in force at the source. The registry of verifiers
 * stays behind: it says who is alive now.
 *
 * Sessions go batch by batch, in the order of their ids, from and into either role; into a store they are a part of the
 * caller's transaction, into a sessions engine each is there at once. Those that are over stay behind.
 *
 * Verified are: every user and API key against its original; keys and values by number; the journal by its head; every
 * session against its original, and that none is there that the source has not.
 *
 * Threading: one thread. It waits for both engines.
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "store/journal.h"
#include "store/sessions.h"

enum { COPY_BATCH = 1000, COPY_VALUES_MAX = 64, COPY_KEYS_MAX = 1024 };

struct copy_counts {
    uint64_t users, api_keys, keys, values, events, sessions;
    uint64_t over; /* sessions that were over, and stayed behind */
};

enum copy_stage {
    COPY_STAGE_UNSET = 0,
    COPY_USERS, /* with their API keys */
    COPY_JOURNAL,
    COPY_SESSIONS,
    COPY_CHECK, /* of the sessions */
};

/* How a copy is made. */
struct copy {
    store_digest_fn *digest;
    int64_t (*boot_ms)(void);
    int64_t now_ms; /* wall clock: which sessions are over */
    /* Told now and then. total 0: not known; of sessions it is estimated. NULL: nobody asks. */
    void (*progress)(void *context, enum copy_stage stage, uint64_t done, uint64_t total);
    void *context;
};

/* A store inside one of its transactions. */
struct copy_place {
    const struct store_ops *ops;
    struct store_tx *tx;
};

/* Where sessions are: in a store (a transaction of it), or in an engine of that role. */
struct copy_sessions_place {
    struct copy_place store;   /* tx NULL: not there */
    struct sessions *sessions; /* … but here */
};

/* Has a store no users, no keys and no journal? */
struct cardea_status copy_accounts_empty(const struct copy_place *p, bool *ret_empty) CARDEA_CHECKED;
/* fails: E_LIMIT: the engine can not tell. */
struct cardea_status copy_sessions_empty(const struct copy *c, const struct copy_sessions_place *p,
                                         bool *ret_empty) CARDEA_CHECKED;

/* Where a journal stands. */
struct cardea_status copy_head(const struct copy_place *p, struct journal_head *out) CARDEA_CHECKED;

/* Copy and verify. Both answer for what they were given: undo or abort on failure.
 * out:   counts: added to
 * fails: E_CORRUPT: the source's journal does not hold; E_CONFLICT: the target has something of that name already, or
 * is not the same as its source; what the engines answer. */
struct cardea_status copy_accounts(const struct copy *c, const struct copy_place *from, const struct copy_place *to,
                                   struct copy_counts *counts) CARDEA_CHECKED;
struct cardea_status copy_sessions(const struct copy *c, const struct copy_sessions_place *from,
                                   const struct copy_sessions_place *to, struct copy_counts *counts) CARDEA_CHECKED;
/* Only compare. A session that the target has not must be over: some end by themselves. fails: E_CONFLICT */
struct cardea_status copy_sessions_check(const struct copy *c, const struct copy_sessions_place *from,
                                         const struct copy_sessions_place *to) CARDEA_CHECKED;

#endif
