/* An installation: the state folder and what is opened from it. Used by the service and by commands on a stopped
 * installation.
 *
 * The folder (mode 0700) holds: lock, master.key (0600, made on first start of the embedded default), cardea.db,
 * admin.sock while the service runs, .gitignore with "*". A lock (flock on STATE/lock) tells whether a process has it
 * open; a second one is refused.
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
};

enum installation_mode { INSTALLATION_UNSET = 0, INSTALLATION_OPEN, INSTALLATION_CREATE /* make what is missing */ };

/* fails: E_BUSY (locked by a running process), E_NOT_FOUND (OPEN: nothing there), E_IO, E_CORRUPT; message is one clear
 * sentence. */
struct cardea_status installation_open(const struct config *c, enum installation_mode mode, struct installation *out,
                                       char *message, size_t message_cap) CARDEA_CHECKED;
void installation_close(struct installation *i);
/* The wall clock, never behind the persisted high-water mark. Thread-safe. */
int64_t installation_wall_ms(void);
int64_t installation_boot_ms(void);
/* STATE/admin.sock */
void installation_socket_path(const struct config *c, char *out, size_t cap);

#endif
