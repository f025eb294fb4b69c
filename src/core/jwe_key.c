#include "core/jwe_key.h"

#include <stdlib.h>

static const struct jwe_kind kinds[JWE_ALG_COUNT] = {
    [JWE_ALG_UNSET] = {"", JWE_FAMILY_UNSET, 0},
    [JWE_DIR] = {"dir", JWE_DIRECT, 0},
    [JWE_A128KW] = {"A128KW", JWE_WRAP, 16},
    [JWE_A192KW] = {"A192KW", JWE_WRAP, 24},
    [JWE_A256KW] = {"A256KW", JWE_WRAP, 32},
    [JWE_A128GCMKW] = {"A128GCMKW", JWE_GCM_WRAP, 16},
    [JWE_A192GCMKW] = {"A192GCMKW", JWE_GCM_WRAP, 24},
    [JWE_A256GCMKW] = {"A256GCMKW", JWE_GCM_WRAP, 32},
    [JWE_ECDH_ES] = {"ECDH-ES", JWE_AGREE, 0},
    [JWE_ECDH_ES_A128KW] = {"ECDH-ES+A128KW", JWE_AGREE_WRAP, 16},
    [JWE_ECDH_ES_A192KW] = {"ECDH-ES+A192KW", JWE_AGREE_WRAP, 24},
    [JWE_ECDH_ES_A256KW] = {"ECDH-ES+A256KW", JWE_AGREE_WRAP, 32},
    [JWE_RSA_OAEP_256] = {"RSA-OAEP-256", JWE_OAEP, 0},
};

const struct jwe_kind *jwe_kind(enum jwe_alg a)
{
    return &kinds[a > JWE_ALG_UNSET && a < JWE_ALG_COUNT ? a : JWE_ALG_UNSET];
}

const char *jwe_alg_name(enum jwe_alg a)
{
    return jwe_kind(a)->name;
}

enum jwe_alg jwe_alg_parse(struct view name)
{
    for (enum jwe_alg a = JWE_DIR; a < JWE_ALG_COUNT; a++) {
        if (view_is(name, kinds[a].name))
            return a;
    }
    return JWE_ALG_UNSET;
}

/* The one member of a set; UNSET for none or several. */
static enum aead only_enc(unsigned encs)
{
    for (enum aead a = AEAD_A128GCM; a < AEAD_COUNT; a++) {
        if (encs == JWE_ENC(a))
            return a;
    }
    return AEAD_UNSET;
}

static struct cardea_status key_new(const struct jwe_rule *r, struct jwe_key **out)
{
    if (r->encs == 0 || (r->encs & ~JWE_ENC_ALL) != 0 || r->kid.len > JWE_NAME_MAX)
        return CARDEA_FAIL(E_USAGE);
    struct jwe_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return CARDEA_FAIL(E_BUSY);
    k->alg = r->alg;
    k->encs = r->encs;
    k->kid.len = r->kid.len;
    if (r->kid.len > 0)
        memcpy(k->kid.bytes, r->kid.ptr, r->kid.len);
    *out = k;
    return CARDEA_SUCCESS;
}

/* Hand over a finished key, or free an unfinished one. E_USAGE from below means bytes that are no such key. */
static struct cardea_status key_done(struct jwe_key *k, struct cardea_status s, struct jwe_key **out)
{
    if (cardea_ok(s)) {
        *out = k;
        return s;
    }
    jwe_key_free(k);
    return s.code == CARDEA_E_USAGE ? CARDEA_FAIL(E_INVALID_FIELD) : s;
}

static enum aead gcm_for(size_t kek_len)
{
    if (kek_len == 16)
        return AEAD_A128GCM;
    return kek_len == 24 ? AEAD_A192GCM : AEAD_A256GCM;
}

struct cardea_status jwe_key_symmetric(const struct jwe_rule *r, struct view bytes, struct jwe_key **out)
{
    const struct jwe_kind *kind = jwe_kind(r->alg);
    struct jwe_key *k;

    if (kind->family != JWE_DIRECT && kind->family != JWE_WRAP && kind->family != JWE_GCM_WRAP)
        return CARDEA_FAIL(E_USAGE);
    if (kind->family == JWE_DIRECT && only_enc(r->encs) == AEAD_UNSET)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = key_new(r, &k);
    if (!cardea_ok(s))
        return s;
    if (kind->family == JWE_DIRECT)
        s = aead_key_new(only_enc(r->encs), bytes, &k->aead);
    else if (bytes.len != kind->kek_len)
        s = CARDEA_FAIL(E_INVALID_FIELD);
    else if (kind->family == JWE_WRAP)
        s = wrap_key_new(bytes, &k->wrap);
    else
        s = aead_key_new(gcm_for(kind->kek_len), bytes, &k->aead);
    return key_done(k, s, out);
}

struct cardea_status jwe_key_agreement(const struct jwe_rule *r, enum agreement_curve c, struct view public,
                                       struct view private, struct jwe_key **out)
{
    const struct jwe_kind *kind = jwe_kind(r->alg);
    struct jwe_key *k;

    if ((kind->family != JWE_AGREE && kind->family != JWE_AGREE_WRAP) || agreement_public_len(c) == 0)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = key_new(r, &k);
    if (!cardea_ok(s))
        return s;
    k->curve = c;
    if (private.len > 0) {
        s = agreement_key_new(c, private, public, &k->agreement);
        if (cardea_ok(s))
        public = agreement_key_public(k->agreement);
    } else {
        s = agreement_public_check(c, public);
    }
    if (cardea_ok(s))
        memcpy(k->public, public.ptr, public.len);
    return key_done(k, s, out);
}

struct cardea_status jwe_key_rsa(const struct jwe_rule *r, const struct rsa_parts *parts, struct jwe_key **out)
{
    struct jwe_key *k;

    if (jwe_kind(r->alg)->family != JWE_OAEP)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = key_new(r, &k);
    if (!cardea_ok(s))
        return s;
    return key_done(k, oaep_key_new(parts, &k->oaep), out);
}

void jwe_key_free(struct jwe_key *k)
{
    if (k == NULL)
        return;
    aead_key_free(k->aead);
    wrap_key_free(k->wrap);
    oaep_key_free(k->oaep);
    agreement_key_free(k->agreement);
    free(k);
}

enum jwe_alg jwe_key_alg(const struct jwe_key *k)
{
    return k->alg;
}

bool jwe_key_opens(const struct jwe_key *k)
{
    if (k->oaep != NULL)
        return oaep_key_private(k->oaep);
    return k->aead != NULL || k->wrap != NULL || k->agreement != NULL;
}

struct view jwe_key_kid(const struct jwe_key *k)
{
    return jwe_name_view(&k->kid);
}
