/* Access tokens: whatever the bytes, verification ends, and what it accepts holds together.
 *
 * The first byte chooses: 'r' the rest is a token as it came; 's' the rest is a header, a line feed and a payload,
 * signed here, so that the fuzzer reaches what stands behind the signature. */
#include "credential_keys.h"
#include "fuzz.h"

#include "base/text.h"
#include "core/access_token.h"

enum { INPUT_MAX = 4096 };
static const int64_t now_s = 1800000000;

static struct access_expectation expectation(void)
{
    static const struct view audience = {"https://api.example.com", 23};

    return (struct access_expectation){VIEW("https://id.example.com"), &audience, 1};
}

/* What was accepted can be signed again, and then says the same. */
static void accepted(const struct access_token *token)
{
    const struct access_claims *c = &token->claims;
    struct access_expectation want = expectation();
    struct access_token again;
    char text[ACCESS_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    EXPECT(token->key == fuzz_keyring()->active[TOKEN_ES256]);
    EXPECT(c->exp_s > now_s && c->exp_s - c->iat_s <= LIFETIME_MAX_S && c->iat_s <= now_s + LEEWAY_S);
    EXPECT(c->nbf_s >= 0 && c->nbf_s <= now_s + LEEWAY_S && c->epoch >= 1);
    EXPECT(view_is(want.audiences[0], c->audience));
    struct cardea_status s = access_token_sign(fuzz_keyring(), TOKEN_ES256, fuzz_entropy(), want.issuer, c, &b);
    if (s.code == CARDEA_E_TOO_LARGE)
        return; /* escapes may make it longer */
    EXPECT(cardea_ok(s));
    EXPECT(cardea_ok(access_token_verify(fuzz_keyring(), buf_view(&b), &want, now_s * 1000, &again)));
    EXPECT(ID_SAME(c->sub, again.claims.sub) && ID_SAME(c->jti, again.claims.jti) && ID_SAME(c->sid, again.claims.sid));
    EXPECT(c->exp_s == again.claims.exp_s && c->iat_s == again.claims.iat_s && c->nbf_s == again.claims.nbf_s);
    EXPECT(c->epoch == again.claims.epoch && strcmp(c->client_id, again.claims.client_id) == 0);
    EXPECT(strcmp(c->roles, again.claims.roles) == 0);
}

static void judge(struct view text)
{
    struct access_expectation want = expectation();
    struct access_token token;
    struct cardea_status s = access_token_verify(fuzz_keyring(), text, &want, now_s * 1000, &token);

    EXPECT(s.code == CARDEA_OK || s.code == CARDEA_E_INVALID_TOKEN || s.code == CARDEA_E_EXPIRED);
    if (cardea_ok(s))
        accepted(&token);
}

static void judge_signed(struct view header, struct view payload)
{
    static char text[INPUT_MAX * 2];
    struct buf b = buf_fixed(text, sizeof text);
    uint8_t signature[SIGNATURE_MAX];
    size_t len;

    buf_base64url(&b, header.ptr, header.len);
    buf_char(&b, '.');
    buf_base64url(&b, payload.ptr, payload.len);
    EXPECT(cardea_ok(signing_key_sign(fuzz_keyring()->active[TOKEN_ES256]->sign, buf_view(&b), signature, &len)));
    buf_char(&b, '.');
    buf_base64url(&b, signature, len);
    EXPECT(buf_ok(&b));
    judge(buf_view(&b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view header, payload, rest = view_of(data, size);

    if (size < 1 || size > INPUT_MAX)
        return 0;
    rest = view_skip(rest, 1);
    if (data[0] != 's')
        judge(rest);
    else if (view_cut(rest, '\n', &header, &payload))
        judge_signed(header, payload);
    return 0;
}
