/* Wycheproof's Ed25519 signatures: S past the order, cut and grown signatures, R in other encodings, edge cases of the
 * arithmetic. Each must come out as its file says. */
#include "vector_file.h"

#include "crypto/ed25519.h"
#include "crypto/random.h"

enum { TESTS_LEAST = 150, MESSAGE_MAX = 1024 };

/* Hex text of any length up to cap bytes; false when it is none or longer. */
static bool from_hex(struct view hex, uint8_t *out, size_t cap, size_t *ret_len)
{
    if (hex.len % 2 != 0 || hex.len / 2 > cap || !cardea_ok(hex_decode_exact(hex, out, hex.len / 2)))
        return false;
    *ret_len = hex.len / 2;
    return true;
}

static int check_group(const struct vector_file *f, uint32_t group)
{
    uint32_t tests = json_get(&f->doc, group, VIEW("tests"));
    struct view key_hex = vector_text(f, json_get(&f->doc, group, VIEW("publicKey")), "pk");
    uint8_t key[MESSAGE_MAX], message[MESSAGE_MAX], signature[MESSAGE_MAX];
    struct ed25519_public k;
    size_t key_len = 0, message_len = 0, signature_len = 0;
    int count = 0;

    bool loaded =
        from_hex(key_hex, key, sizeof key, &key_len) && cardea_ok(ed25519_public_load(view_of(key, key_len), &k));
    VECTOR_CHECK(loaded, "key %.*s", (int)key_hex.len, key_hex.ptr);
    for (uint32_t t = json_first(&f->doc, tests); loaded && t != 0; t = json_after(&f->doc, tests, t), count++) {
        struct view id = json_source(&f->doc, json_get(&f->doc, t, VIEW("tcId")));
        bool valid = view_is(vector_text(f, t, "result"), "valid");
        VECTOR_CHECK(from_hex(vector_text(f, t, "msg"), message, sizeof message, &message_len) &&
                         from_hex(vector_text(f, t, "sig"), signature, sizeof signature, &signature_len),
                     "%.*s", (int)id.len, id.ptr);
        struct cardea_status s = ed25519_verify(&k, view_of(message, message_len), view_of(signature, signature_len));
        VECTOR_CHECK(s.code == (valid ? CARDEA_OK : CARDEA_E_INVALID_TOKEN), "%.*s", (int)id.len, id.ptr);
    }
    return count;
}

int main(void)
{
    int count = 0;

    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    struct vector_file f = vector_file_open("wycheproof/testvectors_v1/ed25519_test.json");
    uint32_t groups = json_get(&f.doc, 0, VIEW("testGroups"));
    for (uint32_t g = json_first(&f.doc, groups); g != 0; g = json_after(&f.doc, groups, g))
        count += check_group(&f, g);
    vector_file_close(&f);
    printf("%d signatures; %d checks, %d failed\n", count, vectors_checked, vectors_failed);
    return vectors_failed == 0 && count >= TESTS_LEAST ? 0 : 1;
}
