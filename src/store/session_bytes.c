#include "store/session_bytes.h"

enum { FORMAT = 1 };

/* --- writing --- */

static uint8_t *put(uint8_t *p, const void *bytes, size_t len)
{
    memcpy(p, bytes, len);
    return p + len;
}

static uint8_t *put_int(uint8_t *p, int64_t value)
{
    for (int i = 0; i < 8; i++)
        *p++ = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    return p;
}

static uint8_t *put_text(uint8_t *p, const char *text, size_t cap)
{
    size_t len = strnlen(text, cap - 1);
    *p++ = (uint8_t)(len >> 8);
    *p++ = (uint8_t)len;
    return put(p, text, len);
}

void refresh_pack(const struct session_record *r, uint8_t out[REFRESH_BYTES])
{
    uint8_t *p = put(out, r->refresh_digest, sizeof r->refresh_digest);
    p = put(p, r->previous_digest, sizeof r->previous_digest);
    p = put(p, r->refresh_nonce, sizeof r->refresh_nonce);
    (void)put_int(p, r->rotated_at_ms);
}

size_t session_pack(const struct session_record *r, uint8_t out[SESSION_BYTES_MAX])
{
    uint8_t *p = out;
    *p++ = FORMAT;
    p = put(p, r->sid.bytes, sizeof r->sid.bytes);
    p = put(p, r->user.bytes, sizeof r->user.bytes);
    p = put_int(p, r->epoch);
    *p++ = (uint8_t)r->kind;
    *p++ = r->remember;
    p = put_int(p, r->created_at_ms);
    p = put_int(p, r->authenticated_at_ms);
    p = put_int(p, r->last_seen_at_ms);
    p = put_int(p, r->expires_at_ms);
    p = put_int(p, r->idle_ms);
    p = put(p, r->secret_digest, sizeof r->secret_digest);
    p = put_int(p, (int64_t)r->generation);
    refresh_pack(r, p);
    p += REFRESH_BYTES;
    *p++ = r->ip.version;
    p = put(p, r->ip.bytes, sizeof r->ip.bytes);
    p = put_text(p, r->app, sizeof r->app);
    p = put_text(p, r->user_agent, sizeof r->user_agent);
    return (size_t)(p - out);
}

/* --- reading --- */

struct reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static void take(struct reader *r, void *out, size_t len)
{
    if (r->bad || r->left < len) {
        r->bad = true;
        memset(out, 0, len);
        return;
    }
    memcpy(out, r->at, len);
    r->at += len;
    r->left -= len;
}

static uint8_t take_byte(struct reader *r)
{
    uint8_t b;
    take(r, &b, 1);
    return b;
}

static int64_t take_int(struct reader *r)
{
    uint8_t bytes[8];
    uint64_t value = 0;
    take(r, bytes, sizeof bytes);
    for (int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

static void take_text(struct reader *r, char *out, size_t cap)
{
    size_t len = (size_t)take_byte(r) << 8;
    len |= take_byte(r);
    if (len >= cap) {
        r->bad = true;
        return;
    }
    take(r, out, len);
    memset(out + len, 0, cap - len);
    r->bad = r->bad || memchr(out, '\0', len) != NULL;
}

static void take_refresh(struct reader *r, struct session_record *out)
{
    take(r, out->refresh_digest, sizeof out->refresh_digest);
    take(r, out->previous_digest, sizeof out->previous_digest);
    take(r, out->refresh_nonce, sizeof out->refresh_nonce);
    out->rotated_at_ms = take_int(r);
}

bool refresh_unpack(struct view bytes, struct session_record *out)
{
    struct reader r = {(const uint8_t *)bytes.ptr, bytes.len, bytes.len != REFRESH_BYTES};
    if (!r.bad)
        take_refresh(&r, out);
    return !r.bad;
}

struct cardea_status session_unpack(struct view bytes, struct session_record *out)
{
    struct reader r = {(const uint8_t *)bytes.ptr, bytes.len, false};
    struct session_record s;
    memset(&s, 0, sizeof s);
    uint8_t format = take_byte(&r);
    take(&r, s.sid.bytes, sizeof s.sid.bytes);
    take(&r, s.user.bytes, sizeof s.user.bytes);
    s.epoch = take_int(&r);
    s.kind = (enum session_kind)take_byte(&r);
    uint8_t remember = take_byte(&r);
    s.remember = remember == 1;
    s.created_at_ms = take_int(&r);
    s.authenticated_at_ms = take_int(&r);
    s.last_seen_at_ms = take_int(&r);
    s.expires_at_ms = take_int(&r);
    s.idle_ms = take_int(&r);
    take(&r, s.secret_digest, sizeof s.secret_digest);
    s.generation = (uint64_t)take_int(&r);
    take_refresh(&r, &s);
    s.ip.version = take_byte(&r);
    take(&r, s.ip.bytes, sizeof s.ip.bytes);
    take_text(&r, s.app, sizeof s.app);
    take_text(&r, s.user_agent, sizeof s.user_agent);
    if (r.bad || r.left != 0 || format != FORMAT || remember > 1 || !session_storable(&s) ||
        (s.ip.version != 0 && s.ip.version != 4 && s.ip.version != 6))
        return CARDEA_FAIL(E_CORRUPT);
    *out = s;
    return CARDEA_SUCCESS;
}
