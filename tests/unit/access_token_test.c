/* Access tokens: what we sign verifies, and nothing else does. The attacks of groups A, B and C of the attack list are
 * tests named after their ids (those for features that do not exist are left out); each tries its siblings, too. Every
 * refusal is the one generic code, unless it is plain expiry. */
#include "key_double.h"

#include "base/text.h"
#include "core/access_token.h"

#include <stdio.h>
#include <stdlib.h>

enum { PART_MAX = 4096, TOKEN_MAX = 8192 };

static const int64_t now_s = 1800000000, now_ms = INT64_C(1800000000) * 1000;
static const char issuer[] = "https://id.example.com";
static const char audience[] = "https://api.example.com";

static struct key_double store;
static struct keyring *keys, *others; /* others: another installation */
static char kid[KEY_ID_TEXT + 1];

static int set_up(void **state)
{
    static struct key_double other_store;
    struct buf b = buf_fixed(kid, KEY_ID_TEXT);

    (void)state;
    keys = key_double_ring(&store, entropy_system(), 1000);
    others = key_double_ring(&other_store, entropy_system(), 1000);
    buf_key_id(&b, keys->active->id);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    keyring_unref(keys);
    keyring_unref(others);
    return 0;
}

/* --- tools --- */

static struct access_expectation expectation(void)
{
    static struct view accepted[2];

    accepted[0] = VIEW("https://other-api.example.com");
    accepted[1] = view_text(audience);
    return (struct access_expectation){view_text(issuer), accepted, 2};
}

static struct cardea_status verify(struct view text)
{
    struct access_expectation want = expectation();
    struct access_token out;

    return access_token_verify(keys, text, &want, now_ms, &out);
}

#define assert_refused(text) assert_code(verify(text), E_INVALID_TOKEN)

/* Texts in a ring, so that several can be used in one expression. */
static char *scratch(void)
{
    static char texts[64][TOKEN_MAX];
    static unsigned next;

    return texts[next++ % 64];
}

static const char *encode(struct view bytes)
{
    char *text = scratch();
    struct buf b = buf_fixed(text, TOKEN_MAX - 1);

    buf_base64url(&b, bytes.ptr, bytes.len);
    assert_true(buf_ok(&b));
    text[b.len] = '\0';
    return text;
}

static const char *join(const char *a, const char *b)
{
    char *text = scratch();

    assert_true(snprintf(text, TOKEN_MAX, "%s.%s", a, b) < TOKEN_MAX);
    return text;
}

/* header.payload with a signature by the ring's active key: whatever is in them, the signature is right. */
static struct view signed_by(const struct keyring *k, struct view header, struct view payload)
{
    const char *input = join(encode(header), encode(payload));
    uint8_t signature[SIGNATURE_MAX];
    size_t len;

    assert_ok(signing_key_sign(k->active->sign, view_text(input), signature, &len));
    return view_text(join(input, encode(view_of(signature, len))));
}

static struct view good_header(void)
{
    char *text = scratch();

    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);
    return view_text(text);
}

#define SUBJECT "\"sub\":\"01940000-0000-7000-8000-000000000001\""
#define IDS "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sid\":\"BBBBBBBBBBBBBBBBBBBBBA\""

/* Claims made of parts; each may be replaced. NULL leaves one out. */
struct parts {
    const char *iss, *sub, *aud, *times, *ids, *rest;
};

static struct parts good_parts(void)
{
    return (struct parts){"\"iss\":\"https://id.example.com\"",    SUBJECT, "\"aud\":\"https://api.example.com\"",
                          "\"exp\":1800000900,\"iat\":1800000000", IDS,     "\"ep\":3,\"client_id\":\"mobile\""};
}

static struct view claims(struct parts p)
{
    const char *all[] = {p.iss, p.sub, p.aud, p.times, p.ids, p.rest};
    char *text = scratch();
    size_t len = 1;

    text[0] = '{';
    for (size_t i = 0; i < 6; i++)
        if (all[i] != NULL)
            len += (size_t)snprintf(text + len, TOKEN_MAX - len, "%s%s", len > 1 ? "," : "", all[i]);
    text[len] = '}';
    return view_of(text, len + 1);
}

static struct view with_header(const char *header)
{
    return signed_by(keys, view_text(header), claims(good_parts()));
}

static struct view with_payload(struct view payload)
{
    return signed_by(keys, good_header(), payload);
}

/* A header with alg and kid right and something more in front or instead of typ. */
static struct view with_members(const char *members)
{
    char *text = scratch();

    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":\"%s\"%s%s}", kid, members[0] == '\0' ? "" : ",", members);
    return with_header(text);
}

static const char *good_token(void)
{
    return with_payload(claims(good_parts())).ptr;
}

/* --- what works --- */

static struct access_claims some_claims(void)
{
    struct access_claims c = {.epoch = 3, .iat_s = now_s, .exp_s = now_s + 900, .client_id = "mobile"};

    entropy_fill(entropy_system(), &c.sub, sizeof c.sub);
    entropy_fill(entropy_system(), &c.jti, sizeof c.jti);
    entropy_fill(entropy_system(), &c.sid, sizeof c.sid);
    memcpy(c.audience, audience, sizeof audience);
    return c;
}

static void what_is_signed_verifies(void **state)
{
    struct access_claims in = some_claims();
    struct access_expectation want = expectation();
    struct access_token out;
    struct buf b = buf_heap(ACCESS_TOKEN_TEXT_MAX);

    (void)state;
    memcpy(in.roles, "admin,editor", 13);
    assert_ok(access_token_sign(keys, view_text(issuer), &in, &b));
    assert_ok(access_token_verify(keys, buf_view(&b), &want, now_ms, &out));
    assert_true(ID_SAME(in.sub, out.claims.sub));
    assert_true(ID_SAME(in.jti, out.claims.jti));
    assert_true(ID_SAME(in.sid, out.claims.sid));
    assert_int_equal(out.claims.epoch, 3);
    assert_int_equal(out.claims.iat_s, now_s);
    assert_int_equal(out.claims.exp_s, now_s + 900);
    assert_int_equal(out.claims.nbf_s, 0);
    assert_string_equal(out.claims.client_id, "mobile");
    assert_string_equal(out.claims.roles, "admin,editor");
    assert_string_equal(out.claims.audience, audience);
    assert_ptr_equal(out.key, keys->active);
    buf_clear(&b);
}

/* Promise 8: by default nothing but these claims. */
static void a_token_says_no_more_than_promised(void **state)
{
    struct access_claims in = some_claims();
    char text[ACCESS_TOKEN_TEXT_MAX], plain[ACCESS_TOKEN_TEXT_MAX] = "";
    struct buf b = buf_fixed(text, sizeof text);
    struct view header, payload, rest;
    size_t len;

    (void)state;
    memset(&in.sub, 0, sizeof in.sub);
    memset(&in.jti, 0, sizeof in.jti);
    memset(&in.sid, 0, sizeof in.sid);
    assert_ok(access_token_sign(keys, view_text(issuer), &in, &b));
    assert_true(view_cut(buf_view(&b), '.', &header, &rest));
    assert_true(view_cut(rest, '.', &payload, &rest));
    assert_ok(base64url_decode(payload, plain, sizeof plain - 1, &len));
    assert_text(view_of(plain, len),
                "{\"iss\":\"https://id.example.com\",\"sub\":\"00000000-0000-0000-0000-000000000000\","
                "\"aud\":\"https://api.example.com\",\"exp\":1800000900,\"iat\":1800000000,"
                "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"ep\":3,"
                "\"client_id\":\"mobile\"}");
    assert_ok(base64url_decode(header, plain, sizeof plain - 1, &len));
    assert_view(view_of(plain, len), good_header());
}

static void signing_refuses_claims_that_would_not_verify(void **state)
{
    char text[ACCESS_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text), tiny = buf_fixed(text, 100);
    struct access_claims c = some_claims();
    struct view iss = view_text(issuer);

    (void)state;
    c.exp_s = c.iat_s;
    assert_code(access_token_sign(keys, iss, &c, &b), E_USAGE);
    c.exp_s = c.iat_s + LIFETIME_MAX_S + 1; /* promise 4 */
    assert_code(access_token_sign(keys, iss, &c, &b), E_USAGE);
    c.iat_s = INT64_C(253402300799); /* the last second of 9999 */
    c.exp_s = c.iat_s + 1;
    assert_code(access_token_sign(keys, iss, &c, &b), E_USAGE);
    c.iat_s = now_s;
    c.exp_s = c.iat_s + LIFETIME_MAX_S;
    assert_ok(access_token_sign(keys, iss, &c, &b));
    buf_reset(&b);
    c.epoch = 0;
    assert_code(access_token_sign(keys, iss, &c, &b), E_USAGE);
    c = some_claims();
    c.client_id[0] = '\0';
    assert_code(access_token_sign(keys, iss, &c, &b), E_USAGE);
    c = some_claims();
    c.audience[0] = '\0';
    assert_code(access_token_sign(keys, iss, &c, &b), E_USAGE);
    c = some_claims();
    assert_code(access_token_sign(keys, VIEW_EMPTY, &c, &b), E_USAGE);
    assert_code(access_token_sign(keys, iss, &c, &tiny), E_TOO_LARGE);
    assert_int_equal(b.len, 0);
    struct keyring mute = {.active = NULL};
    assert_code(access_token_sign(&mute, iss, &c, &b), E_UNAVAILABLE);
}

static void the_hand_made_token_is_good(void **state)
{
    (void)state;
    assert_ok(verify(view_text(good_token())));
    assert_ok(verify(with_members("\"typ\":\"at+jwt\"")));
}

static void a_retired_key_verifies_until_its_end(void **state)
{
    struct master_key *m = key_double_master();
    struct keyring_times times = {0, 1000 * 1000};
    struct access_expectation want = expectation();
    struct access_token out;
    const char *token = good_token();
    struct key_double rotated = store;
    int64_t at_ms;

    (void)state;
    assert_ok(keyring_rotate(key_double_tx(&rotated), key_double_ops(), m, entropy_system(), &times,
                             now_ms - 500 * 1000, &at_ms));
    master_key_free(m);
    struct keyring *k = key_double_load(&rotated);
    assert_ok(access_token_verify(k, view_text(token), &want, now_ms, &out));
    assert_int_equal(out.key->state, KEY_RETIRING);
    assert_ok(access_token_verify(k, view_text(token), &want, now_ms + 499 * 1000, &out));
    assert_code(access_token_verify(k, view_text(token), &want, now_ms + 500 * 1000, &out), E_INVALID_TOKEN);
    keyring_unref(k);
}

/* --- A: header, algorithm, key selection --- */

static struct view with_alg(const char *alg_json)
{
    char *text = scratch();

    snprintf(text, TOKEN_MAX, "{\"alg\":%s,\"kid\":\"%s\",\"typ\":\"at+jwt\"}", alg_json, kid);
    return with_header(text);
}

/* The token's own header and payload without a signature. */
static struct view unsigned_with(const char *alg_json)
{
    struct view whole = with_alg(alg_json);
    const char *last = memrchr(whole.ptr, '.', whole.len);

    return view_of(whole.ptr, (size_t)(last - whole.ptr) + 1);
}

static void a01_alg_none(void **state)
{
    (void)state;
    assert_refused(unsigned_with("\"none\""));
    assert_refused(with_alg("\"none\""));
}

static void a02_alg_none_in_other_cases(void **state)
{
    static const char *const forms[] = {"\"None\"",  "\"NONE\"",       "\"nOnE\"",        "\"none \"",
                                        "\" none\"", "\"n\\u006fne\"", "\"none\\u0000\"", "\"\""};

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_refused(unsigned_with(forms[i]));
        assert_refused(with_alg(forms[i]));
    }
}

static void a04_alg_of_another_type(void **state)
{
    static const char *const forms[] = {"null",        "0",          "1",
                                        "true",        "false",      "[\"none\"]",
                                        "[\"ES256\"]", "{\"a\":1}",  "\"\"",
                                        "[]",          "{}",         "\"ES256\\u0000\"",
                                        "\"es256\"",   "\"ES256 \"", "\"E\\u0053256\""};

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_refused(with_alg(forms[i]));
    char *text = scratch();
    snprintf(text, TOKEN_MAX, "{\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);
    assert_refused(with_header(text)); /* missing */
    snprintf(text, TOKEN_MAX, "{\"ALG\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);
    assert_refused(with_header(text));
}

static void a05_signature_left_out(void **state)
{
    const char *good = good_token();
    size_t two = (size_t)(strrchr(good, '.') - good);

    (void)state;
    assert_refused(view_of(good, two));     /* header.payload */
    assert_refused(view_of(good, two + 1)); /* header.payload. */
    assert_refused(with_alg("\"none\""));   /* none with a genuine signature */
    char *text = scratch();
    snprintf(text, TOKEN_MAX, "%.*s.%s", (int)two, good, encode(VIEW("\0")));
    assert_refused(view_text(text));
}

/* A MAC over the input by a key that everybody knows; 32 and 64 bytes of it. */
static void assert_mac_refused(const char *alg, const uint8_t key[32])
{
    struct mac_key *k = mac_key_new(key);
    char *header = scratch();
    uint8_t mac[64];

    snprintf(header, TOKEN_MAX, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", alg, kid);
    const char *input = join(encode(view_text(header)), encode(claims(good_parts())));
    mac_sha256(k, (struct view[]){view_text(input)}, 1, mac);
    memcpy(mac + 32, mac, 32);
    mac_key_free(k);
    assert_refused(view_text(join(input, encode(view_of(mac, 32)))));
    assert_refused(view_text(join(input, encode(view_of(mac, 64)))));
}

static void a06_a07_public_key_as_mac_key(void **state)
{
    static const char *const algs[] = {"HS256", "HS384", "HS512", "ES256"};
    uint8_t key[32];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        memcpy(key, keys->active->point + 1, 32); /* x, y, and the digest that HMAC makes of a longer PEM */
        assert_mac_refused(algs[i], key);
        memcpy(key, keys->active->point + 33, 32);
        assert_mac_refused(algs[i], key);
        memcpy(key, keys->active->id.bytes, 32);
        assert_mac_refused(algs[i], key);
    }
    /* No symmetric algorithm has a name here: no key material could ever be one. */
    assert_int_equal(signature_algorithm_parse(VIEW("HS256")), SIGNATURE_UNSET);
}

static void a10_known_mac_keys(void **state)
{
    static const char *const known[] = {"", "secret", "https://id.example.com", "password", "changeme"};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t key[32] = {0};
        memcpy(key, known[i], strlen(known[i]));
        assert_mac_refused("HS256", key);
        assert_mac_refused("ES256", key);
    }
}

static void a12_alg_relabelled(void **state)
{
    static const char *const algs[] = {"\"EdDSA\"", "\"ES384\"", "\"ES512\"", "\"ES256K\"", "\"RS256\"",
                                       "\"PS256\"", "\"HS256\"", "\"dir\"",   "\"ECDH-ES\""};

    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++)
        assert_refused(with_alg(algs[i]));
}

/* A token signed by a key of the attacker, who sends the key along. */
static void a13_jwk_in_the_header(void **state)
{
    char jwk[512], *header = scratch();
    struct buf b = buf_fixed(jwk, sizeof jwk - 1);
    static const char *const others_jwk[] = {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", "{}", "null", "\"\"", "[]"};

    (void)state;
    signature_point_jwk(others->active->point, &b);
    jwk[b.len] = '\0';
    snprintf(header, TOKEN_MAX, "{\"alg\":\"ES256\",\"jwk\":%s,\"typ\":\"at+jwt\"}", jwk);
    assert_refused(signed_by(others, view_text(header), claims(good_parts())));
    snprintf(header, TOKEN_MAX, "{\"alg\":\"ES256\",\"jwk\":%s,\"kid\":\"%s\",\"typ\":\"at+jwt\"}", jwk, kid);
    assert_refused(signed_by(others, view_text(header), claims(good_parts())));
    assert_refused(with_header(header)); /* even when the genuine key signed it */
    for (size_t i = 0; i < sizeof others_jwk / sizeof *others_jwk; i++) {
        char *member = scratch();
        snprintf(member, TOKEN_MAX, "\"typ\":\"at+jwt\",\"jwk\":%s", others_jwk[i]);
        assert_refused(with_members(member));
    }
}

static void a15_url_to_a_key(void **state)
{
    static const char *const names[] = {"jku", "x5u"};
    static const char *const urls[] = {"https://evil.example/k",
                                       "https://id.example.com@evil.example/",
                                       "https://evil.example/#https://id.example.com",
                                       "file:///dev/null",
                                       "gopher://127.0.0.1/",
                                       "https://id.example.com/.well-known/jwks.json"};

    (void)state;
    for (size_t n = 0; n < 2; n++)
        for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
            char *member = scratch();
            snprintf(member, TOKEN_MAX, "\"typ\":\"at+jwt\",\"%s\":\"%s\"", names[n], urls[i]);
            assert_refused(with_members(member));
        }
}

static void a16_certificates_in_the_header(void **state)
{
    (void)state;
    assert_refused(with_members("\"typ\":\"at+jwt\",\"x5c\":[\"MIIB\"]"));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"x5c\":[]"));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"x5c\":\"MIIB\""));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"x5t\":\"AAAA\""));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"x5t#S256\":\"AAAA\""));
    assert_refused(with_members("\"x5c\":[\"MIIB\"]")); /* in the place of typ */
}

static struct view with_kid(const char *kid_json)
{
    char *text = scratch();

    assert_true(snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":%s,\"typ\":\"at+jwt\"}", kid_json) < TOKEN_MAX);
    return with_header(text);
}

static void a18_kid_as_path(void **state)
{
    static const char *const kids[] = {"\"../../../../dev/null\"", "\"/proc/sys/kernel/randomize_va_space\"",
                                       "\"..%2f..%2fdev%2fnull\"", "\"file:///dev/null\"", "\"\""};

    (void)state;
    for (size_t i = 0; i < sizeof kids / sizeof *kids; i++)
        assert_refused(with_kid(kids[i]));
}

static void a19_kid_as_code(void **state)
{
    static const char *const kids[] = {
        "\"x' UNION SELECT 'k'-- -\"", "\"|id|\"", "\"*)(uid=*\"", "\"%n%n%s\"", "\"a\\r\\nb\"",
        "\"${jndi:ldap://x}\""};

    (void)state;
    for (size_t i = 0; i < sizeof kids / sizeof *kids; i++)
        assert_refused(with_kid(kids[i]));
}

static void a20_kid_of_odd_shape(void **state)
{
    static const char *const kids[] = {"[]", "{}", "0", "true", "null", "\"\\u0000\"", "\"https://evil.example/k\""};
    char *text = scratch();
    struct key_id nobody = {{7}};
    struct buf b = buf_fixed(text + 1, KEY_ID_TEXT);

    (void)state;
    for (size_t i = 0; i < sizeof kids / sizeof *kids; i++)
        assert_refused(with_kid(kids[i]));
    text[0] = '"';
    buf_key_id(&b, nobody); /* the right shape, nobody's key */
    memcpy(text + 1 + KEY_ID_TEXT, "\"", 2);
    assert_refused(with_kid(text));
    char longest[2 * KEY_ID_TEXT + 8];
    snprintf(longest, sizeof longest, "\"%.42s\"", kid); /* one short, doubled, padded, with NUL, escaped, array */
    assert_refused(with_kid(longest));
    snprintf(longest, sizeof longest, "\"%s%s\"", kid, kid);
    assert_refused(with_kid(longest));
    snprintf(longest, sizeof longest, "\"%s=\"", kid);
    assert_refused(with_kid(longest));
    snprintf(longest, sizeof longest, "\"%s\\u0000\"", kid);
    assert_refused(with_kid(longest));
    snprintf(longest, sizeof longest, "[\"%s\"]", kid);
    assert_refused(with_kid(longest));
    text = scratch();
    memset(text, 'k', 6144);
    text[0] = text[6143] = '"';
    text[6144] = '\0';
    struct view big = view_of(text, 6144);
    char *header = calloc(1, 16384);
    assert_non_null(header);
    int len = snprintf(header, 16384, "{\"alg\":\"ES256\",\"kid\":%s,\"typ\":\"at+jwt\"}", text);
    char *encoded = calloc(1, 16384);
    assert_non_null(encoded);
    base64url_encode(header, (size_t)len, encoded);
    strcat(encoded, ".e30.AAAA");
    assert_refused(view_text(encoded));
    assert_true(big.len > ACCESS_TOKEN_TEXT_MAX);
    free(header);
    free(encoded);
}

/* Two installations: the other's token, and the other's token under our kid. */
static void a21_key_of_another_installation(void **state)
{
    char *text = scratch(), theirs[KEY_ID_TEXT + 1] = "";
    struct buf b = buf_fixed(theirs, KEY_ID_TEXT);

    (void)state;
    buf_key_id(&b, others->active->id);
    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", theirs);
    assert_refused(signed_by(others, view_text(text), claims(good_parts())));
    assert_refused(signed_by(others, good_header(), claims(good_parts())));
    assert_refused(signed_by(keys, view_text(text), claims(good_parts())));
}

static void a23_a24_crit(void **state)
{
    static const char *const crits[] = {"[\"exp\"]", "[\"b64\"]",         "[\"x\"]", "[]", "\"exp\"",
                                        "null",      "[\"exp\",\"exp\"]", "[1]",     "{}"};

    (void)state;
    for (size_t i = 0; i < sizeof crits / sizeof *crits; i++) {
        char *member = scratch();
        snprintf(member, TOKEN_MAX, "\"typ\":\"at+jwt\",\"crit\":%s", crits[i]);
        assert_refused(with_members(member));
        snprintf(member, TOKEN_MAX, "\"crit\":%s", crits[i]);
        assert_refused(with_members(member));
    }
    assert_refused(with_members("\"typ\":\"at+jwt\",\"crit\":[\"b64\"],\"b64\":true"));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"crit\":[\"b64\"],\"b64\":false"));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"b64\":false"));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"zip\":\"DEF\""));
    assert_refused(with_members("\"typ\":\"at+jwt\",\"cty\":\"JWT\""));
}

static struct view with_typ(const char *typ_json)
{
    char *text = scratch();

    snprintf(text, TOKEN_MAX, "\"typ\":%s", typ_json);
    return with_members(text);
}

static void a26_a27_other_kinds_of_token(void **state)
{
    static const char *const typs[] = {"\"JWT\"",
                                       "\"id_token\"",
                                       "\"rt+jwt\"",
                                       "\"logout+jwt\"",
                                       "\"dpop+jwt\"",
                                       "\"oauth-authz-req+jwt\"",
                                       "\"token-introspection+jwt\"",
                                       "\"secevent+jwt\"",
                                       "\"client-authentication+jwt\"",
                                       "\"jarm+jwt\""};

    (void)state;
    for (size_t i = 0; i < sizeof typs / sizeof *typs; i++)
        assert_refused(with_typ(typs[i]));
}

static void a28_typ(void **state)
{
    static const char *const bad[] = {"\"\"",
                                      "\"JWT\"",
                                      "[\"at+jwt\"]",
                                      "\"at+jwt;x\"",
                                      "\"at+jwt;x=1\"",
                                      "\"at+jwt\\u0000\"",
                                      "null",
                                      "0",
                                      "\" at+jwt\"",
                                      "\"at+jwt \"",
                                      "\"jwt+at\"",
                                      "\"application/\"",
                                      "\"application/application/at+jwt\"",
                                      "\"text/at+jwt\"",
                                      "\"a\\u0074+jwt\"",
                                      "\"application/at+jwt;x\""};
    static const char *const good[] = {"\"at+jwt\"", "\"AT+JWT\"", "\"at+JWT\"", "\"application/at+jwt\"",
                                       "\"Application/AT+jwt\""};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(with_typ(bad[i]));
    assert_refused(with_members(""));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(verify(with_typ(good[i])));
}

static void a31_c13_json_serialisation(void **state)
{
    const char *good = good_token();
    const char *second = strchr(good, '.') + 1, *third = strchr(second, '.') + 1;
    char *text = scratch();

    (void)state;
    snprintf(text, TOKEN_MAX, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"%s\"}",
             (int)(second - 1 - good), good, (int)(third - 1 - second), second, third);
    assert_refused(view_text(text));
    snprintf(text, TOKEN_MAX, "{\"header\":{\"alg\":\"none\"},\"payload\":\"%.*s\",\"signature\":\"\"}",
             (int)(third - 1 - second), second);
    assert_refused(view_text(text));
    /* A polyglot: JSON around a compact token. */
    snprintf(text, TOKEN_MAX, "{\"a\":\"%s\"}", good);
    assert_refused(view_text(text));
    snprintf(text, TOKEN_MAX, "%.*s%%2e%.*s%%2e%s", (int)(second - 1 - good), good, (int)(third - 1 - second), second,
             third);
    assert_refused(view_text(text));
    snprintf(text, TOKEN_MAX, "%.*s\xef\xbc\x8e%.*s\xef\xbc\x8e%s", (int)(second - 1 - good), good,
             (int)(third - 1 - second), second, third);
    assert_refused(view_text(text));
}

/* --- B: JSON and claims --- */

static void b01_duplicate_names(void **state)
{
    char *text = scratch();
    struct parts p = good_parts();

    (void)state;
    snprintf(text, TOKEN_MAX, "{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);
    assert_refused(with_header(text));
    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"alg\":\"none\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);
    assert_refused(with_header(text));
    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"a\\u006cg\":\"ES256\",\"kid\":\"%s\"}", kid);
    assert_refused(with_header(text));
    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"kid\":\"%s\"}", kid, kid);
    assert_refused(with_header(text));
    p.rest = "\"ep\":3,\"client_id\":\"mobile\",\"exp\":1800003000";
    assert_refused(with_payload(claims(p)));
    p.rest = "\"ep\":3,\"client_id\":\"mobile\",\"\\u0073ub\":\"01940000-0000-7000-8000-000000000002\"";
    assert_refused(with_payload(claims(p)));
    p.rest = "\"ep\":3,\"client_id\":\"mobile\",\"x\":{\"a\":1,\"a\":2}"; /* also where nobody looks */
    assert_refused(with_payload(claims(p)));
}

static void b03_broken_text(void **state)
{
    static const char *const bad[] = {
        "\xff",    "\xc0\xaf",       "\xe0\x80\xaf",     "\xed\xa0\x80", "\xed\xa0\xbd\xed\xb8\x80",
        "\\ud800", "\\udc00\\ud800", "\xf4\x90\x80\x80", "\x01",         "\n",
        "\\x41",   "\\u00"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *rest = scratch();
        struct parts p = good_parts();
        snprintf(rest, TOKEN_MAX, "\"ep\":3,\"client_id\":\"mobile\",\"x\":\"%s\"", bad[i]);
        p.rest = rest;
        assert_refused(with_payload(claims(p)));
    }
    struct view good = claims(good_parts());
    char *text = scratch();
    int len = snprintf(text, TOKEN_MAX, "\xef\xbb\xbf%.*s", (int)good.len, good.ptr);
    assert_refused(with_payload(view_of(text, (size_t)len))); /* BOM */
    for (size_t i = 0; i < good.len; i++) {                   /* UTF-16 */
        text[2 * i] = good.ptr[i];
        text[2 * i + 1] = '\0';
    }
    assert_refused(with_payload(view_of(text, 2 * good.len)));
    memcpy(text, good.ptr, good.len); /* a raw NUL inside a string */
    *(char *)memmem(text, good.len, "mobile", 6) = '\0';
    assert_refused(with_payload(view_of(text, good.len)));
}

static void b04_deep_nesting(void **state)
{
    static char deep[100000];
    char *rest = scratch();
    struct parts p = good_parts();

    (void)state;
    memset(deep, '[', sizeof deep);
    assert_refused(view_of(deep, sizeof deep));
    char header[1200] = "";
    memset(header, '[', 180);
    assert_refused(signed_by(keys, view_of(header, 180), claims(good_parts())));
    memset(header, '[', 1100);
    assert_refused(with_payload(view_of(header, 1100)));
    int len = snprintf(rest, TOKEN_MAX, "\"ep\":3,\"client_id\":\"mobile\",\"x\":");
    memset(rest + len, '[', 200);
    memset(rest + len + 200, ']', 200);
    rest[len + 400] = '\0';
    p.rest = rest;
    assert_refused(with_payload(claims(p)));
}

static void b05_payload_is_no_object(void **state)
{
    static const char *const bad[] = {"", "[]", "\"x\"", "1", "null", "true", "{", "{}", " ", "{}{}", "[{}]"};
    struct view good = claims(good_parts());
    char *text = scratch();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(with_payload(view_text(bad[i])));
    memcpy(text, good.ptr, good.len);
    text[good.len] = 'x';
    assert_refused(with_payload(view_of(text, good.len + 1)));
    text[good.len] = '\0';
    assert_refused(with_payload(view_of(text, good.len + 1)));
    text[good.len] = ',';
    assert_refused(with_payload(view_of(text, good.len + 1)));
}

static void b06_many_members_and_long_numbers(void **state)
{
    char *rest = scratch();
    struct parts p = good_parts();
    int len = snprintf(rest, TOKEN_MAX, "\"ep\":3,\"client_id\":\"mobile\"");

    (void)state;
    for (int i = 0; i < 100; i++)
        len += snprintf(rest + len, (size_t)(TOKEN_MAX - len), ",\"k%d\":0", i);
    p.rest = rest;
    assert_ok(verify(with_payload(claims(p)))); /* unknown claims are nobody's business … */
    for (int i = 100; i < 500; i++)
        len += snprintf(rest + len, (size_t)(TOKEN_MAX - len), ",\"k%d\":0", i);
    assert_refused(view_text(join(encode(good_header()), encode(view_of(rest, (size_t)len))))); /* … up to the limit */
    p = good_parts();
    len = snprintf(rest, TOKEN_MAX, "\"ep\":");
    memset(rest + len, '9', 1000);
    snprintf(rest + len + 1000, 100, ",\"client_id\":\"mobile\"");
    p.rest = rest;
    assert_refused(with_payload(claims(p)));
}

static struct cardea_status verify_times(const char *times)
{
    struct parts p = good_parts();

    p.times = times;
    return verify(with_payload(claims(p)));
}

static void b07_exp_missing_or_of_another_type(void **state)
{
    static const char *const bad[] = {"null", "\"1800000900\"", "[1800000900]", "true", "{}", "\"\"", "-1", "0"};

    (void)state;
    assert_code(verify_times("\"iat\":1800000000"), E_INVALID_TOKEN);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *times = scratch();
        snprintf(times, TOKEN_MAX, "\"exp\":%s,\"iat\":1800000000", bad[i]);
        assert_code(verify_times(times), E_INVALID_TOKEN);
    }
}

static void b08_exp_out_of_range(void **state)
{
    static const char *const bad[] = {"1e400",
                                      "1e308",
                                      "1.8000009e9",
                                      "1800000900.0",
                                      "1800000900.5",
                                      "Infinity",
                                      "NaN",
                                      "-Infinity",
                                      "4294967296",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "18446744073709551616",
                                      "-9223372036854775808",
                                      "1800000900000",
                                      "1800000000000000",
                                      "0x6b49d584",
                                      "+1800000900",
                                      "01800000900",
                                      "253402300800"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *times = scratch();
        snprintf(times, TOKEN_MAX, "\"exp\":%s,\"iat\":1800000000", bad[i]);
        assert_code(verify_times(times), E_INVALID_TOKEN);
        snprintf(times, TOKEN_MAX, "\"exp\":%s,\"iat\":%s", bad[i], bad[i]);
        assert_code(verify_times(times), E_INVALID_TOKEN);
    }
    char *times = scratch();
    int len = snprintf(times, TOKEN_MAX, "\"iat\":1800000000,\"exp\":");
    memset(times + len, '1', 400);
    times[len + 400] = '\0';
    assert_code(verify_times(times), E_INVALID_TOKEN);
}

/* Promise 4: whoever signed, no token of more than an hour. */
static void lifetimes_are_bounded(void **state)
{
    (void)state;
    assert_ok(verify_times("\"exp\":1800003600,\"iat\":1800000000"));
    assert_code(verify_times("\"exp\":1800003601,\"iat\":1800000000"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000001,\"iat\":1799990000"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000000,\"iat\":1800000000"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1799999999,\"iat\":1800000000"), E_INVALID_TOKEN);
}

/* exp has no leeway, to the second; and expiry is only told where nothing else was wrong. */
static void expiry_is_exact(void **state)
{
    struct access_expectation want = expectation(), other = want;
    struct access_token out;
    const char *token = good_token(); /* exp 1800000900 */

    (void)state;
    assert_ok(access_token_verify(keys, view_text(token), &want, (now_s + 899) * 1000 + 999, &out));
    assert_code(access_token_verify(keys, view_text(token), &want, (now_s + 900) * 1000, &out), E_EXPIRED);
    assert_ok(access_token_times(&out.claims, (now_s + 899) * 1000));
    assert_code(access_token_times(&out.claims, (now_s + 900) * 1000), E_EXPIRED);
    other.issuer = VIEW("https://other.example.com");
    assert_code(access_token_verify(keys, view_text(token), &other, (now_s + 900) * 1000, &out), E_INVALID_TOKEN);
}

static void b10_nbf_and_iat(void **state)
{
    (void)state;
    /* A clock that runs ahead by the leeway is forgiven, by a second more is not. */
    assert_ok(verify_times("\"exp\":1800000900,\"iat\":1800000030"));
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000031"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800087300,\"iat\":1800086400"), E_INVALID_TOKEN); /* a day */
    assert_ok(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":1800000030"));
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":1800000031"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":\"1800000000\""), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":null"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":-1"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":1800000000,\"nbf\":9223372036854775807"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900"), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":\"1800000000\""), E_INVALID_TOKEN);
    assert_code(verify_times("\"exp\":1800000900,\"iat\":-1"), E_INVALID_TOKEN);
}

static void b11_audience(void **state)
{
    static const char *const bad[] = {NULL,
                                      "\"aud\":\"https://evil.example\"",
                                      "\"aud\":\"\"",
                                      "\"aud\":[]",
                                      "\"aud\":[null]",
                                      "\"aud\":7",
                                      "\"aud\":null",
                                      "\"aud\":[[\"https://api.example.com\"]]",
                                      "\"aud\":{\"https://api.example.com\":1}",
                                      "\"aud\":[\"https://api.example.com\",null]",
                                      "\"aud\":[\"https://evil.example\"]",
                                      "\"aud\":true",
                                      "\"aud\":\"https://api.example.com/\"",
                                      "\"aud\":\"https://api.example.co\"",
                                      "\"aud\":\"HTTPS://api.example.com\"",
                                      "\"aud\":\"https://api.example.com\\u0000\"",
                                      "\"aud\":\"https://api.example.com https://evil.example\"",
                                      "\"aud\":[\"\"]"};
    struct parts p = good_parts();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        p.aud = bad[i];
        assert_refused(with_payload(claims(p)));
    }
    p.aud = "\"aud\":[\"https://third.example\",\"https://api.example.com\"]";
    assert_ok(verify(with_payload(claims(p))));
    p.aud = "\"aud\":\"https://other-api.example.com\"";
    assert_ok(verify(with_payload(claims(p))));
    struct access_expectation nobody = {view_text(issuer), NULL, 0};
    struct access_token out;
    assert_code(access_token_verify(keys, view_text(good_token()), &nobody, now_ms, &out), E_INVALID_TOKEN);
}

static void b13_b17_issuer(void **state)
{
    static const char *const bad[] = {NULL,
                                      "\"iss\":\"\"",
                                      "\"iss\":\"https://id.example.com/\"",
                                      "\"iss\":\"https://id.example.com/tenant-b\"",
                                      "\"iss\":[\"https://id.example.com\"]",
                                      "\"iss\":null",
                                      "\"iss\":0",
                                      "\"iss\":\"https://ID.example.com\"",
                                      "\"iss\":\"https:\\/\\/id.example.com\"",
                                      "\"iss\":\"https://id.example.com\\u0000\""};
    struct parts p = good_parts();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        p.iss = bad[i];
        assert_refused(with_payload(claims(p)));
    }
}

static void b16_bound_tokens_need_their_proof(void **state)
{
    static const char *const cnf[] = {"{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}",
                                      "{\"x5t#S256\":\"A\"}", "{}", "null", "\"\""};

    (void)state;
    for (size_t i = 0; i < sizeof cnf / sizeof *cnf; i++) {
        char *rest = scratch();
        struct parts p = good_parts();
        snprintf(rest, TOKEN_MAX, "\"ep\":3,\"client_id\":\"mobile\",\"cnf\":%s", cnf[i]);
        p.rest = rest;
        assert_refused(with_payload(claims(p)));
    }
}

static void the_other_claims_are_required_and_typed(void **state)
{
    static const char *const subs[] = {NULL,
                                       "\"sub\":\"\"",
                                       "\"sub\":7",
                                       "\"sub\":\"alice\"",
                                       "\"sub\":null",
                                       "\"sub\":\"01940000-0000-7000-8000-00000000000\"",
                                       "\"sub\":\"01940000-0000-7000-8000-000000000001x\""};
    static const char *const ids[] = {NULL,
                                      "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":\"\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAB\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
                                      "\"jti\":1,\"sid\":2"};
    static const char *const rests[] = {NULL,
                                        "\"ep\":3",
                                        "\"client_id\":\"mobile\"",
                                        "\"ep\":0,\"client_id\":\"mobile\"",
                                        "\"ep\":-1,\"client_id\":\"mobile\"",
                                        "\"ep\":\"3\",\"client_id\":\"mobile\"",
                                        "\"ep\":3.0,\"client_id\":\"mobile\"",
                                        "\"ep\":3,\"client_id\":\"\"",
                                        "\"ep\":3,\"client_id\":7",
                                        "\"ep\":3,\"client_id\":[\"mobile\"]",
                                        "\"ep\":3,\"client_id\":\"123456789012345678901234567890123\"",
                                        "\"ep\":3,\"client_id\":\"a\\u0000b\"",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":\"admin\"",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[7]",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[\"a,admin\"]",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[\"\"]",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[\"a b\"]",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":null",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":{\"admin\":1}",
                                        "\"ep\":3,\"client_id\":\"m\",\"roles\":[[\"admin\"]]"};

    (void)state;
    for (size_t i = 0; i < sizeof subs / sizeof *subs; i++) {
        struct parts p = good_parts();
        p.sub = subs[i];
        assert_refused(with_payload(claims(p)));
    }
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct parts p = good_parts();
        p.ids = ids[i];
        assert_refused(with_payload(claims(p)));
    }
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        struct parts p = good_parts();
        p.rest = rests[i];
        assert_refused(with_payload(claims(p)));
    }
    struct parts p = good_parts();
    p.rest = "\"ep\":3,\"client_id\":\"m\",\"roles\":[]";
    assert_ok(verify(with_payload(claims(p))));
}

/* --- C: signature bytes and encoding --- */

/* The good token with another last segment. */
static struct view with_signature(struct view bytes)
{
    const char *good = good_token();
    char *text = scratch();

    snprintf(text, TOKEN_MAX, "%.*s.%s", (int)(strrchr(good, '.') - good), good, encode(bytes));
    return view_text(text);
}

static void good_signature(uint8_t out[64], const char *token)
{
    assert_ok(base64url_decode_exact(view_text(strrchr(token, '.') + 1), out, 64));
}

static void c01_scalars_of_zero_and_order(void **state)
{
    static const char *const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    uint8_t values[4][32] = {{0}, {0}, {0}, {0}}, sig[64];

    (void)state;
    values[1][31] = 1;
    assert_ok(hex_decode_exact(view_text(order), values[2], 32));
    memset(values[3], 0xff, 32);
    for (size_t r = 0; r < 4; r++)
        for (size_t s = 0; s < 4; s++) {
            memcpy(sig, values[r], 32);
            memcpy(sig + 32, values[s], 32);
            assert_refused(with_signature(view_of(sig, 64)));
        }
    for (size_t v = 0; v < 4; v++) {
        good_signature(sig, good_token());
        memcpy(sig, values[v], 32);
        assert_refused(with_signature(view_of(sig, 64)));
        good_signature(sig, good_token());
        memcpy(sig + 32, values[v], 32);
        assert_refused(with_signature(view_of(sig, 64)));
    }
}

static void c02_der_and_other_forms(void **state)
{
    const char *token = good_token();
    uint8_t raw[64], der[80] = {0x30, 68, 0x02, 32};
    char hex[129];
    struct buf b = buf_fixed(hex, 128);

    (void)state;
    good_signature(raw, token);
    memcpy(der + 4, raw, 32);
    der[36] = 0x02;
    der[37] = 32;
    memcpy(der + 38, raw + 32, 32);
    assert_refused(with_signature(view_of(der, 70)));
    assert_refused(with_signature(view_of("\x30\x06\x02\x01\x00\x02\x01\x00", 8)));
    assert_refused(with_signature(view_of("\x30\x81\x06\x02\x01\x01\x02\x01\x01", 9)));
    uint8_t padded[66] = {0};
    memcpy(padded + 1, raw, 32);
    memcpy(padded + 34, raw + 32, 32);
    assert_refused(with_signature(view_of(padded, 66)));
    buf_hex(&b, raw, 64);
    assert_refused(with_signature(view_of(hex, 128)));
    assert_refused(with_signature(view_of(raw, 32)));
}

static void c06_length_and_bits(void **state)
{
    char token[TOKEN_MAX], text[TOKEN_MAX];
    uint8_t raw[4096] = {0}, ones[64];

    (void)state;
    strcpy(token, good_token()); /* many scratch texts are made below */
    good_signature(raw, token);
    assert_refused(with_signature(view_of(raw, 63)));
    assert_refused(with_signature(view_of(raw, 65)));
    assert_refused(with_signature(view_of(raw, 4096)));
    memcpy(raw + 64, raw, 64);
    assert_refused(with_signature(view_of(raw, 128)));
    memset(ones, 0xff, sizeof ones);
    assert_refused(with_signature(view_of(ones, 64)));
    memset(ones, 0, sizeof ones);
    assert_refused(with_signature(view_of(ones, 64)));
    /* Every bit of the signature, and a bit of every character before it. */
    size_t before = (size_t)(strrchr(token, '.') - token);
    for (size_t bit = 0; bit < 512; bit += 5) {
        good_signature(raw, token);
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        snprintf(text, sizeof text, "%.*s.%s", (int)before, token, encode(view_of(raw, 64)));
        assert_refused(view_text(text));
    }
    for (size_t i = 0; i < before; i++)
        if (token[i] != '.') {
            strcpy(text, token);
            text[i] = text[i] == 'A' ? 'B' : 'A';
            assert_refused(view_text(text));
        }
}

/* One code for all that is wrong: the tests above compare it; here it is compared with what it must not be. */
static void c08_one_generic_refusal(void **state)
{
    uint8_t raw[64] = {1};

    (void)state;
    assert_int_equal(verify(with_signature(view_of(raw, 64))).code, verify(VIEW("x")).code);
    assert_int_equal(verify(with_signature(view_of(raw, 63))).code, verify(unsigned_with("\"none\"")).code);
}

/* Put `what` at each end and in the middle of each segment. */
static void assert_refused_inside(const char *what, size_t what_len)
{
    const char *good = good_token();
    size_t len = strlen(good);
    char text[TOKEN_MAX];

    for (size_t at = 0; at <= len; at++) {
        bool edge = at == 0 || at == len || good[at] == '.' || good[at - 1] == '.' || at % 37 == 0;
        if (!edge)
            continue;
        memcpy(text, good, at);
        memcpy(text + at, what, what_len);
        memcpy(text + at + what_len, good + at, len - at);
        assert_refused(view_of(text, len + what_len)); /* inserted */
        if (at < len && good[at] != '.') {
            memcpy(text, good, len);
            text[at] = what[0];
            assert_refused(view_of(text, len)); /* replaced */
        }
    }
}

static void c09_padding(void **state)
{
    (void)state;
    assert_refused_inside("=", 1);
    assert_refused_inside("==", 2);
    assert_refused_inside("%3d", 3);
}

static void c10_trailing_bits(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *good = good_token();
    char *text = scratch();
    size_t len = strlen(good);

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        memcpy(text, good, len + 1);
        text[len - 1] = alphabet[i];
        if (text[len - 1] != good[len - 1])
            assert_refused(view_text(text));
    }
}

static void c11_other_alphabets(void **state)
{
    static const char *const odd[] = {"+", "/", " ", "\t", "\n", "\r\n", "!", "\xc3\xa4", "\x7f", "%41", "\\"};

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_refused_inside(odd[i], strlen(odd[i]));
    assert_refused_inside("\0", 1);
}

static void c12_segments(void **state)
{
    static char dots[1000000];
    const char *good = good_token();
    char *text = scratch();
    static const char *const forms[] = {"",    ".",       "..",        "...",  "....", "a",
                                        "a.b", "a.b.c.d", "a.b.c.d.e", ".b.c", "a..c", "a.b."};

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_refused(view_text(forms[i]));
    static const char *const around[][2] = {{".", ""}, {"", "."}, {"", ".e30"}, {"e30.", ""}, {"", ".."}, {"", ".x.y"}};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        snprintf(text, TOKEN_MAX, "%s%s%s", around[i][0], good, around[i][1]);
        assert_refused(view_text(text));
    }
    memset(dots, '.', sizeof dots);
    assert_refused(view_of(dots, 8000));
    assert_refused(view_of(dots, sizeof dots));
    assert_refused(VIEW_EMPTY);
}

static void c14_size(void **state)
{
    static char big[1 << 20];
    const char *good = good_token();
    size_t sizes[] = {ACCESS_TOKEN_TEXT_MAX + 1, 8192, 65536, 1 << 20};

    (void)state;
    memset(big, 'A', sizeof big);
    memcpy(big, good, strlen(good));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_refused(view_of(big, sizes[i]));
    /* Genuine, and one character past the limit; and with the limit's own length. */
    struct parts p = good_parts();
    static char rest[TOKEN_MAX];
    size_t pad = 0;
    struct view token = VIEW_EMPTY;
    while (token.len < ACCESS_TOKEN_TEXT_MAX) {
        int at = snprintf(rest, TOKEN_MAX, "\"ep\":3,\"client_id\":\"mobile\",\"x\":\"");
        memset(rest + at, 'x', pad);
        memcpy(rest + at + pad, "\"", 2);
        p.rest = rest;
        token = with_payload(claims(p));
        if (token.len <= ACCESS_TOKEN_TEXT_MAX)
            assert_ok(verify(token));
        pad += token.len < ACCESS_TOKEN_TEXT_MAX - 20 ? 10 : 1;
    }
    while (token.len <= ACCESS_TOKEN_TEXT_MAX) {
        memcpy(strrchr(rest, '"'), "x\"", 3);
        token = with_payload(claims(p));
    }
    assert_refused(token);
    memset(big, 'A', sizeof big); /* a header segment of 200 KB */
    memcpy(big + 200000, ".e30.AAAA", 9);
    assert_refused(view_of(big, 200009));
    memcpy(big + 1000, ".e30.AAAA", 9);
    assert_refused(view_of(big, 1009));
}

/* A header as long as the limit, and one past it. */
static void long_headers(void **state)
{
    char *text = scratch();
    int len = snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);

    (void)state;
    memset(text + len, ' ', 256 - (size_t)len);
    assert_ok(verify(signed_by(keys, view_of(text, 256), claims(good_parts()))));
    text[256] = ' ';
    assert_refused(signed_by(keys, view_of(text, 257), claims(good_parts())));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_verifies),
        cmocka_unit_test(a_token_says_no_more_than_promised),
        cmocka_unit_test(signing_refuses_claims_that_would_not_verify),
        cmocka_unit_test(the_hand_made_token_is_good),
        cmocka_unit_test(a_retired_key_verifies_until_its_end),
        cmocka_unit_test(a01_alg_none),
        cmocka_unit_test(a02_alg_none_in_other_cases),
        cmocka_unit_test(a04_alg_of_another_type),
        cmocka_unit_test(a05_signature_left_out),
        cmocka_unit_test(a06_a07_public_key_as_mac_key),
        cmocka_unit_test(a10_known_mac_keys),
        cmocka_unit_test(a12_alg_relabelled),
        cmocka_unit_test(a13_jwk_in_the_header),
        cmocka_unit_test(a15_url_to_a_key),
        cmocka_unit_test(a16_certificates_in_the_header),
        cmocka_unit_test(a18_kid_as_path),
        cmocka_unit_test(a19_kid_as_code),
        cmocka_unit_test(a20_kid_of_odd_shape),
        cmocka_unit_test(a21_key_of_another_installation),
        cmocka_unit_test(a23_a24_crit),
        cmocka_unit_test(a26_a27_other_kinds_of_token),
        cmocka_unit_test(a28_typ),
        cmocka_unit_test(a31_c13_json_serialisation),
        cmocka_unit_test(b01_duplicate_names),
        cmocka_unit_test(b03_broken_text),
        cmocka_unit_test(b04_deep_nesting),
        cmocka_unit_test(b05_payload_is_no_object),
        cmocka_unit_test(b06_many_members_and_long_numbers),
        cmocka_unit_test(b07_exp_missing_or_of_another_type),
        cmocka_unit_test(b08_exp_out_of_range),
        cmocka_unit_test(lifetimes_are_bounded),
        cmocka_unit_test(expiry_is_exact),
        cmocka_unit_test(b10_nbf_and_iat),
        cmocka_unit_test(b11_audience),
        cmocka_unit_test(b13_b17_issuer),
        cmocka_unit_test(b16_bound_tokens_need_their_proof),
        cmocka_unit_test(the_other_claims_are_required_and_typed),
        cmocka_unit_test(c01_scalars_of_zero_and_order),
        cmocka_unit_test(c02_der_and_other_forms),
        cmocka_unit_test(c06_length_and_bits),
        cmocka_unit_test(c08_one_generic_refusal),
        cmocka_unit_test(c09_padding),
        cmocka_unit_test(c10_trailing_bits),
        cmocka_unit_test(c11_other_alphabets),
        cmocka_unit_test(c12_segments),
        cmocka_unit_test(c14_size),
        cmocka_unit_test(long_headers),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
