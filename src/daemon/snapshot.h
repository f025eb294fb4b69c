/* Snapshots: settings, keys and table as one immutable whole, swapped by pointer.
 *
 * A request keeps the snapshot it began with; a reload or a rotation of keys publishes a new one, and the old one goes
 * with its last user. On an event loop the current snapshot is found without lock or shared write: each loop holds one
 * reference and looks at a generation number that hardly ever changes; requests of a loop count on the loop's own
 * counter (struct snapshot_hold), which no other thread touches.
 */
#ifndef DAEMON_SNAPSHOT_H
#define DAEMON_SNAPSHOT_H

#include "core/issuer.h"
#include "core/keyring.h"
#include "daemon/proxy.h"
#include "http/exchange.h"

#include <pthread.h>

/* What of the configuration a request needs beside the settings. */
struct listening {
    uint32_t proxy_count;
    struct address_range proxies[PROXIES_MAX];
    bool log_requests;
    int64_t head_deadline_ms, body_deadline_ms, idle_timeout_ms, request_deadline_ms;
};

struct snapshot {
    struct site site; /* site.settings, keys and issuers are held by references of this snapshot's own */
    struct settings *settings;
    struct keyring *keys;
    struct issuer_ring *issuers; /* NULL: none */
    struct listening listening;
    int _Atomic refs;
};

struct publisher {
    pthread_mutex_t lock;
    struct snapshot *current;
    uint64_t _Atomic generation;
};

/* site: what all snapshots share; its settings, keys and issuers are replaced. Takes over the references to these three
 * (issuers may be NULL), also on failure. NULL without memory. */
struct snapshot *snapshot_new(const struct site *site, const struct listening *listening, struct settings *settings,
                              struct keyring *keys, struct issuer_ring *issuers);
void snapshot_unref(struct snapshot *s); /* NULL is safe */

/* A copy on the heap with one reference; NULL without memory. */
struct settings *settings_copy(const struct settings *from);
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);

void publisher_init(struct publisher *p);
void publisher_clear(struct publisher *p);
void publisher_put(struct publisher *p, struct snapshot *s); /* takes over the reference */
/* Put the current snapshot in force with another listening and settings, with other keys, or
 * with other issuers' keys; what is NULL stays as it is at that moment. A reload and a change of keys come from two
 * threads: neither may undo the other, and a key that was dropped must not come back with a reload. Takes over the
 * references, also on failure. fails: E_UNAVAILABLE (memory) */
struct cardea_status publisher_amend(struct publisher *p, const struct listening *listening, struct settings *settings,
                                     struct keyring *keys, struct issuer_ring *issuers) CARDEA_CHECKED;
struct snapshot *publisher_take(struct publisher *p); /* a new reference */

/* One event loop's share of a snapshot. All calls on the loop's thread. */
struct snapshot_hold {
    struct snapshot *snapshot;
    uint64_t generation;
    uint32_t users; /* requests, and one for being current */
};
/* The current hold, counted for one request; *mine is the loop's own pointer. NULL without memory. */
struct snapshot_hold *snapshot_hold(struct publisher *p, struct snapshot_hold **mine);
void snapshot_release(struct snapshot_hold *h); /* NULL is safe */

#endif
