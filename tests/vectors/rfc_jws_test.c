/* JWS of the RFCs: RFC 7515 appendix A, RFC 8037 appendix A and the JWS part of RFC 7520's cookbook, verified with the
 * keys they print, made again where that is deterministic; RFC 7638's thumbprints for every type of key. What is left
 * out is listed with its reason. */
#include "vector_file.h"

#include "core/jws.h"
#include "crypto/random.h"

static int left_out;

static void leave_out(const char *what, const char *why)
{
    printf("left out: %s: %s\n", what, why);
    left_out++;
}

/* The algorithm is what the key says, or else what the case says. */
static bool load(const struct vector_file *f, uint32_t key, struct view alg, struct jwk_key *out)
{
    struct jwk jwk;
    struct cardea_status s = jwk_read(json_source(&f->doc, key), &jwk);

    if (!cardea_ok(s))
        return false;
    enum signature_algorithm own = jwk_algorithm(&jwk, SIGNATURE_UNSET);
    s = jwk_load(&jwk, own != SIGNATURE_UNSET ? own : signature_algorithm_parse(alg), out);
    jwk_clear(&jwk);
    return cardea_ok(s);
}

static bool verifies(const struct jwk_key *k, struct view jws)
{
    struct jws j;
    char payload[4096];
    size_t len;

    return cardea_ok(jws_read(jws, &j)) && cardea_ok(jws_verify(&j, k->verify, payload, sizeof payload, &len));
}

/* Signing what was signed gives the same text, where no chance is in it. */
static bool makes_again(const struct jwk_key *k, struct view jws)
{
    const char *dot = memrchr(jws.ptr, '.', jws.len);
    struct view input = view_of(jws.ptr, (size_t)(dot - jws.ptr));
    uint8_t sig[SIGNATURE_MAX];
    char text[BASE64URL_LEN(SIGNATURE_MAX)];
    size_t len = 0;

    if (!cardea_ok(signing_key_sign(k->sign, input, sig, &len)))
        return false;
    base64url_encode(sig, len, text);
    return view_equal(view_of(text, BASE64URL_LEN(len)), view_skip(jws, input.len + 1));
}

static bool deterministic(enum signature_algorithm a)
{
    return signature_is_mac(a) || a == SIGNATURE_ED25519 || a == SIGNATURE_ED448 ||
           (a >= SIGNATURE_RS256 && a <= SIGNATURE_RS512);
}

static void check_case(const struct vector_file *f, uint32_t key, struct view alg, struct view jws, const char *name)
{
    struct jwk_key k;
    char changed[4096];

    VECTOR_CHECK(load(f, key, alg, &k), "%s: key", name);
    VECTOR_CHECK(view_is(alg, signature_algorithm_name(k.algorithm)), "%s: algorithm", name);
    VECTOR_CHECK(verifies(&k, jws), "%s", name);
    VECTOR_CHECK(jws.len < sizeof changed, "%s", name);
    memcpy(changed, jws.ptr, jws.len);
    changed[jws.len - 6] = changed[jws.len - 6] == 'A' ? 'B' : 'A';
    VECTOR_CHECK(!verifies(&k, view_of(changed, jws.len)), "%s, changed", name);
    if (k.sign != NULL && deterministic(k.algorithm))
        VECTOR_CHECK(makes_again(&k, jws), "%s, made again", name);
    jwk_key_clear(&k);
}

static void rfc7515(void)
{
    struct vector_file f = vector_file_open("rfc-values/rfc7515_appendix_a.json");
    uint32_t cases = json_get(&f.doc, 0, VIEW("cases"));
    int done = 0;

    for (uint32_t c = json_first(&f.doc, cases); c != 0; c = json_after(&f.doc, cases, c)) {
        struct view id = vector_text(&f, c, "id"), alg = vector_text(&f, c, "alg"), jws = vector_text(&f, c, "jws");
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)id.len, id.ptr);
        if (view_is(alg, "none")) {
            struct jws j;
            VECTOR_CHECK(!cardea_ok(jws_read(jws, &j)), "%s: no signature, no JWS", name);
        } else if (jws.len > 0) { /* else a note */
            check_case(&f, json_get(&f.doc, c, VIEW("key")), alg, jws, name);
            done++;
        }
    }
    VECTOR_CHECK(done == 4, "%d cases of RFC 7515", done);
    leave_out("RFC 7515 A.6, A.7", "JSON serialisations, which are not read here");
    vector_file_close(&f);
}

static void rfc8037(void)
{
    struct vector_file f = vector_file_open("rfc-values/rfc8037_eddsa.json");
    uint32_t key = json_get(&f.doc, 0, VIEW("key")), bad = json_get(&f.doc, 0, VIEW("derived_reject"));
    struct jwk_key k;
    int refused = 0;

    check_case(&f, key, VIEW("EdDSA"), vector_text(&f, 0, "jws"), "RFC 8037");
    VECTOR_CHECK(load(&f, key, VIEW("EdDSA"), &k), "RFC 8037");
    VECTOR_CHECK(view_is(vector_text(&f, 0, "thumbprint"), k.kid), "%s", k.kid);
    for (uint32_t c = json_first(&f.doc, bad); c != 0; c = json_after(&f.doc, bad, c), refused++)
        VECTOR_CHECK(!verifies(&k, vector_text(&f, c, "jws")), "RFC 8037: %d", refused);
    VECTOR_CHECK(refused == 4, "%d refused", refused);
    jwk_key_clear(&k);
    vector_file_close(&f);
}

static void rfc7638(void)
{
    struct vector_file f = vector_file_open("rfc-values/rfc7638_thumbprint.json");
    uint32_t cases = json_get(&f.doc, 0, VIEW("cases"));
    int done = 0;

    for (uint32_t c = json_first(&f.doc, cases); c != 0; c = json_after(&f.doc, cases, c), done++) {
        struct jwk k;
        char text[KEY_ID_TEXT];
        struct buf b = buf_fixed(text, sizeof text);
        VECTOR_CHECK(cardea_ok(jwk_read(json_source(&f.doc, json_get(&f.doc, c, VIEW("jwk"))), &k)), "%d", done);
        buf_key_id(&b, jwk_thumbprint(&k.raw));
        VECTOR_CHECK(view_equal(buf_view(&b), vector_text(&f, c, "sha256")), "thumbprint %d", done);
    }
    VECTOR_CHECK(done == 7, "%d thumbprints", done);
    vector_file_close(&f);
}

static void rfc7520_case(const char *file)
{
    char name[128];

    snprintf(name, sizeof name, "rfc7520-cookbook/%s.json", file);
    struct vector_file f = vector_file_open(name);
    uint32_t input = json_get(&f.doc, 0, VIEW("input")), output = json_get(&f.doc, 0, VIEW("output"));
    check_case(&f, json_get(&f.doc, input, VIEW("key")), vector_text(&f, input, "alg"),
               vector_text(&f, output, "compact"), file);
    vector_file_close(&f);
}

/* 4.5's content is detached: put back, it is a JWS like the others; as it came it is refused. */
static void rfc7520_detached(void)
{
    struct vector_file f = vector_file_open("rfc7520-cookbook/jws/4_5.signature_with_detached_content.json");
    uint32_t input = json_get(&f.doc, 0, VIEW("input")), output = json_get(&f.doc, 0, VIEW("output"));
    struct view payload = vector_text(&f, input, "payload"), compact = vector_text(&f, output, "compact"), head, rest;
    struct jwk_key k;
    char text[4096];
    struct buf b = buf_fixed(text, sizeof text);

    VECTOR_CHECK(load(&f, json_get(&f.doc, input, VIEW("key")), vector_text(&f, input, "alg"), &k), "4.5");
    VECTOR_CHECK(!verifies(&k, compact), "4.5, detached");
    VECTOR_CHECK(view_cut(compact, '.', &head, &rest), "4.5");
    buf_put(&b, head);
    buf_char(&b, '.');
    buf_base64url(&b, payload.ptr, payload.len);
    buf_put(&b, rest); /* begins with the second dot */
    VECTOR_CHECK(verifies(&k, buf_view(&b)), "4.5, put together");
    jwk_key_clear(&k);
    vector_file_close(&f);
}

/* §3: private and public keys read; the encryption key of 3.6 is none for signatures. */
static void rfc7520_keys(void)
{
    static const char *const files[] = {"3_1.ec_public_key", "3_2.ec_private_key", "3_3.rsa_public_key",
                                        "3_4.rsa_private_key", "3_5.symmetric_key_mac_computation"};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[128];
        struct jwk jwk;
        struct jwk_key k;
        snprintf(name, sizeof name, "rfc7520-cookbook/jwk/%s.json", files[i]);
        struct vector_file f = vector_file_open(name);
        VECTOR_CHECK(cardea_ok(jwk_read(json_source(&f.doc, 0), &jwk)), "%s", files[i]);
        enum signature_algorithm own = jwk_algorithm(&jwk, SIGNATURE_UNSET);
        struct cardea_status s = jwk_load(&jwk, own != SIGNATURE_UNSET ? own : SIGNATURE_RS256, &k);
        VECTOR_CHECK(cardea_ok(s) && (k.sign != NULL) == raw_key_is_secret(&jwk.raw), "%s", files[i]);
        if (cardea_ok(s))
            jwk_key_clear(&k);
        vector_file_close(&f);
    }
    struct jwk jwk;
    struct jwk_key k;
    struct vector_file f = vector_file_open("rfc7520-cookbook/jwk/3_6.symmetric_key_encryption.json");
    VECTOR_CHECK(cardea_ok(jwk_read(json_source(&f.doc, 0), &jwk)), "3.6");
    VECTOR_CHECK(!cardea_ok(jwk_load(&jwk, SIGNATURE_HS256, &k)), "3.6 must not sign");
    vector_file_close(&f);
}

/* What is left out is refused in each form that the example prints. */
static void refused(const char *file, const char *why)
{
    static const char *const forms[] = {"compact", "json", "json_flat"};
    char name[128];
    int printed = 0;

    snprintf(name, sizeof name, "rfc7520-cookbook/%s.json", file);
    struct vector_file f = vector_file_open(name);
    uint32_t output = json_get(&f.doc, 0, VIEW("output"));
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        uint32_t form = json_get(&f.doc, output, view_text(forms[i]));
        struct jws j;
        struct jwk_key k = {0};
        if (form == 0)
            continue;
        bool compact = json_type(&f.doc, form) == JSON_STRING;
        struct view text = compact ? vector_text(&f, output, forms[i]) : json_source(&f.doc, form);
        uint32_t key = json_get(&f.doc, json_get(&f.doc, 0, VIEW("input")), VIEW("key"));
        bool loaded = compact && load(&f, key, VIEW("HS256"), &k);
        VECTOR_CHECK(compact == loaded, "%s: key", file);
        VECTOR_CHECK(compact ? !verifies(&k, text) : !cardea_ok(jws_read(text, &j)), "%s: %s", file, forms[i]);
        if (loaded)
            jwk_key_clear(&k);
        printed++;
    }
    VECTOR_CHECK(printed > 0, "%s", file);
    leave_out(file, why);
    vector_file_close(&f);
}

int main(void)
{
    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    rfc7515();
    rfc8037();
    rfc7638();
    rfc7520_keys();
    rfc7520_case("jws/4_1.rsa_v15_signature");
    rfc7520_case("jws/4_2.rsa-pss_signature");
    rfc7520_case("jws/4_3.ecdsa_signature");
    rfc7520_case("jws/4_4.hmac-sha2_integrity_protection");
    rfc7520_case("curve25519/jws");
    rfc7520_detached();
    refused("jws/4_6.protecting_specific_header_fields", "JSON serialisations are not read");
    refused("jws/4_7.protecting_content_only", "JSON serialisations are not read");
    refused("jws/4_8.multiple_signatures", "JSON serialisations are not read");
    refused("rfc7797/4.2.hmac-sha2_b64_false", "b64: payloads are not left unencoded");
    refused("rfc7797/hmac-sha2_b64_false", "b64: payloads are not left unencoded");
    printf("%d checks, %d failed, %d left out\n", vectors_checked, vectors_failed, left_out);
    return vectors_failed == 0 ? 0 : 1;
}
