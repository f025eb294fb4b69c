#include "core/issuer.h"

#include "core/verify_cache.h"

#include <stdatomic.h>

/* --- before the signature --- */

struct cardea_status foreign_issuer(const struct settings *s, const struct policy *p, struct view text,
                                    struct token_space *space, size_t *ret_index)
{
    struct view names[ISSUERS_MAX];
    size_t index_of[ISSUERS_MAX], count = 0, found = 0;

    for (uint32_t i = 0; i < s->issuer_count; i++)
        if ((p->issuer_bits & 1u << i) != 0) {
            names[count] = view_text(s->issuers[i].issuer);
            index_of[count++] = i;
        }
    struct cardea_status status = token_read(text, space);
    if (cardea_ok(status))
        status = token_names_issuer(space, names, count, &found);
    if (!cardea_ok(status))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    *ret_index = index_of[found];
    return CARDEA_SUCCESS;
}

/* --- rules --- */

/* One name stands for both of EdDSA's curves; the key says which. */
static uint32_t algorithms_of(const struct issuer *i)
{
    uint32_t set = 0;
    for (uint32_t a = 0; a < i->algorithm_count; a++) {
        set |= TOKEN_ALGORITHM(i->algorithms[a]);
        if (i->algorithms[a] == SIGNATURE_ED25519)
            set |= TOKEN_ALGORITHM(SIGNATURE_ED448);
    }
    return set & TOKEN_ALGORITHMS_PUBLIC;
}

struct rule_texts { /* what a struct token_rules borrows */
    struct view issuer, audiences[ISSUER_AUDIENCES_MAX];
};

static struct token_rules rules_of(const struct issuer *i, struct rule_texts *texts)
{
    texts->issuer = view_text(i->issuer);
    for (uint32_t a = 0; a < i->audience_count; a++)
        texts->audiences[a] = view_text(i->audiences[a]);
    return (struct token_rules){
        .issuers = &texts->issuer,
        .issuer_count = 1,
        .audiences = texts->audiences,
        .audience_count = i->audience_count,
        .audience_claim = view_text(i->audience_claim),
        .algorithms = algorithms_of(i),
        .types = i->types,
        .leeway_s = i->leeway_ms / 1000,
        .lifetime_max_s = i->lifetime_max_ms / 1000,
    };
}

/* --- what the token must say --- */

/* Does a claim say a value: a text that is it, a number or boolean written so, a list with it? */
static bool says(const struct verified_token *t, uint32_t at, struct view value)
{
    const struct json *doc = &t->claims;
    switch (json_type(doc, at)) {
    case JSON_STRING:
        return view_equal(token_text(t, at), value);
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
        return view_equal(json_source(doc, at), value);
    case JSON_ARRAY:
        for (uint32_t c = json_first(doc, at); c != 0; c = json_after(doc, at, c))
            if (json_type(doc, c) == JSON_STRING && view_equal(token_text(t, c), value))
                return true;
        return false;
    case JSON_ABSENT:
    case JSON_OBJECT:
    case JSON_NULL:
        break;
    }
    return false;
}

static bool required_hold(const struct issuer *i, const struct verified_token *t)
{
    for (uint32_t r = 0; r < i->required_count; r++) {
        struct view path, value;
        bool valued = view_cut(view_text(i->required[r]), '=', &path, &value);
        uint32_t at = token_claim(t, path);
        if (at == 0 || json_type(&t->claims, at) == JSON_NULL || (valued && !says(t, at, value)))
            return false;
    }
    return true;
}

static bool client_accepted(const struct issuer *i, struct view client)
{
    for (uint32_t c = 0; c < i->client_count; c++)
        if (view_is(client, i->clients[c]))
            return true;
    return i->client_count == 0;
}

/* --- the mapping --- */

/* Fit for a header and a log line. */
static bool plain(struct view v, size_t max)
{
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] < 0x20 || v.ptr[i] == 0x7f)
            return false;
    return v.len <= max;
}

static bool map_text(const struct verified_token *t, struct view path, size_t max, struct view *out)
{
    uint32_t at = token_claim(t, path);
    *out = VIEW_EMPTY;
    if (at == 0 || json_type(&t->claims, at) == JSON_NULL)
        return true;
    if (json_type(&t->claims, at) != JSON_STRING)
        return false;
    *out = token_text(t, at);
    return plain(*out, max);
}

/* The first path that leads to a text. */
static bool map_first(const struct verified_token *t, const struct issuer_paths *paths, struct view *out)
{
    bool good = true;
    *out = VIEW_EMPTY;
    for (uint32_t i = 0; good && out->len == 0 && i < paths->count; i++)
        good = map_text(t, view_text(paths->paths[i]), FOREIGN_USERNAME_MAX, out);
    return good;
}

struct words {
    struct view *items;
    uint32_t count;
};

static bool add_word(struct words *w, struct view word)
{
    if (word.len == 0)
        return true;
    if (w->count == FOREIGN_WORDS_MAX || !plain(word, FOREIGN_USERNAME_MAX))
        return false;
    w->items[w->count++] = word;
    return true;
}

static bool map_words(const struct verified_token *t, struct view path, struct words *w)
{
    const struct json *doc = &t->claims;
    uint32_t at = token_claim(t, path);
    bool good = true;
    if (at == 0 || json_type(doc, at) == JSON_NULL)
        return true;
    if (json_type(doc, at) == JSON_STRING) {
        struct view one, rest = token_text(t, at);
        for (bool more = true; good && more; good = add_word(w, one))
            more = view_cut(rest, ' ', &one, &rest);
        return good;
    }
    if (json_type(doc, at) != JSON_ARRAY)
        return false;
    for (uint32_t c = json_first(doc, at); good && c != 0; c = json_after(doc, at, c))
        good = json_type(doc, c) == JSON_STRING && add_word(w, token_text(t, c));
    return good;
}

static bool map_all(const struct verified_token *t, const struct issuer_paths *paths, struct view *items,
                    uint32_t *ret_count)
{
    struct words w = {items, 0};
    bool good = true;
    for (uint32_t i = 0; good && i < paths->count; i++)
        good = map_words(t, view_text(paths->paths[i]), &w);
    *ret_count = w.count;
    return good;
}

/* An address that nobody has proven is none: applications take it for an identity. */
static bool map_email(const struct issuer *i, const struct verified_token *t, struct view *out)
{
    bool verified = i->trust_email;
    *out = VIEW_EMPTY;
    if (!verified && i->email_verified[0] != '\0' &&
        !cardea_ok(token_claim_bool(t, view_text(i->email_verified), &verified)))
        verified = false;
    return !verified || i->email[0] == '\0' || map_text(t, view_text(i->email), EMAIL_MAX, out);
}

/* Which of the issuer's audiences: a policy may ask for one of them. */
static unsigned audiences_of(const struct issuer *i, const struct verified_token *t)
{
    unsigned bits = 0;
    uint32_t at = token_claim(t, view_text(i->audience_claim));
    for (uint32_t a = 0; a < i->audience_count; a++)
        if (says(t, at, view_text(i->audiences[a])))
            bits |= 1u << a;
    return bits;
}

static bool map(const struct issuer *i, const struct verified_token *t, struct foreign_identity *out)
{
    out->issuer = i;
    out->audiences = audiences_of(i, t);
    out->expires_at_s = t->exp_s;
    out->authenticated_at_s = 0;
    if (token_claim(t, VIEW("auth_time")) != 0 &&
        !cardea_ok(token_claim_int(t, VIEW("auth_time"), &out->authenticated_at_s)))
        return false;
    return map_text(t, view_text(i->user), FOREIGN_SUBJECT_MAX, &out->subject) && out->subject.len > 0 &&
           map_first(t, &i->username, &out->username) && map_first(t, &i->client, &out->client) &&
           map_email(i, t, &out->email) && map_all(t, &i->roles, out->roles, &out->role_count) &&
           map_all(t, &i->scopes, out->scopes, &out->scope_count);
}

/* --- verification --- */

/* The signature, or the word of this thread's cache that it was good under this very set. */
static struct cardea_status check(const struct issuer_keys *keys, const struct jwk_key *key,
                                  const struct token_rules *rules, struct verify_cache *cache, int64_t now_ms,
                                  struct view text, struct token_space *space, struct verified_token *out)
{
    if (cache == NULL)
        return token_check(key, rules, now_ms, space, out);
    struct token_hash hash = verify_cache_hash(cache, text);
    if (verify_cache_signed(cache, hash, keys->generation))
        return token_check_again(key, rules, now_ms, space, out);
    struct cardea_status s = token_check(key, rules, now_ms, space, out);
    if (cardea_ok(s))
        verify_cache_put_signed(cache, hash, keys->generation);
    return s;
}

struct cardea_status foreign_verify(const struct settings *s, const struct issuer_ring *ring, size_t which,
                                    struct verify_cache *cache, int64_t now_ms, int64_t boot_ms, struct view text,
                                    struct token_space *space, struct foreign_identity *out)
{
    const struct issuer *issuer = &s->issuers[which];
    const struct issuer_keys *keys =
        ring != NULL && ring->settings_generation == s->generation ? ring->keys[which] : NULL;
    struct rule_texts texts;
    struct verified_token token;

    if (keys == NULL || boot_ms >= atomic_load_explicit(&keys->drop_at_ms, memory_order_relaxed))
        return CARDEA_FAIL(E_UNAVAILABLE);
    const struct jwk_key *key = jws_find_key(&space->jws, keys->set);
    if (key == NULL)
        return CARDEA_FAIL(E_NOT_FOUND);
    struct token_rules rules = rules_of(issuer, &texts);
    struct cardea_status status = check(keys, key, &rules, cache, now_ms, text, space, &token);
    if (!cardea_ok(status))
        return status;
    if (!required_hold(issuer, &token))
        return CARDEA_FAIL(E_INVALID_TOKEN);
    return map(issuer, &token, out) && client_accepted(issuer, out->client) ? CARDEA_SUCCESS : CARDEA_FAIL(E_FORBIDDEN);
}

/* --- policy --- */

static bool has_word(const struct view *words, uint32_t count, const char *word)
{
    for (uint32_t i = 0; i < count; i++)
        if (view_is(words[i], word))
            return true;
    return false;
}

static bool audience_accepted(const struct policy *p, const struct foreign_identity *who)
{
    for (uint32_t a = 0; a < who->issuer->audience_count; a++)
        if ((who->audiences & 1u << a) != 0 && strcmp(who->issuer->audiences[a], p->audience) == 0)
            return true;
    return p->audience[0] == '\0';
}

static bool role_accepted(const struct policy *p, const struct foreign_identity *who)
{
    for (uint32_t i = 0; i < p->role_count; i++)
        if (has_word(who->roles, who->role_count, p->roles[i]))
            return true;
    return p->role_count == 0;
}

static bool scopes_accepted(const struct policy *p, const struct foreign_identity *who)
{
    for (uint32_t i = 0; i < p->scope_count; i++)
        if (!has_word(who->scopes, who->scope_count, p->scopes[i]))
            return false;
    return true;
}

/* A time to come is no login's, but for clocks that differ a little. */
static bool young_enough(const struct policy *p, const struct foreign_identity *who, int64_t now_s)
{
    int64_t at_s = who->authenticated_at_s;
    return at_s > 0 && at_s <= now_s + who->issuer->leeway_ms / 1000 && now_s - at_s <= p->login_age_max_ms / 1000;
}

struct cardea_status policy_check_foreign(const struct policy *p, const struct foreign_identity *who, int64_t now_ms)
{
    if ((p->kinds != 0 && (p->kinds & KIND_TOKEN) == 0) || p->app_count > 0 || !audience_accepted(p, who) ||
        !role_accepted(p, who) || !scopes_accepted(p, who))
        return CARDEA_FAIL(E_FORBIDDEN);
    if (p->login_age_max_ms > 0 && !young_enough(p, who, now_ms / 1000))
        return CARDEA_FAIL(E_LOGIN_TOO_OLD);
    return CARDEA_SUCCESS;
}
