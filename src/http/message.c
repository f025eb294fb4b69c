#include "http/message.h"

/* Header names are ours or a client's; both are short ASCII. Length first: it settles nearly every comparison. */
static bool name_is(struct view name, struct view wanted)
{
    return name.len == wanted.len && view_equal_ascii_case(name, wanted);
}

struct view request_header(const struct request *r, struct view name)
{
    for (uint32_t i = 0; i < r->header_count; i++)
        if (name_is(r->headers[i].name, name)) {
            struct view value = r->headers[i].value;
            /* Present but empty is not absent. */
            return value.ptr == NULL ? VIEW("") : value;
        }
    return VIEW_EMPTY;
}

uint32_t request_header_count(const struct request *r, struct view name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->header_count; i++)
        count += name_is(r->headers[i].name, name);
    return count;
}

struct cardea_status response_header(struct response *r, const char *name, struct view value)
{
    if (r->header_count == RESPONSE_HEADERS_MAX)
        return CARDEA_FAIL(E_INTERNAL);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return CARDEA_FAIL(E_INTERNAL);
    }
    r->headers[r->header_count++] = (struct header){.name = view_text(name), .value = value};
    return CARDEA_SUCCESS;
}
