/* Keys of PASETO as text: one text a key, and no key of another version, purpose or kind. */
#include "check.h"

#include "base/text.h"
#include "core/paserk.h"
#include "crypto/random.h"

static const uint8_t seed[32] = {1, 2, 3};

static const char *const wrong_prefixes[] = {"",
                                             "k1.local.",
                                             "k2.local.",
                                             "k3.local.",
                                             "k1.public.",
                                             "k2.public.",
                                             "k3.public.",
                                             "k1.secret.",
                                             "k2.secret.",
                                             "k3.secret.",
                                             "k5.local.",
                                             "K4.local.",
                                             "k4.LOCAL.",
                                             "k4.Public.",
                                             "k4.",
                                             "k4.local",
                                             "v4.local.",
                                             "v4.public.",
                                             "k4.seal.",
                                             "k4.local-wrap.pie.",
                                             "k4.secret-pw.",
                                             " k4.local.",
                                             "k4..local.",
                                             "k04.local.",
                                             "k4.lid.",
                                             "k1.lid.",
                                             "k3.pid.",
                                             "k2.sid."};

static void parses_as(struct view text, bool public, bool secret, bool local, bool id)
{
    struct paseto_public_key p;
    struct paseto_secret_key s;
    struct paseto_local_key l;
    struct paserk_id i;

    assert_int_equal(cardea_ok(paserk_public_parse(text, &p)), public);
    assert_int_equal(cardea_ok(paserk_id_parse(text, &i)), id);
    bool got = cardea_ok(paserk_secret_parse(text, &s));
    assert_int_equal(got, secret);
    if (got)
        paseto_secret_key_clear(&s);
    got = cardea_ok(paserk_local_parse(text, &l));
    assert_int_equal(got, local);
    if (got)
        paseto_local_key_clear(&l);
}

/* PASERK's published vectors number 2 of each kind. */
static void published_values(void **state)
{
    uint8_t bytes[32];
    struct paseto_secret_key pair;
    struct paseto_local_key local;
    char text[PASERK_SECRET_TEXT];
    struct buf b = buf_fixed(text, sizeof text);

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(0x70 + i);
    assert_ok(paseto_secret_key_init(&pair, bytes));
    assert_ok(paseto_local_key_init(&local, bytes));
    struct paserk_id pid = paserk_pid(bytes);
    buf_paserk_secret(&b, &pair);
    assert_buf(&b, "k4.secret.cHFyc3R1dnd4eXp7fH1-f4CBgoOEhYaHiImKi4yNjo8c5WpIyC_5kWKhS8VEYSZ05dYfuTF-ZdQFV4D9vLTcNQ");
    buf_reset(&b);
    buf_paserk_id(&b, &pair.id);
    assert_buf(&b, "k4.sid.gHYyx8y5YzqKEZeYoMDqUOKejdSnY_AWhYZiSCMjR1V5");
    buf_reset(&b);
    buf_paserk_local(&b, &local);
    assert_buf(&b, "k4.local.cHFyc3R1dnd4eXp7fH1-f4CBgoOEhYaHiImKi4yNjo8");
    buf_reset(&b);
    buf_paserk_id(&b, &local.id);
    assert_buf(&b, "k4.lid.iVtYQDjr5gEijCSjJC3fQaJm7nCeQSeaty0Jixy8dbsk");
    buf_reset(&b);
    buf_paserk_id(&b, &pid);
    assert_buf(&b, "k4.pid.9ShR3xc8-qVJ_di0tc9nx0IDIqbatdeM2mqLFBJsKRHs");
    paseto_secret_key_clear(&pair);
    paseto_local_key_clear(&local);
}

static void one_text_a_key(void **state)
{
    struct paseto_secret_key pair, again;
    struct paseto_local_key local, local_again;
    struct paseto_public_key public;
    char texts[3][PASERK_SECRET_TEXT], back[PASERK_SECRET_TEXT];
    struct buf s = buf_fixed(texts[0], sizeof texts[0]), p = buf_fixed(texts[1], PASERK_PUBLIC_TEXT),
               l = buf_fixed(texts[2], PASERK_LOCAL_TEXT), b = buf_fixed(back, sizeof back);

    (void)state;
    assert_ok(paseto_secret_key_init(&pair, seed));
    assert_ok(paseto_local_key_init(&local, seed));
    buf_paserk_secret(&s, &pair);
    buf_paserk_public(&p, &pair.public);
    buf_paserk_local(&l, &local);
    assert_int_equal(s.len, PASERK_SECRET_TEXT);
    assert_int_equal(p.len, PASERK_PUBLIC_TEXT);
    assert_int_equal(l.len, PASERK_LOCAL_TEXT);
    parses_as(buf_view(&s), false, true, false, false);
    parses_as(buf_view(&p), true, false, false, false);
    parses_as(buf_view(&l), false, false, true, false);

    assert_ok(paserk_secret_parse(buf_view(&s), &again));
    buf_paserk_secret(&b, &again);
    assert_view(buf_view(&b), buf_view(&s));
    assert_true(paserk_id_same(&again.id, &pair.id) && paserk_id_same(&again.public.id, &pair.public.id));
    assert_ok(paserk_public_parse(buf_view(&p), &public));
    assert_true(paserk_id_same(&public.id, &pair.public.id));
    assert_ok(paserk_local_parse(buf_view(&l), &local_again));
    assert_true(paserk_id_same(&local_again.id, &local.id));
    paseto_secret_key_clear(&pair);
    paseto_secret_key_clear(&pair); /* twice is safe */
    paseto_secret_key_clear(&again);
    paseto_local_key_clear(&local);
    paseto_local_key_clear(&local);
    paseto_local_key_clear(&local_again);
}

static void ids_tell_kinds_apart(void **state)
{
    struct paseto_secret_key pair;
    struct paseto_local_key local;
    struct paserk_id none = {0}, back;
    char text[PASERK_ID_TEXT];

    (void)state;
    assert_ok(paseto_secret_key_init(&pair, seed));
    assert_ok(paseto_local_key_init(&local, seed)); /* the same 32 bytes: another key, another id */
    const struct paserk_id ids[] = {pair.id, pair.public.id, local.id};
    const char *const prefixes[] = {"k4.sid.", "k4.pid.", "k4.lid."};
    for (size_t i = 0; i < 3; i++) {
        struct buf b = buf_fixed(text, sizeof text);
        buf_paserk_id(&b, &ids[i]);
        assert_int_equal(b.len, PASERK_ID_TEXT);
        assert_true(view_starts(buf_view(&b), view_text(prefixes[i])));
        parses_as(buf_view(&b), false, false, false, true);
        assert_ok(paserk_id_parse(buf_view(&b), &back));
        for (size_t j = 0; j < 3; j++)
            assert_int_equal(paserk_id_same(&back, &ids[j]), i == j);
        struct paserk_id other = ids[i]; /* the same digest of another kind */
        other.kind = ids[(i + 1) % 3].kind;
        assert_false(paserk_id_same(&other, &ids[i]));
        parses_as(view_of(text, sizeof text - 1), false, false, false, false);
    }
    assert_false(paserk_id_same(&none, &none));
    paseto_secret_key_clear(&pair);
    paseto_local_key_clear(&local);
}

/* D09: a key's bytes under every other prefix; cut, grown, padded, in other alphabets. */
static void d09_keys_of_another_version_or_form(void **state)
{
    static const char *const tails[] = {"=", "==", "\n", " ", "A", "AA", ".", ".AA", "%00"};
    struct paseto_secret_key pair;
    char good[PASERK_SECRET_TEXT], text[256];
    struct buf b = buf_fixed(good, sizeof good);

    (void)state;
    assert_ok(paseto_secret_key_init(&pair, seed));
    for (int kind = 0; kind < 3; kind++) {
        buf_reset(&b);
        if (kind == 0)
            buf_paserk_secret(&b, &pair);
        else if (kind == 1)
            buf_paserk_public(&b, &pair.public);
        else
            buf_put(&b, VIEW("k4.local.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
        struct view body = view_skip(buf_view(&b), kind == 2 ? 9 : 10);
        for (size_t i = 0; i < sizeof wrong_prefixes / sizeof *wrong_prefixes; i++) {
            struct buf t = buf_fixed(text, sizeof text);
            buf_text(&t, wrong_prefixes[i]);
            buf_put(&t, body);
            parses_as(buf_view(&t), false, false, false, false);
        }
        for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
            struct buf t = buf_fixed(text, sizeof text);
            buf_put(&t, buf_view(&b));
            buf_text(&t, tails[i]);
            parses_as(buf_view(&t), false, false, false, false);
        }
        for (size_t cut = 0; cut < b.len; cut++)
            parses_as(view_of(good, cut), false, false, false, false);
        struct buf t = buf_fixed(text, sizeof text); /* bits that belong to no byte */
        buf_put(&t, buf_view(&b));
        text[t.len - 1] = (char)(text[t.len - 1] + 1);
        parses_as(buf_view(&t), false, false, false, false);
        text[t.len - 1] = '+';
        parses_as(buf_view(&t), false, false, false, false);
    }
    paseto_secret_key_clear(&pair);
}

static void halves_that_do_not_match(void **state)
{
    struct paseto_secret_key pair, stranger, out;
    uint8_t bytes[64], other_seed[32] = {9};
    char text[PASERK_SECRET_TEXT];
    struct buf b = buf_fixed(text, sizeof text);

    (void)state;
    assert_ok(paseto_secret_key_init(&pair, seed));
    assert_ok(paseto_secret_key_init(&stranger, other_seed));
    memcpy(bytes, seed, 32);
    memcpy(bytes + 32, stranger.public.point.bytes, 32);
    buf_text(&b, "k4.secret.");
    buf_base64url(&b, bytes, sizeof bytes);
    assert_code(paserk_secret_parse(buf_view(&b), &out), E_INVALID_FIELD);
    paseto_secret_key_clear(&pair);
    paseto_secret_key_clear(&stranger);
}

/* C04: a public key of small order would verify what nobody signed. */
static void public_keys_are_points(void **state)
{
    struct paseto_public_key out;

    (void)state;
    assert_code(paserk_public_parse(VIEW("k4.public.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &out),
                E_INVALID_FIELD);
    assert_code(paserk_public_parse(VIEW("k4.public.AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &out),
                E_INVALID_FIELD);
    assert_code(paseto_public_key_init(&out, view_of(seed, 31)), E_INVALID_FIELD);
    assert_code(paseto_public_key_init(&out, VIEW_EMPTY), E_INVALID_FIELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),         cmocka_unit_test(one_text_a_key),
        cmocka_unit_test(ids_tell_kinds_apart),     cmocka_unit_test(d09_keys_of_another_version_or_form),
        cmocka_unit_test(halves_that_do_not_match), cmocka_unit_test(public_keys_are_points),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
