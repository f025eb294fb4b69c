#include "http/authenticate.h"

#include "base/secret.h"
#include "base/text.h"

struct found {
    struct presented p;
    unsigned count;
};

static void found_add(struct found *f, struct presented p)
{
    f->count++;
    f->p = p;
}

static struct cardea_status find_cookie(const struct cookies *c, enum cookie_name name, enum credential_kind kind,
                                        unsigned kinds, struct found *f)
{
    if ((kinds & (unsigned)kind) == 0 || c->values[name].ptr == NULL)
        return CARDEA_SUCCESS;
    if (c->repeated[name])
        return CARDEA_FAIL(E_INVALID_TOKEN);
    found_add(f, (struct presented){.kind = kind, .by_cookie = true, .text = c->values[name]});
    return CARDEA_SUCCESS;
}

/* One name, two kinds. */
static struct cardea_status find_session_cookie(const struct cookies *c, unsigned kinds, struct found *f)
{
    struct view text = c->values[COOKIE_SESSION];
    enum credential_kind kind = text.ptr != NULL && sealed_shaped(text) ? KIND_SEALED : KIND_SESSION;
    if (c->repeated[COOKIE_SESSION] && (kinds & (KIND_SESSION | KIND_SEALED)) != 0)
        return CARDEA_FAIL(E_INVALID_SESSION);
    return find_cookie(c, COOKIE_SESSION, kind, kinds, f);
}

static struct cardea_status find_bearer(const struct request *r, unsigned kinds, struct found *f)
{
    if ((kinds & (KIND_TOKEN | KIND_KEY)) == 0)
        return CARDEA_SUCCESS;
    uint32_t lines = request_header_count(r, VIEW("Authorization"));
    if (lines == 0)
        return CARDEA_SUCCESS;
    if (lines > 1)
        return CARDEA_FAIL(E_MANY_CREDENTIALS);
    struct view scheme, rest;
    view_cut(view_trim(request_header(r, VIEW("Authorization"))), ' ', &scheme, &rest);
    if (!view_equal_ascii_case(scheme, VIEW("Bearer")))
        return CARDEA_SUCCESS;
    struct view text = view_trim(rest);
    enum credential_kind kind = view_starts(text, VIEW(API_KEY_PREFIX)) ? KIND_KEY : KIND_TOKEN;
    if (text.len == 0)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    if ((kinds & (unsigned)kind) != 0)
        found_add(f, (struct presented){.kind = kind, .by_bearer = true, .text = text});
    return CARDEA_SUCCESS;
}

static struct cardea_status find_key(const struct request *r, unsigned kinds, struct found *f)
{
    if ((kinds & KIND_KEY) == 0)
        return CARDEA_SUCCESS;
    uint32_t lines = request_header_count(r, VIEW("X-API-Key"));
    if (lines == 0)
        return CARDEA_SUCCESS;
    if (lines > 1)
        return CARDEA_FAIL(E_MANY_CREDENTIALS);
    found_add(f, (struct presented){.kind = KIND_KEY, .text = view_trim(request_header(r, VIEW("X-API-Key")))});
    return CARDEA_SUCCESS;
}

struct cardea_status presented_find(const struct request *r, const struct cookies *cookies, unsigned kinds,
                                    struct presented *out)
{
    struct found f = {0};
    struct cardea_status s = find_session_cookie(cookies, kinds, &f);
    if (cardea_ok(s))
        s = find_cookie(cookies, COOKIE_ACCESS, KIND_TOKEN, kinds, &f);
    if (cardea_ok(s))
        s = find_bearer(r, kinds, &f);
    if (cardea_ok(s))
        s = find_key(r, kinds, &f);
    if (!cardea_ok(s))
        return s;
    if (f.count > 1)
        return CARDEA_FAIL(E_MANY_CREDENTIALS);
    *out = f.p;
    return CARDEA_SUCCESS;
}

/* base64 (RFC 4648 §4) of "id:key", both of one length: 109 bytes, so the text ends in two paddings. */
enum { BASIC_BYTES = ID16_TEXT + 1 + API_KEY_TEXT, BASIC_CHARS = BASE64URL_LEN(BASIC_BYTES), BASIC_TEXT = 148 };
_Static_assert(BASIC_TEXT == (BASIC_BYTES + 2) / 3 * 4 && BASIC_TEXT - BASIC_CHARS == 2, "the padding");

static bool decode_basic(struct view text, char out[BASIC_BYTES])
{
    char url[BASIC_CHARS];
    if (text.len != BASIC_TEXT || !view_is(view_skip(text, BASIC_CHARS), "=="))
        return false;
    for (size_t i = 0; i < BASIC_CHARS; i++) {
        char c = text.ptr[i];
        if (c == '-' || c == '_')
            return false;
        url[i] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
    }
    bool good = cardea_ok(base64url_decode_exact(view_of(url, sizeof url), out, BASIC_BYTES));
    secret_wipe(url, sizeof url);
    return good && out[ID16_TEXT] == ':';
}

struct cardea_status presented_basic(const struct request *r, struct arena *arena, struct presented *out)
{
    struct view scheme, rest;
    view_cut(view_trim(request_header(r, VIEW("Authorization"))), ' ', &scheme, &rest);
    if (!view_equal_ascii_case(scheme, VIEW("Basic")))
        return CARDEA_SUCCESS;
    if (out->kind != KIND_UNSET)
        return CARDEA_FAIL(E_MANY_CREDENTIALS);
    *out = (struct presented){.kind = KIND_KEY, .by_basic = true};
    char *room = arena_new(arena, BASIC_BYTES);
    if (room == NULL || !decode_basic(view_trim(rest), room))
        return CARDEA_FAIL(E_INVALID_KEY);
    /* The user name says nothing that the key does not say; but one that says otherwise is somebody's mistake. */
    struct view key = view_of(room + ID16_TEXT + 1, API_KEY_TEXT);
    if (!view_starts(key, VIEW(API_KEY_PREFIX)) ||
        !view_starts(view_skip(key, sizeof API_KEY_PREFIX - 1), view_of(room, ID16_TEXT)))
        return CARDEA_FAIL(E_INVALID_KEY);
    out->text = key;
    return CARDEA_SUCCESS;
}
