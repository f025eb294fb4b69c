/* An installation: the state folder and what is opened from it. Used by the service and by commands on a stopped
 * installation.
 *
 * Decides: what a folder must be like to be trusted (ours, not writable by others; the master key readable by nobody
 * else), what is made on first start, in which order and how durably. A half-made one is finished by the next start;
 * a master key is never made beside an existing database file, nor for a server's database that holds keys, because it
 * could open nothing. Of several nodes that start at once on an empty database one makes the keys (under the engine's
 * lock on them), and the others load them.
 *
 * The folder (mode 0700) holds: lock, master.key (0600, made on first start of the embedded default), cardea.db unless
 * the accounts are kept by a server, admin.sock and table.sock while the service runs, .gitignore with "*". A lock
 * (flock on STATE/lock) tells whether a process has it open; a second one is refused. The kernel drops the lock with
 * its process, however that ends.
 *
 * master.key: 32 random bytes as 43 characters of base64url and a line feed. Opening sets the process's umask to 0077.
 */
#ifndef DAEMON_INSTALLATION_H
#define DAEMON_INSTALLATION_H

#include "core/keyring.h"
#include "daemon/config.h"

struct installation {
    int lock_fd;
    struct master_key *master;
    struct store *store;
    struct keyring *keys; /* first snapshot; the service swaps newer ones */
    bool fresh;           /* made just now: no users yet */
    char caution[512];    /* what the operator should know of the sessions' engine; "": nothing */
};

enum installation_mode { INSTALLATION_UNSET = 0, INSTALLATION_OPEN, INSTALLATION_CREATE /* make what is missing */ };

/* fails: E_BUSY (locked by a running process), E_NOT_FOUND (OPEN: nothing there), E_IO, E_CORRUPT; message is one clear
 * sentence. */
struct cardea_status installation_open(const struct config *c, enum installation_mode mode, struct installation *out,
                                       char *message, size_t message_cap) CARDEA_CHECKED;
/* Take the folder and its lock, and open no store: for commands that move what an installation keeps. CREATE makes the
 * folder; master: reads the master key too, and never makes one. *out has no store and no keys; installation_close.
 * fails: as installation_open */
struct cardea_status installation_lock(const struct config *c, enum installation_mode mode, bool master,
                                       struct installation *out, char *message, size_t message_cap) CARDEA_CHECKED;
void installation_close(struct installation *i);
/* The wall clock, never behind the persisted high-water mark, and never running back by more than a second.
 * Thread-safe. A clock that ran ahead once holds time still until the real one has caught up: credentials then live
 * longer than they should by no more than that, and none that was dead comes alive. */
int64_t installation_wall_ms(void);
/* For how long time stands still now: how far the system's clock is behind the mark, 0 when it is not. */
int64_t installation_clock_behind_ms(void);
/* Persist the high-water mark, in a write transaction of the caller's: the service does so now and then. */
struct cardea_status installation_clock_save(struct store_tx *tx, const struct store_ops *ops) CARDEA_CHECKED;
int64_t installation_boot_ms(void);
/* STATE/admin.sock */
void installation_socket_path(const struct config *c, char *out, size_t cap);

#endif
