#include "core/access_token.h"

#include "base/text.h"
#include "core/jws.h"
#include "core/paseto_token.h"

enum {
    HEADER_MAX = 256, /* decoded; ours has 85 bytes */
    PAYLOAD_MAX = ACCESS_TOKEN_TEXT_MAX * 3 / 4,
};

#define REFUSED CARDEA_FAIL(E_INVALID_TOKEN)

/* --- signing --- */

static struct cardea_status sign_jws(const struct access_key *k, struct view issuer, const struct access_claims *c,
                                     struct buf *token)
{
    char part[PAYLOAD_MAX];
    struct buf plain = buf_fixed(part, sizeof part);
    uint8_t signature[SIGNATURE_MAX];
    size_t len;

    buf_put(token, view_of(k->header, k->header_len));
    struct cardea_status s = claims_write(c, issuer, CLAIM_TIMES_NUMBER, &plain);
    if (!cardea_ok(s))
        return s;
    buf_base64url(token, part, plain.len);
    if (!buf_ok(token))
        return CARDEA_FAIL(E_TOO_LARGE);
    s = signing_key_sign(k->sign, buf_view(token), signature, &len);
    if (!cardea_ok(s))
        return s;
    buf_char(token, '.');
    buf_base64url(token, signature, len);
    return buf_ok(token) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
}

struct cardea_status access_token_sign(const struct keyring *k, enum token_format f, const struct entropy *e,
                                       struct view issuer, const struct access_claims *c, struct buf *out)
{
    char text[ACCESS_TOKEN_TEXT_MAX];
    struct buf token = buf_fixed(text, sizeof text);
    const struct access_key *key = f > TOKEN_FORMAT_UNSET && f < TOKEN_FORMATS ? k->active[f] : NULL;

    if (key == NULL || !key->signs)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = f == TOKEN_V4_PUBLIC  ? paseto_token_sign(&key->secret, issuer, c, &token)
                             : f == TOKEN_V4_LOCAL ? paseto_token_encrypt(&key->local, issuer, c, e, &token)
                                                   : sign_jws(key, issuer, c, &token);
    if (!cardea_ok(s))
        return s;
    buf_put(out, buf_view(&token));
    return buf_ok(out) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
}

/* --- verification --- */

static bool typ_accepted(struct view typ)
{
    struct view prefix = VIEW("application/");

    if (typ.len > prefix.len && view_equal_ascii_case((struct view){typ.ptr, prefix.len}, prefix))
        typ = view_skip(typ, prefix.len);
    return view_equal_ascii_case(typ, VIEW("at+jwt"));
}

/* The key that the header names, if everything in the header is as it must be: alg, kid and typ, and nothing else. */
static const struct access_key *header_key(const struct keyring *k, const struct jws_header *header)
{
    struct key_id id;

    if (header->others || header->bytes > HEADER_MAX || !typ_accepted(header->typ) ||
        !cardea_ok(key_id_parse(header->kid, &id)))
        return NULL;
    const struct access_key *key = keyring_find(k, &id);
    /* A key of PASETO is no key of a JWS, whatever its id. */
    return key != NULL && key->verify != NULL ? key : NULL;
}

struct cardea_status access_token_times(const struct access_claims *c, int64_t now_ms)
{
    return claims_times(c, now_ms);
}

/* Nearly every token has the header that we write, and then it is a key's byte for byte: what header_key would find out
 * is known without reading it. */
static const struct access_key *known_header(const struct keyring *k, struct view text, struct jws *out)
{
    for (uint32_t i = 0; i < k->access_count; i++) {
        const struct access_key *key = &k->access[i];
        struct view header = view_of(key->header, key->header_len);
        struct view alg = view_text(signature_algorithm_name(token_format_algorithm(key->format)));
        if (header.len > 0 && view_starts(text, header))
            return cardea_ok(jws_cut(text, header, alg, out)) ? key : NULL;
    }
    return NULL;
}

/* Everything but the times. */
static struct cardea_status open_jws(const struct keyring *k, struct view text, const struct access_expectation *want,
                                     int64_t now_ms, struct access_token *out)
{
    char plain[PAYLOAD_MAX];
    struct jws jws;
    size_t len;

    out->key = known_header(k, text, &jws);
    if (out->key == NULL && cardea_ok(jws_read(text, &jws)))
        out->key = header_key(k, &jws.header);
    if (out->key == NULL || !access_key_verifies(out->key, now_ms))
        return REFUSED;
    struct cardea_status s = jws_verify(&jws, out->key->verify, plain, sizeof plain, &len);
    if (!cardea_ok(s))
        return s.code == CARDEA_E_BUSY ? s : REFUSED;
    return claims_read(view_of(plain, len), want, CLAIM_TIMES_NUMBER, &out->claims) ? s : REFUSED;
}

/* The key's format says which purpose is checked; a text of the other is refused by it. */
static struct cardea_status open_paseto(const struct keyring *k, struct view text,
                                        const struct access_expectation *want, int64_t now_ms, struct access_token *out)
{
    struct paserk_id id;

    if (!paseto_token_key(text, &id))
        return REFUSED;
    out->key = keyring_find_paserk(k, &id);
    if (out->key == NULL || !access_key_verifies(out->key, now_ms))
        return REFUSED;
    if (out->key->format == TOKEN_V4_PUBLIC)
        return paseto_token_open(&out->key->public_key, text, want, &out->claims);
    if (out->key->format == TOKEN_V4_LOCAL)
        return paseto_token_open_local(&out->key->local, text, want, &out->claims);
    return REFUSED;
}

/* Everything; times come last, so that E_EXPIRED means that nothing else was wrong. aged: it is no fault. */
static struct cardea_status verify(const struct keyring *k, struct view text, const struct access_expectation *want,
                                   int64_t now_ms, bool aged, struct access_token *out)
{
    struct access_token found;

    if (text.len > ACCESS_TOKEN_TEXT_MAX)
        return REFUSED;
    struct cardea_status s = paseto_purpose(text) != PASETO_UNSET ? open_paseto(k, text, want, now_ms, &found)
                                                                  : open_jws(k, text, want, now_ms, &found);
    if (!cardea_ok(s))
        return s;
    s = access_token_times(&found.claims, now_ms);
    if (aged && s.code == CARDEA_E_EXPIRED)
        s = CARDEA_SUCCESS;
    if (cardea_ok(s))
        *out = found;
    return s;
}

struct cardea_status access_token_verify(const struct keyring *k, struct view text,
                                         const struct access_expectation *want, int64_t now_ms,
                                         struct access_token *out)
{
    return verify(k, text, want, now_ms, false, out);
}

struct cardea_status access_token_verify_aged(const struct keyring *k, struct view text,
                                              const struct access_expectation *want, int64_t now_ms,
                                              struct access_token *out)
{
    return verify(k, text, want, now_ms, true, out);
}
