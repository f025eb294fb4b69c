/* The follower: the thread that keeps this node's memory up with a store which others write to (daemon/follow.h says
 * how). It wakes when another node's commit is pushed, and for each renewal whether anything is pushed or not: what is
 * pushed makes it fast, the lease makes it sure.
 *
 * It exists only where several nodes may share the accounts; elsewhere the table is valid for ever.
 *
 *     follower_open   where is the store?      then the caller fills keyring and table
 *     follower_start  the first lease          then requests may be answered
 *     follower_stop   nothing more is answered from memory
 *
 * Threading: these calls on one thread; follower_counts on any, between open and close.
 */
#ifndef DAEMON_FOLLOWER_H
#define DAEMON_FOLLOWER_H

#include "daemon/follow.h"

struct follower;

struct follower_host {
    struct keeper *keeper;
    struct store *store; /* the accounts, a handle for the follower alone; taken over */
    int64_t (*boot_ms)(void);
    struct verifier_record self; /* as it stands in the registry */
};

/* fails: the store's; it is closed then */
struct cardea_status follower_open(const struct follower_host *host, struct follower **out) CARDEA_CHECKED;
/* fails: E_UNAVAILABLE. A store that gives no lease yet is no failure. */
struct cardea_status follower_start(struct follower *f) CARDEA_CHECKED;
void follower_stop(struct follower *f);  /* NULL is safe */
void follower_close(struct follower *f); /* stops it, and closes the store; NULL is safe */
const struct follow_counts *follower_counts(const struct follower *f);

#endif
