/* cardea token sign: claims and a key in, a token out. */
#include "base/json.h"
#include "base/secret.h"
#include "cli/key_file.h"
#include "cli/render.h"
#include "cli/token_claims.h"
#include "core/jws.h"
#include "core/paseto.h"
#include "crypto/random.h"

#include <string.h>

#define USAGE(...) (complain(__VA_ARGS__), EXIT_USAGE)

static enum exit_code show_token(const struct context *c, struct buf *token)
{
    struct buf out = buf_heap(OUTPUT_MAX);
    if (c->json) {
        struct json_writer w = json_writer(&out);
        json_open_object(&w);
        json_member_text(&w, "token", buf_view(token));
        json_close_object(&w);
    } else {
        buf_put(&out, buf_view(token));
    }
    buf_char(&out, '\n');
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

/* The key made ready to sign, with the one algorithm it has. */
static enum exit_code load(const struct context *c, struct key_file *f, struct jwk_key *out)
{
    const struct jwk *k = NULL;
    const char *alg = context_option(c, "alg");
    enum exit_code code = key_file_one(f, context_option(c, "kid"), &k);
    if (code != EXIT_OK)
        return code;
    enum signature_algorithm asked = SIGNATURE_UNSET;
    if (alg != NULL && (asked = signature_algorithm_of(view_text(alg), k->raw.type, k->raw.curve)) == SIGNATURE_UNSET)
        return USAGE("%s is no signature algorithm for a key like that of %s", alg, f->name);
    if (jwk_algorithm(k, asked) == SIGNATURE_UNSET)
        return USAGE(asked == SIGNATURE_UNSET ? "%s: the key names no signature algorithm; say --alg"
                                              : "%s: the key is for another algorithm",
                     f->name);
    if (!raw_key_is_secret(&k->raw))
        return USAGE("%s: a public key does not sign", f->name);
    if (!cardea_ok(jwk_load(k, asked, out)))
        return USAGE("%s: the key is too weak, malformed, or not for signatures", f->name);
    if (out->sign == NULL)
        return USAGE("%s: the key's key_ops does not allow to sign", f->name);
    /* The thumbprint of octets is a digest of a secret: it stays here. */
    if (k->raw.type == RAW_KEY_OCT && k->kid[0] == '\0')
        out->kid[0] = '\0';
    return EXIT_OK;
}

static enum exit_code sign_jwt(const struct context *c, struct key_file *f, struct view claims, struct buf *out)
{
    const char *type = context_option(c, "type");
    struct jwk_key key = {0};
    enum exit_code code = load(c, f, &key);
    if (code == EXIT_OK) {
        struct view typ = type == NULL ? VIEW("at+jwt") : strcmp(type, "none") == 0 ? VIEW_EMPTY : view_text(type);
        if (!cardea_ok(jws_sign(key.sign, view_text(key.kid), typ, claims, out))) {
            complain("the token is larger than any that is accepted");
            code = EXIT_FAILED;
        }
    }
    jwk_key_clear(&key);
    return code;
}

/* The footer names the key by its id, as Cardea's own tokens do, unless --footer says another one. */
static void put_footer(const struct context *c, const struct paserk_id *id, struct buf *out)
{
    const char *given = context_option(c, "footer");
    if (given != NULL) {
        buf_text(out, given);
        return;
    }
    buf_text(out, "{\"kid\":\"");
    buf_paserk_id(out, id);
    buf_text(out, "\"}");
}

static enum exit_code sign_paseto(const struct context *c, const struct key_file *f, struct view claims,
                                  struct buf *out)
{
    const char *given = context_option(c, "implicit");
    struct view implicit = given == NULL ? VIEW_EMPTY : view_text(given);
    struct paseto_secret_key secret = {0};
    struct paseto_local_key local = {0};
    struct buf footer = buf_heap(PASETO_FOOTER_MAX);
    struct cardea_status s = CARDEA_FAIL(E_USAGE);

    if (context_has(c, "alg") || context_has(c, "type") || context_has(c, "kid"))
        return USAGE("PASETO has no --alg, --type and --kid: the key says everything");
    if (cardea_ok(paserk_secret_parse(input_text(&f->text), &secret))) {
        put_footer(c, &secret.public.id, &footer);
        s = paseto_public_sign(&secret, claims, buf_view(&footer), implicit, out);
    } else if (cardea_ok(paserk_local_parse(input_text(&f->text), &local))) {
        put_footer(c, &local.id, &footer);
        s = paseto_local_encrypt(&local, claims, buf_view(&footer), implicit, entropy_system(), out);
    }
    bool fits = buf_ok(&footer);
    buf_clear(&footer);
    paseto_secret_key_clear(&secret);
    paseto_local_key_clear(&local);
    if (s.code == CARDEA_E_USAGE)
        return USAGE("%s: PASETO is signed with a PASERK k4.secret, or encrypted with a k4.local", f->name);
    if (cardea_ok(s) && fits)
        return EXIT_OK;
    complain("the footer, the implicit assertion or the token is larger than any that is accepted");
    return EXIT_FAILED;
}

static enum exit_code sign(const struct context *c, struct key_file *f, bool paseto)
{
    char storage[CLAIMS_TEXT_MAX];
    struct buf claims = buf_fixed(storage, sizeof(storage)), token = buf_heap(OUTPUT_MAX);
    enum exit_code code = claims_build(c, paseto ? CLAIMS_PASETO : CLAIMS_JWT, &claims);

    if (code == EXIT_OK)
        code = paseto ? sign_paseto(c, f, buf_view(&claims), &token) : sign_jwt(c, f, buf_view(&claims), &token);
    if (code == EXIT_OK)
        code = show_token(c, &token);
    secret_wipe(storage, sizeof(storage));
    buf_clear(&token);
    return code;
}

enum exit_code run_token_sign(struct context *c)
{
    const char *key = context_option(c, "key"), *format = context_option(c, "format"),
               *claims = context_option(c, "claims");
    struct key_file *f = NULL;

    if (key == NULL)
        return USAGE("say with which key: --key FILE");
    if (format != NULL && strcmp(format, "jwt") != 0 && strcmp(format, "paseto") != 0)
        return USAGE("--format is jwt or paseto");
    if (claims != NULL && strcmp(claims, "-") == 0 && strcmp(key, "-") == 0)
        return USAGE("only one of key and claims can come from standard input");
    enum exit_code code = key_file_read(key, &f);
    if (code != EXIT_OK)
        return code;
    bool paseto = format != NULL ? strcmp(format, "paseto") == 0 : f->form == KEY_FORM_PASERK;
    if (!paseto && f->form == KEY_FORM_PASERK)
        code = USAGE("%s: a PASERK is for PASETO alone; see cardea token jwk convert", f->name);
    else if (!paseto && (context_has(c, "footer") || context_has(c, "implicit")))
        code = USAGE("a JWT has no footer and no implicit assertion");
    else
        code = sign(c, f, paseto);
    key_file_free(f);
    return code;
}
