#include "daemon/reload.h"

#include "daemon/log.h"

void reload_warn(const struct config *now, const struct config *next)
{
    const struct {
        const char *key;
        bool same;
    } fixed[] = {
        {"listen", strcmp(now->listen.text, next->listen.text) == 0},
        {"admin_listen", strcmp(now->admin_listen.text, next->admin_listen.text) == 0},
        {"metrics.listen", strcmp(now->metrics_listen.text, next->metrics_listen.text) == 0},
        {"listen.tls", (now->tls_cert[0] == '\0') == (next->tls_cert[0] == '\0')},
        {"state", strcmp(now->state, next->state) == 0},
        {"accounts", strcmp(now->accounts, next->accounts) == 0},
        {"sessions", strcmp(now->sessions, next->sessions) == 0},
        {"threads", now->threads == next->threads},
        {"hash.threads", now->hash_threads == next->hash_threads},
        {"hash.queue", now->hash_queue == next->hash_queue},
        {"hash.memory_max", now->hash_memory_max_mib == next->hash_memory_max_mib},
        {"limits.read_queue", now->read_queue == next->read_queue},
        {"limits.write_queue", now->write_queue == next->write_queue},
        {"limits.urgent_places", now->urgent_places == next->urgent_places},
        {"limits.sessions", now->table_sessions_max == next->table_sessions_max},
        {"lease", now->lease_ms == next->lease_ms},
        {"limits.stop_deadline", now->stop_deadline_ms == next->stop_deadline_ms},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (!fixed[i].same)
            log_write(LOG_WARN, "this setting changes at the next start only",
                      LOG_FIELDS(LOG_TEXT("key", view_text(fixed[i].key))));
}
