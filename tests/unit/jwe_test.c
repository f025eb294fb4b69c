#include "check.h"

#include "base/text.h"
#include "core/jwe.h"
#include "crypto/random.h"
#include "rsa_make.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static uint8_t bytes[64];
static struct rsa_made rsa;
static size_t allocations;

static const enum agreement_curve curves[] = {AGREEMENT_P256, AGREEMENT_P384, AGREEMENT_X25519};

/* OpenSSL's memory, counted. */
static void *counted_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(n);
}

static void *counted_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(p, n);
}

static void counted_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

static size_t symmetric_len(enum jwe_alg a, enum aead enc)
{
    switch (a) {
    case JWE_DIR:
        return aead_key_len(enc);
    case JWE_A128KW:
    case JWE_A128GCMKW:
        return 16;
    case JWE_A192KW:
    case JWE_A192GCMKW:
        return 24;
    case JWE_A256KW:
    case JWE_A256GCMKW:
        return 32;
    default:
        return 0;
    }
}

/* A key for alg and enc; of the agreement algorithms on curve c. */
static struct jwe_key *key(enum jwe_alg a, enum aead enc, enum agreement_curve c, const char *kid)
{
    struct jwe_rule r = {a, JWE_ENC(enc), view_text(kid)};
    struct jwe_key *k = NULL;

    if (a == JWE_RSA_OAEP_256)
        assert_ok(jwe_key_rsa(&r, &rsa.parts, &k));
    else if (a >= JWE_ECDH_ES && a <= JWE_ECDH_ES_A256KW)
        assert_ok(jwe_key_agreement(&r, c, VIEW_EMPTY, view_of(bytes, agreement_coordinate_len(c)), &k));
    else
        assert_ok(jwe_key_symmetric(&r, view_of(bytes, symmetric_len(a, enc)), &k));
    return k;
}

static void round_trip(const struct jwe_key *k, struct view plain)
{
    struct buf text = buf_heap(JWE_TEXT_MAX);
    struct jwe_header h = {.typ = VIEW("JWT"), .cty = VIEW("x/\"y"), .apu = VIEW("Alice"), .apv = VIEW("Bob")};
    struct jwe_opened opened;
    uint8_t *room = malloc(JWE_TEXT_MAX);

    assert_ok(jwe_seal(k, &h, plain, entropy_system(), &text));
    assert_ok(jwe_open(buf_view(&text), k, entropy_system(), room, JWE_ROOM(text.len), &opened));
    assert_view(opened.plain, plain);
    assert_text(jwe_name_view(&opened.typ), "JWT");
    assert_text(jwe_name_view(&opened.cty), "x/\"y");
    free(room);
    buf_clear(&text);
}

static void every_pair_round_trips(void **state)
{
    (void)state;
    for (enum jwe_alg a = JWE_DIR; a < JWE_ALG_COUNT; a++) {
        bool agreed = a >= JWE_ECDH_ES && a <= JWE_ECDH_ES_A256KW;
        for (enum aead enc = AEAD_A128GCM; enc < AEAD_COUNT; enc++) {
            for (size_t c = 0; c < (agreed ? 3 : 1); c++) {
                struct jwe_key *k = key(a, enc, curves[c], "kid-1");
                assert_int_equal(jwe_key_alg(k), a);
                assert_true(jwe_key_opens(k));
                assert_text(jwe_key_kid(k), "kid-1");
                round_trip(k, VIEW("Live long and prosper."));
                round_trip(k, VIEW_EMPTY);
                jwe_key_free(k);
            }
        }
        assert_int_equal(jwe_alg_parse(view_text(jwe_alg_name(a))), a);
    }
    jwe_key_free(NULL);
}

static void long_texts(void **state)
{
    static char plain[JWE_PLAIN_MAX + 1];
    struct jwe_key *k = key(JWE_A128KW, AEAD_A128CBC_HS256, AGREEMENT_UNSET, NULL);
    struct buf text = buf_heap(2 * JWE_TEXT_MAX);

    (void)state;
    round_trip(k, view_of(plain, 4096));
    round_trip(k, view_of(plain, JWE_PLAIN_MAX));
    assert_code(jwe_seal(k, &(struct jwe_header){0}, view_of(plain, sizeof plain), entropy_system(), &text),
                E_TOO_LARGE);
    assert_int_equal(text.len, 0);
    buf_clear(&text);
    jwe_key_free(k);
}

/* RFC 7516 appendix A.3. */
static void rfc7516_appendix_a3(void **state)
{
    struct jwe_rule r = {JWE_A128KW, JWE_ENC(AEAD_A128CBC_HS256), VIEW_EMPTY};
    struct jwe_key *k = NULL;
    struct jwe_opened opened;
    uint8_t kek[16], room[64];

    (void)state;
    assert_ok(base64url_decode_exact(VIEW("GawgguFyGrWKav7AX4VKUg"), kek, sizeof kek));
    assert_ok(jwe_key_symmetric(&r, view_of(kek, sizeof kek), &k));
    assert_ok(jwe_open(VIEW("eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0."
                            "6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ."
                            "AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY."
                            "U0m_YmjN04DJvceFICbCVQ"),
                       k, entropy_system(), room, sizeof room, &opened));
    assert_text(opened.plain, "Live long and prosper.");
    jwe_key_free(k);
}

static void a_public_half_only_seals(void **state)
{
    struct jwe_rule r = {JWE_ECDH_ES, JWE_ENC(AEAD_A256GCM), VIEW_EMPTY};
    struct jwe_rule rsa_rule = {JWE_RSA_OAEP_256, JWE_ENC(AEAD_A256GCM), VIEW_EMPTY};
    struct jwe_key *public = NULL, *private = key(JWE_ECDH_ES, AEAD_A256GCM, AGREEMENT_P256, NULL);
    struct agreement_key *raw = NULL;
    struct rsa_parts parts = {.n = rsa.parts.n, .e = rsa.parts.e};
    char text[1024];
    struct buf b = buf_fixed(text, sizeof text);
    struct jwe_opened opened;
    uint8_t room[1024];

    (void)state;
    assert_ok(agreement_key_new(AGREEMENT_P256, view_of(bytes, 32), VIEW_EMPTY, &raw));
    assert_ok(jwe_key_agreement(&r, AGREEMENT_P256, agreement_key_public(raw), VIEW_EMPTY, &public));
    assert_false(jwe_key_opens(public));
    assert_ok(jwe_seal(public, &(struct jwe_header){0}, VIEW("hello"), entropy_system(), &b));
    assert_code(jwe_open(buf_view(&b), public, entropy_system(), room, sizeof room, &opened), E_USAGE);
    assert_ok(jwe_open(buf_view(&b), private, entropy_system(), room, sizeof room, &opened));
    assert_text(opened.plain, "hello");
    jwe_key_free(public);
    jwe_key_free(private);
    agreement_key_free(raw);

    private = key(JWE_RSA_OAEP_256, AEAD_A256GCM, AGREEMENT_UNSET, NULL);
    assert_ok(jwe_key_rsa(&rsa_rule, &parts, &public));
    buf_reset(&b);
    assert_ok(jwe_seal(public, &(struct jwe_header){0}, VIEW("hello"), entropy_system(), &b));
    assert_code(jwe_open(buf_view(&b), public, entropy_system(), room, sizeof room, &opened), E_USAGE);
    assert_ok(jwe_open(buf_view(&b), private, entropy_system(), room, sizeof room, &opened));
    jwe_key_free(public);
    jwe_key_free(private);
}

static void rules_are_kept(void **state)
{
    struct jwe_rule r = {JWE_DIR, JWE_ENC(AEAD_A128GCM) | JWE_ENC(AEAD_A256GCM), VIEW_EMPTY};
    struct jwe_key *k = NULL;
    char text[1024], long_kid[JWE_NAME_MAX + 1] = {0};
    struct buf b = buf_fixed(text, sizeof text);

    (void)state;
    assert_code(jwe_key_symmetric(&r, view_of(bytes, 16), &k), E_USAGE); /* dir has one enc */
    r.alg = JWE_A128KW;
    assert_code(jwe_key_symmetric(&r, view_of(bytes, 32), &k), E_INVALID_FIELD);
    assert_code(jwe_key_agreement(&r, AGREEMENT_P256, VIEW_EMPTY, view_of(bytes, 32), &k), E_USAGE);
    assert_code(jwe_key_rsa(&r, &rsa.parts, &k), E_USAGE);
    r.encs = 0;
    assert_code(jwe_key_symmetric(&r, view_of(bytes, 16), &k), E_USAGE);
    r.encs = JWE_ENC_ALL | 1u;
    assert_code(jwe_key_symmetric(&r, view_of(bytes, 16), &k), E_USAGE);
    r.encs = JWE_ENC_ALL;
    r.kid = view_of(long_kid, sizeof long_kid);
    assert_code(jwe_key_symmetric(&r, view_of(bytes, 16), &k), E_USAGE);
    r.kid = VIEW_EMPTY;
    r.alg = JWE_RSA_OAEP_256;
    assert_code(jwe_key_symmetric(&r, view_of(bytes, 16), &k), E_USAGE);
    r.alg = JWE_ALG_UNSET;
    assert_code(jwe_key_symmetric(&r, view_of(bytes, 16), &k), E_USAGE);
    r.alg = JWE_DIR;
    r.encs = JWE_ENC(AEAD_A256GCM);
    assert_code(jwe_key_symmetric(&r, view_of(bytes, 31), &k), E_INVALID_FIELD);
    assert_null(k);
    /* Which enc, where the key leaves a choice, the caller says. */
    r = (struct jwe_rule){JWE_A128KW, JWE_ENC(AEAD_A128GCM) | JWE_ENC(AEAD_A256GCM), VIEW_EMPTY};
    assert_ok(jwe_key_symmetric(&r, view_of(bytes, 16), &k));
    assert_code(jwe_seal(k, &(struct jwe_header){0}, VIEW("x"), entropy_system(), &b), E_USAGE);
    assert_code(jwe_seal(k, &(struct jwe_header){.enc = AEAD_A192GCM}, VIEW("x"), entropy_system(), &b), E_USAGE);
    assert_ok(jwe_seal(k, &(struct jwe_header){.enc = AEAD_A256GCM}, VIEW("x"), entropy_system(), &b));
    assert_code(jwe_seal(k, &(struct jwe_header){.enc = AEAD_A256GCM, .typ = view_of(long_kid, sizeof long_kid)},
                         VIEW("x"), entropy_system(), &b),
                E_USAGE);
    jwe_key_free(k);
}

static void room_is_asked_for_first(void **state)
{
    struct jwe_key *k = key(JWE_DIR, AEAD_A256GCM, AGREEMENT_UNSET, NULL);
    char text[256];
    struct buf b = buf_fixed(text, sizeof text), small = buf_fixed(text, 60);
    struct jwe_opened opened = {.enc = AEAD_A128GCM};
    uint8_t room[32] = {0x55};

    (void)state;
    assert_code(jwe_seal(k, &(struct jwe_header){0}, VIEW("twelve bytes"), entropy_system(), &small), E_TOO_LARGE);
    assert_int_equal(small.len, 0);
    assert_ok(jwe_seal(k, &(struct jwe_header){0}, VIEW("twelve bytes"), entropy_system(), &b));
    assert_code(jwe_open(buf_view(&b), k, entropy_system(), room, 11, &opened), E_TOO_LARGE);
    assert_int_equal(room[0], 0x55);
    assert_int_equal(opened.enc, AEAD_A128GCM);
    assert_ok(jwe_open(buf_view(&b), k, entropy_system(), room, 12, &opened));
    assert_text(opened.plain, "twelve bytes");
    jwe_key_free(k);
}

static void dir_allocates_nothing(void **state)
{
    (void)state;
    for (enum aead enc = AEAD_A128GCM; enc < AEAD_COUNT; enc++) {
        struct jwe_key *k = key(JWE_DIR, enc, AGREEMENT_UNSET, "kid");
        char text[512];
        struct buf b = buf_fixed(text, sizeof text);
        struct jwe_opened opened;
        uint8_t room[512];
        assert_ok(jwe_seal(k, &(struct jwe_header){0}, VIEW("plain"), entropy_system(), &b));
        assert_true(allocations > 0);
        allocations = 0;
        assert_ok(jwe_open(buf_view(&b), k, entropy_system(), room, sizeof room, &opened));
        b.len = 0;
        assert_ok(jwe_seal(k, &(struct jwe_header){0}, VIEW("plain"), entropy_system(), &b));
        assert_int_equal(allocations, 0);
        allocations = 1;
        jwe_key_free(k);
    }
}

static void weak_rsa_is_refused(void **state)
{
    struct jwe_rule r = {JWE_RSA_OAEP_256, JWE_ENC_ALL, VIEW_EMPTY};
    struct rsa_made *small = malloc(sizeof *small);
    struct jwe_key *k = NULL;
    struct rsa_parts parts = rsa.parts;

    (void)state;
    rsa_make(1024, 65537, small);
    assert_code(jwe_key_rsa(&r, &small->parts, &k), E_INVALID_FIELD);
    rsa_make(2040, 65537, small);
    assert_code(jwe_key_rsa(&r, &small->parts, &k), E_INVALID_FIELD);
    rsa_make(2048, 3, small);
    assert_code(jwe_key_rsa(&r, &small->parts, &k), E_INVALID_FIELD);
    rsa_make(2048, 65537, small);
    parts.d = small->parts.d; /* halves of two keys */
    assert_code(jwe_key_rsa(&r, &parts, &k), E_INVALID_FIELD);
    parts = rsa.parts;
    parts.e = VIEW("\1");
    assert_code(jwe_key_rsa(&r, &parts, &k), E_INVALID_FIELD);
    parts.e = VIEW_EMPTY;
    assert_code(jwe_key_rsa(&r, &parts, &k), E_INVALID_FIELD);
    parts = rsa.parts;
    parts.qi = VIEW_EMPTY; /* some of the primes' parts */
    assert_code(jwe_key_rsa(&r, &parts, &k), E_INVALID_FIELD);
    assert_null(k);
    parts = (struct rsa_parts){.n = rsa.parts.n, .e = rsa.parts.e, .d = rsa.parts.d};
    assert_ok(jwe_key_rsa(&r, &parts, &k)); /* none of them */
    jwe_key_free(k);
    free(small);
}

static struct raw_key raw_of(enum raw_key_type type, enum raw_key_curve curve)
{
    struct raw_key k;

    raw_key_init(&k, type, curve);
    return k;
}

static void put_raw(struct raw_key *k, enum raw_key_part part, struct view v)
{
    assert_true(raw_key_put(k, part, v));
}

/* What one made from parts seals, one made directly opens. */
static void same_key(const struct jwe_rule *r, const struct raw_key *raw, const struct jwe_key *direct)
{
    char text[2048];
    uint8_t room[2048];
    struct buf b = buf_fixed(text, sizeof text);
    struct jwe_key *k = NULL;
    struct jwe_opened opened;

    assert_ok(jwe_key_from_raw(r, raw, &k));
    assert_ok(jwe_seal(k, &(struct jwe_header){0}, VIEW("parts"), entropy_system(), &b));
    assert_ok(jwe_open(buf_view(&b), direct, entropy_system(), room, sizeof room, &opened));
    assert_text(opened.plain, "parts");
    jwe_key_free(k);
}

static void keys_from_parts(void **state)
{
    static const enum raw_key_curve raw_curves[] = {RAW_CURVE_P256, RAW_CURVE_P384, RAW_CURVE_X25519};
    struct jwe_rule r = {JWE_ECDH_ES, JWE_ENC(AEAD_A256GCM), VIEW_EMPTY};
    struct raw_key raw;
    struct jwe_key *direct = NULL, *none = NULL;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct agreement_key *whole = NULL;
        size_t len = agreement_coordinate_len(curves[i]);
        bool okp = curves[i] == AGREEMENT_X25519;
        assert_ok(agreement_key_new(curves[i], view_of(bytes, len), VIEW_EMPTY, &whole));
        direct = key(JWE_ECDH_ES, AEAD_A256GCM, curves[i], NULL);
        raw = raw_of(okp ? RAW_KEY_OKP : RAW_KEY_EC, raw_curves[i]);
        assert_code(jwe_key_from_raw(&r, &raw, &none), E_INVALID_FIELD);
        put_raw(&raw, RAW_KEY_X, view_of(agreement_key_public(whole).ptr + (okp ? 0 : 1), len));
        if (!okp) {
            assert_code(jwe_key_from_raw(&r, &raw, &none), E_INVALID_FIELD);
            put_raw(&raw, RAW_KEY_Y, view_of(agreement_key_public(whole).ptr + 1 + len, len));
        }
        same_key(&r, &raw, direct); /* the public half */
        put_raw(&raw, RAW_KEY_D, view_of(bytes, len));
        same_key(&r, &raw, direct);
        jwe_key_free(direct);
        agreement_key_free(whole);
    }
    raw = raw_of(RAW_KEY_EC, RAW_CURVE_P521);
    assert_code(jwe_key_from_raw(&r, &raw, &none), E_INVALID_FIELD);
    raw = raw_of(RAW_KEY_OKP, RAW_CURVE_ED25519);
    assert_code(jwe_key_from_raw(&r, &raw, &none), E_INVALID_FIELD);
    raw = raw_of(RAW_KEY_UNSET, RAW_CURVE_UNSET);
    assert_code(jwe_key_from_raw(&r, &raw, &none), E_INVALID_FIELD);

    raw = raw_of(RAW_KEY_OCT, RAW_CURVE_UNSET);
    put_raw(&raw, RAW_KEY_K, view_of(bytes, 32));
    assert_code(jwe_key_from_raw(&r, &raw, &none), E_USAGE);
    r.alg = JWE_DIR;
    direct = key(JWE_DIR, AEAD_A256GCM, AGREEMENT_UNSET, NULL);
    same_key(&r, &raw, direct);
    jwe_key_free(direct);

    r.alg = JWE_RSA_OAEP_256;
    raw = raw_of(RAW_KEY_RSA, RAW_CURVE_UNSET);
    put_raw(&raw, RAW_KEY_N, rsa.parts.n);
    put_raw(&raw, RAW_KEY_E, rsa.parts.e);
    direct = key(JWE_RSA_OAEP_256, AEAD_A256GCM, AGREEMENT_UNSET, NULL);
    same_key(&r, &raw, direct);
    put_raw(&raw, RAW_KEY_D, rsa.parts.d);
    put_raw(&raw, RAW_KEY_P, rsa.parts.p);
    put_raw(&raw, RAW_KEY_Q, rsa.parts.q);
    put_raw(&raw, RAW_KEY_DP, rsa.parts.dp);
    put_raw(&raw, RAW_KEY_DQ, rsa.parts.dq);
    put_raw(&raw, RAW_KEY_QI, rsa.parts.qi);
    same_key(&r, &raw, direct);
    jwe_key_free(direct);
    assert_null(none);
    raw_key_clear(&raw);
}

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i + 1);
    rsa_make(2048, 65537, &rsa);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_round_trips), cmocka_unit_test(long_texts),
        cmocka_unit_test(rfc7516_appendix_a3),    cmocka_unit_test(a_public_half_only_seals),
        cmocka_unit_test(rules_are_kept),         cmocka_unit_test(room_is_asked_for_first),
        cmocka_unit_test(dir_allocates_nothing),  cmocka_unit_test(weak_rsa_is_refused),
        cmocka_unit_test(keys_from_parts),
    };

    if (CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) != 1 || !cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
