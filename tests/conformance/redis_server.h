/* A Redis server, or a Sentinel, that a test starts in a folder of its own and talks to on a unix socket there. */
#ifndef CONFORMANCE_REDIS_SERVER_H
#define CONFORMANCE_REDIS_SERVER_H

#include "server.h"

#include <stdint.h>

struct redis_server {
    char folder[sizeof "/tmp/cardea-redis-XXXXXX"], socket[64];
    const char *options[32]; /* as on its command line, up to a NULL */
    pid_t pid;
};

bool redis_installed(void);              /* says so where it is not */
void redis_make(struct redis_server *r); /* its folder */
void redis_start(struct redis_server *r);
void redis_remove(struct redis_server *r); /* stops it, and takes the folder away */

/* A connection of one's own; fails the test where there is none. */
int redis_connect(const struct redis_server *r);
/* One command, without its end of line, on a connection of its own: does the answer begin so? */
bool redis_tell(const struct redis_server *r, const char *command, const char *answer);
/* The answer to a command whose answer is a number. */
int64_t redis_ask(const struct redis_server *r, const char *command);
/* Wait on a connection until the server says this. */
void redis_await(int fd, const char *text);

#endif
