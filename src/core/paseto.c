#include "core/paseto.h"

#include "base/secret.h"
#include "base/text.h"

enum { NONCE = 32, TAG = 32, LENGTH = 8 };

#define REFUSED CARDEA_FAIL(E_INVALID_TOKEN)
#define PUBLIC_HEADER VIEW("v4.public.")
#define LOCAL_HEADER VIEW("v4.local.")

/* --- pre-authentication encoding: a count, then every part after its length; all as 64 bits, little-endian --- */

static void put_length(uint8_t out[LENGTH], size_t n)
{
    for (size_t i = 0; i < LENGTH; i++)
        out[i] = (uint8_t)((uint64_t)n >> 8 * i);
}

/* Of one part, in front of it. */
static uint8_t *put_part(uint8_t *at, struct view part)
{
    put_length(at, part.len);
    if (part.len > 0)
        memcpy(at + LENGTH, part.ptr, part.len);
    return at + LENGTH + part.len;
}

/* Where the message of a v4.public token lies in the encoding. */
enum { MESSAGE_AT = 2 * LENGTH + 10 + LENGTH };

/* Wrap a message that lies at MESSAGE_AT already. Returns the encoding. */
static struct view public_encoding(struct paseto_space *space, size_t message_len, struct view footer,
                                   struct view implicit)
{
    uint8_t *at = space->bytes;

    put_length(at, 4);
    at = put_part(at + LENGTH, PUBLIC_HEADER);
    put_length(at, message_len);
    at = put_part(at + LENGTH + message_len, footer);
    at = put_part(at, implicit);
    return view_of(space->bytes, (size_t)(at - space->bytes));
}

_Static_assert(sizeof((struct paseto_space *)0)->bytes >=
                   MESSAGE_AT + PASETO_BODY_MAX + LENGTH + PASETO_FOOTER_MAX + LENGTH + PASETO_IMPLICIT_MAX,
               "the encoding of the longest token fits");

/* --- reading --- */

struct parts {
    struct view body, footer; /* encoded; footer.ptr NULL: none */
};

static bool split(struct view text, struct view header, struct parts *out)
{
    struct view rest;
    struct parts p;

    if (text.len > PASETO_TEXT_MAX || !view_starts(text, header))
        return false;
    if (view_cut(view_skip(text, header.len), '.', &p.body, &rest)) {
        if (rest.len == 0 || rest.len > BASE64URL_LEN(PASETO_FOOTER_MAX))
            return false;
        p.footer = rest; /* a fourth part would hang on a dot, which no base64url has */
    } else {
        p.footer = VIEW_EMPTY;
    }
    *out = p;
    return true;
}

enum paseto_purpose paseto_purpose(struct view text)
{
    if (view_starts(text, PUBLIC_HEADER))
        return PASETO_PUBLIC;
    return view_starts(text, LOCAL_HEADER) ? PASETO_LOCAL : PASETO_UNSET;
}

struct cardea_status paseto_footer_peek(struct view text, uint8_t storage[PASETO_FOOTER_MAX], struct view *out)
{
    struct parts p;
    size_t len;

    if (!split(text, PUBLIC_HEADER, &p) && !split(text, LOCAL_HEADER, &p))
        return REFUSED;
    if (!cardea_ok(base64url_decode(p.footer, storage, PASETO_FOOTER_MAX, &len)))
        return REFUSED;
    *out = view_of(storage, len);
    return CARDEA_SUCCESS;
}

static bool footer_expected(const struct paseto_expectation *want, struct view footer)
{
    return want->footer == NULL ||
           (want->footer->len == footer.len && secret_equal(want->footer->ptr, footer.ptr, footer.len));
}

/* --- v4.public --- */

struct cardea_status paseto_public_sign(const struct paseto_secret_key *k, struct view message, struct view footer,
                                        struct view implicit, struct buf *out)
{
    char text[PASETO_TEXT_MAX];
    struct buf token = buf_fixed(text, sizeof text);
    struct paseto_space space;
    uint8_t *body = space.bytes + MESSAGE_AT;

    if (footer.len > PASETO_FOOTER_MAX || implicit.len > PASETO_IMPLICIT_MAX ||
        message.len > PASETO_BODY_MAX - ED25519_SIGNATURE)
        return CARDEA_FAIL(E_TOO_LARGE);
    if (message.len > 0)
        memcpy(body, message.ptr, message.len);
    struct view encoding = public_encoding(&space, message.len, footer, implicit);
    uint8_t signature[ED25519_SIGNATURE];
    ed25519_sign(k->bytes, encoding, signature);
    memcpy(body + message.len, signature, sizeof signature); /* over the footer's length: the text wants it there */
    buf_put(&token, PUBLIC_HEADER);
    buf_base64url(&token, body, message.len + sizeof signature);
    if (footer.len > 0) {
        buf_char(&token, '.');
        buf_base64url(&token, footer.ptr, footer.len);
    }
    if (!buf_ok(&token))
        return CARDEA_FAIL(E_TOO_LARGE);
    buf_put(out, buf_view(&token));
    return buf_ok(out) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
}

struct cardea_status paseto_public_verify(const struct paseto_public_key *k, struct view text,
                                          const struct paseto_expectation *want, struct paseto_space *space,
                                          struct paseto_opened *out)
{
    uint8_t signature[ED25519_SIGNATURE], *body = space->bytes + MESSAGE_AT, footer_bytes[PASETO_FOOTER_MAX];
    struct parts p;
    size_t body_len, footer_len;

    if (want->implicit.len > PASETO_IMPLICIT_MAX || !split(text, PUBLIC_HEADER, &p))
        return REFUSED;
    if (!cardea_ok(base64url_decode(p.body, body, PASETO_BODY_MAX, &body_len)) || body_len < sizeof signature ||
        !cardea_ok(base64url_decode(p.footer, footer_bytes, sizeof footer_bytes, &footer_len)))
        return REFUSED;
    struct view message = view_of(body, body_len - sizeof signature), footer = view_of(footer_bytes, footer_len);
    memcpy(signature, body + message.len, sizeof signature); /* the encoding takes its place */
    struct view encoding = public_encoding(space, message.len, footer, want->implicit);
    struct cardea_status s = ed25519_verify(&k->point, encoding, view_of(signature, sizeof signature));
    if (!cardea_ok(s) || !footer_expected(want, footer))
        return REFUSED;
    *out = (struct paseto_opened){message, view_of(body + message.len + LENGTH, footer.len)};
    return CARDEA_SUCCESS;
}

/* --- v4.local --- */

struct local_keys {
    uint8_t encrypt[XCHACHA_KEY], nonce[XCHACHA_NONCE]; /* derived together, in this order */
    uint8_t mac[32];
};

_Static_assert(offsetof(struct local_keys, nonce) == XCHACHA_KEY && offsetof(struct local_keys, mac) == 56,
               "one derivation fills key and nonce");

static void local_tag(const struct local_keys *keys, struct view nonce, struct view cipher, struct view footer,
                      struct view implicit, uint8_t out[TAG])
{
    struct view pieces[5] = {LOCAL_HEADER, nonce, cipher, footer, implicit}, parts[11];
    uint8_t lengths[6][LENGTH];

    put_length(lengths[0], 5);
    parts[0] = view_of(lengths[0], LENGTH);
    for (size_t i = 0; i < 5; i++) {
        put_length(lengths[i + 1], pieces[i].len);
        parts[2 * i + 1] = view_of(lengths[i + 1], LENGTH);
        parts[2 * i + 2] = pieces[i];
    }
    blake2b_mac(keys->mac, parts, 11, out);
}

static void derive(const struct paseto_local_key *k, struct view nonce, struct local_keys *out)
{
    uint8_t both[XCHACHA_KEY + XCHACHA_NONCE];

    split_key_derive(k->bytes, VIEW("paseto-encryption-key"), nonce, both, sizeof both);
    memcpy(out->encrypt, both, XCHACHA_KEY);
    memcpy(out->nonce, both + XCHACHA_KEY, XCHACHA_NONCE);
    secret_wipe(both, sizeof both);
    split_key_derive(k->bytes, VIEW("paseto-auth-key-for-aead"), nonce, out->mac, sizeof out->mac);
}

struct cardea_status paseto_local_encrypt(const struct paseto_local_key *k, struct view message, struct view footer,
                                          struct view implicit, const struct entropy *e, struct buf *out)
{
    char text[PASETO_TEXT_MAX];
    struct buf token = buf_fixed(text, sizeof text);
    uint8_t body[PASETO_BODY_MAX], *cipher = body + NONCE;
    struct local_keys keys;

    if (footer.len > PASETO_FOOTER_MAX || implicit.len > PASETO_IMPLICIT_MAX ||
        message.len > PASETO_BODY_MAX - NONCE - TAG)
        return CARDEA_FAIL(E_TOO_LARGE);
    entropy_fill(e, body, NONCE);
    derive(k, view_of(body, NONCE), &keys);
    if (message.len > 0)
        memcpy(cipher, message.ptr, message.len);
    xchacha20_xor(keys.encrypt, keys.nonce, cipher, message.len);
    local_tag(&keys, view_of(body, NONCE), view_of(cipher, message.len), footer, implicit, cipher + message.len);
    secret_wipe(&keys, sizeof keys);
    buf_put(&token, LOCAL_HEADER);
    buf_base64url(&token, body, NONCE + message.len + TAG);
    if (footer.len > 0) {
        buf_char(&token, '.');
        buf_base64url(&token, footer.ptr, footer.len);
    }
    if (!buf_ok(&token))
        return CARDEA_FAIL(E_TOO_LARGE);
    buf_put(out, buf_view(&token));
    return buf_ok(out) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
}

struct cardea_status paseto_local_decrypt(const struct paseto_local_key *k, struct view text,
                                          const struct paseto_expectation *want, struct paseto_space *space,
                                          struct paseto_opened *out)
{
    uint8_t tag[TAG], *body = space->bytes, *footer_at = space->bytes + PASETO_BODY_MAX;
    struct local_keys keys;
    struct parts p;
    size_t len, footer_len;

    if (want->implicit.len > PASETO_IMPLICIT_MAX || !split(text, LOCAL_HEADER, &p))
        return REFUSED;
    if (!cardea_ok(base64url_decode(p.body, body, PASETO_BODY_MAX, &len)) || len < NONCE + TAG ||
        !cardea_ok(base64url_decode(p.footer, footer_at, PASETO_FOOTER_MAX, &footer_len)))
        return REFUSED;
    struct view nonce = view_of(body, NONCE), cipher = view_of(body + NONCE, len - NONCE - TAG);
    struct view footer = view_of(footer_at, footer_len);
    derive(k, nonce, &keys);
    local_tag(&keys, nonce, cipher, footer, want->implicit, tag);
    bool genuine = secret_equal(tag, body + len - TAG, TAG) && footer_expected(want, footer);
    if (genuine)
        xchacha20_xor(keys.encrypt, keys.nonce, body + NONCE, cipher.len);
    secret_wipe(&keys, sizeof keys);
    secret_wipe(tag, sizeof tag); /* of what was refused: the tag that it should have had */
    if (!genuine)
        return REFUSED;
    *out = (struct paseto_opened){cipher, footer};
    return CARDEA_SUCCESS;
}
