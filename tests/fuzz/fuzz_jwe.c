/* JWE: whatever the bytes, reading and opening end; what opens holds together and has one text.
 *
 * The first byte chooses: 'r' the rest is a text as it came, tried with a key of every kind (that of RFC 7516 A.3 among
 * them); 'd' the rest is a header, a line feed and a plain text, encrypted here for dir, and 'k' for A128KW, so that
 * the fuzzer reaches what stands behind the authentication. */
#include "fuzz.h"

#include "base/text.h"
#include "core/jwe.h"
#include "credential_keys.h"
#include "crypto/keywrap.h"
#include "crypto/random.h"

enum { INPUT_MAX = 4096, KEYS = 6 };

static uint8_t secret[64];
static const uint8_t rfc7516_a3[16] = {0x19, 0xac, 0x20, 0x82, 0xe1, 0x72, 0x1a, 0xb5,
                                       0x8a, 0x6a, 0xfe, 0xc0, 0x5f, 0x85, 0x4a, 0x52};

static struct jwe_key *symmetric(enum jwe_alg a, unsigned encs, const uint8_t *bytes, size_t len)
{
    struct jwe_rule r = {a, encs, VIEW("k")};
    struct jwe_key *k = NULL;

    EXPECT(cardea_ok(jwe_key_symmetric(&r, view_of(bytes, len), &k)));
    return k;
}

static struct jwe_key *agreement(enum jwe_alg a, enum agreement_curve c)
{
    struct jwe_rule r = {a, JWE_ENC_ALL, VIEW_EMPTY};
    struct jwe_key *k = NULL;

    EXPECT(cardea_ok(jwe_key_agreement(&r, c, VIEW_EMPTY, view_of(secret, agreement_coordinate_len(c)), &k)));
    return k;
}

static struct jwe_key *const *keys(void)
{
    static struct jwe_key *made[KEYS];

    if (made[0] != NULL)
        return made;
    EXPECT(cardea_ok(crypto_start()));
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (uint8_t)(i + 1);
    made[0] = symmetric(JWE_DIR, JWE_ENC(AEAD_A256GCM), secret, 32);
    made[1] = symmetric(JWE_A128KW, JWE_ENC_ALL, rfc7516_a3, sizeof rfc7516_a3);
    made[2] = symmetric(JWE_A256GCMKW, JWE_ENC_ALL, secret, 32);
    made[3] = agreement(JWE_ECDH_ES, AGREEMENT_P256);
    made[4] = agreement(JWE_ECDH_ES, AGREEMENT_X25519);
    made[5] = agreement(JWE_ECDH_ES_A128KW, AGREEMENT_P384);
    return made;
}

/* Decoded and encoded again it is the same. */
static void canonical(struct view segment)
{
    uint8_t bytes[JWE_TEXT_MAX];
    char text[JWE_TEXT_MAX];
    size_t len;

    EXPECT(cardea_ok(base64url_decode(segment, bytes, sizeof bytes, &len)));
    base64url_encode(bytes, len, text);
    EXPECT(view_equal(segment, view_of(text, BASE64URL_LEN(len))));
}

/* What opened is written in the only way there is, and what it says can be sealed and opened again. */
static void opened_well(struct view text, const struct jwe_token *t, const struct jwe_key *k,
                        const struct jwe_opened *o)
{
    char storage[JWE_TEXT_MAX];
    uint8_t room[JWE_TEXT_MAX];
    struct buf b = buf_fixed(storage, sizeof storage);
    struct jwe_header h = {.enc = o->enc, .typ = jwe_name_view(&o->typ), .cty = jwe_name_view(&o->cty)};
    const struct view segments[] = {t->header, t->key, t->iv, t->body, t->tag};
    struct jwe_opened second;
    size_t total = 4;

    for (size_t i = 0; i < 5; i++) {
        canonical(segments[i]);
        total += segments[i].len;
    }
    EXPECT(total == text.len && t->alg == jwe_key_alg(k) && t->enc == o->enc);
    struct cardea_status s = jwe_seal(k, &h, o->plain, fuzz_entropy(), &b);
    if (s.code == CARDEA_E_USAGE)
        return; /* escapes may make a name too long */
    EXPECT(cardea_ok(s));
    EXPECT(cardea_ok(jwe_open(buf_view(&b), k, fuzz_entropy(), room, sizeof room, &second)));
    EXPECT(view_equal(second.plain, o->plain));
}

static void judge(struct view text, const struct jwe_key *k)
{
    uint8_t room[JWE_TEXT_MAX];
    struct jwe_token t;
    struct jwe_opened opened;
    struct cardea_status s = jwe_read(text, &t);

    EXPECT(s.code == CARDEA_OK || s.code == CARDEA_E_INVALID_TOKEN);
    if (!cardea_ok(s))
        return;
    s = jwe_token_open(&t, k, fuzz_entropy(), room, sizeof room, &opened);
    EXPECT(s.code == CARDEA_OK || s.code == CARDEA_E_INVALID_TOKEN);
    if (cardea_ok(s))
        opened_well(text, &t, k, &opened);
}

static void judge_made(struct view header, struct view plain, bool wrapped)
{
    static char text[INPUT_MAX * 3];
    uint8_t body[INPUT_MAX], tag[AEAD_TAG_MAX], iv[12] = {7}, key[40];
    struct buf b = buf_fixed(text, sizeof text);
    struct jwe_key *const *all = keys();

    buf_base64url(&b, header.ptr, header.len);
    struct aead_message m = {.iv = view_of(iv, sizeof iv), .aad = buf_view(&b), .text = plain};
    EXPECT(cardea_ok(aead_seal_once(AEAD_A256GCM, view_of(secret, 32), &m, body, tag)));
    EXPECT(cardea_ok(keywrap_once(view_of(rfc7516_a3, 16), view_of(secret, 32), key)));
    buf_char(&b, '.');
    buf_base64url(&b, key, wrapped ? sizeof key : 0);
    buf_char(&b, '.');
    buf_base64url(&b, iv, sizeof iv);
    buf_char(&b, '.');
    buf_base64url(&b, body, plain.len);
    buf_char(&b, '.');
    buf_base64url(&b, tag, 16);
    EXPECT(buf_ok(&b));
    judge(buf_view(&b), all[wrapped ? 1 : 0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view header, plain, rest = view_of(data, size);

    if (size < 1 || size > INPUT_MAX)
        return 0;
    rest = view_skip(rest, 1);
    if (data[0] == 'd' || data[0] == 'k') {
        if (view_cut(rest, '\n', &header, &plain))
            judge_made(header, plain, data[0] == 'k');
        return 0;
    }
    for (size_t i = 0; i < KEYS; i++)
        judge(rest, keys()[i]);
    return 0;
}
