/* Trusted proxies: who is the client when a proxy stands in between?
 *
 * Decides: the client's address and whether the request travelled safely. X-Forwarded-For and X-Forwarded-Proto count
 * only when the peer itself is a listed proxy; from anybody else they are ignored.
 * The address is the right-most one in X-Forwarded-For that is not a listed proxy: everything left of it was written by
 * somebody we do not trust. An entry that is no address ends the walk at the hop that reported it.
 */
#ifndef DAEMON_PROXY_H
#define DAEMON_PROXY_H

#include "http/message.h"

struct proxies {
    const struct address_range *ranges;
    uint32_t count;
};

struct peer {
    struct address address; /* version 0: a unix socket */
    bool tls;
    bool trusted; /* a listed proxy, or whoever may open our unix socket */
};

bool proxies_list(const struct proxies *p, const struct address *a);
/* Promise 9: plain HTTP from loopback, a unix socket or a listed proxy only. */
bool peer_is_private(const struct peer *peer);
/* Set client, proxied and secure of r from its peer and headers. */
void proxy_resolve(const struct proxies *p, const struct peer *peer, struct request *r);

#endif
