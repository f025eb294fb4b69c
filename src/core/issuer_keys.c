/* Other issuers' keys as shared snapshots. Declared in issuer.h. */
#include "core/issuer.h"

#include <stdatomic.h>
#include <stdlib.h>

/* What keys without an "alg" of their own are for: RSA alone does not say. */
static enum signature_algorithm rsa_algorithm(const struct issuer *i)
{
    for (uint32_t a = 0; a < i->algorithm_count; a++)
        if (i->algorithms[a] >= SIGNATURE_RS256 && i->algorithms[a] <= SIGNATURE_PS512)
            return i->algorithms[a];
    return SIGNATURE_UNSET;
}

/* A private key that everybody can read is lost, and one that signs for its verifiers proves nothing. */
static bool all_public(const struct jwk_set *set)
{
    for (uint32_t k = 0; k < set->count; k++)
        if (signature_is_mac(set->keys[k].algorithm))
            return false;
    return set->count > 0 && !set->secret;
}

struct cardea_status issuer_keys_read(const struct issuer *i, struct view text, uint64_t generation,
                                      struct issuer_keys **out)
{
    struct jwk_set *set = NULL;
    struct cardea_status s = jwk_set_read(text, rsa_algorithm(i), &set);
    if (!cardea_ok(s))
        return s;
    struct issuer_keys *k = malloc(sizeof *k);
    if (k == NULL || !all_public(set)) {
        s = k == NULL ? CARDEA_FAIL(E_BUSY) : CARDEA_FAIL(E_INVALID_FIELD);
        free(k);
        jwk_set_free(set);
        return s;
    }
    k->set = set;
    k->generation = generation;
    atomic_init(&k->drop_at_ms, 0);
    atomic_init(&k->refs, 1);
    *out = k;
    return CARDEA_SUCCESS;
}

struct issuer_keys *issuer_keys_ref(struct issuer_keys *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void issuer_keys_unref(struct issuer_keys *k)
{
    if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
        return;
    jwk_set_free(k->set);
    free(k);
}

struct issuer_ring *issuer_ring_new(uint64_t settings_generation, struct issuer_keys *const keys[ISSUERS_MAX])
{
    struct issuer_ring *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->settings_generation = settings_generation;
    atomic_init(&r->refs, 1);
    for (size_t i = 0; i < ISSUERS_MAX; i++)
        if (keys[i] != NULL)
            r->keys[i] = issuer_keys_ref(keys[i]);
    return r;
}

struct issuer_ring *issuer_ring_ref(struct issuer_ring *r)
{
    if (r != NULL)
        atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void issuer_ring_unref(struct issuer_ring *r)
{
    if (r == NULL || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < ISSUERS_MAX; i++)
        issuer_keys_unref(r->keys[i]);
    free(r);
}
