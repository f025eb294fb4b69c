/* Sessions in Redis 7 or Valkey, plain or behind Sentinel.
 *
 * Decides: the keys, the scripts that make each operation atomic, when a record expires, how connections are kept and
 * mended. Refuses to decide: what a session is worth; the accounts store's revocations say that.
 *
 * Keys, under a prefix (default "cardea"):
 *
 *     cardea:s:SID      hash: k the record as bytes, g generation, f refresh state, s last seen, i idle, x expires
 *     cardea:u:USER     sorted set of a user's sids by epoch
 *     cardea:sids       sorted set of all sids, in their order
 *     cardea:created    sorted set of all sids by creation
 *
 *     cardea:c:ID        a counter · cardea:k:ID  a one-time code
 *
 * Every record expires by itself once it is of no more use to anybody, by a time to live that is counted from the
 * service's clock, not from Redis'; the sweep removes what the sets still name.
 *
 * Safe to repeat: a creation of the same record and a rotation with the same nonce answer OK again. So an operation
 * whose connection broke is done again, once, on a fresh connection, within its deadline.
 *
 * What may be lost: Redis answers before it has written to disk or to a replica. A crash loses what its own settings
 * allow (appendfsync), a fail-over the last moments' writes: new logins and rotations, whose owners log in again. Never
 * a revocation, which is not here. Eviction would end sessions early, so a server that may evict is refused
 * (maxmemory-policy must be noeviction).
 *
 * Limits: one keyspace, not Redis Cluster (the scripts name keys of several slots): a server of one is refused. RESP2.
 *
 * Deadlines hold while connecting, in TLS handshakes and with a server that hangs. A server that was found away is not
 * asked again for REDIS_AWAY_MS: E_UNAVAILABLE at once.
 *
 * Security: ACL user and password from a file; TLS with the server's name checked against `ca_file`. Values are read as
 * strictly as anything from outside. Whoever can write to the server can make a session of any user: keep others out.
 *
 * Threading: any number of threads; up to REDIS_CONNECTIONS connections, opened when first needed.
 */
#ifndef STORE_REDIS_REDIS_H
#define STORE_REDIS_REDIS_H

#include "store/sessions.h"

enum {
    REDIS_CONNECTIONS = 8,
    REDIS_SENTINELS = 8,
    REDIS_AWAY_MS = 250,
    REDIS_ASK_MS = 1000,       /* between questions to the Sentinels while all is well */
    REDIS_REPLY_MAX = 4 << 20, /* bytes */
    REDIS_HOST_MAX = 253,
    REDIS_PREFIX_MAX = 32,
};

struct redis_host {
    char name[REDIS_HOST_MAX + 1]; /* a name or an address without brackets */
    char port[6];
};

struct redis_options {
    struct redis_host hosts[REDIS_SENTINELS]; /* one server, or the Sentinels */
    uint32_t host_count;
    char master[64];              /* the name that the Sentinels know it by; "": no Sentinels */
    char unix_path[108];          /* instead of a host */
    char user[64], password[256]; /* "": none */
    char sentinel_user[64], sentinel_password[256];
    char prefix[REDIS_PREFIX_MAX + 1]; /* "": "cardea" */
    unsigned database;
    bool tls;
    char ca_file[256]; /* "": the system's authorities */
    int64_t (*boot_ms)(void), (*wall_ms)(void);
};

/* Reads redis://, rediss:// (TLS), redis+unix:// and redis-sentinel:// URLs:
 *
 *     redis://HOST[:PORT][/DATABASE][?user=NAME&password_file=PATH&prefix=NAME]
 *     rediss://… the same, with &ca=PATH for a private authority
 *     redis-sentinel://HOST:PORT[,HOST:PORT…]/MASTER[/DATABASE][?…&sentinel_user=NAME&sentinel_password_file=PATH]
 *     redis+unix:///PATH[?db=DATABASE&…]
 *
 * A password inside a URL is refused: it would stand in process lists and logs.
 * out:   message: on failure a sentence. fails: E_USAGE; E_IO: the password's file */
struct cardea_status redis_options_read(struct view url, struct redis_options *out, char *message,
                                        size_t message_cap) CARDEA_CHECKED;

/* Open, and ask the server once whether it may be used; the options are copied.
 * fails: E_UNAVAILABLE: not reached within five seconds; E_USAGE: reached, and refused: it may evict, it is a replica,
 * it knows no such user, or the user may not do what the engine does, it is too old. message says which. */
struct cardea_status sessions_redis_open(const struct redis_options *o, struct sessions **out, char *message,
                                         size_t message_cap) CARDEA_CHECKED;

#endif
