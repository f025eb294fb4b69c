/* Sealed sessions: whatever the text, and whatever stands inside a text of ours, opening ends, and what it accepts
 * holds together.
 *
 * The first byte chooses: 'r' the rest is a text as it came; 's' the rest is a payload, sealed here under the key, so
 * that the fuzzer reaches what stands behind the authentication. */
#include "credential_keys.h"
#include "fuzz.h"

#include "core/sealed.h"
#include "crypto/random.h"

enum { INPUT_MAX = 4096 };
static const int64_t now_s = 1800000000;

static const struct sealed_keys *keys(void)
{
    static struct sealed_keys made;
    static const struct key_id id = {{1, 2, 3}};
    static const uint8_t bytes[SEALED_KEY_BYTES] = {4, 5, 6};

    if (made.count == 0) {
        EXPECT(cardea_ok(crypto_start()));
        EXPECT(cardea_ok(sealed_keys_add(&made, &id, bytes, 0)));
    }
    return &made;
}

static bool same(const struct sealed_session *a, const struct sealed_session *b)
{
    return ID_SAME(a->sid, b->sid) && ID_SAME(a->sub, b->sub) && a->epoch == b->epoch && strcmp(a->app, b->app) == 0 &&
           a->iat_s == b->iat_s && a->exp_s == b->exp_s && a->end_s == b->end_s;
}

/* What was accepted can be sealed again, and then says the same; its renewal ends no later. */
static void accepted(const struct sealed_session *s)
{
    struct sealed_session again, next;
    char text[SEALED_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    EXPECT(s->exp_s > now_s && s->exp_s <= s->end_s && s->exp_s - s->iat_s <= SEALED_LIFETIME_MAX_S && s->epoch >= 1);
    EXPECT(s->app[0] != '\0' && strlen(s->app) <= APP_NAME_MAX);
    EXPECT(cardea_ok(sealed_seal(keys(), s, fuzz_entropy(), &b)));
    EXPECT(cardea_ok(sealed_open(keys(), buf_view(&b), now_s * 1000, &again)) && same(s, &again));
    EXPECT(cardea_ok(sealed_renew(s, now_s * 1000, SEALED_LIFETIME_S, &next)));
    EXPECT(next.end_s == s->end_s && next.exp_s <= s->end_s && next.exp_s > now_s && ID_SAME(next.sid, s->sid));
}

static void judge(struct view text)
{
    struct sealed_session s, aged;
    struct cardea_status status = sealed_open(keys(), text, now_s * 1000, &s);
    struct cardea_status at_any_age = sealed_open_aged(keys(), text, now_s * 1000, &aged);

    EXPECT(status.code == CARDEA_OK || status.code == CARDEA_E_INVALID_SESSION || status.code == CARDEA_E_EXPIRED);
    EXPECT(at_any_age.code == CARDEA_OK || at_any_age.code == CARDEA_E_INVALID_SESSION ||
           at_any_age.code == CARDEA_E_EXPIRED);
    if (cardea_ok(status)) {
        EXPECT(cardea_ok(at_any_age) && same(&s, &aged));
        accepted(&s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[3 * INPUT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    struct view rest = view_skip(view_of(data, size), 1);

    if (size < 1 || size > INPUT_MAX)
        return 0;
    if (data[0] != 's') {
        judge(rest);
        return 0;
    }
    struct jwe_header h = {.typ = VIEW("sealed+jwt")};
    EXPECT(cardea_ok(jwe_seal(keys()->keys[0].jwe, &h, rest, fuzz_entropy(), &b)));
    judge(buf_view(&b));
    return 0;
}
