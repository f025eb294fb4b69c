#include "base/secret.h"

/* Hide a value from the optimiser, so that it can not turn the accumulated difference into an early exit. */
static uint64_t opaque(uint64_t x)
{
    __asm__("" : "+r"(x));
    return x;
}

bool secret_equal(const void *a, const void *b, size_t len)
{
    const unsigned char *x = a, *y = b;
    uint64_t difference = 0;
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t p, q;
        memcpy(&p, x + i, 8);
        memcpy(&q, y + i, 8);
        difference = opaque(difference | (p ^ q));
    }
    for (; i < len; i++)
        difference = opaque(difference | (uint64_t)(x[i] ^ y[i]));
    return difference == 0;
}

void secret_wipe(void *p, size_t len)
{
    if (len > 0)
        explicit_bzero(p, len);
}
