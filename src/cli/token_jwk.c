/* cardea token jwk: make keys, name them, turn them from one form into another. */
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/key_file.h"
#include "cli/render.h"
#include "crypto/pem.h"
#include "crypto/random.h"

#include <stdlib.h>
#include <string.h>

#define USAGE(...) (complain(__VA_ARGS__), EXIT_USAGE)

enum { KEY_TEXT_MAX = JWK_SET_TEXT_MAX };

/* --- what is asked for --- */

static enum key_form form_parse(const char *name)
{
    static const char *const names[] = {"", "jwk", "jwks", "pem", "paserk"};
    for (enum key_form f = KEY_FORM_JWK; name != NULL && f <= KEY_FORM_PASERK; f++)
        if (strcmp(name, names[f]) == 0)
            return f;
    return KEY_FORM_UNSET;
}

static bool type_parse(const char *name, enum raw_key_type *out)
{
    for (enum raw_key_type t = RAW_KEY_EC; t <= RAW_KEY_OCT; t++)
        if (strcmp(name, raw_key_type_name(t)) == 0) {
            *out = t;
            return true;
        }
    return false;
}

static bool curve_parse(const char *name, enum raw_key_curve *out)
{
    for (enum raw_key_curve v = RAW_CURVE_P256; v <= RAW_CURVE_X25519; v++)
        if (strcmp(name, raw_key_curve_name(v)) == 0) {
            *out = v;
            return true;
        }
    return false;
}

/* What an algorithm's key looks like where nothing else is said. */
struct wanted {
    enum raw_key_type type;
    enum raw_key_curve curve;
    uint32_t bits;
    enum jwk_use use;
};

static const struct {
    const char *name;
    struct wanted key;
} algorithms[] = {
    {"HS256", {RAW_KEY_OCT, RAW_CURVE_UNSET, 256, JWK_USE_SIG}},
    {"HS384", {RAW_KEY_OCT, RAW_CURVE_UNSET, 384, JWK_USE_SIG}},
    {"HS512", {RAW_KEY_OCT, RAW_CURVE_UNSET, 512, JWK_USE_SIG}},
    {"RS256", {RAW_KEY_RSA, RAW_CURVE_UNSET, RSA_BITS_MIN, JWK_USE_SIG}},
    {"RS384", {RAW_KEY_RSA, RAW_CURVE_UNSET, RSA_BITS_MIN, JWK_USE_SIG}},
    {"RS512", {RAW_KEY_RSA, RAW_CURVE_UNSET, RSA_BITS_MIN, JWK_USE_SIG}},
    {"PS256", {RAW_KEY_RSA, RAW_CURVE_UNSET, RSA_BITS_MIN, JWK_USE_SIG}},
    {"PS384", {RAW_KEY_RSA, RAW_CURVE_UNSET, RSA_BITS_MIN, JWK_USE_SIG}},
    {"PS512", {RAW_KEY_RSA, RAW_CURVE_UNSET, RSA_BITS_MIN, JWK_USE_SIG}},
    {"ES256", {RAW_KEY_EC, RAW_CURVE_P256, 0, JWK_USE_SIG}},
    {"ES384", {RAW_KEY_EC, RAW_CURVE_P384, 0, JWK_USE_SIG}},
    {"ES512", {RAW_KEY_EC, RAW_CURVE_P521, 0, JWK_USE_SIG}},
    {"EdDSA", {RAW_KEY_OKP, RAW_CURVE_ED25519, 0, JWK_USE_SIG}},
    {"dir", {RAW_KEY_OCT, RAW_CURVE_UNSET, 256, JWK_USE_ENC}},
    {"A128KW", {RAW_KEY_OCT, RAW_CURVE_UNSET, 128, JWK_USE_ENC}},
    {"A192KW", {RAW_KEY_OCT, RAW_CURVE_UNSET, 192, JWK_USE_ENC}},
    {"A256KW", {RAW_KEY_OCT, RAW_CURVE_UNSET, 256, JWK_USE_ENC}},
    {"A128GCMKW", {RAW_KEY_OCT, RAW_CURVE_UNSET, 128, JWK_USE_ENC}},
    {"A192GCMKW", {RAW_KEY_OCT, RAW_CURVE_UNSET, 192, JWK_USE_ENC}},
    {"A256GCMKW", {RAW_KEY_OCT, RAW_CURVE_UNSET, 256, JWK_USE_ENC}},
    {"ECDH-ES", {RAW_KEY_EC, RAW_CURVE_P256, 0, JWK_USE_ENC}},
    {"ECDH-ES+A128KW", {RAW_KEY_EC, RAW_CURVE_P256, 0, JWK_USE_ENC}},
    {"ECDH-ES+A192KW", {RAW_KEY_EC, RAW_CURVE_P256, 0, JWK_USE_ENC}},
    {"ECDH-ES+A256KW", {RAW_KEY_EC, RAW_CURVE_P256, 0, JWK_USE_ENC}},
    {"RSA-OAEP-256", {RAW_KEY_RSA, RAW_CURVE_UNSET, RSA_BITS_MIN, JWK_USE_ENC}},
};

static bool by_algorithm(const char *name, struct wanted *out)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (strcmp(name, algorithms[i].name) == 0) {
            *out = algorithms[i].key;
            return true;
        }
    return false;
}

static const struct wanted by_type[] = {
    [RAW_KEY_EC] = {RAW_KEY_EC, RAW_CURVE_P256, 0, JWK_USE_SIG},
    [RAW_KEY_RSA] = {RAW_KEY_RSA, RAW_CURVE_UNSET, RSA_BITS_MIN, JWK_USE_UNSET},
    [RAW_KEY_OKP] = {RAW_KEY_OKP, RAW_CURVE_ED25519, 0, JWK_USE_SIG},
    [RAW_KEY_OCT] = {RAW_KEY_OCT, RAW_CURVE_UNSET, 256, JWK_USE_UNSET},
};

static enum raw_key_type type_of(enum raw_key_curve v)
{
    return v <= RAW_CURVE_P521 ? RAW_KEY_EC : RAW_KEY_OKP;
}

/* The algorithm, then type, curve and bits, each of which may say more and none otherwise. */
static enum exit_code wanted_key(const struct context *c, struct wanted *out)
{
    const char *alg = context_option(c, "alg"), *curve = context_option(c, "curve"), *bits = context_option(c, "bits"),
               *enc = context_option(c, "enc"), *type = c->word_count > 0 ? c->words[0] : NULL;
    struct wanted w = {0};
    enum raw_key_type t = RAW_KEY_UNSET;
    enum raw_key_curve v = RAW_CURVE_UNSET;
    uint64_t n = 0;

    if (type != NULL && !type_parse(type, &t))
        return USAGE("%s is no type of key; there are RSA, EC, OKP and oct", type);
    if (curve != NULL && !curve_parse(curve, &v))
        return USAGE("%s is no curve; there are P-256, P-384, P-521, Ed25519, Ed448 and X25519", curve);
    if (bits != NULL && (!cardea_ok(parse_u64(view_text(bits), &n)) || n > RSA_BITS_MAX))
        return USAGE("--bits %s: a number up to %d", bits, RSA_BITS_MAX);
    if (enc != NULL && aead_parse(view_text(enc)) == AEAD_UNSET)
        return USAGE("%s is no content encryption that Cardea has", enc);
    if (alg != NULL && !by_algorithm(alg, &w))
        return USAGE("%s is no algorithm that Cardea has", alg);
    if (alg == NULL && type == NULL && curve == NULL)
        return USAGE("say which key: a type (RSA, EC, OKP, oct), or --alg");
    if (alg == NULL)
        w = by_type[type != NULL ? t : type_of(v)];
    if (v != RAW_CURVE_UNSET) {
        /* ECDH-ES goes with either type: the curve says which. */
        w.type = type_of(v);
        w.curve = v;
        if (v == RAW_CURVE_X25519 && alg == NULL)
            w.use = JWK_USE_ENC;
    } else if (t == RAW_KEY_OKP && w.type == RAW_KEY_EC && w.use == JWK_USE_ENC) {
        w.type = t;
        w.curve = RAW_CURVE_X25519;
    }
    if (type != NULL && w.type != t)
        return USAGE("%s is not for keys of type %s", alg != NULL ? alg : curve, type);
    if (enc != NULL && w.type == RAW_KEY_OCT)
        w.bits = (uint32_t)aead_key_len(aead_parse(view_text(enc))) * 8;
    if (bits != NULL)
        w.bits = (uint32_t)n;
    *out = w;
    return EXIT_OK;
}

/* Does the algorithm take this key? Nothing is made that nothing would load. */
static bool fits(const struct jwk *k, const char *enc)
{
    enum jwe_alg seal = key_seal_algorithm(k->alg);
    enum aead content = enc == NULL ? AEAD_UNSET : aead_parse(view_text(enc));
    struct jwe_rule rule = {.alg = seal, .encs = content == AEAD_UNSET ? JWE_ENC(AEAD_A256GCM) : JWE_ENC(content)};
    struct jwe_key *jwe = NULL;

    if (k->alg[0] == '\0')
        return true;
    if (seal == JWE_ALG_UNSET) {
        struct jwk_key key = {0};
        bool good = cardea_ok(jwk_load(k, SIGNATURE_UNSET, &key));
        jwk_key_clear(&key);
        return good;
    }
    /* dir: some content encryption takes a key of this length. */
    for (enum aead a = AEAD_A128GCM; seal == JWE_DIR && content == AEAD_UNSET && a < AEAD_COUNT; a++)
        if (aead_key_len(a) == raw_key_part(&k->raw, RAW_KEY_K).len)
            rule.encs = JWE_ENC(a);
    bool good = cardea_ok(jwe_key_from_raw(&rule, &k->raw, &jwe));
    jwe_key_free(jwe);
    return good;
}

/* --- what is written of a key beside its parts --- */

static enum exit_code set_name(const char *value, const char *option, char *out, size_t cap)
{
    if (value == NULL)
        return EXIT_OK;
    for (const char *p = value; *p != 0; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return USAGE("--%s: no control characters", option);
    if (*value == '\0' || !view_copy(view_text(value), out, cap))
        return USAGE("--%s: 1 to %zu characters", option, cap - 1);
    return EXIT_OK;
}

/* kid, alg and use from the command line; a kid that is missing is the thumbprint, of octets something random. */
static enum exit_code set_names(const struct context *c, struct jwk *k)
{
    const char *use = context_option(c, "use");
    enum exit_code code = set_name(context_option(c, "kid"), "kid", k->kid, sizeof(k->kid));
    if (code == EXIT_OK)
        code = set_name(context_option(c, "alg"), "alg", k->alg, sizeof(k->alg));
    if (code != EXIT_OK)
        return code;
    if (use != NULL && strcmp(use, "sig") != 0 && strcmp(use, "enc") != 0)
        return USAGE("--use is sig or enc");
    if (use != NULL)
        k->use = strcmp(use, "sig") == 0 ? JWK_USE_SIG : JWK_USE_ENC;
    if (k->kid[0] == '\0' && k->raw.type == RAW_KEY_OCT) {
        struct token_id id;
        struct buf b = buf_fixed(k->kid, sizeof(k->kid) - 1);
        entropy_fill(entropy_system(), id.bytes, sizeof(id.bytes));
        buf_token_id(&b, id);
    } else if (k->kid[0] == '\0') {
        struct buf b = buf_fixed(k->kid, sizeof(k->kid) - 1);
        buf_key_id(&b, jwk_thumbprint(&k->raw));
    }
    return EXIT_OK;
}

/* --- writing --- */

/* local: an oct key that was k4.local, or is to be. */
static bool put_paserk(const struct jwk *k, bool secret, struct buf *out)
{
    struct view x = raw_key_part(&k->raw, RAW_KEY_X), d = raw_key_part(&k->raw, RAW_KEY_D),
                octets = raw_key_part(&k->raw, RAW_KEY_K);
    struct paseto_public_key public = {0};
    struct paseto_secret_key pair = {0};
    struct paseto_local_key local = {0};
    bool good = false;

    if (k->raw.type == RAW_KEY_OCT && octets.len == 32 && secret) {
        good = cardea_ok(paseto_local_key_init(&local, (const uint8_t *)octets.ptr));
        if (good)
            buf_paserk_local(out, &local);
    } else if (k->raw.curve == RAW_CURVE_ED25519 && d.len == ED25519_SEED && secret) {
        good = cardea_ok(paseto_secret_key_init(&pair, (const uint8_t *)d.ptr)) &&
               view_equal(view_of(pair.public.point.bytes, ED25519_PUBLIC), x);
        if (good)
            buf_paserk_secret(out, &pair);
    } else if (k->raw.curve == RAW_CURVE_ED25519) {
        good = cardea_ok(paseto_public_key_init(&public, x));
        if (good)
            buf_paserk_public(out, &public);
    }
    paseto_secret_key_clear(&pair);
    paseto_local_key_clear(&local);
    if (good)
        buf_char(out, '\n');
    return good;
}

static bool put_one(const struct jwk *k, enum key_form form, bool secret, struct buf *out)
{
    size_t before = out->len;

    if (form == KEY_FORM_PEM)
        return cardea_ok(pem_write(&k->raw, secret, out));
    if (form == KEY_FORM_PASERK)
        return put_paserk(k, secret, out);
    jwk_write(k, secret, out);
    return out->len > before;
}

static enum exit_code put_keys(const struct jwk *keys, uint32_t count, enum key_form form, bool public, struct buf *out)
{
    bool good = true;

    if (form == KEY_FORM_JWKS)
        buf_text(out, "{\"keys\":[");
    for (uint32_t i = 0; good && i < count; i++) {
        if (form == KEY_FORM_JWKS && i > 0)
            buf_char(out, ',');
        good = put_one(&keys[i], form, !public && raw_key_is_secret(&keys[i].raw), out);
    }
    if (form == KEY_FORM_JWKS)
        buf_text(out, "]}");
    if (form == KEY_FORM_JWK || form == KEY_FORM_JWKS)
        buf_char(out, '\n');
    if (good && buf_ok(out))
        return EXIT_OK;
    static const char *const why[] = {"", "an oct key has no public half", "an oct key has no public half",
                                      "PEM holds valid RSA, EC and OKP keys alone",
                                      "PASERK holds Ed25519 keys and oct keys of 256 bits alone"};
    return USAGE("the key can not be written like that: %s", why[form]);
}

/* Write keys to --out or standard output; secret ones get mode 0600. */
static enum exit_code write_keys(const struct context *c, const struct jwk *keys, uint32_t count, enum key_form form,
                                 bool public)
{
    char *storage = malloc(KEY_TEXT_MAX);
    struct buf out = buf_fixed(storage, KEY_TEXT_MAX);
    bool secret = false;

    if (storage == NULL) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    for (uint32_t i = 0; i < count; i++)
        secret = secret || (!public && raw_key_is_secret(&keys[i].raw));
    enum exit_code code = put_keys(keys, count, form, public, &out);
    if (code == EXIT_OK)
        code = output_write(context_option(c, "out"), secret, buf_view(&out));
    secret_wipe(storage, KEY_TEXT_MAX);
    free(storage);
    return code;
}

/* --- commands --- */

static enum exit_code generate(struct context *c, const struct wanted *w, enum key_form form, struct jwk *k)
{
    if (!cardea_ok(raw_key_generate(w->type, w->curve, w->bits, &k->raw)))
        return USAGE("there is no such key: RSA has %d to %d bits, oct 8 to %d in whole bytes", RSA_BITS_MIN,
                     RSA_BITS_MAX, RAW_KEY_PART_MAX * 8);
    k->use = w->use;
    enum exit_code code = set_names(c, k);
    if (code == EXIT_OK && !fits(k, context_option(c, "enc")))
        code = USAGE("a key of this type, curve and size is not for %s", k->alg);
    return code == EXIT_OK ? write_keys(c, k, 1, form, false) : code;
}

enum exit_code run_token_jwk_generate(struct context *c)
{
    const char *to = context_option(c, "to");
    enum key_form form = to == NULL ? KEY_FORM_JWK : form_parse(to);
    struct wanted w;
    struct jwk k = {0};

    if (form == KEY_FORM_UNSET)
        return USAGE("--to is jwk, jwks, pem or paserk");
    enum exit_code code = wanted_key(c, &w);
    if (code == EXIT_OK)
        code = generate(c, &w, form, &k);
    jwk_clear(&k);
    return code;
}

/* Is it a key at all, and one for what it says that it is for? Nothing is written that nothing would load. */
static enum exit_code judge(const struct jwk *k, const struct key_file *f)
{
    char *scratch = malloc(KEY_TEXT_MAX);
    struct buf b = buf_fixed(scratch, KEY_TEXT_MAX);
    bool good = scratch != NULL &&
                (k->raw.type == RAW_KEY_OCT || cardea_ok(pem_write(&k->raw, raw_key_is_secret(&k->raw), &b)));

    if (scratch != NULL)
        secret_wipe(scratch, KEY_TEXT_MAX);
    free(scratch);
    if (!good)
        return USAGE("%s: a key is too weak or malformed", f->name);
    return fits(k, NULL) ? EXIT_OK
                         : USAGE("%s: a key of this type, curve, size and use is not for %s", f->name, k->alg);
}

static const char *file_word(const struct context *c)
{
    return c->word_count > 0 ? c->words[0] : "-";
}

static enum exit_code convert(const struct context *c, struct key_file *f)
{
    const char *to = context_option(c, "to"), *kid = context_option(c, "kid");
    enum key_form form = to != NULL ? form_parse(to) : f->form == KEY_FORM_JWK ? KEY_FORM_PEM : KEY_FORM_JWK;
    bool several = form == KEY_FORM_JWKS && kid == NULL;
    const struct jwk *chosen = &f->keys[0];
    enum exit_code code = EXIT_OK;

    if (form == KEY_FORM_UNSET)
        return USAGE("--to is jwk, jwks, pem or paserk");
    if (!several)
        code = key_file_one(f, f->form == KEY_FORM_JWKS ? kid : NULL, &chosen); /* of one key --kid is the new name */
    if (several && f->count > 1 && (context_has(c, "alg") || context_has(c, "use")))
        return USAGE("--alg and --use are for one key");
    if (f->skipped > 0)
        complain("warning: %u entries of %s are no keys that Cardea reads", f->skipped, f->name);
    uint32_t first = (uint32_t)(chosen - f->keys), count = several ? f->count : 1;
    for (uint32_t i = first; code == EXIT_OK && i < first + count; i++) {
        code = set_names(c, &f->keys[i]);
        if (code == EXIT_OK)
            code = judge(&f->keys[i], f);
    }
    return code == EXIT_OK ? write_keys(c, &f->keys[first], count, form, context_has(c, "public")) : code;
}

enum exit_code run_token_jwk_convert(struct context *c)
{
    struct key_file *f = NULL;
    enum exit_code code = key_file_read(file_word(c), &f);
    if (code == EXIT_OK)
        code = convert(c, f);
    key_file_free(f);
    return code;
}

/* A PASERK's name is its id, as tokens carry it: of a pair that of the public half. */
static void put_name(const struct key_file *f, const struct jwk *k, struct buf *out)
{
    struct paseto_local_key local = {0};

    if (f->form != KEY_FORM_PASERK) {
        buf_key_id(out, jwk_thumbprint(&k->raw));
    } else if (k->raw.type != RAW_KEY_OCT) {
        struct paserk_id id = paserk_pid((const uint8_t *)raw_key_part(&k->raw, RAW_KEY_X).ptr);
        buf_paserk_id(out, &id);
    } else if (cardea_ok(paserk_local_parse(input_text(&f->text), &local))) {
        buf_paserk_id(out, &local.id);
        paseto_local_key_clear(&local);
    }
}

static enum exit_code put_names(const struct context *c, const struct key_file *f)
{
    struct buf json = buf_heap(OUTPUT_MAX), plain = buf_heap(OUTPUT_MAX);
    struct json_writer w = json_writer(&json);

    json_open_object(&w);
    json_name(&w, "items");
    json_open_array(&w);
    for (uint32_t i = 0; i < f->count; i++) {
        char name[64];
        struct buf b = buf_fixed(name, sizeof(name));
        put_name(f, &f->keys[i], &b);
        json_open_object(&w);
        json_member_text(&w, "thumbprint", buf_view(&b));
        if (f->keys[i].kid[0] != '\0')
            json_member_text(&w, "kid", view_text(f->keys[i].kid));
        json_member_text(&w, "kty", view_text(raw_key_type_name(f->keys[i].raw.type)));
        json_close_object(&w);
        buf_put(&plain, buf_view(&b));
        buf_char(&plain, '\n');
    }
    json_close_array(&w);
    json_close_object(&w);
    struct buf out = buf_heap(OUTPUT_MAX);
    if (c->json)
        render_json(&out, buf_view(&json));
    else
        buf_put(&out, buf_view(&plain));
    buf_clear(&json);
    buf_clear(&plain);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

enum exit_code run_token_jwk_thumbprint(struct context *c)
{
    struct key_file *f = NULL;
    enum exit_code code = key_file_read(file_word(c), &f);
    for (uint32_t i = 0; code == EXIT_OK && f->form != KEY_FORM_PASERK && i < f->count; i++)
        if (f->keys[i].raw.type == RAW_KEY_OCT)
            code = USAGE("the thumbprint of an oct key is a digest of a secret, and nobody should publish it; give the "
                         "key a kid of its own");
    if (code == EXIT_OK)
        code = put_names(c, f);
    key_file_free(f);
    return code;
}
