/* The verification table's cells: handed out, filled, taken back. One writer; readers look on. */
#include "core/table_writer.h"

table_word *writer_cell(const struct table_writer *w, uint32_t kind, uint32_t cell)
{
    return kind == SPACE_SESSION ? w->sessions + (size_t)cell * SESSION_WORDS : w->others + (size_t)cell * UNIT_WORDS;
}

void writer_touched(struct table_writer *w)
{
    uint64_t bytes = 2 * (uint64_t)TABLE_ALIGN + (uint64_t)w->sessions_high * (SESSION_WORDS + 1) * 8 +
                     (uint64_t)w->others_high * UNIT_WORDS * 8 + w->index_bytes;
    word_put(&w->header->bytes_touched, bytes);
}

void writer_count(struct table_writer *w, uint32_t kind, int by)
{
    struct table_header *h = w->header;
    table_word *counter = (kind & KIND_ENDED) != 0 ? &h->revocations
                          : kind == SPACE_SESSION  ? &h->sessions
                          : kind == SPACE_USER     ? &h->users
                          : kind == SPACE_API_KEY  ? &h->api_keys
                                                   : &h->keys;
    word_put(counter, word_own(counter) + (uint64_t)by);
}

/* A free session cell: one that was used before, or the next never touched. */
static bool take_session(struct table_writer *w, uint32_t *ret_cell)
{
    if (w->sessions_free != 0) {
        *ret_cell = w->sessions_free - 1;
        w->sessions_free = (uint32_t)word_own(&writer_cell(w, SPACE_SESSION, *ret_cell)[CELL_LINK]);
        return true;
    }
    if (w->sessions_high == w->table.sessions_max)
        return false;
    *ret_cell = w->sessions_high++;
    writer_touched(w);
    return true;
}

static bool take_other(struct table_writer *w, uint32_t units, uint32_t *ret_cell)
{
    uint32_t *list = &w->others_free[units];
    if (*list != 0) {
        *ret_cell = *list;
        *list = (uint32_t)word_own(&writer_cell(w, SPACE_USER, *ret_cell)[CELL_LINK]);
        return true;
    }
    if (w->table.units_max - w->others_high < units)
        return false;
    *ret_cell = w->others_high;
    w->others_high += units;
    writer_touched(w);
    return true;
}

bool cell_make(struct table_writer *w, struct draft *d, uint32_t *ret_cell)
{
    uint32_t units = (d->count + UNIT_WORDS - 1) / UNIT_WORDS;
    if (!(d->kind == SPACE_SESSION ? take_session(w, ret_cell) : take_other(w, units, ret_cell)))
        return false;

    table_word *c = writer_cell(w, d->kind, *ret_cell);
    uint64_t sequence = word_own(&c[CELL_SEQUENCE]);
    if (sequence == 0) /* never used: from now on being filled */
        word_put(&c[CELL_SEQUENCE], ++sequence);
    d->words[CELL_HEAD] = head_make(d->kind, units, d->count, head_extra(d->words[CELL_HEAD]));
    for (uint32_t i = CELL_HEAD; i < d->count; i++)
        word_put(&c[i], d->words[i]);
    if (d->kind == SPACE_SESSION)
        word_put(&w->table.seen[*ret_cell],
                 seen_make(generation_of(sequence + 1), false, seconds_of((int64_t)d->words[SESSION_SEEN])));
    word_put(&c[CELL_SEQUENCE], sequence + 1);
    writer_count(w, d->kind, 1);
    /* Only now: whoever walks up to here finds a head in every cell. */
    if (d->kind == SPACE_SESSION)
        word_put(&w->header->sessions_high, w->sessions_high);
    else
        word_put(&w->header->others_high, w->others_high);
    return true;
}

void cell_free(struct table_writer *w, uint32_t kind, uint32_t cell)
{
    table_word *c = writer_cell(w, kind, cell);
    uint32_t *list = kind == SPACE_SESSION ? &w->sessions_free : &w->others_free[head_units(word_own(&c[CELL_HEAD]))];
    word_put(&c[CELL_SEQUENCE], word_own(&c[CELL_SEQUENCE]) + 1);
    word_put(&c[CELL_LINK], *list);
    *list = kind == SPACE_SESSION ? cell + 1 : cell;
    if (kind == SPACE_SESSION)
        word_put(&w->table.seen[cell], 0);
    writer_count(w, kind, -1);
}

bool cell_equals(const table_word *c, const struct draft *d)
{
    uint64_t head = word_own(&c[CELL_HEAD]);
    bool hinted = d->kind == SPACE_SESSION || d->kind == SPACE_API_KEY;
    if (head_kind(head) != d->kind || head_words(head) != d->count ||
        (!hinted && head_extra(head) != head_extra(d->words[CELL_HEAD])))
        return false;
    for (uint32_t i = CELL_ID; i < d->count; i++)
        if (word_own(&c[i]) != d->words[i] && !(d->kind == SPACE_SESSION && i == SESSION_SEEN))
            return false;
    return true;
}

void cell_seen(struct table_writer *w, uint32_t cell, int64_t seen_ms, bool dirty)
{
    table_word *place = &w->table.seen[cell];
    uint32_t seconds = seconds_of(seen_ms);
    uint64_t seen = word_own(place);
    /* Readers move it too: only ever forward, so losing the race means there was nothing to do. */
    while (seen_seconds(seen) < seconds)
        if (atomic_compare_exchange_weak_explicit(place, &seen,
                                                  seen_make(seen_generation(seen), dirty || seen_dirty(seen), seconds),
                                                  memory_order_relaxed, memory_order_relaxed))
            return;
}
