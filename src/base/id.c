#include "base/id.h"

#include "base/text.h"

struct user_id user_id_new(const struct entropy *e, int64_t now_ms)
{
    struct user_id id;
    uint64_t ms = (uint64_t)now_ms;
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    entropy_fill(e, id.bytes + 6, 10);
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0f));
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

/* A UUID's groups in bytes: 4-2-2-2-6. */
static bool dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void buf_user_id(struct buf *b, struct user_id id)
{
    char text[USER_ID_TEXT];
    struct buf t = buf_fixed(text, sizeof text);
    for (size_t i = 0; i < sizeof id.bytes; i++) {
        if (dash_before(i))
            buf_char(&t, '-');
        buf_hex(&t, &id.bytes[i], 1);
    }
    buf_put(b, buf_view(&t));
}

struct cardea_status user_id_parse(struct view v, struct user_id *out)
{
    char digits[2 * sizeof out->bytes];
    if (v.len != USER_ID_TEXT || v.ptr[8] != '-' || v.ptr[13] != '-' || v.ptr[18] != '-' || v.ptr[23] != '-')
        return CARDEA_FAIL(E_BAD_REQUEST);
    memcpy(digits, v.ptr, 8);
    memcpy(digits + 8, v.ptr + 9, 4);
    memcpy(digits + 12, v.ptr + 14, 4);
    memcpy(digits + 16, v.ptr + 19, 4);
    memcpy(digits + 20, v.ptr + 24, 12);
    return hex_decode_exact(view_of(digits, sizeof digits), out->bytes, sizeof out->bytes);
}

/* The text of `len` bytes, which stay as they are when it is none. */
static struct cardea_status parse(struct view v, uint8_t *out, size_t len)
{
    uint8_t bytes[sizeof(struct key_id)];
    struct cardea_status s = base64url_decode_exact(v, bytes, len);
    if (cardea_ok(s))
        memcpy(out, bytes, len);
    return s;
}

void buf_session_id(struct buf *b, struct session_id id)
{
    buf_base64url(b, id.bytes, sizeof id.bytes);
}

struct cardea_status session_id_parse(struct view v, struct session_id *out)
{
    return parse(v, out->bytes, sizeof out->bytes);
}

void buf_token_id(struct buf *b, struct token_id id)
{
    buf_base64url(b, id.bytes, sizeof id.bytes);
}

struct cardea_status token_id_parse(struct view v, struct token_id *out)
{
    return parse(v, out->bytes, sizeof out->bytes);
}

void buf_api_key_id(struct buf *b, struct api_key_id id)
{
    buf_base64url(b, id.bytes, sizeof id.bytes);
}

struct cardea_status api_key_id_parse(struct view v, struct api_key_id *out)
{
    return parse(v, out->bytes, sizeof out->bytes);
}

void buf_key_id(struct buf *b, struct key_id id)
{
    buf_base64url(b, id.bytes, sizeof id.bytes);
}

struct cardea_status key_id_parse(struct view v, struct key_id *out)
{
    return parse(v, out->bytes, sizeof out->bytes);
}
