#include "core/token_verifier.h"

#include "base/text.h"

/* 9999-12-31T23:59:59Z: leeways and lifetimes can be added to what is below without overflow. */
#define TIME_MAX_S INT64_C(253402300799)

#define REFUSED CARDEA_FAIL(E_INVALID_TOKEN)

/* --- the rules and the header --- */

/* Do they say all that they must? */
static bool rules_complete(const struct token_rules *r)
{
    return (r->issuer_count > 0) != r->any_issuer && (r->audience_count > 0) != r->any_audience && r->algorithms != 0 &&
           (r->types != 0 || r->type.len > 0) && r->leeway_s >= 0 && r->leeway_s <= TOKEN_LEEWAY_MAX_S &&
           r->lifetime_max_s >= 0 && r->age_max_s >= 0 && r->lifetime_max_s <= TIME_MAX_S && r->age_max_s <= TIME_MAX_S;
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

static struct view text_at(const char *texts, const struct json *doc, uint32_t string)
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

static bool printable(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

/* A text that is not empty and has no control character; or nothing at all. */
static bool read_text(const struct verified_token *t, uint32_t at, struct view *out)
{
    *out = token_text(t, at);
    return at == 0 || (out->len > 0 && printable(*out));
}

static bool read_time(const struct json *doc, uint32_t at, int64_t *out)
{
    *out = 0;
    return at == 0 || (cardea_ok(json_int(doc, at, out)) && *out >= 0 && *out <= TIME_MAX_S);
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

static bool judge_claims(const struct token_rules *r, struct verified_token *t)
{
    const struct json *doc = &t->claims;
    uint32_t at[CLAIMS];

    json_pick(doc, 0, claim_names, CLAIMS, at);
    if (r->audience_claim.len > 0)
        at[AUD] = json_get(doc, 0, r->audience_claim);
    if (!read_issuer(r, at[ISS], t) || !read_audience(r, at[AUD], t) || !read_text(t, at[SUB], &t->subject) ||
        !read_text(t, at[JTI], &t->id) || (at[CNF] != 0 && !r->bound) || !required_there(r, doc))
        return false;
    if (at[EXP] == 0 || !read_time(doc, at[EXP], &t->exp_s) || !read_time(doc, at[IAT], &t->iat_s) ||
        !read_time(doc, at[NBF], &t->nbf_s))
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
    struct view issuer = text_at(space->texts, &doc, json_get(&doc, 0, claim_names[ISS]));
    return listed(issuers, count, issuer, ret_index) ? CARDEA_SUCCESS : CARDEA_FAIL(E_NOT_FOUND);
}

/* Is it a key that may be tried for this header? */
static bool key_fits(const struct jwk_key *key, const struct token_rules *rules, const struct token_space *space)
{
    return key != NULL && key->verify != NULL && key->algorithm != SIGNATURE_UNSET &&
           (rules->algorithms & TOKEN_ALGORITHM(key->algorithm)) != 0 && type_accepted(rules, space->jws.header.typ);
}

/* A payload of len bytes that was signed. */
static struct cardea_status judge(const struct jwk_key *key, const struct token_rules *rules, int64_t now_ms,
                                  struct token_space *space, size_t len, struct verified_token *out)
{
    struct verified_token t;

    if (!read_payload(space, len, &t.claims))
        return REFUSED;
    t.texts = space->texts;
    if (!judge_claims(rules, &t))
        return REFUSED;
    struct cardea_status s = judge_times(rules, &t, now_ms);
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

/* --- claims --- */

/* One reference token of a JSON Pointer, unescaped. False: a bad escape, or longer than any path. */
static bool pointer_part(struct view part, char out[TOKEN_PATH_MAX], struct view *ret)
{
    size_t len = 0;

    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];
        if (c == '~') {
            if (++i == part.len || (part.ptr[i] != '0' && part.ptr[i] != '1'))
                return false;
            c = part.ptr[i] == '0' ? '~' : '/';
        }
        out[len++] = c;
    }
    *ret = view_of(out, len);
    return true;
}

static uint32_t element(const struct json *doc, uint32_t array, struct view part)
{
    uint64_t index;
    uint32_t c = json_first(doc, array);

    if (!cardea_ok(parse_u64(part, &index)))
        return 0;
    for (; c != 0 && index > 0; index--)
        c = json_after(doc, array, c);
    return c;
}

static uint32_t follow(const struct json *doc, struct view path)
{
    char storage[TOKEN_PATH_MAX];
    struct view part, rest = view_skip(path, 1);
    uint32_t at = 0;
    bool more = true;

    while (more) {
        more = view_cut(rest, '/', &part, &rest);
        if (!pointer_part(part, storage, &part))
            return 0;
        at = json_type(doc, at) == JSON_ARRAY ? element(doc, at, part) : json_get(doc, at, part);
        if (at == 0)
            return 0;
    }
    return at;
}

uint32_t token_claim(const struct verified_token *t, struct view path)
{
    if (path.len > TOKEN_PATH_MAX)
        return 0;
    return path.len > 0 && path.ptr[0] == '/' ? follow(&t->claims, path) : json_get(&t->claims, 0, path);
}

struct view token_text(const struct verified_token *t, uint32_t string)
{
    return text_at(t->texts, &t->claims, string);
}

struct view token_payload(const struct verified_token *t)
{
    return t->claims.text;
}

struct cardea_status token_claim_text(const struct verified_token *t, struct view path, struct view *out)
{
    uint32_t at = token_claim(t, path);

    if (at == 0)
        return CARDEA_FAIL(E_NOT_FOUND);
    if (json_type(&t->claims, at) != JSON_STRING)
        return CARDEA_FAIL(E_INVALID_FIELD);
    *out = token_text(t, at);
    return CARDEA_SUCCESS;
}

struct cardea_status token_claim_int(const struct verified_token *t, struct view path, int64_t *out)
{
    uint32_t at = token_claim(t, path);

    return at == 0 ? CARDEA_FAIL(E_NOT_FOUND) : json_int(&t->claims, at, out);
}

struct cardea_status token_claim_bool(const struct verified_token *t, struct view path, bool *out)
{
    uint32_t at = token_claim(t, path);

    return at == 0 ? CARDEA_FAIL(E_NOT_FOUND) : json_bool(&t->claims, at, out);
}

struct cardea_status token_claim_list(const struct verified_token *t, struct view path, struct view *out, size_t cap,
                                      size_t *ret_count)
{
    const struct json *doc = &t->claims;
    uint32_t at = token_claim(t, path);
    size_t count = 0;

    if (at == 0)
        return CARDEA_FAIL(E_NOT_FOUND);
    bool one = json_type(doc, at) == JSON_STRING;
    if (!one && json_type(doc, at) != JSON_ARRAY)
        return CARDEA_FAIL(E_INVALID_FIELD);
    for (uint32_t c = one ? at : json_first(doc, at); c != 0; c = one ? 0 : json_after(doc, at, c)) {
        if (json_type(doc, c) != JSON_STRING)
            return CARDEA_FAIL(E_INVALID_FIELD);
        if (count == cap)
            return CARDEA_FAIL(E_TOO_LARGE);
        out[count++] = token_text(t, c);
    }
    *ret_count = count;
    return CARDEA_SUCCESS;
}

bool token_claim_has(const struct verified_token *t, struct view path, struct view word)
{
    const struct json *doc = &t->claims;
    uint32_t at = token_claim(t, path);

    if (at == 0 || word.len == 0)
        return false;
    if (json_type(doc, at) == JSON_STRING) {
        struct view one, rest = token_text(t, at);
        bool found = false;
        for (bool more = true; more && !found;) {
            more = view_cut(rest, ' ', &one, &rest);
            found = view_equal(one, word);
        }
        return found;
    }
    if (json_type(doc, at) == JSON_ARRAY)
        for (uint32_t c = json_first(doc, at); c != 0; c = json_after(doc, at, c))
            if (json_type(doc, c) == JSON_STRING && view_equal(token_text(t, c), word))
                return true;
    return false;
}
