/* Servers that a test starts: ready when they say so themselves (READY=1 to NOTIFY_SOCKET, as under systemd), so that
 * nothing is asked again and again; ended by their own pid. A server that ends instead of getting ready fails the test.
 */
#ifndef CONFORMANCE_SERVER_H
#define CONFORMANCE_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

/* argv[0] is the program's path; user: whom it runs as where we are root, NULL: as we are. Its output goes nowhere. */
pid_t server_spawn(const char *const *argv, const char *user);
/* The same, and wait until it is ready. */
pid_t server_start(const char *const *argv, const char *user);
/* A signal, to a stopped one too, and wait for the end. */
void server_stop(pid_t pid, int how);
/* Run to the end: its exit status, -1 where a signal ended it. */
int server_run(const char *const *argv, const char *user);

/* A port of 127.0.0.1 that nobody listens on. */
unsigned server_port(void);

#endif
