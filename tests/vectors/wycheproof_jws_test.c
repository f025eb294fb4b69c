/* Wycheproof's JWS and JWK, and the JWS half of json_web_crypto_test: each token must come out as its file says, but
 * for those listed here, where the file contradicts the RFCs or itself. */
#include "vector_file.h"

#include "core/jws.h"
#include "crypto/random.h"

enum { JWS_TESTS = 401, JWK_TESTS = 26, CRYPTO_JWS_TESTS = 49 };

/* Where we do otherwise than a file says, and why. */
static const struct {
    const char *file, *half; /* NULL: both */
    int id;
    bool accepted;
    const char *why;
} exceptions[] = {
    {"signature", NULL, 346, false, "the key says PS256, the token PS384: the key decides"},
    {"signature", NULL, 347, false, "the key's alg is \"ES521\", which is no algorithm (RFC 7518 §3.1 has ES512)"},
    {"signature", "private", 349, false,
     "key_ops is [\"sign, verify\"]: one operation that nobody knows, so it may not verify"},
    {"signature", NULL, 350, false, "the key says PS256, the token PS384: the key decides"},
    {"signature", NULL, 351, false, "the key's alg is \"ES521\""},
    {"signature", NULL, 367, true, "named for bad padding, but its text is that of test 357, which is valid"},
    {"signature", NULL, 370, true, "named for bad padding, but its text is that of test 357, which is valid"},
    {"signature", NULL, 372, false, "called valid, with a \"?\" in its header"},
    {"signature", NULL, 373, false, "called valid, with a \"?\" in its payload"},
};
static int excepted;

static bool expected(const char *file, const char *half, int64_t id, bool valid)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (exceptions[i].id == id && strcmp(exceptions[i].file, file) == 0 &&
            (exceptions[i].half == NULL || strcmp(exceptions[i].half, half) == 0)) {
            VECTOR_CHECK(valid != exceptions[i].accepted, "%s %d needs no exception", file, exceptions[i].id);
            printf("otherwise: %s %s %d: %s\n", file, half, exceptions[i].id, exceptions[i].why);
            excepted++;
            return exceptions[i].accepted;
        }
    return valid;
}

static bool verifies(const struct jws *j, const struct jwk_key *k)
{
    char payload[JWS_TEXT_MAX];
    size_t len;

    return k != NULL && k->verify != NULL && cardea_ok(jws_verify(j, k->verify, payload, sizeof payload, &len));
}

/* A set of what a group gives: a set, or one key. NULL: refused. */
static struct jwk_set *load(struct view source, bool is_set)
{
    struct jwk_set *set = NULL;
    struct jwk jwk;

    if (is_set)
        return cardea_ok(jwk_set_read(source, SIGNATURE_UNSET, &set)) ? set : NULL;
    set = calloc(1, sizeof *set + sizeof set->keys[0]);
    if (set == NULL || !cardea_ok(jwk_read(source, &jwk)) ||
        !cardea_ok(jwk_load(&jwk, SIGNATURE_UNSET, &set->keys[0]))) {
        free(set);
        return NULL;
    }
    jwk_clear(&jwk);
    set->count = 1;
    return set;
}

static int run_group(const struct vector_file *f, uint32_t group, const char *file, const char *half, bool is_set)
{
    uint32_t key = json_get(&f->doc, group, view_text(half)), tests = json_get(&f->doc, group, VIEW("tests"));
    int done = 0;

    if (key == 0 || json_type(&f->doc, key) != JSON_OBJECT)
        return 0;
    is_set = is_set || json_get(&f->doc, key, VIEW("keys")) != 0;
    struct jwk_set *set = load(json_source(&f->doc, key), is_set);
    for (uint32_t t = json_first(&f->doc, tests); t != 0; t = json_after(&f->doc, tests, t)) {
        int64_t id = 0;
        struct jws j;
        if (json_get(&f->doc, t, VIEW("jws")) == 0)
            continue; /* encryption, in json_web_crypto_test */
        VECTOR_CHECK(cardea_ok(json_int(&f->doc, json_get(&f->doc, t, VIEW("tcId")), &id)), "tcId");
        bool want = expected(file, half, id, view_is(vector_text(f, t, "result"), "valid"));
        bool good = set != NULL && cardea_ok(jws_read(vector_text(f, t, "jws"), &j));
        if (good)
            good = verifies(&j, is_set ? jws_find_key(&j, set) : &set->keys[0]);
        VECTOR_CHECK(good == want, "%s %s %d", file, half, (int)id);
        done++;
    }
    jwk_set_free(set);
    return done;
}

/* With the public keys, then with the private ones; returns how many tests had the latter. */
static int run(const char *file, bool is_set)
{
    char name[128];
    int done = 0;

    snprintf(name, sizeof name, "wycheproof/testvectors_v1/json_web_%s_test.json", file);
    struct vector_file f = vector_file_open(name);
    uint32_t groups = json_get(&f.doc, 0, VIEW("testGroups"));
    for (uint32_t g = json_first(&f.doc, groups); g != 0; g = json_after(&f.doc, groups, g)) {
        (void)run_group(&f, g, file, "public", is_set);
        done += run_group(&f, g, file, "private", is_set);
    }
    vector_file_close(&f);
    return done;
}

int main(void)
{
    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    VECTOR_CHECK(run("signature", false) == JWS_TESTS, "tests");
    VECTOR_CHECK(run("key", true) == JWK_TESTS, "tests");
    VECTOR_CHECK(run("crypto", false) == CRYPTO_JWS_TESTS, "tests");
    VECTOR_CHECK(excepted >= (int)(sizeof exceptions / sizeof *exceptions), "%d exceptions", excepted);
    printf("%d checks, %d failed\n", vectors_checked, vectors_failed);
    return vectors_failed == 0 ? 0 : 1;
}
