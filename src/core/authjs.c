#include "core/authjs.h"

#include "base/secret.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/hkdf.h"

enum { KEY_MAX = 64 };

/* RFC 7638 of {"k":…,"kty":"oct"}, with the hash that is as long as the key. */
static void put_kid(const uint8_t *key, size_t len, struct buf *out)
{
    char text[BASE64URL_LEN(KEY_MAX) + 32];
    uint8_t digest[64];
    struct buf b = buf_fixed(text, sizeof text);

    buf_text(&b, "{\"k\":\"");
    buf_base64url_secret(&b, key, len);
    buf_text(&b, "\",\"kty\":\"oct\"}");
    if (len == 64)
        digest_sha512(text, b.len, digest);
    else
        digest_sha256(text, b.len, digest);
    buf_base64url(out, digest, len);
    secret_wipe(text, sizeof text);
}

struct cardea_status authjs_key(struct view secret, struct view cookie_name, enum aead enc, struct jwe_key **out)
{
    char info[AUTHJS_NAME_MAX + 64], kid[BASE64URL_LEN(KEY_MAX)];
    struct buf info_text = buf_fixed(info, sizeof info), kid_text = buf_fixed(kid, sizeof kid);
    uint8_t key[KEY_MAX];
    size_t len = aead_key_len(enc);

    if ((enc != AEAD_A256CBC_HS512 && enc != AEAD_A256GCM) || cookie_name.len == 0 ||
        cookie_name.len > AUTHJS_NAME_MAX || secret.len > AUTHJS_SECRET_MAX)
        return CARDEA_FAIL(E_USAGE);
    buf_text(&info_text, "Auth.js Generated Encryption Key (");
    buf_put(&info_text, cookie_name);
    buf_char(&info_text, ')');
    struct cardea_status s = hkdf_sha256(secret, cookie_name, buf_view(&info_text), key, len);
    if (cardea_ok(s)) {
        put_kid(key, len, &kid_text);
        struct jwe_rule rule = {JWE_DIR, JWE_ENC(enc), buf_view(&kid_text)};
        s = jwe_key_symmetric(&rule, view_of(key, len), out);
    }
    secret_wipe(key, sizeof key);
    return s;
}
