/* Base64url: what decodes must encode to the very same text, and any bytes must survive the round trip. */
#include "fuzz.h"

#include "base/text.h"

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
    as_text(view_of(data, size));
    as_bytes(view_of(data, size));
    return 0;
}
