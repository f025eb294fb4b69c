/* Nodes: services that share their accounts, as they find each other in the registry of verifiers when they start.
 *
 * Decides: whether this node may run beside those that run already. Every node must see the same sessions, so
 *   - one that keeps its sessions for itself (SQLite, memory) runs alone;
 *   - others must all name the same engine (engines_sessions_name).
 * Refuses to decide: how a lease is renewed and what the journal's rows mean (daemon/follower.h).
 *
 * A record that forbids us may be of a node that died without taking it back. No two machines agree on the time, so it
 * is watched: when its renewals have moved, its node lives, and we are refused; when they have not for as long as its
 * lease can last, it is dead, and its record goes. So after a crash such a node starts a lease later; where all share
 * one engine nobody waits.
 *
 * One that was stopped for longer than its lease may find on waking that it was taken for dead, and that another which
 * it can not run beside has come: then it may not come back while that one lives (nodes_look).
 *
 * Two that start at once: who lists the registry in a WRITE is alone in that until its end (store/store.h), so the
 * second one finds the first.
 *
 * Where one process alone can open the accounts, nothing of this is done: the lock on the state folder is enough.
 *
 * Threading: none of its own.
 */
#ifndef DAEMON_NODES_H
#define DAEMON_NODES_H

#include "base/entropy.h"
#include "store/store.h"

enum { NODES_STEP_MS = 50, NODES_DEADLINE_MS = 5000 };

struct nodes_host {
    struct store *store;
    int64_t (*boot_ms)(void);
    void (*pause)(int64_t ms); /* between two looks at a record that is watched */
    const struct entropy *entropy;
};

struct nodes_self {
    const char *accounts, *sessions; /* URLs */
    const char *listen;              /* for the name, behind the host's */
    int64_t lease_ms;
};

/* Register as a node, before the first lease is asked for.
 * out:   our record, as it stands in the registry with n = 0; zeros where nodes need no registry
 * fails: E_CONFLICT: another node lives that we can not run beside; the store's. message is a sentence.
 * cost:  blocks for up to the longest lease there is, where a dead node's record is in the way */
struct cardea_status nodes_join(const struct nodes_host *host, const struct nodes_self *self,
                                struct verifier_record *ret_record, char *message, size_t message_cap) CARDEA_CHECKED;
/* Take the record back, once nobody is answered from our memory any more. Best effort: else its lease runs out. */
void nodes_leave(const struct nodes_host *host, const struct verifier_record *record);

/* What was seen of records in our way; kept from look to look. Of some size: on the heap. NULL without memory. */
struct nodes_watch;
struct nodes_watch *nodes_watch_new(void);
void nodes_watch_free(struct nodes_watch *w);
/* One look at the registry, inside a WRITE: registers `self` if nobody is in the way.
 * out:   *ret_joined: registered, to be committed; else somebody may live, look again soon
 * fails: E_CONFLICT: another node lives that we can not run beside; the store's. message is a sentence. */
struct cardea_status nodes_look(struct nodes_watch *w, const struct store_ops *ops, struct store_tx *tx,
                                const struct verifier_record *self, int64_t (*boot_ms)(void), bool *ret_joined,
                                char *message, size_t message_cap) CARDEA_CHECKED;

#endif
