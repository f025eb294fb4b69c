/* The SQLite engine: both roles in one file. Write-ahead log, synchronous=FULL, one writer connection, a small pool of
 * readers. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/store.h"

/* Open (and create or migrate) the database at path.
 * in:    boot_ms: the boot clock that deadlines refer to; digest: SHA-256, for the journal's chain.
 * fails: E_IO; E_CORRUPT (not our file, or a schema newer than this program). message says which, in a sentence. */
struct cardea_status store_sqlite_open(const char *path, int64_t (*boot_ms)(void), store_digest_fn *digest,
                                       struct store **out, char *message, size_t message_cap) CARDEA_CHECKED;

#endif
