/* The service as a whole: everything that runs, made in one order and ended in the other.
 *
 *     sockets -> table -> snapshot -> registry and follower (where is the store?) -> the table is filled -> first lease
 *     -> committer, pools -> listeners
 */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include "daemon/background.h"
#include "daemon/follower.h"
#include "daemon/installation.h"
#include "daemon/key_source.h"
#include "daemon/listener.h"
#include "daemon/metrics.h"
#include "daemon/shared_counters.h"
#include "daemon/table_socket.h"
#include "http/lookup.h"

enum { SERVICE_LISTENERS = 4, GUESS_SLOTS = 16384, TABLE_OTHERS_MIB = 1024, READ_THREADS = 4 };

struct service {
    struct config *config;
    struct installation *installation;
    struct table_map map;
    struct table_socket *table_socket; /* NULL: nobody may have it */
    struct guess *guess;
    struct shared_counters *counters; /* NULL: no other node to count with */
    struct lookup_gate gate;
    struct publisher publisher;
    struct keeper keeper;
    struct feed *feed;
    struct follower *follower; /* NULL: nobody else writes to this store */
    struct background background;
    struct lanes lanes;
    struct key_sources sources;
    struct listener *listeners[SERVICE_LISTENERS];
    struct listen_address places[SERVICE_LISTENERS];
    uint32_t listener_count;
    struct metrics_source metrics;
    struct verifier_record self; /* our record in the registry, as nodes_join left it; kind UNSET: not registered */
    bool tls;
    bool published;
};

/* c is copied. fails: any; message is one sentence. Whatever happens, service_close afterwards. */
struct cardea_status service_open(const struct config *c, struct installation *i, struct service *out, char *message,
                                  size_t message_cap) CARDEA_CHECKED;
/* Put a new configuration in force, as far as it can be while running; says in the log what needs a restart. */
struct cardea_status service_reload(struct service *s, const struct config *c) CARDEA_CHECKED;
/* Now and then: cut overdue connections. */
void service_tend(struct service *s);
/* No new connections; wait for requests under way until the deadline, then end everything. */
void service_close(struct service *s);

#endif
