#include "core/paserk.h"

#include "base/secret.h"
#include "base/text.h"

enum { SECRET_BYTES = ED25519_SEED + ED25519_PUBLIC };

static struct view id_prefix(enum paserk_kind kind)
{
    switch (kind) {
    case PASERK_LID:
        return VIEW("k4.lid.");
    case PASERK_PID:
        return VIEW("k4.pid.");
    case PASERK_SID:
        return VIEW("k4.sid.");
    case PASERK_UNSET:
    default:
        return VIEW_EMPTY;
    }
}

static struct paserk_id make_id(enum paserk_kind kind, struct view key_text)
{
    struct paserk_id id = {.kind = kind};

    blake2b_digest((struct view[]){id_prefix(kind), key_text}, 2, id.digest, sizeof id.digest);
    return id;
}

void buf_paserk_id(struct buf *b, const struct paserk_id *id)
{
    buf_put(b, id_prefix(id->kind));
    buf_base64url(b, id->digest, sizeof id->digest);
}

/* What follows the prefix, as exactly len bytes. */
static bool decode_after(struct view text, struct view prefix, uint8_t *out, size_t len)
{
    return view_starts(text, prefix) && cardea_ok(base64url_decode_exact(view_skip(text, prefix.len), out, len));
}

struct cardea_status paserk_id_parse(struct view text, struct paserk_id *out)
{
    static const enum paserk_kind kinds[] = {PASERK_LID, PASERK_PID, PASERK_SID};
    struct paserk_id id;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (decode_after(text, id_prefix(kinds[i]), id.digest, sizeof id.digest)) {
            id.kind = kinds[i];
            *out = id;
            return CARDEA_SUCCESS;
        }
    return CARDEA_FAIL(E_INVALID_FIELD);
}

bool paserk_id_same(const struct paserk_id *a, const struct paserk_id *b)
{
    return a->kind != PASERK_UNSET && a->kind == b->kind && memcmp(a->digest, b->digest, PASERK_DIGEST) == 0;
}

/* --- public keys --- */

static void put_public(struct buf *b, const uint8_t bytes[32])
{
    buf_put(b, VIEW("k4.public."));
    buf_base64url(b, bytes, 32);
}

struct paserk_id paserk_pid(const uint8_t bytes[32])
{
    char text[PASERK_PUBLIC_TEXT];
    struct buf b = buf_fixed(text, sizeof text);

    put_public(&b, bytes);
    return make_id(PASERK_PID, buf_view(&b));
}

struct cardea_status paseto_public_key_init(struct paseto_public_key *k, struct view bytes)
{
    struct ed25519_public point;
    struct cardea_status s = ed25519_public_load(bytes, &point);

    if (!cardea_ok(s))
        return s;
    *k = (struct paseto_public_key){paserk_pid(point.bytes), point};
    return CARDEA_SUCCESS;
}

struct cardea_status paserk_public_parse(struct view text, struct paseto_public_key *out)
{
    uint8_t bytes[32];

    if (!decode_after(text, VIEW("k4.public."), bytes, sizeof bytes))
        return CARDEA_FAIL(E_INVALID_FIELD);
    return paseto_public_key_init(out, view_of(bytes, sizeof bytes));
}

void buf_paserk_public(struct buf *b, const struct paseto_public_key *k)
{
    put_public(b, k->point.bytes);
}

/* --- secret keys --- */

void buf_paserk_secret(struct buf *b, const struct paseto_secret_key *k)
{
    uint8_t bytes[SECRET_BYTES];

    ed25519_secret_seed(k->bytes, bytes);
    memcpy(bytes + ED25519_SEED, k->public.point.bytes, ED25519_PUBLIC);
    buf_put(b, VIEW("k4.secret."));
    buf_base64url_secret(b, bytes, sizeof bytes);
    secret_wipe(bytes, sizeof bytes);
}

struct cardea_status paseto_secret_key_init(struct paseto_secret_key *k, const uint8_t seed[ED25519_SEED])
{
    char text[PASERK_SECRET_TEXT];
    struct buf b = buf_fixed(text, sizeof text);
    struct paseto_secret_key made = {.bytes = ed25519_secret_new(seed)};

    if (made.bytes == NULL)
        return CARDEA_FAIL(E_BUSY);
    made.public.point = ed25519_secret_public(made.bytes);
    made.public.id = paserk_pid(made.public.point.bytes);
    buf_paserk_secret(&b, &made);
    made.id = make_id(PASERK_SID, buf_view(&b));
    secret_wipe(text, sizeof text);
    *k = made;
    return CARDEA_SUCCESS;
}

void paseto_secret_key_clear(struct paseto_secret_key *k)
{
    ed25519_secret_free(k->bytes);
    *k = (struct paseto_secret_key){0};
}

struct cardea_status paserk_secret_parse(struct view text, struct paseto_secret_key *out)
{
    struct cardea_status s = CARDEA_FAIL(E_INVALID_FIELD);
    struct paseto_secret_key made = {0};
    uint8_t bytes[SECRET_BYTES];

    if (decode_after(text, VIEW("k4.secret."), bytes, sizeof bytes))
        s = paseto_secret_key_init(&made, bytes);
    if (cardea_ok(s) && memcmp(made.public.point.bytes, bytes + ED25519_SEED, ED25519_PUBLIC) != 0) {
        paseto_secret_key_clear(&made);
        s = CARDEA_FAIL(E_INVALID_FIELD);
    }
    secret_wipe(bytes, sizeof bytes);
    if (cardea_ok(s))
        *out = made;
    return s;
}

/* --- local keys --- */

void buf_paserk_local(struct buf *b, const struct paseto_local_key *k)
{
    uint8_t bytes[32];

    split_key_bytes(k->bytes, bytes);
    buf_put(b, VIEW("k4.local."));
    buf_base64url_secret(b, bytes, sizeof bytes);
    secret_wipe(bytes, sizeof bytes);
}

struct cardea_status paseto_local_key_init(struct paseto_local_key *k, const uint8_t bytes[32])
{
    char text[PASERK_LOCAL_TEXT];
    struct buf b = buf_fixed(text, sizeof text);
    struct paseto_local_key made = {.bytes = split_key_new(bytes)};

    if (made.bytes == NULL)
        return CARDEA_FAIL(E_BUSY);
    buf_paserk_local(&b, &made);
    made.id = make_id(PASERK_LID, buf_view(&b));
    secret_wipe(text, sizeof text);
    *k = made;
    return CARDEA_SUCCESS;
}

void paseto_local_key_clear(struct paseto_local_key *k)
{
    split_key_free(k->bytes);
    *k = (struct paseto_local_key){0};
}

struct cardea_status paserk_local_parse(struct view text, struct paseto_local_key *out)
{
    struct cardea_status s = CARDEA_FAIL(E_INVALID_FIELD);
    uint8_t bytes[32];

    if (decode_after(text, VIEW("k4.local."), bytes, sizeof bytes))
        s = paseto_local_key_init(out, bytes);
    secret_wipe(bytes, sizeof bytes);
    return s;
}
