/* Replies: a response of ours as the HTTP library wants it. */
#ifndef DAEMON_REPLY_H
#define DAEMON_REPLY_H

#include "http/message.h"

#include <microhttpd.h>

/* A new library response. The body is not copied: it must live until the request is completed. NULL without memory, or
 * when a header can not be sent as it stands (nothing is sent then, rather than half of it).
 * close: end the connection after it. */
struct MHD_Response *reply_new(const struct response *r, bool close);

#endif
