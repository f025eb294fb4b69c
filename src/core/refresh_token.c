/* Refresh tokens: text, succession and judgement. Contract in core/credential.h. */
#include "base/secret.h"
#include "base/text.h"
#include "core/credential.h"

#define REFRESH_PREFIX "crt_"

struct refresh_layout {
    uint8_t key_id[4], sid[16], generation[8], secret[SECRET_BYTES], tag[16];
};
_Static_assert(sizeof REFRESH_PREFIX - 1 + BASE64URL_LEN(sizeof(struct refresh_layout)) == REFRESH_TOKEN_TEXT,
               "the length in credential.h");

/* One key, two jobs, told apart by labels of different lengths that end in NUL. */
static const char tag_label[] = "cardea refresh tag 1";
static const char successor_label[] = "cardea refresh successor 1";

static void put_u64(uint8_t out[8], uint64_t n)
{
    for (size_t i = 8; i-- > 0; n >>= 8)
        out[i] = (uint8_t)n;
}

static uint64_t get_u64(const uint8_t in[8])
{
    uint64_t n = 0;

    for (size_t i = 0; i < 8; i++)
        n = n << 8 | in[i];
    return n;
}

static void refresh_tag(const struct keyring *k, const struct refresh_layout *raw, uint8_t out[32])
{
    const struct view parts[] = {view_of(tag_label, sizeof tag_label),
                                 view_of(raw, offsetof(struct refresh_layout, tag))};

    mac_sha256(k->refresh, parts, 2, out);
}

void refresh_token_format(const struct keyring *k, const struct refresh_token *t, struct buf *out)
{
    struct refresh_layout raw;
    char text[BASE64URL_LEN(sizeof raw)];
    uint8_t tag[32];

    memcpy(raw.key_id, k->refresh_key_id, sizeof raw.key_id);
    memcpy(raw.sid, t->sid.bytes, sizeof raw.sid);
    put_u64(raw.generation, t->generation);
    memcpy(raw.secret, t->secret.bytes, sizeof raw.secret);
    refresh_tag(k, &raw, tag);
    memcpy(raw.tag, tag, sizeof raw.tag);
    base64url_encode(&raw, sizeof raw, text);
    buf_text(out, REFRESH_PREFIX);
    buf_put(out, view_of(text, sizeof text));
    secret_wipe(text, sizeof text);
    secret_wipe(&raw, sizeof raw);
}

struct cardea_status refresh_token_parse(const struct keyring *k, struct view text, struct refresh_token *out)
{
    struct refresh_layout raw;
    uint8_t tag[32];

    if (text.len != REFRESH_TOKEN_TEXT || !view_starts(text, VIEW(REFRESH_PREFIX)) ||
        !cardea_ok(base64url_decode_exact(view_skip(text, sizeof REFRESH_PREFIX - 1), &raw, sizeof raw)))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    refresh_tag(k, &raw, tag);
    bool issued = memcmp(raw.key_id, k->refresh_key_id, sizeof raw.key_id) == 0 &&
                  secret_equal(tag, raw.tag, sizeof raw.tag) && get_u64(raw.generation) != 0;
    if (issued) {
        memcpy(out->sid.bytes, raw.sid, sizeof raw.sid);
        out->generation = get_u64(raw.generation);
        memcpy(out->secret.bytes, raw.secret, sizeof raw.secret);
    }
    secret_wipe(&raw, sizeof raw);
    return issued ? CARDEA_SUCCESS : CARDEA_FAIL(E_INVALID_TOKEN);
}

void refresh_token_successor(const struct keyring *k, const struct refresh_token *presented, const uint8_t nonce[16],
                             struct refresh_token *out)
{
    struct refresh_token next = {.sid = presented->sid, .generation = presented->generation + 1};
    uint8_t generation[8];

    put_u64(generation, next.generation);
    /* Fixed lengths after the label: no boundary can be moved. */
    const struct view parts[] = {view_of(successor_label, sizeof successor_label),
                                 view_of(next.sid.bytes, sizeof next.sid.bytes), view_of(generation, sizeof generation),
                                 view_of(nonce, 16), view_of(presented->secret.bytes, SECRET_BYTES)};
    mac_sha256(k->refresh, parts, sizeof parts / sizeof *parts, next.secret.bytes);
    *out = next;
    secret_wipe(&next, sizeof next);
}

/* Is now within the grace of the last rotation? */
static bool in_grace(const struct session_record *r, int64_t now_ms)
{
    return now_ms >= r->rotated_at_ms - REFRESH_GRACE_MS && now_ms <= r->rotated_at_ms + REFRESH_GRACE_MS;
}

enum refresh_verdict refresh_judge(const struct session_record *r, const struct refresh_token *t, int64_t now_ms)
{
    if (!ID_SAME(r->sid, t->sid))
        return REFRESH_DEAD; /* the caller's mistake must not end somebody else's session */
    if (now_ms >= r->expires_at_ms || (r->idle_ms != 0 && now_ms - r->last_seen_at_ms >= r->idle_ms))
        return REFRESH_DEAD;
    if (t->generation > r->generation)
        return REFRESH_ROLLBACK;
    if (t->generation == r->generation)
        return secret_matches(&t->secret, r->refresh_digest) ? REFRESH_ROTATE : REFRESH_ROLLBACK;
    if (t->generation + 1 < r->generation)
        return REFRESH_REUSE;
    if (!secret_matches(&t->secret, r->previous_digest))
        return REFRESH_ROLLBACK;
    return in_grace(r, now_ms) ? REFRESH_REPEAT : REFRESH_REUSE;
}
