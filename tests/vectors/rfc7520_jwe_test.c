/* The JWE half of the RFC 7520 cookbook (section 5, and the X25519 example of RFC 8037 in its form): every text that is
 * in scope opens to its plain text, and where the example names all its random values, sealing gives the same text to
 * the byte. What is left out is named with the reason, and is refused. */
#include "jwe_vector.h"

struct example {
    const char *file, *left_out; /* NULL: in scope */
};

static const struct example examples[] = {
    {"jwe/5_1.key_encryption_using_rsa_v15_and_aes-hmac-sha2.json", "there is no RSA1_5"},
    {"jwe/5_2.key_encryption_using_rsa-oaep_with_aes-gcm.json", "there is no RSA-OAEP with SHA-1"},
    {"jwe/5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2.json", "there is no PBES2"},
    {"jwe/5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm.json", NULL},
    {"jwe/5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2.json", NULL},
    {"jwe/5_6.direct_encryption_using_aes-gcm.json", NULL},
    {"jwe/5_7.key_wrap_using_aes-gcm_keywrap_with_aes-cbc-hmac-sha2.json", NULL},
    {"jwe/5_8.key_wrap_using_aes-keywrap_with_aes-gcm.json", NULL},
    {"jwe/5_9.compressed_content.json", "zip is always refused"},
    {"jwe/5_10.including_additional_authentication_data.json", "JSON serialisation alone"},
    {"jwe/5_11.protecting_specific_header_fields.json", "JSON serialisation alone"},
    {"jwe/5_12.protecting_content_only.json", "JSON serialisation alone"},
    {"jwe/5_13.encrypting_to_multiple_recipients.json", "JSON serialisation alone"},
    {"curve25519/ecdh-es.json", NULL},
};

/* Entropy that gives out an example's own values, one after the other. */
struct script {
    struct jwe_bytes values[4];
    size_t count, next;
    bool matched;
};

static void script_fill(void *context, void *out, size_t len)
{
    struct script *s = context;

    s->matched = s->matched && s->next < s->count && s->values[s->next].len == len;
    if (s->matched)
        memcpy(out, s->values[s->next++].bytes, len);
    else
        memset(out, 1, len);
}

static void script_add(struct script *s, struct jwe_bytes b)
{
    if (b.len > 0)
        s->values[s->count++] = b;
}

/* In the order in which jwe_seal draws: content key, ephemeral key, the iv that wraps, the iv. */
static struct script example_script(const struct vector_file *f)
{
    struct script s = {.matched = true};
    uint32_t made = json_get(&f->doc, 0, VIEW("generated")), wrap = json_get(&f->doc, 0, VIEW("encrypting_key"));

    script_add(&s, vector_bytes(f, made, "cek"));
    script_add(&s, vector_bytes(f, json_get(&f->doc, wrap, VIEW("epk")), "d"));
    script_add(&s, vector_bytes(f, wrap, "iv"));
    script_add(&s, vector_bytes(f, made, "iv"));
    return s;
}

static void seal_again(const struct vector_file *f, const char *name, const struct jwe_key *k, enum aead enc,
                       struct view plain, struct view text)
{
    char again[4096];
    struct buf b = buf_fixed(again, sizeof again);
    struct script script = example_script(f);
    struct entropy e = {script_fill, &script};

    VECTOR_CHECK(cardea_ok(jwe_seal(k, &(struct jwe_header){.enc = enc}, plain, &e, &b)), "%s", name);
    VECTOR_CHECK(script.matched && script.next == script.count, "%s: drawn as the example draws", name);
    VECTOR_CHECK(view_equal(buf_view(&b), text), "%s: sealed %.*s", name, (int)b.len, again);
}

static void in_scope(const struct vector_file *f, const char *name)
{
    uint32_t input = json_get(&f->doc, 0, VIEW("input"));
    struct view text = vector_text(f, json_get(&f->doc, 0, VIEW("output")), "compact"), plain = VIEW("");
    struct view want = vector_text(f, input, "plaintext"), alg = vector_text(f, input, "alg");
    enum aead enc = aead_parse(vector_text(f, input, "enc"));
    bool reproducible = false;
    char kept[2048];

    /* vector_key asks for many texts: keep what must outlast them. */
    struct vector_file copy = *f;
    memcpy(kept, want.ptr, want.len);
    struct jwe_key *k = vector_key(&copy, json_get(&f->doc, input, VIEW("key")), alg, JWE_ENC(enc));
    text = vector_text(f, json_get(&f->doc, 0, VIEW("output")), "compact");
    VECTOR_CHECK(k != NULL, "%s: no key", name);
    if (k == NULL)
        return;
    VECTOR_CHECK(cardea_ok(vector_open(text, k, &plain)), "%s", name);
    VECTOR_CHECK(view_equal(plain, view_of(kept, want.len)), "%s: %.*s", name, (int)plain.len, plain.ptr);
    (void)cardea_ok(json_bool(&f->doc, json_get(&f->doc, 0, VIEW("reproducible")), &reproducible));
    if (reproducible)
        seal_again(f, name, k, enc, view_of(kept, want.len), text);
    printf("%s: opened%s\n", name, reproducible ? ", sealed to the byte" : "");
    jwe_key_free(k);
}

static void out_of_scope(const struct vector_file *f, const struct example *x)
{
    struct jwe_token t;
    struct view text = vector_text(f, json_get(&f->doc, 0, VIEW("output")), "compact");

    if (text.len == 0)
        text = json_source(&f->doc, json_get(&f->doc, json_get(&f->doc, 0, VIEW("output")), VIEW("json")));
    VECTOR_CHECK(text.len > 0 && !cardea_ok(jwe_read(text, &t)), "%s", x->file);
    printf("left out: %s: %s\n", x->file, x->left_out);
}

static void nested(void)
{
    struct vector_file f = vector_file_open("rfc7520-cookbook/6.nesting_signatures_and_encryption.json");
    uint32_t output = json_get(&f.doc, json_get(&f.doc, 0, VIEW("encrypt")), VIEW("output"));
    struct view text = vector_text(&f, output, "compact");
    struct jwe_token t;

    VECTOR_CHECK(text.len > 0 && !cardea_ok(jwe_read(text, &t)), "6");
    puts("left out: 6.nesting_signatures_and_encryption.json: there is no RSA-OAEP with SHA-1");
    vector_file_close(&f);
}

int main(void)
{
    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char name[256];
        snprintf(name, sizeof name, "rfc7520-cookbook/%s", examples[i].file);
        struct vector_file f = vector_file_open(name);
        if (examples[i].left_out == NULL)
            in_scope(&f, examples[i].file);
        else
            out_of_scope(&f, &examples[i]);
        vector_file_close(&f);
    }
    nested();
    printf("%d checks, %d failed\n", vectors_checked, vectors_failed);
    return vectors_failed == 0 ? 0 : 1;
}
