/* What the claims of a verified token say (token_verifier.h). */
#include "core/token_judge.h"

#include "base/text.h"

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
    return token_text_at(t->texts, &t->claims, string);
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
