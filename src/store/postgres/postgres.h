/* The PostgreSQL engine: both roles in one schema of one database, PostgreSQL 15 or newer.
 *
 * Decides: the schema and its history, how connections are kept and mended, which rows are locked when. The statements
 * are those of store/sql/.
 *
 * Transactions: a READ is REPEATABLE READ, READ ONLY, of the moment of its begin. A WRITE is READ COMMITTED with locks
 * that make it serialisable for what Cardea does: a record that a WRITE reads by its key (user, session, API key) is
 * locked FOR UPDATE until the end, so nobody else changes it in between; the journal's head, the keys and the registry
 * of verifiers are each under one advisory lock, taken when a WRITE first appends or lists. So rows of the journal are
 * numbered in the order of their commits, without gaps. One WRITE at a time a store, as everywhere; several nodes meet
 * in these locks, and where they deadlock one of them is taken back (E_UNAVAILABLE; nothing of it is there).
 *
 * Durability: synchronous_commit is on, whatever the server's default. With a synchronous standby nothing that was
 * acknowledged is lost in a fail-over; without one, what the standby had not received is.
 *
 * Connections: one for writing and up to 8 for reading, opened when first needed, given up after any failure, and
 * looked at before they are used again: a server that was restarted costs nobody an error. Deadlines hold while a
 * server hangs; its own limits (lock, statement, idle in transaction) let go of what a node that died held. Where
 * nothing can be begun for two seconds the server is away: everybody hears so at once, and one of them tries again
 * every POSTGRES_AWAY_MS.
 *
 * Limits: libpq resolves host names by itself, without a deadline: name an address where that matters.
 *
 * Threading: the store may be shared; a transaction has one thread at a time.
 */
#ifndef STORE_POSTGRES_POSTGRES_H
#define STORE_POSTGRES_POSTGRES_H

#include "store/store.h"

enum { POSTGRES_AWAY_MS = 250 };

/* Open (and create or migrate, under an advisory lock) what is at a URL: postgres://[USER@]HOST[:PORT]/DATABASE[?…], as
 * libpq reads it, and our own `schema` (default "cardea"). A password inside is refused: use passfile. Over TCP to
 * other than loopback, sslmode is verify-full unless the URL says otherwise.
 * in:    boot_ms: the boot clock that deadlines refer to; digest: SHA-256, for the journal's chain
 * out:   message: on failure a sentence
 * fails: E_USAGE: the URL; E_UNAVAILABLE: not reached within five seconds; E_CORRUPT: a newer schema than this program
 *        knows; E_IO: the server refuses (privileges, disk)
 */
struct cardea_status store_postgres_open(const char *url, int64_t (*boot_ms)(void), store_digest_fn *digest,
                                         struct store **out, char *message, size_t message_cap) CARDEA_CHECKED;

/* Only read a URL. fails: E_USAGE; message says why. */
struct cardea_status store_postgres_check(const char *url, char *message, size_t message_cap) CARDEA_CHECKED;

#endif
