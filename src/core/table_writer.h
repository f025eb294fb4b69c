/* The verification table's writer, inside: shared by table_writer.c (changes), table_cells.c (memory), table_index.c
 * (names) and table_sweep.c (time). Nobody else includes it.
 *
 * One thread. Its private state is outside the block and dies with it; the block then stays readable and is replaced by
 * a new one.
 */
#ifndef CORE_TABLE_WRITER_H
#define CORE_TABLE_WRITER_H

#include "core/table_layout.h"

struct table_writer {
    struct table table; /* first: what readers in this process use */
    struct table_header *header;
    table_word *sessions, *others, *index; /* the same places as in `table`, writable */
    struct table_host host;

    /* Cells: those below `high` have been used; free lists run through CELL_LINK, by size for the others. 0: none. */
    uint32_t sessions_high, sessions_free; /* free: number + 1 */
    uint32_t others_high, others_free[OTHER_UNITS_MAX + 1];

    /* The index: `level` and `side` name the current part. */
    uint32_t level, side;
    uint64_t root_count, live, tombstones;
    bool other_side_dirty; /* the other part of this level has old entries in it */
    uint64_t index_bytes;

    uint32_t sweep_session, sweep_other, seen_next;
    int64_t incomplete_until_ms;
    bool source_incomplete;
    bool closed;

    uint32_t keys_count;
    struct key_id keys[TABLE_KEYS_LIMIT];
};

/* A record before it becomes a cell: words[CELL_HEAD] on are set. */
struct draft {
    uint32_t kind, count; /* words in use */
    uint64_t words[OTHER_WORDS_MAX];
};

/* --- cells --- */

table_word *writer_cell(const struct table_writer *w, uint32_t kind, uint32_t cell);
/* Copy a draft into a free cell and make it whole. false: no room. */
bool cell_make(struct table_writer *w, struct draft *d, uint32_t *ret_cell);
/* Make a cell free. It must be unreachable. */
void cell_free(struct table_writer *w, uint32_t kind, uint32_t cell);
/* The same record as the draft, whatever its hint and its last-seen time. */
bool cell_equals(const table_word *c, const struct draft *d);
/* Move a session's last-seen time forward. */
void cell_seen(struct table_writer *w, uint32_t cell, int64_t seen_ms, bool dirty);
void writer_count(struct table_writer *w, uint32_t kind, int by);
void writer_touched(struct table_writer *w);

/* --- index --- */

struct place { /* where a name is, if found */
    bool found;
    uint32_t position, kind, cell;
};
/* Make sure that one more entry fits; may build the index anew, which moves every position. */
void index_reserve(struct table_writer *w);
struct place index_find(const struct table_writer *w, const struct table_name *name);
/* Point the name at a whole cell: swing its entry, or add one (room was reserved). */
void index_set(struct table_writer *w, const struct table_name *name, struct place at, uint32_t kind, uint32_t cell);
void index_remove(struct table_writer *w, uint32_t position);
void index_start(struct table_writer *w); /* of a new table */

/* --- records --- */

struct table_name writer_name_of(const struct table_writer *w, uint32_t kind, const table_word *c);
/* Take a record out: nothing is left, not even a revocation. */
void record_remove(struct table_writer *w, struct place at);
/* The cell where a user is now, 0 for none. hint: where it was. */
uint32_t user_cell(const struct table_writer *w, const uint64_t id[2], uint32_t hint);

#endif
