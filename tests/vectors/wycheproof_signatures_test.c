/* Wycheproof's primitives that JWS stands on: ECDSA as r||s, RSA in both paddings, HMAC. Keys come from their PEM. Each
 * test must come out as its file says; what is called acceptable is refused. */
#include "vector_file.h"

#include "crypto/pem.h"
#include "crypto/random.h"
#include "crypto/signature.h"

enum { MESSAGE_MAX = 1024 };

static const struct {
    const char *file;
    enum signature_algorithm algorithm;
    int tests;
} files[] = {
    {"ecdsa_secp256r1_sha256_p1363", SIGNATURE_ES256, 262},
    {"ecdsa_secp384r1_sha384_p1363", SIGNATURE_ES384, 280},
    {"ecdsa_secp521r1_sha512_p1363", SIGNATURE_ES512, 318},
    {"hmac_sha256", SIGNATURE_HS256, 174},
    {"hmac_sha384", SIGNATURE_HS384, 174},
    {"hmac_sha512", SIGNATURE_HS512, 174},
    {"rsa_pss_2048_sha256_mgf1_32", SIGNATURE_PS256, 108},
    {"rsa_pss_4096_sha512_mgf1_64", SIGNATURE_PS512, 179},
    {"rsa_signature_2048_sha256", SIGNATURE_RS256, 259},
};

static int accepted, refused;

/* Hex text of any length up to cap bytes. */
static struct view from_hex(struct view hex, uint8_t *out, size_t cap)
{
    VECTOR_CHECK(hex.len % 2 == 0 && hex.len / 2 <= cap && cardea_ok(hex_decode_exact(hex, out, hex.len / 2)), "hex");
    return view_of(out, hex.len / 2);
}

/* NULL: too weak, or no key at all. */
static struct verify_key *load(struct raw_key *raw, enum signature_algorithm a)
{
    struct verify_key *k = NULL;
    struct cardea_status s = verify_key_load(a, raw, &k);
    raw_key_clear(raw);
    return cardea_ok(s) ? k : NULL;
}

static struct verify_key *mac_key(const struct vector_file *f, uint32_t t, enum signature_algorithm a)
{
    uint8_t bytes[MESSAGE_MAX];
    struct raw_key raw;
    raw_key_init(&raw, RAW_KEY_OCT, RAW_CURVE_UNSET);
    VECTOR_CHECK(raw_key_put(&raw, RAW_KEY_K, from_hex(vector_text(f, t, "key"), bytes, sizeof bytes)), "key");
    return load(&raw, a);
}

static struct verify_key *public_key(const struct vector_file *f, uint32_t group, enum signature_algorithm a)
{
    struct raw_key raw;
    VECTOR_CHECK(cardea_ok(pem_read(vector_text(f, group, "publicKeyPem"), &raw)), "key");
    struct view e = raw_key_part(&raw, RAW_KEY_E);
    bool weak = raw.type == RAW_KEY_RSA && e.len < 3;
    struct verify_key *k = load(&raw, a);
    VECTOR_CHECK((k == NULL) == weak, "key");
    return k;
}

/* Weak keys can not be loaded: RSA's with an exponent below 65537, MAC keys shorter than the hash. A truncated MAC is
 * no MAC of JWS. */
static bool expected(const struct vector_file *f, uint32_t group, uint32_t t, enum signature_algorithm a)
{
    int64_t tag_bits = 0, key_bits = 0;
    bool valid = view_is(vector_text(f, t, "result"), "valid");
    if (view_is(vector_text(f, json_get(&f->doc, group, VIEW("publicKey")), "publicExponent"), "03"))
        return false;
    if (!signature_is_mac(a) || !valid)
        return valid;
    int64_t hash_bits = a == SIGNATURE_HS256 ? 256 : a == SIGNATURE_HS384 ? 384 : 512;
    VECTOR_CHECK(cardea_ok(json_int(&f->doc, json_get(&f->doc, group, VIEW("tagSize")), &tag_bits)) &&
                     cardea_ok(json_int(&f->doc, json_get(&f->doc, group, VIEW("keySize")), &key_bits)),
                 "sizes");
    return tag_bits == hash_bits && key_bits >= hash_bits;
}

static int check_group(const struct vector_file *f, uint32_t group, enum signature_algorithm a, const char *file)
{
    uint32_t tests = json_get(&f->doc, group, VIEW("tests"));
    uint8_t message[MESSAGE_MAX], signature[MESSAGE_MAX];
    bool mac = signature_is_mac(a);
    int done = 0;
    struct verify_key *k = mac ? NULL : public_key(f, group, a);
    for (uint32_t t = json_first(&f->doc, tests); t != 0; t = json_after(&f->doc, tests, t), done++) {
        struct view id = json_source(&f->doc, json_get(&f->doc, t, VIEW("tcId")));
        bool want = expected(f, group, t, a);
        struct view m = from_hex(vector_text(f, t, "msg"), message, sizeof message);
        struct view s = from_hex(vector_text(f, t, mac ? "tag" : "sig"), signature, sizeof signature);
        if (mac)
            k = mac_key(f, t, a);
        struct cardea_status got = k == NULL ? CARDEA_FAIL(E_INVALID_TOKEN) : verify_key_check(k, m, s);
        VECTOR_CHECK(cardea_ok(got) == want, "%s %.*s", file, (int)id.len, id.ptr);
        VECTOR_CHECK(want || got.code == CARDEA_E_INVALID_TOKEN, "%s %.*s", file, (int)id.len, id.ptr);
        accepted += want;
        refused += !want;
        if (mac)
            verify_key_free(k);
    }
    if (!mac)
        verify_key_free(k);
    return done;
}

int main(void)
{
    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[128];
        int done = 0;
        snprintf(name, sizeof name, "wycheproof/testvectors_v1/%s_test.json", files[i].file);
        struct vector_file f = vector_file_open(name);
        uint32_t groups = json_get(&f.doc, 0, VIEW("testGroups"));
        for (uint32_t g = json_first(&f.doc, groups); g != 0; g = json_after(&f.doc, groups, g))
            done += check_group(&f, g, files[i].algorithm, files[i].file);
        VECTOR_CHECK(done == files[i].tests, "%s has %d tests", files[i].file, done);
        vector_file_close(&f);
    }
    printf("%d accepted, %d refused; %d checks, %d failed\n", accepted, refused, vectors_checked, vectors_failed);
    return vectors_failed == 0 ? 0 : 1;
}
