#include "daemon/nodes.h"

#include "core/receipt.h"
#include "daemon/engines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEASE_MAX_MS = 60000 }; /* as the configuration allows; what stands in a record is another's */

/* A record in our way, since when we have seen its renewals where they are. */
struct suspect {
    uint8_t id[16];
    uint64_t renewals;
    int64_t since_ms;
};

struct nodes_watch {
    uint32_t record_count, suspect_count;
    bool again; /* there was a look before this one */
    struct suspect suspects[VERIFIERS_MAX];
    struct verifier_record records[VERIFIERS_MAX];
};

static bool is_own(const struct verifier_record *r)
{
    return strncmp(r->sessions, "own", 3) == 0;
}

static bool conflicts(const struct verifier_record *a, const struct verifier_record *b)
{
    return b->kind == VERIFIER_NODE && (is_own(a) || is_own(b) || strcmp(a->sessions, b->sessions) != 0);
}

static struct suspect *find(struct nodes_watch *w, const uint8_t id[16])
{
    for (uint32_t i = 0; i < w->suspect_count; i++)
        if (memcmp(w->suspects[i].id, id, 16) == 0)
            return &w->suspects[i];
    return NULL;
}

enum sign { SIGN_UNSET = 0, SIGN_DEAD, SIGN_ALIVE, SIGN_UNKNOWN };

static enum sign look_at(struct nodes_watch *w, const struct verifier_record *r, int64_t now_ms)
{
    int64_t lease_ms = r->lease_ms < 0 ? 0 : r->lease_ms > LEASE_MAX_MS ? LEASE_MAX_MS : r->lease_ms;
    struct suspect *s = find(w, r->id);
    if (s == NULL && w->again)
        return SIGN_ALIVE; /* it came while we watched */
    if (s == NULL) {
        s = &w->suspects[w->suspect_count++];
        *s = (struct suspect){.renewals = r->renewals, .since_ms = now_ms};
        memcpy(s->id, r->id, sizeof s->id);
        return SIGN_UNKNOWN;
    }
    if (s->renewals != r->renewals)
        return SIGN_ALIVE;
    return now_ms - s->since_ms >= lease_bound_ms(lease_ms) ? SIGN_DEAD : SIGN_UNKNOWN;
}

static struct cardea_status refuse(const struct verifier_record *self, const struct verifier_record *other,
                                   char *message, size_t cap)
{
    if (is_own(self))
        (void)snprintf(message, cap,
                       "sessions: this node would keep them for itself, and another node runs on these accounts (%s): "
                       "with several nodes they live where all reach them, see docs/stores.md",
                       other->name);
    else if (is_own(other))
        (void)snprintf(message, cap,
                       "another node runs on these accounts (%s) and keeps its sessions for itself: with several nodes "
                       "they live where all reach them, see docs/stores.md",
                       other->name);
    else
        (void)snprintf(
            message, cap,
            "sessions: this node names %s, another that runs on these accounts (%s) names %s: all nodes must "
            "name the same",
            self->sessions, other->name, other->sessions);
    return CARDEA_FAIL(E_CONFLICT);
}

struct cardea_status nodes_look(struct nodes_watch *w, const struct store_ops *ops, struct store_tx *tx,
                                const struct verifier_record *self, int64_t (*boot_ms)(void), bool *ret_joined,
                                char *message, size_t message_cap)
{
    bool unknown = false;
    struct cardea_status s = ops->verifier_list(tx, w->records, VERIFIERS_MAX, &w->record_count);
    if (s.code == CARDEA_E_LIMIT)
        (void)snprintf(message, message_cap, "the registry of verifiers is full");
    int64_t now_ms = boot_ms(); /* after it was read */
    for (uint32_t i = 0; cardea_ok(s) && i < w->record_count; i++) {
        const struct verifier_record *r = &w->records[i];
        if (!conflicts(self, r))
            continue;
        enum sign sign = look_at(w, r, now_ms);
        if (sign == SIGN_ALIVE)
            return refuse(self, r, message, message_cap);
        if (sign == SIGN_DEAD)
            s = ops->verifier_delete(tx, r->id);
        else
            unknown = true;
    }
    w->again = true;
    if (cardea_ok(s) && !unknown)
        s = ops->verifier_put(tx, self);
    if (cardea_ok(s))
        *ret_joined = !unknown;
    return s;
}

struct nodes_watch *nodes_watch_new(void)
{
    return calloc(1, sizeof(struct nodes_watch));
}

void nodes_watch_free(struct nodes_watch *w)
{
    free(w);
}

static struct cardea_status join(const struct nodes_host *host, struct nodes_watch *w,
                                 const struct verifier_record *self, char *message, size_t cap)
{
    const struct store_ops *ops = host->store->ops;
    for (;;) {
        struct store_tx *tx = NULL;
        bool joined = false;
        (void)snprintf(message, cap, "the registry of verifiers can not be written");
        struct cardea_status s = ops->begin(host->store, STORE_WRITE, host->boot_ms() + NODES_DEADLINE_MS, &tx);
        if (cardea_ok(s))
            s = nodes_look(w, ops, tx, self, host->boot_ms, &joined, message, cap);
        if (cardea_ok(s) && joined)
            return ops->commit(tx);
        ops->abort(tx);
        if (!cardea_ok(s))
            return s;
        host->pause(NODES_STEP_MS);
    }
}

/* HOST:PORT, for people; nothing but printable ASCII. */
static void name_self(const char *listen, char out[VERIFIER_NAME_MAX + 1])
{
    char host[64] = "";
    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
        (void)snprintf(host, sizeof host, "node");
    (void)snprintf(out, VERIFIER_NAME_MAX + 1, "%.32s %.30s", host, listen);
    for (char *p = out; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
}

struct cardea_status nodes_join(const struct nodes_host *host, const struct nodes_self *self,
                                struct verifier_record *ret_record, char *message, size_t message_cap)
{
    struct verifier_record record = {.kind = VERIFIER_KIND_UNSET, .lease_ms = self->lease_ms};
    if (!engines_shared(self->accounts)) {
        *ret_record = record;
        return CARDEA_SUCCESS;
    }
    record.kind = VERIFIER_NODE;
    entropy_fill(host->entropy, record.id, sizeof record.id);
    name_self(self->listen, record.name);
    engines_sessions_name(self->accounts, self->sessions, record.sessions);
    struct nodes_watch *w = nodes_watch_new();
    struct cardea_status s = CARDEA_FAIL(E_UNAVAILABLE);
    (void)snprintf(message, message_cap, "out of memory");
    if (w != NULL)
        s = join(host, w, &record, message, message_cap);
    nodes_watch_free(w);
    if (cardea_ok(s))
        *ret_record = record;
    return s;
}

void nodes_leave(const struct nodes_host *host, const struct verifier_record *record)
{
    const struct store_ops *ops = host->store->ops;
    struct store_tx *tx = NULL;
    if (record->kind != VERIFIER_NODE)
        return;
    struct cardea_status s = ops->begin(host->store, STORE_WRITE, host->boot_ms() + NODES_DEADLINE_MS, &tx);
    if (cardea_ok(s))
        s = ops->verifier_delete(tx, record->id);
    if (cardea_ok(s))
        s = ops->commit(tx);
    else
        ops->abort(tx);
    (void)cardea_ok(s);
}
