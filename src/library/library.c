#include "library/library.h"

#include "base/text.h"
#include "cardea/key.h"
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

bool id_writable(const char *id)
{
    if (!text_sized(id, CARDEA_KEY_ID_MAX) || !utf8_valid(view_text(id)))
        return false;
    for (const char *c = id; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '"' || *c == '\\')
            return false;
    return true;
}

const char *cardea_version(void)
{
    return CARDEA_VERSION;
}
