/* Metrics: counts in Prometheus' text form. Numbers only: nothing of what anybody sent. */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "daemon/follower.h"
#include "daemon/listener.h"
#include "daemon/table_socket.h"

struct metrics_source {
    struct listener *const *listeners;
    uint32_t listener_count;
    const struct lanes *lanes;
    const struct keeper *keeper;
    const struct follower *follower; /* NULL: none */
    struct key_sources *sources;
    struct table_socket *const *readers; /* *readers NULL: nobody may have the table */
};

void metrics_text(const struct metrics_source *from, struct buf *out);

#endif
