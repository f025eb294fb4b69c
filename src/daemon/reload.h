/* Reloading: what a new configuration may change while the service runs.
 *
 * Settings, trusted proxies, limits of connections and the level of the log change at once. Addresses, certificates,
 * threads, queues, stores and the table's size need a restart; a change of those is said in the log.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/config.h"

/* Sessions in the table name their app by index: give each app of `next` the index it has in `now`. An app that is gone
 * leaves an empty place (a name of no length), which lets nobody in.
 * fails: E_LIMIT: there is no index left for a new app; restart instead. */
struct cardea_status reload_keep_apps(const struct settings *now, struct settings *next) CARDEA_CHECKED;
/* Log what differs and needs a restart. */
void reload_warn(const struct config *now, const struct config *next);

#endif
