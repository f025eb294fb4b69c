/* JWKs and sets: whatever the bytes, reading ends, and what is accepted can be written and read again as the same key.
 *
 * The first byte chooses the algorithm that the caller names, and whether the rest is a key or a set. */
#include "core/jwk.h"
#include "crypto/random.h"
#include "fuzz.h"

enum { TEXT_MAX = 20000 };

static void key_again(const struct jwk *k)
{
    static char text[TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    struct jwk back;
    struct key_id one = jwk_thumbprint(&k->raw), other;

    jwk_write(k, true, &b);
    EXPECT(buf_ok(&b));
    EXPECT(cardea_ok(jwk_read(buf_view(&b), &back)));
    other = jwk_thumbprint(&back.raw);
    EXPECT(ID_SAME(one, other));
    EXPECT(raw_key_is_secret(&k->raw) == raw_key_is_secret(&back.raw));
    for (enum raw_key_part p = 0; p < RAW_KEY_PARTS; p++)
        EXPECT(view_equal(raw_key_part(&k->raw, p), raw_key_part(&back.raw, p)));
}

static void check_key(const struct jwk_key *k)
{
    EXPECT(k->verify != NULL || k->sign != NULL);
    EXPECT(k->verify == NULL || verify_key_algorithm(k->verify) == k->algorithm);
    EXPECT(k->sign == NULL || signing_key_algorithm(k->sign) == k->algorithm);
    EXPECT(k->kid[0] != '\0');
    if (k->verify == NULL || k->sign == NULL)
        return;
    uint8_t sig[SIGNATURE_MAX];
    size_t len = 0;
    EXPECT(cardea_ok(signing_key_sign(k->sign, VIEW("m"), sig, &len)));
    EXPECT(cardea_ok(verify_key_check(k->verify, VIEW("m"), view_of(sig, len))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jwk k;
    struct jwk_key key;
    struct jwk_set *set = NULL;

    EXPECT(cardea_ok(crypto_start()));
    if (size < 1 || size > TEXT_MAX)
        return 0;
    enum signature_algorithm asked = (enum signature_algorithm)(data[0] % SIGNATURE_COUNT);
    struct view text = view_of(data + 1, size - 1);
    if (data[0] >= 'a') {
        if (cardea_ok(jwk_set_read(text, asked, &set))) {
            for (uint32_t i = 0; i < set->count; i++) {
                check_key(&set->keys[i]);
                EXPECT(jwk_set_find(set, view_text(set->keys[i].kid)) == &set->keys[i]);
            }
            jwk_set_free(set);
        }
        return 0;
    }
    if (!cardea_ok(jwk_read(text, &k)))
        return 0;
    key_again(&k);
    if (cardea_ok(jwk_load(&k, asked, &key))) {
        EXPECT(asked == SIGNATURE_UNSET || key.algorithm == asked);
        check_key(&key);
        jwk_key_clear(&key);
    }
    return 0;
}
