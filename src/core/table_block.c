/* The verification table's block: how its regions are laid out, made and checked. */
#include <stdlib.h>

#include "core/table_layout.h"

static size_t align_up(size_t n)
{
    return (n + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;
}

struct table_plan table_plan(const struct table_geometry *g)
{
    struct table_plan p = {0};
    if (g->sessions_max == 0 || g->sessions_max > TABLE_SESSIONS_LIMIT || g->others_max_mib == 0 ||
        g->others_max_mib > TABLE_OTHERS_LIMIT_MIB)
        return p;

    p.units_max = g->others_max_mib * ((1024 * 1024) / (UNIT_WORDS * 8));
    /* Everything that can exist fills half of the largest index, so that one of the same size can always be rebuilt
     * with room to spare. */
    p.level_max = LEVEL_MIN;
    while (((uint64_t)1 << p.level_max) < 2 * ((uint64_t)g->sessions_max + p.units_max))
        p.level_max++;

    p.sessions = align_up(sizeof(struct table_header));
    p.others = p.sessions + align_up((size_t)g->sessions_max * SESSION_WORDS * 8);
    p.index = p.others + align_up((size_t)p.units_max * UNIT_WORDS * 8);
    p.size = p.index + part_offset(p.level_max + 1, 0) * 8;
    p.seen_size = TABLE_ALIGN + align_up((size_t)g->sessions_max * 8);
    return p;
}

size_t table_size(const struct table_geometry *g)
{
    return table_plan(g).size;
}

size_t table_seen_size(const struct table_geometry *g)
{
    return table_plan(g).seen_size;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);
    return a ^ a >> 29;
}

uint64_t table_checksum(const struct table_header *h)
{
    uint64_t sum = mix(TABLE_MAGIC, word_load(&h->format));
    sum = mix(sum, word_load(&h->sessions_max));
    sum = mix(sum, word_load(&h->others_max_mib));
    sum = mix(sum, word_load(&h->seed[0]));
    return mix(sum, word_load(&h->seed[1]));
}

uint64_t table_identity(const struct table_header *h)
{
    return mix(table_checksum(h), TABLE_MAGIC);
}

void table_place(struct table *t, const struct table_header *h, table_word *seen, const struct table_plan *plan)
{
    const unsigned char *base = (const unsigned char *)h;
    *t = (struct table){
        .header = h,
        .sessions = (const void *)(base + plan->sessions),
        .others = (const void *)(base + plan->others),
        .index = (const void *)(base + plan->index),
        .seen = seen,
        .seed = {word_load(&h->seed[0]), word_load(&h->seed[1])},
        .sessions_max = (uint32_t)word_load(&h->sessions_max),
        .units_max = plan->units_max,
        .level_max = plan->level_max,
    };
}

/* The part that the root names must lie in the block. */
static bool root_sound(uint64_t root, const struct table_plan *plan)
{
    return root_level(root) >= LEVEL_MIN && root_level(root) <= plan->level_max;
}

struct cardea_status table_attach(const void *block, size_t size, void *seen, size_t seen_size, struct table **out)
{
    const struct table_header *h = block;
    const struct seen_header *s = seen;

    if (h == NULL || size < sizeof *h || (uintptr_t)h % 64 != 0 || word_load(&h->magic) != TABLE_MAGIC ||
        word_load(&h->format) != TABLE_FORMAT || word_load(&h->checksum) != table_checksum(h))
        return CARDEA_FAIL(E_CORRUPT);
    uint64_t sessions_max = word_load(&h->sessions_max), others_max_mib = word_load(&h->others_max_mib);
    if (sessions_max > TABLE_SESSIONS_LIMIT || others_max_mib > TABLE_OTHERS_LIMIT_MIB)
        return CARDEA_FAIL(E_CORRUPT);
    struct table_plan plan = table_plan(&(struct table_geometry){(uint32_t)sessions_max, (uint32_t)others_max_mib});
    if (plan.size == 0 || size < plan.size || !root_sound(word_load(&h->root), &plan))
        return CARDEA_FAIL(E_CORRUPT);
    if (s != NULL && (seen_size < plan.seen_size || (uintptr_t)s % 64 != 0 || word_load(&s->magic) != TABLE_MAGIC ||
                      word_load(&s->identity) != table_identity(h)))
        return CARDEA_FAIL(E_CORRUPT);

    struct table *t = malloc(sizeof *t);
    if (t == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    table_place(t, h, s == NULL ? NULL : (void *)((unsigned char *)seen + TABLE_ALIGN), &plan);
    *out = t;
    return CARDEA_SUCCESS;
}

void table_detach(struct table *t)
{
    free(t);
}
