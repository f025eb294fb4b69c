/* Conversations: what is said on one connection, request by request, between the HTTP library's callbacks and the
 * exchange.
 *
 * Decides: when a head is checked, a body gathered, a request suspended, an answer sent, and when the connection ends:
 *   - nothing is done with a request before the filter has let its head through (request_filter.h);
 *   - a request without a body is answered in the library's second call, so that the connection stays open;
 *   - after any request with a body the connection is closed: whatever follows it was not a request;
 *   - a refusal that needs no body is sent at once and ends the connection, after up to DISCARD_MAX bytes of a body
 * have been read, so that an honest client sees it rather than a reset. Refuses to decide: what is answered
 * (http/exchange.h).
 *
 * Threading: a conversation belongs to its event loop's thread; while suspended, its job belongs to a lane.
 */
#ifndef DAEMON_CONVERSATION_H
#define DAEMON_CONVERSATION_H

#include "daemon/connections.h"
#include "daemon/loop.h"

#include <microhttpd.h>

enum { DISCARD_MAX = 16 * 1024 * 1024 };

/* What all conversations of a listener share. */
struct conversation_host {
    struct publisher *publisher;
    struct lanes *lanes;
    struct loops *loops;
    const struct entropy *entropy;
    int64_t (*boot_ms)(void);
    enum entrance entrance;
    bool tls, is_unix;
    bool _Atomic *stopping; /* answers then end their connections */
};

struct conversation {
    struct connection_entry entry; /* first */
    const struct conversation_host *host;
    struct MHD_Connection *connection;
    struct peer peer;
    uint32_t uid;
    enum {
        TALK_IDLE = 0, /* no request */
        TALK_HEAD,     /* its request line has come */
        TALK_WHOLE,    /* head let through; no body to come */
        TALK_BODY,     /* gathering the body */
        TALK_DISCARD,  /* refused; reading the body away */
        TALK_AWAY,     /* a lane has the job */
        TALK_BACK,     /* and has given it back */
        TALK_ANSWERED,
    } _Atomic state;
    const char *target_place; /* where the target stands in the received bytes */
    char *target_copy;        /* where those will be decoded in place */
    size_t target_len;
    struct job *job;
    char *body; /* may hold a password: wiped */
    size_t body_len, body_cap;
    uint64_t discarded;
    bool last; /* the connection ends with the answer */
    int64_t begun_ms;
};

/* The HTTP library's callbacks. */
void *conversation_target(void *host, const char *target, struct MHD_Connection *connection);
enum MHD_Result conversation_handle(void *host, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *upload, size_t *upload_len, void **context);
void conversation_completed(void *host, struct MHD_Connection *connection, void **context,
                            enum MHD_RequestTerminationCode why);

#endif
