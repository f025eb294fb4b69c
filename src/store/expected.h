/* What a transaction has been told to expect (store_ops.expect): sessions that were fetched at once, and the rotations
 * of them that are still to be written, at once too.
 *
 * Decides: which record a session has as this transaction sees it, while rotations wait. Refuses to decide: how records
 * are fetched and rotations written; the engine and the mixture do that.
 *
 * Representation: one entry a session, in the order of the sids. An entry that is not `known` says nothing: the engine
 * is asked as if there were no entry. What is known stays true only while nobody else can change it (rows locked), or
 * where a rotation compares again when it is written.
 *
 * Threading: one transaction's.
 */
#ifndef STORE_EXPECTED_H
#define STORE_EXPECTED_H

#include "store/sessions.h"

struct expected_session {
    struct session_id sid;
    bool known, there; /* its record has been asked for; it exists */
    struct session_record record;
    bool waiting;        /* a rotation is to be written */
    bool in_mark;        /* it was rotated since the mark, */
    uint64_t generation; /* which the store holds while it waits */
    struct session_record before;
};

struct expected {
    struct expected_session *items;
    uint32_t count, waiting;
};

/* Entries of unknown records, without duplicates. fails: E_UNAVAILABLE without memory */
struct cardea_status expected_init(struct expected *e, const struct session_id *sids, uint32_t count) CARDEA_CHECKED;
void expected_clear(struct expected *e);                                           /* what is zeros is clear */
struct expected_session *expected_find(struct expected *e, struct session_id sid); /* NULL: no such entry */
/* What session_get answers, of a known entry. */
struct cardea_status expected_get(const struct expected_session *x, struct session_record *out) CARDEA_CHECKED;
/* What session_rotate answers, of a known entry with no rotation waiting; it waits from now on. */
struct cardea_status expected_rotate(struct expected *e, struct expected_session *x, const struct session_record *r,
                                     uint64_t expected_generation) CARDEA_CHECKED;
/* mark and keep: what was rotated so far stays. */
void expected_mark(struct expected *e);
/* undo: what was rotated since the mark is not; where that is written already, its record is unknown. */
void expected_undo(struct expected *e);
/* The waiting rotations, those since the mark or those before, in the order of the sids, as written from now on. They
 * borrow from *e. *ret_count of at most e->count. */
void expected_take(struct expected *e, bool in_mark, struct session_rotation *out, uint32_t *ret_count);
/* Everything has to be asked again; nothing waits. */
void expected_forget(struct expected *e);

#endif
