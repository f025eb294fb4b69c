#include "daemon/reply.h"

#include "base/secret.h"

#include <stdlib.h>

enum { TEXT_MAX = 2048, NAME_TEXT_MAX = 64 };

/* The library wants C strings, and keeps copies of its own. */
static bool add_header(struct MHD_Response *reply, struct view name, struct view value)
{
    char name_text[NAME_TEXT_MAX], room[TEXT_MAX];
    if (name.len >= sizeof name_text || memchr(value.ptr == NULL ? "" : value.ptr, '\0', value.len) != NULL)
        return false;
    memcpy(name_text, name.ptr, name.len);
    name_text[name.len] = '\0';
    char *text = value.len < sizeof room ? room : malloc(value.len + 1);
    if (text == NULL)
        return false;
    if (value.len > 0)
        memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    bool added = value.len == 0 || MHD_add_response_header(reply, name_text, text) == MHD_YES;
    secret_wipe(text, value.len); /* it may be a cookie */
    if (text != room)
        free(text);
    return added;
}

static void *body_start(struct view body)
{
    static char nothing;
    return body.len == 0 ? &nothing : (void *)(uintptr_t)body.ptr;
}

struct MHD_Response *reply_new(const struct response *r, bool close)
{
    struct MHD_Response *reply =
        MHD_create_response_from_buffer(r->body.len, body_start(r->body), MHD_RESPMEM_PERSISTENT);
    bool whole = reply != NULL;
    for (uint32_t i = 0; whole && i < r->header_count; i++)
        whole = add_header(reply, r->headers[i].name, r->headers[i].value);
    if (whole && close)
        whole = MHD_add_response_header(reply, "Connection", "close") == MHD_YES;
    if (whole)
        return reply;
    if (reply != NULL)
        MHD_destroy_response(reply);
    return NULL;
}
