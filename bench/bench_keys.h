/* A keyring for benchmarks: made by hand, without a store. */
#ifndef BENCH_BENCH_KEYS_H
#define BENCH_BENCH_KEYS_H

#include "core/keyring.h"
#include "crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

/* Something a benchmark can not do without went wrong. */
static inline void bench_must(struct cardea_status s)
{
    if (cardea_ok(s))
        return;
    (void)fprintf(stderr, "%s\n", cardea_status_name(s));
    exit(1);
}

static inline struct mac_key *bench_mac_key(void)
{
    uint8_t bytes[32];

    entropy_fill(entropy_system(), bytes, sizeof bytes);
    return mac_key_new(bytes);
}

static inline void bench_keyring(struct keyring *k)
{
    struct access_key *a = &k->access[0];
    struct raw_key raw;

    bench_must(crypto_start());
    bench_must(access_key_draw(TOKEN_ES256, &raw));
    bench_must(access_key_init(a, TOKEN_ES256, &raw, NULL, true));
    raw_key_clear(&raw);
    a->state = KEY_ACTIVE;
    k->access_count = 1;
    k->active[TOKEN_ES256] = a;
    k->refresh = bench_mac_key();
    k->csrf = bench_mac_key();
    k->device = bench_mac_key();
    if (k->refresh == NULL || k->csrf == NULL || k->device == NULL)
        exit(1);
    entropy_fill(entropy_system(), &k->session_tag, sizeof k->session_tag);
    entropy_fill(entropy_system(), &k->api_key_tag, sizeof k->api_key_tag);
}

#endif
