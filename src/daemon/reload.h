/* Reloading: what a new configuration may change while the service runs.
 *
 * Settings, trusted proxies, limits of connections, certificates and the level of the log change at once. Addresses,
 * threads, queues, stores and the table's size need a restart; a change of those is said in the log.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/config.h"

/* Log what differs and needs a restart. */
void reload_warn(const struct config *now, const struct config *next);

#endif
