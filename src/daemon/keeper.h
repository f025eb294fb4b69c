/* The keeper: brings what was committed into the verification table and the keyring, and makes both from the store.
 *
 * Decides: how a change becomes visible, and what is visible when the store's state is not known:
 *   - after a commit of unknown outcome everything that may have ended is dead at once, and the table is invalid (each
 *     check answers 503, never a stale yes) until what narrows access has been written again where it was not
 *     (core/doubt.h), and the table has been read from the store;
 *   - the same while changed keys can not be read;
 *   - where several nodes write to one store, the table is valid for as long as the follower's lease says, and not
 *     beyond (daemon/follower.h).
 *
 * Three bring records: the committer what it has committed, the follower what others have, and a check that had to ask
 * the store what it has read there (a fill). Each comes to the table some time after the store, so one may hold an
 * older state of a record than another has brought already. Therefore: whoever brings a record takes a mark before it
 * asks the store, and a record that somebody else has changed since (daemon/recent.h) is not put. A fill is then
 * dropped; of what the committer or the follower brings, nobody can tell which is later, so the record is taken out,
 * and the next check asks the store. Ends are always applied: they are true whenever they come. The committer's changes
 * are in order among themselves, and so are the follower's.
 *
 * Threading: one lock around all that writes the table and the keyring, so all functions may be called by any thread
 * unless they say otherwise. A fill never waits for it: where another writes, it is dropped. What reads the whole store
 * holds it for some hundred records at a time.
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "core/doubt.h"
#include "daemon/feed.h"
#include "daemon/recent.h"
#include "daemon/snapshot.h"
#include "daemon/table_map.h"

enum {
    FILL_DEADLINE_MS = 600000, /* of the transaction that reads everything */
    FILL_ROWS = 512,           /* sessions or revocations read at once */
    DOUBTS_DEADLINE_MS = 5000, /* of the transaction that writes what is in doubt */
};

struct keeper {
    struct table_writer *writer;
    struct publisher *publisher;
    struct store *store;
    const struct master_key *master;
    const uint8_t *own_verifier; /* 16 bytes: our own record in the registry; zeros while there is none; NULL: never */
    struct feed *feed;           /* hears of every change; NULL: none */
    int64_t (*wall_ms)(void), (*boot_ms)(void);
    uint64_t keys_generation;

    pthread_mutex_t lock;       /* guards the writer and what follows */
    struct snapshot_hold *hold; /* the settings that apps are looked up in */
    struct recent *recent;
    uint64_t reached;                     /* row of the journal that the feed was told of last */
    uint64_t commit_mark;                 /* of the committer's transaction under way */
    bool lost;                            /* the table must be made anew from the store */
    bool keys_stale;                      /* the keyring too */
    int64_t lease_ms;                     /* when the table's lease ends; INT64_MAX: there is none */
    int64_t store_ms;                     /* when what the store says ends to be certain */
    int64_t _Atomic decides_ms, known_ms; /* the same, 0 while the state is not known; and INT64_MAX at first */
    uint64_t _Atomic fills, fills_dropped;
    struct doubts doubts; /* to be written again; the committer's thread */
    int64_t sessions_full_logged_ms, others_full_logged_ms;
};

struct fill_counts {
    uint64_t users, sessions, api_keys, revocations;
};

/* After the first members are set. fails: E_UNAVAILABLE; keeper_close in any case. */
struct cardea_status keeper_open(struct keeper *k) CARDEA_CHECKED;
/* The end, when nobody calls any more: says how many doubts could not be settled, and forgets them. */
void keeper_close(struct keeper *k);

/* Read users, API keys, revocations and sessions from the store into the table, over what is there, for the committer:
 * with no doubts left, this mends a lost state. fails: what the store answers */
struct cardea_status keeper_fill(struct keeper *k, struct fill_counts *ret_counts) CARDEA_CHECKED;
/* The same for the follower, whose other duties do not rest so long: it breathes between portions, under no lock. */
struct cardea_status keeper_refill(struct keeper *k, void (*breathe)(void *context), void *context,
                                   struct fill_counts *ret_counts) CARDEA_CHECKED;
/* Put a snapshot with keys read from the store, and the settings there are, in force. */
struct cardea_status keeper_load_keys(struct keeper *k) CARDEA_CHECKED;

/* The committer's thread; for committer_host, context is the keeper. begin: before each transaction. */
void keeper_begin(void *keeper);
void keeper_apply(void *keeper, const struct change_list *changes);
void keeper_doubt(void *keeper, const struct change_list *changes);
/* Try to mend what is lost or stale. */
void keeper_mend(struct keeper *k);
bool keeper_sound(struct keeper *k);

/* Everything up to this row of the journal is in the table: verifiers that the feed brings there have heard of it. The
 * follower's, after what it has applied; the background's where nobody else writes (keeper_alone). */
void keeper_reached(struct keeper *k, uint64_t n);
bool keeper_alone(struct keeper *k);
/* The apps in the table were set anew: the feed hears of it. */
void keeper_apps_shown(struct keeper *k);

/* The follower's thread. */
/* Changes that others have committed, in their order; records were read from the store after the mark. CHANGE_KEYS is
 * not among them: see keeper_load_keys. */
void keeper_follow(struct keeper *k, uint64_t mark, const struct change *changes, uint32_t count);
/* What is in the table is of another store, or of another time of this one: take it out, and end the lease. */
void keeper_empty(struct keeper *k);
/* Until when (boot clock) the table may be believed; 0: not now. */
void keeper_lease(struct keeper *k, int64_t until_ms);
/* Until when what the store says may be believed where the table may not: a little after it was last seen to be the one
 * that takes writes. 0, as at first: never. */
void keeper_store_lease(struct keeper *k, int64_t until_ms);

/* Checks that had to ask the store. */
/* Before the store is asked. Never waits. */
uint64_t keeper_mark(struct keeper *k);
/* What it said, all of one moment; a NULL is nothing. Never waits for another writer. */
void keeper_offer(struct keeper *k, uint64_t mark, const struct user_record *user, const struct session_record *session,
                  const struct api_key_record *key);
/* May the store be asked where the table is not valid? Never waits. */
bool keeper_store_decides(struct keeper *k);
/* Has the store, which others write to, not taken a write for a lease? Never waits. */
bool keeper_store_lost(struct keeper *k);

/* The background's. As table_sweep and table_take_seen. */
uint32_t keeper_sweep(struct keeper *k, uint32_t steps);
uint32_t keeper_take_seen(struct keeper *k, struct session_id *sids, int64_t *seen_ms, uint32_t cap);

#endif
