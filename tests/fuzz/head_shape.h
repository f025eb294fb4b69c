/* A received request head as libmicrohttpd 0.9.75 leaves it: parsed in place, with NULs where line ends, colons and
 * blanks were, and folded lines glued onto copies of names. For tests of the request filter without a socket. */
#ifndef FUZZ_HEAD_SHAPE_H
#define FUZZ_HEAD_SHAPE_H

#include "daemon/request_filter.h"

struct head_shape {
    struct received_head head;
    struct header headers[HEADERS_MAX + 1];
    char *bytes;      /* the received bytes, changed in place */
    char *target;     /* the copy made before the target would be decoded */
    char *copies[64]; /* names with folded lines glued on */
    size_t copy_count;
    size_t begin, end; /* of the head in the raw bytes: from the method to behind the empty line */
};

/* false: the library itself answers an error, hangs up, or waits for more. */
bool head_shape_make(struct view raw, struct head_shape *out);
void head_shape_clear(struct head_shape *s);

/* The oracle, written from RFC 9112 and the filter's header alone, over raw bytes: may this head pass? */
bool head_is_strict(struct view raw);
/* The known limit of the filter: a NUL right before a line end. */
bool head_has_nul_at_line_end(struct view raw);

#endif
