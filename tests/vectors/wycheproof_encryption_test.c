/* Wycheproof's vectors for what JWE is made of: AES-GCM with 96-bit ivs, AES key wrap, ECDH on P-256, X25519, RSA-OAEP
 * with SHA-256. Vectors of other sizes (ivs, wrapped keys) must be refused; they are counted. */
#include "vector_file.h"

#include "crypto/aead.h"
#include "crypto/agreement.h"
#include "crypto/keywrap.h"
#include "crypto/random.h"
#include "crypto/rsa_oaep.h"

struct bytes {
    size_t len;
    uint8_t bytes[2048];
};

static unsigned tests;

static struct view view(const struct bytes *b)
{
    return view_of(b->bytes, b->len);
}

static struct bytes hex(const struct vector_file *f, uint32_t object, const char *name)
{
    struct view text = vector_text(f, object, name);
    struct bytes b = {.len = text.len / 2};

    VECTOR_CHECK(b.len <= sizeof b.bytes && cardea_ok(hex_decode_exact(text, b.bytes, b.len)), "%s", name);
    return b;
}

static struct bytes base64(const struct vector_file *f, uint32_t object, const char *name)
{
    struct bytes b = {0};

    if (!cardea_ok(base64url_decode(vector_text(f, object, name), b.bytes, sizeof b.bytes, &b.len)))
        b.len = 0;
    return b;
}

static int64_t id_of(const struct vector_file *f, uint32_t t)
{
    int64_t id = 0;

    (void)cardea_ok(json_int(&f->doc, json_get(&f->doc, t, VIEW("tcId")), &id));
    return id;
}

static bool result_is(const struct vector_file *f, uint32_t t, const char *result)
{
    return view_is(vector_text(f, t, "result"), result);
}

typedef void one_test(const struct vector_file *f, uint32_t group, uint32_t t);

static void run(const char *name, one_test *test)
{
    char path[256];

    snprintf(path, sizeof path, "wycheproof/testvectors_v1/%s", name);
    struct vector_file f = vector_file_open(path);
    uint32_t groups = json_get(&f.doc, 0, VIEW("testGroups"));
    unsigned before = tests;
    for (uint32_t g = json_first(&f.doc, groups); g != 0; g = json_after(&f.doc, groups, g)) {
        uint32_t list = json_get(&f.doc, g, VIEW("tests"));
        for (uint32_t t = json_first(&f.doc, list); t != 0; t = json_after(&f.doc, list, t)) {
            test(&f, g, t);
            tests++;
        }
    }
    printf("%s: %u vectors\n", name, tests - before);
    VECTOR_CHECK(tests - before > 20, "%s", name);
    vector_file_close(&f);
}

/* --- AES-GCM --- */

static enum aead gcm_of(size_t key_len)
{
    return key_len == 16 ? AEAD_A128GCM : key_len == 24 ? AEAD_A192GCM : AEAD_A256GCM;
}

static void gcm(const struct vector_file *f, uint32_t group, uint32_t t)
{
    struct bytes key = hex(f, t, "key"), iv = hex(f, t, "iv"), aad = hex(f, t, "aad"), msg = hex(f, t, "msg");
    struct bytes ct = hex(f, t, "ct"), tag = hex(f, t, "tag"), out, out_tag;
    struct aead_message sealed = {view(&iv), view(&aad), view(&ct), view(&tag)};
    struct aead_message plain = {view(&iv), view(&aad), view(&msg), VIEW_EMPTY};
    enum aead a = gcm_of(key.len);
    bool good = result_is(f, t, "valid") && iv.len == 12;
    int64_t id = id_of(f, t);

    (void)group;
    VECTOR_CHECK(cardea_ok(aead_open_once(a, view(&key), &sealed, out.bytes, &out.len)) == good, "gcm %lld",
                 (long long)id);
    if (!good)
        return;
    VECTOR_CHECK(view_equal(view(&out), view(&msg)), "gcm %lld", (long long)id);
    VECTOR_CHECK(cardea_ok(aead_seal_once(a, view(&key), &plain, out.bytes, out_tag.bytes)), "gcm %lld", (long long)id);
    VECTOR_CHECK(memcmp(out.bytes, ct.bytes, ct.len) == 0 && memcmp(out_tag.bytes, tag.bytes, 16) == 0, "gcm %lld",
                 (long long)id);
}

/* --- AES key wrap --- */

static void wrap(const struct vector_file *f, uint32_t group, uint32_t t)
{
    struct bytes key = hex(f, t, "key"), msg = hex(f, t, "msg"), ct = hex(f, t, "ct"), out;
    int64_t id = id_of(f, t);
    /* Longer ones are no keys of JWE; the same bytes would wrap. */
    bool ours = msg.len >= KEYWRAP_MIN && msg.len <= KEYWRAP_MAX, good = result_is(f, t, "valid") && ours;

    (void)group;
    bool opens = cardea_ok(keyunwrap_once(view(&key), view(&ct), out.bytes));
    VECTOR_CHECK(opens == good || (result_is(f, t, "acceptable") && ours), "wrap %lld", (long long)id);
    if (!good)
        return;
    VECTOR_CHECK(memcmp(out.bytes, msg.bytes, msg.len) == 0, "wrap %lld", (long long)id);
    VECTOR_CHECK(cardea_ok(keywrap_once(view(&key), view(&msg), out.bytes)), "wrap %lld", (long long)id);
    VECTOR_CHECK(memcmp(out.bytes, ct.bytes, ct.len) == 0, "wrap %lld", (long long)id);
}

/* --- agreement, with public keys as JWK --- */

static void agree(const struct vector_file *f, enum agreement_curve c, struct view private, struct view public,
                  uint32_t t)
{
    struct agreement_key *k = NULL;
    uint8_t secret[AGREEMENT_SECRET_MAX];
    struct bytes shared = hex(f, t, "shared");
    int64_t id = id_of(f, t);
    bool zero = true, invalid = result_is(f, t, "invalid");

    for (size_t i = 0; i < shared.len; i++)
        zero = zero && shared.bytes[i] == 0;
    /* X25519 with a point of low order is "acceptable" to RFC 7748, and refused here (RFC 8037 §3.2.1). */
    bool refused = invalid || (c == AGREEMENT_X25519 && zero);
    VECTOR_CHECK(cardea_ok(agreement_key_new(c, private, VIEW_EMPTY, &k)), "%s %lld", agreement_curve_name(c),
                 (long long)id);
    if (k == NULL)
        return;
    bool agreed = cardea_ok(agreement_secret(k, public, secret));
    VECTOR_CHECK(agreed == !refused, "%s %lld", agreement_curve_name(c), (long long)id);
    VECTOR_CHECK(cardea_ok(agreement_public_check(c, public)) == agreed, "%s %lld", agreement_curve_name(c),
                 (long long)id);
    if (agreed)
        VECTOR_CHECK(memcmp(secret, shared.bytes, agreement_coordinate_len(c)) == 0, "%s %lld", agreement_curve_name(c),
                     (long long)id);
    agreement_key_free(k);
}

static void p256(const struct vector_file *f, uint32_t group, uint32_t t)
{
    uint32_t public = json_get(&f->doc, t, VIEW("public")), private = json_get(&f->doc, t, VIEW("private"));
    struct bytes x = base64(f, public, "x"), y = base64(f, public, "y"), d = base64(f, private, "d"), point = {0};

    (void)group;
    if (!view_is(vector_text(f, public, "crv"), "P-256"))
        x.len = 0; /* another curve's: never reaches this one */
    point.bytes[0] = 0x04;
    memcpy(point.bytes + 1, x.bytes, x.len);
    memcpy(point.bytes + 1 + x.len, y.bytes, y.len);
    point.len = 1 + x.len + y.len;
    agree(f, AGREEMENT_P256, view(&d), view(&point), t);
}

static void x25519(const struct vector_file *f, uint32_t group, uint32_t t)
{
    uint32_t public = json_get(&f->doc, t, VIEW("public")), private = json_get(&f->doc, t, VIEW("private"));
    struct bytes x = base64(f, public, "x"), d = base64(f, private, "d");

    (void)group;
    if (!view_is(vector_text(f, public, "kty"), "OKP") || !view_is(vector_text(f, public, "crv"), "X25519"))
        x.len = 0; /* judged where a JWK is read */
    agree(f, AGREEMENT_X25519, view(&d), view(&x), t);
}

/* --- RSA-OAEP --- */

static struct oaep_key *oaep_key_of(const struct vector_file *f, uint32_t group)
{
    static const char *const names[] = {"modulus", "publicExponent", "privateExponent", "prime1",
                                        "prime2",  "exponent1",      "exponent2",       "coefficient"};
    uint32_t parts = json_get(&f->doc, group, VIEW("privateKey"));
    struct bytes b[8];
    struct oaep_key *k = NULL;

    for (size_t i = 0; i < 8; i++)
        b[i] = hex(f, parts, names[i]);
    struct rsa_parts p = {view(&b[0]), view(&b[1]), view(&b[2]), view(&b[3]),
                          view(&b[4]), view(&b[5]), view(&b[6]), view(&b[7])};
    VECTOR_CHECK(cardea_ok(oaep_key_new(&p, &k)), "a key");
    return k;
}

static void oaep(const struct vector_file *f, uint32_t group, uint32_t t)
{
    struct bytes msg = hex(f, t, "msg"), ct = hex(f, t, "ct"), label = hex(f, t, "label"), out;
    int64_t id = id_of(f, t);
    bool good = result_is(f, t, "valid") && label.len == 0;
    struct oaep_key *k = oaep_key_of(f, group);

    if (k == NULL)
        return;
    bool opened = cardea_ok(oaep_open(k, view(&ct), out.bytes, msg.len));
    VECTOR_CHECK(opened == good, "oaep %lld", (long long)id);
    if (opened)
        VECTOR_CHECK(memcmp(out.bytes, msg.bytes, msg.len) == 0, "oaep %lld", (long long)id);
    oaep_key_free(k);
}

int main(void)
{
    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    run("aes_gcm_test.json", gcm);
    run("aes_wrap_test.json", wrap);
    run("ecdh_secp256r1_webcrypto_test.json", p256);
    run("x25519_jwk_test.json", x25519);
    run("rsa_oaep_2048_sha256_mgf1sha256_test.json", oaep);
    printf("%u vectors, %d checks, %d failed\n", tests, vectors_checked, vectors_failed);
    return vectors_failed == 0 ? 0 : 1;
}
