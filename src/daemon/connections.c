#include "daemon/connections.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

struct connection_count {
    struct connection_count *next;
    struct address source;
    uint32_t open;
};

void connections_init(struct connections *c, uint32_t open_max, uint32_t per_address_max)
{
    *c = (struct connections){.open_max = open_max, .per_address_max = per_address_max};
    c->head.next = c->head.previous = &c->head;
    pthread_mutex_init(&c->lock, NULL);
}

void connections_clear(struct connections *c)
{
    pthread_mutex_destroy(&c->lock);
}

void connections_limit(struct connections *c, uint32_t open_max, uint32_t per_address_max)
{
    pthread_mutex_lock(&c->lock);
    c->open_max = open_max;
    c->per_address_max = per_address_max;
    pthread_mutex_unlock(&c->lock);
}

static bool same(const struct address *a, const struct address *b)
{
    return a->version == b->version && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Addresses are the peers' choice, the chains are bounded by open_max all the same: a poor hash costs an attacker's
 * own connections a walk. */
static struct connection_count **bucket(struct connections *c, const struct address *source)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < sizeof source->bytes; i++)
        h = (h ^ source->bytes[i]) * 16777619u;
    return &c->counts[(h ^ (h >> 15)) % CONNECTION_BUCKETS];
}

static struct connection_count **count_find(struct connections *c, const struct address *source)
{
    struct connection_count **at = bucket(c, source);
    while (*at != NULL && !same(&(*at)->source, source))
        at = &(*at)->next;
    return at;
}

static void cut(struct connection_entry *entry)
{
    entry->cut = true;
    shutdown(entry->fd, SHUT_RDWR);
}

/* Cut the one that has waited longest; source NULL: of all. false: none waits. */
static bool evict(struct connections *c, const struct address *source)
{
    struct connection_entry *oldest = NULL;
    int64_t oldest_ms = INT64_MAX;
    for (struct connection_entry *e = c->head.next; e != &c->head; e = e->next) {
        if (e->cut || atomic_load_explicit(&e->busy, memory_order_relaxed))
            continue;
        if (source != NULL && (e->exempt || !same(&e->source, source)))
            continue;
        int64_t since = atomic_load_explicit(&e->since_ms, memory_order_relaxed);
        if (since < oldest_ms) {
            oldest_ms = since;
            oldest = e;
        }
    }
    if (oldest == NULL)
        return false;
    cut(oldest);
    c->evicted++;
    return true;
}

bool connections_admit(struct connections *c, const struct address *source, bool exempt)
{
    struct address neighbourhood = address_neighbourhood(source);
    bool admitted = true;
    pthread_mutex_lock(&c->lock);
    if (!exempt) {
        const struct connection_count *count = *count_find(c, &neighbourhood);
        if (count != NULL && count->open >= c->per_address_max)
            admitted = evict(c, &neighbourhood);
    }
    if (admitted && c->open >= c->open_max)
        admitted = evict(c, NULL);
    c->refused += !admitted;
    pthread_mutex_unlock(&c->lock);
    return admitted;
}

struct cardea_status connections_add(struct connections *c, struct connection_entry *entry)
{
    entry->source = address_neighbourhood(&entry->source);
    pthread_mutex_lock(&c->lock);
    if (!entry->exempt) {
        struct connection_count **at = count_find(c, &entry->source);
        if (*at == NULL) {
            *at = calloc(1, sizeof **at);
            if (*at == NULL) {
                pthread_mutex_unlock(&c->lock);
                return CARDEA_FAIL(E_UNAVAILABLE);
            }
            (*at)->source = entry->source;
        }
        (*at)->open++;
    }
    entry->previous = c->head.previous;
    entry->next = &c->head;
    entry->previous->next = entry;
    c->head.previous = entry;
    c->open++;
    pthread_mutex_unlock(&c->lock);
    return CARDEA_SUCCESS;
}

void connections_remove(struct connections *c, struct connection_entry *entry)
{
    pthread_mutex_lock(&c->lock);
    entry->previous->next = entry->next;
    entry->next->previous = entry->previous;
    c->open--;
    if (!entry->exempt) {
        struct connection_count **at = count_find(c, &entry->source), *count = *at;
        if (count != NULL && --count->open == 0) {
            *at = count->next;
            free(count);
        }
    }
    pthread_mutex_unlock(&c->lock);
}

uint32_t connections_reap(struct connections *c, int64_t now_ms)
{
    uint32_t n = 0;
    pthread_mutex_lock(&c->lock);
    for (struct connection_entry *e = c->head.next; e != &c->head; e = e->next) {
        if (e->cut || atomic_load_explicit(&e->deadline_ms, memory_order_relaxed) > now_ms)
            continue;
        cut(e);
        n++;
    }
    c->overdue += n;
    pthread_mutex_unlock(&c->lock);
    return n;
}

uint32_t connections_busy(struct connections *c)
{
    uint32_t n = 0;
    pthread_mutex_lock(&c->lock);
    for (struct connection_entry *e = c->head.next; e != &c->head; e = e->next)
        n += atomic_load_explicit(&e->busy, memory_order_relaxed);
    pthread_mutex_unlock(&c->lock);
    return n;
}

struct connections_stats connections_stats(struct connections *c)
{
    pthread_mutex_lock(&c->lock);
    struct connections_stats s = {c->open, c->refused, c->evicted, c->overdue};
    pthread_mutex_unlock(&c->lock);
    return s;
}
