/* The sessions role: where session records live when they do not live beside the accounts (Redis, Memcached, memory,
 * another database). The other role, and the whole that the rest of Cardea sees, are store.h; mixture.h puts the two
 * together.
 *
 * Decides: the operations an engine of this role must have. Refuses to decide: whether a session may be used. The
 * durable store's revocations and epochs say that; so an engine that loses a deletion, falls back to an older state or
 * forgets a record resurrects nothing and lets nobody in.
 *
 * There are no transactions. Each operation is atomic for the records it names and visible to everybody once it has
 * answered CARDEA_OK: `create` refuses a sid that is taken, `rotate` compares and sets the generation, and of two
 * rivals exactly one succeeds, whichever process they are in. What has to happen together with a change of the accounts
 * is the mixture's concern.
 *
 * What may be lost: an engine says in its header what of an acknowledged write survives which failure. Never does it
 * answer with a record that was not written, nor mix two writes into one.
 *
 * Deadlines: boot clock, ms. An operation that can not finish by then answers E_UNAVAILABLE, and then nobody can tell
 * whether it happened. Nothing blocks longer, also when a server hangs instead of failing.
 *
 * Common failures of every operation, not repeated below: E_UNAVAILABLE (deadline, engine away, or full), E_CORRUPT (a
 * stored record that no engine wrote). Outputs are untouched on failure.
 *
 * Threading: any number of threads at once.
 */
#ifndef STORE_SESSIONS_H
#define STORE_SESSIONS_H

#include "store/store.h"

struct sessions;

struct session_rotation {
    const struct session_record *record;
    uint64_t expected_generation;
    struct cardea_status answer;
};

struct sessions_ops {
    const char *name;
    void (*close)(struct sessions *s); /* NULL is safe */

    struct cardea_status (*get)(struct sessions *s, int64_t deadline_ms, struct session_id sid,
                                struct session_record *out); /* E_NOT_FOUND */
    struct cardea_status (*create)(struct sessions *s, int64_t deadline_ms,
                                   const struct session_record *r); /* E_CONFLICT: the sid is taken */
    /* Many, for moving them here; each is atomic by itself. NULL: one by one will do (sessions_create_many).
     * fails: E_CONFLICT: a sid is taken by another record; how many of the others were made then is not said. */
    struct cardea_status (*create_many)(struct sessions *s, int64_t deadline_ms, const struct session_record *records,
                                        uint32_t count);
    /* Compare-and-set on generation: replaces the refresh state and moves last_seen forward, nothing else of the
     * record. fails: E_CONFLICT (another generation is stored); E_NOT_FOUND. */
    struct cardea_status (*rotate)(struct sessions *s, int64_t deadline_ms, const struct session_record *r,
                                   uint64_t expected_generation);
    /* Many at once, each as get and rotate would do it and answer, in little more time than one: *ret_answers[i] and
     * rotations[i].answer. What they return is how the engine fared: after a failure no answer counts, and any rotation
     * may have been made. Both NULL: one by one will do (an engine in this process). */
    struct cardea_status (*get_many)(struct sessions *s, int64_t deadline_ms, const struct session_id *sids,
                                     uint32_t count, struct session_record *out, struct cardea_status *ret_answers);
    struct cardea_status (*rotate_many)(struct sessions *s, int64_t deadline_ms, struct session_rotation *rotations,
                                        uint32_t count);
    struct cardea_status (*remove)(struct sessions *s, int64_t deadline_ms, const struct session_id *sids,
                                   uint32_t count); /* unknown sids are skipped */
    /* Moves last_seen forward, never back; unknown sids are skipped. */
    struct cardea_status (*touch)(struct sessions *s, int64_t deadline_ms, const struct session_id *sids,
                                  const int64_t *seen_ms, uint32_t count);
    /* Up to cap sids of a user whose epoch is below `epoch`, in a stable order, those past `after` (zeros: from the
     * start). Fewer than cap: there are no more. */
    struct cardea_status (*find_below)(struct sessions *s, int64_t deadline_ms, struct user_id user, int64_t epoch,
                                       struct session_id after, struct session_id *out, uint32_t cap,
                                       uint32_t *ret_count);
    /* A user's sessions (NULL: everybody's) at or above `epoch`, newest first. Expired ones may appear. Best effort
     * where the engine's header says so. fails: E_INVALID_FIELD: page->after was never a cursor of this listing. */
    struct cardea_status (*list)(struct sessions *s, int64_t deadline_ms, const struct user_id *user, int64_t epoch,
                                 const struct page *page, struct session_record *out, uint32_t *ret_count,
                                 struct cursor *ret_next);
    /* Every session in the order of the sids, for filling a verifier and for moving them: after = last sid seen
     * (zeros: start). Fewer than cap: that was the end. A session that lives throughout is seen once.
     * fails: E_LIMIT: this engine can not (Memcached). */
    struct cardea_status (*scan)(struct sessions *s, int64_t deadline_ms, struct session_id after,
                                 struct session_record *out, uint32_t cap, uint32_t *ret_count);
    /* Removes up to `limit` sessions that are over at now_ms: past their end, or SWEEP_IDLE_SLACK_MS past their idle
     * end. *ret_count: looked at; 0: nothing is due. Engines whose records expire by themselves answer 0. */
    struct cardea_status (*sweep)(struct sessions *s, int64_t deadline_ms, int64_t now_ms, uint32_t limit,
                                  uint32_t *ret_count);

    /* Counters and one-time codes. They end by the engine's own clock where it has one (Redis, Memcached: up to two
     * seconds late), else by now_ms.
     *
     * count: takes the steps in their order, each atomic by itself: of callers that each add 1 to a counter within its
     * window every one sees another value, whatever process it is in. Callers that name several kinds of counters name
     * them in the same order. An engine that forgets a counter begins it anew.
     * out:   *ret_values: a counter's value after its step; -1: the step was not taken. After E_UNAVAILABLE nobody can
     *        tell what was counted, and a connection that broke may have counted a step twice: never less than told.
     * fails: E_INTERNAL: more than COUNTER_STEPS_MAX steps, an add or window out of range */
    struct cardea_status (*count)(struct sessions *s, int64_t deadline_ms, int64_t now_ms,
                                  const struct counter_step *steps, uint32_t count, int64_t *ret_values);
    /* fails: E_CONFLICT: the id is taken by another value; E_INTERNAL: a ttl outside 1 … CODE_TTL_MAX_MS */
    struct cardea_status (*code_put)(struct sessions *s, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                     const struct code_value *value, int64_t ttl_ms);
    /* Take it away and give it to this caller: of any number of takers at most one gets OK. After E_UNAVAILABLE it may
     * be gone, and then nobody gets it. fails: E_NOT_FOUND: never there, over, lost, or taken */
    struct cardea_status (*code_take)(struct sessions *s, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                      struct code_value *out);
};

struct sessions {
    const struct sessions_ops *ops;
};

/* The engine's create_many, or create for each. */
struct cardea_status sessions_create_many(struct sessions *s, int64_t deadline_ms, const struct session_record *records,
                                          uint32_t count) CARDEA_CHECKED;
/* Remove every session, in steps: what is made meanwhile may stay. fails: E_LIMIT: it can not tell which it has. */
struct cardea_status sessions_erase(struct sessions *s, int64_t deadline_ms) CARDEA_CHECKED;

/* When a record is of no more use to anybody, by what is known of it now: its end, or SWEEP_IDLE_SLACK_MS past its idle
 * end. For engines whose records expire by themselves, and for sweeping. */
int64_t session_over_ms(int64_t last_seen_at_ms, int64_t idle_ms, int64_t expires_at_ms);
/* May a record be kept at all? Engines refuse what is no session with E_INTERNAL. */
bool session_storable(const struct session_record *r);
/* The same of counting and of codes. */
bool counter_steps_good(const struct counter_step *steps, uint32_t count);
bool code_good(const struct code_value *value, int64_t ttl_ms);

#endif
