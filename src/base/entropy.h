/* Entropy: randomness as an argument, so that core has no hidden inputs and a test can fix it.
 * In the service it is crypto's entropy_system(). fill never fails: without randomness the process stops. */
#ifndef BASE_ENTROPY_H
#define BASE_ENTROPY_H

#include <stddef.h>

struct entropy {
    void (*fill)(void *context, void *out, size_t len);
    void *context;
};

static inline void entropy_fill(const struct entropy *e, void *out, size_t len)
{
    e->fill(e->context, out, len);
}

#endif
