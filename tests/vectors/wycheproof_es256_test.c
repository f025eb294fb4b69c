/* Wycheproof's ECDSA P-256 SHA-256 signatures as r||s: range checks, lengths, special values, edge cases of the
 * arithmetic. Each must come out as its file says. */
#include "vector_file.h"

#include "crypto/random.h"
#include "crypto/signature.h"

enum { TESTS_LEAST = 250, MESSAGE_MAX = 1024 };

/* Hex text of any length up to cap bytes; false when it is none or longer. */
static bool from_hex(struct view hex, uint8_t *out, size_t cap, size_t *ret_len)
{
    if (hex.len % 2 != 0 || hex.len / 2 > cap || !cardea_ok(hex_decode_exact(hex, out, hex.len / 2)))
        return false;
    *ret_len = hex.len / 2;
    return true;
}

static void check_group(const struct vector_file *f, uint32_t group)
{
    uint32_t tests = json_get(&f->doc, group, VIEW("tests"));
    struct view point_hex = vector_text(f, json_get(&f->doc, group, VIEW("publicKey")), "uncompressed");
    uint8_t point[SIGNATURE_POINT], message[MESSAGE_MAX], signature[MESSAGE_MAX];
    struct verify_key *k = NULL;
    size_t point_len = 0, message_len = 0, signature_len = 0;

    VECTOR_CHECK(from_hex(point_hex, point, sizeof point, &point_len) && point_len == sizeof point, "key");
    VECTOR_CHECK(cardea_ok(verify_key_new(SIGNATURE_ES256, point, &k)), "key");
    for (uint32_t t = json_first(&f->doc, tests); k != NULL && t != 0; t = json_after(&f->doc, tests, t)) {
        struct view id = json_source(&f->doc, json_get(&f->doc, t, VIEW("tcId")));
        bool valid = view_is(vector_text(f, t, "result"), "valid");
        VECTOR_CHECK(from_hex(vector_text(f, t, "msg"), message, sizeof message, &message_len) &&
                         from_hex(vector_text(f, t, "sig"), signature, sizeof signature, &signature_len),
                     "%.*s", (int)id.len, id.ptr);
        struct cardea_status s = verify_key_check(k, view_of(message, message_len), view_of(signature, signature_len));
        VECTOR_CHECK(cardea_ok(s) == valid, "%.*s", (int)id.len, id.ptr);
        VECTOR_CHECK(cardea_ok(s) || s.code == CARDEA_E_INVALID_TOKEN, "%.*s", (int)id.len, id.ptr);
    }
    verify_key_free(k);
}

int main(void)
{
    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    struct vector_file f = vector_file_open("wycheproof/testvectors_v1/ecdsa_secp256r1_sha256_p1363_test.json");
    uint32_t groups = json_get(&f.doc, 0, VIEW("testGroups"));
    for (uint32_t g = json_first(&f.doc, groups); g != 0; g = json_after(&f.doc, groups, g))
        check_group(&f, g);
    vector_file_close(&f);
    printf("%d checks, %d failed\n", vectors_checked, vectors_failed);
    return vectors_failed == 0 && vectors_checked >= TESTS_LEAST ? 0 : 1;
}
