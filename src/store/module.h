/* Modules: engines whose client libraries a service loads only where its configuration asks for them.
 *
 * A module is a shared object cardea-NAME.so that exports one symbol for each role that its engine plays: a struct
 * sessions_module called `cardea_sessions_module`, a struct accounts_module called `cardea_accounts_module`; both begin
 * with their version. It carries its own copy of what it uses of base and store, keeps no threads, and is never
 * unloaded. It belongs to the program it was built with: the version says so.
 */
#ifndef STORE_MODULE_H
#define STORE_MODULE_H

#include "store/sessions.h"

enum { SESSIONS_MODULE_VERSION = 1 };

struct sessions_module {
    uint32_t version; /* SESSIONS_MODULE_VERSION */
    /* Open by URL: reads it, connects, asks whether the server may be used.
     * out:   message: on failure a sentence; on success what the operator should know of what was found, where there is
     * something, else untouched. fails: E_USAGE, E_IO, E_UNAVAILABLE */
    struct cardea_status (*open)(struct view url, int64_t (*boot_ms)(void), int64_t (*wall_ms)(void),
                                 struct sessions **out, char *message, size_t message_cap);
    /* Only read the URL. fails: E_USAGE, E_IO; message says why. */
    struct cardea_status (*check)(struct view url, char *message, size_t message_cap);
};

enum { ACCOUNTS_MODULE_VERSION = 1 };

struct accounts_module {
    uint32_t version; /* ACCOUNTS_MODULE_VERSION */
    /* Open by URL, make or migrate what is there. The store plays both roles. digest: SHA-256, for the journal's chain.
     * out:   message: on failure a sentence. fails: E_USAGE, E_IO, E_CORRUPT, E_UNAVAILABLE */
    struct cardea_status (*open)(struct view url, int64_t (*boot_ms)(void), store_digest_fn *digest, struct store **out,
                                 char *message, size_t message_cap);
    /* Only read the URL. fails: E_USAGE; message says why. */
    struct cardea_status (*check)(struct view url, char *message, size_t message_cap);
};

#endif
