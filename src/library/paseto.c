#include "cardea/paseto.h"

#include "base/secret.h"
#include "core/paseto.h"
#include "crypto/random.h"
#include "library/library.h"

#include <stdatomic.h>
#include <stdlib.h>

_Static_assert((int)CARDEA_PASETO_TEXT_MAX == (int)PASETO_TEXT_MAX &&
                   (int)CARDEA_PASETO_FOOTER_MAX == (int)PASETO_FOOTER_MAX &&
                   (int)CARDEA_PASETO_IMPLICIT_MAX == (int)PASETO_IMPLICIT_MAX &&
                   (int)CARDEA_PASERK_SIZE > (int)PASERK_SECRET_TEXT,
               "the limits in cardea/paseto.h");

struct cardea_paseto_message {
    struct paseto_opened opened; /* empty: nothing verified */
    struct paseto_space space;
};

/* --- keys --- */

static void write_id(const struct paserk_id *id, char out[PASERK_ID_TEXT + 1])
{
    struct buf b = buf_fixed(out, PASERK_ID_TEXT);

    buf_paserk_id(&b, id);
    out[b.len] = '\0';
}

/* The three of a kind, each with its own types. */
#define KEY_FUNCTIONS(kind, clear)                                                                                     \
    struct cardea_status cardea_paseto_##kind##_key_read(struct cardea_bytes text,                                     \
                                                         struct cardea_paseto_##kind##_key **ret)                      \
    {                                                                                                                  \
        if (ret == NULL || !bytes_readable(text))                                                                      \
            return CARDEA_FAIL(E_USAGE);                                                                               \
        struct cardea_status s = crypto_start_guest();                                                                 \
        if (!cardea_ok(s))                                                                                             \
            return s;                                                                                                  \
        struct cardea_paseto_##kind##_key *k = calloc(1, sizeof *k);                                                   \
        if (k == NULL)                                                                                                 \
            return CARDEA_FAIL(E_BUSY);                                                                                \
        s = paserk_##kind##_parse(bytes_view(text), &k->ready);                                                        \
        if (!cardea_ok(s)) {                                                                                           \
            free(k);                                                                                                   \
            return s;                                                                                                  \
        }                                                                                                              \
        atomic_init(&k->refs, 1);                                                                                      \
        write_id(&k->ready.id, k->id);                                                                                 \
        *ret = k;                                                                                                      \
        return s;                                                                                                      \
    }                                                                                                                  \
    void cardea_paseto_##kind##_key_free(struct cardea_paseto_##kind##_key *k)                                         \
    {                                                                                                                  \
        if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) > 1)                             \
            return;                                                                                                    \
        clear(&k->ready);                                                                                              \
        free(k);                                                                                                       \
    }                                                                                                                  \
    const char *cardea_paseto_##kind##_key_id(const struct cardea_paseto_##kind##_key *k)                              \
    {                                                                                                                  \
        return k == NULL ? NULL : k->id;                                                                               \
    }

static void public_clear(struct paseto_public_key *k)
{
    (void)k; /* plain bytes */
}

KEY_FUNCTIONS(public, public_clear)
KEY_FUNCTIONS(secret, paseto_secret_key_clear)
KEY_FUNCTIONS(local, paseto_local_key_clear)

struct cardea_paseto_public_key *paseto_public_key_ref(const struct cardea_paseto_public_key *k)
{
    struct cardea_paseto_public_key *mine = (struct cardea_paseto_public_key *)(uintptr_t)k;

    atomic_fetch_add_explicit(&mine->refs, 1, memory_order_relaxed);
    return mine;
}

struct cardea_paseto_local_key *paseto_local_key_ref(const struct cardea_paseto_local_key *k)
{
    struct cardea_paseto_local_key *mine = (struct cardea_paseto_local_key *)(uintptr_t)k;

    atomic_fetch_add_explicit(&mine->refs, 1, memory_order_relaxed);
    return mine;
}

struct cardea_status cardea_paseto_secret_key_generate(char *out, size_t cap, size_t *ret_len)
{
    uint8_t seed[ED25519_SEED];
    struct paseto_secret_key k;
    char text[PASERK_SECRET_TEXT];
    struct buf b = buf_fixed(text, sizeof text);
    struct cardea_status s = crypto_start_guest();

    if (!cardea_ok(s))
        return s;
    entropy_fill(entropy_system(), seed, sizeof seed);
    s = paseto_secret_key_init(&k, seed);
    secret_wipe(seed, sizeof seed);
    if (!cardea_ok(s))
        return s;
    buf_paserk_secret(&b, &k);
    paseto_secret_key_clear(&k);
    s = give(buf_view(&b), out, cap, ret_len);
    secret_wipe(text, sizeof text);
    return s;
}

struct cardea_status cardea_paseto_local_key_generate(char *out, size_t cap, size_t *ret_len)
{
    uint8_t bytes[32];
    struct paseto_local_key k;
    char text[PASERK_LOCAL_TEXT];
    struct buf b = buf_fixed(text, sizeof text);
    struct cardea_status s = crypto_start_guest();

    if (!cardea_ok(s))
        return s;
    entropy_fill(entropy_system(), bytes, sizeof bytes);
    s = paseto_local_key_init(&k, bytes);
    secret_wipe(bytes, sizeof bytes);
    if (!cardea_ok(s))
        return s;
    buf_paserk_local(&b, &k);
    paseto_local_key_clear(&k);
    s = give(buf_view(&b), out, cap, ret_len);
    secret_wipe(text, sizeof text);
    return s;
}

struct cardea_status cardea_paseto_secret_key_write_public(const struct cardea_paseto_secret_key *k, char *out,
                                                           size_t cap, size_t *ret_len)
{
    char text[PASERK_PUBLIC_TEXT];
    struct buf b = buf_fixed(text, sizeof text);

    if (k == NULL)
        return CARDEA_FAIL(E_USAGE);
    buf_paserk_public(&b, &k->ready.public);
    return give(buf_view(&b), out, cap, ret_len);
}

/* --- tokens --- */

static bool readable(struct cardea_bytes a, struct cardea_bytes b, struct cardea_bytes c)
{
    return bytes_readable(a) && bytes_readable(b) && bytes_readable(c);
}

struct cardea_status cardea_paseto_sign(const struct cardea_paseto_secret_key *k, struct cardea_bytes message,
                                        struct cardea_bytes footer, struct cardea_bytes implicit, char *out, size_t cap,
                                        size_t *ret_len)
{
    char text[PASETO_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    if (k == NULL || !readable(message, footer, implicit))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s =
        paseto_public_sign(&k->ready, bytes_view(message), bytes_view(footer), bytes_view(implicit), &b);
    return cardea_ok(s) ? give(buf_view(&b), out, cap, ret_len) : s;
}

struct cardea_status cardea_paseto_encrypt(const struct cardea_paseto_local_key *k, struct cardea_bytes message,
                                           struct cardea_bytes footer, struct cardea_bytes implicit, char *out,
                                           size_t cap, size_t *ret_len)
{
    char text[PASETO_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    if (k == NULL || !readable(message, footer, implicit))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = paseto_local_encrypt(&k->ready, bytes_view(message), bytes_view(footer),
                                                  bytes_view(implicit), entropy_system(), &b);
    return cardea_ok(s) ? give(buf_view(&b), out, cap, ret_len) : s;
}

struct cardea_status cardea_paseto_message_new(struct cardea_paseto_message **ret)
{
    if (ret == NULL)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_paseto_message *m = calloc(1, sizeof *m);
    if (m == NULL)
        return CARDEA_FAIL(E_BUSY);
    *ret = m;
    return CARDEA_SUCCESS;
}

void cardea_paseto_message_free(struct cardea_paseto_message *m)
{
    if (m == NULL)
        return;
    secret_wipe(m, sizeof *m);
    free(m);
}

struct cardea_status cardea_paseto_verify(const struct cardea_paseto_public_key *k, struct cardea_bytes token,
                                          struct cardea_bytes implicit, struct cardea_paseto_message *m)
{
    struct paseto_expectation want = {.implicit = bytes_view(implicit)};

    if (m != NULL)
        m->opened = (struct paseto_opened){.message = VIEW_EMPTY};
    if (k == NULL || m == NULL || !bytes_readable(token) || !bytes_readable(implicit))
        return CARDEA_FAIL(E_USAGE);
    return paseto_public_verify(&k->ready, bytes_view(token), &want, &m->space, &m->opened);
}

struct cardea_status cardea_paseto_decrypt(const struct cardea_paseto_local_key *k, struct cardea_bytes token,
                                           struct cardea_bytes implicit, struct cardea_paseto_message *m)
{
    struct paseto_expectation want = {.implicit = bytes_view(implicit)};

    if (m != NULL)
        m->opened = (struct paseto_opened){.message = VIEW_EMPTY};
    if (k == NULL || m == NULL || !bytes_readable(token) || !bytes_readable(implicit))
        return CARDEA_FAIL(E_USAGE);
    return paseto_local_decrypt(&k->ready, bytes_view(token), &want, &m->space, &m->opened);
}

struct cardea_bytes cardea_paseto_message_text(const struct cardea_paseto_message *m)
{
    return m == NULL ? cardea_bytes(NULL, 0) : cardea_bytes(m->opened.message.ptr, m->opened.message.len);
}

struct cardea_bytes cardea_paseto_message_footer(const struct cardea_paseto_message *m)
{
    return m == NULL ? cardea_bytes(NULL, 0) : cardea_bytes(m->opened.footer.ptr, m->opened.footer.len);
}

struct cardea_status cardea_paseto_peek_footer(struct cardea_bytes token, char *out, size_t cap, size_t *ret_len)
{
    uint8_t storage[PASETO_FOOTER_MAX];
    struct view footer;

    if (!bytes_readable(token))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = paseto_footer_peek(bytes_view(token), storage, &footer);
    return cardea_ok(s) ? give(footer, out, cap, ret_len) : s;
}
