/* The verification table's index, as its writer keeps it. Readers walk it at any moment: see core/table.h, section 3.
 *
 * The rules that readers rely on: an entry never moves within a part; it becomes empty only if the next one is empty;
 * a part is complete before the root names it.
 */
#include "core/table_writer.h"

static table_word *part_of(const struct table_writer *w, uint32_t level, uint32_t side)
{
    return w->index + part_offset(level, side);
}

static uint32_t mask_of(const struct table_writer *w)
{
    return ((uint32_t)1 << w->level) - 1;
}

static uint32_t home_of(uint32_t tag, uint32_t level)
{
    return tag >> (TAG_BITS - level);
}

static size_t part_bytes(uint32_t level)
{
    return (size_t)8 << level;
}

void index_start(struct table_writer *w)
{
    w->level = LEVEL_MIN;
    w->index_bytes = part_bytes(LEVEL_MIN);
    word_put(&w->header->root, root_make(w->level, w->side, w->root_count));
}

/* Put a live entry where probing for it will end. The part is not yet looked at by anybody. */
static void part_add(table_word *part, uint32_t level, uint64_t entry)
{
    uint32_t mask = ((uint32_t)1 << level) - 1, i = home_of(entry_tag(entry), level);
    while (word_own(&part[i]) != 0)
        i = (i + 1) & mask;
    word_put(&part[i], entry);
}

/* Leave a part. Its bytes go back to the host if the host wants them. true: it reads as zeros. */
static bool part_leave(struct table_writer *w, uint32_t level, uint32_t side)
{
    bool given = w->host.give_back != NULL &&
                 w->host.give_back(w->host.context, (void *)(uintptr_t)part_of(w, level, side), part_bytes(level));
    if (given)
        w->index_bytes -= part_bytes(level);
    return given;
}

/* Build the index anew, twice as large or in its own size, and make that the index with one store. */
static void index_rebuild(struct table_writer *w, uint32_t level)
{
    bool grows = level != w->level;
    uint32_t side = grows ? 0 : 1 - w->side;
    table_word *from = part_of(w, w->level, w->side), *to = part_of(w, level, side);

    /* A reader that still walks an abandoned part may see it emptied: it finds nothing and looks at the root. */
    if (!grows && w->other_side_dirty)
        for (uint32_t i = 0; i <= mask_of(w); i++)
            word_put(&to[i], 0);
    else
        w->index_bytes += part_bytes(level);

    /* Homes are the tag's upper bits, so both parts are passed through in about the same order. */
    for (uint32_t i = 0; i <= mask_of(w); i++) {
        uint64_t entry = word_own(&from[i]);
        if (entry != 0 && entry != ENTRY_TOMBSTONE)
            part_add(to, level, entry);
    }

    uint32_t old_level = w->level, old_side = w->side;
    w->level = level;
    w->side = side;
    w->tombstones = 0;
    word_put(&w->header->root, root_make(level, side, ++w->root_count));

    bool zero = part_leave(w, old_level, old_side);
    w->other_side_dirty = !grows && !zero;
    writer_touched(w);
}

void index_reserve(struct table_writer *w)
{
    uint64_t capacity = (uint64_t)1 << w->level;
    if (w->live + w->tombstones + 1 <= capacity / 4 * 3)
        return;
    /* Mostly tombstones: the same size will do. At level_max everything that can exist fills half (table_plan). */
    index_rebuild(w, w->live + 1 > capacity / 2 && w->level < w->table.level_max ? w->level + 1 : w->level);
}

struct place index_find(const struct table_writer *w, const struct table_name *name)
{
    const table_word *part = part_of(w, w->level, w->side);
    uint32_t mask = mask_of(w);
    for (uint32_t i = home_of(name->tag, w->level);; i = (i + 1) & mask) {
        uint64_t entry = word_own(&part[i]);
        if (entry == 0)
            return (struct place){0};
        if (entry_tag(entry) != name->tag || entry_space(entry) != name->space)
            continue;
        const table_word *c = writer_cell(w, entry_kind(entry), entry_cell(entry));
        uint64_t id[4] = {word_own(&c[CELL_ID]), word_own(&c[CELL_ID + 1])};
        if (name->id_words == 4) {
            id[2] = word_own(&c[CELL_ID + 2]);
            id[3] = word_own(&c[CELL_ID + 3]);
        }
        if (name_is(name, id))
            return (struct place){true, i, entry_kind(entry), entry_cell(entry)};
    }
}

void index_set(struct table_writer *w, const struct table_name *name, struct place at, uint32_t kind, uint32_t cell)
{
    table_word *part = part_of(w, w->level, w->side);
    if (!at.found) {
        uint32_t mask = mask_of(w);
        at.position = home_of(name->tag, w->level);
        while (word_own(&part[at.position]) != 0 && word_own(&part[at.position]) != ENTRY_TOMBSTONE)
            at.position = (at.position + 1) & mask;
        if (word_own(&part[at.position]) == ENTRY_TOMBSTONE)
            w->tombstones--;
        w->live++;
    }
    word_put(&part[at.position], entry_make(name->tag, kind, cell));
    word_put(&w->header->index_entries, w->live);
}

void index_remove(struct table_writer *w, uint32_t position)
{
    table_word *part = part_of(w, w->level, w->side);
    uint32_t mask = mask_of(w);
    word_put(&w->header->index_entries, --w->live);
    if (word_own(&part[(position + 1) & mask]) != 0) {
        word_put(&part[position], ENTRY_TOMBSTONE);
        w->tombstones++;
        return;
    }
    /* The chain ends behind it: nothing is reached through this entry, nor through tombstones right before it. */
    word_put(&part[position], 0);
    for (uint32_t i = (position - 1) & mask; word_own(&part[i]) == ENTRY_TOMBSTONE; i = (i - 1) & mask) {
        word_put(&part[i], 0);
        w->tombstones--;
    }
}
