#include "credential_keys.h"

#include "base/text.h"
#include "crypto/pem.h"
#include "crypto/random.h"
#include "fuzz.h"

/* The private key that RFC 7515 A.3 publishes, as PKCS#8: it guards nothing. */
static const char private_hex[] =
    "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b02010104208e9b109e719098bf980487df1f5d"
    "77e9cb29606ebed2263b5f57c213df84f4b2a144034200047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf"
    "6e3c7bd15445c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad";

static struct keyring *make(void)
{
    static struct keyring k = {.access_count = 1, .refs = 1};
    struct access_key *a = &k.access[0];
    uint8_t der[(sizeof private_hex - 1) / 2];
    struct raw_key raw;
    static const uint8_t zero[32];

    EXPECT(cardea_ok(crypto_start()));
    EXPECT(cardea_ok(hex_decode_exact(view_text(private_hex), der, sizeof der)));
    EXPECT(cardea_ok(pkcs8_read(view_of(der, sizeof der), &raw)));
    EXPECT(cardea_ok(access_key_init(a, TOKEN_ES256, &raw, NULL, true)));
    a->state = KEY_ACTIVE;
    k.active[TOKEN_ES256] = a;
    k.refresh = mac_key_new(zero);
    k.csrf = mac_key_new(zero);
    k.device = mac_key_new(zero);
    EXPECT(k.refresh != NULL && k.csrf != NULL && k.device != NULL);
    return &k;
}

struct keyring *fuzz_keyring(void)
{
    static struct keyring *made;

    if (made == NULL)
        made = make();
    return made;
}

static void fill(void *context, void *out, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)(i * 37 + 11);
}

const struct entropy *fuzz_entropy(void)
{
    static const struct entropy e = {fill, NULL};

    return &e;
}
