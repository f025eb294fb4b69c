/* PASETO: whatever the bytes, reading ends; what is accepted has one text, and can be made again.
 *
 * The first byte chooses: 'p' and 'l' the rest is a footer, a line feed and a message, signed or encrypted here, so
 * that the fuzzer reaches what stands behind signature and tag; 'k' the rest is a key or an id; else it is a token as
 * it came. */
#include "fuzz.h"

#include "base/text.h"
#include "core/paseto_token.h"
#include "crypto/random.h"

enum { INPUT_MAX = 9000 };
static const int64_t now_s = 1800000000;

static struct paseto_secret_key pair;
static struct paseto_local_key local;
static struct paseto_space space;
static char again_text[PASETO_TEXT_MAX];

static void set_up(void)
{
    uint8_t seed[32];

    if (pair.bytes != NULL)
        return;
    memset(seed, 7, sizeof seed);
    EXPECT(cardea_ok(crypto_start()));
    EXPECT(cardea_ok(paseto_secret_key_init(&pair, seed)) && cardea_ok(paseto_local_key_init(&local, seed)));
}

/* Gives the nonce that its context points at. */
static void give(void *context, void *out, size_t len)
{
    EXPECT(len == 32);
    memcpy(out, context, len);
}

static struct access_expectation expectation(void)
{
    static const struct view audience = {"https://api.example.com", 23};

    return (struct access_expectation){VIEW("https://id.example.com"), &audience, 1};
}

static struct cardea_status judge_claims(enum paseto_purpose p, struct view text, struct paseto_token *out)
{
    struct access_expectation want = expectation();

    return p == PASETO_PUBLIC ? paseto_token_verify(&pair.public, 1, text, &want, now_s * 1000, out)
                              : paseto_token_decrypt(&local, 1, text, &want, now_s * 1000, out);
}

/* What was accepted can be made again, and then says the same. */
static void accepted_claims(enum paseto_purpose p, const struct access_claims *c)
{
    static uint8_t nonce[32];
    struct access_expectation want = expectation();
    const struct entropy e = {give, nonce};
    struct paseto_token again;
    char text[PASETO_TOKEN_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    EXPECT(c->exp_s > now_s && c->exp_s - c->iat_s <= LIFETIME_MAX_S && c->iat_s <= now_s + LEEWAY_S);
    EXPECT(c->nbf_s >= 0 && c->nbf_s <= now_s + LEEWAY_S && c->epoch >= 1);
    EXPECT(view_is(want.audiences[0], c->audience));
    struct cardea_status s = p == PASETO_PUBLIC ? paseto_token_sign(&pair, want.issuer, c, &b)
                                                : paseto_token_encrypt(&local, want.issuer, c, &e, &b);
    if (s.code == CARDEA_E_TOO_LARGE)
        return; /* escapes may make it longer */
    EXPECT(cardea_ok(s) && cardea_ok(judge_claims(p, buf_view(&b), &again)));
    EXPECT(ID_SAME(c->sub, again.claims.sub) && ID_SAME(c->jti, again.claims.jti) && ID_SAME(c->sid, again.claims.sid));
    EXPECT(c->exp_s == again.claims.exp_s && c->iat_s == again.claims.iat_s && c->nbf_s == again.claims.nbf_s);
    EXPECT(c->epoch == again.claims.epoch && strcmp(c->client_id, again.claims.client_id) == 0);
    EXPECT(strcmp(c->roles, again.claims.roles) == 0);
}

/* One text a token: making it again gives the same bytes. */
static void accepted_token(enum paseto_purpose p, struct view text, const struct paseto_opened *o)
{
    struct buf b = buf_fixed(again_text, sizeof again_text);
    uint8_t body[PASETO_BODY_MAX];
    size_t len;
    struct view encoded, rest;

    if (p == PASETO_PUBLIC) {
        EXPECT(cardea_ok(paseto_public_sign(&pair, o->message, o->footer, VIEW_EMPTY, &b)));
    } else {
        (void)view_cut(view_skip(text, 9), '.', &encoded, &rest);
        EXPECT(cardea_ok(base64url_decode(encoded, body, sizeof body, &len)) && len >= 64);
        const struct entropy e = {give, body};
        EXPECT(cardea_ok(paseto_local_encrypt(&local, o->message, o->footer, VIEW_EMPTY, &e, &b)));
    }
    EXPECT(view_equal(buf_view(&b), text));
}

static void judge(struct view text, bool must_open)
{
    const struct paseto_expectation plain = {.implicit = VIEW_EMPTY};
    uint8_t footer[PASETO_FOOTER_MAX];

    for (enum paseto_purpose p = PASETO_PUBLIC; p <= PASETO_LOCAL; p++) {
        struct paseto_opened opened;
        struct paseto_token token;
        struct view peeked;
        struct cardea_status s = p == PASETO_PUBLIC ? paseto_public_verify(&pair.public, text, &plain, &space, &opened)
                                                    : paseto_local_decrypt(&local, text, &plain, &space, &opened);
        EXPECT(s.code == CARDEA_OK || s.code == CARDEA_E_INVALID_TOKEN);
        EXPECT(!cardea_ok(s) || paseto_purpose(text) == p);
        EXPECT(cardea_ok(s) || !must_open || paseto_purpose(text) != p);
        if (cardea_ok(s)) {
            EXPECT(cardea_ok(paseto_footer_peek(text, footer, &peeked)) && view_equal(peeked, opened.footer));
            accepted_token(p, text, &opened);
        }
        struct cardea_status t = judge_claims(p, text, &token);
        EXPECT(t.code == CARDEA_OK || t.code == CARDEA_E_INVALID_TOKEN || t.code == CARDEA_E_EXPIRED);
        EXPECT(cardea_ok(s) || t.code == CARDEA_E_INVALID_TOKEN);
        if (cardea_ok(t))
            accepted_claims(p, &token.claims);
    }
}

/* An empty footer means the right one: the fuzzer need not know the keys' ids. */
static void judge_made(enum paseto_purpose p, struct view footer, struct view message)
{
    static char text[PASETO_TEXT_MAX];
    static uint8_t nonce[32];
    const struct entropy e = {give, nonce};
    struct buf b = buf_fixed(text, sizeof text);
    char right[80];
    struct buf f = buf_fixed(right, sizeof right);

    buf_text(&f, "{\"kid\":\"");
    buf_paserk_id(&f, p == PASETO_PUBLIC ? &pair.public.id : &local.id);
    buf_text(&f, "\"}");
    if (footer.len == 0)
        footer = buf_view(&f);
    struct cardea_status s = p == PASETO_PUBLIC ? paseto_public_sign(&pair, message, footer, VIEW_EMPTY, &b)
                                                : paseto_local_encrypt(&local, message, footer, VIEW_EMPTY, &e, &b);
    EXPECT(cardea_ok(s) || s.code == CARDEA_E_TOO_LARGE);
    if (cardea_ok(s))
        judge(buf_view(&b), true);
}

/* A text is at most one kind of key, and that key's only text. */
static void judge_key(struct view text)
{
    struct paseto_public_key p;
    struct paseto_secret_key s;
    struct paseto_local_key l;
    struct paserk_id id;
    char again[PASERK_SECRET_TEXT];
    struct buf b = buf_fixed(again, sizeof again);
    int kinds = 0;

    if (cardea_ok(paserk_public_parse(text, &p)) && ++kinds)
        buf_paserk_public(&b, &p);
    if (cardea_ok(paserk_secret_parse(text, &s)) && ++kinds) {
        buf_paserk_secret(&b, &s);
        paseto_secret_key_clear(&s);
    }
    if (cardea_ok(paserk_local_parse(text, &l)) && ++kinds) {
        buf_paserk_local(&b, &l);
        paseto_local_key_clear(&l);
    }
    if (cardea_ok(paserk_id_parse(text, &id)) && ++kinds)
        buf_paserk_id(&b, &id);
    EXPECT(kinds <= 1 && buf_ok(&b));
    EXPECT(kinds == 0 || view_equal(buf_view(&b), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view footer, message, rest = view_of(data, size);

    set_up();
    if (size < 1 || size > INPUT_MAX)
        return 0;
    if (data[0] == 'k')
        judge_key(view_skip(rest, 1));
    else if ((data[0] == 'p' || data[0] == 'l') && view_cut(view_skip(rest, 1), '\n', &footer, &message))
        judge_made(data[0] == 'p' ? PASETO_PUBLIC : PASETO_LOCAL, footer, message);
    else
        judge(rest, false);
    return 0;
}
