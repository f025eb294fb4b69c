/* Arenas: many small allocations, one free. One arena a request; nothing from it outlives the request.
 *
 * Limits: `limit` bytes in all (a named limit of the listener); past it arena_new answers NULL. Not thread-safe. Wiped
 * on clear, because a request may hold a password.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/view.h"

struct arena {
    struct arena_block *head;
    size_t used, limit;
};

void arena_init(struct arena *a, size_t limit);
void arena_clear(struct arena *a); /* wipes and frees everything */
/* Zeroed bytes aligned for any type, or NULL past the limit or without memory. */
void *arena_new(struct arena *a, size_t size);
/* A copy of v followed by a NUL; ptr is NULL when it did not fit. */
struct view arena_copy(struct arena *a, struct view v);

#endif
