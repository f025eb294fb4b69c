/* Metrics: counts in Prometheus' text form. Numbers only: nothing of what anybody sent. */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "daemon/listener.h"

struct metrics_source {
    struct listener *const *listeners;
    uint32_t listener_count;
    const struct lanes *lanes;
    struct table *table;
    struct key_sources *sources;
};

void metrics_text(const struct metrics_source *from, struct buf *out);

#endif
