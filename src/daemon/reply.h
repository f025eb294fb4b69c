/* Replies: a response of ours as the HTTP library wants it.
 *
 * The library copies each header into memory of its own, which costs more than the whole of a check. So a reply without
 * body can be kept and made into the next one by changing only the headers that differ.
 */
#ifndef DAEMON_REPLY_H
#define DAEMON_REPLY_H

#include "http/message.h"

#include <microhttpd.h>

/* A new library response. The body is not copied: it must live until the request is completed. NULL without memory, or
 * when a header can not be sent as it stands (nothing is sent then, rather than half of it).
 * close: end the connection after it. */
struct MHD_Response *reply_new(const struct response *r, bool close);

/* A reply whose body is r->stream: taken over, also on failure (r->stream is NULL afterwards). Its connection is
 * suspended while the stream waits. NULL: as reply_new. */
struct MHD_Response *reply_stream(struct response *r, struct MHD_Connection *connection, bool close);

enum { REPLY_KEPT_TEXT = 1024, REPLY_KEPT_HEADERS = 12 };

/* One reply kept for the next; all zeros: none. */
struct reply_kept {
    struct MHD_Response *reply;
    uint32_t count;
    struct view names[REPLY_KEPT_HEADERS]; /* of static texts */
    const char *values[REPLY_KEPT_HEADERS];
    size_t lens[REPLY_KEPT_HEADERS];
    char text[REPLY_KEPT_TEXT]; /* the values, each ended by NUL */
};

/* May this response be kept: no body, no cookie, small enough? */
bool reply_keepable(const struct response *r);
/* The kept reply, made to say what r says; k holds on to it. Only when nobody is sending it any more. NULL: as
 * reply_new.
 */
struct MHD_Response *reply_renew(struct reply_kept *k, const struct response *r);
void reply_drop(struct reply_kept *k);

#endif
