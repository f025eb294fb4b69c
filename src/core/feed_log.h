/* The log of a table's changes: which records changed, in order, for those who keep a copy of the table elsewhere.
 *
 * An entry names a record and says nothing about it: whoever reads the log looks the record up in the table, and gets
 * what holds by then. So an entry is small, noting one costs the writer three stores, a record that changed ten times
 * is told once as it is now, and to tell it twice does no harm.
 *
 * Entries have positions 1, 2, 3 … A copy at position p has every change up to p, and maybe some later ones. The order
 * that makes this true: the writer applies a change to the table and then notes it; the reader reads the log and then
 * the table. For a whole copy: read the head first, walk all records (table_walk), and go on from that head.
 *
 * The log is a ring of `entries`. A position that it does not reach back to is too old: a whole copy has to be made.
 * Its id is random and new with each log, so that a position of another life is recognised.
 *
 * A mark is an entry that says which row of the journal the table has reached: what a copy at that position has heard.
 *
 * Threading: one writer; any number of readers, which never wait. As in core/table.h every word is stored with release
 * and loaded with acquire: before the writer overwrites an entry it moves the floor above it, so a reader that took a
 * word of the new entry sees the new floor afterwards, and takes back what it read.
 */
#ifndef CORE_FEED_LOG_H
#define CORE_FEED_LOG_H

#include "base/entropy.h"
#include "core/change.h"

enum { FEED_LOG_ENTRIES = 1 << 16, FEED_LOG_ENTRIES_MIN = 64, FEED_MARK_LOOK = 4096 };

enum feed_kind {
    FEED_UNSET = 0,
    FEED_SESSION,
    FEED_USER,
    FEED_API_KEY,
    FEED_TOKEN, /* revoked */
    FEED_KEYS,  /* the set of public keys; no id */
    FEED_APPS,  /* the apps; no id */
    FEED_MARK,  /* the id is the number of a row */
};

struct feed_entry {
    enum feed_kind kind;
    uint8_t id[16];
};

struct feed_log;

/* in: entries: rounded up to a power of two. NULL without memory. */
struct feed_log *feed_log_new(uint32_t entries, const struct entropy *e);
void feed_log_free(struct feed_log *l); /* NULL is safe */

/* The writer. NULL is safe: nothing is noted. */
void feed_log_note(struct feed_log *l, enum feed_kind kind, const uint8_t id[16]);
/* What a change that was applied to the table means; CHANGE_KEYS is noted by whoever sets the keys. */
void feed_log_change(struct feed_log *l, const struct change *c);
void feed_log_mark(struct feed_log *l, uint64_t n);
/* The table was filled anew: every copy is too old. */
void feed_log_reset(struct feed_log *l);

/* Readers. */
void feed_log_id(const struct feed_log *l, uint8_t out[16]);
uint64_t feed_log_head(const struct feed_log *l);
/* Entries behind `after`, up to cap. false: too old (or never was a position of this log). */
bool feed_log_read(const struct feed_log *l, uint64_t after, struct feed_entry *out, uint32_t cap, uint32_t *ret_count);
/* The last row that was marked at or before a position, of the FEED_MARK_LOOK entries before it; 0: none. */
uint64_t feed_log_row(const struct feed_log *l, uint64_t position);

#endif
