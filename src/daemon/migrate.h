/* Moving an installation from one engine to another: accounts and sessions, or only either.
 *
 * Decides: what moves between two URLs; that neither end is in use, that they are not the same, that the target is
 * empty; that the copy is whole before anybody is told so. Refuses to decide: which engines the configuration names
 * afterwards. The source is never written to.
 *
 * What moves is what both ends can hold: between two engines of accounts everything, else the sessions. A target that
 * holds accounts gets all of it in one transaction: it is there as a whole, or not at all, whatever ends the program.
 * An engine that holds sessions alone (Redis, Memcached) has no such transaction: a move that was ended there leaves a
 * part, which the next one refuses until it is told to replace it; one that failed takes its part back.
 *
 * In use is what a process has locked with its state folder, and a database whose registry has a node that renews its
 * lease: that takes one look and another after its lease.
 */
#ifndef DAEMON_MIGRATE_H
#define DAEMON_MIGRATE_H

#include "daemon/config.h"
#include "store/copy.h"

enum migrate_part { MIGRATE_PART_UNSET = 0, MIGRATE_ALL, MIGRATE_ACCOUNTS, MIGRATE_SESSIONS };

struct migration {
    const char *from, *to;  /* URLs */
    enum migrate_part part; /* of what both can hold */
    bool replace_sessions;  /* remove those that the target holds */
};

struct migrated {
    bool accounts, sessions; /* what was moved */
    bool unchecked;          /* the target can not list what it holds: the sessions were not compared */
    struct copy_counts counts;
};

/* in:    c: whose state folder must not be in use; copy: its progress, the rest is set here
 * out:   message: on failure one sentence
 * fails: E_USAGE: the URLs; E_BUSY: in use; E_NOT_FOUND: no such source; E_CONFLICT: the target is not empty, is the
 *        source, or became another than it; what the engines answer */
struct cardea_status migrate(const struct config *c, const struct migration *m, const struct copy *copy,
                             struct migrated *out, char *message, size_t message_cap) CARDEA_CHECKED;

/* Does a node renew its lease in the registry of this store? Waits for the longest lease of those that stand there.
 * out:   name: of one that does; "": none */
struct cardea_status migrate_find_node(struct store *s, char name[VERIFIER_NAME_MAX + 1]) CARDEA_CHECKED;

#endif
