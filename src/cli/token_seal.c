/* cardea token seal and open: JWE from and to texts. Opened is not verified: who made it, only the key can tell. */
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/key_file.h"
#include "cli/render.h"
#include "cli/token_claims.h"
#include "core/authjs.h"
#include "core/jwe.h"
#include "crypto/random.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CONTENT_TOKENS = 4096 };

#define USAGE(...) (complain(__VA_ARGS__), EXIT_USAGE)

/* --- keys --- */

/* dir: the content encryption that a key of this length is commonly for. */
static enum aead by_length(size_t len)
{
    switch (len) {
    case 16:
        return AEAD_A128GCM;
    case 24:
        return AEAD_A192GCM;
    case 32:
        return AEAD_A256GCM;
    case 48:
        return AEAD_A192CBC_HS384;
    case 64:
        return AEAD_A256CBC_HS512;
    default:
        return AEAD_UNSET;
    }
}

static enum exit_code enc_option(const struct context *c, enum aead *out)
{
    const char *enc = context_option(c, "enc");
    *out = enc == NULL ? AEAD_UNSET : aead_parse(view_text(enc));
    return enc != NULL && *out == AEAD_UNSET ? USAGE("%s is no content encryption that Cardea has", enc) : EXIT_OK;
}

static enum exit_code from_jwk(const struct context *c, const struct key_file *f, const struct jwk *k, enum aead enc,
                               struct jwe_key **out)
{
    const char *alg = context_option(c, "alg");
    struct jwe_rule rule = {.alg = key_seal_algorithm(k->alg), .kid = view_text(k->kid)};

    if (f->form == KEY_FORM_PASERK)
        return USAGE("%s: a PASERK is for PASETO alone; see cardea token sign --format paseto", f->name);
    if (k->use == JWK_USE_SIG || (k->ops != 0 && (k->ops & JWK_MAY_OTHER) == 0))
        return USAGE("%s: the key is for signatures", f->name);
    if (alg != NULL && k->alg[0] != '\0' && strcmp(alg, k->alg) != 0)
        return USAGE("%s: the key is for %s", f->name, k->alg);
    if (alg != NULL)
        rule.alg = key_seal_algorithm(alg);
    if (rule.alg == JWE_ALG_UNSET)
        return USAGE(alg != NULL || k->alg[0] != '\0' ? "%s: the algorithm is none of JWE that Cardea has"
                                                      : "%s: the key names no algorithm; say --alg",
                     f->name);
    if (rule.alg == JWE_DIR && enc == AEAD_UNSET)
        enc = by_length(raw_key_part(&k->raw, RAW_KEY_K).len);
    rule.encs = enc != AEAD_UNSET ? JWE_ENC(enc) : JWE_ENC_ALL;
    if (!cardea_ok(jwe_key_from_raw(&rule, &k->raw, out)))
        return USAGE("%s: the key is too weak, malformed, or not for %s", f->name, jwe_alg_name(rule.alg));
    return EXIT_OK;
}

/* --derive authjs:NAME: the key file is a secret, a line of text. */
static enum exit_code from_secret(const char *file, const char *derive, enum aead enc, struct jwe_key **out)
{
    struct input in = {0};
    const char *name = derive + strlen("authjs:");

    if (strncmp(derive, "authjs:", 7) != 0 || *name == '\0')
        return USAGE("--derive %s: there is authjs:COOKIE-NAME", derive);
    enum exit_code code = input_read(file, AUTHJS_SECRET_MAX + 2, &in);
    if (code == EXIT_OK &&
        !cardea_ok(authjs_key(input_text(&in), view_text(name), enc == AEAD_UNSET ? AEAD_A256CBC_HS512 : enc, out)))
        code =
            USAGE("%s: no secret for Auth.js (1 to %d bytes, enc A256CBC-HS512 or A256GCM)", file, AUTHJS_SECRET_MAX);
    input_clear(&in);
    return code;
}

static enum exit_code load_key(const struct context *c, const char *file, struct jwe_key **out)
{
    const char *derive = context_option(c, "derive");
    struct key_file *f = NULL;
    const struct jwk *k = NULL;
    enum aead enc;

    enum exit_code code = enc_option(c, &enc);
    if (code != EXIT_OK)
        return code;
    if (derive != NULL && context_has(c, "alg"))
        return USAGE("--derive says the algorithm");
    if (derive != NULL)
        return from_secret(file, derive, enc, out);
    code = key_file_read(file, &f);
    if (code == EXIT_OK)
        code = key_file_one(f, context_option(c, "kid"), &k);
    if (code == EXIT_OK)
        code = from_jwk(c, f, k, enc, out);
    key_file_free(f);
    return code;
}

static enum exit_code key_option(const struct context *c, const char **out)
{
    *out = context_option(c, "key");
    if (*out == NULL)
        return USAGE("say with which key: --key FILE");
    bool word_is_stdin = c->word_count == 0 || strcmp(c->words[0], "-") == 0;
    if (strcmp(*out, "-") == 0 && word_is_stdin && !claims_given(c))
        return USAGE("only one of key and text can come from standard input");
    return EXIT_OK;
}

/* --- sealing --- */

static enum exit_code seal(const struct context *c, const struct jwe_key *k, struct view plain)
{
    const char *type = context_option(c, "type"), *content = context_option(c, "content-type");
    const char *derive = context_option(c, "derive"), *enc = context_option(c, "enc");
    struct jwe_header header = {.typ = view_text(type), .cty = view_text(content)};
    struct buf token = buf_heap(OUTPUT_MAX), out = buf_heap(OUTPUT_MAX);
    struct json_writer w = json_writer(&out);

    /* One content encryption a key (dir) is not asked again; a key of several seals with A256GCM. */
    if (enc != NULL && derive == NULL)
        header.enc = aead_parse(view_text(enc));
    else if (jwe_key_alg(k) != JWE_DIR)
        header.enc = AEAD_A256GCM;
    struct cardea_status s = jwe_seal(k, &header, plain, entropy_system(), &token);
    if (!cardea_ok(s)) {
        complain(s.code == CARDEA_E_TOO_LARGE ? "the text is too large: at most %d bytes"
                                              : "--type and --content-type have at most 255 characters",
                 JWE_PLAIN_MAX);
        buf_clear(&token);
        return s.code == CARDEA_E_TOO_LARGE ? EXIT_FAILED : EXIT_USAGE;
    }
    if (c->json) {
        json_open_object(&w);
        json_member_text(&w, "token", buf_view(&token));
        json_close_object(&w);
    } else {
        buf_put(&out, buf_view(&token));
    }
    buf_char(&out, '\n');
    buf_clear(&token);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

/* The claims, or the text of a file or standard input as it stands. */
static enum exit_code read_plain(const struct context *c, struct input *storage, char *claims, size_t cap,
                                 struct view *out)
{
    struct buf b = buf_fixed(claims, cap);

    if (claims_given(c)) {
        if (c->word_count > 0)
            return USAGE("claims or a file, not both");
        enum exit_code code = claims_build(c, CLAIMS_JWT, &b);
        *out = buf_view(&b);
        return code;
    }
    enum exit_code code = input_read(c->word_count > 0 ? c->words[0] : "-", JWE_PLAIN_MAX, storage);
    *out = view_of(storage->ptr, storage->len);
    return code;
}

enum exit_code run_token_seal(struct context *c)
{
    char claims[CLAIMS_TEXT_MAX];
    struct input storage = {0};
    struct jwe_key *key = NULL;
    const char *file;
    struct view plain = VIEW_EMPTY;

    enum exit_code code = key_option(c, &file);
    if (code == EXIT_OK)
        code = load_key(c, file, &key);
    if (code == EXIT_OK)
        code = read_plain(c, &storage, claims, sizeof(claims), &plain);
    if (code == EXIT_OK)
        code = seal(c, key, plain);
    jwe_key_free(key);
    input_clear(&storage);
    secret_wipe(claims, sizeof(claims));
    return code;
}

/* --- opening --- */

/* Claims whose exp is there and lies ahead, and whose nbf, where there is one, has come. */
static struct cardea_status check_claims(struct view text)
{
    struct json_token *tokens = calloc(CONTENT_TOKENS, sizeof(*tokens));
    struct cardea_status s = CARDEA_FAIL(E_INVALID_TOKEN);
    struct json doc;
    int64_t exp, nbf = 0, now_s = (int64_t)time(NULL);

    if (tokens != NULL && cardea_ok(json_read(text, tokens, CONTENT_TOKENS, &doc, NULL)) &&
        json_type(&doc, 0) == JSON_OBJECT && cardea_ok(json_int(&doc, json_get(&doc, 0, VIEW("exp")), &exp)) &&
        (json_get(&doc, 0, VIEW("nbf")) == 0 || cardea_ok(json_int(&doc, json_get(&doc, 0, VIEW("nbf")), &nbf))) &&
        nbf <= now_s)
        s = now_s < exp ? CARDEA_SUCCESS : CARDEA_FAIL(E_EXPIRED);
    free(tokens);
    return s;
}

static void put_name(struct json_writer *w, const char *name, const struct jwe_name *value)
{
    if (value->len > 0)
        json_member_text(w, name, jwe_name_view(value));
}

/* JSON for scripts; else the bytes themselves, but for what a terminal would obey, where one reads. */
static enum exit_code show_plain(const struct context *c, const struct jwe_key *k, const struct jwe_opened *o)
{
    struct buf out = buf_heap(OUTPUT_MAX), body = buf_heap(OUTPUT_MAX);
    struct json_writer w = json_writer(&body);

    if (c->json) {
        json_open_object(&w);
        json_member_bool(&w, "opened", true);
        json_member_bool(&w, "verified", false);
        json_member_text(&w, "alg", view_text(jwe_alg_name(jwe_key_alg(k))));
        json_member_text(&w, "enc", view_text(aead_name(o->enc)));
        put_name(&w, "typ", &o->typ);
        put_name(&w, "cty", &o->cty);
        struct buf encoded = buf_heap(OUTPUT_MAX);
        buf_base64url(&encoded, o->plain.ptr, o->plain.len);
        if (utf8_valid(o->plain))
            json_member_text(&w, "text", o->plain);
        else
            json_member_text(&w, "base64url", buf_view(&encoded));
        buf_clear(&encoded);
        json_close_object(&w);
        render_json(&out, buf_view(&body));
    } else if (isatty(STDOUT_FILENO)) {
        render_text(&out, o->plain);
        buf_char(&out, '\n');
    } else {
        buf_put(&out, o->plain);
    }
    buf_clear(&body);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

static enum exit_code not_opened(const struct context *c, struct cardea_status s)
{
    bool refused = s.code == CARDEA_E_INVALID_TOKEN, expired = s.code == CARDEA_E_EXPIRED;
    struct buf out = buf_heap(OUTPUT_MAX);

    if (c->json) {
        buf_text(&out, "{\"opened\":false,\"verified\":false,\"code\":\"");
        buf_text(&out, cardea_status_problem(s));
        buf_text(&out, "\"}\n");
    }
    if (s.code == CARDEA_E_USAGE)
        complain("a public key does not open");
    else
        complain("%s", expired ? "what is inside has expired" : cardea_status_title(s));
    if (!render_flush(&out))
        return EXIT_FAILED;
    return refused ? EXIT_NOT_VALID : expired ? EXIT_EXPIRED : s.code == CARDEA_E_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

static enum exit_code open_text(const struct context *c, const struct jwe_key *k, struct view text)
{
    size_t cap = JWE_ROOM(text.len);
    uint8_t *room = malloc(cap);
    struct jwe_opened opened;

    if (room == NULL) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    struct cardea_status s = jwe_open(text, k, entropy_system(), room, cap, &opened);
    if (cardea_ok(s) && (context_has(c, "derive") || context_has(c, "check-exp")))
        s = check_claims(opened.plain);
    enum exit_code code = cardea_ok(s) ? show_plain(c, k, &opened) : not_opened(c, s);
    secret_wipe(room, cap);
    free(room);
    return code;
}

enum exit_code run_token_open(struct context *c)
{
    struct input storage = {0};
    struct jwe_key *key = NULL;
    const char *file;
    struct view text;

    enum exit_code code = key_option(c, &file);
    if (code == EXIT_OK)
        code = load_key(c, file, &key);
    if (code == EXIT_OK)
        code = input_word(c, 0, JWE_TEXT_MAX + 16, &storage, &text);
    if (code == EXIT_OK)
        code = open_text(c, key, text);
    jwe_key_free(key);
    input_clear(&storage);
    return code;
}
