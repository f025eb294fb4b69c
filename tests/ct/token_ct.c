/* Checking what somebody else sends: HMAC signatures, JWE, PASETO v4.local, refresh and CSRF tokens, secrets against
 * their digests. Keys are marked as uninitialised; what comes in is public, right or wrong, from the first byte or only
 * at the last. No branch and no address may depend on a key, nor on how far a forgery is right.
 *
 * The verdict itself is public: secret_equal is wrapped, so that its answer, and nothing else of it, may be branched
 * on. GCM's verdict falls inside OpenSSL, where nothing can be wrapped: there every forgery must cause exactly the same
 * reports, as few as one branch makes. That a comparison that stops early is noticed either way is shown at the end. */
#include "base/secret.h"
#include "base/text.h"
#include "core/credential.h"
#include "core/paseto.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "crypto/signature.h"

#include "ct.h"

bool __real_secret_equal(const void *a, const void *b, size_t len);
bool __wrap_secret_equal(const void *a, const void *b, size_t len);

static bool leaky; /* the self-test: compare as memcmp would */

bool __wrap_secret_equal(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    bool same = true;
    if (!leaky) {
        same = __real_secret_equal(a, b, len);
    } else {
        for (size_t i = 0; same && i < len; i++)
            same = x[i] == y[i];
    }
    show(&same, sizeof same);
    return same;
}

static unsigned long errors(void)
{
    return VALGRIND_COUNT_ERRORS;
}

/* Which byte of `len` bytes to change; UNCHANGED: none. */
enum { RIGHT = 0, FIRST_WRONG, LAST_WRONG, FORGERIES };

static void forge(uint8_t *bytes, size_t len, int how)
{
    if (how != RIGHT)
        bytes[how == FIRST_WRONG ? 0 : len - 1] ^= 0x80;
}

/* --- HMAC signatures --- */

static struct verify_key *hidden_mac_key(enum signature_algorithm a)
{
    struct verify_key *k = NULL;
    struct raw_key raw;
    uint8_t bytes[64];
    memset(bytes, 7, sizeof bytes);
    hide(bytes, sizeof bytes);
    raw_key_init(&raw, RAW_KEY_OCT, RAW_CURVE_UNSET);
    ct_failed += !raw_key_put(&raw, RAW_KEY_K, view_of(bytes, sizeof bytes));
    ct_failed += !cardea_ok(verify_key_load(a, &raw, &k));
    return k;
}

static void made_signature(enum signature_algorithm a, uint8_t out[SIGNATURE_MAX], size_t *ret_len)
{
    struct signing_key *k = NULL;
    struct raw_key raw;
    uint8_t bytes[64];
    memset(bytes, 7, sizeof bytes);
    raw_key_init(&raw, RAW_KEY_OCT, RAW_CURVE_UNSET);
    ct_failed += !raw_key_put(&raw, RAW_KEY_K, view_of(bytes, sizeof bytes));
    ct_failed += !cardea_ok(signing_key_load(a, &raw, &k));
    ct_failed += !cardea_ok(signing_key_sign(k, VIEW("header.payload"), out, ret_len));
    signing_key_free(k);
}

static unsigned long check_hmac(enum signature_algorithm a)
{
    unsigned long before = errors();
    for (int how = RIGHT; how < FORGERIES; how++) {
        uint8_t signature[SIGNATURE_MAX];
        size_t len = 0;
        made_signature(a, signature, &len);
        forge(signature, len, how);
        struct verify_key *k = hidden_mac_key(a);
        struct cardea_status s = verify_key_check(k, VIEW("header.payload"), view_of(signature, len));
        ct_failed += cardea_ok(s) != (how == RIGHT);
        verify_key_free(k);
    }
    return errors() - before;
}

/* --- JWE's content --- */

/* Reports that opening makes: right, the tag's first byte wrong, its last. */
static void check_aead(enum aead a, unsigned long reports[FORGERIES])
{
    for (int how = RIGHT; how < FORGERIES; how++) {
        uint8_t key[AEAD_KEY_MAX] = {1}, iv[AEAD_IV_MAX] = {2}, plain[64] = {3}, body[80], tag[AEAD_TAG_MAX], out[80];
        struct aead_key *k = NULL;
        struct aead_message m = {view_of(iv, aead_iv_len(a)), VIEW("header"), view_of(plain, sizeof plain), VIEW_EMPTY};
        size_t body_len = aead_tag_len(a) > 16 || a > AEAD_A256GCM ? sizeof body : sizeof plain, len = 0;
        ct_failed += !cardea_ok(aead_key_new(a, view_of(key, aead_key_len(a)), &k));
        ct_failed += !cardea_ok(aead_seal(k, &m, body, tag));
        aead_key_free(k);
        forge(tag, aead_tag_len(a), how);
        hide(key, sizeof key);
        unsigned long before = errors();
        ct_failed += !cardea_ok(aead_key_new(a, view_of(key, aead_key_len(a)), &k));
        m.text = view_of(body, body_len);
        m.tag = view_of(tag, aead_tag_len(a));
        struct cardea_status s = aead_open(k, &m, out, &len);
        reports[how] = errors() - before;
        show(&s, sizeof s);
        ct_failed += cardea_ok(s) != (how == RIGHT);
        aead_key_free(k);
    }
}

static void jwe(void)
{
    for (enum aead a = AEAD_A128GCM; a < AEAD_COUNT; a++) {
        unsigned long reports[FORGERIES];
        check_aead(a, reports);
        bool gcm = a <= AEAD_A256GCM;
        printf("%s: %lu, %lu, %lu reports\n", aead_name(a), reports[RIGHT], reports[FIRST_WRONG], reports[LAST_WRONG]);
        /* Decrypted, CBC's padding is looked at; that happens to what an owner of the key has sealed, and to nothing
         * else. */
        expect(aead_name(a),
               gcm ? reports[FIRST_WRONG] == reports[LAST_WRONG] && reports[LAST_WRONG] <= 2 && reports[RIGHT] <= 2
                   : reports[FIRST_WRONG] == 0 && reports[LAST_WRONG] == 0);
    }
}

/* --- PASETO v4.local --- */

static void paseto(void)
{
    static struct paseto_space space;
    uint8_t bytes[32] = {5}, hidden[32] = {5};
    struct paseto_local_key k;
    struct paseto_opened opened;
    struct paseto_expectation want = {.implicit = VIEW_EMPTY};
    char text[512], changed[512];
    unsigned long before;

    for (int how = RIGHT; how < FORGERIES; how++) {
        struct buf b = buf_fixed(text, sizeof text);
        ct_failed += !cardea_ok(paseto_local_key_init(&k, bytes));
        ct_failed +=
            !cardea_ok(paseto_local_encrypt(&k, VIEW("{\"a\":1}"), VIEW_EMPTY, VIEW_EMPTY, entropy_system(), &b));
        paseto_local_key_clear(&k);
        show(text, sizeof text);
        memcpy(changed, text, b.len);
        /* The tag's 32 bytes are the last 43 characters but for two bits: its first and its last whole ones. */
        size_t at = how == FIRST_WRONG ? b.len - 42 : b.len - 3;
        if (how != RIGHT)
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
        memcpy(hidden, bytes, sizeof hidden);
        hide(hidden, sizeof hidden);
        before = errors();
        ct_failed += !cardea_ok(paseto_local_key_init(&k, hidden));
        struct cardea_status s = paseto_local_decrypt(&k, view_of(changed, b.len), &want, &space, &opened);
        ct_failed += cardea_ok(s) != (how == RIGHT);
        paseto_local_key_clear(&k);
        expect_errors("v4.local", before, false);
    }
}

/* A key of ours is written as text where it is shown once, and where its id is made of it. */
static unsigned long key_texts(void)
{
    uint8_t bytes[64];
    char text[128];
    struct buf b = buf_fixed(text, sizeof text);
    unsigned long before = errors();
    memset(bytes, 6, sizeof bytes);
    hide(bytes, sizeof bytes);
    buf_base64url_secret(&b, bytes, sizeof bytes);
    ct_failed += !buf_ok(&b);
    return errors() - before;
}

/* --- credentials --- */

static struct mac_key *mac_key(bool hidden)
{
    uint8_t bytes[32] = {9};
    if (hidden)
        hide(bytes, sizeof bytes);
    return mac_key_new(bytes);
}

static unsigned long refresh_tokens(void)
{
    struct refresh_token t = {.sid = {{1}}, .generation = 1, .secret = {{2}}}, found, next;
    struct keyring k = {.refresh_key_id = {1, 2, 3, 4}};
    uint8_t nonce[16] = {0};
    unsigned long before = errors();

    for (int how = RIGHT; how < FORGERIES; how++) {
        char text[REFRESH_TOKEN_TEXT_MAX];
        struct buf b = buf_fixed(text, sizeof text);
        k.refresh = mac_key(false);
        refresh_token_format(&k, &t, &b);
        mac_key_free(k.refresh);
        size_t at = how == FIRST_WRONG ? b.len - 21 : b.len - 3;
        if (how != RIGHT)
            text[at] = text[at] == 'A' ? 'B' : 'A';
        k.refresh = mac_key(true);
        struct cardea_status s = refresh_token_parse(&k, buf_view(&b), &found);
        ct_failed += cardea_ok(s) != (how == RIGHT);
        refresh_token_successor(&k, &t, nonce, &next);
        mac_key_free(k.refresh);
    }
    return errors() - before;
}

/* The secret half of a credential against the digest in a record that somebody wants to guess at. */
static unsigned long secrets(void)
{
    unsigned long before = errors();
    for (int how = RIGHT; how < FORGERIES; how++) {
        struct secret s = {{3}};
        uint8_t digest[32];
        secret_digest(&s, digest);
        forge(digest, sizeof digest, how);
        hide(digest, sizeof digest);
        hide(&s, sizeof s);
        bool same = secret_matches(&s, digest);
        ct_failed += same != (how == RIGHT);
    }
    return errors() - before;
}

static unsigned long csrf(void)
{
    struct session_id sid = {{4}};
    struct keyring k = {0};
    unsigned long before = errors();
    for (int how = RIGHT; how < FORGERIES; how++) {
        char text[CSRF_TOKEN_TEXT];
        k.csrf = mac_key(false);
        csrf_token_format(&k, sid, entropy_system(), text);
        mac_key_free(k.csrf);
        size_t at = how == FIRST_WRONG ? CSRF_TOKEN_TEXT - 21 : CSRF_TOKEN_TEXT - 3;
        if (how != RIGHT)
            text[at] = text[at] == 'A' ? 'B' : 'A';
        k.csrf = mac_key(true);
        struct cardea_status s = csrf_token_check(&k, sid, view_of(text, sizeof text));
        ct_failed += cardea_ok(s) != (how == RIGHT);
        mac_key_free(k.csrf);
    }
    return errors() - before;
}

/* --- can it fail? --- */

/* As GCM's check would look if it stopped at the first difference. */
static unsigned long stops_early(int how)
{
    uint8_t a[16] = {0}, b[16] = {0};
    volatile bool same = true;
    unsigned long before = errors();
    forge(a, sizeof a, how);
    hide(a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        if (((volatile uint8_t *)a)[i] != b[i]) {
            same = false;
            break;
        }
    (void)same;
    return errors() - before;
}

static void leaks_are_noticed(void)
{
    leaky = true;
    expect("a leak in the check of HS256 is noticed", check_hmac(SIGNATURE_HS256) > 0);
    expect("a leak in the check of refresh tokens is noticed", refresh_tokens() > 0);
    expect("a leak in the check of secrets is noticed", secrets() > 0);
    expect("a leak in the check of CSRF tokens is noticed", csrf() > 0);
    unsigned long reports[FORGERIES];
    check_aead(AEAD_A128CBC_HS256, reports);
    expect("a leak in the check of CBC's tag is noticed", reports[LAST_WRONG] > 0);
    leaky = false;
    expect("a comparison that stops early differs in its reports", stops_early(FIRST_WRONG) != stops_early(LAST_WRONG));
}

int main(void)
{
    if (RUNNING_ON_VALGRIND == 0) {
        puts("skipped: not under valgrind");
        return 77;
    }
    if (!cardea_ok(crypto_start()))
        return 1;
    expect("HS256", check_hmac(SIGNATURE_HS256) == 0);
    expect("HS384", check_hmac(SIGNATURE_HS384) == 0);
    expect("HS512", check_hmac(SIGNATURE_HS512) == 0);
    jwe();
    paseto();
    expect("a key as text", key_texts() == 0);
    expect("refresh token", refresh_tokens() == 0);
    expect("secret against its digest", secrets() == 0);
    expect("CSRF token", csrf() == 0);
    leaks_are_noticed();
    return ct_failed == 0 ? 0 : 1;
}
