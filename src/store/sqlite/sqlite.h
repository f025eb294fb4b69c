/* The SQLite engine: both roles in one file.
 *
 * Decides: the schema and its history (schema.c), which connections exist, when the log is moved into the file. Refuses
 * to decide: who may open the file. A lock on the state folder, the caller's, keeps a second service away; SQLite's own
 * locks keep two writers apart all the same.
 *
 * Representation: write-ahead log with synchronous=FULL; one writer connection, and readers opened when first needed.
 * The file and what lies beside it have mode 0600.
 *
 * Durability: a commit that answered CARDEA_OK was synced to the log before. E_IO from a commit (full disk) means that
 * nothing of it is there; E_UNAVAILABLE (a failed write or sync) that nobody can tell. Limits: a disk that lies about
 * fdatasync, and network file systems, whose locks SQLite can not trust. About once in 4,096 written pages a commit
 * also moves the log into the file, which takes some tens of milliseconds.
 *
 * Memory: about 1.3 MB when idle; caches of at most 2 MiB for the writer and 256 KiB for each of 8 readers.
 *
 * Threading: the store may be shared; a transaction has one thread at a time.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/store.h"

/* Open (and create or migrate) the database at path.
 * in:    boot_ms: the boot clock that deadlines refer to, any thread; digest: SHA-256, for the journal's chain.
 * out:   message: on failure a sentence that names the file and says what is wrong with it.
 * fails: E_IO (read-only, no such folder …); E_CORRUPT: damaged, not Cardea's, or of a newer schema than this program
 *        knows (the file is left as it was); E_UNAVAILABLE: another process held it for five seconds. */
struct cardea_status store_sqlite_open(const char *path, int64_t (*boot_ms)(void), store_digest_fn *digest,
                                       struct store **out, char *message, size_t message_cap) CARDEA_CHECKED;

/* Open the database that another process may be serving, as it is: no file is made, no schema brought up to date. For
 * reading (backups); a WRITE would wait for the other's.
 * fails: E_NOT_FOUND: no such file; E_CORRUPT: the schema is not this program's; as store_sqlite_open. */
struct cardea_status store_sqlite_attach(const char *path, int64_t (*boot_ms)(void), store_digest_fn *digest,
                                         struct store **out, char *message, size_t message_cap) CARDEA_CHECKED;

#endif
