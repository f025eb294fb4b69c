/* One connection to a Redis server: bytes out, replies in, all of it by a deadline. Private to the engine.
 *
 * hiredis writes and reads the protocol; the socket and TLS are ours, because hiredis 0.14 knows timeouts for single
 * calls and not deadlines, and no TLS. After any failure a link is of no more use: close it.
 *
 * Threading: one thread at a time.
 */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include "store/redis/redis.h"

#include <hiredis/hiredis.h>

struct link;

/* Connect, and shake hands; nothing is asked yet. fails: E_UNAVAILABLE, *ret_why says why. */
struct cardea_status link_open(const struct redis_options *o, const struct redis_host *host, int64_t deadline_ms,
                               struct link **out, const char **ret_why) CARDEA_CHECKED;
void link_close(struct link *l); /* NULL is safe */
/* Has the server kept its end open, and said nothing unasked? */
bool link_alive(struct link *l);

struct words {
    int count;
    const char *argv[40];
    size_t lens[40];
};
void word(struct words *w, const void *bytes, size_t len);
void word_text(struct words *w, const char *text);

/* Queue a command; what is queued goes out with the next reply that is asked for. */
struct cardea_status link_say(struct link *l, const struct words *w) CARDEA_CHECKED;
/* The next reply, for the caller to free (freeReplyObject): E_UNAVAILABLE (deadline, connection), E_CORRUPT (no RESP).
 * An error reply is a reply. */
struct cardea_status link_hear(struct link *l, int64_t deadline_ms, redisReply **out) CARDEA_CHECKED;

#endif
