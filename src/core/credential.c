#include "core/credential.h"

#include "base/secret.h"
#include "base/text.h"
#include "crypto/digest.h"

void secret_digest(const struct secret *s, uint8_t out[32])
{
    digest_sha256(s->bytes, sizeof s->bytes, out);
}

bool secret_matches(const struct secret *s, const uint8_t digest[32])
{
    uint8_t own[32];

    secret_digest(s, own);
    return secret_equal(own, digest, sizeof own);
}

/* --- session cookie --- */

struct session_cookie_layout {
    uint8_t sid[16], tag[8], secret[SECRET_BYTES];
};
_Static_assert(BASE64URL_LEN(sizeof(struct session_cookie_layout)) == SESSION_COOKIE_TEXT,
               "the length in credential.h");

void session_cookie_format(const struct keyring *k, const struct session_cookie *c, char out[SESSION_COOKIE_TEXT])
{
    struct session_cookie_layout raw;

    memcpy(raw.sid, c->sid.bytes, sizeof raw.sid);
    tag_siphash(&k->session_tag, raw.sid, sizeof raw.sid, raw.tag);
    memcpy(raw.secret, c->secret.bytes, sizeof raw.secret);
    base64url_encode(&raw, sizeof raw, out);
    secret_wipe(&raw, sizeof raw);
}

struct cardea_status session_cookie_parse(const struct keyring *k, struct view text, struct session_cookie *out)
{
    struct session_cookie_layout raw;
    uint8_t tag[8];

    if (text.len != SESSION_COOKIE_TEXT || !cardea_ok(base64url_decode_exact(text, &raw, sizeof raw)))
        return CARDEA_FAIL(E_INVALID_SESSION);
    tag_siphash(&k->session_tag, raw.sid, sizeof raw.sid, tag);
    bool issued = k->public_only || secret_equal(tag, raw.tag, sizeof tag);
    if (issued) {
        memcpy(out->sid.bytes, raw.sid, sizeof raw.sid);
        memcpy(out->secret.bytes, raw.secret, sizeof raw.secret);
    }
    secret_wipe(&raw, sizeof raw);
    return issued ? CARDEA_SUCCESS : CARDEA_FAIL(E_INVALID_SESSION);
}

struct cardea_status session_cookie_sid(struct view text, struct session_id *out)
{
    struct session_cookie_layout raw;

    if (text.len != SESSION_COOKIE_TEXT || !cardea_ok(base64url_decode_exact(text, &raw, sizeof raw)))
        return CARDEA_FAIL(E_INVALID_SESSION);
    memcpy(out->bytes, raw.sid, sizeof raw.sid);
    secret_wipe(&raw, sizeof raw);
    return CARDEA_SUCCESS;
}

/* --- API key --- */

enum {
    API_KEY_PREFIX_LEN = sizeof API_KEY_PREFIX - 1,
    API_KEY_SECRET_TEXT = BASE64URL_LEN(SECRET_BYTES),
    API_KEY_TAG_TEXT = BASE64URL_LEN(8),
    API_KEY_CHECKSUM = 6,
    API_KEY_BODY = API_KEY_PREFIX_LEN + ID16_TEXT + API_KEY_SECRET_TEXT + API_KEY_TAG_TEXT, /* what is summed */
};
_Static_assert(API_KEY_BODY + API_KEY_CHECKSUM == API_KEY_TEXT, "the length in credential.h");

static void api_key_checksum(const char *body, char out[API_KEY_CHECKSUM])
{
    uint8_t digest[32];
    char text[BASE64URL_LEN(6)];

    digest_sha256(body, API_KEY_BODY, digest);
    base64url_encode(digest, 6, text); /* its first 6 characters need no more bytes than these */
    memcpy(out, text, API_KEY_CHECKSUM);
}

void api_key_format(const struct keyring *k, const struct api_key *a, struct buf *out)
{
    char text[API_KEY_TEXT];
    uint8_t tag[8];
    char *p = text;

    tag_siphash(&k->api_key_tag, a->id.bytes, sizeof a->id.bytes, tag);
    memcpy(p, API_KEY_PREFIX, API_KEY_PREFIX_LEN);
    base64url_encode(a->id.bytes, sizeof a->id.bytes, p += API_KEY_PREFIX_LEN);
    base64url_encode(a->secret.bytes, sizeof a->secret.bytes, p += ID16_TEXT);
    base64url_encode(tag, sizeof tag, p += API_KEY_SECRET_TEXT);
    api_key_checksum(text, p + API_KEY_TAG_TEXT);
    buf_put(out, view_of(text, sizeof text));
    secret_wipe(text, sizeof text);
}

struct cardea_status api_key_parse(const struct keyring *k, struct view text, struct api_key *out)
{
    struct api_key found;
    uint8_t tag[8], own_tag[8];
    char checksum[API_KEY_CHECKSUM];

    if (text.len != API_KEY_TEXT || !view_starts(text, VIEW(API_KEY_PREFIX)))
        return CARDEA_FAIL(E_INVALID_KEY);
    /* The checksum is public arithmetic over the text; it keeps typing errors and look-alikes away, nothing more. */
    api_key_checksum(text.ptr, checksum);
    const char *id = text.ptr + API_KEY_PREFIX_LEN, *secret = id + ID16_TEXT, *tag_text = secret + API_KEY_SECRET_TEXT;
    if (memcmp(checksum, text.ptr + API_KEY_BODY, sizeof checksum) != 0 ||
        !cardea_ok(base64url_decode_exact(view_of(id, ID16_TEXT), found.id.bytes, sizeof found.id.bytes)) ||
        !cardea_ok(base64url_decode_exact(view_of(tag_text, API_KEY_TAG_TEXT), tag, sizeof tag)))
        return CARDEA_FAIL(E_INVALID_KEY);
    tag_siphash(&k->api_key_tag, found.id.bytes, sizeof found.id.bytes, own_tag);
    if ((!k->public_only && !secret_equal(tag, own_tag, sizeof tag)) ||
        !cardea_ok(base64url_decode_exact(view_of(secret, API_KEY_SECRET_TEXT), found.secret.bytes, SECRET_BYTES)))
        return CARDEA_FAIL(E_INVALID_KEY);
    *out = found;
    secret_wipe(&found, sizeof found);
    return CARDEA_SUCCESS;
}

/* --- CSRF token --- */

void csrf_token_format(const struct keyring *k, struct session_id sid, const struct entropy *e,
                       char out[CSRF_TOKEN_TEXT])
{
    csrf_format(k->csrf, view_of(sid.bytes, sizeof sid.bytes), e, out);
}

struct cardea_status csrf_token_check(const struct keyring *k, struct session_id sid, struct view text)
{
    return csrf_check(k->csrf, view_of(sid.bytes, sizeof sid.bytes), text);
}

/* --- device cookie --- */

struct device_cookie_layout {
    uint8_t user[16], nonce[16], mac[16];
};
_Static_assert(BASE64URL_LEN(sizeof(struct device_cookie_layout)) == DEVICE_COOKIE_TEXT, "the length in credential.h");

static void device_mac(const struct keyring *k, const struct device_cookie_layout *raw, uint8_t out[32])
{
    mac_sha256(k->device, (struct view[]){view_of(raw, offsetof(struct device_cookie_layout, mac))}, 1, out);
}

void device_cookie_format(const struct keyring *k, struct user_id user, const struct entropy *e,
                          char out[DEVICE_COOKIE_TEXT])
{
    struct device_cookie_layout raw;
    uint8_t mac[32];

    memcpy(raw.user, user.bytes, sizeof raw.user);
    entropy_fill(e, raw.nonce, sizeof raw.nonce);
    device_mac(k, &raw, mac);
    memcpy(raw.mac, mac, sizeof raw.mac);
    base64url_encode(&raw, sizeof raw, out);
}

struct cardea_status device_cookie_parse(const struct keyring *k, struct view text, struct user_id *out)
{
    struct device_cookie_layout raw;
    uint8_t mac[32];

    if (text.len != DEVICE_COOKIE_TEXT || !cardea_ok(base64url_decode_exact(text, &raw, sizeof raw)))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    device_mac(k, &raw, mac);
    if (!secret_equal(mac, raw.mac, sizeof raw.mac))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    memcpy(out->bytes, raw.user, sizeof raw.user);
    return CARDEA_SUCCESS;
}
