#include "daemon/snapshot.h"

#include <stdatomic.h>
#include <stdlib.h>

struct settings *settings_copy(const struct settings *from)
{
    struct settings *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    /* Without the places of issuers that are not there: pages that nobody touches cost no memory. */
    memcpy(s, from, offsetof(struct settings, issuers) + from->issuer_count * sizeof from->issuers[0]);
    atomic_init(&s->refs, 1);
    return s;
}

struct settings *settings_ref(struct settings *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void settings_unref(struct settings *s)
{
    if (s != NULL && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
        free(s);
}

struct snapshot *snapshot_new(const struct site *site, const struct listening *listening, struct settings *settings,
                              struct keyring *keys, struct issuer_ring *issuers)
{
    struct snapshot *s = malloc(sizeof *s);
    if (s == NULL) {
        settings_unref(settings);
        keyring_unref(keys);
        issuer_ring_unref(issuers);
        return NULL;
    }
    *s = (struct snapshot){
        .site = *site, .listening = *listening, .settings = settings, .keys = keys, .issuers = issuers};
    s->site.settings = settings;
    s->site.keys = keys;
    s->site.issuers = issuers;
    atomic_init(&s->refs, 1);
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    settings_unref(s->settings);
    keyring_unref(s->keys);
    issuer_ring_unref(s->issuers);
    free(s);
}

void publisher_init(struct publisher *p)
{
    *p = (struct publisher){0};
    pthread_mutex_init(&p->lock, NULL);
}

void publisher_clear(struct publisher *p)
{
    snapshot_unref(p->current);
    p->current = NULL;
    pthread_mutex_destroy(&p->lock);
}

void publisher_put(struct publisher *p, struct snapshot *s)
{
    pthread_mutex_lock(&p->lock);
    struct snapshot *old = p->current;
    p->current = s;
    atomic_fetch_add_explicit(&p->generation, 1, memory_order_release);
    pthread_mutex_unlock(&p->lock);
    snapshot_unref(old);
}

struct cardea_status publisher_amend(struct publisher *p, const struct listening *listening, struct settings *settings,
                                     struct keyring *keys, struct issuer_ring *issuers)
{
    pthread_mutex_lock(&p->lock);
    struct snapshot *old = p->current;
    struct snapshot *next = snapshot_new(&old->site, listening != NULL ? listening : &old->listening,
                                         settings != NULL ? settings : settings_ref(old->settings),
                                         keys != NULL ? keys : keyring_ref(old->keys),
                                         issuers != NULL ? issuers : issuer_ring_ref(old->issuers));
    if (next != NULL) {
        p->current = next;
        atomic_fetch_add_explicit(&p->generation, 1, memory_order_release);
    }
    pthread_mutex_unlock(&p->lock);
    if (next == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    snapshot_unref(old);
    return CARDEA_SUCCESS;
}

struct snapshot *publisher_take(struct publisher *p)
{
    pthread_mutex_lock(&p->lock);
    struct snapshot *s = p->current;
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&p->lock);
    return s;
}

struct snapshot_hold *snapshot_hold(struct publisher *p, struct snapshot_hold **mine)
{
    /* Read before the snapshot is taken: should a newer one come in between, the next request takes it again. */
    uint64_t generation = atomic_load_explicit(&p->generation, memory_order_acquire);
    if (*mine == NULL || (*mine)->generation != generation) {
        struct snapshot_hold *fresh = malloc(sizeof *fresh);
        if (fresh == NULL)
            return NULL;
        *fresh = (struct snapshot_hold){.snapshot = publisher_take(p), .generation = generation, .users = 1};
        snapshot_release(*mine);
        *mine = fresh;
    }
    (*mine)->users++;
    return *mine;
}

void snapshot_release(struct snapshot_hold *h)
{
    if (h == NULL || --h->users > 0)
        return;
    snapshot_unref(h->snapshot);
    free(h);
}
