/* The table socket: hands the verification table to other processes of this host.
 *
 * Decides: who gets it. Whoever may connect to the socket's file (its mode is the operator's choice), is known by name
 * to the kernel (SO_PEERCRED; logged), and finds a place: TABLE_READERS_MAX connections in all, TABLE_READERS_USER_MAX
 * of one user, so that no user keeps another out. A connection costs a descriptor and nothing else.
 * Refuses to decide: what a reader does with it. It gets the block by a descriptor opened for reading, of a file with
 * mode 0, so that it can neither be mapped for writing nor be opened again; and the last-seen times, which readers
 * write (core/table.h says what that can do). SECURITY.md says what a reader sees.
 *
 * A connection carries one message (core/table_offer.h) and then stays open, silent: its end tells the reader that this
 * table has no writer any more. A peer that sends something is cut.
 *
 * Threading: a thread of its own, which waits for connections and their ends.
 */
#ifndef DAEMON_TABLE_SOCKET_H
#define DAEMON_TABLE_SOCKET_H

#include "daemon/config.h"
#include "daemon/table_map.h"

enum { TABLE_READERS_MAX = 256, TABLE_READERS_USER_MAX = 128 };

struct table_socket;

/* in:    where: a unix address; mode: of its file; map: borrowed until the close
 * fails: E_IO; message is one sentence */
struct cardea_status table_socket_open(const struct listen_address *where, unsigned mode, const struct table_map *map,
                                       struct table_socket **out, char *message, size_t message_cap) CARDEA_CHECKED;
/* Ends all connections and removes the file. NULL is safe. */
void table_socket_close(struct table_socket *t);
uint32_t table_socket_readers(const struct table_socket *t);

#endif
