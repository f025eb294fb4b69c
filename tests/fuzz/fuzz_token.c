/* Tokens of anybody and of trusted issuers: whatever the bytes, verification ends; every claim of what it accepts can
 * be asked for in every way; the mapping keeps to its limits.
 *
 * The first byte chooses: 'r' the rest is a token as it came; 's' the rest is a header, a line feed and a payload,
 * signed here, so that the fuzzer reaches what stands behind the signature. */
#include "credential_keys.h"
#include "fuzz.h"

#include "base/text.h"
#include "core/issuer.h"

#include <stdatomic.h>

enum { INPUT_MAX = 8192 };
static const int64_t now_ms = INT64_C(1800000000) * 1000;

static struct settings settings;
static struct policy policy = {.issuer_bits = 1, .issuer_count = 1};
static struct issuer_keys *keys;
static struct issuer_ring *ring;

static void make(void)
{
    char jwks[1024];
    struct buf b = buf_fixed(jwks, sizeof jwks);
    struct issuer *i = &settings.issuers[0];

    issuer_defaults(i, VIEW("other"));
    memcpy(i->issuer, "https://other.example", 22);
    memcpy(i->audiences[i->audience_count++], "https://api.example.com", 24);
    i->algorithms[0] = SIGNATURE_ES256;
    i->algorithm_count = 1;
    i->types = TOKEN_TYPE_ANY;
    memcpy(i->roles.paths[0], "/realm_access/roles", 20);
    memcpy(i->roles.paths[1], "roles", 6);
    i->roles.count = 2;
    settings.issuer_count = 1;
    buf_text(&b, "{\"keys\":[");
    buf_access_jwk(&b, fuzz_keyring()->active[TOKEN_ES256]);
    buf_text(&b, "]}");
    EXPECT(buf_ok(&b) && cardea_ok(issuer_keys_read(i, buf_view(&b), 1, &keys)));
    atomic_store(&keys->drop_at_ms, INT64_MAX);
    struct issuer_keys *all[ISSUERS_MAX] = {keys};
    ring = issuer_ring_new(settings.generation, all);
    EXPECT(ring != NULL);
}

/* Every name at the top is asked for as everything. */
static void ask_claims(const struct verified_token *t)
{
    for (uint32_t name = json_first(&t->claims, 0); name != 0; name = json_after(&t->claims, 0, name)) {
        struct view path = token_text(t, name), text, list[8];
        int64_t n;
        bool flag;
        size_t count = 0;
        EXPECT(utf8_valid(path));
        (void)cardea_ok(token_claim_int(t, path, &n));
        (void)cardea_ok(token_claim_bool(t, path, &flag));
        if (cardea_ok(token_claim_text(t, path, &text)))
            EXPECT(utf8_valid(text) && (text.len == 0 || text.ptr[text.len] == '\0'));
        if (cardea_ok(token_claim_list(t, path, list, 8, &count)))
            EXPECT(count <= 8);
        for (size_t i = 0; i < count; i++)
            EXPECT(utf8_valid(list[i]));
        (void)token_claim_has(t, path, VIEW("admin"));
    }
}

static void judge_any(struct view text)
{
    static struct token_space space;
    struct view issuer = VIEW("https://other.example"), audience = VIEW("https://api.example.com");
    struct token_rules rules = {.issuers = &issuer,
                                .issuer_count = 1,
                                .audiences = &audience,
                                .audience_count = 1,
                                .types = TOKEN_TYPE_JWT | TOKEN_TYPE_ACCESS,
                                .algorithms = TOKEN_ALGORITHMS_PUBLIC,
                                .lifetime_max_s = 86400};
    struct verified_token t;
    struct cardea_status s = token_verify(keys->set, &rules, text, now_ms, &space, &t);

    EXPECT(s.code == CARDEA_OK || s.code == CARDEA_E_INVALID_TOKEN || s.code == CARDEA_E_EXPIRED);
    if (!cardea_ok(s))
        return;
    EXPECT(t.algorithm == SIGNATURE_ES256 && view_equal(t.issuer, issuer) && view_equal(t.audience, audience));
    EXPECT(t.exp_s * 1000 > now_ms && t.iat_s > 0 && t.exp_s - t.iat_s <= 86400);
    EXPECT(token_payload(&t).len > 0 && token_payload(&t).ptr[0] != '\0');
    ask_claims(&t);
}

static void judge_foreign(struct view text)
{
    static struct token_space space;
    static struct foreign_identity who;
    size_t which;

    if (!cardea_ok(foreign_issuer(&settings, &policy, text, &space, &which)))
        return;
    EXPECT(which == 0);
    struct cardea_status s = foreign_verify(&settings, ring, which, NULL, now_ms, 1000, text, &space, &who);
    EXPECT(s.code == CARDEA_OK || s.code == CARDEA_E_INVALID_TOKEN || s.code == CARDEA_E_EXPIRED ||
           s.code == CARDEA_E_FORBIDDEN || s.code == CARDEA_E_NOT_FOUND);
    if (!cardea_ok(s))
        return;
    EXPECT(who.issuer == &settings.issuers[0] && who.subject.len > 0 && who.subject.len <= FOREIGN_SUBJECT_MAX);
    EXPECT(who.username.len <= FOREIGN_USERNAME_MAX && who.role_count <= FOREIGN_WORDS_MAX);
    EXPECT(who.scope_count <= FOREIGN_WORDS_MAX && who.audiences != 0);
    for (uint32_t i = 0; i < who.role_count; i++)
        EXPECT(utf8_valid(who.roles[i]));
    (void)cardea_ok(policy_check_foreign(&policy, &who, now_ms));
}

static struct view sign(struct view header, struct view payload)
{
    static char text[2 * INPUT_MAX];
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
    return buf_view(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view header, payload, text = view_skip(view_of(data, size), 1);

    if (size < 1 || size > INPUT_MAX)
        return 0;
    if (ring == NULL)
        make();
    if (data[0] == 's') {
        if (!view_cut(text, '\n', &header, &payload))
            return 0;
        text = sign(header, payload);
    }
    judge_any(text);
    judge_foreign(text);
    return 0;
}
