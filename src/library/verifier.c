#include "cardea/verifier.h"

#include "library/claims.h"
#include "library/library.h"

#include <stdlib.h>

_Static_assert((int)CARDEA_TOKEN_MAX == (int)JWS_TEXT_MAX && (int)CARDEA_TOKEN_VALUES_MAX == (int)TOKEN_VALUES_MAX &&
                   (int)CARDEA_LEEWAY_MAX_S == (int)TOKEN_LEEWAY_MAX_S,
               "the limits in cardea/verifier.h");

struct list {
    size_t count;
    struct view items[CARDEA_VERIFIER_LIST_MAX]; /* copies of ours, a NUL behind each */
};

struct cardea_verifier {
    struct token_rules rules;
    struct list issuers, audiences, required;
    bool types_said, algorithms_said;
    char type[CARDEA_VERIFIER_TEXT_MAX + 1]; /* beside those that core knows by name */
    char audience_claim[CARDEA_VERIFIER_TEXT_MAX + 1];
    size_t key_count, owner_count, set_count;
    const struct jwk_key *keys[CARDEA_KEY_SET_MAX];
    struct cardea_key *owners[CARDEA_KEY_SET_MAX]; /* what the keys live in */
    struct cardea_keys *sets[CARDEA_KEY_SET_MAX];
    size_t public_count, local_count;
    struct cardea_paseto_public_key *publics[CARDEA_VERIFIER_LIST_MAX];
    struct cardea_paseto_local_key *locals[CARDEA_VERIFIER_LIST_MAX];
};

/* --- policy --- */

struct cardea_status cardea_verifier_new(struct cardea_verifier **ret)
{
    if (ret == NULL)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_verifier *v = calloc(1, sizeof *v);
    if (v == NULL)
        return CARDEA_FAIL(E_BUSY);
    v->rules.types = TOKEN_TYPE_ACCESS;
    v->rules.algorithms = TOKEN_ALGORITHMS_ALL;
    v->rules.leeway_s = CARDEA_LEEWAY_DEFAULT_S;
    *ret = v;
    return CARDEA_SUCCESS;
}

static void list_clear(struct list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free((char *)(uintptr_t)l->items[i].ptr);
}

void cardea_verifier_free(struct cardea_verifier *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->owner_count; i++)
        cardea_key_free(v->owners[i]);
    for (size_t i = 0; i < v->set_count; i++)
        cardea_keys_free(v->sets[i]);
    for (size_t i = 0; i < v->public_count; i++)
        cardea_paseto_public_key_free(v->publics[i]);
    for (size_t i = 0; i < v->local_count; i++)
        cardea_paseto_local_key_free(v->locals[i]);
    list_clear(&v->issuers);
    list_clear(&v->audiences);
    list_clear(&v->required);
    free(v);
}

/* May these be added? A secret without an id can stand alone only: nothing would tell it from others. */
static struct cardea_status may_add(const struct cardea_verifier *v, const struct jwk_key *keys, size_t count)
{
    if (v->key_count + count > CARDEA_KEY_SET_MAX)
        return CARDEA_FAIL(E_LIMIT);
    for (size_t i = 0; i < v->key_count; i++)
        for (size_t j = 0; j < count; j++)
            if (keys[j].kid[0] == '\0' || v->keys[i]->kid[0] == '\0' || strcmp(v->keys[i]->kid, keys[j].kid) == 0)
                return CARDEA_FAIL(E_CONFLICT);
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_add_key(struct cardea_verifier *v, const struct cardea_key *k)
{
    if (v == NULL || k == NULL || k->ready.verify == NULL)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = may_add(v, &k->ready, 1);
    if (!cardea_ok(s))
        return s;
    v->owners[v->owner_count++] = key_ref(k);
    v->keys[v->key_count++] = &k->ready;
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_add_keys(struct cardea_verifier *v, const struct cardea_keys *set)
{
    if (v == NULL || set == NULL)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = may_add(v, set->set->keys, set->set->count);
    if (!cardea_ok(s))
        return s;
    if (v->set_count == CARDEA_KEY_SET_MAX)
        return CARDEA_FAIL(E_LIMIT);
    v->sets[v->set_count++] = keys_ref(set);
    for (uint32_t i = 0; i < set->set->count; i++)
        v->keys[v->key_count++] = &set->set->keys[i];
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_add_paseto_public_key(struct cardea_verifier *v,
                                                           const struct cardea_paseto_public_key *k)
{
    if (v == NULL || k == NULL)
        return CARDEA_FAIL(E_USAGE);
    for (size_t i = 0; i < v->public_count; i++)
        if (paserk_id_same(&v->publics[i]->ready.id, &k->ready.id))
            return CARDEA_FAIL(E_CONFLICT);
    if (v->public_count == CARDEA_VERIFIER_LIST_MAX)
        return CARDEA_FAIL(E_LIMIT);
    v->publics[v->public_count++] = paseto_public_key_ref(k);
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_add_paseto_local_key(struct cardea_verifier *v,
                                                          const struct cardea_paseto_local_key *k)
{
    if (v == NULL || k == NULL)
        return CARDEA_FAIL(E_USAGE);
    for (size_t i = 0; i < v->local_count; i++)
        if (paserk_id_same(&v->locals[i]->ready.id, &k->ready.id))
            return CARDEA_FAIL(E_CONFLICT);
    if (v->local_count == CARDEA_VERIFIER_LIST_MAX)
        return CARDEA_FAIL(E_LIMIT);
    v->locals[v->local_count++] = paseto_local_key_ref(k);
    return CARDEA_SUCCESS;
}

static struct cardea_status list_add(struct list *l, const char *text)
{
    if (!text_sized(text, CARDEA_VERIFIER_TEXT_MAX))
        return CARDEA_FAIL(E_USAGE);
    if (l->count == CARDEA_VERIFIER_LIST_MAX)
        return CARDEA_FAIL(E_LIMIT);
    size_t len = strlen(text);
    char *copy = malloc(len + 1);
    if (copy == NULL)
        return CARDEA_FAIL(E_BUSY);
    memcpy(copy, text, len + 1);
    l->items[l->count++] = view_of(copy, len);
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_issuer(struct cardea_verifier *v, const char *issuer)
{
    return v == NULL || v->rules.any_issuer ? CARDEA_FAIL(E_USAGE) : list_add(&v->issuers, issuer);
}

struct cardea_status cardea_verifier_audience(struct cardea_verifier *v, const char *audience)
{
    return v == NULL || v->rules.any_audience ? CARDEA_FAIL(E_USAGE) : list_add(&v->audiences, audience);
}

struct cardea_status cardea_verifier_require(struct cardea_verifier *v, const char *name)
{
    return v == NULL ? CARDEA_FAIL(E_USAGE) : list_add(&v->required, name);
}

struct cardea_status cardea_verifier_audience_claim(struct cardea_verifier *v, const char *name)
{
    if (v == NULL || !text_sized(name, CARDEA_VERIFIER_TEXT_MAX) ||
        !view_copy(view_text(name), v->audience_claim, sizeof v->audience_claim))
        return CARDEA_FAIL(E_USAGE);
    v->rules.audience_claim = view_text(v->audience_claim);
    return CARDEA_SUCCESS;
}

/* A list and its waiver contradict each other. */
struct cardea_status cardea_verifier_any_issuer(struct cardea_verifier *v)
{
    if (v == NULL || v->issuers.count > 0)
        return CARDEA_FAIL(E_USAGE);
    v->rules.any_issuer = true;
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_any_audience(struct cardea_verifier *v)
{
    if (v == NULL || v->audiences.count > 0)
        return CARDEA_FAIL(E_USAGE);
    v->rules.any_audience = true;
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_type(struct cardea_verifier *v, const char *type)
{
    if (v == NULL || type == NULL || strnlen(type, sizeof v->type) >= sizeof v->type)
        return CARDEA_FAIL(E_USAGE);
    unsigned known = type[0] == '\0'                                          ? TOKEN_TYPE_NONE
                     : view_equal_ascii_case(view_text(type), VIEW("JWT"))    ? TOKEN_TYPE_JWT
                     : view_equal_ascii_case(view_text(type), VIEW("at+jwt")) ? TOKEN_TYPE_ACCESS
                                                                              : 0;
    if (known == 0 && v->type[0] != '\0')
        return CARDEA_FAIL(E_LIMIT);
    if (!v->types_said)
        v->rules.types = 0;
    v->types_said = true;
    v->rules.types |= known;
    if (known == 0 && view_copy(view_text(type), v->type, sizeof v->type))
        v->rules.type = view_text(v->type);
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_algorithm(struct cardea_verifier *v, const char *algorithm)
{
    enum signature_algorithm a = signature_algorithm_parse(view_text(algorithm));

    if (v == NULL || a == SIGNATURE_UNSET)
        return CARDEA_FAIL(E_USAGE);
    if (!v->algorithms_said)
        v->rules.algorithms = 0;
    v->algorithms_said = true;
    v->rules.algorithms |= TOKEN_ALGORITHM(a);
    if (a == SIGNATURE_ED25519) /* EdDSA names both */
        v->rules.algorithms |= TOKEN_ALGORITHM(SIGNATURE_ED448);
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_leeway(struct cardea_verifier *v, int64_t seconds)
{
    if (v == NULL || seconds < 0 || seconds > CARDEA_LEEWAY_MAX_S)
        return CARDEA_FAIL(E_USAGE);
    v->rules.leeway_s = seconds;
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_lifetime(struct cardea_verifier *v, int64_t seconds)
{
    if (v == NULL || seconds < 1 || seconds > INT32_MAX)
        return CARDEA_FAIL(E_USAGE);
    v->rules.lifetime_max_s = seconds;
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_age(struct cardea_verifier *v, int64_t seconds)
{
    if (v == NULL || seconds < 1 || seconds > INT32_MAX)
        return CARDEA_FAIL(E_USAGE);
    v->rules.age_max_s = seconds;
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_verifier_bound(struct cardea_verifier *v)
{
    if (v == NULL)
        return CARDEA_FAIL(E_USAGE);
    v->rules.bound = true;
    return CARDEA_SUCCESS;
}

/* --- verification --- */

/* NULL: none. A token without kid may mean the only key of its alg; were there two, to try both would be to let it
 * choose. */
static const struct jwk_key *find_key(const struct cardea_verifier *v, const struct jws_header *h)
{
    const struct jwk_key *found = NULL;

    if (v->key_count == 1 && v->owner_count == 1 && !v->owners[0]->named)
        return v->keys[0];
    for (size_t i = 0; i < v->key_count; i++) {
        if (h->kid.len > 0 ? !view_is(h->kid, v->keys[i]->kid)
                           : !view_is(h->alg, signature_algorithm_name(v->keys[i]->algorithm)))
            continue;
        if (found != NULL)
            return NULL;
        found = v->keys[i];
    }
    return found;
}

static struct cardea_status verify_jws(const struct cardea_verifier *v, const struct token_rules *rules,
                                       struct view token, int64_t now_ms, struct cardea_claims *c)
{
    struct cardea_status s = token_read(token, &c->space);

    if (cardea_ok(s))
        s = token_check(find_key(v, &c->space.jws.header), rules, now_ms, &c->space, &c->token);
    if (!cardea_ok(s))
        return s;
    c->algorithm = signature_algorithm_name(c->token.algorithm);
    return view_copy(c->token.kid, c->key_id, sizeof c->key_id) && view_copy(c->token.type, c->type, sizeof c->type)
               ? CARDEA_SUCCESS
               : CARDEA_FAIL(E_INTERNAL);
}

/* The only key of its purpose, whatever the footer says, as with a JWS; else the one that the footer names. */
static struct cardea_status verify_public(const struct cardea_verifier *v, const struct token_rules *rules,
                                          struct view token, int64_t now_ms, struct cardea_claims *c)
{
    const struct cardea_paseto_public_key *k = v->public_count == 1 ? v->publics[0] : NULL;
    struct paserk_id id;

    if (k == NULL && cardea_ok(token_footer_key(token, &id)))
        for (size_t i = 0; i < v->public_count && k == NULL; i++)
            k = paserk_id_same(&v->publics[i]->ready.id, &id) ? v->publics[i] : NULL;
    if (k == NULL)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    c->algorithm = "v4.public";
    memcpy(c->key_id, k->id, sizeof k->id);
    return token_check_public(&k->ready, rules, token, VIEW_EMPTY, now_ms, &c->work, &c->space, &c->token);
}

static struct cardea_status verify_local(const struct cardea_verifier *v, const struct token_rules *rules,
                                         struct view token, int64_t now_ms, struct cardea_claims *c)
{
    const struct cardea_paseto_local_key *k = v->local_count == 1 ? v->locals[0] : NULL;
    struct paserk_id id;

    if (k == NULL && cardea_ok(token_footer_key(token, &id)))
        for (size_t i = 0; i < v->local_count && k == NULL; i++)
            k = paserk_id_same(&v->locals[i]->ready.id, &id) ? v->locals[i] : NULL;
    if (k == NULL)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    c->algorithm = "v4.local";
    memcpy(c->key_id, k->id, sizeof k->id);
    return token_check_local(&k->ready, rules, token, VIEW_EMPTY, now_ms, &c->work, &c->space, &c->token);
}

/* The two forms have nothing in common, neither a first character nor a key: a token's form chooses among disjoint sets
 * of keys, and within one, the key says everything. */
static struct cardea_status verify(const struct cardea_verifier *v, struct view token, int64_t now_ms,
                                   struct cardea_claims *c)
{
    struct token_rules rules = v->rules;

    rules.issuers = v->issuers.items;
    rules.issuer_count = v->issuers.count;
    rules.audiences = v->audiences.items;
    rules.audience_count = v->audiences.count;
    rules.required = v->required.items;
    rules.required_count = v->required.count;
    c->type[0] = '\0';
    switch (paseto_purpose(token)) {
    case PASETO_PUBLIC:
        return verify_public(v, &rules, token, now_ms, c);
    case PASETO_LOCAL:
        return verify_local(v, &rules, token, now_ms, c);
    case PASETO_UNSET:
        break;
    }
    return verify_jws(v, &rules, token, now_ms, c);
}

struct cardea_status cardea_verify(const struct cardea_verifier *v, struct cardea_bytes token, int64_t now_s,
                                   struct cardea_claims *claims)
{
    if (claims != NULL)
        claims->verified = false;
    if (v == NULL || claims == NULL || !bytes_readable(token) || now_s < 0 || now_s > INT64_MAX / 1000 ||
        v->key_count + v->public_count + v->local_count == 0 || (v->issuers.count == 0 && !v->rules.any_issuer) ||
        (v->audiences.count == 0 && !v->rules.any_audience))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = verify(v, bytes_view(token), now_s * 1000, claims);
    claims->verified = cardea_ok(s);
    return s;
}

struct cardea_status cardea_token_peek_key_id(struct cardea_bytes token, char *out, size_t cap, size_t *ret_len)
{
    struct jws jws;

    if (!bytes_readable(token))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = jws_read(bytes_view(token), &jws);
    return cardea_ok(s) ? give(jws.header.kid, out, cap, ret_len) : s;
}
