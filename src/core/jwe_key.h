/* What a jwe_key is made of; private to core/jwe_*.c. Exactly the member that its alg needs is there. */
#ifndef CORE_JWE_KEY_H
#define CORE_JWE_KEY_H

#include "core/jwe.h"
#include "crypto/keywrap.h"

enum jwe_family { JWE_FAMILY_UNSET = 0, JWE_DIRECT, JWE_WRAP, JWE_GCM_WRAP, JWE_AGREE, JWE_AGREE_WRAP, JWE_OAEP };

struct jwe_kind {
    const char *name;
    enum jwe_family family;
    size_t kek_len; /* of the wrapping key, where there is one */
};

struct jwe_key {
    enum jwe_alg alg;
    unsigned encs;
    struct jwe_name kid;
    struct aead_key *aead; /* dir: the content's; AxxxGCMKW: the wrapping one */
    struct wrap_key *wrap;
    struct oaep_key *oaep;
    struct agreement_key *agreement; /* NULL in a public half */
    enum agreement_curve curve;
    uint8_t public[AGREEMENT_PUBLIC_MAX];
};

const struct jwe_kind *jwe_kind(enum jwe_alg a);

#endif
