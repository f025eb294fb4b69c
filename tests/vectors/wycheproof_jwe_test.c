/* Wycheproof's json_web_encryption_test and the JWE groups of json_web_crypto_test. Keys whose algorithm does not exist
 * here (RSA1_5, RSA-OAEP with SHA-1) can not be made at all, so their texts can not be opened: they are counted. The
 * other vectors that call themselves valid and are refused here are named with the reason. */
#include "jwe_vector.h"

enum { JWE_TESTS = 139, CRYPTO_JWE_TESTS = 34 };

static unsigned valid, invalid, left_out;

/* Why a text that the vectors call valid is refused; NULL where it must open. */
static const char *refused_by_design(const struct vector_file *f, uint32_t t)
{
    uint32_t flags = json_get(&f->doc, t, VIEW("flags"));
    struct view flag;

    for (uint32_t c = json_first(&f->doc, flags); c != 0; c = json_after(&f->doc, flags, c)) {
        if (cardea_ok(json_plain(&f->doc, c, &flag)) && view_is(flag, "CompressedPlaintext"))
            return "zip is always refused";
    }
    return NULL;
}

static void check_valid(struct view text, const struct jwe_key *k, struct view pt, int64_t id)
{
    struct view plain = VIEW("");
    char hex[4096];
    struct buf b = buf_fixed(hex, sizeof hex);

    VECTOR_CHECK(cardea_ok(vector_open(text, k, &plain)), "tcId %lld", (long long)id);
    buf_hex(&b, plain.ptr, plain.len);
    /* json_web_crypto_test does not say what is inside. */
    VECTOR_CHECK(buf_ok(&b) && (pt.len == 0 || view_equal(buf_view(&b), pt)), "tcId %lld: %.*s", (long long)id,
                 (int)b.len, hex);
    valid++;
}

static void check(const struct vector_file *f, uint32_t t, const struct jwe_key *k, struct view alg)
{
    struct view text = vector_text(f, t, "jwe"), plain;
    bool good = view_is(vector_text(f, t, "result"), "valid");
    const char *reason = refused_by_design(f, t);
    int64_t id = 0;

    (void)cardea_ok(json_int(&f->doc, json_get(&f->doc, t, VIEW("tcId")), &id));
    if (k == NULL) {
        struct jwe_token token;
        left_out++;
        VECTOR_CHECK(!good || !cardea_ok(jwe_read(text, &token)), "tcId %lld", (long long)id);
        if (good)
            printf("left out: tcId %lld: there is no %.*s\n", (long long)id, (int)alg.len, alg.ptr);
        return;
    }
    if (good && reason == NULL) {
        check_valid(text, k, vector_text(f, t, "pt"), id);
        return;
    }
    if (good)
        printf("refused: tcId %lld: %s\n", (long long)id, reason);
    struct cardea_status s = vector_open(text, k, &plain);
    VECTOR_CHECK(s.code == CARDEA_E_INVALID_TOKEN, "tcId %lld: %s", (long long)id, cardea_status_name(s));
    invalid++;
}

static void run(const char *name)
{
    struct vector_file f = vector_file_open(name);
    uint32_t groups = json_get(&f.doc, 0, VIEW("testGroups"));

    for (uint32_t g = json_first(&f.doc, groups); g != 0; g = json_after(&f.doc, groups, g)) {
        uint32_t jwk = json_get(&f.doc, g, VIEW("private")), tests = json_get(&f.doc, g, VIEW("tests"));
        struct view alg = vector_text(&f, jwk, "alg");
        char alg_text[64];
        if (json_get(&f.doc, json_first(&f.doc, tests), VIEW("jwe")) == 0)
            continue; /* signatures, in json_web_crypto_test */
        snprintf(alg_text, sizeof alg_text, "%.*s", (int)alg.len, alg.ptr);
        struct jwe_key *k = vector_key(&f, jwk, view_text(alg_text), JWE_ENC_ALL);
        for (uint32_t t = json_first(&f.doc, tests); t != 0; t = json_after(&f.doc, tests, t))
            check(&f, t, k, view_text(alg_text));
        VECTOR_CHECK(k != NULL || view_is(view_text(alg_text), "RSA1_5") || view_is(view_text(alg_text), "RSA-OAEP"),
                     "%s: no key", alg_text);
        jwe_key_free(k);
    }
    vector_file_close(&f);
}

int main(void)
{
    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    run("wycheproof/testvectors_v1/json_web_encryption_test.json");
    run("wycheproof/testvectors_v1/json_web_crypto_test.json");
    VECTOR_CHECK(valid > 50 && invalid > 50, "%u and %u", valid, invalid);
    VECTOR_CHECK(valid + invalid + left_out == JWE_TESTS + CRYPTO_JWE_TESTS, "%u, %u and %u", valid, invalid, left_out);
    printf("%u opened, %u refused, %u left out; %d checks, %d failed\n", valid, invalid, left_out, vectors_checked,
           vectors_failed);
    return vectors_failed == 0 ? 0 : 1;
}
