#include "library/library.h"

#include "cardea/version.h"

struct cardea_status give(struct view text, char *out, size_t cap, size_t *ret_len)
{
    if (out == NULL || ret_len == NULL)
        return CARDEA_FAIL(E_USAGE);
    if (text.len >= cap)
        return CARDEA_FAIL(E_TOO_LARGE);
    if (text.len > 0)
        memmove(out, text.ptr, text.len);
    out[text.len] = '\0';
    *ret_len = text.len;
    return CARDEA_SUCCESS;
}

bool text_sized(const char *text, size_t max)
{
    return text != NULL && text[0] != '\0' && strnlen(text, max + 1) <= max;
}

const char *cardea_version(void)
{
    return CARDEA_VERSION;
}
