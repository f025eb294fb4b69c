#include "daemon/recent.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct recent {
    uint64_t _Atomic count;
    uint64_t forgotten; /* whatever was read before this is old */
    uint64_t last[RECENT_SOURCES][RECENT_PLACES];
};

struct recent *recent_new(void)
{
    return calloc(1, sizeof(struct recent));
}

void recent_free(struct recent *r)
{
    free(r);
}

/* All ids end in random bytes that we drew. Kinds need no place of their own: their ids differ. */
static size_t place_of(const uint8_t id[16])
{
    uint64_t tail;
    memcpy(&tail, id + 8, sizeof tail);
    return (tail * UINT64_C(0x9e3779b97f4a7c15)) >> 52;
}
_Static_assert(RECENT_PLACES == 1 << (64 - 52), "a place is made of the upper bits");

uint64_t recent_mark(const struct recent *r)
{
    return atomic_load(&r->count);
}

void recent_note(struct recent *r, const struct change *c, enum recent_source source)
{
    const uint8_t *id = change_id(c);
    if (id == NULL)
        return;
    /* The place first: who takes a mark that counts this change reads the store after it. */
    uint64_t n = atomic_load(&r->count) + 1;
    r->last[source][place_of(id)] = n;
    atomic_store(&r->count, n);
}

void recent_forget(struct recent *r)
{
    r->forgotten = atomic_load(&r->count) + 1;
    atomic_store(&r->count, r->forgotten);
}

bool recent_changed(const struct recent *r, const struct change *c, uint64_t mark, enum recent_source self)
{
    const uint8_t *id = change_id(c);
    if (id == NULL)
        return false;
    if (r->forgotten > mark)
        return true;
    size_t place = place_of(id);
    for (int source = RECENT_UNSET + 1; source < RECENT_SOURCES; source++)
        if (source != (int)self && r->last[source][place] > mark)
            return true;
    return false;
}
