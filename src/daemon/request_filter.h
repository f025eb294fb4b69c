/* The request filter: is this request head one that every HTTP implementation reads the same way?
 *
 * The HTTP library is tolerant where RFC 9112 lets it be, and in places where it does not. Tolerance is how requests
 * are smuggled: a proxy sees one message, the server behind it two. So the filter looks at what the library made of the
 * head, *and at the received bytes themselves*, and refuses everything that anybody could read differently.
 *
 * Decides: whether a head is let through; the method, where the path is, and how long the body will be.
 * Refuses to decide: what any header means (http does), and the body's bytes.
 *
 * Representation. The library parses in place: it replaces each line end (CR LF, or a bare LF), the colon after a name
 * and the spaces of the request line by NUL, and hands out pointers into those bytes. It decodes the target in place,
 * so the caller keeps a copy made before. It glues the continuation of a folded line onto a copy of the header's
 * *name*, elsewhere. From this follows the check of the layout: every name must begin exactly two bytes behind the end
 * of the value before it (one: a bare line feed; more: a NUL inside a value, or a folded line), every value must lie
 * behind its own name, with nothing but a NUL and blanks in between, and the head must end exactly four bytes behind
 * the last value.
 *
 * Limits. After parsing, a NUL that was sent beside a line end can not be told from the NULs that line ends became:
 * "NUL LF" passes for CR LF, "NUL CR LF LF" for an empty line. To make use of it one needs a proxy that forwards a NUL
 * in a head, which RFC 9110 §5.5 forbids. Every other NUL is refused.
 *
 * Threading: pure functions.
 */
#ifndef DAEMON_REQUEST_FILTER_H
#define DAEMON_REQUEST_FILTER_H

#include "http/message.h"

/* What the library parsed; `start` … `start + len` are the received bytes, all other pointers but target's lie in them.
 */
struct received_head {
    const char *start; /* the method's first byte */
    size_t len;        /* up to and with the empty line */
    struct view method;
    size_t target_at;    /* where the target began, from start */
    struct view target;  /* as received: a copy made before it was decoded */
    struct view version; /* its place in the received bytes */
    const struct header *headers;
    uint32_t header_count;
};

struct filtered_head {
    enum method method;
    struct view path, query;
    int64_t content_length; /* 0: no body; -1: chunked */
    bool expects_continue;
};

struct refusal {
    uint16_t http;      /* 0: none */
    const char *reason; /* static, one sentence without the peer's text */
};

/* in: head: as above, header_count at most HEADERS_MAX + 1 (one more says "too many").
 * out: written only when the answer's http is 0.
 * cost: one look at each byte; no allocation. */
struct refusal request_filter(const struct received_head *head, struct filtered_head *out);

#endif
