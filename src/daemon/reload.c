#include "daemon/reload.h"

#include "daemon/log.h"

#include <stdlib.h>

static const struct app *app_named(const struct app *apps, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (name[0] != '\0' && strcmp(apps[i].name, name) == 0)
            return &apps[i];
    return NULL;
}

struct cardea_status reload_keep_apps(const struct settings *now, struct settings *next)
{
    struct app *kept = calloc(APPS_MAX, sizeof *kept);
    uint32_t count = now->app_count;
    if (kept == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    for (uint32_t i = 0; i < now->app_count; i++) {
        const struct app *same = app_named(next->apps, next->app_count, now->apps[i].name);
        if (same != NULL)
            kept[i] = *same;
    }
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t i = 0; i < next->app_count && cardea_ok(s); i++) {
        if (app_named(now->apps, now->app_count, next->apps[i].name) != NULL)
            continue;
        if (count == APPS_MAX)
            s = CARDEA_FAIL(E_LIMIT);
        else
            kept[count++] = next->apps[i];
    }
    if (cardea_ok(s)) {
        memcpy(next->apps, kept, APPS_MAX * sizeof *kept);
        next->app_count = count;
    }
    free(kept);
    return s;
}

void reload_warn(const struct config *now, const struct config *next)
{
    const struct {
        const char *key;
        bool same;
    } fixed[] = {
        {"listen", strcmp(now->listen.text, next->listen.text) == 0},
        {"admin_listen", strcmp(now->admin_listen.text, next->admin_listen.text) == 0},
        {"metrics.listen", strcmp(now->metrics_listen.text, next->metrics_listen.text) == 0},
        {"listen.tls.cert", strcmp(now->tls_cert, next->tls_cert) == 0},
        {"listen.tls.key", strcmp(now->tls_key, next->tls_key) == 0},
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
        {"limits.stop_deadline", now->stop_deadline_ms == next->stop_deadline_ms},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (!fixed[i].same)
            log_write(LOG_WARN, "this setting changes at the next start only",
                      LOG_FIELDS(LOG_TEXT("key", view_text(fixed[i].key))));
}
