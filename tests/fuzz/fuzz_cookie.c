/* The credential texts: whatever the bytes, each parser ends; what one accepts is the one text of its value; and any
 * value that is written is read again. */
#include "credential_keys.h"
#include "fuzz.h"

#include "core/credential.h"

/* A text that a parser took must be what the formatter writes. */
static void read_and_write(struct view in)
{
    const struct keyring *k = fuzz_keyring();
    struct session_cookie cookie;
    struct refresh_token refresh;
    struct api_key key;
    struct user_id user;
    struct session_id sid = {{1}};
    char text[REFRESH_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    if (cardea_ok(session_cookie_parse(k, in, &cookie))) {
        session_cookie_format(k, &cookie, text);
        EXPECT(view_equal(in, view_of(text, SESSION_COOKIE_TEXT)));
    }
    if (cardea_ok(refresh_token_parse(k, in, &refresh))) {
        refresh_token_format(k, &refresh, &b);
        EXPECT(buf_ok(&b) && view_equal(in, buf_view(&b)) && refresh.generation > 0);
    }
    buf_reset(&b);
    if (cardea_ok(api_key_parse(k, in, &key))) {
        api_key_format(k, &key, &b);
        EXPECT(buf_ok(&b) && view_equal(in, buf_view(&b)));
    }
    EXPECT(!cardea_ok(csrf_token_check(k, sid, in)) || in.len == CSRF_TOKEN_TEXT);
    EXPECT(!cardea_ok(device_cookie_parse(k, in, &user)) || in.len == DEVICE_COOKIE_TEXT);
}

/* A value made of the input must come back from its text; and the same text with one character changed must not. */
static void write_and_read(const uint8_t *data, size_t size)
{
    const struct keyring *k = fuzz_keyring();
    uint8_t bytes[48] = {0};
    struct session_cookie cookie, cookie_back;
    struct refresh_token refresh = {.generation = 1 + size}, refresh_back;
    struct api_key key, key_back;
    char text[REFRESH_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
    memcpy(&cookie, bytes, sizeof cookie);
    memcpy(&key, bytes, sizeof key);
    memcpy(refresh.sid.bytes, bytes, 16);
    memcpy(refresh.secret.bytes, bytes + 16, 32);
    session_cookie_format(k, &cookie, text);
    EXPECT(cardea_ok(session_cookie_parse(k, view_of(text, SESSION_COOKIE_TEXT), &cookie_back)));
    EXPECT(memcmp(&cookie, &cookie_back, sizeof cookie) == 0);
    refresh_token_format(k, &refresh, &b);
    EXPECT(cardea_ok(refresh_token_parse(k, buf_view(&b), &refresh_back)));
    EXPECT(refresh.generation == refresh_back.generation && ID_SAME(refresh.sid, refresh_back.sid));
    size_t at = size > 0 ? data[size - 1] % b.len : 0;
    text[at] = text[at] == 'A' ? 'B' : 'A';
    EXPECT(!cardea_ok(refresh_token_parse(k, buf_view(&b), &refresh_back)));
    buf_reset(&b);
    api_key_format(k, &key, &b);
    EXPECT(cardea_ok(api_key_parse(k, buf_view(&b), &key_back)) && memcmp(&key, &key_back, sizeof key) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_and_write(view_of(data, size));
    write_and_read(data, size);
    return 0;
}
