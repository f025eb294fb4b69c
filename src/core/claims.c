#include "core/claims.h"

#include "base/timetext.h"

/* 9999-12-31T23:59:59Z: what follows fits in milliseconds without overflow. */
#define TIME_MAX_S INT64_C(253402300799)

void buf_claim_text(struct buf *b, struct view v)
{
    struct json_writer w = json_writer(b);

    json_put_text(&w, v);
}

void buf_claim_roles(struct buf *b, struct view roles)
{
    struct view role, rest = roles;
    bool more = true;

    buf_char(b, '[');
    while (more) {
        more = view_cut(rest, ',', &role, &rest);
        buf_claim_text(b, role);
        if (more)
            buf_char(b, ',');
    }
    buf_char(b, ']');
}

bool claims_sane(const struct access_claims *c)
{
    return c->iat_s >= 0 && c->iat_s < c->exp_s && c->exp_s - c->iat_s <= LIFETIME_MAX_S && c->exp_s <= TIME_MAX_S &&
           c->nbf_s >= 0 && c->nbf_s <= TIME_MAX_S && c->epoch >= 1 && c->client_id[0] != '\0' &&
           c->audience[0] != '\0';
}

bool claim_text(const struct json *doc, struct view name, struct view *out)
{
    return cardea_ok(json_plain(doc, json_get(doc, 0, name), out));
}

bool claim_int(const struct json *doc, struct view name, int64_t *out)
{
    return cardea_ok(json_int(doc, json_get(doc, 0, name), out));
}

static bool copy_at(const struct json *doc, uint32_t at, char *out, size_t cap)
{
    struct view v;

    if (!cardea_ok(json_plain(doc, at, &v)) || v.len == 0)
        return false;
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] < 0x20 || v.ptr[i] == 0x7f)
            return false;
    return view_copy(v, out, cap);
}

bool claim_copy(const struct json *doc, struct view name, char *out, size_t cap)
{
    return copy_at(doc, json_get(doc, 0, name), out, cap);
}

static bool accept_audience(const struct access_expectation *want, struct view found, char out[AUDIENCE_MAX + 1])
{
    for (size_t i = 0; i < want->audience_count; i++)
        if (view_equal(want->audiences[i], found) && found.len > 0 && view_copy(found, out, AUDIENCE_MAX + 1))
            return true;
    return false;
}

/* aud: a string, or an array of nothing but strings (RFC 7519 §4.1.3). The first that is expected is kept. */
static bool read_audience(const struct json *doc, uint32_t aud, const struct access_expectation *want,
                          char out[AUDIENCE_MAX + 1])
{
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

/* A comma inside a name would make two. */
static bool role_name(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] <= 0x20 || v.ptr[i] == 0x7f || v.ptr[i] == ',')
            return false;
    return v.len > 0 && v.len <= ROLE_MAX;
}

/* roles, where present: an array of role names; comma-joined, "" where there are none. */
static bool read_roles(const struct json *doc, uint32_t roles, char out[ROLES_MAX_BYTES + 1])
{
    struct buf b = buf_fixed(out, ROLES_MAX_BYTES + 1);
    struct view v;

    out[0] = '\0';
    if (roles == 0)
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
    return buf_terminate(&b);
}

/* --- all of them --- */

static void put_time(struct buf *b, int64_t at_s, enum claim_times times)
{
    if (times == CLAIM_TIMES_NUMBER) {
        buf_int(b, at_s);
        return;
    }
    buf_char(b, '"');
    buf_rfc3339(b, at_s * 1000);
    buf_char(b, '"');
}

/* Names, ids and numbers need no escaping and are written as they stand (the writer that escapes takes three per cent
 * of a whole signature); what an operator or a request chose goes through the writer. */
static void put_claims(struct buf *b, struct view issuer, const struct access_claims *c, enum claim_times times)
{
    buf_put(b, VIEW("{\"iss\":"));
    buf_claim_text(b, issuer);
    buf_put(b, VIEW(",\"sub\":\""));
    buf_user_id(b, c->sub);
    buf_put(b, VIEW("\",\"aud\":"));
    buf_claim_text(b, view_text(c->audience));
    buf_put(b, VIEW(",\"exp\":"));
    put_time(b, c->exp_s, times);
    buf_put(b, VIEW(",\"iat\":"));
    put_time(b, c->iat_s, times);
    if (c->nbf_s != 0) {
        buf_put(b, VIEW(",\"nbf\":"));
        put_time(b, c->nbf_s, times);
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

struct cardea_status claims_write(const struct access_claims *c, struct view issuer, enum claim_times times,
                                  struct buf *out)
{
    if (!claims_sane(c) || issuer.len == 0 || issuer.len > ISSUER_MAX)
        return CARDEA_FAIL(E_USAGE);
    put_claims(out, issuer, c, times);
    return buf_ok(out) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
}

/* In whole seconds: a fraction would be cut, and what is cut is another time. claims_sane bounds the value. */
static bool read_time(const struct json *doc, uint32_t at, enum claim_times times, int64_t *out_s)
{
    struct view v;
    int64_t ms;

    if (times == CLAIM_TIMES_NUMBER)
        return cardea_ok(json_int(doc, at, out_s));
    if (!cardea_ok(json_plain(doc, at, &v)) || view_has(v, '.') || !cardea_ok(rfc3339_parse(v, &ms)))
        return false;
    *out_s = ms / 1000;
    return true;
}

/* The members that are read, in the order in which we write them: found in one pass. */
enum { ISS, SUB, AUD, EXP, IAT, NBF, JTI, SID, EP, CLIENT_ID, ROLES, CNF, CLAIMS };
static const struct view claim_names[CLAIMS] = {
    [ISS] = {"iss", 3},     [SUB] = {"sub", 3}, [AUD] = {"aud", 3}, [EXP] = {"exp", 3}, [IAT] = {"iat", 3},
    [NBF] = {"nbf", 3},     [JTI] = {"jti", 3}, [SID] = {"sid", 3}, [EP] = {"ep", 2},   [CLIENT_ID] = {"client_id", 9},
    [ROLES] = {"roles", 5}, [CNF] = {"cnf", 3},
};

static bool read_members(const struct json *doc, const struct access_expectation *want, enum claim_times times,
                         struct access_claims *out)
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
    if (!read_time(doc, at[EXP], times, &out->exp_s) || !read_time(doc, at[IAT], times, &out->iat_s) ||
        !cardea_ok(json_int(doc, at[EP], &out->epoch)))
        return false;
    out->nbf_s = 0;
    if (at[NBF] != 0 && !read_time(doc, at[NBF], times, &out->nbf_s))
        return false;
    /* PASETO's aud is one string. */
    if (times == CLAIM_TIMES_TEXT && json_type(doc, at[AUD]) != JSON_STRING)
        return false;
    return copy_at(doc, at[CLIENT_ID], out->client_id, sizeof out->client_id) &&
           read_audience(doc, at[AUD], want, out->audience) && read_roles(doc, at[ROLES], out->roles) && at[CNF] == 0 &&
           claims_sane(out);
}

bool claims_read(struct view payload, const struct access_expectation *want, enum claim_times times,
                 struct access_claims *out)
{
    struct json_token tokens[CLAIMS_TOKENS];
    struct json doc;

    return cardea_ok(json_read(payload, tokens, CLAIMS_TOKENS, &doc, NULL)) && json_type(&doc, 0) == JSON_OBJECT &&
           read_members(&doc, want, times, out);
}

struct cardea_status claims_times(const struct access_claims *c, int64_t now_ms)
{
    int64_t now_s = now_ms / 1000;

    if (c->iat_s > now_s + LEEWAY_S || c->nbf_s > now_s + LEEWAY_S)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    return now_s < c->exp_s ? CARDEA_SUCCESS : CARDEA_FAIL(E_EXPIRED);
}
