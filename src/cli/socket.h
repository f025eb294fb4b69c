/* The admin socket's client: one HTTP/1.1 request over a unix socket, one answer.
 *
 * Decides: whether whoever listens there may be trusted, and whether an answer is whole. Trusted is the owner of the
 * state folder, or root, in a folder that nobody else may write to and that is ours; root asks in anybody's folder, and
 * so trusts its owner, whom the command line named. Refuses to decide: what to do when nobody listens.
 * A request that was sent is never sent again: it may have been carried out.
 */
#ifndef CLI_SOCKET_H
#define CLI_SOCKET_H

#include "cli/call.h"

enum socket_outcome {
    SOCKET_UNSET = 0,
    SOCKET_ANSWERED,
    SOCKET_NOBODY, /* no socket there, or nobody listens on it */
    SOCKET_UNSAFE, /* the state folder is others', or open to them: whoever listens there may be anybody */
    SOCKET_BROKEN, /* sent, perhaps carried out, and no whole answer came */
};

/* Ask the service of this configuration's state folder. *out is set with SOCKET_ANSWERED alone. */
enum socket_outcome socket_call(const struct config *config, const struct call *call, struct answer *out);

#endif
