/* Builders: bytes that grow at the end, up to a limit. The way every output is made.
 *
 * Representation: either the caller's fixed storage (buf_fixed) or heap storage up to `limit` (buf_heap). A write that
 * does not fit sets `failed` and writes nothing, and so does everything after it: build first, ask buf_ok once at the
 * end. Limits: not for secrets on the heap (old copies are not wiped when it grows); fixed storage is the caller's to
 * wipe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/view.h"

struct buf {
    char *ptr;
    size_t len, cap, limit;
    bool heap, failed;
};

struct buf buf_fixed(void *storage, size_t cap);
struct buf buf_heap(size_t limit); /* allocates nothing until the first write; buf_clear frees */
void buf_clear(struct buf *b);     /* frees heap storage; safe on a zeroed or already cleared one */
void buf_reset(struct buf *b);     /* empties, keeps storage, forgets a failure */

void buf_put(struct buf *b, struct view v);
void buf_char(struct buf *b, char c);
void buf_text(struct buf *b, const char *text);
void buf_int(struct buf *b, int64_t n);
void buf_uint(struct buf *b, uint64_t n);
/* Room for n more bytes to be written by the caller, then counted by buf_grew; NULL when they do not fit. */
char *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

/* End the text with a NUL that does not count, for readers of C strings.
 * out:   false, and the text is empty, where it or the NUL did not fit: never half a text */
bool buf_terminate(struct buf *b);

static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}
static inline struct view buf_view(const struct buf *b)
{
    return view_of(b->ptr, b->len);
}

#endif
