/* The verification table and time: forgetting what no longer matters, and collecting what readers have noted. */
#include "core/table_writer.h"

static struct place place_of(const struct table_writer *w, uint32_t kind, const table_word *c)
{
    struct table_name name = writer_name_of(w, kind, c);
    return index_find(w, &name);
}

/* Is the session below its user's epoch, or its user gone? Mends the hint on the way. */
static bool outlived(struct table_writer *w, table_word *c)
{
    uint64_t id[2] = {word_own(&c[SESSION_USER]), word_own(&c[SESSION_USER + 1])};
    uint64_t head = word_own(&c[CELL_HEAD]);
    uint32_t cell = user_cell(w, id, head_extra(head));
    if (cell == 0) {
        struct table_name name = table_name(w->table.seed, SPACE_USER, id, sizeof id);
        return index_find(w, &name).found; /* ended; merely unknown is no reason */
    }
    if (cell != head_extra(head))
        word_put(&c[CELL_HEAD], head_make(head_kind(head), head_units(head), head_words(head), cell));
    return (int64_t)word_own(&writer_cell(w, SPACE_USER, cell)[USER_EPOCH]) > (int64_t)word_own(&c[SESSION_EPOCH]);
}

static bool whole(const table_word *c)
{
    uint64_t sequence = word_own(&c[CELL_SEQUENCE]);
    return sequence != 0 && (sequence & 1) == 0;
}

static bool sweep_session(struct table_writer *w, uint32_t cell, int64_t now_ms)
{
    table_word *c = writer_cell(w, SPACE_SESSION, cell);
    if (!whole(c) || ((int64_t)word_own(&c[SESSION_EXPIRES]) > now_ms && !outlived(w, c)))
        return false;
    record_remove(w, place_of(w, SPACE_SESSION, c));
    return true;
}

static bool sweep_other(struct table_writer *w, const table_word *c, int64_t now_ms)
{
    uint32_t kind = head_kind(word_own(&c[CELL_HEAD]));
    bool expired = (kind & KIND_ENDED) != 0 ? (int64_t)word_own(&c[ENDED_UNTIL]) <= now_ms
                   : kind == SPACE_API_KEY  ? (int64_t)word_own(&c[API_KEY_EXPIRES]) <= now_ms
                                            : false;
    if (!whole(c) || !expired)
        return false;
    record_remove(w, place_of(w, kind, c));
    return true;
}

uint32_t table_sweep(struct table_writer *w, int64_t now_ms, uint32_t steps)
{
    uint32_t freed = 0;
    if (w->incomplete_until_ms != 0 && w->incomplete_until_ms <= now_ms) {
        /* The last revocation that was lost concerns nothing any more: absence means something again. */
        w->incomplete_until_ms = 0;
        word_put(&w->header->incomplete, w->source_incomplete);
    }
    for (; steps > 0; steps--) {
        if (w->sweep_session < w->sessions_high) {
            freed += sweep_session(w, w->sweep_session++, now_ms);
        } else if (w->sweep_other < w->others_high) {
            /* Cells lie one behind the other and keep their size, free or not. */
            const table_word *c = writer_cell(w, SPACE_USER, w->sweep_other);
            w->sweep_other += head_units(word_own(&c[CELL_HEAD]));
            freed += sweep_other(w, c, now_ms);
        } else {
            w->sweep_session = 0;
            w->sweep_other = 1;
        }
    }
    return freed;
}

/* Take the note about one cell, if there is one. */
static bool take_seen(struct table_writer *w, uint32_t cell, int64_t now_ms, struct session_id *sid, int64_t *seen_ms)
{
    table_word *place = &w->table.seen[cell];
    uint64_t seen = word_own(place);
    const table_word *c = writer_cell(w, SPACE_SESSION, cell);
    if (!seen_dirty(seen) || !whole(c) || generation_of(word_own(&c[CELL_SEQUENCE])) != seen_generation(seen))
        return false;
    /* A reader that moves it meanwhile leaves it dirty: it is taken next time. */
    uint64_t clean = seen_make(seen_generation(seen), false, seen_seconds(seen));
    if (!atomic_compare_exchange_strong_explicit(place, &seen, clean, memory_order_relaxed, memory_order_relaxed))
        return false;
    uint64_t id[2] = {word_own(&c[CELL_ID]), word_own(&c[CELL_ID + 1])};
    memcpy(sid->bytes, id, sizeof id);
    /* Readers write the map: their clock is not believed beyond ours. */
    int64_t ms = (int64_t)seen_seconds(seen) * 1000;
    *seen_ms = ms < now_ms ? ms : now_ms;
    return true;
}

uint32_t table_take_seen(struct table_writer *w, int64_t now_ms, struct session_id *sids, int64_t *seen_ms,
                         uint32_t cap)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->sessions_high && count < cap; i++) {
        if (w->seen_next >= w->sessions_high)
            w->seen_next = 0;
        count += take_seen(w, w->seen_next++, now_ms, &sids[count], &seen_ms[count]);
    }
    return count;
}
