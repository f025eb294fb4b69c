/* Connections: all that are open, how many each address has, and how long each may take.
 *
 * Decides: whether a new connection is let in, which old one makes room for it, and which has taken too long.
 *   - Limits: connections_max in all, per_address_max for one address (/64 for IPv6); trusted peers (listed proxies,
 * unix sockets) are exempt from the second.
 *   - At a limit, the connection that has waited longest for a request (of that address, or of all) is cut, so that
 * idle connections never keep anybody out; if every one has a request under way, the newcomer is refused.
 *   - Deadlines are hard: a head or body that trickles in is cut when its time is over, whatever trickles. The HTTP
 *     library's own timeouts begin anew with each byte.
 *
 * Representation: a list and a small table of counts under one lock, taken when a connection opens or closes and by the
 * reaper, never for a request: what a request changes (deadline, busy) are atomic members of its connection.
 * A connection is cut by shutdown(2) on its descriptor, under the lock that its removal takes too: it is never
 * another's.
 */
#ifndef DAEMON_CONNECTIONS_H
#define DAEMON_CONNECTIONS_H

#include "base/address.h"
#include "cardea/status.h"

#include <pthread.h>

enum { CONNECTION_BUCKETS = 1024 };

struct connection_entry {
    struct connection_entry *next, *previous;
    struct address source; /* the neighbourhood it counts for */
    bool exempt;           /* from the limit per address */
    bool cut;              /* already shut down */
    int fd;
    int64_t _Atomic deadline_ms; /* boot clock; INT64_MAX: none */
    int64_t _Atomic since_ms;    /* when it began to wait for a request */
    bool _Atomic busy;           /* a whole head has come, and its answer has not gone */
};

struct connection_count;

struct connections {
    pthread_mutex_t lock;
    struct connection_entry head; /* of the ring */
    uint32_t open, open_max, per_address_max;
    uint64_t refused, evicted, overdue; /* counts for the metrics */
    struct connection_count *counts[CONNECTION_BUCKETS];
};

void connections_init(struct connections *c, uint32_t open_max, uint32_t per_address_max);
void connections_clear(struct connections *c); /* none may be open */
void connections_limit(struct connections *c, uint32_t open_max, uint32_t per_address_max);

/* May a connection from this address come in? May cut another one for it. */
bool connections_admit(struct connections *c, const struct address *source, bool exempt);
/* fails: E_UNAVAILABLE without memory: cut it yourself */
struct cardea_status connections_add(struct connections *c, struct connection_entry *entry) CARDEA_CHECKED;
void connections_remove(struct connections *c, struct connection_entry *entry);
/* Cut what is past its deadline; returns how many. */
uint32_t connections_reap(struct connections *c, int64_t now_ms);
/* How many have a request under way. */
uint32_t connections_busy(struct connections *c);
struct connections_stats {
    uint32_t open;
    uint64_t refused, evicted, overdue;
};
struct connections_stats connections_stats(struct connections *c);

#endif
