#include "core/paseto_token.h"

#include "base/secret.h"

enum {
    PAYLOAD_MAX = PASETO_TOKEN_TEXT_MAX * 3 / 4,
    FOOTER_LEN = 8 + PASERK_ID_TEXT + 2,
};

#define REFUSED CARDEA_FAIL(E_INVALID_TOKEN)
#define FOOTER_HEAD VIEW("{\"kid\":\"")
#define FOOTER_TAIL VIEW("\"}")

/* --- the footer: one text for each key --- */

static struct view put_footer(const struct paserk_id *id, char out[FOOTER_LEN])
{
    struct buf b = buf_fixed(out, FOOTER_LEN);

    buf_put(&b, FOOTER_HEAD);
    buf_paserk_id(&b, id);
    buf_put(&b, FOOTER_TAIL);
    return buf_view(&b);
}

bool paseto_token_key(struct view text, struct paserk_id *out)
{
    uint8_t storage[PASETO_FOOTER_MAX];
    struct view footer;

    return text.len <= PASETO_TOKEN_TEXT_MAX && cardea_ok(paseto_footer_peek(text, storage, &footer)) &&
           footer.len == FOOTER_LEN && view_starts(footer, FOOTER_HEAD) &&
           view_equal(view_skip(footer, FOOTER_LEN - FOOTER_TAIL.len), FOOTER_TAIL) &&
           cardea_ok(paserk_id_parse(view_of(footer.ptr + FOOTER_HEAD.len, PASERK_ID_TEXT), out));
}

/* --- making --- */

/* A token no longer than verification reads. */
static struct cardea_status hand_out(struct cardea_status s, const struct buf *token, struct buf *out)
{
    if (!cardea_ok(s))
        return s;
    buf_put(out, buf_view(token));
    return buf_ok(out) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
}

struct cardea_status paseto_token_sign(const struct paseto_secret_key *k, struct view issuer,
                                       const struct access_claims *c, struct buf *out)
{
    char payload[PAYLOAD_MAX], footer[FOOTER_LEN], text[PASETO_TOKEN_TEXT_MAX];
    struct buf plain = buf_fixed(payload, sizeof payload), token = buf_fixed(text, sizeof text);
    struct cardea_status s = claims_write(c, issuer, CLAIM_TIMES_TEXT, &plain);

    if (cardea_ok(s))
        s = paseto_public_sign(k, buf_view(&plain), put_footer(&k->public.id, footer), VIEW_EMPTY, &token);
    return hand_out(s, &token, out);
}

struct cardea_status paseto_token_encrypt(const struct paseto_local_key *k, struct view issuer,
                                          const struct access_claims *c, const struct entropy *e, struct buf *out)
{
    char payload[PAYLOAD_MAX], footer[FOOTER_LEN], text[PASETO_TOKEN_TEXT_MAX];
    struct buf plain = buf_fixed(payload, sizeof payload), token = buf_fixed(text, sizeof text);
    struct cardea_status s = claims_write(c, issuer, CLAIM_TIMES_TEXT, &plain);

    if (cardea_ok(s))
        s = paseto_local_encrypt(k, buf_view(&plain), put_footer(&k->id, footer), VIEW_EMPTY, e, &token);
    secret_wipe(payload, sizeof payload);
    return hand_out(s, &token, out);
}

/* --- opening --- */

struct cardea_status paseto_token_open(const struct paseto_public_key *k, struct view text,
                                       const struct access_expectation *want, struct access_claims *out)
{
    const struct paseto_expectation plain = {.implicit = VIEW_EMPTY};
    struct paseto_space space;
    struct paseto_opened opened;

    if (text.len > PASETO_TOKEN_TEXT_MAX || !cardea_ok(paseto_public_verify(k, text, &plain, &space, &opened)) ||
        !claims_read(opened.message, want, CLAIM_TIMES_TEXT, out))
        return REFUSED;
    return CARDEA_SUCCESS;
}

struct cardea_status paseto_token_open_local(const struct paseto_local_key *k, struct view text,
                                             const struct access_expectation *want, struct access_claims *out)
{
    const struct paseto_expectation plain = {.implicit = VIEW_EMPTY};
    struct paseto_space space;
    struct paseto_opened opened;

    if (text.len > PASETO_TOKEN_TEXT_MAX || !cardea_ok(paseto_local_decrypt(k, text, &plain, &space, &opened)))
        return REFUSED;
    bool good = claims_read(opened.message, want, CLAIM_TIMES_TEXT, out);
    secret_wipe(space.bytes, PAYLOAD_MAX); /* holds the claims, which were encrypted for a reason */
    return good ? CARDEA_SUCCESS : REFUSED;
}

/* Times come last. */
static struct cardea_status judge(struct cardea_status s, struct paseto_token *found, int64_t now_ms,
                                  struct paseto_token *out)
{
    if (cardea_ok(s))
        s = claims_times(&found->claims, now_ms);
    if (cardea_ok(s))
        *out = *found;
    return s;
}

struct cardea_status paseto_token_verify(const struct paseto_public_key *keys, size_t count, struct view text,
                                         const struct access_expectation *want, int64_t now_ms,
                                         struct paseto_token *out)
{
    struct paseto_token found;

    if (!paseto_token_key(text, &found.key))
        return REFUSED;
    for (size_t i = 0; i < count; i++)
        if (paserk_id_same(&keys[i].id, &found.key))
            return judge(paseto_token_open(&keys[i], text, want, &found.claims), &found, now_ms, out);
    return REFUSED;
}

struct cardea_status paseto_token_decrypt(const struct paseto_local_key *keys, size_t count, struct view text,
                                          const struct access_expectation *want, int64_t now_ms,
                                          struct paseto_token *out)
{
    struct paseto_token found;

    if (!paseto_token_key(text, &found.key))
        return REFUSED;
    for (size_t i = 0; i < count; i++)
        if (paserk_id_same(&keys[i].id, &found.key))
            return judge(paseto_token_open_local(&keys[i], text, want, &found.claims), &found, now_ms, out);
    return REFUSED;
}
