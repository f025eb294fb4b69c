/* PEM: whatever the bytes, reading ends, and a key that crypto accepts can be written and read again as the same. */
#include "crypto/pem.h"
#include "crypto/random.h"
#include "crypto/signature.h"
#include "fuzz.h"

enum { TEXT_MAX = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    struct raw_key k, back;
    struct verify_key *verify = NULL;

    EXPECT(cardea_ok(crypto_start()));
    if (size > TEXT_MAX || !cardea_ok(pem_read(view_of(data, size), &k)))
        return 0;
    EXPECT(k.type == RAW_KEY_EC || k.type == RAW_KEY_RSA || k.type == RAW_KEY_OKP);
    enum signature_algorithm a =
        k.type == RAW_KEY_RSA ? SIGNATURE_PS256 : signature_algorithm_of(VIEW_EMPTY, k.type, k.curve);
    if (a == SIGNATURE_UNSET || !cardea_ok(verify_key_load(a, &k, &verify)))
        return 0;
    verify_key_free(verify);
    if (!cardea_ok(pem_write(&k, false, &b))) {
        EXPECT(k.type == RAW_KEY_RSA); /* a modulus that passed by chance (crypto/pkey.h) */
        return 0;
    }
    EXPECT(cardea_ok(pem_read(buf_view(&b), &back)));
    EXPECT(back.type == k.type && back.curve == k.curve);
    EXPECT(!raw_key_is_secret(&back));
    for (enum raw_key_part p = RAW_KEY_N; p <= RAW_KEY_Y; p++)
        EXPECT(view_equal(raw_key_part(&k, p), raw_key_part(&back, p)));
    return 0;
}
