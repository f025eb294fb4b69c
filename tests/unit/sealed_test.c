#include "check.h"

#include "core/sealed.h"
#include "crypto/random.h"
#include "jwe_forge.h"

#include <stdio.h>

static const int64_t now_s = 1800000000, now_ms = 1800000000000;
static struct key_id ids[3];
static uint8_t key_bytes[3][SEALED_KEY_BYTES];

static struct sealed_session session(void)
{
    struct sealed_session s = {.epoch = 3, .app = "shop", .iat_s = now_s, .exp_s = now_s + 900, .end_s = now_s + 43200};

    memset(s.sid.bytes, 1, sizeof s.sid.bytes);
    memset(s.sub.bytes, 2, sizeof s.sub.bytes);
    return s;
}

static struct sealed_keys keys_of(size_t count, int64_t drop_at_ms)
{
    struct sealed_keys k = {.count = 0};

    for (size_t i = 0; i < count; i++)
        assert_ok(sealed_keys_add(&k, &ids[i], key_bytes[i], drop_at_ms));
    return k;
}

struct text {
    char bytes[SEALED_TEXT_MAX];
    struct buf buf;
};

static struct view seal(struct text *t, const struct sealed_keys *k, const struct sealed_session *s)
{
    t->buf = buf_fixed(t->bytes, sizeof t->bytes);
    assert_ok(sealed_seal(k, s, entropy_system(), &t->buf));
    return buf_view(&t->buf);
}

static void says_what_was_sealed(void **state)
{
    struct sealed_keys k = keys_of(1, 0);
    struct sealed_session s = session(), out = {.epoch = 0};
    struct text t, other;

    (void)state;
    assert_ok(sealed_open(&k, seal(&t, &k, &s), now_ms, &out));
    assert_true(ID_SAME(out.sid, s.sid) && ID_SAME(out.sub, s.sub));
    assert_int_equal(out.epoch, 3);
    assert_string_equal(out.app, "shop");
    assert_true(out.iat_s == s.iat_s && out.exp_s == s.exp_s && out.end_s == s.end_s);
    assert_false(view_equal(seal(&other, &k, &s), buf_view(&t.buf))); /* a fresh iv each time */
    sealed_keys_clear(&k);
    sealed_keys_clear(&k);
    assert_code(sealed_seal(&k, &s, entropy_system(), &t.buf), E_UNAVAILABLE);
}

static void times_are_kept(void **state)
{
    struct sealed_keys k = keys_of(1, 0);
    struct sealed_session s = session(), out = {.epoch = 77};
    struct text t;
    struct view text = seal(&t, &k, &s);

    (void)state;
    assert_ok(sealed_open(&k, text, now_ms + 899999, &out));
    out.epoch = 77;
    assert_code(sealed_open(&k, text, now_ms + 900000, &out), E_EXPIRED);
    assert_ok(sealed_open(&k, text, now_ms - 30000, &out)); /* another node's clock ran ahead */
    out.epoch = 77;
    assert_code(sealed_open(&k, text, now_ms - 31000, &out), E_INVALID_SESSION);
    assert_int_equal(out.epoch, 77);
    sealed_keys_clear(&k);
}

static void renewal_ends_with_the_session(void **state)
{
    struct sealed_session s = session(), out = {.epoch = 77};

    (void)state;
    assert_ok(sealed_renew(&s, now_ms + 600500, SEALED_LIFETIME_S, &out));
    assert_true(out.iat_s == now_s + 600 && out.exp_s == now_s + 1500 && out.end_s == s.end_s && out.epoch == 3);
    assert_ok(sealed_renew(&s, now_ms + 43000000, SEALED_LIFETIME_S, &out));
    assert_true(out.exp_s == s.end_s);
    out.epoch = 77;
    assert_code(sealed_renew(&s, now_ms + 43200000, SEALED_LIFETIME_S, &out), E_EXPIRED);
    assert_code(sealed_renew(&s, now_ms, 0, &out), E_USAGE);
    assert_code(sealed_renew(&s, now_ms, SEALED_LIFETIME_MAX_S + 1, &out), E_USAGE);
    assert_int_equal(out.epoch, 77);
}

static void keys_rotate(void **state)
{
    struct sealed_keys before = keys_of(1, 0), both = keys_of(2, now_ms + 1000), after = {.count = 0};
    struct sealed_session s = session(), out;
    struct text old, new;
    struct view old_text = seal(&old, &before, &s), new_text = seal(&new, &both, &s);

    (void)state;
    assert_ok(sealed_keys_add(&after, &ids[1], key_bytes[1], 0));
    assert_ok(sealed_open(&both, old_text, now_ms + 999, &out));
    assert_code(sealed_open(&both, old_text, now_ms + 1000, &out), E_INVALID_SESSION); /* its key is gone */
    assert_ok(sealed_open(&both, new_text, now_ms + 1000, &out));
    assert_ok(sealed_open(&after, new_text, now_ms, &out)); /* the newest seals */
    assert_code(sealed_open(&before, new_text, now_ms, &out), E_INVALID_SESSION);
    assert_code(sealed_open(&after, old_text, now_ms, &out), E_INVALID_SESSION);
    assert_code(sealed_keys_add(&both, &ids[0], key_bytes[2], 5), E_CONFLICT);
    assert_true(both.count == 2 && both.keys[1].drop_at_ms == 0);
    for (uint8_t i = 2; i < SEALED_KEYS_MAX; i++) {
        struct key_id id = {{i, 99}};
        assert_ok(sealed_keys_add(&both, &id, key_bytes[2], 0));
    }
    assert_code(sealed_keys_add(&both, &ids[2], key_bytes[2], 0), E_LIMIT);
    sealed_keys_clear(&before);
    sealed_keys_clear(&both);
    sealed_keys_clear(&after);
}

/* The id is right and the key is not: a kid chooses, it does not prove. */
static void another_installations_key(void **state)
{
    struct sealed_keys ours = keys_of(1, 0), theirs = {.count = 0};
    struct sealed_session s = session(), out;
    struct text t;

    (void)state;
    assert_ok(sealed_keys_add(&theirs, &ids[0], key_bytes[1], 0));
    assert_code(sealed_open(&ours, seal(&t, &theirs, &s), now_ms, &out), E_INVALID_SESSION);
    sealed_keys_clear(&ours);
    sealed_keys_clear(&theirs);
}

static void every_changed_character_is_refused(void **state)
{
    struct sealed_keys k = keys_of(1, 0);
    struct sealed_session s = session(), out;
    struct text t;
    struct view text = seal(&t, &k, &s);

    (void)state;
    for (size_t i = 0; i < text.len; i++) {
        char kept = t.bytes[i];
        t.bytes[i] = kept == 'A' ? 'B' : 'A';
        assert_code(sealed_open(&k, text, now_ms, &out), E_INVALID_SESSION);
        t.bytes[i] = kept;
        assert_code(sealed_open(&k, view_of(text.ptr, i), now_ms, &out), E_INVALID_SESSION);
    }
    assert_code(sealed_open(&k, VIEW_EMPTY, now_ms, &out), E_INVALID_SESSION);
    sealed_keys_clear(&k);
}

static enum cardea_code forged(const char *header, const char *claims)
{
    struct sealed_keys k = keys_of(1, 0);
    struct sealed_session out;
    char text[KEY_ID_TEXT + 1] = "", whole[256];
    struct buf kid = buf_fixed(text, KEY_ID_TEXT);

    buf_key_id(&kid, ids[0]);
    /* The id where the header says @. */
    const char *at = strchr(header, '@');
    size_t before = at == NULL ? strlen(header) : (size_t)(at - header);
    snprintf(whole, sizeof whole, "%.*s%s%s", (int)before, header, at == NULL ? "" : text, at == NULL ? "" : at + 1);
    const struct forged *f = forge(whole, AEAD_A256GCM, key_bytes[0], VIEW_EMPTY, view_text(claims));
    enum cardea_code code = sealed_open(&k, forged_view(f), now_ms, &out).code;
    sealed_keys_clear(&k);
    return code;
}

#define HEADER "{\"alg\":\"dir\",\"kid\":\"@\",\"enc\":\"A256GCM\",\"typ\":\"sealed+jwt\"}"
#define IDS "\"sid\":\"AQEBAQEBAQEBAQEBAQEBAQ\",\"sub\":\"02020202-0202-0202-0202-020202020202\""
#define TIMES "\"iat\":1800000000,\"exp\":1800000900,\"end\":1800043200"
#define GOOD "{" IDS ",\"ep\":3,\"app\":\"shop\"," TIMES "}"

static void bad_headers(void **state)
{
    static const char *const headers[] = {
        "{\"alg\":\"dir\",\"kid\":\"@\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"dir\",\"kid\":\"@\",\"enc\":\"A256GCM\",\"typ\":\"JWT\"}",
        "{\"alg\":\"dir\",\"kid\":\"@\",\"enc\":\"A256GCM\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"dir\",\"kid\":\"@A\",\"enc\":\"A256GCM\",\"typ\":\"sealed+jwt\"}",
        "{\"alg\":\"dir\",\"kid\":\"./@\",\"enc\":\"A256GCM\",\"typ\":\"sealed+jwt\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"typ\":\"sealed+jwt\"}",
        "{\"alg\":\"dir\",\"kid\":\"@\",\"enc\":\"A256GCM\",\"typ\":\"sealed+jwt\",\"zip\":\"DEF\"}",
    };

    (void)state;
    assert_int_equal(forged(HEADER, GOOD), CARDEA_OK);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_int_equal(forged(headers[i], GOOD), CARDEA_E_INVALID_SESSION);
}

static void bad_claims(void **state)
{
    static const char *const claims[] = {
        "",
        "[]",
        "{}",
        "{\"ep\":3,\"app\":\"shop\"," TIMES "}",
        "{" IDS ",\"app\":\"shop\"," TIMES "}",
        "{" IDS ",\"ep\":0,\"app\":\"shop\"," TIMES "}",
        "{" IDS ",\"ep\":\"3\",\"app\":\"shop\"," TIMES "}",
        "{" IDS ",\"ep\":3," TIMES "}",
        "{" IDS ",\"ep\":3,\"app\":\"\"," TIMES "}",
        "{" IDS ",\"ep\":3,\"app\":\"a name that has more than 32 bytes\"," TIMES "}",
        "{" IDS ",\"ep\":3,\"app\":\"shop\",\"iat\":1800000000,\"exp\":1800000900}",
        "{" IDS ",\"ep\":3,\"app\":\"shop\",\"iat\":1800000000,\"end\":1800043200}",
        "{" IDS ",\"ep\":3,\"app\":\"shop\",\"exp\":1800000900,\"end\":1800043200}",
        "{" IDS ",\"ep\":3,\"app\":\"shop\",\"iat\":1800000000,\"exp\":1800000000,\"end\":1800043200}",
        "{" IDS ",\"ep\":3,\"app\":\"shop\",\"iat\":1800000000,\"exp\":1800003601,\"end\":1800043200}",
        "{" IDS ",\"ep\":3,\"app\":\"shop\",\"iat\":1800000000,\"exp\":1800000900,\"end\":1800000899}",
        "{" IDS ",\"ep\":3,\"app\":\"shop\",\"iat\":1800000000,\"exp\":1800000900,\"end\":9223372036854775807}",
        "{" IDS ",\"ep\":3,\"app\":\"shop\",\"iat\":-9223372036854775808,\"exp\":9223372036854775807,\"end\":1}",
        "{" IDS ",\"ep\":3,\"app\":\"shop\",\"iat\":1800000000.0,\"exp\":1800000900,\"end\":1800043200}",
        GOOD " ,",
    };

    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        assert_int_equal(forged(HEADER, claims[i]), CARDEA_E_INVALID_SESSION);
    assert_int_equal(forged(HEADER, "{" IDS ",\"ep\":3,\"app\":\"shop\",\"new\":[1]," TIMES "}"), CARDEA_OK);
}

static void what_would_not_open_is_not_sealed(void **state)
{
    struct sealed_keys k = keys_of(1, 0);
    struct sealed_session bad[7];
    struct text t = {.buf = buf_fixed(NULL, 0)};
    struct sealed_session s = session();
    char small[100];
    struct buf little = buf_fixed(small, sizeof small);

    (void)state;
    for (size_t i = 0; i < 7; i++)
        bad[i] = session();
    bad[0].epoch = 0;
    bad[1].app[0] = '\0';
    memset(bad[2].app, 'a', sizeof bad[2].app);
    bad[3].exp_s = bad[3].iat_s;
    bad[4].exp_s = bad[4].iat_s + SEALED_LIFETIME_MAX_S + 1;
    bad[5].end_s = bad[5].exp_s - 1;
    bad[6].app[1] = '\n';
    for (size_t i = 0; i < 7; i++)
        assert_code(sealed_seal(&k, &bad[i], entropy_system(), &t.buf), E_USAGE);
    assert_code(sealed_seal(&k, &s, entropy_system(), &little), E_TOO_LARGE);
    assert_int_equal(little.len, 0);
    sealed_keys_clear(&k);
}

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        memset(ids[i].bytes, (int)(0x10 + i), sizeof ids[i].bytes);
        memset(key_bytes[i], (int)(0x20 + i), sizeof key_bytes[i]);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_was_sealed),
        cmocka_unit_test(times_are_kept),
        cmocka_unit_test(renewal_ends_with_the_session),
        cmocka_unit_test(keys_rotate),
        cmocka_unit_test(another_installations_key),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(bad_claims),
        cmocka_unit_test(what_would_not_open_is_not_sealed),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
