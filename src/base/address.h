/* Network addresses as values: parse, print, mask. No sockets. IPv4 is kept as itself; an IPv4-mapped IPv6 address
 * becomes IPv4. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include "base/buf.h"
#include "cardea/status.h"

struct address {
    uint8_t bytes[16]; /* v4: the first four */
    uint8_t version;   /* 4, 6; 0 = none (a unix socket) */
};
struct address_range {
    struct address base;
    uint8_t prefix;
};

enum { ADDRESS_TEXT_MAX = 46 };

struct cardea_status address_parse(struct view v, struct address *out) CARDEA_CHECKED;
/* "10.0.0.0/8", "::1", "127.0.0.1". fails: E_BAD_REQUEST, also when bits are set past the prefix ("10.0.0.1/8"): one
 * of the two is a slip, and a range of trusted proxies is no place to guess which. */
struct cardea_status address_range_parse(struct view v, struct address_range *out) CARDEA_CHECKED;
bool address_in(const struct address *a, const struct address_range *range); /* false for none */
bool address_is_loopback(const struct address *a);                           /* 127.0.0.0/8 or ::1; false for none */
/* Who shares a rate counter: the IPv4 address itself, the /64 of an IPv6 one. */
struct address address_neighbourhood(const struct address *a);
void buf_address(struct buf *b, const struct address *a); /* RFC 5952 text; "unix" for none */

#endif
