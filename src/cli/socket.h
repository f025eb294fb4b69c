/* The admin socket's client: one HTTP/1.1 request over a unix socket, one answer.
 *
 * Decides: whether whoever listens there may be trusted (nobody but its owner may write to the state folder), and
 * whether an answer is whole. Refuses to decide: what to do when nobody listens.
 * A request that was sent is never sent again: it may have been carried out.
 */
#ifndef CLI_SOCKET_H
#define CLI_SOCKET_H

#include "cli/call.h"

enum socket_outcome {
    SOCKET_UNSET = 0,
    SOCKET_ANSWERED,
    SOCKET_NOBODY, /* no socket there, or nobody listens on it */
    SOCKET_UNSAFE, /* others may write to the state folder: whoever listens there may be anybody */
    SOCKET_BROKEN, /* sent, perhaps carried out, and no whole answer came */
};

/* Ask the service of this configuration's state folder. *out is set with SOCKET_ANSWERED alone. */
enum socket_outcome socket_call(const struct config *config, const struct call *call, struct answer *out);

#endif
