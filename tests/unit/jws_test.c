/* Compact JWS under keys of every algorithm: the attacks of groups A and C that concern header, algorithm and bytes,
 * each for all algorithms. Access tokens have their own (access_token_*_test.c). */
#include "check.h"

#include "base/text.h"
#include "core/access_token.h"
#include "core/jws.h"
#include "crypto/hmac.h"
#include "crypto/pem.h"
#include "crypto/random.h"

#include <stdio.h>

enum { TEXT_MAX = 16384 };

static struct raw_key raws[SIGNATURE_COUNT];
static struct jwk_key keys[SIGNATURE_COUNT];

static const struct {
    enum raw_key_type type;
    enum raw_key_curve curve;
    uint32_t bits;
} shapes[SIGNATURE_COUNT] = {
    [SIGNATURE_ES256] = {RAW_KEY_EC, RAW_CURVE_P256, 0},
    [SIGNATURE_ES384] = {RAW_KEY_EC, RAW_CURVE_P384, 0},
    [SIGNATURE_ES512] = {RAW_KEY_EC, RAW_CURVE_P521, 0},
    [SIGNATURE_RS256] = {RAW_KEY_RSA, 0, 2048},
    [SIGNATURE_HS256] = {RAW_KEY_OCT, 0, 256},
    [SIGNATURE_HS384] = {RAW_KEY_OCT, 0, 384},
    [SIGNATURE_HS512] = {RAW_KEY_OCT, 0, 512},
    [SIGNATURE_ED25519] = {RAW_KEY_OKP, RAW_CURVE_ED25519, 0},
    [SIGNATURE_ED448] = {RAW_KEY_OKP, RAW_CURVE_ED448, 0},
};

static int make_keys(void **state)
{
    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        struct jwk jwk = {.use = JWK_USE_SIG};
        if (shapes[a].type == RAW_KEY_UNSET)
            raws[a] = raws[SIGNATURE_RS256];
        else
            assert_ok(raw_key_generate(shapes[a].type, shapes[a].curve, shapes[a].bits, &raws[a]));
        jwk.raw = raws[a];
        assert_ok(jwk_load(&jwk, a, &keys[a]));
    }
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++)
        jwk_key_clear(&keys[a]);
    return 0;
}

static struct cardea_status judge(struct view text, enum signature_algorithm a)
{
    static struct jws j;
    static char payload[TEXT_MAX];
    size_t len;
    struct cardea_status s = jws_read(text, &j);

    return cardea_ok(s) ? jws_verify(&j, keys[a].verify, payload, sizeof payload, &len) : s;
}

/* Any header and payload, rightly signed with a's key. */
static struct view forge(enum signature_algorithm a, struct view header, struct view payload)
{
    static char texts[8][TEXT_MAX];
    static unsigned next;
    struct buf b = buf_fixed(texts[next++ % 8], TEXT_MAX);
    uint8_t sig[SIGNATURE_MAX];
    size_t len = 0;

    buf_base64url(&b, header.ptr, header.len);
    buf_char(&b, '.');
    buf_base64url(&b, payload.ptr, payload.len);
    assert_ok(signing_key_sign(keys[a].sign, buf_view(&b), sig, &len));
    buf_char(&b, '.');
    buf_base64url(&b, sig, len);
    assert_true(buf_ok(&b));
    return buf_view(&b);
}

static struct view header_of(enum signature_algorithm a, const char *more)
{
    static char texts[8][TEXT_MAX];
    static unsigned next;
    char *text = texts[next++ % 8];

    snprintf(text, TEXT_MAX, "{\"alg\":\"%s\"%s}", signature_algorithm_name(a), more);
    return view_text(text);
}

static void every_algorithm_round_trips(void **state)
{
    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        char text[TEXT_MAX], payload[64];
        struct buf b = buf_fixed(text, sizeof text);
        struct jws j;
        size_t len = 0;
        assert_ok(jws_sign(keys[a].sign, VIEW("a \"kid\""), VIEW("JWT"), VIEW("{\"a\":1}"), &b));
        assert_code(jws_read(buf_view(&b), &j), E_INVALID_TOKEN); /* a kid that needs escapes is not read back */
        buf_reset(&b);
        assert_ok(jws_sign(keys[a].sign, view_text(keys[a].kid), VIEW("JWT"), VIEW("{\"a\":1}"), &b));
        assert_ok(jws_read(buf_view(&b), &j));
        assert_text(j.header.alg, signature_algorithm_name(a));
        assert_text(j.header.kid, keys[a].kid);
        assert_text(j.header.typ, "JWT");
        assert_false(j.header.others);
        assert_ok(jws_verify(&j, keys[a].verify, payload, sizeof payload, &len));
        assert_view(view_of(payload, len), VIEW("{\"a\":1}"));
        assert_code(jws_verify(&j, keys[a].verify, payload, 6, &len), E_TOO_LARGE);
        buf_reset(&b);
        assert_ok(jws_sign(keys[a].sign, VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY, &b));
        assert_ok(judge(buf_view(&b), a));
    }
}

static void signing_that_does_not_fit_leaves_nothing(void **state)
{
    static char text[TEXT_MAX], big[TEXT_MAX];

    (void)state;
    for (size_t cap = 3; cap < 3 + 20 + 1 + 3 + 1 + 43; cap++) { /* what was there, header, payload, MAC */
        struct buf b = buf_fixed(text, cap);
        buf_text(&b, "was");
        assert_code(jws_sign(keys[SIGNATURE_HS256].sign, VIEW_EMPTY, VIEW_EMPTY, VIEW("{}"), &b), E_TOO_LARGE);
        assert_int_equal(b.len, 3);
    }
    struct buf b = buf_fixed(text, sizeof text);
    memset(big, 'a', sizeof big);
    assert_code(jws_sign(keys[SIGNATURE_HS256].sign, VIEW_EMPTY, VIEW_EMPTY, view_of(big, sizeof big), &b),
                E_TOO_LARGE);
    assert_code(jws_sign(keys[SIGNATURE_HS256].sign, view_of(big, 4000), VIEW_EMPTY, VIEW("{}"), &b), E_TOO_LARGE);
    assert_int_equal(b.len, 0);
}

/* A01, A02, A04, A05, A12: every name of every algorithm, and what is no name, over every key. */
static void a12_alg_is_the_keys(void **state)
{
    static const char *const others[] = {"none", "None",   "NONE",    "nOnE",    "",          "HS1",
                                         "RS1",  "es256",  "ES256K",  "Ed25519", "Ed448",     "RSA1_5",
                                         "dir",  "A128KW", "ECDH-ES", "HS256 ",  "n\\u006fne"};
    static const char *const values[] = {"null", "0", "true", "[\"none\"]", "[]", "{}"};
    char header[64];

    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        assert_ok(judge(forge(a, header_of(a, ""), VIEW("{}")), a));
        for (enum signature_algorithm b = 1; b < SIGNATURE_COUNT; b++) {
            bool same = strcmp(signature_algorithm_name(a), signature_algorithm_name(b)) == 0;
            struct cardea_status s = judge(forge(a, header_of(b, ""), VIEW("{}")), a);
            assert_int_equal(s.code, same ? CARDEA_OK : CARDEA_E_INVALID_TOKEN);
        }
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            snprintf(header, sizeof header, "{\"alg\":\"%s\"}", others[i]);
            struct view text = forge(a, view_text(header), VIEW("{}"));
            assert_code(judge(text, a), E_INVALID_TOKEN);
            const char *dot = memrchr(text.ptr, '.', text.len);
            assert_code(judge(view_of(text.ptr, (size_t)(dot - text.ptr) + 1), a), E_INVALID_TOKEN);
            assert_code(judge(view_of(text.ptr, (size_t)(dot - text.ptr)), a), E_INVALID_TOKEN);
        }
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            snprintf(header, sizeof header, "{\"alg\":%s}", values[i]);
            assert_code(judge(forge(a, view_text(header), VIEW("{}")), a), E_INVALID_TOKEN);
        }
        assert_code(judge(forge(a, VIEW("{}"), VIEW("{}")), a), E_INVALID_TOKEN);
    }
}

/* MACs whose key is what an attacker knows of a public key. */
static void assert_mac_refused(enum signature_algorithm victim, struct view known)
{
    static const size_t lengths[] = {32, 48, 64};
    char text[2048];

    for (size_t i = 0; i < 3; i++)
        for (int label = 0; label < 2; label++) { /* the MAC's name, or the key's own */
            struct hmac_key *k = hmac_key_new(lengths[i], known);
            struct buf b = buf_fixed(text, sizeof text);
            uint8_t mac[HMAC_MAX];
            struct view header = header_of(label == 0 ? SIGNATURE_HS256 + (enum signature_algorithm)i : victim, "");
            assert_non_null(k);
            buf_base64url(&b, header.ptr, header.len);
            buf_text(&b, ".e30");
            hmac_compute(k, buf_view(&b), mac);
            buf_char(&b, '.');
            buf_base64url(&b, mac, lengths[i]);
            assert_true(buf_ok(&b));
            assert_code(judge(buf_view(&b), victim), E_INVALID_TOKEN);
            hmac_key_free(k);
        }
}

static void a06_a07_public_keys_as_mac_keys(void **state)
{
    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        char text[4096], crlf[4096];
        struct buf b = buf_fixed(text, sizeof text), c = buf_fixed(crlf, sizeof crlf);
        struct raw_key open;
        struct jwk jwk = {.use = JWK_USE_SIG};
        if (signature_is_mac(a))
            continue;
        raw_key_public(&raws[a], &open);
        assert_ok(pem_write(&open, false, &b));
        assert_mac_refused(a, buf_view(&b));
        assert_mac_refused(a, view_of(text, b.len - 1));
        for (size_t i = 0; i < b.len; i++) {
            if (text[i] == '\n')
                buf_char(&c, '\r');
            buf_char(&c, text[i]);
        }
        assert_mac_refused(a, buf_view(&c));
        jwk.raw = open;
        buf_reset(&b);
        jwk_write(&jwk, false, &b);
        assert_true(buf_ok(&b));
        assert_mac_refused(a, buf_view(&b));
        for (enum raw_key_part p = 0; p < RAW_KEY_PARTS; p++)
            if (raw_key_part(&open, p).len > 0)
                assert_mac_refused(a, raw_key_part(&open, p));
    }
}

static void a10_known_mac_keys(void **state)
{
    static const char zeros[64];

    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        assert_mac_refused(a, VIEW_EMPTY);
        assert_mac_refused(a, view_of(zeros, 1));
        assert_mac_refused(a, view_of(zeros, 32));
        assert_mac_refused(a, view_of(zeros, 64));
        assert_mac_refused(a, VIEW("secret"));
        assert_mac_refused(a, view_text(keys[a].kid));
    }
}

/* A13, A15, A16: what the token says of keys is not heard: not when another signed, and no harm when we did. */
static void a13_a15_a16_keys_in_the_header(void **state)
{
    static char more[8192];

    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        struct jwk theirs = {.use = JWK_USE_UNSET};
        struct jwk_key stranger;
        char jwk[4096];
        struct buf b = buf_fixed(jwk, sizeof jwk - 1);
        if (shapes[a].type == RAW_KEY_UNSET || shapes[a].type == RAW_KEY_RSA)
            continue;
        assert_ok(raw_key_generate(shapes[a].type, shapes[a].curve, shapes[a].bits, &theirs.raw));
        assert_ok(jwk_load(&theirs, a, &stranger));
        jwk_write(&theirs, true, &b);
        assert_true(buf_ok(&b));
        jwk[b.len] = '\0';
        snprintf(more, sizeof more,
                 ",\"jwk\":%s,\"jku\":\"https://evil.example/k\",\"x5u\":\"file:///dev/null\",\"x5c\":[]", jwk);
        struct jwk_key ours = keys[a];
        keys[a] = stranger;
        struct view text = forge(a, header_of(a, more), VIEW("{}"));
        keys[a] = ours;
        assert_code(judge(text, a), E_INVALID_TOKEN);
        struct jws j;
        assert_ok(jws_read(text, &j));
        assert_true(j.header.others);
        jwk_key_clear(&stranger);
        assert_ok(judge(forge(a, header_of(a, more), VIEW("{}")), a));
    }
}

/* A20, A23, A24, A28, B01, B03, B05: headers that are no headers, signed rightly. */
static void headers_that_are_refused(void **state)
{
    static const char *const members[] = {",\"crit\":[\"exp\"]",
                                          ",\"crit\":[]",
                                          ",\"crit\":null",
                                          ",\"crit\":\"exp\"",
                                          ",\"crit\":[\"b64\"],\"b64\":true",
                                          ",\"b64\":false",
                                          ",\"b64\":true",
                                          ",\"kid\":1",
                                          ",\"kid\":[]",
                                          ",\"kid\":null",
                                          ",\"kid\":\"\"",
                                          ",\"kid\":\"\\u0000\"",
                                          ",\"kid\":\"a\\/b\"",
                                          ",\"typ\":1",
                                          ",\"typ\":\"\"",
                                          ",\"typ\":[\"JWT\"]",
                                          ",\"alg\":\"none\"",
                                          ",\"\\u0061lg\":\"none\"",
                                          ",\"kid\":\"a\",\"kid\":\"b\"",
                                          ",\"x\":\"\\ud800\"",
                                          ",\"x\":\"\xff\"",
                                          ",\"x\":1e",
                                          ",",
                                          ",\"x\":1}",
                                          ",\"x\":1}x"};
    static const char *const whole[] = {"",  "[]",         "\"ES256\"", "null",          "1",
                                        "{", "[[[[[[[[[[", "{}{}",      "\xef\xbb\xbf{}"};
    static char more[4096];

    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
            assert_code(judge(forge(a, header_of(a, members[i]), VIEW("{}")), a), E_INVALID_TOKEN);
        for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
            assert_code(judge(forge(a, view_text(whole[i]), VIEW("{}")), a), E_INVALID_TOKEN);
    }
    size_t at = (size_t)snprintf(more, sizeof more, ",\"kid\":\"");
    memset(more + at, 'k', 256);
    memcpy(more + at + 256, "\"", 2);
    assert_code(judge(forge(SIGNATURE_HS256, header_of(SIGNATURE_HS256, more), VIEW("{}")), SIGNATURE_HS256),
                E_INVALID_TOKEN);
    memcpy(more + at + 255, "\"", 2);
    assert_ok(judge(forge(SIGNATURE_HS256, header_of(SIGNATURE_HS256, more), VIEW("{}")), SIGNATURE_HS256));
    at = (size_t)snprintf(more, sizeof more, ",\"x\":\"");
    memset(more + at, 'x', JWS_HEADER_MAX);
    memcpy(more + at + JWS_HEADER_MAX, "\"", 2);
    assert_code(judge(forge(SIGNATURE_HS256, header_of(SIGNATURE_HS256, more), VIEW("{}")), SIGNATURE_HS256),
                E_INVALID_TOKEN);
}

/* C06, C09 … C12: one text a token. */
static void one_text_a_token(void **state)
{
    static const char *const junk[] = {"=", "==",       "+", "/",  " ", "\n", "\t",
                                       "!", "\xc3\xa9", "A", "AA", ".", "..", ".e30"};

    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        char text[TEXT_MAX];
        struct view good = forge(a, header_of(a, ""), VIEW("{\"a\":\"bb\"}"));
        assert_ok(judge(good, a));
        for (size_t i = 0; i < sizeof junk / sizeof *junk; i++)
            for (size_t at = 0; at <= good.len; at++) {
                if (at != 0 && at != good.len && good.ptr[at] != '.' && good.ptr[at - 1] != '.' && at % 17 != 0)
                    continue;
                struct buf b = buf_fixed(text, sizeof text);
                buf_put(&b, view_of(good.ptr, at));
                buf_text(&b, junk[i]);
                buf_put(&b, view_skip(good, at));
                assert_code(judge(buf_view(&b), a), E_INVALID_TOKEN);
            }
        assert_true(good.len < sizeof text);
        memcpy(text, good.ptr, good.len);
        char last = text[good.len - 1];
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for (size_t c = 0; c < 64; c++) { /* trailing bits among them */
            text[good.len - 1] = alphabet[c];
            if (alphabet[c] != last)
                assert_code(judge(view_of(text, good.len), a), E_INVALID_TOKEN);
        }
        for (size_t n = 0; n < good.len; n += 7)
            assert_code(judge(view_of(good.ptr, n), a), E_INVALID_TOKEN);
    }
    static char dots[JWS_TEXT_MAX + 1];
    memset(dots, '.', sizeof dots);
    assert_code(judge(view_of(dots, sizeof dots), SIGNATURE_HS256), E_INVALID_TOKEN);
    assert_code(judge(VIEW("{\"payload\":\"e30\",\"signatures\":[]}"), SIGNATURE_HS256), E_INVALID_TOKEN);
}

/* A header in its common form is read by a shortcut; with a space in front, by the JSON reader: they agree. */
static void the_shortcut_reads_as_json_does(void **state)
{
    static const char *const headers[] = {"{\"alg\":\"HS256\"}",
                                          "{\"alg\":\"HS256\",\"kid\":\"k\"}",
                                          "{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
                                          "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"JWT\"}",
                                          "{\"kid\":\"k\",\"typ\":\"JWT\"}",
                                          "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k\"}",
                                          "{\"kid\":\"k\",\"alg\":\"HS256\"}",
                                          "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
                                          "{\"alg\":\"\"}",
                                          "{\"alg\":\"HS256\",\"kid\":\"\"}",
                                          "{\"alg\":\"HS256\\u0041\"}",
                                          "{\"alg\":\"HS256\",\"kid\":\"\xc3\xa9\"}",
                                          "{\"alg\":\"HS256\",\"kid\":\"\xff\"}",
                                          "{\"alg\":\"HS256\",\"kid\":\"a\x7f\"}",
                                          "{\"alg\":\"HS256\",\"kid\":\"a\nb\"}",
                                          "{\"alg\":\"HS256\"",
                                          "{\"alg\":\"HS256",
                                          "{\"alg\":\"HS256\"}}",
                                          "{\"alg\":\"HS256\",}",
                                          "{\"alg\":\"HS256\"\"kid\":\"k\"}",
                                          "{,\"alg\":\"HS256\"}",
                                          "{\"alg\":\"HS256\",\"kid\":\"a,b}\",\"typ\":\"{\"}",
                                          "{\"alg\":\"HS256\",\"x\":1}",
                                          "{\"alg\":\"HS256\"{\"kid\":\"k\"}",
                                          "{\"alg\":\"a\",\"kid\":\"b\",\"typ\":\"c\",\"crit\":[\"x\"]}",
                                          "{\"alg\":\"none\"}",
                                          "{",
                                          "{}",
                                          "",
                                          "\"alg\":\"HS256\""};

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char spaced[128];
        struct jws a, b;
        snprintf(spaced, sizeof spaced, " %s", headers[i]);
        struct cardea_status one = jws_read(forge(SIGNATURE_HS256, view_text(headers[i]), VIEW("{}")), &a);
        struct cardea_status two = jws_read(forge(SIGNATURE_HS256, view_text(spaced), VIEW("{}")), &b);
        assert_int_equal(one.code, two.code);
        if (!cardea_ok(one))
            continue;
        assert_view(a.header.alg, b.header.alg);
        assert_view(a.header.kid, b.header.kid);
        assert_view(a.header.typ, b.header.typ);
        assert_int_equal(a.header.others, b.header.others);
        assert_int_equal(a.header.bytes + 1, b.header.bytes);
    }
}

static void a_set_answers_with_one_key_or_none(void **state)
{
    static char text[TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    struct jwk_set *set = NULL;
    struct jws j;

    (void)state;
    static const enum signature_algorithm in[] = {SIGNATURE_ES256, SIGNATURE_RS256, SIGNATURE_ED25519, SIGNATURE_ED448};
    buf_text(&b, "{\"keys\":[");
    for (size_t i = 0; i < 4; i++) {
        struct jwk k = {.use = JWK_USE_SIG};
        raw_key_public(&raws[in[i]], &k.raw);
        if (i > 0)
            buf_char(&b, ',');
        jwk_write(&k, false, &b);
    }
    buf_text(&b, "]}");
    assert_ok(jwk_set_read(buf_view(&b), SIGNATURE_RS256, &set));
    assert_int_equal(set->count, 4);
    assert_ok(jws_read(forge(SIGNATURE_ES256, header_of(SIGNATURE_ES256, ""), VIEW("{}")), &j));
    assert_ptr_equal(jws_find_key(&j, set), &set->keys[0]);
    assert_ok(jws_read(forge(SIGNATURE_ED448, header_of(SIGNATURE_ED448, ""), VIEW("{}")), &j));
    assert_null(jws_find_key(&j, set)); /* two keys of EdDSA */
    assert_ok(jws_read(forge(SIGNATURE_HS256, header_of(SIGNATURE_HS256, ""), VIEW("{}")), &j));
    assert_null(jws_find_key(&j, set));
    char more[JWK_KID_MAX + 32];
    snprintf(more, sizeof more, ",\"kid\":\"%s\"", keys[SIGNATURE_ED448].kid);
    assert_ok(jws_read(forge(SIGNATURE_ED448, header_of(SIGNATURE_ED448, more), VIEW("{}")), &j));
    assert_ptr_equal(jws_find_key(&j, set), &set->keys[3]);
    assert_ok(jws_read(forge(SIGNATURE_ES256, header_of(SIGNATURE_ES256, ",\"kid\":\"../../k\""), VIEW("{}")), &j));
    assert_null(jws_find_key(&j, set));
    jwk_set_free(set);
}

/* RFC 9068 under every algorithm, and confusion between two keys of one ring. */
static void access_tokens_of_every_algorithm(void **state)
{
    static const int64_t now_s = 1800000000;
    struct view audience = VIEW("api");
    struct access_expectation want = {VIEW("https://id.example.com"), &audience, 1};

    (void)state;
    for (enum signature_algorithm a = 1; a < SIGNATURE_COUNT; a++) {
        static struct keyring ring;
        struct access_claims claims = {
            .epoch = 1, .iat_s = now_s, .exp_s = now_s + 60, .client_id = "app", .audience = "api"};
        char text[ACCESS_TOKEN_TEXT_MAX];
        struct buf b = buf_fixed(text, sizeof text);
        struct access_token out;
        memset(&ring, 0, sizeof ring);
        ring.access_count = 2;
        for (uint32_t i = 0; i < 2; i++) {
            enum signature_algorithm of = i == 0 ? a : a == SIGNATURE_COUNT - 1 ? 1 : a + 1;
            struct key_id id = jwk_thumbprint(&raws[of]);
            assert_ok(access_key_init(&ring.access[i], (enum token_format)of, &raws[of], &id, true));
            ring.access[i].state = KEY_ACTIVE;
        }
        memset(ring.active, 0, sizeof ring.active);
        ring.active[ring.access[0].format] = &ring.access[0];
        assert_ok(access_token_sign(&ring, ring.access[0].format, entropy_system(), want.issuer, &claims, &b));
        assert_ok(access_token_verify(&ring, buf_view(&b), &want, now_s * 1000, &out));
        assert_ptr_equal(out.key, &ring.access[0]);
        /* The header known byte for byte, and the header read: the same. */
        ring.access[0].header_len = 0;
        ring.access[1].id.bytes[0] ^= 1; /* RSA keys are one */
        assert_ok(access_token_verify(&ring, buf_view(&b), &want, now_s * 1000, &out));
        assert_ptr_equal(out.key, &ring.access[0]);
        ring.access[1].id = ring.access[0].id; /* the token's kid now names the other key, or none */
        ring.access[0].id.bytes[0] ^= 1;
        assert_code(access_token_verify(&ring, buf_view(&b), &want, now_s * 1000, &out), E_INVALID_TOKEN);
        for (uint32_t i = 0; i < 2; i++)
            access_key_clear(&ring.access[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm_round_trips),
        cmocka_unit_test(signing_that_does_not_fit_leaves_nothing),
        cmocka_unit_test(a12_alg_is_the_keys),
        cmocka_unit_test(a06_a07_public_keys_as_mac_keys),
        cmocka_unit_test(a10_known_mac_keys),
        cmocka_unit_test(a13_a15_a16_keys_in_the_header),
        cmocka_unit_test(headers_that_are_refused),
        cmocka_unit_test(one_text_a_token),
        cmocka_unit_test(the_shortcut_reads_as_json_does),
        cmocka_unit_test(a_set_answers_with_one_key_or_none),
        cmocka_unit_test(access_tokens_of_every_algorithm),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
