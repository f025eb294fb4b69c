#include "cardea/jwe.h"

#include "base/secret.h"
#include "base/text.h"
#include "core/authjs.h"
#include "core/jwe.h"
#include "crypto/pem.h"
#include "crypto/random.h"
#include "library/library.h"

#include <stdlib.h>

_Static_assert((int)CARDEA_JWE_TEXT_MAX == (int)JWE_TEXT_MAX && (int)CARDEA_JWE_PLAIN_MAX == (int)JWE_PLAIN_MAX &&
                   (int)CARDEA_JWE_NAME_SIZE == JWE_NAME_MAX + 1,
               "the limits in cardea/jwe.h");

struct cardea_jwe_key {
    struct jwe_key *ready;
};

/* --- keys --- */

/* The caller's names and the key's own; they must not contradict each other. */
static struct cardea_status make_rule(const struct jwk *jwk, const char *algorithm, const char *encryption,
                                      struct jwe_rule *out)
{
    struct view own = view_text(jwk->alg);
    enum jwe_alg alg = jwe_alg_parse(algorithm != NULL ? view_text(algorithm) : own);
    enum aead enc = encryption == NULL ? AEAD_UNSET : aead_parse(view_text(encryption));

    if (encryption != NULL && enc == AEAD_UNSET)
        return CARDEA_FAIL(E_USAGE);
    if (alg == JWE_ALG_UNSET)
        return algorithm != NULL || own.len == 0 ? CARDEA_FAIL(E_USAGE) : CARDEA_FAIL(E_INVALID_FIELD);
    if ((own.len > 0 && !view_is(own, jwe_alg_name(alg))) || (jwk->use != JWK_USE_UNSET && jwk->use != JWK_USE_ENC) ||
        (jwk->ops & (JWK_MAY_SIGN | JWK_MAY_VERIFY)) != 0)
        return CARDEA_FAIL(E_INVALID_FIELD);
    *out = (struct jwe_rule){
        .alg = alg, .encs = enc == AEAD_UNSET ? JWE_ENC_ALL : JWE_ENC(enc), .kid = view_text(jwk->kid)};
    return CARDEA_SUCCESS;
}

static struct cardea_status make(const struct jwk *jwk, const char *algorithm, const char *encryption,
                                 struct cardea_jwe_key **ret)
{
    struct jwe_rule rule;
    struct cardea_status s = make_rule(jwk, algorithm, encryption, &rule);

    if (cardea_ok(s))
        s = crypto_start_guest();
    if (!cardea_ok(s))
        return s;
    struct cardea_jwe_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return CARDEA_FAIL(E_BUSY);
    s = jwe_key_from_raw(&rule, &jwk->raw, &k->ready);
    if (cardea_ok(s))
        *ret = k;
    else
        cardea_jwe_key_free(k);
    return s;
}

struct cardea_status cardea_jwe_key_read_jwk(struct cardea_bytes text, const char *algorithm, const char *encryption,
                                             struct cardea_jwe_key **ret)
{
    struct jwk jwk;

    if (ret == NULL || !bytes_readable(text))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = jwk_read(bytes_view(text), &jwk);
    if (!cardea_ok(s))
        return s;
    s = make(&jwk, algorithm, encryption, ret);
    jwk_clear(&jwk);
    return s;
}

static bool take_id(struct jwk *jwk, const char *id)
{
    return id == NULL || (id_writable(id) && view_copy(view_text(id), jwk->kid, sizeof jwk->kid));
}

struct cardea_status cardea_jwe_key_read_pem(struct cardea_bytes text, const char *algorithm, const char *encryption,
                                             const char *id, struct cardea_jwe_key **ret)
{
    struct jwk jwk = {.use = JWK_USE_ENC};

    if (ret == NULL || algorithm == NULL || !bytes_readable(text) || !take_id(&jwk, id))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = pem_read(bytes_view(text), &jwk.raw);
    if (cardea_ok(s))
        s = make(&jwk, algorithm, encryption, ret);
    jwk_clear(&jwk);
    return s;
}

struct cardea_status cardea_jwe_key_from_secret(struct cardea_bytes secret, const char *algorithm,
                                                const char *encryption, const char *id, struct cardea_jwe_key **ret)
{
    struct jwk jwk = {.use = JWK_USE_ENC};

    if (ret == NULL || algorithm == NULL || !bytes_readable(secret) || !take_id(&jwk, id))
        return CARDEA_FAIL(E_USAGE);
    raw_key_init(&jwk.raw, RAW_KEY_OCT, RAW_CURVE_UNSET);
    struct cardea_status s = raw_key_put(&jwk.raw, RAW_KEY_K, bytes_view(secret))
                                 ? make(&jwk, algorithm, encryption, ret)
                                 : CARDEA_FAIL(E_INVALID_FIELD);
    jwk_clear(&jwk);
    return s;
}

struct cardea_status cardea_jwe_key_authjs(struct cardea_bytes secret, const char *cookie_name, const char *encryption,
                                           struct cardea_jwe_key **ret)
{
    enum aead enc = encryption == NULL ? AEAD_A256CBC_HS512 : aead_parse(view_text(encryption));

    if (ret == NULL || cookie_name == NULL || !bytes_readable(secret))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = crypto_start_guest();
    if (!cardea_ok(s))
        return s;
    struct cardea_jwe_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return CARDEA_FAIL(E_BUSY);
    s = authjs_key(bytes_view(secret), view_text(cookie_name), enc, &k->ready);
    if (cardea_ok(s))
        *ret = k;
    else
        cardea_jwe_key_free(k);
    return s;
}

void cardea_jwe_key_free(struct cardea_jwe_key *k)
{
    if (k == NULL)
        return;
    jwe_key_free(k->ready);
    free(k);
}

const char *cardea_jwe_key_algorithm(const struct cardea_jwe_key *k)
{
    return k == NULL ? NULL : jwe_alg_name(jwe_key_alg(k->ready));
}

bool cardea_jwe_key_decrypts(const struct cardea_jwe_key *k)
{
    return k != NULL && jwe_key_opens(k->ready);
}

/* --- tokens --- */

struct cardea_status cardea_jwe_encrypt(const struct cardea_jwe_key *k, struct cardea_bytes plain,
                                        const char *encryption, const char *content_type, char *out, size_t cap,
                                        size_t *ret_len)
{
    struct jwe_header header = {.cty = view_text(content_type)};
    struct buf b = buf_heap(JWE_TEXT_MAX); /* holds the ciphertext alone */

    if (k == NULL || out == NULL || ret_len == NULL || !bytes_readable(plain) || !utf8_valid(header.cty))
        return CARDEA_FAIL(E_USAGE);
    if (encryption != NULL) {
        header.enc = aead_parse(view_text(encryption));
        if (header.enc == AEAD_UNSET)
            return CARDEA_FAIL(E_USAGE);
    }
    struct cardea_status s = jwe_seal(k->ready, &header, bytes_view(plain), entropy_system(), &b);
    if (cardea_ok(s))
        s = give(buf_view(&b), out, cap, ret_len);
    buf_clear(&b);
    return s;
}

struct cardea_status cardea_jwe_decrypt(const struct cardea_jwe_key *k, struct cardea_bytes text, char *out, size_t cap,
                                        size_t *ret_len, char *content_type)
{
    struct jwe_opened opened;

    if (k == NULL || out == NULL || ret_len == NULL || !bytes_readable(text))
        return CARDEA_FAIL(E_USAGE);
    if (cap == 0)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = jwe_open(bytes_view(text), k->ready, entropy_system(), (uint8_t *)out, cap - 1, &opened);
    if (!cardea_ok(s))
        return s;
    out[opened.plain.len] = '\0';
    *ret_len = opened.plain.len;
    if (content_type != NULL && !view_copy(jwe_name_view(&opened.cty), content_type, CARDEA_JWE_NAME_SIZE))
        return CARDEA_FAIL(E_INTERNAL);
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_jwe_peek_key_id(struct cardea_bytes text, char *out, size_t cap, size_t *ret_len)
{
    struct jwe_token token;

    if (!bytes_readable(text))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = jwe_read(bytes_view(text), &token);
    return cardea_ok(s) ? give(jwe_name_view(&token.kid), out, cap, ret_len) : s;
}
