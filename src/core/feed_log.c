#include "core/feed_log.h"

#include <stdatomic.h>
#include <stdlib.h>

typedef _Atomic uint64_t log_word;

struct log_entry {
    log_word kind, id[2];
};

struct feed_log {
    uint8_t id[16];
    uint64_t mask;
    log_word head;  /* of the newest entry; 0: none yet */
    log_word floor; /* the lowest position whose followers are all here */
    struct log_entry entries[];
};

static uint64_t load(const log_word *w)
{
    return atomic_load_explicit(w, memory_order_acquire);
}

static void store(log_word *w, uint64_t value)
{
    atomic_store_explicit(w, value, memory_order_release);
}

struct feed_log *feed_log_new(uint32_t entries, const struct entropy *e)
{
    size_t count = FEED_LOG_ENTRIES_MIN;
    while (count < entries)
        count *= 2;
    struct feed_log *l = calloc(1, sizeof *l + count * sizeof l->entries[0]);
    if (l == NULL)
        return NULL;
    entropy_fill(e, l->id, sizeof l->id);
    l->mask = count - 1;
    return l;
}

void feed_log_free(struct feed_log *l)
{
    free(l);
}

/* --- the writer --- */

void feed_log_note(struct feed_log *l, enum feed_kind kind, const uint8_t id[16])
{
    uint64_t words[2] = {0};
    if (l == NULL)
        return;
    if (id != NULL)
        memcpy(words, id, sizeof words);
    uint64_t position = load(&l->head) + 1;
    struct log_entry *e = &l->entries[position & l->mask];
    /* The entry that is overwritten has position - count: who stands before it has lost it. */
    if (position > l->mask && load(&l->floor) < position - l->mask - 1)
        store(&l->floor, position - l->mask - 1);
    store(&e->kind, kind);
    store(&e->id[0], words[0]);
    store(&e->id[1], words[1]);
    store(&l->head, position);
}

void feed_log_change(struct feed_log *l, const struct change *c)
{
    switch (c->kind) {
    case CHANGE_SESSION_PUT:
        feed_log_note(l, FEED_SESSION, c->session->sid.bytes);
        break;
    case CHANGE_USER_PUT:
        feed_log_note(l, FEED_USER, c->user->id.bytes);
        break;
    case CHANGE_API_KEY_PUT:
        feed_log_note(l, FEED_API_KEY, c->api_key->id.bytes);
        break;
    case CHANGE_SESSION_END:
        feed_log_note(l, FEED_SESSION, c->revocation.id);
        break;
    case CHANGE_USER_END:
        feed_log_note(l, FEED_USER, c->revocation.id);
        break;
    case CHANGE_API_KEY_END:
        feed_log_note(l, FEED_API_KEY, c->revocation.id);
        break;
    case CHANGE_TOKEN_END:
        feed_log_note(l, FEED_TOKEN, c->revocation.id);
        break;
    case CHANGE_KEYS:
    case CHANGE_UNSET:
        break;
    }
}

void feed_log_mark(struct feed_log *l, uint64_t n)
{
    uint8_t id[16] = {0};
    memcpy(id, &n, sizeof n);
    feed_log_note(l, FEED_MARK, id);
}

void feed_log_reset(struct feed_log *l)
{
    if (l == NULL)
        return;
    /* Above whoever is at the head, too. */
    uint64_t position = load(&l->head) + 1;
    store(&l->floor, position);
    feed_log_note(l, FEED_MARK, NULL);
}

/* --- readers --- */

void feed_log_id(const struct feed_log *l, uint8_t out[16])
{
    memcpy(out, l->id, sizeof l->id);
}

uint64_t feed_log_head(const struct feed_log *l)
{
    return load(&l->head);
}

static struct feed_entry entry_at(const struct feed_log *l, uint64_t position)
{
    const struct log_entry *from = &l->entries[position & l->mask];
    struct feed_entry e = {.kind = (enum feed_kind)load(&from->kind)};
    uint64_t words[2] = {load(&from->id[0]), load(&from->id[1])};
    memcpy(e.id, words, sizeof words);
    return e;
}

bool feed_log_read(const struct feed_log *l, uint64_t after, struct feed_entry *out, uint32_t cap, uint32_t *ret_count)
{
    uint64_t head = load(&l->head);
    if (after > head || after < load(&l->floor))
        return false;
    uint32_t count = head - after < cap ? (uint32_t)(head - after) : cap;
    for (uint32_t i = 0; i < count; i++)
        out[i] = entry_at(l, after + 1 + i);
    if (after < load(&l->floor)) /* overwritten meanwhile */
        return false;
    *ret_count = count;
    return true;
}

uint64_t feed_log_row(const struct feed_log *l, uint64_t position)
{
    for (uint32_t i = 0; i < FEED_MARK_LOOK && position > load(&l->floor); i++, position--) {
        struct feed_entry e = entry_at(l, position);
        uint64_t n;
        memcpy(&n, e.id, sizeof n);
        if (e.kind == FEED_MARK && position > load(&l->floor))
            return n;
    }
    return 0;
}
