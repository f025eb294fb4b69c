/* Tools to forge access tokens: any header and any payload with a right signature, so that what is tested is never the
 * signature unless it is meant to be. Texts live in a ring of scratch space: one is gone after the next 64.
 */
#ifndef UNIT_TOKEN_FORGE_H
#define UNIT_TOKEN_FORGE_H

#include "key_double.h"

#include "base/text.h"
#include "core/access_token.h"

#include <stdio.h>
#include <stdlib.h>

enum { TOKEN_MAX = 8192 };

static const int64_t now_s = 1800000000, now_ms = INT64_C(1800000000) * 1000;
static const char issuer[] = "https://id.example.com";
static const char audience[] = "https://api.example.com";

static struct key_double store;
static struct keyring *keys, *others; /* others: another installation */
static char kid[KEY_ID_TEXT + 1];

static inline int set_up(void **state)
{
    static struct key_double other_store;
    struct buf b = buf_fixed(kid, KEY_ID_TEXT);

    (void)state;
    keys = key_double_ring(&store, entropy_system(), 1000);
    others = key_double_ring(&other_store, entropy_system(), 1000);
    buf_key_id(&b, keys->active[TOKEN_ES256]->id);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    keyring_unref(keys);
    keyring_unref(others);
    return 0;
}

static inline struct access_expectation expectation(void)
{
    static struct view accepted[2];

    accepted[0] = VIEW("https://other-api.example.com");
    accepted[1] = view_text(audience);
    return (struct access_expectation){view_text(issuer), accepted, 2};
}

static inline struct cardea_status verify(struct view text)
{
    struct access_expectation want = expectation();
    struct access_token out;

    return access_token_verify(keys, text, &want, now_ms, &out);
}

#define assert_refused(text) assert_code(verify(text), E_INVALID_TOKEN)

/* Texts in a ring, so that several can be used in one expression. Not inlined: seen through, one text of the ring looks
 * to the compiler like another. */
static __attribute__((noinline, unused, returns_nonnull)) char *scratch(void)
{
    static char texts[64][TOKEN_MAX];
    static unsigned next;

    return texts[next++ % 64];
}

static inline const char *encode(struct view bytes)
{
    char *text = scratch();
    struct buf b = buf_fixed(text, TOKEN_MAX - 1);

    buf_base64url(&b, bytes.ptr, bytes.len);
    assert_true(buf_ok(&b));
    text[b.len] = '\0';
    return text;
}

static inline const char *join(const char *a, const char *b)
{
    char *text = scratch();

    assert_true(snprintf(text, TOKEN_MAX, "%s.%s", a, b) < TOKEN_MAX);
    return text;
}

/* header.payload with a signature by the ring's active key: whatever is in them, the signature is right. */
static inline struct view signed_by(const struct keyring *k, struct view header, struct view payload)
{
    const char *input = join(encode(header), encode(payload));
    uint8_t signature[SIGNATURE_MAX];
    size_t len;

    assert_ok(signing_key_sign(k->active[TOKEN_ES256]->sign, view_text(input), signature, &len));
    return view_text(join(input, encode(view_of(signature, len))));
}

static inline struct view good_header(void)
{
    char *text = scratch();

    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", kid);
    return view_text(text);
}

#define SUBJECT "\"sub\":\"01940000-0000-7000-8000-000000000001\""
#define IDS "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sid\":\"BBBBBBBBBBBBBBBBBBBBBA\""

/* Claims made of parts; each may be replaced. NULL leaves one out. */
struct parts {
    const char *iss, *sub, *aud, *times, *ids, *rest;
};

static inline struct parts good_parts(void)
{
    return (struct parts){"\"iss\":\"https://id.example.com\"",    SUBJECT, "\"aud\":\"https://api.example.com\"",
                          "\"exp\":1800000900,\"iat\":1800000000", IDS,     "\"ep\":3,\"client_id\":\"mobile\""};
}

static inline struct view claims(struct parts p)
{
    const char *all[] = {p.iss, p.sub, p.aud, p.times, p.ids, p.rest};
    char *text = scratch();
    size_t len = 1;

    text[0] = '{';
    for (size_t i = 0; i < 6; i++)
        if (all[i] != NULL)
            len += (size_t)snprintf(text + len, TOKEN_MAX - len, "%s%s", len > 1 ? "," : "", all[i]);
    text[len] = '}';
    return view_of(text, len + 1);
}

static inline struct view with_header(const char *header)
{
    return signed_by(keys, view_text(header), claims(good_parts()));
}

static inline struct view with_payload(struct view payload)
{
    return signed_by(keys, good_header(), payload);
}

/* A header with alg and kid right and something more in front or instead of typ. */
static inline struct view with_members(const char *members)
{
    char *text = scratch();

    snprintf(text, TOKEN_MAX, "{\"alg\":\"ES256\",\"kid\":\"%s\"%s%s}", kid, members[0] == '\0' ? "" : ",", members);
    return with_header(text);
}

static inline const char *good_token(void)
{
    return with_payload(claims(good_parts())).ptr;
}

static inline struct view with_alg(const char *alg_json)
{
    char *text = scratch();

    snprintf(text, TOKEN_MAX, "{\"alg\":%s,\"kid\":\"%s\",\"typ\":\"at+jwt\"}", alg_json, kid);
    return with_header(text);
}

/* The token's own header and payload without a signature. */
static inline struct view unsigned_with(const char *alg_json)
{
    struct view whole = with_alg(alg_json);
    const char *last = memrchr(whole.ptr, '.', whole.len);

    return view_of(whole.ptr, (size_t)(last - whole.ptr) + 1);
}

#endif
