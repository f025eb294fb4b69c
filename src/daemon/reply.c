#include "daemon/reply.h"

#include "base/secret.h"

#include <stdlib.h>

enum { TEXT_MAX = 2048, NAME_TEXT_MAX = 64 };

/* The library wants C strings, and keeps copies of its own. */
static bool add_header(struct MHD_Response *reply, struct view name, struct view value)
{
    char name_text[NAME_TEXT_MAX], room[TEXT_MAX];
    if (!view_copy(name, name_text, sizeof name_text) || view_has(value, '\0'))
        return false;
    char *text = value.len < sizeof room ? room : malloc(value.len + 1);
    if (text == NULL)
        return false;
    view_copy(value, text, value.len + 1);
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

bool reply_keepable(const struct response *r)
{
    size_t total = 0;
    if (r->status != 204 || r->body.len > 0 || r->header_count > REPLY_KEPT_HEADERS)
        return false;
    for (uint32_t i = 0; i < r->header_count; i++) {
        if (r->headers[i].value.len == 0 || view_equal_ascii_case(r->headers[i].name, VIEW("Set-Cookie")))
            return false;
        total += r->headers[i].value.len + 1;
    }
    return total <= REPLY_KEPT_TEXT;
}

void reply_drop(struct reply_kept *k)
{
    if (k->reply != NULL)
        MHD_destroy_response(k->reply);
    k->reply = NULL;
}

/* Note what the reply says now. Names are ours and static (http/message.h). */
static void remember(struct reply_kept *k, const struct response *r)
{
    size_t used = 0;
    for (uint32_t i = 0; i < r->header_count; i++) {
        struct view value = r->headers[i].value;
        k->names[i] = r->headers[i].name;
        k->values[i] = memcpy(k->text + used, value.ptr, value.len);
        k->lens[i] = value.len;
        k->text[used + value.len] = '\0';
        used += value.len + 1;
    }
    k->count = r->header_count;
}

static bool same_names(const struct reply_kept *k, const struct response *r)
{
    if (k->reply == NULL || k->count != r->header_count)
        return false;
    for (uint32_t i = 0; i < k->count; i++)
        if (k->names[i].ptr != r->headers[i].name.ptr)
            return false;
    return true;
}

/* Replace the values that differ. */
static bool change(struct reply_kept *k, const struct response *r, bool *ret_changed)
{
    for (uint32_t i = 0; i < k->count; i++) {
        struct view value = r->headers[i].value;
        if (value.len == k->lens[i] && memcmp(value.ptr, k->values[i], value.len) == 0)
            continue;
        *ret_changed = true;
        if (MHD_del_response_header(k->reply, k->names[i].ptr, k->values[i]) != MHD_YES ||
            !add_header(k->reply, k->names[i], value))
            return false;
    }
    return true;
}

struct MHD_Response *reply_renew(struct reply_kept *k, const struct response *r)
{
    bool changed = false;
    if (same_names(k, r) && change(k, r, &changed)) {
        if (changed)
            remember(k, r);
        return k->reply;
    }
    reply_drop(k);
    k->reply = reply_new(r, false);
    if (k->reply != NULL)
        remember(k, r);
    return k->reply;
}
