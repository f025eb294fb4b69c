/* TLS: the certificate that the listeners show, which a reload can replace without dropping a connection.
 *
 * Decides: protocol versions (1.2, 1.3) and cipher suites (forward secrecy and authenticated encryption only).
 * Representation: one identity for the process, since the library's callback has no context; swapped by pointer.
 * Handshakes under way may still read an old one, so old ones are kept until the end: a few KB a reload.
 * Threading: tls_identity_load and tls_identity_clear from one thread; handshakes on any.
 */
#ifndef DAEMON_TLS_H
#define DAEMON_TLS_H

#include "cardea/status.h"

#include <stddef.h>

extern const char tls_priorities[];

/* Read certificate chain and key (PEM files) and show them from now on.
 * fails: E_IO: they can not be read, or do not belong together; message is one sentence, and what was shown stays */
struct cardea_status tls_identity_load(const char *cert_path, const char *key_path, char *message,
                                       size_t message_cap) CARDEA_CHECKED;
void tls_identity_clear(void); /* no handshake may be under way */
/* For MHD_OPTION_HTTPS_CERT_CALLBACK: a gnutls_certificate_retrieve_function2. */
void *tls_identity_callback(void);

#endif
