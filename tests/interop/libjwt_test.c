/* libjwt (Debian's) and Cardea, both ways, with every algorithm that both have: HS, RS and ES with SHA-256, -384 and
 * -512. libjwt 1.10 has neither PS nor EdDSA. Keys travel as PEM, secrets as bytes. */
#include "../unit/check.h"

#include "core/jws.h"
#include "crypto/pem.h"
#include "crypto/random.h"

#include <jwt.h>
#include <stdlib.h>

enum { TEXT = 4096 };

struct pair {
    enum signature_algorithm ours;
    jwt_alg_t theirs;
    enum raw_key_type type;
    enum raw_key_curve curve;
    uint32_t bits;
};

static const struct pair pairs[] = {
    {SIGNATURE_HS256, JWT_ALG_HS256, RAW_KEY_OCT, RAW_CURVE_UNSET, 256},
    {SIGNATURE_HS384, JWT_ALG_HS384, RAW_KEY_OCT, RAW_CURVE_UNSET, 384},
    {SIGNATURE_HS512, JWT_ALG_HS512, RAW_KEY_OCT, RAW_CURVE_UNSET, 1024},
    {SIGNATURE_RS256, JWT_ALG_RS256, RAW_KEY_RSA, RAW_CURVE_UNSET, 2048},
    {SIGNATURE_RS384, JWT_ALG_RS384, RAW_KEY_RSA, RAW_CURVE_UNSET, 2048},
    {SIGNATURE_RS512, JWT_ALG_RS512, RAW_KEY_RSA, RAW_CURVE_UNSET, 3072},
    {SIGNATURE_ES256, JWT_ALG_ES256, RAW_KEY_EC, RAW_CURVE_P256, 0},
    {SIGNATURE_ES384, JWT_ALG_ES384, RAW_KEY_EC, RAW_CURVE_P384, 0},
    {SIGNATURE_ES512, JWT_ALG_ES512, RAW_KEY_EC, RAW_CURVE_P521, 0},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

/* A key as each side has it. */
struct made {
    struct jwk_key key;
    char secret[TEXT], open[TEXT]; /* PEM, or the bytes of a MAC key */
    int secret_len, open_len;
};

static int put(const struct raw_key *raw, bool secret, char *out)
{
    struct buf b = buf_fixed(out, TEXT - 1);

    if (raw->type == RAW_KEY_OCT)
        buf_put(&b, raw_key_part(raw, RAW_KEY_K));
    else
        assert_ok(pem_write(raw, secret, &b));
    out[b.len] = '\0';
    return (int)b.len;
}

static void make(const struct pair *p, struct made *out)
{
    struct jwk k = {.use = JWK_USE_UNSET};

    assert_ok(raw_key_generate(p->type, p->curve, p->bits, &k.raw));
    assert_ok(jwk_load(&k, p->ours, &out->key));
    out->secret_len = put(&k.raw, true, out->secret);
    out->open_len = put(&k.raw, false, out->open);
    jwk_clear(&k);
}

/* The character at one place is another one, and still base64url. */
static char *changed(const char *text, size_t at)
{
    char *copy = strdup(text);

    assert_non_null(copy);
    copy[at] = copy[at] == 'A' ? 'B' : 'A';
    return copy;
}

/* A place within each of the three parts; not the last character, whose trailing bits another decoder may ignore. */
static size_t place(const char *text, int part)
{
    const char *at = text;

    for (; part > 0; part--)
        at = strchr(at, '.') + 1;
    return (size_t)(at - text) + 3;
}

static int theirs_decode(const struct made *m, const char *text, jwt_t **out)
{
    *out = NULL;
    return jwt_decode(out, text, (const unsigned char *)m->open, m->open_len);
}

static bool ours_verify(const struct made *m, const char *text, char *payload, size_t *ret_len)
{
    struct jws j;

    return cardea_ok(jws_read(view_text(text), &j)) && cardea_ok(jws_verify(&j, m->key.verify, payload, TEXT, ret_len));
}

static void libjwt_reads_ours(const struct pair *p, const struct made *m, const struct made *other)
{
    char text[TEXT];
    struct buf b = buf_fixed(text, sizeof text - 1);
    jwt_t *t;

    assert_ok(jws_sign(m->key.sign, VIEW("k1"), VIEW("JWT"), VIEW("{\"sub\":\"Zo\303\253\",\"n\":7}"), &b));
    text[b.len] = '\0';
    assert_int_equal(theirs_decode(m, text, &t), 0);
    assert_int_equal(jwt_get_alg(t), p->theirs);
    assert_string_equal(jwt_get_grant(t, "sub"), "Zo\303\253");
    assert_int_equal(jwt_get_grant_int(t, "n"), 7);
    assert_string_equal(jwt_get_header(t, "kid"), "k1");
    jwt_free(t);
    assert_int_not_equal(theirs_decode(other, text, &t), 0);
    for (int part = 0; part < 3; part++) {
        char *bad = changed(text, place(text, part));
        assert_int_not_equal(theirs_decode(m, bad, &t), 0);
        free(bad);
    }
}

static char *theirs_sign(const struct pair *p, const struct made *m)
{
    jwt_t *t;

    assert_int_equal(jwt_new(&t), 0);
    assert_int_equal(jwt_add_grant(t, "sub", "Zo\303\253"), 0);
    assert_int_equal(jwt_add_grant_int(t, "n", 7), 0);
    if (p != NULL)
        assert_int_equal(jwt_set_alg(t, p->theirs, (const unsigned char *)m->secret, m->secret_len), 0);
    char *text = jwt_encode_str(t);
    assert_non_null(text);
    jwt_free(t);
    return text;
}

static void we_read_libjwt(const struct pair *p, const struct made *m, const struct made *other)
{
    char payload[TEXT], *text = theirs_sign(p, m), *bare = theirs_sign(NULL, NULL);
    size_t len;

    assert_true(ours_verify(m, text, payload, &len));
    assert_text(view_of(payload, len), "{\"n\":7,\"sub\":\"Zo\303\253\"}");
    assert_false(ours_verify(other, text, payload, &len));
    assert_false(ours_verify(m, bare, payload, &len)); /* alg none */
    for (int part = 0; part < 3; part++) {
        char *bad = changed(text, place(text, part));
        assert_false(ours_verify(m, bad, payload, &len));
        free(bad);
    }
    free(bare);
    free(text);
}

static void both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        struct made m, other;
        make(&pairs[i], &m);
        make(&pairs[i], &other);
        libjwt_reads_ours(&pairs[i], &m, &other);
        we_read_libjwt(&pairs[i], &m, &other);
        jwk_key_clear(&m.key);
        jwk_key_clear(&other.key);
    }
}

/* A token that libjwt made with one algorithm passes under no key of another, whatever the kind. */
static void each_algorithm_its_own(void **state)
{
    static struct made keys[PAIRS];
    char payload[TEXT];
    size_t len;

    (void)state;
    for (size_t i = 0; i < PAIRS; i++)
        make(&pairs[i], &keys[i]);
    for (size_t i = 0; i < PAIRS; i++) {
        char *text = theirs_sign(&pairs[i], &keys[i]);
        for (size_t k = 0; k < PAIRS; k++)
            assert_int_equal(ours_verify(&keys[k], text, payload, &len), i == k);
        free(text);
    }
    for (size_t i = 0; i < PAIRS; i++)
        jwk_key_clear(&keys[i].key);
}

static int start(void **state)
{
    (void)state;
    return cardea_ok(crypto_start()) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways), cmocka_unit_test(each_algorithm_its_own)};
    return cmocka_run_group_tests(tests, start, NULL);
}
