#include "cli/key_file.h"

#include "base/json.h"
#include "base/secret.h"
#include "crypto/pem.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_FILE_MAX = JWK_SET_TEXT_MAX, SET_TOKENS = 8192 };

static bool read_pem(struct key_file *f)
{
    if (!cardea_ok(pem_read(view_of(f->text.ptr, f->text.len), &f->keys[0].raw)))
        return false;
    f->count = 1;
    return true;
}

static bool read_jwk(struct key_file *f)
{
    if (!cardea_ok(jwk_read(input_text(&f->text), &f->keys[0])))
        return false;
    f->count = 1;
    return true;
}

static bool read_entries(struct key_file *f, const struct json *doc)
{
    uint32_t keys = json_get(doc, 0, VIEW("keys"));

    if (json_type(doc, keys) != JSON_ARRAY)
        return false;
    for (uint32_t c = json_first(doc, keys); c != 0; c = json_after(doc, keys, c))
        if (f->count == JWK_SET_MAX || !cardea_ok(jwk_read(json_source(doc, c), &f->keys[f->count])))
            f->skipped++;
        else
            f->count++;
    return f->count > 0;
}

static bool read_set(struct key_file *f)
{
    struct json doc;
    struct json_token *tokens = calloc(SET_TOKENS, sizeof(*tokens));
    bool good = tokens != NULL && cardea_ok(json_read(input_text(&f->text), tokens, SET_TOKENS, &doc, NULL)) &&
                read_entries(f, &doc);
    free(tokens);
    return good;
}

/* PASERK as parts; the readers of core/paserk.h judge it whole. */
static bool read_paserk(struct key_file *f)
{
    struct view text = input_text(&f->text);
    struct raw_key *raw = &f->keys[0].raw;
    struct paseto_public_key public = {0};
    struct paseto_secret_key secret = {0};
    struct paseto_local_key local = {0};
    uint8_t bytes[32] = {0};
    bool good = false;

    if (key_file_is(f, "k4.local.") && cardea_ok(paserk_local_parse(text, &local))) {
        split_key_bytes(local.bytes, bytes);
        raw_key_init(raw, RAW_KEY_OCT, RAW_CURVE_UNSET);
        good = raw_key_put(raw, RAW_KEY_K, view_of(bytes, sizeof(bytes)));
    } else if (key_file_is(f, "k4.secret.") && cardea_ok(paserk_secret_parse(text, &secret))) {
        ed25519_secret_seed(secret.bytes, bytes);
        raw_key_init(raw, RAW_KEY_OKP, RAW_CURVE_ED25519);
        good = raw_key_put(raw, RAW_KEY_X, view_of(secret.public.point.bytes, ED25519_PUBLIC)) &&
               raw_key_put(raw, RAW_KEY_D, view_of(bytes, ED25519_SEED));
    } else if (key_file_is(f, "k4.public.") && cardea_ok(paserk_public_parse(text, &public))) {
        raw_key_init(raw, RAW_KEY_OKP, RAW_CURVE_ED25519);
        good = raw_key_put(raw, RAW_KEY_X, view_of(public.point.bytes, ED25519_PUBLIC));
    }
    secret_wipe(bytes, sizeof(bytes));
    paseto_secret_key_clear(&secret);
    paseto_local_key_clear(&local);
    f->count = good ? 1 : 0;
    return good;
}

static bool is_set(struct view text)
{
    struct json_token *tokens = calloc(SET_TOKENS, sizeof(*tokens));
    struct json doc;
    bool set = tokens != NULL && cardea_ok(json_read(text, tokens, SET_TOKENS, &doc, NULL)) &&
               json_get(&doc, 0, VIEW("keys")) != 0;
    free(tokens);
    return set;
}

static bool read_form(struct key_file *f)
{
    struct view text = input_text(&f->text);

    if (view_starts(text, VIEW("{")))
        f->form = is_set(text) ? KEY_FORM_JWKS : KEY_FORM_JWK;
    else if (view_starts(text, VIEW("k4.")))
        f->form = KEY_FORM_PASERK;
    else
        f->form = KEY_FORM_PEM;
    switch (f->form) {
    case KEY_FORM_JWK:
        return read_jwk(f);
    case KEY_FORM_JWKS:
        return read_set(f);
    case KEY_FORM_PASERK:
        return read_paserk(f);
    case KEY_FORM_PEM:
        return read_pem(f);
    case KEY_FORM_UNSET:
        break;
    }
    return false;
}

enum exit_code key_file_read(const char *name, struct key_file **out)
{
    struct key_file *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    f->name = strcmp(name, "-") == 0 ? "standard input" : name;
    enum exit_code code = input_read(name, KEY_FILE_MAX, &f->text);
    if (code == EXIT_OK && !read_form(f)) {
        static const char *const forms[] = {"a key", "a JWK", "a JWKS with a key", "a PEM with one key",
                                            "a PASERK k4.local, k4.secret or k4.public"};
        complain("%s: this is not %s that Cardea reads", f->name, forms[f->form]);
        code = EXIT_USAGE;
    }
    if (code == EXIT_OK)
        *out = f;
    else
        key_file_free(f);
    return code;
}

void key_file_free(struct key_file *f)
{
    if (f == NULL)
        return;
    input_clear(&f->text);
    secret_wipe(f, sizeof(*f));
    free(f);
}

/* kid: not NULL. */
static struct jwk *find(struct key_file *f, const char *kid)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (strcmp(f->keys[i].kid, kid) == 0)
            return &f->keys[i];
    return f->form != KEY_FORM_JWKS && f->keys[0].kid[0] == '\0' ? &f->keys[0] : NULL;
}

enum exit_code key_file_one(struct key_file *f, const char *kid, const struct jwk **out)
{
    struct jwk *found = kid == NULL ? &f->keys[0] : find(f, kid);

    if (kid == NULL && f->count > 1) {
        complain("%s holds %u keys; name one with --kid", f->name, f->count);
        return EXIT_USAGE;
    }
    if (found == NULL || (kid != NULL && (*kid == '\0' || strlen(kid) > JWK_KID_MAX))) {
        complain("%s has no key %s", f->name, kid);
        return EXIT_USAGE;
    }
    if (kid != NULL)
        (void)!view_copy(view_text(kid), found->kid, sizeof(found->kid)); /* it fits */
    *out = found;
    return EXIT_OK;
}

bool key_file_is(const struct key_file *f, const char *prefix)
{
    return view_starts(input_text(&f->text), view_text(prefix));
}

enum jwe_alg key_seal_algorithm(const char *name)
{
    return jwe_alg_parse(view_text(name));
}
