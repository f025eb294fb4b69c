#include "base/utf8.h"

#include "base/text.h"

bool utf8_valid(struct view v)
{
    if (v.len == 0) /* its pointer may be none, to which nothing may be added */
        return true;
    const unsigned char *p = (const unsigned char *)v.ptr, *end = p + v.len;
    while (p < end) {
        /* Eight ASCII bytes at a time: that is what nearly all text is. */
        uint64_t word;
        while (end - p >= 8 && (memcpy(&word, p, 8), (word & 0x8080808080808080u) == 0))
            p += 8;
        if (p == end)
            break;
        size_t n = utf8_length(p, end);
        if (n == 0)
            return false;
        p += n;
    }
    return true;
}
