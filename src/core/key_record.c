#include "core/key_record.h"

enum { SEALED_CONTEXT_MAX = 16 + 1 + 16 + 1 + KEY_ID_TEXT };

const struct key_use_info *key_use_info(enum key_use use)
{
    static const struct key_use_info infos[] = {
        [KEY_USE_ACCESS] = {"access", "", 0},
        [KEY_USE_SESSION] = {"session", "SipHash-2-4", 16},
        [KEY_USE_REFRESH] = {"refresh", "HMAC-SHA256", 32},
        [KEY_USE_CSRF] = {"csrf", "HMAC-SHA256", 32},
        [KEY_USE_API_KEY] = {"api-key", "SipHash-2-4", 16},
        [KEY_USE_DEVICE] = {"device", "HMAC-SHA256", 32},
        [KEY_USE_SEALED] = {"sealed", "A256GCM", 32},
    };

    return use > KEY_USE_UNSET && use <= KEY_USE_SEALED ? &infos[use] : NULL;
}

enum token_format key_record_format(const struct key_record *r)
{
    struct view name = view_of(r->algorithm, strnlen(r->algorithm, sizeof r->algorithm));

    return r->use == KEY_USE_ACCESS ? token_format_parse(name) : TOKEN_FORMAT_UNSET;
}

static void put_context(struct buf *b, const struct key_record *r)
{
    enum token_format f = key_record_format(r);

    buf_text(b, key_use_info(r->use)->name);
    if (f != TOKEN_FORMAT_UNSET && f != TOKEN_ES256) {
        buf_char(b, '/');
        buf_text(b, token_format_name(f));
    }
    buf_char(b, r->state != KEY_RETIRING ? '|' : token_format_symmetric(f) ? '~' : '!');
    buf_key_id(b, r->id);
}

struct cardea_status key_record_seal(struct key_record *r, const struct master_key *m, const struct entropy *e,
                                     struct view plain)
{
    char text[SEALED_CONTEXT_MAX];
    struct buf context = buf_fixed(text, sizeof text);
    size_t len;

    put_context(&context, r);
    struct cardea_status s = seal_close(m, plain, buf_view(&context), e, r->sealed, sizeof r->sealed, &len);
    if (!cardea_ok(s))
        return s;
    /* What a longer seal left behind it is cipher text, but it is the private key's: gone is gone. */
    memset(r->sealed + len, 0, sizeof r->sealed - len);
    r->sealed_len = (uint16_t)len;
    return CARDEA_SUCCESS;
}

struct cardea_status key_record_open(const struct key_record *r, const struct master_key *m, uint8_t *out, size_t cap,
                                     size_t *ret_len)
{
    char text[SEALED_CONTEXT_MAX];
    struct buf context = buf_fixed(text, sizeof text);

    if (r->sealed_len > sizeof r->sealed)
        return CARDEA_FAIL(E_CORRUPT);
    put_context(&context, r);
    struct cardea_status s = seal_open(m, view_of(r->sealed, r->sealed_len), buf_view(&context), out, cap, ret_len);
    return cardea_ok(s) ? s : CARDEA_FAIL(E_CORRUPT);
}
