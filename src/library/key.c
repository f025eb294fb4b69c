#include "cardea/key.h"

#include "base/secret.h"
#include "crypto/pem.h"
#include "crypto/random.h"
#include "library/library.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { TEXT_ROOM = 4096 }; /* a private RSA key of 2048 bits as JWK has 1,700 */

_Static_assert((int)CARDEA_KEY_TEXT_MAX == (int)JWK_TEXT_MAX && (int)CARDEA_PEM_TEXT_MAX == (int)PEM_TEXT_MAX &&
                   (int)CARDEA_KEY_SET_TEXT_MAX == (int)JWK_SET_TEXT_MAX &&
                   (int)CARDEA_KEY_SET_MAX == (int)JWK_SET_MAX && (int)CARDEA_KEY_ID_MAX == (int)JWK_KID_MAX &&
                   (int)CARDEA_THUMBPRINT_SIZE == KEY_ID_TEXT + 1,
               "the limits in cardea/key.h");

struct cardea_key *key_ref(const struct cardea_key *k)
{
    struct cardea_key *mine = (struct cardea_key *)(uintptr_t)k; /* the count is not part of what is immutable */

    atomic_fetch_add_explicit(&mine->refs, 1, memory_order_relaxed);
    return mine;
}

void cardea_key_free(struct cardea_key *k)
{
    if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) > 1)
        return;
    jwk_key_clear(&k->ready);
    free(k);
}

/* --- reading --- */

/* Which algorithm does the caller's name mean for this key? UNSET where there is no name. */
static struct cardea_status asked_algorithm(const char *name, const struct raw_key *raw, enum signature_algorithm *out)
{
    *out = SIGNATURE_UNSET;
    if (name == NULL)
        return CARDEA_SUCCESS;
    if (signature_algorithm_parse(view_text(name)) == SIGNATURE_UNSET)
        return CARDEA_FAIL(E_USAGE);
    *out = signature_algorithm_of(view_text(name), raw->type, raw->curve);
    return *out == SIGNATURE_UNSET ? CARDEA_FAIL(E_INVALID_FIELD) : CARDEA_SUCCESS;
}

static struct cardea_status fill(struct cardea_key *k, const struct jwk *from, const char *algorithm)
{
    enum signature_algorithm asked;
    struct cardea_status s = asked_algorithm(algorithm, &from->raw, &asked);

    if (cardea_ok(s))
        s = crypto_start_guest();
    if (cardea_ok(s))
        s = jwk_load(from, asked, &k->ready);
    if (!cardea_ok(s))
        return s;
    k->named = from->kid[0] != '\0';
    raw_key_public(&from->raw, &k->public.raw);
    k->public.use = JWK_USE_SIG;
    if (from->raw.type != RAW_KEY_OCT) {
        struct buf b = buf_fixed(k->thumbprint, KEY_ID_TEXT);
        buf_key_id(&b, jwk_thumbprint(&from->raw));
    } else if (!k->named) {
        k->ready.kid[0] = '\0'; /* the thumbprint of a secret goes nowhere */
    }
    memcpy(k->public.kid, k->ready.kid, sizeof k->public.kid);
    bool fits = view_copy(view_text(signature_algorithm_name(k->ready.algorithm)), k->public.alg, sizeof k->public.alg);
    return fits ? CARDEA_SUCCESS : CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status make(const struct jwk *from, const char *algorithm, struct cardea_key **ret)
{
    struct cardea_key *k = calloc(1, sizeof *k);

    if (k == NULL)
        return CARDEA_FAIL(E_BUSY);
    atomic_init(&k->refs, 1);
    struct cardea_status s = fill(k, from, algorithm);
    if (cardea_ok(s))
        *ret = k;
    else
        cardea_key_free(k);
    return s;
}

struct cardea_status cardea_key_read_jwk(struct cardea_bytes text, const char *algorithm, struct cardea_key **ret)
{
    struct jwk jwk;

    if (ret == NULL || !bytes_readable(text))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = jwk_read(bytes_view(text), &jwk);
    if (!cardea_ok(s))
        return s;
    s = make(&jwk, algorithm, ret);
    jwk_clear(&jwk);
    return s;
}

static bool take_id(struct jwk *jwk, const char *id)
{
    return id == NULL || (id_writable(id) && view_copy(view_text(id), jwk->kid, sizeof jwk->kid));
}

struct cardea_status cardea_key_read_pem(struct cardea_bytes text, const char *algorithm, const char *id,
                                         struct cardea_key **ret)
{
    struct jwk jwk = {.use = JWK_USE_SIG};

    if (ret == NULL || !bytes_readable(text) || !take_id(&jwk, id))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = pem_read(bytes_view(text), &jwk.raw);
    if (cardea_ok(s))
        s = make(&jwk, algorithm, ret);
    jwk_clear(&jwk);
    return s;
}

struct cardea_status cardea_key_from_secret(struct cardea_bytes secret, const char *algorithm, const char *id,
                                            struct cardea_key **ret)
{
    struct jwk jwk = {.use = JWK_USE_SIG};

    if (ret == NULL || algorithm == NULL || !bytes_readable(secret) || !take_id(&jwk, id))
        return CARDEA_FAIL(E_USAGE);
    raw_key_init(&jwk.raw, RAW_KEY_OCT, RAW_CURVE_UNSET);
    struct cardea_status s = raw_key_put(&jwk.raw, RAW_KEY_K, bytes_view(secret)) ? make(&jwk, algorithm, ret)
                                                                                  : CARDEA_FAIL(E_INVALID_FIELD);
    jwk_clear(&jwk);
    return s;
}

/* --- generating --- */

static struct cardea_status generate_raw(enum signature_algorithm a, struct raw_key *out)
{
    switch (a) {
    case SIGNATURE_ES256:
        return raw_key_generate(RAW_KEY_EC, RAW_CURVE_P256, 0, out);
    case SIGNATURE_ES384:
        return raw_key_generate(RAW_KEY_EC, RAW_CURVE_P384, 0, out);
    case SIGNATURE_ES512:
        return raw_key_generate(RAW_KEY_EC, RAW_CURVE_P521, 0, out);
    case SIGNATURE_ED25519:
        return raw_key_generate(RAW_KEY_OKP, RAW_CURVE_ED25519, 0, out);
    case SIGNATURE_ED448:
        return raw_key_generate(RAW_KEY_OKP, RAW_CURVE_ED448, 0, out);
    case SIGNATURE_HS256:
        return raw_key_generate(RAW_KEY_OCT, RAW_CURVE_UNSET, 256, out);
    case SIGNATURE_HS384:
        return raw_key_generate(RAW_KEY_OCT, RAW_CURVE_UNSET, 384, out);
    case SIGNATURE_HS512:
        return raw_key_generate(RAW_KEY_OCT, RAW_CURVE_UNSET, 512, out);
    default:
        return raw_key_generate(RAW_KEY_RSA, RAW_CURVE_UNSET, RSA_BITS_MIN, out);
    }
}

/* A key pair's id is its thumbprint; a secret's would be a digest of the secret, so it gets none. */
static void set_thumbprint(struct jwk *jwk)
{
    struct buf b = buf_fixed(jwk->kid, KEY_ID_TEXT);

    if (jwk->raw.type != RAW_KEY_OCT)
        buf_key_id(&b, jwk_thumbprint(&jwk->raw));
}

struct cardea_status cardea_key_generate(const char *algorithm, const char *id, char *out, size_t cap, size_t *ret_len)
{
    struct jwk jwk = {.use = JWK_USE_SIG};
    char text[TEXT_ROOM];
    struct buf b = buf_fixed(text, sizeof text);

    if (algorithm == NULL || out == NULL || ret_len == NULL || !take_id(&jwk, id))
        return CARDEA_FAIL(E_USAGE);
    enum signature_algorithm a = strcmp(algorithm, "Ed25519") == 0 ? SIGNATURE_ED25519
                                 : strcmp(algorithm, "Ed448") == 0 ? SIGNATURE_ED448
                                                                   : signature_algorithm_parse(view_text(algorithm));
    if (a == SIGNATURE_UNSET || !view_copy(view_text(signature_algorithm_name(a)), jwk.alg, sizeof jwk.alg))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = crypto_start_guest();
    if (cardea_ok(s))
        s = generate_raw(a, &jwk.raw);
    if (cardea_ok(s)) {
        if (id == NULL)
            set_thumbprint(&jwk);
        jwk_write(&jwk, true, &b);
        s = buf_ok(&b) ? give(buf_view(&b), out, cap, ret_len) : CARDEA_FAIL(E_TOO_LARGE);
    }
    jwk_clear(&jwk);
    secret_wipe(text, sizeof text);
    return s;
}

/* --- what a key says --- */

const char *cardea_key_algorithm(const struct cardea_key *k)
{
    return k == NULL ? NULL : signature_algorithm_name(k->ready.algorithm);
}

const char *cardea_key_id(const struct cardea_key *k)
{
    return k == NULL ? NULL : k->ready.kid;
}

bool cardea_key_signs(const struct cardea_key *k)
{
    return k != NULL && k->ready.sign != NULL;
}

bool cardea_key_verifies(const struct cardea_key *k)
{
    return k != NULL && k->ready.verify != NULL;
}

struct cardea_status cardea_key_thumbprint(const struct cardea_key *k, char out[CARDEA_THUMBPRINT_SIZE])
{
    if (k == NULL || out == NULL || k->thumbprint[0] == '\0')
        return CARDEA_FAIL(E_USAGE);
    memcpy(out, k->thumbprint, CARDEA_THUMBPRINT_SIZE);
    return CARDEA_SUCCESS;
}

static bool has_public_half(const struct cardea_key *k)
{
    return k != NULL && k->thumbprint[0] != '\0';
}

struct cardea_status cardea_key_write_jwk(const struct cardea_key *k, char *out, size_t cap, size_t *ret_len)
{
    char text[TEXT_ROOM];
    struct buf b = buf_fixed(text, sizeof text);

    if (!has_public_half(k))
        return CARDEA_FAIL(E_USAGE);
    jwk_write(&k->public, false, &b);
    return buf_ok(&b) ? give(buf_view(&b), out, cap, ret_len) : CARDEA_FAIL(E_TOO_LARGE);
}

struct cardea_status cardea_key_write_pem(const struct cardea_key *k, char *out, size_t cap, size_t *ret_len)
{
    char text[TEXT_ROOM];
    struct buf b = buf_fixed(text, sizeof text);

    if (!has_public_half(k))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = pem_write(&k->public.raw, false, &b);
    return cardea_ok(s) ? give(buf_view(&b), out, cap, ret_len) : s;
}

/* --- sets --- */

struct cardea_keys *keys_ref(const struct cardea_keys *s)
{
    struct cardea_keys *mine = (struct cardea_keys *)(uintptr_t)s;

    atomic_fetch_add_explicit(&mine->refs, 1, memory_order_relaxed);
    return mine;
}

void cardea_keys_free(struct cardea_keys *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    jwk_set_free(s->set);
    free(s);
}

/* A secret's thumbprint is a digest of it: it found two entries that are one, and goes nowhere. */
static void forget_secrets(struct jwk_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (signature_is_mac(set->keys[i].algorithm) && !set->keys[i].named)
            set->keys[i].kid[0] = '\0';
}

struct cardea_status cardea_keys_read(struct cardea_bytes text, const char *algorithm, struct cardea_keys **ret)
{
    enum signature_algorithm asked =
        algorithm == NULL ? SIGNATURE_UNSET : signature_algorithm_parse(view_text(algorithm));

    if (ret == NULL || !bytes_readable(text) || (algorithm != NULL && asked == SIGNATURE_UNSET))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL)
        return CARDEA_FAIL(E_BUSY);
    atomic_init(&keys->refs, 1);
    struct cardea_status s = crypto_start_guest();
    if (cardea_ok(s))
        s = jwk_set_read(bytes_view(text), asked, &keys->set);
    if (cardea_ok(s)) {
        forget_secrets(keys->set);
        *ret = keys;
    } else {
        cardea_keys_free(keys);
    }
    return s;
}

size_t cardea_keys_count(const struct cardea_keys *s)
{
    return s == NULL ? 0 : s->set->count;
}

size_t cardea_keys_skipped(const struct cardea_keys *s)
{
    return s == NULL ? 0 : s->set->skipped;
}

bool cardea_keys_has(const struct cardea_keys *s, const char *id)
{
    return s != NULL && id != NULL && id[0] != '\0' && jwk_set_find(s->set, view_text(id)) != NULL;
}

struct cardea_status cardea_keys_write(const struct cardea_key *const *keys, size_t count, char *out, size_t cap,
                                       size_t *ret_len)
{
    struct buf b = buf_heap(CARDEA_KEY_SET_TEXT_MAX);

    if (keys == NULL && count > 0)
        return CARDEA_FAIL(E_USAGE);
    for (size_t i = 0; i < count; i++)
        if (!has_public_half(keys[i]))
            return CARDEA_FAIL(E_USAGE);
    buf_text(&b, "{\"keys\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&b, ',');
        jwk_write(&keys[i]->public, false, &b);
    }
    buf_text(&b, "]}");
    struct cardea_status s = buf_ok(&b) ? give(buf_view(&b), out, cap, ret_len) : CARDEA_FAIL(E_TOO_LARGE);
    buf_clear(&b);
    return s;
}
