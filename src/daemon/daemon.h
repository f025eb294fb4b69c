/* The service: event loops, pools, the committer, background work. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "daemon/config.h"
#include "daemon/installation.h"

/* Serve until SIGTERM or SIGINT; SIGHUP reloads through `reload` (reads the configuration anew). Returns the process's
 * exit status. */
int daemon_serve(const struct config *c, struct installation *i,
                 struct cardea_status (*reload)(struct config *out, struct config_error *error));

#endif
