/* Recent changes: was this record changed since then? What keeps a record that was read earlier from being put into the
 * verification table over a later change of it.
 *
 * Three bring records into the table: the committer its own transactions', the follower other nodes', and whoever read
 * one on a miss. Each reads, or writes, in the store first and comes to the table some time later; meanwhile another
 * may have brought a later state of the same record. So everybody takes a mark before the store is asked, and the
 * record counts only if no change of its id was applied since.
 *
 * Decides: whether one was. Sometimes says yes where none was (ids share places, forget counts for every id), which
 * costs a look into the store; never no where one was.
 * Representation: for each of two sources, RECENT_PLACES numbers of last changes, by a hash of kind and id. A mark is
 * the number of the last change of all. Nothing grows, nothing is too old to be asked about.
 *
 * Threading: noting and asking under the keeper's lock; a mark may be taken by any thread at any time.
 */
#ifndef DAEMON_RECENT_H
#define DAEMON_RECENT_H

#include "core/change.h"

enum { RECENT_PLACES = 4096 };

/* Whose changes are applied in their own order. UNSET, when asking: nobody's. */
enum recent_source { RECENT_UNSET = 0, RECENT_COMMITTER, RECENT_FOLLOWER, RECENT_SOURCES };

struct recent;

struct recent *recent_new(void); /* NULL without memory */
void recent_free(struct recent *r);

uint64_t recent_mark(const struct recent *r);
/* Before the table hears of it. Changes of records alone: a token or the keyring has nothing to go stale. */
void recent_note(struct recent *r, const struct change *c, enum recent_source source);
/* Every record has changed. */
void recent_forget(struct recent *r);
/* Has another than `self` changed the record of this change since the mark? */
bool recent_changed(const struct recent *r, const struct change *c, uint64_t mark, enum recent_source self);

#endif
