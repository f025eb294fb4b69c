/* The feed, as the service gives it: streams of the table's changes to verifiers elsewhere, and their leases.
 *
 * Decides: who may have a stream and for how long, what is in it, and what lease goes with it.
 *   - A passage begins with the clock, then the table's lease, then the head of the log, in this order: what was
 *     acknowledged to anybody before the clock was read is at or before that head. Its end gives the lease as it was
 *     then, however long the passage took (core/feed.h).
 *   - A verifier gets no lease before it stands in the registry, and none beyond what was renewed there: whoever waits
 *     for acknowledgements (core/receipt.h) then knows of everybody who may still answer by the old state. What it says
 *     it has (`after`) is its acknowledgement.
 *   - An event stream can not hear what its reader has: it ends after FEED_STREAM_LEASES, and as soon as somebody waits
 *     for acknowledgements (feed_hurry).
 *   - A stream ends with the key that opened it: looked up before each passage; its end wakes the stream.
 *   - A reader that is slow makes nobody wait and costs a chunk of memory: when the log has moved on without it, or its
 *     time is over, the stream breaks and it has to come again.
 *   - FEED_STREAMS_MAX in all, FEED_STREAMS_KEY_MAX of one key; verifiers likewise. Where the registry is all but full
 *     a verifier that does not stand in it gets no lease: a registry past its limit is one that nobody can read.
 *
 * Threading: streams are read on their event loops; feed_wake is called by whoever changed the table, and costs a
 * signal where somebody waits. A thread of its own wakes those who wait. feed_renew runs where the store is written.
 */
#ifndef DAEMON_FEED_H
#define DAEMON_FEED_H

#include "core/feed.h"
#include "http/exchange.h"

enum {
    FEED_STREAMS_MAX = 256,
    FEED_STREAMS_KEY_MAX = 64,
    FEED_REMOTES_MAX = 512,         /* verifiers that were heard of lately */
    FEED_REMOTES_KEY_MAX = 128,     /* of one key: a name costs it nothing */
    FEED_REGISTRY_LEFT = 128,       /* places in the registry that are left to nodes */
    FEED_HOLD_MAX_MS = 2000,        /* a reader hears something as often as this, however long the lease */
    FEED_STREAM_LEASES = 8,         /* how long an event stream goes on */
    FEED_SNAPSHOT_MAX_MS = 600000,  /* of sending a whole copy */
    FEED_CHUNK = 2 * FEED_LINE_MAX, /* of a stream, in memory */
};

struct feed;

struct feed_host {
    const struct table *table;
    int64_t lease_ms;
    int64_t (*boot_ms)(void), (*wall_ms)(void);
    const struct entropy *entropy;
    void (*poke)(void *context); /* feed_renew is due; from any thread */
    void *context;
};

/* fails: E_UNAVAILABLE */
struct cardea_status feed_new(const struct feed_host *host, struct feed **out) CARDEA_CHECKED;
/* No more streams; those that are open end. NULL is safe. */
void feed_stop(struct feed *f);
/* After feed_stop, and after the last stream was freed. NULL is safe. */
void feed_free(struct feed *f);

/* The writer's log. NULL: none. */
struct feed_log *feed_log_of(struct feed *f);
/* Something was noted in it. NULL is safe. */
void feed_wake(struct feed *f);
/* Somebody waits for acknowledgements: event streams end after what they have to tell, so that their readers come again
 * and say how far they are. NULL is safe. */
void feed_hurry(struct feed *f);
/* For site.feed_open. fails: E_UNAVAILABLE: the table has no lease; E_BUSY: no place. */
struct cardea_status feed_open(struct feed *f, const struct feed_request *ask, struct stream **out) CARDEA_CHECKED;

/* Write into the registry what is due: verifiers that were heard of, what they have, and those that are gone.
 * begin: a WRITE transaction, for which nothing but this was done; it is committed or aborted here.
 * due: is there anything to write? Look before a transaction is begun. */
bool feed_renewal_due(struct feed *f);
struct cardea_status feed_renew(struct feed *f, struct store *store, int64_t deadline_ms) CARDEA_CHECKED;

struct feed_stats {
    uint32_t streams, remotes;
    uint64_t head, snapshots;
};
struct feed_stats feed_stats(struct feed *f);

#endif
