/* Listening sockets: TCP and unix. Made by us, so that a taken port is told of before anything starts. */
#ifndef DAEMON_SOCKETS_H
#define DAEMON_SOCKETS_H

#include "daemon/config.h"

#include <sys/socket.h>

enum { LISTEN_BACKLOG = 1024 };

/* in:    mode: of a unix socket's file; an old socket file there is replaced if nobody answers on it
 * out:   *ret_fd: listening, not blocking
 * fails: E_IO; message is one sentence */
struct cardea_status socket_listen(const struct listen_address *where, unsigned mode, int *ret_fd, char *message,
                                   size_t message_cap) CARDEA_CHECKED;
struct address socket_address(const struct sockaddr *from); /* version 0 for a unix socket */
/* Who is at the other end of a unix socket. */
bool socket_peer_uid(int fd, uint32_t *ret_uid);

#endif
