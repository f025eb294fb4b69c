/* The engine's connections: lent, mended, and let go of. Private to the engine.
 *
 * A connection is made ready before anything is asked of it: AUTH, SELECT, the server's role, the scripts. So a server
 * that was restarted, failed over or lost its scripts is served by a fresh connection, and nothing else knows of it.
 *
 * Behind Sentinels a connection may outlive its server's time as primary: one that was only paused goes on answering,
 * and takes writes that will be lost, until it is told. So the Sentinels are asked every REDIS_ASK_MS, by whoever comes
 * along, and connections to what is no longer the primary are let go.
 */
#ifndef STORE_REDIS_POOL_H
#define STORE_REDIS_POOL_H

#include "store/redis/link.h"

#include <pthread.h>

enum script { SCRIPT_CREATE = 0, SCRIPT_ROTATE, SCRIPT_TOUCH, SCRIPT_REMOVE, SCRIPT_COUNT_STEPS, SCRIPT_COUNT };
extern const char *const script_texts[SCRIPT_COUNT];

struct pool {
    struct redis_options options;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t freed;
    struct {
        struct link *link;
        uint64_t era;
    } idle[REDIS_CONNECTIONS];
    uint32_t idle_count, open_count;
    bool away, trying; /* it could not be asked; one of us is trying whether it can again */
    int64_t away_until_ms;
    uint32_t sentinel;         /* that answered last: asked first */
    struct redis_host primary; /* as the Sentinels said last */
    uint64_t era;              /* moves when they say another */
    int64_t asked_at_ms;
    char sha[SCRIPT_COUNT][41]; /* a script's name, as the server calls it */
    bool sha_known;
};

void pool_init(struct pool *p, const struct redis_options *o);
void pool_clear(struct pool *p);

/* What is to be done with a connection. E_UNAVAILABLE and E_CORRUPT mean that the connection is of no more use; E_IO
 * that the server is there and will not do this: it is full, it has no replica, the user may not. */
typedef struct cardea_status pool_work(struct pool *p, struct link *l, int64_t deadline_ms, void *context);
/* Do it on a connection; where that breaks, once more on a fresh one. The work must be safe to repeat. */
struct cardea_status pool_run(struct pool *p, int64_t deadline_ms, pool_work *work, void *context) CARDEA_CHECKED;

/* A fresh connection that is ready, and the era of the primary that it leads to; why: why not.
 * fails: E_UNAVAILABLE; E_USAGE: it answers, and may not be used */
struct cardea_status pool_connect(struct pool *p, int64_t deadline_ms, struct link **out, uint64_t *ret_era, char *why,
                                  size_t why_cap) CARDEA_CHECKED;

/* The start of a call of a script with so many keys. */
void script_call(const struct pool *p, struct words *w, enum script s, const char *keys);

#endif
