/* Listeners: one address that is listened on, with event-loop threads of its own, through libmicrohttpd.
 *
 * Decides: how the library is set up and hardened; which connections are let in (connections.h); TLS 1.2 and 1.3 only;
 * that the operator's socket is for root and our own user alone.
 * Refuses to decide: what happens on a connection (conversation.h).
 *
 * Limits of its own, beside the configured ones: CONNECTION_MEMORY bounds a request's head with all that the library
 * makes of it (431 or 414 past it); HEADERS_MAX and TARGET_MAX (http/message.h).
 */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include "daemon/config.h"
#include "daemon/conversation.h"

enum { CONNECTION_MEMORY = 24 * 1024 };

struct listener;

struct listener_options {
    const struct listen_address *where;
    enum entrance entrance;
    unsigned threads;
    unsigned socket_mode; /* of a unix socket */
    bool tls;             /* shows the process's identity (tls.h) */
    uint32_t connections_max, connections_per_address_max;
    int64_t head_deadline_ms, idle_timeout_ms;
    struct publisher *publisher;
    struct lanes *lanes;
    const struct entropy *entropy;
    int64_t (*boot_ms)(void);
    /* Instead of exchanges: a body made by text(), for the metrics. NULL: none */
    void (*text)(void *context, struct buf *out);
    void *text_context;
};

/* Bind and listen; connections wait. fails: E_IO, E_UNAVAILABLE; message is one sentence */
struct cardea_status listener_open(const struct listener_options *o, struct listener **out, char *message,
                                   size_t message_cap) CARDEA_CHECKED;
/* Begin to serve. fails: E_IO (a bad certificate, for instance) */
struct cardea_status listener_start(struct listener *l, char *message, size_t message_cap) CARDEA_CHECKED;
void listener_limit(struct listener *l, uint32_t connections_max, uint32_t connections_per_address_max);
/* Cut what is overdue. Call now and then. */
void listener_reap(struct listener *l);
/* No new connections; answers from now on end theirs. */
void listener_quiesce(struct listener *l);
uint32_t listener_busy(struct listener *l); /* requests under way */
struct connections_stats listener_stats(struct listener *l, uint64_t counts[LOOP_COUNTS] /* added to */);
/* Close all connections. No job may be with a lane. NULL is safe. */
void listener_close(struct listener *l);

#endif
