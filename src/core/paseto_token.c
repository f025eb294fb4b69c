#include "core/paseto_token.h"

#include "base/secret.h"
#include "base/text.h"
#include "base/timetext.h"

enum {
    PAYLOAD_MAX = PASETO_TOKEN_TEXT_MAX * 3 / 4,
    PAYLOAD_TOKENS = 320, /* 256 one-letter roles and the claims */
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

/* The id in the footer of a token that is not verified yet. One of another kind is no key's that is asked next. */
static bool footer_id(struct view text, struct paserk_id *out)
{
    uint8_t storage[PASETO_FOOTER_MAX];
    struct view footer;

    return text.len <= PASETO_TOKEN_TEXT_MAX && cardea_ok(paseto_footer_peek(text, storage, &footer)) &&
           footer.len == FOOTER_LEN && view_starts(footer, FOOTER_HEAD) &&
           view_equal(view_skip(footer, FOOTER_LEN - FOOTER_TAIL.len), FOOTER_TAIL) &&
           cardea_ok(paserk_id_parse(view_of(footer.ptr + FOOTER_HEAD.len, PASERK_ID_TEXT), out));
}

/* --- claims out --- */

static void put_time(struct buf *b, struct view name, int64_t s)
{
    buf_put(b, name);
    buf_char(b, '"');
    buf_rfc3339(b, s * 1000);
    buf_char(b, '"');
}

/* Ids, numbers and times need no escaping and are written as they stand. */
static void put_claims(struct buf *b, struct view issuer, const struct access_claims *c)
{
    buf_put(b, VIEW("{\"iss\":"));
    buf_claim_text(b, issuer);
    buf_put(b, VIEW(",\"sub\":\""));
    buf_user_id(b, c->sub);
    buf_put(b, VIEW("\",\"aud\":"));
    buf_claim_text(b, view_text(c->audience));
    put_time(b, VIEW(",\"exp\":"), c->exp_s);
    put_time(b, VIEW(",\"iat\":"), c->iat_s);
    if (c->nbf_s != 0)
        put_time(b, VIEW(",\"nbf\":"), c->nbf_s);
    buf_put(b, VIEW(",\"jti\":\""));
    buf_token_id(b, c->jti);
    buf_put(b, VIEW("\",\"sid\":\""));
    buf_session_id(b, c->sid);
    buf_put(b, VIEW("\",\"ep\":"));
    buf_int(b, c->epoch);
    buf_put(b, VIEW(",\"client_id\":"));
    buf_claim_text(b, view_text(c->client_id));
    if (c->roles[0] != '\0') {
        buf_put(b, VIEW(",\"roles\":"));
        buf_claim_roles(b, view_text(c->roles));
    }
    buf_char(b, '}');
}

static struct cardea_status make_payload(struct view issuer, const struct access_claims *c, struct buf *out)
{
    if (!claims_sane(c) || issuer.len == 0 || issuer.len > ISSUER_MAX)
        return CARDEA_FAIL(E_USAGE);
    put_claims(out, issuer, c);
    return buf_ok(out) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
}

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
    struct cardea_status s = make_payload(issuer, c, &plain);

    if (cardea_ok(s))
        s = paseto_public_sign(k, buf_view(&plain), put_footer(&k->public.id, footer), VIEW_EMPTY, &token);
    return hand_out(s, &token, out);
}

struct cardea_status paseto_token_encrypt(const struct paseto_local_key *k, struct view issuer,
                                          const struct access_claims *c, const struct entropy *e, struct buf *out)
{
    char payload[PAYLOAD_MAX], footer[FOOTER_LEN], text[PASETO_TOKEN_TEXT_MAX];
    struct buf plain = buf_fixed(payload, sizeof payload), token = buf_fixed(text, sizeof text);
    struct cardea_status s = make_payload(issuer, c, &plain);

    if (cardea_ok(s))
        s = paseto_local_encrypt(k, buf_view(&plain), put_footer(&k->id, footer), VIEW_EMPTY, e, &token);
    secret_wipe(payload, sizeof payload);
    return hand_out(s, &token, out);
}

/* --- claims in --- */

/* RFC 3339 in whole seconds: a fraction would be cut, and what is cut is another time. claims_sane bounds the value. */
static bool time_member(const struct json *doc, struct view name, int64_t *out_s)
{
    struct view v;
    int64_t ms;

    if (!claim_text(doc, name, &v) || (v.len > 0 && memchr(v.ptr, '.', v.len) != NULL) ||
        !cardea_ok(rfc3339_parse(v, &ms)))
        return false;
    *out_s = ms / 1000;
    return true;
}

static bool read_claims(const struct json *doc, const struct access_expectation *want, struct access_claims *out)
{
    struct view iss, sub, jti, sid;

    if (!claim_text(doc, VIEW("iss"), &iss) || iss.len == 0 || !view_equal(iss, want->issuer))
        return false;
    if (!claim_text(doc, VIEW("sub"), &sub) || !cardea_ok(user_id_parse(sub, &out->sub)) ||
        !claim_text(doc, VIEW("jti"), &jti) || !cardea_ok(token_id_parse(jti, &out->jti)) ||
        !claim_text(doc, VIEW("sid"), &sid) || !cardea_ok(session_id_parse(sid, &out->sid)))
        return false;
    if (!time_member(doc, VIEW("exp"), &out->exp_s) || !time_member(doc, VIEW("iat"), &out->iat_s) ||
        !claim_int(doc, VIEW("ep"), &out->epoch))
        return false;
    out->nbf_s = 0;
    if (json_get(doc, 0, VIEW("nbf")) != 0 && !time_member(doc, VIEW("nbf"), &out->nbf_s))
        return false;
    return claim_copy(doc, VIEW("client_id"), out->client_id, sizeof out->client_id) &&
           json_type(doc, json_get(doc, 0, VIEW("aud"))) == JSON_STRING && claim_audience(doc, want, out->audience) &&
           claim_roles(doc, out->roles) && json_get(doc, 0, VIEW("cnf")) == 0 && claims_sane(out);
}

/* Of a message that was verified. */
static struct cardea_status judge(struct view message, const struct access_expectation *want, int64_t now_ms,
                                  const struct paserk_id *key, struct paseto_token *out)
{
    struct json_token tokens[PAYLOAD_TOKENS];
    struct paseto_token found = {.key = *key};
    struct json doc;

    if (!cardea_ok(json_read(message, tokens, PAYLOAD_TOKENS, &doc, NULL)) || json_type(&doc, 0) != JSON_OBJECT ||
        !read_claims(&doc, want, &found.claims))
        return REFUSED;
    struct cardea_status s = claims_times(&found.claims, now_ms);
    if (cardea_ok(s))
        *out = found;
    return s;
}

struct cardea_status paseto_token_verify(const struct paseto_public_key *keys, size_t count, struct view text,
                                         const struct access_expectation *want, int64_t now_ms,
                                         struct paseto_token *out)
{
    const struct paseto_expectation plain = {.implicit = VIEW_EMPTY};
    const struct paseto_public_key *k = NULL;
    struct paseto_space space;
    struct paseto_opened opened;
    struct paserk_id id;

    if (!footer_id(text, &id))
        return REFUSED;
    for (size_t i = 0; i < count && k == NULL; i++)
        if (paserk_id_same(&keys[i].id, &id))
            k = &keys[i];
    if (k == NULL || !cardea_ok(paseto_public_verify(k, text, &plain, &space, &opened)))
        return REFUSED;
    return judge(opened.message, want, now_ms, &k->id, out);
}

struct cardea_status paseto_token_decrypt(const struct paseto_local_key *keys, size_t count, struct view text,
                                          const struct access_expectation *want, int64_t now_ms,
                                          struct paseto_token *out)
{
    const struct paseto_expectation plain = {.implicit = VIEW_EMPTY};
    const struct paseto_local_key *k = NULL;
    struct paseto_space space;
    struct paseto_opened opened;
    struct paserk_id id;

    if (!footer_id(text, &id))
        return REFUSED;
    for (size_t i = 0; i < count && k == NULL; i++)
        if (paserk_id_same(&keys[i].id, &id))
            k = &keys[i];
    if (k == NULL || !cardea_ok(paseto_local_decrypt(k, text, &plain, &space, &opened)))
        return REFUSED;
    struct cardea_status s = judge(opened.message, want, now_ms, &k->id, out);
    secret_wipe(space.bytes, PAYLOAD_MAX); /* holds the claims, which were encrypted for a reason */
    return s;
}
