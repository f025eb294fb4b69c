/* Access keys at rest. Contract in core/key_record.h. */
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "core/jwk.h"
#include "core/key_record.h"
#include "core/keyring.h"
#include "crypto/pem.h"

#define CORRUPT CARDEA_FAIL(E_CORRUPT)

enum { KID_TOKENS = 32 };

static struct view text_of(const char *text, size_t cap)
{
    return view_of(text, strnlen(text, cap));
}

/* --- kid --- */

void buf_record_kid(struct buf *b, const struct key_record *r)
{
    enum token_format f = key_record_format(r);
    struct json_token tokens[KID_TOKENS];
    struct json doc;
    struct view kid;

    if (f != TOKEN_V4_PUBLIC && f != TOKEN_V4_LOCAL)
        buf_key_id(b, r->id);
    else if (cardea_ok(json_read(text_of(r->public_jwk, sizeof r->public_jwk), tokens, KID_TOKENS, &doc, NULL)) &&
             cardea_ok(json_plain(&doc, json_get(&doc, 0, VIEW("kid")), &kid)))
        buf_put(b, kid);
}

/* --- sealing --- */

static struct cardea_status seal_whole(struct key_record *r, const struct raw_key *raw, const struct master_key *m,
                                       const struct entropy *e)
{
    char text[KEY_SEALED_MAX - SEAL_OVERHEAD];
    struct buf b = buf_fixed(text, sizeof text);
    struct jwk jwk = {.raw = *raw};

    jwk_write(&jwk, true, &b);
    jwk_clear(&jwk);
    struct cardea_status s = buf_ok(&b) ? key_record_seal(r, m, e, buf_view(&b)) : CARDEA_FAIL(E_TOO_LARGE);
    secret_wipe(text, sizeof text);
    return s;
}

/* What everybody may read of it. */
static struct cardea_status put_open_half(struct key_record *r, const struct access_key *k)
{
    struct buf b = buf_fixed(r->public_jwk, sizeof r->public_jwk - 1);

    if (k->format == TOKEN_V4_LOCAL) {
        buf_text(&b, "{\"kid\":\"");
        buf_access_kid(&b, k);
        buf_text(&b, "\"}");
    } else {
        buf_access_jwk(&b, k);
    }
    return buf_ok(&b) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
}

static struct cardea_status put_key(struct key_record *r, enum token_format f, const struct raw_key *raw,
                                    const struct master_key *m, const struct entropy *e)
{
    struct access_key k;
    struct buf name = buf_fixed(r->algorithm, sizeof r->algorithm - 1);
    struct cardea_status s = access_key_id(f, raw, e, &r->id);

    if (cardea_ok(s))
        s = access_key_init(&k, f, raw, &r->id, true); /* no record of a key that would not open */
    if (!cardea_ok(s))
        return s;
    buf_text(&name, token_format_name(f));
    s = put_open_half(r, &k);
    access_key_clear(&k);
    return cardea_ok(s) ? seal_whole(r, raw, m, e) : s;
}

struct cardea_status access_record_draw(enum token_format f, const struct master_key *m, const struct entropy *e,
                                        struct key_record *out)
{
    struct raw_key raw;
    struct cardea_status s = access_key_draw(f, &raw);

    if (!cardea_ok(s))
        return s;
    *out = (struct key_record){.use = KEY_USE_ACCESS, .state = KEY_NEXT};
    s = put_key(out, f, &raw, m, e);
    raw_key_clear(&raw);
    return s;
}

/* --- opening --- */

/* The whole key, where the seal holds it. */
static struct cardea_status open_whole(const struct key_record *r, const struct master_key *m, struct raw_key *out)
{
    uint8_t plain[KEY_SEALED_MAX];
    struct jwk jwk;
    size_t len;
    struct cardea_status s = key_record_open(r, m, plain, sizeof plain, &len);

    if (!cardea_ok(s))
        return s;
    if (len > 0 && plain[0] == '{') {
        s = jwk_read(view_of(plain, len), &jwk);
        if (cardea_ok(s))
            *out = jwk.raw;
        jwk_clear(&jwk);
    } else {
        s = pkcs8_read(view_of(plain, len), out);
    }
    secret_wipe(plain, sizeof plain);
    return cardea_ok(s) && raw_key_is_secret(out) ? s : CORRUPT;
}

static bool read_open_half(const struct key_record *r, struct raw_key *out)
{
    struct jwk jwk;

    if (!cardea_ok(jwk_read(text_of(r->public_jwk, sizeof r->public_jwk), &jwk)) || raw_key_is_secret(&jwk.raw))
        return false;
    *out = jwk.raw;
    return true;
}

/* The public half of a retired key, if the seal says that we retired this one. */
static struct cardea_status open_retired(const struct key_record *r, const struct master_key *m, struct raw_key *out)
{
    uint8_t plain[KEY_SEALED_MAX], packed[RAW_KEY_PUBLIC_MAX];
    size_t len;
    struct cardea_status s = key_record_open(r, m, plain, sizeof plain, &len);

    if (!cardea_ok(s))
        return s;
    if (!read_open_half(r, out))
        return CORRUPT;
    size_t packed_len = raw_key_pack(out, packed);
    bool ours = packed_len > 0 && packed_len == len && memcmp(plain, packed, len) == 0;
    return ours ? CARDEA_SUCCESS : CORRUPT;
}

/* What stands in the open must be the key's. */
static bool open_half_matches(const struct key_record *r, const struct access_key *k)
{
    uint8_t packed[RAW_KEY_PUBLIC_MAX];
    char stored[ACCESS_KID_MAX], own[ACCESS_KID_MAX];
    struct buf a = buf_fixed(stored, sizeof stored), b = buf_fixed(own, sizeof own);
    struct raw_key raw;

    buf_record_kid(&a, r);
    buf_access_kid(&b, k);
    if (!buf_ok(&a) || !view_equal(buf_view(&a), buf_view(&b)))
        return false;
    if (token_format_symmetric(k->format))
        return true;
    return read_open_half(r, &raw) && raw_key_pack(&raw, packed) == k->public_len &&
           memcmp(packed, k->public_bytes, k->public_len) == 0;
}

struct cardea_status access_record_open(const struct key_record *r, const struct master_key *m, struct access_key *out)
{
    enum token_format f = key_record_format(r);
    bool retired = r->state == KEY_RETIRING;
    struct access_key k;
    struct raw_key raw;

    if (f == TOKEN_FORMAT_UNSET || (r->state != KEY_NEXT && r->state != KEY_ACTIVE && !retired))
        return CORRUPT;
    struct cardea_status s = retired && !token_format_symmetric(f) ? open_retired(r, m, &raw) : open_whole(r, m, &raw);
    if (!cardea_ok(s))
        return s;
    s = access_key_init(&k, f, &raw, &r->id, !retired);
    raw_key_clear(&raw);
    if (!cardea_ok(s))
        return s.code == CARDEA_E_BUSY ? s : CORRUPT;
    if (!open_half_matches(r, &k)) {
        access_key_clear(&k);
        return CORRUPT;
    }
    k.state = r->state;
    k.created_at_ms = r->created_at_ms;
    k.activate_at_ms = r->activate_at_ms;
    k.drop_at_ms = r->drop_at_ms;
    *out = k;
    return CARDEA_SUCCESS;
}

/* --- retirement --- */

static struct cardea_status seal_open_half(struct key_record *r, const struct master_key *m, const struct entropy *e)
{
    uint8_t packed[RAW_KEY_PUBLIC_MAX];
    struct raw_key raw;
    size_t len = read_open_half(r, &raw) ? raw_key_pack(&raw, packed) : 0;

    return len > 0 ? key_record_seal(r, m, e, view_of(packed, len)) : CORRUPT;
}

struct cardea_status access_record_retire(struct key_record *r, const struct master_key *m, const struct entropy *e)
{
    struct raw_key raw;

    if (!token_format_symmetric(key_record_format(r))) {
        r->state = KEY_RETIRING;
        return seal_open_half(r, m, e);
    }
    struct cardea_status s = open_whole(r, m, &raw);
    r->state = KEY_RETIRING;
    if (cardea_ok(s))
        s = seal_whole(r, &raw, m, e);
    raw_key_clear(&raw);
    return s;
}
