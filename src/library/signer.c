#include "cardea/signer.h"

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "core/claims.h"
#include "core/jws.h"
#include "crypto/random.h"
#include "library/library.h"

#include <stdlib.h>

enum { VALUES_MAX = 1024, TYPE_MAX = 255 };
_Static_assert((int)CARDEA_LIFETIME_MAX_S == (int)LIFETIME_MAX_S, "the limit in cardea/signer.h");

/* Always a whole object, and always read back: what is signed here is read as strictly elsewhere. */
struct cardea_statement {
    enum cardea_code failure; /* CARDEA_OK: none */
    size_t len;
    struct json doc;
    char json[CARDEA_STATEMENT_MAX];
    struct json_token values[VALUES_MAX];
};

static struct cardea_status read_back(struct cardea_statement *s)
{
    struct cardea_status result = json_read(view_of(s->json, s->len), s->values, VALUES_MAX, &s->doc, NULL);

    return result.code == CARDEA_E_BAD_JSON ? CARDEA_FAIL(E_INVALID_FIELD) : result;
}

static void empty(struct cardea_statement *s)
{
    secret_wipe(s->json, sizeof s->json);
    memcpy(s->json, "{}", 2);
    s->len = 2;
    s->failure = read_back(s).code;
}

struct cardea_status cardea_statement_new(struct cardea_statement **ret)
{
    if (ret == NULL)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_statement *s = malloc(sizeof *s);
    if (s == NULL)
        return CARDEA_FAIL(E_BUSY);
    empty(s);
    *ret = s;
    return CARDEA_SUCCESS;
}

void cardea_statement_free(struct cardea_statement *s)
{
    if (s == NULL)
        return;
    secret_wipe(s, sizeof *s);
    free(s);
}

void cardea_statement_reset(struct cardea_statement *s)
{
    if (s != NULL)
        empty(s);
}

/* --- claims --- */

/* A member being added. Its failure stays in the statement: who adds ten looks at the last answer only. */
struct member {
    struct buf b;
    struct json_writer w;
    enum cardea_code failure;
};

static enum cardea_code why_not(const struct cardea_statement *s, const char *name, bool value_there)
{
    if (s != NULL && s->failure != CARDEA_OK)
        return s->failure;
    if (s == NULL || name == NULL || !value_there)
        return CARDEA_E_USAGE;
    if (name[0] == '\0' || !utf8_valid(view_text(name)))
        return CARDEA_E_INVALID_FIELD;
    return json_get(&s->doc, 0, view_text(name)) != 0 ? CARDEA_E_CONFLICT : CARDEA_OK;
}

static struct member open_member(struct cardea_statement *s, const char *name, bool value_there)
{
    struct member m = {.failure = why_not(s, name, value_there)};

    if (m.failure != CARDEA_OK)
        return m;
    m.b = buf_fixed(s->json, sizeof s->json);
    m.b.len = s->len - 1; /* in place of the closing brace */
    if (m.b.len > 1)
        buf_char(&m.b, ',');
    return m;
}

static void put_text(struct member *m, const char *value)
{
    if (value == NULL)
        m->failure = CARDEA_E_USAGE;
    else if (!utf8_valid(view_text(value)))
        m->failure = CARDEA_E_INVALID_FIELD;
    else
        json_put_text(&m->w, view_text(value));
}

/* The writer points into the member, which has moved since open_member. */
static void put_name(struct member *m, const char *name)
{
    m->w = json_writer(&m->b);
    json_name(&m->w, name);
}

static struct cardea_status close_member(struct cardea_statement *s, struct member *m)
{
    if (m->failure == CARDEA_OK) {
        buf_char(&m->b, '}');
        s->len = m->b.len;
        m->failure = buf_ok(&m->b) ? read_back(s).code : CARDEA_E_TOO_LARGE;
    }
    if (s != NULL)
        s->failure = m->failure;
    return cardea_status(m->failure);
}

struct cardea_status cardea_statement_text(struct cardea_statement *s, const char *name, const char *value)
{
    struct member m = open_member(s, name, value != NULL);

    if (m.failure == CARDEA_OK) {
        put_name(&m, name);
        put_text(&m, value);
    }
    return close_member(s, &m);
}

struct cardea_status cardea_statement_int(struct cardea_statement *s, const char *name, int64_t value)
{
    struct member m = open_member(s, name, true);

    if (m.failure == CARDEA_OK) {
        put_name(&m, name);
        json_put_int(&m.w, value);
    }
    return close_member(s, &m);
}

struct cardea_status cardea_statement_bool(struct cardea_statement *s, const char *name, bool value)
{
    struct member m = open_member(s, name, true);

    if (m.failure == CARDEA_OK) {
        put_name(&m, name);
        json_put_bool(&m.w, value);
    }
    return close_member(s, &m);
}

struct cardea_status cardea_statement_list(struct cardea_statement *s, const char *name, const char *const *values,
                                           size_t count)
{
    struct member m = open_member(s, name, values != NULL || count == 0);

    if (m.failure == CARDEA_OK) {
        put_name(&m, name);
        json_open_array(&m.w);
        for (size_t i = 0; i < count && m.failure == CARDEA_OK; i++)
            put_text(&m, values[i]);
        json_close_array(&m.w);
    }
    return close_member(s, &m);
}

/* One value, by itself: not two, and nothing that would end the object early. */
static enum cardea_code one_value(struct view json)
{
    struct json_token values[VALUES_MAX];
    struct json doc;
    struct cardea_status s = json_read(json, values, VALUES_MAX, &doc, NULL);

    return s.code == CARDEA_E_BAD_JSON ? CARDEA_E_INVALID_FIELD : s.code;
}

struct cardea_status cardea_statement_json(struct cardea_statement *s, const char *name, struct cardea_bytes json)
{
    struct member m = open_member(s, name, bytes_readable(json));

    if (m.failure == CARDEA_OK)
        m.failure = one_value(bytes_view(json));
    if (m.failure == CARDEA_OK) {
        put_name(&m, name);
        json_put_raw(&m.w, bytes_view(json));
    }
    return close_member(s, &m);
}

struct cardea_status cardea_statement_access_token(struct cardea_statement *s, const char *issuer, const char *subject,
                                                   const char *audience, const char *client_id, int64_t now_s,
                                                   int64_t lifetime_s)
{
    const char *const texts[][2] = {{"iss", issuer}, {"sub", subject}, {"aud", audience}, {"client_id", client_id}};
    struct token_id jti;
    char text[ID16_TEXT + 1];
    struct buf b = buf_fixed(text, sizeof text);

    if (s == NULL)
        return CARDEA_FAIL(E_USAGE);
    bool good = now_s >= 0 && now_s <= INT64_MAX / 1000 && lifetime_s >= 1 && lifetime_s <= CARDEA_LIFETIME_MAX_S;
    for (size_t i = 0; i < 4; i++)
        good = good && texts[i][1] != NULL && texts[i][1][0] != '\0';
    if (!good && s->failure == CARDEA_OK)
        s->failure = CARDEA_E_USAGE;
    if (s->failure != CARDEA_OK)
        return cardea_status(s->failure);
    struct cardea_status result = crypto_start_guest();
    if (!cardea_ok(result))
        return result;
    entropy_fill(entropy_system(), jti.bytes, sizeof jti.bytes);
    buf_token_id(&b, jti);
    if (!buf_terminate(&b))
        return CARDEA_FAIL(E_INTERNAL);
    for (size_t i = 0; i < 4 && cardea_ok(result); i++)
        result = cardea_statement_text(s, texts[i][0], texts[i][1]);
    if (cardea_ok(result))
        result = cardea_statement_int(s, "exp", now_s + lifetime_s);
    if (cardea_ok(result))
        result = cardea_statement_int(s, "iat", now_s);
    return cardea_ok(result) ? cardea_statement_text(s, "jti", text) : result;
}

/* --- signing --- */

/* As a verifier of ours reads it: printable, without escapes. */
static bool type_writable(const char *type)
{
    if (type == NULL)
        return true;
    for (const char *c = type; *c != '\0'; c++)
        if (*c <= 0x20 || *c > 0x7e || *c == '"' || *c == '\\')
            return false;
    return text_sized(type, TYPE_MAX);
}

static bool is_access_type(const char *type)
{
    return type != NULL && (view_equal_ascii_case(view_text(type), VIEW("at+jwt")) ||
                            view_equal_ascii_case(view_text(type), VIEW("application/at+jwt")));
}

/* RFC 9068 §2.2, and promise 4: no longer than an hour. */
static bool complete_access_token(const struct json *doc)
{
    static const struct view texts[] = {{"iss", 3}, {"sub", 3}, {"jti", 3}, {"client_id", 9}};
    uint32_t aud = json_get(doc, 0, VIEW("aud"));
    int64_t exp, iat;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (json_type(doc, json_get(doc, 0, texts[i])) != JSON_STRING)
            return false;
    return aud != 0 && (json_type(doc, aud) == JSON_STRING || json_first(doc, aud) != 0) &&
           claim_int(doc, VIEW("exp"), &exp) && claim_int(doc, VIEW("iat"), &iat) && iat >= 0 && exp > iat &&
           exp - iat <= CARDEA_LIFETIME_MAX_S;
}

struct cardea_status cardea_sign(const struct cardea_key *k, const char *type, const struct cardea_statement *s,
                                 char *out, size_t cap, size_t *ret_len)
{
    char text[JWS_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    int64_t exp;

    if (k == NULL || s == NULL || out == NULL || ret_len == NULL || k->ready.sign == NULL || !type_writable(type))
        return CARDEA_FAIL(E_USAGE);
    if (s->failure != CARDEA_OK)
        return cardea_status(s->failure);
    if (!claim_int(&s->doc, VIEW("exp"), &exp) || (is_access_type(type) && !complete_access_token(&s->doc)))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status result =
        jws_sign(k->ready.sign, view_text(k->ready.kid), view_text(type), view_of(s->json, s->len), &b);
    return cardea_ok(result) ? give(buf_view(&b), out, cap, ret_len) : result;
}
