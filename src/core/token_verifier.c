#include "core/token_judge.h"

#include "base/text.h"
#include "base/timetext.h"

/* 9999-12-31T23:59:59Z: leeways and lifetimes can be added to what is below without overflow. */
#define TIME_MAX_S INT64_C(253402300799)

#define REFUSED CARDEA_FAIL(E_INVALID_TOKEN)

/* --- the rules and the header --- */

/* Do they say all that they must about claims? */
bool token_rules_complete(const struct token_rules *r)
{
    return (r->issuer_count > 0) != r->any_issuer && (r->audience_count > 0) != r->any_audience && r->leeway_s >= 0 &&
           r->leeway_s <= TOKEN_LEEWAY_MAX_S && r->lifetime_max_s >= 0 && r->age_max_s >= 0 &&
           r->lifetime_max_s <= TIME_MAX_S && r->age_max_s <= TIME_MAX_S;
}

/* And about the header? */
static bool rules_complete(const struct token_rules *r)
{
    return token_rules_complete(r) && r->algorithms != 0 && (r->types != 0 || r->type.len > 0);
}

static struct view short_type(struct view typ)
{
    struct view prefix = VIEW("application/");
    bool has = typ.len > prefix.len && view_equal_ascii_case(view_of(typ.ptr, prefix.len), prefix);

    return has ? view_skip(typ, prefix.len) : typ;
}

static bool type_accepted(const struct token_rules *r, struct view typ)
{
    if (typ.len == 0)
        return (r->types & (TOKEN_TYPE_NONE | TOKEN_TYPE_ANY)) != 0;
    typ = short_type(typ);
    return (r->types & TOKEN_TYPE_ANY) != 0 ||
           ((r->types & TOKEN_TYPE_JWT) != 0 && view_equal_ascii_case(typ, VIEW("JWT"))) ||
           ((r->types & TOKEN_TYPE_ACCESS) != 0 && view_equal_ascii_case(typ, VIEW("at+jwt"))) ||
           (r->type.len > 0 && view_equal_ascii_case(typ, short_type(r->type)));
}

/* --- the payload --- */

/* Unescape every string to its own place in texts and end it there: it takes no more room than in the source, and its
 * closing quote's place is the NUL's. False where one holds a NUL itself, which would end it early. */
static bool lay_out_texts(struct token_space *space, const struct json *doc)
{
    memcpy(space->texts, doc->text.ptr, doc->text.len);
    for (uint32_t i = 0; i < doc->count; i++) {
        const struct json_token *t = &doc->tokens[i];
        if (t->type != JSON_STRING)
            continue;
        size_t len = t->len;
        if (t->escaped) {
            struct buf b = buf_fixed(space->texts + t->start, t->len);
            if (!cardea_ok(json_text(doc, i, &b)) || view_has(buf_view(&b), '\0'))
                return false;
            len = b.len;
        }
        space->texts[t->start + len] = '\0';
    }
    return true;
}

struct view token_text_at(const char *texts, const struct json *doc, uint32_t string)
{
    if (json_type(doc, string) != JSON_STRING)
        return VIEW_EMPTY;
    const struct json_token *t = &doc->tokens[string];
    const char *text = texts + t->start;
    return view_of(text, t->escaped ? strlen(text) : t->len);
}

static bool read_payload(struct token_space *space, size_t len, struct json *out)
{
    return cardea_ok(json_read(view_of(space->plain, len), space->values, TOKEN_VALUES_MAX, out, NULL)) &&
           json_type(out, 0) == JSON_OBJECT && lay_out_texts(space, out);
}

/* --- the claims that the rules are about --- */

static bool listed(const struct view *list, size_t count, struct view text, size_t *ret_index)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].len > 0 && view_equal(list[i], text)) {
            *ret_index = i;
            return true;
        }
    return false;
}

/* The reader lets no other control character than DEL into a string, but escaped. */
static bool printable(struct view text, bool escaped)
{
    for (size_t i = 0; escaped && i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20)
            return false;
    return !view_has(text, 0x7f);
}

/* A text that is not empty and has no control character; or nothing at all. */
static bool read_text(const struct verified_token *t, uint32_t at, struct view *out)
{
    *out = token_text(t, at);
    return at == 0 || (out->len > 0 && printable(*out, t->claims.tokens[at].escaped));
}

/* Fractions, which every writer in JavaScript adds, are cut: an end comes up to a second early, never late. */
static bool rfc3339_seconds(struct view text, int64_t *out)
{
    int64_t ms;

    if (!cardea_ok(rfc3339_parse(text, &ms)) || ms < 0)
        return false;
    *out = ms / 1000;
    return true;
}

static bool read_time(const struct verified_token *t, uint32_t at, enum token_times times, int64_t *out)
{
    *out = 0;
    if (at == 0)
        return true;
    if (times == TOKEN_TIMES_RFC3339 ? !rfc3339_seconds(token_text(t, at), out)
                                     : !cardea_ok(json_int(&t->claims, at, out)))
        return false;
    return *out >= 0 && *out <= TIME_MAX_S;
}

static bool read_issuer(const struct token_rules *r, uint32_t at, struct verified_token *t)
{
    size_t which;

    return read_text(t, at, &t->issuer) &&
           (r->any_issuer || (at != 0 && listed(r->issuers, r->issuer_count, t->issuer, &which)));
}

/* Every element must be a string, also behind one that fits. */
static bool read_audience(const struct token_rules *r, uint32_t aud, struct verified_token *t)
{
    const struct json *doc = &t->claims;
    size_t which;

    t->audience = VIEW_EMPTY;
    if (aud == 0)
        return r->any_audience;
    if (json_type(doc, aud) == JSON_STRING) {
        if (listed(r->audiences, r->audience_count, token_text(t, aud), &which))
            t->audience = token_text(t, aud);
    } else if (json_type(doc, aud) == JSON_ARRAY) {
        for (uint32_t c = json_first(doc, aud); c != 0; c = json_after(doc, aud, c)) {
            if (json_type(doc, c) != JSON_STRING)
                return false;
            if (t->audience.len == 0 && listed(r->audiences, r->audience_count, token_text(t, c), &which))
                t->audience = token_text(t, c);
        }
    } else {
        return false;
    }
    return r->any_audience || t->audience.len > 0;
}

static bool required_there(const struct token_rules *r, const struct json *doc)
{
    for (size_t i = 0; i < r->required_count; i++) {
        uint32_t at = json_get(doc, 0, r->required[i]);
        if (at == 0 || json_type(doc, at) == JSON_NULL)
            return false;
    }
    return true;
}

/* In the order in which many write them: found in one pass. */
enum { ISS, SUB, AUD, EXP, IAT, NBF, JTI, CNF, CLAIMS };
static const struct view claim_names[CLAIMS] = {
    [ISS] = {"iss", 3}, [SUB] = {"sub", 3}, [AUD] = {"aud", 3}, [EXP] = {"exp", 3},
    [IAT] = {"iat", 3}, [NBF] = {"nbf", 3}, [JTI] = {"jti", 3}, [CNF] = {"cnf", 3},
};

static bool judge_claims(const struct token_rules *r, enum token_times times, struct verified_token *t)
{
    const struct json *doc = &t->claims;
    uint32_t at[CLAIMS];

    json_pick(doc, 0, claim_names, CLAIMS, at);
    if (r->audience_claim.len > 0)
        at[AUD] = json_get(doc, 0, r->audience_claim);
    if (!read_issuer(r, at[ISS], t) || !read_audience(r, at[AUD], t) || !read_text(t, at[SUB], &t->subject) ||
        !read_text(t, at[JTI], &t->id) || (at[CNF] != 0 && !r->bound) || !required_there(r, doc))
        return false;
    if (at[EXP] == 0 || !read_time(t, at[EXP], times, &t->exp_s) || !read_time(t, at[IAT], times, &t->iat_s) ||
        !read_time(t, at[NBF], times, &t->nbf_s))
        return false;
    if (at[IAT] == 0)
        return r->lifetime_max_s == 0 && r->age_max_s == 0;
    return t->iat_s < t->exp_s && (r->lifetime_max_s == 0 || t->exp_s - t->iat_s <= r->lifetime_max_s);
}

static struct cardea_status judge_times(const struct token_rules *r, const struct verified_token *t, int64_t now_ms)
{
    int64_t now_s = now_ms / 1000;

    if (now_ms < 0 || now_s > TIME_MAX_S || t->iat_s > now_s + r->leeway_s || t->nbf_s > now_s + r->leeway_s)
        return REFUSED;
    if (now_s >= t->exp_s + r->leeway_s || (r->age_max_s > 0 && now_s > t->iat_s + r->age_max_s + r->leeway_s))
        return CARDEA_FAIL(E_EXPIRED);
    return CARDEA_SUCCESS;
}

/* --- verification --- */

struct cardea_status token_read(struct view text, struct token_space *space)
{
    return jws_read(text, &space->jws);
}

struct cardea_status token_names_issuer(struct token_space *space, const struct view *issuers, size_t count,
                                        size_t *ret_index)
{
    struct json doc;
    size_t len;

    if (!cardea_ok(base64url_decode(space->jws.payload_text, space->plain, sizeof space->plain, &len)) ||
        !read_payload(space, len, &doc))
        return REFUSED;
    struct view issuer = token_text_at(space->texts, &doc, json_get(&doc, 0, claim_names[ISS]));
    return listed(issuers, count, issuer, ret_index) ? CARDEA_SUCCESS : CARDEA_FAIL(E_NOT_FOUND);
}

/* Is it a key that may be tried for this header? */
static bool key_fits(const struct jwk_key *key, const struct token_rules *rules, const struct token_space *space)
{
    return key != NULL && key->verify != NULL && key->algorithm != SIGNATURE_UNSET &&
           (rules->algorithms & TOKEN_ALGORITHM(key->algorithm)) != 0 && type_accepted(rules, space->jws.header.typ);
}

struct cardea_status token_judge(const struct token_rules *rules, enum token_times times, int64_t now_ms,
                                 struct token_space *space, size_t len, struct verified_token *t)
{
    if (!read_payload(space, len, &t->claims))
        return REFUSED;
    t->texts = space->texts;
    return judge_claims(rules, times, t) ? judge_times(rules, t, now_ms) : REFUSED;
}

/* A payload of len bytes that was signed. */
static struct cardea_status judge(const struct jwk_key *key, const struct token_rules *rules, int64_t now_ms,
                                  struct token_space *space, size_t len, struct verified_token *out)
{
    struct verified_token t;
    struct cardea_status s = token_judge(rules, TOKEN_TIMES_NUMERIC, now_ms, space, len, &t);

    if (!cardea_ok(s))
        return s;
    t.algorithm = key->algorithm;
    t.kid = view_text(key->kid);
    t.type = space->jws.header.typ;
    *out = t;
    return CARDEA_SUCCESS;
}

struct cardea_status token_check(const struct jwk_key *key, const struct token_rules *rules, int64_t now_ms,
                                 struct token_space *space, struct verified_token *out)
{
    size_t len;

    if (!rules_complete(rules))
        return CARDEA_FAIL(E_USAGE);
    if (!key_fits(key, rules, space))
        return REFUSED;
    struct cardea_status s = jws_verify(&space->jws, key->verify, space->plain, sizeof space->plain, &len);
    if (!cardea_ok(s))
        return s.code == CARDEA_E_BUSY ? s : REFUSED;
    return judge(key, rules, now_ms, space, len, out);
}

struct cardea_status token_check_again(const struct jwk_key *key, const struct token_rules *rules, int64_t now_ms,
                                       struct token_space *space, struct verified_token *out)
{
    const struct jws *j = &space->jws;
    size_t len;

    if (!rules_complete(rules))
        return CARDEA_FAIL(E_USAGE);
    if (!key_fits(key, rules, space) || !view_is(j->header.alg, signature_algorithm_name(key->algorithm)) ||
        !cardea_ok(base64url_decode(j->payload_text, space->plain, sizeof space->plain, &len)))
        return REFUSED;
    return judge(key, rules, now_ms, space, len, out);
}

struct cardea_status token_verify(const struct jwk_set *keys, const struct token_rules *rules, struct view text,
                                  int64_t now_ms, struct token_space *space, struct verified_token *out)
{
    struct cardea_status s = token_read(text, space);

    return cardea_ok(s) ? token_check(jws_find_key(&space->jws, keys), rules, now_ms, space, out) : s;
}
