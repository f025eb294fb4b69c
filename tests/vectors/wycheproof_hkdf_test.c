/* Wycheproof's HKDF with SHA-256: salts and infos that are empty, outputs of every length, and one too long. */
#include "vector_file.h"

#include "crypto/hkdf.h"
#include "crypto/random.h"

enum { TESTS_LEAST = 86, INPUT_MAX = 1024 };

static struct view from_hex(struct view hex, uint8_t out[INPUT_MAX])
{
    bool good = hex.len % 2 == 0 && hex.len / 2 <= INPUT_MAX && cardea_ok(hex_decode_exact(hex, out, hex.len / 2));

    VECTOR_CHECK(good, "%.*s", (int)hex.len, hex.ptr);
    return view_of(out, good ? hex.len / 2 : 0);
}

static void check(const struct vector_file *f, uint32_t test)
{
    static uint8_t out[HKDF_LEN_MAX + 1];
    static char text[2 * HKDF_LEN_MAX];
    uint8_t ikm[INPUT_MAX], salt[INPUT_MAX], info[INPUT_MAX];
    struct view want, id = json_source(&f->doc, json_get(&f->doc, test, VIEW("tcId")));
    struct buf hex = buf_fixed(text, sizeof text);
    int64_t size = 0;

    VECTOR_CHECK(cardea_ok(json_int(&f->doc, json_get(&f->doc, test, VIEW("size")), &size)) && size > 0 &&
                     size <= (int64_t)sizeof out,
                 "%.*s", (int)id.len, id.ptr);
    struct cardea_status s =
        hkdf_sha256(from_hex(vector_text(f, test, "ikm"), ikm), from_hex(vector_text(f, test, "salt"), salt),
                    from_hex(vector_text(f, test, "info"), info), out, (size_t)size);
    if (view_is(vector_text(f, test, "result"), "valid")) {
        buf_hex(&hex, out, (size_t)size);
        VECTOR_CHECK(cardea_ok(s) && buf_ok(&hex) &&
                         cardea_ok(json_plain(&f->doc, json_get(&f->doc, test, VIEW("okm")), &want)) &&
                         view_equal(buf_view(&hex), want),
                     "%.*s", (int)id.len, id.ptr);
    } else {
        VECTOR_CHECK(s.code == CARDEA_E_USAGE, "%.*s", (int)id.len, id.ptr);
    }
}

int main(void)
{
    int count = 0;

    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    struct vector_file f = vector_file_open("wycheproof/testvectors_v1/hkdf_sha256_test.json");
    uint32_t groups = json_get(&f.doc, 0, VIEW("testGroups"));
    for (uint32_t g = json_first(&f.doc, groups); g != 0; g = json_after(&f.doc, groups, g)) {
        uint32_t tests = json_get(&f.doc, g, VIEW("tests"));
        for (uint32_t t = json_first(&f.doc, tests); t != 0; t = json_after(&f.doc, tests, t), count++)
            check(&f, t);
    }
    vector_file_close(&f);
    printf("%d derivations; %d checks, %d failed\n", count, vectors_checked, vectors_failed);
    return vectors_failed == 0 && count >= TESTS_LEAST ? 0 : 1;
}
