/* Streams: bodies that are made while they are sent, and that may have to wait for what comes next.
 *
 * Decides: how whoever makes the bytes and whoever sends them talk. The maker is asked for bytes whenever there is room
 * to send some; so a reader that is slow is asked for seldom, and nothing is kept for it. A maker that has nothing yet
 * says so after it has called host->suspend, and calls host->resume once when it is to be asked again: from any thread,
 * as soon as suspend has returned.
 * Refuses to decide: what the bytes are. No sockets here.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stream_said {
    STREAM_UNSET = 0,
    STREAM_BYTES, /* *ret_len of them, at least one */
    STREAM_WAIT,  /* suspended; resume follows */
    STREAM_END,   /* that was all */
    STREAM_BROKEN /* it can not go on: the reader must see that it is not whole */
};

struct stream_host { /* the sender's; called on its thread (suspend) or any (resume) */
    void (*suspend)(void *context);
    void (*resume)(void *context);
    void *context;
};

struct stream {
    /* Up to max bytes. On the sender's thread. */
    enum stream_said (*read)(struct stream *s, const struct stream_host *host, char *out, size_t max, size_t *ret_len);
    void (*free)(struct stream *s); /* never while a resume is owed */
    int64_t longest_ms;             /* how long sending may take in all */
};

#endif
