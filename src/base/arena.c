#include "base/arena.h"

#include "base/secret.h"

#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK_SIZE = 4096, ALIGNMENT = alignof(max_align_t) };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){.limit = limit};
}

void arena_clear(struct arena *a)
{
    struct arena_block *block = a->head;
    while (block != NULL) {
        struct arena_block *next = block->next;
        secret_wipe(block->bytes, block->used);
        free(block);
        block = next;
    }
    a->head = NULL;
    a->used = 0;
}

static struct arena_block *new_block(struct arena *a, size_t at_least)
{
    size_t size = at_least > BLOCK_SIZE ? at_least : BLOCK_SIZE;
    struct arena_block *block = calloc(1, sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->size = size;
    /* A large block goes second, so that the room left in the current one stays in use. */
    if (a->head != NULL && at_least > BLOCK_SIZE / 2) {
        block->next = a->head->next;
        a->head->next = block;
    } else {
        block->next = a->head;
        a->head = block;
    }
    return block;
}

void *arena_new(struct arena *a, size_t size)
{
    if (size == 0)
        size = 1; /* every answer is an object of its own */
    if (size > a->limit - a->used)
        return NULL;
    size_t rounded = (size + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
    if (rounded < size || rounded > a->limit - a->used)
        return NULL;
    struct arena_block *block = a->head;
    if (block == NULL || rounded > block->size - block->used) {
        block = new_block(a, rounded);
        if (block == NULL)
            return NULL;
    }
    void *p = block->bytes + block->used;
    block->used += rounded;
    a->used += rounded;
    return p;
}

struct view arena_copy(struct arena *a, struct view v)
{
    if (v.len == SIZE_MAX)
        return VIEW_EMPTY;
    char *p = arena_new(a, v.len + 1);
    if (p == NULL)
        return VIEW_EMPTY;
    if (v.len > 0)
        memcpy(p, v.ptr, v.len);
    return view_of(p, v.len);
}
