#include "core/access_token.h"

#include "base/json.h"
#include "base/text.h"
#include "core/jws.h"

enum {
    HEADER_MAX = 256, /* decoded; ours has 85 bytes */
    PAYLOAD_MAX = ACCESS_TOKEN_TEXT_MAX * 3 / 4,
    PAYLOAD_TOKENS = 320, /* 256 one-letter roles and the claims */
};

#define REFUSED CARDEA_FAIL(E_INVALID_TOKEN)

/* --- signing --- */

static void put_header(struct buf *b, const struct access_key *k)
{
    buf_put(b, VIEW("{\"alg\":\""));
    buf_text(b, signature_algorithm_name(k->algorithm));
    buf_put(b, VIEW("\",\"kid\":\""));
    buf_key_id(b, k->id);
    buf_put(b, VIEW("\",\"typ\":\"at+jwt\"}"));
}

/* Names, ids and numbers need no escaping and are written as they stand (the writer that escapes takes three per cent
 * of a whole signature); what an operator or a request chose goes through the writer. */
static void put_payload(struct buf *b, struct view issuer, const struct access_claims *c)
{
    buf_put(b, VIEW("{\"iss\":"));
    buf_claim_text(b, issuer);
    buf_put(b, VIEW(",\"sub\":\""));
    buf_user_id(b, c->sub);
    buf_put(b, VIEW("\",\"aud\":"));
    buf_claim_text(b, view_text(c->audience));
    buf_put(b, VIEW(",\"exp\":"));
    buf_int(b, c->exp_s);
    buf_put(b, VIEW(",\"iat\":"));
    buf_int(b, c->iat_s);
    if (c->nbf_s != 0) {
        buf_put(b, VIEW(",\"nbf\":"));
        buf_int(b, c->nbf_s);
    }
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

struct cardea_status access_token_sign(const struct keyring *k, struct view issuer, const struct access_claims *c,
                                       struct buf *out)
{
    char text[ACCESS_TOKEN_TEXT_MAX], part[PAYLOAD_MAX];
    struct buf token = buf_fixed(text, sizeof text), plain = buf_fixed(part, sizeof part);
    uint8_t signature[SIGNATURE_MAX];
    size_t len;

    if (!claims_sane(c) || issuer.len == 0 || issuer.len > ISSUER_MAX)
        return CARDEA_FAIL(E_USAGE);
    if (k->active == NULL || k->active->sign == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    put_header(&plain, k->active);
    buf_base64url(&token, part, plain.len);
    buf_char(&token, '.');
    buf_reset(&plain);
    put_payload(&plain, issuer, c);
    buf_base64url(&token, part, plain.len);
    if (!buf_ok(&plain) || !buf_ok(&token))
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = signing_key_sign(k->active->sign, buf_view(&token), signature, &len);
    if (!cardea_ok(s))
        return s;
    buf_char(&token, '.');
    buf_base64url(&token, signature, len);
    if (!buf_ok(&token))
        return CARDEA_FAIL(E_TOO_LARGE);
    buf_put(out, buf_view(&token));
    return buf_ok(out) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
}

/* --- verification --- */

static bool typ_accepted(struct view typ)
{
    struct view prefix = VIEW("application/");

    if (typ.len > prefix.len && view_equal_ascii_case((struct view){typ.ptr, prefix.len}, prefix))
        typ = view_skip(typ, prefix.len);
    return view_equal_ascii_case(typ, VIEW("at+jwt"));
}

/* The key that the header names, if everything in the header is as it must be: alg, kid and typ, and nothing else. */
static const struct access_key *header_key(const struct keyring *k, const struct jws_header *header, int64_t now_ms)
{
    struct key_id id;

    if (header->others || header->bytes > HEADER_MAX || !typ_accepted(header->typ) ||
        !cardea_ok(key_id_parse(header->kid, &id)))
        return NULL;
    const struct access_key *key = keyring_find(k, &id);
    return key != NULL && access_key_verifies(key, now_ms) ? key : NULL;
}

/* The members that are read, in the order in which we write them: found in one pass. */
enum { ISS, SUB, AUD, EXP, IAT, NBF, JTI, SID, EP, CLIENT_ID, ROLES, CNF, CLAIMS };
static const struct view claim_names[CLAIMS] = {
    [ISS] = {"iss", 3},     [SUB] = {"sub", 3}, [AUD] = {"aud", 3}, [EXP] = {"exp", 3}, [IAT] = {"iat", 3},
    [NBF] = {"nbf", 3},     [JTI] = {"jti", 3}, [SID] = {"sid", 3}, [EP] = {"ep", 2},   [CLIENT_ID] = {"client_id", 9},
    [ROLES] = {"roles", 5}, [CNF] = {"cnf", 3},
};

static bool read_claims(const struct json *doc, const struct access_expectation *want, struct access_claims *out)
{
    struct view iss, sub, jti, sid;
    uint32_t at[CLAIMS];

    json_pick(doc, 0, claim_names, CLAIMS, at);
    if (!cardea_ok(json_plain(doc, at[ISS], &iss)) || iss.len == 0 || !view_equal(iss, want->issuer))
        return false;
    if (!cardea_ok(json_plain(doc, at[SUB], &sub)) || !cardea_ok(user_id_parse(sub, &out->sub)) ||
        !cardea_ok(json_plain(doc, at[JTI], &jti)) || !cardea_ok(token_id_parse(jti, &out->jti)) ||
        !cardea_ok(json_plain(doc, at[SID], &sid)) || !cardea_ok(session_id_parse(sid, &out->sid)))
        return false;
    if (!cardea_ok(json_int(doc, at[EXP], &out->exp_s)) || !cardea_ok(json_int(doc, at[IAT], &out->iat_s)) ||
        !cardea_ok(json_int(doc, at[EP], &out->epoch)))
        return false;
    out->nbf_s = 0;
    if (at[NBF] != 0 && !cardea_ok(json_int(doc, at[NBF], &out->nbf_s)))
        return false;
    out->roles[0] = '\0';
    return claim_copy(doc, claim_names[CLIENT_ID], out->client_id, sizeof out->client_id) &&
           claim_audience(doc, want, out->audience) && (at[ROLES] == 0 || claim_roles(doc, out->roles)) &&
           at[CNF] == 0 && claims_sane(out);
}

struct cardea_status access_token_times(const struct access_claims *c, int64_t now_ms)
{
    return claims_times(c, now_ms);
}

/* Everything; times come last, so that E_EXPIRED means that nothing else was wrong. aged: it is no fault. */
static struct cardea_status verify(const struct keyring *k, struct view text, const struct access_expectation *want,
                                   int64_t now_ms, bool aged, struct access_token *out)
{
    char plain[PAYLOAD_MAX];
    struct json_token tokens[PAYLOAD_TOKENS];
    struct json doc;
    struct jws jws;
    struct access_token found;
    size_t len;

    if (text.len > ACCESS_TOKEN_TEXT_MAX || !cardea_ok(jws_read(text, &jws)))
        return REFUSED;
    found.key = header_key(k, &jws.header, now_ms);
    if (found.key == NULL)
        return REFUSED;
    struct cardea_status s = jws_verify(&jws, found.key->verify, plain, sizeof plain, &len);
    if (!cardea_ok(s))
        return s.code == CARDEA_E_BUSY ? s : REFUSED;
    if (!cardea_ok(json_read(view_of(plain, len), tokens, PAYLOAD_TOKENS, &doc, NULL)) ||
        json_type(&doc, 0) != JSON_OBJECT || !read_claims(&doc, want, &found.claims))
        return REFUSED;
    s = access_token_times(&found.claims, now_ms);
    if (aged && s.code == CARDEA_E_EXPIRED)
        s = CARDEA_SUCCESS;
    if (cardea_ok(s))
        *out = found;
    return s;
}

struct cardea_status access_token_verify(const struct keyring *k, struct view text,
                                         const struct access_expectation *want, int64_t now_ms,
                                         struct access_token *out)
{
    return verify(k, text, want, now_ms, false, out);
}

struct cardea_status access_token_verify_aged(const struct keyring *k, struct view text,
                                              const struct access_expectation *want, int64_t now_ms,
                                              struct access_token *out)
{
    return verify(k, text, want, now_ms, true, out);
}
