#include "daemon/shared_counters.h"

#include "daemon/engines.h"
#include "daemon/installation.h"
#include "daemon/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct shared_counters {
    struct sessions *sessions;
    struct tag_key key;
    _Atomic int64_t away_until_ms;
    _Atomic bool away; /* said so in the log */
};

static void say(struct shared_counters *s, struct cardea_status status)
{
    bool away = !cardea_ok(status);
    if (atomic_exchange_explicit(&s->away, away, memory_order_relaxed) == away)
        return;
    if (away)
        log_write(LOG_WARN, "failed logins are counted by this node alone: the engine of the sessions does not answer",
                  LOG_FIELDS(LOG_STATUS(status)));
    else
        log_write(LOG_INFO, "failed logins are counted together with other nodes again", LOG_NOTHING);
}

static bool count(void *context, const struct counter_step *steps, uint32_t n, int64_t *ret_values)
{
    struct shared_counters *s = context;
    int64_t now_ms = installation_boot_ms();
    if (now_ms < atomic_load_explicit(&s->away_until_ms, memory_order_relaxed))
        return false;
    struct cardea_status status =
        s->sessions->ops->count(s->sessions, now_ms + GUESS_SHARED_MS, installation_wall_ms(), steps, n, ret_values);
    if (!cardea_ok(status))
        atomic_store_explicit(&s->away_until_ms, installation_boot_ms() + SHARED_COUNTERS_AWAY_MS,
                              memory_order_relaxed);
    say(s, status);
    return cardea_ok(status);
}

struct cardea_status shared_counters_open(const struct config *c, const struct master_key *key,
                                          struct shared_counters **out, char *message, size_t message_cap)
{
    if (!engines_shared(c->accounts) || !engines_shared(c->sessions)) {
        *out = NULL;
        return CARDEA_SUCCESS;
    }
    snprintf(message, message_cap, "out of memory");
    struct shared_counters *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status status =
        master_key_derive(key, VIEW("cardea guess counters"), s->key.bytes, sizeof s->key.bytes);
    if (cardea_ok(status))
        status = engines_open_sessions(c->sessions, installation_boot_ms, installation_wall_ms, &s->sessions, message,
                                       message_cap);
    if (!cardea_ok(status)) {
        free(s);
        return status;
    }
    *out = s;
    return status;
}

struct guess_shared shared_counters_lend(struct shared_counters *s)
{
    return (struct guess_shared){.count = count, .context = s, .key = s->key};
}

void shared_counters_close(struct shared_counters *s)
{
    if (s == NULL)
        return;
    s->sessions->ops->close(s->sessions);
    free(s);
}
