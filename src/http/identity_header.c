#include "http/identity_header.h"

#include "http/answer.h"

void identity_header_put(struct exchange *x, size_t *used, const char *name, struct view value)
{
    char *room;
    if (value.len == 0)
        return;
    if (value.len <= sizeof x->scratch - *used) {
        room = x->scratch + *used;
        *used += value.len;
    } else {
        room = arena_new(&x->arena, value.len);
        if (room == NULL) {
            x->response_broken = true;
            return;
        }
    }
    memcpy(room, value.ptr, value.len);
    answer_header(x, name, view_of(room, value.len));
}
