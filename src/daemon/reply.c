#include "daemon/reply.h"

#include "base/secret.h"

#include <stdlib.h>

enum { TEXT_MAX = 2048, NAME_TEXT_MAX = 64, STREAM_BLOCK = 16384 };

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

static struct MHD_Response *with_headers(struct MHD_Response *reply, const struct response *r, bool close)
{
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

struct MHD_Response *reply_new(const struct response *r, bool close)
{
    return with_headers(MHD_create_response_from_buffer(r->body.len, body_start(r->body), MHD_RESPMEM_PERSISTENT), r,
                        close);
}

/* --- streams --- */

struct sender {
    struct stream *stream;
    struct MHD_Connection *connection;
};

static void sender_suspend(void *context)
{
    MHD_suspend_connection(((struct sender *)context)->connection);
}

static void sender_resume(void *context)
{
    MHD_resume_connection(((struct sender *)context)->connection);
}

static ssize_t sender_read(void *context, uint64_t at, char *out, size_t max)
{
    (void)at;
    struct sender *sender = context;
    const struct stream_host host = {sender_suspend, sender_resume, sender};
    size_t len = 0;
    switch (sender->stream->read(sender->stream, &host, out, max, &len)) {
    case STREAM_BYTES:
        return (ssize_t)len;
    case STREAM_WAIT:
        return 0;
    case STREAM_END:
        return MHD_CONTENT_READER_END_OF_STREAM;
    default:
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
}

static void sender_free(void *context)
{
    struct sender *sender = context;
    sender->stream->free(sender->stream);
    free(sender);
}

struct MHD_Response *reply_stream(struct response *r, struct MHD_Connection *connection, bool close)
{
    struct sender *sender = malloc(sizeof *sender);
    if (sender == NULL) {
        response_drop_stream(r);
        return NULL;
    }
    *sender = (struct sender){r->stream, connection};
    r->stream = NULL;
    struct MHD_Response *reply =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, sender_read, sender, sender_free);
    if (reply == NULL)
        sender_free(sender);
    return with_headers(reply, r, close);
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
