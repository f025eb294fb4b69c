/* Identity headers: values of an answer of /verify, that live as long as the exchange.
 *
 * They stand in the exchange's scratch room unless they are very long: the common answer allocates nothing.
 */
#ifndef HTTP_IDENTITY_HEADER_H
#define HTTP_IDENTITY_HEADER_H

#include "http/exchange.h"

/* Add one, copied; *used counts what is taken of the scratch room, 0 at first. Absent rather than empty: a listener may
 * refuse empty values, and integrations clear the client's own first. */
void identity_header_put(struct exchange *x, size_t *used, const char *name, struct view value);

#endif
