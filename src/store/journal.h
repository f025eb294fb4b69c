/* The journal's hash chain: the canonical form of an event, and the check that nothing in between was changed.
 *
 * Decides: which bytes of an event are hashed, in which order; when a chain holds. Shared by all engines, so that a
 * journal written by one can be checked when another has taken it over. Refuses to decide: where the rows are kept.
 *
 *     hash(n) = SHA-256(hash(n-1) || canonical(n)), hash(0) = 32 zero bytes
 *
 * Canonical form, version 1. Integers are big-endian, signed ones in two's complement; a text is its length as u16
 * and then its bytes; nothing is optional, so no two events share a form:
 *
 *     u8   1 (the version)
 *     u64  n
 *     i64  at_ms
 *     text type
 *     text actor
 *     16   subject
 *     16   sid
 *     u8   ip.version     16 ip.bytes (those past an IPv4 address are zeros)
 *     text request_id
 *     text detail
 *     u8   revocation.kind    32 revocation.id    i64 revocation.epoch    i64 revocation.until_ms
 *
 * Security: the chain shows that a row was changed, removed or put in between, to whoever holds a later hash (or
 * watched the feed). It does not stop somebody who may write the whole database from computing a new chain, nor from
 * cutting rows off the end: against both, keep the head (n and hash) elsewhere from time to time, and compare.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "store/store.h"

enum { JOURNAL_CANONICAL_MAX = 1400 };

/* Where a chain stands: the last row seen. Zeroed, it is the empty journal. */
struct journal_head {
    uint64_t n;
    uint8_t hash[32];
};

/* Write the canonical form of an event.
 * out:   at most JOURNAL_CANONICAL_MAX bytes; returns how many. */
size_t journal_canonical(const struct event *e, uint8_t out[JOURNAL_CANONICAL_MAX]);

/* Link an event behind a head: sets its n, previous_hash and hash, and moves the head to it. */
void journal_link(struct journal_head *head, struct event *e, store_digest_fn *digest);

/* Must the memory of other nodes follow this row, or is it only kept? Narrowing events, changes of users and of keys.
 * In doubt, as for a type that this program does not know: yes. */
bool journal_concerns_others(const struct event *e);

/* Check the row that follows a head, and move the head to it.
 * fails: E_CORRUPT: a gap, another predecessor, or contents that were not hashed so. The head stays. */
struct cardea_status journal_check(struct journal_head *head, const struct event *e,
                                   store_digest_fn *digest) CARDEA_CHECKED;

/* Check every row behind *head in a store, moving *head along: a zeroed head checks the whole journal, a kept one what
 * came since.
 * out:   *head is the last good row, also on failure.
 * fails: E_CORRUPT: row head->n + 1 does not hold (or is missing).
 * cost:  reads the journal in small steps, inside the caller's transaction. */
struct cardea_status journal_verify(const struct store_ops *ops, struct store_tx *tx, store_digest_fn *digest,
                                    struct journal_head *head) CARDEA_CHECKED;

#endif
