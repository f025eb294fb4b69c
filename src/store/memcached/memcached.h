/* Sessions in Memcached 1.6, on one server or on several.
 *
 * Decides: the keys, how each operation is made atomic with what Memcached has (add, compare-and-swap, delete), when a
 * record expires, which server holds it. Refuses to decide: what a session is worth; the accounts store's revocations
 * say that.
 *
 * Keys, under a prefix (default "cardea"), of letters, digits and "-_.:" only:
 *
 *     cardea:s:SID    a session as bytes (store/session_bytes.h), with its time to live
 *     cardea:u:USER   which sessions a user has, at most CACHE_INDEX_MAX
 *     cardea:c:ID     a counter
 *     cardea:k:ID     a one-time code
 *
 * What may be lost, at any moment: everything. Memcached evicts records when its memory is full, and forgets all of
 * them when it is restarted. A record that is gone is a logout for its owner; never is it a way in, since what has
 * ended stands as a revocation with the accounts. A rotation and a touch are compare-and-swap, so they never bring back
 * what was deleted or evicted in between. Memcached answers from memory alone: there is no more durable setting.
 *
 * Best effort: `list` and `find_below` of a user go by the user's index, which may have been evicted, may have failed
 * to be written, and names the newest CACHE_INDEX_MAX sessions only: a session that it does not name is valid as
 * before, and dies by its user's epoch. `list` of everybody and `scan` answer E_LIMIT: Memcached can not say what it
 * holds.
 *
 * Several servers: consistent hashing (ketama, as other clients do it), each record on one server, no second copy and
 * no failing over: two nodes that disagree about which server is away would each rotate a session of their own. While a
 * server is lost its sessions, and logins that fall to it, are E_UNAVAILABLE; the others go on. All nodes must name the
 * same servers; whoever adds one to n moves about one session in n + 1, and its owner logs in again.
 *
 * Safe to repeat: a creation of the same record and a rotation with the same nonce answer OK again. So an operation
 * whose connection broke is done again, once, on a fresh connection, within its deadline.
 *
 * Deadlines hold while connecting and with a server that hangs; an operation is given up after two seconds whatever its
 * deadline. A server found away is not asked again for CACHE_AWAY_MS: E_UNAVAILABLE at once; then one caller tries.
 *
 * Security: whoever can reach a Memcached can read and write all of it. libmemcached speaks no TLS, and its SASL sends
 * the password in the clear, so neither is offered: keep Memcached on loopback, a unix socket or a network of its own.
 * A password in the URL is refused. Values are read as strictly as anything from outside.
 *
 * Limits: libmemcached resolves names by itself, without a deadline: name addresses. A server that hands out an answer
 * byte by byte can stretch a deadline, as libmemcached's own timeout is for each wait. A time to live of more than 30
 * days is given as a date, so the server's clock must be right by then.
 *
 * Threading: any number of threads; up to CACHE_CONNECTIONS connections to each server, opened when first needed.
 */
#ifndef STORE_MEMCACHED_MEMCACHED_H
#define STORE_MEMCACHED_MEMCACHED_H

#include "store/sessions.h"

enum {
    CACHE_CONNECTIONS = 8,
    CACHE_SERVERS = 16,
    CACHE_AWAY_MS = 250,
    CACHE_HOST_MAX = 253,
    CACHE_PREFIX_MAX = 32,
    CACHE_INDEX_MAX = 512, /* sessions of a user that are listed */
};

struct cache_host {
    char name[CACHE_HOST_MAX + 1]; /* a name, an address without brackets, or the path of a socket */
    uint16_t port;                 /* 0: a socket */
};

struct cache_options {
    struct cache_host hosts[CACHE_SERVERS];
    uint32_t host_count;
    char prefix[CACHE_PREFIX_MAX + 1]; /* "": "cardea" */
    int64_t (*boot_ms)(void), (*wall_ms)(void);
};

/* Reads memcached:// and memcached+unix:// URLs:
 *
 *     memcached://HOST[:PORT][,HOST[:PORT]…][?prefix=NAME]
 *     memcached+unix:///PATH[?prefix=NAME]
 *
 * out:   message: on failure a sentence. fails: E_USAGE */
struct cardea_status cache_options_read(struct view url, struct cache_options *out, char *message,
                                        size_t message_cap) CARDEA_CHECKED;

/* Open, and ask every server once whether it may be used; the options are copied. Of several servers all but one may be
 * away.
 * out:   message: on success what may be lost, in a sentence; on failure why
 * fails: E_UNAVAILABLE: none reached within five seconds; E_USAGE: one was reached and can not be used: it has no
 * compare-and-swap, it wants a password, its items are too small */
struct cardea_status sessions_memcached_open(const struct cache_options *o, struct sessions **out, char *message,
                                             size_t message_cap) CARDEA_CHECKED;

#endif
