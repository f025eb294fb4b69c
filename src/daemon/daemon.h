/* The service from its start to its end: opened (service.h), then this thread waits for signals.
 *
 * SIGTERM and SIGINT end it: no new connections, requests under way get their time (limits.stop_deadline), then every
 * queue, thread and file is closed in order. SIGHUP reads the configuration again. A start that fails says why in one
 * sentence and undoes what it had done.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "daemon/config.h"
#include "daemon/installation.h"

/* Serve until SIGTERM or SIGINT; SIGHUP reloads through `reload` (reads the configuration anew). Returns the process's
 * exit status. */
int daemon_serve(const struct config *c, struct installation *i,
                 struct cardea_status (*reload)(struct config *out, struct config_error *error));

#endif
