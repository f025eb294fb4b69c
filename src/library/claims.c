#include "library/claims.h"

#include "base/secret.h"

#include <stdlib.h>

struct cardea_status cardea_claims_new(struct cardea_claims **ret)
{
    if (ret == NULL)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_claims *c = malloc(sizeof *c);
    if (c == NULL)
        return CARDEA_FAIL(E_BUSY);
    c->verified = false;
    *ret = c;
    return CARDEA_SUCCESS;
}

void cardea_claims_free(struct cardea_claims *c)
{
    if (c == NULL)
        return;
    secret_wipe(c, sizeof *c);
    free(c);
}

static const struct verified_token *verified(const struct cardea_claims *c)
{
    return c != NULL && c->verified ? &c->token : NULL;
}

/* Views of texts that a NUL follows. */
static const char *text_or_null(struct view v)
{
    return v.len == 0 ? NULL : v.ptr;
}

const char *cardea_claims_issuer(const struct cardea_claims *c)
{
    return verified(c) == NULL ? NULL : text_or_null(c->token.issuer);
}

const char *cardea_claims_subject(const struct cardea_claims *c)
{
    return verified(c) == NULL ? NULL : text_or_null(c->token.subject);
}

const char *cardea_claims_audience(const struct cardea_claims *c)
{
    return verified(c) == NULL ? NULL : text_or_null(c->token.audience);
}

const char *cardea_claims_id(const struct cardea_claims *c)
{
    return verified(c) == NULL ? NULL : text_or_null(c->token.id);
}

const char *cardea_claims_type(const struct cardea_claims *c)
{
    return verified(c) == NULL || c->type[0] == '\0' ? NULL : c->type;
}

const char *cardea_claims_key_id(const struct cardea_claims *c)
{
    return verified(c) == NULL ? NULL : c->key_id;
}

const char *cardea_claims_algorithm(const struct cardea_claims *c)
{
    return verified(c) == NULL ? NULL : c->algorithm;
}

int64_t cardea_claims_expires_at(const struct cardea_claims *c)
{
    return verified(c) == NULL ? 0 : c->token.exp_s;
}

int64_t cardea_claims_issued_at(const struct cardea_claims *c)
{
    return verified(c) == NULL ? 0 : c->token.iat_s;
}

int64_t cardea_claims_not_before(const struct cardea_claims *c)
{
    return verified(c) == NULL ? 0 : c->token.nbf_s;
}

struct cardea_status cardea_claims_text(const struct cardea_claims *c, const char *path, const char **ret)
{
    struct view text;

    if (verified(c) == NULL || path == NULL || ret == NULL)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = token_claim_text(&c->token, view_text(path), &text);
    if (cardea_ok(s))
        *ret = text.ptr;
    return s;
}

struct cardea_status cardea_claims_int(const struct cardea_claims *c, const char *path, int64_t *ret)
{
    if (verified(c) == NULL || path == NULL || ret == NULL)
        return CARDEA_FAIL(E_USAGE);
    return token_claim_int(&c->token, view_text(path), ret);
}

struct cardea_status cardea_claims_bool(const struct cardea_claims *c, const char *path, bool *ret)
{
    if (verified(c) == NULL || path == NULL || ret == NULL)
        return CARDEA_FAIL(E_USAGE);
    return token_claim_bool(&c->token, view_text(path), ret);
}

struct cardea_status cardea_claims_list(const struct cardea_claims *c, const char *path, const char **out, size_t cap,
                                        size_t *ret_count)
{
    struct view texts[CARDEA_TOKEN_VALUES_MAX];
    size_t count;

    if (verified(c) == NULL || path == NULL || ret_count == NULL || (out == NULL && cap > 0))
        return CARDEA_FAIL(E_USAGE);
    if (cap > CARDEA_TOKEN_VALUES_MAX)
        cap = CARDEA_TOKEN_VALUES_MAX;
    struct cardea_status s = token_claim_list(&c->token, view_text(path), texts, cap, &count);
    if (!cardea_ok(s))
        return s;
    for (size_t i = 0; i < count && out != NULL; i++)
        out[i] = texts[i].ptr;
    *ret_count = count;
    return s;
}

bool cardea_claims_has(const struct cardea_claims *c, const char *path, const char *word)
{
    return verified(c) != NULL && path != NULL && word != NULL &&
           token_claim_has(&c->token, view_text(path), view_text(word));
}

struct cardea_bytes cardea_claims_json(const struct cardea_claims *c)
{
    return verified(c) == NULL ? cardea_bytes(NULL, 0)
                               : cardea_bytes(token_payload(&c->token).ptr, token_payload(&c->token).len);
}
