/* Background work: what must be done now and then, in small steps, by the committer's thread between its groups.
 *
 * Decides: what is due when; tasks take turns, so that one which always has more to do holds up none. What a task has
 * taken out of memory and could not write is kept and written later. Each step is one short transaction or a bounded
 * walk over the table, so a waiting change never waits for more than one step.
 */
#ifndef DAEMON_BACKGROUND_H
#define DAEMON_BACKGROUND_H

#include "core/receipt.h"
#include "daemon/keeper.h"
#include "daemon/key_maker.h"

enum {
    BACKGROUND_DEADLINE_MS = 2000, /* of a step's transaction */
    TABLE_SWEEP_EVERY_MS = 1000,
    TABLE_SWEEP_CELLS = 8192,
    SEEN_EVERY_MS = 10000, /* how old a stored last-seen time may be, but for a busy store */
    SEEN_AT_ONCE = 512,
    STORE_SWEEP_EVERY_MS = 10000,
    STORE_SWEEP_ROWS = 256,
    KEYS_EVERY_MS = 5000,
    VERIFIER_SILENT_MS = 600000, /* a record in the registry that has said nothing for so long goes */
    KEYS_SOON_MS = 250,          /* while somebody has not heard of a key yet */
    GUESS_EVERY_MS = 5000,
    GUESS_AT_ONCE = 64,
    CLOCK_EVERY_MS = 30000,
    CLOCK_BEHIND_MS = 10000, /* what is worth a warning */
    MEND_EVERY_MS = 200,
    REMOTES_EVERY_MS = 100, /* verifiers that the feed has, into the registry */
};

enum background_task {
    TASK_MEND,
    TASK_TABLE,
    TASK_SEEN,
    TASK_STORE,
    TASK_KEYS,
    TASK_GUESS,
    TASK_CLOCK,
    TASK_REMOTES,
    TASKS
};

struct background {
    struct keeper *keeper;
    struct registry_view *others; /* how far other verifiers are; NULL without memory */
    bool keys_unheard;            /* not everybody knows all keys */
    struct guess *guess;
    const struct entropy *entropy;
    int64_t due_ms[TASKS];
    int turn;                          /* the task that comes next, if it is due */
    uint32_t seen_count, report_count; /* taken, and not written yet */
    struct session_id sids[SEEN_AT_ONCE];
    int64_t seen_ms[SEEN_AT_ONCE];
    struct guess_report reports[GUESS_AT_ONCE];
    bool _Atomic store_ok;   /* the last transaction did what it should */
    struct key_maker *maker; /* NULL until one is needed */
    bool _Atomic keys_due, remotes_due;
    token_formats _Atomic expected;
};

void background_init(struct background *b, struct keeper *keeper, struct guess *guess, const struct entropy *e);
void background_close(struct background *b); /* when nobody steps any more */
/* What everybody else has heard of, for keyring_times; outside of transactions. fails: the store's failures; E_BUSY */
struct cardea_status background_heard(struct background *b, uint64_t *ret_n) CARDEA_CHECKED;
/* Any thread: keep keys of these formats beside those that the settings ask for, and look at the keys soon. A reload
 * calls it before its settings are in force, and with 0 afterwards. */
void background_expect(struct background *b, token_formats formats);
/* One step of what is due; true when there is more to do at once. For committer_host; context is the background. */
bool background_step(void *background);
/* Write what must not be lost at a stop: changes of unknown outcome, last-seen times, failures, the clock. */
void background_flush(struct background *b);
/* Any thread: the feed has something for the registry. */
void background_remotes(struct background *b);
/* Append one event of the service itself. */
struct cardea_status background_event(struct background *b, const char *type, struct view detail) CARDEA_CHECKED;

#endif
