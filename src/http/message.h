/* Messages: one HTTP request as the listener hands it over, one response as it takes it back. No sockets, no parsing of
 * bytes here.
 *
 * A request's views live as long as its exchange. Header names compare without case; all lines of a repeated header are
 * kept, in order.
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "cardea/status.h"
#include "http/stream.h"

enum { HEADERS_MAX = 64, RESPONSE_HEADERS_MAX = 20, BODY_MAX = 64 * 1024, TARGET_MAX = 2048 };

enum method {
    METHOD_UNSET = 0,
    METHOD_GET = 1,
    METHOD_HEAD = 2,
    METHOD_POST = 4,
    METHOD_PUT = 8,
    METHOD_PATCH = 16,
    METHOD_DELETE = 32,
    METHOD_OPTIONS = 64,
    METHOD_OTHER = 128, /* a valid token that we give no meaning */
};

enum entrance { /* by which door it came */
                ENTRANCE_UNSET = 0,
                ENTRANCE_MAIN,
                ENTRANCE_ADMIN, /* admin_listen */
                ENTRANCE_METRICS,
                ENTRANCE_SOCKET, /* the admin socket, or a command on a stopped installation: the operator, by uid */
};

struct header {
    struct view name, value;
};

struct request {
    enum method method;
    enum entrance entrance;
    struct view target;      /* raw, as received */
    struct view path, query; /* target cut at '?'; still encoded */
    struct header headers[HEADERS_MAX];
    uint32_t header_count;
    struct view body;
    struct address client; /* behind trusted proxies: the address they vouch for */
    bool proxied;          /* the peer is a trusted proxy: its X-Original-* headers count */
    bool secure;           /* TLS, loopback, or vouched for by a trusted proxy */
    uint32_t uid;          /* ENTRANCE_SOCKET */
    char id[65];           /* X-Request-Id, checked or made */
};

/* The first header of that name; an empty view with a NULL ptr when absent. */
struct view request_header(const struct request *r, struct view name);
/* How many lines of that name there are. */
uint32_t request_header_count(const struct request *r, struct view name);

struct response {
    uint16_t status;
    uint32_t header_count;
    struct header headers[RESPONSE_HEADERS_MAX]; /* values in the exchange's arena or static; checked: no control
                                                    characters leave */
    struct view body;                            /* in the arena or static */
    struct stream *stream;                       /* instead of a body; owned; NULL: none */
};

/* Add a header; names are ours. A value with a control character is refused with E_INTERNAL: no header splitting. */
struct cardea_status response_header(struct response *r, const char *name, struct view value) CARDEA_CHECKED;

/* Free the stream that nobody has taken over. */
static inline void response_drop_stream(struct response *r)
{
    if (r->stream != NULL)
        r->stream->free(r->stream);
    r->stream = NULL;
}

#endif
