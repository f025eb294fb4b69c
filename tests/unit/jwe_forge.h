/* JWEs with any header, made with the primitives alone and with what an attacker or a holder of the key knows: a text
 * that a lax reader would open, so that a refusal means something. */
#ifndef UNIT_JWE_FORGE_H
#define UNIT_JWE_FORGE_H

#include "base/text.h"
#include "core/jwe.h"

struct forged {
    char text[JWE_TEXT_MAX];
    size_t len;
};

static inline struct view forged_view(const struct forged *f)
{
    return view_of(f->text, f->len);
}

/* header as it stands, the encrypted key as it stands, the content under cek. Lives until the next call. */
static inline const struct forged *forge(const char *header, enum aead enc, const uint8_t *cek, struct view key,
                                         struct view plain)
{
    static struct forged f;
    static uint8_t body[4096];
    uint8_t iv[AEAD_IV_MAX] = {9}, tag[AEAD_TAG_MAX];
    struct buf b = buf_fixed(f.text, sizeof f.text);

    buf_base64url(&b, header, strlen(header));
    struct aead_message m = {.iv = view_of(iv, aead_iv_len(enc)), .aad = buf_view(&b), .text = plain};
    assert_ok(aead_seal_once(enc, view_of(cek, aead_key_len(enc)), &m, body, tag));
    buf_char(&b, '.');
    buf_base64url(&b, key.ptr, key.len);
    buf_char(&b, '.');
    buf_base64url(&b, iv, m.iv.len);
    buf_char(&b, '.');
    buf_base64url(&b, body, aead_sealed_len(enc, plain.len));
    buf_char(&b, '.');
    buf_base64url(&b, tag, aead_tag_len(enc));
    assert_true(buf_ok(&b));
    f.len = b.len;
    return &f;
}

#endif
