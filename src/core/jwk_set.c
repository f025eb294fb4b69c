#include "core/jwk.h"

#include "base/json.h"

#include <stdlib.h>

/* What one usable key and its certificates take, times JWK_SET_MAX, and room for what is skipped. */
enum { SET_TOKENS = 8192 };

#define REFUSED CARDEA_FAIL(E_INVALID_FIELD)

void jwk_set_free(struct jwk_set *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        jwk_key_clear(&s->keys[i]);
    free(s);
}

const struct jwk_key *jwk_set_find(const struct jwk_set *s, struct view kid)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (view_is(kid, s->keys[i].kid))
            return &s->keys[i];
    return NULL;
}

/* Is this key for signatures at all? One that is not can not spoil a set. The caller's word is for keys that say
 * nothing themselves. */
static struct cardea_status load(const struct jwk *k, enum signature_algorithm asked, struct jwk_key *out)
{
    enum signature_algorithm own = jwk_algorithm(k, SIGNATURE_UNSET);

    return jwk_load(k, own != SIGNATURE_UNSET ? SIGNATURE_UNSET : asked, out);
}

/* Add one entry, or skip it. *secrets: 0 none seen, 1 public ones, 2 secret ones. */
static struct cardea_status add(struct jwk_set *set, struct view source, enum signature_algorithm asked, int *secrets)
{
    struct jwk k;
    struct jwk_key key;
    struct cardea_status s = jwk_read(source, &k);

    if (!cardea_ok(s)) {
        set->skipped++;
        return CARDEA_SUCCESS;
    }
    int kind = raw_key_is_secret(&k.raw) ? 2 : 1;
    bool mixed = *secrets != 0 && *secrets != kind;
    s = mixed ? REFUSED : load(&k, asked, &key);
    jwk_clear(&k);
    *secrets = kind;
    if (mixed || s.code == CARDEA_E_BUSY)
        return s;
    if (!cardea_ok(s)) {
        set->skipped++;
        return CARDEA_SUCCESS;
    }
    if (set->count == JWK_SET_MAX || jwk_set_find(set, view_text(key.kid)) != NULL) {
        jwk_key_clear(&key);
        return set->count == JWK_SET_MAX ? CARDEA_FAIL(E_LIMIT) : REFUSED;
    }
    set->keys[set->count++] = key;
    return CARDEA_SUCCESS;
}

/* Two values that mean the same text, however each is escaped; what is no text, or too long for a kid, as written. */
static bool same_kid(const struct json *doc, uint32_t a, uint32_t b)
{
    char text_a[JWK_KID_MAX], text_b[JWK_KID_MAX];
    struct buf one = buf_fixed(text_a, sizeof text_a), other = buf_fixed(text_b, sizeof text_b);

    if (cardea_ok(json_text(doc, a, &one)) && cardea_ok(json_text(doc, b, &other)))
        return view_equal(buf_view(&one), buf_view(&other));
    return view_equal(json_source(doc, a), json_source(doc, b));
}

/* Does an entry before this one have the same kid? Also where one of the two would be skipped: a kid that two share
 * tells nothing, and which of them is usable may change. */
static bool kid_seen(const struct json *doc, uint32_t keys, uint32_t entry)
{
    uint32_t kid = json_get(doc, entry, VIEW("kid"));

    if (kid == 0)
        return false;
    for (uint32_t c = json_first(doc, keys); c != entry; c = json_after(doc, keys, c)) {
        uint32_t other = json_get(doc, c, VIEW("kid"));
        if (other != 0 && same_kid(doc, other, kid))
            return true;
    }
    return false;
}

static struct cardea_status read_set(const struct json *doc, enum signature_algorithm asked, struct jwk_set *set)
{
    uint32_t keys = json_get(doc, 0, VIEW("keys"));
    struct cardea_status s = CARDEA_SUCCESS;
    uint32_t entries = 0;
    int secrets = 0;

    if (json_type(doc, 0) != JSON_OBJECT || keys == 0 || json_type(doc, keys) != JSON_ARRAY)
        return REFUSED;
    for (uint32_t c = json_first(doc, keys); cardea_ok(s) && c != 0; c = json_after(doc, keys, c))
        if (++entries > JWK_SET_ENTRIES)
            s = CARDEA_FAIL(E_LIMIT);
        else if (kid_seen(doc, keys, c))
            s = REFUSED;
        else
            s = json_type(doc, c) == JSON_OBJECT ? add(set, json_source(doc, c), asked, &secrets) : REFUSED;
    set->secret = secrets == 2;
    return s;
}

struct cardea_status jwk_set_read(struct view text, enum signature_algorithm asked, struct jwk_set **out)
{
    struct json doc;

    if (text.len > JWK_SET_TEXT_MAX)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct json_token *tokens = calloc(SET_TOKENS, sizeof *tokens);
    struct jwk_set *set = calloc(1, sizeof *set + JWK_SET_MAX * sizeof set->keys[0]);
    struct cardea_status s = CARDEA_FAIL(E_BUSY);
    if (tokens != NULL && set != NULL) {
        s = json_read(text, tokens, SET_TOKENS, &doc, NULL);
        if (cardea_ok(s))
            s = read_set(&doc, asked, set);
        else if (s.code != CARDEA_E_TOO_LARGE)
            s = REFUSED;
    }
    free(tokens);
    if (cardea_ok(s))
        *out = set;
    else
        jwk_set_free(set);
    return s;
}
