#include "core/access_token.h"

#include "base/json.h"
#include "base/text.h"

enum {
    HEADER_MAX = 256, /* decoded; ours has 85 bytes */
    HEADER_TOKENS = 16,
    HEADER_MEMBERS = 3,
    PAYLOAD_MAX = ACCESS_TOKEN_TEXT_MAX * 3 / 4,
    PAYLOAD_TOKENS = 320, /* 256 one-letter roles and the claims */
};

/* 9999-12-31T23:59:59Z: what follows fits in milliseconds without overflow. */
#define TIME_MAX_S INT64_C(253402300799)

#define REFUSED CARDEA_FAIL(E_INVALID_TOKEN)

/* --- signing --- */

/* Names, ids and numbers need no escaping and are written as they stand (the writer that escapes takes three per cent
 * of a whole signature); what an operator or a request chose goes through the writer. */
static void put_text(struct buf *b, struct view v)
{
    struct json_writer w = json_writer(b);

    json_put_text(&w, v);
}

static void put_header(struct buf *b, const struct access_key *k)
{
    buf_put(b, VIEW("{\"alg\":\""));
    buf_text(b, signature_algorithm_name(k->algorithm));
    buf_put(b, VIEW("\",\"kid\":\""));
    buf_key_id(b, k->id);
    buf_put(b, VIEW("\",\"typ\":\"at+jwt\"}"));
}

static void put_roles(struct buf *b, struct view roles)
{
    struct view role, rest = roles;
    bool more = true;

    buf_put(b, VIEW(",\"roles\":["));
    while (more) {
        more = view_cut(rest, ',', &role, &rest);
        put_text(b, role);
        if (more)
            buf_char(b, ',');
    }
    buf_char(b, ']');
}

static void put_payload(struct buf *b, struct view issuer, const struct access_claims *c)
{
    buf_put(b, VIEW("{\"iss\":"));
    put_text(b, issuer);
    buf_put(b, VIEW(",\"sub\":\""));
    buf_user_id(b, c->sub);
    buf_put(b, VIEW("\",\"aud\":"));
    put_text(b, view_text(c->audience));
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
    put_text(b, view_text(c->client_id));
    if (c->roles[0] != '\0')
        put_roles(b, view_text(c->roles));
    buf_char(b, '}');
}

/* Claims that hold together, whoever made them: what signing refuses to state and verification to believe. */
static bool claims_sane(const struct access_claims *c)
{
    return c->iat_s >= 0 && c->iat_s < c->exp_s && c->exp_s - c->iat_s <= LIFETIME_MAX_S && c->exp_s <= TIME_MAX_S &&
           c->nbf_s >= 0 && c->nbf_s <= TIME_MAX_S && c->epoch >= 1 && c->client_id[0] != '\0' &&
           c->audience[0] != '\0';
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

struct segments {
    struct view header, payload, signature, signed_part;
};

static bool split(struct view text, struct segments *out)
{
    struct segments s;
    struct view rest, extra;

    if (text.len > ACCESS_TOKEN_TEXT_MAX || !view_cut(text, '.', &s.header, &rest) ||
        !view_cut(rest, '.', &s.payload, &s.signature) || view_cut(s.signature, '.', &rest, &extra))
        return false;
    if (s.header.len == 0 || s.payload.len == 0 || s.signature.len == 0)
        return false;
    s.signed_part = (struct view){text.ptr, s.header.len + 1 + s.payload.len};
    *out = s;
    return true;
}

/* Decode a segment and read it as one JSON object. */
static bool read_object(struct view segment, char *storage, size_t cap, struct json_token *tokens, size_t token_cap,
                        struct json *out)
{
    size_t len;

    return cardea_ok(base64url_decode(segment, storage, cap, &len)) &&
           cardea_ok(json_read((struct view){storage, len}, tokens, token_cap, out, NULL)) &&
           json_type(out, 0) == JSON_OBJECT;
}

/* A member that is a string without escapes: nothing we write needs one, and a second spelling is a second meaning. */
static bool text_member(const struct json *doc, struct view name, struct view *out)
{
    return cardea_ok(json_plain(doc, json_get(doc, 0, name), out));
}

static bool typ_accepted(struct view typ)
{
    struct view prefix = VIEW("application/");

    if (typ.len > prefix.len && view_equal_ascii_case((struct view){typ.ptr, prefix.len}, prefix))
        typ = view_skip(typ, prefix.len);
    return view_equal_ascii_case(typ, VIEW("at+jwt"));
}

/* The key that the header names, if everything in the header is as it must be. */
static const struct access_key *header_key(const struct keyring *k, struct view segment, int64_t now_ms)
{
    char plain[HEADER_MAX];
    struct json_token tokens[HEADER_TOKENS];
    struct json doc;
    struct view alg, kid, typ;
    struct key_id id;

    if (!read_object(segment, plain, sizeof plain, tokens, HEADER_TOKENS, &doc) ||
        doc.tokens[0].count != HEADER_MEMBERS)
        return NULL;
    /* Three members, and these three are there: so there is no other. */
    if (!text_member(&doc, VIEW("alg"), &alg) || !text_member(&doc, VIEW("kid"), &kid) ||
        !text_member(&doc, VIEW("typ"), &typ))
        return NULL;
    if (!typ_accepted(typ) || !cardea_ok(key_id_parse(kid, &id)))
        return NULL;
    const struct access_key *key = keyring_find(k, &id);
    if (key == NULL || !access_key_verifies(key, now_ms) || !view_is(alg, signature_algorithm_name(key->algorithm)))
        return NULL;
    return key;
}

static bool signature_holds(const struct access_key *key, const struct segments *s, struct cardea_status *why)
{
    uint8_t signature[SIGNATURE_MAX];
    size_t len;

    *why = REFUSED;
    if (!cardea_ok(base64url_decode(s->signature, signature, sizeof signature, &len)))
        return false;
    *why = verify_key_check(key->verify, s->signed_part, view_of(signature, len));
    return cardea_ok(*why);
}

/* A member copied as text of 1 … cap-1 bytes without control characters. */
static bool copy_member(const struct json *doc, struct view name, char *out, size_t cap)
{
    struct view v;

    if (!text_member(doc, name, &v) || v.len == 0 || v.len >= cap)
        return false;
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] < 0x20 || v.ptr[i] == 0x7f)
            return false;
    memcpy(out, v.ptr, v.len);
    out[v.len] = '\0';
    return true;
}

static bool accept_audience(const struct access_expectation *want, struct view found, char out[AUDIENCE_MAX + 1])
{
    for (size_t i = 0; i < want->audience_count; i++)
        if (view_equal(want->audiences[i], found) && found.len > 0 && found.len <= AUDIENCE_MAX) {
            memcpy(out, found.ptr, found.len);
            out[found.len] = '\0';
            return true;
        }
    return false;
}

/* aud: a string, or an array of nothing but strings (RFC 7519 §4.1.3). The first that is expected is kept. */
static bool read_audience(const struct json *doc, const struct access_expectation *want, char out[AUDIENCE_MAX + 1])
{
    uint32_t aud = json_get(doc, 0, VIEW("aud"));
    struct view v;
    bool accepted = false;

    if (json_type(doc, aud) == JSON_STRING)
        return cardea_ok(json_plain(doc, aud, &v)) && accept_audience(want, v, out);
    if (json_type(doc, aud) != JSON_ARRAY)
        return false;
    for (uint32_t c = json_first(doc, aud); c != 0; c = json_after(doc, aud, c)) {
        if (!cardea_ok(json_plain(doc, c, &v)))
            return false;
        accepted = accepted || accept_audience(want, v, out);
    }
    return accepted;
}

static bool role_name(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] <= 0x20 || v.ptr[i] == 0x7f || v.ptr[i] == ',')
            return false;
    return v.len > 0 && v.len <= ROLE_MAX;
}

/* roles, where present: an array of role names; a comma inside one would make two. */
static bool read_roles(const struct json *doc, char out[ROLES_MAX_BYTES + 1])
{
    uint32_t roles = json_get(doc, 0, VIEW("roles"));
    struct buf b = buf_fixed(out, ROLES_MAX_BYTES);
    struct view v;

    out[0] = '\0';
    if (json_type(doc, roles) == JSON_ABSENT || roles == 0)
        return true;
    if (json_type(doc, roles) != JSON_ARRAY)
        return false;
    for (uint32_t c = json_first(doc, roles); c != 0; c = json_after(doc, roles, c)) {
        if (!cardea_ok(json_plain(doc, c, &v)) || !role_name(v))
            return false;
        if (b.len > 0)
            buf_char(&b, ',');
        buf_put(&b, v);
    }
    if (!buf_ok(&b))
        return false;
    out[b.len] = '\0';
    return true;
}

static bool int_member(const struct json *doc, struct view name, int64_t *out)
{
    return cardea_ok(json_int(doc, json_get(doc, 0, name), out));
}

static bool read_claims(const struct json *doc, const struct access_expectation *want, struct access_claims *out)
{
    struct view iss, sub, jti, sid;

    if (!text_member(doc, VIEW("iss"), &iss) || iss.len == 0 || !view_equal(iss, want->issuer))
        return false;
    if (!text_member(doc, VIEW("sub"), &sub) || !cardea_ok(user_id_parse(sub, &out->sub)) ||
        !text_member(doc, VIEW("jti"), &jti) || !cardea_ok(token_id_parse(jti, &out->jti)) ||
        !text_member(doc, VIEW("sid"), &sid) || !cardea_ok(session_id_parse(sid, &out->sid)))
        return false;
    if (!int_member(doc, VIEW("exp"), &out->exp_s) || !int_member(doc, VIEW("iat"), &out->iat_s) ||
        !int_member(doc, VIEW("ep"), &out->epoch))
        return false;
    out->nbf_s = 0;
    if (json_get(doc, 0, VIEW("nbf")) != 0 && !int_member(doc, VIEW("nbf"), &out->nbf_s))
        return false;
    return copy_member(doc, VIEW("client_id"), out->client_id, sizeof out->client_id) &&
           read_audience(doc, want, out->audience) && read_roles(doc, out->roles) &&
           json_get(doc, 0, VIEW("cnf")) == 0 && claims_sane(out);
}

struct cardea_status access_token_times(const struct access_claims *c, int64_t now_ms)
{
    int64_t now_s = now_ms / 1000;

    if (c->iat_s > now_s + LEEWAY_S || c->nbf_s > now_s + LEEWAY_S)
        return REFUSED;
    return now_s < c->exp_s ? CARDEA_SUCCESS : CARDEA_FAIL(E_EXPIRED);
}

/* Everything; times come last, so that E_EXPIRED means that nothing else was wrong, and sets *out too. */
static struct cardea_status verify(const struct keyring *k, struct view text, const struct access_expectation *want,
                                   int64_t now_ms, struct access_token *out)
{
    char plain[PAYLOAD_MAX];
    struct json_token tokens[PAYLOAD_TOKENS];
    struct json doc;
    struct segments segments;
    struct access_token found;
    struct cardea_status s;

    if (!split(text, &segments))
        return REFUSED;
    found.key = header_key(k, segments.header, now_ms);
    if (found.key == NULL)
        return REFUSED;
    if (!signature_holds(found.key, &segments, &s))
        return s;
    if (!read_object(segments.payload, plain, sizeof plain, tokens, PAYLOAD_TOKENS, &doc) ||
        !read_claims(&doc, want, &found.claims))
        return REFUSED;
    s = access_token_times(&found.claims, now_ms);
    if (cardea_ok(s) || s.code == CARDEA_E_EXPIRED)
        *out = found;
    return s;
}

struct cardea_status access_token_verify(const struct keyring *k, struct view text,
                                         const struct access_expectation *want, int64_t now_ms,
                                         struct access_token *out)
{
    struct access_token found;
    struct cardea_status s = verify(k, text, want, now_ms, &found);

    if (cardea_ok(s))
        *out = found;
    return s;
}

struct cardea_status access_token_verify_aged(const struct keyring *k, struct view text,
                                              const struct access_expectation *want, int64_t now_ms,
                                              struct access_token *out)
{
    struct access_token found;
    struct cardea_status s = verify(k, text, want, now_ms, &found);

    if (!cardea_ok(s) && s.code != CARDEA_E_EXPIRED)
        return s;
    *out = found;
    return CARDEA_SUCCESS;
}
