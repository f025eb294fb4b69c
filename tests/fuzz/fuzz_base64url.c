/* Base64url: what decodes must encode to the very same text, any bytes must survive the round trip, and a decoder that
 * takes one character after the other must say the same of every text. */
#include "fuzz.h"

#include "base/text.h"

/* The plain decoder: true and the bytes, or false. */
static bool plain(struct view text, unsigned char *out, size_t *ret_len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned have = 0;
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *found = memchr(alphabet, text.ptr[i], 64);
        if (found == NULL)
            return false;
        bits = (bits << 6 | (uint32_t)(found - alphabet)) & 0xffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (unsigned char)(bits >> have);
        }
    }
    *ret_len = len;
    return have < 6 && (bits & ((1u << have) - 1)) == 0;
}

static void as_plain(struct view text)
{
    unsigned char *ours = malloc(text.len + 1), *theirs = malloc(text.len + 1);
    size_t len = 0, plain_len = 0;

    EXPECT(ours != NULL && theirs != NULL);
    bool good = plain(text, theirs, &plain_len);
    EXPECT(cardea_ok(base64url_decode(text, ours, text.len, &len)) == good);
    EXPECT(!good || (len == plain_len && memcmp(ours, theirs, len) == 0));
    free(ours);
    free(theirs);
}

static void as_text(struct view text)
{
    size_t cap = text.len, len;
    char *bytes = malloc(cap + 1);
    EXPECT(bytes != NULL);
    if (cardea_ok(base64url_decode(text, bytes, cap, &len))) {
        struct buf again = buf_heap(text.len);
        EXPECT(len <= cap && BASE64URL_LEN(len) == text.len);
        buf_base64url(&again, bytes, len);
        EXPECT(buf_ok(&again) && view_equal(buf_view(&again), text));
        buf_clear(&again);
        size_t short_len;
        EXPECT(len == 0 || !cardea_ok(base64url_decode(text, bytes, len - 1, &short_len)));
    }
    free(bytes);
}

static void as_bytes(struct view bytes)
{
    struct buf text = buf_heap(BASE64URL_LEN(bytes.len));
    buf_base64url(&text, bytes.ptr, bytes.len);
    EXPECT(buf_ok(&text));
    char *back = malloc(bytes.len + 1);
    EXPECT(back != NULL);
    EXPECT(cardea_ok(base64url_decode_exact(buf_view(&text), back, bytes.len)));
    EXPECT(view_equal(view_of(back, bytes.len), bytes));
    free(back);
    buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_plain(view_of(data, size));
    as_text(view_of(data, size));
    as_bytes(view_of(data, size));
    return 0;
}
