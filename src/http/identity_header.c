#include "http/identity_header.h"

#include "http/answer.h"

static char *value_room(struct exchange *x, size_t *used, size_t len)
{
    if (len <= sizeof x->scratch - *used) {
        char *room = x->scratch + *used;
        *used += len;
        return room;
    }
    return arena_new(&x->arena, len);
}

void identity_header_put(struct exchange *x, size_t *used, const char *name, struct view value)
{
    if (value.len == 0)
        return;
    char *room = value_room(x, used, value.len);
    if (room == NULL) {
        x->response_broken = true;
        return;
    }
    memcpy(room, value.ptr, value.len);
    answer_header(x, name, view_of(room, value.len));
}
