/* Request ids: the one that came, if it is harmless, or a new one. An id ties log lines, answers and journal entries
 * together; it is public, proves nothing, and need not be unpredictable. */
#ifndef DAEMON_REQUEST_ID_H
#define DAEMON_REQUEST_ID_H

#include "base/entropy.h"
#include "http/message.h"

/* One a thread. */
struct request_ids {
    uint64_t base, count;
};

void request_ids_init(struct request_ids *ids, const struct entropy *e);
/* Into out: `given` when it is 1 to 64 letters, digits, '-', '_', '.', or a new one of 32 hexadecimal digits. */
void request_id_choose(struct request_ids *ids, struct view given, char out[65]);

#endif
