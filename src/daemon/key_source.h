/* Where other issuers' keys come from: one thread an issuer, which reads a file or fetches a URL, and puts what is good
 * in force for everybody.
 *
 * Decides: when a set is read again, how long one stays in use, who waits for it. Refuses to decide: what a set must be
 * like (core/issuer.h), how it is fetched (daemon/https_get.h). The place is the configuration's: no token, header or
 * redirect names one.
 *
 *   read again   when its time has come: Cache-Control's max-age within AGE_MIN_MS … AGE_MAX_MS, AGE_DEFAULT_MS where
 *                the server does not say, never later than half of jwks_keep; a file is looked at every FILE_EVERY_MS.
 *                At a reload of the configuration. When a token names a key that the set has not, but no sooner than
 *                jwks_refresh after the last fetch, and one fetch at a time, however many tokens there are. After a
 *                failure: BACKOFF_MIN_MS, doubled up to BACKOFF_MAX_MS, with a quarter of jitter.
 *   kept         the last good set, until the issuer has not been heard of for jwks_keep; then there is none. A set
 *                that is refused (too large, no usable key, a secret one, …) changes nothing: it counts as a failure.
 *   in force     as a new ring in the publisher's snapshot, by one pointer. A set that has not changed is not put in
 *                force again. Each has a generation of its own, so what was verified under another is verified again.
 *   waiting      a request that needs a key which may be there now hands its job over and is suspended: until the
 *                fetch under way ends, at most for the time a fetch may take (CONNECT_MS, TOTAL_MS) and its own
 *                deadline. WAITING_MAX for an issuer, shared fairly between addresses; past them 503.
 *
 * Threading: configure and close on one thread; all else from any.
 */
#ifndef DAEMON_KEY_SOURCE_H
#define DAEMON_KEY_SOURCE_H

#include "core/issuer.h"
#include "daemon/fair_queue.h"
#include "daemon/snapshot.h"

enum {
    KEY_AGE_MIN_MS = 60 * 1000,
    KEY_AGE_DEFAULT_MS = 15 * 60 * 1000,
    KEY_AGE_MAX_MS = 24 * 60 * 60 * 1000,
    KEY_FILE_EVERY_MS = 2000,
    KEY_BACKOFF_MIN_MS = 10 * 1000,
    KEY_BACKOFF_MAX_MS = 5 * 60 * 1000,
    KEY_CONNECT_MS = 3000,
    KEY_TOTAL_MS = 5000,
    KEY_WAITING_MAX = 256,
    KEY_WHY_MAX = 512,
};

struct key_source;

struct key_source_host {
    /* A job that waited goes on: what it waited for has come, or will not. false: no place. */
    bool (*resume)(void *context, struct queue_entry *entry);
    void (*refuse)(void *context, struct queue_entry *entry, struct cardea_status why);
    void *context;
    int64_t (*boot_ms)(void);
    const struct entropy *entropy;
    struct publisher *publisher;
};

struct key_sources {
    struct key_source_host host;
    pthread_mutex_t lock;
    bool open, stopping;
    uint64_t settings_generation, next_generation;
    uint32_t count;
    struct key_source *items[ISSUERS_MAX]; /* by the settings' index */
};

void key_sources_init(struct key_sources *k, const struct key_source_host *host);
/* Put settings with their issuers in force, and listening where it is not NULL: sources that stay keep their keys, new
 * ones read a file at once and fetch a URL when their thread runs. Takes over the reference to settings, also on
 * failure; nothing is changed then.
 * fails: E_USAGE: a file is no good set, or a certificate can not be used; E_UNAVAILABLE; why is one sentence. */
struct cardea_status key_sources_configure(struct key_sources *k, const struct listening *listening,
                                           struct settings *settings, char why[KEY_WHY_MAX]) CARDEA_CHECKED;
/* May waiting for this issuer's keys help: is a fetch under way, or may one begin? */
bool key_sources_wanted(struct key_sources *k, uint64_t settings_generation, uint32_t issuer);
/* Hand over a job that waits for them; it comes back by resume or refuse, maybe before this returns. false: it stays
 * the caller's. */
bool key_sources_await(struct key_sources *k, uint64_t settings_generation, uint32_t issuer, struct queue_entry *entry);
/* Now and then: refuse whoever has waited past its deadline. */
void key_sources_tend(struct key_sources *k);
/* Refuse who waits, end the threads; waiting is refused from now on. Safe on a zeroed one. */
void key_sources_stop(struct key_sources *k);
/* key_sources_stop, and free all: nobody may call any more. */
void key_sources_close(struct key_sources *k);

/* Would this issuer's file be taken now? A URL is not asked. fails: E_USAGE, E_UNAVAILABLE; why is one sentence. */
struct cardea_status key_source_check(const struct issuer *issuer, char why[KEY_WHY_MAX]) CARDEA_CHECKED;

struct key_source_stats {
    char name[APP_NAME_MAX + 1];
    bool usable; /* there is a set that may be used */
    uint64_t fetches, failures;
    int64_t age_ms; /* since the set was last read or confirmed; -1: none yet */
    uint32_t keys, skipped;
};
/* out: ISSUERS_MAX places; the number of issuers. */
uint32_t key_sources_stats(struct key_sources *k, struct key_source_stats *out);

#endif
