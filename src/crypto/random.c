#include "crypto/random.h"

#include <openssl/crypto.h>
#include <sodium.h>

struct cardea_status crypto_start_guest(void)
{
    return sodium_init() < 0 ? CARDEA_FAIL(E_INTERNAL) : CARDEA_SUCCESS;
}

struct cardea_status crypto_start(void)
{
    struct cardea_status s = crypto_start_guest();

    if (!cardea_ok(s))
        return s;
    /* Our own exit order is not OpenSSL's: contexts may be freed after an atexit handler would have torn it down. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
        return CARDEA_FAIL(E_INTERNAL);
    return CARDEA_SUCCESS;
}

static void system_fill(void *context, void *out, size_t len)
{
    (void)context;
    randombytes_buf(out, len);
}

const struct entropy *entropy_system(void)
{
    static const struct entropy system = {system_fill, NULL};

    return &system;
}
