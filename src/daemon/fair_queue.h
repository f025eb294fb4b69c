/* A bounded queue in which no source crowds out the others.
 *
 * Decides: who waits, who is served next, who is turned away. Each source (an address, /64 for IPv6) has its own line;
 * lines are served in turn. When all places are taken, a newcomer whose line is shorter than the longest gets the place
 * of the last one in the longest line; otherwise it is turned away itself. So one address that floods the queue costs
 * the others one turn each and no place.
 *
 * Representation: entries are embedded in the caller's objects; the queue allocates only when it is made. Sources are
 * found by walking the active lines, at most one an entry.
 * Threading: none of its own; pool and committer hold a lock around it.
 */
#ifndef DAEMON_FAIR_QUEUE_H
#define DAEMON_FAIR_QUEUE_H

#include "base/address.h"
#include "cardea/status.h"

struct queue_entry {
    struct queue_entry *next;
    struct address source; /* set by the pusher: whose share it takes */
    int64_t deadline_ms;   /* boot clock: past it the answer would come too late */
};

struct queue_line {
    struct address source;
    struct queue_entry *head, *tail;
    uint32_t count;
    struct queue_line *next; /* in the ring of active lines, or in the list of free ones */
};

struct fair_queue {
    uint32_t capacity, count;
    struct queue_line *lines;
    struct queue_line *last; /* of the ring: last->next is served next; NULL: empty */
    struct queue_line *free;
};

/* fails: E_UNAVAILABLE without memory */
struct cardea_status fair_queue_init(struct fair_queue *q, uint32_t capacity) CARDEA_CHECKED;
void fair_queue_clear(struct fair_queue *q); /* entries are the caller's */

/* Append. false: there is no place for this entry. *ret_displaced: an entry that had to leave for it, or NULL. */
bool fair_queue_push(struct fair_queue *q, struct queue_entry *entry, struct queue_entry **ret_displaced);
struct queue_entry *fair_queue_pop(struct fair_queue *q); /* NULL: empty */

#endif
