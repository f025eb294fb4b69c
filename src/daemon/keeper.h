/* The keeper: brings what was committed into the verification table and the keyring, and makes both from the store.
 *
 * Decides: how a change becomes visible, and what is visible when the store's state is not known:
 *   - after a commit of unknown outcome everything that may have ended is dead at once, and the table is invalid (each
 *     check answers 503, never a stale yes) until what narrows access has been written again where it was not
 *     (core/doubt.h), and the table has been read from the store;
 *   - the same while changed keys can not be read.
 * Threading: the committer's thread (keeper_open and keeper_fill also before it runs).
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "core/doubt.h"
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
    struct snapshot_hold *hold; /* the settings that apps are looked up in */
    struct store *store;
    const struct master_key *master;
    int64_t (*wall_ms)(void), (*boot_ms)(void);
    uint64_t keys_generation;
    bool lost;            /* the table must be made anew from the store */
    bool keys_stale;      /* the keyring too */
    struct doubts doubts; /* to be written again before that */
    int64_t sessions_full_logged_ms, others_full_logged_ms;
};

struct fill_counts {
    uint64_t users, sessions, api_keys, revocations;
};

/* Read users, API keys, revocations and sessions from the store into the table, and open it to readers.
 * fails: what the store answers */
struct cardea_status keeper_fill(struct keeper *k, struct fill_counts *ret_counts) CARDEA_CHECKED;
/* Put a snapshot with keys read from the store, and the settings there are, in force. */
struct cardea_status keeper_load_keys(struct keeper *k) CARDEA_CHECKED;

/* For committer_host; context is the keeper. */
void keeper_apply(void *keeper, const struct change_list *changes);
void keeper_doubt(void *keeper, const struct change_list *changes);
/* Try to mend what is lost or stale. */
void keeper_mend(struct keeper *k);
bool keeper_sound(const struct keeper *k);
/* The end: says how many doubts could not be settled, and forgets them. */
void keeper_close(struct keeper *k);

#endif
