/* cardea token verify: the exit status is the answer. */
#include "cli/key_file.h"
#include "cli/token_paseto.h"
#include "cli/token_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TOKEN_INPUT_MAX = 65536 };

#define USAGE(...) (complain(__VA_ARGS__), EXIT_USAGE)

/* The one key, or the set of keys, ready. */
struct ready {
    struct jwk_set *set; /* NULL: the one */
    struct jwk_key key;
};

/* The algorithm of keys that name none: what --alg says, once. */
static enum signature_algorithm asked_for(const struct context *c)
{
    const char *alg = context_option_at(c, "alg", 0);
    return alg == NULL || context_option_at(c, "alg", 1) != NULL ? SIGNATURE_UNSET
                                                                 : signature_algorithm_parse(view_text(alg));
}

static enum exit_code make_ready(const struct context *c, const struct key_file *f, struct ready *out)
{
    enum signature_algorithm asked = asked_for(c);
    const struct jwk *k = &f->keys[0];

    if (f->form == KEY_FORM_JWKS) {
        struct cardea_status s = jwk_set_read(input_text(&f->text), asked, &out->set);
        if (s.code == CARDEA_E_LIMIT || s.code == CARDEA_E_TOO_LARGE)
            return USAGE("%s: more than %d usable keys, or %d entries", f->name, JWK_SET_MAX, JWK_SET_ENTRIES);
        if (!cardea_ok(s))
            return USAGE("%s: a kid stands twice, or secret and public keys are mixed: no set to trust", f->name);
        return out->set->count > 0
                   ? EXIT_OK
                   : USAGE("%s: no usable key for signatures; where keys name no alg, say --alg once", f->name);
    }
    /* A key that names its algorithm keeps it; the rules refuse it then where --alg is another. */
    enum signature_algorithm own = jwk_algorithm(k, SIGNATURE_UNSET);
    if (own == SIGNATURE_UNSET && asked == SIGNATURE_UNSET)
        return USAGE("%s: the key names no algorithm; say --alg, once", f->name);
    if (!cardea_ok(jwk_load(k, own != SIGNATURE_UNSET ? SIGNATURE_UNSET : asked, &out->key)))
        return USAGE("%s: the key is too weak, malformed, or not for this algorithm and for signatures", f->name);
    return out->key.verify != NULL ? EXIT_OK : USAGE("%s: the key's key_ops does not allow to verify", f->name);
}

/* What the commonest mistakes are; said of a token that was refused anyway, it tells nobody a secret. */
static const char *explain(const struct jws *j, const struct jwk_key *key, const struct token_rules *r, char *text,
                           size_t cap)
{
    struct view typ = j->header.typ;

    if (key == NULL && j->header.kid.len > 0)
        snprintf(text, cap, "no usable key has the kid that it names, %.*s", (int)j->header.kid.len, j->header.kid.ptr);
    else if (key == NULL)
        snprintf(text, cap, "it names no kid, and not exactly one key is for its alg, %.*s", (int)j->header.alg.len,
                 j->header.alg.ptr);
    else if (!view_is(j->header.alg, signature_algorithm_name(key->algorithm)))
        snprintf(text, cap, "its alg is %.*s, the key's %s", (int)j->header.alg.len, j->header.alg.ptr,
                 signature_algorithm_name(key->algorithm));
    else if ((r->algorithms & TOKEN_ALGORITHM(key->algorithm)) == 0)
        snprintf(text, cap, "the key is for %s, which --alg does not name", signature_algorithm_name(key->algorithm));
    else if (r->types == TOKEN_TYPE_ACCESS && !view_equal_ascii_case(typ, VIEW("at+jwt")) &&
             !view_equal_ascii_case(typ, VIEW("application/at+jwt")))
        snprintf(text, cap, "its typ is %.*s, not at+jwt; see --type", typ.len == 0 ? 4 : (int)typ.len,
                 typ.len == 0 ? "none" : typ.ptr);
    else
        return NULL;
    return text;
}

static enum exit_code judge(const struct context *c, const struct ready *ready, const struct token_rules *r,
                            struct view text)
{
    char reason[512];
    struct verified_token token;
    struct token_space *space = calloc(1, sizeof(*space));
    struct verdict v = {0};

    if (space == NULL) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    v.status = token_read(text, space);
    if (!cardea_ok(v.status)) {
        v.reason = "it is no signed token in form";
    } else {
        const struct jwk_key *key = ready->set == NULL ? &ready->key : jws_find_key(&space->jws, ready->set);
        v.status = token_check(key, r, (int64_t)time(NULL) * 1000, space, &token);
        if (v.status.code == CARDEA_E_INVALID_TOKEN)
            v.reason = explain(&space->jws, key, r, reason, sizeof(reason));
    }
    if (cardea_ok(v.status)) {
        v.algorithm = signature_algorithm_name(token.algorithm);
        v.kid = space->jws.header.kid;
        v.type = token.type;
        v.claims = token_payload(&token);
    }
    enum exit_code code = verdict_show(c, &v);
    free(space);
    return code;
}

static enum exit_code verify(const struct context *c, const struct key_file *f, const struct token_rules *r,
                             struct view text)
{
    struct ready ready = {0};
    if (f->form == KEY_FORM_PASERK && (context_has(c, "alg") || context_has(c, "type")))
        return USAGE("PASETO has no --alg and no --type: the key says everything");
    if (f->form == KEY_FORM_PASERK)
        return token_paseto_verify(c, f, r, text);
    if (context_has(c, "footer") || context_has(c, "implicit"))
        return USAGE("a JWT has no footer and no implicit assertion");
    enum exit_code code = make_ready(c, f, &ready);
    if (code == EXIT_OK)
        code = judge(c, &ready, r, text);
    jwk_set_free(ready.set);
    jwk_key_clear(&ready.key);
    return code;
}

enum exit_code run_token_verify(struct context *c)
{
    const char *keys = context_option(c, "keys");
    struct key_file *f = NULL;
    struct input storage = {0};
    struct rule_set rules;
    struct view text;

    if (keys == NULL)
        return USAGE("say with which keys: --keys FILE");
    if (strcmp(keys, "-") == 0 && (c->word_count == 0 || strcmp(c->words[0], "-") == 0))
        return USAGE("only one of keys and token can come from standard input");
    enum exit_code code = rules_read(c, &rules);
    if (code == EXIT_OK)
        code = key_file_read(keys, &f);
    if (code == EXIT_OK)
        code = input_word(c, 0, TOKEN_INPUT_MAX, &storage, &text);
    if (code == EXIT_OK)
        code = verify(c, f, &rules.rules, text);
    input_clear(&storage);
    key_file_free(f);
    return code;
}
