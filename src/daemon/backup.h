/* Backups of an installation's accounts, and the way back.
 *
 * A backup is one SQLite file with the users, API keys, keys (encrypted under the master key, which is not in it),
 * values and the journal, of one moment: it is made in one READ transaction while the service goes on, whichever engine
 * keeps the accounts. Sessions are not in it, since a restore ends them all. It appears under its name when it is whole
 * and on disk, with mode 0600, and never over another file.
 *
 * A restore is a new *incarnation* of the installation. What happened between the backup and the restore is forgotten,
 * logouts, suspensions and rotations among it; so nothing that was handed out before may count any more, wherever its
 * record is. The incarnation grows with every restore (it is at least the time in seconds), and every user's epoch
 * becomes incarnation · 2^20: above any that was handed out, exact in JSON until 2242. So every session, token and
 * sealed session from before is dead, also one whose record lies in Redis or one made after the backup. API keys have
 * no epoch: those of the backup work, also one that was revoked since; and a signing key that was dropped since as
 * compromised is back, as it was.
 *
 * Decides: what a backup is, and that it holds before anything is written: its mark, its journal's chain, and that its
 * keys open with the master key that is here. Refuses to decide: what is kept how long and where.
 *
 * Limits: while a backup of SQLite is made the log (cardea.db-wal) grows with what is written meanwhile.
 */
#ifndef DAEMON_BACKUP_H
#define DAEMON_BACKUP_H

#include "daemon/config.h"
#include "store/copy.h"

enum { BACKUP_FORMAT = 1, EPOCH_SHIFT = 20 };
/* Values that a backup has, and nothing else. */
#define BACKUP_FORMAT_VALUE "backup_format"
#define BACKUP_TIME_VALUE "backup_at_ms"

struct backup_made {
    struct copy_counts counts;
    int64_t at_ms;
    struct journal_head head;
};

/* Back the accounts up to a new file. in: copy: its progress, the rest is set here.
 * fails: E_CONFLICT: the file is there; E_NOT_FOUND: no installation; E_IO; what the engine answers; message says why
 */
struct cardea_status backup_make(const struct config *c, const char *path, const struct copy *copy,
                                 struct backup_made *out, char *message, size_t message_cap) CARDEA_CHECKED;

struct restored {
    struct copy_counts counts;
    int64_t incarnation, backup_at_ms;
    char
        aside[CONFIG_PATH_MAX + 32]; /* where the database of before is now; "": there was none, or it was a server's */
};

/* Restore a backup into the configured accounts, the service stopped. replace: what is there goes: a database file is
 * kept aside under another name, a server's tables are emptied in the same transaction.
 * fails: E_BUSY: a service or a node runs; E_CONFLICT: something is there; E_CORRUPT: the file is no backup, does not
 * hold, or belongs to another master key; E_NOT_FOUND: no such file, no master key; E_IO; message says why. Until the
 * last step nothing of what is there is changed. */
struct cardea_status backup_restore(const struct config *c, const char *path, bool replace, const struct copy *copy,
                                    struct restored *out, char *message, size_t message_cap) CARDEA_CHECKED;

#endif
