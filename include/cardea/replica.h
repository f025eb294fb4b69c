/* The replica: a copy of a Cardea service's verification table, for verifiers on other hosts. A checker (checker.h)
 * answers from it who is calling; the service's feed (GET /v1/feed) keeps it up to date, and tells until when it may be
 * believed.
 *
 * It does no I/O: it says what to ask, the caller asks (libcurl, or what the program has), and gives it the bytes of
 * the answer as they come. Ask again when the answer has ended, at once; after a failure a moment later. As long poll
 * or, with `Accept: text/event-stream`, as a stream: the replica reads both.
 *
 * Decides: what of an answer counts, and how long the copy may be believed. A lease counts from before the asking and
 * only when everything up to the head that goes with it is applied: delays on the way shorten it. When it is over,
 * every check answers CARDEA_E_UNAVAILABLE by this host's own clock, whatever the network does, and until the next
 * lease. Refuses to decide: how the service is reached and believed. Ask over TLS, with an API key of scope `feed`,
 * which shows everybody's ids, names, addresses and roles to whoever holds it.
 *
 * The revocation bound: what was answered by the service is felt here within milliseconds as a rule, and never later
 * than the lease and the drift of the two clocks (one part in 100) after the answer. A virtual machine that is paused
 * between a check and what follows from it is not covered.
 *
 * What is used here is not known to the service: a session that looks idle by the copy is CARDEA_E_NOT_FOUND, for the
 * service to say, and asking it counts as use.
 *
 * Memory: about 150 bytes a session, 200 a user, touched as needed; address space for sessions_max. While a whole copy
 * comes in (at first; after the service was started anew, or a long break), nobody is let in from here.
 *
 * Threading: one thread feeds. Any number of threads check at the same time, each with a checker of its own.
 *
 *     struct cardea_replica *replica;
 *     struct cardea_status s = cardea_replica_new(0, &replica);
 *     if (cardea_ok(s)) s = cardea_checker_replica(checker, replica);
 *     for (;;) {
 *         s = cardea_replica_ask(replica, boot_ms(), target, sizeof target, &len);
 *         … GET https://id.example.com + target; for every piece of the body:
 *         s = cardea_replica_take(replica, cardea_bytes(piece, size), unix_ms());
 *     }
 */
#ifndef CARDEA_REPLICA_H
#define CARDEA_REPLICA_H

#include "cardea/checker.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CARDEA_REPLICA_TARGET_MAX = 128,
    CARDEA_REPLICA_SESSIONS_DEFAULT = 1 << 20,
    CARDEA_REPLICA_SESSIONS_MAX = 1 << 26,
};

struct cardea_replica;

/* in:    sessions_max: how many the copy has room for; what does not fit is the service's to say. 0: the default
 * fails: CARDEA_E_USAGE; CARDEA_E_BUSY: no memory */
struct cardea_status cardea_replica_new(uint32_t sessions_max, struct cardea_replica **ret) CARDEA_CHECKED;
/* After all checkers that look at it were freed or pointed elsewhere. */
void cardea_replica_free(struct cardea_replica *r);

/* Begin an answer: what to GET below the service's public URL.
 * in:    boot_ms: CLOCK_BOOTTIME, read just before this call, and so before the request leaves
 * out:   "/v1/feed?…", in CARDEA_REPLICA_TARGET_MAX
 * fails: CARDEA_E_USAGE; CARDEA_E_TOO_LARGE */
struct cardea_status cardea_replica_ask(struct cardea_replica *r, int64_t boot_ms, char *out, size_t cap,
                                        size_t *ret_len) CARDEA_CHECKED;
/* Bytes of the body of a 200, in any pieces. Of any other answer, nothing.
 * in:    now_ms: Unix time
 * fails: CARDEA_E_CORRUPT, CARDEA_E_CONFLICT: that is no feed, or not the one we had: everything is forgotten, and the
 *        next asking is for a whole copy; what else comes of this answer is passed over */
struct cardea_status cardea_replica_take(struct cardea_replica *r, struct cardea_bytes bytes,
                                         int64_t now_ms) CARDEA_CHECKED;
/* For how long the copy may still be believed, in ms; 0: it may not. */
int64_t cardea_replica_lease_ms(const struct cardea_replica *r, int64_t boot_ms);

/* Let a checker look at this replica, in place of what it looked at before. fails: CARDEA_E_USAGE. */
struct cardea_status cardea_checker_replica(struct cardea_checker *c, const struct cardea_replica *r) CARDEA_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
