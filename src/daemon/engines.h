/* Engines: which store a pair of URLs means, and where its code is.
 *
 * Decides: the schemes, which role each may play, and that a client library is loaded only where it is asked for.
 *
 *     accounts   sqlite:PATH; postgres://
 *     sessions   the same as accounts; sqlite:OTHER; memory; redis://, rediss://, redis-sentinel://, redis+unix://;
 *                memcached://, memcached+unix://; postgres://
 *
 * Where both name the same, one engine plays both roles; else they are a mixture (store/mixture.h).
 *
 * SQLite belongs to the process that opens it, and memory to nobody else: with accounts there the installation is one
 * node, which the lock on the state folder sees to; with sessions there it is one too, which the registry of verifiers
 * sees to (daemon/nodes.h).
 */
#ifndef DAEMON_ENGINES_H
#define DAEMON_ENGINES_H

#include "store/sessions.h"

/* May this URL stand there? Reads no file but a password's. fails: E_USAGE, E_IO; reason is a sentence. */
struct cardea_status engines_check_accounts(const char *url, char *reason, size_t cap) CARDEA_CHECKED;
struct cardea_status engines_check_sessions(const char *url, char *reason, size_t cap) CARDEA_CHECKED;

/* The path of the database file, where accounts are kept in one; else NULL. */
const char *engines_database(const char *accounts_url);

/* May several nodes open this at once? */
bool engines_shared(const char *url);

/* Which sessions a node sees, as other nodes compare it (verifier_record.sessions): "own ENGINE" where they are its
 * own, else the same text at every node that shares them. It holds no user name, password or file. */
void engines_sessions_name(const char *accounts_url, const char *sessions_url, char out[VERIFIER_SESSIONS_MAX + 1]);

/* Open both roles as one store.
 * out:   message: on failure a sentence; on success what the operator should know of the sessions' engine, or ""
 * fails: what the engines answer */
struct cardea_status engines_open(const char *accounts_url, const char *sessions_url, int64_t (*boot_ms)(void),
                                  int64_t (*wall_ms)(void), struct store **out, char *message,
                                  size_t message_cap) CARDEA_CHECKED;

/* One engine of sessions by itself. A store of both roles is opened as such. */
struct cardea_status engines_open_sessions(const char *url, int64_t (*boot_ms)(void), int64_t (*wall_ms)(void),
                                           struct sessions **out, char *message, size_t message_cap) CARDEA_CHECKED;

/* Can accounts be kept there? */
bool engines_hold_accounts(const char *url);

/* The accounts alone, independent of any other handle: who uses it never waits for another's transaction. */
struct cardea_status engines_open_accounts(const char *accounts_url, int64_t (*boot_ms)(void), struct store **out,
                                           char *message, size_t message_cap) CARDEA_CHECKED;

#endif
