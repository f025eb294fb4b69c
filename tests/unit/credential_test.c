#include "key_double.h"

#include "base/secret.h"
#include "base/text.h"
#include "core/credential.h"
#include "crypto/digest.h"

static struct keyring *keys, *others; /* two installations */

static int set_up(void **state)
{
    static struct key_double a, b;

    (void)state;
    keys = key_double_ring(&a, entropy_system(), 1000);
    others = key_double_ring(&b, entropy_system(), 1000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    keyring_unref(keys);
    keyring_unref(others);
    return 0;
}

static void fill(void *out, size_t len)
{
    entropy_fill(entropy_system(), out, len);
}

static void a_secret_is_compared_by_digest(void **state)
{
    struct secret s, t;
    uint8_t digest[32];

    (void)state;
    fill(&s, sizeof s);
    t = s;
    secret_digest(&s, digest);
    assert_true(secret_matches(&s, digest));
    t.bytes[31] ^= 1;
    assert_false(secret_matches(&t, digest));
}

static void session_cookie_round_trip(void **state)
{
    struct session_cookie in, out;
    char text[SESSION_COOKIE_TEXT + 2] = {0};

    (void)state;
    fill(&in, sizeof in);
    session_cookie_format(keys, &in, text);
    assert_int_equal(strlen(text), SESSION_COOKIE_TEXT);
    assert_ok(session_cookie_parse(keys, view_text(text), &out));
    assert_memory_equal(&in, &out, sizeof in);
    assert_code(session_cookie_parse(others, view_text(text), &out), E_INVALID_SESSION);
}

/* E06: ids that we never issued are refused without a look-up; whatever is odd about the text, too. */
static void session_cookie_refuses(void **state)
{
    struct session_cookie in, out = {.sid = {{42}}};
    char text[SESSION_COOKIE_TEXT + 8], good[SESSION_COOKIE_TEXT];

    (void)state;
    fill(&in, sizeof in);
    session_cookie_format(keys, &in, good);
    for (size_t len = 0; len < SESSION_COOKIE_TEXT; len++)
        assert_code(session_cookie_parse(keys, view_of(good, len), &out), E_INVALID_SESSION);
    memset(text, 'A', sizeof text);
    memcpy(text, good, sizeof good);
    for (size_t len = SESSION_COOKIE_TEXT + 1; len <= sizeof text; len++)
        assert_code(session_cookie_parse(keys, view_of(text, len), &out), E_INVALID_SESSION);
    static const char odd[] = {'=', '+', '/', ' ', '.', '%', '"', '\0', '\n', (char)0xff};
    for (size_t i = 0; i < SESSION_COOKIE_TEXT; i++)
        for (size_t o = 0; o < sizeof odd; o++) {
            memcpy(text, good, sizeof good);
            text[i] = odd[o];
            assert_code(session_cookie_parse(keys, view_of(text, SESSION_COOKIE_TEXT), &out), E_INVALID_SESSION);
        }
    /* The 24 bytes of id and tag are the first 32 characters: any other character there breaks the tag. */
    for (size_t i = 0; i < 32; i++) {
        memcpy(text, good, sizeof good);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_code(session_cookie_parse(keys, view_of(text, SESSION_COOKIE_TEXT), &out), E_INVALID_SESSION);
    }
    assert_int_equal(out.sid.bytes[0], 42); /* untouched */
    assert_code(session_cookie_parse(keys, VIEW_EMPTY, &out), E_INVALID_SESSION);
}

static void refresh_text(const struct keyring *k, const struct refresh_token *t, char out[REFRESH_TOKEN_TEXT_MAX])
{
    struct buf b = buf_fixed(out, REFRESH_TOKEN_TEXT_MAX - 1);

    refresh_token_format(k, t, &b);
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, REFRESH_TOKEN_TEXT);
    out[b.len] = '\0';
}

static void refresh_token_round_trip(void **state)
{
    static const uint64_t generations[] = {1, 2, 255, 256, UINT64_C(0x0102030405060708), UINT64_MAX};
    struct refresh_token in, out;
    char text[REFRESH_TOKEN_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof generations / sizeof *generations; i++) {
        fill(&in, sizeof in);
        in.generation = generations[i];
        refresh_text(keys, &in, text);
        assert_true(view_starts(view_text(text), VIEW("crt_")));
        assert_ok(refresh_token_parse(keys, view_text(text), &out));
        assert_true(ID_SAME(in.sid, out.sid));
        assert_true(in.generation == out.generation);
        assert_memory_equal(in.secret.bytes, out.secret.bytes, SECRET_BYTES);
        assert_code(refresh_token_parse(others, view_text(text), &out), E_INVALID_TOKEN);
    }
    in.generation = 0; /* never issued */
    refresh_text(keys, &in, text);
    assert_code(refresh_token_parse(keys, view_text(text), &out), E_INVALID_TOKEN);
}

/* The tag covers every bit: key id, sid, generation, secret and the tag itself. */
static void refresh_token_refuses(void **state)
{
    struct refresh_token in, out;
    char text[REFRESH_TOKEN_TEXT_MAX], changed[REFRESH_TOKEN_TEXT_MAX];
    uint8_t raw[76];

    (void)state;
    fill(&in, sizeof in);
    in.generation = 7;
    refresh_text(keys, &in, text);
    assert_ok(base64url_decode_exact(view_text(text + 4), raw, sizeof raw));
    memcpy(changed, text, sizeof changed);
    for (size_t bit = 0; bit < sizeof raw * 8; bit++) {
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        base64url_encode(raw, sizeof raw, changed + 4);
        assert_code(refresh_token_parse(keys, view_text(changed), &out), E_INVALID_TOKEN);
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < REFRESH_TOKEN_TEXT; len++)
        assert_code(refresh_token_parse(keys, view_of(text, len), &out), E_INVALID_TOKEN);
    memcpy(changed, text, sizeof changed);
    changed[0] = 'C';
    assert_code(refresh_token_parse(keys, view_text(changed), &out), E_INVALID_TOKEN);
    strcat(memcpy(changed, text, sizeof changed), "=");
    assert_code(refresh_token_parse(keys, view_text(changed), &out), E_INVALID_TOKEN);
    /* Non-zero trailing bits in the last character: another text of the same bytes. */
    memcpy(changed, text, sizeof changed);
    assert_ok(base64url_decode_exact(view_text(changed + 4), raw, sizeof raw));
    changed[REFRESH_TOKEN_TEXT - 1]++;
    assert_code(refresh_token_parse(keys, view_text(changed), &out), E_INVALID_TOKEN);
}

static void successors_are_derived_and_bound(void **state)
{
    struct refresh_token t, a, b;
    uint8_t nonce[16];

    (void)state;
    fill(&t, sizeof t);
    t.generation = 3;
    fill(nonce, sizeof nonce);
    refresh_token_successor(keys, &t, nonce, &a);
    refresh_token_successor(keys, &t, nonce, &b);
    assert_true(ID_SAME(a.sid, t.sid));
    assert_true(a.generation == 4);
    assert_memory_equal(a.secret.bytes, b.secret.bytes, SECRET_BYTES);
    assert_memory_not_equal(a.secret.bytes, t.secret.bytes, SECRET_BYTES);
    /* Each of what it is made from matters. */
    refresh_token_successor(others, &t, nonce, &b);
    assert_memory_not_equal(a.secret.bytes, b.secret.bytes, SECRET_BYTES);
    nonce[15] ^= 1;
    refresh_token_successor(keys, &t, nonce, &b);
    assert_memory_not_equal(a.secret.bytes, b.secret.bytes, SECRET_BYTES);
    nonce[15] ^= 1;
    t.sid.bytes[0] ^= 1;
    refresh_token_successor(keys, &t, nonce, &b);
    assert_memory_not_equal(a.secret.bytes, b.secret.bytes, SECRET_BYTES);
    t.sid.bytes[0] ^= 1;
    t.generation++;
    refresh_token_successor(keys, &t, nonce, &b);
    assert_memory_not_equal(a.secret.bytes, b.secret.bytes, SECRET_BYTES);
    t.generation--;
    t.secret.bytes[31] ^= 1;
    refresh_token_successor(keys, &t, nonce, &b);
    assert_memory_not_equal(a.secret.bytes, b.secret.bytes, SECRET_BYTES);
    /* In place. */
    t.secret.bytes[31] ^= 1;
    refresh_token_successor(keys, &t, nonce, &t);
    assert_memory_equal(a.secret.bytes, t.secret.bytes, SECRET_BYTES);
}

static void key_text(const struct keyring *k, const struct api_key *a, char out[API_KEY_TEXT_MAX])
{
    struct buf b = buf_fixed(out, API_KEY_TEXT_MAX - 1);

    api_key_format(k, a, &b);
    assert_true(buf_ok(&b));
    out[b.len] = '\0';
}

static void api_key_round_trip(void **state)
{
    struct api_key in, out;
    char text[API_KEY_TEXT_MAX], id[ID16_TEXT];

    (void)state;
    fill(&in, sizeof in);
    key_text(keys, &in, text);
    assert_int_equal(strlen(text), API_KEY_TEXT);
    assert_ok(api_key_parse(keys, view_text(text), &out));
    assert_memory_equal(&in, &out, sizeof in);
    base64url_encode(in.id.bytes, 16, id);
    assert_memory_equal(text + 4, id, ID16_TEXT); /* the public id can be read off */
    assert_code(api_key_parse(others, view_text(text), &out), E_INVALID_KEY);
}

/* A scanner that knows nothing of us can check the end of a key. */
static void api_key_checksum_is_public(void **state)
{
    struct api_key in;
    char text[API_KEY_TEXT_MAX], sum[43];
    uint8_t digest[32];

    (void)state;
    fill(&in, sizeof in);
    key_text(keys, &in, text);
    digest_sha256(text, 80, digest);
    base64url_encode(digest, 32, sum);
    assert_memory_equal(text + 80, sum, 6);
}

static void api_key_refuses(void **state)
{
    struct api_key in, out;
    char text[API_KEY_TEXT_MAX], changed[API_KEY_TEXT_MAX], sum[43];
    uint8_t digest[32];

    (void)state;
    fill(&in, sizeof in);
    key_text(keys, &in, text);
    for (size_t len = 0; len < API_KEY_TEXT; len++)
        assert_code(api_key_parse(keys, view_of(text, len), &out), E_INVALID_KEY);
    for (size_t i = 0; i < API_KEY_TEXT; i++) {
        memcpy(changed, text, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_code(api_key_parse(keys, view_text(changed), &out), E_INVALID_KEY);
        /* With a checksum that fits, id and tag still guard themselves. */
        if (i >= 4 && (i < 26 || i >= 69) && i < 80) {
            digest_sha256(changed, 80, digest);
            base64url_encode(digest, 32, sum);
            memcpy(changed + 80, sum, 6);
            assert_code(api_key_parse(keys, view_text(changed), &out), E_INVALID_KEY);
        }
    }
    /* A part that is not canonical under a checksum that fits. */
    memcpy(changed, text, sizeof changed);
    changed[68] = '=';
    digest_sha256(changed, 80, digest);
    base64url_encode(digest, 32, sum);
    memcpy(changed + 80, sum, 6);
    assert_code(api_key_parse(keys, view_text(changed), &out), E_INVALID_KEY);
}

static void csrf_token_binds_to_the_session(void **state)
{
    struct session_id sid, other;
    char a[CSRF_TOKEN_TEXT], b[CSRF_TOKEN_TEXT], changed[CSRF_TOKEN_TEXT];

    (void)state;
    fill(&sid, sizeof sid);
    fill(&other, sizeof other);
    csrf_token_format(keys, sid, entropy_system(), a);
    csrf_token_format(keys, sid, entropy_system(), b);
    assert_memory_not_equal(a, b, sizeof a); /* masked anew */
    assert_ok(csrf_token_check(keys, sid, view_of(a, sizeof a)));
    assert_ok(csrf_token_check(keys, sid, view_of(b, sizeof b)));
    assert_code(csrf_token_check(keys, other, view_of(a, sizeof a)), E_CSRF);
    assert_code(csrf_token_check(others, sid, view_of(a, sizeof a)), E_CSRF);
    for (size_t len = 0; len < sizeof a; len++)
        assert_code(csrf_token_check(keys, sid, view_of(a, len)), E_CSRF);
    for (size_t i = 0; i < sizeof a; i++) {
        memcpy(changed, a, sizeof a);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_code(csrf_token_check(keys, sid, view_of(changed, sizeof changed)), E_CSRF);
    }
    memset(changed, 'A', sizeof changed); /* mask and MAC zero */
    assert_code(csrf_token_check(keys, sid, view_of(changed, sizeof changed)), E_CSRF);
}

static void device_cookie_names_its_user(void **state)
{
    struct user_id user, found;
    char a[DEVICE_COOKIE_TEXT], changed[DEVICE_COOKIE_TEXT];

    (void)state;
    fill(&user, sizeof user);
    device_cookie_format(keys, user, entropy_system(), a);
    assert_ok(device_cookie_parse(keys, view_of(a, sizeof a), &found));
    assert_true(ID_SAME(user, found));
    assert_code(device_cookie_parse(others, view_of(a, sizeof a), &found), E_INVALID_TOKEN);
    for (size_t i = 0; i < sizeof a; i++) {
        memcpy(changed, a, sizeof a);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_code(device_cookie_parse(keys, view_of(changed, sizeof changed), &found), E_INVALID_TOKEN);
    }
    for (size_t len = 0; len < sizeof a; len++)
        assert_code(device_cookie_parse(keys, view_of(a, len), &found), E_INVALID_TOKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_compared_by_digest),
        cmocka_unit_test(session_cookie_round_trip),
        cmocka_unit_test(session_cookie_refuses),
        cmocka_unit_test(refresh_token_round_trip),
        cmocka_unit_test(refresh_token_refuses),
        cmocka_unit_test(successors_are_derived_and_bound),
        cmocka_unit_test(api_key_round_trip),
        cmocka_unit_test(api_key_checksum_is_public),
        cmocka_unit_test(api_key_refuses),
        cmocka_unit_test(csrf_token_binds_to_the_session),
        cmocka_unit_test(device_cookie_names_its_user),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
