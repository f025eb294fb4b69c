/* Attacks on JWE (ATTACKS group D) and their siblings. Wherever it can be done the token is one that would open if the
 * check were missing. */
#include "check.h"

#include "core/access_token.h"
#include "crypto/keywrap.h"
#include "crypto/random.h"
#include "jwe_forge.h"
#include "rsa_make.h"

#include <stdio.h>
#include <stdlib.h>

static uint8_t secret[64]; /* known to whoever forges */
static struct rsa_made rsa;
static size_t draws;

static void counting_fill(void *context, void *out, size_t len)
{
    (void)context;
    draws++;
    entropy_fill(entropy_system(), out, len);
}
static const struct entropy counting = {counting_fill, NULL};

static struct jwe_key *symmetric(enum jwe_alg a, enum aead enc, size_t len, const char *kid)
{
    struct jwe_rule r = {a, JWE_ENC(enc), view_text(kid)};
    struct jwe_key *k = NULL;

    assert_ok(jwe_key_symmetric(&r, view_of(secret, len), &k));
    return k;
}

static struct jwe_key *dir_key(void)
{
    return symmetric(JWE_DIR, AEAD_A256GCM, 32, "key-1");
}

static struct jwe_key *agreement(enum jwe_alg a, enum agreement_curve c)
{
    struct jwe_rule r = {a, JWE_ENC(a == JWE_ECDH_ES ? AEAD_A256GCM : AEAD_A128CBC_HS256), VIEW_EMPTY};
    struct jwe_key *k = NULL;

    assert_ok(jwe_key_agreement(&r, c, VIEW_EMPTY, view_of(secret, agreement_coordinate_len(c)), &k));
    return k;
}

static enum cardea_code open_code(struct view text, const struct jwe_key *k)
{
    static uint8_t room[JWE_TEXT_MAX];
    struct jwe_opened opened = {.enc = AEAD_COUNT};
    enum cardea_code code = jwe_open(text, k, &counting, room, sizeof room, &opened).code;

    assert_true(code == CARDEA_OK || opened.enc == AEAD_COUNT);
    return code;
}

static void opens(struct view text, const struct jwe_key *k)
{
    assert_int_equal(open_code(text, k), CARDEA_OK);
}

static void refused(struct view text, const struct jwe_key *k)
{
    assert_int_equal(open_code(text, k), CARDEA_E_INVALID_TOKEN);
}

/* A dir token with this header, under the right key. */
static struct view dir_text(const char *header)
{
    return forged_view(forge(header, AEAD_A256GCM, secret, VIEW_EMPTY, VIEW("{}")));
}

static void refused_header(const char *header, const struct jwe_key *k)
{
    refused(dir_text(header), k);
}

/* --- headers --- */

static void d01_compression_is_refused(void **state)
{
    static const char *const zips[] = {"\"DEF\"", "\"def\"", "\"\"", "null", "false", "0", "[]", "{}", "\"GZIP\""};
    struct jwe_key *k = dir_key();
    char header[128];

    (void)state;
    opens(dir_text("{\"alg\":\"dir\",\"enc\":\"A256GCM\"}"), k);
    for (size_t i = 0; i < sizeof zips / sizeof *zips; i++) {
        snprintf(header, sizeof header, "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"zip\":%s}", zips[i]);
        refused_header(header, k);
    }
    refused_header("{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"\\u007aip\":\"DEF\"}", k); /* the same name, escaped */
    jwe_key_free(k);
}

static void d02_password_encryption_does_not_exist(void **state)
{
    static const char *const counts[] = {"2147483647", "1000000000000000", "0", "-1", "\"1000\"", "1", "null"};
    static const char *const algs[] = {"PBES2-HS256+A128KW", "PBES2-HS384+A192KW", "PBES2-HS512+A256KW"};
    char header[256];
    struct jwe_token t;

    (void)state;
    for (size_t a = 0; a < 3; a++) {
        assert_int_equal(jwe_alg_parse(view_text(algs[a])), JWE_ALG_UNSET);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            snprintf(header, sizeof header, "{\"alg\":\"%s\",\"enc\":\"A256GCM\",\"p2s\":\"c2FsdHNhbHQ\",\"p2c\":%s}",
                     algs[a], counts[i]);
            /* Refused by the reader, which has no key and derives nothing. */
            assert_code(jwe_read(dir_text(header), &t), E_INVALID_TOKEN);
        }
    }
}

static void unsafe_algorithms_do_not_exist(void **state)
{
    static const char *const algs[] = {"RSA1_5", "RSA-OAEP", "none", "HS256", "Dir",      "DIR",
                                       "dir ",   "A256kw",   "",     "RS256", "a\\u0000", "ECDH-1PU"};
    char header[128];
    struct jwe_token t;

    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        snprintf(header, sizeof header, "{\"alg\":\"%s\",\"enc\":\"A256GCM\"}", algs[i]);
        assert_code(jwe_read(dir_text(header), &t), E_INVALID_TOKEN);
    }
}

static void malformed_headers(void **state)
{
    static const char *const headers[] = {
        "",
        "[]",
        "\"dir\"",
        "{\"alg\":\"dir\"}",
        "{\"enc\":\"A256GCM\"}",
        "{\"alg\":[\"dir\"],\"enc\":\"A256GCM\"}",
        "{\"alg\":\"dir\",\"enc\":null}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"alg\":\"dir\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"\\u0061lg\":\"A256KW\"}",
        "{\"alg\":\"d\\u0069r\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\"} x",
        "\xef\xbb\xbf{\"alg\":\"dir\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"crit\":[]}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"crit\":null}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":1}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"key-2\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"../key-1\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"cty\":[\"JWT\"]}",
    };
    struct jwe_key *k = dir_key();

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        refused_header(headers[i], k);
    opens(dir_text("{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"key-1\"}"), k);
    /* A key or a URL in the token is never looked at. */
    opens(dir_text("{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"},\"jku\":\"file:///\"}"),
          k);
    jwe_key_free(k);
}

static void sizes_have_limits(void **state)
{
    static char header[JWE_HEADER_MAX + 64], text[JWE_TEXT_MAX + 64], dots[8000];
    struct jwe_key *k = dir_key();
    struct jwe_token t;

    (void)state;
    const int frame = (int)strlen("{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"x\":\"\"}");
    for (int over = 0; over <= 1; over++) {
        snprintf(header, sizeof header, "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"x\":\"%0*d\"}",
                 JWE_HEADER_MAX - frame + over, 0);
        if (over == 0)
            opens(dir_text(header), k);
        else
            refused_header(header, k);
    }
    memset(text, 'A', sizeof text);
    memset(dots, '.', sizeof dots);
    assert_code(jwe_read(view_of(text, sizeof text), &t), E_INVALID_TOKEN);
    assert_code(jwe_read(view_of(dots, sizeof dots), &t), E_INVALID_TOKEN);
    assert_code(jwe_read(VIEW("...."), &t), E_INVALID_TOKEN);
    assert_code(jwe_read(VIEW_EMPTY, &t), E_INVALID_TOKEN);
    snprintf(header, sizeof header, "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"%0*d\"}", JWE_NAME_MAX + 1, 0);
    refused_header(header, k);
    jwe_key_free(k);
}

static void one_text_per_token(void **state)
{
    struct jwe_key *k = dir_key();
    char good[512], bad[520];

    (void)state;
    struct view text = dir_text("{\"alg\":\"dir\",\"enc\":\"A256GCM\"}");
    snprintf(good, sizeof good, "%.*s", (int)text.len, text.ptr);
    opens(view_text(good), k);
    for (const char *p = good; *p != '\0'; p++) { /* something before each character */
        static const char *const inserts[] = {"=", "\n", " ", ".", "+", "%2e", "\xe2\x80\xa4"};
        for (size_t i = 0; i < sizeof inserts / sizeof *inserts; i++) {
            snprintf(bad, sizeof bad, "%.*s%s%s", (int)(p - good), good, inserts[i], p);
            refused(view_text(bad), k);
        }
    }
    static const char *const ends[] = {"=", ".", "\n", "A", ".e30"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(bad, sizeof bad, "%s%s", good, ends[i]);
        refused(view_text(bad), k);
    }
    /* The other texts of the tag's last character differ in bits that belong to no byte. */
    size_t last = strlen(good) - 1;
    unsigned accepted = 0;
    for (const char *c = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; *c != '\0'; c++) {
        memcpy(bad, good, sizeof good);
        bad[last] = *c;
        accepted += open_code(view_text(bad), k) == CARDEA_OK ? 1 : 0;
    }
    assert_int_equal(accepted, 1);
    snprintf(bad, sizeof bad, "{\"protected\":\"%.*s\"}", 20, good);
    refused(view_text(bad), k);
    jwe_key_free(k);
}

/* --- D03 --- */

/* Anybody can encrypt to a public key: what comes out is no identity, and no verifier of ours takes it for one. */
static void d03_decryption_proves_nothing(void **state)
{
    static const char *const inner[] = {
        "{\"iss\":\"https://id.example.com\",\"sub\":\"admin\",\"exp\":99999999999}",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9",
    };
    struct jwe_rule r = {JWE_RSA_OAEP_256, JWE_ENC(AEAD_A256GCM), VIEW_EMPTY};
    struct rsa_parts known = {.n = rsa.parts.n, .e = rsa.parts.e};
    struct jwe_key *theirs = NULL, *ours = NULL;
    struct keyring ring = {.access_count = 0};
    struct view audience = VIEW("any");
    struct access_expectation want = {VIEW("https://id.example.com"), &audience, 1};
    struct access_token token;
    char text[2048];
    uint8_t room[2048];

    (void)state;
    assert_ok(jwe_key_rsa(&r, &known, &theirs));
    assert_ok(jwe_key_rsa(&r, &rsa.parts, &ours));
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        struct buf b = buf_fixed(text, sizeof text);
        struct jwe_opened opened;
        assert_ok(
            jwe_seal(theirs, &(struct jwe_header){.cty = VIEW("JWT")}, view_text(inner[i]), entropy_system(), &b));
        assert_ok(jwe_open(buf_view(&b), ours, entropy_system(), room, sizeof room, &opened));
        assert_text(opened.plain, inner[i]); /* opened, and nothing more: the type has no claims */
        assert_code(access_token_verify(&ring, opened.plain, &want, 1000, &token), E_INVALID_TOKEN);
        assert_code(access_token_verify(&ring, buf_view(&b), &want, 1000, &token), E_INVALID_TOKEN);
    }
    jwe_key_free(theirs);
    jwe_key_free(ours);
}

/* --- D04 --- */

static void refused_epk(const char *epk, const struct jwe_key *k, const uint8_t *cek)
{
    char header[512];

    snprintf(header, sizeof header, "{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\"%s%s}",
             epk[0] == '\0' ? "" : ",\"epk\":", epk);
    refused(forged_view(forge(header, AEAD_A256GCM, cek, VIEW_EMPTY, VIEW("{}"))), k);
}

/* With a point of low order the sender knows the shared secret: zeros, whatever our key is. */
static void d04_low_order_points(void **state)
{
    static const uint8_t zeros[32];
    static const char *const points[] = {
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA", "X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc",
        "7P_______________________________________38", "7f_______________________________________38",
        "7v_______________________________________38"};
    struct jwe_key *k = agreement(JWE_ECDH_ES, AGREEMENT_X25519);
    uint8_t cek[32];
    char epk[128];

    (void)state;
    concat_kdf(view_of(zeros, 32), VIEW("A256GCM"), VIEW_EMPTY, VIEW_EMPTY, cek, sizeof cek);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        snprintf(epk, sizeof epk, "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"%s\"}", points[i]);
        refused_epk(epk, k, cek);
    }
    jwe_key_free(k);
}

/* The epk of a token that opens, changed; the content key is the right one, so only the epk can be what refuses. */
static void d04_ephemeral_keys(void **state)
{
    struct jwe_key *k = agreement(JWE_ECDH_ES, AGREEMENT_P256);
    struct agreement_key *ours = NULL, *eph = NULL;
    uint8_t z[AGREEMENT_SECRET_MAX], cek[32];
    char x[44] = "", y[44] = "", header[512], epk[256];

    (void)state;
    assert_ok(agreement_key_new(AGREEMENT_P256, view_of(secret, 32), VIEW_EMPTY, &ours));
    assert_ok(agreement_key_generate(AGREEMENT_P256, entropy_system(), &eph));
    assert_ok(agreement_secret(eph, agreement_key_public(ours), z));
    concat_kdf(view_of(z, 32), VIEW("A256GCM"), VIEW_EMPTY, VIEW_EMPTY, cek, sizeof cek);
    base64url_encode(agreement_key_public(eph).ptr + 1, 32, x);
    base64url_encode(agreement_key_public(eph).ptr + 33, 32, y);
#define EPK(format, ...) (snprintf(epk, sizeof epk, format, __VA_ARGS__), epk)
    snprintf(header, sizeof header, "{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\",\"epk\":%s}",
             EPK("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}", x, y));
    opens(forged_view(forge(header, AEAD_A256GCM, cek, VIEW_EMPTY, VIEW("{}"))), k);
    refused_epk(EPK("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}", x, x), k, cek); /* off the curve */
    refused_epk(EPK("{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}", x, y), k, cek);
    refused_epk(EPK("{\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}", x, y), k, cek);
    refused_epk(EPK("{\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y), k, cek);
    refused_epk(EPK("{\"kty\":\"EC\",\"crv\":\"p-256\",\"x\":\"%s\",\"y\":\"%s\"}", x, y), k, cek);
    refused_epk(EPK("{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"%s\",\"y\":\"%s\"}", x, y), k, cek);
    refused_epk(EPK("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"%s\",\"y\":\"%s\"}", x, y), k, cek);
    refused_epk(EPK("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"%s\"}", x), k, cek); /* another curve's */
    refused_epk(EPK("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\"}", x), k, cek);
    refused_epk(EPK("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA%s\",\"y\":\"%s\"}", x, y), k, cek);
    refused_epk(EPK("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s=\"}", x, y), k, cek);
    refused_epk(EPK("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"d\":\"AA\"}", x, y), k, cek);
    refused_epk(EPK("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\",\"y\":\"%s\"}", ""), k, cek); /* infinity */
    refused_epk(EPK("\"%s\"", x), k, cek);
    refused_epk("null", k, cek);
    refused_epk("", k, cek);
#undef EPK
    agreement_key_free(ours);
    agreement_key_free(eph);
    jwe_key_free(k);
}

/* --- D07 and lengths --- */

/* A128GCMKW: iv and tag of the wrapping stand in the header. Cut, what is left of them is still right. */
static void d07_short_tags_and_ivs(void **state)
{
    struct jwe_key *k = symmetric(JWE_A128GCMKW, AEAD_A256GCM, 16, NULL);
    uint8_t cek[32] = {5}, iv[12] = {6}, tag[16], wrapped[32];
    struct aead_message m = {.iv = view_of(iv, 12), .text = view_of(cek, 32)};
    char header[256], iv_text[17] = "", tag_text[23] = "";

    (void)state;
    assert_ok(aead_seal_once(AEAD_A128GCM, view_of(secret, 16), &m, wrapped, tag));
    for (size_t iv_len = 0; iv_len <= 12; iv_len++) {
        for (size_t tag_len = 0; tag_len <= 16; tag_len++) {
            memset(iv_text, 0, sizeof iv_text);
            memset(tag_text, 0, sizeof tag_text);
            base64url_encode(iv, iv_len, iv_text);
            base64url_encode(tag, tag_len, tag_text);
            snprintf(header, sizeof header, "{\"alg\":\"A128GCMKW\",\"enc\":\"A256GCM\",\"iv\":\"%s\",\"tag\":\"%s\"}",
                     iv_text, tag_text);
            struct view text = forged_view(forge(header, AEAD_A256GCM, cek, view_of(wrapped, 32), VIEW("{}")));
            if (iv_len == 12 && tag_len == 16)
                opens(text, k);
            else
                refused(text, k);
        }
    }
    snprintf(header, sizeof header, "{\"alg\":\"A128GCMKW\",\"enc\":\"A256GCM\"}");
    refused(forged_view(forge(header, AEAD_A256GCM, cek, view_of(wrapped, 32), VIEW("{}"))), k);
    jwe_key_free(k);
}

/* Segments cut at their ends: tag, ciphertext, iv, encrypted key. */
static void cut_segments(void **state)
{
    struct jwe_key *k = symmetric(JWE_A128KW, AEAD_A128CBC_HS256, 16, NULL);
    struct jwe_token t;
    char text[512], bad[512];
    struct buf b = buf_fixed(text, sizeof text);

    (void)state;
    assert_ok(jwe_seal(k, &(struct jwe_header){0}, VIEW("some plain text"), entropy_system(), &b));
    opens(buf_view(&b), k);
    assert_ok(jwe_read(buf_view(&b), &t));
    const struct view *const segments[] = {&t.key, &t.iv, &t.body, &t.tag};
    for (size_t s = 0; s < 4; s++) {
        size_t at = (size_t)(segments[s]->ptr - text);
        for (size_t n = 0; n < segments[s]->len; n++) {
            size_t rest = b.len - at - segments[s]->len;
            memcpy(bad, text, at + n);
            memcpy(bad + at + n, text + at + segments[s]->len, rest);
            refused(view_of(bad, at + n + rest), k);
        }
    }
    jwe_key_free(k);
}

/* --- relabelling --- */

/* The key's bytes are right for the other algorithm too; the key says which it is. */
static void a_token_does_not_choose(void **state)
{
    struct jwe_key *dir = symmetric(JWE_DIR, AEAD_A256GCM, 32, NULL);
    struct jwe_key *wrap = symmetric(JWE_A256KW, AEAD_A256GCM, 32, NULL);
    struct jwe_key *gcm = symmetric(JWE_A256GCMKW, AEAD_A256GCM, 32, NULL);
    struct jwe_key *cbc = symmetric(JWE_DIR, AEAD_A128CBC_HS256, 32, NULL);
    struct jwe_key *const keys[] = {dir, wrap, gcm, cbc};
    uint8_t cek[64] = {3}, wrapped[72];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            char text[512];
            struct buf b = buf_fixed(text, sizeof text);
            assert_ok(jwe_seal(keys[i], &(struct jwe_header){0}, VIEW("{}"), entropy_system(), &b));
            if (i == j)
                opens(buf_view(&b), keys[j]);
            else
                refused(buf_view(&b), keys[j]);
        }
    }
    /* A content encryption that exists and is not among the key's. */
    assert_ok(keywrap_once(view_of(secret, 32), view_of(cek, 16), wrapped));
    refused(forged_view(
                forge("{\"alg\":\"A256KW\",\"enc\":\"A128GCM\"}", AEAD_A128GCM, cek, view_of(wrapped, 24), VIEW("{}"))),
            wrap);
    /* dir and ECDH-ES have no encrypted key. */
    refused(forged_view(
                forge("{\"alg\":\"dir\",\"enc\":\"A256GCM\"}", AEAD_A256GCM, secret, view_of(wrapped, 24), VIEW("{}"))),
            dir);
    for (size_t i = 0; i < 4; i++)
        jwe_key_free(keys[i]);
}

/* --- oracles --- */

/* Whatever is wrong with the encrypted key, decryption goes on with a random one: same answer, same draws. */
static void wrong_keys_and_wrong_contents_look_alike(void **state)
{
    struct jwe_rule rsa_rule = {JWE_RSA_OAEP_256, JWE_ENC(AEAD_A128CBC_HS256), VIEW_EMPTY};
    struct jwe_key *keys[4] = {symmetric(JWE_A128KW, AEAD_A128CBC_HS256, 16, NULL),
                               symmetric(JWE_A128GCMKW, AEAD_A128CBC_HS256, 16, NULL),
                               agreement(JWE_ECDH_ES_A128KW, AGREEMENT_X25519), NULL};

    (void)state;
    assert_ok(jwe_key_rsa(&rsa_rule, &rsa.parts, &keys[3]));
    for (size_t i = 0; i < 4; i++) {
        char text[1024];
        struct buf b = buf_fixed(text, sizeof text);
        struct jwe_token t;
        assert_ok(jwe_seal(keys[i], &(struct jwe_header){0}, VIEW("some plain text"), entropy_system(), &b));
        assert_ok(jwe_read(buf_view(&b), &t));
        char *const in_key = text + (t.key.ptr - text), *const in_body = text + (t.body.ptr - text);
        draws = 0;
        opens(buf_view(&b), keys[i]);
        assert_int_equal(draws, 1);
        *in_key = *in_key == 'A' ? 'B' : 'A';
        refused(buf_view(&b), keys[i]);
        assert_int_equal(draws, 2);
        *in_body = *in_body == 'A' ? 'B' : 'A';
        refused(buf_view(&b), keys[i]);
        assert_int_equal(draws, 3);
        jwe_key_free(keys[i]);
    }
}

/* RSA-OAEP around a key of another length than the content encryption's: no key at all. */
static void oaep_around_another_length(void **state)
{
    struct jwe_rule r = {JWE_RSA_OAEP_256, JWE_ENC(AEAD_A256GCM), VIEW_EMPTY};
    struct jwe_key *k = NULL;
    struct oaep_key *raw = NULL;
    uint8_t cek[32] = {0}, sealed[OAEP_LEN_MAX];

    (void)state;
    assert_ok(jwe_key_rsa(&r, &rsa.parts, &k));
    assert_ok(oaep_key_new(&(struct rsa_parts){.n = rsa.parts.n, .e = rsa.parts.e}, &raw));
    for (size_t len = 0; len <= OAEP_TEXT_MAX; len += 16) {
        assert_ok(oaep_seal(raw, view_of(secret, len), sealed));
        memset(cek, 0, sizeof cek);
        memcpy(cek, secret, len < sizeof cek ? len : sizeof cek);
        struct view text = forged_view(forge("{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}", AEAD_A256GCM, cek,
                                             view_of(sealed, oaep_key_len(raw)), VIEW("{}")));
        if (len == 32)
            opens(text, k);
        else
            refused(text, k);
    }
    oaep_key_free(raw);
    jwe_key_free(k);
}

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (uint8_t)(i + 1);
    rsa_make(2048, 65537, &rsa);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d01_compression_is_refused),
        cmocka_unit_test(d02_password_encryption_does_not_exist),
        cmocka_unit_test(d03_decryption_proves_nothing),
        cmocka_unit_test(d04_low_order_points),
        cmocka_unit_test(d04_ephemeral_keys),
        cmocka_unit_test(d07_short_tags_and_ivs),
        cmocka_unit_test(unsafe_algorithms_do_not_exist),
        cmocka_unit_test(malformed_headers),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(one_text_per_token),
        cmocka_unit_test(cut_segments),
        cmocka_unit_test(a_token_does_not_choose),
        cmocka_unit_test(wrong_keys_and_wrong_contents_look_alike),
        cmocka_unit_test(oaep_around_another_length),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
